"""A table that grows by rows of unequal columns, kept as arrays: a million dictionaries would take gigabytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import ColumnError, DataError
from scalefit.runs.readers.reading import Refusal, refusals_text
from scalefit.runs.readers.source import Source

Values = npt.NDArray[Any]
#: Which rows of the table: a stretch, or one number for each value.
Where = slice | npt.NDArray[np.intp]

#: The last integer below which a float holds every one.
EXACT = 2**53
#: Rows that may be refused; with more of them, it is a file of something else.
REFUSED = 100_000
#: Text of one column that becomes pandas' own kind of text; more stays with Python, where equal texts are one.
TEXT = 64 * 2**20
#: Words that stand for numbers, or for none, in columns of numbers.
_WORDS = {
    "nan": np.nan, "": np.nan, "null": np.nan, "none": np.nan, "n/a": np.nan,
    "inf": np.inf, "+inf": np.inf, "infinity": np.inf, "-inf": -np.inf, "-infinity": -np.inf,
}  # fmt: skip
_NUMBERS = frozenset({int, float})


class GrowingTable:
    """Rows and columns in, one frame out; what a row does not name is missing.

    Numbers become integers or floats, missing ones NaN. A column that mixes numbers and text keeps every value as it
    stands, so that a later check can name the row.

    Parameters
    ----------
    source : the file that is read, which limits how large the table may become.

    Examples
    --------
    >>> from pathlib import Path
    >>> table = GrowingTable(Source(Path(__file__)))
    >>> table.add_rows([{"step": 1, "loss": 4.5}, {"step": 2}])
    >>> table.frame()
       step  loss
    0     1   4.5
    1     2   NaN
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces: dict[str, list[tuple[Where, Values]]] = {}
        self.notes: list[str] = []
        self.refused: list[Refusal] = []
        self.rows = 0

    def add_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows, each a mapping of column to a number, a text, a truth value or None."""
        self.reserve(len(rows), chain.from_iterable(rows))
        self.fill(slice(self.rows - len(rows), self.rows), rows)

    def reserve(self, count: int, names: Iterable[str]) -> None:
        """Make room for so many rows with columns of these names, to be filled in any order.

        Raises
        ------
        DataError
            If the table becomes far larger than its file.
        """
        self.rows += count
        for name in dict.fromkeys(names):
            self._pieces.setdefault(name, [])
        self._source.check_cells(self.rows, max(len(self._pieces), 1))

    def fill(self, where: Where, rows: Sequence[Mapping[str, Any]]) -> None:
        """Fill rows for which room was made."""
        names = dict.fromkeys(chain.from_iterable(rows))
        if 2 * sum(map(len, rows)) > len(rows) * len(names):
            for name in names:
                self.fill_column(where, name, as_values([row.get(name) for row in rows]))
            return
        # Mostly missing: only what is there.
        cells: dict[str, tuple[list[int], list[Any]]] = {name: ([], []) for name in names}
        for number, row in enumerate(rows):
            for name, value in row.items():
                cells[name][0].append(number)
                cells[name][1].append(value)
        places = np.arange(self.rows)[where]
        for name, (numbers, values) in cells.items():
            self.fill_column(places[numbers], name, as_values(values))

    def fill_column(self, where: Where, name: str, values: Values) -> None:
        """Fill one column of rows for which room was made."""
        self._pieces[name].append((where, values))

    def add_constants(self, values: Mapping[str, Any]) -> None:
        """Add columns with one value each for all rows so far."""
        self.reserve(0, values)
        for name, value in values.items():
            self.fill_column(slice(0, self.rows), name, as_values([value] * self.rows))

    def refuse(self, where: str, why: str) -> None:
        """Say that a row was left out.

        Raises
        ------
        DataError
            If there are too many: their reasons would fill the memory, and help nobody.
        """
        self.refused.append(Refusal(where, why))
        if len(self.refused) > REFUSED:
            raise DataError(f"{self._source.name}: {refusals_text(tuple(self.refused), self.rows)}. Is it a log?")

    def frame(self) -> pd.DataFrame:
        """The table; ``notes`` then says which columns are not as they stood in the file.

        Raises
        ------
        ColumnError
            If a column has a name that is no text.
        """
        columns = {}
        for name, pieces in self._pieces.items():
            if _replaced(name) != name:
                raise ColumnError(f"{self._source.name} has a column {name!r}, whose name holds half a character.")
            column = self._column(name, pieces)
            # As a Series, objects stay what they are: pandas would look for times and text among them.
            columns[name] = pd.Series(column, dtype=object) if column.dtype == object else column
        return pd.DataFrame(columns, index=pd.RangeIndex(self.rows), copy=False)

    def _column(self, name: str, pieces: list[tuple[Where, Values]]) -> Values | pd.Series[Any]:
        kinds = {values.dtype.kind for _, values in pieces}
        full = sum(len(values) for _, values in pieces) == self.rows
        if full and kinds in ({"i"}, {"b"}):
            out: Values = np.empty(self.rows, np.int64 if kinds == {"i"} else np.bool_)
        elif kinds <= {"i", "f"} and not any(values.dtype.kind == "i" and _is_large(values) for _, values in pieces):
            out = np.full(self.rows, np.nan)
        else:
            out = np.full(self.rows, None, dtype=object)
        for where, values in pieces:
            out[where] = values
        return self._settled(name, out) if out.dtype == object else out

    def _settled(self, name: str, values: Values) -> Values | pd.Series[Any]:
        """A column of Python's objects as numbers or text, where it is one of them."""
        missing = np.asarray(pd.isna(values))
        there = values[~missing]
        kinds = set(map(type, there))
        if missing.any():
            values[missing] = np.nan
        if kinds <= _NUMBERS:
            return self._large_numbers(name, values, missing)
        if kinds == {bool}:
            return values
        if kinds == {str}:
            return self._text(name, values)
        words = {value for value in there if type(value) is str}
        if bool not in kinds and all(word.strip().lower() in _WORDS for word in words):
            self.notes.append(f"{name}: {_shown(words)} read as NaN or infinity")
            numbers = [_WORDS[value.strip().lower()] if type(value) is str else value for value in values]
            return self._large_numbers(name, np.array(numbers, dtype=object), np.asarray(pd.isna(values)))
        self.notes.append(f"{name} mixes numbers, text or truth values; all are kept as they stand")
        self._text(name, values)
        return values

    def _large_numbers(self, name: str, values: Values, missing: Values) -> Values:
        """Integers beyond 64 bits, or beyond what a float holds exactly in a column of floats."""
        there = values[~missing].tolist()
        if missing.any() or float in set(map(type, there)):
            large = sum(type(value) is int and abs(value) > EXACT for value in there)
        else:
            try:
                return np.array(there, dtype=np.uint64)
            except OverflowError:
                large = sum(abs(value) > EXACT for value in there)
        try:
            numbers = values.astype(np.float64)
        except OverflowError:
            self.notes.append(f"{name} has integers beyond the largest number; its values are kept as they stand")
            return values
        if large:
            self.notes.append(f"{name}: {large} integer{'s' if large > 1 else ''} above 2**53 rounded to floats")
        return numbers

    def _text(self, name: str, values: Values) -> Values | pd.Series[Any]:
        items = values.tolist()
        texts = [value for value in items if type(value) is str]
        try:
            for text in set(texts):
                text.encode()
        except UnicodeEncodeError:
            self.notes.append(f"{name}: halves of characters became '?'")
            items = [_replaced(value) if type(value) is str else value for value in items]
            values[:] = items
        if sum(map(len, texts)) > max(TEXT, self._source.size):
            return values
        return pd.Series(items)


def as_values(values: list[Any]) -> Values:
    """An array of integers, floats or truth values where all are; else of the objects, None where missing."""
    kinds = set(map(type, values))
    try:
        if kinds == {int}:
            return np.array(values, dtype=np.int64)
        if kinds == {bool}:
            return np.array(values, dtype=np.bool_)
        if kinds <= {int, float, type(None)}:
            floats = np.array(values, dtype=np.float64)
            if int not in kinds or np.nanmax(np.abs(floats), initial=0) < EXACT:
                return floats
    except OverflowError:
        pass  # integers beyond 64 bits stay Python's
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _is_large(values: Values) -> bool:
    return bool(len(values)) and max(-int(values.min()), int(values.max())) > EXACT


def _replaced(text: str) -> str:
    """The text with '?' where it holds half of a pair of surrogates, which stands for no character."""
    return text.encode("utf-8", "replace").decode()


def _shown(words: set[str]) -> str:
    some = [repr(word[:40]) for word in sorted(words)[:3]]
    return ", ".join(some) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
