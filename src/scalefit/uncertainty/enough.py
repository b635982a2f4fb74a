"""Whether a resample can fix the parameters of the law at all: enough distinct points, and of enough sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.resampling import Counts

Array = NDArray[np.float64]
#: Smallest eigenvalue of the scaled normal matrix that is more than rounding.
ROUNDING = 1e-14
#: A resample this much less certain in some direction than all rows together leaves the direction free.
FREE = 1e-8
#: Numbers held at once.
HELD = 8_000_000


def identified_by(fit: Fitted, places: NDArray[np.intp]) -> Callable[[Counts], NDArray[np.bool_]]:
    """A function of counts (draws, units) that says which of them identify the law.

    A resample does where its distinct points are as many as the free parameters, and the Jacobian on them leaves no
    direction free: one size can never give an exponent of size.

    Parameters
    ----------
    places : (n,) the column of the counts that each row belongs to.
    """
    needed = fit.coordinates.q
    if fit.problem.prior is not None:
        needed -= int((fit.problem.prior.precision > 0).sum())
    points = np.unique(np.column_stack(fit.problem.inputs), axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(points, kind="stable")
    starts = np.unique(points[order], return_index=True)[1]
    squares, least = _squares(fit)
    step = max(1, HELD // fit.problem.n)

    def some(counts: Counts) -> NDArray[np.bool_]:
        there = (counts[:, places] > 0) & (fit.weights > 0)
        enough = np.add.reduceat(there[:, order], starts, axis=1, dtype=int).astype(bool).sum(axis=1) >= needed
        if squares is not None:
            enough &= _smallest(there.astype(float) @ squares) > least
        return np.asarray(enough)

    def identified(counts: Counts) -> NDArray[np.bool_]:
        return np.concatenate([some(counts[a : a + step]) for a in range(0, len(counts), step)])

    return identified


def _squares(fit: Fitted) -> tuple[Array | None, float]:
    """Products of derivatives of each row (n, q * q), and the least eigenvalue asked of their sum.

    None where all rows together leave a direction free, or a prior holds one: then points alone are counted.
    """
    if fit.problem.prior is not None:
        return None, 0.0
    theta, T = fit.coordinates.to_params(fit.u[None])
    J = T[0].T @ fit.problem.residual_and_jacobian(theta)[1][0]
    J = J[np.abs(J).max(axis=1) > 0]
    if not len(J) or not np.isfinite(J).all():
        return None, 0.0
    J = J / np.sqrt(np.sum(J**2, axis=1, keepdims=True))
    squares = np.einsum("in,jn->nij", J, J).reshape(J.shape[1], -1)
    whole = float(_smallest(((fit.weights > 0).astype(float) @ squares)[None])[0])
    return (squares, max(ROUNDING, FREE * whole)) if whole > 100 * ROUNDING else (None, 0.0)


def _smallest(sums: Array) -> Array:
    """Smallest eigenvalue (draws,) of normal matrices given flat (draws, q * q), each scaled to a diagonal of ones."""
    q = round(sums.shape[1] ** 0.5)
    H = sums.reshape(-1, q, q)
    size = np.sqrt(np.maximum(H[:, np.arange(q), np.arange(q)], 0))
    scaled = H / np.where(size > 0, size, 1.0)[:, :, None] / np.where(size > 0, size, 1.0)[:, None, :]
    return np.asarray(np.linalg.eigvalsh(scaled)[:, 0])
