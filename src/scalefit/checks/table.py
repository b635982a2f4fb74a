"""A table of runs as it is looked at: numbers where there are any, rows by run, one row a run."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from scalefit.checks.finding import counted
from scalefit.errors import ScalefitWarning
from scalefit.quantities import QUANTITIES
from scalefit.runs.frame import as_frame, read_runs
from scalefit.runs.notes import notes_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

#: Known columns that hold names, not numbers.
NAMES = ("run", "family", "seed", "split", "params_kind")
#: What was measured, the first that is there.
TARGETS = (
    "loss", "error", "accuracy", "score", "reward", "coverage", "pass_rate", "success_rate", "reconstruction_error",
    "loss_unigram_normalized", "loss_increase", "train_loss",
)  # fmt: skip
#: What orders the rows of a run, the first that is there.
AXES = ("step", "tokens", "flops")
#: The note of a column that was read under another name.
_READ_FROM = re.compile(r"(?P<name>\w+) read from column ['\"](?P<column>.*)['\"]")
#: A single curve without a column of runs has at least so many rows.
CURVE = 10


@dataclass(frozen=True, eq=False)
class RunsTable:
    """A table whose columns have their known names, with what is needed to look at it.

    Attributes
    ----------
    frame : DataFrame of n rows
    labels : mapping of known name to the column as the user spells it
    from_file : bool
        Whether it was read from a path.
    notes, warned : tuples of str
        What reading did, and what it warned of.
    codes : array (n,)
        The number of the run of each row.
    names : array (r,)
        The runs in the order of their first rows.
    run_column : str or None
        What names the runs; None where each row is a run, or all rows are one.
    guessed : bool
        Whether that column was guessed.
    said : frozenset of str
        The quantities whose columns the caller named.
    """

    frame: pd.DataFrame
    labels: Mapping[str, str]
    from_file: bool
    notes: tuple[str, ...]
    warned: tuple[str, ...]
    codes: Ints
    names: npt.NDArray[Any]
    run_column: str | None = None
    guessed: bool = False
    said: frozenset[str] = frozenset()

    @cached_property
    def numbers(self) -> Mapping[str, Floats]:
        """Every known column of numbers as floats (n,), NaN where a cell holds none; flops derived where absent."""
        found = {
            name: as_floats(self.frame[name]) for name in QUANTITIES if name in self.frame.columns and name not in NAMES
        }
        if "flops" not in found and {"params", "tokens"} <= set(found):
            found["flops"] = 6.0 * found["params"] * found["tokens"]
        return MappingProxyType(found)

    def has(self, *names: str) -> bool:
        """Whether all of these are columns of the table."""
        return all(name in self.frame.columns for name in names)

    def spelt(self, name: str) -> str:
        """A known column as Python finds it: under its known name once a file has been read."""
        return name if self.from_file else self.labels.get(name, name)

    def in_file(self, name: str) -> str:
        """A known column as the file spells it."""
        return self.labels.get(name, name)

    @cached_property
    def target(self) -> str | None:
        """What was measured."""
        return next((name for name in TARGETS if name in self.numbers), None)

    @cached_property
    def axis(self) -> str | None:
        """What orders the rows of a run."""
        return next((name for name in AXES if self.has(name)), None)

    @cached_property
    def sizes(self) -> Ints:
        """Rows of each run: (r,)."""
        return np.bincount(self.codes, minlength=len(self.names))

    @cached_property
    def has_checkpoints(self) -> bool:
        """Whether some run has rows at several places along it; a row that stands twice makes no checkpoint."""
        if self.axis is None or not (self.sizes > 1).any():
            return False
        place, order = self.numbers[self.axis], self.order
        return bool(((np.diff(place[order]) > 0) & (np.diff(self.codes[order]) == 0)).any())

    @cached_property
    def names_rows(self) -> bool:
        """Whether the labels of the rows name them, as those of a table grouped by run do."""
        index = self.frame.index
        return index.name in ("run", *QUANTITIES["run"].aliases) and bool(index.is_unique)

    @cached_property
    def order(self) -> Ints:
        """The rows by run and along it: (n,)."""
        place = self.numbers[self.axis] if self.axis is not None else np.zeros(len(self.frame))
        return np.lexsort((np.arange(len(self.frame)), np.nan_to_num(place, nan=-np.inf), self.codes))

    @cached_property
    def last(self) -> Ints:
        """The last row of each run, of those with a measurement where there are any: (r,)."""
        last = np.zeros(len(self.names), dtype=np.intp)
        last[self.codes[self.order]] = self.order  # of several rows of a run, the assignment leaves the last
        if self.target is not None:
            there = self.order[np.isfinite(self.numbers[self.target][self.order])]
            last[self.codes[there]] = there
        return last

    @cached_property
    def ends(self) -> Ints:
        """The row at which each run ends, measured there or not: (r,)."""
        ends = np.zeros(len(self.names), dtype=np.intp)
        ends[self.codes[self.order]] = self.order
        return ends

    @cached_property
    def families(self) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
        """The number of the family of each run (r,), and the names of the families."""
        if not self.has("family"):
            return np.zeros(len(self.names), dtype=np.intp), ("",)
        codes, values = factorized(self.frame["family"].iloc[self.last])
        names = [str(value) for value in values]
        if (codes < 0).any():
            codes, names = np.where(codes < 0, len(names), codes), [*names, "(no family)"]
        return codes, tuple(names)

    def of_last(self, name: str) -> Floats:
        """A known number in the last row of each run: (r,)."""
        return self.numbers[name][self.last]

    def name_runs(self, which: Ints | Mask) -> list[str]:
        """The names of some runs; without a column of runs, the labels of their rows."""
        if self.run_column is None and len(self.names) == len(self.frame):
            of = "" if self.names_rows else "row "
            return [f"{of}{label}" for label in self.frame.index[self.last[which]]]
        return [str(name) for name in self.names[which]]

    def row(self, place: int) -> str:
        """A row as it is called: by its label, and by its run where it has one."""
        of_run = "" if self.run_column is None else f" of {self.names[self.codes[place]]}"
        return f"row {self.frame.index[place]}{of_run}"


def read_table(
    source: Any, columns: Mapping[str, str] | None, *, pattern: str | None = None, progress: bool | None = None
) -> RunsTable:
    """Read a table, with what reading warned of; the arguments are those of :func:`scalefit.read_runs`.

    Raises
    ------
    ColumnError, DataError
        If it cannot be read.
    """
    from_file = isinstance(source, str | Path | list | tuple)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", ScalefitWarning)
        given = source if from_file or pattern is not None else as_frame(source)
        frame = read_runs(given, columns=columns, pattern=pattern, progress=progress)
    for other in (one for one in seen if not issubclass(one.category, ScalefitWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    ours = [" ".join(str(one.message).split()) for one in seen if issubclass(one.category, ScalefitWarning)]
    # Within scalefit no column has moved: what stood at its place is what it was called.
    spelt = _spelt_in_notes(frame) if from_file else dict(zip(frame.columns, given.columns, strict=True))
    table = RunsTable(
        frame=frame,
        labels={str(name): str(column) for name, column in spelt.items()},
        from_file=from_file,
        notes=notes_of(frame),
        warned=tuple(dict.fromkeys(ours)) or _refused_before(frame),
        codes=np.arange(len(frame)),
        names=np.arange(len(frame)).astype(object),
        said=frozenset(columns or ()),
    )
    return with_runs(table)


def _spelt_in_notes(frame: pd.DataFrame) -> dict[str, str]:
    """What the columns of a file were called, as the notes of reading say it."""
    found = (_READ_FROM.fullmatch(note) for note in notes_of(frame))
    return {match["name"]: match["column"] for match in found if match is not None}


def _refused_before(frame: pd.DataFrame) -> tuple[str, ...]:
    """What was left out when a table that is now in memory was read."""
    refused = frame.attrs.get("scalefit_refused", ())
    if not refused:
        return ()
    shown = "; ".join(f"{where} {why}" for where, why in refused[:3])
    return (f"{counted(len(refused), 'row')} refused: {shown}{'; and more' if len(refused) > 3 else ''}",)


def with_runs(table: RunsTable, column: str | None = None) -> RunsTable:
    """The same with its rows told apart by run: by ``run``, by a column that was guessed, or as one curve."""
    if column is None and not table.has("run"):
        if not _is_one_curve(table):
            return table
        names = np.array(["all rows"], dtype=object)
        return replace(table, codes=np.zeros(len(table.frame), dtype=np.intp), names=names)
    by = "run" if column is None else column
    codes, names = factorized(table.frame[by])
    words = [str(name) for name in names]
    if (codes < 0).any():
        codes, words = np.where(codes < 0, len(words), codes), [*words, "(no name)"]
    # Runs in the order of their first rows.
    order, first = pd.factorize(codes)
    named = np.array(words, dtype=object)[first]
    return replace(table, codes=order.astype(np.intp), names=named, run_column=by, guessed=column is not None)


def factorized(cells: pd.Series[Any]) -> tuple[Ints, npt.NDArray[Any]]:
    """The number of the value of each cell, -1 where it is missing, and the values; lists count as text."""
    try:
        codes, values = pd.factorize(cells)
    except TypeError:
        codes, values = pd.factorize(cells.map(_hashable))
    return codes.astype(np.intp), np.asarray(values, dtype=object)


def _is_one_curve(table: RunsTable) -> bool:
    """Whether all rows are one training curve: the step rises from row to row and the size stays."""
    if not table.has("step") or len(table.frame) < CURVE:
        return False
    sizes = table.numbers.get("params", np.ones(1))
    return bool((np.diff(table.numbers["step"]) > 0).all() and (sizes == sizes[0]).all())


def as_floats(series: pd.Series[Any]) -> Floats:
    """Numbers of any type as floats, NaN where a cell holds none."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        series = series.astype(object)
    elif types.is_bool_dtype(dtype) or types.is_complex_dtype(dtype) or types.is_datetime64_any_dtype(dtype):
        return np.full(len(series), np.nan)
    elif types.is_numeric_dtype(dtype):
        return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    cells = series.to_numpy(dtype=object)
    try:
        converted = np.asarray(pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce"))
        numbers = converted.astype(np.float64) if converted.dtype.kind in "fiu" else None
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None:  # lists, dates, complex numbers, numbers beyond all floats
        return np.array([_as_float(cell) for cell in cells], dtype=np.float64)
    numbers[[isinstance(cell, bool | np.bool_) for cell in cells]] = np.nan
    return numbers


def _as_float(cell: Any) -> float:
    if isinstance(cell, bool | np.bool_ | complex) or cell is pd.NaT:
        return np.nan
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NA or NaT."""
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell)


def _hashable(cell: Any) -> Any:
    """A cell that can be compared with others: lists and dictionaries as text."""
    return cell if isinstance(cell, str | int | float | bool | np.generic) or is_missing(cell) else str(cell)
