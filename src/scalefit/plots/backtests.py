"""Predicted against seen: the errors of a back-test, cut by cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, PercentFormatter

from scalefit.plots.axes import (
    MOST_CURVES,
    Look,
    label_of_column,
    looks,
    ordered_shades,
    paper,
    soft_ink,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.ticks import plain_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalefit.decisions.backtest_result import Backtest
    from scalefit.decisions.splits import Cut

#: The picture reaches this many times as far as the largest error; longer intervals are cut off.
ROOM = 2.0
#: More families than this are not named.
MOST_FAMILIES = 12


def plot_backtest(backtest: Backtest, *, ax: Axes | None = None) -> Axes:
    """Draw how far each prediction lies from what was seen, against how far it lies beyond the runs fitted.

    Points on the line at zero were foretold; above it the law predicted too much. A bar is the interval of one new run:
    where it does not reach zero, what was seen lies outside it, and the point is hollow. Colour is the cut. Where
    families were left out, colour is the family, and points stand at what was seen, for a family lies inside the range
    of the others as often as beyond it.

    Parameters
    ----------
    backtest : Backtest
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> test = sf.backtest(runs[runs.family == "lstm"], "chinchilla", cuts=[0.7], rng=0)
    >>> plot_backtest(test).get_xlabel()
    'times beyond the largest flops fitted'
    """
    rows = backtest.errors
    x = "factor" if backtest.by is None and bool(np.isfinite(rows["factor"]).all()) else "observed"
    many = len(backtest.fits) > (MOST_CURVES if backtest.by is None else MOST_FAMILIES)
    labels = _labels(backtest, x)
    ax = take_axes(ax)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.axhline(0, color=soft_ink(ax), lw=1, zorder=1)
    known = dict(zip(backtest.fits, _looks(ax, len(backtest.fits), many), strict=True))
    for cut, look in known.items():
        _draw(ax, rows[rows["cut"] == cut], x, look)
    _scale(ax, backtest, x)
    _limit(ax, rows)
    if many and backtest.by is None:
        shares = [float(cut) for cut in backtest.fits]
        shade = ScalarMappable(Normalize(shares[0], shares[-1]), ordered_shades(ax))
        ax.figure.colorbar(shade, ax=ax, format=PercentFormatter(1, 0), label="share of the runs fitted")
    _legend(ax, {} if many else known, backtest.level)
    fit_labels(ax)
    return ax


def _looks(ax: Axes, n: int, many: bool) -> list[Look]:
    """A colour and a marker for each cut: shades where they are many and have an order."""
    return [Look(tuple(shade), "o") for shade in ordered_shades(ax)(np.linspace(0, 1, n))] if many else looks(n)


def _draw(ax: Axes, rows: pd.DataFrame, x: str, look: Look) -> None:
    """The intervals of one cut and its points, full where the interval holds what was seen."""
    ax.vlines(rows[x], rows["relative_low"], rows["relative_high"], colors=[look.colour], lw=0.8, alpha=0.35, zorder=2)
    face = np.where(rows["held"].to_numpy()[:, None], to_rgba(look.colour), to_rgba(paper(ax)))
    ax.scatter(
        rows[x], rows["relative"], s=18, marker=look.marker, c=face, edgecolors=[look.colour], linewidths=0.9, zorder=3
    )  # fmt: skip


def _limit(ax: Axes, rows: pd.DataFrame) -> None:
    """Show every point, and of the intervals what lies near: one of a poor cut may be many times as long."""
    far = ROOM * float(rows["relative"].abs().max())
    low, high = max(float(rows["relative_low"].min()), -far), min(float(rows["relative_high"].max()), far)
    margin = 0.05 * (high - low)
    if np.isfinite(margin) and margin > 0:
        ax.set_ylim(min(low, 0) - margin, max(high, 0) + margin)


def _labels(backtest: Backtest, x: str) -> tuple[str, str]:
    """Names of the axes."""
    fitted = next(iter(backtest.fits.values()))
    seen = label_of_column(fitted.columns.get(fitted.target, fitted.target))
    along = f"times beyond the largest {backtest.along} fitted" if x == "factor" else f"seen: {seen}"
    return along, f"predicted / seen \N{MINUS SIGN} 1, {fitted.target}"


def _scale(ax: Axes, backtest: Backtest, x: str) -> None:
    logs = x == "factor" or next(iter(backtest.fits.values())).problem.objective.on == "log"
    ax.set(xscale="log" if logs else "linear", yscale="linear")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    plain_ticks(ax.xaxis)
    if x == "factor" and ax.get_xlim()[1] < 1e4:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))


def _legend(ax: Axes, known: Mapping[Cut, Look], level: float) -> None:
    """What colours, bars and hollow points mean."""
    entries = [
        Line2D([], [], ls="", marker=look.marker, ms=4, color=look.colour, label=_cut_label(cut))
        for cut, look in known.items()
    ]
    line = Line2D([], [], color=soft_ink(ax), lw=1, label=f"{100 * level:g} % interval")
    hollow = Line2D([], [], ls="", marker="o", ms=4, mfc="none", mec=soft_ink(ax), label="hollow: seen outside it")
    small_legend(ax, together=[(handle,) for handle in (*entries, line, hollow)])


def _cut_label(cut: Cut) -> str:
    return f"fitted to {cut:.0%} of the runs" if isinstance(cut, float) else str(cut)
