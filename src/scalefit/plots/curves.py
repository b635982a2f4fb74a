"""Training curves that were forecast, with their bands, and the learning rates under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from mpl_toolkits.axes_grid1 import make_axes_locatable  # type: ignore[import-untyped]

from scalefit.plots.axes import axes_or_current, label_of_column, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.curves.record import CurveForecast

#: Runs drawn; more would hide each other.
MOST_RUNS = 8
#: Height of the panel of the rates, as a share of that of the losses.
RATES = "32%"
SEEN = ("0.25", "0.55", "0.75")


def plot_curve_forecast(forecast: CurveForecast, *, ax: Axes | None = None) -> Axes:
    """Draw the fitted curves, the forecast ones with their bands, and under them the learning rates of both.

    Parameters
    ----------
    forecast : CurveForecast
        The first eight runs of each are drawn, from the first step that was fitted on.
    ax : matplotlib Axes; None takes the current ones. Its lower part is given to the rates.

    Returns
    -------
    Axes
        That of the losses; that of the rates shares its axis of steps and is the last of its figure.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[logs.width == 24]
    >>> told = sf.forecast_curves(logs[logs.schedule == "cosine"], logs[logs.schedule == "wsd-80"], draws=5, rng=0)
    >>> plot_curve_forecast(told).get_ylabel()
    'loss (nats per token)'
    """
    ax = axes_or_current(ax)
    below = make_axes_locatable(ax).append_axes("bottom", size=RATES, pad=0.14, sharex=ax)
    first = forecast.curves.step.min()
    fitted = list(dict.fromkeys(forecast.curves.run))[:MOST_RUNS]
    for k, run in enumerate(fitted):
        rows, color = forecast.curves[forecast.curves.run == run], SEEN[k % len(SEEN)]
        ax.plot(rows.step, rows.loss, ".", ms=3, color=color, label=f"{run}, fitted")
        _rates(below, forecast.schedules[f"fitted {run}"].rates, int(rows.step.max()), color, "-")
    for k, run in enumerate(list(forecast.final.index)[:MOST_RUNS]):
        chosen = ((forecast.points.run == run) & (forecast.points.step >= first)).to_numpy()
        order = np.argsort(forecast.points.step.to_numpy()[chosen], kind="stable")
        step = forecast.points.step.to_numpy()[chosen][order]
        rows = forecast.frame[chosen].iloc[order]
        color = f"C{k}"
        ax.fill_between(step, rows.low, rows.high, color=color, alpha=0.2, lw=0)
        ax.plot(step, rows.estimate, color=color, lw=1.2, label=f"{run}, {100 * forecast.level:g} %")
        _rates(below, forecast.schedules[run].rates, int(forecast.final.step[run]), color, "--")
    ax.set_ylabel(label_of_column(forecast.target))
    ax.tick_params(labelbottom=False)
    below.set_xlabel(label_of_column("step"))
    below.set_ylabel("rate")
    below.set_ylim(bottom=0)
    if forecast.doubts:
        count = len(forecast.doubts)
        ax.set_title(f"not to be relied on: {count} reason{'s' if count > 1 else ''}", fontsize="small", color="0.3")
    small_legend(ax)
    return ax


def _rates(ax: Axes, rates: np.ndarray, last: int, color: str, style: str) -> None:
    """The rates up to a step, at no more places than can be seen."""
    shown = np.unique(np.linspace(0, last, min(last + 1, 2000)).round().astype(int))
    ax.plot(shown, rates[shown], style, color=color, lw=1)
