"""Bands over draws: of the law itself, and of one new run, which scatters about it."""

from __future__ import annotations

import numpy as np

from scalefit.errors import FitError, not_one_of
from scalefit.fitting.problem import Array, Inputs, rescale, restore
from scalefit.uncertainty.run_noise import NoisyFit, run_noise


def run_scatter(fit: NoisyFit, inputs: Inputs, draws: int) -> Array:
    """(draws, n) what one new run at each of the inputs adds to the law, seeded by the fit."""
    return run_noise(fit).draw(inputs, draws, np.random.default_rng(fit.seed + 1))


def add_scatter(fit: NoisyFit, values: Array, scatter: Array) -> Array:
    """Values of the law with the scatter of runs, which is added on the scale of the objective."""
    on = fit.problem.objective.on
    with np.errstate(all="ignore"):
        return restore(rescale(values, on) + scatter, on)


def band(fit: NoisyFit, inputs: Inputs, level: float, interval: str) -> tuple[Array, Array]:
    """Low and high (n,) over the draws of a fit of the law at ``inputs``, or of one new run there.

    Raises
    ------
    FitError
        If ``interval`` is neither "mean" nor "run".
    """
    if interval not in ("mean", "run"):
        raise FitError(not_one_of("interval", interval, ("mean", "run")))
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
