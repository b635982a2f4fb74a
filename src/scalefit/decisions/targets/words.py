"""Answers about scales in words: whether to believe them, then the answer as a sentence, then the numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import listing
from scalefit.quantities import QUANTITIES
from scalefit.wording.amounts import count_of, digits_for, percent, plain, with_interval
from scalefit.wording.digits import number
from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.targets.records import Saturation, ScaleRecord, TargetScale

#: Estimates further past the data than this are said to be extrapolated.
_FAR = 10.0
#: Where more than this share of draws agrees, what the others say is left to the table.
_ALL = 0.995

Row = Mapping[Hashable, Any]


def say_target(told: TargetScale) -> Said:
    """One value as a sentence; several as a line and a table."""
    rows = told.frame.to_dict("records")
    if len(rows) == 1:
        return _said(told, _target_sentence(told, rows[0]))
    said = _places_text(told, [(number(row["value"], digits=5), row) for row in rows])
    return _said(told, f"{told.target} reaches {said}{_route(told)}.", _table(told, "value"))


def say_saturation(told: Saturation) -> Said:
    """One threshold as a sentence; several as a line and a table."""
    rows = told.frame.to_dict("records")
    if len(rows) == 1:
        sentence = _saturation_sentence(told, rows[0])
        return _said(told, sentence if told.doubts or told.verdict else sentence[0].upper() + sentence[1:])
    said = _places_text(told, [(threshold_text(told, row["threshold"]), row) for row in rows])
    side = "below its ceiling" if told.grows else "above its floor"
    first = f"What is left of {told.target} {side} falls to {said}" if told.kind == "remaining" else _state(told, said)
    return _said(told, f"{first}{_route(told)}.", _table(told, "threshold"))


def _said(told: ScaleRecord, sentence: str, *tables: pd.DataFrame) -> Said:
    """Not to be relied on where the fit is not; doubtful where anything else speaks against it."""
    state: State = "doubtful" if _far(told) or told.doubts else "good"
    if told.verdict:
        state = "bad"
    return Said(state, _status(told) + sentence, told.doubts, tables, _footnotes(told))


def _far(told: ScaleRecord) -> bool:
    return bool((told.frame["beyond"] > _FAR).any())


def limit_word(told: ScaleRecord) -> str:
    """What the law approaches."""
    return "ceiling" if told.grows else "floor"


def threshold_text(told: Saturation, threshold: float) -> str:
    """A threshold as a share, or in the unit of the target."""
    if told.relative:
        return f"{number(100 * threshold, digits=3)} %"
    unit = QUANTITIES[told.target].unit if told.target in QUANTITIES else ""
    return f"{number(threshold, digits=3)} {unit}".rstrip()


def _target_sentence(told: TargetScale, row: Row) -> str:
    what = f"{told.target} {number(row['value'], digits=5)}"
    if row["where"] == "before":
        first = _amount(told, told.ends[0])
        return f"{what} is already reached at {first}, the smallest looked at{_route(told)}; {_already(row)}."
    if row["where"] == "nowhere":
        past = (told.limit[0] - row["value"]) * (-1 if told.grows else 1) >= -1e-9 * abs(row["value"])
        why = (
            f"is not reachable: {_limit_text(told)}" if past else f"is not reached up to {_amount(told, told.ends[1])}"
        )
        return f"{what} {why}{_route(told)}; {_chance_text(told, row)}."
    miss = 1 - row["probability"]
    tail = ""
    if miss > 1 - _ALL:
        side = "above the ceiling" if told.grows else "below the floor"
        why = f"never, for it lies {side}" if row["unreachable"] >= miss - 1e-9 else _not_up_to(told)
        tail = f"; in {percent(miss)} of draws {why}"
    return f"{what} is reached at {_estimate(told, row)} ({_interval_text(told, row)}){_route(told)}{_past(row)}{tail}."


def _saturation_sentence(told: Saturation, row: Row) -> str:
    state = _state(told, threshold_text(told, row["threshold"]))
    if row["where"] == "before":
        first = _amount(told, told.ends[0])
        return f"already at {first}, the smallest looked at{_route(told)}, {state}; {_already(row)}."
    if row["where"] == "nowhere":
        return _never_saturates(told, row, state)
    miss = 1 - row["probability"]
    tail = f"; in {percent(miss)} of draws {_not_up_to(told)}" if miss > 1 - _ALL else ""
    there = f" ({told.target} there: {number(row['value'], digits=4)})"
    scale = f"{_estimate(told, row)} on ({_interval_text(told, row)})"
    return f"from {scale}{_route(told)}, {state}{there}{_past(row)}{tail}."


def _never_saturates(told: Saturation, row: Row, state: str) -> str:
    limit = limit_word(told)
    if told.kind == "remaining" and np.isnan(told.limit[0]):
        why = f"{told.law} does not come to rest, so what is left of {told.target} to gain is not known"
        return f"{why}; gain=… asks what more scale brings."
    if told.kind == "remaining" and told.relative and told.limit[0] == 0:
        why = f"{told.target} has a {limit} of zero in {told.law}, beside which nothing left is small"
        return f"{why}; gain=… asks what more scale brings."
    return f"nowhere up to {_amount(told, told.ends[1])}{_route(told)}: {state}; {_chance_text(told, row)}."


def _state(told: Saturation, thresholds: str) -> str:
    """What holds from the scale on."""
    if told.kind == "remaining":
        return f"{told.target} is within {thresholds} of its {limit_word(told)}"
    verb = "raise" if told.grows else "lower"
    return f"{number(told.per, digits=3)} times the {told.along} {verb} {told.target} by at most {thresholds}"


def _places_text(told: ScaleRecord, named: list[tuple[str, Row]]) -> str:
    """Which of several answers lie where: ``1.6 and 1.4 within the runs fitted, 1 beyond them and 0.5 nowhere``."""
    words = {
        "before": f"already at {_amount(told, told.ends[0])}, the smallest looked at",
        "data": "within the runs fitted",
        "beyond": "beyond the runs fitted",
        "nowhere": f"nowhere up to {_amount(told, told.ends[1])}",
    }
    parts = []
    for where, text in words.items():
        here = [name for name, row in named if row["where"] == where]
        if here:
            parts.append(f"{listing(here)} {text}")
    return "; ".join(parts)


def _status(told: ScaleRecord) -> str:
    """Whether to believe it; what no reader of the first line alone may miss stands there itself."""
    if told.verdict:
        return f"DO NOT RELY ON IT, {told.law} is {told.verdict.rstrip('.')}: "
    if not told.doubts:
        return ""
    pooled = " (families fitted as one)" * any("fitted as if they were one" in doubt for doubt in told.doubts)
    return f"With {count_of(len(told.doubts), 'doubt')}{pooled}: "


def _table(told: ScaleRecord, first: str) -> pd.DataFrame:
    """One row a value or threshold, digits as many as the intervals deserve."""
    rows = told.frame.to_dict("records")
    return pd.DataFrame(
        {
            first: [number(row[first], digits=5) for row in rows],
            told.along: [_estimate(told, row, unit=False) for row in rows],
            f"{100 * told.level:g} % interval": [_interval(told, row) for row in rows],
            "draws": ["-" if np.isnan(row["probability"]) else percent(row["probability"]) for row in rows],
            "where": [
                f"beyond, {number(row['beyond'], digits=2)} times" if row["where"] == "beyond" else row["where"]
                for row in rows
            ],
        }
    )


def _footnotes(told: ScaleRecord) -> tuple[str, ...]:
    out = []
    if not np.isnan(told.limit[0]):
        out.append(_limit_note(told))
    if _far(told):
        out.append("so far past the runs the interval of one law is too narrow: see sf.backtest, and ask other laws")
    return (*out, f"intervals: {told.source}", *told.notes)


def _chance_text(told: ScaleRecord, row: Row) -> str:
    """What draws say where the estimate never gets there."""
    chance = row["probability"]
    if np.isnan(chance):
        return "there are no draws to say how sure that is"
    if chance == 0:
        return "nor in any draw"
    if np.isinf(row["low"]):
        return f"in {percent(chance)} of draws it is"
    early = percent(0.5 - told.level / 2)
    return f"in {percent(chance)} of draws it is, in {early} by {_amount(told, row['low'])}"


def _already(row: Row) -> str:
    if np.isnan(row["already"]):
        return "there are no draws to say how sure that is"
    return "in all draws" if row["already"] == 1 else f"in {percent(row['already'])} of draws"


def _not_up_to(told: ScaleRecord) -> str:
    return f"not up to {_amount(told, told.ends[1])}"


def _past(row: Row) -> str:
    return f", {number(row['beyond'], digits=2)} times past the runs fitted" if row["beyond"] > _FAR else ""


def _route(told: ScaleRecord) -> str:
    return f", {told.route}" if told.route else ""


def _limit_note(told: ScaleRecord) -> str:
    """What the law approaches, or that it has no floor."""
    if _has_limit(told):
        return f"{limit_word(told)} of {told.target}: {_limit(told)}"
    draws = f" ({100 * told.level:g} %: to {number(told.limit[2], digits=2)})" if told.limit[2] > 0 else ""
    return f"no floor: {told.target} falls towards 0{draws}"


def _limit_text(told: ScaleRecord) -> str:
    """The same inside a sentence."""
    if _has_limit(told):
        return f"the {limit_word(told)} of {told.law} is {_limit(told)}"
    return f"{told.law} falls towards 0"


def _has_limit(told: ScaleRecord) -> bool:
    return told.grows or told.limit[0] != 0


def _limit(told: ScaleRecord) -> str:
    estimate, low, high = told.limit
    return plain(estimate, 4) if np.isnan(low) else with_interval(estimate, low, high, told.level)


def _estimate(told: ScaleRecord, row: Row, *, unit: bool = True) -> str:
    if not np.isfinite(row["estimate"]):
        return "never"
    if row["where"] == "before":
        return f"up to {number(row['estimate'], digits=3)}"
    text = plain(row["estimate"], digits_for(row["estimate"], row["low"], row["high"]))
    return _with_unit(told, text) if unit else text


def _interval_text(told: ScaleRecord, row: Row) -> str:
    return f"{100 * told.level:g} %: {_interval(told, row)}"


def _interval(told: ScaleRecord, row: Row) -> str:
    """From an end that may lie before the smallest scale to one that may lie nowhere."""
    low, high, first = row["low"], row["high"], told.ends[0] * (1 + 1e-12)
    if np.isnan(low):
        return "not known"
    if np.isinf(low):
        return "never"
    digits = digits_for(row["estimate"], low, high)
    if high <= first:
        return f"below {number(high, digits=3)}"
    start = f"below {number(low, digits=3)}" if low <= first else plain(low, digits)
    return f"{start} to {plain(high, digits, infinite='never')}"


def _amount(told: ScaleRecord, value: float) -> str:
    return _with_unit(told, number(value, digits=3))


def _with_unit(told: ScaleRecord, text: str) -> str:
    """A scale with its unit; an unknown quantity is named."""
    unit = QUANTITIES[told.along].unit if told.along in QUANTITIES else ""
    return f"{text} {unit}" if unit else f"{told.along} = {text}"
