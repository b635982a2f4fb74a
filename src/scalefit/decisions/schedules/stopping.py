"""Stop or go on: how likely a live run is to end below a loss, or ahead of another run, and whether that decides it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scalefit.decisions.curves.record import CurveForecast
from scalefit.decisions.forecast_result import Forecast
from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.chances import chance_below, draws_between
from scalefit.decisions.schedules.live import RestForecast
from scalefit.errors import DataError, FitError, missing_column
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.wording import amounts
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said, State
from scalefit.wording.weighed import Barring, Slight, of_another

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Decision = Literal["go on", "stop", "cannot tell yet", "no decision"]
#: Doubts make a forecast so many times as wide before it may decide.
WIDER = 2.0


@dataclass(frozen=True, eq=False, repr=False)
class StopOrGo(Answer):
    """Whether a live run is worth its rest. Made by :func:`scalefit.stop_or_go`.

    Attributes
    ----------
    decision : {"go on", "stop", "cannot tell yet", "no decision"}
        The last where something other than more of the log is missing; the first of ``doubts`` says what.
    probability : float
        How likely the run ends below the threshold, or ahead of the other run; NaN where nothing can be said, as of
        a run that has diverged.
    frame : DataFrame
        One row a point of the log: ``seen_to`` (step), ``done`` (share of the planned steps), ``probability`` as it
        would have been told then, and the forecast of the final loss, ``estimate, low, high``.
    rival : str, what it must beat, in words.
    bar, bar_low, bar_high : float, the loss that it must beat, with its interval where it is a forecast.
    confident : float, how likely an outcome must be to decide.
    saved : float, FLOP that stopping now saves; NaN where the cost was not given.
    now, steps : int. The last step of the log and of the schedule.
    level : float in (0, 1), of the intervals.
    cautious : float, the probability with forecasts that have doubts made twice as wide; what decides.
    diverged : str, since when the loss has gone wrong for good; empty where it has not.
    doubts, notes : tuple of str, what speaks against relying on it, and where the numbers come from.
    """

    decision: Decision
    probability: float
    frame: pd.DataFrame
    rival: str
    bar: float
    bar_low: float
    bar_high: float
    confident: float
    saved: float
    now: int
    steps: int
    level: float
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    cautious: float = math.nan
    diverged: str = ""

    def said(self) -> Said:
        """The decision and how sure it is, in words."""
        undecided = self.decision == "cannot tell yet"
        state: State = "doubtful" if undecided or (self.doubts and not self.diverged) else "good"
        if self.decision == "no decision":
            state = "bad"
        notes = list(self.notes)
        if not math.isnan(self.cautious) and self.cautious != self.probability:
            notes.insert(
                0,
                f"For the doubts it decides only if a forecast {WIDER:g} times as wide does: that beats it with "
                f"{amounts.percent(self.cautious)}.",
            )
        doubts = tuple(doubt for doubt in self.doubts if doubt != self.reason)
        return Said(state, headline(self), doubts, (table(self),), tuple(notes))

    @property
    def reason(self) -> str:
        """Why there is no decision, or none by the odds, and what to do; empty where the odds decide."""
        barring = [doubt for doubt in self.doubts if isinstance(doubt, Barring)]
        if self.diverged:
            return self.diverged
        return barring[0] if barring else ""

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The probability as the log grew: see :func:`scalefit.plots.stopping.plot_stopping`."""
        from scalefit.plots.stopping import plot_stopping

        return plot_stopping(self, ax=ax)


def stop_or_go(
    live: RestForecast,
    threshold: float | None = None,
    *,
    against: Forecast | CurveForecast | RestForecast | pd.DataFrame | None = None,
    flops: float | None = None,
    confident: float = 0.9,
) -> StopOrGo:
    """Say how likely a live run is to end below a loss, or ahead of another run, and whether that decides its rest.

    Parameters
    ----------
    live : RestForecast, from :func:`scalefit.forecast_rest`: again after each new checkpoint.
    threshold : float, the final loss that the run must beat.
    against : in place of a threshold, the forecast of another run or family, which is uncertain too
        Of :func:`scalefit.forecast` (one point), :func:`scalefit.forecast_curves` (one run) or
        :func:`scalefit.forecast_rest`; or a table of one row with ``estimate, low, high`` at the level of ``live``,
        such as ``fit.predict(point, interval="run")``. Its errors are taken to be independent of those of ``live``.
    flops : what the whole planned run costs, in FLOP, to say what stopping saves.
    confident : float in (0.5, 1). How likely an outcome must be before it decides.

    Returns
    -------
    StopOrGo
        ``.decision``, ``.probability``, and ``.frame``: how the probability moved as the log grew. A run that has
        diverged is to be stopped. With doubts about a forecast it decides only if one twice as wide would too; there is
        no decision where a doubt says that the forecast is of another run or schedule.

    Raises
    ------
    FitError
        If neither or both of ``threshold`` and ``against`` are given, or a number is out of its range.
    DataError
        If the other forecast has more than one row.

    Notes
    -----
    The probability is the share of the draws of :func:`scalefit.forecast_rest` that end below: draws of the law, the
    level of this run, how rows stray, and the error of such laws in how far the loss falls. So it is as well calibrated
    as those intervals are. How often such probabilities came true: docs/studies/stopping.md. The run is taken to be
    worth going on with or not by its final loss alone.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[(logs.width == 48) & (logs.step > 200)].assign(run=lambda rows: rows.schedule)
    >>> common = {"steps": 2000, "peak": 0.004, "warmup": 64}
    >>> plans = {"constant": sf.Schedule.constant(**common), "linear": sf.Schedule.linear(**common)}
    >>> law = sf.get_law("lr_annealing").with_settings(decay=0.98)
    >>> fit = sf.fit(logs[logs.run.isin(plans)], law, schedules=plans)
    >>> log = logs[(logs.run == "cosine") & (logs.step <= 1000)]
    >>> live = sf.forecast_rest(log, sf.Schedule.cosine(**common, end=0.0004), fit=fit)
    >>> sf.stop_or_go(live, 1.4).decision, sf.stop_or_go(live, 1.6).decision
    ('stop', 'go on')
    """
    if not isinstance(live, RestForecast):
        raise FitError(
            f"stop_or_go reads a RestForecast: live = sf.forecast_rest(log, schedule, …); got {type(live).__name__}."
        )
    if (threshold is None) == (against is None):
        raise FitError("stop_or_go: give either a threshold, such as 2.95, or the forecast of another run, against=….")
    if not 0.5 < confident < 1:
        raise FitError(f"stop_or_go: confident must lie between 0.5 and 1, such as 0.9; got {confident!r}.")
    if flops is not None and not flops > 0:
        raise FitError(f"stop_or_go: flops is what the whole planned run costs, above 0; got {flops!r}.")
    rival = _threshold(threshold) if threshold is not None else _rival(against, live.level)
    chances = [chance_below(drawn, rival.draws) for drawn in live.finals]
    if live.diverged:
        chances[-1] = math.nan  # no law says where such a run ends
    history = live.history
    frame = history[["seen_to"]].assign(
        done=history["seen_to"] / live.steps, probability=chances, **history[["estimate", "low", "high"]]
    )
    doubts = (*live.doubts, *rival.doubts)
    probability = chances[-1]
    cautious = chance_below(widened(live.finals[-1], live.doubts), widened(rival.draws, rival.doubts))
    barred = any(isinstance(doubt, Barring) for doubt in doubts) or math.isnan(probability)
    return StopOrGo(
        decision="stop" if live.diverged else decide(cautious, confident, barred=barred),
        probability=probability,
        frame=frame,
        rival=rival.words,
        bar=rival.estimate,
        bar_low=rival.low,
        bar_high=rival.high,
        confident=float(confident),
        saved=math.nan if flops is None else float(flops) * (1 - live.now / live.steps),
        now=live.now,
        steps=live.steps,
        level=live.level,
        doubts=doubts,
        notes=live.notes,
        cautious=math.nan if barred else cautious,
        diverged=live.diverged,
    )


def widened(draws: Array, doubts: tuple[str, ...]) -> Array:
    """Draws farther from their median, where a doubt says more than what they have taken account of.

    Examples
    --------
    >>> widened(np.array([1.0, 2.0, 4.0]), ("few runs",)), widened(np.array([1.0, 2.0, 4.0]), ())
    (array([0., 2., 6.]), array([1., 2., 4.]))
    """
    if all(isinstance(doubt, Slight) for doubt in doubts) or not np.isfinite(draws).any():
        return draws
    middle = float(np.median(draws[np.isfinite(draws)]))
    return np.asarray(middle + WIDER * (draws - middle))


def decide(probability: float, confident: float, *, barred: bool = False) -> Decision:
    """What a probability decides: nothing where it is not known, or is of something else.

    Examples
    --------
    >>> decide(0.95, 0.9), decide(0.6, 0.9), decide(0.02, 0.9), decide(0.99, 0.9, barred=True)
    ('go on', 'cannot tell yet', 'stop', 'no decision')
    """
    if barred or math.isnan(probability):
        return "no decision"
    if 1 - confident < probability < confident:
        return "cannot tell yet"
    return "go on" if probability >= confident else "stop"


@dataclass(frozen=True, eq=False)
class _Rival:
    """What must be beaten: its draws, and in words."""

    draws: Array
    words: str
    estimate: float
    low: float
    high: float
    doubts: tuple[str, ...] = ()


def _threshold(threshold: float) -> _Rival:
    if isinstance(threshold, bool) or not math.isfinite(threshold):
        raise FitError(f"stop_or_go: threshold must be a finite loss; got {threshold!r}.")
    value = float(threshold)
    return _Rival(np.array([value]), number(value), value, value, value)


def _rival(against: Any, level: float) -> _Rival:
    """Another forecast as draws of its one outcome."""
    if isinstance(against, RestForecast):
        last = against.frame.iloc[-1]
        return _named(against.finals[-1], last, against.level, "the other run", against.doubts)
    if isinstance(against, Forecast):
        frame, own, doubts, name = against.frame, against.level, against.doubts, "the forecast"
    elif isinstance(against, CurveForecast):
        frame, own, doubts, name = against.final, against.level, against.doubts, "the other run"
    elif isinstance(against, Fit):
        raise FitError(
            "stop_or_go: a Fit forecasts no run of its own accord: pass against=fit.predict(point, interval='run'), "
            "where point is the other run, such as sf.grid(params=[1e9], tokens=[2e10])."
        )
    else:
        frame, own, doubts, name = as_frame(against, what="the other forecast"), level, (), "the other forecast"
    for column in ("estimate", "low", "high"):
        if column not in frame.columns:
            raise missing_column(column, "stop_or_go, of the other forecast,", list(frame.columns))
    if len(frame) != 1:
        raise DataError(f"stop_or_go compares with one outcome; the other forecast has {len(frame)} rows: take one.")
    row = frame.iloc[0]
    return _named(draws_between(row.estimate, row.low, row.high, own), row, own, name, doubts)


def _named(draws: Array, row: pd.Series[Any], level: float, name: str, doubts: tuple[str, ...]) -> _Rival:
    estimate, low, high = (float(row[column]) for column in ("estimate", "low", "high"))
    said = tuple(of_another(name, doubt) for doubt in doubts)
    return _Rival(draws, f"{name}, {words.with_interval(estimate, low, high, level)}", estimate, low, high, said)


def headline(told: StopOrGo) -> str:
    """The decision in one sentence."""
    last = told.frame.iloc[-1]
    decision = told.decision[0].upper() + told.decision[1:]
    if told.diverged:
        return f"{decision}: {told.diverged}; {saving(told)}"
    where = f"the run, at step {told.now:,} of {told.steps:,},"
    if told.decision == "no decision":
        why = told.reason or f"whether {where} beats {told.rival} is not known"
        known = "" if math.isnan(told.probability) else f" (as it is, {amounts.percent(told.probability)} to beat it)"
        return f"{decision}: {why}{known}"
    if told.doubts:
        decision += f" ({amounts.count_of(len(told.doubts), 'doubt')} below)"
    final = words.with_interval(last.estimate, last.low, last.high, told.level)
    sentence = f"{decision}: {where} beats {told.rival} with {amounts.percent(told.probability)} (final loss {final})"
    return f"{sentence}; {saving(told)}"


def saving(told: StopOrGo) -> str:
    """What stopping now would save."""
    rest = f"{amounts.percent(1 - told.now / told.steps)} of its steps"
    return f"stopping now saves {rest}" + (f", {number(told.saved, digits=2)} FLOP" if told.saved > 0 else "")


def table(told: StopOrGo) -> pd.DataFrame:
    """How the probability moved."""
    rows = list(words.rows_of(told.frame))
    return pd.DataFrame(
        {
            "seen to step": [f"{row.seen_to:,}" for row in rows],
            "of the run": [amounts.percent(row.done) for row in rows],
            "beats it with": [amounts.percent(row.probability) for row in rows],
            "final loss": [words.loss(row.estimate, row.low, row.high) for row in rows],
            f"{100 * told.level:g} %": [amounts.ends(row.estimate, row.low, row.high) for row in rows],
        }
    )
