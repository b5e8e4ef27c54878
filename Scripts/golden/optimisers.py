# requirements: torch==2.15.0 transformers==5.23.0 numpy==2.4.6
"""Writes Tests/Golden/optimisers: ten AdamW steps of PyTorch, and learning rates of transformers and PyTorch.

Run from the top of the checkout: python Scripts/golden/optimisers.py
"""

import os

import numpy as np
import torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

OUTPUT = "Tests/Golden/optimisers"
os.makedirs(OUTPUT, exist_ok=True)
generator = torch.Generator().manual_seed(11)


def save(name, values):
    np.save(f"{OUTPUT}/{name}.npy", values)


count, steps = 1003, 10
parameter = torch.nn.Parameter(torch.randn(count, generator=generator))
scale = torch.exp2(torch.randint(-12, 6, (count,), generator=generator).float())
gradients = torch.randn(steps, count, generator=generator) * scale
gradients[:, ::50] = 0
optimiser = torch.optim.AdamW(
    [parameter], lr=3e-3, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.05, foreach=False
)
save("adamw_start", parameter.detach().numpy().copy())
save("adamw_gradients", gradients.numpy())
history = []
for gradient in gradients:
    parameter.grad = gradient.clone()
    optimiser.step()
    history.append(parameter.detach().clone())
save("adamw_parameters", torch.stack(history).numpy())
save("adamw_m", optimiser.state[parameter]["exp_avg"].numpy())
save("adamw_v", optimiser.state[parameter]["exp_avg_sq"].numpy())


def rates(make, peak, steps=60):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    scheduler = make(optimiser)
    result = []
    for _ in range(steps):
        result.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return np.array(result)


save("rates_linear", rates(lambda o: get_linear_schedule_with_warmup(o, 7, 50), 2e-3))
save("rates_cosine", rates(lambda o: get_cosine_schedule_with_warmup(o, 7, 50), 2e-3, 51))
save(
    "rates_cosine_floor",
    rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50, eta_min=1e-4), 2e-3, 51),
)
