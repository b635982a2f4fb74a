"""Where a law reaches a target, and where little is left to gain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalefit.plots.axes import COLOURS, EDGE, axes_or_current, label_of_column, plain_ticks, short_number, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.targets.records import Saturation, ScaleRecord, TargetScale


def plot_target_scale(told: TargetScale, *, ax: Axes | None = None) -> Axes:
    """Draw the law along its route with its band, each value that was asked for, and where it is reached.

    Parameters
    ----------
    told : TargetScale
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
    >>> plot_target_scale(sf.find_scale(fit, 1.6)).get_ylabel()
    'loss (nats per token)'
    """
    ax = axes_or_current(ax)
    curve = told.curve
    x = curve[told.along]
    ax.fill_between(x, curve.low, curve.high, alpha=0.2, lw=0, color=COLOURS[0])
    ax.plot(x, curve.estimate, color=COLOURS[0], label=told.law)
    _draw_limit(told, ax)
    for row, colour in zip(told.frame.to_dict("records"), _colours(len(told.frame)), strict=True):
        _draw_answer(ax, row, row["value"], x, colour, f"{told.target} {row['value']:.4g}")
    _finish(told, ax)
    ax.set_yscale("linear" if told.grows else "log")
    ax.set_ylabel(label_of_column(told.target))
    plain_ticks(ax.yaxis)
    small_legend(ax)
    return ax


def plot_saturation(told: Saturation, *, ax: Axes | None = None) -> Axes:
    """Draw what is left to gain along the route with its band, each threshold, and where it is passed.

    Parameters
    ----------
    told : Saturation
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
    >>> plot_saturation(sf.find_saturation(fit, gain=0.02, per=2)).get_ylabel()
    'gain from 2 times the scale (share of loss)'
    """
    from scalefit.decisions.targets.words import limit_word, threshold_text

    ax = axes_or_current(ax)
    curve = told.curve
    x = curve[told.along]
    ax.fill_between(x, curve.gain_low, curve.gain_high, alpha=0.2, lw=0, color=COLOURS[0])
    ax.plot(x, curve.gain, color=COLOURS[0], label=told.law)
    for row, colour in zip(told.frame.to_dict("records"), _colours(len(told.frame)), strict=True):
        _draw_answer(ax, row, row["threshold"], x, colour, threshold_text(told, row["threshold"]))
    _finish(told, ax)
    ax.set_yscale("log")
    limit = limit_word(told)
    of, what = limit, f"left until the {limit}"
    if told.kind == "gain":
        of, what = told.target, f"gain from {told.per:g} times the scale"
    ax.set_ylabel(f"{what} ({f'share of {of}' if told.relative else told.target})")
    plain_ticks(ax.yaxis)
    small_legend(ax)
    return ax


def _draw_answer(
    ax: Axes, row: Mapping[Hashable, Any], height: float, x: pd.Series[float], colour: str, name: str
) -> None:
    """The line asked for, and where it is reached with its interval, cut off at the ends of the curve.

    A mark that points left stands where it is reached already, one that points right where the interval goes on.
    """
    first, last = float(x.iloc[0]), float(x.iloc[-1])
    reached = bool(np.isfinite(row["estimate"]))
    ax.axhline(height, lw=0.8, ls="--", color=colour, label=None if reached else f"{name}: never")
    if np.isfinite(row["low"]):
        ends = np.clip([row["low"], row["high"]], first, last)
        ax.plot(ends, [height, height], lw=3, color=colour, alpha=0.6, solid_capstyle="butt")
        if row["high"] > last:
            ax.plot([last], [height], ">", ms=7, color=colour, clip_on=False)
    if reached:
        mark = "<" if row["estimate"] <= first else "o"
        inside = row["estimate"] <= last
        ax.plot([row["estimate"]] if inside else [], [height] if inside else [], mark, ms=6, color=colour, label=name)


def _draw_limit(told: ScaleRecord, ax: Axes) -> None:
    estimate, low, high = told.limit
    if not np.isfinite(estimate) or (not told.grows and estimate <= 0):
        return
    name = "ceiling" if told.grows else "floor"
    ax.axhline(estimate, lw=0.8, color="0.5", label=f"{name} {estimate:.3g}")
    if np.isfinite(low) and np.isfinite(high):
        ax.axhspan(low, high, color="0.5", alpha=0.12, lw=0)


def _finish(told: ScaleRecord, ax: Axes) -> None:
    ax.set_xscale("log")
    ax.set_xlabel(label_of_column(told.along) + (f"\n{told.route}" if told.route else ""))
    ax.axvline(told.reach[1], ls=":", color=EDGE, label=f"largest run, {short_number(told.reach[1])}")
    if told.verdict:
        ax.set_title("not to be relied on: see the verdict on the fit", fontsize="small", color="0.3")


def _colours(count: int) -> list[str]:
    """One a line, none of them that of the curve."""
    others = (*COLOURS[1:], "0.2")
    return [others[k % len(others)] for k in range(count)]
