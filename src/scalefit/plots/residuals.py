"""What a fit leaves over: residuals against each input, in order, and by family; along steps for training curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from scalefit.plots.axes import GREY, evenly, ink, is_compute, label_of_column, looks, soft_ink, take_figure
from scalefit.plots.fits import is_of_curves, residual_label, run_names
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve
from scalefit.plots.runs import family_marks
from scalefit.plots.ticks import plain_ticks

if TYPE_CHECKING:
    from scalefit.result import Fit

PANEL = (3.9, 3.3)  # inches
#: Panels in a row, and inputs and families at most.
COLUMNS, MOST_INPUTS, MOST_FAMILIES = 3, 6, 12
#: Letters of a family on the axis.
WIDEST = 14


def plot_residuals(
    fit: Fit, *, by: str = "family", level: float = 0.9, figure: Figure | SubFigure | None = None
) -> Figure | SubFigure:
    """Draw residuals against each input, in order beside those of a normal scatter, and family by family.

    Of a law of training curves they are drawn run by run along the steps instead of against inputs.

    Parameters
    ----------
    fit : Fit
    by : str
        Column that tells families apart; where it is missing or has one value there is no such panel.
    level : float in (0, 1), of the band in which residuals in order would lie if their scatter were normal.
    figure : Figure or SubFigure to draw in; None makes a new one.

    Returns
    -------
    Figure or SubFigure
        A new one is not registered with pyplot: show or save it.

    Raises
    ------
    FitError
        If the level lies outside (0, 1).

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> figure = plot_residuals(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> [ax.get_xlabel() for ax in figure.axes]
    ['parameters N', 'training tokens D', 'standard deviations of a normal scatter']
    """
    rows = fit.residuals
    across = ["step"] if is_of_curves(fit) else [name for name in fit.law.inputs if name in rows][:MOST_INPUTS]
    families = by in rows and 1 < rows[by].nunique() <= MOST_FAMILIES
    count = len(across) + 1 + families
    columns = min(COLUMNS, count)
    lines = -(-count // columns)
    figure = take_figure(figure, PANEL[0] * columns, PANEL[1] * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, name in zip(panels, across, strict=False):
        if name == "step":
            _draw_steps(ax, rows)
        else:
            _draw_input(ax, rows, name, fit.columns.get(name, name), by)
    _draw_order(panels[len(across)], fit, level)
    if families:
        _draw_families(panels[len(across) + 1], rows, by)
    for ax in panels[:count]:
        ax.axhline(0, lw=0.8, color=soft_ink(ax), zorder=0)
    for ax in panels[:count:columns]:
        ax.set_ylabel(residual_label(fit))
    for ax in panels[count:]:
        ax.remove()
    fit_labels(*panels[:count])
    return figure


def _draw_input(ax: Axes, rows: pd.DataFrame, name: str, column: str, by: str) -> None:
    for label, mask, colour, marker in family_marks(rows, by):
        own = rows[mask]
        ax.plot(own[name], own["residual"], marker, color=colour, ms=4, mew=0, alpha=0.8, label=label or None)
    if (rows[name] > 0).all():
        ax.set_xscale("log")
    ax.set_xlabel(label_of_column(column))
    plain_ticks(ax.xaxis, compute=is_compute(column))


def _draw_steps(ax: Axes, rows: pd.DataFrame) -> None:
    names = run_names(rows)
    shown = evenly(sorted(set(names)))
    for run, look in zip(shown, looks(len(shown)), strict=True):
        own = rows[(names == run).to_numpy()].sort_values("step")
        draw_curve(ax, own["step"], own["residual"], look, lw=1, label=run, noisy=True)
    ax.set_xlabel(label_of_column("step"))
    small_legend(ax)


def _draw_order(ax: Axes, fit: Fit, level: float) -> None:
    from scalefit.decisions.residual_quantiles import residual_quantiles

    told = residual_quantiles(fit, level=level)
    draw_band(ax, told.deviations, told.low, told.high, GREY, label=f"{100 * level:g} % if normal")
    ax.plot(told.deviations, told.expected, lw=1, color=soft_ink(ax))
    ax.plot(told.deviations, told.residual, "o", ms=3.5, mfc="none", mec=ink(ax), mew=0.8, label="residuals")
    ax.set_xlabel("standard deviations of a normal scatter")
    small_legend(ax)


def _draw_families(ax: Axes, rows: pd.DataFrame, by: str) -> None:
    names = sorted(rows[by].map(str).unique())
    marks = {name: (colour, marker) for name, _, colour, marker in family_marks(rows, by)}
    for place, name in enumerate(names):
        own = rows.loc[(rows[by].map(str) == name).to_numpy(), "residual"]
        colour, marker = marks.get(name, (GREY, "."))
        ax.plot(np.full(len(own), place), own, marker, color=colour, ms=4, mew=0, alpha=0.6)
    written = [name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…" for name in names]
    many = sum(map(len, written)) > 2 * WIDEST
    for text in ax.set_xticks(range(len(names)), written, rotation=30 if many else 0, ha="right" if many else "center"):
        text.label1.set_parse_math(False)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_xlabel(by)
