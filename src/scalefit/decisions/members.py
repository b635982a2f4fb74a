"""The members of a forecast: each law fitted to the same runs, with draws of the same resamples."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.brackets import Contender
from scalefit.errors import DataError, FitError, FitWarning
from scalefit.estimation import fit
from scalefit.fitting.problem import Array, Inputs, rescale
from scalefit.fitting.solver import solve
from scalefit.fitting.starts import Starts
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.uncertainty.bootstrap import best_candidates
from scalefit.uncertainty.resampling import unit_counts

#: Draws say how wide a forecast is, not where it lies: the last digits of each are not needed.
TOLERANCE, MOST_STEPS = 1e-5, 30
#: Rows that a law must have beyond its free parameters; with fewer, its scatter is not seen.
FEWEST_SPARE = 2
#: A normal deviation of one: the central share of draws whose half-width is taken as one deviation.
ONE_DEVIATION = (0.1587, 0.5, 0.8413)
#: Of |z|, the share below 1.645 is 0.9 and the share below 0.6745 is one half.
NORMAL_NINTH, NORMAL_HALF = 1.645, 0.6745


@dataclass(frozen=True, eq=False)
class Member:
    """One law fitted, with draws.

    Attributes
    ----------
    contender : Contender
    fit : Fit
    draws : (draws, p) parameters of resamples.
    """

    contender: Contender
    fit: Fit
    draws: Array

    @property
    def name(self) -> str:
        """What the answer calls it."""
        return self.contender.name

    @property
    def n_units(self) -> int:
        """Rows, or runs where each has several rows: what counts as one observation when laws are weighed."""
        return self.fit.n_rows if self.fit.units.kind == "blocks" else self.fit.units.count

    @property
    def scatter(self) -> float:
        """Standard deviation of runs about the law; one run far off does not set it alone."""
        r = np.abs(self.fit.problem.residual(self.fit.theta)[0])
        spare = max(self.fit.n_rows - self.fit.coordinates.q, 1)
        ninth, half = float(np.quantile(r, 0.9)), float(np.quantile(r, 0.5))
        return float(max(ninth / NORMAL_NINTH, half / NORMAL_HALF) * np.sqrt(self.fit.n_rows / spare))

    @property
    def criterion(self) -> float:
        """AICc under a Laplace scatter, whose likelihood the robust objective follows.

        Rows of one run share its luck, so the likelihood is of as many rows as there are runs; what they identify does
        not shrink with that, so the correction for few rows is of rows.
        """
        n, rows, k = self.n_units, self.fit.n_rows, self.fit.coordinates.q + 1
        size = float(np.mean(np.abs(self.fit.problem.residual(self.fit.theta)[0])))
        return float(2 * n * np.log(2 * max(size, 1e-6))) + 2 * k + 2 * k * (k + 1) / max(rows - k - 1, 0.5)

    def estimates(self, inputs: Inputs) -> Array:
        """(n,): the law at these inputs, on the scale of the objective."""
        with np.errstate(all="ignore"):
            return np.asarray(rescale(self.fit.law.value(self.fit.theta, inputs)[0], self.fit.problem.objective.on))

    def deviations(self, inputs: Inputs) -> tuple[Array, Array]:
        """(n,) twice: one standard deviation of the draws, below and above their middle; infinite where many fail."""
        with np.errstate(all="ignore"):
            values = rescale(self.fit.law.value(self.draws, inputs), self.fit.problem.objective.on)
        values = np.where(np.isnan(values), np.inf, values)
        with np.errstate(invalid="ignore"):
            low, middle, high = np.quantile(values, ONE_DEVIATION, axis=0, method="nearest")
            return np.nan_to_num(middle - low, nan=np.inf), np.nan_to_num(high - middle, nan=np.inf)


@dataclass(frozen=True)
class Task:
    """What all members share."""

    target: str
    columns: Mapping[str, str]
    objective: Objective
    draws: int
    starts: Starts | None = None


def fit_members(
    contenders: Sequence[Contender], rows: pd.DataFrame, task: Task, seed: int
) -> tuple[list[Member], dict[str, str]]:
    """Every law that the rows allow, and why the others are left out; all see the same resamples."""
    members: list[Member] = []
    left_out: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the verdict of each law is in the answer
        for contender in contenders:
            try:
                members.append(_fit_member(contender, rows, task, seed))
            except (DataError, FitError) as error:
                left_out[contender.name] = str(error)
    return members, left_out


def _fit_member(contender: Contender, rows: pd.DataFrame, task: Task, seed: int) -> Member:
    fitted = fit(
        rows, contender.law, target=task.target, columns=_columns(contender, task), objective=task.objective,
        fixed=contender.fixed, starts=task.starts,
    )  # fmt: skip
    if fitted.n_rows < fitted.coordinates.q + FEWEST_SPARE:
        raise DataError(
            f"{contender.law.name} has {fitted.coordinates.q} free parameters and {fitted.n_rows} rows: its scatter "
            f"cannot be seen. It takes part from {fitted.coordinates.q + FEWEST_SPARE} rows on."
        )
    return Member(contender, fitted, _quick_draws(fitted, task.draws, seed))


def _columns(contender: Contender, task: Task) -> dict[str, str]:
    asked = {"run", task.target, *contender.law.inputs}
    return {name: column for name, column in task.columns.items() if name in asked}


def _quick_draws(fitted: Fit, draws: int, seed: int) -> Array:
    """Parameters (draws, p) of resamples, each from the basin that is best for its own weights, a few steps long."""
    counts = unit_counts(fitted.units, fitted.weights, np.random.default_rng(seed))(draws).astype(float)
    if fitted.units.kind != "rows":
        counts = (counts if fitted.units.kind == "blocks" else counts[:, fitted.units.labels]) * fitted.weights
    chosen, _ = best_candidates(fitted.problem, fitted.coordinates, fitted.basins, counts)
    ends = solve(
        fitted.problem, fitted.coordinates, fitted.basins[chosen], counts, tolerance=TOLERANCE, most_steps=MOST_STEPS
    )
    return ends.theta
