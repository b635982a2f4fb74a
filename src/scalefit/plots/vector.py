"""Figures as SVG that stands in a page and takes the colours of its text and background, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

#: Stand for the colours of the text and of the background of the page. Used for nothing else.
INK, PAPER = "#0b0c0d", "#fdfcfb"
#: The same on a dark page, for pictures whose shades follow from what is lighter.
DARK_INK, DARK_PAPER = "#fcfdfb", "#0d0c0b"
#: What stands in their place; the page may set ``--paper``.
_IN_PAGE = {INK: "currentColor", DARK_INK: "currentColor", PAPER: "var(--paper)", DARK_PAPER: "var(--paper)"}
#: Digits past the hundredth of a point, which nobody sees; numbers below one, such as scales, keep theirs.
_LONG = re.compile(r"(?<![\w.#])(-?[1-9]\d*\.\d\d)\d+")
#: More marks than this in one artist are a small bitmap: each as a path would make a page of megabytes.
MOST_MARKS = 150
#: Dots per inch of such bitmaps.
FINE = 120
#: Radius of the place around a mark that a pointer meets, in points.
NEAR = 6.0


@dataclass(frozen=True, eq=False)
class Spots:
    """Places in a picture that say something when a pointer rests on them.

    Parameters
    ----------
    ax : the axes.
    x, y : where, in data coordinates.
    texts : what each says.
    """

    ax: Axes
    x: ArrayLike
    y: ArrayLike
    texts: Sequence[str]


def page_colours(*, dark: bool = False) -> AbstractContextManager[None]:
    """A context in which pictures are drawn with the stand-ins for ink and paper."""
    ink, paper = (DARK_INK, DARK_PAPER) if dark else (INK, PAPER)
    return mpl.rc_context(
        {
            "text.color": ink,
            "axes.labelcolor": ink,
            "axes.edgecolor": ink,
            "axes.titlecolor": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "axes.facecolor": paper,
            "figure.facecolor": paper,
            "savefig.facecolor": paper,
        }
    )


def page_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, without a background, not registered with pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=72)
    figure.patch.set_alpha(0.0)
    return figure


def as_svg(figure: Figure, *, prefix: str = "", spots: Sequence[Spots] = ()) -> str:
    """A figure as one SVG element: no script, nothing from outside, text as outlines.

    Parameters
    ----------
    figure : Figure
    prefix : what the names inside begin with; several pictures of one page need several.
    spots : places that say something; their texts are escaped.
    """
    _thin(figure.axes)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "scalefit", "svg.fonttype": "path"}):
        figure.savefig(
            buffer, format="svg", dpi=FINE, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    for colour, name in _IN_PAGE.items():
        text = text.replace(colour, name)
    text = re.sub(r"\s*\n\s*", "\n", _LONG.sub(r"\1", text))
    if prefix:
        text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    marks = "".join(_marks(spot, figure) for spot in spots)
    return f'{text.removesuffix("</svg>")}<g fill="transparent">{marks}</g>\n</svg>' if marks else text


def _thin(axes: Sequence[Axes]) -> None:
    """Artists of very many marks become bitmaps; lines stay lines."""
    for ax in axes:
        for line in ax.lines:
            many = len(np.atleast_1d(line.get_xdata())) > MOST_MARKS
            line.set_rasterized(many and line.get_marker() not in ("", "None", " ", None))
        for one in ax.collections:
            if isinstance(one, PathCollection) and len(np.atleast_2d(one.get_offsets())) > MOST_MARKS:
                one.set_rasterized(True)
        _thin([child for child in ax.child_axes if isinstance(child, Axes)])


def _marks(spots: Spots, figure: Figure) -> str:
    """Circles that cannot be seen, each with its text; after the figure is saved, when its places are known."""
    places = spots.ax.transData.transform(np.column_stack([np.asarray(spots.x, float), np.asarray(spots.y, float)]))
    height, box, scale = figure.bbox.height, spots.ax.bbox, 72 / figure.dpi
    out = []
    for (x, y), text in zip(places, spots.texts, strict=True):
        if np.isfinite([x, y]).all() and box.x0 - 1 <= x <= box.x1 + 1 and box.y0 - 1 <= y <= box.y1 + 1:
            place = f'cx="{x * scale:.1f}" cy="{(height - y) * scale:.1f}" r="{NEAR:g}"'
            out.append(f"<circle {place}><title>{escape(text)}</title></circle>")
    return "".join(out)
