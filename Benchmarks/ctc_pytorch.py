# The CTC loss beside PyTorch's, forward and backward from the same logits, in one run on two threads.
#
# Ours runs before and after PyTorch; the ratio takes the slower of the two. Exits with 1 where a median
# ratio is under 5.
#
# requirements: torch==2.15.0 numpy==2.4.6
# usage: swift build -c release && python Benchmarks/ctc_pytorch.py .build/release/CTCBenchmark
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

torch.set_num_threads(2)
rounds = 9


def stream(seed, count):
    """SplitMix64, as SeededRandom."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def ours():
    output = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    return [[float(x) for x in line.split()] for line in output.splitlines()]


def theirs(frames, batch, labels, length):
    size = batch * frames * labels
    numbers = stream(1, size + batch * length)
    unit = (numbers[:size] >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    logits = torch.tensor((np.float32(-4) + np.float32(8) * unit).reshape(batch, frames, labels))
    targets = [1 + (int(z) * (labels - 1) >> 64) for z in numbers[size:]]
    targets = torch.tensor(targets).reshape(batch, length)
    x = logits.transpose(0, 1).contiguous().requires_grad_()  # [frames, batch, labels], as it likes
    inputs, lengths = torch.full((batch,), frames), torch.full((batch,), length)
    times = []
    for _ in range(rounds + 2):
        x.grad = None
        start = time.perf_counter()
        loss = torch.nn.functional.ctc_loss(
            x.log_softmax(-1), targets, inputs, lengths, blank=0, reduction="sum")
        loss.backward()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[2:]), min(times[2:]), loss.item()


before = ours()
peer = [theirs(*(int(x) for x in case[:4])) for case in before]
after = ours()
least_ratio = float("inf")
for first, (median, least, loss), last in zip(before, peer, after):
    print(" x ".join(str(int(x)) for x in first[:4]))
    print(f"  median: ours {first[4]:.2f} and {last[4]:.2f} ms, PyTorch {median:.2f} ms: "
          f"{median / max(first[4], last[4]):.1f} times as fast")
    print(f"  least:  ours {first[5]:.2f} and {last[5]:.2f} ms, PyTorch {least:.2f} ms: "
          f"{least / max(first[5], last[5]):.1f} times as fast")
    print(f"  loss:   ours {first[6]:.6f}, PyTorch (float32) {loss:.6f}")
    assert abs(first[6] - loss) < 1e-4 * loss
    least_ratio = min(least_ratio, median / max(first[4], last[4]))
if least_ratio < 5:
    sys.exit(f"only {least_ratio:.1f} times as fast; 5 is asked for")
