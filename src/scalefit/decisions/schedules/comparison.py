"""Schedules of one length side by side: final losses, what separates them, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import (
    check_curve_law,
    check_schedule,
    ends,
    finals,
    first_step,
    inputs_along,
    other_inputs,
    shown_steps,
    sound_draws,
)
from scalefit.decisions.schedules.doubts import doubts_of
from scalefit.decisions.schedules.law_error import LawError, law_error
from scalefit.decisions.schedules.plan import Plan
from scalefit.errors import DataError, listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.uncertainty.intervals import check_level
from scalefit.wording import amounts
from scalefit.wording.said import Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Steps at which each curve is kept for the picture.
CURVE = 120


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ScheduleComparison(Plan):
    """What a law says of several schedules of the same number of steps.

    Attributes
    ----------
    frame : DataFrame
        One row a schedule, the lowest final loss first: ``schedule``, the final loss ``estimate, low, high``, its
        ``difference, difference_low, difference_high`` from the best estimate (draw by draw), and ``probability``, the
        share of draws in which no other ends lower. All of them allow for the law's own error.
    curves : DataFrame
        ``schedule, step, lr, estimate, low, high`` along each schedule.
    steps : int, the last step of all of them.
    level, law, doubts, source : as in all answers about schedules.
    """

    curves: pd.DataFrame
    steps: int

    @property
    def best(self) -> str:
        """The schedule with the lowest final loss at the estimates."""
        return str(self.frame["schedule"].iloc[0])

    @property
    def tied(self) -> tuple[str, ...]:
        """The schedules that are not told from the best: its own name alone where it is."""
        return tuple(self.frame["schedule"][~(self.frame["difference_low"] > 0)])

    def said(self) -> Said:
        """The answer in words."""
        return self._told(headline(self), table(self), notes(self))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Curves with bands over their rates: see :func:`scalefit.plots.schedule_plans.plot_schedules`."""
        from scalefit.plots.schedule_plans import plot_schedules

        return plot_schedules(self, ax=ax)


def compare_schedules(
    fit: Fit, schedules: Mapping[str, Schedule], *, level: float = 0.9, at: Mapping[str, float] | None = None
) -> ScheduleComparison:
    """Which of several schedules ends with the lowest loss after the same number of steps, and how surely.

    Parameters
    ----------
    fit : Fit of a law of training curves, such as ``mpl`` or ``lr_annealing``, with draws or without.
    schedules : name -> Schedule, two or more, all with the same last step.
    level : float in (0, 1). How often intervals made in this way hold the truth.
    at : other inputs of the law, such as ``{"params": 1e8}``; needed where they differ between the fitted runs.

    Returns
    -------
    ScheduleComparison
        Intervals are of the law's mean and joint: each draw gives the losses of all schedules, so that what the
        schedules have in common does not blur their difference. To each draw an error of the law itself is added: its
        deviation is a share of how far a curve parts on the way from the nearest fitted one, and for a difference no
        more than that share of how far the two part. The share is found by leaving out each of three or more curves,
        and counts 20 % on other runs as four of these. The scatter of single runs is not in them.

    Raises
    ------
    DataError
        If schedules differ in their last step: the longer one sees more tokens, which is no merit of its shape.
    LawError
        If the law takes no schedule.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> curves = logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
    >>> fit = sf.fit(curves, sf.get_law("lr_annealing").with_settings(decay=0.98))
    >>> peak = 0.004
    >>> told = sf.compare_schedules(
    ...     fit,
    ...     {
    ...         "cosine": sf.Schedule.cosine(steps=2000, peak=peak, warmup=64, end=peak / 10),
    ...         "wsd": sf.Schedule.wsd(steps=2000, peak=peak, warmup=64, decay_start=1600, end=peak / 10),
    ...     },
    ... )
    >>> told.best
    'wsd'
    """
    asker = "compare_schedules"
    check_curve_law(fit.law, asker)
    check_level(level)
    if not isinstance(schedules, Mapping):
        raise DataError(
            f"{asker}: schedules is a mapping of name to Schedule, such as {{'cosine': sf.Schedule.cosine(…)}}; got "
            f"{type(schedules).__name__}."
        )
    plans = {str(name): check_schedule(one, asker) for name, one in schedules.items()}
    if len(plans) < 2:
        raise DataError(f"{asker} needs two schedules or more; got {len(plans)}.")
    if len({one.steps for one in plans.values()}) > 1:
        lengths = listing(f"{name} {one.steps}" for name, one in plans.items())
        raise DataError(
            f"{asker} compares schedules of the same number of steps; got {lengths}. "
            f"For the loss of each on its own, use fit.predict_curve(schedule)."
        )
    others = other_inputs(fit, at, asker)
    every = list(plans.values())
    estimate = finals(fit.law, fit.theta, every, others)[0]
    wrong = law_error(fit, every, others)
    draws = finals(fit.law, sound_draws(fit), every, others)
    frame = side_by_side(list(plans), estimate, draws + wrong.draws(len(draws), fit.seed), level)
    curves = [_curve(fit, name, one, wrong, place, level, others) for place, (name, one) in enumerate(plans.items())]
    return ScheduleComparison(
        frame=frame,
        curves=pd.concat([curves[list(plans).index(name)] for name in frame["schedule"]], ignore_index=True),
        steps=every[0].steps,
        level=level,
        law=fit.law.name,
        doubts=doubts_of(fit, every, others),
        source=wrong.source,
    )


def side_by_side(names: list[str], estimate: Array, draws: Array, level: float) -> pd.DataFrame:
    """Final losses (m,) and their draws (B, m), the lowest first, with what separates each from it draw by draw."""
    order = np.argsort(estimate, kind="stable")
    low, high = ends(draws, level)
    nearer, farther = ends(draws - draws[:, order[:1]], level)
    known = np.isfinite(draws).all(axis=1)
    at_lowest = draws[known] == draws[known].min(axis=1, keepdims=True)  # equal schedules share a draw
    lowest = (at_lowest / at_lowest.sum(axis=1, keepdims=True)).sum(axis=0) / max(int(known.sum()), 1)
    frame = pd.DataFrame(
        {
            "schedule": names,
            "estimate": estimate,
            "low": low,
            "high": high,
            "difference": estimate - estimate[order[0]],
            "difference_low": nearer,
            "difference_high": farther,
            "probability": lowest if known.any() else np.nan,
        }
    )
    return frame.iloc[order].reset_index(drop=True)


def _curve(
    fit: Fit, name: str, schedule: Schedule, wrong: LawError, place: int, level: float, at: dict[str, float]
) -> pd.DataFrame:
    """The loss along one schedule, for a picture."""
    steps = shown_steps(schedule, first_step(fit, schedule), CURVE)
    inputs = inputs_along(fit.law, schedule, steps, at)
    with np.errstate(all="ignore"):
        estimate = fit.law.value(fit.theta, inputs)[0]
        low, high = ends(fit.law.value(sound_draws(fit), inputs), level)
    low, high = wrong.widened(estimate, low, high, level, place, steps)
    told = {
        "schedule": name,
        "step": steps,
        "lr": schedule.rates[steps],
        "estimate": estimate,
        "low": low,
        "high": high,
    }
    return pd.DataFrame(told)


def headline(told: ScheduleComparison) -> str:
    """Which ends lowest, as far as it is known."""
    first, second = told.frame.iloc[0], told.frame.iloc[1]
    apart = words.with_interval(second.difference, second.difference_low, second.difference_high, told.level)
    ended = words.with_interval(first.estimate, first.low, first.high, told.level)
    if second.difference == second.difference_low == second.difference_high == 0:
        columns = ["difference", "difference_low", "difference_high"]
        same = told.frame["schedule"][(told.frame[columns] == 0).all(axis=1)]
        rest = "" if len(same) == len(told.frame) else f", the lowest of {len(told.frame)}"
        return f"After {told.steps:,} steps {listing(same, last='and')} come to the same{rest}: they end at {ended}"
    if second.difference_low <= 0:
        level_with = listing(told.tied, last="and")
        return (
            f"After {told.steps:,} steps {level_with} are not told apart as the lowest of {len(told.frame)}: "
            f"{first.schedule} is estimated at {ended}; next is {second.schedule}, higher by {apart}"
        )
    sure = "" if np.isnan(first.probability) else f", in {amounts.percent(first.probability)} of draws"
    return (
        f"After {told.steps:,} steps {first.schedule} ends lowest of {len(told.frame)}, at {ended}{sure}; next is "
        f"{second.schedule}, higher by {apart}"
    )


def table(told: ScheduleComparison) -> pd.DataFrame:
    """The schedules, digits as many as the intervals deserve."""
    return side_by_side_table(told.frame, told.level)


def side_by_side_table(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    """What :func:`side_by_side` makes, in words."""
    rows, share = [], f"{100 * level:g} %"
    for row in words.rows_of(frame):
        apart = (row.difference, row.difference_low, row.difference_high)
        rows.append(
            {
                "schedule": row.schedule,
                "final loss": words.loss(row.estimate, row.low, row.high),
                share: amounts.ends(row.estimate, row.low, row.high),
                "above the best": words.loss(*apart) if row.Index else "",
                f"{share} of it": amounts.ends(*apart) if row.Index else "",
                "lowest in": amounts.percent(row.probability),
            }
        )
    return pd.DataFrame(rows)


def notes(told: ScheduleComparison) -> list[str]:
    """Where the numbers come from."""
    return [
        f"{told.law}; intervals of the law's mean, joint over the schedules: {told.source}. "
        "The scatter of single runs is not in them."
    ]
