"""What every acoustic preset is, in float64: the specification that the Swift code follows.

A preset takes mono samples in [-1, 1) and their rate in Hz and gives [frames, bins]; `REFERENCES`
names them all. Nothing here calls the library that it describes: `presets.py` compares the two and
records how far apart they are. Where a library is odd, its oddity is kept and a comment says so.

requirements: numpy==2.4.6
"""

import numpy as np

from presets_reference_banks import (
    htk_bank, kaldi_bank, slaney_bank, speechbrain_bank, stepped_bank, tensorflow_bank)
from presets_reference_pitch import kaldi_pitch

EPSILON = np.finfo(np.float32).eps  # 2**-23: the floor under Kaldi's logarithms
DOUBLE_EPSILON = np.finfo(np.float64).eps  # 2**-52: what python_speech_features puts for a zero


# Windows and frames


def hann(length, symmetric=False):
    """A periodic Hann window ends one sample before the zero that a symmetric one ends with."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - symmetric))


def hamming(length):
    """The periodic Hamming window."""
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(length) / length)


def povey(length):
    """Kaldi's window: a symmetric Hann window to the power 0.85."""
    return hann(length, symmetric=True) ** 0.85


def widened(window, length):
    """The window in the middle of `length` samples, zeros around it."""
    before = (length - len(window)) // 2
    return np.pad(window, (before, length - len(window) - before))


def framed(samples, length, hop):
    """[frames, length]: frame t begins at t · hop; only frames that the samples fill."""
    count = max(0, 1 + (len(samples) - length) // hop)
    return samples[hop * np.arange(count)[:, None] + np.arange(length)]


def centred(samples, length, mode):
    """Half a frame more at each end, zeros ("constant") or mirrored ("reflect"): frame t has its
    middle at t · hop. Mirroring does not repeat the sample at the edge."""
    return np.pad(samples, length // 2, mode=mode)


def emphasised(signal):
    """Every sample less 0.97 of the one before it, along the last axis; the first stays."""
    return np.concatenate([signal[..., :1], signal[..., 1:] - 0.97 * signal[..., :-1]], axis=-1)


def power(frames, size):
    """[frames, size / 2 + 1]: squared magnitudes of a transform of `size` points."""
    return np.abs(np.fft.rfft(frames, size)) ** 2


# Logarithms, cosines, lifters


def decibels(power):
    """At least 1e-10, and at most 80 dB under the loudest value of the whole recording."""
    level = 10 * np.log10(np.maximum(power, 1e-10))
    return np.maximum(level, level.max() - 80)


def cosines(size, count, orthonormal=True):
    """[size, count]: the first `count` columns of the DCT-II, scaled by √(2 / size); the first
    column by √(1 / size) where it is orthonormal."""
    matrix = np.cos(np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count)))
    matrix[:, 0] *= np.sqrt(0.5) if orthonormal else 1
    return matrix * np.sqrt(2 / size)


def lifter(count):
    """1 + 11 · sin(π · i / 22) for coefficient i."""
    return 1 + 11 * np.sin(np.pi * np.arange(count) / 22)


# Kaldi


def kaldi_frames(samples, rate):
    """25 ms every 10 ms, both rounded down to whole samples, as 16-bit numbers, less their mean."""
    frames = framed(samples * 32768, rate * 25 // 1000, rate * 10 // 1000)
    return frames - frames.mean(axis=1, keepdims=True)


def kaldi_log_mel(frames, rate, bins, low=20, high=0):
    """The logarithm of the mel energies. The first sample of a frame has no predecessor: it loses
    0.97 of itself."""
    length = frames.shape[1]
    size = 1 << (length - 1).bit_length()
    emphasis = emphasised(frames)
    emphasis[:, 0] *= 1 - 0.97
    energies = power(emphasis * povey(length), size) @ kaldi_bank(rate, size, bins, low, high).T
    return np.log(np.maximum(energies, EPSILON))


def kaldi_fbank(samples, rate):
    return kaldi_log_mel(kaldi_frames(samples, rate), rate, bins=80)


def kaldi_mfcc(samples, rate):
    """Coefficient 0 is the logarithm of the frame's energy, before emphasis and window."""
    frames = kaldi_frames(samples, rate)
    coefficients = kaldi_log_mel(frames, rate, bins=23) @ cosines(23, 13) * lifter(13)
    coefficients[:, 0] = np.log(np.maximum((frames**2).sum(axis=1), EPSILON))
    return coefficients


def kaldi_mfcc_hires(samples, rate):
    frames = kaldi_frames(samples, rate)
    return kaldi_log_mel(frames, rate, bins=40, low=20, high=-400) @ cosines(40, 40) * lifter(40)


def slid(length, frames, centre):
    """The windows [begin, end) of apply-cmvn-sliding, `length` frames long or as many as there are.

    Uncentred ones hold length + 1 frames: the frame and `length` before it. At the beginning they
    wait for 100 frames.
    """
    for t in range(frames):
        begin, end = (t - length // 2, t - length // 2 + length) if centre else (t - length, t + 1)
        if begin < 0:
            begin, end = 0, end - begin
        if not centre and end > t:
            end = max(t + 1, 100)
        if end > frames:
            begin, end = max(0, begin - (end - frames)), frames
        yield begin, end


def kaldi_sliding(features, centre, scale):
    """Less the mean of the window, and for `scale` divided by its deviation (variance by count, at
    least 1e-10; a window of one frame gives zeros)."""
    result = np.empty_like(features)
    for t, (begin, end) in enumerate(slid(600, len(features), centre)):
        window = features[begin:end]
        result[t] = features[t] - window.mean(axis=0)
        if scale:
            result[t] /= np.sqrt(np.maximum(window.var(axis=0), 1e-10))
    return result


# transformers and Whisper


def nemo(samples, rate):
    """The last frame, for which there is no whole hop, is computed and then set to zero, as is all
    that is not counted; the statistics are of the counted frames, variance by count - 1."""
    frames = framed(centred(emphasised(samples), 512, "constant"), 512, 160)
    energies = power(frames * widened(hann(400, symmetric=True), 512), 512)
    features = np.log(energies @ slaney_bank(rate, 512, 80).T + 2**-24)
    count = len(samples) // 160
    counted = features[:count]
    features = (features - counted.mean(axis=0)) / (counted.std(axis=0, ddof=1) + 1e-5)
    features[count:] = 0
    return features


def whisper(samples, bins):
    """Always 30 s; the frame centred on the end is dropped."""
    samples = np.pad(samples[:480_000], (0, max(0, 480_000 - len(samples))))
    frames = framed(centred(samples, 400, "reflect"), 400, 160)[:-1]
    energies = power(frames * hann(400), 400) @ slaney_bank(16000, 400, bins).T
    level = np.log10(np.maximum(energies, 1e-10))
    return (np.maximum(level, level.max() - 8) + 4) / 4


def standardised(values):
    """Less the mean, divided by √(variance by count + 1e-7)."""
    return (values - values.mean()) / np.sqrt(values.var() + 1e-7)


def wav2vec2(samples, rate):
    return standardised(samples)[:, None]


def wav2vec2_bert(samples, rate):
    """Kaldi's features (its bank by Hz to mel is the same), every mel less its mean and divided by
    √(variance by count - 1, + 1e-7), two frames to a row; an odd last one is followed by zeros."""
    features = kaldi_fbank(samples, rate)
    features = (features - features.mean(axis=0)) / np.sqrt(features.var(axis=0, ddof=1) + 1e-7)
    return np.pad(features, ((0, len(features) % 2), (0, 0))).reshape(-1, 160)


# librosa, torchaudio, SpeechBrain


def librosa_mel(samples, rate, mode="constant"):
    frames = framed(centred(samples, 2048, mode), 2048, 512)
    return power(frames * hann(2048), 2048) @ slaney_bank(rate, 2048, 128).T


def librosa_mfcc(samples, rate, mode="constant"):
    return decibels(librosa_mel(samples, rate, mode)) @ cosines(128, 20)


def wavenet(samples, rate):
    """librosa 0.5 mirrored the samples at the ends. VCTK's 48 kHz became 16 kHz by taking every
    third sample, with no filter before it."""
    return librosa_mfcc(samples[::3] if rate == 48000 else samples, 16000, mode="reflect")


def torchaudio_mel(samples, rate):
    """400 points every 200, whatever the rate; at 16 kHz the lowest filters hold no bin and give 0."""
    frames = framed(centred(samples, 400, "reflect"), 400, 200)
    return power(frames * hann(400), 400) @ htk_bank(rate, 400, 128).T


def torchaudio_mfcc(samples, rate):
    return decibels(torchaudio_mel(samples, rate)) @ cosines(128, 40)


def speechbrain_fbank(samples, rate):
    """25 ms every 10 ms, rounded to even, in a transform of 400 points whatever the rate."""
    window = widened(hamming(round(rate * 0.025)), 400)
    frames = framed(centred(samples, 400, "constant"), 400, round(rate * 0.010))
    return decibels(power(frames * window, 400) @ speechbrain_bank(rate, 400, 40).T)


# python_speech_features and DeepSpeech


def rounded(number):
    """Half upwards."""
    return int(np.floor(number + 0.5))


def psf_energies(samples, rate):
    """The frames' energies and mel energies, of 16-bit numbers: no window, the last frame filled with
    zeros. A frame longer than 512 samples is cut to them by the transform."""
    length, hop = rounded(rate * 0.025), rounded(rate * 0.010)
    count = 1 + max(0, -(-(len(samples) - length) // hop))
    padded = np.pad(emphasised(samples * 32768), (0, (count - 1) * hop + length))
    spectrum = power(framed(padded, length, hop)[:count, :512], 512) / 512
    energies = spectrum.sum(axis=1), spectrum @ stepped_bank(rate, 512, 26).T
    return [np.where(values == 0, DOUBLE_EPSILON, values) for values in energies]


def psf_logfbank(samples, rate):
    return np.log(psf_energies(samples, rate)[1])


def psf_mfcc(samples, rate):
    energy, energies = psf_energies(samples, rate)
    coefficients = np.log(energies) @ cosines(26, 13) * lifter(13)
    coefficients[:, 0] = np.log(energy)
    return coefficients


def deepspeech(samples, rate):
    """TensorFlow takes the root of the power again: the filters weigh magnitudes. Its DCT does not
    scale coefficient 0, so that it is √2 times the orthonormal one."""
    magnitudes = np.sqrt(power(framed(samples, 512, 320) * hann(512), 512))
    energies = magnitudes @ tensorflow_bank(rate, 512, 40).T
    return np.log(np.maximum(energies, 1e-12)) @ cosines(40, 26, orthonormal=False)


def in_context(features):
    """[frames, 19 · bins]: every frame among the nine before it and the nine after, zeros beyond."""
    padded = np.pad(features, ((9, 9), (0, 0)))
    return np.hstack([padded[shift : shift + len(features)] for shift in range(19)])


# Deltas


def regression(features, reach):
    """Σ n · feature[t + n] / Σ n² over |n| ≤ reach; beyond the ends the first and last repeat."""
    steps = np.arange(-reach, reach + 1)
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    shifted = [step * padded[reach + step : reach + step + len(features)] for step in steps]
    return sum(shifted) / (steps**2).sum()


def twice(features, reach=2):
    """torchaudio and python_speech_features: deltas, and the deltas of the deltas."""
    deltas = regression(features, reach)
    return np.hstack([deltas, regression(deltas, reach)])


def kaldi_deltas(features):
    """Kaldi applies the window with itself (nine taps) to the features for the second order: at the
    ends that is not the delta of the delta."""
    taps = np.arange(-2, 3) / 10
    second = np.convolve(taps, taps)
    padded = np.pad(features, ((4, 4), (0, 0)), mode="edge")
    acceleration = sum(tap * padded[i : i + len(features)] for i, tap in enumerate(second))
    return np.hstack([features, regression(features, 2), acceleration])


def fitted(features, order):
    """librosa: the derivative of a polynomial of degree `order` fitted to nine frames. It is the same
    all over the nine, so that the first and the last four frames take that of their neighbour."""
    coefficients = np.linalg.pinv(np.vander(np.arange(-4, 5), order + 1, increasing=True))[order]
    taps = coefficients * (1, 1, 2)[order]
    inner = np.stack([taps @ features[t : t + 9] for t in range(len(features) - 8)])
    return np.pad(inner, ((4, 4), (0, 0)), mode="edge")


def librosa_deltas(features):
    return np.hstack([fitted(features, 1), fitted(features, 2)])


def of(transform, preset, *arguments):
    """A preset that goes on from the features of another."""
    return lambda samples, rate: transform(preset(samples, rate), *arguments)


REFERENCES = {
    "kaldi-fbank": kaldi_fbank,
    "kaldi-mfcc": kaldi_mfcc,
    "kaldi-mfcc-hires": kaldi_mfcc_hires,
    "kaldi-pitch": kaldi_pitch,
    "kaldi-deltas": of(kaldi_deltas, kaldi_mfcc),
    "kaldi-cmvn-sliding": of(kaldi_sliding, kaldi_mfcc, False, False),
    "kaldi-cmvn-sliding-center": of(kaldi_sliding, kaldi_mfcc, True, False),
    "kaldi-cmvn-sliding-vars": of(kaldi_sliding, kaldi_mfcc, False, True),
    "kaldi-cmvn-sliding-center-vars": of(kaldi_sliding, kaldi_mfcc, True, True),
    "nemo": nemo,
    "whisper-80": lambda samples, rate: whisper(samples, 80),
    "whisper-128": lambda samples, rate: whisper(samples, 128),
    "wav2vec2": wav2vec2,
    "wav2vec2-bert": wav2vec2_bert,
    "librosa-mel": librosa_mel,
    "librosa-mfcc": librosa_mfcc,
    "librosa-deltas": of(librosa_deltas, librosa_mfcc),
    "wavenet": wavenet,
    "torchaudio-mel": torchaudio_mel,
    "torchaudio-mfcc": torchaudio_mfcc,
    "torchaudio-deltas": of(twice, torchaudio_mfcc),
    "speechbrain-fbank": speechbrain_fbank,
    "python-speech-features-mfcc": psf_mfcc,
    "python-speech-features-logfbank": psf_logfbank,
    "python-speech-features-deltas": of(twice, psf_mfcc),
    "deepspeech": deepspeech,
    "deepspeech-context": of(in_context, deepspeech),
}
