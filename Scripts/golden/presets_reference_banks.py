"""The mel scales and filter banks of presets_reference.py, in float64.

A bank is [filters, bins] over the bins of a transform of `size` points, 0 to half the rate. Where a
library is odd, its oddity is kept and a comment says so.

requirements: numpy==2.4.6
"""

import numpy as np


def htk_mel(hz):
    return 2595 * np.log10(1 + hz / 700)


def htk_hz(mel):
    return 700 * (10 ** (mel / 2595) - 1)


def natural_mel(hz):
    """The HTK scale as Kaldi and TensorFlow write it: 1127 is 2595 / ln 10 rounded."""
    return 1127 * np.log1p(hz / 700)


def slaney_mel(hz):
    """Linear to 1 kHz (15 mel), logarithmic above: 27 steps of equal ratio to 6.4 kHz."""
    return np.where(hz < 1000, 3 * hz / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def slaney_hz(mel):
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


def triangles(edges, positions):
    """[filters, bins]: filter i rises from edge i to 1 at edge i + 1 and falls to edge i + 2."""
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (positions - left) / (centre - left)
    falling = (right - positions) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling))


def frequencies(rate, size):
    """The frequencies of a transform's bins in Hz, 0 to half the rate."""
    return np.linspace(0, rate / 2, size // 2 + 1)


def slaney_bank(rate, size, bins):
    """Triangles over Hz, 0 to half the rate, each divided by half its width ("slaney" norm)."""
    edges = slaney_hz(np.linspace(0, slaney_mel(rate / 2), bins + 2))
    return triangles(edges, frequencies(rate, size)) * 2 / (edges[2:] - edges[:-2])[:, None]


def htk_bank(rate, size, bins):
    """Triangles over Hz, 0 to half the rate, of height 1."""
    edges = htk_hz(np.linspace(0, htk_mel(rate / 2), bins + 2))
    return triangles(edges, frequencies(rate, size))


def kaldi_bank(rate, size, bins, low, high):
    """Triangles over mel, of height 1, from `low` to `high` Hz; 0 and below count from half the
    rate. The bin at half the rate is in no filter."""
    high = high if high > 0 else rate / 2 + high
    edges = np.linspace(natural_mel(low), natural_mel(high), bins + 2)
    bank = triangles(edges, natural_mel(frequencies(rate, size)))
    bank[:, -1] = 0
    return bank


def speechbrain_bank(rate, size, bins):
    """SpeechBrain's filters are symmetric in Hz: as wide above the centre as below it, so that they
    fall faster than the HTK triangles, and the upper edges do not meet the next centres."""
    edges = htk_hz(np.linspace(0, htk_mel(rate / 2), bins + 2))
    centres, widths = edges[1:-1, None], np.diff(edges)[:-1, None]
    return np.maximum(0, 1 - np.abs(frequencies(rate, size) - centres) / widths)


def stepped_bank(rate, size, bins):
    """python_speech_features rounds the edges down to whole bins, counting size + 1 bins to the
    rate; edges may fall together, and then that side of the triangle is missing."""
    edges = np.floor((size + 1) * htk_hz(np.linspace(0, htk_mel(rate / 2), bins + 2)) / rate)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bin = np.arange(size // 2 + 1)
    rising = (bin - left) / np.maximum(centre - left, 1)
    falling = (right - bin) / np.maximum(right - centre, 1)
    return np.where(bin < centre, np.maximum(rising, 0), np.maximum(falling, 0))


def tensorflow_bank(rate, size, bins):
    """Triangles over mel, 20 Hz to half the rate. The bins 0 and 1 are left out: TensorFlow begins
    at bin int(1.5 + 20 Hz / bin width)."""
    edges = np.linspace(natural_mel(20), natural_mel(rate / 2), bins + 2)
    bank = triangles(edges, natural_mel(frequencies(rate, size)))
    bank[:, : int(1.5 + 20 * size / rate)] = 0
    return bank
