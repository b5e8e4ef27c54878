"""Which labels serve a multilingual base: each of several bases is adapted to Gujarati and to Ukrainian for the
same time, and scored on speakers of their *training* manifests that it did not hear. For the model card.

  python3 Scripts/results/labels.py --work DIR --base letters=DIR --base ipa=DIR
"""

import sys

from harness import Harness, first_minutes, minutes, rate, shuffled

# Training manifest; how many speakers choose, and how many are scored; minutes of the others that train.
SETS = {"gujarati": ("gujarati_digits/train", 2, 4, 10), "ukrainian": ("ukrainian/train", 2, 3, 10)}


class Labels(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--base", action="append", required=True, help="NAME=DIR, several times")
        parser.add_argument("--minutes", type=float, default=2, help="wall time of each training (default 2)")


def main():
    harness = Labels("labels", __doc__)
    for base in harness.given.base:
        if "=" not in base:
            sys.exit(f"labels: --base {base}: give NAME=DIR")
    harness.options = "".join(f" --base {base.split('=')[0]}=DIR" for base in harness.given.base)
    rows = []
    for name, (manifest, choosing, scored, size) in SETS.items():
        everything = shuffled(harness.read(manifest))
        speakers = sorted({entry["speaker"] for entry in everything})
        def of(some):
            return [entry for entry in everything if entry["speaker"] in some]
        choose = harness.write(f"{name}-choose", of(speakers[:choosing]))
        score = harness.write(f"{name}-score", of(speakers[choosing:choosing + scored]))
        chosen = first_minutes(of(speakers[choosing + scored:]), size)
        train = harness.write(f"{name}-train", chosen)
        for base in harness.given.base:
            label, directory = base.split("=", 1)
            model = harness.adapt(f"{name}-{label}", directory, train, dev=choose, test=score, labels="replace",
                                  skip_scratch=True, minutes=harness.given.minutes, lr="1e-3",
                                  batch_seconds=160, look_every=25)
            result = harness.evaluate(model, score)
            rows.append({"set": name, "minutes": round(minutes(chosen), 1), "base": label,
                         "cer": rate(result, "cer"), "wer": rate(result, "wer")})
            print(f"{name}, from {label}: CER {100 * rate(result, 'cer')[0]:.1f} %", flush=True)
    if harness.given.minutes != 2:
        harness.options += f" --minutes {harness.given.minutes:g}"
    harness.publish({"wall_minutes": harness.given.minutes, "rows": rows})


main()
