"""Losses and what separates them in words: digits as many as their intervals deserve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from scalefit.wording import amounts

#: Digits of a loss whose interval is not known: enough to tell schedules apart.
DIGITS = 6


def loss(value: float, low: float, high: float) -> str:
    """A number rounded as its interval asks.

    Examples
    --------
    >>> loss(2.79512, 2.7902, 2.8011), loss(2.79512321, float("nan"), float("nan"))
    ('2.7951', '2.79512')
    """
    known = math.isfinite(low) and math.isfinite(high) and not amounts.alike(low, high)
    return amounts.plain(value, amounts.digits_for(value, low, high) if known else DIGITS)


def with_interval(value: float, low: float, high: float, level: float) -> str:
    """The same with its ends; alone where these are not known.

    Examples
    --------
    >>> with_interval(2.79512, 2.7902, 2.8011, 0.9)
    '2.7951 (90 %: 2.7902 to 2.8011)'
    """
    if math.isnan(low) or math.isnan(high) or amounts.alike(low, high):
        return loss(value, low, high)
    return amounts.with_interval(value, low, high, level)


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows with a field a column, and ``Index``."""
    yield from frame.itertuples()
