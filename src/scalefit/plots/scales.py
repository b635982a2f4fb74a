"""Where a law reaches a target, and where little is left to gain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from scalefit.plots.axes import (
    GREY,
    Look,
    is_compute,
    label_of_column,
    looks,
    note,
    short_value,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve, draw_edges
from scalefit.plots.ticks import tidy_ticks

if TYPE_CHECKING:
    from scalefit.decisions.targets.records import Saturation, ScaleRecord, TargetScale


def plot_target_scale(told: TargetScale, *, ax: Axes | None = None) -> Axes:
    """Draw the law along its route with its band, each value that was asked for, and where it is reached.

    The law is dashed beyond the runs fitted.

    Parameters
    ----------
    told : TargetScale
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

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
    ax = _begin(told, ax, label_of_column(told.target), "linear" if told.grows else "log")
    _draw_law(told, ax, "estimate", "low", "high")
    _draw_limit(told, ax)
    for row, look in zip(told.frame.to_dict("records"), looks(len(told.frame), first=1), strict=True):
        _draw_answer(told, ax, row, row["value"], look, f"{told.target} {row['value']:.4g}")
    return _finish(told, ax)


def plot_saturation(told: Saturation, *, ax: Axes | None = None) -> Axes:
    """Draw what is left to gain along the route with its band, each threshold, and where it is passed.

    Parameters
    ----------
    told : Saturation
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

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

    limit = limit_word(told)
    of, what = limit, f"left until the {limit}"
    if told.kind == "gain":
        of, what = told.target, f"gain from {told.per:g} times the scale"
    ax = _begin(told, ax, f"{what} ({f'share of {of}' if told.relative else told.target})", "log")
    _draw_law(told, ax, "gain", "gain_low", "gain_high")
    for row, look in zip(told.frame.to_dict("records"), looks(len(told.frame), first=1), strict=True):
        _draw_answer(told, ax, row, row["threshold"], look, threshold_text(told, row["threshold"]))
    return _finish(told, ax)


def _begin(told: ScaleRecord, ax: Axes | None, label: str, scale: str) -> Axes:
    along = label_of_column(told.along) + (f"\n{told.route}" if told.route else "")
    ax = take_axes(ax)
    ax.set(xscale="log", yscale=scale, xlabel=along, ylabel=label)
    return ax


def _draw_law(told: ScaleRecord, ax: Axes, value: str, low: str, high: str) -> None:
    curve, look = told.curve, looks(1)[0]
    x = curve[told.along]
    draw_band(ax, x, curve[low], curve[high], look.colour)
    draw_curve(ax, x, curve[value], look, inside=x.between(*told.reach).tolist(), label=told.law, marked=False)


def _draw_answer(
    told: ScaleRecord, ax: Axes, row: Mapping[Hashable, Any], height: float, look: Look, name: str
) -> None:
    """The line asked for, and where it is reached with its interval, cut off at the ends of the curve.

    A mark that points left stands where it is reached already, one that points right where the interval goes on.
    """
    x, colour = told.curve[told.along], look.colour
    first, last = float(x.iloc[0]), float(x.iloc[-1])
    reached = bool(np.isfinite(row["estimate"]))
    ax.axhline(height, lw=0.8, ls=":", color=colour, label=None if reached else f"{name}: never")
    if np.isfinite(row["low"]):
        ends = np.clip([row["low"], row["high"]], first, last)
        ax.plot(ends, [height, height], lw=3, color=colour, alpha=0.6, solid_capstyle="butt")
        if row["high"] > last:
            ax.plot([last], [height], ">", ms=7, color=colour, clip_on=False)
    if reached:
        mark = "<" if row["estimate"] <= first else look.marker
        inside = row["estimate"] <= last
        ax.plot([row["estimate"]] if inside else [], [height] if inside else [], mark, ms=6, color=colour, label=name)


def _draw_limit(told: ScaleRecord, ax: Axes) -> None:
    estimate, low, high = told.limit
    if not np.isfinite(estimate) or (not told.grows and estimate <= 0):
        return
    name = "ceiling" if told.grows else "floor"
    ax.axhline(estimate, lw=1.2, ls="-.", color=GREY, label=f"{name} {estimate:.3g}")
    if np.isfinite(low) and np.isfinite(high):
        ax.axhspan(low, high, color=GREY, alpha=0.12, lw=0)


def _finish(told: ScaleRecord, ax: Axes) -> Axes:
    draw_edges(ax, [told.reach[1]], f"largest run, {short_value(told.reach[1], told.along)}")
    if told.verdict:
        note(ax, "not to be relied on: see the verdict on the fit")
    tidy_ticks(ax, compute=is_compute(told.along))
    small_legend(ax)
    fit_labels(ax)
    return ax
