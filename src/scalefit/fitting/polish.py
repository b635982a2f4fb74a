"""Last digits: Gauss-Newton by QR, whose answer does not square the condition of the Jacobian."""

from __future__ import annotations

import numpy as np

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import held_at_bounds, shortened

MOST_STEPS = 60
WORST_CONDITION = 1e13


def polish(problem: Problem, coordinates: Coordinates, u: Array, weights: Array) -> tuple[Array, float]:
    """Improve one minimum: coordinates (q,) and row weights (n,) -> coordinates and objective.

    Steps are taken while they shrink, and none that raises the objective by more than rounding.
    """
    theta, _ = coordinates.to_params(u[None])
    objective = float(problem.value(theta, weights[None])[0])
    last, best = np.inf, (u, objective)
    for _ in range(MOST_STEPS):
        step = _gauss_newton_step(problem, coordinates, u, weights)
        if step is None:
            break
        length = float(np.max(np.abs(step) / np.maximum(np.abs(u), 1e-3)))
        if not length < 0.9 * last:
            break
        trial = shortened(u[None], step[None], coordinates)[0]
        value = float(problem.value(coordinates.to_params(trial[None])[0], weights[None])[0])
        if not value <= best[1] * (1 + 1e-13) + 1e-300:
            break
        u, last, best = trial, length, (trial, min(value, best[1]))
        if length < 1e-14:
            break
    return best


def _gauss_newton_step(problem: Problem, coordinates: Coordinates, u: Array, weights: Array) -> Array | None:
    """The Newton step on the loss by QR of the rows that curve; None where they do not fix it."""
    theta, T = coordinates.to_params(u[None])
    R, outside, gradient = np.zeros((0, coordinates.q + 1)), np.zeros(coordinates.q), np.zeros(coordinates.q)
    for part, piece in problem.chunks():
        r, J = part.residual_and_jacobian(theta)
        J, W = T[0].T @ J[0], weights[piece]
        _, slope, bend, _ = problem.objective.parts(r[0])
        curved = bend > 0
        root = np.sqrt(W * bend)
        rows = np.column_stack([(J * root).T, np.where(curved, root * slope / np.where(curved, bend, 1.0), 0.0)])
        outside += J @ np.where(curved, 0.0, W * slope)
        gradient += J @ (W * slope)
        R = np.vstack([R, rows[curved]])
        if not np.isfinite(R).all():
            return None
        R = np.linalg.qr(R, mode="r")
    if problem.prior is not None:
        root = np.sqrt(problem.prior.precision)
        pull = np.column_stack([root[:, None] * T[0], root * (theta[0] - problem.prior.centre)])
        R, gradient = np.linalg.qr(np.vstack([R, pull]), mode="r"), gradient + T[0].T @ (root * pull[:, -1])
    return _solve_free(R, outside, ~held_at_bounds(u[None], gradient[None], coordinates)[0])


def _solve_free(R: Array, outside: Array, free: np.ndarray) -> Array | None:
    """The step from the triangle [R z]: minus R^-1 (z + R^-T outside), zero where a bound holds."""
    step = np.zeros(len(free))
    if len(R) < int(free.sum()) or not free.any():
        return None
    factor = np.linalg.qr(np.column_stack([R[:, :-1][:, free], R[:, -1]]), mode="r")
    k = int(free.sum())
    if len(factor) < k:
        return None
    triangle, z = factor[:k, :k], factor[:k, k]
    size = np.linalg.norm(triangle, axis=0)
    if not (size > 0).all() or np.linalg.cond(triangle / size) > WORST_CONDITION:
        return None
    scaled = triangle / size
    step[free] = -np.linalg.solve(scaled, z + np.linalg.solve(scaled.T, (outside[free]) / size)) / size
    return step
