"""A point at which a law is asked: given, or well beyond the largest run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, listing, not_one_of
from scalefit.result import Fit
from scalefit.wording.digits import si

Array = NDArray[np.float64]

#: Without a point, so many times the compute (or the one input) of the largest run.
FARTHER = 10.0
#: Inputs that grow when a run grows; others stay as in the largest run.
GROWING = ("params", "tokens", "flops", "step", "x")


@dataclass(frozen=True, eq=False)
class Point:
    """Inputs of a law, (1,) each, under their names."""

    names: tuple[str, ...]
    inputs: tuple[Array, ...]

    def words(self, fit: Fit) -> str:
        """Such as ``params = 7e10 and tokens = 1.4e12``."""
        pairs = zip(self.names, self.inputs, strict=True)
        return listing(f"{fit.columns.get(name, name)} = {si(float(x[0]))}" for name, x in pairs)

    def predictions(self, fit: Fit, theta: Array) -> Array:
        """The law here for parameters (B, p): (B,)."""
        with np.errstate(all="ignore"):
            return fit.law.value(theta, self.inputs)[:, 0]

    def spread(self, fit: Fit) -> float:
        """Standard error of the prediction: half of the central 68 % of its draws."""
        values = self.predictions(fit, fit.draws_theta)
        values = values[np.isfinite(values)]
        if not len(values):
            return np.nan
        low, high = np.quantile(values, [0.16, 0.84])
        return float(high - low) / 2


def point_of(fit: Fit, at: Mapping[str, float] | None) -> Point:
    """The point ``at``, or one at ten times the compute of the largest run.

    Raises
    ------
    FitError
        If an input is missing, unknown or no finite number.
    """
    names = fit.law.inputs
    if at is None:
        return Point(names, tuple(np.array([value]) for value in _beyond_the_largest(fit)))
    if not isinstance(at, Mapping):
        raise FitError(f"at is a mapping of inputs to one number each, such as {{{names[0]!r}: 1e9}}; got {at!r}.")
    for name in at:
        if name not in names:
            raise FitError(not_one_of(f"at: an input of {fit.law.name}", name, names))
    if missing := [name for name in names if name not in at]:
        raise FitError(f"at needs one number per input of {fit.law.name}; {listing(missing)} is missing.")
    values = [np.asarray(at[name], float) for name in names]
    for name, value in zip(names, values, strict=True):
        if value.ndim or not np.isfinite(value):
            raise FitError(f"at: {name} must be one finite number; got {at[name]!r}.")
    return Point(names, tuple(value.reshape(1) for value in values))


def _beyond_the_largest(fit: Fit) -> list[float]:
    """Inputs of the largest run, those that measure its size grown so that the compute is ten times larger."""
    grows = [fit.law.derive is None and name in GROWING and bool((x > 0).all()) for name, x in _inputs(fit)]
    sizes = [np.log(x) for (_, x), growing in zip(_inputs(fit), grows, strict=True) if growing]
    largest = int(np.argmax(np.sum(sizes, axis=0))) if sizes else fit.n_rows - 1
    factor = FARTHER ** (1 / max(len(sizes), 1))
    return [
        float(x[largest]) * (factor if growing else 1.0) for (_, x), growing in zip(_inputs(fit), grows, strict=True)
    ]


def _inputs(fit: Fit) -> list[tuple[str, Array]]:
    return list(zip(fit.law.inputs, fit.problem.inputs, strict=True))
