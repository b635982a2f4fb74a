"""The shape of the scatter: Student's t fitted to residuals, the normal distribution among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Degrees of freedom tried; infinite is the normal distribution.
FREEDOMS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0, np.inf)
ROUNDS = 100


@dataclass(frozen=True)
class Shape:
    """Student's t about zero: ``scale`` in units of the residual, ``freedom`` degrees, infinite for a normal one."""

    scale: float
    freedom: float

    def quantile(self, level: Array) -> Array:
        """The noise at levels in (0, 1)."""
        from scipy.special import ndtri, stdtrit

        return np.asarray(self.scale * (ndtri(level) if np.isinf(self.freedom) else stdtrit(self.freedom, level)))


def fit_shape(r: Array, weights: Array) -> Shape:
    """Student's t of highest likelihood over a list of degrees of freedom, its scale by weighted least squares in turn.

    Residuals (n,) of published fits have heavy tails: a normal distribution of the same variance would have too few
    small ones and too few large ones (Lange, Little & Taylor 1989).
    """
    best = max((_fitted(r, weights, freedom) for freedom in FREEDOMS), key=lambda told: told[0])
    return Shape(best[1], best[2])


def _fitted(r: Array, weights: Array, freedom: float) -> tuple[float, float, float]:
    """Log-likelihood, scale, freedom."""
    from scipy.special import gammaln

    total = float(weights.sum())
    square = max(float(weights @ (r * r)) / total, 1e-300)
    if np.isinf(freedom):
        return -0.5 * total * (np.log(2 * np.pi * square) + 1), float(np.sqrt(square)), freedom
    for _ in range(ROUNDS):
        share = (freedom + 1) / (freedom + r * r / square)
        square = max(float(weights @ (share * r * r)) / total, 1e-300)
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi * square)
    tail = float(weights @ np.log1p(r * r / (freedom * square)))
    return float(total * constant - (freedom + 1) / 2 * tail), float(np.sqrt(square)), freedom
