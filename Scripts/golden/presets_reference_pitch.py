"""Kaldi's pitch features in float64: compute-and-process-kaldi-pitch-feats, defaults, no noise.

After Ghahremani et al., "A pitch extraction algorithm tuned for automatic speech recognition"
(ICASSP 2014), in the form that Kaldi runs on a whole recording. The steps: low-pass to 4 kHz,
normalised cross-correlation (NCCF) at the lags of 50 to 400 Hz, resampled to 417 lags of equal
ratio, Viterbi over them, and three features of the path.

requirements: numpy==2.4.6
"""

import math

import numpy as np

RATE, CUTOFF = 4000, 1000  # Hz, of the signal in which the pitch is sought
LENGTH, HOP = 100, 40  # 25 and 10 ms
FIRST, LAST = 8, 82  # lags in samples: 1/400 s less, and 1/50 s and more, 2.5 samples for the filter
LAGS = 1 / 400 * 1.005 ** np.arange(417)  # seconds; the last that is at most 1/50
BALLAST = 7000


def low_pass(seconds, cutoff, zeros):
    """A sinc under a raised cosine that ends at its zero number `zeros` on either side."""
    end = zeros / (2 * cutoff)
    window = np.where(np.abs(seconds) < end, 0.5 + 0.5 * np.cos(np.pi * seconds / end), 0)
    return 2 * cutoff * np.sinc(2 * cutoff * seconds) * window


def downsampled(samples, rate):
    """At 4 kHz, up to the last instant before the end; zeros beyond both ends."""
    times = np.arange(-(-len(samples) * RATE // rate)) / RATE
    reach = rate // (2 * CUTOFF) + 1
    near = np.floor(times * rate).astype(int)[:, None] + np.arange(-reach, reach + 2)
    weights = low_pass(near / rate - times[:, None], CUTOFF, zeros=1) / rate
    inside = (near >= 0) & (near < len(samples))
    return (np.where(inside, samples[near.clip(0, len(samples) - 1)], 0) * weights).sum(axis=1)


def received(samples, rate):
    """How many samples at 4 kHz Kaldi has before it is told that the input is finished: those that
    need no sample from beyond the end."""
    ticks = math.lcm(rate, RATE)
    return max(0, -(-(samples * (ticks // rate) - ticks // (2 * CUTOFF)) // (ticks // RATE)))


def correlated(wave, frames):
    """[frames, lags] twice: the products of a frame with its shifted self, and of their energies.
    Both have the mean of the unshifted frame taken off; beyond the end there are zeros."""
    padded = np.pad(wave, (0, LENGTH + LAST))
    windows = padded[HOP * np.arange(frames)[:, None] + np.arange(LENGTH + LAST)]
    windows = windows - windows[:, :LENGTH].mean(axis=1, keepdims=True)
    frame = windows[:, :LENGTH]
    shifted = [windows[:, lag : lag + LENGTH] for lag in range(FIRST, LAST + 1)]
    products = np.stack([(frame * other).sum(axis=1) for other in shifted], axis=1)
    energies = np.stack([(other**2).sum(axis=1) for other in shifted], axis=1)
    return products, energies * (frame**2).sum(axis=1, keepdims=True)


def normalised(products, energies, ballast):
    """The NCCF, at LAGS. The ballast is what makes it small where the signal is quiet."""
    divisor = np.sqrt(energies + ballast)
    nccf = np.divide(products, divisor, out=np.zeros_like(products), where=divisor != 0)
    distance = LAGS - np.arange(FIRST, LAST + 1)[:, None] / RATE
    return nccf @ (low_pass(distance, RATE / 2, zeros=5) / RATE)


def ballasts(wave, early, frames, early_frames):
    """[frames, 1] what each frame was first given, from the variance of the signal so far, and
    [frames, 1] what it ends with: the first 500 frames are scaled to the final variance if theirs
    was off by more than 1 % of the sum."""
    first, last = (part.var() if len(part) else 0.0 for part in (wave[:early], wave))
    given = np.where(np.arange(frames) < early_frames, first, last)[:, None]
    revise = 0 < early_frames < 500 and abs(first - last) > 0.01 * (first + last)
    revised = revise & (np.arange(frames) < 500)[:, None]
    final = np.where(revised, last, given)
    return BALLAST * (given * LENGTH) ** 2, BALLAST * (final * LENGTH) ** 2


def cheapest_path(costs):
    """Viterbi: a step of n lags costs 0.1 · (n · ln 1.005)²."""
    steps = np.arange(costs.shape[1])
    step_costs = 0.1 * (np.log(1.005) * (steps[:, None] - steps)) ** 2
    total, origins = np.zeros(costs.shape[1]), []
    for cost in costs:
        arriving = total[:, None] + step_costs
        origins.append(arriving.argmin(axis=0))
        total = arriving.min(axis=0) + cost
        total -= total.min()
    path = [int(total.argmin())]
    for origin in origins[:0:-1]:
        path.append(int(origin[path[-1]]))
    return path[::-1]


def tracked(samples, rate):
    """The NCCF and the pitch in Hz, a value a frame each."""
    wave = downsampled(samples * 32768, rate)
    early = received(len(samples), rate)
    early_frames = max(0, 1 + (early - LENGTH - LAST) // HOP)
    frames = max(0, 1 + (len(wave) - LENGTH) // HOP)
    if frames == 0:
        return np.zeros(0), np.zeros(0)
    products, energies = correlated(wave, frames)
    given, final = ballasts(wave, early, frames, early_frames)
    mean = energies.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.divide(given + mean, final + mean, out=np.ones_like(given), where=final + mean != 0))
    nccf = normalised(products, energies, given) * scale
    path = cheapest_path(1 - nccf * (1 - 10 * LAGS))
    unballasted = normalised(products, energies, 0)
    return unballasted[np.arange(frames), path], 1 / LAGS[path]


def voicing_probability(nccf):
    size = np.minimum(np.abs(nccf), 1)
    odds = (
        -5.2 + 5.4 * np.exp(7.5 * (size - 1)) + 4.8 * size
        - 2 * np.exp(-10 * size) + 4.2 * np.exp(20 * (size - 1)))
    return 1 / (1 + np.exp(-odds))


def kaldi_pitch(samples, rate):
    """[frames, 3]: twice the warped NCCF; twice the log pitch less its mean over 75 frames on either
    side, weighted by the probability of voicing; ten times the delta of the log pitch over two."""
    nccf, pitch = tracked(samples, rate)
    if len(pitch) == 0:
        return np.zeros((0, 3))
    voicing, log_pitch = voicing_probability(nccf), np.log(pitch)
    around = [slice(max(0, t - 75), t + 76) for t in range(len(pitch))]
    means = [(voicing[near] @ log_pitch[near]) / voicing[near].sum() for near in around]
    ends = np.pad(log_pitch, 2, mode="edge")
    deltas = (2 * (ends[4:] - ends[:-4]) + ends[3:-1] - ends[1:-3]) / 10
    warped = (1.0001 - np.clip(nccf, -1, 1)) ** 0.15 - 1
    return np.stack([2 * warped, 2 * (log_pitch - np.array(means)), 10 * deltas], axis=1)
