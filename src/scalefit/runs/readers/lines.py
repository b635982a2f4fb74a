"""The lines of a text file, taken apart into rows of so many fields; every line that does not fit is refused."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import TextIO

import numpy as np

from scalefit.errors import DataError
from scalefit.runs.readers.dialect import SPACES, is_comment
from scalefit.runs.readers.reading import Refusal

#: Characters that are taken from a file at once.
BLOCK = 2**22
#: A field in quotation marks may run over so many lines. After so many marks that nothing closed, none may any more.
SPAN, UNCLOSED = 200, 100
#: With more lines refused than this, a file is no table.
REFUSED = 100_000
UNCLOSED_MARK = "opens a quotation mark that is not closed"
#: Rows of one batch where rows are taken one by one.
BATCH = 20_000

Row = list[str]


@dataclass(frozen=True)
class Batch:
    """Some rows that each have the right number of fields.

    Parameters
    ----------
    lines : lines that are a row each; or
    rows : the fields of each row.
    quoted : whether there are quotation marks in ``lines``.
    """

    lines: Sequence[str] = ()
    rows: Sequence[Row] = ()
    quoted: bool = False

    def __len__(self) -> int:
        return len(self.lines) or len(self.rows)


class Lines:
    """The lines of a file, without their ends; some may be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._left: deque[str] = deque()
        #: How many lines were taken: the number of the last one.
        self.number = 0

    def block(self) -> tuple[list[str], str]:
        """All lines at hand, or else some more, and the text they make; no line at the end of the file."""
        if self._left:
            taken, self._left = list(self._left), deque()
            text = "\n".join(taken)
        else:
            text = self._pull_text()
            taken = _lines_of(text)
        self.number += len(taken)
        return taken, text

    def give_back(self, lines: Sequence[str]) -> None:
        """Take lines back, to give them out again."""
        self._left.extendleft(reversed(lines))
        self.number -= len(lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._left:
            self._left.extend(_lines_of(self._pull_text()))
        if not self._left:
            raise StopIteration
        self.number += 1
        return self._left.popleft()

    def _pull_text(self) -> str:
        text = self._file.read(BLOCK)
        if text and not text.endswith("\n"):
            text += self._file.readline()
        return text


def _lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


class Rows:
    """The rows of a table, in batches.

    Parameters
    ----------
    lines : the lines below the header.
    delimiter : what stands between fields.
    header : the line of the header; a line that repeats it is refused.
    width : fields of a row.
    comments : whether lines that begin with ``#`` are comments.
    """

    def __init__(self, lines: Lines, delimiter: str, header: str, width: int, *, comments: bool = False) -> None:
        self._lines, self._delimiter, self._header, self._width = lines, delimiter, header, width
        self._comments = comments
        self._unclosed = 0
        self.refused: list[Refusal] = []
        #: Fields of the refused lines that had too many or too few.
        self.odd_widths: set[int] = set()

    def batches(self) -> Iterator[Batch]:
        """The rows in the order of the file.

        Raises
        ------
        DataError
            If so many lines are refused that this is no table.
        """
        while True:
            block, text = self._lines.block()
            if not block:
                return
            quoted = self._delimiter != SPACES and '"' in text
            widths = None if "\0" in text else self._widths(block, quoted)
            if widths is not None:
                yield Batch(lines=self._fitting(block, widths, "#" in text), quoted=quoted)
                continue
            self._lines.give_back(block)
            yield from self._careful()

    def _widths(self, block: Sequence[str], quoted: bool) -> list[int] | None:
        """How many fields each line has; None where not each line is a row."""
        if self._delimiter == SPACES:
            return [len(line.split()) for line in block]
        if not quoted:
            return list(map((1).__add__, map(str.count, block, repeat(self._delimiter))))
        try:
            widths = list(map(len, csv.reader(block, delimiter=self._delimiter, skipinitialspace=True, strict=True)))
        except csv.Error:
            return None
        return widths if len(widths) == len(block) else None

    def _fitting(self, block: list[str], widths: Sequence[int], has_hash: bool) -> list[str]:
        blank = np.fromiter(map(len, block), np.int64, len(block)) == 0
        odd = np.array(widths) != self._width
        if self._header in block:
            odd |= np.fromiter(map(self._header.__eq__, block), bool, len(block))
        if self._comments and has_hash:
            odd |= np.fromiter(map(is_comment, block), bool, len(block))
        kept = ~blank
        first = self._lines.number - len(block) + 1
        for i in np.flatnonzero(odd & kept).tolist():
            kept[i] = self._fits(widths[i], first + i, block[i])
        return block if kept.all() else list(compress(block, kept.tolist()))

    def _careful(self) -> Iterator[Batch]:
        """Rows one by one: a field may run over several lines, and what is broken costs one line only."""
        batch: list[Row] = []
        for line in self._lines:
            number = self._lines.number
            self._lines.give_back([line])
            row = self._next_row()
            if row is not None and self._fits(len(row), number, line):
                batch.append(row)
            if len(batch) == BATCH:
                yield Batch(rows=batch)
                batch = []
        yield Batch(rows=batch)

    def _next_row(self) -> Row | None:
        number = self._lines.number + 1
        row, used, problem = take_row(self._lines, self._delimiter, SPAN if self._unclosed < UNCLOSED else 1)
        if len(used) > 1 and (problem or len(row) != self._width):
            # Something swallowed the lines below: they are rows of their own.
            self._lines.give_back(used[1:])
            self._unclosed += 1
            problem = problem or UNCLOSED_MARK
        if "\0" in used[0]:
            problem = "holds NUL bytes, as files do after a crash"
        if problem:
            self._refuse(number, problem)
            return None
        return row

    def _fits(self, width: int, number: int, line: str) -> bool:
        if not line.strip():
            return False
        if line == self._header:
            self._refuse(number, "repeats the header")
        elif self._comments and is_comment(line):
            self._refuse(number, "is a comment")
        elif width != self._width:
            self.odd_widths.add(width)
            fields = f"{width} field{'' if width == 1 else 's'}"
            self._refuse(number, f"has {fields} where the header has {self._width}")
        else:
            return True
        return False

    def _refuse(self, number: int, why: str) -> None:
        self.refused.append(Refusal(f"line {number}", why))
        if len(self.refused) > REFUSED:
            first = self.refused[0]
            raise DataError(
                f"More than {REFUSED:,} lines do not fit its header, so this is no table: {first.where} {first.why}."
            )


def take_row(lines: Lines, delimiter: str, span: int) -> tuple[Row, list[str], str]:
    """Take one row, which runs over several lines where a quotation mark is open at the end of a line.

    Parameters
    ----------
    lines : has at least one line left.
    delimiter : what stands between fields.
    span : how many lines the row may take.

    Returns
    -------
    tuple of list of str, list of str and str
        The fields, the lines taken, and what is wrong with them, if anything.
    """
    used: list[str] = []
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        for line in lines:
            used.append(line)
            yield f"{line}\n"
            if len(used) == span:
                break
        ended = True  # the reader has asked for one line more than there is

    if delimiter == SPACES:
        used.append(next(lines))
        return used[0].split(), used, ""
    try:
        # Strict: what follows a closing mark shows that an earlier one was never closed.
        row = next(csv.reader(feed(), delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        return [], used, UNCLOSED_MARK if ended else f"cannot be taken apart ({error})"
    return row, used, ""


def header_row(lines: Lines, delimiter: str) -> tuple[Row, str]:
    """The names of the header, and its line as it stands where it is one."""
    names, used, problem = take_row(lines, delimiter, SPAN)
    if problem:
        lines.give_back(used[1:])
        names = used[0].split(delimiter)
    return [name.strip() for name in names], used[0] if len(used) == 1 else "\n"
