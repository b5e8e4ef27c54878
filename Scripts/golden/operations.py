"""Golden values and gradients of single operations, from PyTorch in float64.

Writes Tests/Golden/operations/<name>.safetensors, float32: the inputs by their names (`input`,
`weight`, `bias`, …), `output`, a random `grad_output`, and `grad_<name>` for every differentiable
input, as if the loss were sum(output · grad_output). operations.json holds, by <name>, what is not a
tensor: stride, lengths, epsilon and so on. Inputs are rounded to float32 before anything is computed.

Shapes (B batch, T frames, H heads, D width of a head, C channels):
  linear, linear-plain             input [2,5,7]  weight [4,7] (out, in)  bias [4]  output [2,5,4]
  conv1d-*                         input [B,C,T]  weight [out, C/groups, kernel]  bias [out]
  conv2d-*                         input [B,C,height,width]  weight [out, C/groups, kh, kw]  bias [out]
  layer_norm                       input [2,5,8]  weight, bias [8]
  batch_norm-train, -eval          input [3,6,7] ([B,C,T])  weight, bias, running_mean, running_var [6];
                                   train also has new_running_mean and new_running_var (momentum 0.1)
  embedding                        indices [2,4] (whole numbers as float32)  weight [6,5]
  attention, attention-padded      query, key, value [B,T,H,D] → [B,T,H·D]; keys past `lengths` are masked
  relative_attention, -padded      the same and relative_key [2T-1,H,D] (row r is the distance T-1-r of
                                   query minus key), bias_u, bias_v [H,D]; in the padded one a query that
                                   is padding attends alike to all T keys, as transformers has it, and its
                                   grad_output is zero, as it is in the network
  glu                              input [2,6,5] → [2,3,5], halves along dimension 1
  silu, gelu-exact, gelu-tanh, relu                       [3,7]
  softmax, log_softmax             [2,3,6], last dimension
  matmul [5,3]·[3,4]   bmm [2,5,3]·[2,3,4]   inputs `input` and `other`
  lstm [1,7,6], -both-*            input [B,T,6], weights and biases by PyTorch's names, hidden 5, each
                                   utterance of its own length → [B,T,directions·5]; -both-begun from
                                   hidden_0 and cell_0 [directions,B,5]
  mean, sum                        [2,3,4], dimension 1 → [2,4];  mean-all, sum-all → [1]

Run: python Scripts/golden/operations.py   (requirements: Scripts/golden/requirements.txt)
"""

import shutil

import torch
from torch.nn import functional as F
from transformers import ParakeetEncoderConfig
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderAttention

from common import GOLDEN, record, tensors, true_double

torch.manual_seed(7)
torch.set_num_threads(1)
DIRECTORY = GOLDEN / "operations"
SETTINGS = {}


def random(*shape, scale=1.0):
    return (scale * torch.randn(*shape)).double().requires_grad_()


def positive(*shape):
    return (0.5 + torch.rand(*shape)).double()


def write(name, function, inputs, settings=None, hide=None, extra=None):
    """Runs `function` on the named inputs, and saves it all; `hide` zeroes parts of grad_output."""
    output = function(**inputs)
    grad_output = torch.randn(output.shape).double()
    if hide is not None:
        grad_output = grad_output * hide
    output.backward(grad_output)
    named = dict(inputs, output=output, grad_output=grad_output)
    for key, value in inputs.items():
        if value.requires_grad:
            assert value.grad is not None and value.grad.abs().max() > 0, f"{name}: no gradient for {key}"
            named[f"grad_{key}"] = value.grad
    tensors(DIRECTORY / name, dict(named, **(extra or {})))
    SETTINGS[name] = dict(settings or {}, operation=name.split("-")[0])


def linears():
    write("linear", F.linear, dict(input=random(2, 5, 7), weight=random(4, 7), bias=random(4)))
    write("linear-plain", F.linear, dict(input=random(2, 5, 7), weight=random(4, 7)))
    write("matmul", torch.matmul, dict(input=random(5, 3), other=random(3, 4)))
    # torch.bmm names its second input mat2
    write("bmm", lambda input, other: torch.bmm(input, other), dict(input=random(2, 5, 3), other=random(2, 3, 4)))


def convolutions():
    def one(name, channels, out, kernel, frames, bias=True, stride=1, padding=0, dilation=1, groups=1):
        settings = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        inputs = dict(input=random(2, channels, frames), weight=random(out, channels // groups, kernel))
        if bias:
            inputs["bias"] = random(out)
        write(f"conv1d-{name}", lambda **x: F.conv1d(**x, **settings), inputs, settings)

    one("basic", 4, 6, 3, 11)
    one("plain", 4, 6, 3, 11, bias=False)
    one("strided", 4, 6, 5, 14, stride=2, padding=2)
    one("dilated", 4, 6, 3, 13, padding=4, dilation=4)
    one("grouped", 6, 4, 3, 10, padding=1, groups=2)
    one("all", 6, 9, 4, 17, stride=3, padding=2, dilation=2, groups=3)
    one("pointwise", 5, 7, 1, 8)
    one("depthwise9", 6, 6, 9, 12, padding=4, groups=6)
    one("depthwise9-short", 6, 6, 9, 3, padding=4, groups=6)

    def two(name, channels, out, kernel, height, width, bias=True, stride=1, padding=0, groups=1):
        settings = dict(stride=stride, padding=padding, groups=groups)
        inputs = dict(input=random(2, channels, height, width), weight=random(out, channels // groups, kernel, kernel))
        if bias:
            inputs["bias"] = random(out)
        write(f"conv2d-{name}", lambda **x: F.conv2d(**x, **settings), inputs, settings)

    two("subsample", 1, 4, 3, 11, 8, stride=2, padding=1)
    two("subsample-plain", 3, 4, 3, 7, 6, bias=False, stride=2, padding=1)
    two("depthwise", 4, 4, 3, 9, 6, stride=2, padding=1, groups=4)
    two("pointwise", 4, 5, 1, 5, 3)


def norms():
    write(
        "layer_norm", lambda input, weight, bias: F.layer_norm(input, (8,), weight, bias, 1e-5),
        dict(input=random(2, 5, 8), weight=random(8), bias=random(8)), dict(epsilon=1e-5),
    )
    for training in [True, False]:
        statistics = dict(running_mean=torch.randn(6).double(), running_var=positive(6))
        moved = {k: v.clone() for k, v in statistics.items()}

        def norm(input, weight, bias, running_mean, running_var):
            return F.batch_norm(
                input, moved["running_mean"], moved["running_var"], weight, bias, training, 0.1, 1e-5
            )

        write(
            "batch_norm-train" if training else "batch_norm-eval", norm,
            dict(input=random(3, 6, 7), weight=random(6), bias=random(6), **statistics),
            dict(epsilon=1e-5, momentum=0.1, training=training),
            extra={f"new_{k}": v for k, v in moved.items()} if training else None,
        )


def embedding():
    # 2 twice: its gradient is a sum; 4 never: its gradient is zero.
    indices = torch.tensor([[2, 0, 5, 2], [1, 3, 3, 0]])
    write(
        "embedding", lambda indices, weight: F.embedding(indices.long(), weight),
        dict(indices=indices.double(), weight=random(6, 5)),
    )


def attentions():
    def plain(lengths=None):
        def attend(query, key, value):
            batch, frames, heads, width = query.shape
            scores = torch.einsum("bihd,bjhd->bhij", query, key) * width**-0.5
            if lengths is not None:
                keys = torch.arange(frames) < torch.tensor(lengths)[:, None]
                scores = scores.masked_fill(~keys[:, None, None], float("-inf"))
            return torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), value).reshape(batch, frames, -1)

        return attend

    def inputs(batch, frames, heads=2, width=4):
        return {name: random(batch, frames, heads, width) for name in ["query", "key", "value"]}

    write("attention", plain(), inputs(1, 6))
    write("attention-padded", plain([7, 4, 1]), inputs(3, 7), dict(lengths=[7, 4, 1]))

    class Given(torch.nn.Module):
        """Stands in for a projection: returns what it was given."""

        def __init__(self, value):
            super().__init__()
            self.value = value

        def forward(self, _):
            return self.value

    def relative(lengths=None):
        """transformers' own attention, its projections replaced by the inputs."""

        def attend(query, key, value, relative_key, bias_u, bias_v):
            batch, frames, heads, width = query.shape
            config = ParakeetEncoderConfig(hidden_size=heads * width, num_attention_heads=heads)
            config._attn_implementation = "eager"
            layer = ParakeetEncoderAttention(config, 0).double().eval()
            layer.q_proj, layer.k_proj, layer.v_proj = Given(query), Given(key), Given(value)
            layer.relative_k_proj = Given(relative_key.expand(batch, -1, -1, -1).reshape(batch, -1, heads * width))
            layer.o_proj = torch.nn.Identity()
            del layer.bias_u, layer.bias_v
            layer.bias_u, layer.bias_v = bias_u, bias_v
            mask = None
            if lengths is not None:
                valid = torch.arange(frames) < torch.tensor(lengths)[:, None]
                mask = (valid[:, None] & valid[:, :, None])[:, None]
            return layer(torch.zeros(batch, frames, heads * width).double(), None, mask)[0]

        return attend

    def with_positions(batch, frames, heads=2, width=4):
        return dict(
            inputs(batch, frames), relative_key=random(2 * frames - 1, heads, width),
            bias_u=random(heads, width), bias_v=random(heads, width),
        )

    write("relative_attention", relative(), with_positions(1, 7))
    lengths = [7, 4, 1]
    hide = (torch.arange(7) < torch.tensor(lengths)[:, None])[..., None].double()
    write("relative_attention-padded", relative(lengths), with_positions(3, 7), dict(lengths=lengths), hide)


def elementwise():
    write("glu", lambda input: F.glu(input, 1), dict(input=random(2, 6, 5)), dict(dimension=1))
    write("silu", F.silu, dict(input=random(3, 7, scale=3)))
    write("gelu-exact", F.gelu, dict(input=random(3, 7, scale=2)))
    write("gelu-tanh", lambda input: F.gelu(input, approximate="tanh"), dict(input=random(3, 7, scale=2)))
    write("relu", F.relu, dict(input=random(3, 7)))
    write("softmax", lambda input: F.softmax(input, -1), dict(input=random(2, 3, 6, scale=3)), dict(dimension=-1))
    write("log_softmax", lambda input: F.log_softmax(input, -1), dict(input=random(2, 3, 6, scale=3)), dict(dimension=-1))
    write("mean", lambda input: input.mean(1), dict(input=random(2, 3, 4)), dict(dimension=1))
    write("sum", lambda input: input.sum(1), dict(input=random(2, 3, 4)), dict(dimension=1))
    write("mean-all", lambda input: input.mean().reshape(1), dict(input=random(2, 3, 4)))
    write("sum-all", lambda input: input.sum().reshape(1), dict(input=random(2, 3, 4)))


def recurrent():
    """Packed sequences, so that the reverse direction begins at each utterance's own end."""
    for name, lengths, directions in [
            ("lstm", [7], 1), ("lstm-both-padded", [4, 9, 1], 2), ("lstm-both-begun", [3, 8, 1, 5], 2)]:
        layer = torch.nn.LSTM(6, 5, batch_first=True, bidirectional=directions == 2).double()
        weights = {key: value.detach().clone().requires_grad_() for key, value in layer.named_parameters()}

        def run(input, hidden_0=None, cell_0=None, **weights):
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                input, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
            output = torch.func.functional_call(
                layer, weights, (packed,) if hidden_0 is None else (packed, (hidden_0, cell_0)))[0]
            return torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0]

        inputs = dict(input=random(len(lengths), max(lengths), 6), **weights)
        if name.endswith("begun"):
            inputs |= {key: random(directions, len(lengths), 5) for key in ("hidden_0", "cell_0")}
        write(name, run, inputs, dict(lengths=lengths, directions=directions))


if __name__ == "__main__":
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    with true_double():
        for part in [linears, convolutions, norms, embedding, attentions, elementwise, recurrent]:
            part()
    record(DIRECTORY / "operations.json", SETTINGS)
    print(len(SETTINGS), "operations")
