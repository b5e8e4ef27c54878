# What Scripts/compare compares: each case once, as both workers know it.
from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    group: str
    kind: str
    numbers: tuple
    precision: str  # ours
    peers: tuple  # the peer's variants; the fastest counts
    goal: float
    bound: float  # of the relative difference from `reference`
    reference: str = "float32"
    checks: str = ""  # the kind that is compared, if not this one: training draws differ
    giga: float = 0  # multiply-adds of one run of the network


def operations():
    sizes = [
        ("linear", "matmul {0} × {1} → {2}", [(4000, 144, 576), (4000, 576, 144), (1500, 512, 2048)]),
        ("products", "matmul {0} of {1} × {2} · {2} × {3}", [(32, 400, 64, 400), (1, 500, 768, 3072)]),
        ("convolution2d", "conv 2-D {0}×{1}×{2}, {3} → {4}, {5}×{5} stride {6}",
         [(16, 1000, 80, 1, 64, 3, 2, 1, 1), (4, 250, 20, 64, 64, 3, 1, 1, 1)]),
        ("convolution1d", "conv 1-D {0}×{1}, {2} → {3}, {4} stride {5}", [(4, 3000, 512, 512, 3, 2, 1)]),
        ("depthwise", "depthwise {0}×{1}×{2}, {3}", [(16, 250, 144, 9), (16, 250, 512, 9)]),
        ("lstm", "LSTM {0}×{1}, {2} → {3}, directions {4}", [(16, 200, 256, 256, 1), (16, 200, 320, 320, 2)]),
        ("layernorm", "layer norm {0} × {1}", [(4000, 144), (1500, 512)]),
        ("softmax", "softmax {0}×{1}×{2}", [(32, 400, 400)]),
    ]
    for kind, name, cases in sizes:
        for numbers in cases:
            for precision in ("float32", "bfloat16"):
                variants = (precision, precision + "+last") if kind == "convolution2d" else (precision,)
                yield Case(
                    name.format(*numbers), f"operations, {precision}", kind, numbers, precision, variants,
                    0.95, 1e-4 if precision == "float32" else 2e-2)


def networks(small, large, samples):
    """By directory. Multiply-adds by `multiply_adds`, three times as many in a training step."""
    both = ("float32", "bfloat16")
    training = ("float32", "autocast")
    for seconds in (10, 60):
        yield Case(f"english-small forward, {seconds} s", "networks", "forward", (small, seconds, 1),
                   "bfloat16", both, 2.5, 3e-2, giga=multiply_adds(SMALL, seconds))
    yield Case("english-small training step, 16 × 10 s", "networks", "step", (small, 10, 16), "bfloat16",
               training, 2.5, 1e-2, checks="losses", giga=3 * 16 * multiply_adds(SMALL, 10))
    for upper, goal, share in ((2, 5, "four fifths"), (5, 3.3, "half")):
        yield Case(f"step of an epoch, lower {share} frozen, 16 × 10 s", "networks", f"upper:{upper}",
                   (small, 10, 16), "bfloat16", training, goal, 0)
    yield Case("110 M parameters forward, 30 s", "networks", "forward", (large, 30, 1), "bfloat16", both,
               1.5, 3e-2, giga=multiply_adds(LARGE, 30))
    yield Case("110 M parameters training step, 8 × 10 s", "networks", "step", (large, 10, 8), "bfloat16",
               training, 1.5, 1e-2, checks="losses", giga=3 * 8 * multiply_adds(LARGE, 10))
    for variant, goal in (("float32", 2), ("bfloat16", 1.3)):
        yield Case(f"wav2vec 2.0 base forward, 10 s, beside {variant}", "wav2vec 2.0", "forward", (samples, 10, 1),
                   "bfloat16", (variant,), goal, 3e-2)
    for variant, goal in (("float32", 2.5), ("autocast", 1)):
        yield Case(f"wav2vec 2.0 base adaptation step, convolutions frozen, 4 × 10 s, beside {variant}", "wav2vec 2.0",
                   "step", (samples, 10, 4), "bfloat16", (variant,), goal, 2e-2, checks="losses")


def losses():
    for frames, batch, labels, length in ((500, 16, 32, 80), (1500, 8, 1025, 200)):
        yield Case(f"CTC {frames} × {batch} × {labels}, {length} labels", "CTC", "ctc",
                   (frames, batch, labels, length), "float32", ("float32",), 8, 1e-5, "float64")


def features():
    def case(name, convention, goal, bound=1e-4):
        return Case(name, "features", "features", (convention, 60), "float32", ("float32",), goal, bound)

    for peer, goal in (("torchaudio", 1.5), ("librosa", 4)):
        yield case(f"log-mel 80 of 60 s, {peer}", f"{peer}-log-mel", goal)
    yield case("log-mel 80 of 60 s, kaldi-native-fbank", "kaldi-fbank", 10)
    for peer, goal in (("torchaudio", 1.5), ("librosa", 4)):
        yield case(f"MFCC 13 of 60 s, {peer}", f"{peer}-mfcc", goal)
    yield case("MFCC 13 of 60 s, python_speech_features", "python-speech-features", 8)
    yield case("6,000 chunks of 10 ms, kaldi-native-fbank", "kaldi-fbank-stream", 3)


@dataclass
class Shape:
    hidden: int
    layers: int
    inner: int
    kernel: int
    halvings: int
    channels: int
    labels: int


SMALL = Shape(176, 10, 704, 9, 2, 64, 29)
LARGE = Shape(512, 17, 2048, 9, 3, 256, 1025)


def multiply_adds(s, seconds):
    """Of a forward pass over one utterance, in units of 10^9: products and convolutions only."""
    frames, bins = seconds * 100 / 2, 80 / 2
    total = frames * bins * 9 * s.channels
    for _ in range(s.halvings - 1):
        frames, bins = frames / 2, bins / 2
        total += frames * bins * s.channels * (9 + s.channels)
    total += frames * bins * s.channels * s.hidden
    layer = 4 * s.hidden * s.inner + 4 * s.hidden**2 + 3 * s.hidden**2 + s.kernel * s.hidden
    # Attention: positions' projection, scores by content and by position, and the weighted sum.
    attention = 2 * s.hidden**2 + 3 * frames * s.hidden
    total += frames * s.layers * (layer + attention) + frames * s.hidden * s.labels
    return total / 1e9
