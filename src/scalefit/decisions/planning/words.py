"""A plan in words: what to train, what it costs, what it brings; or why nothing would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.wording.amounts import count_of
from scalefit.wording.digits import number, si
from scalefit.wording.said import Said, state_of

if TYPE_CHECKING:
    from scalefit.decisions.planning.record import RunPlan

#: Above this half-width a factor says more than a share.
WIDE = 0.3


def width_text(half: float) -> str:
    """Half of an interval on the log scale.

    Examples
    --------
    >>> width_text(0.0213), width_text(0.7)
    ('±2.1 %', 'a factor of 2')
    """
    if half < WIDE:
        return f"±{number(100 * half, digits=2)} %"
    return f"a factor of {number(float(np.exp(half)), digits=2)}"


def say_plan(plan: RunPlan) -> Said:
    """The headline, the runs, and what is known now."""
    if not plan.helps:
        return Said("bad", _nothing(plan), plan.doubts, (_now(plan),), _notes(plan))
    head = (
        f"Train {count_of(len(plan.frame), 'run')} for {si(plan.spent)} of {si(plan.budget)}: "
        f"{plan.target.text} is then "
        f"known to {width_text(plan.half_width_after)}, from {width_text(plan.half_width)} now"
    )
    return Said(state_of(plan.doubts), head, plan.doubts, (_table(plan), _now(plan)), _notes(plan))


def _nothing(plan: RunPlan) -> str:
    """Why no candidate is worth its cost."""
    known = width_text(plan.half_width)
    head = f"Nothing within {si(plan.budget)} would make {plan.target.text} much more certain than {known}: "
    cheapest = float(plan.candidates["run_cost"].min()) if len(plan.candidates) else float("inf")
    if not np.isfinite(cheapest):
        return head + "every candidate is trained"
    if cheapest > plan.budget * (1 + 1e-12):
        return head + f"the cheapest candidate costs {si(cheapest)}"
    if plan.limit > 0.95 * plan.half_width:
        return head + (
            f"even all {count_of(len(plan.candidates), 'candidate')} would leave it at {width_text(plan.limit)}; "
            "candidates nearer to the target would tell more"
        )
    return head + (
        f"what helps is dearer; all {count_of(len(plan.candidates), 'candidate')} together, for "
        f"{si(float(plan.candidates['run_cost'].sum()))}, would bring {width_text(plan.limit)}"
    )


def _table(plan: RunPlan) -> pd.DataFrame:
    frame = plan.frame
    rest = [name for name in frame.columns if name not in ("rank", "run_cost", "total_cost", "half_width")]
    rest = [name for name in rest if not frame[name].equals(frame["run_cost"].rename(name))]
    cells = {"rank": frame["rank"].astype(str)}
    for name in rest:
        cells[str(name)] = frame[name].map(lambda value: si(value) if isinstance(value, int | float) else str(value))
    cells["cost"] = frame["run_cost"].map(si)
    cells["spent"] = frame["total_cost"].map(si)
    cells["then known to"] = frame["half_width"].map(width_text)
    return pd.DataFrame(cells).reset_index(drop=True)


def _now(plan: RunPlan) -> str:
    rows = plan.forecast
    if len(rows) > 1:
        return ""
    row = rows.iloc[0]
    if plan.target.kind == "difference":
        told = (f"{100 * row[name]:+.2g} %" for name in ("estimate", "low", "high"))
    else:
        told = (number(row[name], digits=4) for name in ("estimate", "low", "high"))
    estimate, low, high = told
    return f"now: {estimate} ({100 * plan.level:g} %: {low} to {high})"


def _notes(plan: RunPlan) -> tuple[str, ...]:
    weights = ", ".join(f"{name} {weight:.0%}" for name, weight in plan.laws["weight"].items())
    laws = f"laws: {weights}" if len(plan.laws) > 1 else f"law: {plan.laws.index[0]}"
    return (
        f"{laws}; {count_of(plan.n_runs, 'run')} known; cost: {plan.cost}",
        f"widths are half of {100 * plan.level:g} % intervals of the law's mean, expected from draws; "
        "a new run also scatters",
    )
