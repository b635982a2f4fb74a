"""What a planned ladder would tell: errors at the targets, under less and more noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from scalefit.plots.axes import ink, looks, note_doubts, soft_ink, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend

if TYPE_CHECKING:
    from scalefit.decisions.power.record import DesignPower

#: Distance between neighbouring bars of one target, on an axis where targets stand at whole numbers.
APART = 0.16
#: Height of the picture as a multiple of the longest bar.
ROOM = 1.2


def plot_power(told: DesignPower, *, ax: Axes | None = None) -> Axes:
    """Draw, for each target, how far off a share ``level`` of the ladders would be, under the noise and under others.

    Open marks are the half-widths of the intervals that such a ladder would show.

    Parameters
    ----------
    told : DesignPower
    ax : matplotlib Axes; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
    """
    ax = take_axes(ax)
    names, times = list(told.frame.index), 100.0 if told.on == "log" else 1.0
    factors = sorted({1.0, *told.noise["factor"]})
    place = np.arange(len(names), dtype=float)
    sizes = times * np.concatenate([told.frame["error"], told.frame["half_width"], told.noise["error"].astype(float)])
    together: list[tuple[Artist, ...]] = []
    for number, (factor, look) in enumerate(zip(factors, looks(len(factors)), strict=True)):
        known = told.noise[told.noise["factor"] == factor].set_index("target")["error"].reindex(names)
        size = told.frame["error"] if factor == 1.0 else known
        aside = place + APART * (number - (len(factors) - 1) / 2)
        label = "this noise" if factor == 1.0 else f"{factor:g} times the noise"
        width = 7 if factor == 1.0 else 3
        bars = ax.vlines(aside, -times * size, times * size, color=look.colour, lw=width, label=label)
        ends = np.concatenate([-times * size, times * size])
        (marks,) = ax.plot(np.tile(aside, 2), ends, look.marker, ms=5, color=look.colour)
        together.append((bars, marks))
        if factor == 1.0:
            shown = times * told.frame["half_width"]
            kind = f"interval shown ({100 * told.level:g} %, median)"
            for sign in (-1, 1):
                ax.plot(aside, sign * shown, "_", color=ink(ax), ms=14, mew=1.4, label=kind if sign > 0 else None)
    ax.axhline(0, color=soft_ink(ax), lw=0.8)
    ax.set_xlim(-0.6, len(names) - 0.4)
    _write_targets(ax, place.tolist(), [name.replace(", ", "\n") for name in names])
    reach = np.nanmax(np.where(np.isfinite(sizes), sizes, np.nan)) if np.isfinite(sizes).any() else 1.0
    ax.set_ylim(-ROOM * reach, ROOM * reach)
    unit = " (%)" if told.on == "log" else ""
    ax.set(xlabel="target", ylabel=f"error of the {told.target}{unit}, {100 * told.level:g} % of ladders")
    note_doubts(ax, told.doubts)
    small_legend(ax, together=together)
    fit_labels(ax)
    return ax


def _write_targets(ax: Axes, places: Sequence[float], names: Sequence[str]) -> None:
    """The targets under their bars, aslant and in smaller letters where they would run into each other."""
    ticks = ax.set_xticks(places, names)
    room = ax.bbox.width / (ax.get_xlim()[1] - ax.get_xlim()[0])
    if max(tick.label1.get_window_extent().width for tick in ticks) > 0.95 * room:
        ax.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor", fontsize="x-small")
