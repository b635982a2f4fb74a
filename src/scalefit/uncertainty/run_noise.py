"""How far one new run may fall from the law: residuals drawn again, as wide as the scatter is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from scalefit.errors import missing_column
from scalefit.fitting.problem import Array, Inputs
from scalefit.objectives import Objective
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.repeats import AlongRuns, along_runs
from scalefit.uncertainty.scale_trend import ScaleTrend, scale_trend
from scalefit.uncertainty.tangent import Tangent, tangent_of

#: Rows of runs are never taken to say less of the scatter than so many independent ones.
LEAST_FREEDOM = 3.0


class NoisyFit(Fitted, Protocol):
    """A fit that seeds the draws it needs itself."""

    @property
    def seed(self) -> int:
        """A number made of data and answer."""
        ...


@dataclass(frozen=True, eq=False)
class RunNoise:
    """The scatter of one new run about the law, on the scale of the objective.

    Parameters
    ----------
    residual : (n,) fitted minus seen, each over the scatter's factor at its row, widened by the parameters fitted.
    share : (n,) how often each is drawn.
    freedom : float
        Degrees of freedom with which the size of the scatter is known.
    trend : ScaleTrend
        How the scatter changes with the inputs.
    columns : input of the law -> column of the fitted table.
    """

    residual: Array
    share: Array
    freedom: float
    trend: ScaleTrend
    columns: Mapping[str, str]

    @property
    def scatter(self) -> float:
        """Standard deviation at the centre of the inputs; everywhere, where there is no trend."""
        return float(np.sqrt(self.share @ self.residual**2))

    def scale(self, inputs: Any) -> Array:
        """(m,) standard deviation of a new run at some inputs: a table, a mapping of columns, or arrays by input."""
        return np.asarray(self.scatter * self.trend.factor(self.read(inputs)))

    def draw(self, inputs: Any, draws: int, rng: np.random.Generator | int | None) -> Array:
        """(draws, m) what one new run at each of the inputs adds to the law; one luck for all points of a draw."""
        return np.asarray(self.luck(draws, np.random.default_rng(rng))[:, None] * self.trend.factor(self.read(inputs)))

    def luck(self, draws: int, rng: np.random.Generator) -> Array:
        """(draws,) the scatter of new runs at the centre of the inputs.

        A residual is drawn, so tails stay as heavy as they are, and multiplied by the root of ``freedom`` over a draw
        of chi-squared: how large the scatter is, is itself known only so well. For normal noise that is Student's t.
        Both are drawn in equal shares of their probability, in random order: a thousand draws then stand for them well.
        """
        from scipy.special import chdtri

        even = (np.arange(draws) + 0.5) / draws
        drawn = self.residual[np.searchsorted(np.cumsum(self.share), rng.permutation(even) * self.share.sum())]
        return np.asarray(-drawn * np.sqrt(self.freedom / chdtri(self.freedom, rng.permutation(even))))

    def read(self, inputs: Any) -> Inputs:
        """The inputs of the law, in its order."""
        if isinstance(inputs, tuple):
            return inputs
        names = list(inputs.columns) if hasattr(inputs, "columns") else list(inputs)
        found = []
        for name in self.trend.names:
            column = name if name in names else self.columns.get(name, name)
            if column not in names:
                raise missing_column(name, "the noise of a fit", names)
            found.append(np.atleast_1d(np.asarray(inputs[column], float)))
        return tuple(found)


def run_noise(fit: NoisyFit) -> RunNoise:
    """The scatter of new runs about a fit."""
    tangent = tangent_of(fit)
    return noise_of_parts(fit, scale_trend(fit, fit.law.inputs, tangent), along_runs(fit))


def noise_of_parts(fit: NoisyFit, trend: ScaleTrend, along: AlongRuns | None) -> RunNoise:
    """The same from parts that are known already."""
    rows = float(fit.weights.sum())
    spare = max(rows - fit.coordinates.q + _held(fit), 1.0)
    freedom = spare
    if along is not None:
        freedom = max(min(spare, along.effective_rows * spare / rows), min(LEAST_FREEDOM, spare))
    r = fit.problem.residual(fit.theta)[0] / trend.factor(fit.problem.inputs)
    widened = r * np.sqrt(max(rows / spare, 1.0))
    return RunNoise(np.where(fit.weights > 0, widened, 0.0), fit.weights / rows, freedom, trend, _columns(fit))


def _held(fit: Fitted) -> int:
    """Parameters that a prior holds."""
    return 0 if fit.problem.prior is None else int((fit.problem.prior.precision > 0).sum())


def _columns(fit: Fitted) -> Mapping[str, str]:
    columns: Mapping[str, str] = getattr(fit, "columns", {})
    return columns


def efficient_weights(objective: Objective, residual: Array, share: Array, scale: Array) -> Array:
    """(m,) weights of rows whose scatter is ``scale`` times that of ``residual``, of mean 1.

    The best weight of a row is the mean curvature of its loss over the mean square of its slope: one over the variance
    for squares, one over the standard deviation for a loss that is linear where the residuals are, as Huber's with a
    small delta. The mean curvature is taken as the mean of slope times residual over the variance, which is exact for
    normal noise.
    """
    centre = float(np.sqrt(share @ residual**2))
    out = np.empty(len(scale))
    levels, where = np.unique(np.asarray(scale, float), return_inverse=True)
    ratio = np.array([_efficiency(objective, residual * (level / centre), share, level) for level in levels])
    out = ratio[where.reshape(-1)]
    return np.asarray(out / out.mean())


def _efficiency(objective: Objective, r: Array, share: Array, level: float) -> float:
    slope = objective.parts(r)[1]
    return float((share @ (slope * r)) / level**2 / (share @ slope**2))


def spread_of(tangent: Tangent, trend: ScaleTrend, inputs: Sequence[Array]) -> float:
    """Excess kurtosis of the scatter: 0 for a normal one, more where tails are heavy."""
    e = tangent.adjusted / trend.factor(tuple(inputs))
    variance = float(np.average(e**2, weights=tangent.root**2))
    if not variance > 0:
        return 0.0
    return float(np.average(e**4, weights=tangent.root**2) / variance**2 - 3)
