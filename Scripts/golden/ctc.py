# Golden values for the CTC loss: PyTorch's ctc_loss in float64.
#
# requirements: torch==2.15.0 numpy==2.4.6
#
# Logits come from SplitMix64, which the tests run again, so only results are stored: losses in
# cases.json, the gradient (every `rowStep`-th row) in <case>.npy.
import json
import os

import numpy as np
import torch

out = os.path.join(os.path.dirname(__file__), "../../Tests/Golden/ctc")


def uniform(seed, count):
    """[0, 1) with 24 bits, float32: SeededRandom.uniform."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def logits_of(case):
    """Uniform in ±scale; and `bump` added along an even spread of the target over the frames."""
    labels, scale = case["labels"], np.float32(case["scale"])
    rows = sum(u["rows"] for u in case["utterances"])
    x = (-scale + (scale + scale) * uniform(case["seed"], rows * labels)).reshape(rows, labels)
    first = 0
    for u in case["utterances"]:
        frames, target = u["frames"], u["target"]
        for t in range(frames if case["bump"] else 0):
            here, before = t * len(target) // frames, (t - 1) * len(target) // frames
            new = target and (t == 0 or here != before)
            x[first + t, target[here] if new else case["blank"]] += np.float32(case["bump"])
        first += u["rows"]
    return x


def required(target):
    return len(target) + sum(a == b for a, b in zip(target, target[1:]))


def run(case):
    x = logits_of(case)
    gradient = np.zeros(x.shape)
    first = 0
    for u in case["utterances"]:
        frames, target = u["frames"], u["target"]
        u["required"] = required(target)
        u["loss"] = None
        if frames >= u["required"]:
            one = torch.tensor(x[first : first + frames], dtype=torch.float64, requires_grad=True)
            loss = torch.nn.functional.ctc_loss(
                one.log_softmax(-1)[:, None], torch.tensor([target], dtype=torch.long),
                torch.tensor([frames]), torch.tensor([len(target)]),
                blank=case["blank"], reduction="sum")
            (loss * u["weight"]).backward()
            u["loss"] = loss.item()
            gradient[first : first + frames] = one.grad.numpy()
        first += u["rows"]
    case["largest"] = float(np.abs(gradient).max())
    np.save(os.path.join(out, case["name"] + ".npy"), gradient[:: case["rowStep"]].astype(np.float32))
    return case


def case(name, seed, labels, blank, shapes, scale=4.0, bump=0.0, step=1, repeats=0.3):
    """shapes: (frames, target length, rows of padding); frames -n means n more than required."""
    random = np.random.default_rng(seed)
    others = [v for v in range(labels) if v != blank]
    utterances = []
    for frames, length, padding in shapes:
        target = []
        for _ in range(length):
            again = target and random.random() < repeats
            target.append(target[-1] if again else int(random.choice(others)))
        if frames <= 0:
            frames = required(target) - frames
        weight = float(random.integers(1, 9)) / 4
        utterances.append(
            {"rows": frames + padding, "frames": frames, "target": target, "weight": weight})
    return run(dict(name=name, seed=seed, labels=labels, blank=blank, scale=scale, bump=bump,
                    rowStep=step, utterances=utterances))


mixed = [(40, 9, 3), (25, 12, 0), (7, 0, 2), (1, 1, 0), (1, 0, 4), (30, 8, 1), (6, 9, 2), (9, 2, 0)]
os.makedirs(out, exist_ok=True)
cases = [
    case("blank_first", 1, 12, 0, mixed),
    case("blank_middle", 2, 12, 5, mixed),
    case("blank_last", 3, 12, 11, mixed),
    case("two_labels", 4, 2, 1, [(20, 5, 0), (9, 5, 0), (64, 20, 1), (8, 5, 0), (65, 1, 0)], repeats=1),
    case("one_label", 5, 1, 0, [(5, 0, 1)]),
    case("many_labels", 6, 1025, 1024, [(70, 20, 0), (33, 15, 0)], step=3),
    case("tight", 7, 9, 3, [(0, 118, 0), (-1, 60, 0), (-9, 40, 0)]),
    case("extreme", 8, 16, 0, [(400, 60, 0), (150, 90, 2), (64, 3, 0)], scale=200.0, step=3),
    case("trained", 9, 32, 0, [(500, 80, 0), (300, 30, 5)], bump=9.0, step=4),
    case("certain", 10, 32, 0, [(300, 50, 0), (200, 90, 0)], bump=24.0, step=4, repeats=0),
    case("long", 11, 29, 28, [(2000, 300, 0), (1100, 80, 7), (2000, 0, 0), (1999, 700, 0)], step=16),
    case("long_extreme", 12, 29, 28, [(2000, 300, 0), (2000, 9, 0)], scale=200.0, step=16),
]
with open(os.path.join(out, "cases.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
for c in cases:
    print(c["name"], c["largest"], [u["loss"] for u in c["utterances"]])
