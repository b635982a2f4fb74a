"""Predicted against seen: the errors of a back-test, cut by cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize, to_rgba
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter
from matplotlib.typing import ColorType

from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    MARKERS,
    MOST_CURVES,
    axes_or_current,
    label_of_column,
    plain_ticks,
    small_legend,
)

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
    ax : matplotlib Axes; None takes the current ones.

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
    ax = axes_or_current(ax)
    rows = backtest.errors
    x = "factor" if backtest.by is None and bool(np.isfinite(rows["factor"]).all()) else "observed"
    many = len(backtest.fits) > (MOST_CURVES if backtest.by is None else MOST_FAMILIES)
    ax.axhline(0, color=EDGE, lw=1, zorder=1)
    looks = dict(zip(backtest.fits, _looks(len(backtest.fits), many), strict=True))
    for cut, (colour, marker) in looks.items():
        _draw(ax, rows[rows["cut"] == cut], x, colour, marker)
    _label(ax, backtest, x)
    _limit(ax, rows)
    if many and backtest.by is None:
        shares = [float(cut) for cut in backtest.fits]
        shade = ScalarMappable(Normalize(shares[0], shares[-1]), _shades())
        ax.figure.colorbar(shade, ax=ax, format=PercentFormatter(1, 0), label="share of the runs fitted")
    _legend(ax, {} if many else looks, backtest.level)
    return ax


def _looks(n: int, many: bool) -> list[tuple[ColorType, str]]:
    """A colour and a marker for each cut: shades where they are many and have an order."""
    if many:
        return [(shade, "o") for shade in _shades()(np.linspace(0, 1, n))]
    return [(COLOURS[k % len(COLOURS)], MARKERS[(k + k // len(COLOURS)) % len(MARKERS)]) for k in range(n)]


def _shades() -> Colormap:
    """Even in lightness and the same to any colour vision, without the end that is too light on white."""
    return ListedColormap(colormaps["cividis_r"](np.linspace(0.12, 1, 256)))


def _draw(ax: Axes, rows: pd.DataFrame, x: str, colour: ColorType, marker: str) -> None:
    """The intervals of one cut and its points, full where the interval holds what was seen."""
    ax.vlines(rows[x], rows["relative_low"], rows["relative_high"], colors=[colour], lw=0.8, alpha=0.35, zorder=2)
    face = np.where(rows["held"].to_numpy()[:, None], to_rgba(colour), to_rgba("white"))
    ax.scatter(
        rows[x], rows["relative"], s=18, marker=marker, c=face, edgecolors=[colour], linewidths=0.9, zorder=3
    )  # fmt: skip


def _limit(ax: Axes, rows: pd.DataFrame) -> None:
    """Show every point, and of the intervals what lies near: one of a poor cut may be many times as long."""
    far = ROOM * float(rows["relative"].abs().max())
    low, high = max(float(rows["relative_low"].min()), -far), min(float(rows["relative_high"].max()), far)
    margin = 0.05 * (high - low)
    if np.isfinite(margin) and margin > 0:
        ax.set_ylim(min(low, 0) - margin, max(high, 0) + margin)


def _label(ax: Axes, backtest: Backtest, x: str) -> None:
    """Names of the axes, and their scales."""
    fitted = next(iter(backtest.fits.values()))
    seen = label_of_column(fitted.columns.get(fitted.target, fitted.target))
    logs = x == "factor" or fitted.problem.objective.on == "log"
    ax.set(
        xscale="log" if logs else "linear",
        yscale="linear",
        xlabel=f"times beyond the largest {backtest.along} fitted" if x == "factor" else f"seen: {seen}",
        ylabel=f"predicted / seen \N{MINUS SIGN} 1, {fitted.target}",
    )
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    plain_ticks(ax.xaxis)
    low, high = ax.get_xlim()
    if x == "factor" and high < 1e4:
        if low * 10 <= high < low * 100:
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))


def _legend(ax: Axes, looks: Mapping[Cut, tuple[ColorType, str]], level: float) -> None:
    """What colours, bars and hollow points mean."""
    entries = [
        Line2D([], [], ls="", marker=marker, ms=4, color=colour, label=_cut_label(cut))
        for cut, (colour, marker) in looks.items()
    ]
    line = Line2D([], [], color=EDGE, lw=1, alpha=0.6, label=f"{100 * level:g} % interval")
    hollow = Line2D([], [], ls="", marker="o", ms=4, mfc="white", mec=EDGE, label="hollow: seen outside it")
    small_legend(ax, together=[(handle,) for handle in (*entries, line, hollow)])


def _cut_label(cut: Cut) -> str:
    return f"fitted to {cut:.0%} of the runs" if isinstance(cut, float) else str(cut)
