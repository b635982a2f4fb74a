"""Text with a delimiter: CSV, TSV and their like, also as Weights & Biases and TensorBoard export it."""

from __future__ import annotations

import io
import re
from collections import Counter

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.readers.cells import Column
from scalefit.runs.readers.commas import Commas
from scalefit.runs.readers.dialect import (
    DELIMITERS,
    SPACES,
    WORDS,
    encoding_of,
    fields_of,
    first_lines,
    guess_delimiter,
    is_comment,
    is_number,
    named_as_text,
    said_delimiter,
)
from scalefit.runs.readers.lines import Lines, Row, Rows, header_row
from scalefit.runs.readers.parsing import take_batch
from scalefit.runs.readers.reading import Format, Reading
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.wide import tidy_export

#: A character of several bytes in UTF-8: a file that has one is not Windows-1252.
_SEVERAL_BYTES = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
#: A file without such an ending is a table only if so many of its first lines have the fields of its header.
_SHARE = 0.5


def _recognises(source: Source) -> bool:
    encoding = encoding_of(source.head)
    lines = first_lines(source, encoding)
    text = next((line for line in lines if line.strip()), "")
    if not text or "\0" in text:
        return False
    if named_as_text(source):
        return True
    if text.lstrip()[0] in "{[<" or any("\0" in line for line in lines):
        return False
    guess = guess_delimiter(lines)
    if guess is not None:
        return guess.numbers and guess.share >= _SHARE
    words = [line.strip() for line in lines if line.strip() and not is_comment(line)]
    return len(words) > 1 and not is_number(words[0]) and all(map(is_number, words[1:]))


def _read(source: Source) -> Reading:
    encoding = encoding_of(source.head)
    try:
        return _decoded(source, encoding)
    except UnicodeError as error:
        if encoding != "utf-8" or _SEVERAL_BYTES.search(source.head):
            raise DataError(f"{source.name} cannot be read: it is not {encoding.upper()} throughout.") from error
    try:
        reading = _decoded(source, "cp1252")
    except UnicodeError as error:
        raise DataError(
            f"{source.name} cannot be read: it is neither UTF-8 nor Windows-1252. "
            f"Say the encoding: sf.read_runs(pd.read_csv({source.name}, encoding=...))."
        ) from error
    return Reading(reading.frame, ("not UTF-8: read as Windows-1252", *reading.notes), reading.refused)


def _decoded(source: Source, encoding: str) -> Reading:
    as_text: frozenset[int] = frozenset()
    watch_points = False
    while True:
        table = _Table(source, encoding, as_text, watch_points)
        table.read()
        if table.late_text:  # columns whose first cells are gone as text, since they were numbers
            as_text |= table.late_text
        elif table.needs_points and not watch_points:
            watch_points = True
        else:
            return table.reading()


class _Table:
    """One pass over a file.

    Parameters
    ----------
    source : the file.
    encoding : how its bytes are text.
    as_text : positions of columns that are known to be text.
    watch_points : whether numbers are searched for decimal points.
    """

    def __init__(self, source: Source, encoding: str, as_text: frozenset[int], watch_points: bool) -> None:
        self._source, self._encoding, self._as_text, self._watch_points = source, encoding, as_text, watch_points
        self._notes: list[str] = []
        self._names: Row = []
        self._columns: list[Column] = []
        self._rows: Rows
        self._kept = 0

    def read(self) -> None:
        """Read it all."""
        guess = guess_delimiter(first_lines(self._source, self._encoding))
        self._delimiter = guess.delimiter if guess else ","
        with self._source.open() as file, io.TextIOWrapper(file, self._encoding) as text:
            lines = Lines(text)
            header = self._header(lines)
            self._columns = [
                Column(as_text=i in self._as_text, watch_points=self._watch_points) for i in range(len(self._names))
            ]
            self._rows = Rows(lines, self._delimiter, header, len(self._names), comments=self._has_comments)
            for batch in self._rows.batches():
                self._kept += len(batch)
                self._source.check_cells(self._kept, len(self._names))
                self._source.check_cells(lines.number, 1)
                take_batch(self._columns, batch, self._delimiter)

    @property
    def late_text(self) -> frozenset[int]:
        """Positions of the columns that must be read again, as text."""
        return frozenset(i for i, column in enumerate(self._columns) if column.must_be_read_again)

    @property
    def needs_points(self) -> bool:
        """Whether it matters if a number has a decimal point."""
        return self._commas().in_doubt

    def _commas(self) -> Commas:
        return Commas(self._source.name, self._delimiter, self._by_name())

    def _by_name(self) -> dict[str, Column]:
        return dict(zip(self._names, self._columns, strict=True))

    def _header(self, lines: Lines) -> str:
        """Find the names; the line they stand in."""
        name, comments = self._source.name, []
        for line in lines:
            if is_comment(line):
                comments.append(line)
            elif said_delimiter(line) in DELIMITERS:
                self._notes.append(f"the first line says the delimiter: {line.strip()}")
            elif line.strip():
                lines.give_back([line])
                break
        else:
            raise DataError(f"{name} has no header and no rows: it holds nothing but blank lines and comments.")
        names, header = header_row(lines, self._delimiter)
        self._source.check_cells(0, len(names))
        if any(map(is_number, names)):
            said = fields_of([comments[-1].lstrip("# ")], self._delimiter) if comments else []
            if said and len(said[0]) == len(names) > 1 and not any(map(is_number, said[0])):
                lines.give_back([header])
                names, header = [word.strip() for word in said[0]], comments.pop()
                self._notes.append("names read from the comment above the numbers")
            elif all(is_number(word) for word in names if word):
                raise _no_header(name, self._delimiter, names)
            else:
                said_numbers = listing([word for word in names if is_number(word)][:3])
                self._notes.append(f"the header has numbers for names ({said_numbers}): is it missing?")
        self._has_comments = bool(comments)
        if comments:
            self._notes.append(f"{how_many(len(comments), 'comment line')} above the header")
        self._names = _checked(name, names)
        return header

    def reading(self) -> Reading:
        """The table of what was read."""
        name, refused = self._source.name, tuple(self._rows.refused)
        if not self._kept:
            raise _no_rows(name, self._names, self._delimiter, self._rows)
        if len(self._names) == 1 and self._columns[0].is_text and not any(map(is_number, self._columns[0].words)):
            raise DataError(f"{name} is text without a delimiter and without numbers, and no table.")
        columns = self._by_name()
        if self._delimiter != ",":
            self._notes.append(f"fields separated by {WORDS[self._delimiter]}")
        self._notes += self._commas().settle(columns)
        series = {}
        for label, column in columns.items():
            found = column.some_text() if column.is_text else None
            if found is not None:
                self._notes.append(f"column {label!r} is text: {found[1]!r} in row {found[0]} is no number")
            series[label] = column.series()
            if column.rounded:
                self._notes.append(f"column {label!r} has whole numbers that were rounded, such as {column.rounded}")
        frame = self._without_counters(pd.DataFrame(series, copy=False))
        frame, notes = tidy_export(frame)
        return Reading(frame, (*self._notes, *notes), refused)

    def _without_counters(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Leave out what says nothing: rows and nameless columns without any value, the row numbers of pandas."""
        if frame.iloc[:, 0].isna().any():
            empty = frame.isna().all(axis=1)
            if empty.any() and not empty.all():
                frame = frame[~empty].reset_index(drop=True)
                self._notes.append(f"{how_many(int(empty.sum()), 'row')} without any value left out")
        nameless = [label for label in frame.columns if label.startswith(_NAMELESS)]
        empty_columns = [label for label in nameless if frame[label].isna().all()][: len(frame.columns) - 1]
        if empty_columns:
            frame = frame.drop(columns=empty_columns)
            self._notes.append(f"{how_many(len(empty_columns), 'column')} without name and values left out")
        named = [label for label in nameless if label in frame.columns]
        if named and named[0] == frame.columns[0] and _counts_rows(frame[named[0]], len(self._rows.refused)):
            frame = frame.drop(columns=named.pop(0))
            self._notes.append("the first column, without a name, counts the rows: left out")
        if named:
            self._notes.append(f"{how_many(len(named), 'column')} without a name called {a_few(named)}")
        return frame


_NAMELESS = "Unnamed: "


def _checked(name: str, names: Row) -> Row:
    """The names, a made-up one where there is none."""
    twice = [repr(word) for word, times in Counter(filter(None, names)).items() if times > 1]
    if twice:
        some = listing(twice[:5]) + (f" and {len(twice) - 5} more" if len(twice) > 5 else "")
        raise ColumnError(f"{name} has more than one column {some}; rename or drop all but one.")
    made = [word or f"{_NAMELESS}{i}" for i, word in enumerate(names)]
    if len(set(made)) < len(made):
        raise ColumnError(f"{name} has columns without a name beside one called {_NAMELESS!r}; give each a name.")
    return made


def _counts_rows(column: pd.Series, refused: int) -> bool:
    if len(column) < 2 or column.dtype != np.int64 or column.iloc[0] not in (0, 1):
        return False
    steps = np.diff(column.to_numpy())
    return bool((steps >= 1).all() and (steps - 1).sum() <= refused)


def _no_header(name: str, delimiter: str, names: Row) -> DataError:
    said = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    called = ["step", "loss"] if len(names) == 2 else [f"column {i}" for i in range(1, min(len(names), 3) + 1)]
    more = ", …" if len(names) > 3 else ""
    separator = r"\s+" if delimiter == SPACES else delimiter
    return DataError(
        f"{name} has no header: its first line is all numbers ({said}). Write the names of the columns above it, or "
        f"give them: sf.read_runs(pd.read_csv({name}, sep={separator!r}, header=None, "
        f"names=[{', '.join(map(repr, called))}{more}]))."
    )


def _no_rows(name: str, names: Row, delimiter: str, rows: Rows) -> DataError:
    """The error for a file of which no row is left."""
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    if not rows.refused:
        if len(names) == 1:
            return DataError(f"{name} is one line of text without a delimiter, {shown[:60]!r}, and no table.")
        return DataError(f"{name} has a header ({shown}) and no rows.")
    first = rows.refused[0]
    what = f"none of its rows has the {len(names)} fields that its header names"
    if rows.odd_widths and min(rows.odd_widths) > len(names):
        what = "all its rows have more fields than its header has names"
    return DataError(f"{name}: {what} ({shown}), taken apart at each {WORDS[delimiter]}: {first.where} {first.why}.")


DELIMITED = Format("delimited text", _recognises, _read)
