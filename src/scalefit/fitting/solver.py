"""Damped Gauss-Newton for many problems at once, with bounds and robust losses.

The damping matrix is the majorising metric of the loss (the normal matrix of iteratively reweighted least squares),
not a multiple of the identity: a long damped step is then a reweighted least-squares step, which always descends on a
linear model, and an undamped one is Newton's on the loss itself. Each problem has its own damping, its own active
bounds and its own end; as one ends the next takes its place in the block, so no answer depends on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem

#: Problems solved side by side, on BLOCK_ROWS rows; of fewer rows more fit into the cache, up to LARGEST_BLOCK.
BLOCK, BLOCK_ROWS, LARGEST_BLOCK = 64, 240, 256
#: Stop when the quadratic model expects a smaller relative decrease than this.
TOLERANCE = 1e-13
MOST_STEPS = 500
LARGEST_DAMPING = 1e14
#: A coordinate keeps this share of its distance to a bound in one step, until it is as good as there.
KEPT_DISTANCE = 0.1
AT_BOUND = 1e-7
#: No coordinate moves by more than this many times its own size in one step: exponents would run away.
LONGEST = 4.0
#: A coordinate waits while a move by its own size changes residuals by less than this share of them.
ASLEEP = 1e-6


@dataclass(frozen=True, eq=False)
class Solutions:
    """Ends of B problems: coordinates (B, q), parameters (B, p), objective (B,), whether at a minimum, steps taken."""

    u: Array
    theta: Array
    objective: Array
    converged: NDArray[np.bool_]
    steps: NDArray[np.intp]


class Members(Protocol):
    """To which of several data sets each problem belongs."""

    @property
    def shares(self) -> Array:
        """Of each problem, what :func:`rounding_share` says of its data: (B,)."""
        ...

    def at(self, places: NDArray[np.intp]) -> tuple[Problem, Coordinates]:
        """Problem and coordinates for some of the problems, each with its own data."""
        ...


class _State:
    """The problems of the block that are under way; arrays of the block's size, overwritten in place."""

    def __init__(self, block: int, q: int, p: int, n: int, shifted: bool) -> None:
        self.u, self.trial = np.zeros((block, q)), np.zeros((block, q))
        self.objective, self.expected = np.full(block, np.inf), np.zeros(block)
        self.gradient, self.curvature, self.metric = (
            np.zeros((block, q)),
            np.zeros((block, q, q)),
            np.zeros((block, q, q)),
        )
        self.damping, self.weights, self.rounding = np.zeros(block), np.zeros((block, n)), np.zeros(block)
        self.centre = np.zeros((block, p))
        self.shift = np.zeros((block, n)) if shifted else None
        self.steps, self.place = np.zeros(block, int), np.full(block, -1)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Drop the other rows."""
        for name, value in vars(self).items():
            setattr(self, name, None if value is None else value[rows])


def solve(
    problem: Problem,
    coordinates: Coordinates,
    starts: Array,
    weights: Array,
    *,
    damping: float = 0.01,
    tolerance: float = TOLERANCE,
    block: int | None = None,
    most_steps: int = MOST_STEPS,
    tick: Callable[[int], None] | None = None,
    centres: Array | None = None,
    shifts: Array | None = None,
    together: Members | None = None,
) -> Solutions:
    """Minimise B problems from one start each.

    Parameters
    ----------
    starts : (B, q) coordinates.
    weights : (B, n) row weights, or (1, n) for all alike.
    damping : first damping; small where starts are near the minimum.
    block : how many problems are solved side by side; None chooses by the number of rows. No bit depends on it.
    tick : called with the number of problems ended since the last call.
    centres : (B, p) centres of the prior, where they differ from problem to problem.
    shifts : (B, n) added to the residuals, where the observed values differ from problem to problem.
    together : where problems belong to several data sets of as many rows; ``problem`` and ``coordinates`` are then
        those of the first.
    """
    B, q = starts.shape
    out = Solutions(
        starts.copy(),
        np.full((B, len(coordinates.base)), np.nan),
        np.full(B, np.inf),
        np.zeros(B, bool),
        np.zeros(B, int),
    )
    if B == 0:
        return out
    wanted = block_for(problem) if block is None else block
    block = max(1, min(wanted, B, max(1, 200_000_000 // max(1, 8 * problem.n))))
    state, waiting = _State(block, q, len(coordinates.base), problem.n, shifts is not None), 0

    share = np.full(B, rounding_share(problem)) if together is None else together.shares

    def load(slots: NDArray[np.intp]) -> NDArray[np.intp]:
        nonlocal waiting
        count = min(len(slots), B - waiting)
        slots, chosen = slots[:count], np.arange(waiting, waiting + count)
        state.place[slots], state.trial[slots] = chosen, np.clip(starts[chosen], coordinates.lower, coordinates.upper)
        state.weights[slots] = weights[chosen if len(weights) > 1 else np.zeros(count, int)]
        if problem.prior is not None:
            state.centre[slots] = problem.prior.centre if centres is None else centres[chosen]
        if shifts is not None and state.shift is not None:
            state.shift[slots] = shifts[chosen]
        state.objective[slots], state.damping[slots], state.steps[slots] = np.inf, damping, 0
        state.rounding[slots] = np.sum(state.weights[slots], axis=1) * share[chosen]
        waiting += count
        return slots

    load(np.arange(block))
    while len(state.place):
        with np.errstate(all="ignore"):
            _evaluate(*((problem, coordinates) if together is None else together.at(state.place)), state)
            ended, converged = _step(state, coordinates, problem, tolerance, most_steps)
        slots = np.flatnonzero(ended)
        if not len(slots):
            continue
        places = state.place[slots]
        out.u[places], out.objective[places] = state.u[slots], state.objective[slots]
        out.converged[places], out.steps[places] = converged[slots], state.steps[slots]
        if tick is not None:
            tick(len(slots))
        loaded = load(slots)
        if len(loaded) < len(slots):
            left = np.ones(len(state.place), bool)
            left[slots[len(loaded) :]] = False
            state.keep(left)
    with np.errstate(all="ignore"):
        whole = coordinates if together is None else together.at(np.arange(B))[1]
        out.theta[:] = whole.params_of(out.u)
    return out


def rounding_share(problem: Problem) -> float:
    """How large the square of a residual is that is nothing but rounding."""
    return float((4e-16 * (1 + np.max(np.abs(problem.seen)))) ** 2)


def block_for(problem: Problem) -> int:
    """How many problems fill the cache without leaving it; rows with a history of their own are dear, and few fit."""
    if any(x.ndim > 1 for x in problem.inputs):
        return BLOCK
    return min(max(BLOCK * BLOCK_ROWS // max(problem.n, 1), BLOCK), LARGEST_BLOCK)


def _evaluate(problem: Problem, coordinates: Coordinates, state: _State) -> None:
    """Normal equations at the trials; those that do not raise the objective become the current points."""
    theta, T = coordinates.to_params(state.trial)
    sums = problem.normal(theta, state.weights, state.centre, state.shift)
    TT = T.swapaxes(1, 2)
    gradient = np.matmul(TT, sums.gradient[..., None])[..., 0]
    curvature, metric = np.matmul(TT, np.matmul(np.stack([sums.curvature, sums.metric]), T))
    finite = np.isfinite(sums.objective) & np.isfinite(metric).all(axis=(1, 2)) & np.isfinite(gradient).all(axis=1)
    new = np.isinf(state.objective)
    better = finite & (sums.objective <= state.objective)
    ratio = np.where(finite, (state.objective - sums.objective) / state.expected, -1.0)
    factor = np.where(better, np.where(ratio > 0.75, 0.1, np.where(ratio > 0.25, 0.5, 2.0)), 8.0)
    changed = np.where(new, state.damping, state.damping * factor)
    state.damping = np.minimum(np.maximum(changed, 1e-9), LARGEST_DAMPING * 10)
    state.steps += 1
    state.objective = np.where(better, sums.objective, state.objective)
    state.u, state.gradient = (
        np.where(better[:, None], to, at) for to, at in ((state.trial, state.u), (gradient, state.gradient))
    )
    state.curvature, state.metric = (
        np.where(better[:, None, None], to, at) for to, at in ((curvature, state.curvature), (metric, state.metric))
    )


def _step(
    state: _State, coordinates: Coordinates, problem: Problem, tolerance: float, most_steps: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The next trials; which problems end here, and which of those at a minimum."""
    u, g = state.u, state.gradient
    held = held_at_bounds(u, g, coordinates) | asleep(u, state.metric, state.objective)
    step = boxed_step(u, g, state.curvature, state.metric, state.damping, held, coordinates)
    state.trial = np.clip(u + step, coordinates.lower, coordinates.upper)
    step = state.trial - u
    slope = np.sum(g * step, axis=1)
    state.expected = -slope - 0.5 * np.sum(step * np.matmul(state.curvature, step[..., None])[..., 0], axis=1)
    # Of an impossible step the expected decrease is negative, and far from small.
    small = np.abs(state.expected) <= np.maximum(tolerance * state.objective, state.rounding)
    started = np.isfinite(state.objective)
    stuck = state.damping > LARGEST_DAMPING
    # Where rounding blocks the last digits, a step that should still gain less than this is a minimum too.
    as_good_as = stuck & (-slope <= 1e-9 * state.objective)
    converged = started & (slope <= 0) & ((small & (state.damping < 1e-2)) | as_good_as)
    return converged | stuck | ~started | (state.steps >= most_steps), converged


def held_at_bounds(u: Array, gradient: Array, coordinates: Coordinates) -> NDArray[np.bool_]:
    """Coordinates that sit on a bound and would leave the box: (B, q)."""
    return ((u <= coordinates.lower) & (gradient > 0)) | ((u >= coordinates.upper) & (gradient < 0))


def asleep(u: Array, metric: Array, objective: Array) -> NDArray[np.bool_]:
    """Coordinates (B, q) through which a move by their own size would change next to nothing.

    Such is the exponent of a term that is still tiny: a step would send it anywhere. It waits until its term has grown.
    """
    diagonal = np.arange(u.shape[1])
    reach = np.maximum(np.abs(u), 1.0)
    return np.asarray(metric[:, diagonal, diagonal] * reach**2 < ASLEEP**2 * objective[:, None])


def boxed_step(
    u: Array,
    g: Array,
    curvature: Array,
    metric: Array,
    damping: Array,
    held: NDArray[np.bool_],
    coordinates: Coordinates,
) -> Array:
    """Damped steps (B, q) inside the box, zero where held.

    Where a step would cross a bound that coordinate goes part of the way, and the others are solved again with it
    there: merely cutting a step off would leave a direction in which the objective may rise.
    """
    q = g.shape[1]
    diagonal = np.arange(q)
    size = np.sqrt(np.maximum(metric[:, diagonal, diagonal], 0.0))
    still = np.asarray(held | (size == 0))
    size = np.where(still, 1.0, size)
    H = damping[:, None, None] * metric
    H[:, diagonal, diagonal] *= 1.1  # the metric may be singular, with a diagonal added it is not
    H += curvature
    H /= size[:, :, None] * size[:, None, :]
    H[:, diagonal, diagonal] += 1e-15
    step = _solve_others(H, g / size, still, np.zeros_like(g)) / size
    longest = np.max(np.abs(step) / np.maximum(np.abs(u), 1.0), axis=1, keepdims=True)
    step = step * np.minimum(1.0, LONGEST / np.maximum(longest, 1e-300))
    for _ in range(q):
        to = u + step
        if ((to >= coordinates.lower) & (to <= coordinates.upper)).all():
            break
        to = part_way(u, step, coordinates)
        crossing = (to != u + step) & ~still
        rows = np.flatnonzero(crossing.any(axis=1))
        if not len(rows):
            break
        still[rows] |= crossing[rows]
        step[rows] = np.where(crossing, to - u, step)[rows]
        fixed = np.where(still[rows], step[rows] * size[rows], 0.0)
        step[rows] = _solve_others(H[rows], (g / size)[rows], still[rows], fixed) / size[rows]
    return np.asarray(step)


def _solve_others(H: Array, g: Array, still: NDArray[np.bool_], fixed: Array) -> Array:
    """Minimise ``g.x + x.H.x / 2`` over the coordinates that are not still, the others being ``fixed``: (B, q)."""
    if not still.any():
        return np.asarray(np.linalg.solve(H, -g[..., None])[..., 0])
    right = np.where(still, fixed, -g - np.matmul(H, fixed[..., None])[..., 0])
    matrix = np.where(still[:, :, None] | still[:, None, :], 0.0, H)
    diagonal = np.arange(H.shape[1])
    matrix[:, diagonal, diagonal] = np.where(still, 1.0, matrix[:, diagonal, diagonal])
    return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0])


def part_way(u: Array, step: Array, coordinates: Coordinates) -> Array:
    """The end of a step, nearer to a bound by degrees instead of past it, and on it once as good as there."""
    to = u + step
    for bound, beyond in ((coordinates.lower, to < coordinates.lower), (coordinates.upper, to > coordinates.upper)):
        if beyond.any():
            with np.errstate(invalid="ignore"):
                distance = np.abs(u - bound)
                near = distance <= AT_BOUND * np.maximum(1.0, np.abs(np.where(np.isfinite(bound), bound, 0.0)))
                to = np.where(beyond, np.where(near, bound, bound + (u - bound) * KEPT_DISTANCE), to)
    return to
