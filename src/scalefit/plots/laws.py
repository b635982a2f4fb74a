"""A law's own picture: the output along its inputs, at published or illustrative values."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from scalefit.plots.axes import COLOURS, label_of_column, plain_ticks, short_number

PANEL = (4.0, 3.4)  # inches
#: Panels drawn at most: one an input.
MOST = 3
#: Letters of an axis label in one line.
LABEL = 40
#: A log axis that spans no more has its numbers written out, if they are not too small.
FEW, SMALLEST = 150.0, 1e-4


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
        for (told, line), colour in zip(path.groupby("line", sort=False), COLOURS, strict=False):
            ax.plot(line[name], line["value"], color=colour, lw=1.5, label=str(told))
        ax.set(xscale="log" if name in log_inputs else "linear", yscale="log" if log_output else "linear")
        ax.set_xlabel(_label(name, known))
        for axis in (ax.xaxis, ax.yaxis):
            _few_decades(axis)
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


def _few_decades(axis: Axis) -> None:
    """1, 2, 5, 10, … written out where powers of ten would be too few to read a value."""
    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and low >= SMALLEST and high <= FEW * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def _label(name: str, labels: Mapping[str, str]) -> str:
    return textwrap.fill(labels.get(name, label_of_column(name)), LABEL)
