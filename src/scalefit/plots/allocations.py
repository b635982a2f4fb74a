"""Answers about spending compute: the best size and tokens along budgets, contours of one loss, the cost of a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    GREY,
    MARKERS,
    axes_or_current,
    label_of_column,
    plain_ticks,
    short_number,
    small_legend,
)

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
    "budget": "budget",
    "inference_tokens": "tokens served",
}
#: An unbounded end of an interval stands so many times above the largest estimate.
OUT_OF_SIGHT = 10.0


def plot_allocation(allocation: Allocation, *, quantity: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what is best along compute, with bands, dashed beyond the largest run fitted; budgets asked for are marked.

    Parameters
    ----------
    allocation : Allocation
    quantity : ``"params"``, ``"tokens"``, ``"tokens_per_param"`` or what the law predicts; None: params and tokens.
    ax : matplotlib Axes; None takes the current ones.

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
    ax = axes_or_current(ax)
    names = ("params", "tokens") if quantity is None else (quantity,)
    curve, asked, edge = allocation.curve, allocation.frame, allocation.largest_run
    for name, colour, marker in zip(names, COLOURS, MARKERS, strict=False):
        _band(ax, curve, "flops", name, colour, edge=edge, label=f"best {name}" if quantity is None else "best split")
        _marks(ax, asked, "flops", name, colour, marker)
    ax.axvline(edge, ls=":", lw=1.2, color=EDGE, label="largest run fitted")
    ax.set(xscale="log", yscale="log", xlabel=label_of_column("flops") if allocation.setting.cost.six_nd else "budget")
    ax.set_ylabel("parameters N, training tokens D" if quantity is None else _label(quantity))
    _ticks(ax)
    _say_doubt(ax, allocation.trusted)
    small_legend(ax)
    return ax


def plot_iso_loss(iso: IsoLoss, *, ax: Axes | None = None) -> Axes:
    """Draw sizes and tokens of equal loss, with bands; the cheapest place of each is marked and joined.

    Parameters
    ----------
    iso : IsoLoss
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    ax.plot(iso.seen.params, iso.seen.tokens, ".", ms=3, color=GREY, label="runs", zorder=1)
    ordered = iso.frame.sort_values(iso.output, ascending=False)
    for value, colour in zip(ordered[iso.output], _spread_colours(len(ordered)), strict=True):
        contour = iso.contours[iso.contours[iso.output] == value]
        _band(ax, contour, "params", "tokens", colour, label=f"{iso.output} {short_number(value)}")
    ax.plot(ordered.params, ordered.tokens, "k--", lw=1, label="cheapest", zorder=4)
    _marks(ax, ordered, "params", "tokens", "black", "D", across=True)
    ax.set(xscale="log", yscale="log", xlabel=_label(iso.size), ylabel=_label("tokens"))
    near = iso.contours[np.isfinite(iso.contours.tokens)]
    ax.set_ylim(iso.seen.tokens.min() / 3, max(30 * iso.seen.tokens.max(), 3 * ordered.tokens[_finite(ordered)].max()))
    if len(near):
        ax.set_xlim(iso.contours.params.min(), iso.contours.params.max())
    _say_doubt(ax, iso.trusted)
    small_legend(ax)
    return ax


def plot_inference(told: InferenceAllocation, *, quantity: str = "params", ax: Axes | None = None) -> Axes:
    """Draw one quantity along the tokens served; a line across is the answer for training alone, if it was asked.

    Parameters
    ----------
    told : InferenceAllocation
    quantity : a column of its frame.
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    served = told.frame[told.frame.inference_tokens > 0].sort_values("inference_tokens")
    alone = told.frame[told.frame.inference_tokens == 0]
    _band(ax, served, "inference_tokens", quantity, COLOURS[0], label="training and inference")
    _marks(ax, served, "inference_tokens", quantity, COLOURS[0], MARKERS[0])
    if len(alone):
        ax.axhline(alone[quantity].iloc[0], ls="--", lw=1.2, color=EDGE, label="training alone")
    scale = "linear" if quantity in ("saved", "params_factor") else "log"
    ax.set(xscale="log", yscale=scale, xlabel=_label("inference_tokens"), ylabel=_label(quantity))
    _ticks(ax)
    _say_doubt(ax, told.trusted)
    small_legend(ax)
    return ax


def plot_sizes(told: SizeComparison, *, ax: Axes | None = None) -> Axes:
    """Draw what another size than the best costs: at the same budget, and to the same loss.

    Parameters
    ----------
    told : SizeComparison
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    frame = told.frame.sort_values("factor")
    labels = {"waste": "compute spent over the least for its loss", "overhead": "compute to the loss of the best"}
    for (name, label), colour, marker in zip(labels.items(), COLOURS, MARKERS, strict=False):
        _band(ax, frame, "factor", name, colour, label=label)
        ax.plot(frame.factor, frame[name], marker, ms=4, color=colour)
    ax.axvline(1.0, ls=":", lw=1.2, color=EDGE)
    ax.set(xscale="log", yscale="log", xlabel=_label("factor"), ylabel="times the least compute")
    _ticks(ax)
    _say_doubt(ax, told.trusted)
    small_legend(ax)
    return ax


def plot_inputs(told: BestInputs, *, ax: Axes | None = None) -> Axes:
    """Draw what the law predicts along the choices, a line per budget; without choices the free inputs along budgets.

    Parameters
    ----------
    told : BestInputs
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
    """
    ax = axes_or_current(ax)
    if told.chosen is not None:
        groups = told.frame.groupby("budget") if "budget" in told.frame else [(None, told.frame)]
        for (budget, rows), colour, marker in zip(groups, COLOURS, MARKERS, strict=False):
            label = "best" if budget is None else f"budget {short_number(float(str(budget)))}"
            _band(ax, rows, told.chosen, told.output, colour, label=label)
            _marks(ax, rows, told.chosen, told.output, colour, marker)
        ax.set(xlabel=_label(told.chosen), ylabel=_label(told.output))
    else:
        across = "budget" if "budget" in told.frame else told.output
        for name, colour, marker in zip(told.free, COLOURS, MARKERS, strict=False):
            _band(ax, told.frame, across, name, colour, label=_label(name))
            _marks(ax, told.frame, across, name, colour, marker)
        ax.set(xlabel=_label(across), ylabel="best value", yscale="log")
    ax.set_xscale("log")
    _ticks(ax)
    _say_doubt(ax, told.trusted)
    small_legend(ax)
    return ax


def _label(name: str) -> str:
    return LABELS.get(name, label_of_column(name))


def _ticks(ax: Axes) -> None:
    """Round numbers where there are few decades, counts with k, M, B or T."""
    plain_ticks(ax.yaxis)
    low, high = ax.yaxis.get_view_interval()
    if ax.yaxis.get_scale() == "log" and high < 10 * low:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def _finite(frame: pd.DataFrame) -> pd.Series[bool]:
    return pd.Series(np.isfinite(frame.tokens), index=frame.index)


def _spread_colours(count: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(count)]


def _band(
    ax: Axes, frame: pd.DataFrame, along: str, name: str, colour: str, *, label: str, edge: float = np.inf
) -> None:
    """A line with its interval, where both are numbers; dashed past an edge."""
    known = np.isfinite(frame[name]) & np.isfinite(frame[f"{name}_low"])
    high = frame[f"{name}_high"]
    # An end out of reach is drawn out of sight.
    top = high.where(np.isfinite(high), OUT_OF_SIGHT * frame.loc[known, name].max())
    if known.sum() > 1:
        ax.fill_between(frame[along], frame[f"{name}_low"], top, where=known, color=colour, alpha=0.18, lw=0, zorder=1)
    shown = frame[np.isfinite(frame[name])]
    inside, outside = shown[shown[along] <= edge], shown[shown[along] >= edge]
    ax.plot(inside[along], inside[name], "-", color=colour, lw=1.5, label=label, zorder=2)
    joined = pd.concat([inside.tail(1), outside])
    if len(outside):
        ax.plot(joined[along], joined[name], "--", color=colour, lw=1.5, label="_nolegend_", zorder=2)


def _marks(
    ax: Axes, frame: pd.DataFrame, along: str, name: str, colour: str, marker: str, *, across: bool = False
) -> None:
    """The places asked for, with their intervals, where those are numbers."""
    shown = frame[np.isfinite(frame[name])]
    # An interval need not hold its own estimate.
    ends = [_arms(shown, name), _arms(shown, along) if across else None]
    ax.errorbar(
        shown[along], shown[name], yerr=ends[0], xerr=ends[1], fmt=marker, ms=5, mfc=colour, mec="white", mew=0.5,
        ecolor=colour, capsize=2, lw=1, zorder=3,
    )  # fmt: skip


def _arms(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Lengths to both sides, (2, n); none where an end is unknown."""
    arms = np.array([frame[name] - frame[f"{name}_low"], frame[f"{name}_high"] - frame[name]], float)
    return np.where(np.isfinite(arms), arms, 0.0).clip(min=0)


def _say_doubt(ax: Axes, trusted: bool) -> None:
    if not trusted:
        ax.set_title("with doubts: see the text", fontsize="small", color="0.3")
