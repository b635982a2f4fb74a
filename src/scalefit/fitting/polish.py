"""One problem followed with care: Levenberg-Marquardt by QR, whose answer does not square the condition.

The batched solver works with normal equations, which lose half the digits of an ill-conditioned problem. Each accepted
minimum ends here, and so does each start that a user gave: rows are folded into a triangle in chunks, steps are solved
on the triangle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import held_at_bounds, part_way

MOST_STEPS = 1500
LARGEST_DAMPING = 1e20
#: Steps shorter than this, relative to the coordinates, are rounding.
SHORTEST = 1e-15
#: An undamped step this short is followed by one a hundred times shorter or more, which is rounding.
SMALL = 1e-13


@dataclass(frozen=True, eq=False)
class _Triangle:
    """The loss around a point: |R p + z|^2 / 2 + outside . p, with all rows folded in."""

    objective: float
    R: Array
    z: Array
    outside: Array

    @property
    def gradient(self) -> Array:
        return np.asarray(self.R.T @ self.z + self.outside)


def polish(
    problem: Problem, coordinates: Coordinates, u: Array, weights: Array, *, damping: float = 0.0
) -> tuple[Array, float]:
    """Follow one point (q,) to its minimum, with row weights (n,): coordinates and objective.

    With ``damping`` 0 the point is taken for a minimum but for rounding: Gauss-Newton steps are taken while they
    shrink, and none that raises the objective by more than rounding.
    """
    here = fold(problem, coordinates, u, weights)
    if here is None:
        return u, np.inf
    largest = np.zeros(len(u))
    growth, last = 2.0, np.inf
    for _ in range(MOST_STEPS):
        largest = np.maximum(largest, np.linalg.norm(here.R, axis=0))
        held = held_at_bounds(u[None], here.gradient[None], coordinates)[0]
        step = boxed_triangle_step(here, np.sqrt(damping) * largest, ~held & (largest > 0), u, coordinates)
        if step is None:
            damping, growth = max(damping, 1e-12) * growth, growth * 2
            if damping > LARGEST_DAMPING:
                break
            continue
        trial = np.clip(u + step, coordinates.lower, coordinates.upper)
        step = trial - u
        length = float(np.max(np.abs(step) / np.maximum(np.abs(u), 1e-3)))
        there = fold(problem, coordinates, trial, weights) if length > SHORTEST else None
        if length <= SHORTEST or damping > LARGEST_DAMPING:
            break
        rounding = 1e-13 * here.objective
        if there is None or not there.objective <= here.objective + (rounding if length < last else 0.0):
            if damping == 0.0 and length < 1e-6:
                break
            damping, growth = max(damping, 1e-12) * growth, growth * 2
            continue
        gain = expected_gain(here, step)
        ratio = (here.objective - there.objective) / gain if gain > 0 else 1.0
        if damping < 1e-10 and length < 1e-6 and not length < 0.9 * last:
            break
        damping, growth = damping * max(1 / 3, 1 - (2 * min(ratio, 1.0) - 1) ** 3), 2.0
        damping = 0.0 if damping < 1e-14 else damping
        u, here, last = trial, there, length
        if damping == 0.0 and length < SMALL:
            break
    return u, here.objective


def expected_gain(here: _Triangle, step: Array) -> float:
    """How much lower the model is at the end of a step."""
    Rp = here.R @ step
    return float(-(here.outside @ step) - here.z @ Rp - 0.5 * Rp @ Rp)


def boxed_triangle_step(
    here: _Triangle, damping: Array, free: NDArray[np.bool_], u: Array, coordinates: Coordinates
) -> Array | None:
    """The damped step inside the box: a coordinate that would cross a bound goes part of the way, the others follow."""
    free, step = free.copy(), np.zeros(len(u))
    for _ in range(len(u) + 1):
        moved = replace(here, z=here.z + here.R @ np.where(free, 0.0, step))
        solved = damped_triangle_step(moved, damping, free)
        if solved is None:
            return None
        step = np.where(free, solved, step)
        to = part_way(u[None], step[None], coordinates)[0]
        crossing = free & (to != u + step)
        if not crossing.any():
            return step
        step, free = np.where(crossing, to - u, step), free & ~crossing
        if not free.any():
            return step
    return step


def damped_triangle_step(here: _Triangle, damping: Array, free: NDArray[np.bool_]) -> Array | None:
    """The step of a damped triangle, zero where a coordinate is not free; None where it is singular."""
    step, k = np.zeros(len(free)), int(free.sum())
    if not k:
        return None
    R = here.R[:, free]
    size = np.linalg.norm(R, axis=0)
    size = np.where(size > 0, size, 1.0)
    rows = len(R)
    stacked = np.zeros((rows + k, k + 1))
    stacked[:rows, :k], stacked[:rows, k] = R / size, here.z
    stacked[np.arange(rows, rows + k), np.arange(k)] = damping[free] / size
    factor = triangle_of(stacked)
    if len(factor) < k:
        return None
    triangle = factor[:k, :k]
    diagonal = np.abs(np.diag(triangle))
    if not (np.isfinite(triangle).all() and diagonal.min() > 1e-14 * diagonal.max()):
        return None
    outside = here.outside[free] / size
    step[free] = -np.linalg.solve(triangle, factor[:k, k] + np.linalg.solve(triangle.T, outside)) / size
    return step if np.isfinite(step).all() else None


def fold(problem: Problem, coordinates: Coordinates, u: Array, weights: Array) -> _Triangle | None:
    """All rows at a point as one triangle; None where the objective is not finite."""
    with np.errstate(all="ignore"):
        theta, T = coordinates.to_params(u[None])
        R, outside, objective = np.zeros((0, coordinates.q + 1)), np.zeros(coordinates.q), 0.0
        for part, piece in problem.chunks():
            r, J = part.residual_and_jacobian(theta)
            J, W = T[0].T @ J[0], weights[piece]
            loss, slope, bend, _ = problem.objective.parts(r[0])
            curved = bend > 0
            root = np.sqrt(W * bend)
            pulled = np.where(curved, root * slope / np.where(curved, bend, 1.0), 0.0)
            outside += J @ np.where(curved, 0.0, W * slope)
            objective += float(W @ loss)
            R = np.vstack([R, np.column_stack([(J * root).T, pulled])[curved]])
            if not (np.isfinite(R).all() and np.isfinite(objective) and np.isfinite(outside).all()):
                return None
            R = triangle_of(R)
    if problem.prior is not None:
        root = np.sqrt(problem.prior.precision)
        away = root * problem.prior.away(theta[0])
        R = triangle_of(np.vstack([R, np.column_stack([(root * problem.prior.slope(theta[0]))[:, None] * T[0], away])]))
        objective += 0.5 * float(away @ away)
    return _Triangle(objective, R[:, :-1], R[:, -1], outside)


def triangle_of(rows: Array) -> Array:
    """The upper triangle R of a QR decomposition of rows (m, k)."""
    R: Any = np.linalg.qr(rows, mode="r")
    return np.asarray(R)
