"""Two laws along one quantity, and where one overtakes the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from matplotlib.axes import Axes

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    GREY,
    axes_or_current,
    label_of_column,
    plain_ticks,
    short_number,
    small_legend,
)

#: Larger places are written as powers of ten.
LARGE = 1e12

if TYPE_CHECKING:
    from scalefit.decisions.crossover.record import Crossover


def plot_crossover(
    crossover: Crossover, *, show: Literal["curves", "difference"] = "curves", ax: Axes | None = None
) -> Axes:
    """Draw two laws with their bands, or their difference, and each crossing with its interval.

    Parameters
    ----------
    crossover : Crossover
    show : ``"curves"``, or ``"difference"`` of the first less the second, which shows best where bands overlap.
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes
        With a vertical line at each crossing (dashed where it is not claimed), its interval shaded, and dotted lines at
        the ends of the range in which both have data.

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
    ax = axes_or_current(ax)
    ax.set_xscale("log")
    if show == "curves":
        _draw_curves(crossover, ax)
    else:
        _draw_difference(crossover, ax)
    _draw_crossings(crossover, ax)
    if crossover.overlap is not None:
        for end, label in zip(crossover.overlap, ("both have data", None), strict=True):
            ax.axvline(end, ls=":", lw=1, color=EDGE, label=label)
    ax.set_xlim(*crossover.between)
    where = crossover.where
    if where:
        ax.set_title(where, fontsize="small", color="0.3")
    ax.set_xlabel(label_of_column(crossover.along))
    small_legend(ax)
    return ax


def _draw_curves(told: Crossover, ax: Axes) -> None:
    frame = told.curve
    for name, word, colour in zip(told.names, ("a", "b"), COLOURS, strict=False):
        ax.plot(frame[told.along], frame[f"estimate_{word}"], color=colour, lw=1.5, label=name)
        ax.fill_between(
            frame[told.along], frame[f"low_{word}"], frame[f"high_{word}"], color=colour, alpha=0.2, lw=0
        )  # fmt: skip
    if (frame[["estimate_a", "estimate_b"]].min() > 0).all():
        ax.set_yscale("log")
    ax.set_ylabel(label_of_column(told.target))
    plain_ticks(ax.yaxis)


def _draw_difference(told: Crossover, ax: Axes) -> None:
    frame, (a, b) = told.curve, told.names
    ax.axhline(0, color=EDGE, lw=1)
    ax.plot(frame[told.along], frame["difference"], color=COLOURS[0], lw=1.5, label=f"{a} less {b}")
    ax.fill_between(
        frame[told.along], frame["difference_low"], frame["difference_high"], color=COLOURS[0], alpha=0.2, lw=0,
        label=f"{100 * told.level:g} %",
    )  # fmt: skip
    inside = frame[frame["beyond"] <= 1] if (frame["beyond"] <= 1).any() else frame
    most = inside[["difference_low", "difference_high"]].abs().max().max()
    if most > 0:
        ax.set_ylim(-1.5 * most, 1.5 * most)
    ax.set_ylabel(f"difference of {label_of_column(told.target)}")


def _draw_crossings(told: Crossover, ax: Axes) -> None:
    for row, claimed in zip(told.frame.to_dict("records"), told.claims["claimed"], strict=True):
        style, word = ("-", "crossover") if claimed else ("--", "perhaps")
        ax.axvspan(row["low"], row["high"], color=GREY, alpha=0.25, lw=0)
        place = row["location"]
        written = short_number(place) if place < LARGE else f"{place:.3g}".replace("e+", "e")
        label = f"{word} at {written}, {100 * row['probability']:.0f} % of draws"
        ax.axvline(row["location"], ls=style, lw=1.2, color="black", label=label)
