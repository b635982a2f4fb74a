"""The rows of a table as histories: by run, in order of their steps, with the loss of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from scalefit.errors import ColumnError, DataError, listing, missing_column, not_one_of, rows_text
from scalefit.runs.checking import numeric_column
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.flops import count_flops
from scalefit.runs.frame import as_frame
from scalefit.runs.notes import how_many

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Columns = Mapping[str, str] | None

_AXES = ("step", "tokens", "flops")
#: Text that means no number, or one beyond all numbers, as exports of logs spell them.
_NOT_FINITE = {"nan": np.nan, "inf": np.inf, "+inf": np.inf, "infinity": np.inf, "-inf": -np.inf, "-infinity": -np.inf}


@dataclass(frozen=True, eq=False)
class Histories:
    """Rows that carry a number, sorted by run and along it.

    Attributes
    ----------
    frame : DataFrame of n rows
        The table; ``flops`` is appended where it had to be derived.
    codes : array (n,)
        The number of the run of each row of the table.
    names : array (r,)
        The runs in the order in which they first appear; one for a table that is one curve.
    rows : array (m,)
        Which rows of the table are used, by run and along it.
    run, along, values : array (m,)
        Of these rows: the number of the run, where along it they stand, and what was measured.
    run_column : str or None
    along_column, target_column : str
        Where each was read.
    along_name, target_name : str
        What the caller calls them.
    notes : tuple of str
        What was recognised, derived, left out or sorted, with counts.
    """

    frame: pd.DataFrame
    codes: Ints
    names: npt.NDArray[Any]
    rows: Ints
    run: Ints
    along: Floats
    values: Floats
    run_column: str | None
    along_column: str
    target_column: str
    along_name: str
    target_name: str
    notes: tuple[str, ...]

    @cached_property
    def bounds(self) -> Ints:
        """Where each run begins among the used rows, and where the last one ends: (r + 1,)."""
        return np.searchsorted(self.run, np.arange(len(self.names) + 1))

    @cached_property
    def counts(self) -> Ints:
        """Used rows of each run: (r,); 0 for a run that has none."""
        return np.diff(self.bounds)

    @property
    def first(self) -> Ints:
        """The first used row of the run of each used row: (m,)."""
        return self.bounds[:-1][self.run]

    @property
    def last(self) -> Ints:
        """The last used row of the run of each used row: (m,)."""
        return self.bounds[1:][self.run] - 1

    @property
    def ends(self) -> Ints:
        """The last used row of each run; of a run without any, some other run's: see ``counts``."""
        return np.maximum(self.bounds[1:] - 1, 0)

    def kept(self, mask: Mask, *notes: str) -> Histories:
        """The same with fewer rows, and with what is to be said about it."""
        parts = {name: getattr(self, name)[mask] for name in ("rows", "run", "along", "values")}
        return replace(self, **parts, notes=(*self.notes, *(note for note in notes if note)))

    def spread(self, values: npt.NDArray[Any], fill: Any) -> npt.NDArray[Any]:
        """Numbers of the used rows as a column of the table; ``fill`` in the other rows: (n,)."""
        column = np.full(len(self.frame), fill, dtype=values.dtype)
        column[self.rows] = values
        return column

    def name_runs(self, mask: Mask) -> list[Any]:
        """The names of some runs."""
        return list(self.names[mask])


def read_histories(
    runs: Any,
    *,
    needed_by: str,
    target: str,
    along: str,
    by: str | None,
    columns: Columns,
    duplicates: str = "error",
) -> Histories:
    """Read the histories of a table: every row whose ``target`` is a finite number.

    Parameters
    ----------
    runs : table
        Whatever :func:`scalefit.runs.frame.as_frame` takes.
    needed_by : str
        Who asks: the first words of an error.
    target, along : str
        What was measured, and what orders the rows of a run.
    by : str or None
        The column that names the run; None for one curve.
    columns : mapping of quantity to column, optional
        Where to read a quantity.
    duplicates : str
        ``"error"`` or ``"last"``.

    Returns
    -------
    Histories
        Sorted; ``notes`` says what was left out.

    Raises
    ------
    ColumnError, DataError
        If a column is missing or cannot be read, no row can be used, or a run has two rows at one place.
    """
    if duplicates not in ("error", "last"):
        raise DataError(f"{needed_by}: {not_one_of('duplicates', duplicates, ('error', 'last'))}")
    histories = sorted_rows(runs, needed_by=needed_by, target=target, along=along, by=by, columns=columns)
    return measured(histories, needed_by=needed_by, duplicates=duplicates)


def sorted_rows(runs: Any, *, needed_by: str, target: str, along: str, by: str | None, columns: Columns) -> Histories:
    """The rows by run and along it, those without a finite ``target`` among them; see :func:`read_histories`."""
    frame = as_frame(runs)
    if not len(frame):
        raise DataError(f"{needed_by} needs at least one row; the table has none.")
    frame, said = with_flops(frame, along, needed_by=needed_by, columns=columns)
    target_column = find_column(frame, target, needed_by=needed_by, columns=columns)
    along_column = find_axis(frame, along, needed_by=needed_by, columns=columns)
    codes, names, run_column = number_runs(frame, by, needed_by=needed_by, columns=columns)
    measurements = read_numbers(frame, target_column, name=target, needed_by=needed_by)
    # A row without a measurement need not say where it stands: logs are mostly gaps.
    rows = np.flatnonzero(~np.isnan(measurements) | frame[along_column].notna().to_numpy())
    place = read_axis(frame, along_column, rows, name=along, needed_by=needed_by)
    by_run = np.argsort(codes[rows], kind="stable")
    rows, place = rows[by_run], place[by_run]
    back = (np.diff(place) < 0) & (np.diff(codes[rows]) == 0)
    if back.any():
        shuffled = len(np.unique(codes[rows][1:][back]))
        said.append(f"the rows of {how_many(shuffled, 'run')} were not in the order of {along}: sorted for this")
        order = np.lexsort((place, codes[rows]))
        rows, place = rows[order], place[order]
    said += [
        f"{name} read from column {column!r}"
        for name, column in ((target, target_column), (along, along_column), (by, run_column))
        if column is not None and name != column
    ]
    return Histories(
        frame=frame, codes=codes, names=names, rows=rows, run=codes[rows], along=place, values=measurements[rows],
        run_column=run_column, along_column=along_column, target_column=target_column,
        along_name=along, target_name=target, notes=tuple(said),
    )  # fmt: skip


def measured(histories: Histories, *, needed_by: str, duplicates: str) -> Histories:
    """Only the rows with a finite measurement, one for each run and place."""
    finite = np.isfinite(histories.values)
    missing = len(histories.frame) - int(finite.sum())
    if not finite.any():
        raise DataError(f"{needed_by}: no row has a finite number in column {histories.target_column!r}.")
    note = f"{how_many(missing, 'row')} without a finite {histories.target_name} left out" if missing else ""
    kept = histories.kept(finite, note)
    twice = (np.diff(kept.along) == 0) & (np.diff(kept.run) == 0)
    if not twice.any():
        return kept
    earlier = np.append(twice, False)
    if duplicates == "last":
        return kept.kept(
            ~earlier, f"{how_many(int(earlier.sum()), 'row')} at a repeated {kept.along_name} left out, the last kept"
        )
    of_run = "" if kept.run_column is None else f" of the same {kept.run_column!r}"
    labels = list(kept.frame.index[np.sort(kept.rows[earlier])])
    hint = " Or name the column of the runs: by='run'." if kept.run_column is None else ""
    raise DataError(
        f"{needed_by}: {rows_text(labels)} and a later row{of_run} have the same {kept.along_column!r}. Pass "
        f"duplicates='last' to use the last row of each.{hint}"
    )


def number_runs(
    frame: pd.DataFrame, by: str | None, *, needed_by: str, columns: Columns
) -> tuple[Ints, npt.NDArray[Any], str | None]:
    """The number of the run of each row (n,), the names of the runs (r,), and the column they were read from."""
    if by is None:
        return np.zeros(len(frame), dtype=np.intp), np.array(["all rows"], dtype=object), None
    if not has_column(frame, by, columns=columns):
        error = missing_column(by, needed_by, list(frame.columns))
        raise ColumnError(f"{error} It says which rows are one run: name it, by='…', or by=None for one single curve.")
    column = find_column(frame, by, needed_by=needed_by, columns=columns)
    codes, names = pd.factorize(frame[column])
    unnamed = frame.index[codes < 0]
    if len(unnamed):
        raise DataError(
            f"{needed_by}: column {column!r} has no name of a run in {rows_text(list(unnamed))}. Drop such rows: "
            f"runs.dropna(subset=[{column!r}])."
        )
    return codes.astype(np.intp), np.asarray(names, dtype=object), column


def find_axis(frame: pd.DataFrame, along: str, *, needed_by: str, columns: Columns) -> str:
    """The column along which a run goes; the error for a missing one names another that is there."""
    if not has_column(frame, along, columns=columns):
        there = [axis for axis in _AXES if axis != along and has_column(frame, axis, columns=columns)]
        if there:
            said = listing([f"along={axis!r}" for axis in there], last="or")
            raise ColumnError(f"{missing_column(along, needed_by, list(frame.columns))} Or pass {said}.")
    return find_column(frame, along, needed_by=needed_by, columns=columns)


def with_flops(frame: pd.DataFrame, along: str, *, needed_by: str, columns: Columns) -> tuple[pd.DataFrame, list[str]]:
    """The table with ``flops`` appended, if that is asked for, absent and can be derived; and what is to be said."""
    can = all(has_column(frame, name, columns=columns) for name in ("params", "tokens"))
    if along != "flops" or has_column(frame, "flops", columns=columns):
        return frame, []
    if not can:
        error = missing_column("flops", needed_by, list(frame.columns))
        raise ColumnError(f"{error} With 'params' and 'tokens' it is derived as 6 * params * tokens.")
    sizes = {}
    for name in ("params", "tokens"):
        column = find_column(frame, name, needed_by=needed_by, columns=columns)
        sizes[name] = read_numbers(frame, column, name=name, needed_by=needed_by)
    flops: Floats = count_flops(params=sizes["params"], tokens=sizes["tokens"])
    return frame.assign(flops=flops), ["flops derived as 6 * params * tokens"]


def read_axis(frame: pd.DataFrame, column: str, rows: Ints, *, name: str, needed_by: str) -> Floats:
    """Where some rows stand along their run: finite numbers, not negative."""
    some = frame[[column]].iloc[rows]
    numbers = numeric_column(some, column, name=name, needed_by=needed_by, positive=False)
    below = list(some.index[numbers < 0])
    if below:
        raise DataError(f"{needed_by}: column {column!r} is negative in {rows_text(below)}; {name} counts from 0.")
    return numbers


def read_numbers(frame: pd.DataFrame, column: str, *, name: str, needed_by: str) -> Floats:
    """One column as floats, NaN where it has no value and infinite where it says so; text is an error."""
    series = frame[column]
    kind = series.dtype
    plain = types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind) and not types.is_complex_dtype(kind)
    if plain and not isinstance(kind, pd.CategoricalDtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    words = series.astype(object).map(lambda value: str(value).strip().lower()).to_numpy(dtype=object)
    numbers = np.array([_NOT_FINITE.get(word, np.nan) for word in words], dtype=np.float64)
    present = np.array([word not in _NOT_FINITE for word in words]) & series.notna().to_numpy()
    numbers[present] = numeric_column(frame[[column]][present], column, name=name, needed_by=needed_by, positive=False)
    return numbers


def check_number(
    name: str, value: Any, *, needed_by: str, above: float, below: float = math.inf, example: str = ""
) -> float:
    """An argument as a finite number between two bounds, both exclusive, or the error that says what to type."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and above < value < below):
        bounds = f"a number above {above:g}" + (f" and below {below:g}" if math.isfinite(below) else "")
        hint = f" Such as {example}." if example else ""
        raise DataError(f"{needed_by}: {name} must be {bounds}; got {value!r}.{hint}")
    return float(value)


def check_count(name: str, value: Any, *, needed_by: str, least: int) -> int:
    """An argument as a whole number that is not too small, or the error that says what to type."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(f"{needed_by}: {name} must be a whole number of at least {least}; got {value!r}.")
    return int(value)


def log_positive(histories: Histories, *, needed_by: str) -> Floats:
    """The natural log of what was measured, or the error that names the rows at or below zero."""
    wrong = histories.rows[histories.values <= 0]
    if len(wrong):
        labels = list(histories.frame.index[np.sort(wrong)])
        column = histories.target_column
        raise DataError(
            f"{needed_by} takes the log of column {column!r}, which is not above zero in {rows_text(labels)}. "
            f"Keep the others: runs[runs[{column!r}] > 0]."
        )
    return np.log(histories.values)
