"""How likely a live run is to end below a loss, as its log grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from scalefit.plots.axes import looks, note_doubts, soft_ink, take_empty_axes
from scalefit.plots.legends import small_legend

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
    ax = take_empty_axes(ax)
    look = looks(1)[0]
    ax.plot(told.frame["seen_to"], told.frame["probability"], color=look.colour, marker=look.marker, ms=5, label="told at the time")
    for level, label in ((told.confident, "go on above"), (1 - told.confident, "stop below")):
        ax.axhline(level, color=soft_ink(ax), lw=1, ls=":")
        ax.annotate(f"{label} {100 * level:.3g} %", (told.steps, level), ha="right", va="bottom", fontsize="small", color=soft_ink(ax))
    ax.set_xlim(0, told.steps)
    ax.set_ylim(-0.03, 1.06)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar = told.rival.partition(" (")[0]
    ax.set(xlabel="step", ylabel=f"probability of beating {bar}")
    small_legend(ax)
    note_doubts(ax, told.doubts)
    return ax
