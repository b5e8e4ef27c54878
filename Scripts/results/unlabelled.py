"""Adapting without labels: to what the model hears in an accent's recordings, and to each recording by itself.

  python3 Scripts/results/unlabelled.py --work DIR

Thirteen minutes of digits with four kinds of accent, their texts not looked at; a minute with texts or none.
Then transcribe --adapt on recordings of three sets, beside the same without it.
"""

import json
import subprocess

from harness import Harness, edits, first_minutes, minutes, pooled, pooled_difference, rate, shuffled
from targets import TARGETS

ONE_BY_ONE = ["speechocean762/test", "librispeech_237/test", "an4_bits/all"]
MINUTES = 10


def heard(harness, model, entries, *options):
    """What transcribe makes of each recording, and what it says of those it would not adapt to."""
    done = subprocess.run(
        [harness.given.idiolect, "transcribe", "--model", model, "--format", "json", *options,
         *(e["audio_filepath"] for e in entries)], capture_output=True, text=True, check=True)
    texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    return texts, sum("not adapted" in line for line in done.stderr.splitlines())


def main():
    harness = Harness("unlabelled", __doc__)
    target = TARGETS["digits"](harness)
    base = target.base
    labelled = first_minutes(target.train, 1)
    chooses = first_minutes(target.train[len(labelled):], 1.5)
    rest = target.train[len(labelled) + len(chooses):]
    dev = harness.write("dev", chooses)
    silent = harness.write("unlabelled", [{**e, "text": ""} for e in rest])
    few = harness.write("labelled", labelled)
    test = harness.write("test", target.test)
    before = harness.evaluate(base, test)
    rows = [{"with": "nothing (the base)", "cer": rate(before, "cer"), "wer": rate(before, "wer")}]
    shared = dict(test=test, epochs=5, strategy="full")
    for title, options in {
        "13 minutes without texts, nothing labelled": dict(unlabelled=silent),
        "13 minutes without texts, a minute labelled, another and a half choose": dict(unlabelled=silent, train=few, dev=dev),
        # Of a minute five epochs are few updates.
        "1 minute with texts, forty epochs": dict(train=few, dev=dev, batch_seconds=20, epochs=40),
    }.items():
        name = title.split(",")[0].replace(" ", "-") + ("-dev" if "dev" in options else "")
        options = dict(options)
        train = options.pop("train", None)
        model = harness.adapt(name, base, train, **{**shared, **options})
        record = json.loads((model / "adaptation.json").read_text())
        cer = record["scores"]["target"]["cer"]
        rows.append({"with": title, "cer": [cer["adapted"][k] for k in ("rate", "lower", "upper")],
                     "difference": [cer["difference"][k] for k in ("rate", "lower", "upper")],
                     "verdict": record["verdict"]["transfer"]})
        print(f"{title}: CER {100 * cer['adapted']['rate']:.1f} %", flush=True)
    single = []
    for name in ONE_BY_ONE:
        entries = first_minutes(shuffled(harness.read(name)), MINUTES)
        plain, _ = heard(harness, base, entries)
        adapted, refused = heard(harness, base, entries, "--adapt")
        triples = [[(edits(e["text"], p), edits(e["text"], a), len(e["text"]))]
                   for e, p, a in zip(entries, plain, adapted)]
        single.append({"set": name, "utterances": len(entries), "minutes": round(minutes(entries), 1),
                       "refused": refused, "before": pooled([[(b, n) for b, _, n in t] for t in triples]),
                       "after": pooled([[(a, n) for _, a, n in t] for t in triples]),
                       "difference": pooled_difference(triples)})
        row = single[-1]
        print(f"{name}: CER {100 * row['before'][0]:.1f} → {100 * row['after'][0]:.1f} %, refused {refused}", flush=True)
    harness.publish({"rows": rows, "one_by_one": single})


main()
