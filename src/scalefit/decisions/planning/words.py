"""A plan in words: what to train, what it costs, what it brings; or why nothing would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.errors import listing
from scalefit.wording.amounts import count_of
from scalefit.wording.digits import number, si
from scalefit.wording.said import Said, state_of

if TYPE_CHECKING:
    from scalefit.decisions.planning.record import RunPlan

#: Above this half-width a factor says more than a share.
WIDE = 0.3
#: A plan says after which run it has this share of what it gains, where that takes no more than so much of its cost.
MOST, WORTH_SAVING = 0.9, 0.8
#: Points of which what is known now is printed.
MOST_ROWS = 12


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
        f"{subject_of(plan)} is then "
        f"known to {width_text(plan.half_width_after)}, from {width_text(plan.half_width)} now"
    )
    parts = (_table(plan), _most_of_it(plan), _now(plan))
    return Said(state_of(plan.doubts), head, plan.doubts, parts, _notes(plan))


def subject_of(plan: RunPlan) -> str:
    """What becomes certain: the target, in how many families, or the difference where a crossing is not known."""
    target = plan.target
    if not plan.target_known:
        return f"the difference of {listing(target.between or ())} where they may cross along {target.along}"
    each = target.by and target.kind in ("loss", "best_size") and not (target.at is not None and target.by in target.at)
    count = len(plan.request.question.groups)
    return f"{target.text} in each of {count} families" if each and count > 1 else target.text


def _most_of_it(plan: RunPlan) -> str:
    """After which run most is gained, where the rest costs something to speak of."""
    gained = (plan.half_width - plan.frame["half_width"]).to_numpy(float)
    enough = int(np.argmax(gained >= MOST * gained[-1]))
    spent = float(plan.frame["total_cost"].iloc[enough])
    if spent > WORTH_SAVING * plan.spent:
        return ""
    runs = f"the first {enough + 1} of {count_of(len(gained), 'run')}" if enough else "the first run"
    return f"{runs}, for {si(spent)}, {'have' if enough else 'has'} nine tenths of the gain"


def _nothing(plan: RunPlan) -> str:
    """Why no candidate is worth its cost."""
    known = width_text(plan.half_width)
    head = f"Nothing within {si(plan.budget)} would make {subject_of(plan)} much more certain than {known}: "
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
        cells[str(name)] = frame[name].map(cell)
    cells["cost"] = frame["run_cost"].map(si)
    cells["spent"] = frame["total_cost"].map(si)
    cells["then known to"] = frame["half_width"].map(width_text)
    return pd.DataFrame(cells).reset_index(drop=True)


def _now(plan: RunPlan) -> pd.DataFrame | str:
    """What is known now: a line of one row, a table of some."""
    rows = plan.forecast
    if len(rows) > MOST_ROWS:
        return f"now: {len(rows)} rows, see .forecast"
    told = [_interval(plan, row) for _, row in rows.iterrows()]
    if len(rows) == 1:
        estimate, low, high = told[0]
        line = f"now: {estimate} ({100 * plan.level:g} %: {low} to {high})"
        return line if plan.target.kind != "crossover" else f"{line}; {_crossing(plan)}"
    names = [name for name in rows.columns if name not in ("estimate", "low", "high")]
    wanted = [plan.target.by] if plan.target.by in names else []
    named = [*wanted, *(name for name in names if name not in wanted and name in plan.request.contenders[0].law.inputs)]
    cells = {str(name): rows[name].map(cell) for name in named}
    ends = dict(zip(("now", "low", "high"), map(list, zip(*told, strict=True)), strict=True))
    return pd.DataFrame(cells).assign(**ends).reset_index(drop=True)


def _interval(plan: RunPlan, row: pd.Series) -> tuple[str, str, str]:
    if plan.target.kind == "difference":
        estimate, low, high = (f"{100 * row[name]:+.2g} %" for name in ("estimate", "low", "high"))
        return estimate, low, high
    estimate, low, high = (_place(plan, float(row[name])) for name in ("estimate", "low", "high"))
    return estimate, low, high


def _place(plan: RunPlan, value: float) -> str:
    """A number; of a crossing beyond the reach at which end."""
    if np.isfinite(value) and (value > 0 or plan.target.kind != "crossover"):
        return number(value, digits=3 if plan.target.kind in ("crossover", "best_size") else 4)
    low, high = plan.target.reach
    return f"below {si(low)}" if value == 0 else f"beyond {si(high)}"


def _crossing(plan: RunPlan) -> str:
    low, high = plan.target.reach
    return f"they cross between {si(low)} and {si(high)} in {100 * plan.forecast['inside'].iloc[0]:.0f} % of draws"


def cell(value: object) -> str:
    """A value of a table, as it is read."""
    return si(value) if isinstance(value, int | float) else str(value)


def _notes(plan: RunPlan) -> tuple[str, ...]:
    weights = ", ".join(f"{name} {weight:.0%}" for name, weight in plan.laws["weight"].items())
    laws = f"laws: {weights}" if len(plan.laws) > 1 else f"law: {plan.laws.index[0]}"
    return (
        f"{laws}; {count_of(plan.n_runs, 'run')} known; cost: {plan.cost}",
        f"widths are half of {100 * plan.level:g} % intervals of the law's mean, expected from draws; "
        "a new run also scatters",
    )
