"""Training curves that were forecast, with their bands, and the learning rates under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scalefit.plots.axes import Look, ink, label_of_column, looks, note_doubts, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve
from scalefit.plots.stacks import panels_below
from scalefit.plots.ticks import plain_ticks

if TYPE_CHECKING:
    from scalefit.decisions.curves.record import CurveForecast

#: Runs drawn; more would hide each other.
MOST_RUNS = 8
#: Height of the panel of the rates, as a share of that of the losses.
RATES = 0.45
#: Shares of ink and marks of runs that were fitted.
SEEN = ((0.75, "."), (0.45, "x"), (0.3, "+"))


def plot_curve_forecast(forecast: CurveForecast, *, ax: Axes | None = None) -> Axes:
    """Draw the fitted curves, the forecast ones dashed with their bands, and under them the learning rates of both.

    Parameters
    ----------
    forecast : CurveForecast
        The first eight runs of each are drawn, from the first step that was fitted on.
    ax : matplotlib Axes, whose place losses and rates share; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
        That of the losses; that of the rates shares its axis of steps and is ``ax.child_axes[0]``.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[logs.width == 24]
    >>> told = sf.forecast_curves(logs[logs.schedule == "cosine"], logs[logs.schedule == "wsd-80"], draws=5, rng=0)
    >>> plot_curve_forecast(told).get_ylabel()
    'loss (nats per token)'
    """
    ax = take_axes(ax)
    (below,) = panels_below(ax, [RATES])
    fitted = list(dict.fromkeys(forecast.curves.run))[:MOST_RUNS]
    for k, run in enumerate(fitted):
        share, mark = SEEN[k % len(SEEN)]
        rows, look = forecast.curves[forecast.curves.run == run], Look(ink(ax, share), mark)
        ax.plot(rows.step, rows.loss, mark, ms=3, color=look.colour, mew=0.6, label=f"{run}, fitted")
        _rates(below, forecast.schedules[f"fitted {run}"].rates, int(rows.step.max()), look, seen=True)
    for run, look in zip(list(forecast.final.index), looks(MOST_RUNS), strict=False):
        _draw_forecast(ax, forecast, str(run), look)
        _rates(below, forecast.schedules[run].rates, int(forecast.final.step[run]), look, seen=False)
    ax.set_ylabel(label_of_column(forecast.target))
    below.set_xlabel(label_of_column("step"))
    below.set_ylabel(label_of_column("lr"), fontsize="small")
    below.set_ylim(bottom=0)
    plain_ticks(ax.yaxis)
    note_doubts(ax, forecast.doubts)
    small_legend(ax)
    fit_labels(ax)
    return ax


def _draw_forecast(ax: Axes, forecast: CurveForecast, run: str, look: Look) -> None:
    chosen = ((forecast.points.run == run) & (forecast.points.step >= forecast.curves.step.min())).to_numpy()
    order = np.argsort(forecast.points.step.to_numpy()[chosen], kind="stable")
    step, rows = forecast.points.step.to_numpy()[chosen][order], forecast.frame[chosen].iloc[order]
    draw_band(ax, step, rows.low, rows.high, look.colour)
    label = f"{run}, {100 * forecast.level:g} %"
    draw_curve(ax, step, rows.estimate, look, inside=[False] * len(step), label=label, lw=1.2)


def _rates(ax: Axes, rates: NDArray[np.float64], last: int, look: Look, *, seen: bool) -> None:
    """The rates up to a step, at no more places than can be seen."""
    shown = np.unique(np.linspace(0, last, min(last + 1, 2000)).round().astype(int))
    draw_curve(ax, shown, rates[shown], look, inside=[seen] * len(shown), lw=1)
