"""Rows of the laws in batches.py: steps and the critical batch."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cases.case import Case, Check, DerivedCheck

KAPLAN = {"N_c": 6.5e13, "alpha_N": 0.077, "S_c": 2.1e3, "alpha_S": 0.76}
CRITICAL = {"B_star": 1.6e7, "alpha_B": 0.5}


def sizes_and_steps() -> pd.DataFrame:
    """Six sizes, each after eight numbers of steps."""
    params, steps = np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(2e3, 3e5, 8))
    return pd.DataFrame({"params": params.ravel(), "steps_min": steps.ravel()})


#: Su et al. 2024 for C4 at context 1024, from memory of the paper: they try the arithmetic, and prove nothing of it.
SU = {"N_c": 1.5e14, "alpha_N": 0.076, "S_c": 2.6e3, "alpha_S": 0.67, "B_star": 1.7e8, "alpha_B": 0.205}


def sizes_steps_and_batches() -> pd.DataFrame:
    """Four sizes and four batches, each after six numbers of steps."""
    axes = (np.geomspace(1e6, 6e7, 4), np.geomspace(2e3, 3e5, 6), np.geomspace(3e4, 4e6, 4))
    params, steps, batch = (grid.ravel() for grid in np.meshgrid(*axes))
    return pd.DataFrame({"params": params, "step": steps.round(), "batch_tokens": batch})


def losses() -> pd.DataFrame:
    """Twelve losses from the start of training to the end."""
    return pd.DataFrame({"loss": np.linspace(2.0, 6.0, 12)})


CASES: Mapping[str, Case] = {
    "kaplan_ns": Case(
        true=KAPLAN,
        design=sizes_and_steps,
        checks=(Check(KAPLAN, {"params": 1e9, "steps_min": 1e5}, 2.40051, "Kaplan et al. 2020, Table 3"),),
        derived=(
            DerivedCheck(
                "steps_for_loss",
                {"N_c": 100.0, "alpha_N": 0.5, "S_c": 50.0, "alpha_S": 0.5},
                {"loss": 1.5, "params": 100.0},
                200.0,
                "by hand: 50 / 0.5^2",
                1e-13,
            ),
        ),
    ),
    "su_trajectory": Case(
        true=SU,
        design=sizes_steps_and_batches,
        checks=(
            Check(SU, {"params": 1e9, "step": 1e5, "batch_tokens": 5e5}, 2.68419, "root by bisection in 40 digits"),
            Check(
                {"N_c": 4.0, "alpha_N": 0.5, "S_c": 0.5, "alpha_S": 1.0, "B_star": 24.0, "alpha_B": 0.5},
                {"params": 1.0, "step": 2.0, "batch_tokens": 1.0},
                2.942823727,
                "the root of L = 2 + (1 + 24 / L^2) / 4",
            ),
        ),
        extremes={"step": (1.0, 1e9), "batch_tokens": (1e3, 1e9)},
    ),
    "bcrit": Case(
        true={"B_star": 2e8, "alpha_B": 0.21},
        design=losses,
        checks=(
            Check({"B_star": 2e8, "alpha_B": 0.21}, {"loss": 3.0}, 1.069e6, "Kaplan et al. 2020, eq. 5.3", 5e-4),
            Check({"B_star": 2e8, "alpha_B": 0.21}, {"loss": 2.5}, 2.547e6, "Kaplan et al. 2020, eq. 5.3", 2e-4),
        ),
        derived=(
            DerivedCheck("steps_factor", CRITICAL, {"loss": 2.0, "batch_tokens": 1e6}, 5.0, "by hand: 1 + 4", 1e-14),
            DerivedCheck(
                "tokens_factor", CRITICAL, {"loss": 2.0, "batch_tokens": 1e6}, 1.25, "by hand: 1 + 1/4", 1e-14
            ),
        ),
        extremes={"loss": (0.5, 12.0)},
    ),
}
