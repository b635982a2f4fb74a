"""What was predicted of runs that were not fitted, beside what was seen."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from scalefit.plots.axes import ink, label_of_column, need_columns, paper, short_number, soft_ink, take_axes

#: Marks of the targets, one a value of the column that tells them apart.
OPEN_MARKS = ("s", "D", "o", "^", "v", "P")
#: Targets at one point stand side by side: the factor between neighbours on the axis.
APART = 1.09


def plot_targets(predictions: pd.DataFrame, *, along: str, by: str, seen: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw predictions as bars from low to high, and what was seen at the same points as open marks.

    Parameters
    ----------
    predictions : DataFrame
        As ``fit.predict(runs)`` returns for runs whose outcome is known: ``estimate, low, high`` beside their columns.
    along : column of the horizontal axis.
    by : column that tells the targets apart, such as ``"params"``; each value has its mark.
    seen : column of what was seen.
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
    >>> runs = runs[runs.family == "lstm"]
    >>> fit = sf.fit(runs[~runs.held_back], "chinchilla")
    >>> told = fit.predict(runs[runs.held_back], interval="run")
    >>> ax = plot_targets(told, along="tokens", by="params", ax=Figure().subplots())
    >>> len(ax.get_legend_handles_labels()[1])
    2
    """
    need_columns(predictions, (along, by, seen, "estimate", "low", "high"), "plot_targets")
    x, y = label_of_column(along), label_of_column(seen)
    ax = take_axes(ax)
    ax.set(xlabel=x, ylabel=y)
    groups = list(predictions.groupby(by))
    for number, (value, part) in enumerate(groups):
        aside = APART ** (number - (len(groups) - 1) / 2)
        ax.vlines(part[along] * aside, part["low"], part["high"], color=soft_ink(ax), lw=1.2, zorder=4)
        ax.plot(part[along] * aside, part["estimate"], "_", color=soft_ink(ax), ms=9, zorder=4)
        mark = OPEN_MARKS[number % len(OPEN_MARKS)]
        label = f"{short_number(value) if isinstance(value, int | float) else str(value)}, not fitted"
        ax.plot(part[along] * aside, part[seen], mark, ms=6, mfc=paper(ax), mec=ink(ax), mew=1.1, label=label, zorder=5)
    return ax
