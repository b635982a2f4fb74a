"""Families side by side: their curves and runs, how far they lie apart, and who is ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from scalefit.plots.axes import (
    GREY,
    Look,
    is_compute,
    label_of_column,
    looks,
    shortened,
    soft_ink,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve, draw_edges
from scalefit.plots.stacks import panels_below
from scalefit.plots.ticks import plain_ticks

if TYPE_CHECKING:
    from scalefit.decisions.comparison.protocol_result import ProtocolComparison
    from scalefit.decisions.comparison.record import Comparison

#: Letters of a family in a label of an axis.
WIDEST = 16
#: Heights of the panels under the curves.
BELOW = (0.45, 0.45)
#: Shares of draws above and below which one is surely ahead.
SURE = (0.05, 0.95)


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw curves with bands and runs; below them the ratio to the best family, and how often each is the best.

    Curves are dashed beyond the runs of their own family, ratios and shares beyond those of any. The range that the
    runs of all families cover is plain, the rest shaded.

    Parameters
    ----------
    comparison : Comparison
    ax : matplotlib Axes, whose place three panels share; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
        The upper panel; the others are ``ax.child_axes``.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> ax = plot_comparison(sf.compare(runs, law="chinchilla", draws=50, rng=0))
    >>> ax.get_ylabel()
    'loss (nats per token)'
    """
    ax = take_axes(ax)
    frame, along = comparison.frame, comparison.along
    low, high = float(frame[along].min()), float(frame[along].max())
    ax.set_xscale("log" if low > 0 else "linear")
    ax.set_xlim(low, high)
    ratio, ahead = panels_below(ax, BELOW)
    known = dict(zip(comparison.families, looks(len(comparison.families)), strict=True))
    _draw_ratios(comparison, known, ratio)
    _draw_chances(comparison, known, ahead)
    for panel in (ax, ratio, ahead):
        if comparison.common is not None:
            panel.axvspan(low, comparison.common[0], color=GREY, alpha=0.13, lw=0, zorder=0)
            panel.axvspan(comparison.common[1], high, color=GREY, alpha=0.13, lw=0, zorder=0)
    plain_ticks(ahead.xaxis, compute=is_compute(along))
    ahead.set_xlabel(label_of_column(along))
    _draw_curves(comparison, known, ax)
    fit_labels(ax)
    return ax


def _draw_curves(comparison: Comparison, known: dict[str, Look], ax: Axes) -> None:
    logs = comparison.frame["estimate"].min() > 0 and comparison.better == "low"
    ax.set_yscale("log" if logs else "linear")
    together: list[tuple[Artist, ...]] = []
    for name, look in known.items():
        runs = comparison.seen[comparison.seen["family"] == name]
        (marks,) = ax.plot(runs["place"], runs["observed"], look.marker, ms=3, color=look.colour, alpha=0.45, mew=0)
        part = comparison.frame[comparison.frame["family"] == name]
        way = part[comparison.along]
        draw_band(ax, way, part["low"], part["high"], look.colour)
        inside = way.between(runs["place"].min(), runs["place"].max()).tolist()
        together.append((draw_curve(ax, way, part["estimate"], look, inside=inside, label=name), marks))
    ax.set_ylabel(label_of_column(comparison.target))
    plain_ticks(ax.yaxis)
    small_legend(ax, together=together)


def _draw_ratios(comparison: Comparison, known: dict[str, Look], ax: Axes) -> None:
    """The ratio of the first family to each other one, whose colour and marks it has."""
    first = comparison.families[0]
    table = comparison.differences
    for name in comparison.families[1:]:
        part = table[(table["family"] == first) & (table["against"] == name)]
        look = known[name]
        draw_band(ax, part[comparison.along], part["ratio_low"], part["ratio_high"], look.colour)
        way = part[comparison.along]
        draw_curve(ax, way, part["ratio"], look, inside=_covered(comparison, way), label=f"{first} / {name}")
    ax.axhline(1, lw=1, color=soft_ink(ax), ls=":")
    text = ax.set_ylabel(f"{comparison.target}, {shortened(first, WIDEST)} / other", fontsize="small")
    text.set_parse_math(False)


def _draw_chances(comparison: Comparison, known: dict[str, Look], ax: Axes) -> None:
    way = comparison.best.index.to_series()
    for name, look in known.items():
        draw_curve(ax, way, comparison.best[name], look, inside=_covered(comparison, way))
    _draw_sure(ax)
    ax.set_ylabel("share best", fontsize="small")


def _covered(comparison: Comparison, way: pd.Series[float]) -> list[bool]:
    """Which places lie among the runs of all families."""
    if comparison.common is None:
        return [False] * len(way)
    return way.between(*comparison.common).tolist()


def _draw_sure(ax: Axes) -> None:
    for share in SURE:
        ax.axhline(share, lw=0.8, color=soft_ink(ax), ls=":")
    ax.set_ylim(-0.03, 1.03)


def plot_protocol(protocol: ProtocolComparison, *, ax: Axes | None = None) -> Axes:
    """Draw, for each metric, how often the family that leads is ahead; dashed beyond the largest common run.

    Parameters
    ----------
    protocol : ProtocolComparison
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> told = sf.compare_protocol(runs, metrics=["loss"], law="power_offset", draws=20, rng=0)
    >>> sf.plot_protocol(told).get_ylabel()
    'share of draws with transformer the best'
    """
    leader = protocol.leader or protocol.families[0]
    x, y = label_of_column(protocol.along), f"share of draws with {leader} the best"
    ax = take_axes(ax)
    ax.set(xscale="log", xlabel=x, ylabel=y)
    metrics = protocol.comparisons
    for (metric, told), look in zip(metrics.items(), looks(len(metrics)), strict=True):
        shown: pd.Series = told.best[leader]
        draw_curve(ax, shown.index, shown, look, inside=shown.index <= protocol.largest, label=metric)
    _draw_sure(ax)
    draw_edges(ax, [protocol.largest], "largest run")
    plain_ticks(ax.xaxis, compute=is_compute(protocol.along))
    small_legend(ax)
    fit_labels(ax)
    return ax
