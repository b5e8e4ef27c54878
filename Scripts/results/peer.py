"""Adapting beside a peer: the same base, opened by transformers and fine-tuned by a loop in PyTorch, on the same
data, the same cores and for the same wall time; and Idiolect again for a third of that time.

  python3 Scripts/results/peer.py --work DIR --peer-python VENV/bin/python [--minutes 2]

Both train everything at the same learning rates in bfloat16; the last weights are tested. VENV holds
Scripts/golden/requirements.txt and soxr. Needs a machine that does nothing else.
"""

from harness import Harness, counts, edits, first_minutes, minutes, pooled, pooled_difference
from targets import chosen

TARGETS = ["fsdd", "digits", "mboshi", "gujarati", "ukrainian"]
MINUTES = 10
BATCH_SECONDS = 60


class Peer(Harness):
    def add_arguments(self, parser):
        parser.add_argument("--peer-python", required=True, help="a python with torch and transformers")
        parser.add_argument("--minutes", type=float, default=2, help="wall time of each training (default 2)")
        parser.add_argument("--only", help="one target")


def main():
    harness = Peer("peer", __doc__)
    wall = harness.given.minutes
    harness.options = " --peer-python VENV/bin/python"
    rows = []
    for name, target in chosen(harness, TARGETS):
        directory, lr = target.base, target.lr
        own = first_minutes(target.train, MINUTES)
        manifest, test = harness.write(f"{name}-train", own), harness.write(f"{name}-test", target.test)

        def ours(share):
            model = harness.adapt(f"{name}-{share:.2f}", directory, manifest, test=test, strategy="full", keep_last=True,
                                  minutes=wall * share, lr=lr, batch_seconds=BATCH_SECONDS, skip_scratch=True,
                                  no_interpolation=True)
            return {s["utterance"]: counts(s) for s in harness.evaluate(model, test)["scores"]}

        heard, _ = harness.peer(f"{name}-peer", manifest, test, **{"from": directory}, minutes=wall,
                                batch_seconds=BATCH_SECONDS, lr=lr)
        theirs = {key: (edits(*texts), len(texts[0])) for key, texts in heard.items()}
        row = {"target": name, "base": directory.name, "minutes": round(minutes(own), 1)}
        row["peer"] = pooled([[v] for v in theirs.values()])
        for title, share in (("whole", 1), ("third", 1 / 3)):
            mine = ours(share)
            row[title] = pooled([[v] for v in mine.values()])
            row[f"{title}_difference"] = pooled_difference(
                [[(theirs[key][0], mine[key][0], theirs[key][1])] for key in theirs if key in mine])
        rows.append(row)
        print(f"{name}: peer {100 * row['peer'][0]:.1f} %, Idiolect {100 * row['whole'][0]:.1f} %, in a third of the "
              f"time {100 * row['third'][0]:.1f} %", flush=True)
    harness.publish({"wall_minutes": wall, "rows": rows}, partial=harness.given.only is not None)


main()
