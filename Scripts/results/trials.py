"""Short trials of networks (on synthesised speech) and of recipes (with people's) for the bundled bases, each
with as much audio as its network takes in the same time; judged on development recordings. Figures for the
model card.

  python3 Scripts/results/trials.py --work DIR --speech DIR --sounds DIR --tokenizers VENV/bin/python

--speech is what Scripts/synthesise wrote and --sounds the first part of Scripts/train-bases, from which the
trials of recipes go on. Run on a machine that does nothing else for the first minutes: the speed of each
network is measured then, and gives the audio that it trains on.
"""

import json
import math
import re
import subprocess
import time
from pathlib import Path

from harness import Harness, counts, edits, first_minutes, minutes, pooled, shuffled

SHAPE = dict(hidden=176, layers=10, heads=4, channels=64, subsampling=4)
# What differs from the bundled shape; `pieces` labels are subwords in place of characters.
NETWORKS = {
    "176 wide, 10 layers, characters, subsampling 4": {},
    "144 wide, 8 layers": dict(hidden=144, layers=8),
    "256 wide, 6 layers": dict(hidden=256, layers=6),
    "128 wide, 18 layers": dict(hidden=128, layers=18),
    "characters at subsampling 8": dict(subsampling=8),
    "256 subwords at subsampling 8": dict(subsampling=8, pieces=256),
}
# Of these a longer trial as well: which network is best depends on how long it learns.
LONGER = ["256 wide, 6 layers", "176 wide, 10 layers, characters, subsampling 4"]
# What differs from the recipe; the first part's weights are where all begin.
RECIPES = {
    "half of the audio people's, augmented, SpecAugment, speed": {},
    "a fifth people's": dict(lead_share=0.2),
    "four fifths people's": dict(lead_share=0.8),
    "people only in the last third, three quarters of it": dict(lead_share=0.75, before=2 / 3),
    "no SpecAugment": dict(no_spec_augment=True),
    "no speed perturbation": dict(no_speed=True),
    "no rooms, noise, telephones": dict(augment=False),
    "weights averaged over about 100 updates": dict(average=0.99),
    "learning rate 5e-4": dict(lr="5e-4"),
    "short utterances first": dict(curriculum=True),
    "a third of the voices raised or lowered": dict(pitch=2),
    "of people single digits alone, a tenth": dict(people=["sc_digits/train"], lead_share=0.1),
    "of people single digits alone, half": dict(people=["sc_digits/train"]),
}
PEOPLE = ["speechocean762/train", "sc_digits/train"]
RECIPE = dict(lead_share=0.5, lead_from=0, augment=True, lr="1e-3", warmup=0.05)
# A subword is written as one character, which no text of a recording has.
FIRST_PIECE = 0x4E00
PIECES = """
import json, sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
size, texts = int(sys.argv[1]), json.load(sys.stdin)
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
tokenizer.train_from_iterator(texts["learn"], trainers.BpeTrainer(vocab_size=size, show_progress=False))
ids = [e.ids for e in tokenizer.encode_batch(texts["write"])]
json.dump({"ids": ids, "pieces": [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]}, sys.stdout)
"""


class Trials(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--speech", required=True, type=Path, help="what Scripts/synthesise wrote")
        parser.add_argument("--sounds", required=True, type=Path, help="the first part of Scripts/train-bases")
        parser.add_argument("--tokenizers", help="a python with the tokenizers package, for subwords")
        parser.add_argument("--only", choices=["networks", "recipes"])
        parser.add_argument("--longer", type=float, default=20, help="of the two widest networks (default 20)")
        parser.add_argument("--minutes", type=float, default=6, help="of each network; half of it of each recipe")

    def at(self, path):
        """The utterances of a manifest anywhere, recordings by absolute path."""
        return [{**entry, "audio_filepath": str(path.parent / entry["audio_filepath"])}
                for entry in map(json.loads, path.read_text().splitlines())]


def infeasible(entries, subsampling):
    """The share of utterances whose labels, with a blank between equal ones, are more than output frames."""
    def too_long(entry):
        text = entry["text"]
        labels = len(text) + sum(a == b for a, b in zip(text, text[1:]))
        return labels > -(-int(entry["duration"] * 100) // subsampling)
    return sum(map(too_long, entries)) / len(entries)


def written_in_pieces(harness, size, sets):
    """The same utterances with subwords as labels, and the subword of each such character."""
    words = [e["text"] for entries in sets.values() for e in entries]
    answer = subprocess.run(
        [harness.given.tokenizers, "-c", PIECES, str(size)], capture_output=True, text=True, check=True,
        input=json.dumps({"learn": [e["text"] for e in sets["train"]], "write": words})).stdout
    answer = json.loads(answer)
    lines = iter(answer["ids"])
    sets = {name: [{**e, "text": "".join(chr(FIRST_PIECE + i) for i in next(lines))} for e in entries]
            for name, entries in sets.items()}
    return sets, {chr(FIRST_PIECE + i): piece for i, piece in enumerate(answer["pieces"])}


def judged(harness, model, devs, pieces):
    """Character error of each development set, with its interval over utterances."""
    found = {}
    for title, entries in devs.items():
        result = harness.evaluate(model, harness.write(f"{model.name}-{title}", entries))
        if not pieces:
            errors = [counts(score, "characters") for score in result["scores"]]
        else:
            def text(written):
                return "".join(pieces.get(c, "") for c in written).replace("▁", " ").strip()
            errors = [(edits(text(s["hypothesis"]), text(s["reference"])), len(text(s["reference"])))
                      for s in result["scores"]]
        found[title] = pooled([[e] for e in errors])
    return found


def options(given):
    return {k: v for k, v in given.items() if v is not False}


def main():
    harness = Trials("trials", __doc__)
    speech = shuffled(harness.at(harness.given.speech / "train.jsonl"))
    devs = {"synthesised": harness.at(harness.given.speech / "dev.jsonl"),
            "accented": shuffled(harness.read("speechocean762/dev"))[:200]}
    common = dict(no_preflight=True, patience=1000)
    rows = []

    def trial(name, shape, recipe, wall, audio_rate, base=None, pieces=None):
        """As much audio as `wall` minutes take at that rate, in two passes or as many as it takes."""
        recipe = dict(recipe)
        people = [entry for name in recipe.pop("people", PEOPLE) for entry in harness.read(name)]
        sets = {"train": speech, "people": shuffled(people), **devs}
        if pieces:
            sets, pieces = written_in_pieces(harness, pieces, sets)
        recipe = {**RECIPE, **recipe}
        everything = audio_rate * wall
        before = recipe.pop("before", 0)
        # A pass has as much audio as its two manifests together, of which people's are drawn once or more.
        lead = first_minutes(sets["people"], everything * (1 - before) * recipe["lead_share"])
        needed = everything * (1 - before) - (minutes(lead) if recipe["lead_share"] else 0)
        passes = max(2, math.ceil(needed / minutes(sets["train"]))) if base is None else 1
        share = needed / passes
        start = first_minutes(sets["train"], share)
        label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + f"-{wall:g}"
        chosen = harness.write(f"{label}-dev", sets["synthesised"] + sets["accented"])
        more = {**common, **(shape if base is None else {"from": base}), "dev": chosen}
        if recipe["lead_share"] == 0:
            del recipe["lead_share"], recipe["lead_from"]
        else:
            more["lead"] = harness.write(f"{label}-people", lead)
        if before:
            alone = {k: v for k, v in recipe.items() if not k.startswith("lead")}
            more["from"] = harness.train(
                f"{label}-before", harness.write(
                    f"{label}-before-train", first_minutes(sets["train"][len(start):], everything * before)),
                epochs=1, schedule="constant", **{k: v for k, v in more.items() if k != "lead"}, **options(alone))
        if recipe.pop("curriculum", False):
            brief = sorted(start, key=lambda e: e["duration"])[:len(start) // 2]
            more["from"] = harness.train(f"{label}-brief", harness.write(f"{label}-brief-train", brief), epochs=1,
                                         schedule="constant", **more, **options(recipe))
            # It hears people's too, as long as they last.
            start = first_minutes(start, share - minutes(brief) - minutes(lead))
        model = harness.train(label, harness.write(f"{label}-train", start), epochs=passes, **more,
                              **options(recipe))
        cer = judged(harness, model, {title: sets[title] for title in devs}, pieces)
        row = {"trial": name, "from": "the first part" if base else "nothing", "minutes": wall,
               "audio_hours": round(audio_rate * wall / 60, 1), "cer": cer,
               "megabytes": round((model / "model.safetensors").stat().st_size / 1e6, 1)}
        if base is None:
            row["infeasible"] = {
                "synthesised": infeasible(sets["train"], shape["subsampling"]),
                "people": infeasible(sets["people"], shape["subsampling"])}
        print(json.dumps(row), flush=True)
        rows.append(row)

    speeds = harness.work / "speeds.json"
    if not speeds.exists():
        measured = {}
        brief = harness.write("speed", first_minutes(speech, 20))
        dev = harness.write("speed-dev", devs["synthesised"][:5])
        for name, change in NETWORKS.items():
            shape = {**SHAPE, **{k: v for k, v in change.items() if k != "pieces"}}
            label = f"speed-{len(measured)}"
            start = time.monotonic()
            harness.train(label, brief, epochs=8, dev=dev, augment=True, look_every=100000, **common, **shape)
            # Seconds of audio in a second.
            measured[name] = 8 * 20 * 60 / (time.monotonic() - start)
        speeds.write_text(json.dumps(measured, indent=1))
    speeds = json.loads(speeds.read_text())

    only = harness.given.only
    for name, change in NETWORKS.items() if only != "recipes" else ():
        pieces = change.get("pieces")
        if pieces and not harness.given.tokenizers:
            continue
        shape = {**SHAPE, **{k: v for k, v in change.items() if k != "pieces"}}
        trial(name, shape, dict(lead_share=0), harness.given.minutes, speeds[name], pieces=pieces)
    for name in LONGER if only != "recipes" else ():
        trial(name, {**SHAPE, **NETWORKS[name]}, dict(lead_share=0), harness.given.longer, speeds[name])
    for name, change in RECIPES.items() if only != "networks" else ():
        trial(name, SHAPE, change, harness.given.minutes / 2, speeds[next(iter(NETWORKS))],
              base=harness.given.sounds)
    harness.options = " --speech DIR --sounds DIR --tokenizers PYTHON"
    harness.publish({"minutes": harness.given.minutes, "audio_per_second": speeds, "rows": rows}, partial=only is not None)


main()
