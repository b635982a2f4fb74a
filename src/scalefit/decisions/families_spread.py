"""How far families lie apart in a parameter, beyond what their own uncertainty explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalefit.law import Array

#: What the spread of a positive parameter between families is thought to be before any is seen, as the scale of a
#: half-normal in the log. Exponents that different groups published for the law of Hoffmann et al. (0.348, 0.353,
#: 0.29 and 0.18 for params; 0.366, 0.353, 0.23 and 0.24 for tokens) have standard deviations of 0.31 and 0.25.
USUAL = 0.25
GRID = 400


@dataclass(frozen=True, eq=False)
class Spread:
    """The spread between families of one parameter, as a distribution over a grid.

    Two to five families say little of their own spread, and its maximum-likelihood estimate is often zero. So it is
    averaged over: the restricted likelihood times a half-normal prior (Gelman 2006).

    Parameters
    ----------
    centre : values of the families known, (F,), in logs for a positive parameter.
    variance : (F,), how well each is known.
    scale : of the half-normal; the spread itself where it is ``known``.
    known : whether the spread was given.
    """

    centre: Array
    variance: Array
    scale: float
    known: bool = False

    @cached_property
    def grid(self) -> Array:
        """(G,) standard deviations between families, from next to none to six scales."""
        return np.asarray(self.scale * (np.ones(1) if self.known else np.geomspace(1e-3, 6.0, GRID)))

    @cached_property
    def weights(self) -> Array:
        """(G,) how credible each is."""
        if self.known:
            return np.ones(1)
        width = np.gradient(self.grid)
        log = -0.5 * (self.grid / self.scale) ** 2 + self._restricted()
        credible = np.exp(log - log.max()) * width
        return np.asarray(credible / credible.sum())

    def _restricted(self) -> Array:
        """The restricted log-likelihood (Harville 1977)."""
        if len(self.centre) < 2:
            return np.zeros(len(self.grid))
        total = self.variance + self.grid[:, None] ** 2
        precision = 1 / total
        mean = (precision @ self.centre) / precision.sum(axis=1)
        away = np.sum(precision * (self.centre - mean[:, None]) ** 2, axis=1)
        return np.asarray(-0.5 * (np.log(total).sum(axis=1) + np.log(precision.sum(axis=1)) + away))

    @property
    def expected(self) -> float:
        """The mean of the spread: a standard deviation between families."""
        return float(self.weights @ self.grid)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central share ``level`` of the spread."""
        low, high = np.interp([0.5 - level / 2, 0.5 + level / 2], np.cumsum(self.weights), self.grid)
        return float(low), float(high)

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """(count,) standard deviations between families."""
        return np.asarray(rng.choice(self.grid, size=count, p=self.weights))


def spread_of(
    values: Sequence[float], errors: Sequence[float], *, log: bool, usual: float | None = None, known: bool = False
) -> Spread:
    """The spread of a parameter from its value and standard error in each family; those that do not know it drop out.

    Parameters
    ----------
    log : whether families differ by factors.
    usual : scale of the half-normal; None is 0.25 in the log, or a quarter of the mean size.
    known : whether ``usual`` is the spread itself.
    """
    value, error = np.array(values, float), np.array(errors, float)
    if log:
        with np.errstate(all="ignore"):
            value, error = np.log(value), error / value
    usable = np.isfinite(value) & np.isfinite(error) & (error > 0)
    value, error = value[usable], error[usable]
    if usual is None:
        usual = USUAL if log or not len(value) else USUAL * float(max(np.abs(value).mean(), error.min()))
    return Spread(value, error**2, usual, known)
