"""Answer: what every answer says, status first, rendered once as text and once as HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

State = Literal["good", "doubtful", "bad"]


@dataclass(frozen=True, eq=False)
class Said:
    """An answer in words, before it becomes text or HTML.

    Parameters
    ----------
    state : "good", "doubtful" (usable, with reservations) or "bad" (not to be relied on).
    headline : the status and the answer, in one sentence.
    doubts : what speaks against relying on it, gravest first.
    parts : tables and lines, in the order in which they are read. The cells of a table are words already.
    notes : where the numbers come from.
    """

    state: State
    headline: str
    doubts: tuple[str, ...] = ()
    parts: tuple[pd.DataFrame | str, ...] = ()
    notes: tuple[str, ...] = ()


class Answer(ABC):
    """What the records that answer a question share: a status, a first sentence, and two forms to be read in."""

    @abstractmethod
    def said(self) -> Said:
        """The answer in words: what the text and the HTML are made of."""

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the answer."""
        return self.said().state == "good"

    def __repr__(self) -> str:
        return as_text(self.said())

    def _repr_html_(self) -> str:
        from scalefit.wording.page import as_html

        return as_html(self.said(), kind=type(self).__name__)


def state_of(doubts: Sequence[object], *, believed: bool = True) -> State:
    """The state that doubts leave: ``believed=False`` where the answer is not to be relied on at all."""
    if not believed:
        return "bad"
    return "doubtful" if len(doubts) else "good"


def as_text(said: Said) -> str:
    """Plain text: the headline, the doubts, the numbers, where they come from; empty lines between them.

    Examples
    --------
    >>> print(as_text(Said("doubtful", "A is ahead", doubts=("few runs",), notes=("intervals: 200 draws",))))
    A is ahead
      - few runs
    <BLANKLINE>
    intervals: 200 draws
    """
    blocks = ["\n".join([said.headline, *(f"  - {doubt}" for doubt in said.doubts)])]
    for part in said.parts:
        text = part if isinstance(part, str) else table_text(part)
        if text:
            blocks.append(text)
    if said.notes:
        blocks.append("\n".join(said.notes))
    return "\n\n".join(blocks)


def table_text(table: pd.DataFrame) -> str:
    """A table as aligned text; an index of plain numbers is left out."""
    if table.empty:
        return ""
    return table.to_string(index=named_rows(table))


def named_rows(table: pd.DataFrame) -> bool:
    """Whether the rows of a table have names worth showing."""
    return not isinstance(table.index, pd.RangeIndex)
