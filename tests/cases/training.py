"""Rows of the laws in training.py, multi_power.py and functional.py: training curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

import scalefit as sf
from cases.case import CURVES, Case, Check, training_curves

ANNEALING = {"L0": 2.6278, "A": 0.4297, "alpha": 0.5498, "C": 0.4108}
ANNEALING_N = {"L0": 1.8, "A": 0.5, "alpha": 0.5, "B": 20.0, "beta": 0.2, "C": 0.1, "gamma": 0.1}
MOMENTUM = {"L0": 1.9, "A": 0.5, "a_S": 0.5, "B": 25.0, "a_N": 0.22, "C": 0.02}
#: Luo et al. 2025, configuration of the published code, 100M parameters.
LUO = {
    "L0": 2.6514477, "A": 0.60115152, "alpha": 0.45295811, "B": 437.9464276, "C": 2.13245612, "beta": 0.59785199,
    "gamma": 0.65523644,
}  # fmt: skip
MULTI = LUO | {"B": 150.0}
FUNCTIONAL = {"L0": 2.5, "b": 1.5, "s": 0.6, "c": 900.0, "beta": 1.8, "k": 40.0}
FUNCTIONAL_N = {"L0": 1.8, "a": 30.0, "p": 0.2, "b": 1.5, "s": 0.6, "c": 3e8, "beta": 1.8, "k": 40.0}

HELD = CURVES | {
    "held low": sf.Schedule.multistep(steps=4000, peak=1e-3, warmup=100, milestones=[800], values=[1e-4]),
    "held lower": sf.Schedule.multistep(steps=4000, peak=1e-3, warmup=100, milestones=[2000], values=[3e-5]),
}
#: Two drops, of 1 to a half and of that to a quarter: weight, rate after, area since, one after the other.
TWO_DROPS = [[0.5, 0.5, 4.0, 0.25, 0.25, 1.0]]
FAR = ([1e-5, 1e-5, 1e-4], [1.0, 1e-2, 50.0])


def held_curves() -> pd.DataFrame:
    """Forty checkpoints of each of five schedules, two of which stay long at a low rate after a drop."""
    steps = np.linspace(150, 4000, 40).astype(int)
    return pd.concat([pd.DataFrame({"run": name, "step": steps}) for name in HELD], ignore_index=True)


SIZED = {f"{name}, {size:.0e}": plan for size in (1e7, 1e8, 1e9) for name, plan in CURVES.items()}


def sized_curves() -> pd.DataFrame:
    """Three schedules at each of three sizes, fifteen checkpoints a run."""
    steps = np.linspace(200, 4000, 15).astype(int)
    parts = [pd.DataFrame({"run": run, "step": steps, "params": float(run.split(", ")[1])}) for run in SIZED]
    return pd.concat(parts, ignore_index=True)


BATCHED = {
    f"{name}, {size:.0e}, {batch:.0e}": plan
    for size, batch in ((1e7, 1e5), (1e8, 1e5), (1e8, 4e5), (1e9, 4e5))
    for name, plan in HELD.items()
}


def batched_curves() -> pd.DataFrame:
    """Five schedules at each of three sizes and two batches, fifteen checkpoints a run."""
    steps = np.linspace(150, 4000, 15).astype(int)
    parts = []
    for run in BATCHED:
        size, batch = (float(word) for word in run.split(", ")[1:])
        parts.append(pd.DataFrame({"run": run, "step": steps, "params": size, "batch_tokens": batch}))
    return pd.concat(parts, ignore_index=True)


CASES: Mapping[str, Case] = {
    "lr_annealing": Case(
        true=ANNEALING | {"A": 0.5},
        design=training_curves,
        schedules=CURVES,
        checks=(
            # By hand from the areas that the authors' example schedules have: 0.4297 * exp(-0.5498 ln S1), less C S2.
            Check(ANNEALING, {"S1": 2.0501, "S2": 0.197474}, 2.836246, "Tissue et al. 2024, cosine at its last step"),
            Check(ANNEALING, {"S1": 4.0002, "S2": 0.0}, 2.828312, "Tissue et al. 2024, constant at its last step"),
        ),
    ),
    "lr_annealing_n": Case(
        true=ANNEALING_N,
        design=sized_curves,
        schedules=SIZED,
        checks=(
            Check(
                ANNEALING_N | {"alpha": 0.5, "beta": 0.25, "gamma": 0.25, "B": 10.0},
                {"params": 1e4, "S1": 4.0, "S2": 0.5},
                2.55,
                "by hand: 1.8 + 0.5 / 2 + 10 / 10 - 0.1 * 0.5 * 10",
                1e-14,
            ),
        ),
        extremes={"S1": (1e-6, 1e3), "S2": (-1.0, 10.0)},
    ),
    "forward_momentum": Case(
        true=MOMENTUM,
        design=sized_curves,
        schedules=SIZED,
        checks=(
            Check(
                MOMENTUM | {"a_S": 0.5, "a_N": 0.5, "B": 100.0},
                {"params": 1e4, "S1": 4.0, "M": 3.0},
                3.09,
                "by hand: 1.9 + 0.5 / 2 + 100 / 100 - 0.02 * 3",
                1e-14,
            ),
        ),
        extremes={"S1": (1e-6, 1e3), "M": (-1.0, 10.0)},
    ),
    "mpl": Case(
        true=MULTI,
        design=held_curves,
        schedules=HELD,
        checks=(
            Check(
                {"L0": 2.0, "A": 1.0, "alpha": 0.5, "B": 1.0, "C": 1.0, "beta": 1.0, "gamma": 1.0},
                {"S1": 16.0, "drops": TWO_DROPS},
                2.25 - 0.5 * (1 - 1 / 9) - 0.25 * (1 - 1 / 5),
                "by hand: 2 + 1 / 4, less 0.5 (1 - 1 / (1 + 4 / 0.5)) and 0.25 (1 - 1 / (1 + 1 / 0.25))",
                1e-14,
            ),
            Check(LUO, {"S1": 6.0, "drops": [[0.0, 1.0, 0.0]]}, 2.6514477 + 0.60115152 / 6**0.45295811, "no drop"),
        ),
        extremes={"S1": (1e-6, 1e3), "drops": FAR},
    ),
    "fsl": Case(
        true=FUNCTIONAL,
        design=held_curves,
        schedules=HELD,
        checks=(
            Check(
                {"L0": 2.0, "b": 3.0, "s": 0.5, "c": 4.0, "beta": 2.0, "k": 1.0},
                {"S1": 8.0, "noise": [[0.25, 0.5, 3.0, 0.5, 0.5, 1e-300]]},
                2 + 3 / 3 + 4 * (0.25 / 8 + 0.5),
                "by hand: 2 + 3 / 9^0.5 + 4 (0.25 / 4^1.5 + 0.5 / 1)",
                1e-14,
            ),
        ),
        extremes={"S1": (1e-6, 1e3), "noise": FAR},
    ),
    "fsl_n": Case(
        true=FUNCTIONAL_N,
        design=batched_curves,
        schedules=BATCHED,
        checks=(
            Check(
                {"L0": 2.0, "a": 100.0, "p": 0.5, "b": 3.0, "s": 0.5, "c": 40.0, "beta": 2.0, "k": 1.0},
                {"params": 1e4, "batch_tokens": 10.0, "S1": 8.0, "noise": [[0.25, 0.5, 3.0]]},
                2 + 1 + 1 + 4 * 0.25 / 8,
                "by hand: 2 + 100 / 100 + 3 / 9^0.5 + 40 / 10 * 0.25 / 4^1.5",
                1e-14,
            ),
        ),
        extremes={"S1": (1e-6, 1e3), "noise": FAR},
    ),
}
