"""Runs far above the curve of their budget, as one that diverged is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.budgets import Budget
from scalefit.decisions.isoflop.vertices import Floats, Mask
from scalefit.errors import rows_text
from scalefit.wording.amounts import plain

#: A run this share above its neighbours may have diverged, if their scatter does not explain it.
LEAST_EXCESS = 0.1
#: So many standard deviations of the scatter.
SIGMAS = 6.0
#: No power of size by which a loss rises to the sides of a valley is larger; that of Chinchilla is below 0.4.
STEEPEST = 0.6
#: So many times steeper than the sides of the valleys usually are.
TIMES_STEEPER = 6.0
#: So many runs are told with their size and value; of more the rows only.
TOLD = 3


def diverged_doubt(budgets: Sequence[Budget], target: str) -> tuple[str, ...]:
    """One sentence that names the runs far above the curve of their budget; none where there are none."""
    found = _diverged(budgets)
    if not len(found):
        return ()
    rows = found.row.tolist()
    which = rows_text(rows, shown=8)
    worst = found.sort_values("loss", ascending=False).iloc[:TOLD]
    numbers = worst[["loss", "x", "flops"]].to_numpy(float)
    shown = ", ".join(
        f"{loss:.4g} at {plain(math.exp(x), 4)} parameters and {flops:.4g} FLOP" for loss, x, flops in numbers
    )
    one = len(found) == 1
    return (
        f"{which} {'has a' if one else 'have a'} {target} far above the neighbouring sizes of "
        f"{'its' if one else 'their'} budget ({shown}{', …' if len(found) > TOLD else ''}), as a run that diverged "
        f"has: look at {'it' if one else 'them'}, and leave {'it' if one else 'them'} out with "
        f"runs.drop(index={_index_text(rows)})",
    )


def _index_text(rows: list[object]) -> str:
    return f"[{', '.join(repr(row) for row in rows[:20])}{', …' if len(rows) > 20 else ''}]"


def _diverged(budgets: Sequence[Budget]) -> pd.DataFrame:
    """``flops, row, x, loss`` of the runs that stand out; only where every value is positive."""
    usable = [one for one in budgets if (one.rows["loss"] > 0).all()]
    curves = [(one.rows["x"].to_numpy(float), np.log(one.rows["loss"].to_numpy(float))) for one in usable]
    least = max(math.log1p(LEAST_EXCESS), SIGMAS * _scatter(curves))
    usual = [_steepness(x, y) for x, y in curves]
    steep = max(STEEPEST, TIMES_STEEPER * float(np.median(usual))) if usual else STEEPEST
    parts = []
    for one, (x, y) in zip(usable, curves, strict=True):
        out = _above_both_sides(x, y, least)
        for side in (1.0, -1.0):
            out |= _past_a_jump(side * x, y, ~out, least, steep)
        parts.append(one.rows[out].assign(flops=one.flops))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _above_both_sides(x: Floats, y: Floats, least: float) -> Mask:
    """Rows above a smaller and a larger size, or a repeat: on no valley is there such a row, whatever its shape."""

    def lowest(where: Mask) -> Floats:
        found: Floats = np.where(where, y, np.inf).min(axis=1)
        return found

    away = x - x[:, None]
    same = (away == 0) & ~np.eye(len(x), dtype=bool)
    base = np.minimum(np.maximum(lowest(away < 0), lowest(away > 0)), lowest(same))
    out: Mask = y - base > least
    return out


def _past_a_jump(x: Floats, y: Floats, good: Mask, least: float, steep: float) -> Mask:
    """Rows to the right of the lowest from the first step on that is too high and too steep for the side of a valley.

    A size at the end has nothing beyond it, so only the height of the step tells.
    """
    out = np.zeros(len(x), dtype=bool)
    places = np.flatnonzero(good)
    places = places[np.argsort(x[places], kind="stable")]
    lowest = int(np.argmin(y[places]))
    for before, at in zip(places[lowest:-1], places[lowest + 1 :], strict=True):
        rise = y[at] - y[before]
        if rise > max(least, steep * (x[at] - x[before])):
            out[good & (x >= x[at]) & (y >= y[at] - least)] = True
            break
    return out


def _steepness(x: Floats, y: Floats) -> float:
    """The usual slope from the lowest row to the others."""
    lowest = int(np.argmin(y))
    away = np.abs(x - x[lowest])
    other = away > 0
    return float(np.median((y[other] - y[lowest]) / away[other])) if other.any() else 0.0


def _scatter(curves: Sequence[tuple[Floats, Floats]]) -> float:
    """Standard deviation of single runs about the line between their neighbours, whatever a few of them do."""
    parts = []
    for x, y in curves:
        width = x[2:] - x[:-2]
        share = np.where(width > 0, (x[1:-1] - x[:-2]) / np.where(width > 0, width, 1.0), 0.5)
        away = y[1:-1] - (1 - share) * y[:-2] - share * y[2:]
        parts.append(np.abs(away) / np.sqrt(1 + share**2 + (1 - share) ** 2))
    pooled = np.concatenate(parts) if parts else np.empty(0)
    return 1.4826 * float(np.median(pooled)) if len(pooled) else 0.0
