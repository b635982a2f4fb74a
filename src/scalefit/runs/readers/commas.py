"""What a comma means in the numbers of a text file: decimals or thousands, by one rule for a whole file."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable

import numpy as np

from scalefit.errors import DataError, listing
from scalefit.quantities import QUANTITIES
from scalefit.runs.readers.cells import Column
from scalefit.runs.readers.dialect import is_number

_DECIMAL = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?|[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})")
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_POINT_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_KNOWN_COLUMNS = frozenset(name for known in QUANTITIES.values() for name in (known.name, *known.aliases))


class Commas:
    """What commas in the numbers of a file mean.

    In a file whose delimiter is not the comma, a comma in a number is a decimal comma; in one whose delimiter is the
    comma, only where a number such as ``3,14`` cannot be anything else. A number with two commas has thousands
    separators, and so may any where other numbers have points; such a column is not converted.

    Parameters
    ----------
    name : the file, for errors.
    delimiter : its delimiter.
    columns : its columns, by name.
    """

    def __init__(self, name: str, delimiter: str, columns: dict[str, Column]) -> None:
        self._name, self._delimiter = name, delimiter
        self._columns = columns
        self._points = any(column.has_point for column in columns.values())
        self._decimal: dict[str, list[str]] = {}
        self._grouped: dict[str, str] = {}
        for label, column in columns.items():
            words = column.words
            if not all(is_number(word) or _DECIMAL.fullmatch(word) or _GROUPS.fullmatch(word) for word in words):
                continue
            odd = [word for word in words if not is_number(word)]
            if odd:
                groups = [word for word in odd if not _DECIMAL.fullmatch(word)]
                if groups:
                    self._grouped[label] = groups[0]
                else:
                    self._decimal[label] = odd
                self._points = self._points or any("." in word for word in words if is_number(word))
        self._sure = any(not _ONE_GROUP.fullmatch(word) for words in self._decimal.values() for word in words)

    @property
    def in_doubt(self) -> bool:
        """Whether there are commas whose meaning depends on whether other numbers have points."""
        return bool(self._decimal)

    def settle(self, columns: dict[str, Column]) -> list[str]:
        """Convert the columns with decimal commas, in place; what was done, as notes.

        Raises
        ------
        DataError
            If a column that scalefit knows by name has thousands separators, or may have.
        """
        notes = [self._refuse(label, word, "with thousands separators") for label, word in self._grouped.items()]
        if self._points:
            why = "and other numbers of the file have points, so that the comma may mean either"
        elif self._delimiter == "," and not self._sure:
            why = "probably with thousands separators"
        else:
            return notes + self._convert(columns)
        return notes + [self._refuse(label, words[0], why) for label, words in self._decimal.items()]

    def _convert(self, columns: dict[str, Column]) -> list[str]:
        if not self._decimal:
            return []
        for label in self._decimal:
            columns[label] = columns[label].with_points()
        first = next(iter(self._decimal.values()))[0]
        said = f"decimal commas read in {_columns(self._decimal)}: {first!r} is {first.replace(',', '.')}"
        return [said if self._sure else f"{said}, not thousands"]

    def _refuse(self, label: str, word: str, why: str) -> str:
        said = f"column {label!r} has numbers such as {word!r}, {why}"
        if label not in _KNOWN_COLUMNS:
            return f"{said}; it is left as text"
        repair = "Write points everywhere."
        if not (label in self._decimal and self._sure):
            points, commas = (f"{mark} part thousands: {self._call(mark)}" for mark in ("points", "commas"))
            if re.match(r"[+-]?\d+\.", word):
                repair = f"Write plain numbers; or, if {points}."
            elif label in self._decimal and self._delimiter != "," and self._points_may_group():
                likelier = f"as is likelier with sep={self._delimiter!r}"
                repair = f"Write plain numbers; or, {likelier}, if {points}; but if {commas}."
            else:
                repair = f"Write plain numbers; or, if {commas}."
        elif self._delimiter != "," and self._points_may_group():
            repair = f"Write plain numbers; or, if points part thousands: {self._call('points')}."
        raise DataError(f"{self._name}: {said}. {repair}")

    def _call(self, mark: str) -> str:
        """What to type where points, or commas, part thousands."""
        marks = "thousands='.', decimal=','" if mark == "points" else "thousands=','"
        return f"sf.read_runs(pd.read_csv({self._name}, sep={self._delimiter!r}, {marks}))"

    def _points_may_group(self) -> bool:
        """Whether all numbers with points could be ``1.300`` for 1300; 0.1 and 2.8731 could not."""
        return all(map(_may_group, self._columns.values()))


def _may_group(column: Column) -> bool:
    if column.is_text:
        return all(_POINT_GROUP.fullmatch(word) for word in column.words if "." in word and is_number(word))
    if not column.has_point:
        return True
    # A copy, since a column gives its numbers once.
    sizes = np.abs(copy.copy(column).series().dropna().to_numpy(dtype=float))
    broken = sizes[np.isfinite(sizes) & (sizes != np.round(sizes))]
    thousands = broken * 1000
    return bool(np.all((broken > 1) & (broken < 1000) & np.isclose(thousands, np.round(thousands), rtol=1e-12)))


def _columns(labels: Iterable[str]) -> str:
    names = [repr(label) for label in labels]
    return f"column{'' if len(names) == 1 else 's'} {listing(names)}"
