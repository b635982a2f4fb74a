"""The searches of several data sets in one batch of the solver: each goes the way it would go alone, to the last bit.

A step of the solver costs nearly the same for eight problems as for a hundred. Each law is asked for each data set by
itself, so this holds for any law; all the rest is done for all of them at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import CHUNK, Array, Equation, Inputs, Problem
from scalefit.fitting.search import SEARCH_TOLERANCE, Begun
from scalefit.fitting.solver import Solutions, rounding_share, solve

#: Data sets that are searched together: of more, next to nothing is gained and their arrays leave the cache.
TOGETHER = 32


def follow_together(searches: Sequence[Begun]) -> list[Solutions | None]:
    """Where the starts of several searches end; None for one that has nothing in common with others."""
    found: list[Solutions | None] = [None] * len(searches)
    alike: dict[object, list[int]] = {}
    for place, begun in enumerate(searches):
        alike.setdefault(_kind(begun) or place, []).append(place)
    for places in alike.values():
        for first in range(0, len(places), TOGETHER):
            some = places[first : first + TOGETHER]
            if len(some) > 1:
                for place, ends in zip(some, _solved([searches[place] for place in some]), strict=True):
                    found[place] = ends
    return found


def _kind(begun: Begun) -> tuple[object, ...] | None:
    """What two searches must have in common to be followed together; None where one can only be followed alone."""
    problem, coordinates = begun.problem, begun.coordinates
    if problem.n > CHUNK or begun.sample is not None or problem.prior is not None or not len(begun.points):
        return None
    arrays = (coordinates.base, coordinates.free, coordinates.lower, coordinates.upper)
    shapes = (problem.n, *(x.shape[1:] for x in problem.inputs), len(coordinates.typical[0]))
    equation = id(coordinates.equation) if not hasattr(problem.equation, "name") else problem.equation.name
    return (*shapes, coordinates.kinds, repr(problem.objective), equation, *(a.tobytes() for a in arrays))


def _solved(searches: Sequence[Begun]) -> list[Solutions]:
    counts = [len(begun.points) for begun in searches]
    member = np.repeat(np.arange(len(searches)), counts)
    weights = np.stack([begun.weights for begun in searches])[member]
    starts = np.vstack([begun.points for begun in searches])
    stack = Stack(tuple(searches), member)
    first = searches[0]
    ends = solve(first.problem, first.coordinates, starts, weights, tolerance=SEARCH_TOLERANCE, together=stack)
    edges = np.cumsum([0, *counts])
    return [
        Solutions(*(getattr(ends, name)[a:b] for name in ("u", "theta", "objective", "converged", "steps")))
        for a, b in itertools.pairwise(edges)
    ]


@dataclass(frozen=True, eq=False)
class Stack:
    """Several data sets of as many rows, and to which of them each of B problems belongs: ``member`` (B,)."""

    searches: tuple[Begun, ...]
    member: NDArray[np.intp]
    seen: Array = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", np.stack([begun.problem.seen for begun in self.searches]))

    @property
    def shares(self) -> Array:
        """Of each problem, how large rounding is beside its rows: (B,)."""
        return np.array([rounding_share(begun.problem) for begun in self.searches])[self.member]

    def at(self, places: NDArray[np.intp]) -> tuple[Problem, Coordinates]:
        """Problem and coordinates for some of the problems, each with its own data."""
        member = self.member[places]
        first, each = self.searches[0].problem, _rows_of_each(member)
        rows, typical = _Each(self._laws, self._inputs, each), _Each(self._laws, self._typical, each)
        problem = _Stacked(rows, first.inputs, first.target, first.objective, None, self.seen[member])
        return problem, replace(self.searches[0].coordinates, equation=typical)

    @cached_property
    def _laws(self) -> tuple[Equation, ...]:
        return tuple(begun.problem.equation for begun in self.searches)

    @cached_property
    def _inputs(self) -> tuple[Inputs, ...]:
        return tuple(begun.problem.inputs for begun in self.searches)

    @cached_property
    def _typical(self) -> tuple[Inputs, ...]:
        return tuple(begun.coordinates.typical for begun in self.searches)


def _rows_of_each(member: NDArray[np.intp]) -> tuple[tuple[int, slice | NDArray[np.intp]], ...]:
    """The places of each number in ``member`` (B,), as a slice where they lie side by side."""
    order = np.argsort(member, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(member[order])) + 1).tolist(), len(order)]
    numbers, firsts = member[order[edges[:-1]]].tolist(), order[edges[:-1]].tolist()
    lasts = order[np.array(edges[1:]) - 1].tolist()
    return tuple(
        (number, slice(first, last + 1) if last - first == b - a - 1 else order[a:b])
        for number, first, last, (a, b) in zip(numbers, firsts, lasts, itertools.pairwise(edges), strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Stacked(Problem):
    """A problem whose rows differ from one parameter vector to the next."""

    own: Array = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def seen(self) -> Array:
        return self.own


@dataclass(frozen=True, eq=False)
class _Each:
    """Laws at inputs of their own, and which parameter vectors belong to each."""

    laws: tuple[Equation, ...]
    inputs: tuple[Inputs, ...]
    each: tuple[tuple[int, slice | NDArray[np.intp]], ...]

    @property
    def linear_index(self) -> tuple[int, ...]:
        """Places of the parameters that enter linearly."""
        return self.laws[0].linear_index

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """(B, p) parameters -> (B, n) values."""
        return self.value_and_jacobian(theta, inputs)[0]

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """(B, p) parameters -> (B, n) values and (B, p, n) derivatives; ``inputs`` are not read.

        The sizes of terms are asked for several times each vector, one copy of them all after the other.
        """
        copies, p, n = len(theta) // self.count, theta.shape[1], len(self.inputs[0][0])
        theta = theta.reshape(copies, self.count, p)
        value, J = np.empty((copies, self.count, n)), np.empty((copies, self.count, p, n))
        for one, places in self.each:
            own = theta[:, places]
            found, slopes = self.laws[one].value_and_jacobian(own.reshape(-1, p), self.inputs[one])
            value[:, places], J[:, places] = found.reshape(*own.shape[:2], n), slopes.reshape(*own.shape, n)
        return value.reshape(-1, n), J.reshape(-1, p, n)

    @cached_property
    def count(self) -> int:
        """How many parameter vectors there are."""
        return sum(p.stop - p.start if isinstance(p, slice) else len(p) for _, p in self.each)
