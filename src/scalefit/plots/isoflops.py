"""IsoFLOP curves with their lowest points, what is best over compute, and the three approaches in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from scalefit.plots.axes import (
    COLOURS,
    GREY,
    Look,
    free_looks,
    ink,
    label_of_column,
    looks,
    note,
    ordered_shades,
    paper,
    power_number,
    soft_ink,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import arms, draw_band, draw_curve
from scalefit.plots.ticks import plain_ticks, tidy_ticks

if TYPE_CHECKING:
    from scalefit.decisions.isoflop.approaches_record import ApproachComparison
    from scalefit.decisions.isoflop.envelope_record import EnvelopeFit
    from scalefit.decisions.isoflop.record import IsoFlop, IsoFlops

PANEL = (4.6, 3.8)  # inches
#: How the best of each quantity is called on an axis.
BEST = {"params": "best number of parameters", "tokens": "best number of training tokens"}
#: Colours of budgets, least compute first.
BUDGETS = "viridis"


def plot_isoflop(told: IsoFlop, *, kind: str = "curves", ax: Axes | None = None) -> Axes:
    """Draw an isoFLOP analysis: ``"curves"`` with their lowest points, or the best ``"params"`` or ``"tokens"``.

    Parameters
    ----------
    told : IsoFlop
    kind : ``"curves"``, ``"params"`` or ``"tokens"``.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

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

    if check_kind(kind) == "curves":
        return _curves(told, take_axes(ax))
    ax = take_axes(ax)
    look = free_looks(ax, 1)[0]
    # Without marks of its own: those of the lowest points are data.
    _path(ax, told.band, kind, Look(look.colour, ""), f"∝ C^a, {100 * told.level:g} % band")
    _vertices(ax, told.frame, kind, look, f"isoFLOP, {told.method}")
    if kind == "params" and told.refused.params.notna().any():
        _refused(ax, told.refused, look, "refused: lowest at the edge")
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
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.
    """
    from scalefit.decisions.isoflop.words import check_kind

    if check_kind(kind) == "curves":
        x, y = label_of_column("flops"), label_of_column(told.target)
        ax = take_axes(ax)
        lines = [part[["flops", "loss"]].to_numpy(float) for _, part in told.curves.groupby("curve")]
        what = {"run": "log of a run", "size": "between runs of one size"}[told.unit]
        ax.add_collection(LineCollection(lines, colors=GREY, linewidths=0.6, label=what))
        ax.autoscale()
        ax.plot(told.frame.flops, told.frame.loss, "D", ms=3, mew=0, color=COLOURS[1], label="lowest, used")
        ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
        tidy_ticks(ax, compute=True)
        small_legend(ax)
        fit_labels(ax)
        return ax
    ax = take_axes(ax)
    _path(ax, told.band, kind, Look(COLOURS[1], ""), f"∝ C^a, {100 * told.level:g} % band")
    ax.plot(told.frame.flops, told.frame[kind], ".", ms=3, color=soft_ink(ax), label="best there", zorder=3)
    return _finish(ax, kind)


def plot_approaches(told: ApproachComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the best number of parameters over compute by each approach, with bands, vertices and refused budgets.

    Parameters
    ----------
    told : ApproachComparison
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.
    """
    ax = take_axes(ax)
    names = list(told.approaches)
    known = dict(zip([*names, ""], looks(len(names) + 1), strict=True))
    for name, one in told.approaches.items():
        _path(ax, one.band, "params", known[name], name)
    for method, one in told.isoflops.items():
        look = known.get(f"isoFLOP, {method}", known[""])
        _vertices(ax, one.frame, "params", look, None)
        _refused(ax, one.refused[one.refused.params.notna()], look, None)
    if not told.agree:
        count = len(told.disagreements)
        note(ax, f"the approaches disagree in {count} place{'s' if count > 1 else ''}")
    return _finish(ax, "params")


def _curves(told: IsoFlop, ax: Axes) -> Axes:
    """Points, curves and lowest points; refused budgets without a curve, and hollow."""
    budgets = [one.flops for one in told.budgets]
    shades = ordered_shades(ax, BUDGETS)(np.linspace(0, 1, len(budgets)))
    found = told.frame.set_index("flops")
    together: list[tuple[Artist, ...]] = []
    markers = [look.marker for look in looks(len(budgets))]
    for flops, colour, marker in zip(budgets, shades, markers, strict=True):
        points = told.points[told.points.flops == flops]
        curve = told.curves[told.curves.flops == flops]
        good = flops in found.index
        face = colour if good else "none"
        (marks,) = ax.plot(points.params, points.loss, marker, ms=4, color=colour, mfc=face, mew=0.8)
        (line,) = ax.plot(curve.params, curve.loss, color=colour, lw=1.2, ls="-" if good else ":",
                          label=f"{power_number(flops)} FLOP{'' if good else ', refused'}")  # fmt: skip
        together.append((line, marks))
    frame = told.frame
    if len(frame):
        ends = arms(frame.params, frame.params_low, frame.params_high)
        ax.errorbar(frame.params, frame.loss, xerr=ends, fmt="*", ms=9, mfc=paper(ax), mec=ink(ax), ecolor=ink(ax),
                    capsize=2.5, lw=1, zorder=3, label=f"lowest, {100 * told.level:g} %")  # fmt: skip
    ax.set(xscale="log", xlabel=label_of_column("params"), ylabel=label_of_column(told.target))
    plain_ticks(ax.xaxis)
    small_legend(ax, together=together)
    fit_labels(ax)
    return ax


def _path(ax: Axes, band: pd.DataFrame, kind: str, look: Look, label: str) -> None:
    """What is best over compute, dashed beyond the budgets."""
    if len(band):
        draw_band(ax, band.flops, band[f"{kind}_low"], band[f"{kind}_high"], look.colour)
        draw_curve(ax, band.flops, band[kind], look, inside=(band.beyond < 1 + 1e-9).tolist(), label=label, lw=1.4,
                   marked=bool(look.marker))  # fmt: skip


def _vertices(ax: Axes, frame: pd.DataFrame, kind: str, look: Look, label: str | None) -> None:
    if len(frame):
        ends = arms(frame[kind], frame[f"{kind}_low"], frame[f"{kind}_high"])
        ax.errorbar(frame.spent, frame[kind], yerr=ends, fmt=look.marker, ms=6, mec=paper(ax), mew=0.5,
                    color=look.colour, capsize=2.5, lw=1, label=label, zorder=3)  # fmt: skip


def _refused(ax: Axes, refused: pd.DataFrame, look: Look, label: str | None) -> None:
    ax.plot(refused.flops, refused.params, look.marker, mfc="none", mec=look.colour, ls="none", label=label)


def _finish(ax: Axes, kind: str) -> Axes:
    ax.set(xscale="log", yscale="log", xlabel=label_of_column("flops"), ylabel=BEST[kind])
    tidy_ticks(ax, compute=True)
    small_legend(ax)
    fit_labels(ax)
    return ax
