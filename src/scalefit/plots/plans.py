"""A plan of runs: how sure the answer is after each, over what has been spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from scalefit.plots.axes import COLOURS, note_doubts, paper, soft_ink, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend

if TYPE_CHECKING:
    from scalefit.decisions.planning.record import RunPlan

#: Above this half-width a factor says more than a share.
WIDE = 0.3
#: A rank is written where its run lies this share of the width of the picture from the last one written.
APART = 0.03
#: Room beside the last run, for its rank, as a share of the width.
MARGIN = 0.1


def plot_run_plan(plan: RunPlan, *, ax: Axes | None = None) -> Axes:
    """Draw the expected half-width of the target after each planned run, over what has been spent by then.

    Candidates stand at their own cost with the half-width after each alone; the dashed line is what all of them would
    bring.

    Parameters
    ----------
    plan : RunPlan
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last().query("family == 'lstm'")
    >>> pool = sf.grid(params=[1e5, 1e6], tokens=[1e7, 3e7])
    >>> plan = sf.plan_runs(runs, "chinchilla", pool, budget=2e14, target=sf.grid(params=[3e6], tokens=[1e8]), rng=0)
    >>> plot_run_plan(plan).get_ylabel()
    'half-width of the 90 % interval'
    """
    ax = take_axes(ax)
    others, frame = plan.candidates, plan.frame
    ax.plot(others["run_cost"], others["half_width"], "o", ms=4, mfc=paper(ax), mec=soft_ink(ax), mew=0.8, zorder=2,
            label="one candidate alone")  # fmt: skip
    if len(frame):
        ends = [float(frame["total_cost"].iloc[0]), *others["run_cost"]]
        x = np.concatenate([[min(ends) / 2], frame["total_cost"]])
        y = np.concatenate([[plan.half_width], frame["half_width"]])
        ax.step(x, y, where="post", color=COLOURS[0], lw=1.6, zorder=3, label="planned runs")
        ax.plot(x[1:], y[1:], "o", color=COLOURS[0], ms=5, zorder=4)
        _write_ranks(ax, frame["rank"].tolist(), x[1:], y[1:])
    ax.axhline(plan.limit, ls="--", lw=1.0, color=soft_ink(ax), zorder=1, label="all candidates")
    ax.axvline(plan.budget, ls=":", lw=1.2, color=soft_ink(ax), zorder=1, label="budget")
    of = "" if plan.target_known else " of the difference"
    width = f"half-width of the {100 * plan.level:g} % interval{of}"
    ax.set(xscale="log", xlabel=f"spent ({plan.cost})", ylabel=width)
    ax.set_ylim(bottom=0)
    ax.margins(x=MARGIN)
    ax.yaxis.set_major_formatter(FuncFormatter(_width))
    note_doubts(ax, plan.doubts)
    small_legend(ax)
    fit_labels(ax)
    return ax


def _width(half: float, _: float) -> str:
    """A half-width on the log scale: a share, or a factor where it is large."""
    return f"{100 * half:.3g} %" if half < WIDE else f"×{np.exp(half):.2g}"


def _write_ranks(ax: Axes, ranks: list[int], x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """The rank beside each run that stands apart."""
    last, width = -np.inf, float(np.log10(x[-1] / x[0])) if len(x) > 1 else 1.0
    for rank, place, half in zip(ranks, x, y, strict=True):
        if np.log10(place) - last > APART * max(width, 1.0):
            ax.annotate(
                str(rank), (place, half), (6, 5), textcoords="offset points", fontsize="small", color=COLOURS[0]
            )
            last = float(np.log10(place))
