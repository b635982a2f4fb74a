"""Answers about schedules in words: numbers with their ends, and the status that comes first."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd


def digits(value: float, width: float) -> str:
    """A number to a twentieth of its interval; to six digits where that is not known."""
    if not (np.isfinite(value) and np.isfinite(width) and width > 0):
        return f"{value:.6g}" if np.isfinite(value) else "unknown"
    return f"{value:.{int(np.clip(np.ceil(-np.log10(width / 20)), 0, 12))}f}"


def with_ends(value: float, low: float, high: float, level: float) -> str:
    """Such as ``2.795 (90 %: 2.790 to 2.801)``; without ends that are not known."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return digits(value, np.nan)
    return f"{digits(value, high - low)} ({100 * level:g} %: {span(low, high)})"


def span(low: float, high: float) -> str:
    """Such as ``2.790 to 2.801``."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "unknown"
    return f"{digits(low, high - low)} to {digits(high, high - low)}"


def percent(share: float) -> str:
    """Such as ``87 %``; never all or nothing, unless it is."""
    if not np.isfinite(share):
        return "unknown"
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


def with_status(sentence: str, doubts: Sequence[str]) -> str:
    """The answer, and before it whether to rely on it."""
    if not doubts:
        return sentence
    count = len(doubts)
    return f"DO NOT RELY ON IT, {count} reason{'s' if count > 1 else ''} below. {sentence}"


def without_unknown(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of which something is known."""
    kept = [name for name in table.columns if not table[name].isin(["unknown", "unknown to unknown", ""]).all()]
    return table[kept]


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows with a field a column, and ``Index``."""
    yield from frame.itertuples()


def as_text(headline: str, doubts: Sequence[str], table: pd.DataFrame, notes: Sequence[str]) -> str:
    """Plain text: the answer, the doubts, the numbers, where they come from."""
    lines = [f"  - {doubt}" for doubt in doubts]
    parts = [headline, *lines, "", without_unknown(table).to_string(index=False), "", *notes]
    return "\n".join(parts)


def as_html(headline: str, doubts: Sequence[str], table: pd.DataFrame, notes: Sequence[str]) -> str:
    """For a notebook."""
    listed = "".join(f"<li>{html.escape(doubt)}</li>" for doubt in doubts)
    foot = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return (
        f"<p><b>{html.escape(headline)}</b></p>{f'<ul>{listed}</ul>' if listed else ''}"
        f"{without_unknown(table).to_html(index=False, escape=True)}{foot}"
    )
