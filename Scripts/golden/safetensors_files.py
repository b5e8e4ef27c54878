# requirements: safetensors==0.8.0 torch==2.15.0 numpy==2.4.6
"""Writes Tests/Golden/safetensors: files that Python's safetensors wrote, and their values as .npy.

Run from the top of the checkout: python Scripts/golden/safetensors_files.py
"""

import json
import os

import numpy as np
import torch
from safetensors.torch import save_file

OUTPUT = "Tests/Golden/safetensors"
os.makedirs(OUTPUT, exist_ok=True)
generator = torch.Generator().manual_seed(7)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


# Every 13th binary16 and every 37th bfloat16 pattern of a finite value, and their float32 values.
patterns = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
halves = patterns.view(torch.float16)
halves = halves[torch.isfinite(halves)][::13].contiguous()
brains = patterns.view(torch.bfloat16)
brains = brains[torch.isfinite(brains)][::37].contiguous()

mixed = {
    "weight": normal(3, 5),
    "half": normal(4, 3).half(),
    "brain": normal(2, 7).bfloat16(),
    "double": normal(6).double() * 1e-3,
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "norm.num_batches_tracked": torch.tensor(123456789012, dtype=torch.int64),
    "bytes": torch.tensor([0, 1, 255], dtype=torch.uint8),
    "flags": torch.tensor([True, False, True]),
    "short": torch.tensor([-32768, 32767], dtype=torch.int16),
    "ключ \"quoted\" \\ é": normal(2),
}
save_file(mixed, f"{OUTPUT}/mixed.safetensors", metadata={"format": "pt", "note": "línea\n2"})
for name in ["weight", "half", "brain", "double"]:
    np.save(f"{OUTPUT}/mixed_{name}.npy", mixed[name].float().numpy())

save_file({"half": halves, "brain": brains}, f"{OUTPUT}/formats.safetensors")
np.save(f"{OUTPUT}/formats_half.npy", halves.float().numpy())
np.save(f"{OUTPUT}/formats_brain.npy", brains.float().numpy())

# Rounding of float32 to 16 bits: random sizes, ties, denormals; results as the integers of their bits.
values = torch.cat(
    [
        normal(2000) * torch.exp2(torch.randint(-26, 14, (2000,), generator=generator).float()),
        torch.tensor([0.0, -0.0, 65504.0, 65519.0, -65519.0, 2.0**-24, 2.0**-25, 3 * 2.0**-25]),
        torch.tensor([1 + 2.0**-11, 1 + 3 * 2.0**-11, 2.0**-14, 2.0**-14 - 2.0**-25, 2047.5 * 2]),
    ]
)
np.save(f"{OUTPUT}/rounding_input.npy", values.numpy())
np.save(f"{OUTPUT}/rounding_half.npy", values.half().view(torch.int16).numpy().astype(np.int32))
np.save(f"{OUTPUT}/rounding_brain.npy", values.bfloat16().view(torch.int16).numpy().astype(np.int32))

# Two shards and their index, as transformers writes them.
os.makedirs(f"{OUTPUT}/sharded", exist_ok=True)
shards = {
    "model-00001-of-00002.safetensors": {"a.weight": normal(4, 2), "a.bias": normal(4)},
    "model-00002-of-00002.safetensors": {"b.weight": normal(2, 4)},
}
for file, tensors in shards.items():
    save_file(tensors, f"{OUTPUT}/sharded/{file}", metadata={"format": "pt"})
index = {
    "metadata": {"total_size": 80},
    "weight_map": {name: file for file, tensors in shards.items() for name in tensors},
}
with open(f"{OUTPUT}/sharded/model.safetensors.index.json", "w") as stream:
    json.dump(index, stream, indent=2)
np.save(f"{OUTPUT}/sharded_b.npy", shards["model-00002-of-00002.safetensors"]["b.weight"].numpy())
