"""What is done with each group, in a form that workers can be sent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.estimation import StartsLike, fit
from scalefit.fitting.search import SEARCH_TOLERANCE
from scalefit.fitting.starts import Starts
from scalefit.fitting.together import Asked, Asking, Question, follow_together
from scalefit.law import Law
from scalefit.many.groups import generator
from scalefit.many.rows import row_of
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.uncertainty.resamples import BootstrapKind
from scalefit.uncertainty.resampling import Plan

if TYPE_CHECKING:
    import lmfit

#: A generator of random numbers in a call for a group: the seeds of all, and the group's place among them.
Seed = tuple[Sequence[int], int]


@dataclass(frozen=True, eq=False)
class FitCall:
    """The arguments of :func:`scalefit.fit` that are the same for every group."""

    law: Law
    target: str | None = None
    columns: Mapping[str, str] | None = None
    along: str | None = None
    objective: Objective | None = None
    weights: str | None = None
    fixed: Mapping[str, float] | None = None
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None
    tie: Mapping[str, str] | None = None
    prior: Mapping[str, tuple[float, float]] | None = None
    params: lmfit.Parameters | None = None
    starts: StartsLike | None = None

    def fit(self, piece: FitPiece) -> Fit:
        """The fit of one group."""
        return fit(
            piece.frame,
            self.law,
            target=self.target,
            columns=self.columns,
            along=self.along,
            objective=self.objective,
            weights=self.weights if piece.weights is None else piece.weights,
            fixed=self.fixed,
            bounds=self.bounds,
            tie=self.tie,
            prior=self.prior,
            params=self.params,
            schedules=piece.schedules,
            starts=self.starts if piece.starts is None else piece.starts,
        )


@dataclass(frozen=True, eq=False)
class FitPiece:
    """A group to fit: its rows, their weights where they are no column, its schedules and its seed."""

    frame: pd.DataFrame
    weights: Sequence[float] | None
    schedules: tables.Schedules | None
    seed: Seed
    starts: Starts | None = None


@dataclass(frozen=True, eq=False)
class FitWork:
    """Fit one group, bootstrap it where asked, and say how it went; the result is the fit, or its text for a file."""

    call: FitCall
    level: float
    draws: int | None
    as_text: bool

    def together(self, pieces: Sequence[FitPiece]) -> list[FitPiece]:
        """The same pieces with their searches done in one batch; those with nothing in common stay as they are.

        What is wrong with a piece, or should be warned of, comes out when it is fitted.
        """
        if self.call.starts is not None or self.call.params is not None or len(pieces) < 2:
            return list(pieces)
        questions: dict[int, Question] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for place, piece in enumerate(pieces):
                with suppress(Exception):
                    if question := self._question(piece):
                        questions[place] = question
        answers = follow_together(list(questions.values()), SEARCH_TOLERANCE)
        found = dict(zip(questions, answers, strict=True))
        return [replace(piece, starts=found.get(place)) for place, piece in enumerate(pieces)]

    def _question(self, piece: FitPiece) -> Question | None:
        try:
            self.call.fit(replace(piece, starts=Asking()))
        except Asked as asked:
            return asked.question
        return None

    def __call__(self, piece: FitPiece) -> tuple[Fit | str, Mapping[str, Any]]:
        """The fit, and its row."""
        fitted = self.call.fit(piece)
        if self.draws is not None:
            fitted = fitted.bootstrap(self.draws, rng=generator(*piece.seed))
        return told(fitted, self.level, as_text=self.as_text)


@dataclass(frozen=True, eq=False)
class DrawPiece:
    """A fit to bootstrap, with its seed, or the plan that it shares."""

    fit: Fit
    seed: Seed
    plan: Plan | None


@dataclass(frozen=True, eq=False)
class DrawWork:
    """Bootstrap one fit."""

    draws: int
    kind: BootstrapKind | None
    level: float
    as_text: bool

    def __call__(self, piece: DrawPiece) -> tuple[Fit | str, Mapping[str, Any]]:
        """The fit with its draws, and its row."""
        rng = generator(*piece.seed)
        drawn = piece.fit.bootstrap(self.draws, kind=self.kind, rng=rng, plan=piece.plan)
        return told(drawn, self.level, as_text=self.as_text)


def told(fitted: Fit, level: float, *, as_text: bool) -> tuple[Fit | str, Mapping[str, Any]]:
    """A fit, or its text, and its row."""
    bare = replace(fitted)  # what the row computes on the way is forgotten with it: of thousands of fits it adds up
    row = row_of(bare, level)
    return (bare.to_json() if as_text else fitted), row


@dataclass(frozen=True, eq=False)
class AnyWork:
    """Any call of a table, with random numbers of the group's own where it takes them."""

    call: Callable[..., Any]
    takes_rng: bool

    def __call__(self, piece: tuple[pd.DataFrame, Seed]) -> tuple[Any, Mapping[str, Any]]:
        """The answer, and nothing for a table."""
        frame, seed = piece
        answer = self.call(frame, rng=generator(*seed)) if self.takes_rng else self.call(frame)
        return answer, {}


def slice_of(weights: str | Sequence[float] | None, rows: np.ndarray[Any, Any]) -> Sequence[float] | None:
    """The weights of some rows, where they are numbers and not the name of a column."""
    if weights is None or isinstance(weights, str):
        return None
    picked: Sequence[float] = np.asarray(weights)[rows]
    return picked


def schedules_of(
    schedules: tables.Schedules | None, frame: pd.DataFrame, columns: Mapping[str, str] | None
) -> tables.Schedules | None:
    """The schedules of the runs of one group: those of all the others need not travel with it."""
    if schedules is None:
        return None
    column = tables.optional_column(frame, "run", columns or {})
    if column is None:
        return schedules
    there = set(frame[column].dropna().unique())
    kept = {run: schedule for run, schedule in schedules.items() if run in there or str(run) in map(str, there)}
    return kept
