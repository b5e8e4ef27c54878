"""english-accent-free adapted to Mandarin-accented English with more and more of it.

  python3 Scripts/results/accent_gap.py --work DIR

Tested on the corpus's unseen test speakers; native English, which the adaptation never sees, tells what is
forgotten. Utterances are drawn at random from the 125 training speakers, the fewer among the more.
300 utterances of the dev speakers choose when to stop and whether the adapted model ships.
"""

from harness import Harness, first_minutes, minutes, paired, pooled_difference, rate, shuffled

MINUTES = [1, 3, 10, 30, None]
NATIVE = ["librispeech_237/test", "an4_bits/all", "sc_digits/dev"]
# Fixed by trials on the dev speakers (see Documentation/Results.md).
SETTINGS = {None: dict(epochs=12), 30: dict(epochs=20), 10: dict(epochs=30)}
FEW = dict(epochs=60, batch_seconds=20)


def main():
    harness = Harness("accent_gap", __doc__)
    base = harness.accent_free
    training = shuffled(harness.read("speechocean762/train"))
    dev = harness.write("dev", shuffled(harness.read("speechocean762/dev"))[:300])
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
                errors = sum(sum(s[unit][k] for k in ("substitutions", "insertions", "deletions")) for s in part)
                row["parts"].setdefault(name, {})[unit] = errors / sum(s[unit]["reference_length"] for s in part)
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
        speakers = {}
        for key, (old, new, length) in zip((s["utterance"] for s in before["scores"]), paired(before, after)):
            speakers.setdefault(who[key]["speaker"], []).append((old, new, length))
        rows.append({"minutes": round(minutes(chosen), 1), "utterances": len(chosen), **score(model),
                     "cer_difference": pooled_difference(list(speakers.values()))})
        row = rows[-1]
        print(f"{row['minutes']} minutes: CER {100 * row['target']['cer'][0]:.1f} %, "
              f"WER {100 * row['target']['wer'][0]:.1f} %")
    harness.publish({"rows": rows})


main()
