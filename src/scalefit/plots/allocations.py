"""Answers about spending compute: the best size and tokens along budgets, contours of one loss, the cost of a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scalefit.plots.axes import (
    GREY,
    Look,
    free_looks,
    ink,
    label_of_column,
    note,
    paper,
    power_number,
    short_number,
    soft_ink,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import arms, draw_band, draw_curve, draw_edges
from scalefit.plots.ticks import tidy_ticks

if TYPE_CHECKING:
    from scalefit.decisions.allocation.budget import Allocation
    from scalefit.decisions.allocation.contours import IsoLoss
    from scalefit.decisions.allocation.inputs import BestInputs
    from scalefit.decisions.allocation.serving import InferenceAllocation
    from scalefit.decisions.allocation.sizes import SizeComparison

#: Labels of quantities that are no columns of runs.
LABELS = {
    "tokens_per_param": "tokens per parameter D/N",
    "params_factor": "size over the best for training alone",
    "saved": "share of the cost saved",
    "factor": "size over the best of the budget",
    "ratio": "ratio of the two",
    "budget": "budget (in the unit of the cost)",
    "inference_tokens": "tokens served",
}
#: A line and its marks, which share an entry of the legend: the marks tell lines apart in grey.
Together = tuple[Artist, ...]
#: An unbounded end of an interval stands so many times above the largest estimate.
OUT_OF_SIGHT = 10.0


def plot_allocation(allocation: Allocation, *, quantity: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what is best along compute, with bands, dashed beyond the largest run fitted; budgets asked for are marked.

    Parameters
    ----------
    allocation : Allocation
    quantity : ``"params"``, ``"tokens"``, ``"tokens_per_param"`` or what the law predicts; None: params and tokens.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> plot_allocation(sf.allocate(fit, flops=1e14)).get_xlabel()
    'training compute C (FLOP)'
    """
    cost = allocation.setting.cost
    x = label_of_column("flops") if cost.six_nd else f"budget ({cost.text})"
    y = "parameters N, training tokens D" if quantity is None else _label(quantity)
    ax = take_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    names = ("params", "tokens") if quantity is None else (quantity,)
    curve, edge = allocation.curve, allocation.largest_run
    together: list[Together] = []
    for name, look in zip(names, free_looks(ax, len(names)), strict=True):
        label = f"best {name}" if quantity is None else "best split"
        line = _draw(ax, curve, "flops", name, look, inside=(curve.flops <= edge).tolist(), label=label)
        together.append((line, _marks(ax, allocation.frame, "flops", name, look)))
    draw_edges(ax, [edge], "largest run fitted")
    return _finish(ax, allocation.trusted, together, compute=cost.six_nd)


def plot_iso_loss(iso: IsoLoss, *, ax: Axes | None = None) -> Axes:
    """Draw sizes and tokens of equal loss, with bands; the cheapest place of each is marked and joined.

    Parameters
    ----------
    iso : IsoLoss
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    x, y = _label(iso.size), _label("tokens")
    ax = take_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    ax.plot(iso.seen.params, iso.seen.tokens, ".", ms=3, color=GREY, label="runs", zorder=1)
    ordered = iso.frame.sort_values(iso.output, ascending=False)
    for value, look in zip(ordered[iso.output], free_looks(ax, len(ordered)), strict=True):
        contour = iso.contours[iso.contours[iso.output] == value]
        label = f"{iso.output} {short_number(value)}"
        _draw(ax, contour, "params", "tokens", look, inside=_among(contour, iso.seen), label=label, marked=True)
    ax.plot(ordered.params, ordered.tokens, ls=(0, (1, 1)), color=ink(ax), lw=1.2, label="cheapest", zorder=4)
    _marks(ax, ordered, "params", "tokens", Look(ink(ax), "*"), across=True)
    near = iso.contours[np.isfinite(iso.contours.tokens)]
    ax.set_ylim(iso.seen.tokens.min() / 3, max(30 * iso.seen.tokens.max(), 3 * ordered.tokens[_finite(ordered)].max()))
    if len(near):
        ax.set_xlim(iso.contours.params.min(), iso.contours.params.max())
    return _finish(ax, iso.trusted)


def plot_inference(told: InferenceAllocation, *, quantity: str = "params", ax: Axes | None = None) -> Axes:
    """Draw one quantity along the tokens served; a line across is the answer for training alone, if it was asked.

    Parameters
    ----------
    told : InferenceAllocation
    quantity : a column of its frame.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    x, y = _label("inference_tokens"), _label(quantity)
    ax = take_axes(ax)
    scale = "linear" if quantity in ("saved", "params_factor") else "log"
    ax.set(xscale="log", yscale=scale, xlabel=x, ylabel=y)
    served = told.frame[told.frame.inference_tokens > 0].sort_values("inference_tokens")
    alone = told.frame[told.frame.inference_tokens == 0]
    look, label = free_looks(ax, 1)[0], "training and inference"
    line = _draw(ax, served, "inference_tokens", quantity, look, inside=_known(served), label=label)
    marks = _marks(ax, served, "inference_tokens", quantity, look)
    if len(alone):
        ax.axhline(alone[quantity].iloc[0], ls=(0, (1, 1)), lw=1.2, color=soft_ink(ax), label="training alone")
    return _finish(ax, told.trusted, [(line, marks)])


def plot_sizes(told: SizeComparison, *, ax: Axes | None = None) -> Axes:
    """Draw what another size than the best costs: at the same budget, and to the same loss.

    Parameters
    ----------
    told : SizeComparison
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    x, y = _label("factor"), "times the least compute"
    ax = take_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    frame = told.frame.sort_values("factor")
    labels = {"waste": "compute spent over the least for its loss", "overhead": "compute to the loss of the best"}
    together: list[Together] = []
    for (name, label), look in zip(labels.items(), free_looks(ax, len(labels)), strict=True):
        line = _draw(ax, frame, "factor", name, look, inside=_known(frame), label=label)
        together.append((line, ax.plot(frame.factor, frame[name], look.marker, ms=4, color=look.colour)[0]))
    draw_edges(ax, [1.0])
    return _finish(ax, told.trusted, together)


def plot_inputs(told: BestInputs, *, ax: Axes | None = None) -> Axes:
    """Draw what the law predicts along the choices, a line per budget; without choices the free inputs along budgets.

    Parameters
    ----------
    told : BestInputs
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes
    """
    across = told.chosen or ("budget" if "budget" in told.frame else told.output)
    x, y = _label(across), _label(told.output) if told.chosen else "best value"
    ax = take_axes(ax)
    ax.set(xscale="log", xlabel=x, ylabel=y)
    together: list[Together] = []
    if told.chosen is not None:
        groups = list(told.frame.groupby("budget")) if "budget" in told.frame else [(None, told.frame)]
        for (budget, rows), look in zip(groups, free_looks(ax, len(groups)), strict=True):
            label = "best" if budget is None else f"budget {power_number(float(str(budget)))}"
            line = _draw(ax, rows, told.chosen, told.output, look, inside=_known(rows), label=label)
            together.append((line, _marks(ax, rows, told.chosen, told.output, look)))
    else:
        ax.set_yscale("log")
        for name, look in zip(told.free, free_looks(ax, len(told.free)), strict=True):
            line = _draw(ax, told.frame, across, name, look, inside=_known(told.frame), label=_label(name))
            together.append((line, _marks(ax, told.frame, across, name, look)))
    return _finish(ax, told.trusted, together)


def _label(name: str) -> str:
    return LABELS.get(name, label_of_column(name))


def _finite(frame: pd.DataFrame) -> pd.Series[bool]:
    return pd.Series(np.isfinite(frame.tokens), index=frame.index)


def _known(frame: pd.DataFrame) -> list[bool]:
    """Which rows lie among the data."""
    return (frame["beyond"] < 1 + 1e-9).tolist()


def _among(contour: pd.DataFrame, seen: pd.DataFrame) -> list[bool]:
    """Which places of a contour have a size and a number of tokens among those fitted."""
    within = [contour[name].between(seen[name].min(), seen[name].max()) for name in ("params", "tokens")]
    return (within[0] & within[1]).tolist()


def _draw(
    ax: Axes,
    frame: pd.DataFrame,
    along: str,
    name: str,
    look: Look,
    *,
    inside: list[bool],
    label: str,
    marked: bool = False,
) -> Line2D:
    """A line with its interval, where both are numbers; dashed beyond the data."""
    known = np.isfinite(frame[name]) & np.isfinite(frame[f"{name}_low"])
    high = frame[f"{name}_high"]
    # An end out of reach is drawn out of sight.
    top = high.where(np.isfinite(high), OUT_OF_SIGHT * frame.loc[known, name].max())
    if known.sum() > 1:
        draw_band(ax, frame[along], frame[f"{name}_low"].where(known), top, look.colour)
    shown = np.isfinite(frame[name])
    within = np.array(inside)[shown.to_numpy()]
    return draw_curve(
        ax, frame.loc[shown, along], frame.loc[shown, name], look, inside=within, label=label, marked=marked
    )


def _marks(ax: Axes, frame: pd.DataFrame, along: str, name: str, look: Look, *, across: bool = False) -> Line2D:
    """The places asked for, with their intervals, where those are numbers."""
    shown = frame[np.isfinite(frame[name])]
    x, y = (arms(shown[one], shown[f"{one}_low"], shown[f"{one}_high"]) if one == name or across else None
            for one in (along, name))  # fmt: skip
    drawn = ax.errorbar(
        shown[along], shown[name], yerr=y, xerr=x, fmt=look.marker, ms=6, color=look.colour, mec=paper(ax), mew=0.5,
        ecolor=look.colour, capsize=2, lw=1, zorder=3,
    )  # fmt: skip
    return drawn.lines[0]


def _finish(ax: Axes, trusted: bool, together: Sequence[Together] = (), *, compute: bool = False) -> Axes:
    if not trusted:
        note(ax, "with doubts: see the text")
    tidy_ticks(ax, compute=compute)
    small_legend(ax, together=together)
    fit_labels(ax)
    return ax
