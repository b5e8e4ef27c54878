"""The bundled demonstration, as `make demo` runs it: an accent that english-small never heard, before and after.

  python3 Scripts/results/demo.py --work DIR
"""

import json

from harness import ROOT, Harness


def main():
    harness = Harness("demo", __doc__)
    samples = ROOT / "AudioSamples"
    model = harness.adapt("model", harness.small, samples / "scottish-adapt.jsonl",
                          test=samples / "scottish-test.jsonl", strategy="full")
    target = json.loads((model / "adaptation.json").read_text())["scores"]["target"]
    rows = {unit: {"before": [target[unit]["base"][k] for k in ("rate", "lower", "upper")],
                   "after": [target[unit]["adapted"][k] for k in ("rate", "lower", "upper")],
                   "difference": [target[unit]["difference"][k] for k in ("rate", "lower", "upper")]}
            for unit in ("wer", "cer")}
    print(rows)
    harness.publish(rows)


main()
