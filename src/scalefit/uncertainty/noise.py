"""What the scatter of runs about a law is made of: seeds, size, neighbours along a run, and what the law misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.objectives import Objective, Scale
from scalefit.uncertainty.lack_of_fit import LackOfFit, judge_fit
from scalefit.uncertainty.repeats import AlongRuns, Repeats, along_runs, repeats_of, scatter_interval
from scalefit.uncertainty.run_noise import NoisyFit, RunNoise, efficient_weights, noise_of_parts, spread_of
from scalefit.uncertainty.scale_trend import ScaleTrend, scale_trend
from scalefit.uncertainty.tangent import tangent_of
from scalefit.wording.said import Answer, Said


@dataclass(frozen=True, eq=False, repr=False)
class NoiseEstimate(Answer):
    """The scatter of runs about a fitted law, and what it is made of. Made by :func:`scalefit.estimate_noise`.

    Attributes
    ----------
    title : str
        The law and how many rows it was fitted to.
    n_rows : int
        Rows fitted.
    objective : Objective
        What the fit minimised.
    runs : RunNoise
        The residuals and how wide they scatter at each row, from which :meth:`scale` and :meth:`draw` follow.
    on : {"log", "raw", "logit"}
        The scale of the objective, on which every amount stands.
    scatter, low, high : float
        Standard deviation of runs about the law with its 90 % interval, on the scale of the objective: on the log
        scale, 0.01 is 1 % of the loss. At the centre of the inputs where it changes with them.
    freedom : float
        Degrees of freedom with which it is known.
    repeats : Repeats or None
        The scatter of runs equal in every input, such as seeds.
    trend : ScaleTrend
        How the scatter changes with the inputs.
    along : AlongRuns or None
        How alike neighbouring rows of one run are.
    lack_of_fit : LackOfFit
        Whether the law misses something that the scatter hides.
    tails : float
        Excess kurtosis: 0 for normal noise, above it where few runs lie far out.
    """

    title: str
    on: Scale
    objective: Objective
    runs: RunNoise
    low: float
    high: float
    repeats: Repeats | None
    along: AlongRuns | None
    lack_of_fit: LackOfFit
    tails: float
    n_rows: int

    @property
    def scatter(self) -> float:
        """Standard deviation of runs about the law."""
        return self.runs.scatter

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the scatter."""
        return self.runs.freedom

    @property
    def trend(self) -> ScaleTrend:
        """How the scatter changes with the inputs."""
        return self.runs.trend

    def scale(self, inputs: Any) -> Array:
        """Standard deviation of one new run at each of m points, (m,), on the scale of the objective.

        Beyond the data it follows the fitted trend where that grows, and never falls below the smallest value at the
        rows fitted: that scatter shrank over three decades of size does not say that it vanishes.

        Parameters
        ----------
        inputs : table or mapping with the inputs of the law at m points.

        Returns
        -------
        array (m,)

        Raises
        ------
        ColumnError
            If an input is missing.
        """
        return self.runs.scale(inputs)

    def draw(self, inputs: Any, draws: int = 1000, *, rng: np.random.Generator | int | None = None) -> Array:
        """What one new run at each of m points adds to the law, (draws, m), on the scale of the objective.

        Residuals of the fit, drawn again, as wide as the scatter is at each point. They are multiplied by the root of
        ``freedom`` over a draw of chi-squared, since the size of the scatter is itself known only so well. All points
        of a draw share one residual; take points one by one for runs that are independent.

        Parameters
        ----------
        inputs : table or mapping with the inputs of the law at m points.
        draws : int, at least 1.
        rng : Generator, seed or None.

        Returns
        -------
        array (draws, m)

        Raises
        ------
        ColumnError
            If an input is missing.
        FitError
            If ``draws`` is not a whole number above 0.
        """
        if isinstance(draws, bool) or int(draws) != draws or draws < 1:
            raise FitError(f"draw needs a whole number of draws, at least 1; got {draws!r}.")
        return self.runs.draw(inputs, int(draws), rng)

    def weights(self, inputs: Any) -> Array:
        """Weights for a refit in which each row counts by how little it scatters: (m,), of mean 1.

        One over the variance for squares; one over the standard deviation where the loss is linear in the residual, as
        Huber's with a small delta. All 1 where the scatter is even.

        Parameters
        ----------
        inputs : table or mapping with the inputs of the law at m points.

        Returns
        -------
        array (m,)
            For the ``weights`` of :func:`scalefit.fit`.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> runs = runs[runs.family == "transformer"]
        >>> noise = sf.estimate_noise(sf.fit(runs, "chinchilla"))
        >>> again = sf.fit(runs, "chinchilla", weights=noise.weights(runs))
        >>> again.converged
        True
        """
        return efficient_weights(self.objective, self.runs.residual, self.runs.share, self.scale(inputs))

    @property
    def frame(self) -> pd.DataFrame:
        """One row a part: ``part, estimate, low, high, freedom, p_value, words``."""
        miss = self.lack_of_fit
        rows: list[tuple[str, float, float, float, float, float, str]] = [
            ("about the law", self.scatter, self.low, self.high, self.freedom, np.nan, self._scatter_text()),
            ("lack of fit", miss.statistic, np.nan, np.nan, np.nan, miss.p_value, miss.words),
        ]
        if self.repeats is not None:
            told = self.repeats
            rows.append(("repeats", told.scatter, told.low, told.high, told.freedom, np.nan, self._repeats_text()))
        for name, slope, p in zip(self.trend.names, self.trend.slopes, self.trend.p_values, strict=True):
            rows.append((f"trend along {name}", slope, np.nan, np.nan, np.nan, p, _trend_text(name, slope, p)))
        if self.along is not None:
            alike, left = self.along.correlation, self.along.effective_rows
            rows.append(("along runs", alike, np.nan, np.nan, left, np.nan, self._along_text()))
        return pd.DataFrame(rows, columns=["part", "estimate", "low", "high", "freedom", "p_value", "words"])

    def said(self) -> Said:
        """The noise in words; doubtful where the law misses something, or nothing tells whether it does."""
        state = "THE LAW MISSES SOMETHING" if self.lack_of_fit.warns else "no sign of a miss"
        if not np.isfinite(self.lack_of_fit.p_value):
            state = "fit not judged"
        told = [self._scatter_text()]
        if self.repeats is not None:
            told.append(self._repeats_text())
        told.append(self._trends_text())
        if self.along is not None:
            told.append(self._along_text())
        text = "\n".join([*told, self.lack_of_fit.words])
        return Said(self.lack_of_fit.said().state, f"noise of {self.title}: {state}", (), (text,))

    def _scatter_text(self) -> str:
        tails = ", with heavy tails" if self.tails > 2 else ""
        where = " at the centre of the inputs" if self.trend.kept else ""
        return f"runs scatter {self._amount(self.scatter, self.low, self.high)} about the law{where}{tails}"

    def _repeats_text(self) -> str:
        assert self.repeats is not None
        told = self.repeats
        settings = f"{told.settings} setting{'s' if told.settings > 1 else ''} run more than once"
        return f"repeats scatter {self._amount(told.scatter, told.low, told.high)} ({settings})"

    def _trends_text(self) -> str:
        known = dict(zip(self.trend.names, self.trend.p_values, strict=True))
        if not self.trend.kept:
            asked = [name for name, p in known.items() if np.isfinite(p)]
            return f"scatter even along {listing(asked)}" if asked else "too few rows to see whether scatter is even"
        return "; ".join(_trend_text(name, slope, known[name]) for name, slope in self.trend.slope_of.items())

    def _along_text(self) -> str:
        assert self.along is not None
        told = self.along
        return (
            f"rows of a run err alike (correlation {told.correlation:.2f} with the next): {self.n_rows} rows count as "
            f"about {told.effective_rows:.0f}"
        )

    def _amount(self, value: float, low: float, high: float) -> str:
        if self.on == "log":
            return f"{_short(100 * value)} % ({_short(100 * low)} to {_short(100 * high)})"
        return f"{_short(value)} ({_short(low)} to {_short(high)}){' in logits' if self.on == 'logit' else ''}"


def _short(value: float) -> str:
    return f"{value:.0f}" if 100 <= value < 1e6 else f"{value:.2g}"


def _trend_text(name: str, slope: float, p: float) -> str:
    if not slope:
        return f"scatter even along {name}" if np.isfinite(p) else f"not asked whether scatter changes with {name}"
    factor = 10.0**slope
    if factor < 1:
        how = "halves" if 0.45 < factor < 0.55 else f"falls to {factor:.2g} of itself"
    else:
        how = "doubles" if 1.8 < factor < 2.2 else f"grows {factor:.2g} times"
    return f"scatter {how} with each tenfold of {name}"


def estimate_noise(fit: NoisyFit) -> NoiseEstimate:
    """Say what the scatter of runs about a fitted law is made of.

    Parameters
    ----------
    fit : Fit
        Its scatter is judged on the scale of its objective: mostly the log of the loss.

    Returns
    -------
    NoiseEstimate
        How far runs scatter about the law and, where some settings were run more than once, about each other; whether
        the scatter changes with an input (kept only where chance would show it in less than 1 % of cases, and else
        taken as even); how alike neighbouring rows of one run are; whether the law misses something. Intervals for a
        new run (``fit.predict(…, interval="run")``) use the same.

    Raises
    ------
    FitError
        If the curve goes through every row, so that there is no scatter to look at.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> noise = sf.estimate_noise(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> noise.frame.part.tolist()[:3]
    ['about the law', 'lack of fit', 'repeats']
    """
    tangent = tangent_of(fit)
    if tangent.spare < 1:
        raise FitError(
            f"{fit.law.name} has as many free parameters as rows: the curve goes through every one and leaves no "
            "scatter. Add runs, or fix or tie parameters."
        )
    trend, along = scale_trend(fit, fit.law.inputs, tangent), along_runs(fit)
    tails = spread_of(tangent, trend, [x[tangent.rows] for x in fit.problem.inputs])
    runs, repeats = noise_of_parts(fit, trend, along), repeats_of(fit, tails)
    low, high = scatter_interval(runs.scatter, runs.freedom, tails)
    rows = int((fit.weights > 0).sum())
    return NoiseEstimate(
        f"{fit.law.name} on {rows} rows",
        fit.problem.objective.on,
        fit.problem.objective,
        runs,
        low,
        high,
        repeats,
        along,
        judge_fit(fit, tangent, trend, repeats),
        tails,
        rows,
    )
