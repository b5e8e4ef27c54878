"""Every strategy on every target, three seeds each, beside what --strategy auto chooses.

  python3 Scripts/results/strategies.py --work DIR [--only mboshi] [--fixed]

Each strategy makes as many passes over a target as the others, at a learning rate fixed beforehand; auto gets
a time budget instead. Errors are of the trained network (or the average of its weights, where that ships) on the
test set, whether it shipped or not; for auto, of what shipped. The best in hindsight is the strategy with the lowest
mean over the seeds. What auto finds turns on how much its budget holds: --fixed leaves it out, to be run later on a
machine that does nothing else.
"""

import json

from harness import Harness, first_minutes, minutes
from targets import TARGETS, chosen

RATES = {"full": "3e-4", "upper:5": "1e-3", "output-layer": "3e-3", "gradual": "1e-3", "norm": "3e-3", "bias": "3e-3",
         "lhuc": "1e-2", "adapter": "1e-3", "lora": "2e-3"}
# A new alphabet needs larger steps where everything trains.
NEW = {**RATES, "full": "1e-3"}
SEEDS = [1, 2, 3]
MINUTES = 5.5
PASSES = {True: 12, False: 10}


class Strategies(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", help="one target")
        parser.add_argument("--budget", default="2m", help="of --strategy auto (default 2m)")
        parser.add_argument("--fixed", action="store_true", help="without auto; nothing is published")

    def outcome(self, model):
        """What became of a training, as the program judged it: CER of the base, of what was trained, of what shipped."""
        record = json.loads((model / "adaptation.json").read_text())
        cer = {found["model"]: found["target"]["cer"] for found in record["scores"]["models"]}
        shipped = record["verdict"]["shipped"]
        return {"base": cer["base"], "adapted": cer["adapted" if shipped == "base" else shipped],
                "shipped": cer[shipped], "what": shipped, "verdict": record["verdict"]["transfer"],
                "strategy": record["lineage"]["strategy"], "lr": record["lineage"]["settings"]["learningRate"]}


def main():
    harness = Strategies("strategies", __doc__)
    given = harness.given
    targets = {}
    # Auto last, as it wants the machine for itself.
    for automatic in [False] if given.fixed else [False, True]:
        for name, target in chosen(harness, TARGETS):
            own = first_minutes(target.train, MINUTES)
            train, test = harness.write(f"{name}-train", own), harness.write(f"{name}-test", target.test)
            record = targets.setdefault(name, {
                "target": name, "base": target.base.name, "minutes": round(minutes(own), 1),
                "passes": PASSES[target.new], "strategies": []})
            rates = NEW if target.new else RATES
            for strategy, lr in ({"auto": None} if automatic else rates).items():
                settings = dict(budget=given.budget) if automatic else dict(
                    epochs=PASSES[target.new], lr=lr, batch_seconds=40)
                outcomes = []
                for seed in SEEDS:
                    outcomes.append(harness.outcome(harness.adapt(
                        f"{name}-{strategy.replace(':', '-')}-{seed}", target.base, train, test=test, strategy=strategy,
                        seed=seed, **settings, **(dict(skip_scratch=True) if target.new else {}))))
                key = "shipped" if automatic else "adapted"
                record["strategies"].append({"strategy": strategy, "lr": lr, "cer": [o[key] for o in outcomes],
                                             "base": outcomes[0]["base"], "outcomes": outcomes})
                print(f"{name}, {strategy}: CER {', '.join(f'{100 * o[key]:.1f}' for o in outcomes)} % "
                      f"(base {100 * outcomes[0]['base']:.1f} %)", flush=True)
    if not given.fixed:
        harness.publish({"budget": given.budget, "targets": list(targets.values())}, partial=given.only is not None)


main()
