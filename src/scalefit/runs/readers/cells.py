"""Columns of text cells become columns of numbers, truth values or text, told from all cells of a column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.runs.readers.dialect import is_number

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]

#: Cells without a value, as pandas, NumPy, spreadsheets and trackers write them.
MISSING = frozenset(
    ("", "nan", "NaN", "NAN", "-nan", "-NaN", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "null", "NULL", "None", "none")
)
_TRUTH = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}
#: From here on not every whole number is a float.
_EXACT = 2**53


class Column:
    """The cells of one column, batch after batch: numbers as long as they are, else text.

    Parameters
    ----------
    as_text : whether the cells are kept as text in any case.
    watch_points : whether numbers are searched for decimal points, which takes time.
    """

    def __init__(self, *, as_text: bool = False, watch_points: bool = False) -> None:
        self._numbers: list[Numbers] = []
        self._is_text = as_text
        # Text is kept as distinct words and, for each cell, the position of its word: names of runs repeat.
        self._positions: list[npt.NDArray[np.int32]] = []
        self._words: dict[str, int] = {}
        #: Whether a cell turned out to be text after others had been turned into numbers.
        self.must_be_read_again = False
        #: Whether a decimal point stands in a number, where that was to be watched.
        self.has_point = False
        self._watch_points, self._watch_digits = watch_points, True
        #: A whole number of so many digits that a float does not hold it.
        self.rounded = ""

    @property
    def words(self) -> list[str]:
        """The distinct cells that have a value, where the column is text."""
        return [word for word in self._words if word not in MISSING]

    def add(self, cells: Sequence[str]) -> None:
        """Take the next cells."""
        numbers = None if self._is_text else self._as_numbers(cells)
        if numbers is not None:
            self._numbers.append(numbers)
        elif self._becomes_text():
            words = self._words
            places = (words.setdefault(cell, len(words)) for cell in map(str.strip, cells))
            self._positions.append(np.fromiter(places, np.int32, len(cells)))

    def take(self, parsed: pd.Series[Any], cells: Callable[[], Sequence[str]]) -> None:
        """Take the next cells as pandas has parsed them, and their texts only where these matter.

        Parameters
        ----------
        parsed : the cells, NaN where there is no value.
        cells : gives their texts.
        """
        if not self._is_text and parsed.dtype in (np.int64, np.float64):
            given: Numbers = parsed.to_numpy()
            if given.dtype == np.float64 and self._looks_matter(given):
                self._look_at(given, cells())
            self._numbers.append(given)
            return
        codes, distinct = pd.factorize(parsed)
        words = [*distinct, ""]  # -1, the code of a cell without a value, is the last one
        if set(map(type, words)) != {str}:
            self.add(cells())
            return
        numbers = None if self._is_text else self._as_numbers(words)
        if numbers is not None:
            self._numbers.append(numbers[codes])
        elif self._becomes_text():
            known = self._words
            places = [known.setdefault(word.strip(), len(known)) for word in words]
            self._positions.append(np.array(places, dtype=np.int32)[codes])

    def _becomes_text(self) -> bool:
        self.must_be_read_again = self.must_be_read_again or bool(self._numbers)
        self._is_text = True
        return not self.must_be_read_again

    def _looks_matter(self, numbers: Numbers) -> bool:
        if self._watch_points and not self.has_point:
            return True
        return self._watch_digits and bool((np.abs(numbers) >= _EXACT).any())

    def _look_at(self, numbers: Numbers, cells: Sequence[str]) -> None:
        if self._watch_points and not self.has_point:
            self.has_point = "." in "".join(cells)
        large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= _EXACT))
        if self._watch_digits and len(large):
            self.rounded = _first_rounded(cells[i].strip() for i in large.tolist())
            self._watch_digits = False  # once: where the first are written as floats, so are the others

    def _as_numbers(self, cells: Sequence[str]) -> Numbers | None:
        try:
            numbers: Numbers = np.fromiter(map(int, cells), np.int64, len(cells))
        except (ValueError, OverflowError):
            try:
                numbers = np.array([math.nan if cell.strip() in MISSING else float(cell) for cell in cells])
            except ValueError:
                return None
            self._look_at(numbers, cells)
        together = "".join(cells)
        # Python reads 1_000 and digits of other scripts; no table means a number by these.
        return numbers if together.isascii() and "_" not in together else None

    def some_text(self) -> tuple[int, str] | None:
        """Where a column that is mostly numbers has its first text, and which; None where that is no surprise."""
        words = list(self._words)
        positions = self._all_positions()
        missing = np.array([word in MISSING for word in words])
        numeric = np.array([is_number(word) for word in words]) & ~missing
        texts = np.flatnonzero(~(numeric | missing)[positions])
        if not len(texts) or 2 * len(texts) >= np.count_nonzero(~missing[positions]):
            return None
        return int(texts[0]), words[positions[texts[0]]]

    def with_points(self) -> Column:
        """The column with decimal commas read as points."""
        column = Column()
        column.add([word.replace(",", ".") for word in self._words])
        column._numbers = [column._numbers[0][self._all_positions()]]
        return column

    @property
    def is_text(self) -> bool:
        """Whether the column has cells that are not numbers."""
        return self._is_text

    def _all_positions(self) -> npt.NDArray[np.int32]:
        return np.concatenate(self._positions) if self._positions else np.empty(0, dtype=np.int32)

    def series(self) -> pd.Series[Any]:
        """The column: whole numbers, floats, truth values or text, NaN where a cell has no value."""
        if self._is_text:
            known = set(self.words)
            truth = bool(known) and known <= set(_TRUTH)
            values: list[Any] = [math.nan if word in MISSING else word for word in self._words]
            if truth:
                values = [_TRUTH.get(word, math.nan) for word in self._words]
            return pd.Series(values).take(self._all_positions()).reset_index(drop=True)
        numbers = np.concatenate(self._numbers) if self._numbers else np.empty(0)
        if numbers.dtype == np.float64:
            whole = [part for part in self._numbers if part.dtype != np.float64]
            large = (n for part in whole for n in part[(part > _EXACT) | (part < -_EXACT)].tolist())
            self.rounded = self.rounded or _first_rounded(map(str, large))
        self._numbers = []  # freed as soon as they are joined
        return pd.Series(numbers)


def _first_rounded(texts: Iterable[str]) -> str:
    """The first whole number that a float does not hold to its last digit; sizes beyond 10^100 are none."""
    whole = (text for text in texts if text.lstrip("-").isdigit() and len(text) < 100)
    return next((text for text in whole if int(float(text)) != int(text)), "")
