"""english-accent-free adapted to Mandarin-accented English with more and more of it.

  python3 Scripts/results/accent_gap.py --work DIR --accent-free DIR
  python3 Scripts/results/accent_gap.py --work DIR --accent-free DIR --trial NAME MINUTES OPTION...   to choose settings

Tested on the corpus's unseen test speakers; native English, which the adaptation never sees, tells what is
forgotten. Utterances are drawn at random from the 125 training speakers, the fewer among the more.
300 utterances of the dev speakers choose when to stop and whether the adapted model ships. A trial's options are
adapt's, such as `--trial no-masks 3 epochs=60 batch-seconds=20 no-spec-augment`; the dev utterances that choose
nothing score it.
"""

from harness import Harness, by_speaker, counts, first_minutes, minutes, paired, pooled_difference, rate, shuffled

MINUTES = [1, 3, 10, 30, None]
NATIVE = ["librispeech_237/test", "an4_bits/all", "sc_digits/dev"]
# Fixed beforehand: the fewer recordings, the more passes.
SETTINGS = {None: dict(epochs=12), 30: dict(epochs=20), 10: dict(epochs=30)}
FEW = dict(epochs=60, batch_seconds=20)


class AccentGap(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--trial", nargs="+", metavar=("NAME", "MINUTES"))


def main():
    harness = AccentGap("accent_gap", __doc__)
    base = harness.accent_free
    training = shuffled(harness.read("speechocean762/train"))
    heard = shuffled(harness.read("speechocean762/dev"))
    dev = harness.write("dev", heard[:300])
    if harness.given.trial:
        name, limit, *given = harness.given.trial
        options = {key: value or True for key, _, value in (option.partition("=") for option in given)}
        model = harness.adapt(f"trial-{name}", base, harness.write(f"train-{limit}", first_minutes(
            training, float(limit))), dev=dev, **options)
        cer = rate(harness.evaluate(model, harness.write("trial", heard[300:])), "cer")
        print(f"{name}: CER {' '.join(f'{100 * v:.1f}' for v in cer)} %")
        return
    testing = harness.read("speechocean762/test")
    test = harness.write("test", testing)
    native = {name: harness.write(name.replace("/", "-"), harness.read(name)) for name in NATIVE}
    groups = {"all": lambda e: True, "adults": lambda e: e["accent"].endswith("adult"),
              "children": lambda e: e["accent"].endswith("child")}
    who = {entry["audio_filepath"]: entry for entry in testing}

    def score(model):
        result = harness.evaluate(model, test)
        row = {"target": {"wer": rate(result, "wer"), "cer": rate(result, "cer")}, "parts": {}, "native": {}}
        for name, belongs in groups.items():
            part = [s for s in result["scores"] if belongs(who[s["utterance"]])]
            for unit in ("words", "characters"):
                errors, lengths = zip(*(counts(s, unit) for s in part))
                row["parts"].setdefault(name, {})[unit] = sum(errors) / sum(lengths)
        for name, manifest in native.items():
            heard = harness.evaluate(model, manifest)
            row["native"][name] = {"wer": rate(heard, "wer"), "cer": rate(heard, "cer")}
        return row

    before = harness.evaluate(base, test)
    rows = [{"minutes": 0, "utterances": 0, **score(base)}]
    for limit in MINUTES:
        chosen = first_minutes(training, limit) if limit else training
        manifest = harness.write(f"train-{limit or 'all'}", chosen)
        model = harness.adapt(f"minutes-{limit or 'all'}", base, manifest, dev=dev,
                              **SETTINGS.get(limit, FEW))
        after = harness.evaluate(model, test)
        pairs = by_speaker(paired(before, after), [who[s["utterance"]]["speaker"] for s in before["scores"]])
        rows.append({"minutes": round(minutes(chosen), 1), "utterances": len(chosen), **score(model),
                     "cer_difference": pooled_difference(pairs)})
        row = rows[-1]
        print(f"{row['minutes']} minutes: CER {100 * row['target']['cer'][0]:.1f} %, "
              f"WER {100 * row['target']['wer'][0]:.1f} %")
    harness.publish({"rows": rows})


main()
