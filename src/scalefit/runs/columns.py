"""Which column of a table holds which quantity: the known name, an alias, or what the caller says."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

import pandas as pd

from scalefit.errors import ColumnError, listing, missing_column
from scalefit.quantities import QUANTITIES

#: What some quantities usually exceed; integers of 64 bits do not hold the product of two of them and a few.
LARGE = 1e9


def find_column(frame: pd.DataFrame, name: str, *, needed_by: str, columns: Mapping[str, str] | None = None) -> str:
    """Find the column of a table that holds a quantity.

    What the caller says wins, then the exact name, then an alias from the vocabulary.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    name : str
        The quantity, such as ``"params"``.
    needed_by : str
        Who asks: the first words of an error.
    columns : mapping of quantity to column, optional
        What the caller says, such as ``{"tokens": "D"}``. Keys for other quantities are of no concern here.

    Returns
    -------
    str
        The label of the column.

    Raises
    ------
    ColumnError
        If there is no such column, or if several aliases stand for it.

    Examples
    --------
    >>> find_column(pd.DataFrame({"N": [1e8], "loss": [3.1]}), "params", needed_by="chinchilla")
    'N'
    """
    if columns is not None and name in columns:
        return _said_column(frame, name, columns[name], needed_by)
    if name in frame.columns:
        return name
    there = aliases_present(frame, name)
    if len(there) > 1:
        raise ambiguous_column(name, there, needed_by)
    if there:
        return there[0]
    raise missing_column(name, needed_by, list(frame.columns))


def has_column(frame: pd.DataFrame, name: str, *, columns: Mapping[str, str] | None = None) -> bool:
    """Whether a table offers a column for a quantity, be it one or several aliases."""
    said = columns is not None and name in columns
    return said or name in frame.columns or bool(aliases_present(frame, name))


def aliases_present(frame: pd.DataFrame, name: str) -> list[str]:
    """The aliases of a quantity that are columns of the table; empty for an unknown quantity."""
    known = QUANTITIES.get(name)
    return [alias for alias in known.aliases if alias in frame.columns] if known else []


def with_large_as_floats(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with whole numbers of quantities that go above a billion as floats; steps, seeds and experts stay.

    Products of such integers, as 6ND is one, overflow without a word.
    """
    large = {
        name: frame[name].to_numpy(dtype="float64", na_value=math.nan)
        for name in QUANTITIES
        if name in frame.columns and _is_large(name) and pd.api.types.is_integer_dtype(frame[name].dtype)
    }
    return frame.assign(**large) if large else frame


def _is_large(name: str) -> bool:
    known = QUANTITIES[name]
    return known.unit in ("FLOP", "tokens/step") or LARGE < known.high < math.inf


def ambiguous_column(name: str, there: list[str], needed_by: str) -> ColumnError:
    """The error for a quantity that several columns could hold."""
    return ColumnError(
        f"{needed_by} needs a column {name!r}, and the columns {listing(map(repr, there))} could each be it. "
        f"Say which: columns={{{name!r}: {there[0]!r}}}."
    )


def _said_column(frame: pd.DataFrame, name: str, said: str, needed_by: str) -> str:
    if said in frame.columns:
        return said
    there = [str(column) for column in frame.columns]
    close = difflib.get_close_matches(str(said), there, n=1)
    hint = f" Did you mean columns={{{name!r}: {close[0]!r}}}?" if close else ""
    raise ColumnError(
        f"{needed_by} was told to read {name!r} from a column {said!r}, which is missing; "
        f"the table has {', '.join(there) or 'no columns'}.{hint}"
    )
