"""How a text file is laid out: its encoding and its delimiter, told from its first lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scalefit.runs.readers.source import HEAD, Source

#: Delimiters in the order in which equals are settled; one space stands for any run of spaces.
DELIMITERS = ("\t", ";", "|", ",")
SPACES = " "
WORDS = {"\t": "tab", ";": "';'", "|": "'|'", ",": "comma", SPACES: "spaces"}
ENDINGS = (".csv", ".tsv", ".tab", ".psv")
#: Lines from which the delimiter is told.
SAMPLE = 100

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: A first line with which spreadsheets say their delimiter.
_SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """A delimiter, and how well the first lines fit it.

    Parameters
    ----------
    delimiter : one of ``DELIMITERS`` or ``SPACES``.
    names : how many fields the header has.
    share : share of the other lines, in [0, 1], that have as many.
    numbers : whether a number stands in one of those.
    """

    delimiter: str
    names: int
    share: float
    numbers: bool


def is_number(text: str) -> bool:
    """Whether a text is a number with a decimal point, or not a number by name."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def is_comment(line: str) -> bool:
    """Whether a line before the header is a comment."""
    return line.lstrip().startswith("#")


def said_delimiter(line: str) -> str | None:
    """The delimiter of a first line such as ``sep=;``."""
    said = _SAID.fullmatch(line)
    return said[1] if said else None


def named_as_text(source: Source) -> bool:
    """Whether the name says that a file is text with a delimiter."""
    return source.path.name.lower().removesuffix(".gz").endswith(ENDINGS)


def encoding_of(head: bytes) -> str:
    """The encoding that a mark in the first bytes says, else UTF-8."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8")


def first_lines(source: Source, encoding: str) -> list[str]:
    """The first lines of a file; the last one may be cut."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    lines = re.split(r"\r\n|\r|\n", decoder.decode(source.head))
    if len(lines) > 1 and (not lines[-1] or len(source.head) >= HEAD):
        lines.pop()
    return lines[: 10 * SAMPLE]


def fields_of(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The fields of some lines; none where quotation marks make no sense."""
    if delimiter == SPACES:
        return [line.split() for line in lines]
    try:
        return list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return []


def guess_delimiter(lines: Sequence[str]) -> Guess | None:
    """The delimiter that fits the first lines best.

    Parameters
    ----------
    lines : the first lines of a file, comments among them.

    Returns
    -------
    Guess or None
        None where no delimiter stands in the header: one column, or no table at all.
    """
    table = [line for line in lines if line.strip() and not is_comment(line)][:SAMPLE]
    if not table:
        return None
    said = said_delimiter(table[0])
    if said in DELIMITERS:
        return _fit(table[1:], said)
    fits = [fit for delimiter in DELIMITERS if (fit := _fit(table, delimiter)) is not None]
    if fits:
        return max(fits, key=lambda fit: (fit.share, fit.names))
    return _fit_spaces(table, [line.lstrip("# ") for line in lines if is_comment(line)])


def _fit(table: Sequence[str], delimiter: str) -> Guess | None:
    header, *rows = fields_of(table, delimiter) or [[]]
    if len(header) < 2:
        return None
    whole = [row for row in rows if len(row) == len(header)]
    numbers = any(is_number(cell) for row in whole for cell in row)
    return Guess(delimiter, len(header), len(whole) / max(1, len(rows)), numbers)


def _fit_spaces(table: Sequence[str], comments: Sequence[str]) -> Guess | None:
    """Columns of words with spaces between: only where every line agrees, since any text has spaces."""
    header, *rows = fields_of(table, SPACES)
    if comments and any(map(is_number, header)):  # as numpy.savetxt writes it: the header is a comment
        header, rows = comments[-1].split(), [header, *rows]
    alike = bool(rows) and len(header) > 1 and {len(row) for row in rows} == {len(header)}
    numbers = alike and any(all(is_number(row[i]) for row in rows) for i in range(len(header)))
    # Numbers alone are a table too, of which the names are missing; numbers among words are prose.
    if not numbers or 0 < sum(map(is_number, header)) < len(header):
        return None
    return Guess(SPACES, len(header), 1.0, True)
