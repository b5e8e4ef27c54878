# The other side of Scripts/compare: the same work as Worker/, by PyTorch and transformers.
#
# Lines on standard input: `threads N`, `prepare KIND VARIANT NUMBERS…`, `run TIMES`, `write PREFIX`,
# `memory`, `quit`; each is answered with one line. A variant is a precision, float32 or bfloat16, or
# autocast (weights in float32, work in bfloat16), with `+last` for channels last where there is a choice.
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

FLOATS = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


def stream(seed, count):
    """SplitMix64, as SeededRandom of the package Basics."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def random(shape, number, scale=1):
    unit = (stream(number, int(np.prod(shape))) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    return torch.tensor((np.float32(-scale) + np.float32(2 * scale) * unit).reshape(shape))


class Operation:
    """`body` of inputs and weights, forward and back; results are its output and every gradient.

    `orders` says for each input and for the output which axes of ours make PyTorch's.
    """

    def __init__(self, variant, inputs, weights, body, orders=None, last=None):
        kind, _, layout = variant.partition("+")
        self.orders = orders or [None] * (len(inputs) + 1)
        arrange = (lambda t: t.contiguous(memory_format=last)) if layout == "last" else (lambda t: t.contiguous())

        def leaf(tensor, order=None):
            tensor = tensor if order is None else tensor.permute(order)
            return arrange(tensor.to(FLOATS[kind])) if tensor.dim() == 4 else tensor.to(FLOATS[kind]).contiguous()

        self.x = [leaf(random(s, i + 1), o).requires_grad_() for (i, s), o in zip(enumerate(inputs), self.orders)]
        self.w = [leaf(random(s, i + 11, 0.1)).requires_grad_() for i, s in enumerate(weights)]
        self.body = body
        y = body(self.x, self.w)
        order = self.orders[-1]
        shape = y.shape if order is None else y.permute(inverse(order)).shape
        self.gradient = leaf(random(tuple(shape), 21), order)

    def run(self):
        for tensor in self.x + self.w:
            tensor.grad = None
        self.y = self.body(self.x, self.w)
        self.y.backward(self.gradient)

    def results(self):
        found = [t.grad for t in self.x] + [self.y]
        ours = [t if o is None else t.permute(inverse(o)) for t, o in zip(found, self.orders)]
        return [ours[-1]] + ours[:-1] + [t.grad for t in self.w]


def inverse(order):
    return [order.index(axis) for axis in range(len(order))]


def operation(kind, variant, n):
    channels = [0, 3, 1, 2]
    if kind == "linear":
        return Operation(variant, [(n[0], n[1])], [(n[2], n[1]), (n[2],)], lambda x, w: F.linear(x[0], *w))
    if kind == "products":
        return Operation(variant, [(n[0], n[1], n[2]), (n[0], n[2], n[3])], [], lambda x, w: x[0] @ x[1])
    if kind == "convolution2d":
        return Operation(
            variant, [(n[0], n[1], n[2], n[3])], [(n[4], n[3] // n[8], n[5], n[5]), (n[4],)],
            lambda x, w: F.conv2d(x[0], *w, stride=n[6], padding=n[7], groups=n[8]),
            [channels, channels], torch.channels_last)
    if kind == "convolution1d":
        return Operation(
            variant, [(n[0], n[1], n[2])], [(n[3], n[2], n[4]), (n[3],)],
            lambda x, w: F.conv1d(x[0], *w, stride=n[5], padding=n[6]), [[0, 2, 1], [0, 2, 1]])
    if kind == "depthwise":
        return Operation(
            variant, [(n[0], n[1], n[2])], [(n[2], 1, n[3]), (n[2],)],
            lambda x, w: F.conv1d(x[0], *w, padding=n[3] // 2, groups=n[2]), [[0, 2, 1], [0, 2, 1]])
    if kind == "layernorm":
        return Operation(
            variant, [(n[0], n[1])], [(n[1],), (n[1],)], lambda x, w: F.layer_norm(x[0], (n[1],), *w))
    if kind == "softmax":
        return Operation(variant, [(n[0] * n[1], n[2])], [], lambda x, w: x[0].softmax(-1))
    if kind == "lstm":
        return lstm(variant, n)
    return None


def lstm(variant, n):
    batch, frames, inputs, hidden, directions = n
    net = torch.nn.LSTM(inputs, hidden, batch_first=True, bidirectional=directions == 2)
    names = [name for name, _ in net.named_parameters()]

    def body(x, w):
        return torch.func.functional_call(net, dict(zip(names, w)), x[0])[0]

    return Operation(variant, [(batch, frames, inputs)], [tuple(p.shape) for p in net.parameters()], body)


class CTC:
    def __init__(self, variant, n):
        frames, batch, labels, length = n
        self.x = random((batch * frames, labels), 1, 4).to(FLOATS[variant])
        self.x = self.x.reshape(batch, frames, labels).transpose(0, 1).contiguous().requires_grad_()
        targets = [1 + (int(z) * (labels - 1) >> 64) for z in stream(2, batch * length)]
        self.targets = torch.tensor(targets).reshape(batch, length)
        self.lengths = torch.full((batch,), frames), torch.full((batch,), length)

    def run(self):
        self.x.grad = None
        self.loss = F.ctc_loss(self.x.log_softmax(-1), self.targets, *self.lengths, reduction="sum")
        self.loss.backward()

    def results(self):
        return [self.loss.reshape(1), self.x.grad.transpose(0, 1).flatten(0, 1)]


class Network:
    """`forward` one batch, a training `step`, `losses` of three steps without draws, or a step with the
    lower layers frozen, `upper:N`."""

    def __init__(self, kind, variant, directory, seconds, count):
        from transformers import AutoModelForCTC
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.model = AutoModelForCTC.from_pretrained(directory, dtype=torch.float32).eval()
        self.model.config.ctc_loss_reduction = "sum"
        self.kind, self.variant, self.count = kind, variant, count
        hears_samples = self.model.main_input_name == "input_values"
        shape = (seconds * 16000,) if hears_samples else (seconds * 100, 80)
        self.features = torch.stack([random(shape, i + 1, 1.7) for i in range(count)])
        self.mask = None if hears_samples else torch.ones(count, shape[0], dtype=torch.bool)
        self.labels = torch.tensor([[1 + i % 20 for i in range(40)]] * count)
        if kind == "forward" and variant == "bfloat16":
            self.model.to(torch.bfloat16)
            self.features = self.features.to(torch.bfloat16)
        if kind.startswith("upper:"):
            layers = self.model.encoder.layers
            upper = int(kind.partition(":")[2])
            self.model.requires_grad_(False)
            for part in [*layers[len(layers) - upper :], self.model.ctc_head]:
                part.requires_grad_(True)
                part.train()
            for module in self.model.modules():
                if isinstance(module, torch.nn.BatchNorm1d):
                    module.eval()
        elif kind == "step":
            self.model.train()
        if hears_samples:
            self.model.freeze_feature_encoder()
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        if kind != "forward":
            self.optimiser = torch.optim.AdamW(self.trained, lr=1e-4, weight_decay=0.01)

    def step(self):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.variant == "autocast"):
            output = self.model(self.features, attention_mask=self.mask, labels=self.labels)
        loss = output.loss / self.count
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimiser.step()
        return loss.item()

    def run(self):
        if self.kind == "forward":
            with torch.inference_mode(), torch.autocast(
                "cpu", dtype=torch.bfloat16, enabled=self.variant == "autocast"
            ):
                self.found = self.model(self.features, attention_mask=self.mask).logits
        else:
            self.found = [self.step() for _ in range(3 if self.kind == "losses" else 1)]

    def results(self):
        return [torch.as_tensor(self.found).float().flatten(0, -2 if self.kind == "forward" else -1)]


def prepare(kind, variant, words):
    if kind == "features":
        from features_peer import Features

        return Features(words[0], random((int(words[1]) * 16000,), 1, 0.5))
    if kind == "ctc":
        return CTC(variant, [int(w) for w in words])
    if kind in ("forward", "step", "losses") or kind.startswith("upper:"):
        return Network(kind, variant, words[0], int(words[1]), int(words[2]))
    return operation(kind, variant, [int(w) for w in words])


def main():
    work = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "threads":
            torch.set_num_threads(int(words[1]))
            answer = f"ok {torch.__version__}"
        elif words[0] == "prepare":
            work = None
            work = prepare(words[1], words[2], words[3:])
            answer = "ok"
        elif words[0] == "run":
            start = time.perf_counter()
            for _ in range(int(words[1])):
                work.run()
            answer = str(time.perf_counter() - start)
        elif words[0] == "write":
            results = work.results()
            for index, tensor in enumerate(results):
                np.save(f"{words[1]}{index}.npy", tensor.detach().to(torch.float64).numpy())
            answer = str(len(results))
        elif words[0] == "memory":
            status = open("/proc/self/status").read()
            answer = str(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
        else:
            break
        print(answer, flush=True)


if __name__ == "__main__":
    main()
