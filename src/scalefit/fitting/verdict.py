"""Whether to believe a fit: decided from the answer itself, never from an optimiser's flag."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import listing
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.polish import triangle_of
from scalefit.fitting.problem import Array, Problem, numbers_of
from scalefit.fitting.solver import asleep, held_at_bounds

Status = Literal["converged", "not identified", "not converged"]

#: Ratio of the largest to the smallest singular value of the Jacobian with columns of length one: above it a direction
#: is free to rounding.
SINGULAR = 1e6
#: Two inputs move together where one predicts the other in log-log up to this share of its spread.
RAY = 0.02
#: Two starts agree when their objectives differ by less than this share.
AGREEMENT = 1e-6
#: A column of the Jacobian below this share of what it is the difference of is nothing but rounding.
ROUNDING = 1e-11
#: Twice the difference in log-likelihood below which one minimum is as credible as another: 95 % for one parameter.
INDISTINCT = 3.84
#: Newton's decrease still expected at a minimum, relative to the objective.
STATIONARY = 1e-8


@dataclass(frozen=True)
class Verdict:
    """What is known about how a fit ended.

    Parameters
    ----------
    status : "converged", "not identified" or "not converged".
    reasons : sentences, the most important first; empty where nothing is wrong.
    starts, agreeing : how many starts were followed, and how many reached the best objective.
    second : how much higher the next minimum lies, relative to the best; None where there is no other.
    at_bound : parameters that sit on a bound.
    condition : of the scaled Jacobian; about 30 for a well designed ladder.
    gradient : the decrease of the objective that Newton's step still promises, relative to the objective.
    heights : the objective at which each start ended, in their order; infinite or NaN where one found nothing.
    """

    status: Status
    reasons: tuple[str, ...]
    starts: int
    agreeing: int
    second: float | None
    at_bound: tuple[str, ...]
    condition: float
    gradient: float
    heights: tuple[float, ...] = ()

    def __str__(self) -> str:
        if self.status != "converged":
            return f"{self.status}: {'; '.join(self.reasons)}"
        said = f"converged, {self.agreeing} of {self.starts} starts agree"
        return f"{said}; {'; '.join(self.reasons)}" if self.reasons else said


def judge(
    problem: Problem,
    coordinates: Coordinates,
    u: Array,
    weights: Array,
    objectives: Array,
    names: tuple[str, ...],
    input_names: tuple[str, ...],
) -> Verdict:
    """The verdict on a minimum ``u`` (q,) with row weights (n,), given the objectives all starts ended with (K,)."""
    numbers = [x.ndim == 1 for x in problem.inputs]  # of a history nothing is said
    input_names = tuple(name for name, plain in zip(input_names, numbers, strict=True) if plain)
    theta, T = coordinates.to_params(u[None])
    sums = problem.normal(theta, weights[None])
    g = T[0].T @ sums.gradient[0]
    metric, curvature = (T[0].T @ m[0] @ T[0] for m in (sums.metric, sums.curvature))
    held = held_at_bounds(u[None], g[None], coordinates)[0]
    free_names = [names[j] for j in coordinates.free]
    on_bound = ((u <= coordinates.lower) | (u >= coordinates.upper)) & np.isfinite(u)
    at_bound = tuple(name for name, there in zip(free_names, on_bound, strict=True) if there)
    best = float(sums.objective[0])
    rounding = float(weights.sum()) * (4e-16 * (1 + float(np.max(np.abs(problem.seen))))) ** 2
    gained = _expected_decrease(g, curvature, metric, held) / (best + rounding / STATIONARY)
    gradient = float(gained.sum())
    condition, direction, traded = _worst_direction(problem, theta, T[0], weights, held)
    agreeing, second = count_agreement(objectives, best)
    sleeping = asleep(u[None], metric[None], sums.objective)[0] & ~held
    dead = [name for name, still in zip(free_names, sleeping | (~held & (np.diag(metric) == 0)), strict=True) if still]
    ray = _one_ray(problem, coordinates, theta, input_names)
    status: Status = "converged"
    if dead or condition > SINGULAR or (ray and problem.prior is None):
        status = "not identified"
        free = [name for name, share in zip(free_names, direction, strict=True) if abs(share) > 0.25]
        if len(traded) > 1:
            together = f"{listing([names[j] for j in traded])} act only together on these rows"
            reasons = [together, _constant(problem, input_names) or "fix one of them"]
        else:
            reasons = _unidentified(problem, input_names, free, dead, condition, at_bound, ray)
    elif not (np.isfinite(best) and gradient < STATIONARY):
        status = "not converged"
        most = free_names[int(np.argmax(gained))]
        reasons = [
            f"the objective would still fall by {gradient:.0e} of its value, mostly through {most}: bound or fix it"
        ]
    else:
        reasons = [f"{listing(at_bound)} at a bound"] if at_bound else []
        if agreeing == 1 and len(objectives) > 1:
            reasons.append("no other start reached this minimum: give more starts")
        if second is not None and weights.sum() * np.log1p(second) < INDISTINCT:
            reasons.append(f"another minimum is only {second:.1%} higher, which the scatter does not tell apart")
    heights = tuple(float(height) for height in objectives)
    return Verdict(status, tuple(reasons), len(objectives), agreeing, second, at_bound, condition, gradient, heights)


def count_agreement(objectives: Array, best: float) -> tuple[int, float | None]:
    """How many starts reached the best objective, and how much higher the next minimum is (relative)."""
    reached = max(best, float(np.min(objectives)))  # the polish of the best goes further than any start did
    near = objectives <= reached * (1 + AGREEMENT) + 1e-25
    others = objectives[~near & np.isfinite(objectives)]
    second = float(others.min() / best - 1) if len(others) and best > 0 else None
    return int(near.sum()), second


def _expected_decrease(g: Array, curvature: Array, metric: Array, held: np.ndarray) -> Array:
    """Newton's decrease of the objective through each coordinate (q,); zero through those that a bound holds."""
    gained = np.zeros(len(g))
    keep = ~held & (np.diag(metric) > 0)
    if keep.any():
        size = np.sqrt(np.diag(metric))[keep]
        H = (curvature + 1e-6 * metric)[np.ix_(keep, keep)] / np.outer(size, size) + 1e-12 * np.eye(int(keep.sum()))
        scaled = g[keep] / size
        gained[keep] = 0.5 * scaled * np.linalg.solve(H, scaled)
    return gained


def _worst_direction(
    problem: Problem, theta: Array, T: Array, weights: Array, held: np.ndarray
) -> tuple[float, Array, NDArray[np.intp]]:
    """Condition of the column-scaled Jacobian, and the direction (q,) that the data fix least.

    Where the parts of a column cancel to rounding, the parameters behind them trade off at no cost at all; these come
    third, and the condition is infinite.
    """
    R, parts = np.zeros((0, T.shape[1])), np.zeros(len(T))
    for part, piece in problem.chunks():
        _, J = part.residual_and_jacobian(theta)
        R = triangle_of(np.vstack([R, ((T.T @ J[0]) * np.sqrt(weights[piece])).T]))
        parts += (J[0] ** 2) @ weights[piece]
    if problem.prior is not None:
        pull = problem.prior.precision * problem.prior.slope(theta[0]) ** 2
        R = triangle_of(np.vstack([R, np.sqrt(pull)[:, None] * T]))
        parts += pull
    size = np.linalg.norm(R, axis=0)
    keep = ~held & (size > 0)
    direction, none = np.zeros(T.shape[1]), np.zeros(0, np.intp)
    if not keep.any() or not np.isfinite(R).all():
        return np.inf, direction, none
    pieces = np.abs(T) * np.sqrt(parts)[:, None]
    cancelled = np.flatnonzero(keep & (size < ROUNDING * pieces.sum(axis=0)))
    if len(cancelled):
        column = pieces[:, cancelled[0]]
        return np.inf, direction, np.flatnonzero(column > 0.1 * column.max())
    scaled = R[:, keep] / size[keep]
    values, vectors = np.linalg.svd(scaled)[1:]
    direction[keep] = vectors[-1]
    if len(values) < int(keep.sum()):
        return np.inf, direction, none
    return float(values[0] / values[-1]) if values[-1] > 0 else np.inf, direction, none


def _unidentified(
    problem: Problem,
    input_names: tuple[str, ...],
    free: list[str],
    dead: list[str],
    condition: float,
    at_bound: tuple[str, ...],
    ray: str,
) -> list[str]:
    """Why the data do not fix every parameter, and what runs would."""
    reasons = []
    if dead:
        because = f" because {listing(at_bound)} sits at a bound" if at_bound else " on these rows"
        reasons.append(f"{listing(dead)} {'has' if len(dead) == 1 else 'have'} no effect{because}")
    if condition > SINGULAR and free:
        trade = f"leave {listing(free)} free to trade off" if len(free) > 1 else f"do not fix {listing(free)}"
        reasons.append(f"the data {trade}")
    if condition > SINGULAR or ray:
        reasons.append(
            ray or _constant(problem, input_names) or "spread the runs wider in " + listing(input_names, last="or")
        )
    return reasons


def _constant(problem: Problem, input_names: tuple[str, ...]) -> str:
    """A sentence where an input does not vary."""
    for name, x in zip(input_names, numbers_of(problem.inputs), strict=True):
        if np.all(x == x[0]):
            return f"every row has {name} = {x[0]:.4g}: add runs with other {name}"
    return ""


def _one_ray(problem: Problem, coordinates: Coordinates, theta: Array, input_names: tuple[str, ...]) -> str:
    """A sentence where two inputs that both matter to what is fitted move only together; empty otherwise.

    On such a ray the terms of the two can be exchanged, whatever the condition at one of the answers.
    """
    spread = {}
    for i, x in enumerate(numbers_of(problem.inputs)):
        if np.all(x > 0) and not np.all(x == x[0]):
            spread[i] = np.log(x) - np.mean(np.log(x))
    for i, j in itertools.combinations(spread, 2):
        slope = float(spread[i] @ spread[j] / (spread[i] @ spread[i]))
        rest = np.sqrt(np.mean((spread[j] - slope * spread[i]) ** 2))
        together = rest < RAY * np.sqrt(np.mean(spread[j] ** 2))
        if together and all(_matters(problem, coordinates, theta, k) for k in (i, j)):
            a, b = input_names[i], input_names[j]
            power = "" if abs(slope - 1) < 0.01 else f"^{slope:.2f}"
            return (
                f"{b} is proportional to {a}{power} in every row (one ray), so their terms can stand in for each "
                f"other: add runs at other ratios of {b} to {a}"
            )
    return ""


def _matters(problem: Problem, coordinates: Coordinates, theta: Array, i: int) -> bool:
    """Whether input i, of those without histories, changes a derivative: it does not where its term is fixed."""
    few = problem.rows(slice(0, 16))
    scaled = [j for j, x in enumerate(few.inputs) if x.ndim == 1][i]
    moved = tuple(x * 1.5 if k == scaled else x for k, x in enumerate(few.inputs))
    rates = []
    for inputs in (few.inputs, moved):
        _, J = coordinates.equation.value_and_jacobian(theta, inputs)
        T = coordinates.to_params(coordinates.from_params(theta))[1]
        rates.append(T[0].T @ J[0])
    return bool(np.any(np.abs(rates[0] - rates[1]) > 1e-9 * np.abs(rates[0])))
