"""Closed forms that the rates of a log may follow, each fitted; which one it is, is chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scalefit.schedules import fits
from scalefit.schedules.fits import Curve
from scalefit.schedules.phases import Phases, Ramp, stretches
from scalefit.schedules.shapes import Kind, ScheduleShape

Rows = npt.NDArray[np.intp]
#: Rows that a decay is fitted to; more do not make it better.
_ENOUGH_ROWS = 240
#: An end below this share of the peak is zero.
_NOTHING = 1e-6
#: A fitted step this near to a whole one is that one.
_WHOLE = 0.02
#: Ends that schedules are given, as shares of the peak.
ROUND_ENDS = (0.0, 0.1, 0.01, 0.05, 0.02, 0.2, 0.001)


@dataclass(frozen=True)
class Candidate:
    """A closed form for the whole log.

    Attributes
    ----------
    shape : ScheduleShape
    curve : Curve or None
        The decay as fitted.
    spare : int
        Rows in the decay less the numbers fitted to them; 0 or less: any curve would go through them.
    notes : tuple of str
        What was assumed for this form alone.
    """

    shape: ScheduleShape
    curve: Curve | None = None
    spare: int = 1
    notes: tuple[str, ...] = ()


def each_candidate(phases: Phases, *, steps: int | None) -> Iterator[Candidate]:
    """Every closed form worth comparing, those that are quick to fit first.

    Parameters
    ----------
    phases : Phases
        The log in parts; rates do not rise again after the top.
    steps : int or None
        The last step of the run, if the caller knows it.
    """
    levels = stretches(phases)
    if levels:
        yield _constant(phases) if len(levels) == 1 else _multistep(phases, levels)
        return
    for rows, level, curve in _each_curve(phases):
        if curve is not None and (candidate := _from_curve(phases, curve, rows, level, steps)) is not None:
            yield candidate


def _each_curve(phases: Phases) -> Iterator[tuple[Rows, float | None, Curve | None]]:
    """The rows that each curve was fitted to, the stable phase that it leaves, if any, and the curve."""
    fall = thinned(np.arange(phases.fall if phases.stable else phases.body.start, phases.hold))
    if not len(fall):
        return
    s, r = phases.steps[fall], phases.rates[fall]
    level = phases.level if phases.stable else None
    # In coarse digits the top of any curve looks level for a while.
    levels = (level, None) if level is not None and phases.slack.any() else (level,)
    for at in levels:
        for fit in (fits.fit_linear, fits.fit_exp, fits.fit_inverse_sqrt):
            yield fall, at, fit(s, r, level=at)
    whole = thinned(np.arange(phases.top, phases.hold)) if level is not None else fall
    free = fits.fit_cosine(phases.steps[whole], phases.rates[whole], level=None) if len(whole) >= 4 else None
    starts = [] if free is None else [_reached(phases, free.peak), free.start]
    for start in dict.fromkeys(round(start) for start in starts if start is not None):
        yield whole, None, _cosine(phases, whole, None, start, free)
    if level is not None and len(fall) >= 4 and (free := fits.fit_cosine(s, r, level=None)) is not None:
        yield fall, level, _cosine(phases, fall, level, round(free.start), free)
    earliest = float(phases.steps[phases.top - 1]) if phases.top else 0.0
    earliest = _latest_level(phases) if level is not None else earliest
    yield fall, level, fits.fit_root(s, r, level=level, earliest=earliest)


def _cosine(phases: Phases, rows: Rows, level: float | None, start: int, free: Curve | None) -> Curve | None:
    """A wave that starts at a step and ends at a whole one, near one that was fitted without."""
    assert free is not None
    s, r = phases.steps[rows], phases.rates[rows]
    start = int(np.clip(start, 0, s[0]))
    held = fits.fit_cosine(s, r, level=level, start=start, near=free.length)
    if held is None:
        return None
    whole = fits.fit_wave(s, r, length=float(round(held.length)), start=start, level=level)
    end = 0.0 if abs(whole.end) < _NOTHING * whole.peak else whole.end
    return replace(whole, end=end, free=4)


def _reached(phases: Phases, level: float) -> float | None:
    """Where the line of the warm-up reaches a level; None where there is none or it bends."""
    ramp = phases.ramp
    if ramp is None or ramp.slope is None or ramp.deviation > 1e-3 * level:
        return None
    return (level - ramp.start) / ramp.slope


def _from_curve(phases: Phases, curve: Curve, rows: Rows, level: float | None, steps: int | None) -> Candidate | None:
    """The schedule of which a fitted decay is a part; None if the fit makes none."""
    start, warmup, top = _begin_of(phases, curve, level)
    last, ramp_start = int(phases.steps[-1]), _start_of(phases, warmup, top)
    spare = len(rows) - curve.free + (level is not None)  # where a stable phase ends, the decay must begin
    if curve.shape == "inverse_sqrt":
        offset = _offset(curve, start)
        if not start + offset > 0.5 * start:  # a short piece of any curve looks like one far from its beginning
            return None
        shape = ScheduleShape(
            kind="inverse_sqrt", steps=last, peak=top, end=float(curve.at(last)), warmup=warmup, start=ramp_start,
            decay_start=start, offset=offset,
        )  # fmt: skip
        return Candidate(shape, curve, spare)
    ended = _end_of(phases, curve, top, steps)
    if ended.step <= start:
        return None
    kind: Kind = "wsd"
    if level is None and (curve.shape == "linear" or curve.shape == "cosine"):
        kind = curve.shape
    shape = ScheduleShape(
        kind=kind, steps=max(last, ended.step), peak=top, end=ended.rate, warmup=warmup, start=ramp_start,
        shape=curve.shape, decay_start=start, decay_end=ended.step, finished=ended.seen,
    )  # fmt: skip
    return Candidate(shape, curve, spare, ended.notes)


def _begin_of(phases: Phases, curve: Curve, level: float | None) -> tuple[int, int, float]:
    """Where a decay begins, where the warm-up before it ends, and the rate at the top."""
    if level is not None:
        start = np.clip(round(curve.start), _latest_level(phases), phases.steps[phases.fall])
        return int(start), _warmup_to(phases, level), level
    if curve.shape == "cosine":
        start = round(curve.start)
        return start, start, float(curve.at(start))
    if curve.shape == "1-sqrt":
        start = round(curve.start)
        return start, start if phases.ramp is not None else 0, float(curve.at(start))
    if phases.ramp is None:
        start = int(phases.steps[0]) if curve.shape == "inverse_sqrt" else 0
        return start, 0, float(curve.at(start))
    start = round(_meeting(phases, phases.ramp, curve))
    return start, start, float(curve.at(start))


@dataclass(frozen=True)
class _End:
    """Where a decay ends, at which rate, whether the log gets there, and what that rests on."""

    step: int
    rate: float
    seen: bool
    notes: tuple[str, ...] = ()


def _end_of(phases: Phases, curve: Curve, top: float, steps: int | None) -> _End:
    last, gap = float(phases.steps[-1]), float(np.median(np.diff(phases.steps)[-5:]))
    if curve.shape == "cosine":
        end = round(curve.start + curve.length)
        return _End(end, max(curve.end, 0.0), end <= last + gap)
    if phases.hold < len(phases.rates):
        return _held_end(phases, curve)
    if steps is not None:
        return _End(steps, max(float(curve.at(steps)), 0.0), steps <= last + gap)
    low, zero = max(float(curve.at(last)), 0.0), curve.where(0.0)
    near, whole = zero <= last + gap, math.isfinite(zero) and abs(zero - round(zero)) < _WHOLE
    if near and whole:
        return _End(max(round(zero), int(last)), 0.0, True)
    slack = 2 * float(phases.slack[-1]) + 1e-5 * low
    if any(abs(low - share * peak) <= slack for share in ROUND_ENDS for peak in (top, float(phases.rates.max()))):
        note = f"the decay is taken to end with the log, at {100 * low / top:.3g} % of the peak"
        note += f"; else it would reach zero at step {round(zero):,}" if math.isfinite(zero) else ""
        return _End(int(last), low, True, (note,) if low else ())
    if not math.isfinite(zero):
        note = "an exponential decay does not show where it ends; the log's last step is taken"
        return _End(int(last), low, True, (note,))
    end = round(zero) if whole else max(int(zero), int(last))  # a step on the curve, where that ends between two
    note = f"the decay is taken to go on to zero; if it ends at another rate, it ends before step {end:,}"
    return _End(end, 0.0 if whole else max(float(curve.at(end)), 0.0), near, () if near else (note,))


def _held_end(phases: Phases, curve: Curve) -> _End:
    """The end of a decay after which the rate is held."""
    low = float(np.median(phases.rates[phases.hold :]))
    before, at = float(phases.steps[phases.hold - 1]), float(phases.steps[phases.hold])
    where = curve.where(low)
    return _End(int(np.clip(round(where) if math.isfinite(where) else at, before + 1, at)), low, True)


def _constant(phases: Phases) -> Candidate:
    level, last = phases.level, int(phases.steps[-1])
    warmup = _warmup_to(phases, level)
    start = _start_of(phases, warmup, level)
    return Candidate(ScheduleShape(kind="constant", steps=last, peak=level, end=level, warmup=warmup, start=start))


def _multistep(phases: Phases, levels: list[tuple[int, int]]) -> Candidate:
    rates = [float(np.median(phases.rates[start:end])) for start, end in levels]
    milestones, notes = [], []
    for start, _ in levels[1:]:
        before, at = int(phases.steps[start - 1]), int(phases.steps[start])
        milestones.append(max(roundest(before, at), before + 1))
        if at > before + 1:
            notes.append(
                f"the rate changes at one of the steps {before + 1:,} to {at:,}; {milestones[-1]:,} is taken, by the "
                "roundest number there"
            )
    warmup = _warmup_to(phases, rates[0])
    shape = ScheduleShape(
        kind="multistep", steps=int(phases.steps[-1]), peak=rates[0], end=rates[-1], warmup=warmup,
        start=_start_of(phases, warmup, rates[0]), milestones=tuple(milestones), values=tuple(rates[1:]),
    )  # fmt: skip
    return Candidate(shape, notes=tuple(notes))


def roundest(low: int, high: int) -> int:
    """The whole number with the most zeros at its end in a range, the smallest of several.

    Examples
    --------
    >>> roundest(7937, 8064), roundest(401, 499), roundest(7, 7)
    (8000, 450, 7)
    """
    sizes = (step * 10**power for power in range(9, -1, -1) for step in (5, 2, 1))
    multiples = (math.ceil(low / size) * size for size in sizes)
    return next((multiple for multiple in multiples if multiple <= high), high)


def _latest_level(phases: Phases) -> float:
    """The last step that is certainly of the stable phase; coarse digits may hide the beginning of a fall."""
    return float(phases.steps[phases.top if phases.slack.any() else phases.fall - 1])


def _warmup_to(phases: Phases, level: float) -> int:
    """The step at which the line of the warm-up reaches a level."""
    if phases.ramp is None:
        return 0
    before, at = phases.steps[phases.top - 1], phases.steps[phases.top]
    if phases.ramp.slope is None:
        return int(at)
    return int(np.clip(round((level - phases.ramp.start) / phases.ramp.slope), before, at))


def _start_of(phases: Phases, warmup: int, top: float) -> float:
    """The rate at step 0 of the line that ends at the top of the warm-up."""
    ramp = phases.ramp
    if ramp is None or not warmup:
        return 0.0
    if ramp.slope is not None or warmup <= ramp.step:
        return ramp.start
    return ramp.start - (top - ramp.start) * ramp.step / (warmup - ramp.step)


def _meeting(phases: Phases, ramp: Ramp, curve: Curve) -> float:
    """The step at which the warm-up and a falling curve meet."""
    low, high = float(phases.steps[phases.top - 1]), float(phases.steps[min(phases.fall, len(phases.steps) - 1)])
    if ramp.slope is None:
        return float(phases.steps[phases.top])
    start, slope = ramp.start, ramp.slope
    from scipy.optimize import brentq  # here: `import scalefit` must not load scipy

    def above(step: float) -> float:
        return float(curve.at(step)) - start - slope * step

    low = max(low, 1e-9)
    crosses = above(low) * above(high) < 0
    return brentq(above, low, high) if crosses else float(phases.steps[phases.top])


def _offset(curve: Curve, start: int) -> float:
    """The offset of one over the square root, 0 where it is nothing but rounding."""
    return 0.0 if abs(curve.slope) < 0.01 + 1e-6 * start else curve.slope


def thinned(rows: Rows) -> Rows:
    """Some hundred rows, the first and the last among them."""
    if len(rows) <= _ENOUGH_ROWS:
        return rows
    return np.unique(np.linspace(rows[0], rows[-1], _ENOUGH_ROWS).astype(np.intp))
