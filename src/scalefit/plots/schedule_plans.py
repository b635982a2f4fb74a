"""Schedules side by side, the share of decay, the best schedule, a decay from now, and the rest of a live run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalefit.plots.axes import COLOURS, EDGE, GREY, MOST_CURVES, axes_or_current, label_of_column, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.schedules.anneal import Annealing
    from scalefit.decisions.schedules.comparison import ScheduleComparison
    from scalefit.decisions.schedules.decay import DecayChoice
    from scalefit.decisions.schedules.live import RestForecast
    from scalefit.decisions.schedules.optimize import OptimizedSchedule

#: The share of the height that the rates take, under the losses.
RATES = 0.28


def plot_schedules(told: ScheduleComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the loss along each schedule with its band, and the rates under it on the same steps.

    At most six schedules are drawn, the best first.

    Parameters
    ----------
    told : ScheduleComparison
    ax : matplotlib Axes for the losses; None takes the current ones. The rates stand in axes of their own inside it.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    names = list(told.frame["schedule"])[:MOST_CURVES]
    drawn = [(name, told.curves[told.curves["schedule"] == name]) for name in names]
    for colour, (name, curve) in zip(COLOURS, drawn, strict=False):
        _band(ax, curve, colour, name)
    rates = _rates_under(ax)
    for colour, (_, curve) in zip(COLOURS, drawn, strict=False):
        rates.plot(curve["step"], curve["lr"], color=colour, lw=1.2)
    late = pd.concat([curve.iloc[len(curve) // 4 :] for _, curve in drawn])
    _close_to(ax, late["estimate"], late)
    _title(ax, told.doubts)
    small_legend(ax)
    return ax


def plot_decay_choice(told: DecayChoice, *, ax: Axes | None = None) -> Axes:
    """Draw the final loss over the share of the run that decays, and the shares that do as well as the best.

    Parameters
    ----------
    told : DecayChoice
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    frame = told.frame.assign(percent=100 * told.frame["fraction"])
    ax.fill_between(frame["percent"], frame["low"], frame["high"], color=COLOURS[0], alpha=0.2, lw=0)
    ax.plot(frame["percent"], frame["estimate"], color=COLOURS[0], label=f"{told.law}, {100 * told.level:g} %")
    low, high = (100 * share for share in told.flat)
    ax.axvspan(low, high, color=COLOURS[2], alpha=0.15, lw=0, label="does as well as the best")
    ax.axvline(100 * told.best, color=EDGE, ls=":", label=f"best, {100 * told.best:.3g} %")
    ax.set_xlabel("decay (% of the steps after warm-up)")
    ax.set_ylabel("final loss (nats per token)")
    _title(ax, told.doubts)
    small_legend(ax)
    return ax


def plot_optimized(told: OptimizedSchedule, *, ax: Axes | None = None) -> Axes:
    """Draw the rates of the optimised schedule beside those of usual ones, each with its final loss.

    Parameters
    ----------
    told : OptimizedSchedule
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    for place, (colour, name) in enumerate(zip(COLOURS, told.frame["schedule"], strict=False)):
        rates = told.rates[told.rates["schedule"] == name]
        label = f"{name}: {told.frame['estimate'].iloc[place]:.4f}"
        ax.plot(rates["step"], rates["lr"], color=colour, lw=1.2 if place else 2.2, zorder=3 - 0.1 * place, label=label)
    ax.axhline(told.floor, color=GREY, ls=":", lw=1)
    ax.set_xlabel(label_of_column("step"))
    ax.set_ylabel(label_of_column("lr"))
    _title(ax, told.doubts)
    small_legend(ax, "final loss by the law")
    return ax


def plot_annealing(told: Annealing, *, ax: Axes | None = None) -> Axes:
    """Draw the log of the run and each decay that starts now, with its band, and the rates under them.

    Parameters
    ----------
    told : Annealing
    ax : matplotlib Axes for the losses; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    ax.plot(told.seen["step"], told.seen["observed"], ".", ms=3, color=GREY, label="the run so far")
    lengths = list(told.frame["steps"])[-MOST_CURVES:]
    drawn = [(length, told.curves[told.curves["steps"] == length]) for length in lengths]
    for colour, (length, curve) in zip(COLOURS, drawn, strict=False):
        _band(ax, curve, colour, f"annealed over {length:,} steps")
    rates = _rates_under(ax)
    for colour, (_, curve) in zip(COLOURS, drawn, strict=False):
        rates.plot(curve["step"], curve["lr"], color=colour, lw=1.2)
    rates.plot(told.seen["step"], told.seen["lr"], color=GREY, lw=1.2)
    _close_to(ax, told.seen["observed"], pd.concat([curve for _, curve in drawn]))
    _title(ax, told.doubts)
    small_legend(ax)
    return ax


def plot_rest(told: RestForecast, *, ax: Axes | None = None) -> Axes:
    """Draw the log of a live run, the forecast of its rest, and what was forecast of its end earlier.

    Parameters
    ----------
    told : RestForecast
    ax : matplotlib Axes for the losses; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    ax.plot(told.seen["step"], told.seen["observed"], ".", ms=3, color=GREY, label="the run so far")
    _band(ax, told.frame, COLOURS[0], f"its rest, {100 * told.level:g} %")
    past = told.history
    ends = np.maximum([past["estimate"] - past["low"], past["high"] - past["estimate"]], 0)
    label = "its end, forecast at that step"
    ax.errorbar(
        past["seen_to"], past["estimate"], yerr=ends, fmt="D", ms=3, color=COLOURS[1], lw=1, capsize=2, label=label
    )
    rates = _rates_under(ax)
    rates.plot(told.seen["step"], told.seen["lr"], color=GREY, lw=1.2)
    rates.plot(told.frame["step"], told.frame["lr"], color=COLOURS[0], lw=1.2)
    _close_to(ax, told.seen["observed"], pd.concat([told.frame, past]))
    _title(ax, told.doubts)
    small_legend(ax)
    return ax


def _band(ax: Axes, curve: pd.DataFrame, colour: str, label: str) -> None:
    ax.fill_between(curve["step"], curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
    ax.plot(curve["step"], curve["estimate"], color=colour, lw=1.5, label=label)
    ax.set_ylabel(label_of_column("loss"))


def _rates_under(ax: Axes) -> Axes:
    """Axes for the rates under those of the losses, on the same steps."""
    ax.tick_params(labelbottom=False)
    rates = ax.inset_axes((0.0, -RATES - 0.06, 1.0, RATES), sharex=ax)
    rates.set_xlabel(label_of_column("step"))
    rates.set_ylabel("rate")
    rates.margins(y=0.1)
    rates.tick_params(labelbottom=True)
    return rates


def _close_to(ax: Axes, seen: pd.Series[float], told: pd.DataFrame) -> None:
    """Losses around what is told: the steep beginning of a log would flatten it."""
    late = seen.iloc[len(seen) // 4 :]
    values = np.concatenate([late, told["estimate"], told["low"], told["high"]])
    values = values[np.isfinite(values)]
    room = 0.08 * float(np.ptp(values)) or 0.01
    ax.set_ylim(values.min() - room, values.max() + room)


def _title(ax: Axes, doubts: tuple[str, ...]) -> None:
    if doubts:
        count = len(doubts)
        ax.set_title(f"not to be relied on: {count} reason{'s' if count > 1 else ''}", fontsize="small", color="0.3")
