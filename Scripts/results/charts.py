"""The pictures of Documentation/Results.md, drawn from measured figures."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plot  # noqa: E402

from harness import ROOT  # noqa: E402

CHARTS = ROOT / "Documentation" / "charts"
BASE, ADAPTED, OTHER, FAINT = "#8a8f98", "#0b6e99", "#c4572b", "#d8dce2"
STYLE = {
    # The same figures give the same bytes.
    "svg.hashsalt": "idiolect", "svg.fonttype": "path", "font.size": 10, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.grid.axis": "y", "grid.color": FAINT,
    "axes.axisbelow": True, "legend.frameon": False, "figure.facecolor": "white",
}


def save(figure, name):
    CHARTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(CHARTS / f"{name}.svg", metadata={"Date": None})
    plot.close(figure)


def legend_above(axes):
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=4, borderaxespad=0)


def bars(axes, places, triples, colour, label, width):
    """Rates in percent with their intervals."""
    rates = [100 * t[0] for t in triples]
    errors = [[max(0, 100 * (t[0] - t[1])) for t in triples], [max(0, 100 * (t[2] - t[0])) for t in triples]]
    drawn = axes.bar(places, rates, width, yerr=errors, color=colour, label=label, ecolor="#444", capsize=2)
    axes.bar_label(drawn, fmt="%.0f", padding=2, fontsize=8)


def demo(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(4.5, 2.8))
        for shift, when, colour in ((-0.2, "before", BASE), (0.2, "after", ADAPTED)):
            bars(axes, [i + shift for i in range(2)], [figures[unit][when] for unit in ("wer", "cer")], colour,
                 {"before": "english-small", "after": "adapted"}[when], 0.4)
        axes.set_xticks(range(2), ["WER", "CER"])
        axes.set_ylabel("%")
        legend_above(axes)
        save(figure, "demo")


def zero_shot(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(8, 3.6))
        bases = figures["zero_shot"]
        titles = [row["set"].replace(", ", ",\n", 1) for row in next(iter(bases.values()))]
        width = 0.8 / len(bases)
        for index, (name, rows) in enumerate(bases.items()):
            bars(axes, [i + (index - (len(bases) - 1) / 2) * width for i in range(len(titles))],
                 [row["cer"] for row in rows], [ADAPTED, OTHER, BASE][index % 3], name, width)
        axes.set_xticks(range(len(titles)), titles, fontsize=8)
        axes.set_ylabel("CER, %")
        legend_above(axes)
        save(figure, "zero-shot")


def accent_gap(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(7, 3.8))
        rows = figures["rows"]
        places = range(len(rows))
        target = [100 * row["target"]["cer"][0] for row in rows]
        axes.fill_between(places, *([100 * row["target"]["cer"][k] for row in rows] for k in (1, 2)),
                          color=ADAPTED, alpha=0.2, linewidth=0)
        axes.plot(places, target, "o-", color=ADAPTED, label="Mandarin-accented test speakers")
        for name, style in (("librispeech_237/test", "s--"), ("an4_bits/all", "^--"), ("sc_digits/dev", "v--")):
            axes.plot(places, [100 * row["native"][name]["cer"][0] for row in rows], style, color=BASE,
                      markersize=4, linewidth=1, label=f"native: {name.split('/')[0]}")
        axes.set_xticks(places, [f"{row['minutes']:g}" for row in rows])
        axes.set_xlabel("minutes of accented speech adapted with")
        axes.set_ylabel("CER, %")
        axes.set_ylim(0)
        axes.legend(fontsize=8)
        save(figure, "accent-gap")


def one_person(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(8, 3.6))
        rows = sorted(figures["speakers"], key=lambda r: r["cer"]["difference"][0])
        for place, row in enumerate(rows):
            rate, lower, upper = (100 * v for v in row["cer"]["difference"])
            colour = ADAPTED if upper < 0 else OTHER if lower > 0 else BASE
            axes.plot([place, place], [lower, upper], color=colour, linewidth=1.5)
            axes.plot(place, rate, "o", color=colour, markersize=4)
        axes.axhline(0, color="#444", linewidth=1)
        axes.set_xticks([])
        axes.set_xlabel(f"the {len(rows)} test speakers, by gain")
        axes.set_ylabel("change of CER, points")
        save(figure, "one-person")


def digits(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(8, 3.6))
        rows = figures["rows"] + [{"set": "all", **figures["all"]}]
        for shift, when, colour in ((-0.2, "before", BASE), (0.2, "after", ADAPTED)):
            bars(axes, [i + shift for i in range(len(rows))], [row[when]["accuracy"] for row in rows], colour,
                 {"before": "english-small", "after": "adapted"}[when], 0.4)
        axes.set_xticks(range(len(rows)), [row["set"].replace("_", "\n").replace("-", "\n") for row in rows],
                        fontsize=8)
        axes.set_ylabel("digits heard right, %")
        legend_above(axes)
        save(figure, "digits")


def languages(figures):
    colours = {"scratch": BASE, "english-small": ADAPTED, "multilingual-small": OTHER}
    with plot.rc_context(STYLE):
        rows = figures["rows"]
        columns = min(3, len(rows))
        lines = -(-len(rows) // columns)
        figure, grid = plot.subplots(lines, columns, figsize=(3.4 * columns, 3 * lines), squeeze=False)
        for axes in grid.flat[len(rows):]:
            axes.set_visible(False)
        for axes, row in zip(grid.flat, rows):
            for start, found in row["starts"].items():
                axes.plot([s / 60 for s, _ in found["curve"]], [100 * r for _, r in found["curve"]],
                          color=colours[start], label=start)
            axes.set_title(f"{row['language'].capitalize()}, {row['minutes']:g} minutes", fontsize=9)
            axes.set_ylim(0, 100)
            axes.set_xlabel("wall time of training, minutes", fontsize=8)
            axes.set_ylabel("CER, %", fontsize=8)
        grid.flat[0].legend(fontsize=7)
        save(figure, "languages")


def training(figures):
    """The parts of each base's training one after another; each is judged by other utterances."""
    with plot.rc_context(STYLE):
        bases = list(dict.fromkeys(part["base"] for part in figures["parts"]))
        for base in bases:
            figure, axes = plot.subplots(figsize=(6.5, 2.8))
            before = 0
            for part, colour in zip((p for p in figures["parts"] if p["base"] == base), (BASE, ADAPTED, OTHER)):
                axes.plot([before + updates for updates, _ in part["points"]], [rate for _, rate in part["points"]],
                          "o-", color=colour, markersize=3, label=part["part"])
                before += part["points"][-1][0]
            axes.set_ylim(0, None)
            axes.set_xlabel("updates")
            axes.set_ylabel("CER on what chose, %")
            axes.legend(fontsize=8)
            save(figure, f"training-{base}")


def trials(figures):
    """Accented speech; networks by their time, recipes."""
    with plot.rc_context(STYLE):
        rows = figures["rows"][::-1]
        figure, axes = plot.subplots(figsize=(7.5, 0.26 * len(rows) + 0.8))
        for key, colour, shift in (("synthesised", BASE, 0.2), ("accented", ADAPTED, -0.2)):
            rates = [100 * row["cer"][key][0] for row in rows]
            errors = [[rate - 100 * row["cer"][key][1] for rate, row in zip(rates, rows)],
                      [100 * row["cer"][key][2] - rate for rate, row in zip(rates, rows)]]
            axes.barh([i + shift for i in range(len(rows))], rates, 0.38, xerr=errors, color=colour,
                      label=f"{key} dev", ecolor="#444")
        axes.set_yticks(range(len(rows)), [f"{row['trial']}, {row['minutes']:g} min" for row in rows], fontsize=6.5)
        axes.set_xlabel("CER, %")
        axes.legend(fontsize=7)
        save(figure, "trials")


def languages_peer(figures):
    with plot.rc_context(STYLE):
        rows = figures["rows"]
        figure, axes = plot.subplots(figsize=(6.5, 3))
        for shift, key, colour, label in ((-0.2, "peer", BASE, "PyTorch"), (0.2, "ours", ADAPTED, "Idiolect")):
            bars(axes, [i + shift for i in range(len(rows))], [row[key] for row in rows], colour, label, 0.4)
        starts = {"scratch": "from scratch"}
        axes.set_xticks(range(len(rows)), [f"{row['minutes']:g} min\n{starts.get(row['start'], row['start'])}"
                                           for row in rows], fontsize=8)
        axes.set_ylabel("CER, %")
        legend_above(axes)
        save(figure, "languages-peer")


def strategies(figures):
    """Every seed a dot; auto and the base apart."""
    with plot.rc_context(STYLE):
        targets = figures["targets"]
        columns = min(3, len(targets))
        lines = -(-len(targets) // columns)
        figure, grid = plot.subplots(lines, columns, figsize=(3.6 * columns, 2.9 * lines), squeeze=False)
        for axes in grid.flat[len(targets):]:
            axes.set_visible(False)
        for axes, target in zip(grid.flat, targets):
            rows = target["strategies"]
            for place, row in enumerate(rows):
                colour = OTHER if row["strategy"] == "auto" else ADAPTED
                axes.plot([place] * len(row["cer"]), [100 * c for c in row["cer"]], "o", color=colour,
                          markersize=4, alpha=0.8)
            if rows[0]["base"] < 1:
                axes.axhline(100 * rows[0]["base"], color=BASE, linestyle=":", linewidth=1)
            axes.set_xticks(range(len(rows)), [row["strategy"] for row in rows], rotation=60, fontsize=7)
            axes.set_title(f"{target['target']}, {target['minutes']:g} minutes", fontsize=9)
            axes.set_ylabel("CER, %", fontsize=8)
        save(figure, "strategies")


def data_curve(figures):
    with plot.rc_context(STYLE):
        names = list(dict.fromkeys(row["target"] for row in figures["rows"]))
        figure, grid = plot.subplots(1, len(names), figsize=(2.7 * len(names), 3), sharey=True, squeeze=False)
        for axes, name in zip(grid.flat, names):
            rows = [row for row in figures["rows"] if row["target"] == name]
            for start, colour in (("scratch", BASE), ("adapted", ADAPTED)):
                axes.plot([row["minutes"] for row in rows], [100 * row[start][0] for row in rows], "o-",
                          color=colour, markersize=3, label={"scratch": "from scratch"}.get(start, start))
                axes.fill_between([row["minutes"] for row in rows],
                                  *([100 * row[start][k] for row in rows] for k in (1, 2)), color=colour, alpha=0.15)
            axes.set_xscale("log")
            ticks = [0.5, 1, 3, 10, 30]
            axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
            axes.minorticks_off()
            axes.set_title(name, fontsize=9)
            axes.set_xlabel("minutes of speech", fontsize=8)
        grid.flat[0].set_ylabel("CER, %", fontsize=8)
        grid.flat[0].legend(fontsize=7)
        save(figure, "data-curve")


def few_shot(figures):
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(6, 3.4))
        rows = figures["rows"]
        starts = [k for k in rows[0] if k not in ("minutes", "groups")]
        for start, colour in zip(starts, (BASE, ADAPTED, OTHER)):
            for when, line in (("before", ":"), ("after", "-")):
                axes.plot([row["minutes"] for row in rows], [100 * row[start][when][0] for row in rows], line + "o",
                          color=colour, markersize=3, label=f"{start}, {when}")
        axes.set_xscale("log")
        axes.set_xticks([row["minutes"] for row in rows], [f"{row['minutes']:g}" for row in rows])
        axes.minorticks_off()
        axes.set_xlabel("minutes of the new speakers")
        axes.set_ylabel("CER, %")
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
        save(figure, "few-shot")


def ranks(figures):
    """Foretold against found; a base's depths have one colour."""
    with plot.rc_context(STYLE):
        rows = figures["rows"]
        figure, grid = plot.subplots(1, len(rows), figsize=(2.8 * len(rows), 3), squeeze=False)
        bases = list(dict.fromkeys(c["base"] for row in rows for c in row["candidates"]))
        colours = dict(zip(bases, (ADAPTED, OTHER, BASE)))
        for axes, row in zip(grid.flat, rows):
            for candidate in row["candidates"]:
                axes.plot(candidate["h_score"], 100 * candidate["cer"], "o", markersize=4,
                          color=colours[candidate["base"]])
                axes.annotate(str(candidate["layers"]), (candidate["h_score"], 100 * candidate["cer"]), fontsize=6,
                              xytext=(3, 3), textcoords="offset points")
            axes.set_title(f"{row['target']}: {row['correlation'][0]:.2f}", fontsize=9)
            axes.set_xlabel("H-score", fontsize=8)
        for base, colour in colours.items():
            grid.flat[-1].plot([], [], "o", color=colour, markersize=4, label=base)
        grid.flat[-1].legend(fontsize=6)
        grid.flat[0].set_ylabel("CER after training, %", fontsize=8)
        save(figure, "ranks")
