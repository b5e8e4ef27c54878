"""Makes the tables of Documentation/Results.md, between its <!-- NAME --> and <!-- end --> marks, and the
pictures of Documentation/charts from Documentation/results/*.json.

  python3 Scripts/results/page.py          needs Scripts/results/requirements.txt for the pictures
"""

import json
import re

from charts import accent_gap, digits, languages, one_person, zero_shot
from harness import FIGURES, ROOT

PAGE = ROOT / "Documentation" / "Results.md"


def percent(rate, digits=1):
    return f"{100 * rate:.{digits}f} %"


def spread(triple):
    rate, lower, upper = triple
    return f"{percent(rate)} ({100 * lower:.1f}–{100 * upper:.1f})"


def change(triple):
    rate, lower, upper = (f"{100 * v:+.1f}".replace("-", "−") for v in triple)
    return f"{rate} [{lower} … {upper}]"


def table(heads, rows):
    lines = [heads, ["---"] * len(heads)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def zero_shot_table(figures):
    rows = []
    for base, sets in figures["bases"].items():
        for row in sets:
            rows.append([f"`{base}`", row["set"], str(row["utterances"]), spread(row["cer"]), spread(row["wer"])])
            parts = [p for p in row["parts"] if p["accent"]] if len(row["parts"]) > 1 else []
            rows += [["", f"– {p['accent']}", f"{p['words']} words", spread(p["cer"]), spread(p["wer"])]
                     for p in parts]
    return table(["Base", "Test set", "Utterances", "CER", "WER"], rows)


def accent_gap_table(figures):
    rows = []
    for row in figures["rows"]:
        native = {name.split("/")[0]: heard for name, heard in row["native"].items()}
        rows.append([
            f"{row['minutes']:g} minutes" if row["minutes"] else "none (the base)",
            spread(row["target"]["cer"]), spread(row["target"]["wer"]),
            change(row["cer_difference"]) if "cer_difference" in row else "",
            *(percent(row["parts"][who]["characters"]) for who in ("adults", "children")),
            *(percent(native[name]["cer"][0]) for name in ("librispeech_237", "an4_bits", "sc_digits"))])
    return table(["Adapted with", "CER", "WER", "CER, difference", "adults", "children",
                  "native: LibriSpeech 237", "AN4", "digits"], rows)


def one_person_table(figures):
    rows = []
    for unit in ("cer", "wer"):
        part = figures[unit]
        rows.append([unit.upper(), spread(part["before"]), spread(part["after"]), change(part["difference"]),
                     *(f"{part[k]} of {len(figures['speakers'])}"
                       for k in ("significantly_better", "significantly_worse"))])
    return table(["", "Before", "After", "Difference, over speakers", "Significantly better", "Worse"], rows)


def digits_table(figures):
    def line(title, row, words):
        return [title, str(words), *(spread(row[w]["accuracy"]) for w in ("before", "after")),
                *(percent(row[w]["wer"][0]) for w in ("before", "after"))]
    rows = [line(row["set"], row, row["words"]) for row in figures["rows"]]
    return table(["Set", "Digits", "Right before", "Right after", "WER before", "WER after"],
                 rows + [line("**all**", figures["all"], figures["all"]["words"])])


def languages_table(figures):
    rows = []
    for row in figures["rows"]:
        for start, found in row["starts"].items():
            if start == "transformers":
                cells = ["transformers and PyTorch, from scratch", percent(found["dev_cer"]), percent(found["dev_wer"])]
            else:
                cells = ["from scratch" if start == "scratch" else f"from `{start}`",
                         spread(found["cer"]), spread(found["wer"])]
            rows.append([row["language"].capitalize(), f"{row['minutes']:g}", *cells])
    return table(["Language", "Minutes", "Start", "CER", "WER"], rows)


TABLES = {"zero_shot": (zero_shot_table, zero_shot), "accent_gap": (accent_gap_table, accent_gap),
          "one_person": (one_person_table, one_person), "digits": (digits_table, digits),
          "languages": (languages_table, languages)}


def main():
    page = PAGE.read_text()
    for name, (text, picture) in TABLES.items():
        path = FIGURES / f"{name}.json"
        if not path.exists():
            continue
        figures = json.loads(path.read_text())
        picture(figures)
        source = f"Measured {figures['date']}: `{figures['command']}` ([figures](results/{name}.json))."
        page, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match: f"{match[1]}{text(figures)}\n\n{source}\n{match[2]}", page, flags=re.S)
        if not found:
            raise SystemExit(f"{PAGE}: has no place for {name}: <!-- {name} --> … <!-- end -->")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
