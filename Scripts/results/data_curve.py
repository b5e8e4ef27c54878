"""Error by how much of a target there is: adapting against training from scratch, for the same wall time.

  python3 Scripts/results/data_curve.py --work DIR [--minutes 1]

Within a target the fewer recordings are among the more. All of them train, and of both the last weights are scored.
"""

import json

from harness import Harness, first_minutes, minutes, rate
from targets import chosen

SIZES = [0.5, 1, 3, 10, 30]
NETWORK = dict(hidden=176, layers=10, heads=4, channels=64)
TARGETS = ["digits", "mboshi", "gujarati", "ukrainian"]


class DataCurve(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", help="one target")
        parser.add_argument("--minutes", type=float, default=1, help="wall time of each training (default 1)")


def main():
    harness = DataCurve("data_curve", __doc__)
    harness.options = f" --minutes {harness.given.minutes:g}"
    rows = []
    for name, target in chosen(harness, TARGETS):
        model = target.base
        test = harness.write(f"{name}-test", target.test)
        before = harness.evaluate(model, test)
        for size in SIZES:
            own = first_minutes(target.train, size)
            if size > 1 and minutes(own) < 0.9 * size:
                continue
            manifest = harness.write(f"{name}-{size}", own)
            few = dict(minutes=harness.given.minutes, batch_seconds=20 if size < 3 else 60)
            found = {}
            for start in ("adapted", "scratch"):
                if start == "adapted":
                    trained = harness.adapt(f"{name}-{size}-adapted", model, manifest, test=test, strategy="full",
                                            keep_last=True, lr=target.lr, **few,
                                            **(dict(skip_scratch=True) if target.new else {}))
                    # Of the trained network, whether it shipped or not.
                    cer = json.loads((trained / "adaptation.json").read_text())["scores"]["target"]["cer"]["adapted"]
                    found[start] = [cer["rate"], cer["lower"], cer["upper"]]
                else:
                    # A single look, after the last step: none of the time goes to scoring, and nothing is chosen.
                    trained = harness.train(f"{name}-{size}-scratch", manifest, dev=manifest, look_every=100_000,
                                            **NETWORK, **few)
                    found[start] = rate(harness.evaluate(trained, test), "cer")
            rows.append({"target": name, "base": model.name, "minutes": round(minutes(own), 2),
                         "before": rate(before, "cer"), **found})
            print(f"{name}, {size} minutes: CER {100 * found['adapted'][0]:.1f} % adapted, "
                  f"{100 * found['scratch'][0]:.1f} % from scratch", flush=True)
    harness.publish({"wall_minutes": harness.given.minutes, "rows": rows}, partial=harness.given.only is not None)


main()
