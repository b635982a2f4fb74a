"""How a rise of the objective is turned into a statistic: the size of its noise in the direction of a quantity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import held_at_bounds
from scalefit.uncertainty.covariance import coordinate_covariance, inverse, smoothed_curvature
from scalefit.uncertainty.profile_quantities import Quantity
from scalefit.uncertainty.units import Units

#: Added to the diagonal of the scaled curvature where a direction is free.
RIDGE = 1e-10
#: A standard error is not believed beyond this many times the size of a quantity (at least 1 for a log).
LARGEST_ERROR = 2.0


@dataclass(frozen=True, eq=False)
class Scale:
    """How one quantity moves near the minimum, in its height.

    Parameters
    ----------
    height : at the minimum.
    error : its standard error.
    rise : second derivative of the profile's rise by the height, taken over the width of the scatter.
    factor : the statistic is ``2 * factor * rise of the objective``.
    step : (q,) change of the coordinates per unit of height along the profile.
    """

    height: float
    error: float
    rise: float
    factor: float
    step: Array


@dataclass(frozen=True, eq=False)
class _Spread:
    """Curvature and covariance of the coordinates that no bound holds."""

    bread: Array
    covariance: Array


def scale_of(
    problem: Problem, coordinates: Coordinates, u: Array, weights: Array, units: Units, quantity: Quantity
) -> Scale:
    """The scale of a quantity at a minimum ``u`` (q,).

    For squares and independent rows the factor is one over the variance of the scatter, and the statistic is F. For
    other losses, and for runs of several rows, the rise of the objective is not a log-likelihood: it is divided by
    what it would be on average, the ratio of the two sides of the sandwich in this direction (Kent 1982).
    """
    theta, T = coordinates.to_params(u[None])
    height, slope = quantity.height_and_slope(theta)
    g = T[0].T @ slope[0]
    spread = _spread(problem, coordinates, u, weights, units, quantity.place)
    step = spread.bread @ g
    a, b = float(g @ step), float(g @ spread.covariance @ g)
    size = max(abs(float(height[0])), 1.0 if quantity.log else 0.0) or 1.0
    if not (np.isfinite([a, b]).all() and a > 0 and b > 0):
        factor = _average_factor(problem, theta, weights, coordinates.q)
        error = 0.1 * size
        return Scale(float(height[0]), error, 1 / (factor * error**2), factor, np.zeros_like(u))
    error, factor = np.sqrt(b), a / b
    if error > LARGEST_ERROR * size:
        error = LARGEST_ERROR * size
        return Scale(float(height[0]), error, 1 / (factor * error**2), factor, np.zeros_like(u))
    return Scale(float(height[0]), error, 1 / a, factor, step / a)


def _spread(
    problem: Problem, coordinates: Coordinates, u: Array, weights: Array, units: Units, place: int | None
) -> _Spread:
    """Both sides of the sandwich; the coordinate of the quantity itself is not held, whatever the bound says."""
    theta, T = coordinates.to_params(u[None])
    r, J = problem.residual_and_jacobian(theta)
    gradient = T[0].T @ problem.normal(theta, weights[None]).gradient[0]
    held = held_at_bounds(u[None], gradient[None], coordinates)[0] & (coordinates.free != place)
    released = replace(
        coordinates, lower=np.where(held, coordinates.lower, -np.inf), upper=np.where(held, coordinates.upper, np.inf)
    )
    covariance = coordinate_covariance(problem, released, u, weights, units)
    J = T[0].T @ J[0]
    bend = (J * (weights * smoothed_curvature(problem, r[0], weights))) @ J.T
    if problem.prior is not None:
        bend = bend + (T[0].T * (problem.prior.precision * problem.prior.slope(theta[0]) ** 2)) @ T[0]
    free = ~held & (np.diag(bend) > 0)
    bread = np.zeros_like(bend)
    bread[np.ix_(free, free)] = _inverse(bend[np.ix_(free, free)])
    return _Spread(bread, covariance)


def _inverse(matrix: Array) -> Array:
    """The inverse; where a direction is free, of the matrix with a little added to its diagonal."""
    found = inverse(matrix)
    return found if np.isfinite(found).all() else inverse(matrix + RIDGE * np.diag(np.diag(matrix)))


def _average_factor(problem: Problem, theta: Array, weights: Array, q: int) -> float:
    """The factor where no direction tells it: mean curvature over mean squared slope."""
    r = problem.residual(theta)[0]
    slope = problem.objective.parts(r)[1]
    spare = max(float(weights.sum()) - q, 1.0)
    return float((weights @ smoothed_curvature(problem, r, weights)) / (weights @ slope**2) * spare / weights.sum())


def degrees_of_freedom(problem: Problem, q: int, weights: Array, units: Units) -> float:
    """Rows, or independent pieces of them, that are left for the scatter."""
    known = 0 if problem.prior is None else int((problem.prior.precision > 0).sum())
    if units.kind == "rows":
        return float(weights.sum()) - q + known
    return float(int(units.pieces.max()))


def threshold(level: float, freedom: float) -> float:
    """The statistic that is exceeded as often as ``1 - level``: F with one degree of freedom above the line."""
    from scipy.special import fdtri

    return float(fdtri(1.0, freedom, level))
