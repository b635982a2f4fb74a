"""How much of a run should be decay: the final loss of warm-up, stable phase and decay over the share that decays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.schedules import words
from scalefit.decisions.schedules.along import check_curve_law, ends, finals, other_inputs, sound_draws
from scalefit.decisions.schedules.doubts import doubts_of
from scalefit.decisions.schedules.law_error import law_error
from scalefit.decisions.schedules.plan import Plan
from scalefit.errors import DataError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.schedules.decays import DecayShape
from scalefit.uncertainty.intervals import check_level
from scalefit.wording import amounts
from scalefit.wording.said import Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shares tried where none are named.
TRIED = (0.01, 0.02, 0.03, 0.05, *(round(0.075 + 0.025 * k, 3) for k in range(36)), 1.0)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DecayChoice(Plan):
    """What a law says of the share of a run that should be decay.

    Attributes
    ----------
    frame : DataFrame
        One row a share: ``fraction`` of the steps, ``decay_start``, the final loss ``estimate, low, high``, its
        ``difference, difference_low, difference_high`` from the best share (draw by draw), ``flat``, whether it is
        within the noise of the best, and ``tied``, whether draws do not tell it from the best.
    best, low, high : float
        The share with the lowest final loss, between those tried, and its interval over the draws.
    flat : (low, high)
        The shares within the noise of the best: anything between them does as well, by the estimates.
    tied : (low, high)
        The shares that are not told from the best, the law's own error included; ``flat`` lies in them.
    noise : float
        Nats that are no difference: the standard deviation of one row about the fitted law.
    schedule : Schedule, with the best share.
    at_edge : bool, whether the best is the smallest or the largest share tried.
    level, law, doubts, source : as in all answers about schedules.
    """

    best: float
    low: float
    high: float
    flat: tuple[float, float]
    tied: tuple[float, float]
    noise: float
    schedule: Schedule
    at_edge: bool

    def said(self) -> Said:
        """The answer in words."""
        return self._told(headline(self), table(self), notes(self))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Final loss over the share of decay: see :func:`scalefit.plots.schedule_plans.plot_decay_choice`."""
        from scalefit.plots.schedule_plans import plot_decay_choice

        return plot_decay_choice(self, ax=ax)


def best_decay(
    fit: Fit,
    *,
    steps: int,
    peak: float,
    warmup: int = 0,
    end: float = 0.0,
    shape: DecayShape = "linear",
    fractions: Sequence[float] | None = None,
    noise: float | None = None,
    level: float = 0.9,
    at: Mapping[str, float] | None = None,
) -> DecayChoice:
    """The best share of decay of a schedule of warm-up, stable phase and decay, and the shares that do as well.

    Parameters
    ----------
    fit : Fit of a law of training curves.
    steps, peak, warmup, end, shape : as for :meth:`scalefit.Schedule.wsd`.
    fractions : shares of the steps after the warm-up that decay, in (0, 1]; None: 1 % to all of them.
    noise : nats that are no difference; None is the scatter of single rows about the law.
    level : float in (0, 1).
    at : other inputs of the law, such as ``{"params": 1e8}``; needed where they differ between the fitted runs.

    Returns
    -------
    DecayChoice
        Intervals allow for an error of the law itself, as those of :func:`scalefit.compare_schedules` do; there are
        none where the fit is not identified.

    Raises
    ------
    DataError
        If a fraction is outside (0, 1], or the schedule cannot be made.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> curves = logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
    >>> fit = sf.fit(curves, sf.get_law("lr_annealing").with_settings(decay=0.98))
    >>> told = sf.best_decay(fit, steps=2000, peak=0.004, warmup=64, end=0.0004)
    >>> told.flat[0] <= told.best <= told.flat[1]
    True
    """
    asker = "best_decay"
    check_curve_law(fit.law, asker)
    check_level(level)
    others = other_inputs(fit, at, asker)
    plans = _plans(fractions, steps=steps, peak=peak, warmup=warmup, end=end, shape=shape)
    shares = np.array(list(plans))
    estimate = finals(fit.law, fit.theta, list(plans.values()), others)[0]
    wrong = law_error(fit, list(plans.values()), others)
    draws = finals(fit.law, sound_draws(fit), list(plans.values()), others)
    draws = draws + wrong.draws(len(draws), fit.seed)
    first = int(np.argmin(np.where(np.isfinite(estimate), estimate, np.inf)))
    noise = float(fit.problem.residual(fit.theta)[0].std()) * _unit(fit, estimate[first]) if noise is None else noise
    apart = draws - draws[:, [first]]
    low, high = ends(draws, level)
    nearer, farther = ends(apart, level)
    flat = _around(estimate - estimate[first] <= noise, first)
    tied = _around(flat | (nearer <= 0), first)
    best = float(lowest_between(shares, estimate[None])[0])
    each = lowest_between(shares, draws)
    told_low, told_high = ends(each[:, None], level)
    frame = pd.DataFrame(
        {
            "fraction": shares,
            "decay_start": [one.steps - round(share * (one.steps - warmup)) for share, one in plans.items()],
            "estimate": estimate,
            "low": low,
            "high": high,
            "difference": estimate - estimate[first],
            "difference_low": nearer,
            "difference_high": farther,
            "flat": flat,
            "tied": tied,
        }
    )
    chosen = _plan(best, steps=steps, peak=peak, warmup=warmup, end=end, shape=shape)
    return DecayChoice(
        frame=frame,
        best=best,
        low=float(told_low[0]),
        high=float(told_high[0]),
        flat=(float(shares[flat].min()), float(shares[flat].max())),
        tied=(float(shares[tied].min()), float(shares[tied].max())),
        noise=noise,
        schedule=chosen,
        at_edge=first in (0, len(shares) - 1),
        level=level,
        law=fit.law.name,
        doubts=doubts_of(fit, [chosen], others),
        source=wrong.source,
    )


def _plans(
    fractions: Sequence[float] | None, *, steps: int, peak: float, warmup: int, end: float, shape: DecayShape
) -> dict[float, Schedule]:
    """The schedule of each share, those that round to the same step once."""
    tried = sorted({float(share) for share in (TRIED if fractions is None else fractions)})
    if not tried or not all(0 < share <= 1 for share in tried):
        raise DataError(f"best_decay: fractions are shares of the steps after warm-up, in (0, 1]; got {tried}.")
    plans, seen = {}, set()
    for share in tried:
        if (length := max(round(share * (steps - warmup)), 1)) not in seen:
            seen.add(length)
            plans[share] = _plan(share, steps=steps, peak=peak, warmup=warmup, end=end, shape=shape)
    return plans


def _plan(share: float, *, steps: int, peak: float, warmup: int, end: float, shape: DecayShape) -> Schedule:
    start = steps - max(round(share * (steps - warmup)), 1)
    return Schedule.wsd(steps=steps, peak=peak, warmup=warmup, decay_start=start, end=end, shape=shape)


def _unit(fit: Fit, loss: float) -> float:
    """Nats of a residual of one on the scale of the objective."""
    on = fit.problem.objective.on
    return loss if on == "log" else loss * (1 - loss) if on == "logit" else 1.0


def _around(flags: NDArray[np.bool_], place: int) -> NDArray[np.bool_]:
    """Flags that hang together with the one at a place."""
    breaks = np.cumsum(~flags)
    return np.asarray(flags & (breaks == breaks[place]), bool)


def lowest_between(shares: Array, losses: Array) -> Array:
    """Where each row of losses (B, m) is lowest: between places by the parabola through the lowest and its neighbours.

    NaN where a row has no value.
    """
    known = np.isfinite(losses).all(axis=1)
    out = np.full(len(losses), np.nan)
    y = losses[known]
    j = np.argmin(y, axis=1)
    out[known] = shares[j]
    inner = (j > 0) & (j < len(shares) - 1)
    k, rows = j[inner], np.flatnonzero(inner)
    left, right = shares[k - 1] - shares[k], shares[k + 1] - shares[k]
    up_left, up_right = y[rows, k - 1] - y[rows, k], y[rows, k + 1] - y[rows, k]
    bend = left * up_right - right * up_left
    with np.errstate(all="ignore"):
        move = 0.5 * (left**2 * up_right - right**2 * up_left) / bend
    fine = np.isfinite(move) & (move > left) & (move < right)
    places = np.flatnonzero(known)[rows]
    out[places[fine]] += move[fine]
    return out


def headline(told: DecayChoice) -> str:
    """The best share, and those that do as well."""
    share = f"{100 * told.best:.3g} %"
    known = np.isfinite(told.low) and np.isfinite(told.high)
    ends_text = f" ({100 * told.level:g} %: {100 * told.low:.3g} to {100 * told.high:.3g} %)" if known else ""
    edge = ", the edge of the shares tried," if told.at_edge else ""
    flat = f"; {100 * told.flat[0]:.3g} to {100 * told.flat[1]:.3g} % do as well, within {told.noise:.2g} nats"
    if known:
        flat += f", and {100 * told.tied[0]:.3g} to {100 * told.tied[1]:.3g} % are not told from it"
    best = f"the last {share}{ends_text}{edge} of the steps after warm-up"
    return f"Best decay over {told.schedule.steps:,} steps: {best}{flat}"


def table(told: DecayChoice) -> pd.DataFrame:
    """Some of the shares, digits as many as the intervals deserve."""
    frame = told.frame
    first = int(frame["estimate"].argmin())
    picks = sorted({first, *np.round(np.linspace(0, len(frame) - 1, min(len(frame), 9))).astype(int).tolist()})
    return pd.DataFrame(
        {
            "decay": f"{100 * row.fraction:.3g} %",
            "from step": f"{row.decay_start:,}",
            "final loss": words.loss(row.estimate, row.low, row.high),
            f"{100 * told.level:g} %": amounts.ends(row.estimate, row.low, row.high),
            "above the best": "" if row.Index == first else f"{row.difference:.2g}",
            "does as well": "yes" if row.flat else "not told apart" if row.tied else "",
        }
        for row in words.rows_of(frame.iloc[picks])
    )


def notes(told: DecayChoice) -> list[str]:
    """Where the numbers come from."""
    return [
        f"{told.law}, {told.schedule!r}; intervals of the law's mean: {told.source}. A share does as well that lies "
        f"less than {told.noise:.2g} nats above the best; it is not told apart where draws do not."
    ]
