"""What a plan was asked, so that it can be asked again with more runs, and its tables as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.brackets import Contender
from scalefit.decisions.planning.asking import Question
from scalefit.decisions.planning.beliefs import Places
from scalefit.decisions.planning.costing import CostLike
from scalefit.errors import DataError, UnitWarning, missing_column, rows_text
from scalefit.fitting.problem import Array
from scalefit.runs.checking import stacklevel_of_caller
from scalefit.runs.columns import find_column

#: Inputs that differ by less than this share are those of one candidate.
SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Request:
    """The arguments of a plan.

    Attributes
    ----------
    runs : DataFrame or None, the runs that are known.
    candidates : DataFrame, with ``uses``, how often each may still be trained.
    contenders : the laws.
    question : Question
    columns : input -> column.
    outcome : column of the runs that the laws predict.
    seed : of the random numbers.
    """

    runs: pd.DataFrame | None
    candidates: pd.DataFrame
    uses: np.ndarray
    contenders: tuple[Contender, ...]
    question: Question
    columns: Mapping[str, str]
    outcome: str
    budget: float
    cost: CostLike
    batch: int | None
    noise: float | None
    level: float
    draws: int
    seed: int

    @property
    def by(self) -> str:
        """The column of families; empty where there are none."""
        return self.question.target.by

    def places(self, frame: pd.DataFrame, *, warn: bool = False) -> Places:
        """Rows of a table as arrays."""
        law = self.contenders[0].law
        known = {name: column for name, column in self.columns.items() if column in frame.columns}
        table = tables.read_inputs(frame, law, columns=known, schedules=None, warn_units=warn)
        return Places(table.inputs, self.groups(frame))

    def groups(self, frame: pd.DataFrame) -> np.ndarray:
        """(n,) which family each row is of."""
        if not self.by:
            return np.zeros(len(frame), int)
        if self.by not in frame.columns:
            raise missing_column(self.by, "plan_runs", list(frame.columns))
        names = list(self.question.groups)
        return np.array([names.index(str(name)) if str(name) in names else -1 for name in frame[self.by]])

    def outcomes(self) -> Array:
        """(n,) log of what was seen."""
        return np.empty(0) if self.runs is None else self.outcomes_of(self.runs)

    def outcomes_of(self, runs: pd.DataFrame) -> Array:
        """(n,) log of the outcomes of some runs."""
        known = {self.outcome: self.columns[self.outcome]} if self.outcome in self.columns else {}
        column = find_column(runs, self.outcome, needed_by="plan_runs", columns=known)
        seen = pd.to_numeric(runs[column], errors="coerce").to_numpy(float)
        bad = ~(np.isfinite(seen) & (seen > 0))
        if bad.any():
            raise DataError(
                f"plan_runs: {column!r} must be a number above 0 in every run; {rows_text(list(runs.index[bad]))} "
                f"has {seen[bad][0]:g}. Leave such runs out."
            )
        return np.asarray(np.log(seen))


def join(parts: list[Places]) -> Places:
    """Several tables under each other."""
    inputs = tuple(np.concatenate(columns) for columns in zip(*(part.inputs for part in parts), strict=True))
    return Places(inputs, np.concatenate([part.group for part in parts]))


def warn_of_units(request: Request, frames: Mapping[str, pd.DataFrame | None]) -> None:
    """Warn where numbers are probably in another unit, as a fit does, with the name of the table.

    Warns
    -----
    UnitWarning
        If numbers lie outside the usual range of their quantity.
    """
    for said in unit_texts(request, frames):
        warnings.warn(UnitWarning(said), stacklevel=stacklevel_of_caller())


def unit_texts(request: Request, frames: Mapping[str, pd.DataFrame | None]) -> list[str]:
    """What such a warning says of each table."""
    out = []
    for name, frame in frames.items():
        if frame is None:
            continue
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always", UnitWarning)
            request.places(frame, warn=True)
        out += [f"{name}: {one.message}" for one in given if issubclass(one.category, UnitWarning)]
    return out


def known_rows(request: Request, new: pd.DataFrame) -> np.ndarray:
    """Places of the rows that stand among the runs already, with the same inputs and the same outcome."""
    if request.runs is None:
        return np.empty(0, int)

    def keys(frame: pd.DataFrame) -> list[tuple[float, ...]]:
        there = request.places(frame)
        return list(zip(there.group, *there.inputs, request.outcomes_of(frame), strict=True))

    known = set(keys(request.runs))
    return np.array([i for i, key in enumerate(keys(new)) if key in known], int)


def uses_left(request: Request, new: pd.DataFrame) -> np.ndarray:
    """(k,) how often each candidate may still be trained once some rows were: each takes one use of an equal one."""
    left = request.uses.copy()
    there, done = request.places(request.candidates), request.places(new)
    for i in range(len(done)):
        same = (there.group == done.group[i]) & (left > 0)
        for a, b in zip(there.inputs, done.inputs, strict=True):
            same &= np.abs(a - b[i]) <= SAME * np.abs(b[i])
        if same.any():
            left[int(np.argmax(same))] -= 1
    return left
