"""Refits of resampled data, in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import BLOCK, Solutions, solve

#: Refits are warm: the model's expected decrease at which they stop, relative. The step after it is far below it.
TOLERANCE = 1e-11
#: Draws whose ends are offered to all others as a second start.
OFFERED = 64
ROUNDS = 3
#: Row weights held at once, in numbers.
HELD = 8_000_000

RowWeights = Callable[[slice], Array]


@dataclass(frozen=True, eq=False)
class Refits:
    """Ends of all resamples: coordinates (draws, q), parameters (draws, p), and which did not reach a minimum."""

    u: Array
    theta: Array
    failed: NDArray[np.bool_]


def refit(
    problem: Problem,
    coordinates: Coordinates,
    candidates: Array,
    row_weights: RowWeights,
    draws: int,
    *,
    block: int = BLOCK,
    tick: Callable[[int], None] | None = None,
    centres: Array | None = None,
) -> Refits:
    """Refit ``draws`` weighted copies of a problem.

    Each starts at the best of ``candidates`` (K, q) for its own weights. Afterwards the ends of some draws are offered
    to all: a draw to which another's end is better than its own was in a worse basin, and goes on from there.
    ``centres`` (draws, p) are the centres of a prior: what it was made of is uncertain too.
    """
    u, theta = np.empty((draws, coordinates.q)), np.empty((draws, len(coordinates.base)))
    failed = np.zeros(draws, bool)
    objective = np.empty(draws)
    batches = [slice(a, min(a + _batch(problem), draws)) for a in range(0, draws, _batch(problem))]

    def run(part: slice, offered: Array, again: NDArray[np.intp] | None) -> None:
        weights = row_weights(part)
        middles = None if centres is None else centres[part]
        chosen, score = best_candidates(problem, coordinates, offered, weights, middles)
        which = np.arange(part.start, part.stop)
        if again is None:
            keep, report = np.ones(len(which), bool), tick
        else:
            keep = failed[part] | (score < objective[part] * (1 - 1e-9))
            report = None
        if not keep.any():
            return
        ends = solve(
            problem,
            coordinates,
            offered[chosen[keep]],
            weights[keep],
            tolerance=TOLERANCE,
            block=block,
            tick=report,
            centres=None if middles is None else middles[keep],
        )
        _store(ends, which[keep], u, theta, objective, failed, first=again is None)

    for part in batches:
        run(part, candidates, None)
    for _ in range(ROUNDS):
        good = np.flatnonzero(~failed)
        if not len(good):
            break
        offered = np.vstack([candidates, u[good[np.linspace(0, len(good) - 1, min(OFFERED, len(good))).astype(int)]]])
        before = objective.sum(), failed.sum()
        for part in batches:
            run(part, offered, good)
        if (objective.sum(), failed.sum()) == before:
            break
    return Refits(u, theta, failed)


def _batch(problem: Problem) -> int:
    return max(BLOCK, HELD // problem.n)


def best_candidates(
    problem: Problem, coordinates: Coordinates, candidates: Array, weights: Array, centres: Array | None = None
) -> tuple[NDArray[np.intp], Array]:
    """Which candidate (K, q) is best for each row of weights (B, n), and its objective: one product of matrices."""
    theta, _ = coordinates.to_params(candidates)
    score = np.zeros((len(weights), len(candidates)))
    for part, piece in problem.chunks():
        loss = problem.objective.parts(part.residual(theta))[0]
        score += weights[:, piece] @ np.where(np.isfinite(loss), loss, 1e300).T
    score += problem.pull(theta, None if centres is None else centres[:, None])
    chosen = np.argmin(score, axis=1)
    return chosen, score[np.arange(len(weights)), chosen]


def _store(
    ends: Solutions,
    which: NDArray[np.intp],
    u: Array,
    theta: Array,
    objective: Array,
    failed: NDArray[np.bool_],
    *,
    first: bool,
) -> None:
    better = (
        np.ones(len(which), bool) if first else ends.converged & (failed[which] | (ends.objective < objective[which]))
    )
    to = which[better]
    u[to], theta[to], objective[to] = ends.u[better], ends.theta[better], ends.objective[better]
    failed[to] = ~ends.converged[better]
