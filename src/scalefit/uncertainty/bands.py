"""Bands over draws: of the law itself, and of one new run, which scatters about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, not_one_of, rows_text
from scalefit.fitting.problem import Array, Inputs, rescale, restore
from scalefit.law import Law
from scalefit.uncertainty.run_noise import NoisyFit, run_noise

#: Whether a band holds at each row by itself, or at all of them together.
BandKind = Literal["pointwise", "simultaneous"]


def run_scatter(fit: NoisyFit, inputs: Inputs, draws: int) -> Array:
    """(draws, n) what one new run at each of the inputs adds to the law, seeded by the fit."""
    return run_noise(fit).draw(inputs, draws, np.random.default_rng(fit.seed + 1))


def add_scatter(fit: NoisyFit, values: Array, scatter: Array) -> Array:
    """Values of the law with the scatter of runs, which is added on the scale of the objective."""
    on = fit.problem.objective.on
    with np.errstate(all="ignore"):
        return restore(rescale(values, on) + scatter, on)


def predicted(
    fit: NoisyFit, inputs: Inputs, level: float, interval: str, kind: BandKind
) -> tuple[dict[str, Array], NDArray[np.intp]]:
    """Columns ``estimate, low, high``, NaN where the law has no finite value, and the places of such rows."""
    low, high = band(fit, inputs, level, interval, kind)
    with np.errstate(all="ignore"):
        estimate = fit.law.value(fit.theta, inputs)[0]
    there = np.isfinite(estimate)
    columns = {"estimate": estimate, "low": low, "high": high}
    return {name: np.where(there, x, np.nan) for name, x in columns.items()}, np.flatnonzero(~there)


def without_value(law: Law, inputs: Inputs, none: NDArray[np.intp], labels: Sequence[object]) -> str:
    """A sentence on the rows in which a law has no finite value."""
    area = dict(zip(law.inputs, inputs, strict=True)).get("S1") if law.derive is not None else None
    why = "" if area is None or (area[none] > 0).any() else ", because all learning rates up to there are zero"
    rows = rows_text([labels[int(row)] for row in none])
    return f"{law.name} has no value in {rows}{why}: estimate, low and high are NaN there."


def _simultaneous(fit: NoisyFit, inputs: Inputs, level: float, interval: str) -> tuple[Array, Array]:
    """Low and high (n,) that hold at all of the ``inputs`` together, as often as ``level`` says.

    Both ends lie as many deviations of the draws from the estimate, on the scale of the objective, as the farthest row
    of a draw does in that share of the draws (max-t).
    """
    on, draws = fit.problem.objective.on, fit.draws_theta
    with np.errstate(all="ignore"):
        middle = rescale(fit.problem.equation.value(fit.theta, inputs)[0], on)
        away = rescale(fit.problem.equation.value(draws, inputs), on) - middle
        if interval == "run":
            away += run_scatter(fit, inputs, len(draws))
        # A row without a value, such as the step before the first, takes no part.
        there, span = np.isfinite(middle), np.full(len(middle), np.nan)
        away = away[:, there]
        away = away[np.isfinite(away).all(axis=1)]
        if len(away) >= 0.5 * len(draws) and away.size:
            size = np.sqrt(np.mean(away**2, axis=0))
            farthest = np.max(np.abs(away) / np.where(size > 0, size, np.inf), axis=1)
            span[there] = float(np.quantile(farthest, level)) * size
        low, high = band(fit, inputs, level, interval)
        # Lopsided draws may reach past an even band in a few rows: what holds at all of them holds at each.
        return np.fmin(restore(middle - span, on), low + 0 * span), np.fmax(restore(middle + span, on), high + 0 * span)


def band(
    fit: NoisyFit, inputs: Inputs, level: float, interval: str, kind: BandKind = "pointwise"
) -> tuple[Array, Array]:
    """Low and high (n,) over the draws of a fit of the law at ``inputs``, or of one new run there.

    Raises
    ------
    FitError
        If ``interval`` is neither "mean" nor "run", or the kind is unknown.
    """
    if interval not in ("mean", "run"):
        raise FitError(not_one_of("interval", interval, ("mean", "run")))
    if kind not in get_args(BandKind):
        raise FitError(not_one_of("band", kind, get_args(BandKind)))
    if kind == "simultaneous":
        return _simultaneous(fit, inputs, level, interval)
    draws, levels = fit.draws_theta, [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.empty((2, len(inputs[0])))
    step = max(1, 4_000_000 // len(draws))
    luck, factor = None, np.ones(len(inputs[0]))
    if interval == "run":
        noise = run_noise(fit)
        luck, factor = noise.luck(len(draws), np.random.default_rng(fit.seed + 1)), noise.trend.factor(inputs)
    for start in range(0, len(inputs[0]), step):
        part = slice(start, start + step)
        with np.errstate(all="ignore"):
            values = fit.problem.equation.value(draws, tuple(x[part] for x in inputs))
        if luck is not None:
            values = add_scatter(fit, values, luck[:, None] * factor[part])
        with np.errstate(all="ignore"):  # draws that are infinite have no quantile between them
            low[part], high[part] = np.quantile(values, levels, axis=0)
    return low, high
