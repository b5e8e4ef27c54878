"""One new speaker and little of their speech: from a base, from one prepared by Reptile, and from one fine-tuned
on the same many speakers together.

  python3 Scripts/results/few_shot.py --work DIR

Both preparations hear 42 speakers of digits with four kinds of accent. Each of the four people of fsdd, two of whom
have an accent that nobody else has, then adapts with the first of their recordings and is tested on their own test;
the larger sizes are of two of them, and of all.
"""

import json

from harness import Harness, first_minutes, minutes, shuffled
from targets import PEOPLE, TARGETS

# Minutes, and how many people make a group.
SIZES = {0.5: 1, 1: 1, 3: 2, 6: 4}
SETTINGS = dict(epochs=10, batch_seconds=20, strategy="full", keep_last=True)


def over(groups):
    """[rate, lowest, highest]: of all, and of single groups, which are too few to resample."""
    rates = [errors / length for errors, length in groups]
    return [sum(e for e, _ in groups) / sum(n for _, n in groups), min(rates), max(rates)]


def main():
    harness = Harness("few_shot", __doc__)
    plain = harness.small
    many = TARGETS["digits"](harness).train
    held = first_minutes(many, 2)
    training, dev = harness.write("train", many[len(held):]), harness.write("dev", held)
    shared = {"from": plain, "no_preflight": True}
    bases = {
        "the base": plain,
        "Reptile": harness.train("reptile", training, meta="speaker", epochs=10, **shared),
        "together": harness.train("together", training, lr="3e-4", batch_seconds=40, epochs=10, dev=dev, **shared),
    }
    rows = []
    for size, several in SIZES.items():
        errors = {name: {"before": [], "after": []} for name in bases}
        for first in range(0, len(PEOPLE), several):
            group, own = first // several, PEOPLE[first:first + several]
            rest = [e for who in own for e in harness.read(who + "test")]
            chosen = first_minutes(shuffled([e for who in own for e in harness.read(who + "adapt")]), size)
            train = harness.write(f"{size}-{group}-train", chosen)
            test = harness.write(f"{size}-{group}-test", rest)
            for name, base in bases.items():
                model = harness.adapt(f"{size}-{group}-{name.replace(' ', '-')}", base, train, test=test, **SETTINGS)
                cer = json.loads((model / "adaptation.json").read_text())["scores"]["target"]["cer"]
                length = sum(len(e["text"]) for e in rest)
                errors[name]["before"].append((cer["base"]["rate"] * length, length))
                errors[name]["after"].append((cer["adapted"]["rate"] * length, length))
        row = {"minutes": size, "groups": len(next(iter(errors.values()))["after"]),
               **{name: {when: over(groups) for when, groups in found.items()} for name, found in errors.items()}}
        rows.append(row)
        print(f"{size} minutes: " + ", ".join(
            f"{name} {100 * row[name]['before'][0]:.1f} → {100 * row[name]['after'][0]:.1f} %" for name in bases), flush=True)
    harness.publish({"settings": SETTINGS, "minutes_of_many": round(minutes(many[len(held):]), 1),
                     "rows": rows})


main()
