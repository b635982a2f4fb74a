"""Values that came out of a JSON file, read with their place in it, so that a broken file is a clear error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import DataError, not_one_of

Array = NDArray[np.float64]

#: Dtypes that a column or an index gets back; others come back as text and Python numbers.
DTYPES = frozenset(
    [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)] + ["float16", "float32", "float64", "bool"]
)


def plain(value: Any) -> Any:
    """A value as JSON holds it: floats to the last bit, those that JSON lacks as ``{"float": "nan"}``.

    Tuples and arrays become lists, keys and whatever else JSON does not know become text.
    """
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, str) else value
        case np.ndarray():
            # Most arrays hold nothing that needs a look at each number.
            easy = value.dtype.kind in "biu" or (value.dtype.kind == "f" and np.isfinite(value).all())
            return value.tolist() if easy else [plain(part) for part in value.tolist()]
        case np.generic():
            return plain(value.item())
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        case Mapping():
            return {str(key): plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    return str(value)


def plain_series(values: pd.Series | pd.Index) -> dict[str, Any]:
    """One column, or an index of one level, as its dtype and its cells."""
    return {"name": _cell(values.name), "dtype": str(values.dtype), "values": [_cell(value) for value in values]}


def _cell(value: object) -> Any:
    """A value of a table as one JSON value: dates and other objects become text, missing ones nothing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return plain(value) if isinstance(value, str | bool | int | float | np.generic) else str(value)


def plain_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame as its index and its columns."""
    index = frame.index
    levels = [plain_series(index.get_level_values(level)) for level in range(index.nlevels)]
    return {"index": levels, "columns": [plain_series(frame[name]) for name in frame.columns]}


@dataclass(frozen=True)
class Entry:
    """A value of a JSON file and where it stands.

    Each method returns the value as one type or raises a DataError that names the place.
    """

    value: object
    place: str

    def fail(self, expected: str) -> NoReturn:
        """Raise the error that something else stands here than should."""
        shown = repr(self.value)
        shown = shown if len(shown) < 60 else f"{shown[:57]}..."
        raise DataError(f"{self.place} must be {expected}; got {shown}. Write the file again with fit.to_json(path).")

    def __getitem__(self, key: str) -> Entry:
        if not isinstance(self.value, dict):
            self.fail("an object")
        if key not in self.value:
            raise DataError(f"{self.place} lacks {key!r}. Write the file again with fit.to_json(path).")
        return Entry(self.value[key], f"{self.place}.{key}")

    @property
    def absent(self) -> bool:
        """Whether nothing stands here."""
        return self.value is None

    def named(self) -> dict[str, Entry]:
        """The entries of an object."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        return {key: Entry(part, f"{self.place}.{key}") for key, part in self.value.items()}

    def entries(self) -> list[Entry]:
        """The entries of a list."""
        return [Entry(part, f"{self.place}[{i}]") for i, part in enumerate(self._list())]

    def _list(self) -> list[object]:
        if not isinstance(self.value, list):
            self.fail("a list")
        return self.value

    def text(self, choices: Sequence[str] | None = None) -> str:
        """A text, one of ``choices`` where given."""
        if not isinstance(self.value, str):
            self.fail("a text")
        if choices is not None and self.value not in choices:
            raise DataError(not_one_of(self.place, self.value, choices))
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(entry.text() for entry in self.entries())

    def whole(self, *, at_least: int = 0, at_most: int = 2**53) -> int:
        """A whole number in a range."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not at_least <= self.value <= at_most:
            self.fail(f"a whole number from {at_least} to {at_most}")
        return self.value

    def number(self) -> float:
        """A number, which may be NaN or infinite."""
        value = self.value
        if isinstance(value, float):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**1023:
            return float(value)
        if isinstance(value, dict) and value.get("float") in ("nan", "inf", "-inf") and len(value) == 1:
            return float(value["float"])
        return self.fail('a number or {"float": "nan", "inf" or "-inf"}')

    def finite(self) -> float:
        """A finite number."""
        value = self.number()
        if not math.isfinite(value):
            self.fail("a finite number")
        return value

    def array(self, length: int | None = None, *, finite: bool = False) -> Array:
        """A list of numbers as an array, of one length where given."""
        cells = self._list()
        if length is not None and len(cells) != length:
            self.fail(f"a list of {length} numbers, not {len(cells)}")
        fast = all(type(cell) is float for cell in cells)
        out = np.array(cells if fast else [entry.number() for entry in self.entries()], float)
        if finite and not np.isfinite(out).all():
            self.fail("a list of finite numbers")
        return out

    def rows(self, width: int, count: int | None = None) -> Array:
        """A list of lists of numbers as a (count, width) array."""
        lines = self.entries()
        if count is not None and len(lines) != count:
            self.fail(f"a list of {count} rows, not {len(lines)}")
        return np.array([line.array(width) for line in lines], float).reshape(len(lines), width)

    def table(self, length: int) -> Array:
        """A list of finite numbers, or of equally long lists of them, as an array of one row each."""
        cells = self._list()
        if not cells or not isinstance(cells[0], list):
            return self.array(length, finite=True)
        out = self.rows(len(cells[0]), length)
        if not np.isfinite(out).all():
            self.fail("lists of finite numbers")
        return out

    def wholes(self, length: int | None = None, *, at_most: int = 2**53) -> NDArray[np.intp]:
        """A list of whole numbers from 0 as an array."""
        cells = self._list()
        if length is not None and len(cells) != length:
            self.fail(f"a list of {length} whole numbers, not {len(cells)}")
        if not all(type(cell) is int and 0 <= cell <= at_most for cell in cells):
            self.fail(f"a list of whole numbers from 0 to {at_most}")
        return np.array(cells, np.intp)

    def scalar(self) -> Any:
        """A text, a number, a truth value or nothing."""
        if isinstance(self.value, dict):
            return self.number()
        if isinstance(self.value, list):
            self.fail("one value")
        return self.value

    def frame(self) -> pd.DataFrame:
        """A table, with the dtypes of numbers as they were."""
        levels = [level.series() for level in self["index"].entries()]
        columns = [column.series() for column in self["columns"].entries()]
        if not levels or {len(cells) for _, cells in (*levels, *columns)} != {len(levels[0][1])}:
            self.fail("a table with an index, whose columns have one length")
        index = pd.Index(levels[0][1], name=levels[0][0])
        if len(levels) > 1:
            index = pd.MultiIndex.from_arrays([cells for _, cells in levels], names=[name for name, _ in levels])
        out = pd.DataFrame({place: cells.array for place, (_, cells) in enumerate(columns)}, index=index)
        out.columns = pd.Index([name for name, _ in columns])
        return out

    def series(self) -> tuple[Any, pd.Series]:
        """The name and the cells of a column."""
        name, dtype = self["name"].scalar(), self["dtype"].text()
        values = self["values"]
        cells = values._list()
        if any(type(cell) in (list, dict) for cell in cells):
            cells = [entry.scalar() for entry in values.entries()]
        try:
            return name, pd.Series(cells, dtype=dtype if dtype in DTYPES else "object" if dtype == "object" else None)
        except (ValueError, TypeError, OverflowError):
            self.fail(f"a column of {dtype}")
