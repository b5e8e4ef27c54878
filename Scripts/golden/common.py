"""What the golden scripts share: where data goes, how arrays are saved, and honest float64.

Requirements: Scripts/golden/requirements.txt
"""

import contextlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

GOLDEN = Path(__file__).resolve().parents[2] / "Tests" / "Golden"


def array(path, values):
    """Saves float32, row-major, little-endian .npy."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    path = Path(path).with_suffix(".npy")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.ascontiguousarray(values, dtype="<f4"))


def tensors(path, named):
    """Saves float32 tensors by name in one safetensors file."""
    path = Path(path).with_suffix(".safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A copy each: safetensors refuses tensors that share storage.
    save_file({k: v.detach().to(torch.float32).clone().contiguous() for k, v in named.items()}, str(path))


def record(path, values):
    """Saves a JSON object with sorted keys."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def randomise(model, deviation=0.2):
    """The model in evaluation mode, no parameter and no statistic of it 0 or 1; seed torch before."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, deviation)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)
            # The magnitude of a weight normalisation: small or negative ones never occur.
            if name.endswith("original0"):
                parameter.abs_().add_(0.5)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.2)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return model.eval()


def ten_steps(parameters, settings, loss):
    """loss()'s 11 values before, between and after ten AdamW steps."""
    optimiser = torch.optim.AdamW(parameters, **settings)
    losses = []
    for step in range(11):
        value = loss()
        losses.append(value.item())
        if step < 10:
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
    return losses


@contextlib.contextmanager
def true_double():
    """Keeps float64 through softmax and log-softmax.

    transformers asks both for float32 whatever the model's type; for a golden value that rounding
    would be the largest error, so a float64 input keeps its type here.
    """
    functional = torch.nn.functional
    kept = functional.softmax, functional.log_softmax

    def wrap(function):
        def double(x, *args, **kwargs):
            if x.dtype == torch.float64:
                kwargs.pop("dtype", None)
            return function(x, *args, **kwargs)

        return double

    functional.softmax, functional.log_softmax = map(wrap, kept)
    try:
        yield
    finally:
        functional.softmax, functional.log_softmax = kept
