"""Numbers and sentences that isoFLOP answers share."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from scalefit.errors import DataError, not_one_of
from scalefit.wording.amounts import count_of, with_interval


def intervals(frame: pd.DataFrame, name: str, level: float) -> list[str]:
    """Each row's estimate with the interval of ``name_low`` and ``name_high``."""
    rows = frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(float).tolist()
    return [with_interval(row[0], row[1], row[2], level) for row in rows]


def trust_in(doubts: Sequence[str]) -> str:
    """Whether to rely on an exponent: an end of its sentence."""
    return f": DO NOT RELY ON IT, {count_of(len(doubts), 'reason')} below" if doubts else ", nothing speaks against it"


def check_kind(kind: str) -> str:
    """What is to be drawn, or an error that lists the choices."""
    kinds = ("curves", "params", "tokens")
    if kind not in kinds:
        raise DataError(not_one_of("kind", kind, kinds))
    return kind
