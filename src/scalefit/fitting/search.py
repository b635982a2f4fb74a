"""From data to the best minimum: starts found, followed in one batch, given ones with care, a prior weighed.

A search has a beginning and an end, so that between the two the starts of many searches may be followed in one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, rows_text
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Array, Prior, Problem, numbers_of
from scalefit.fitting.setup import Constraints, LogPrior
from scalefit.fitting.solver import Solutions, solve
from scalefit.fitting.starts import Starts, default_count, find_starts, start_range
from scalefit.fitting.verdict import AGREEMENT
from scalefit.law import Law

#: A start that a user gave is followed by QR from each of the first dampings (no single one solves all of NIST's
#: problems), and by the solver from each of the second.
GIVEN_DAMPING = (1e-6, 1e-2)
FIRST_DAMPING = (0.01, 1.0, 100.0)
#: A scatter below a thousandth (of the target's spread, on the raw scale) is not believed when a prior is weighed.
SMALLEST_SCATTER = 1e-3
PRIOR_ROUNDS = 10
#: Deviations of a prior on a log within which a parameter starts.
REACH_OF_PRIOR = 4.0
#: Starts need only be told apart; the best is polished.
SEARCH_TOLERANCE = 1e-9
#: Rows from which starts are first followed on a sample.
MANY_ROWS = 20_000
SAMPLED_ROWS = 4096
#: The same where each row has a history, which costs as much as many rows.
MANY_HISTORIES = 300
SAMPLED_HISTORIES = 150
#: Other minima up to this factor above the best are starts of refits: a resample may prefer them.
KEPT_BASINS = 4.0


@dataclass(frozen=True, eq=False)
class Begun:
    """A search whose starts are found and not yet followed.

    Parameters
    ----------
    problem, law, coordinates, weights, starts, constraints : what :func:`search` was given; weights (n,).
    candidates : (K, q) the library's own starts, best first; what given starts leave out is taken from the first.
    points : (k, q) those of them that are followed: none where ``starts`` wants none.
    """

    problem: Problem
    law: Law
    coordinates: Coordinates
    weights: Array
    starts: Starts
    constraints: Constraints
    candidates: Array
    points: Array

    @property
    def sample(self) -> int | None:
        """How many of the rows starts are first followed on; None where all are few enough."""
        plain = len(numbers_of(self.problem.inputs)) == len(self.problem.inputs)
        most, sampled = (MANY_ROWS, SAMPLED_ROWS) if plain else (MANY_HISTORIES, SAMPLED_HISTORIES)
        return sampled if self.problem.n > most else None


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Parameters
    ----------
    problem : the problem, with its prior weighed.
    u, objective : the best minimum, polished: (q,) and its height.
    objectives : (K,) where each start ended.
    basins : (M, q) the best minimum and the others near it in height.
    """

    problem: Problem
    u: Array
    objective: float
    objectives: Array
    basins: Array


@dataclass(frozen=True, eq=False)
class _Ends:
    """Where K starts ended."""

    u: Array
    objective: Array
    converged: NDArray[np.bool_]


def search(
    problem: Problem, law: Law, coordinates: Coordinates, weights: Array, starts: Starts, constraints: Constraints
) -> Search:
    """The best minimum that any start reaches.

    Raises
    ------
    FitError
        If no start is left, or the law is finite at none of them.
    """
    return end_search(begin_search(problem, law, coordinates, weights, starts, constraints))


def begin_search(
    problem: Problem, law: Law, coordinates: Coordinates, weights: Array, starts: Starts, constraints: Constraints
) -> Begun:
    """Find the starts of a search.

    Raises
    ------
    FitError
        If there is none.
    """
    nonlinear = sum(int(j) not in law.linear_index for j in coordinates.free)
    count = default_count(nonlinear) if starts.own is None else starts.own
    if count == 0 and not starts.given:
        raise FitError("Starts(own=0) needs at least one given start.")
    with np.errstate(all="ignore"):
        candidates = find_starts(problem, law, coordinates, weights[None], max(count, 1))
    return Begun(problem, law, coordinates, weights, starts, constraints, candidates, candidates[:count])


def end_search(begun: Begun, ends: Solutions | None = None) -> Search:
    """Follow the starts of a search, and those given; ``ends`` is where its own ended, if that is known already.

    Raises
    ------
    FitError
        If the law is finite at none of them.
    """
    problem, law, coordinates, weights = begun.problem, begun.law, begun.coordinates, begun.weights
    with np.errstate(all="ignore"):
        all_ends = _follow(begun, ends)
        if begun.constraints.prior and np.isfinite(all_ends.objective).any():
            problem, all_ends = _weigh_prior(problem, law, coordinates, weights, begun.constraints, all_ends)
        if not np.isfinite(all_ends.objective).any():
            where = _where(problem, law)
            raise FitError(f"{law.name} is not finite at any start{where}: give bounds, or starts= near the data.")
        best = int(np.argmin(all_ends.objective))
        u, objective = polish(problem, coordinates, all_ends.u[best], weights)
    height = all_ends.objective[best]
    near = (all_ends.objective > height * (1 + AGREEMENT)) & (all_ends.objective < height * KEPT_BASINS)
    basins = np.vstack([u[None], all_ends.u[all_ends.converged & near]])
    return Search(problem, u, objective, all_ends.objective, basins)


def _follow(begun: Begun, ends: Solutions | None) -> _Ends:
    problem, coordinates, weights = begun.problem, begun.coordinates, begun.weights
    given = _given_points(begun.law, coordinates, begun.starts, begun.candidates)
    if (sampled := begun.sample) is not None:
        return _follow_many_rows(problem, coordinates, weights, np.vstack([begun.points, given]), sampled)
    if ends is None:
        ends = solve(problem, coordinates, begun.points, weights[None], tolerance=SEARCH_TOLERANCE)
    followed = [_follow_given(problem, coordinates, point, weights) for point in given]
    return _Ends(
        np.vstack([ends.u, *[u[None] for u, _ in followed]]),
        np.array([*ends.objective, *[height for _, height in followed]]),
        np.array([*ends.converged, *[True for _ in followed]], bool),
    )


def _given_points(law: Law, coordinates: Coordinates, starts: Starts, own: Array) -> Array:
    """Given starts as coordinates; what they leave out is taken from the best own start."""
    if not starts.given:
        return np.empty((0, coordinates.q))
    filler = coordinates.params_of(own[:1])[0] if len(own) else coordinates.base
    given = np.tile(filler, (len(starts.given), 1))
    free = {law.param_names[j] for j in coordinates.free}
    for row, start in zip(given, starts.given, strict=True):
        for name, value in start.items():
            law.param(name)
            if name in free:
                row[law.param_names.index(name)] = float(value)
    for tie in coordinates.ties:
        tie.put(given)
    return np.clip(np.nan_to_num(coordinates.from_params(given), nan=0.0), coordinates.lower, coordinates.upper)


def _follow_given(problem: Problem, coordinates: Coordinates, point: Array, weights: Array) -> tuple[Array, float]:
    """The best end of one start, by the solver (whose majoriser sees rows far off the curve) and by QR."""
    batched = [solve(problem, coordinates, point[None], weights[None], damping=damping) for damping in FIRST_DAMPING]
    ends = [(end.u[0], float(end.objective[0])) for end in batched]
    ends += [polish(problem, coordinates, point, weights, damping=damping) for damping in GIVEN_DAMPING]
    return min(ends, key=lambda end: end[1])


def _follow_many_rows(problem: Problem, coordinates: Coordinates, weights: Array, points: Array, sampled: int) -> _Ends:
    """Ends on some of the rows, spread over the data; the distinct good ones go on with all rows."""
    order = np.lexsort((problem.target, *numbers_of(problem.inputs)))
    rows = order[np.linspace(0, problem.n - 1, sampled).round().astype(int)]
    ends = solve(problem.rows(rows), coordinates, points, weights[None, rows])
    distinct: list[int] = []
    for k in np.argsort(ends.objective, kind="stable"):
        good = ends.objective[k] <= ends.objective.min() * 1.05
        if good and all(abs(ends.objective[k] / ends.objective[other] - 1) > AGREEMENT for other in distinct):
            distinct.append(int(k))
    whole = solve(problem, coordinates, ends.u[distinct], weights[None], damping=1e-3)
    # Each start ends where its like on the sample ended with all rows; the others keep their height above the best.
    apart = np.abs(ends.objective[:, None] / ends.objective[distinct] - 1)
    like, followed = np.argmin(apart, axis=1), np.asarray(np.min(apart, axis=1) <= AGREEMENT)
    height = whole.objective.min() * ends.objective / ends.objective.min()
    return _Ends(
        np.where(followed[:, None], whole.u[like], ends.u),
        np.where(followed, whole.objective[like], height),
        followed & whole.converged[like],
    )


def _weigh_prior(
    problem: Problem,
    law: Law,
    coordinates: Coordinates,
    weights: Array,
    constraints: Constraints,
    ends: _Ends,
) -> tuple[Problem, _Ends]:
    """The prior as rows that scatter as the data do; the scatter comes from the fit, in a few rounds."""
    unit = float(np.std(problem.seen)) or 1.0 if problem.objective.on == "raw" else 1.0
    share = float(weights.sum()) / max(int((weights > 0).sum()), 1)
    least = float(_dispersion(problem, np.full(1, SMALLEST_SCATTER * unit))[0]) * share
    dispersion = 100 * least
    points = near = _near_log_priors(ends.u, law, coordinates, constraints)
    for _ in range(PRIOR_ROUNDS):
        problem = replace(problem, prior=_prior(law, constraints, dispersion))
        found = solve(problem, coordinates, points, weights[None])
        best = found.u[int(np.argmin(found.objective))]
        points = best[None]
        residual = problem.residual(coordinates.params_of(best[None]))[0]
        spare = float(weights.sum()) - effective_params(problem, coordinates, best, weights)
        dispersion = max(float(weights @ _dispersion(problem, residual)) / max(spare, 1e-3), least)
    found = solve(problem, coordinates, np.vstack([points, near]), weights[None])
    return problem, _Ends(found.u, found.objective, found.converged)


def _near_log_priors(points: Array, law: Law, coordinates: Coordinates, constraints: Constraints) -> Array:
    """Starts whose parameters with a prior on their log lie within reach of it: at zero the pull has no end."""
    theta = coordinates.params_of(points)
    moved = False
    for name, pair in constraints.prior.items():
        if isinstance(pair, LogPrior):
            j, (middle, deviation) = law.param_names.index(name), pair
            low, high = middle * np.exp(np.array([-1.0, 1.0]) * REACH_OF_PRIOR * deviation)
            theta[:, j], moved = np.clip(theta[:, j], low, high), True
    if not moved:
        return points
    return np.clip(np.nan_to_num(coordinates.from_params(theta), nan=0.0), coordinates.lower, coordinates.upper)


def _where(problem: Problem, law: Law) -> str:
    """The rows at fault, where a few are not finite in the middle of the usual ranges."""
    middle = np.array([[sum(start_range(param)) / 2 for param in law.params]])
    wrong = np.flatnonzero(~np.isfinite(problem.residual(middle)[0]))
    return f" in {rows_text(wrong.tolist())} (counted from 0)" if 0 < len(wrong) < problem.n else ""


def effective_params(problem: Problem, coordinates: Coordinates, u: Array, weights: Array) -> float:
    """How many parameters the rows fix by themselves, beside a prior: the trace of data over data and prior.

    Counting all of them would leave next to no rows for the scatter of four to six runs, and make a fit that goes
    through every point believe in its own precision.
    """
    theta, T = coordinates.to_params(u[None])
    data = replace(problem, prior=None).normal(theta, weights[None]).metric[0]
    data = T[0].T @ data @ T[0]
    prior = problem.prior
    pull = np.zeros_like(data) if prior is None else (T[0].T * (prior.precision * prior.slope(theta[0]) ** 2)) @ T[0]
    both = data + pull
    size = np.sqrt(np.diagonal(both))
    seen = np.isfinite(size) & (size > 0) & np.isfinite(both).all(axis=1)
    # Where a parameter has run away its column is not finite, or next to nothing: the rows do not fix it.
    both, data = (one[np.ix_(seen, seen)] / np.outer(size[seen], size[seen]) for one in (both, data))
    return float(np.trace(np.linalg.pinv(both, rcond=1e-14, hermitian=True) @ data))


def _dispersion(problem: Problem, r: Array) -> Array:
    """Residual times slope of the loss: its mean is the scale of the loss taken as a negative log-likelihood."""
    return r * problem.objective.parts(r)[1]


def _prior(law: Law, constraints: Constraints, dispersion: float) -> Prior:
    centre, precision = np.zeros(len(law.params)), np.zeros(len(law.params))
    logs = np.zeros(len(law.params), bool)
    for name, pair in constraints.prior.items():
        j, (middle, deviation) = law.param_names.index(name), pair
        logs[j] = isinstance(pair, LogPrior)
        centre[j], precision[j] = np.log(middle) if logs[j] else middle, dispersion / deviation**2
    return Prior(centre, precision, dispersion, logs if logs.any() else None)
