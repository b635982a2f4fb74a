"""The runs, what each law says beyond them, and the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scalefit.plots.axes import GREY, Look, ink, is_compute, label_of_column, looks, note_doubts, paper, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import arms, draw_band, draw_curve, draw_edges
from scalefit.plots.ticks import tidy_ticks

if TYPE_CHECKING:
    from scalefit.decisions.forecast_result import Forecast

#: Points with their own mark of each law: more would hide each other.
MOST_POINTS = 3


def plot_forecast(forecast: Forecast, *, ax: Axes | None = None) -> Axes:
    """Draw what was seen, each law on its way to the farthest point, and the forecast with its interval there.

    Laws and band are dashed and paler beyond the runs; other inputs stand as at the farthest point, so runs need not
    lie on the lines. Where what orders the runs is no input of the laws, each law is a mark at the points instead.

    Parameters
    ----------
    forecast : Forecast
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> told = sf.forecast(runs[runs.family == "lstm"], sf.grid(params=[4e6], tokens=[2e7]), draws=50, rng=0)
    >>> plot_forecast(told).get_ylabel()
    'loss (nats per token)'
    """
    x, y = label_of_column(forecast.along), label_of_column(forecast.target)
    if forecast.fan.where:
        x += f"\nlaws at {forecast.fan.where}"
    ax = take_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    ax.plot(forecast.seen.place, forecast.seen.observed, "o", ms=3, color=GREY, label="runs", zorder=1.5)
    fan = forecast.fan
    names = list(forecast.by_law.columns)
    for name, look in zip(names, looks(len(names)), strict=True):
        if len(fan.frame):
            way, inside = fan.frame[forecast.along], (fan.frame.beyond <= 1).tolist()
            draw_curve(ax, way, fan.by_law[name], look, inside=inside, label=name, lw=1.2)
        _draw_law_at_points(ax, forecast, name, look, alone=not len(fan.frame))
    if len(fan.frame):
        draw_band(ax, fan.frame[forecast.along], fan.frame.low, fan.frame.high, GREY)
        draw_edges(ax, [float(forecast.seen.place.max())], "largest run")
    frame = forecast.frame
    label = f"forecast, {100 * forecast.level:g} %"
    ax.errorbar(
        forecast.places, frame.estimate, yerr=arms(frame.estimate, frame.low, frame.high), fmt="D", ms=5,
        mfc=paper(ax), mec=ink(ax), ecolor=ink(ax), capsize=3, lw=1.2, label=label, zorder=2.5,
    )  # fmt: skip
    tidy_ticks(ax, compute=is_compute(forecast.along))
    note_doubts(ax, forecast.doubts)
    small_legend(ax)
    fit_labels(ax)
    return ax


def _draw_law_at_points(ax: Axes, forecast: Forecast, name: str, look: Look, *, alone: bool) -> list[Line2D]:
    """What one law says at each point: over the hollow mark of the forecast, which would hide it."""
    label = name if alone else "_nolegend_"
    few = len(forecast.frame) <= MOST_POINTS or alone
    places = forecast.places if few else np.full(len(forecast.frame), np.nan)
    return ax.plot(places, forecast.by_law[name], "_", ms=13, mew=1.6, color=look.colour, label=label, zorder=3)
