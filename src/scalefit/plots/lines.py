"""Curves with their bands: solid where there are data, dashed beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType
from numpy.typing import NDArray

from scalefit.plots.axes import Look, soft_ink

#: Opacity of bands.
BAND = 0.2
#: Marks along a curve stand this far apart, as a share of the diagonal of the axes.
APART = 0.13


def draw_curve(
    ax: Axes,
    x: Any,
    y: Any,
    look: Look,
    *,
    inside: Any = None,
    label: str | None = None,
    marked: bool = True,
    noisy: bool = False,
    lw: float = 1.5,
    zorder: float = 2.0,
) -> Line2D:
    """A line, solid where ``inside`` says so and dashed elsewhere; pieces meet. Returns the one that has the label.

    Parameters
    ----------
    inside : (n,) of bool, whether each place lies among the data; None: all do.
    marked : whether marks stand along the line, by which it is known without its colour.
    noisy : whether it goes up and down so much that marks must be counted by places, not by its length.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    within = np.ones(len(x), bool) if inside is None else np.asarray(inside, bool)
    number = int(sum(map(ord, look.marker)))
    every: Any = ((number % 7 + 1) / 7 * APART, APART)  # curves that lie close do not hide each other's marks
    if noisy:
        step = max(1, round(APART * len(x)))
        every = (number % 7 * step // 7, step)
    drawn: list[Line2D] = []
    for piece, solid in _pieces(within):
        (line,) = ax.plot(
            x[piece], y[piece], ls="-" if solid else "--", lw=lw, color=look.colour, zorder=zorder, label="_nolegend_",
            marker=look.marker if marked else None, ms=4, markevery=every,
        )  # fmt: skip
        drawn.append(line)
    if not drawn:
        drawn = ax.plot([], [], color=look.colour, lw=lw)
    named = next((line for line in drawn if line.get_linestyle() == "-"), drawn[0])
    if label is not None:
        named.set_label(label)
    return named


def _pieces(inside: NDArray[np.bool_]) -> list[tuple[slice, bool]]:
    """Stretches that are alike; a dashed one begins and ends on its neighbours."""
    if not len(inside):
        return []
    starts = np.flatnonzero(np.r_[True, inside[1:] != inside[:-1]])
    ends = np.r_[starts[1:], len(inside)]
    out = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        solid = bool(inside[start])
        out.append((slice(start, end) if solid else slice(max(start - 1, 0), end + 1), solid))
    return out


def draw_band(ax: Axes, x: Any, low: Any, high: Any, colour: ColorType, *, label: str | None = None) -> None:
    """An interval along a curve."""
    known = np.isfinite(np.asarray(low, float)) & np.isfinite(np.asarray(high, float))
    ax.fill_between(x, low, high, where=known.tolist(), color=colour, alpha=BAND, lw=0, zorder=1, label=label)


def draw_edges(ax: Axes, places: Sequence[float], label: str | None = None) -> None:
    """Dotted lines across where the data end."""
    for number, place in enumerate(places):
        ax.axvline(place, ls=":", lw=1.2, color=soft_ink(ax), zorder=1, label=None if number else label)


def arms(estimate: Any, low: Any, high: Any) -> NDArray[np.float64]:
    """Lengths of error bars to both sides, (2, n).

    None where an end is unknown, and none to a side where an interval that was pulled to the other does not reach.
    """
    centre = np.asarray(estimate, float)
    out = np.array([centre - np.asarray(low, float), np.asarray(high, float) - centre])
    return np.where(np.isfinite(out), out, 0.0).clip(min=0.0)
