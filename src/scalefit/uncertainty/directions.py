"""Directions in which the data say little: parameters that trade off, and the run that would tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.polish import triangle_of
from scalefit.fitting.problem import Array, Inputs, Problem
from scalefit.objectives import Square
from scalefit.uncertainty.profile_quantities import Quantity
from scalefit.uncertainty.profile_solver import Points, Pulls, pulled_fits

#: Singular values below this share of the largest count as this: a direction that is free to rounding.
FREE = 1e-12
#: How much stiffer than the fit the pull is that moves a parameter.
STIFF = 1e6
#: The pull has arrived when so near, relative.
ARRIVED = 1e-3


@dataclass(frozen=True, eq=False)
class Directions:
    """Singular directions of the Jacobian with columns of length one, the weakest first.

    Parameters
    ----------
    values : (k,) singular values.
    shares : (k, q) unit vectors: how much of each coordinate, in units of its own weight on the rows.
    steps : (k, q) the same as changes of the coordinates; zero where one has no effect.
    """

    values: Array
    shares: Array
    steps: Array

    @property
    def weakness(self) -> Array:
        """How many times worse each direction is known than the best."""
        return np.asarray(self.values.max() / np.maximum(self.values, FREE * self.values.max()))


def directions_of(problem: Problem, coordinates: Coordinates, u: Array, weights: Array) -> Directions:
    """All directions at a minimum ``u`` (q,) with row weights (n,); a bound that holds one of them is not looked at."""
    theta, T = coordinates.to_params(u[None])
    R = np.zeros((0, coordinates.q))
    for part, piece in problem.chunks():
        J = T[0].T @ part.residual_and_jacobian(theta)[1][0]
        R = triangle_of(np.vstack([R, (J * np.sqrt(weights[piece])).T]))
    if problem.prior is not None:
        root = np.sqrt(problem.prior.precision) * problem.prior.slope(theta[0])
        R = triangle_of(np.vstack([R, root[:, None] * T[0]]))
    size = np.linalg.norm(R, axis=0)
    keep = size > 0
    values, vectors = np.linalg.svd(R[:, keep] / size[keep], full_matrices=True)[1:]
    values = np.concatenate([values, np.zeros(int(keep.sum()) - len(values))])
    shares = np.zeros((len(values), coordinates.q))
    shares[:, keep] = vectors
    steps = np.divide(shares, size, out=np.zeros_like(shares), where=keep)
    return Directions(values[::-1], shares[::-1], steps[::-1])


def gains(
    problem: Problem, coordinates: Coordinates, u: Array, found: Directions, which: int, candidates: Inputs
) -> Array:
    """Share (m,) by which one more run at each candidate would lower the variance along a direction.

    Of a least-squares fit whose scatter is the same everywhere: ``(v.j)^2 / (s^2 (1 + j C j))`` for a run with slopes
    j, where s is the singular value of the direction v and C the inverse of the normal matrix.
    """
    theta, T = coordinates.to_params(u[None])
    at = replace(problem, inputs=candidates, target=problem.equation.value(theta, candidates)[0], prior=None)
    J = T[0].T @ at.residual_and_jacobian(theta)[1][0]  # (q, m)
    values = np.maximum(found.values, FREE * found.values.max())
    scores = (found.steps @ J) / values[:, None]  # (k, m)
    with np.errstate(all="ignore"):
        gain = scores[which] ** 2 / (1 + np.sum(scores**2, axis=0))
    return np.where(np.isfinite(gain), gain, 0.0)


def indistinguishable(
    problem: Problem, coordinates: Coordinates, u: Array, weights: Array, quantity: Quantity, to: float, step: Array
) -> tuple[Array, float] | None:
    """Parameters (p,) with a quantity near ``to`` whose fitted values are as near as can be to those of ``u``.

    The second is the largest relative change of a fitted value. None where no such parameters were found.
    """
    theta, T = coordinates.to_params(u[None])
    fitted = problem.equation.value(theta, problem.inputs)[0]
    same = replace(problem, target=fitted, objective=Square(on=problem.objective.on), prior=None)
    height, slope = quantity.height_and_slope(theta)
    rate = float((T[0].T @ slope[0]) @ step)
    target = float(np.log(to)) if quantity.log else to
    start = u + step * ((target - float(height[0])) / rate) if rate else u
    J = T[0].T @ same.residual_and_jacobian(theta)[1][0]
    stiffness = STIFF * float(np.max((J**2) @ weights)) * len(weights)
    found = _pulled(same, coordinates, weights, quantity, target, stiffness, [start, u])
    if found is None:
        return None
    moved = coordinates.to_params(found[None])[0]
    with np.errstate(all="ignore"):
        change = np.abs(problem.equation.value(moved, problem.inputs)[0] / fitted - 1)
    return moved[0], float(change[weights > 0].max())


def _pulled(
    problem: Problem,
    coordinates: Coordinates,
    weights: Array,
    quantity: Quantity,
    target: float,
    stiffness: float,
    starts: Sequence[Array],
) -> Array | None:
    count = len(starts)
    pulls = Pulls(np.zeros(count, np.intp), np.full(count, target), np.full(count, stiffness))
    inside = np.clip(np.array(starts), coordinates.lower, coordinates.upper)
    ends: Points = pulled_fits(problem, coordinates, weights, (quantity,), pulls, inside)
    # Where nothing tells the parameters apart the objective is rounding and never settles: what counts is the end.
    good = np.flatnonzero(np.isfinite(ends.objective) & (np.abs(ends.height - target) < ARRIVED * np.abs(target)))
    if not len(good):
        return None
    return np.asarray(ends.u[good[int(np.argmin(ends.objective[good]))]])
