"""Residuals without what the parameters could still take up: the space of changes that a law can make at its fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array
from scalefit.uncertainty.fitted import Fitted

#: Directions of the Jacobian smaller than this share of the largest are rounding.
ROUNDING = 1e-10
#: A row that fixes its own value has no residual left: one is widened by no more than this share allows.
LEAST_SPARE = 0.1


@dataclass(frozen=True, eq=False)
class Tangent:
    """The rows of a fit in the metric of its weights.

    Parameters
    ----------
    rows : (m,) places of the rows that count.
    basis : (m, k) orthonormal changes of the residuals that parameters make.
    residual : (m,) root of the weight times the residual (fitted minus seen), without the part along ``basis``.
    root : (m,) root of the weight.
    """

    rows: NDArray[np.intp]
    basis: Array
    residual: Array
    root: Array

    @property
    def spare(self) -> int:
        """Rows beyond the directions in which the law can move."""
        rows, moves = self.basis.shape
        return int(rows - moves)

    @property
    def leverage(self) -> Array:
        """(m,) how much of its own value each row fixes, from 0 to 1."""
        return np.asarray(np.sum(self.basis**2, axis=1))

    @property
    def adjusted(self) -> Array:
        """(m,) residuals on their own scale, each widened by its leverage: alike in variance if the noise is."""
        return np.asarray(self.residual / self.root / np.sqrt(np.maximum(1 - self.leverage, LEAST_SPARE)))

    def without(self, columns: Array) -> Array:
        """Columns (m, c) without what the law can take up."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))


def tangent_of(fit: Fitted) -> Tangent:
    """The tangent space of a law at its fit, and the residuals outside of it.

    An objective that is not square leaves residuals partly along the space. What is left outside of it is that of the
    least squares fit one step away, whose distribution is known for normal noise.
    """
    rows = np.flatnonzero(fit.weights > 0)
    theta, T = fit.coordinates.to_params(fit.u[None])
    r, J = fit.problem.rows(rows).residual_and_jacobian(theta)
    root = np.sqrt(fit.weights[rows])
    columns = (T[0].T @ J[0]).T * root[:, None]
    size = np.sqrt(np.sum(columns**2, axis=0))
    columns = columns[:, np.isfinite(size) & (size > 0)]
    basis = np.zeros((len(rows), 0))
    if columns.shape[1]:
        left, values, _ = np.linalg.svd(columns / np.sqrt(np.sum(columns**2, axis=0)), full_matrices=False)
        basis = left[:, values > ROUNDING * values[0]]
    residual = root * r[0]
    return Tangent(rows, basis, residual - basis @ (basis.T @ residual), root)
