"""What is done with each group, in a form that workers can be sent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.estimation.answered import answer
from scalefit.estimation.asked import Asked, ask
from scalefit.estimation.call import FitCall
from scalefit.fitting.search import end_search
from scalefit.fitting.solver import Solutions
from scalefit.fitting.together import follow_together
from scalefit.many.answers import as_table, judgement_of, table_bytes
from scalefit.many.engine import reason_of
from scalefit.many.groups import generator
from scalefit.many.rows import row_of
from scalefit.result import Fit
from scalefit.uncertainty.resamples import BootstrapKind
from scalefit.uncertainty.resampling import Plan

#: What the reason of a group begins with whose fit went well and whose bootstrap did not.
NOT_DRAWN = "no bootstrap"
#: A generator of random numbers in a call for a group: the seeds of all, and the group's place among them.
Seed = tuple[Sequence[int], int]


@dataclass(frozen=True, eq=False)
class FitPiece:
    """A group to fit: its rows, their weights where they are no column, its schedules and its seed.

    ``ready`` is how far it has come already, where it was begun together with others.
    """

    frame: pd.DataFrame
    weights: Sequence[float] | None
    schedules: tables.Schedules | None
    seed: Seed
    ready: Ready | None = None


@dataclass(frozen=True, eq=False)
class Ready:
    """A fit whose search has begun: what was warned of, and where its starts end if they were followed with others."""

    asked: Asked
    warned: Sequence[warnings.WarningMessage] = ()
    ends: Solutions | None = None


@dataclass(frozen=True, eq=False)
class FitWork:
    """Fit one group, bootstrap it where asked, and say how it went; the result is the fit, or its text for a file."""

    call: FitCall
    level: float
    draws: int | None
    as_text: bool

    def together(self, pieces: Sequence[FitPiece]) -> list[FitPiece]:
        """The same pieces with their searches begun, and their starts followed in one batch where they can be.

        A piece with which something is wrong stays as it is: that comes out when it is fitted.
        """
        begun: dict[int, Ready] = {}
        for place, piece in enumerate(pieces):
            with suppress(Exception), warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                begun[place] = Ready(self._ask(piece), warned)
        found = follow_together([ready.asked.begun for ready in begun.values()])
        ready = {place: replace(one, ends=ends) for (place, one), ends in zip(begun.items(), found, strict=True)}
        return [replace(piece, ready=ready.get(place)) for place, piece in enumerate(pieces)]

    def _ask(self, piece: FitPiece) -> Asked:
        call = self.call if piece.weights is None else replace(self.call, weights=piece.weights)
        return ask(piece.frame, call, piece.schedules)

    def __call__(self, piece: FitPiece) -> tuple[Fit | str, Mapping[str, Any]]:
        """The fit, and its row."""
        ready = piece.ready or Ready(self._ask(piece))
        for one in ready.warned:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        fitted = answer(ready.asked, end_search(ready.asked.begun, ready.ends))
        if self.draws is None:
            return told(fitted, self.level, as_text=self.as_text)
        return drawn(fitted, self.draws, None, piece.seed, None, self.level, as_text=self.as_text)


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
        return drawn(piece.fit, self.draws, self.kind, piece.seed, piece.plan, self.level, as_text=self.as_text)


def drawn(
    fitted: Fit, draws: int, kind: BootstrapKind | None, seed: Seed, plan: Plan | None, level: float, *, as_text: bool
) -> tuple[Fit | str, Mapping[str, Any]]:
    """A fit with draws and its row; one that cannot be resampled keeps its estimates, and its row says why."""
    try:
        resampled = fitted.bootstrap(draws, kind=kind, rng=generator(*seed), plan=plan)
    except Exception as error:  # noqa: BLE001 the estimates stand without draws
        return told(fitted, level, as_text=as_text, besides=f"{NOT_DRAWN}: {reason_of(error)}")
    return told(resampled, level, as_text=as_text)


def told(fitted: Fit, level: float, *, as_text: bool, besides: str = "") -> tuple[Fit | str, Mapping[str, Any]]:
    """A fit, or its text, and its row, with what is to be said ``besides`` what its verdict gives as reasons."""
    bare = replace(fitted)  # what the row computes on the way is forgotten with it: of thousands of fits it adds up
    row = row_of(bare, level)
    if besides:
        row["reason"] = "; ".join(filter(None, (row["reason"], besides)))
    return (bare.to_json() if as_text else fitted), row


@dataclass(frozen=True, eq=False)
class AnyWork:
    """Any call of a table, with random numbers of the group's own where it takes them."""

    call: Callable[..., Any]
    takes_rng: bool
    as_bytes: bool

    def __call__(self, piece: tuple[pd.DataFrame, Seed]) -> tuple[Any, Mapping[str, Any]]:
        """The answer, or its table as bytes for a file, and what it says of itself."""
        frame, seed = piece
        answer = self.call(frame, rng=generator(*seed)) if self.takes_rng else self.call(frame)
        judged = judgement_of(answer)
        return (table_bytes(as_table(answer)) if self.as_bytes else answer), judged


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
