"""New languages: training from scratch, from english-small and from multilingual-small, each for the same wall time.

  python3 Scripts/results/languages.py --work DIR

The sets of 10 minutes, an hour and all of a language's training recordings lie within each other. A slice of
them chooses the best weights: other speakers' where there are enough, else other utterances. Needs a machine that
does nothing else. languages_peer.py sets PyTorch beside it.
"""

import re

from harness import Harness, by_speaker, first_minutes, minutes, paired, pooled_difference, rate, shuffled

# Test, training, what chooses (a number of utterances or speakers of training, or a manifest), and sizes with the
# wall time of a training, both in minutes.
LANGUAGES = {
    "mboshi": dict(test="mboshi/dev", train="mboshi/train", choose=("utterances", 150),
                   sizes=[(10, 4), (60, 4), (None, 4)]),
    "twi": dict(test="twi_cv/test", train="twi_cv/train", choose=("utterances", 20), sizes=[(None, 3)]),
    "gujarati": dict(test="gujarati_digits/test", train="gujarati_digits/train", choose=("speakers", 2),
                     sizes=[(10, 3), (None, 3)]),
    "ukrainian": dict(test="ukrainian/test", train="ukrainian/train", choose=("manifest", "ukrainian/dev"),
                      sizes=[(10, 3), (60, 3), (None, 3)]),
}
NETWORK = dict(hidden=176, layers=10, heads=4, channels=64)
SHARED = dict(lr="1e-3", batch_seconds=160)
LOOK = re.compile(r"^step (\d+),.* dev CER ([0-9.]+) %.*?(?:(\d+):)?(\d+):(\d+)$")


class Languages(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--only", choices=list(LANGUAGES), help="one language")
        parser.add_argument("--sizes", help="only these sizes in minutes, such as 60,all")


def curve(log):
    """[[seconds, dev CER]] of a training's log; of what an interruption made twice, the second."""
    found = {}
    for line in log.read_text().splitlines():
        if look := LOOK.match(line):
            hours, minutes_, seconds = (int(look[i] or 0) for i in (3, 4, 5))
            found[int(look[1])] = [3600 * hours + 60 * minutes_ + seconds, float(look[2]) / 100]
    return [found[step] for step in sorted(found)]


def parts(harness, language):
    """(training, choosing) utterances."""
    everything = shuffled(harness.read(language["train"]))
    kind, value = language["choose"]
    if kind == "manifest":
        return everything, harness.read(value)
    if kind == "utterances":
        return everything[value:], everything[:value]
    chosen = set(sorted({entry["speaker"] for entry in everything})[:value])
    return ([e for e in everything if e["speaker"] not in chosen],
            [e for e in everything if e["speaker"] in chosen])


def main():
    harness = Languages("languages", __doc__)
    given = harness.given
    wanted = given.sizes.split(",") if given.sizes else None
    rows = []
    for name, language in LANGUAGES.items():
        if given.only not in (None, name):
            continue
        training, choosing = parts(harness, language)
        choose = harness.write(f"{name}-choose", choosing)
        testing = harness.read(language["test"])
        test = harness.write(f"{name}-test", testing)
        speakers = {entry["audio_filepath"]: entry["speaker"] for entry in testing}
        for size, wall in language["sizes"]:
            label = str(size or "all")
            if wanted and label not in wanted:
                continue
            chosen = first_minutes(training, size) if size else training
            train = harness.write(f"{name}-{label}", chosen)
            row = {"language": name, "minutes": round(minutes(chosen), 1), "utterances": len(chosen),
                   "test_utterances": len(testing), "wall_minutes": wall, "starts": {}}
            shared = dict(dev=choose, minutes=wall, look_every=25, **SHARED)
            # Training from scratch is measured by itself here.
            apart = dict(skip_scratch=True)
            heard = {}
            for start, base in (("scratch", None), ("english-small", harness.small),
                                ("multilingual-small", harness.multilingual)):
                output = f"{name}-{label}-{start}"
                model = (harness.adapt(output, base, train, **shared, **apart) if base
                         else harness.train(output, train, **NETWORK, **shared))
                result = heard[start] = harness.evaluate(model, test)
                row["starts"][start] = {"cer": rate(result, "cer"), "wer": rate(result, "wer"),
                                        "curve": curve(harness.work / f"{output}.log")}
                print(f"{name}, {row['minutes']} minutes, {start}: CER {100 * rate(result, 'cer')[0]:.1f} %, "
                      f"WER {100 * rate(result, 'wer')[0]:.1f} %", flush=True)
            row["multilingual_difference"] = pooled_difference(by_speaker(
                paired(heard["english-small"], heard["multilingual-small"]),
                [speakers[score["utterance"]] for score in heard["english-small"]["scores"]]))
            rows.append(row)
    harness.publish({"rows": rows}, partial=bool(given.only or given.sizes))


if __name__ == "__main__":
    main()
