"""Write the rates that real schedulers set: ``python tests/samples/schedules/write_logs.py``.

The stored files were written with Python 3.11, torch 2.13.0 and transformers 5.23.0. A run of transformers is logged as
its Trainer does, with the rate after the step; one of torch as its own loops mostly do, with the rate of the step.
"""

import csv
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler as schedulers
from transformers import get_scheduler

HERE = Path(__file__).resolve().parent
STEPS, WARMUP, PEAK, EVERY = 2000, 100, 3e-4, 40


def optimizer(peak=PEAK):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)


def warmed(make):
    """A scheduler of torch after a linear warm-up."""

    def build(optim):
        ramp = schedulers.LinearLR(optim, start_factor=1e-6, total_iters=WARMUP)
        return schedulers.SequentialLR(optim, [ramp, make(optim)], milestones=[WARMUP])

    return build


OF_TORCH = {
    "cosine": warmed(lambda optim: schedulers.CosineAnnealingLR(optim, STEPS - WARMUP, eta_min=PEAK / 10)),
    "linear": warmed(lambda optim: schedulers.LinearLR(optim, 1.0, 0.0, STEPS - WARMUP)),
    "constant": warmed(lambda optim: schedulers.ConstantLR(optim, 1.0)),
    "exponential": warmed(lambda optim: schedulers.ExponentialLR(optim, 0.999)),
    "multistep": lambda optim: schedulers.MultiStepLR(optim, [1000, 1500], gamma=0.1),
    "quadratic": lambda optim: schedulers.PolynomialLR(optim, STEPS, power=2.0),
    "restarts": lambda optim: schedulers.CosineAnnealingWarmRestarts(optim, T_0=500),
    "one-cycle": lambda optim: schedulers.OneCycleLR(optim, PEAK, total_steps=STEPS + 1, pct_start=0.25),
}
OF_TRANSFORMERS = {
    "linear": ("linear", {}),
    "cosine": ("cosine", {}),
    "constant": ("constant", {}),
    "constant-warm": ("constant_with_warmup", {}),
    "inverse-sqrt": ("inverse_sqrt", {}),
    "cosine-min": ("cosine_with_min_lr", {"min_lr_rate": 0.1}),
    "restarts": ("cosine_with_restarts", {"num_cycles": 2}),
    **{
        f"wsd-{shape}": ("warmup_stable_decay", {"num_decay_steps": 400, "decay_type": shape, "min_lr_ratio": 0.1})
        for shape in ("linear", "cosine", "1-sqrt")
    },
}


def rows_of(name, build, *, after):
    optim = optimizer()
    plan = build(optim)
    for step in range(STEPS + 1):
        if step % EVERY == 0 and step >= after:
            yield name, step, repr(plan.get_last_lr()[0])
        optim.step()
        plan.step()


def write(path, runs):
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["run", "step", "lr"])
        for rows in runs:
            table.writerows(rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write(HERE / "torch.csv", (rows_of(name, build, after=0) for name, build in OF_TORCH.items()))
    builds = {
        name: lambda optim, kind=kind, more=more: get_scheduler(
            kind, optim, num_warmup_steps=WARMUP, num_training_steps=STEPS, scheduler_specific_kwargs=more
        )
        for name, (kind, more) in OF_TRANSFORMERS.items()
    }
    write(HERE / "transformers.csv", (rows_of(name, build, after=EVERY) for name, build in builds.items()))
