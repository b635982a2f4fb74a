"""Numbers and sentences that isoFLOP answers share."""

from __future__ import annotations

import math

import pandas as pd

from scalefit.errors import DataError, not_one_of
from scalefit.wording.digits import number


def with_interval(estimate: float, low: float, high: float, level: float) -> str:
    """Such as ``7.3e10 (90 %: 3.1e10 to 1.2e11)``: two digits of the interval's half-width."""
    if not all(map(math.isfinite, (estimate, low, high))):
        return plain(estimate, math.nan)
    width = (high - low) / 2
    ends = f"{plain(low, width)} to {plain(high, width)}"
    return f"{plain(estimate, width)} ({100 * level:g} %: {ends})"


def intervals(frame: pd.DataFrame, name: str, level: float) -> list[str]:
    """Each row's estimate with the interval of ``name_low`` and ``name_high``."""
    numbers = frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(float)
    return [with_interval(float(row[0]), float(row[1]), float(row[2]), level) for row in numbers]


def plain(value: float, width: float) -> str:
    """A number with as many digits as its error deserves, between two and six; four where it is not known."""
    if not math.isfinite(value):
        return "?"
    if value == 0 or not math.isfinite(width):
        return number(value, digits=4)
    share = width / abs(value)
    digits = 6 if share <= 0 else min(max(2 - math.floor(math.log10(share)) - 1, 2), 6)
    return number(value, digits=digits)


def count_of(number: int, thing: str) -> str:
    """``1 budget``, ``2 budgets``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def check_kind(kind: str) -> str:
    """What is to be drawn, or an error that lists the choices."""
    kinds = ("curves", "params", "tokens")
    if kind not in kinds:
        raise DataError(not_one_of("kind", kind, kinds))
    return kind
