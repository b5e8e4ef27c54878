"""One person: english-accent-free adapted with half of a speaker's sentences, tested on the other half.

  python3 Scripts/results/one_person.py --work DIR --accent-free DIR     the test speakers: the figures
  python3 Scripts/results/one_person.py --work DIR --accent-free DIR --trial NAME OPTION...

The second is for choosing settings, on the dev speakers.

A trial's options are adapt's, such as `--trial upper4 strategy=upper:4 lr=1e-3 epochs=20`.
"""

import json

from harness import Harness, counts, pooled, pooled_difference, shuffled

# Fixed by trials on the dev speakers.
SETTINGS = dict(strategy="full", lr="3e-4", epochs=20, batch_seconds=20)


class OnePerson(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--trial", nargs="+", metavar=("NAME", "OPTION"))
        parser.add_argument("--limit", type=int, help="so many speakers only")


def main():
    harness = OnePerson("one_person", __doc__)
    trial = harness.given.trial
    split, label = ("dev", trial[0]) if trial else ("test", "test")
    settings = dict(option.split("=") for option in trial[1:]) if trial else SETTINGS
    speakers = {}
    for entry in harness.read(f"speechocean762/{split}"):
        speakers.setdefault(entry["speaker"], []).append(entry)
    rows = []
    for speaker, sentences in sorted(speakers.items())[: harness.given.limit]:
        sentences = shuffled(sentences)
        half = len(sentences) // 2
        own = harness.write(f"{split}-{speaker}-own", sentences[:half])
        held = harness.write(f"{split}-{speaker}-held", sentences[half:])
        model = harness.adapt(f"{label}-{speaker}", harness.accent_free, own, test=held,
                              keep_last=True, **settings)
        # Not the model that ships: that one is chosen by the same sentences.
        scores = json.loads((model / "adaptation.json").read_text())["scores"]["target"]
        before = harness.evaluate(harness.accent_free, held)
        row = {"speaker": speaker, "accent": sentences[0]["accent"], "sentences": half,
               "seconds": round(sum(s["duration"] for s in sentences[:half]))}
        for unit, name in (("cer", "characters"), ("wer", "words")):
            length = sum(counts(s, name)[1] for s in before["scores"])
            row[unit] = {
                "before": round(scores[unit]["base"]["rate"] * length),
                "after": round(scores[unit]["adapted"]["rate"] * length), "length": length,
                "difference": [scores[unit]["difference"][k] for k in ("rate", "lower", "upper")]}
        rows.append(row)
    figures = {"settings": settings, "speakers": rows}
    for unit in ("cer", "wer"):
        parts = [row[unit] for row in rows]
        figures[unit] = {
            "before": pooled([[(p["before"], p["length"])] for p in parts]),
            "after": pooled([[(p["after"], p["length"])] for p in parts]),
            "difference": pooled_difference([[(p["before"], p["after"], p["length"])] for p in parts]),
            "significantly_better": sum(p["difference"][2] < 0 for p in parts),
            "significantly_worse": sum(p["difference"][1] > 0 for p in parts)}
        shown = [f"{100 * figures[unit][k][0]:.1f}" for k in ("before", "after")]
        difference = " … ".join(f"{100 * d:+.1f}" for d in figures[unit]["difference"][1:])
        print(f"{label}: {unit} {shown[0]} → {shown[1]} % [{difference}], significantly better "
              f"{figures[unit]['significantly_better']}, worse {figures[unit]['significantly_worse']} of {len(rows)}")
    if not trial:
        harness.publish(figures, partial=harness.given.limit is not None)


main()
