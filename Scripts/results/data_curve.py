"""Error by how much of a target there is: adapting against training from scratch, for the same wall time.

  python3 Scripts/results/data_curve.py --work DIR --accent-free DIR [--minutes 1]

Within a target the fewer recordings are among the more; a tenth of each chooses when to stop.
"""

import json

from harness import Harness, first_minutes, minutes, rate, shuffled

SIZES = [0.5, 1, 3, 10, 30]
NETWORK = dict(hidden=176, layers=10, heads=4, channels=64)
# Base, training and test manifests, new alphabet.
TARGETS = {"speechocean762": ("accent_free", "speechocean762/train", "speechocean762/test", False),
           "mboshi": ("multilingual", "mboshi/train", "mboshi/dev", True),
           "gujarati": ("multilingual", "gujarati_digits/train", "gujarati_digits/test", True),
           "ukrainian": ("multilingual", "ukrainian/train", "ukrainian/dev", True)}


class DataCurve(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", help="one target")
        parser.add_argument("--minutes", type=float, default=1, help="wall time of each training (default 1)")


def main():
    harness = DataCurve("data_curve", __doc__)
    rows = []
    for name, (base, train, test, new) in TARGETS.items():
        if harness.given.only not in (None, name):
            continue
        model = getattr(harness, base)
        everything = shuffled(harness.read(train))
        test = harness.write(f"{name}-test", harness.read(test))
        before = harness.evaluate(model, test)
        for size in SIZES:
            chosen = first_minutes(everything, size)
            if size > 1 and minutes(chosen) < 0.9 * size:
                continue
            manifest = harness.write(f"{name}-{size}", chosen)
            few = dict(minutes=harness.given.minutes, batch_seconds=20 if size < 3 else 60)
            found = {}
            for start in ("adapted", "scratch"):
                if start == "adapted":
                    trained = harness.adapt(f"{name}-{size}-adapted", model, manifest, test=test, strategy="full",
                                            keep_last=True, **few, **(dict(skip_scratch=True, lr="1e-3") if new else {}))
                    # Of the trained network, whether it shipped or not.
                    cer = json.loads((trained / "adaptation.json").read_text())["scores"]["target"]["cer"]["adapted"]
                    found[start] = [cer["rate"], cer["lower"], cer["upper"]]
                else:
                    trained = harness.train(f"{name}-{size}-scratch", manifest, dev=manifest, **NETWORK, **few)
                    found[start] = rate(harness.evaluate(trained, test), "cer")
            rows.append({"target": name, "base": model.name, "minutes": round(minutes(chosen), 2),
                         "before": rate(before, "cer"), **found})
            print(f"{name}, {size} minutes: CER {100 * found['adapted'][0]:.1f} % adapted, "
                  f"{100 * found['scratch'][0]:.1f} % from scratch", flush=True)
    harness.publish({"wall_minutes": harness.given.minutes, "rows": rows})


main()
