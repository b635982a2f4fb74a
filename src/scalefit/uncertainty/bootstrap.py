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
#: The same where observed values are redrawn: each pair of draw and candidate then has residuals of its own.
OFFERED_SHIFTED = 16
#: Row weights held at once, in numbers; and losses of pairs of draw and candidate.
HELD = 8_000_000
HELD_PAIRS = 2_000_000

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
    block: int | None = None,
    tick: Callable[[int], None] | None = None,
    centres: Array | None = None,
    shifts: RowWeights | None = None,
) -> Refits:
    """Refit ``draws`` weighted copies of a problem.

    Each starts at the best of ``candidates`` (K, q) for its own weights. Afterwards the ends of some draws are offered
    to all: a draw to which another's end is better than its own was in a worse basin, and goes on from there.

    Parameters
    ----------
    row_weights : the weights (B, n) of a slice of the draws.
    centres : (draws, p) centres of a prior: what it was made of is uncertain too.
    shifts : what is added to the residuals (B, n) in a slice of the draws, where observed values are redrawn.
    """
    u, theta = np.empty((draws, coordinates.q)), np.empty((draws, len(coordinates.base)))
    failed = np.zeros(draws, bool)
    objective = np.empty(draws)
    batches = [slice(a, min(a + _batch(problem), draws)) for a in range(0, draws, _batch(problem))]

    def run(part: slice, offered: Array, again: NDArray[np.intp] | None) -> None:
        weights = row_weights(part)
        middles = None if centres is None else centres[part]
        moved = None if shifts is None else shifts(part)
        chosen, score = best_candidates(problem, coordinates, offered, weights, middles, moved)
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
            shifts=None if moved is None else moved[keep],
        )
        _store(ends, which[keep], u, theta, objective, failed, first=again is None)

    for part in batches:
        run(part, candidates, None)
    for _ in range(ROUNDS):
        good = np.flatnonzero(~failed)
        if not len(good):
            break
        most = min(OFFERED if shifts is None else OFFERED_SHIFTED, len(good))
        offered = np.vstack([candidates, u[good[np.linspace(0, len(good) - 1, most).astype(int)]]])
        before = objective.sum(), failed.sum()
        for part in batches:
            run(part, offered, good)
        if (objective.sum(), failed.sum()) == before:
            break
    return Refits(u, theta, failed)


def _batch(problem: Problem) -> int:
    return max(BLOCK, HELD // problem.n)


def best_candidates(
    problem: Problem,
    coordinates: Coordinates,
    candidates: Array,
    weights: Array,
    centres: Array | None = None,
    shifts: Array | None = None,
) -> tuple[NDArray[np.intp], Array]:
    """Which candidate (K, q) is best for each row of weights (B, n), and its objective.

    One product of matrices, unless ``shifts`` (B, n) are added to the residuals.
    """
    theta, _ = coordinates.to_params(candidates)
    score = np.zeros((len(weights), len(candidates)))
    for part, piece in problem.chunks():
        r = part.residual(theta)
        if shifts is None:
            loss = problem.objective.parts(r)[0]
            score += weights[:, piece] @ np.where(np.isfinite(loss), loss, 1e300).T
        else:
            _add_shifted(score, problem, r, weights[:, piece], shifts[:, piece])
    score += problem.pull(theta, None if centres is None else centres[:, None])
    chosen = np.argmin(score, axis=1)
    return chosen, score[np.arange(len(weights)), chosen]


def _add_shifted(score: Array, problem: Problem, r: Array, weights: Array, shifts: Array) -> None:
    """Add to the score (B, K) the weighted losses of residuals (K, n), each moved by a draw's own shifts (B, n)."""
    step = max(1, HELD_PAIRS // r.size)
    for start in range(0, len(score), step):
        some = slice(start, start + step)
        loss = problem.objective.parts(r + shifts[some, None])[0]
        score[some] += np.vecdot(weights[some, None], np.where(np.isfinite(loss), loss, 1e300))


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
