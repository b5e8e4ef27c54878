"""What adapting to an accent costs the base's own: without a budget, with one, and with replay.

  python3 Scripts/results/forgetting.py --work DIR --accent-free DIR

Half an hour of Mandarin-accented English; digits of Speech Commands' dev speakers are what must not be forgotten.
LibriSpeech's speaker, whom no training and no choice heard, witnesses.
"""

import json

from harness import Harness, first_minutes, paired, pooled_difference, rate, shuffled

WITNESSES = ["librispeech_237/test", "sc_digits/dev"]


def main():
    harness = Harness("forgetting", __doc__)
    base = harness.accent_free
    train = harness.write("train", first_minutes(shuffled(harness.read("speechocean762/train")), 30))
    dev = harness.write("dev", shuffled(harness.read("speechocean762/dev"))[:300])
    test = harness.write("test", harness.read("speechocean762/test"))
    digits = harness.write("digits", harness.read("sc_digits/dev"))
    more = harness.write("more-digits", first_minutes(shuffled(harness.read("sc_digits/train")), 30))
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
    retained = dict(retain=digits)
    for how, options in {
        "without a budget": {},
        "a budget of 1 %": retained,
        "a budget of 1 %, digits replayed": dict(retained, replay=more),
        "a budget of 1 %, digits replayed, distillation": dict(retained, replay=more, distillation=0.5),
    }.items():
        name = how.replace("%", "").replace(",", "").replace(" ", "-")
        model = harness.adapt(name, base, train, dev=dev, strategy="full", epochs=20, **options)
        rows.append(score(how, model))
        row = rows[-1]
        print(f"{how}: CER {100 * row['target'][0]:.1f} %, LibriSpeech {100 * row['librispeech_237'][0]:.1f} %, "
              f"digits {100 * row['sc_digits'][0]:.1f} %, shipped {row['shipped']}", flush=True)
    harness.publish({"rows": rows})


main()
