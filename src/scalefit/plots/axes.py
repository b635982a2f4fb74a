"""What all plots share: labels with units, colours that everyone can tell apart, short numbers."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from scalefit.quantities import QUANTITIES, label_of

#: Okabe and Ito (2008): told apart with any colour vision. Their yellow and black are left out: too light on white,
#: and kept for what is not data.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
#: One per colour, so that a grey print can be read.
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "0.6"
EDGE = "0.35"
#: At most this many curves in one picture.
MOST_CURVES = 6

_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def axes_or_current(ax: Axes | None) -> Axes:
    """The axes given, else the current ones."""
    return plt.gca() if ax is None else ax


def label_of_column(column: str) -> str:
    """The label of a known column, also under one of its other names; else the column itself."""
    known = next((name for name, quantity in QUANTITIES.items() if column in quantity.aliases), column)
    return label_of(column if column in QUANTITIES else known)


def short_number(value: float) -> str:
    """Three digits, with k, M, B or T for large numbers.

    Examples
    --------
    >>> short_number(7.38e7), short_number(0.25), short_number(3e16)
    ('73.8M', '0.25', '3e+16')
    """
    for size, suffix in _SUFFIXES:
        if size <= abs(value) < 1000 * size and abs(value) < 1e15:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def spread_picks(values: pd.Series[float]) -> dict[str, float]:
    """At most six of the distinct values, evenly spread over them: how each is written -> one of them.

    Values that are written alike (sizes read off a picture, say) count as one.
    """
    written: dict[str, float] = {}
    for value in sorted(set(values)):
        written.setdefault(short_number(value), value)
    return {text: written[text] for text in evenly(list(written))}


def evenly(items: list[str]) -> list[str]:
    """At most six of the items, evenly spread, the first and the last among them."""
    if len(items) <= MOST_CURVES:
        return items
    return [items[k * (len(items) - 1) // (MOST_CURVES - 1)] for k in range(MOST_CURVES)]


def small_legend(ax: Axes, title: str | None = None, *, together: Sequence[tuple[Artist, ...]] = ()) -> None:
    """A small legend; artists ``together`` share one entry, which has the label of the first."""
    members = {id(artist) for artists in together for artist in artists}
    named = zip(*ax.get_legend_handles_labels(), strict=True)
    alone = {label: handle for handle, label in named if id(handle) not in members}
    handles: list[Artist | tuple[Artist, ...]] = [*together, *alone.values()]
    labels = [*(str(artists[0].get_label()) for artists in together), *alone]
    ax.legend(handles, labels, title=title, fontsize="small", title_fontsize="small", framealpha=0.85, handlelength=1.8)


def plain_ticks(axis: Axis) -> None:
    """Round numbers on a log axis that spans less than a factor of ten, which powers of ten would leave bare."""
    low, high = axis.get_view_interval()
    if axis.get_scale() != "log" or high >= 10 * low:
        return
    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
