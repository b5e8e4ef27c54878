"""Golden data for DeepSpeech: a checkpoint that TensorFlow wrote, and what its network gives.

Writes Tests/Golden/deepspeech/ for a small random network:

  alphabet.txt, checkpoint, model-7.index, model-7.data-…   as DeepSpeech 0.9 leaves them, Adam's slots among them
  features-<i>.npy           [frames, 494], utterance i: made numbers
  logits-<i>.npy             [frames, labels], utterance i alone
  gradients.safetensors      d loss / d variable, by variable name
  case.json                  labels, losses, loss before each of ten AdamW steps and after

DeepSpeech itself no longer installs: its network is written anew here from the published `create_model` (three dense
layers with ReLU clipped at 20, an LSTM cell of TensorFlow's, a dense layer, an output layer), in PyTorch at float64
from float32 variables. TensorFlow only writes the checkpoint. The loss is the mean over utterances of negative
log-likelihood / label count.
Run: python Scripts/golden/deepspeech.py   (requirements: Scripts/golden/requirements.txt, tensorflow-cpu==2.21.0)
With a folder, DIR/deepspeech/published is written instead, of the size that was published; see published_sizes.py.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

# In a process of its own: TensorFlow and PyTorch do not share one.
if sys.argv[1:2] == ["--save"]:
    import tensorflow as tf

    with np.load(sys.argv[2]) as saved:
        names = sorted(saved.files)
        tf.raw_ops.SaveV2(prefix=sys.argv[3], tensor_names=[name.replace("|", "/") for name in names],
                          shape_and_slices=[""] * len(names), tensors=[tf.constant(saved[name]) for name in names])
    sys.exit()

import torch

from common import GOLDEN, array, record, ten_steps, tensors, true_double
from parakeet import ADAM, settings_json

torch.set_num_threads(1)
LABELS = [" ", "a", "b", "c", "d", "e", "'"]
INPUT = 494
GATES = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"


def shapes(hidden, third, cell):
    return {
        "layer_1/weights": (INPUT, hidden), "layer_1/bias": (hidden,), "layer_2/weights": (hidden, hidden),
        "layer_2/bias": (hidden,), "layer_3/weights": (hidden, third), "layer_3/bias": (third,),
        f"{GATES}/kernel": (third + cell, 4 * cell), f"{GATES}/bias": (4 * cell,), "layer_5/weights": (cell, hidden),
        "layer_5/bias": (hidden,), "layer_6/weights": (hidden, len(LABELS) + 1),
        "layer_6/bias": (len(LABELS) + 1,),
    }


def dense(x, variables, layer, clips=True):
    y = x @ variables[f"layer_{layer}/weights"] + variables[f"layer_{layer}/bias"]
    return torch.clamp(torch.relu(y), max=20.0) if clips else y


def network(x, variables):
    """[frames, 494] to logits [frames, labels]."""
    x = dense(dense(dense(x, variables, 1), variables, 2), variables, 3)
    size = len(variables[f"{GATES}/bias"]) // 4
    cell, hidden, outputs = torch.zeros(size, dtype=x.dtype), torch.zeros(size, dtype=x.dtype), []
    for frame in x:
        gates = torch.cat([frame, hidden]) @ variables[f"{GATES}/kernel"] + variables[f"{GATES}/bias"]
        i, c, f, o = gates.split(size)
        cell = torch.sigmoid(i) * torch.tanh(c) + torch.sigmoid(f) * cell
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        outputs.append(hidden)
    return dense(dense(torch.stack(outputs), variables, 5), variables, 6, clips=False)


def mean_loss(variables, clips, labels):
    each, found = [], []
    for clip, row in zip(clips, labels):
        logits = network(clip, variables)
        each.append(torch.nn.functional.ctc_loss(
            torch.log_softmax(logits, -1)[:, None], torch.tensor([row]), torch.tensor([len(logits)]),
            torch.tensor([len(row)]), blank=len(LABELS), reduction="sum"))
        found.append(logits)
    return sum(loss / len(row) for loss, row in zip(each, labels)) / len(labels), each, found


def write(directory, hidden, third, cell, lengths):
    random = np.random.default_rng(1)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    # Large enough that some units are clipped.
    spread = 0.4 * (12 / hidden) ** 0.5
    values = {name: (random.standard_normal(shape) * (1.5 if name == "layer_1/weights" else spread)).astype(np.float32)
              for name, shape in shapes(hidden, third, cell).items()}
    saved = dict(values)
    for name, value in values.items():
        for slot in ("Adam", "Adam_1"):
            saved[f"{name}/{slot}"] = random.standard_normal(value.shape).astype(np.float32)
    saved |= {"beta1_power": np.float32(0.9), "beta2_power": np.float32(0.99), "learning_rate": np.float32(1e-4),
              "global_step": np.int64(7)}
    with tempfile.NamedTemporaryFile(suffix=".npz") as scratch:
        np.savez(scratch.name, **{name.replace("/", "|"): value for name, value in saved.items()})
        subprocess.run([sys.executable, __file__, "--save", scratch.name, str(directory / "model-7")], check=True)
    (directory / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model-7"\n'
                                          'all_model_checkpoint_paths: "/elsewhere/model-7"\n')
    (directory / "alphabet.txt").write_text("# a comment\n" + "".join(label + "\n" for label in LABELS))

    labels = [[1, 1, 0, 5, 6, 2], [4, 0, 4], [3]]
    clips = []
    for index, frames in enumerate(lengths):
        clip = random.standard_normal((frames, INPUT)).astype(np.float32)
        array(directory / f"features-{index}", clip)
        clips.append(torch.from_numpy(clip).double())
    variables = {name: torch.from_numpy(value).double().requires_grad_() for name, value in values.items()}
    loss, each, found = mean_loss(variables, clips, labels)
    loss.backward()
    for index, logits in enumerate(found):
        array(directory / f"logits-{index}", logits)
    tensors(directory / "gradients", {name: v.grad for name, v in variables.items()})
    losses = ten_steps(variables.values(), ADAM, lambda: mean_loss(variables, clips, labels)[0])
    record(directory / "case.json", {
        "labels": labels, "loss": losses[0], "negative_log_likelihoods": [e.item() for e in each], "losses": losses,
        "optimiser": settings_json(ADAM, False), "precision": "float64 from float32 variables",
    })
    print("loss", losses[0], "ten steps to", losses[-1])


if __name__ == "__main__":
    with true_double():
        if sys.argv[1:]:
            write(Path(sys.argv[1]) / "deepspeech" / "published", 2048, 2048, 2048, (150, 41, 1))
        else:
            write(GOLDEN / "deepspeech", 12, 20, 10, (31, 17, 1))
