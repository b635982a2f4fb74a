"""What is left of a live run: the rest of its loss under the planned schedule, and how that forecast moved so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import (
    Steps,
    check_curve_law,
    check_schedule,
    ends,
    inputs_along,
    other_inputs,
    source_of,
)
from scalefit.decisions.schedules.anneal import FAR_LEVEL, far_text
from scalefit.decisions.schedules.chances import chance_below, draws_between
from scalefit.decisions.schedules.doubts import SAME_RATE, doubts_of
from scalefit.decisions.schedules.faults import divergence_text, spikes_text
from scalefit.decisions.schedules.own_level import RECENT, RunLog, later, moved_note, own_level, read_log
from scalefit.decisions.schedules.plan import Plan
from scalefit.errors import DataError, FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.runs.spikes import find_spikes
from scalefit.schedules import Schedule
from scalefit.tables import run_names
from scalefit.uncertainty.intervals import check_level
from scalefit.wording import amounts
from scalefit.wording.said import Said
from scalefit.wording.weighed import Slight

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Steps of the rest that are forecast where none are named.
SHOWN = 100
#: Fewest rows of a log from which a forecast is made.
FEWEST = 5
#: The name of the live run among others.
LIVE = "the live run"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RestForecast(Plan):
    """The rest of a live run, forecast from its log so far.

    Attributes
    ----------
    frame : DataFrame, ``step, lr, estimate, low, high`` for steps after the log, the last one among them.
    history : DataFrame
        How the forecast of the final loss moved: one row a point of the log, ``seen_to`` (step), ``rows, estimate, low,
        high``, as it would have been told then.
    seen : DataFrame, ``step, lr, observed`` of the log.
    finals : (points of the log, draws) of the loss of the last step, as told at each row of ``history``: of one row of
        this run, with the error of the law. NaN where the law is not identified.
    now, steps : int, the last step of the log and of the schedule.
    diverged : str, since when the loss of the log has gone wrong for good; empty where it has not.
    notes : tuple of str, where the numbers come from.
    level, law, doubts, source : as in all answers about schedules.
    """

    history: pd.DataFrame
    seen: pd.DataFrame
    finals: Array
    now: int
    steps: int
    notes: tuple[str, ...]
    diverged: str = ""

    def probability(self, *, below: float) -> float:
        """How likely the final loss is below a value, given the log so far; NaN where the law is not identified.

        It holds as often as the intervals do: the error of the law is in it, not only that of its parameters.

        Parameters
        ----------
        below : float, a loss.
        """
        return chance_below(self.finals[-1], np.array([float(below)]))

    def said(self) -> Said:
        """The answer in words: rows of which it has taken account do not make it less to be relied on."""
        told = self._told(headline(self), table(self), self.notes)
        if self.doubts and all(isinstance(doubt, Slight) for doubt in self.doubts):
            return replace(told, state="doubtful", headline=headline(self))
        return told

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The log, its rest with a band, and earlier forecasts: see :func:`scalefit.plots.schedule_plans.plot_rest`."""
        from scalefit.plots.schedule_plans import plot_rest

        return plot_rest(self, ax=ax)


def forecast_rest(
    log: Any,
    schedule: Schedule,
    *,
    fit: Fit | None = None,
    curves: Any = None,
    schedules: Mapping[str, Schedule] | None = None,
    points: int = 6,
    recent: float = RECENT,
    level: float = 0.9,
    at: Mapping[str, float] | None = None,
    rng: np.random.Generator | int | None = None,
) -> RestForecast:
    """The remaining loss of a live run under its planned schedule, and how the forecast moved as the log grew.

    With ``fit``, a law of other runs is moved to the level of this one, as :func:`scalefit.anneal_now` does. Without,
    :func:`scalefit.forecast_curves` is fitted again at each point of the log to what was seen by then, with ``curves``
    of other runs where there are some: a log that has not lowered its rate yet says nothing of what a decay saves.

    Parameters
    ----------
    log : table of the live run so far: ``step`` and ``loss`` (with ``fit``, its target).
    schedule : all the rates planned; longer than the log.
    fit : Fit of a law of training curves to other runs.
    curves, schedules : other runs (``run, step, loss``) and run -> Schedule, to fit together with the log.
    points : how many times along the log the final loss is forecast, the last of them now; spread evenly over its rows.
        Without ``fit`` each takes some seconds.
    recent : with ``fit``, the share of the area under the rate whose rows show the level of the run.
    level : float in (0, 1).
    at : with ``fit``, other inputs of the law.
    rng : without ``fit``, for the draws of the forecast.

    Returns
    -------
    RestForecast

    Raises
    ------
    DataError
        If the log holds several runs, fewer than five rows, or steps beyond its schedule, or nothing is left of it.
    FitError
        If both a fit and curves to fit are given, or the level lies outside (0, 1).

    Notes
    -----
    Rows that stand above the others by themselves, by the rule of :func:`scalefit.find_spikes`, are left out and named
    among the doubts; three of them at the end of the log are its course. ``.diverged`` says where the loss went wrong
    for good, as :func:`scalefit.find_divergence` tells "above its minimum", and no rise of the rate explains it.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[(logs.width == 48) & (logs.step > 200)]
    >>> fit = sf.fit(logs[logs.schedule.isin(["constant", "linear"])], "lr_annealing")
    >>> live = logs[(logs.schedule == "cosine") & (logs.step <= 1000)]
    >>> plan = sf.Schedule.cosine(steps=2000, peak=0.004, warmup=64, end=0.0004)
    >>> told = sf.forecast_rest(live, plan, fit=fit)
    >>> int(told.frame.step.iloc[-1]), told.history.seen_to.is_monotonic_increasing
    (2000, True)
    """
    asker = "forecast_rest"
    check_level(level)
    schedule = check_schedule(schedule, asker)
    if fit is not None and (curves is not None or schedules is not None):
        raise FitError(f"{asker}: give either a fit of other runs, or their curves and schedules, not both.")
    run = read_log(log, schedule, fit.target if fit is not None else "loss", asker)
    if run.now == schedule.steps:
        raise DataError(f"{asker}: the log ends with its schedule at step {run.now}: nothing is left to forecast.")
    if len(run.steps) < FEWEST:
        raise DataError(f"{asker} needs {FEWEST} rows of the log or more; got {len(run.steps)}.")
    cuts = _cuts(run, points)
    rest = np.unique(np.round(np.linspace(run.now + 1, schedule.steps, SHOWN)).astype(np.intp))
    if fit is not None:
        check_curve_law(fit.law, asker)
        others = other_inputs(fit, at, asker)
        pairs = [_moved(fit, run.until(cut), rest, others, recent, level) for cut in cuts]
        doubts, notes = _moved_words(fit, run, others, recent)
    else:
        pairs, doubts, notes = _refitted(run, cuts, rest, curves, schedules, level, rng)
    diverged = divergence_text(run.steps, run.seen, run.schedule)
    told = [each for each, _ in pairs]
    history = pd.DataFrame(
        {
            "seen_to": cuts,
            "rows": [int((run.steps <= cut).sum()) for cut in cuts],
            **{name: [float(each[name].iloc[-1]) for each in told] for name in ("estimate", "low", "high")},
        }
    )
    frame = pd.DataFrame({"step": rest, "lr": schedule.rates[rest]}).join(told[-1][["estimate", "low", "high"]])
    seen = pd.DataFrame({"step": run.steps, "lr": schedule.rates[run.steps], "observed": run.seen})
    return RestForecast(
        frame=frame,
        history=history,
        seen=seen,
        finals=np.array([finals for _, finals in pairs]),
        now=run.now,
        steps=schedule.steps,
        notes=tuple(notes),
        level=level,
        law=fit.law.name if fit is not None else "forecast_curves",
        diverged=diverged,
        doubts=(*([diverged] if diverged else []), *run.doubts, *doubts),
        source=source_of(fit) if fit is not None else "forecast_curves",
    )


def _cuts(run: RunLog, points: int) -> list[int]:
    """Steps of the log up to which a forecast is made, the last row among them."""
    if points < 1:
        raise DataError(f"forecast_rest: points must be 1 or more; got {points}.")
    rows = np.unique(np.round(np.linspace(len(run.steps) - 1, FEWEST - 1, points + 1)[:-1]).astype(int))
    return [int(step) for step in run.steps[rows]]


def _moved(
    fit: Fit, run: RunLog, rest: Steps, at: Mapping[str, float], recent: float, level: float
) -> tuple[pd.DataFrame, Array]:
    """The rest by a law of other runs at the level that this one shows, and draws of its last row."""
    own = own_level(fit, run, at, recent=recent)
    estimate, _, rows = later(fit, own, inputs_along(fit.law, run.schedule, rest, at))
    low, high = ends(rows, level)
    return pd.DataFrame({"estimate": estimate, "low": low, "high": high}), rows[:, -1]


def _moved_words(fit: Fit, run: RunLog, at: dict[str, float], recent: float) -> tuple[list[str], list[str]]:
    own = own_level(fit, run, at, recent=recent)
    doubts = list(doubts_of(fit, [run.schedule], at))
    if own.far > FAR_LEVEL:
        doubts.append(far_text(own))
    if spikes := spikes_text(own.left_out, own.values, run.now):
        doubts.append(spikes)
    return doubts, [moved_note(f"{fit.law.name} of other runs", own.offset, own.rows, source_of(fit))]


def _refitted(
    run: RunLog,
    cuts: list[int],
    rest: Steps,
    curves: Any,
    schedules: Mapping[str, Schedule] | None,
    level: float,
    rng: np.random.Generator | int | None,
) -> tuple[list[tuple[pd.DataFrame, Array]], list[str], list[str]]:
    """The rest by the default forecast of curves, fitted to what was seen up to each cut, and draws of its last row."""
    from scalefit.decisions.curves.forecast import forecast_curves

    plans = {**(schedules or {}), LIVE: run.schedule}
    known = None
    if curves is not None:
        frame = as_frame(curves)
        known = pd.DataFrame({"run": run_names(frame, {}), "step": frame["step"], "loss": frame["loss"]})
    told, last, spiked = [], None, np.zeros(0, bool)
    for cut in cuts:
        part = run.until(cut)
        own = pd.DataFrame({"run": LIVE, "step": part.steps, "loss": part.seen})
        spiked = find_spikes(own)["spike"].to_numpy(bool)
        own = own[~spiked]
        points = pd.DataFrame({"run": LIVE, "step": rest})
        seen = own if known is None else pd.concat([known, own], ignore_index=True)
        last = forecast_curves(seen, points, schedules=plans, at_schedules=plans, level=level, rng=rng)
        final = last.frame.iloc[-1]
        told.append((last.frame.reset_index(drop=True), draws_between(final.estimate, final.low, final.high, level)))
    doubts = [] if last is None else list(last.doubts)
    if spikes := spikes_text(run.steps[spiked], run.seen[spiked], run.now):
        doubts.append(spikes)
    if not run.compared:
        unknown = "the log has no learning rates, so that it is not known whether the run follows the schedule"
        doubts.insert(0, Slight(unknown))
    rates = run.schedule.rates[: run.now + 1]
    fell = bool((rates * SAME_RATE < np.maximum.accumulate(rates)).any())
    if known is None and not fell:
        doubts.insert(0, "its rate has not fallen yet and there are no other runs: what the decay saves is a guess")
    note = f"forecast_curves, fitted {len(cuts)} times to the log so far"
    return told, doubts, [note + ("." if known is None else f" and {known['run'].nunique()} other runs.")]


def headline(told: RestForecast) -> str:
    """Where the run will end."""
    last = told.frame.iloc[-1]
    done = f"at step {told.now:,} of {told.steps:,}"
    moved = ""
    if len(told.history) > 1:
        first = told.history.iloc[0]
        moved = f"; at step {int(first.seen_to):,} it was {words.loss(first.estimate, first.low, first.high)}"
    if not np.isfinite(last.estimate):
        return f"The run, {done}, will end where {told.law} has no value"
    return f"The run, {done}, will end at {words.with_interval(last.estimate, last.low, last.high, told.level)}{moved}"


def table(told: RestForecast) -> pd.DataFrame:
    """How the forecast of the final loss moved."""
    return pd.DataFrame(
        {
            "seen to step": [f"{step:,}" for step in told.history["seen_to"]],
            "final loss": [words.loss(row.estimate, row.low, row.high) for row in words.rows_of(told.history)],
            f"{100 * told.level:g} %": [
                amounts.ends(row.estimate, row.low, row.high) for row in words.rows_of(told.history)
            ],
        }
    )
