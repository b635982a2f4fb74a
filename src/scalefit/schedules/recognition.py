"""Which schedule a log's learning rates follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError, ScalefitError, listing
from scalefit.schedules import fits
from scalefit.schedules.candidates import ROUND_ENDS, Candidate, each_candidate, thinned
from scalefit.schedules.logs import Log, read_columns, read_log
from scalefit.schedules.phases import Phases, find_phases, first_rise, rounding, stretches
from scalefit.schedules.remarks import remarks_on
from scalefit.schedules.shapes import FALLS, ScheduleShape, percent

Floats = npt.NDArray[np.float64]
#: A form that is further from the log than this share of the peak is not the log's.
FURTHEST = 5e-3
#: What arithmetic in single precision may do to a rate, as a share of the peak.
_SINGLE = 1e-6
#: A form that is as near as this to so many rows more than it has numbers is the one: no other need be tried.
_EXACT, _MANY = 1e-7, 5
#: A form passes through a few rows if it is as near as this.
_THROUGH = 1e-4
#: Fewer rows in a decay than this are few.
_FEW = 6
#: Of forms that are equally near, the first of these is taken.
_SIMPLEST = ("constant", "multistep", "linear", "cosine", "exp", "1-sqrt", "inverse_sqrt")


def recognize_schedule(
    frame: Any, *, columns: Mapping[str, str] | None = None, steps: int | None = None
) -> ScheduleShape:
    """Tell which learning-rate schedule a run followed from the rates that it logged.

    The log may be sparse and uneven, and it may stop before its schedule ends. The closed form of the result gives
    the rates that were not logged; ``deviation`` says how far it is from those that were.

    Parameters
    ----------
    frame : table
        Columns ``step`` (whole numbers, >= 0, in any order) and ``lr`` (>= 0) of one run. Rows without a rate are left
        out, and that is said.
    columns : mapping of ``"step"``, ``"lr"`` or ``"run"`` to a column, optional
        Where a column has another name; the usual ones, such as ``learning_rate``, are known.
    steps : int, optional
        The last step of the run, if the log stops before it. It decides where a linear decay ends, which its
        beginning does not show.

    Returns
    -------
    ScheduleShape
        ``kind`` is ``"unknown"`` where no form is within half a percent of the peak, or the rate rises again; the
        notes then say why.

    Raises
    ------
    ColumnError
        If there is no step or no rate.
    DataError
        If the table has several runs, no rates, or rates of nothing but zero; if a step has two rates, which usually
        means that a resumed run repeats some steps.

    Examples
    --------
    >>> from scalefit.schedules import Schedule
    >>> plan = Schedule.cosine(steps=10_000, peak=3e-4, warmup=500, end=3e-5)
    >>> steps = range(0, 10_001, 100)
    >>> print(recognize_schedule({"step": steps, "lr": plan.rates[steps]}))
    The rate rises to 0.0003 in 500 steps and falls as a cosine to 3e-05 at step 10,000.
      101 logged rates, steps 0 to 10,000: none is further than 1e-06 % of the peak from the closed form
      9,900 of its 10,001 steps are not in the log; .schedule() takes their rates from the closed form
    """
    table = read_columns(frame, asker="recognize_schedule", columns=columns).single()
    return recognize_log(read_log(table, skip_missing=True), steps=steps)


def recognize_schedules(runs: Any, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Tell which learning-rate schedule each run of a table followed.

    Parameters
    ----------
    runs : table
        Columns ``run``, ``step`` and ``lr``; without ``run`` all rows are one run.
    columns : mapping of ``"step"``, ``"lr"`` or ``"run"`` to a column, optional
        Where a column has another name.

    Returns
    -------
    DataFrame
        One row a run, indexed by ``run`` in the order of the table: the fields of :class:`ScheduleShape`, and
        ``mismatch``: how the schedule's end differs from the run's, if it does. A run whose log cannot be used is
        ``"unknown"``, and its notes say why.

    Raises
    ------
    ColumnError
        If there is no step or no rate.

    Examples
    --------
    >>> runs = {"run": ["a"] * 3 + ["b"] * 3, "step": [0, 1, 2] * 2, "lr": [0.2, 0.2, 0.2, 0.4, 0.2, 0.0]}
    >>> recognize_schedules(runs)[["kind", "peak", "steps"]]
             kind  peak  steps
    run
    a    constant   0.2      2
    b      linear   0.4      2
    """
    names, rows = [], []
    for name, table in read_columns(runs, asker="recognize_schedules", columns=columns).each_run():
        try:
            shape = recognize_log(read_log(table, skip_missing=True))
        except ScalefitError as error:
            shape = ScheduleShape(kind="unknown", steps=0, peak=np.nan, end=np.nan, notes=(str(error),))
        names.append(name)
        rows.append({field: getattr(shape, field) for field in _FIELDS} | {"mismatch": shape.mismatch()})
    found = pd.DataFrame(rows, index=pd.Index(names, name="run", dtype=object), columns=[*_FIELDS, "mismatch"])
    return found.astype({"decay_start": "Int64", "decay_end": "Int64", "finished": "boolean"})


_FIELDS = (
    "kind", "steps", "peak", "end", "warmup", "start", "shape", "decay_start", "decay_end", "milestones", "values",
    "rows", "first_logged", "last_logged", "finished", "end_between", "deviation", "notes",
)  # fmt: skip


def recognize_log(log: Log, *, steps: int | None = None) -> ScheduleShape:
    """Tell which schedule a log that has been read follows.

    Parameters
    ----------
    log : Log
        One run.
    steps : int, optional
        The last step of the run.

    Raises
    ------
    DataError
        If every rate is 0, or ``steps`` lies before the log's last.
    """
    if not log.rates.any():
        raise DataError(
            "recognize_schedule: every rate is 0. Either the column does not hold the learning rate, or it was rounded "
            "when the log was written: write more digits."
        )
    if steps is not None and steps < log.steps[-1]:
        raise DataError(f"recognize_schedule: steps={steps:,} lies before the log's last step, {log.steps[-1]:,}.")
    # A power of two leaves the digits of the rates as they are, and squares of any rate finite.
    scale = float(2.0 ** np.floor(np.log2(log.rates.max())))
    with np.errstate(all="ignore"):  # a form far from the log may overflow, and then loses
        slack = rounding(log.rates) / scale
        shape = _recognize(Log(log.steps, log.rates / scale, log.notes), slack, steps)
    return shape.times(scale)


def _recognize(log: Log, slack: Floats, steps: int | None) -> ScheduleShape:
    phases = find_phases(log, slack)
    why = _why_not(phases)
    if why:
        return _unknown(log, phases, why)
    chosen, notes, judged = _fit(phases, steps)
    if chosen is None:
        return _unknown(log, phases, _two_parts(log, phases) or _closest(phases, judged))
    shape = chosen.shape
    if shape.finished is False and shape.shape == "cosine":
        shape = _early_stop(phases, chosen)
    deviation = float(np.abs(shape.rates_at(phases.steps) - phases.rates).max()) / shape.peak
    notes = (*log.notes, *chosen.notes, *notes, *remarks_on(log, phases, shape))
    return replace(shape, **_seen(log), deviation=deviation, notes=notes)


def _fit(phases: Phases, steps: int | None) -> tuple[Candidate | None, tuple[str, ...], list[tuple[Candidate, float]]]:
    """The form that the rates follow, if any, what to say about it, and all that were tried with their distances."""
    judged = []
    for candidate in each_candidate(phases, steps=steps):
        judged.append((candidate, _distance(phases, candidate.shape)))
        if judged[-1][1] <= _EXACT and candidate.spare >= _MANY:
            break
    return *_choose(phases, judged), judged


def _choose(phases: Phases, judged: list[tuple[Candidate, float]]) -> tuple[Candidate | None, tuple[str, ...]]:
    """The simplest form that is as near as the nearest, and what else could be meant."""
    fine = _SINGLE + 2 * float(phases.slack.max()) / float(phases.rates.max())
    told = [(candidate, distance) for candidate, distance in judged if candidate.spare > 0]
    # Two or three rows are near many a wrong curve; a right one passes through them.
    furthest = max(FURTHEST, fine) if phases.hold - phases.fall >= _FEW else max(10 * fine, _THROUGH)
    near = [(candidate, distance) for candidate, distance in told if distance <= furthest]
    if not near:
        return None, ()
    limit = max(fine, 1.5 * min(distance for _, distance in near))
    alike = [candidate for candidate, distance in near if distance <= limit]
    alike.sort(key=lambda candidate: (_SIMPLEST.index(_form(candidate)), candidate.shape.kind == "wsd"))
    forms = list(dict.fromkeys(map(_form, alike)))
    few = phases.hold - phases.fall < _FEW and len(forms) > 1
    also = (f"too few rows lie in the decay to tell its form: {listing(forms, last='or')}",) if few else ()
    return alike[0], also


def _form(candidate: Candidate) -> str:
    return candidate.shape.shape or candidate.shape.kind


def _distance(phases: Phases, shape: ScheduleShape) -> float:
    """The largest distance of a form from the logged rates after the warm-up, as a share of the peak."""
    after = slice(phases.top, None)
    there = np.abs(shape.rates_at(phases.steps[after]) - phases.rates[after])
    return float(there.max() / phases.rates.max()) if np.isfinite(there).all() else np.inf


def _early_stop(phases: Phases, chosen: Candidate) -> ScheduleShape:
    """A cosine that the log leaves before its end: a round end where one fits, and which ends would fit too."""
    shape = chosen.shape
    rows = thinned(np.arange(phases.fall if shape.kind == "wsd" else phases.body.start, phases.hold))
    s, r = phases.steps[rows], phases.rates[rows]
    level = shape.peak if shape.kind == "wsd" else None
    start = float(shape.decay_start or 0)
    slack = float(phases.slack.max()) + 1e-7 * shape.peak

    def off(curve: fits.Curve | None) -> float:
        return float(np.abs(curve.at(s) - r).max()) if curve is not None else np.inf

    allowed = max(slack, 2 * _distance(phases, shape) * phases.rates.max())
    round_ends = [fits.fit_cosine(s, r, level=level, start=start, ratio=ratio) for ratio in ROUND_ENDS]
    fitting = [curve for curve in round_ends if curve is not None and off(curve) <= allowed]
    if fitting:
        curve = min(fitting, key=off)
        end = round(curve.start + curve.length)
        shape = replace(shape, peak=curve.peak, end=curve.end, decay_end=end, steps=end)
    assert shape.decay_end is not None
    low, high = (
        _furthest(s, r, level=level, start=start, length=shape.decay_end - start, allowed=allowed, up=up)
        for up in (False, True)
    )
    between = (round(start + low), round(start + high))
    vague = between[1] - between[0] > 0.02 * shape.decay_end
    return replace(shape, end_between=between if vague else None)


def _furthest(
    s: Floats, r: Floats, level: float | None, start: float, length: float, allowed: float, up: bool
) -> float:
    """The shortest or longest wave, with an end of 0 or more, that is nowhere further from the rates than allowed."""

    def fitting(length: float) -> bool:
        curve = fits.fit_wave(s, r, length=length, start=start, level=level)
        return curve.end >= -allowed and float(np.abs(curve.at(s) - r).max()) <= allowed

    inside, factor = length, 2.0 if up else 0.5
    shortest, longest = float(s[-1]) - start, 100 * length
    outside = min(longest, length * factor) if up else max(shortest, length * factor)
    while fitting(outside) and shortest < outside < longest:
        inside, outside = outside, min(max(outside * factor, shortest), longest)
    if fitting(outside):
        return outside
    for _ in range(30):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if fitting(middle) else (inside, middle)
    return inside


def _why_not(phases: Phases) -> str:
    """Why no single form can be looked for; empty if one can."""
    steps, rates = phases.steps, phases.rates
    if len(rates) < 2:
        return "one rate alone shows no schedule"
    rise = first_rise(phases)
    if rise is not None and not stretches(phases):
        shown = rates > 0
        without = replace(phases, rates=rates[shown], slack=phases.slack[shown], top=int(shown[: phases.top].sum()))
        if rates[rise - 1] == 0 and first_rise(without) is None:
            return (
                f"the rate is 0 at step {steps[rise - 1]:,.0f} and above it later: a row where no rate was written? "
                "Drop it: log[log['lr'] > 0]"
            )
        return (
            f"the rate rises again at step {steps[rise]:,.0f}: a restart, or two runs in one; give each part alone, "
            f"such as log[log['step'] < {steps[rise]:.0f}]"
        )
    if phases.top == len(rates) - 1 and phases.top > 0:
        return "the log ends while the rate still rises: it shows the warm-up only"
    return ""


def _two_parts(log: Log, phases: Phases) -> str:
    """A schedule of a known kind that ends in a straight line of its own, in words; empty if it is none."""
    steps, rates = phases.steps, phases.rates
    allowed = _SINGLE * rates.max() + 2 * phases.slack.max()
    first = len(rates) - 1
    while first > phases.top + 1:
        slope = (rates[-1] - rates[first - 1]) / (steps[-1] - steps[first - 1])
        line = rates[-1] + slope * (steps[first - 1 :] - steps[-1])
        if np.abs(line - rates[first - 1 :]).max() > allowed:
            break
        first -= 1
    before = Log(log.steps[:first], log.rates[:first])
    if len(rates) - first < 3 or first < 3 or _why_not(phases_before := find_phases(before, phases.slack[:first])):
        return ""
    chosen, _, _ = _fit(phases_before, None)
    if chosen is None:
        return ""
    shape, line = chosen.shape, f"in a straight line to {percent(rates[-1] / rates.max())} of the peak"
    form = "is level" if shape.kind == "constant" else f"falls {FALLS.get(_form(chosen), 'in steps')}"
    return f"two parts: until step {steps[first - 1]:,.0f} the rate {form}, and from step {steps[first]:,.0f} on {line}"


def _closest(phases: Phases, judged: list[tuple[Candidate, float]]) -> str:
    falling = phases.hold - phases.fall
    if falling < 3 or not any(candidate.spare > 0 for candidate, _ in judged):
        rows = "row lies" if falling == 1 else "rows lie"
        return f"{falling} {rows} between the top and the end of the log, too few to tell the form of the decay"
    candidate, distance = min(judged, key=lambda pair: (pair[0].spare <= 0, pair[1]))
    return f"the nearest form, {_form(candidate)}, is {percent(distance)} of the peak off"


def _unknown(log: Log, phases: Phases, why: str) -> ScheduleShape:
    peak, end = float(log.rates.max()), float(log.rates[-1])
    return ScheduleShape(
        kind="unknown", steps=int(log.steps[-1]), peak=peak, end=end,
        warmup=int(log.steps[phases.top]) if phases.ramp is not None else 0, **_seen(log), notes=(*log.notes, why),
    )  # fmt: skip


def _seen(log: Log) -> dict[str, Any]:
    return {"rows": len(log.steps), "first_logged": int(log.steps[0]), "last_logged": int(log.steps[-1])}
