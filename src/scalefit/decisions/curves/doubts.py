"""When a forecast of curves should not be trusted, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.decisions.curves.laws import Delay
from scalefit.decisions.curves.rows import SAME_RATE, Curves, Schedules
from scalefit.errors import listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.schedules import Schedule, forward_area
from scalefit.wording.weighed import Barring

#: The area under the rate may exceed the fitted one by this factor; farther no study here has looked.
FARTHEST = 4.0
#: A peak rate that differs by more than this share is another one.
OTHER_PEAK = 0.05
#: Logarithm of the ratio of the two laws above which the choice of law decides the answer.
LAWS_APART = 0.05
#: Slow departures from the fitted curves above this share: neither law describes them.
LARGEST_SLOW = 0.015


def doubts_of(
    read: Curves,
    fits: Mapping[str, Fit],
    delay: Delay | None,
    rows: pd.DataFrame,
    plans: Schedules,
    apart: Array,
    table: pd.DataFrame,
    estimate: Array,
    guessed: bool,
) -> tuple[str, ...]:
    """Every reason not to trust the forecast, the gravest first; ``guessed``: what a decay saves is in no curve."""
    return (
        *_annealing(read, delay, guessed),
        *_warm_ups(read, plans),
        *_unfit(fits),
        *_without_value(rows, estimate),
        *_all_early(read, rows),
        *_other_peaks(read, rows, plans),
        *_far(read, rows, plans),
        *_apart(apart[(rows["step"] >= read.rows["step"].min()).to_numpy()]),
        *_slow(table),
    )


def _annealing(read: Curves, delay: Delay | None, guessed: bool) -> list[str]:
    if delay is None and not guessed:
        return []
    if delay is None:
        return [
            "annealing is not identified: every curve holds its rate, so what a decay saves is a guess made elsewhere; "
            "add a curve whose rate falls"
        ]
    if delay.identified:
        return []
    return [
        f"how long a drop of the rate acts is not identified: {len(read.names)} "
        f"curve{'s' if len(read.names) > 1 else ''} allow{'' if len(read.names) > 1 else 's'} {delay.low:,.0f} to "
        f"{delay.high:,.0f} steps, and a wide prior chose {delay.best:,.0f}; add a curve that holds a low rate for long"
    ]


def _warm_ups(read: Curves, plans: Schedules) -> list[str]:
    """Where some schedules begin with a warm-up and others at their peak: these probably lack theirs."""
    fitted = [run for run in read.names if not _warms_up(read.schedules[run])]
    other = [run for run, plan in plans.items() if not _warms_up(plan)]
    if len(fitted) + len(other) in (0, len(read.names) + len(plans)):
        return []
    names, known, argument = (fitted, read.schedules, "schedules") if fitted else (other, plans, "at_schedules")
    late = any(note.startswith("the rate of step") for run in names for note in known[run].notes)
    return [
        Barring(
            f"no warm-up shows in the rates of {listing(names[:3])}{' and others' if len(names) > 3 else ''}"
            f"{', whose log begins later' if late else ''}, but in those of other runs, and the laws count it: give "
            f"{argument}={{run: sf.Schedule}} with the warm-up that there was"
        )
    ]


def _warms_up(schedule: Schedule) -> bool:
    """Whether the rate of the first step lies below the highest."""
    return bool(schedule.rates[0] < (1 - SAME_RATE) * schedule.rates.max())


def _unfit(fits: Mapping[str, Fit]) -> list[str]:
    return [Barring(f"{name} is {fit.verdict}") for name, fit in fits.items() if not fit.converged]


def _without_value(rows: pd.DataFrame, estimate: Array) -> list[str]:
    count = int((~np.isfinite(estimate)).sum())
    if not count:
        return []
    return [Barring(f"{count} of {len(rows)} rows have no estimate: no rate was above zero before them")]


def _all_early(read: Curves, rows: pd.DataFrame) -> list[str]:
    first, last = int(read.rows["step"].min()), rows.groupby("run", sort=False)["step"].max()
    early = [str(run) for run, step in last.items() if step < first]
    if not early:
        return []
    others = " and others" if len(early) > 3 else ""
    return [f"{listing(early[:3])}{others} ended before step {first:,}, the first one fitted"]


def early_rows(read: Curves, rows: pd.DataFrame) -> list[str]:
    """A note where some rows lie before the first one fitted."""
    first = int(read.rows["step"].min())
    early = int((rows["step"] < first).sum())
    if not early:
        return []
    return [
        f"{early} of the {len(rows)} rows to predict lie before step {first:,}, the first one fitted: the laws do not "
        "describe how training begins, and no interval holds there"
    ]


def _tops(rows: pd.DataFrame, plans: Schedules) -> dict[str, float]:
    """The highest rate of each run up to its last row."""
    last = rows.groupby("run", sort=False)["step"].max()
    return {str(run): float(plans[str(run)].rates[: int(step) + 1].max()) for run, step in last.items()}


def _other_peaks(read: Curves, rows: pd.DataFrame, plans: Schedules) -> list[str]:
    said: list[str] = []
    fitted = list(_tops(read.rows, read.schedules).values())
    if max(fitted) > (1 + OTHER_PEAK) * min(fitted):
        said.append(
            f"the curves have peak rates from {min(fitted):g} to {max(fitted):g}: the laws hold for one peak rate"
        )
    # A run that is still warming up has not reached its peak.
    other = [name for name, top in _tops(rows, plans).items() if top > (1 + OTHER_PEAK) * max(fitted)]
    other += [
        name
        for name, top in _tops(rows, plans).items()
        if plans[name].peak < (1 - OTHER_PEAK) * min(fitted) and top < (1 - OTHER_PEAK) * min(fitted)
    ]
    if other:
        said.append(
            Barring(
                f"{listing(other[:3])}{' and others' if len(other) > 3 else ''} {'have' if len(other) > 1 else 'has'} "
                f"another peak rate than the curves, {max(fitted):g}: the laws hold for one peak rate"
            )
        )
    return said


def _area(rows: pd.DataFrame, plans: Schedules) -> float:
    last = rows.groupby("run", sort=False)["step"].max()
    return max(float(forward_area(plans[str(run)].rates)[int(step)]) for run, step in last.items())


def _far(read: Curves, rows: pd.DataFrame, plans: Schedules) -> list[str]:
    factor = _area(rows, plans) / _area(read.rows, read.schedules)
    if factor <= FARTHEST:
        return []
    return [f"the area under the rate goes {factor:.2g} times beyond the curves, more than has been tried"]


def _apart(apart: Array) -> list[str]:
    largest = float(np.nanmax(np.abs(apart), initial=0.0))
    if largest <= LAWS_APART:
        return []
    return [f"the two laws lie up to {100 * largest:.1f} % apart"]


def _slow(table: pd.DataFrame) -> list[str]:
    place = int(np.argmax(table["slow"]))
    worst, share = table.index[place], float(table["slow"].iloc[place])
    if share <= LARGEST_SLOW:
        return []
    return [f"the laws stay {100 * share:.1f} % off the curve {worst!r}, which they were fitted to"]
