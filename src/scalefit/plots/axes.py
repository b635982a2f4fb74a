"""What all plots share: where they draw, labels with units, colours that everyone can tell apart, short numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure, SubFigure
from matplotlib.typing import ColorType

from scalefit.errors import missing_column
from scalefit.plots.labels import break_text
from scalefit.quantities import QUANTITIES, label_of

#: Okabe and Ito (2008): told apart with any colour vision. Their yellow and black are left out: too light on white,
#: and kept for what is not data.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
#: One per colour, so that a grey print can be read; lines are told apart by them too, for dashes are extrapolation.
MARKERS = ("o", "s", "^", "D", "v", "P")
#: Between black and white: seen on both.
GREY = "0.6"
#: At most this many curves in one picture.
MOST_CURVES = 6
#: Share of the ink in notes and edges, which must not shout.
SOFT = 0.7
#: Of 256 shades, so many at the end that is nearest to the background are left out.
LOST = 60

_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Look:
    """How one curve and its data are drawn."""

    colour: ColorType
    marker: str


def looks(count: int, *, first: int = 0) -> list[Look]:
    """A colour and a marker for each of several curves; past six, colours come again with other markers."""
    return [
        Look(COLOURS[k % len(COLOURS)], MARKERS[(k + k // len(COLOURS)) % len(MARKERS)])
        for k in range(first, first + count)
    ]


def take_axes(ax: Axes | None) -> Axes:
    """The axes given, else the current ones if they are empty, else those of a new figure, which is pyplot's.

    So no picture lands on another unless it is asked to.
    """
    if ax is not None:
        return ax
    if plt.get_fignums() and not _is_used(plt.gca()):
        return plt.gca()
    return plt.figure(layout="constrained").add_subplot()


def _is_used(ax: Axes) -> bool:
    return ax.has_data() or bool(ax.child_axes)


def free_looks(ax: Axes, count: int) -> list[Look]:
    """As :func:`looks`, in colours that no line of these axes has yet, as far as there are such.

    So a second fit that is drawn over the first can be told from it.
    """
    used = {to_hex(line.get_color()) for line in ax.lines}
    taken = sum(1 for colour in COLOURS if colour.lower() in used)
    return looks(count, first=taken)


def take_figure(figure: Figure | SubFigure | None, width: float, height: float) -> Figure | SubFigure:
    """The figure given, else a new one, not registered with pyplot, of so many inches."""
    return Figure(figsize=(width, height), layout="constrained") if figure is None else figure


def need_columns(table: pd.DataFrame, columns: Iterable[str], needed_by: str) -> None:
    """An error that names the first column that a table lacks.

    Raises
    ------
    ColumnError
    """
    for column in columns:
        if column not in table:
            raise missing_column(column, needed_by, list(table.columns))


def ink(ax: Axes, share: float = 1.0) -> ColorType:
    """The colour of the text of these axes, black on a light style and white on a dark one, or a share of it."""
    return to_rgba(ax.xaxis.label.get_color(), share)


def soft_ink(ax: Axes) -> ColorType:
    """For edges and notes."""
    return ink(ax, SOFT)


def paper(ax: Axes) -> ColorType:
    """The colour of the background of these axes, for hollow marks and rims."""
    return to_rgba(ax.get_facecolor(), 1.0)


def is_dark(ax: Axes) -> bool:
    """Whether the background is darker than the text."""
    return sum(to_rgb(paper(ax))) < sum(to_rgb(ink(ax)))


def ordered_shades(ax: Axes, name: str = "cividis") -> Colormap:
    """A colour map from what stands back to what stands out from the background, without the end that is lost in it.

    Even in lightness and the same to any colour vision.
    """
    shades = mpl.colormaps[name](np.linspace(0.0, 1.0, 256))
    return ListedColormap(shades[LOST:] if is_dark(ax) else shades[::-1][LOST:])


def note(ax: Axes, text: str) -> None:
    """A small line above the picture."""
    break_text(ax.set_title(text, fontsize="small", color=soft_ink(ax)), ax.bbox.width)


def note_doubts(ax: Axes, doubts: Sequence[Any]) -> None:
    """Above a picture that is not to be relied on: for how many reasons."""
    if doubts:
        count = len(doubts)
        note(ax, f"not to be relied on: {count} reason{'s' if count > 1 else ''}")


def shortened(name: str, letters: int) -> str:
    """Both ends of a long name: runs and families often differ in the last part only.

    Examples
    --------
    >>> shortened("transformer-w48-l2-cosine-seed0", 16)
    'transfor…e-seed0'
    """
    if len(name) <= letters:
        return name
    first = letters // 2
    return f"{name[:first]}…{name[len(name) - (letters - 1 - first) :]}"


def quantity_of(column: str) -> str:
    """The known quantity that a column holds, also under one of its other names; else the column itself."""
    if column in QUANTITIES:
        return column
    return next((name for name, quantity in QUANTITIES.items() if column in quantity.aliases), column)


def label_of_column(column: str) -> str:
    """The label of a known column, also under one of its other names; else the column itself."""
    return label_of(quantity_of(column))


def short_number(value: float) -> str:
    """Three digits, with k, M, B or T for large numbers.

    Examples
    --------
    >>> short_number(7.38e7), short_number(0.25), short_number(3e16)
    ('73.8M', '0.25', '3e16')
    """
    for size, suffix in _SUFFIXES:
        if size <= abs(value) < 1000 * size and abs(value) < 1e15:
            return f"{value / size:.3g}{suffix}"
    return power_number(value)


def power_number(value: float) -> str:
    """Three digits, with a power of ten for large numbers.

    Examples
    --------
    >>> power_number(4.97e13), power_number(1e9), power_number(20.0)
    ('4.97e13', '1e9', '20')
    """
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def short_value(value: float, column: str) -> str:
    """A number as its quantity is usually written: sizes and tokens with M, B or T, compute as a power of ten.

    Examples
    --------
    >>> short_value(4.97e13, "flops"), short_value(4.97e13, "tokens")
    ('4.97e13', '49.7T')
    """
    return power_number(value) if is_compute(column) else short_number(value)


def is_compute(column: str) -> bool:
    """Whether a column is in FLOP."""
    known = QUANTITIES.get(quantity_of(column))
    return known is not None and known.unit == "FLOP"


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
