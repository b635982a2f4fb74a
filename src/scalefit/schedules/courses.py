"""How the rate of a run went up to its last row, as far as laws of training curves must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scalefit.errors import listing
from scalefit.schedules.schedule import Schedule

#: A rate that moves by less than this share of the highest has not moved.
STILL = 0.01
#: Peak rates that differ by more than this share are not one: a log that begins late shows somewhat less than its peak.
OTHER_PEAK = 0.25
#: Runs named in a note.
NAMED = 3


@dataclass(frozen=True)
class Course:
    """What the rates of one run did.

    Attributes
    ----------
    falls : whether the rate ever comes down.
    rises_again : the step at which it starts to rise after it had come down, -1 where it does not.
    starts_high : whether a log from its first step on is at its highest rate, so that a warm-up is missing or was none.
    top : the highest rate.
    notes : what the schedule itself says was assumed.
    """

    falls: bool
    rises_again: int
    starts_high: bool
    top: float
    notes: tuple[str, ...]


def course_of(schedule: Schedule, last: int) -> Course:
    """The course of a schedule up to a step.

    Examples
    --------
    >>> course_of(Schedule.cosine(steps=100, peak=1e-3), 100).falls
    True
    """
    rates = schedule.rates[: last + 1]
    slack = STILL * float(rates.max())
    fallen = np.flatnonzero(np.maximum.accumulate(rates) - rates > slack)
    rises = -1
    if len(fallen):
        after = rates[fallen[0] :]
        lowest = np.minimum.accumulate(after)
        risen = np.flatnonzero(after - lowest > slack)
        if len(risen):
            trough = np.flatnonzero(after[: risen[0]] == lowest[risen[0]])[-1]
            rises = int(fallen[0] + trough)
    logged = schedule.kind == "from_log" and not any(note.startswith("the rate of step") for note in schedule.notes)
    high = bool(rates[0] > 0 and rates[0] >= rates.max() - slack)
    return Course(bool(len(fallen)), rises, logged and high, float(rates.max()), schedule.notes)


def told_of(courses: Mapping[str, Course]) -> tuple[str, ...]:
    """Notes on the courses of several runs, each said once."""
    notes = dict.fromkeys(note for course in courses.values() for note in course.notes)
    if high := [run for run, course in courses.items() if course.starts_high]:
        notes[f"no warm-up shows in the rates of {_named(high)}: if there was one, give the schedule"] = None
    if again := [run for run, course in courses.items() if course.rises_again >= 0]:
        first = courses[again[0]].rises_again
        others = f" and {len(again) - 1} more" if len(again) > 1 else ""
        notes[
            f"the rate of run {again[0]!r}{others} rises again from step {first:,} on, after it had come down: such "
            "rises count as negative drops"
        ] = None
    return tuple(notes)


def doubts_of(courses: Mapping[str, Course]) -> tuple[str, ...]:
    """What laws of curves do not know of these runs: peak rates that differ."""
    tops = [course.top for course in courses.values()]
    if max(tops) <= (1 + OTHER_PEAK) * min(tops):
        return ()
    return (f"runs have peak rates from {min(tops):g} to {max(tops):g}, and laws of curves hold for one",)


def _named(runs: list[str]) -> str:
    names = [repr(run) for run in runs[:NAMED]]
    more = [f"{len(runs) - NAMED} more"] if len(runs) > NAMED else []
    return f"{'run' if len(runs) == 1 else 'runs'} {listing([*names, *more])}"
