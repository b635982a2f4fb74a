"""ProtocolComparison: families on several metrics, what was predicted first, and whether all agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.record import Comparison
from scalefit.decisions.comparison.text import ENDLESS, amount
from scalefit.errors import listing
from scalefit.wording.amounts import percent, plain, with_interval
from scalefit.wording.said import Answer, Said, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class ProtocolComparison(Answer):
    """Families compared on several metrics by one protocol, and whether a conclusion follows.

    Made by :func:`scalefit.compare_protocol`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per metric: ``leader`` far beyond the runs and its ``probability``; ``leader_in_runs`` and
        ``probability_in_runs`` at the largest place that runs of all families cover; ``leader_before``, by the fits
        without the points held out; ``gap``, how far the two best lie apart there, as a share; ``error``, the largest
        mean error of any family on its points held out, and ``inside``, the smallest share inside their intervals;
        ``value, multiplier, low, high``: what the second best needs over what the best does; ``decided``.
    held_out : DataFrame
        One row per metric and family: points ``fitted`` and ``held``, the ``cut`` between them, ``factor`` (how far
        past it the largest lies), mean absolute ``error``, ``bias``, and the share ``inside`` intervals of one run.
    comparisons : mapping of metric to Comparison
        Of a share of which more is better, that of one less the share.
    leader : str or None, the family that leads on every metric beyond the runs.
    concluded : bool, whether a conclusion follows: every metric is decided, for the same family.
    families : tuple of str, their names.
    along : str, the quantity along which they are compared.
    largest : float, the largest place of any run on that quantity.
    beyond : float, how many times past it the leader is asked for.
    level : float in (0, 1), of the intervals.
    """

    frame: pd.DataFrame
    held_out: pd.DataFrame
    comparisons: Mapping[str, Comparison]
    leader: str | None
    concluded: bool
    families: tuple[str, ...]
    along: str
    largest: float
    beyond: float
    level: float

    def said(self) -> Said:
        """Whether a conclusion follows, in words; where none does, the answer is doubtful."""
        state: State = "good" if self.concluded else "doubtful"
        if any(one.grave for one in self.comparisons.values()):
            state = "bad"
        return Said(state, headline(self), tuple(doubts(self)), (metrics_table(self), held_table(self)))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Who is ahead on each metric: see :func:`scalefit.plots.comparisons.plot_protocol`."""
        from scalefit.plots.comparisons import plot_protocol

        return plot_protocol(self, ax=ax)


def headline(told: ProtocolComparison) -> str:
    """Whether a conclusion follows, and which."""
    count = len(told.frame)
    on = f"on all {count} metrics" if count > 1 else f"on {told.frame['metric'].iloc[0]}"
    where = f"in the runs and {told.beyond:g} times beyond them"
    if told.concluded:
        least = float(told.frame["probability"].min())
        return f"{told.leader} leads {on}, {where} (in {percent(least)} of draws or more), as predicted by smaller runs"
    if told.leader is not None:
        return f"No conclusion: {told.leader} leads {on} beyond the runs, but not for certain"
    words = [
        f"{row['leader']} on {row['metric']} (in {percent(float(row['probability']))} of draws)"
        for row in told.frame.to_dict("records")
    ]
    return f"No conclusion: metrics disagree on who leads beyond the runs, {listing(words)}"


def doubts(told: ProtocolComparison) -> list[str]:
    """Per metric, why nothing follows from it."""
    out = []
    sure = 0.5 + told.level / 2
    for row in told.frame.to_dict("records"):
        why = []
        if row["probability_in_runs"] < sure:
            share = percent(float(row["probability_in_runs"]))
            why.append(f"{row['leader_in_runs']} is ahead at the end of the runs in {share} of draws only")
        if row["probability"] < sure:
            share = percent(float(row["probability"]))
            why.append(f"{row['leader']} is ahead beyond the runs in {share} of draws only")
        if row["leader"] != row["leader_in_runs"]:
            why.append(f"{row['leader_in_runs']} leads in the runs and {row['leader']} beyond")
        if row["leader_before"] != row["leader"]:
            why.append(f"smaller runs alone name {row['leader_before']}")
        if not row["error"] < row["gap"]:
            why.append(
                f"points held out were missed by {100 * row['error']:.2g} %, and the families lie "
                f"{100 * row['gap']:.2g} % apart"
            )
        why += list(told.comparisons[str(row["metric"])].grave)
        out += [f"{row['metric']}: {reason}" for reason in why]
    return out


def metrics_table(told: ProtocolComparison) -> pd.DataFrame:
    """One row per metric."""
    rows: list[dict[str, Any]] = []
    for row in told.frame.to_dict("records"):
        known = np.isfinite(row["value"]) and np.isfinite(row["multiplier"])
        ends = float(row["multiplier"]), float(row["low"]), float(row["high"])
        times = with_interval(*ends, told.level, infinite=ENDLESS)
        rows.append({
            "metric": row["metric"], "leader beyond": row["leader"], "draws": percent(float(row["probability"])),
            "in the runs": row["leader_in_runs"], "draws ": percent(float(row["probability_in_runs"])),
            "without the largest": row["leader_before"], "gap": f"{100 * row['gap']:.2g} %",
            "speed-up": f"{times} at {plain(float(row['value']))}" if known else "-",
        })  # fmt: skip
    return pd.DataFrame(rows)


def held_table(told: ProtocolComparison) -> pd.DataFrame:
    """One row per metric and family."""
    table = told.held_out
    return pd.DataFrame(
        {
            "held out of": table["metric"],
            "family": table["family"],
            "points": [f"{row['held']} of {row['held'] + row['fitted']}" for row in table.to_dict("records")],
            "past": [amount(float(cut), told.along) for cut in table["cut"]],
            "error": [f"{100 * error:.2g} %" for error in table["error"]],
            "inside": [percent(float(share)) for share in table["inside"]],
        }
    )
