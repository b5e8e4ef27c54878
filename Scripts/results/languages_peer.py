"""Mboshi, beside a peer: the same network trained by Idiolect and by transformers and PyTorch on the same recordings,
from scratch and from english-small, each for the same wall time on the same cores.

  python3 Scripts/results/languages_peer.py --work DIR --peer-python VENV/bin/python [--minutes 4]

Both in bfloat16 at the same learning rate, with the same SpecAugment, and with the weights that err least on the same
held-out utterances; batches and all else as each has them by default. VENV holds Scripts/golden/requirements.txt and
soxr. Needs a machine that does nothing else.
"""

import json

from harness import Harness, by_speaker, counts, edits, first_minutes, minutes, pooled, pooled_difference
from languages import LANGUAGES, NETWORK, SHARED, parts


class LanguagesPeer(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--peer-python", required=True, help="a python with torch and transformers")
        parser.add_argument("--minutes", type=float, default=4, help="wall time of each training (default 4)")


def main():
    harness = LanguagesPeer("languages_peer", __doc__)
    wall = harness.given.minutes
    harness.options = " --peer-python VENV/bin/python" + ("" if wall == 4 else f" --minutes {wall:g}")
    language = LANGUAGES["mboshi"]
    training, choosing = parts(harness, language)
    choose = harness.write("choose", choosing)
    testing = harness.read(language["test"])
    test = harness.write("test", testing)
    speakers = {entry["audio_filepath"]: entry["speaker"] for entry in testing}
    rows = []
    for size, _ in language["sizes"]:
        chosen = first_minutes(training, size) if size else training
        label = str(size or "all")
        train = harness.write(label, chosen)
        shared = dict(dev=choose, minutes=wall, look_every=25, **SHARED)
        for start, base in (("scratch", None), ("english-small", harness.small)):
            model = (harness.adapt(f"{label}-{start}", base, train, skip_scratch=True, **shared) if base
                     else harness.train(f"{label}-{start}", train, **NETWORK, **shared))
            ours = {s["utterance"]: counts(s) for s in harness.evaluate(model, test)["scores"]}
            heard, told = harness.peer(f"{label}-{start}-peer", train, test, choose=choose, minutes=wall,
                                       lr=SHARED["lr"], **{"from": base}, **NETWORK)
            theirs = {key: (edits(*texts), len(texts[0])) for key, texts in heard.items()}
            keys = [key for key in theirs if key in ours]

            def over(items):
                return by_speaker(items, [speakers[key] for key in keys])
            row = {"minutes": round(minutes(chosen), 1), "start": start, "torch": told["torch"],
                   "ours": pooled(over([ours[key] for key in keys])),
                   "peer": pooled(over([theirs[key] for key in keys])),
                   "difference": pooled_difference(over([(theirs[k][0], ours[k][0], ours[k][1]) for k in keys])),
                   "peer_speed": told["seconds_of_audio_a_second"],
                   "speed": round(json.loads((model / "adaptation.json").read_text())["training"]["audio_seconds"]
                                  / (60 * wall), 1)}
            rows.append(row)
            print(f"{row['minutes']} minutes, {start}: Idiolect {100 * row['ours'][0]:.1f} %, PyTorch "
                  f"{100 * row['peer'][0]:.1f} %", flush=True)
    harness.publish({"wall_minutes": wall, "rows": rows})


main()
