"""Runs before any fit: where they lie in the plane of size and tokens, and their loss along compute."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scalefit.plots.axes import COLOURS, GREY, MARKERS, is_compute, label_of_column, need_columns, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.ticks import plain_ticks

#: Families with a colour of their own; the others are grey.
MOST_FAMILIES = len(COLOURS)
#: Letters of a family in the legend.
WIDEST = 28


def plot_points(
    points: pd.DataFrame, *, along: str, against: str, by: str = "family", legend: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw one mark a run on logarithmic axes, a colour and a mark for each family.

    Parameters
    ----------
    points : DataFrame
        One row a run; rows without a number above zero on both axes are left out.
    along, against : columns of the horizontal and the vertical axis.
    by : column that tells families apart; without it all runs are alike.
    legend : whether the families are named in the picture.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> import scalefit as sf
    >>> from matplotlib.figure import Figure
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> ax = plot_points(runs, along="params", against="tokens", ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['lstm', 'transformer']
    """
    need_columns(points, (along, against), "plot_points")
    ax = take_axes(ax)
    x, y = points[along].to_numpy(float), points[against].to_numpy(float)
    drawable = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    groups = list(family_marks(points, by))
    for name, mask, colour, mark in groups:
        shown = mask & drawable
        label = name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…"
        ax.plot(x[shown], y[shown], mark, color=colour, ms=4, mew=0, alpha=0.75, label=label if name else None)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlabel=label_of_column(along), ylabel=label_of_column(against))
    for axis, column in ((ax.xaxis, along), (ax.yaxis, against)):
        plain_ticks(axis, compute=is_compute(column))
    if legend and len(groups) > 1:
        small_legend(ax)
    fit_labels(ax)
    return ax


def family_marks(points: pd.DataFrame, by: str = "family") -> Iterator[tuple[str, NDArray[np.bool_], str, str]]:
    """Name, rows, colour and mark of each family: the largest ones in colour, and the others together in grey.

    Examples
    --------
    >>> [(name, colour) for name, _, colour, _ in family_marks(pd.DataFrame({"family": ["lstm", "gpt", "lstm"]}))]
    [('gpt', '#0072B2'), ('lstm', '#D55E00')]
    """
    if by not in points or points[by].nunique() < 2:
        yield "", np.ones(len(points), dtype=np.bool_), COLOURS[0], MARKERS[0]
        return
    names = points[by].map(str)
    largest = list(names.value_counts(sort=False).sort_values(ascending=False, kind="stable").index[:MOST_FAMILIES])
    others = ~names.isin(largest).to_numpy()
    if others.any():
        yield f"{names[others].nunique()} more", others, GREY, "."
    for number, name in enumerate(sorted(largest)):
        yield name, (names == name).to_numpy(), COLOURS[number], MARKERS[number]
