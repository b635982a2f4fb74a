"""Labels of axes that stay within their own picture: broken into lines, and smaller where that is not enough."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

#: Lines of a label, and the smallest letters in points.
MOST_LINES, SMALLEST = 3, 6.0
#: Letters are made smaller before lines are broken where so much of their size remains.
LITTLE = 0.85
#: Width and height of axes, in inches, that need no care.
ENOUGH = np.array([4.0, 2.0])
#: A label may be longer than its axis by this share: half the gap between panels on both sides.
OVER = 0.06
_BRACKETS, _PERCENT, _HARD = re.compile(r"\([^()]*\)"), re.compile(r"(?<=\d) (?=%)"), "\N{NO-BREAK SPACE}"


def fit_labels(*axes: Axes) -> None:
    """Break the labels of axes, and of the panels under them, where they are longer than their axis.

    Of pictures that are done, with their legends: a legend over the axes leaves them less height.

    Parameters
    ----------
    axes : of one row or one stack of panels.
    """
    for first in axes:
        share = _share_left(first)
        for ax in (first, *(child for child in first.child_axes if isinstance(child, Axes))):
            box = ax.bbox
            break_text(ax.yaxis.label, (1 + OVER) * share * box.height, tall=True)
            break_text(ax.xaxis.label, (1 + OVER) * box.width)


def settle(ax: Axes) -> None:
    """Give axes, and the panels under them, the place that they will have, so that what is in it can be measured.

    A layout places them only when the figure is drawn; panels follow their axes then, too. It takes as long as drawing
    and gives large axes a little more than they have, so that only small ones are placed at once.
    """
    figure: Any = ax.figure.figure
    engine = figure.get_layout_engine()
    if engine is not None and min(ax.bbox.size / (figure.dpi * ENOUGH)) < 1:
        engine.execute(figure)
    for one in (ax, *ax.child_axes):
        locator: Any = one.get_axes_locator()
        if locator is not None and isinstance(one, Axes):
            one.apply_aspect(locator(one, None))


def _share_left(ax: Axes) -> float:
    """The share of the height that a layout leaves to these axes and the panels under them."""
    legend, engine = ax.get_legend(), ax.figure.figure.get_layout_engine()
    if legend is None or engine is None:
        return 1.0
    panels = [ax, *(child for child in ax.child_axes if isinstance(child, Axes))]
    whole = ax.bbox.y1 - min(panel.bbox.y0 for panel in panels)
    above = legend.get_window_extent().y1 - ax.bbox.y1
    return max(0.3, 1 - max(float(above), 0.0) / float(whole))


def break_text(text: Text, room: float, *, tall: bool = False) -> None:
    """Break a text into as few lines as fit into so many pixels, at most three; beyond that its letters are smaller.

    Parameters
    ----------
    text : that is drawn already; one that is hidden or empty stays as it is.
    room : in pixels, along the text.
    tall : whether it runs upwards.
    """
    told, size = text.get_text(), float(text.get_fontsize())
    if not text.get_visible() or not told or _length(text, tall=tall) <= room:
        return
    if SMALLEST < size * room / _length(text, tall=tall) > LITTLE * size:
        text.set_fontsize(size * room / _length(text, tall=tall))
        return
    for broken in _ways(told):
        text.set_text("\n".join(broken))
        if _length(text, tall=tall) <= room:
            return
    text.set_fontsize(max(SMALLEST, size * room / _length(text, tall=tall)))


def _ways(text: str) -> Iterator[list[str]]:
    """The text in more and more lines, with what stands in brackets in one line first."""
    whole = _BRACKETS.sub(lambda found: found[0].replace(" ", _HARD), text).replace("\n", " ")
    whole = _PERCENT.sub(_HARD, whole)
    for lines in range(text.count("\n") + 2, max(MOST_LINES, text.count("\n") + 2) + 1):
        for one in (whole, _PERCENT.sub(_HARD, whole.replace(_HARD, " "))):
            yield [line.replace(_HARD, " ") for line in _balanced(one, lines)]


def _balanced(text: str, lines: int) -> list[str]:
    """At most so many lines, the longest as short as can be."""
    for width in range(-(-len(text) // lines), len(text) + 1):
        broken = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        if len(broken) <= lines:
            return broken
    return [text]


def _length(label: Text, *, tall: bool) -> float:
    box = label.get_window_extent()
    return float(box.height if tall else box.width)
