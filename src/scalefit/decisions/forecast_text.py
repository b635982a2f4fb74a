"""A forecast in words: whether to trust it first, then the numbers, then where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.wording.amounts import count_of, digits_for, plain
from scalefit.wording.digits import si
from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.forecast_result import Forecast

#: Points shown; the frame holds them all.
SHOWN = 12


def say(told: Forecast) -> Said:
    """A forecast against which anything speaks is not to be relied on: there is nothing between."""
    state: State = "bad" if told.doubts else "good"
    return Said(state, headline(told), told.doubts, (points(told), _more(told), laws(told)), footnotes(told))


def headline(told: Forecast) -> str:
    """Whether to trust it, and what it is."""
    reasons = count_of(len(told.doubts), "reason")
    status = f"DO NOT RELY ON IT, {reasons} not to trust it:" if told.doubts else "nothing speaks against it"
    what = f"{told.target} of {count_of(len(told.frame), 'run')}"
    laws = count_of(len(told.laws), "law")
    return f"Forecast of {what}, {100 * told.level:g} % intervals from {laws}: {status}"


def points(told: Forecast) -> pd.DataFrame:
    """The points, digits as many as the intervals deserve."""
    frame = told.frame.head(SHOWN)
    inputs = [name for name in frame.columns if name in told.inputs]
    shown = {name: [si(value) for value in frame[name].to_numpy(float)] for name in inputs}
    numbers = frame[["estimate", "low", "high"]].to_numpy(float).tolist()
    for place, name in enumerate(("estimate", "low", "high")):
        shown[name] = [plain(row[place], digits_for(*row)) for row in numbers]
    shown["beyond"] = [f"{factor:.3g}x" for factor in frame.beyond]
    shown["laws apart"] = [f"{100 * share:.1f} %" for share in frame.spread]
    return pd.DataFrame(shown)


def laws(told: Forecast) -> pd.DataFrame:
    """Weights and what each law showed."""
    table = told.laws.sort_values("weight", ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "weight": [f"{100 * weight:.0f} %" for weight in table.weight],
            "back-test error": [_percent(error) for error in table.error],
            "scatter": [_percent(scatter) for scatter in table.scatter],
            "verdict": [verdict.split(":")[0].split(";")[0] for verdict in table.verdict],
        },
        index=table.index,
    )


def footnotes(told: Forecast) -> tuple[str, ...]:
    """How wide and why, and what took no part."""
    cuts = told.test.cut.nunique()
    out = []
    if cuts:
        seen = f"held {100 * told.held:.0f} % of the time over {count_of(cuts, 'cut')} along {told.along}"
        out.append(f"On these runs such intervals {seen}; these span {told.deviations:.2g} deviations on either side.")
    out += [f"{name} took no part: {reason}" for name, reason in told.left_out.items()]
    out += [f"cut {name} skipped: {reason}" for name, reason in told.skipped.items()]
    return (*out, *told.notes)


def _more(told: Forecast) -> str:
    more = len(told.frame) - SHOWN
    return f"and {more} more: see .frame" if more > 0 else ""


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.2g} %" if share < 1 else "over 100 %"
