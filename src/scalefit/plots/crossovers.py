"""Two laws along one quantity, and where one overtakes the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import (
    GREY,
    ink,
    is_compute,
    label_of_column,
    looks,
    note,
    power_number,
    short_number,
    soft_ink,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve, draw_edges
from scalefit.plots.stacks import panels_below
from scalefit.plots.ticks import plain_ticks, tidy_ticks

#: Larger places are written as powers of ten.
LARGE = 1e12
#: Height of the panel under the curves, and bars of its histogram.
BELOW, BARS = 0.3, 60

if TYPE_CHECKING:
    from scalefit.decisions.crossover.record import Crossover


def plot_crossover(
    crossover: Crossover, *, show: Literal["curves", "difference"] = "curves", ax: Axes | None = None
) -> Axes:
    """Draw two laws with their bands, or their difference, and under them where the draws cross.

    Curves are dashed where any input lies beyond the data of either family.

    Parameters
    ----------
    crossover : Crossover
    show : ``"curves"``, or ``"difference"`` of the first less the second, which shows best where bands overlap.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
        With a vertical line at each crossing (dashed where it is not claimed), its interval shaded, and dotted lines at
        the ends of the range in which both have data. ``ax.child_axes`` is the panel with the places of the draws,
        absent where none crosses.

    Raises
    ------
    FitError
        If ``show`` is neither.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fits = [sf.fit(runs[runs.family == name], "chinchilla") for name in ("lstm", "transformer")]
    >>> plot_crossover(sf.find_crossover(*fits, along="flops")).get_xlabel()
    'training compute C (FLOP)'
    """
    if show not in ("curves", "difference"):
        raise FitError(not_one_of("show", show, ("curves", "difference")))
    ax = take_axes(ax)
    ax.set_xscale("log")
    if show == "curves":
        _draw_curves(crossover, ax)
    else:
        _draw_difference(crossover, ax)
    _draw_crossings(crossover, ax)
    if crossover.overlap is not None:
        draw_edges(ax, crossover.overlap, "both have data")
    ax.set_xlim(*crossover.between)
    if crossover.where:
        note(ax, crossover.where)
    ax.set_xlabel(label_of_column(crossover.along))
    tidy_ticks(ax, compute=is_compute(crossover.along))
    if len(crossover.places):
        _draw_places(crossover, ax)
    small_legend(ax)
    fit_labels(ax)
    return ax


def _draw_curves(told: Crossover, ax: Axes) -> None:
    frame = told.curve
    for name, word, look in zip(told.names, ("a", "b"), looks(2), strict=True):
        draw_band(ax, frame[told.along], frame[f"low_{word}"], frame[f"high_{word}"], look.colour)
        inside = (frame.beyond <= 1).tolist()
        draw_curve(ax, frame[told.along], frame[f"estimate_{word}"], look, inside=inside, label=name)
    if (frame[["estimate_a", "estimate_b"]].min() > 0).all():
        ax.set_yscale("log")
    ax.set_ylabel(label_of_column(told.target))


def _draw_difference(told: Crossover, ax: Axes) -> None:
    frame, (a, b) = told.curve, told.names
    look, interval = looks(1)[0], f"{100 * told.level:g} %"
    ax.axhline(0, color=soft_ink(ax), lw=1)
    draw_band(ax, frame[told.along], frame.difference_low, frame.difference_high, look.colour, label=interval)
    inside = (frame.beyond <= 1).tolist()
    draw_curve(ax, frame[told.along], frame.difference, look, inside=inside, label=f"{a} less {b}", marked=False)
    inner = frame[frame["beyond"] <= 1] if (frame["beyond"] <= 1).any() else frame
    most = inner[["difference_low", "difference_high"]].abs().max().max()
    if most > 0:
        ax.set_ylim(-1.5 * most, 1.5 * most)
    ax.set_ylabel(f"difference of {label_of_column(told.target)}")


def _draw_crossings(told: Crossover, ax: Axes) -> None:
    for row, claimed in zip(told.frame.to_dict("records"), told.claims["claimed"], strict=True):
        style, word = ("-", "crossover") if claimed else ("--", "perhaps")
        ax.axvspan(row["low"], row["high"], color=GREY, alpha=0.25, lw=0)
        place = row["location"]
        large = place >= LARGE or is_compute(told.along)
        written = power_number(place) if large else short_number(place)
        label = f"{word} at {written}, {100 * row['probability']:.0f} % of draws"
        ax.axvline(row["location"], ls=style, lw=1.2, color=ink(ax), label=label)


def _draw_places(told: Crossover, ax: Axes) -> None:
    """Where the draws cross, under the axis: a histogram for each crossing of the estimates."""
    (below,) = panels_below(ax, [BELOW])
    bars = np.geomspace(*told.between, BARS + 1)
    for number, (crossing, look) in enumerate(zip(told.frame.index, looks(len(told.frame), first=2), strict=True)):
        mine = told.places.loc[told.places.crossing == crossing, "location"].to_numpy(float)
        below.hist(mine, bins=bars.tolist(), color=look.colour, alpha=0.6, hatch="//" if number % 2 else None)
        below.axvline(told.frame.location[crossing], lw=1.2, color=ink(ax))
    below.set_ylabel("draws that\ncross here", fontsize="small")
    below.set_xlabel(ax.get_xlabel())
    ax.xaxis.label.set_visible(False)
    plain_ticks(below.yaxis)
