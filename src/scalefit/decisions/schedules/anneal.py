"""What a checkpoint would give if its learning rate were lowered from now on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import (
    check_curve_law,
    check_schedule,
    ends,
    inputs_along,
    joined,
    other_inputs,
    source_of,
)
from scalefit.decisions.schedules.doubts import SAME_RATE, doubts_of
from scalefit.decisions.schedules.faults import divergence_text, spikes_text
from scalefit.decisions.schedules.own_level import RECENT, OwnLevel, RunLog, later, moved_note, own_level, read_log
from scalefit.decisions.schedules.plan import Plan
from scalefit.errors import DataError, not_one_of
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.schedules.decays import DECAYS, DecayShape, decayed
from scalefit.uncertainty.intervals import check_level
from scalefit.wording import amounts
from scalefit.wording.said import Said
from scalefit.wording.weighed import Barring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Steps at which each decay is kept for the picture.
CURVE = 60
#: The setting ``decay`` of laws of annealing where none is given.
DEFAULT_DECAY = 0.999
#: A run this many typical residuals away from the law of the others is another kind of run.
FAR_LEVEL = 10.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Annealing(Plan):
    """What a run would reach if its rate were lowered from now on.

    Attributes
    ----------
    frame : DataFrame
        One row a length of the decay: ``steps``, ``end_step``, the loss at its end ``estimate, low, high``, for
        this run, and ``saved, saved_low, saved_high``, how far that lies below the run's level now.
    curves : DataFrame, ``steps, step, lr, estimate, low, high`` along each decay.
    seen : DataFrame, ``step, lr, observed`` of the log.
    now : int, the last step of the log.
    rate : float, the rate there.
    current : float, the level of the run there, freed of the scatter of single rows.
    offset : float, how far its recent rows lie above the law, on the scale of the objective (on the log
        scale a share).
    rows : int, how many recent rows showed it.
    memory : what to know of the memory of the law, empty where it is long.
    spikes : rows that stand off by themselves and do not count, empty where there are none.
    level, law, doubts, source : as in all answers about schedules.
    """

    curves: pd.DataFrame
    seen: pd.DataFrame
    now: int
    rate: float
    current: float
    offset: float
    rows: int
    memory: str = ""
    spikes: str = ""

    def said(self) -> Said:
        """The answer in words."""
        return self._told(headline(self), table(self), notes(self))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The log and each decay with its band: see :func:`scalefit.plots.schedule_plans.plot_annealing`."""
        from scalefit.plots.schedule_plans import plot_annealing

        return plot_annealing(self, ax=ax)


def anneal_now(
    fit: Fit,
    log: Any,
    *,
    steps: int | Sequence[int],
    schedule: Schedule | None = None,
    shape: DecayShape = "linear",
    end: float = 0.0,
    recent: float = RECENT,
    level: float = 0.9,
    at: Mapping[str, float] | None = None,
) -> Annealing:
    """The loss at the end of a decay that starts now, for a run that is still on its plateau.

    A law of training curves fitted to other runs says what a decay saves; the recent rows of this run say at which
    level it stands. The law is moved there, draw by draw, so that what the runs differ by as a whole does not count.

    Parameters
    ----------
    fit : Fit of a law of training curves to runs of which at least one lowers its rate.
    log : table of one run with ``step``, the target of the fit and, without ``schedule``, ``lr``.
    steps : length of the decay, or several.
    schedule : the rates so far, at least to the last row of the log, such as the whole planned Schedule.
    shape : {"linear", "exp", "1-sqrt", "cosine"}, as for :meth:`scalefit.Schedule.wsd`.
    end : the rate of the last step; above zero for ``"exp"``.
    recent : the share of the area under the rate whose rows show the level, at least five rows.
    level : float in (0, 1).
    at : other inputs of the law, such as ``{"params": 1e8}``; needed where they differ between the fitted runs.

    Returns
    -------
    Annealing
        Intervals are for this run: draws of the law, the uncertainty of its level, how residuals of the fitted runs
        stray about the mean of their run, and 20 % (one standard deviation) of the fall itself, by which such laws err.

    Raises
    ------
    DataError
        If the log holds several runs or goes beyond its schedule, or the decay cannot be made.
    LawError
        If the law takes no schedule.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[(logs.width == 48) & (logs.step > 200)]
    >>> others = logs[logs.schedule.isin(["cosine", "linear"])]
    >>> fit = sf.fit(others, sf.get_law("lr_annealing").with_settings(decay=0.98))
    >>> trunk = logs[(logs.schedule == "constant") & (logs.step <= 1200)]
    >>> told = sf.anneal_now(fit, trunk, steps=[200, 400, 800])
    >>> [len(told.frame), bool(told.frame.saved.iloc[-1] > 0)]
    [3, True]
    """
    asker = "anneal_now"
    check_curve_law(fit.law, asker)
    check_level(level)
    lengths = _lengths(steps)
    others = other_inputs(fit, at, asker)
    run = read_log(log, None if schedule is None else check_schedule(schedule, asker), fit.target, asker)
    plans = [decay_from(run.schedule, run.now, length, shape=shape, end=end) for length in lengths]
    own = own_level(fit, run, others, recent=recent)
    inputs = joined([inputs_along(fit.law, one, [run.now, one.steps], others) for one in plans])
    estimate, means, rows = later(fit, own, inputs)
    current, saved = float(estimate[0]), means[:, ::2] - means[:, 1::2]
    low, high = ends(rows[:, 1::2], level)
    saved_low, saved_high = ends(saved, level)
    frame = pd.DataFrame(
        {
            "steps": lengths,
            "end_step": [one.steps for one in plans],
            "estimate": estimate[1::2],
            "low": low,
            "high": high,
            "saved": current - estimate[1::2],
            "saved_low": saved_low,
            "saved_high": saved_high,
        }
    )
    return Annealing(
        frame=frame,
        curves=pd.concat([_curve(fit, own, one, run, others, level) for one in plans], ignore_index=True),
        seen=pd.DataFrame({"step": run.steps, "lr": run.schedule.rates[run.steps], "observed": run.seen}),
        now=run.now,
        rate=float(run.schedule.rates[run.now]),
        current=current,
        offset=own.offset,
        rows=own.rows,
        memory=memory_note(fit.law),
        spikes=spikes_text(own.left_out, own.values, run.now),
        level=level,
        law=fit.law.name,
        doubts=(*run.doubts, *doubts_of(fit, plans, others), *level_doubts(run, own)),
        source=source_of(fit),
    )


def _lengths(steps: int | Sequence[int]) -> list[int]:
    tried = [steps] if isinstance(steps, int | np.integer) else list(steps)
    if not tried or not all(one == int(one) and one > 0 for one in tried):
        raise DataError(f"anneal_now: steps are the length of the decay, a whole number above 0; got {steps!r}.")
    return sorted({int(one) for one in tried})


def decay_from(schedule: Schedule, now: int, length: int, *, shape: DecayShape, end: float) -> Schedule:
    """The rates up to now, then a decay over ``length`` steps from the rate now to ``end``.

    Raises
    ------
    DataError
        If the rate is zero already, or the end lies above it.
    """
    rate = float(schedule.rates[now])
    if shape not in DECAYS:
        raise DataError(not_one_of("shape", shape, DECAYS))
    if not 0 <= end < rate:
        already = "it is zero already" if rate == 0 else f"the rate now is {rate:.3g}"
        raise DataError(
            f"A decay from step {now} must end at 0 or more and below the rate now; got end={end:g}, {already}."
        )
    if shape == "exp" and end == 0:
        raise DataError("shape='exp' never reaches zero: give end > 0, such as a tenth of the rate now.")
    fall = decayed(shape, np.arange(1, length + 1) / length, peak=rate, end=end)
    rates = np.concatenate([schedule.rates[: now + 1], fall])
    return Schedule("from_log", rates, float(rates.max()), min(schedule.warmup, now))


def memory_note(law: Law) -> str:
    """What a setting ``decay`` that is short, or was not chosen, means for what a decay saves; empty if neither."""
    decay = law.derive.settings.get("decay") if law.derive is not None else None
    if not isinstance(decay, float) or not decay <= DEFAULT_DECAY:
        return ""
    ask = f"ask sf.profile_setting(runs, {law.name!r}, 'decay')"
    if decay == DEFAULT_DECAY:
        return f"The law remembers drops of the rate for some 1,000 steps, by default: {ask} whether these runs do."
    return (
        f"The law remembers drops of the rate for some {1 / (1 - decay):,.0f} steps, fewer than by default: what a "
        f"decay saves was 20 to 40 % off where that was too short; {ask}."
    )


def level_doubts(run: RunLog, own: OwnLevel) -> list[str]:
    """What of the run itself speaks against moving the law to its level."""
    out, rates = [], run.schedule.rates[: run.now + 1]
    if gone := divergence_text(run.steps, run.seen, run.schedule):
        out.append(gone)
    if own.rows < 3:
        out.append(f"the level of the run rests on {own.rows} row{'s' if own.rows > 1 else ''}")
    if own.far > FAR_LEVEL:
        out.append(far_text(own))
    if rates[-1] * SAME_RATE < rates.max():
        out.append(
            f"the run has left its plateau: its rate is {100 * rates[-1] / rates.max():.0f} % of its peak already"
        )
    return out


def far_text(own: OwnLevel) -> str:
    """That a run lies far from the law, and why that may be."""
    return Barring(
        f"the run lies {own.far:.0f} times farther from the law than fitted rows do: it is of another kind, or its "
        "schedule lacks the warm-up that those of the fitted runs have; fit runs of its kind, or give that warm-up"
    )


def _curve(
    fit: Fit, own: OwnLevel, schedule: Schedule, run: RunLog, at: Mapping[str, float], level: float
) -> pd.DataFrame:
    steps = np.unique(np.round(np.linspace(run.now, schedule.steps, CURVE)).astype(np.intp))
    estimate, _, rows = later(fit, own, inputs_along(fit.law, schedule, steps, at))
    low, high = ends(rows, level)
    told = {"step": steps, "lr": schedule.rates[steps], "estimate": estimate, "low": low, "high": high}
    return pd.DataFrame({"steps": schedule.steps - run.now, **told})


def headline(told: Annealing) -> str:
    """Where the run would end after the longest decay."""
    one = told.frame.iloc[-1]
    begun = f"Annealed from step {told.now:,} over {int(one.steps):,} steps,"
    if not np.isfinite(one.estimate):
        return f"{begun} the run would end where {told.law} has no value"
    saved = words.with_interval(one.saved, one.saved_low, one.saved_high, told.level)
    ended = words.with_interval(one.estimate, one.low, one.high, told.level)
    return f"{begun} the run would end at {ended}, {saved} below its level now, {told.current:.4g}"


def table(told: Annealing) -> pd.DataFrame:
    """Each length of the decay, digits as many as the intervals deserve."""
    share = f"{100 * told.level:g} %"
    return pd.DataFrame(
        {
            "decay over": f"{row.steps:,} steps",
            "final loss": words.loss(row.estimate, row.low, row.high),
            share: amounts.ends(row.estimate, row.low, row.high),
            "saved": words.loss(row.saved, row.saved_low, row.saved_high),
            f"{share} of it": amounts.ends(row.saved, row.saved_low, row.saved_high),
        }
        for row in words.rows_of(told.frame)
    )


def notes(told: Annealing) -> list[str]:
    """Where the numbers come from."""
    moved = moved_note(told.law, told.offset, told.rows, told.source)
    return [moved, *(said for said in (told.memory, told.spikes and f"{told.spikes}.") if said)]
