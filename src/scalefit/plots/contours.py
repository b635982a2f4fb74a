"""A law over size and tokens: contours with the runs and the best split of each budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from scalefit.plots.axes import (
    COLOURS,
    Look,
    ink,
    label_of_column,
    ordered_shades,
    paper,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_curve
from scalefit.plots.ticks import tidy_ticks

if TYPE_CHECKING:
    from scalefit.result import Fit

#: Room between a value and the edge of the picture, in points, and marks that values keep away from at most.
ROOM, MOST_MARKS = 14.0, 600


def plot_contours(fit: Fit, *, at: Mapping[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw lines of equal loss over size and tokens, the runs, and the best split of each budget.

    Lines are dashed outside the sizes and tokens fitted, and so is the frontier beyond the largest budget. The value of
    each line stands on it; neighbours are equally far apart in compute along the frontier.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    at : values of inputs other than size and tokens, needed where the law has such.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

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
    ax = take_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    shades = ordered_shades(ax).reversed()  # what is good stands out
    deep = told.inside.copy()  # nodes whose neighbours are all inside: what is outside is drawn up to the edge
    deep[1:-1, 1:-1] &= deep[:-2, 1:-1] & deep[2:, 1:-1] & deep[1:-1, :-2] & deep[1:-1, 2:]
    sets: list[QuadContourSet] = []
    for shown, style in ((told.inside, "solid"), (~deep, "dashed")):
        if (told.levels > np.nanmin(told.values)).any():
            drawn = ax.contour(
                told.params, told.tokens, np.ma.masked_where(~shown, told.values), told.levels, cmap=shades,
                linestyles=style, linewidths=1.2, zorder=1, corner_mask=False,
            )  # fmt: skip
            sets.append(drawn)
    ax.plot(told.seen.params, told.seen.tokens, "o", ms=4, mfc=paper(ax), mec=ink(ax), mew=0.8, label="runs", zorder=2)
    best = told.frontier
    if len(best):
        look = Look(COLOURS[1], "")
        label = "best split of a budget"
        draw_curve(ax, best.params, best.tokens, look, inside=best.inside, label=label, marked=False, lw=2, zorder=3)
    ax.set(xlim=(told.params[0], told.params[-1]), ylim=(told.tokens[0], told.tokens[-1]))
    taken = [told.seen[["params", "tokens"]].to_numpy(float), best[["params", "tokens"]].to_numpy(float)]
    _write_values(ax, sets, np.concatenate(taken))
    tidy_ticks(ax)
    said = f"{label_of_column(told.output)} by {fit.law.name} {told.where}".strip()
    small_legend(ax, said, columns=2, above=True)
    fit_labels(ax)
    return ax


def _write_values(ax: Axes, sets: Sequence[QuadContourSet], taken: NDArray[np.float64]) -> None:
    """The value of each line once, in its solid or its dashed part, where it has most room.

    Parameters
    ----------
    taken : (n, 2), where runs and the frontier stand.
    """
    busy = ax.transData.transform(taken[:: -(-len(taken) // MOST_MARKS) or 1])
    inner = ax.bbox.padded(-ROOM * ax.figure.figure.dpi / 72)
    for level in range(max((len(one.get_paths()) for one in sets), default=0)):
        found: list[tuple[float, QuadContourSet, NDArray[np.float64]]] = []
        for drawn in sets:
            places = np.asarray(drawn.get_paths()[level].vertices, float)
            pixels = ax.transData.transform(places) if len(places) else places
            held = ((pixels > inner.min) & (pixels < inner.max)).all(axis=1)
            if held.any():
                apart = np.hypot(*(pixels[held][:, None] - busy).T).min(axis=0)
                best = int(apart.argmax())
                found.append((float(apart[best]), drawn, places[held][best]))
        if found:
            _, drawn, place = max(found, key=lambda one: one[0])
            (text,) = ax.clabel(
                drawn, manual=[tuple(place)], fmt=lambda value: f"{value:.3g}", fontsize="x-small", colors=[ink(ax)],
                zorder=4,
            )[-1:]  # fmt: skip
            text.set_path_effects([withStroke(linewidth=2, foreground=paper(ax))])
            busy = np.concatenate([busy, ax.transData.transform(place[None])])
