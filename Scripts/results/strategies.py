"""Every strategy on every target, three seeds each, beside what --strategy auto chooses.

  python3 Scripts/results/strategies.py --work DIR --accent-free DIR [--only twi]

Each strategy makes as many passes over a target as the others, at a learning rate fixed beforehand; auto gets
a time budget instead. Errors are of the trained network on the test set, whether it shipped or not; for auto, of
what shipped. The best in hindsight is the strategy with the lowest mean over the seeds.
"""

import json

from harness import Harness, first_minutes, minutes, shuffled

RATES = {"full": "3e-4", "upper:5": "1e-3", "output-layer": "3e-3", "gradual": "1e-3", "norm": "3e-3", "bias": "3e-3",
         "lhuc": "1e-2", "adapter": "1e-3", "lora": "2e-3"}
# A new alphabet needs larger steps where everything trains.
NEW = {**RATES, "full": "1e-3"}
SEEDS = [1, 2, 3]
DIGITS = ["indian_digits/", "mexican_digits/", "dotun_digits/", "alphanumeric/",
          *(f"fsdd/{who}-" for who in ("jackson", "theo", "nicolas", "yweweler"))]
# Base, training and test manifests, minutes of training, passes, new alphabet.
TARGETS = {
    "speechocean762": ("accent_free", ["speechocean762/train"], ["speechocean762/test"], 10, 15, False),
    "digits": ("small", [f"{d}adapt" for d in DIGITS], [f"{d}test" for d in DIGITS], 10, 15, False),
    "mboshi": ("multilingual", ["mboshi/train"], ["mboshi/dev"], 10, 20, True),
    "twi": ("multilingual", ["twi_cv/train"], ["twi_cv/test"], 12, 20, True),
    "gujarati": ("multilingual", ["gujarati_digits/train"], ["gujarati_digits/test"], 10, 20, True),
    "ukrainian": ("multilingual", ["ukrainian/train"], ["ukrainian/dev"], 10, 20, True),
}


class Strategies(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", help="one target")
        parser.add_argument("--budget", default="2m", help="of --strategy auto (default 2m)")

    def outcome(self, model):
        """(CER of the base, of the trained network, of what shipped, verdict), as the program judged them."""
        record = json.loads((model / "adaptation.json").read_text())
        cer = record["scores"]["target"]["cer"]
        shipped = record["verdict"]["shipped"]
        return {"base": cer["base"]["rate"], "adapted": cer["adapted"]["rate"],
                "shipped": cer["adapted" if shipped == "adapted" else "base"]["rate"],
                "verdict": record["verdict"]["transfer"], "strategy": record["lineage"]["strategy"],
                "lr": record["lineage"]["settings"]["learningRate"]}


def main():
    harness = Strategies("strategies", __doc__)
    given = harness.given
    targets = []
    for name, (base, train, test, limit, epochs, new) in TARGETS.items():
        if given.only not in (None, name):
            continue
        model = getattr(harness, base)
        chosen = first_minutes(shuffled([e for m in train for e in harness.read(m)]), limit)
        train = harness.write(f"{name}-train", chosen)
        test = harness.write(f"{name}-test", [e for m in test for e in harness.read(m)])
        rates = NEW if new else RATES
        more = dict(skip_scratch=True) if new else {}
        rows = []
        for strategy, lr in {**rates, "auto": None}.items():
            outcomes = []
            for seed in SEEDS:
                label = f"{name}-{strategy.replace(':', '-')}-{seed}"
                settings = dict(budget=given.budget) if lr is None else dict(epochs=epochs, lr=lr, batch_seconds=40)
                outcomes.append(harness.outcome(harness.adapt(
                    label, model, train, test=test, strategy=strategy, seed=seed, **settings, **more)))
            key = "shipped" if lr is None else "adapted"
            rows.append({"strategy": strategy, "lr": lr, "cer": [o[key] for o in outcomes],
                         "base": outcomes[0]["base"], "outcomes": outcomes})
            print(f"{name}, {strategy}: CER {', '.join(f'{100 * o[key]:.1f}' for o in outcomes)} % "
                  f"(base {100 * outcomes[0]['base']:.1f} %)", flush=True)
        targets.append({"target": name, "base": model.name, "minutes": round(minutes(chosen), 1),
                        "epochs": epochs, "strategies": rows})
    harness.publish({"budget": given.budget, "targets": targets})


main()
