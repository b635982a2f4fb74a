"""Columns as arrays of floats, or an error that names the column, the rows and what to type."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from scalefit.errors import ColumnError, DataError, UnitWarning, listing, missing_column, rows_text
from scalefit.quantities import QUANTITIES
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.flops import count_flops

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True, eq=False)
class CheckedColumns:
    """The columns that a call uses, as arrays that may be trusted.

    Attributes
    ----------
    values : mapping of quantity to array (n,)
        Finite numbers, read-only.
    columns : mapping of quantity to column
        Where each was read; a derived quantity is its own column.
    notes : tuple of str
        What should be said: columns under another name, derived quantities.
    """

    values: Mapping[str, Floats]
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def checked_columns(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    needed_by: str,
    columns: Mapping[str, str] | None = None,
    positive: bool | Collection[str] = True,
    warn_units: bool = True,
) -> CheckedColumns:
    """Read and check the quantities that a call uses, and no other column.

    Parameters
    ----------
    frame : DataFrame of n rows
        Any table; columns that are not asked for are not looked at.
    names : sequence of str
        The quantities. ``flops`` is derived as ``6 * params * tokens`` if it is absent and both are there.
    needed_by : str
        Who asks: the first words of an error.
    columns : mapping of quantity to column, optional
        Where to read a quantity, such as ``{"x": "flops"}``.
    positive : bool or collection of str
        Which quantities must be above zero: a collection names them; True goes by the vocabulary and takes unknown
        ones as positive; False asks it of none.
    warn_units : bool
        Whether numbers outside the usual range are warned about.

    Returns
    -------
    CheckedColumns
        Arrays ``(n,)`` by quantity.

    Raises
    ------
    ColumnError
        If a column is missing or two could be it.
    DataError
        If there are no rows, or numbers cannot be used; the message names the rows.

    Warns
    -----
    UnitWarning
        If numbers are probably in another unit.

    Examples
    --------
    >>> checked = checked_columns(pd.DataFrame({"N": [1e6], "tokens": [2e7]}), ["flops"], needed_by="allocate")
    >>> float(checked.values["flops"][0]), checked.notes
    (120000000000000.0, ("params read from column 'N'", 'flops derived as 6 * params * tokens'))
    """
    if not len(frame):
        raise DataError(f"{needed_by} needs at least one row; the table has none.")
    values: dict[str, Floats] = {}
    used: dict[str, str] = {}
    notes: list[str] = []

    def read(name: str) -> Floats:
        used[name] = find_column(frame, name, needed_by=needed_by, columns=columns)
        if used[name] != name:
            notes.append(f"{name} read from column {used[name]!r}")
        must = must_be_positive(name, positive)
        return numeric_column(frame, used[name], name=name, needed_by=needed_by, positive=must)

    for name in dict.fromkeys(names):
        if name != "flops" or has_column(frame, "flops", columns=columns):
            values[name] = read(name) if name not in values else values[name]
            continue
        if not (has_column(frame, "params", columns=columns) and has_column(frame, "tokens", columns=columns)):
            raise _underivable_flops(frame, needed_by)
        sizes = {part: values[part] if part in values else read(part) for part in ("params", "tokens")}
        values["flops"], used["flops"] = count_flops(params=sizes["params"], tokens=sizes["tokens"]), "flops"
        notes.append("flops derived as 6 * params * tokens")
        for part in sizes:  # read only to derive: not among what was asked for
            if part not in names:
                del used[part]
    for name, array in values.items():
        array.flags.writeable = False
        if warn_units:
            unit_warnings(array, name=name, column=used[name])
    return CheckedColumns(MappingProxyType(values), MappingProxyType(used), tuple(dict.fromkeys(notes)))


def must_be_positive(name: str, positive: bool | Collection[str]) -> bool:
    """Whether a quantity must be above zero: see ``positive`` of :func:`checked_columns`."""
    if not isinstance(positive, bool):
        return name in positive
    return positive and (name not in QUANTITIES or QUANTITIES[name].positive)


def numeric_column(
    frame: pd.DataFrame, column: str, *, name: str, needed_by: str, positive: bool, alternative: str = ""
) -> Floats:
    """Read one column as finite numbers.

    Parameters
    ----------
    frame : DataFrame of n rows
        The table.
    column : str
        The label of the column.
    name : str
        The quantity it holds; both stand in errors where they differ.
    needed_by : str
        Who asks: the first words of an error.
    positive : bool
        Whether zero and negative numbers are refused.
    alternative : str
        A last sentence for the error about them: what else the caller could do.

    Returns
    -------
    array (n,)
        A new contiguous array of float64.

    Raises
    ------
    DataError
        If the column holds text, truth values, dates, complex, missing, infinite or (if ``positive``) non-positive
        numbers. The message names the rows by their index labels.

    Examples
    --------
    >>> frame = pd.DataFrame({"loss": [3.0, None]}, index=["small", "large"])
    >>> numeric_column(frame, "loss", name="loss", needed_by="chinchilla", positive=True)
    Traceback (most recent call last):
    scalefit.errors.DataError: chinchilla: column 'loss' has no value in row large. ...
    """
    subject = f"{needed_by}: column {column!r}" + (f" ({name})" if name != column else "")
    numbers = _as_floats(frame[column], subject)
    spelt = f"runs[{column!r}]"
    _refuse(frame, np.isnan(numbers), f"{subject} has no value", f"Drop such rows: runs.dropna(subset=[{column!r}]).")
    _refuse(frame, np.isinf(numbers), f"{subject} is infinite", f"Drop such rows: runs[np.isfinite({spelt})].")
    if positive:
        bad = numbers <= 0
        worst = f"{subject} must be above zero and is {numbers[bad].min():g}" if bad.any() else ""
        _refuse(frame, bad, worst, f"Keep the others: runs[{spelt} > 0]. {alternative}".strip())
    return numbers


def unit_warnings(values: Floats, *, name: str, column: str) -> None:
    """Warn once if numbers are outside the usual range of their quantity, with the likely factor.

    Parameters
    ----------
    values : array (n,)
        Finite numbers.
    name : str
        The quantity; one that is not in the vocabulary has no usual range.
    column : str
        Where it was read.

    Warns
    -----
    UnitWarning
        If a number is below or above the usual range. The warning points to the caller outside scalefit.
    """
    known = QUANTITIES.get(name)
    if known is None:
        return
    for outside, bound, side, hint in (
        (values < known.low, known.low, "below", known.if_low),
        (values > known.high, known.high, "above", known.if_high),
    ):
        if outside.any():
            worst = values.min() if side == "below" else values.max()
            subject = f"column {column!r}" + (f" ({name})" if name != column else "")
            message = f"{subject} has {_how_many(outside)} {side} {bound:g}, such as {worst:g}{hint and ': '}{hint}."
            warnings.warn(UnitWarning(message), stacklevel=stacklevel_of_caller())
            return


def no_reserved_columns(
    frame: pd.DataFrame, names: Sequence[str] = ("estimate", "low", "high"), *, needed_by: str
) -> None:
    """Refuse a table that already has a column which the call would append.

    Raises
    ------
    ColumnError
        If one of ``names`` is a column; the message says how to rename it.
    """
    taken = [name for name in names if name in frame.columns]
    if taken:
        renamed = ", ".join(f"{name!r}: 'my_{name}'" for name in taken)
        raise ColumnError(
            f"{needed_by} appends {listing(map(repr, names))}, and the table already has {listing(map(repr, taken))}. "
            f"Rename: runs.rename(columns={{{renamed}}})."
        )


def stacklevel_of_caller() -> int:
    """The ``stacklevel`` at which a warning given by the calling function points to the first line outside scalefit."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def _as_floats(series: pd.Series[Any], subject: str) -> Floats:
    """Numbers of any type as a new float array; NaN where a value is missing."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        series = series.astype(object)
    elif types.is_bool_dtype(dtype):
        raise DataError(f"{subject} holds truth values; numbers are expected.")
    elif types.is_complex_dtype(dtype):
        raise DataError(f"{subject} holds complex numbers; real ones are expected.")
    elif types.is_numeric_dtype(dtype) and not types.is_object_dtype(dtype):
        return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    elif not (types.is_object_dtype(dtype) or types.is_string_dtype(dtype)):
        raise DataError(f"{subject} holds values of type {dtype}; numbers are expected.")
    items = list(series.items())
    # The first text that is no number is at fault, not the first text: one bad cell makes a file's whole column text.
    at_fault = [item for item in items if isinstance(item[1], str) and not _reads_as_number(item[1])]
    return np.array([_as_float(value, label, subject) for label, value in at_fault[:1] or items], dtype=np.float64)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_float(value: Any, label: Any, subject: str) -> float:
    if value is None or value is pd.NA or value is pd.NaT:
        return float("nan")
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | Decimal):
        repair = ""
        if isinstance(value, str):
            repair = " Convert it: pd.to_numeric" + (
                "." if _reads_as_number(value) else "(…, errors='coerce'), and drop the row."
            )
        kind = "text" if isinstance(value, str) else f"a {type(value).__name__}"
        raise DataError(f"{subject} has {kind} where a number is expected: {value!r} in row {label}.{repair}")
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _refuse(frame: pd.DataFrame, bad: Mask, what: str, repair: str) -> None:
    if bad.any():
        raise DataError(f"{what} in {rows_text(list(frame.index[bad]))}. {repair}")


def _underivable_flops(frame: pd.DataFrame, needed_by: str) -> ColumnError:
    error = missing_column("flops", needed_by, list(frame.columns))
    return ColumnError(f"{error} With 'params' and 'tokens' it is derived as 6 * params * tokens.")


def _how_many(mask: Mask) -> str:
    return f"{int(mask.sum())} of {len(mask)} numbers"
