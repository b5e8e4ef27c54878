"""What idiolect rank foretells against what training then gave: each base with its upper layers dropped or not.

  python3 Scripts/results/ranks.py --work DIR [--only mboshi]

Spearman's rank correlation of H-score and (negative) test CER over all candidates of a target, with an interval
over candidates.
"""

import json
import random
import subprocess

from harness import Harness, first_minutes, minutes
from targets import chosen

DEPTHS = [2, 4, 7, 10]
TARGETS = ["fsdd", "digits", "mboshi", "gujarati", "ukrainian"]
MINUTES, PASSES = 5.5, 12


class Ranks(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", help="one target")


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    found = [0.0] * len(values)
    for place, index in enumerate(order):
        found[index] = float(place)
    return found


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    mean = (len(a) - 1) / 2
    spread = sum((x - mean) ** 2 for x in a)
    return sum((x - mean) * (y - mean) for x, y in zip(a, b)) / spread


def interval(a, b, draws=2000):
    source, found = random.Random(1), []
    while len(found) < draws:
        chosen = source.choices(range(len(a)), k=len(a))
        if len(set(chosen)) > 2:
            found.append(spearman([a[i] for i in chosen], [b[i] for i in chosen]))
    found.sort()
    return [spearman(a, b), found[int(0.025 * draws)], found[int(0.975 * draws) - 1]]


def main():
    harness = Ranks("ranks", __doc__)
    rows = []
    for name, target in chosen(harness, TARGETS):
        bases = {base.name: base for base in (harness.small, harness.multilingual)}
        own = first_minutes(target.train, MINUTES)
        manifest, test = harness.write(f"{name}-train", own), harness.write(f"{name}-test", target.test)
        told = json.loads(subprocess.run(
            [harness.given.idiolect, "rank", "--models", ",".join(map(str, bases.values())), "--data", manifest,
             "--format", "json"], capture_output=True, text=True, check=True).stdout)
        scores = {(c["base"], c["layers"]): c["h_score"] for c in told["candidates"]}
        candidates = []
        for base, directory in bases.items():
            for depth in DEPTHS:
                more = dict(keep_layers=depth) if depth < 10 else {}
                if target.new:
                    more["skip_scratch"] = True
                model = harness.adapt(f"{name}-{base}-{depth}", directory, manifest, test=test, strategy="full",
                                      epochs=PASSES, lr="1e-3", batch_seconds=40, **more)
                cer = json.loads((model / "adaptation.json").read_text())["scores"]["target"]["cer"]["adapted"]["rate"]
                candidates.append({"base": base, "layers": depth, "h_score": scores[str(directory), depth], "cer": cer})
                print(f"{name}, {base}, {depth} layers: H {candidates[-1]['h_score']:.3f}, CER {100 * cer:.1f} %", flush=True)
        correlation = interval([c["h_score"] for c in candidates], [-c["cer"] for c in candidates])
        best = max(candidates, key=lambda c: c["h_score"])
        rows.append({"target": name, "minutes": round(minutes(own), 1), "correlation": correlation,
                     "candidates": candidates, "chosen_cer": best["cer"], "best_cer": min(c["cer"] for c in candidates),
                     "rank_seconds": told["seconds"], "aligner": told["aligner"], "lead": told["lead"]})
        print(f"{name}: rank correlation {correlation[0]:.2f} ({correlation[1]:.2f} … {correlation[2]:.2f})", flush=True)
    harness.publish({"rows": rows}, partial=harness.given.only is not None)


main()
