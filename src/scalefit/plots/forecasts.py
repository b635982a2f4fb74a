"""The runs, what each law says beyond them, and the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from scalefit.plots.axes import axes_or_current, label_of_column, plain_ticks, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.forecast_result import Forecast


def plot_forecast(forecast: Forecast, *, ax: Axes | None = None) -> Axes:
    """Draw what was seen and what is forecast against what orders the runs, with each law's own answer.

    Parameters
    ----------
    forecast : Forecast
    ax : matplotlib Axes; None takes the current ones.

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
    ax = axes_or_current(ax)
    ax.plot(forecast.seen.place, forecast.seen.observed, "o", ms=3, color="0.6", label="runs")
    for name in forecast.by_law.columns:
        ax.plot(forecast.places, forecast.by_law[name], "_", ms=8, mew=1.5, label=name)
    frame = forecast.frame
    # An interval that was pulled to one side still has ends on both sides of its estimate, or a length of zero.
    ends = np.maximum([frame.estimate - frame.low, frame.high - frame.estimate], 0)
    label = f"forecast, {100 * forecast.level:g} %"
    ax.errorbar(forecast.places, frame.estimate, yerr=ends, fmt="D", ms=4, color="black", capsize=3, lw=1, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(label_of_column(forecast.along))
    ax.set_ylabel(label_of_column(forecast.target))
    plain_ticks(ax.yaxis)
    if forecast.doubts:
        count = len(forecast.doubts)
        ax.set_title(f"not to be relied on: {count} reason{'s' if count > 1 else ''}", fontsize="small", color="0.3")
    small_legend(ax)
    return ax
