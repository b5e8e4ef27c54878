"""Golden data for speech-to-text-wavenet: its network written anew in PyTorch from the published `model.py`.

Writes Tests/Golden/wavenet/<case>/ for two small random networks, as published and causal:

  config.json, vocab.json, processor_config.json, model.safetensors   in Idiolect's own layout
  features-<i>.npy           [frames, 20], utterance i: made numbers
  logits-<i>.npy             [frames, labels], utterance i alone
  gradients.safetensors      d loss / d parameter, statistics frozen
  case.json                  labels, losses, loss before each of ten AdamW steps and after

Published (TensorFlow 1 with sugartensor, which no longer install): a convolution over one frame; stacks of layers,
each tanh · sigmoid of two dilated convolutions that keep the length, then one over a single frame; what the layers
give is added to their input and, without it, summed; two convolutions over a single frame. All but the last are
normalised by channel before their activation, ε 1e-8, and have no bias of their own. Float64 from float32 values. The
loss is the mean over utterances of negative log-likelihood / label count.
Run: python Scripts/golden/wavenet.py   (requirements: Scripts/golden/requirements.txt)
With a folder, DIR/wavenet/published is written instead, of the size that was published; see published_sizes.py.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from common import GOLDEN, array, randomise, record, ten_steps, tensors, true_double
from parakeet import ADAM, settings_json

LABELS = [" ", "a", "b", "c", "d", "e", "'"]
SMALL = dict(input_size=20, hidden_size=8, kernel_size=7, num_stacks=2, dilations=[1, 2, 4])
PUBLISHED = dict(input_size=20, hidden_size=128, kernel_size=7, num_stacks=3, dilations=[1, 2, 4, 8, 16])


class Norm(torch.nn.BatchNorm1d):
    def __init__(self, size):
        super().__init__(size, eps=1e-8, momentum=0.01)


def pointwise(inputs, outputs):
    return torch.nn.Linear(inputs, outputs, bias=False)


class Layer(torch.nn.Module):
    def __init__(self, width, kernel, dilation, causal):
        super().__init__()
        reach = (kernel - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach // 2)
        self.filter = torch.nn.Conv1d(width, width, kernel, dilation=dilation, bias=False)
        self.filter_norm = Norm(width)
        self.gate = torch.nn.Conv1d(width, width, kernel, dilation=dilation, bias=False)
        self.gate_norm = Norm(width)
        self.mix = pointwise(width, width)
        self.mix_norm = Norm(width)

    def forward(self, x):
        """[frames, width] to what is passed on and what is summed."""
        padded = torch.nn.functional.pad(x.T[None], self.padding)
        heard = torch.tanh(self.filter_norm(self.filter(padded)[0].T))
        out = heard * torch.sigmoid(self.gate_norm(self.gate(padded)[0].T))
        out = torch.tanh(self.mix_norm(self.mix(out)))
        return out + x, out


class WaveNet(torch.nn.Module):
    def __init__(self, sizes, causal):
        super().__init__()
        width = sizes["hidden_size"]
        self.front, self.front_norm = pointwise(sizes["input_size"], width), Norm(width)
        self.layers = torch.nn.ModuleList(
            Layer(width, sizes["kernel_size"], dilation, causal)
            for _ in range(sizes["num_stacks"]) for dilation in sizes["dilations"])
        self.mix, self.mix_norm = pointwise(width, width), Norm(width)
        self.output = torch.nn.Linear(width, len(LABELS) + 1)

    def forward(self, x):
        """[frames, 20] to logits [frames, labels]."""
        z, skip = torch.tanh(self.front_norm(self.front(x))), 0
        for layer in self.layers:
            z, out = layer(z)
            skip = skip + out
        return self.output(torch.tanh(self.mix_norm(self.mix(skip))))


def mean_loss(model, clips, labels):
    each, found = [], []
    for clip, row in zip(clips, labels):
        logits = model(clip)
        each.append(torch.nn.functional.ctc_loss(
            torch.log_softmax(logits, -1)[:, None], torch.tensor([row]), torch.tensor([len(logits)]),
            torch.tensor([len(row)]), blank=len(LABELS), reduction="sum"))
        found.append(logits)
    return sum(loss / len(row) for loss, row in zip(each, labels)) / len(labels), each, found


def write(directory, causal, sizes=SMALL, lengths=(31, 17, 1)):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    torch.manual_seed(2)
    model = randomise(WaveNet(sizes, causal), 0.2 * (SMALL["hidden_size"] / sizes["hidden_size"]) ** 0.5)
    tensors(directory / "model", dict(model.state_dict()))
    model = model.double()
    count = sizes["num_stacks"] * len(sizes["dilations"])
    record(directory / "config.json", {
        "architectures": ["WaveNetForCTC"], "model_type": "speech-to-text-wavenet", **sizes, "causal": causal,
        "num_hidden_layers": count, "vocab_size": len(LABELS) + 1, "pad_token_id": len(LABELS)})
    vocabulary = {label: index for index, label in enumerate(["|"] + LABELS[1:])} | {"<pad>": len(LABELS)}
    (directory / "vocab.json").write_text(json.dumps(vocabulary) + "\n")
    (directory / "processor_config.json").write_text(json.dumps({"preset": "wavenet"}) + "\n")
    random = np.random.default_rng(1)
    labels = [[1, 1, 0, 5, 6, 2], [4, 0, 4], [3]]
    clips = []
    for index, frames in enumerate(lengths):
        clip = random.standard_normal((frames, sizes["input_size"])).astype(np.float32)
        array(directory / f"features-{index}", clip)
        clips.append(torch.from_numpy(clip).double())
    loss, each, found = mean_loss(model, clips, labels)
    loss.backward()
    for index, logits in enumerate(found):
        array(directory / f"logits-{index}", logits)
    tensors(directory / "gradients", {name: p.grad for name, p in model.named_parameters()})
    losses = ten_steps(model.parameters(), ADAM, lambda: mean_loss(model, clips, labels)[0])
    record(directory / "case.json", {
        "labels": labels, "loss": losses[0], "negative_log_likelihoods": [e.item() for e in each], "losses": losses,
        "optimiser": settings_json(ADAM, False), "precision": "float64 from float32 parameters",
    })
    print(directory.name, "loss", losses[0], "ten steps to", losses[-1])


if __name__ == "__main__":
    with true_double():
        if sys.argv[1:]:
            write(Path(sys.argv[1]) / "wavenet" / "published", False, PUBLISHED, (313, 98, 1))
        else:
            write(GOLDEN / "wavenet" / "published", causal=False)
            write(GOLDEN / "wavenet" / "causal", causal=True)
