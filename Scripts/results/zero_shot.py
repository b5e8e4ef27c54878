"""Error of the bundled bases, untouched, on every English test set: by accent, by adult and child.

  python3 Scripts/results/zero_shot.py --work DIR --accent-free DIR
"""

from harness import Harness, by_speaker, counts, minutes, pooled, rate

SETS = {
    "LibriSpeech, one US speaker": ["librispeech_237/test"],
    "AN4, US, commands and numbers": ["an4_bits/all"],
    "speechocean762, Mandarin first language": ["speechocean762/test"],
    "digits, five collections": [
        *(f"fsdd/{who}-test" for who in ("jackson", "theo", "nicolas", "yweweler")),
        "indian_digits/test", "mexican_digits/test", "dotun_digits/test", "alphanumeric/test"],
}


def main():
    harness = Harness("zero_shot", __doc__)
    bases = [harness.small, harness.multilingual, harness.accent_free]
    figures = {}
    for base in bases:
        rows = []
        for title, names in SETS.items():
            entries = [entry for name in names for entry in harness.read(name)]
            result = harness.evaluate(base, harness.write(title.split(",")[0].replace(" ", "-"), entries))
            row = {"set": title, "utterances": len(entries), "minutes": round(minutes(entries), 1),
                   "wer": rate(result, "wer"), "cer": rate(result, "cer"), "parts": []}
            accents = {entry["audio_filepath"]: entry["accent"] for entry in entries}
            speakers = {entry["audio_filepath"]: entry["speaker"] for entry in entries}
            row["words"] = sum(counts(score, "words")[1] for score in result["scores"])
            for accent in sorted(set(accents.values())):
                part = [score for score in result["scores"] if accents[score["utterance"]] == accent]
                groups = by_speaker(part, [speakers[score["utterance"]] for score in part])
                words, characters = ([[counts(s, unit) for s in scores] for scores in groups]
                                     for unit in ("words", "characters"))
                row["parts"].append({
                    "accent": accent, "speakers": len({speakers[s["utterance"]] for s in part}),
                    "words": sum(n for g in words for _, n in g), "wer": pooled(words), "cer": pooled(characters)})
            rows.append(row)
            print(f"{base.name}, {title}: WER {100 * row['wer'][0]:.1f} %, CER {100 * row['cer'][0]:.1f} %")
        figures[base.name] = rows
    harness.publish({"zero_shot": figures})


main()
