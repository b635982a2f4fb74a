"""How predictions did: errors, coverage and the score of intervals, averaged so that runs and cuts count, not rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

#: Measures that are averaged over the rows of a run, then over runs, then over cuts.
AVERAGED = ("error", "bias", "coverage", "half_width", "interval_score")


def errors_of_rows(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    """The frame of a back-test with what each row shows, all relative to what was seen.

    ``relative`` is predicted over seen less one, ``relative_low`` and ``relative_high`` the same for the ends of the
    interval, ``held`` whether the interval holds what was seen, and ``interval_score`` that of Winkler (1972; Gneiting
    and Raftery 2007, "Strictly proper scoring rules, prediction, and estimation", JASA 102, 359, eq. 43): the width of
    the interval, and ``2 / (1 - level)`` times the distance of what was seen from it. It is least, on average, where
    the ends are the true quantiles, so it pays neither to be too narrow nor too wide.
    """
    size = frame["observed"].abs()
    low, high, seen = frame["low"], frame["high"], frame["observed"]
    missed = (low - seen).clip(lower=0) + (seen - high).clip(lower=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return frame.assign(
            relative=(frame["estimate"] - seen) / size,
            relative_low=(low - seen) / size,
            relative_high=(high - seen) / size,
            held=(low <= seen) & (seen <= high),
            half_width=(high - low) / 2 / frame["estimate"].abs(),
            interval_score=(high - low + 2 / (1 - level) * missed) / size,
        )


def measures_of(rows: pd.DataFrame) -> dict[str, float]:
    """The averages of one cut, each run counting the same, from :func:`errors_of_rows`."""
    values = pd.DataFrame(
        {
            "error": rows["relative"].abs(),
            "bias": rows["relative"],
            "coverage": rows["held"].astype(float),
            "half_width": rows["half_width"],
            "interval_score": rows["interval_score"],
        }
    )
    if "run" in rows:
        values = values.groupby(rows["run"].to_numpy()).mean()
    return {name: float(values[name].mean()) for name in AVERAGED}


def same_sign(rows: pd.DataFrame) -> float:
    """The share of the errors of one cut that have the sign of most of them."""
    above = float((rows["relative"] > 0).mean())
    return max(above, 1 - above)


def overall(rows: pd.DataFrame, summary: pd.DataFrame, cuts: Sequence[Any]) -> dict[str, float]:
    """The averages over cuts, each cut counting the same, and how much evidence there is."""
    runs = rows["run"] if "run" in rows else rows["row"]
    return {
        **{name: float(summary[name].mean()) for name in AVERAGED},
        "same_sign": float(np.mean([same_sign(rows[rows["cut"] == cut]) for cut in cuts])),
        "largest_factor": float(summary["largest_factor"].max()),
        "n_cuts": len(summary),
        "n_runs": int(runs.nunique()),
        "n_points": len(rows),
    }
