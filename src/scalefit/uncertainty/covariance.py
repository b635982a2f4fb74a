"""Covariance of the coordinates at a minimum."""

from __future__ import annotations

import numpy as np

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import held_at_bounds
from scalefit.objectives import Square
from scalefit.uncertainty.units import Units

#: Hall and Sheather's constant for the median at 95 %: (z^2 * 1.5 * phi(0)^2)^(1/3) with z = 1.96.
HALL_SHEATHER = 0.9713
MEDIAN_ABSOLUTE_NORMAL = 0.6745


def coordinate_covariance(problem: Problem, coordinates: Coordinates, u: Array, weights: Array, units: Units) -> Array:
    """Covariance (q, q) of the coordinates; NaN where rows are too few, zero where a bound holds.

    For independent rows and a square loss the classical ``s^2 (J'J)^-1``. Otherwise a sandwich: its middle sums the
    scores of each unit, its outside is the curvature of the expected loss, taken over a window set by the scatter
    (Powell 1991, with the width of Hall & Sheather 1988) because the loss itself bends only inside ``delta``.
    """
    theta, T = coordinates.to_params(u[None])
    r, J = problem.residual_and_jacobian(theta)
    r, J = r[0], T[0].T @ J[0]
    slope = problem.objective.parts(r)[1]
    pull = np.zeros((coordinates.q, coordinates.q))
    gradient = J @ (weights * slope)
    if problem.prior is not None:
        steep = problem.prior.slope(theta[0])
        pull = (T[0].T * (problem.prior.precision * steep**2)) @ T[0]
        gradient = gradient + T[0].T @ (problem.prior.precision * problem.prior.away(theta[0]) * steep)
    moved = (np.abs(J).max(axis=1) > 0) | (np.diag(pull) > 0)
    free = ~held_at_bounds(u[None], gradient[None], coordinates)[0] & moved
    J, pull = J[free], pull[np.ix_(free, free)]
    effective = float(weights.sum())
    spare = effective - len(J) + (0 if problem.prior is None else int((problem.prior.precision > 0).sum()))
    out = np.zeros((coordinates.q, coordinates.q))
    if spare <= 0:
        out[np.ix_(free, free)] = np.nan
        return out
    if isinstance(problem.objective, Square) and units.kind == "rows":
        bread = inverse((J * weights) @ J.T + pull)
        out[np.ix_(free, free)] = bread * float(weights @ (r * r)) / spare
        return out
    bread = inverse((J * (weights * smoothed_curvature(problem, r, weights))) @ J.T + pull)
    pieces = units.pieces
    scores = np.stack(
        [np.bincount(pieces, row) for row in J * (np.sqrt(weights) if units.kind == "rows" else weights) * slope]
    )
    count = effective if units.kind == "rows" else scores.shape[1]
    middle = scores @ scores.T * (effective / spare) * (count / max(count - 1, 1))
    if problem.prior is not None:  # its rows scatter as the data do
        middle = middle + problem.prior.dispersion * pull
    out[np.ix_(free, free)] = bread @ middle @ bread
    return out


def params_covariance(coordinates: Coordinates, u: Array, covariance: Array) -> Array:
    """Covariance (p, p) of the parameters in raw units, from that of the coordinates (q, q) at ``u`` (q,)."""
    T = coordinates.to_params(u[None])[1][0]
    with np.errstate(all="ignore"):  # a parameter that the data do not fix may have a variance beyond any float
        return np.asarray(T @ covariance @ T.T)


def smoothed_curvature(problem: Problem, r: Array, weights: Array) -> Array:
    """Curvature of the loss of each row, averaged over a window of the width of the scatter: (n,)."""
    width = max(bandwidth(r, weights), 1e-300)
    parts = problem.objective.parts
    return np.maximum((parts(r + width)[1] - parts(r - width)[1]) / (2 * width), 0.0)


def bandwidth(r: Array, weights: Array) -> float:
    """Half the window in which residuals count as near zero."""
    from scipy.special import ndtri

    share = min(HALL_SHEATHER * float(weights.sum()) ** (-1 / 3), 0.45)
    quarter, three = weighted_quantile(r, weights, np.array([0.25, 0.75]))
    deviation = np.sqrt(np.average((r - np.average(r, weights=weights)) ** 2, weights=weights))
    spread = min(deviation, (three - quarter) / (2 * MEDIAN_ABSOLUTE_NORMAL)) or deviation
    return float(spread * (ndtri(0.5 + share) - ndtri(0.5 - share)))


def weighted_quantile(r: Array, weights: Array, levels: Array) -> Array:
    """Quantiles of rows that count ``weights`` times."""
    order = np.argsort(r, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    return np.asarray(r[order][np.minimum(np.searchsorted(share, levels), len(r) - 1)])


def inverse(matrix: Array) -> Array:
    """Inverse of a positive matrix, scaled so that units do not matter; NaN where it has none."""
    size = np.sqrt(np.maximum(np.diag(matrix), 0))
    if not len(size):
        return matrix
    if not (np.isfinite(matrix).all() and (size > 0).all()):
        return np.full_like(matrix, np.nan)
    scaled = matrix / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e15:
        return np.full_like(matrix, np.nan)
    return np.asarray(np.linalg.inv(scaled) / np.outer(size, size))
