"""The schedule that a law of training curves likes best, within bounds, beside the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import check_curve_law, finals, other_inputs
from scalefit.decisions.schedules.comparison import side_by_side
from scalefit.decisions.schedules.doubts import SAME_RATE, doubts_of, seen_rates
from scalefit.decisions.schedules.gradients import final_loss
from scalefit.decisions.schedules.optimum import find_optimum
from scalefit.errors import DataError, FitError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.uncertainty.intervals import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shares of decay of which the best stands beside the schedule found.
SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7)
#: The name of the schedule found, beside others.
FOUND = "optimised"
#: Nats within which two schedules are level.
LEVEL = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class OptimizedSchedule:
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
    level, law, doubts, source : as in :class:`scalefit.ScheduleComparison`.
    """

    schedule: Schedule
    loss: float
    gap: float
    frame: pd.DataFrame
    rates: pd.DataFrame
    peak: float
    floor: float
    level: float
    law: str
    doubts: tuple[str, ...]
    source: str

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.doubts

    def __repr__(self) -> str:
        return words.as_text(headline(self), self.doubts, table(self), notes(self))

    def _repr_html_(self) -> str:
        return words.as_html(headline(self), self.doubts, table(self), notes(self))

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
    at : other inputs of the law, where they differ between the fitted runs.

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
    beside = _usual(law, theta, others, steps=steps, peak=peak, floor=floor, warmup=warmup)
    bounded = _guard(fit, law, peak=peak, floor=floor)
    found = find_optimum(loss, steps=steps, peak=peak, floor=floor, warmup=warmup, monotone=monotone)
    rates = found.rates.copy()
    rates[:warmup] = beside["linear"].rates[:warmup]
    schedule = Schedule("from_log", rates, float(rates.max()), warmup)
    plans = {FOUND: schedule, **beside}
    every = np.array(finals(law, np.concatenate([theta, draws]), list(plans.values()), others))
    every[0, 0] = found.loss
    doubts = (*bounded, *(doubts_of(fit, [schedule], others) if isinstance(fit, Fit) else ()))
    lowest = float(np.nanmin(every[0, 1:]))
    if not found.loss <= lowest + LEVEL:
        doubts = (f"a usual schedule ends lower, by {found.loss - lowest:.2g}: the search found no optimum", *doubts)
    source = fit.interval_source if isinstance(fit, Fit) else "parameters as given, so there are none"
    return OptimizedSchedule(
        schedule,
        found.loss,
        found.gap,
        side_by_side(list(plans), every[0], every[1:], level),
        pd.concat([_thinned(name, one) for name, one in plans.items()], ignore_index=True),
        peak,
        floor,
        level,
        law.name,
        doubts,
        source,
    )


def _belief(
    fit: Fit | Law | str, values: Mapping[str, float] | None, at: Mapping[str, float] | None, asker: str
) -> tuple[Law, Array, Array, dict[str, float]]:
    """The law, its parameters (1, p), draws of them (B, p) and its other inputs."""
    if isinstance(fit, Fit):
        if values is not None:
            raise FitError(f"{asker}: values= stand in for a fit; give a law with them, such as {fit.law.name!r}.")
        check_curve_law(fit.law, asker)
        return fit.law, fit.theta, fit.draws_theta, other_inputs(fit, at, asker)
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


def _usual(
    law: Law, theta: Array, at: dict[str, float], *, steps: int, peak: float, floor: float, warmup: int
) -> dict[str, Schedule]:
    """Schedules that people use, with the same warm-up and bounds."""
    if not 0 <= floor < peak:
        raise DataError(f"optimize_schedule: floor must be 0 or more and below peak={peak:g}; got {floor!r}.")
    if steps - warmup < 2:
        raise DataError(f"optimize_schedule: steps={steps} leaves nothing to choose after warmup={warmup}.")
    starts = sorted({steps - max(round(share * (steps - warmup)), 1) for share in SHARES})
    decays = [Schedule.wsd(steps=steps, peak=peak, warmup=warmup, decay_start=one, end=floor) for one in starts]
    best = int(np.nanargmin(finals(law, theta, decays, at)[0]))
    share = (steps - starts[best]) / (steps - warmup)
    return {
        f"stable, last {100 * share:.3g} % linear": decays[best],
        "cosine": Schedule.cosine(steps=steps, peak=peak, warmup=warmup, end=floor),
        "linear": Schedule.linear(steps=steps, peak=peak, warmup=warmup, end=floor),
    }


def _thinned(name: str, schedule: Schedule, count: int = 400) -> pd.DataFrame:
    steps = np.unique(np.round(np.linspace(0, schedule.steps, count)).astype(int))
    return pd.DataFrame({"schedule": name, "step": steps, "lr": schedule.rates[steps]})


def headline(told: OptimizedSchedule) -> str:
    """The answer in one sentence, and before it what speaks against believing it."""
    rates, warmup = told.schedule.rates, told.schedule.warmup
    falling = np.flatnonzero(rates[warmup:] < 0.99 * told.peak)
    held = f"holds {told.peak:.3g} to step {warmup + falling[0]:,}, then falls" if len(falling) else "holds its peak"
    rows = list(words.rows_of(told.frame))
    own = next(row for row in rows if row.schedule == FOUND)
    other = next(row for row in rows if row.schedule != FOUND)
    if told.frame["schedule"].iloc[0] == FOUND:
        saves = words.with_ends(other.difference, other.difference_low, other.difference_high, told.level)
    else:
        saves = f"{other.estimate - own.estimate:.2g}"
    return words.with_status(
        f"The best {told.schedule.steps:,}-step schedule by {told.law} {held} to {rates[-1]:.2g}; final loss "
        f"{words.with_ends(own.estimate, own.low, own.high, told.level)}, below {other.schedule!r} by {saves}",
        told.doubts,
    )


def table(told: OptimizedSchedule) -> pd.DataFrame:
    """The schedules, digits as many as the intervals deserve."""
    rows = []
    for row in words.rows_of(told.frame):
        apart = row.difference_high - row.difference_low
        rows.append(
            {
                "schedule": row.schedule,
                "final loss": words.digits(row.estimate, row.high - row.low),
                f"{100 * told.level:g} %": words.span(row.low, row.high),
                "above the best": "" if row.Index == 0 else words.digits(row.difference, apart),
                "lowest in": words.percent(row.probability),
            }
        )
    return pd.DataFrame(rows)


def notes(told: OptimizedSchedule) -> list[str]:
    """How good the optimum is and where the numbers come from."""
    return [
        f"Rates from {told.floor:.3g} to {told.peak:.3g}; to first order no other schedule within them ends lower by "
        f"more than {told.gap:.1e} nats.",
        f"Intervals of the law's mean: {told.source}. The schedule is the best by the estimates, which flatters it.",
    ]
