"""How far the loss of a run scatters: from repeats where there are, else from residuals, else as published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalefit.decisions.isoflop.budgets import Budget
from scalefit.decisions.isoflop.vertices import Method
from scalefit.errors import DataError

#: Standard deviation in nats that Porian et al. 2024 (arXiv:2406.19146) add to a loss.
PUBLISHED = 0.005
#: Degrees of freedom below which a standard deviation is too uncertain to be used.
LEAST_FREEDOM = 5


@dataclass(frozen=True, eq=False)
class LossNoise:
    """The standard deviation of the loss of one run.

    Attributes
    ----------
    deviation : float, in the unit of the loss.
    source : where it comes from, in words.
    freedom : degrees of freedom behind it; 0 where it was given or published.
    """

    deviation: float
    source: str
    freedom: int


def noise_of(budgets: Sequence[Budget], *, method: Method, said: Any, target: str, who: str) -> LossNoise:
    """What the caller says, or the first source that has enough to go by."""
    if said is not None:
        if isinstance(said, bool) or not isinstance(said, int | float | np.number) or not 0 <= said < math.inf:
            raise DataError(f"{who}: noise is a standard deviation of {target}, at least 0; got {said!r}.")
        return LossNoise(float(said), "as given", 0)
    squares, freedom = _repeats(budgets)
    if freedom >= LEAST_FREEDOM:
        return LossNoise(math.sqrt(squares / freedom), f"from {freedom} repeats of a size at its budget", freedom)
    squares, freedom = _residuals(budgets, method)
    if freedom >= LEAST_FREEDOM:
        curve = "the parabolas" if method == "parabola" else "a cubic through each budget"
        return LossNoise(math.sqrt(squares / freedom), f"from residuals about {curve}", freedom)
    if target != "loss":
        raise DataError(
            f"{who}: the runs are too few to say how far {target!r} scatters. Give its standard deviation: noise=0.01."
        )
    return LossNoise(PUBLISHED, "not from these runs, which are too few: as Porian et al. 2024 take it", 0)


def _repeats(budgets: Sequence[Budget]) -> tuple[float, int]:
    """Squares about the mean of each size that was trained more than once, and their degrees of freedom."""
    squares, freedom = 0.0, 0
    for one in budgets:
        groups = one.rows.groupby("x")["loss"]
        squares += float(((one.rows["loss"] - groups.transform("mean")) ** 2).sum())
        freedom += len(one.rows) - len(one.x)
    return squares, freedom


def _residuals(budgets: Sequence[Budget], method: Method) -> tuple[float, int]:
    """Squares about a smooth curve.

    The parabola's own misfit counts as its noise; Akima goes through every point, so a cubic stands in for the curve.
    """
    squares, freedom = 0.0, 0
    for one in budgets:
        degree = 3 if method == "akima" and len(one.x) >= 6 else 2
        curve = np.polynomial.Polynomial.fit(one.rows["x"], one.rows["loss"], degree)
        squares += float(((one.rows["loss"] - curve(one.rows["x"])) ** 2).sum())
        freedom += len(one.rows) - degree - 1
    return squares, freedom
