"""The searches of several data sets in one batch of the solver: each goes the way it would go alone, to the last bit.

A step of the solver costs nearly the same for eight problems as for a hundred. Each law is asked for each data set by
itself, so this holds for any law; all the rest is done for all of them at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import CHUNK, Array, Equation, Inputs, Problem
from scalefit.fitting.solver import Solutions, rounding_share, solve
from scalefit.fitting.starts import Starts

#: Data sets that are searched together: of more, their arrays leave the cache.
TOGETHER = 16


@dataclass(frozen=True, eq=False)
class Question:
    """What a search is about to follow: its starts ``own`` (K, q) on one data set with row weights (n,)."""

    problem: Problem
    coordinates: Coordinates
    weights: Array
    own: Array


class Asked(Exception):
    """Raised by a search whose starts are :class:`Asking`: what it would have followed."""

    def __init__(self, question: Question) -> None:
        super().__init__("a search was asked what it would follow")
        self.question = question


@dataclass(frozen=True)
class Asking(Starts):
    """Starts that are found and not followed: the search raises :class:`Asked`."""


@dataclass(frozen=True, eq=False)
class Followed(Starts):
    """Starts whose ends are known: the search goes on from there."""

    points: Array = field(default_factory=lambda: np.empty((0, 0)))
    ends: Solutions | None = None


def follow_together(questions: Sequence[Question], tolerance: float) -> list[Followed | None]:
    """Where the starts of several questions end; None for one that has nothing in common with others."""
    answers: list[Followed | None] = [None] * len(questions)
    alike: dict[object, list[int]] = {}
    for place, question in enumerate(questions):
        alike.setdefault(_kind(question) or place, []).append(place)
    for places in alike.values():
        for first in range(0, len(places), TOGETHER):
            some = places[first : first + TOGETHER]
            if len(some) > 1:
                ends = _solved([questions[place] for place in some], tolerance)
                for place, end in zip(some, ends, strict=True):
                    answers[place] = Followed(points=questions[place].own, ends=end)
    return answers


def _kind(question: Question) -> tuple[object, ...] | None:
    """What two questions must have in common to be followed together; None where one can only be followed alone."""
    problem, coordinates = question.problem, question.coordinates
    if problem.n > CHUNK or problem.prior is not None or not len(question.own):
        return None
    arrays = (coordinates.base, coordinates.free, coordinates.lower, coordinates.upper)
    shapes = (problem.n, *(x.shape[1:] for x in problem.inputs), len(coordinates.typical[0]))
    equation = id(coordinates.equation) if not hasattr(problem.equation, "name") else problem.equation.name
    return (*shapes, coordinates.kinds, repr(problem.objective), equation, *(a.tobytes() for a in arrays))


def _solved(questions: Sequence[Question], tolerance: float) -> list[Solutions]:
    counts = [len(question.own) for question in questions]
    member = np.repeat(np.arange(len(questions)), counts)
    weights = np.stack([question.weights for question in questions])[member]
    starts = np.vstack([question.own for question in questions])
    stack = Stack(tuple(questions), member)
    ends = solve(questions[0].problem, questions[0].coordinates, starts, weights, tolerance=tolerance, together=stack)
    edges = np.cumsum([0, *counts])
    return [
        Solutions(*(getattr(ends, name)[a:b] for name in ("u", "theta", "objective", "converged", "steps")))
        for a, b in itertools.pairwise(edges)
    ]


@dataclass(frozen=True, eq=False)
class Stack:
    """Several data sets of as many rows, and to which of them each of B problems belongs: ``member`` (B,)."""

    questions: tuple[Question, ...]
    member: NDArray[np.intp]
    seen: Array = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", np.stack([question.problem.seen for question in self.questions]))

    @property
    def shares(self) -> Array:
        """Of each problem, how large rounding is beside its rows: (B,)."""
        return np.array([rounding_share(question.problem) for question in self.questions])[self.member]

    def at(self, places: NDArray[np.intp]) -> tuple[Problem, Coordinates]:
        """Problem and coordinates for some of the problems, each with its own data."""
        member = self.member[places]
        first = self.questions[0]
        rows = _Each(tuple(q.problem.equation for q in self.questions), self._inputs, member)
        typical = _Each(rows.laws, self._typical, member)
        problem = _Stacked(
            rows, first.problem.inputs, first.problem.target, first.problem.objective, None, self.seen[member]
        )
        return problem, replace(first.coordinates, equation=typical)

    @property
    def _inputs(self) -> tuple[Inputs, ...]:
        return tuple(question.problem.inputs for question in self.questions)

    @property
    def _typical(self) -> tuple[Inputs, ...]:
        return tuple(question.coordinates.typical for question in self.questions)


@dataclass(frozen=True, eq=False)
class _Stacked(Problem):
    """A problem whose rows differ from one parameter vector to the next."""

    own: Array = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def seen(self) -> Array:
        return self.own


@dataclass(frozen=True, eq=False)
class _Each:
    """A law at the inputs that each parameter vector belongs to."""

    laws: tuple[Equation, ...]
    inputs: tuple[Inputs, ...]
    member: NDArray[np.intp]

    @property
    def linear_index(self) -> tuple[int, ...]:
        """Places of the parameters that enter linearly."""
        return self.laws[0].linear_index

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """(B, p) parameters -> (B, n) values."""
        return self.value_and_jacobian(theta, inputs)[0]

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """(B, p) parameters -> (B, n) values and (B, p, n) derivatives; ``inputs`` are not read."""
        B, p = theta.shape
        n = len(self.inputs[0][0])
        value, J = np.empty((B, n)), np.empty((B, p, n))
        # The sizes of terms are asked for several times each vector, one copy of them all after the other.
        member = np.tile(self.member, B // len(self.member))
        for one in np.unique(self.member).tolist():
            places = np.flatnonzero(member == one)
            value[places], J[places] = self.laws[one].value_and_jacobian(theta[places], self.inputs[one])
        return value, J
