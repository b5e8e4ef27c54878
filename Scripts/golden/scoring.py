"""Golden data for scoring: least edit counts and bootstrap intervals, by independent code.

requirements: numpy==2.4.6

The edit distance is the textbook recursion with memory, the bootstrap is NumPy's generator with
100,000 resamples; both share nothing with the Swift code but the definition.
"""

import functools
import json
import os
import random
import unicodedata

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Tests", "Golden", "text")


def distance(a, b):
    @functools.lru_cache(None)
    def d(i, j):
        if i == 0 or j == 0:
            return i + j
        return min(d(i - 1, j - 1) + (a[i - 1] != b[j - 1]), d(i - 1, j) + 1, d(i, j - 1) + 1)

    return d(len(a), len(b))


def main():
    rng = random.Random(1)
    words = ["a", "ab", "the", "cat", "e\u0301t\u00e9", "m\u0304", "\u0436", "ng'"]
    pairs = []
    for _ in range(150):
        reference = [rng.choice(words) for _ in range(rng.randint(0, 12))]
        hypothesis = []
        for word in reference:  # a damaged copy
            kind = rng.random()
            if kind < 0.6:
                hypothesis.append(unicodedata.normalize(rng.choice(["NFC", "NFD"]), word))
            elif kind < 0.8:
                hypothesis.append(rng.choice(words))
            elif kind < 0.9:
                hypothesis += [word, rng.choice(words)]
        a, b = " ".join(reference), " ".join(hypothesis)
        ca, cb = (unicodedata.normalize("NFC", t) for t in (a, b))
        pairs.append({
            "reference": a, "hypothesis": b,
            "words": distance(ca.split(), cb.split()), "wordLength": len(ca.split()),
            "characters": distance(ca, cb), "characterLength": len(ca),
        })

    bootstraps = []
    gen = np.random.default_rng(1)
    for speakers in (0, 8):
        n = 60
        length = gen.integers(3, 20, n)
        base = gen.binomial(length, 0.4)
        adapted = gen.binomial(length, 0.33)
        voice = gen.integers(0, speakers, n) if speakers else np.arange(n)
        _, unit = np.unique(voice, return_inverse=True)
        sums = np.stack([np.bincount(unit, x) for x in (length, base, adapted)])
        draws = gen.integers(0, sums.shape[1], (100_000, sums.shape[1]))
        total = sums[:, draws].sum(-1)
        rates = total[1] / total[0]
        differences = (total[2] - total[1]) / total[0]
        bootstraps.append({
            "length": length.tolist(), "base": base.tolist(), "adapted": adapted.tolist(),
            "speaker": [f"s{v}" for v in voice] if speakers else None,
            "rate": base.sum() / length.sum(),
            "interval": np.quantile(rates, [0.025, 0.975]).tolist(),
            "difference": (adapted.sum() - base.sum()) / length.sum(),
            "differenceInterval": np.quantile(differences, [0.025, 0.975]).tolist(),
            "probabilityBetter": float((differences < 0).mean() + (differences == 0).mean() / 2),
            "units": int(sums.shape[1]),
        })
    with open(os.path.join(OUT, "scoring.json"), "w") as file:
        json.dump({"pairs": pairs, "bootstraps": bootstraps}, file, ensure_ascii=False, indent=0)
        file.write("\n")


main()
