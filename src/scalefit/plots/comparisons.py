"""Families side by side: their curves and runs, how far they lie apart, and who is ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from mpl_toolkits.axes_grid1 import make_axes_locatable  # type: ignore[import-untyped]

from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    MARKERS,
    axes_or_current,
    label_of_column,
    plain_ticks,
    small_legend,
)

if TYPE_CHECKING:
    from scalefit.decisions.comparison.protocol_result import ProtocolComparison
    from scalefit.decisions.comparison.record import Comparison

#: Where the labels of all panels stand, in widths of a panel: under one another.
LABELS_AT = -0.11


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw curves with bands and runs; below them the ratio to the best family, and how often each is the best.

    The range that the runs of all families cover is white, the rest grey.

    Parameters
    ----------
    comparison : Comparison
    ax : matplotlib Axes, whose place three panels share; None takes the current ones.

    Returns
    -------
    Axes
        The upper panel; the others are ``ax.figure.axes[-2:]``.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> ax = plot_comparison(sf.compare(runs, law="chinchilla", draws=50, rng=0))
    >>> ax.get_ylabel()
    'loss (nats per token)'
    """
    ax = axes_or_current(ax)
    divider = make_axes_locatable(ax)
    ratio = divider.append_axes("bottom", size="45%", pad=0.12, sharex=ax)
    ahead = divider.append_axes("bottom", size="45%", pad=0.12, sharex=ax)
    ax.set_xscale("log" if comparison.frame[comparison.along].min() > 0 else "linear")
    _draw_curves(comparison, ax)
    _draw_ratios(comparison, ratio)
    _draw_chances(comparison, ahead)
    low, high = comparison.frame[comparison.along].min(), comparison.frame[comparison.along].max()
    for panel in (ax, ratio, ahead):
        if comparison.common is not None:
            panel.axvspan(low, comparison.common[0], color="0.94", lw=0, zorder=0)
            panel.axvspan(comparison.common[1], high, color="0.94", lw=0, zorder=0)
        panel.set_xlim(low, high)
        panel.yaxis.set_label_coords(LABELS_AT, 0.5)
    for panel in (ax, ratio):
        panel.tick_params(axis="x", which="both", labelbottom=False)
    ahead.set_xlabel(label_of_column(comparison.along))
    return ax


def _draw_curves(comparison: Comparison, ax: Axes) -> None:
    logs = comparison.frame["estimate"].min() > 0 and comparison.better == "low"
    ax.set_yscale("log" if logs else "linear")
    for number, name in enumerate(comparison.families):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        runs = comparison.seen[comparison.seen["family"] == name]
        ax.plot(runs["place"], runs["observed"], marker, ms=3, color=colour, alpha=0.45, mew=0)
        part = comparison.frame[comparison.frame["family"] == name]
        ax.fill_between(part[comparison.along], part["low"], part["high"], color=colour, alpha=0.2, lw=0)
        ax.plot(part[comparison.along], part["estimate"], lw=1.5, color=colour, label=name)
    ax.set_ylabel(label_of_column(comparison.target))
    plain_ticks(ax.yaxis)
    small_legend(ax)


def _draw_ratios(comparison: Comparison, ax: Axes) -> None:
    """The ratio of each family to the first one."""
    first = comparison.families[0]
    table = comparison.differences
    for number, name in enumerate(comparison.families[1:], start=1):
        part = table[(table["family"] == first) & (table["against"] == name)]
        colour = COLOURS[number % len(COLOURS)]
        ax.fill_between(part[comparison.along], part["ratio_low"], part["ratio_high"], color=colour, alpha=0.2, lw=0)
        ax.plot(part[comparison.along], part["ratio"], lw=1.5, color=colour, label=f"{first} / {name}")
    ax.axhline(1, lw=1, color=EDGE, ls=":")
    ax.set_ylabel(f"ratio of {comparison.target}")
    small_legend(ax)


def _draw_chances(comparison: Comparison, ax: Axes) -> None:
    for number, name in enumerate(comparison.families):
        ax.plot(comparison.best.index, comparison.best[name], lw=1.5, color=COLOURS[number % len(COLOURS)])
    for share in (0.05, 0.95):
        ax.axhline(share, lw=0.8, color=EDGE, ls=":")
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel("share best")


def plot_protocol(protocol: ProtocolComparison, *, ax: Axes | None = None) -> Axes:
    """Draw, for each metric, how often the family that leads is ahead.

    Parameters
    ----------
    protocol : ProtocolComparison
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    for number, (metric, told) in enumerate(protocol.comparisons.items()):
        shown: pd.Series = told.best[protocol.leader or protocol.families[0]]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        ax.plot(shown.index, shown, marker, ls="-", ms=3, lw=1.2, color=colour, label=metric)
    for share in (0.05, 0.95):
        ax.axhline(share, lw=0.8, color=EDGE, ls=":")
    ax.axvline(protocol.largest, lw=1, ls=":", color=EDGE)
    ax.set(xscale="log", ylim=(-0.03, 1.03), xlabel=label_of_column(protocol.along))
    ax.set_ylabel(f"share of draws with {protocol.leader or protocol.families[0]} the best")
    small_legend(ax)
    return ax
