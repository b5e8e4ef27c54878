"""Makes the tables of Documentation/Results.md and of english-small's card, between their <!-- NAME --> and
<!-- end --> marks, and the pictures of Documentation/charts from Documentation/results/*.json.

  python3 Scripts/results/page.py          needs Scripts/results/requirements.txt for the pictures
"""

import json
import re

from charts import accent_gap, data_curve, demo, digits, few_shot, languages, languages_peer, one_person, ranks, strategies, training, trials, zero_shot
from harness import FIGURES, ROOT

PAGE = ROOT / "Documentation" / "Results.md"
CARD = ROOT / "Models" / "english-small" / "README.md"


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


def demo_table(figures):
    return table(["", "Base", "Adapted", "Difference"],
                 [[unit.upper(), spread(figures[unit]["before"]), spread(figures[unit]["after"]),
                   change(figures[unit]["difference"])] for unit in ("wer", "cer")])


def zero_shot_table(figures):
    rows = []
    for base, sets in figures["zero_shot"].items():
        for row in sets:
            rows.append([f"`{base}`", row["set"], str(row["words"]), spread(row["cer"]), spread(row["wer"])])
            # Of fewer words no claim is made.
            parts = [p for p in row["parts"] if p["words"] >= 600] if len(row["parts"]) > 1 else []
            rows += [["", f"– {p['accent']}", str(p["words"]), spread(p["cer"]), spread(p["wer"])] for p in parts]
    return table(["Base", "Test set", "Words", "CER", "WER"], rows)


def accent_gap_table(figures):
    rows = []
    for row in figures["rows"]:
        native = {name.split("/")[0]: heard for name, heard in row["native"].items()}
        rows.append([
            f"{row['minutes']:g} minutes" if row["minutes"] else "none (the base)",
            spread(row["target"]["cer"]), spread(row["target"]["wer"]),
            change(row["cer_difference"]) if "cer_difference" in row else "",
            *(percent(row["parts"][who]["characters"]) for who in ("adults", "children")),
            *(" / ".join(percent(native[name][unit][0]) for unit in ("cer", "wer"))
              for name in ("librispeech_237", "an4_bits", "sc_digits"))])
    return table(["Adapted with", "CER", "WER", "CER, difference", "adults, CER", "children, CER",
                  "native, CER / WER: LibriSpeech 237", "AN4", "digits"], rows)


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
                 rows + [line("**all**", figures["all"], figures["all"]["words"])]) + (
        f"\n\nWER over all, after less before, over {figures['all']['speakers']} speakers: "
        f"{change(figures['all']['wer_difference'])}.")


def languages_table(figures):
    rows = []
    for row in figures["rows"]:
        for start, found in row["starts"].items():
            title = {"scratch": "from scratch", "transformers": "from scratch by transformers and PyTorch"}
            cells = [title.get(start, f"from `{start}`"), spread(found["cer"]), spread(found["wer"])]
            beside = change(row["multilingual_difference"]) if start == "multilingual-small" else ""
            rows.append([row["language"].capitalize(), f"{row['minutes']:g}", f"{row['wall_minutes']:g}", *cells, beside])
    return table(["Language", "Minutes of speech", "of training", "Start", "CER", "WER",
                  "CER beside `english-small`'s"], rows)


def languages_peer_table(figures):
    rows = [[f"{row['minutes']:g}", "from scratch" if row["start"] == "scratch" else f"from `{row['start']}`",
             spread(row["ours"]), spread(row["peer"]), change(row["difference"]),
             f"{row['speed']:g} / {row['peer_speed']:g}"] for row in figures["rows"]]
    return table(["Minutes of speech", "Start", "Idiolect, CER", "PyTorch, CER", "Difference",
                  "Seconds of audio a second"], rows)


def strategies_table(figures):
    names = [row["strategy"] for row in figures["targets"][0]["strategies"]]
    fixed = [name for name in names if name != "auto"]
    lines, over = [], []
    for target in figures["targets"]:
        found = {row["strategy"]: row for row in target["strategies"]}
        mean = {name: sum(found[name]["cer"]) / len(found[name]["cer"]) for name in names}
        best = min(fixed, key=mean.get)
        over.append(mean["auto"] / mean[best] - 1)
        cells = [f"**{percent(mean[n])}**" if n in (best, "auto") else percent(mean[n]) for n in names]
        shipped = sum(o["verdict"].startswith("negative") and o["what"] != "base" for r in found.values()
                      for o in r["outcomes"])
        lines.append([target["target"], f"{target['minutes']:g}", percent(found["auto"]["base"]), *cells,
                      f"{100 * over[-1]:+.1f} %".replace("-", "−"), str(shipped)])
    text = table(["Target", "Minutes", "Base", *names, "auto over the best", "Negative transfer shipped"], lines)
    mean = f"{100 * sum(over) / len(over):+.1f} %".replace("-", "−")
    return f"{text}\n\nOn average auto is {mean} relative beside the best in hindsight."


def data_curve_table(figures):
    return table(["Target", "Base", "Minutes", "Base alone", "Adapted", "From scratch"],
                 [[row["target"], f"`{row['base']}`", f"{row['minutes']:g}", percent(row["before"][0]),
                   spread(row["adapted"]), spread(row["scratch"])] for row in figures["rows"]])


def few_shot_table(figures):
    starts = [k for k in figures["rows"][0] if k not in ("minutes", "groups")]
    return table(["Minutes", "Groups", *(f"{s}, {w}" for s in starts for w in ("before", "after"))],
                 [[f"{row['minutes']:g}", str(row["groups"]),
                   *(spread(row[s][w]) for s in starts for w in ("before", "after"))] for row in figures["rows"]])


def ranks_table(figures):
    def number(value):
        return f"{value:.2f}".replace("-", "−")
    rows = []
    for row in figures["rows"]:
        rate, lower, upper = map(number, row["correlation"])
        rows.append([row["target"], str(len(row["candidates"])), f"{rate} [{lower} … {upper}]",
                     percent(row["chosen_cer"]), percent(row["best_cer"]), f"{row['rank_seconds']:.0f} s"])
    return table(["Target", "Candidates", "Rank correlation", "CER of the one it puts first", "of the best",
                  "Cost of the ranking"], rows)


def peer_table(figures):
    return table(["Target", "Base", "PyTorch", "Idiolect", "Difference", "Idiolect, a third of the time", "Difference"],
                 [[row["target"], f"`{row['base']}`", spread(row["peer"]), spread(row["whole"]),
                   change(row["whole_difference"]), spread(row["third"]), change(row["third_difference"])]
                  for row in figures["rows"]])


def unlabelled_table(figures):
    rows = [[row["with"], spread(row["cer"]), change(row["difference"]) if "difference" in row else "",
             row.get("verdict", "")] for row in figures["rows"]]
    single = [[row["set"], str(row["utterances"]), spread(row["before"]), spread(row["after"]),
               change(row["difference"]), str(row["refused"])] for row in figures["one_by_one"]]
    return (table(["Adapted with", "CER", "Difference", "Verdict"], rows) + "\n\nEach recording by itself, "
            "`transcribe --adapt`:\n\n"
            + table(["Set", "Recordings", "CER before", "after", "Difference", "Left unadapted"], single))


def forgetting_table(figures):
    return table(["Adapted", "Target, CER", "Retained: accented sentences, CER", "LibriSpeech 237, CER",
                  "Difference there", "Shipped"],
                 [[row["how"], spread(row["target"]), spread(row["speechocean762"]), spread(row["librispeech_237"]),
                   change(row["difference"]) if "difference" in row else "", row.get("shipped", "")]
                  for row in figures["rows"]])


def trials_table(figures):
    def line(row, *more):
        return [row["trial"], f"{row['minutes']:g} min, {row['audio_hours']:g} h", *more,
                *(spread(row["cer"][k]) for k in ("synthesised", "accented"))]
    networks = [row for row in figures["rows"] if "infeasible" in row]
    recipes = [row for row in figures["rows"] if "infeasible" not in row]
    heads = ["synthesised dev, CER", "accented dev, CER"]
    return "\n\n".join([
        "Networks, from random weights, synthesised speech with `--augment`, each with as much audio as it takes in "
        "that time on an idle machine:",
        table(["Network", "Audio", "Infeasible", *heads],
              [line(row, percent(row["infeasible"]["synthesised"])) for row in networks]),
        "Recipes, from the first part's weights; each differs from the first line in what it says:",
        table(["Recipe", "Audio", *heads], [line(row) for row in recipes])])


TABLES = {"demo": (demo_table, demo), "zero_shot": (zero_shot_table, zero_shot), "accent_gap": (accent_gap_table, accent_gap),
          "one_person": (one_person_table, one_person), "digits": (digits_table, digits),
          "languages": (languages_table, languages),
          "languages_peer": (languages_peer_table, languages_peer), "strategies": (strategies_table, strategies),
          "data_curve": (data_curve_table, data_curve), "few_shot": (few_shot_table, few_shot),
          "ranks": (ranks_table, ranks), "peer": (peer_table, None), "unlabelled": (unlabelled_table, None),
          "forgetting": (forgetting_table, None), "trials": (trials_table, trials)}


def main():
    pages = {path: path.read_text() for path in (PAGE, CARD)}
    for name in TABLES:
        if (FIGURES / f"{name}.json").exists() and not any(f"<!-- {name} -->" in text for text in pages.values()):
            raise SystemExit(f"neither {PAGE} nor {CARD} has a place for {name}: <!-- {name} --> … <!-- end -->")
    for name, (text, picture) in TABLES.items():
        if not (FIGURES / f"{name}.json").exists():
            continue
        figures = json.loads((FIGURES / f"{name}.json").read_text())
        if picture:
            picture(figures)
        path = CARD if name == "trials" else PAGE
        place = "results" if path == PAGE else "../../Documentation/results"
        source = f"Measured {figures['date']}: `{figures['command']}` ([figures]({place}/{name}.json))."
        pages[path] = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match: f"{match[1]}{text(figures)}\n\n{source}\n{match[2]}", pages[path], flags=re.S)
    training(json.loads((FIGURES / "training.json").read_text()))
    for path, text in pages.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
