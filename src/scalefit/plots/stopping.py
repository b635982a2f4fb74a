"""How likely a live run is to end below a loss, as its log grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from scalefit.plots.axes import looks, note_doubts, soft_ink, take_axes
from scalefit.plots.labels import fit_labels

if TYPE_CHECKING:
    from scalefit.decisions.schedules.stopping import StopOrGo


def plot_stopping(told: StopOrGo, *, ax: Axes | None = None) -> Axes:
    """Draw the probability at each point of the log, and the two levels at which it decides.

    Parameters
    ----------
    told : StopOrGo
    ax : matplotlib Axes; None takes the current ones if empty, else new ones.

    Returns
    -------
    Axes
    """
    ax = take_axes(ax)
    look = looks(1)[0]
    ax.plot(told.frame["seen_to"], told.frame["probability"], color=look.colour, marker=look.marker, ms=5)
    for level, label, side in ((told.confident, "go on above", "bottom"), (1 - told.confident, "stop below", "top")):
        text, place = f"{label} {100 * level:.3g} %", (0.99 * told.steps, level)
        ax.axhline(level, color=soft_ink(ax), lw=1, ls=":")
        ax.annotate(text, place, ha="right", va=side, fontsize="small", color=soft_ink(ax))
    ax.set_xlim(0, told.steps)
    ax.set_ylim(-0.04, 1.06)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar = told.rival.partition(" (")[0]
    ax.set(xlabel="last step seen", ylabel=f"probability of beating {bar}")
    note_doubts(ax, told.doubts)
    fit_labels(ax)
    return ax
