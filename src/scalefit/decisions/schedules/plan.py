"""What answers about schedules share: their status, where they come from, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from scalefit.wording.amounts import count_of
from scalefit.wording.said import Answer, Said

#: Cells that say nothing.
UNKNOWN = ("-", "no interval", "an unknown share", "")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Plan(Answer):
    """An answer of a law of training curves about schedules that were not run.

    Attributes
    ----------
    frame : DataFrame, the numbers.
    level : float in (0, 1), of the intervals.
    law : str
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    source : str, where the intervals come from.
    """

    frame: pd.DataFrame
    level: float
    law: str
    doubts: tuple[str, ...]
    source: str

    def _told(self, sentence: str, table: pd.DataFrame, notes: Sequence[str]) -> Said:
        """The answer, and before it whether to rely on it: there is nothing between."""
        table = table[[name for name in table.columns if not table[name].isin(UNKNOWN).all()]]
        if not self.doubts:
            return Said("good", sentence, (), (table,), tuple(notes))
        status = f"DO NOT RELY ON IT, {count_of(len(self.doubts), 'reason')} below."
        return Said("bad", f"{status} {sentence}", self.doubts, (table,), tuple(notes))
