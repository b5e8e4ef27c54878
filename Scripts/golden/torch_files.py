"""Writes Tests/Golden/torch: checkpoints as torch.save writes them, and some that are refused.

    python Scripts/golden/torch_files.py     (requirements: Scripts/golden/requirements.txt)

`values.npy` has what every readable file holds under `layer.weight`.
"""

import collections
import os
import pickle
import zipfile

import numpy as np
import torch

OUTPUT = "Tests/Golden/torch"
os.makedirs(OUTPUT, exist_ok=True)

weight = torch.arange(12.0).reshape(3, 4) / 7
state = collections.OrderedDict([
    ("layer.weight", weight), ("layer.bias", torch.tensor([1.5, -2.0], dtype=torch.float16)),
    ("norm.running_var", torch.tensor([3.0, 0.25], dtype=torch.bfloat16)),
    ("norm.num_batches_tracked", torch.tensor(7)), ("scalar", torch.tensor(2.5, dtype=torch.float64)),
    ("empty", torch.zeros(0, 3)), ("flags", torch.tensor([True, False])),
])
# Two tensors in one storage.
shared = torch.arange(6.0)
state["first"], state["second"] = shared[:2], shared[2:]
np.save(f"{OUTPUT}/values.npy", weight.numpy())
torch.save(state, f"{OUTPUT}/archive.pt")
torch.save(state, f"{OUTPUT}/older.bin", _use_new_zipfile_serialization=False)
torch.save(state, f"{OUTPUT}/protocol4.pt", pickle_protocol=4)
module = torch.nn.Module()
module.layer = torch.nn.Linear(4, 3)
module.layer.weight = torch.nn.Parameter(weight)
torch.save({"epoch": 3, "state_dict": dict(module.named_parameters()), "loss": 0.5, "name": "x"},
           f"{OUTPUT}/lightning.ckpt")
torch.save(module.state_dict(), f"{OUTPUT}/module.pth")
# Views, which lie in their storage by strides.
views = {"layer.weight": weight.t().contiguous().t(), "columns": weight[:, 1:3], "steps": torch.arange(12.0)[1::3],
         "half": weight.half().t(), "counts": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1)}
torch.save(views, f"{OUTPUT}/views.pt")


class Harm:
    def __reduce__(self):
        return os.system, ("touch /tmp/idiolect-was-harmed",)


torch.save({"layer.weight": torch.ones(3).expand(4, 3)}, f"{OUTPUT}/refused_repeated.pt")
torch.save({"layer.weight": Harm()}, f"{OUTPUT}/refused_harm.pt")
torch.save(module, f"{OUTPUT}/refused_module.pt")
torch.save([weight], f"{OUTPUT}/refused_list.pt")
with open(f"{OUTPUT}/refused_pickle.bin", "wb") as file:
    pickle.dump({"layer.weight": [1, 2]}, file)
with zipfile.ZipFile(f"{OUTPUT}/archive.pt") as source, \
        zipfile.ZipFile(f"{OUTPUT}/refused_compressed.pt", "w", zipfile.ZIP_DEFLATED) as target:
    for member in source.infolist():
        target.writestr(member.filename, source.read(member))
