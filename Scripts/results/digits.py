"""Digits by accent: each set's speakers adapted with their own -adapt recordings, tested on -test ones.

  python3 Scripts/results/digits.py --work DIR

Digit accuracy: the share of the digits said that are heard as they were.
"""

from harness import Harness, counts, paired, pooled, pooled_difference

SETS = [*(f"fsdd/{who}" for who in ("jackson", "theo", "nicolas", "yweweler")),
        "indian_digits/", "mexican_digits/", "dotun_digits/", "alphanumeric/"]
SETTINGS = dict(epochs=30, batch_seconds=20)


def accuracy(scores):
    """[share, lower, upper] of digits heard right; utterances are drawn."""
    missed = [[(s["words"]["substitutions"] + s["words"]["deletions"], s["words"]["reference_length"])]
              for s in scores]
    share, lower, upper = pooled(missed)
    return [1 - share, 1 - upper, 1 - lower]


def main():
    harness = Harness("digits", __doc__)
    rows, groups, everything = [], [], {"before": [], "after": []}
    for name in SETS:
        joint = "" if name.endswith("/") else "-"
        title = name.rstrip("/").replace("/", "-")
        adapt = harness.write(f"{title}-adapt", harness.read(f"{name}{joint}adapt"))
        test = harness.write(f"{title}-test", harness.read(f"{name}{joint}test"))
        model = harness.adapt(title, harness.small, adapt, **SETTINGS)
        before, after = harness.evaluate(harness.small, test), harness.evaluate(model, test)
        row = {"set": title, "utterances": len(before["scores"]),
               "words": sum(counts(s, "words")[1] for s in before["scores"])}
        for when, result in (("before", before), ("after", after)):
            row[when] = {"accuracy": accuracy(result["scores"]),
                         "wer": [result["wer"][k] for k in ("rate", "lower", "upper")]}
            everything[when] += result["scores"]
        groups += [[pair] for pair in paired(before, after, "words")]
        rows.append(row)
        print(f"{title}: digits right {100 * row['before']['accuracy'][0]:.1f} → "
              f"{100 * row['after']['accuracy'][0]:.1f} %", flush=True)
    harness.publish({
        "settings": SETTINGS, "rows": rows,
        "all": {"words": sum(row["words"] for row in rows), "wer_difference": pooled_difference(groups),
                **{when: {"accuracy": accuracy(scores), "wer": pooled([[counts(s, "words")] for s in scores])}
                   for when, scores in everything.items()}}})


main()
