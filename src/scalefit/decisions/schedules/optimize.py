"""The schedule that a law of training curves likes best, within bounds, beside the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import check_curve_law, finals, other_inputs, sound_draws
from scalefit.decisions.schedules.comparison import side_by_side, side_by_side_table
from scalefit.decisions.schedules.doubts import SAME_RATE, doubts_of, seen_rates
from scalefit.decisions.schedules.gradients import final_loss
from scalefit.decisions.schedules.law_error import law_error
from scalefit.decisions.schedules.optimum import LEAST, find_optimum
from scalefit.decisions.schedules.plan import Plan
from scalefit.errors import DataError, FitError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.schedules.decays import DecayShape
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.said import Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shares of decay of which the best stands beside the schedule found.
SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7)
#: The name of the schedule found, beside others.
FOUND = "optimised"
#: How the names of schedules with a stable phase begin.
STABLE = "stable, last "


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OptimizedSchedule(Plan):
    """The schedule with the lowest final loss by a law, between bounds.

    Attributes
    ----------
    schedule : Schedule
    loss : float
        Its final loss at the estimates, by sums over every step.
    gap : float
        Nats by which another schedule within the bounds could end lower, to first order: zero at an optimum.
    frame : DataFrame
        The optimised schedule beside usual ones, the lowest first, with the columns of
        :class:`scalefit.ScheduleComparison`.
    rates : DataFrame, ``schedule, step, lr`` of all of them, thinned, for a picture.
    peak, floor : float, the bounds.
    level, law, doubts, source : as in all answers about schedules.
    """

    schedule: Schedule
    loss: float
    gap: float
    rates: pd.DataFrame
    peak: float
    floor: float

    def said(self) -> Said:
        """The answer in words."""
        return self._told(headline(self), table(self), notes(self))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Its rates beside those of usual schedules: see :func:`scalefit.plots.schedule_plans.plot_optimized`."""
        from scalefit.plots.schedule_plans import plot_optimized

        return plot_optimized(self, ax=ax)


def optimize_schedule(
    fit: Fit | Law | str,
    *,
    steps: int,
    peak: float,
    floor: float = 0.0,
    warmup: int = 0,
    monotone: bool = True,
    values: Mapping[str, float] | None = None,
    level: float = 0.9,
    at: Mapping[str, float] | None = None,
) -> OptimizedSchedule:
    """The learning rate of each step that ends with the lowest loss by a fitted law.

    The warm-up is linear and given; after it rates lie between ``floor`` and ``peak`` and never rise. They are found
    with the exact derivative of the final loss by every rate, as straight lines between knots that are added where the
    rate changes.

    Parameters
    ----------
    fit : Fit of ``mpl``, or of ``lr_annealing`` with the bounds below; or such a law (or its name) with ``values``.
    steps : the last step.
    peak : the highest rate, that of the fitted runs: laws of this kind hold for one peak.
    floor : the lowest rate after the warm-up. At 0 rates stay above a millionth of the peak.
    warmup : steps of the linear warm-up.
    monotone : whether the rate may never rise after the warm-up.
    values : parameter -> value, in place of a fit, such as ``law.published["luo2025_100M"].values``; there are
        no intervals then.
    level : float in (0, 1).
    at : other inputs of the law, such as ``{"params": 1e8}``; needed where they differ between the fitted runs.

    Returns
    -------
    OptimizedSchedule
        ``.schedule`` and ``.loss``, and beside it a cosine, a linear decay and the best of the schedules with a stable
        phase, all to ``floor``, with joint intervals of what it saves. It is the best by the estimates, so what it
        saves is flattered; the law errs by more than schedules differ that are near the best.

    Raises
    ------
    LawError
        If the derivative by the rates is not known for the law.
    FitError
        If ``lr_annealing`` is asked for a floor of zero or for a peak above the fitted ones: its annealing term is
        linear in the rates and has no bound, so that it pays there for rates that no run can use.

    References
    ----------
    Luo et al. 2025, arXiv:2503.12811, optimise the schedule of their Multi-Power Law in the same way.

    Examples
    --------
    >>> import scalefit as sf
    >>> published = sf.get_law("mpl").published["luo2025_100M"].values
    >>> found = sf.optimize_schedule("mpl", values=published, steps=2000, peak=3e-4, warmup=200)
    >>> bool(found.loss < found.frame.estimate[1:].min() and found.gap < 1e-3)
    True
    """
    asker = "optimize_schedule"
    check_level(level)
    law, theta, draws, others = _belief(fit, values, at, asker)
    check_curve_law(law, asker)
    named = {name: float(value) for name, value in zip(law.param_names, theta[0], strict=True)}
    loss = final_loss(law, named, others)
    beside = _usual(steps=steps, peak=peak, floor=floor, warmup=warmup)
    bounded = _guard(fit, law, peak=peak, floor=floor)
    least = {name: np.maximum(one.rates, LEAST**2 * peak) for name, one in beside.items()}
    for rates in least.values():
        rates[warmup:] = np.maximum(rates[warmup:], LEAST * peak)
    found = find_optimum(
        loss, steps=steps, peak=peak, floor=floor, warmup=warmup, monotone=monotone, usual=list(least.values())
    )
    rates = found.rates.copy()
    rates[:warmup] = beside["linear"].rates[:warmup]
    schedule = Schedule("from_log", rates, float(rates.max()), warmup)
    shown = _shown(beside, {name: loss(one)[0] for name, one in least.items()})
    plans = {FOUND: schedule, **{name: beside[name] for name in shown}}
    estimate = np.array([found.loss, *shown.values()])
    every = finals(law, draws, list(plans.values()), others)
    doubts, source = bounded, "parameters as given, so there are none"
    if isinstance(fit, Fit):
        wrong = law_error(fit, list(plans.values()), others)
        every = every + wrong.draws(len(every), fit.seed)
        doubts = (*bounded, *doubts_of(fit, [schedule], others))
        source = wrong.source
    return OptimizedSchedule(
        schedule=schedule,
        loss=found.loss,
        gap=found.gap,
        frame=side_by_side(list(plans), estimate, every, level),
        rates=pd.concat([_thinned(name, one) for name, one in plans.items()], ignore_index=True),
        peak=peak,
        floor=floor,
        level=level,
        law=law.name,
        doubts=doubts,
        source=source,
    )


def _belief(
    fit: Fit | Law | str, values: Mapping[str, float] | None, at: Mapping[str, float] | None, asker: str
) -> tuple[Law, Array, Array, dict[str, float]]:
    """The law, its parameters (1, p), draws of them (B, p) and its other inputs."""
    if isinstance(fit, Fit):
        if values is not None:
            raise FitError(f"{asker}: values= stand in for a fit; give a law with them, such as {fit.law.name!r}.")
        check_curve_law(fit.law, asker)
        return fit.law, fit.theta, sound_draws(fit), other_inputs(fit, at, asker)
    law = get_law(fit)
    missing = [name for name in law.param_names if name not in (values or {})]
    if values is None or missing:
        raise FitError(f"{asker} needs a fit, or a law with values= of its parameters; {listing(missing)} is missing.")
    theta = np.array([[float(values[name]) for name in law.param_names]])
    return law, theta, np.full((1, theta.shape[1]), np.nan), {name: float(x) for name, x in (at or {}).items()}


def _guard(fit: Fit | Law | str, law: Law, *, peak: float, floor: float) -> tuple[str, ...]:
    """Refuse what a law without a bound would be paid for, and say that its optimum is that of the bounds."""
    if "S2" not in law.inputs:
        return ()
    if not floor > 0:
        raise FitError(
            f"optimize_schedule: {law.name} goes on to save loss while the rate is zero, so it has no sound optimum "
            f"with floor=0. Give the lowest rate of the fitted runs, such as floor={peak / 10:.3g}, or fit 'mpl'."
        )
    seen = seen_rates(fit) if isinstance(fit, Fit) else None
    if seen is not None and peak > SAME_RATE * seen.high:
        raise FitError(
            f"optimize_schedule: {law.name} falls without end as all rates grow, so it says nothing of a peak of "
            f"{peak:.3g} above the fitted {seen.high:.3g}. Give peak={seen.high:.3g}."
        )
    return (
        f"{law.name} has no sound optimum: what a drop of the rate saves grows in step with the drop, so its best "
        "schedule jumps between the bounds, and moves with them; fit 'mpl' to plan a schedule",
    )


def _usual(*, steps: int, peak: float, floor: float, warmup: int) -> dict[str, Schedule]:
    """Schedules that people use, with the same warm-up and bounds."""
    if not 0 <= floor < peak:
        raise DataError(f"optimize_schedule: floor must be 0 or more and below peak={peak:g}; got {floor!r}.")
    if steps - warmup < 2:
        raise DataError(f"optimize_schedule: steps={steps} leaves nothing to choose after warmup={warmup}.")
    lengths = sorted({max(round(share * (steps - warmup)), 1) for share in SHARES})
    frame: dict[str, Any] = {"steps": steps, "peak": peak, "warmup": warmup}
    shapes: tuple[DecayShape, ...] = ("linear", "1-sqrt", "cosine")
    return {
        **{
            f"{STABLE}{100 * length / (steps - warmup):.3g} % {shape}": Schedule.wsd(
                **frame, decay_start=steps - length, end=floor, shape=shape
            )
            for shape in shapes
            for length in lengths
        },
        "cosine": Schedule.cosine(**frame, end=floor),
        "linear": Schedule.linear(**frame, end=floor),
        "constant": Schedule.constant(**frame),
    }


def _shown(plans: Mapping[str, Schedule], losses: Mapping[str, float]) -> dict[str, float]:
    """Of the usual schedules the best with a stable phase, the cosine and the linear decay, with their losses."""
    stable = [name for name in plans if name.startswith(STABLE)]
    best = min(stable, key=lambda name: losses[name] if np.isfinite(losses[name]) else np.inf)
    return {name: losses[name] for name in (best, "cosine", "linear")}


def _thinned(name: str, schedule: Schedule, count: int = 400) -> pd.DataFrame:
    steps = np.unique(np.round(np.linspace(0, schedule.steps, count)).astype(int))
    return pd.DataFrame({"schedule": name, "step": steps, "lr": schedule.rates[steps]})


def headline(told: OptimizedSchedule) -> str:
    """What the schedule does, where it ends, and below which usual one."""
    rates, warmup = told.schedule.rates, told.schedule.warmup
    falling = np.flatnonzero(rates[warmup:] < 0.99 * told.peak)
    held = f"holds {told.peak:.3g}"
    if len(falling):
        held += f" to step {warmup + falling[0]:,}, then falls to {rates[-1]:.2g}"
    rows = list(words.rows_of(told.frame))
    own = next(row for row in rows if row.schedule == FOUND)
    other = next(row for row in rows if row.schedule != FOUND)
    saves = words.with_interval(other.difference, other.difference_low, other.difference_high, told.level)
    below = f"below {other.schedule!r} by {saves}" if other.difference > 0 else f"that of {other.schedule!r}"
    if other.difference_low <= 0 < other.difference:
        below += ", from which it is not told apart"
    return (
        f"The best {told.schedule.steps:,}-step schedule by {told.law} {held}; final loss "
        f"{words.with_interval(own.estimate, own.low, own.high, told.level)}, {below}"
    )


def table(told: OptimizedSchedule) -> pd.DataFrame:
    """The schedules, digits as many as the intervals deserve."""
    return side_by_side_table(told.frame, told.level).drop(columns=f"{100 * told.level:g} % of it")


def _optimum(gap: float) -> str:
    """How far from an optimum the search ended."""
    if not np.isfinite(gap):
        return "the law has no derivative there, so how far this is from an optimum is not known."
    return f"to first order no other schedule within them ends lower by more than {gap:.1e} nats."


def notes(told: OptimizedSchedule) -> list[str]:
    """How good the optimum is and where the numbers come from."""
    return [
        f"Rates from {told.floor:.3g} to {told.peak:.3g}; {_optimum(told.gap)}",
        f"Intervals of the law's mean: {told.source}. The schedule is the best by the estimates, which flatters it.",
    ]
