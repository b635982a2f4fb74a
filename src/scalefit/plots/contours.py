"""A law over size and tokens: contours with the runs and the best split of each budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from scalefit.plots.axes import (
    COLOURS,
    Look,
    ink,
    label_of_column,
    ordered_shades,
    paper,
    take_axes,
)
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_curve
from scalefit.plots.ticks import tidy_ticks

if TYPE_CHECKING:
    from scalefit.result import Fit


def plot_contours(fit: Fit, *, at: Mapping[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw lines of equal loss over size and tokens, the runs, and the best split of each budget.

    Lines are dashed outside the sizes and tokens fitted, and so is the frontier beyond the largest budget. The value of
    each line stands on it; neighbours are equally far apart in compute along the frontier.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    at : values of inputs other than size and tokens, needed where the law has such.
    ax : matplotlib Axes; None takes the current ones if they are empty or show the same quantities, else new ones.

    Returns
    -------
    Axes

    Raises
    ------
    FitError
        If the law is none of size and tokens, or another input has no value.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> ax = plot_contours(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('parameters N', 'training tokens D')
    """
    from scalefit.decisions.allocation.surface import loss_surface

    told = loss_surface(fit, at=at)
    x, y = label_of_column(told.size), label_of_column("tokens")
    ax = take_axes(ax, x, y)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    shades = ordered_shades(ax).reversed()  # what is good stands out
    deep = told.inside.copy()  # nodes whose neighbours are all inside: what is outside is drawn up to the edge
    deep[1:-1, 1:-1] &= deep[:-2, 1:-1] & deep[2:, 1:-1] & deep[1:-1, :-2] & deep[1:-1, 2:]
    for shown, style in ((told.inside, "solid"), (~deep, "dashed")):
        if (told.levels > np.nanmin(told.values)).any():
            drawn = ax.contour(
                told.params, told.tokens, np.ma.masked_where(~shown, told.values), told.levels, cmap=shades,
                linestyles=style, linewidths=1.2, zorder=1, corner_mask=False,
            )  # fmt: skip
            if style == "solid":
                ax.clabel(drawn, fmt=lambda value: f"{value:.3g}", fontsize="x-small", colors=[ink(ax)])
    ax.plot(told.seen.params, told.seen.tokens, "o", ms=4, mfc=paper(ax), mec=ink(ax), mew=0.8, label="runs", zorder=2)
    best = told.frontier
    if len(best):
        look = Look(COLOURS[1], "")
        label = "best split of a budget"
        draw_curve(ax, best.params, best.tokens, look, inside=best.inside, label=label, marked=False, lw=2, zorder=3)
    ax.set(xlim=(told.params[0], told.params[-1]), ylim=(told.tokens[0], told.tokens[-1]))
    tidy_ticks(ax)
    said = f"{label_of_column(told.output)} by {fit.law.name} {told.where}".strip()
    small_legend(ax, said, columns=2, above=True)
    return ax
