"""What a profile is taken of: a parameter, a derived quantity or the law at a point, each with its slope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Inputs
from scalefit.law import Law

Array = NDArray[np.float64]

#: Step of a central difference, relative: where the errors of rounding and of the difference are alike.
DIFFERENCE = 6e-6
#: A positive quantity that spreads over more than this factor moves in its log.
WIDE = 1.5

Height = Callable[[Array], Array]
HeightAndSlope = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number that follows from the parameters.

    Parameters
    ----------
    name : str
    value : (B, p) parameters -> (B,) values and (B, p) slopes; NaN where it has none.
    log : whether it moves in its log while a profile is followed.
    lower, upper : where it cannot go beyond.
    place : which parameter it is; None where it follows from several.
    """

    name: str
    value: HeightAndSlope
    log: bool
    lower: float
    upper: float
    place: int | None = None

    def height_and_slope(self, theta: Array) -> tuple[Array, Array]:
        """The quantity, or its log, and the slope by each parameter: (B,) and (B, p)."""
        with np.errstate(all="ignore"):
            value, slope = self.value(theta)
            return (np.log(value), slope / value[:, None]) if self.log else (value, slope)

    def restore(self, height: Array) -> Array:
        """Values of heights."""
        with np.errstate(over="ignore"):
            return np.exp(height) if self.log else height


def parameter_quantity(law: Law, name: str, estimate: float) -> Quantity:
    """A parameter; sizes of terms, whose errors are factors, move in their log."""
    place, param = law.param_names.index(name), law.param(name)

    def value(theta: Array) -> tuple[Array, Array]:
        slope = np.zeros_like(theta)
        slope[:, place] = 1.0
        return theta[:, place], slope

    log = param.coordinate == "log" and estimate > 0
    return Quantity(name, value, log, param.lower, param.upper, place)


def law_quantity(law: Law, inputs: Inputs, name: str, draws: Array) -> Quantity:
    """The law at one point: inputs of (1,) each."""

    def value(theta: Array) -> tuple[Array, Array]:
        values, slopes = law.value_and_jacobian(theta, inputs)
        return values[:, 0], slopes[:, :, 0]

    with np.errstate(all="ignore"):
        log = moves_in_log(law.value(draws, inputs)[:, 0])
    return Quantity(name, value, log, -np.inf, np.inf)


def derived_quantity(law: Law, name: str, at: Mapping[str, float], draws: Array) -> Quantity:
    """A derived quantity of a law; its slope by central differences, since authors of these may branch."""
    quantity = law.derived[name]
    places = [law.param_names.index(param) for param in quantity.params]

    def plain(theta: Array) -> Array:
        values = quantity({key: theta[:, place] for key, place in zip(quantity.params, places, strict=True)}, at)
        return np.broadcast_to(values, len(theta))

    def value(theta: Array) -> tuple[Array, Array]:
        slope = np.zeros_like(theta)
        for place in places:
            slope[:, place] = _difference(plain, theta, place)
        return plain(theta), slope

    return Quantity(quantity.name, value, moves_in_log(plain(draws)), -np.inf, np.inf)


def _difference(plain: Height, theta: Array, place: int) -> Array:
    step = DIFFERENCE * np.where(theta[:, place] == 0, 1e-3, np.abs(theta[:, place]))
    above, below = theta.copy(), theta.copy()
    above[:, place] += step
    below[:, place] -= step
    with np.errstate(all="ignore"):
        return (plain(above) - plain(below)) / (above[:, place] - below[:, place])


def moves_in_log(values: Array) -> bool:
    """Whether draws (draws,) of a quantity are all positive and spread over more than a small factor."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() <= 0:
        return False
    low, high = np.quantile(known, [0.05, 0.95])
    return bool(high > WIDE * low)
