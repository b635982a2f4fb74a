"""Where a fit starts: points that fill the nonlinear parameters, the linear ones solved on the data at each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scalefit import formula as formulas
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem, numbers_of
from scalefit.law import Law
from scalefit.parameter import Param

#: Rows on which candidates are compared.
SAMPLE = 512
#: The same where each row has a history, which costs as much as many rows.
SAMPLE_OF_HISTORIES = 32
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)


@dataclass(frozen=True)
class Starts:
    """How a fit starts.

    Parameters
    ----------
    own : int or None
        How many of the library's own starts are followed to their end; None chooses by the number of nonlinear
        parameters, 0 uses only ``given``.
    given : sequence of mappings parameter -> value
        Starts of yours; a parameter left out takes the value that the best own start gives it.

    Examples
    --------
    >>> Starts(given=[{"alpha": 0.3}])
    Starts(own=None, given=({'alpha': 0.3},))
    """

    own: int | None = None
    given: Sequence[Mapping[str, float]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "given", tuple(dict(start) for start in self.given))


def default_count(nonlinear: int) -> int:
    """How many starts are followed: more where more parameters enter nonlinearly."""
    return 8 if nonlinear <= 2 else 16 if nonlinear <= 4 else 24


def candidate_count(nonlinear: int) -> int:
    """How many points are looked at."""
    return 1 if nonlinear == 0 else 64 if nonlinear <= 2 else 256 if nonlinear == 3 else 1024


@cache
def halton(count: int, dimensions: int) -> Array:
    """Space-filling points in the unit cube (Halton 1960): (count, dimensions), read-only."""
    out = np.empty((count, dimensions))
    for j in range(dimensions):
        base, index = PRIMES[j % len(PRIMES)], np.arange(1, count + 1)
        value, share = np.zeros(count), 1.0
        while index.any():
            share /= base
            value, index = value + share * (index % base), index // base
        out[:, j] = value
    out.flags.writeable = False
    return out


def find_starts(problem: Problem, law: Law, coordinates: Coordinates, weights: Array, count: int) -> Array:
    """The best ``count`` candidates that differ from one another: coordinates (count, q), best first."""
    rows = sample_rows(problem)
    small, W = problem.rows(rows), weights[:, rows]
    free = [int(j) for j in coordinates.free]
    nonlinear = [j for j in free if j not in law.linear_index]
    linear = [j for j in free if j in law.linear_index]
    cube = halton(candidate_count(len(nonlinear)), len(nonlinear))
    theta = np.tile(coordinates.base, (len(cube), 1))
    spread_over_ranges(theta, cube, nonlinear, law, small)
    for tie in coordinates.ties:
        tie.put(theta)
    whole = solve_linear(theta, small, law, linear, W[0]) if linear else np.ones(len(theta), bool)
    u = coordinates.from_params(theta)
    inside = np.clip(u, coordinates.lower, coordinates.upper)
    with np.errstate(all="ignore"):
        score = small.value(coordinates.params_of(inside), np.repeat(W, len(inside), axis=0))
    score = np.where(np.isfinite(inside).all(axis=1), score, np.inf)
    return inside[_apart(cube, score, whole, count)]


def sample_rows(problem: Problem) -> NDArray[np.intp]:
    """A few hundred rows spread over the data, whatever their order."""
    numbers = numbers_of(problem.inputs)
    most = SAMPLE if len(numbers) == len(problem.inputs) else SAMPLE_OF_HISTORIES
    if problem.n <= most:
        return np.arange(problem.n)
    order = np.lexsort((problem.target, *numbers))
    return np.asarray(order[np.linspace(0, problem.n - 1, most).round().astype(int)])


def spread_over_ranges(theta: Array, cube: Array, places: Sequence[int], law: Law, problem: Problem) -> None:
    """Points of the cube as values of the parameters at ``places``, written into theta (K, p)."""
    # Sizes of inner terms come last: they need the exponents.
    for k, j in sorted(enumerate(places), key=lambda item: bool(law.params[item[1]].of)):
        param = law.params[j]
        low, high = start_range(param)
        if param.coordinate == "log":
            theta[:, j] = low * (high / low) ** cube[:, k]
        else:
            theta[:, j] = low + (high - low) * cube[:, k]
        if param.of:
            theta[:, j] /= _multiplied(param, theta, law, problem)
        theta[:, j] = np.clip(theta[:, j], param.lower, param.upper)


def start_range(param: Param) -> tuple[float, float]:
    """Where starts of a parameter lie: its usual range inside its bounds, or its bounds where those lie elsewhere."""
    if param.of:  # of the size of its term, which bounds are not
        return param.low, param.high
    low, high = max(param.low, param.lower), min(param.high, param.upper)
    if param.coordinate == "log" and low <= 0 < high:
        low = high * 1e-3
    if low < high:
        return low, high
    if np.isfinite(param.lower) and np.isfinite(param.upper):
        return param.lower, param.upper
    anchor = param.lower if np.isfinite(param.lower) else param.upper
    reach = max(abs(anchor), 1.0)
    return (anchor, anchor + reach) if np.isfinite(param.lower) else (anchor - reach, anchor)


def _multiplied(param: Param, theta: Array, law: Law, problem: Problem) -> Array:
    """What a parameter multiplies at the centre of the data: (K,)."""
    numbers = {name: x for name, x in zip(law.inputs, problem.inputs, strict=True) if x.ndim == 1}
    centre = {name: float(np.exp(np.mean(np.log(x)))) for name, x in numbers.items() if np.all(x > 0)}
    values = {name: theta[:, j] for j, name in enumerate(law.param_names)}
    return np.asarray(formulas.evaluate(formulas.parse_formula(param.of), {**values, **centre}))


def solve_linear(theta: Array, problem: Problem, law: Law, places: Sequence[int], weights: Array) -> NDArray[np.bool_]:
    """Least squares for the linear parameters at each candidate, with signs as bounded; written into theta (K, p).

    Returns which candidates have no term switched off by its sign.
    """
    y, on = problem.target, problem.objective.on
    noise = y if on == "log" else y * (1 - y) if on == "logit" else np.ones_like(y)
    per_row = np.sqrt(weights) / noise
    with np.errstate(all="ignore"):
        X = np.nan_to_num(law.terms(theta, problem.inputs, places) * per_row, nan=0.0, posinf=0.0, neginf=0.0)
        bare = theta.copy()
        bare[:, list(places)] = 0.0
        right = np.nan_to_num((y - law.value(bare, problem.inputs)) * per_row)
    size = np.sqrt(np.sum(X * X, axis=2))
    size = np.where(size == 0, 1.0, size)
    X = X / size[..., None]
    G, h = np.matmul(X, X.swapaxes(1, 2)), np.matmul(X, right[..., None])[..., 0]
    lower, upper = (np.array([getattr(law.params[j], side) for j in places]) for side in ("lower", "upper"))
    best, whole = _signed_least_squares(G, h, lower >= 0, upper <= 0)
    theta[:, list(places)] = np.clip(best / size, lower, upper)
    return whole


def _signed_least_squares(
    G: Array, h: Array, positive: NDArray[np.bool_], negative: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.bool_]]:
    """Least squares (K, k) from normal equations, with signs: every subset of the terms is tried.

    Returns the coefficients and where none had to be switched off.
    """
    K, k = h.shape
    G = G + 1e-12 * np.eye(k)
    signed = positive | negative
    if not signed.any() or k > 6:
        return np.asarray(np.linalg.solve(G, h[..., None])[..., 0], float), np.ones(K, np.bool_)
    best = np.linalg.solve(G, h[..., None])[..., 0]
    wrong = np.flatnonzero(((best < 0) & positive).any(axis=1) | ((best > 0) & negative).any(axis=1))
    best[wrong], gain = 0.0, np.full(len(wrong), -np.inf)
    for used in itertools.product((True, False), repeat=k):
        keep = np.array(used)
        if keep.all() or not keep.any() or not (keep | signed).all() or not len(wrong):
            continue
        c = np.zeros((len(wrong), k))
        c[:, keep] = np.linalg.solve(G[wrong][:, keep][:, :, keep], h[wrong][:, keep, None])[..., 0]
        feasible = ~((c < 0) & positive).any(axis=1) & ~((c > 0) & negative).any(axis=1)
        worth = np.where(feasible, np.sum(c * h[wrong], axis=1), -np.inf)
        better = worth > gain
        best[wrong[better]], gain = c[better], np.maximum(worth, gain)
    # A term switched off has no slope in its exponent: a thousandth of the others lets it come back.
    smallest = 1e-3 * np.max(np.abs(best), axis=1, keepdims=True)
    whole = (best != 0).all(axis=1)
    kept = np.where(positive, np.maximum(best, smallest), np.where(negative, np.minimum(best, -smallest), best))
    return np.asarray(kept, float), np.asarray(whole, np.bool_)


def _apart(cube: Array, score: Array, whole: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """The best candidates, whole ones first, none within a tenth of the cube of a better one if there are others."""
    order = np.lexsort((score, ~whole))
    order = order[np.isfinite(score[order])]
    chosen: list[int] = []
    left = order  # those that no chosen one is near
    while len(left) and len(chosen) < count:
        chosen.append(int(left[0]))
        left = left[np.max(np.abs(cube[left] - cube[left[0]]), axis=1, initial=0.0) > 0.1]
    chosen += order[~np.isin(order, chosen)][: count - len(chosen)].tolist()
    return np.array(chosen, int)
