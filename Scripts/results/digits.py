"""Digits by accent: each set's speakers adapted with their own -adapt recordings, tested on -test ones.

  python3 Scripts/results/digits.py --work DIR

Digit accuracy: the share of the digits said that are heard as they were. Speakers are drawn where a set has five.
"""

from harness import Harness, by_speaker, counts, paired, pooled, pooled_difference

SETS = [*(f"fsdd/{who}" for who in ("jackson", "theo", "nicolas", "yweweler")),
        "indian_digits/", "mexican_digits/", "dotun_digits/", "alphanumeric/"]
SETTINGS = dict(epochs=30, batch_seconds=20)


def accuracy(groups):
    """[share, lower, upper] of digits heard right; `groups` of scores are drawn."""
    share, lower, upper = pooled([
        [(s["words"]["substitutions"] + s["words"]["deletions"], s["words"]["reference_length"]) for s in group]
        for group in groups])
    if share == 0:
        # Draws of no error have none: Clopper and Pearson's bound, of words that stand for themselves.
        upper = 1 - 0.025 ** (1 / sum(s["words"]["reference_length"] for group in groups for s in group))
    return [1 - share, 1 - upper, 1 - lower]


def main():
    harness = Harness("digits", __doc__)
    rows, pairs, speakers, everything = [], [], [], {"before": [], "after": []}
    for name in SETS:
        joint = "" if name.endswith("/") else "-"
        title = name.rstrip("/").replace("/", "-")
        adapt = harness.write(f"{title}-adapt", harness.read(f"{name}{joint}adapt"))
        tested = harness.read(f"{name}{joint}test")
        test = harness.write(f"{title}-test", tested)
        who = {entry["audio_filepath"]: entry["speaker"] for entry in tested}
        model = harness.adapt(title, harness.small, adapt, **SETTINGS)
        before, after = harness.evaluate(harness.small, test), harness.evaluate(model, test)
        saying = [who[score["utterance"]] for score in before["scores"]]
        row = {"set": title, "utterances": len(before["scores"]),
               "words": sum(counts(s, "words")[1] for s in before["scores"])}
        for when, result in (("before", before), ("after", after)):
            row[when] = {"accuracy": accuracy(by_speaker(result["scores"], saying)),
                         "wer": [result["wer"][k] for k in ("rate", "lower", "upper")]}
            everything[when] += result["scores"]
        pairs += paired(before, after, "words")
        speakers += saying
        rows.append(row)
        print(f"{title}: digits right {100 * row['before']['accuracy'][0]:.1f} → "
              f"{100 * row['after']['accuracy'][0]:.1f} %", flush=True)
    harness.publish({
        "settings": SETTINGS, "rows": rows,
        "all": {"words": sum(row["words"] for row in rows), "speakers": len(set(speakers)),
                "wer_difference": pooled_difference(by_speaker(pairs, speakers)),
                **{when: {"accuracy": accuracy(groups), "wer": pooled([[counts(s, "words") for s in g] for g in groups])}
                   for when, groups in ((when, by_speaker(scores, speakers)) for when, scores in everything.items())}}})


main()
