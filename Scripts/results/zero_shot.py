"""Error of the bundled bases, untouched, on every English test set: by accent, by adult and child.

  python3 Scripts/results/zero_shot.py --work DIR
"""

from harness import Harness, counts, minutes, pooled, rate

SETS = {
    "LibriSpeech, one US speaker": ["librispeech_237/test"],
    "AN4, US, spelling and commands": ["an4_bits/all"],
    "speechocean762, Mandarin first language": ["speechocean762/test"],
    "digits, all five sets": [
        *(f"fsdd/{who}-test" for who in ("jackson", "theo", "nicolas", "yweweler")),
        "indian_digits/test", "mexican_digits/test", "dotun_digits/test", "alphanumeric/test"],
}


def main():
    harness = Harness("zero_shot", __doc__)
    bases = [harness.small, harness.multilingual, harness.accent_free]
    figures = {}
    for base in bases:
        if not (base / "model.safetensors").exists():
            print(f"{base}: not there, left out")
            continue
        rows = []
        for title, names in SETS.items():
            entries = [entry for name in names for entry in harness.read(name)]
            result = harness.evaluate(base, harness.write(title.split(",")[0].replace(" ", "-"), entries))
            row = {"set": title, "utterances": len(entries), "minutes": round(minutes(entries), 1),
                   "wer": rate(result, "wer"), "cer": rate(result, "cer"), "parts": []}
            accents = {entry["audio_filepath"]: (entry["accent"], entry["speaker"]) for entry in entries}
            parts = {}
            for score in result["scores"]:
                accent, speaker = accents[score["utterance"]]
                parts.setdefault(accent, {}).setdefault(speaker, []).append(score)
            for accent, speakers in sorted(parts.items()):
                # Speakers are drawn where there are five, as the program does, else utterances.
                drawn = (list(speakers.values()) if len(speakers) >= 5
                         else [[score] for scores in speakers.values() for score in scores])
                words, characters = ([[counts(s, unit) for s in scores] for scores in drawn]
                                     for unit in ("words", "characters"))
                row["parts"].append({
                    "accent": accent, "speakers": len(speakers), "words": sum(n for g in words for _, n in g),
                    "wer": pooled(words), "cer": pooled(characters)})
            rows.append(row)
            print(f"{base.name}, {title}: WER {100 * row['wer'][0]:.1f} %, CER {100 * row['cer'][0]:.1f} %")
        figures[base.name] = rows
    harness.publish({"bases": figures})


main()
