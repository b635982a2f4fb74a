"""IsoFLOP curves with their lowest points, what is best over compute, and the three approaches in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    GREY,
    MARKERS,
    axes_or_current,
    label_of_column,
    plain_ticks,
    small_legend,
)

if TYPE_CHECKING:
    from scalefit.decisions.isoflop.approaches_record import ApproachComparison
    from scalefit.decisions.isoflop.envelope_record import EnvelopeFit
    from scalefit.decisions.isoflop.record import IsoFlop, IsoFlops

PANEL = (4.6, 3.8)  # inches
#: How the best of each quantity is called on an axis.
BEST = {"params": "best number of parameters", "tokens": "best number of training tokens"}
#: Colours of budgets, least compute first; the lightest tenth would not be seen on white.
BUDGETS = "viridis_r"


def plot_isoflop(told: IsoFlop, *, kind: str = "curves", ax: Axes | None = None) -> Axes:
    """Draw an isoFLOP analysis: ``"curves"`` with their lowest points, or the best ``"params"`` or ``"tokens"``.

    Parameters
    ----------
    told : IsoFlop
    kind : ``"curves"``, ``"params"`` or ``"tokens"``.
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm")
    >>> slices = sf.slice_isoflops(runs[runs.family == "lstm"], [1e11, 5e11, 2e12])
    >>> plot_isoflop(sf.isoflop(slices, draws=50), kind="params").get_ylabel()
    'best number of parameters'
    """
    from scalefit.decisions.isoflop.words import check_kind

    ax = axes_or_current(ax)
    if check_kind(kind) == "curves":
        return _curves(told, ax)
    label = f"isoFLOP, {told.method}"
    _path(ax, told.band, kind, COLOURS[0], f"∝ C^a, {100 * told.level:g} % band")
    _vertices(ax, told.frame, kind, COLOURS[0], MARKERS[0], label)
    if kind == "params" and told.refused.params.notna().any():
        ax.plot(
            told.refused.flops, told.refused.params, MARKERS[0], mfc="none", mec=COLOURS[0], ls="none",
            label="refused: lowest at the edge",
        )  # fmt: skip
    return _finish(ax, kind)


def plot_isoflops(told: IsoFlops) -> Figure:
    """One panel a group, with the curves of each budget.

    Returns
    -------
    Figure
        Not registered with pyplot: show or save it.
    """
    columns = min(3, len(told))
    rows = -(-len(told) // columns)
    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (group, one) in zip(panels, told.items(), strict=False):
        _curves(one, ax)
        names = group if isinstance(group, tuple) else (group,)
        ax.set_title(", ".join(str(name) for name in names), fontsize="medium")
    for ax in panels[len(told) :]:
        ax.remove()
    return figure


def plot_envelope(told: EnvelopeFit, *, kind: str = "curves", ax: Axes | None = None) -> Axes:
    """Draw an envelope: ``"curves"`` of the loss over compute, or the best ``"params"`` or ``"tokens"``.

    Parameters
    ----------
    told : EnvelopeFit
    kind : ``"curves"``, ``"params"`` or ``"tokens"``.
    ax : matplotlib Axes; None takes the current ones.
    """
    from scalefit.decisions.isoflop.words import check_kind

    ax = axes_or_current(ax)
    if check_kind(kind) == "curves":
        lines = [part[["flops", "loss"]].to_numpy(float) for _, part in told.curves.groupby("curve")]
        what = {"run": "log of a run", "size": "between runs of one size"}[told.unit]
        ax.add_collection(LineCollection(lines, colors=GREY, linewidths=0.6, label=what))
        ax.autoscale()
        ax.plot(told.frame.flops, told.frame.loss, ".", ms=3, color=COLOURS[1], label="lowest, used")
        ax.set(xscale="log", yscale="log", xlabel=label_of_column("flops"), ylabel=label_of_column(told.target))
        plain_ticks(ax.yaxis)
        small_legend(ax)
        return ax
    _path(ax, told.band, kind, COLOURS[1], f"∝ C^a, {100 * told.level:g} % band")
    ax.plot(told.frame.flops, told.frame[kind], ".", ms=3, color=EDGE, label="best there")
    return _finish(ax, kind)


def plot_approaches(told: ApproachComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the best number of parameters over compute by each approach, with bands, vertices and refused budgets.

    Parameters
    ----------
    told : ApproachComparison
    ax : matplotlib Axes; None takes the current ones.
    """
    ax = axes_or_current(ax)
    for number, (name, one) in enumerate(told.approaches.items()):
        _path(ax, one.band, "params", COLOURS[number], name)
    names = list(told.approaches)
    for method, one in told.isoflops.items():
        name = f"isoFLOP, {method}"
        number = names.index(name) if name in names else len(names)
        _vertices(ax, one.frame, "params", COLOURS[number], MARKERS[number], None)
        refused = one.refused[one.refused.params.notna()]
        ax.plot(refused.flops, refused.params, MARKERS[number], mfc="none", mec=COLOURS[number], ls="none")
    if not told.agree:
        count = len(told.disagreements)
        ax.set_title(
            f"the approaches disagree in {count} place{'s' if count > 1 else ''}", fontsize="small", color="0.3"
        )
    return _finish(ax, "params")


def _curves(told: IsoFlop, ax: Axes) -> Axes:
    """Points, curves and lowest points; refused budgets without a curve, and hollow."""
    import matplotlib as mpl

    budgets = [one.flops for one in told.budgets]
    shades = mpl.colormaps[BUDGETS](np.linspace(0.15, 1, len(budgets)))
    found = told.frame.set_index("flops")
    for flops, colour in zip(budgets, shades, strict=True):
        points = told.points[told.points.flops == flops]
        curve = told.curves[told.curves.flops == flops]
        good = flops in found.index
        face = colour if good else "none"
        ax.plot(points.params, points.loss, "o", ms=3.5, mec=colour, mfc=face, mew=0.8)
        ax.plot(curve.params, curve.loss, color=colour, lw=1.2, ls="-" if good else ":",
                label=f"{flops:.3g} FLOP{'' if good else ', refused'}")  # fmt: skip
    frame = told.frame
    if len(frame):
        ends = _ends(frame, "params")
        ax.errorbar(frame.params, frame.loss, xerr=ends, fmt="D", ms=5, mfc="white", mec="black", ecolor="black",
                    capsize=2.5, lw=1, zorder=3, label=f"lowest, {100 * told.level:g} %")  # fmt: skip
    ax.set(xscale="log", xlabel=label_of_column("params"), ylabel=label_of_column(told.target))
    small_legend(ax)
    return ax


def _path(ax: Axes, band: pd.DataFrame, kind: str, colour: str, label: str) -> None:
    if len(band):
        ax.fill_between(band.flops, band[f"{kind}_low"], band[f"{kind}_high"], color=colour, alpha=0.15, lw=0)
        ax.plot(band.flops, band[kind], color=colour, lw=1.4, label=label)


def _vertices(ax: Axes, frame: pd.DataFrame, kind: str, colour: str, marker: str, label: str | None) -> None:
    if len(frame):
        ax.errorbar(frame.spent, frame[kind], yerr=_ends(frame, kind), fmt=marker, ms=4.5, color=colour, capsize=2.5,
                    lw=1, label=label)  # fmt: skip


def _ends(frame: pd.DataFrame, kind: str) -> Any:
    """Lengths for error bars: an interval that was pulled to one side has a length of zero on the other."""
    return np.maximum([frame[kind] - frame[f"{kind}_low"], frame[f"{kind}_high"] - frame[kind]], 0)


def _finish(ax: Axes, kind: str) -> Axes:
    ax.set(xscale="log", yscale="log", xlabel=label_of_column("flops"), ylabel=BEST[kind])
    plain_ticks(ax.yaxis)
    small_legend(ax)
    return ax
