"""One thing that a check found: how bad it is, which rows, and what to type to repair it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

#: A fit stops at what is refused; at what is misleading it does not, and its answer is probably wrong.
Severity = Literal["refused", "misleading", "remark"]
SEVERITIES: tuple[Severity, ...] = ("refused", "misleading", "remark")
Rows = npt.NDArray[np.intp]
NO_ROWS: Rows = np.zeros(0, dtype=np.intp)
#: How Python is told where a quantity stands.
_COLUMNS = re.compile(r"columns=\{'(\w+)': '([^']*)'\}")
#: Names that are spelt out in one finding; the others are counted.
SHOWN = 3


@dataclass(frozen=True, eq=False)
class Repair:
    """What to type: in Python, and on the command line or in the file where that differs."""

    python: str = ""
    command: str = ""


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that :func:`scalefit.check_runs` found.

    Attributes
    ----------
    kind : str
        One word for this sort of finding, such as ``"unit"`` or ``"diverged"``; never reworded.
    severity : {"refused", "misleading", "remark"}
        Refused: a fit stops at it. Misleading: a fit runs and its answer is probably wrong. Remark: worth knowing.
    text : str
        What was found, in full sentences.
    repair : str
        What to type in Python, or to do; empty where nothing can be done.
    command : str
        The same for the command line; empty where it is the same.
    rows : int array
        The rows that show it, as positions: ``runs.iloc[finding.rows]``. Of a finding about runs, the last row of each;
        empty where it is about the table as a whole.
    columns : tuple of str
        The columns concerned, by their known names where they have one.
    """

    kind: str
    severity: Severity
    text: str
    repair: str = ""
    command: str = ""
    rows: Rows = field(default_factory=lambda: NO_ROWS)
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} {self.repair}".strip()


def found(
    kind: str,
    severity: Severity,
    text: str,
    repair: Repair | str = "",
    *,
    rows: Iterable[int] | Rows = NO_ROWS,
    columns: Iterable[str] = (),
) -> Finding:
    """A finding from its parts; ``repair`` as one text where Python and the command line are told the same."""
    told = Repair(repair, repair) if isinstance(repair, str) else repair
    places = np.asarray(rows, dtype=np.intp)
    places.flags.writeable = False
    return Finding(kind, severity, text, told.python, told.command or told.python, places, tuple(columns))


def name_column(name: str, column: str) -> Repair:
    """How to say which column holds a quantity.

    Examples
    --------
    >>> name_column("run", "job id").python, name_column("run", "job id").command
    ("columns={'run': 'job id'}", "--column 'run=job id'")
    """
    return Repair(f"columns={{{name!r}: {column!r}}}", f"--column {shlex.quote(f'{name}={column}')}")


def in_options(text: str) -> str:
    """A message for the command line: ``columns={'x': 'flops'}`` as ``--column x=flops``.

    Examples
    --------
    >>> in_options("Say which: columns={'loss': 'val loss'}.")
    "Say which: --column 'loss=val loss'."
    """
    return _COLUMNS.sub(lambda match: f"--column {shlex.quote(f'{match[1]}={match[2]}')}", text)


def counted(number: int, thing: str) -> str:
    """A count with its noun and commas in large numbers.

    Examples
    --------
    >>> counted(1, "row"), counted(5516, "row"), counted(2, "family")
    ('1 row', '5,516 rows', '2 families')
    """
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing[:-1]}ies" if thing.endswith("y") else f"{number:,} {thing}s"


def a_few(names: Iterable[object], *, shown: int = SHOWN, width: int = 60) -> str:
    """Name the first few and count the others; long names are cut.

    Examples
    --------
    >>> a_few(["a", "b"]), a_few("abcde"), a_few(["x" * 60], width=10)
    ('a and b', 'a, b, c and 2 more', 'xxxxxxx...')
    """
    words = [short(name, width=width) for name in names]
    if len(words) > shown:
        words = [*words[:shown], f"{len(words) - shown:,} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def short(name: object, *, width: int = 40) -> str:
    """A name on one line, cut where it is long."""
    text = " ".join(str(name).split())
    return text if len(text) <= width else f"{text[: width - 3]}..."
