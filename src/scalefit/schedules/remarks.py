"""What to know about a recognised schedule: what was filled in, assumed, or could not be seen."""

from __future__ import annotations

import numpy as np

from scalefit.schedules.logs import Log
from scalefit.schedules.phases import Phases
from scalefit.schedules.shapes import ScheduleShape, percent

#: A form that is further from its log than this share of the peak is rough.
ROUGH = 1e-3
#: A log is uneven if a gap is so many times the usual one.
_UNEVEN = 2


def remarks_on(log: Log, phases: Phases, shape: ScheduleShape) -> tuple[str, ...]:
    """Sentences on how a log was read as a schedule.

    Parameters
    ----------
    log : Log
    phases : Phases
        The same log in parts.
    shape : ScheduleShape
        What it was recognised as.
    """
    ramp = phases.ramp
    bend = 0.0 if ramp is None else ramp.deviation / shape.peak
    coarse = float(phases.slack.max()) / shape.peak
    found = [*_on_gaps(log, shape), *_on_warmup(log, phases, shape)]
    if bend > max(ROUGH, 2 * coarse):
        found.append(f"the warm-up is not a straight line: it is up to {percent(bend)} of the peak away from one")
    late = phases.steps >= shape.warmup
    off = np.abs(shape.rates_at(phases.steps[late]) - phases.rates[late]).max(initial=0.0) / shape.peak
    if off > max(ROUGH, 2 * coarse):
        found.append(f"the form is rough: it is up to {percent(off)} of the peak off after the warm-up")
    if coarse:
        found.append(f"the rates were written with few digits, to within {percent(coarse)} of the peak")
    if shape.end_between is not None:
        low, high = shape.end_between
        found.append(
            f"too little of the decay is seen to fix its end: from the same start, any step from {low:,} to {high:,} "
            "fits the log"
        )
    return tuple(found)


def _on_gaps(log: Log, shape: ScheduleShape) -> list[str]:
    found = []
    gaps = np.diff(log.steps)
    usual = int(np.median(gaps)) if len(gaps) else 1
    if len(gaps) and gaps.max() > _UNEVEN * usual:
        at = int(np.argmax(gaps))
        found.append(f"the log is uneven: no rate from step {log.steps[at]:,} to {log.steps[at + 1]:,}")
    missing = int(log.steps[-1]) + 1 - len(log.steps)
    if missing:
        found.append(
            f"{missing:,} of its {int(log.steps[-1]) + 1:,} steps {'is' if missing == 1 else 'are'} not in the log; "
            ".schedule() takes their rates from the closed form"
        )
    return found


def _on_warmup(log: Log, phases: Phases, shape: ScheduleShape) -> list[str]:
    first, ramp = int(log.steps[0]), phases.ramp
    if ramp is None and shape.warmup:
        return [f"no row lies in the warm-up; it is taken to end at step {shape.warmup:,}, where the cosine begins"]
    if ramp is None:
        return [f"no row lies in a warm-up; one that ended by step {first:,} would not show"] if first > 1 else []
    if ramp.slope is None:
        return [f"no row lies on the way up: the warm-up is taken to end at step {shape.warmup:,}, at the latest"]
    if phases.top == 1 and first > 0:
        return ["one row alone lies in the warm-up, which is taken to begin at zero"]
    return []
