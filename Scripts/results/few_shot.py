"""One new speaker and little of their speech: from a base, from one prepared by Reptile, and from one fine-tuned
on the same many speakers together.

  python3 Scripts/results/few_shot.py --work DIR --accent-free DIR

Both preparations hear speechocean762's training speakers. Each of some test speakers then adapts with the first
sentences and is tested on the rest; for the larger sizes sentences of several test speakers are one new group.
"""

import json

from harness import Harness, first_minutes, minutes, pooled, shuffled

# Minutes, and how many speakers make a group that has as much, twice.
SIZES = {0.5: 1, 1: 2, 3: 5, 10: 16}
GROUPS = {0.5: 10, 1: 8, 3: 4, 10: 2}
SETTINGS = dict(epochs=10, batch_seconds=20, strategy="full", keep_last=True)


def main():
    harness = Harness("few_shot", __doc__)
    plain = harness.accent_free
    training = harness.write("train", harness.read("speechocean762/train"))
    shared = {"from": plain, "no_preflight": True}
    bases = {
        "the base": plain,
        "Reptile": harness.train("reptile", training, meta="speaker", epochs=8, **shared),
        "together": harness.train("together", training, lr="3e-4", batch_seconds=60, epochs=12,
                                  dev=harness.write("dev", shuffled(harness.read("speechocean762/dev"))[:200]), **shared),
    }
    everything = harness.read("speechocean762/test")
    speakers = sorted({entry["speaker"] for entry in everything})
    rows = []
    for size, several in SIZES.items():
        errors = {name: {"before": [], "after": []} for name in bases}
        for group in range(GROUPS[size]):
            own = speakers[group * several:(group + 1) * several]
            sentences = shuffled([e for e in everything if e["speaker"] in own])
            chosen = first_minutes(sentences, size)
            rest = sentences[len(chosen):]
            if len(own) < several or len(rest) < 5:
                continue
            train = harness.write(f"{size}-{group}-train", chosen)
            test = harness.write(f"{size}-{group}-test", rest)
            for name, base in bases.items():
                model = harness.adapt(f"{size}-{group}-{name.replace(' ', '-')}", base, train, test=test, **SETTINGS)
                cer = json.loads((model / "adaptation.json").read_text())["scores"]["target"]["cer"]
                length = sum(len(e["text"]) for e in rest)
                errors[name]["before"].append([(cer["base"]["rate"] * length, length)])
                errors[name]["after"].append([(cer["adapted"]["rate"] * length, length)])
        row = {"minutes": size, "groups": len(next(iter(errors.values()))["after"]),
               **{name: {when: pooled(groups) for when, groups in found.items()} for name, found in errors.items()}}
        rows.append(row)
        print(f"{size} minutes: " + ", ".join(
            f"{name} {100 * row[name]['before'][0]:.1f} → {100 * row[name]['after'][0]:.1f} %" for name in bases), flush=True)
    harness.publish({"settings": SETTINGS, "minutes_of_many": round(minutes(harness.read("speechocean762/train")), 1),
                     "rows": rows})


main()
