"""Draws of the parameters, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import COLOURS, soft_ink, take_figure
from scalefit.plots.lines import draw_edges
from scalefit.plots.ticks import plain_ticks

if TYPE_CHECKING:
    from scalefit.result import Fit

PANEL = 1.75  # inches
#: Bars of a histogram, and draws that are shown as dots: more would be one blot.
BARS, DOTS = 30, 2000
#: Parameters whose draws span a larger factor stand on a log axis.
WIDE = 10.0


def plot_draws(
    fit: Fit, params: Sequence[str] | None = None, *, level: float = 0.9, figure: Figure | SubFigure | None = None
) -> Figure | SubFigure:
    """Draw every pair of parameters, draw by draw, with a histogram of each above; lines cross at the estimates.

    Parameters
    ----------
    fit : Fit
        After ``fit.bootstrap``, its refits; else draws of its covariance.
    params : parameters to show; None: those that vary.
    level : float in (0, 1), of the interval between the dotted lines.
    figure : Figure or SubFigure to draw in; None makes a new one.

    Returns
    -------
    Figure or SubFigure
        A new one is not registered with pyplot: show or save it.

    Raises
    ------
    FitError
        If a parameter is not one of the law's, or no draws can be made.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(50, rng=0)
    >>> [ax.get_xlabel() for ax in plot_draws(fit, ["E", "alpha"]).axes]
    ['', 'E (nats/token)', 'alpha']
    """
    draws = pd.DataFrame(fit.draws_theta, columns=list(fit.law.param_names))
    draws = draws.loc[np.isfinite(draws.to_numpy()).all(axis=1)]
    for name in params or ():
        if name not in draws:
            raise FitError(not_one_of("params", name, fit.law.param_names))
    names = list(params) if params is not None else [name for name in fit.law.param_names if draws[name].nunique() > 1]
    if not names or len(draws) < 2:
        raise FitError(f"{fit.law.name} has no draws to show: fit.bootstrap(1000) makes them from more rows.")
    summary = fit.summary(level)
    ends: dict[str, dict[str, float]] = summary[["estimate", "low", "high"]].to_dict()  # type: ignore[assignment]
    figure = take_figure(figure, PANEL * len(names) + 0.6, PANEL * len(names) + 0.4)
    grid = figure.subplots(len(names), len(names), squeeze=False, sharex="col")
    for i, below in enumerate(names):
        for j, along in enumerate(names):
            ax = grid[i, j]
            if j > i:
                ax.remove()
                continue
            if i == j:
                _draw_one(ax, draws[along], [ends[name][along] for name in ("estimate", "low", "high")])
            else:
                _draw_pair(ax, draws[along], draws[below], (fit.estimates[along], fit.estimates[below]))
            if i == len(names) - 1:
                ax.set_xlabel(_label(along, str(summary.loc[along, "unit"])))
                ax.tick_params(axis="x", rotation=30)
            if j == 0 and i > 0:
                ax.set_ylabel(_label(below, str(summary.loc[below, "unit"])))
            elif j > 0:
                ax.tick_params(axis="y", labelleft=False)
    note = f"{fit.interval_source}; dotted: {100 * level:g} %"
    figure.suptitle(note, fontsize="small", color=soft_ink(grid[0, 0]))
    return figure


def _draw_one(ax: Axes, values: pd.Series[float], told: Sequence[float]) -> None:
    logs = _is_wide(values)
    ax.set_xscale("log" if logs else "linear")
    spaced = np.geomspace if logs else np.linspace
    bars = spaced(values.min(), values.max(), BARS + 1).tolist()
    ax.hist(values, bins=bars, color=COLOURS[4], alpha=0.8)
    ax.axvline(told[0], color=COLOURS[1], lw=1.2)
    draw_edges(ax, told[1:])
    ax.set_yticks([])
    _few_ticks(ax)


def _draw_pair(ax: Axes, x: pd.Series[float], y: pd.Series[float], estimate: tuple[float, float]) -> None:
    ax.set_xscale("log" if _is_wide(x) else "linear")
    ax.set_yscale("log" if _is_wide(y) else "linear")
    every = -(-len(x) // DOTS)
    ax.plot(x[::every], y[::every], ".", ms=3.5, color=COLOURS[4], alpha=0.7, mew=0)
    ax.axvline(estimate[0], color=COLOURS[1], lw=0.8)
    ax.axhline(estimate[1], color=COLOURS[1], lw=0.8)
    _few_ticks(ax)


def _few_ticks(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            plain_ticks(axis)
        elif len(axis.get_ticklocs()):
            axis.set_major_locator(MaxNLocator(3))


def _is_wide(values: pd.Series[float]) -> bool:
    return bool(values.min() > 0 and values.max() > WIDE * values.min())


def _label(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
