"""Schedules side by side, the share of decay, the best schedule, a decay from now, and the rest of a live run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from scalefit.plots.axes import (
    COLOURS,
    GREY,
    MOST_CURVES,
    Look,
    label_of_column,
    looks,
    note_doubts,
    paper,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import arms, draw_band, draw_curve, draw_edges
from scalefit.plots.stacks import panels_below

if TYPE_CHECKING:
    from scalefit.decisions.schedules.anneal import Annealing
    from scalefit.decisions.schedules.comparison import ScheduleComparison
    from scalefit.decisions.schedules.decay import DecayChoice
    from scalefit.decisions.schedules.live import RestForecast
    from scalefit.decisions.schedules.optimize import OptimizedSchedule

#: Height of the panel of the rates, as a share of that of the losses above it.
RATES = 0.38
FINAL = "final loss (nats per token)"


def plot_schedules(told: ScheduleComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the loss along each schedule with its band, and the rates under it on the same steps.

    At most six schedules are drawn, the best first.

    Parameters
    ----------
    told : ScheduleComparison
    ax : matplotlib Axes, whose place losses and rates share; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
    """
    ax = take_axes(ax)
    names = list(told.frame["schedule"])[:MOST_CURVES]
    drawn = [(name, told.curves[told.curves["schedule"] == name]) for name in names]
    rates = _rates_under(ax)
    for look, (name, curve) in zip(looks(len(drawn)), drawn, strict=True):
        _draw_loss(ax, curve, look, name)
        draw_curve(rates, curve["step"], curve["lr"], look, lw=1.2)
    late = pd.concat([curve.iloc[len(curve) // 4 :] for _, curve in drawn])
    _close_to(ax, late["estimate"], late)
    return _finish(ax, told.doubts)


def plot_decay_choice(told: DecayChoice, *, ax: Axes | None = None) -> Axes:
    """Draw the final loss over the share of the run that decays, and the shares that do as well as the best.

    Parameters
    ----------
    told : DecayChoice
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    ax = take_axes(ax)
    frame, look = told.frame, looks(1)[0]
    draw_band(ax, frame["fraction"], frame["low"], frame["high"], look.colour)
    name = _with_band(told.law, frame, told.level)
    draw_curve(ax, frame["fraction"], frame["estimate"], look, label=name, marked=False)
    if told.tied != told.flat:
        ax.axvspan(
            *told.tied, fill=False, ec=GREY, alpha=0.35, lw=0, hatch="//", zorder=0, label="not told from the best"
        )
    ax.axvspan(*told.flat, color=COLOURS[2], alpha=0.15, lw=0, label="does as well as the best")
    draw_edges(ax, [told.best], f"best, {told.best:.3g}")
    ax.set(xlabel="decay (share of the steps after warm-up)", ylabel=FINAL)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    return _finish(ax, told.doubts)


def plot_optimized(told: OptimizedSchedule, *, ax: Axes | None = None) -> Axes:
    """Draw the rates of the optimised schedule beside those of usual ones, each with its final loss.

    Parameters
    ----------
    told : OptimizedSchedule
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    x, y = label_of_column("step"), label_of_column("lr")
    ax = take_axes(ax)
    shown = told.frame["schedule"][:MOST_CURVES]
    for place, (look, name) in enumerate(zip(looks(len(shown)), shown, strict=True)):
        rates = told.rates[told.rates["schedule"] == name]
        label, width = f"{name}: {told.frame['estimate'].iloc[place]:.4f}", 1.2 if place else 2.2
        draw_curve(ax, rates["step"], rates["lr"], look, lw=width, zorder=3 - 0.1 * place, label=label)
    ax.axhline(told.floor, color=GREY, ls=":", lw=1)
    ax.set(xlabel=x, ylabel=y)
    return _finish(ax, told.doubts, "final loss by the law")


def plot_annealing(told: Annealing, *, ax: Axes | None = None) -> Axes:
    """Draw the log of the run and each decay that starts now, with its band, and the rates under them.

    Parameters
    ----------
    told : Annealing
    ax : matplotlib Axes, whose place losses and rates share; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
    """
    ax, rates = _begin_run(told.seen, ax)
    lengths = list(told.frame["steps"])[-MOST_CURVES:]
    drawn = [(length, told.curves[told.curves["steps"] == length]) for length in lengths]
    for look, (length, curve) in zip(looks(len(drawn)), drawn, strict=True):
        _draw_loss(ax, curve, look, f"annealed over {length:,} steps", seen=False)
        draw_curve(rates, curve["step"], curve["lr"], look, inside=[False] * len(curve), lw=1.2)
    _close_to(ax, told.seen["observed"], pd.concat([curve for _, curve in drawn]))
    return _finish(ax, told.doubts)


def plot_rest(told: RestForecast, *, ax: Axes | None = None) -> Axes:
    """Draw the log of a live run, the forecast of its rest, and what was forecast of its end earlier.

    Parameters
    ----------
    told : RestForecast
    ax : matplotlib Axes, whose place losses and rates share; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
    """
    ax, rates = _begin_run(told.seen, ax)
    look = looks(1)[0]
    _draw_loss(ax, told.frame, look, _with_band("its rest", told.frame, told.level), seen=False)
    draw_curve(rates, told.frame["step"], told.frame["lr"], look, inside=[False] * len(told.frame), lw=1.2)
    past = told.history
    ends = arms(past["estimate"], past["low"], past["high"])
    label = "its end, forecast at that step"
    ax.errorbar(
        past["seen_to"], past["estimate"], yerr=ends, fmt="D", ms=4, mfc=paper(ax), color=COLOURS[1], lw=1, capsize=2,
        label=label,
    )  # fmt: skip
    _close_to(ax, told.seen["observed"], pd.concat([told.frame, past]))
    return _finish(ax, told.doubts)


def _begin_run(seen: pd.DataFrame, ax: Axes | None) -> tuple[Axes, Axes]:
    """Axes for losses and for rates, with the log of a run so far."""
    ax = take_axes(ax)
    rates = _rates_under(ax)
    ax.plot(seen["step"], seen["observed"], ".", ms=3, color=GREY, label="the run so far")
    rates.plot(seen["step"], seen["lr"], color=GREY, lw=1.2)
    return ax, rates


def _draw_loss(ax: Axes, curve: pd.DataFrame, look: Look, label: str, *, seen: bool = True) -> None:
    """A curve with its band, dashed where the run has not come yet."""
    draw_band(ax, curve["step"], curve["low"], curve["high"], look.colour)
    draw_curve(ax, curve["step"], curve["estimate"], look, inside=[seen] * len(curve), label=label)
    ax.set_ylabel(label_of_column("loss"))


def _with_band(name: str, frame: pd.DataFrame, level: float) -> str:
    """The name of a line in a legend, with the level of its band where there is one."""
    banded = np.isfinite(frame[["low", "high"]]).all(axis=1).any()
    return f"{name}, {100 * level:g} %" if banded else name


def _rates_under(ax: Axes) -> Axes:
    """Axes for the rates under those of the losses, on the same steps."""
    (rates,) = panels_below(ax, [RATES])
    rates.set_xlabel(label_of_column("step"))
    rates.set_ylabel(label_of_column("lr"), fontsize="small")
    rates.margins(y=0.1)
    return rates


def _close_to(ax: Axes, seen: pd.Series[float], told: pd.DataFrame) -> None:
    """Losses around what is told: the steep beginning of a log would flatten it."""
    late = seen.iloc[len(seen) // 4 :]
    values = np.concatenate([late, told["estimate"], told["low"], told["high"]])
    values = values[np.isfinite(values)]
    room = 0.08 * float(np.ptp(values)) or 0.01
    ax.set_ylim(values.min() - room, values.max() + room)


def _finish(ax: Axes, doubts: tuple[str, ...], title: str | None = None) -> Axes:
    note_doubts(ax, doubts)
    small_legend(ax, title)
    fit_labels(ax)
    return ax
