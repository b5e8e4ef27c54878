"""What adapting to an accent costs the base's own: without a budget, with one, and with replay.

  python3 Scripts/results/forgetting.py --work DIR

Digits with four kinds of accent are the target; sentences of speechocean762's dev speakers are what must not be
forgotten. LibriSpeech's speaker, whom no training and no choice heard, witnesses.
"""

import json

from harness import Harness, first_minutes, paired, pooled_difference, rate, shuffled
from targets import TARGETS

WITNESSES = ["librispeech_237/test", "speechocean762/test"]


def main():
    harness = Harness("forgetting", __doc__)
    target = TARGETS["digits"](harness)
    base = target.base
    train = harness.write("train", first_minutes(target.train, 10))
    test = harness.write("test", target.test)
    sentences = harness.write("sentences", shuffled(harness.read("speechocean762/dev"))[:200])
    more = harness.write("more-sentences", first_minutes(shuffled(harness.read("speechocean762/train")), 10))
    witnesses = {name.split("/")[0]: harness.write(name.replace("/", "-"), harness.read(name)) for name in WITNESSES}

    def score(how, model):
        row = {"how": how, "target": rate(harness.evaluate(model, test), "cer")}
        for name, manifest in witnesses.items():
            row[name] = rate(harness.evaluate(model, manifest), "cer")
        if model != base:
            manifest = witnesses["librispeech_237"]
            row["difference"] = pooled_difference(
                [[t] for t in paired(harness.evaluate(base, manifest), harness.evaluate(model, manifest))])
            row["shipped"] = json.loads((model / "adaptation.json").read_text())["verdict"]["shipped"]
        return row

    rows = [score("no (the base)", base)]
    retained = dict(retain=sentences)
    for how, options in {
        "without a budget": {},
        "a budget of 1 %": retained,
        "a budget of 1 %, sentences replayed": dict(retained, replay=more),
        "a budget of 1 %, sentences replayed, distillation": dict(retained, replay=more, distillation=0.5),
    }.items():
        name = how.replace("%", "").replace(",", "").replace(" ", "-")
        model = harness.adapt(name, base, train, test=test, strategy="full", epochs=15, lr=target.lr, **options)
        rows.append(score(how, model))
        row = rows[-1]
        print(f"{how}: CER {100 * row['target'][0]:.1f} %, LibriSpeech {100 * row['librispeech_237'][0]:.1f} %, "
              f"sentences {100 * row['speechocean762'][0]:.1f} %, shipped {row['shipped']}", flush=True)
    harness.publish({"rows": rows})


main()
