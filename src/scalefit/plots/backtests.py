"""Predicted against seen."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from scalefit.plots.axes import EDGE, MARKERS, axes_or_current, label_of_column, plain_ticks, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.backtest import Backtest


def plot_backtest(backtest: Backtest, *, ax: Axes | None = None) -> Axes:
    """Draw each prediction with its interval against what was seen; points on the diagonal were foretold.

    Colour is how many times beyond the largest run fitted a point lies, the marker is the cut.

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
    'seen: loss (nats per token)'
    """
    ax = axes_or_current(ax)
    frame = backtest.frame
    factors = frame.factor[frame.factor < float("inf")]
    colours = LogNorm(1.0, max(factors.max(), 1.01) if len(factors) else 10.0, clip=True)
    ends = [frame[["observed", "estimate"]].min().min(), frame[["observed", "estimate"]].max().max()]
    ax.plot(ends, ends, "-", lw=1, color=EDGE, label="as predicted", zorder=1)
    ax.vlines(
        frame.observed,
        frame.low,
        frame.high,
        color="0.8",
        lw=0.7,
        zorder=1,
        label=f"{100 * backtest.level:g} % interval",
    )
    for (cut, rows), marker in zip(frame.groupby("cut"), cycle(MARKERS)):
        points = ax.scatter(
            rows.observed, rows.estimate, c=rows.factor, norm=colours, cmap="cividis_r", marker=marker, s=18,
            edgecolors=EDGE, linewidths=0.3, label=f"fitted below cut {cut:g}", zorder=2,
        )  # fmt: skip
    ax.figure.colorbar(points, ax=ax, format="{x:g}", label=f"times beyond the largest {backtest.along} fitted")
    fitted = next(iter(backtest.fits.values()))
    label = label_of_column(fitted.columns.get(fitted.target, fitted.target))
    scale = "log" if fitted.problem.objective.on == "log" else "linear"
    ax.set(xscale=scale, yscale=scale, xlabel=f"seen: {label}", ylabel=f"predicted: {label}")
    for axis in (ax.xaxis, ax.yaxis):
        plain_ticks(axis)
    small_legend(ax)
    return ax
