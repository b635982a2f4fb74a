"""A law's own picture: the output along its inputs, at published or illustrative values."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scalefit.plots.axes import is_compute, label_of_column, looks
from scalefit.plots.lines import draw_curve
from scalefit.plots.ticks import plain_ticks

PANEL = (4.0, 3.4)  # inches
#: Panels drawn at most: one an input.
MOST = 3
#: Letters of an axis label in one line.
LABEL = 40


def plot_law(
    paths: Mapping[str, pd.DataFrame],
    *,
    output: str,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    log_inputs: tuple[str, ...] = (),
    log_output: bool = False,
) -> Figure:
    """One panel an input.

    Parameters
    ----------
    paths : mapping of input to DataFrame
        With the input, ``value``, ``line``, what tells the lines of one panel apart (empty where there is one), and
        ``of``, which input that is a value of.
    output : str
        What the law predicts.
    title : str
        Which constants are drawn.
    labels : mapping of column to str, optional
        What stands on an axis instead of the usual label of its column.
    log_inputs : tuple of str
        Inputs whose axis is logarithmic.
    log_output : bool
        Whether the values are drawn on a log axis.

    Returns
    -------
    Figure
        Not registered with pyplot: save it.
    """
    shown, known = list(paths.items())[:MOST], labels or {}
    figure = Figure(figsize=(PANEL[0] * len(shown), PANEL[1]), layout="constrained")
    for ax, (name, path) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        lines = list(path.groupby("line", sort=False))
        for (told, line), look in zip(lines, looks(len(lines)), strict=True):
            draw_curve(ax, line[name], line["value"], look, label=str(told), marked=len(lines) > 1)
        ax.set(xscale="log" if name in log_inputs else "linear", yscale="log" if log_output else "linear")
        ax.set_xlabel(_label(name, known))
        plain_ticks(ax.xaxis, compute=is_compute(name))
        plain_ticks(ax.yaxis)
        if path["line"].nunique() > 1:
            _legend(ax, title=str(path["of"].iloc[0]))
    figure.axes[0].set_ylabel(_label(output, known))
    if title:
        figure.suptitle(textwrap.fill(title, 48 * len(shown)), fontsize="medium")
    return figure


def _legend(ax: Axes, *, title: str) -> None:
    """Values of an input in a row above the panel; names, which are longer, inside it."""
    if title:
        ax.legend(
            title=title, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=MOST, fontsize="small",
            title_fontsize="small", frameon=False, handlelength=1.2, columnspacing=1.0, borderpad=0.1,
        )  # fmt: skip
    else:
        ax.legend(fontsize="small", frameon=False)


def _label(name: str, labels: Mapping[str, str]) -> str:
    return textwrap.fill(labels.get(name, label_of_column(name)), LABEL)
