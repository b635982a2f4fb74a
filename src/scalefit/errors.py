"""What scalefit raises and warns, and the helpers that word it: what, expected, got, what to type."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any


class ScalefitError(Exception):
    """Any error that scalefit raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows: the reader's own calls and the message, not the way inside scalefit."""
        shell: Any = sys.modules["IPython"].get_ipython()
        shown, left_out = _outside(self.__traceback__)
        lines: list[str] = shell.InteractiveTB.structured_traceback(type(self), self, shown)
        if left_out:
            lines.insert(-1, f"({left_out} more inside scalefit; %debug leads there)\n")
        return lines


class ColumnError(ScalefitError):
    """A column is missing, ambiguous, or may not be called that."""


class DataError(ScalefitError):
    """The values of a column cannot be used: NaN, infinite, text, out of range, too few."""


class LawError(ScalefitError):
    """A law is unknown, badly defined, or asked for something it does not have."""


class FormulaError(LawError):
    """A formula given as text cannot be read."""


class FitError(ScalefitError):
    """An argument of a fit cannot be honoured."""


class ScalefitWarning(UserWarning):
    """Any warning that scalefit gives."""


class UnitWarning(ScalefitWarning):
    """A column is probably in another unit than the one expected."""


class DataWarning(ScalefitWarning):
    """The data can be used, but something about them should be known."""


class FitWarning(ScalefitWarning):
    """The result should not be trusted as it stands."""


def _outside(traceback: TracebackType | None) -> tuple[TracebackType | None, int]:
    """A copy of a traceback that ends at its last frame outside scalefit, and how many frames that leaves out."""
    frames: list[TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    own = [one.tb_frame.f_globals.get("__name__", "").partition(".")[0] == __package__ for one in frames]
    kept = max((place + 1 for place, inside in enumerate(own) if not inside), default=len(frames))
    shown: TracebackType | None = None
    for one in reversed(frames[:kept]):
        shown = TracebackType(shown, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return shown, len(frames) - kept


def listing(names: Iterable[object], *, last: str = "and") -> str:
    """Join names as prose: ``a``, ``a and b``, ``a, b and c``."""
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def rows_text(rows: Sequence[object], *, shown: int = 3) -> str:
    """Name a few rows and count the others: ``row 3``, ``rows 3, 17, 20 and 4 more``."""
    head = [str(row) for row in rows[:shown]]
    if len(rows) == 1:
        return f"row {head[0]}"
    if len(rows) > shown:
        return f"rows {', '.join(head)} and {len(rows) - shown} more"
    return f"rows {listing(head)}"


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A sentence with the closest choice, or nothing."""
    close = difflib.get_close_matches(name, list(choices), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def not_one_of(what: str, got: object, choices: Iterable[str]) -> str:
    """The text of an error about a word that is not among the known ones."""
    known = sorted(choices)
    return f"{what} must be one of {listing(known, last='or')}; got {got!r}.{did_you_mean(str(got), known)}"


def missing_column(name: str, needed_by: str, columns: Sequence[object]) -> ColumnError:
    """The error for a column that is not there, with what to type if another one looks like it."""
    there = [str(column) for column in columns]
    message = f"{needed_by} needs a column {name!r}; the table has {', '.join(there) if there else 'no columns'}."
    close = difflib.get_close_matches(name, there, n=1) or [column for column in there if name in _words(column)]
    if close:
        message += f" If {close[0]!r} is that column, pass columns={{{name!r}: {close[0]!r}}}."
    return ColumnError(message)


def _words(column: str) -> list[str]:
    """The words of the name of a column: final, val and loss of ``final_val_loss``."""
    return re.split("[^a-z0-9]+", column.lower())
