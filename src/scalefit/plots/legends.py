"""Legends that do not cover what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from scalefit.plots.axes import shortened
from scalefit.plots.labels import settle

#: Free space about a legend, in pixels, and the largest share of the height that is made free for one.
ROOM, MOST = 6.0, 0.4
#: Space between axes or their title and a legend over them, in points.
OVER = 1.0
#: More names than this stand in two columns if none has more letters.
MANY, SHORT = 5, 26
#: Axes that are narrower than so many inches have smaller legends. Names keep at least so many letters.
NARROW, FEWEST = 3.2, 12
#: Columns of a legend over the axes at most.
COLUMNS = 4

#: (n, 2): places in pixels of the picture.
Pixels = NDArray[np.float64]
NO_MARK = ("None", "", None)


def small_legend(
    ax: Axes,
    title: str | None = None,
    *,
    together: Sequence[tuple[Artist, ...]] = (),
    columns: int | None = None,
    above: bool = False,
    room: bool = True,
) -> Legend:
    """A small legend where nothing is drawn.

    Where there is no such place the vertical axis is made longer for it, or else it stands over the axes.

    Parameters
    ----------
    together : artists that share one entry, which has the label of the first.
    columns : of the legend; None: two where more than five short names would make it high, and over the axes as many as
        they are wide enough for.
    above : whether it stands over the axes.
    room : whether the axis may be made longer.
    """
    members = {id(artist) for artists in together for artist in artists}
    named = zip(*ax.get_legend_handles_labels(), strict=True)
    # One entry for what looks alike and is called alike, such as the edges of several panels.
    alone = {(label, _colour(handle)): handle for handle, label in named if id(handle) not in members}
    handles: list[Artist | tuple[Artist, ...]] = [*together, *alone.values()]
    labels = [*(str(artists[0].get_label()) for artists in together), *(label for label, _ in alone)]
    settle(ax)
    two = len(labels) > MANY and max(map(len, labels)) <= SHORT
    legend = _new_legend(ax, handles, labels, title, columns or (2 if two else 1))
    if above or (room and not _finds_room(ax, legend)):
        for number in range(columns or min(COLUMNS, len(labels)), 0, -1):
            legend = _new_legend(ax, handles, labels, title, number)
            if legend.get_window_extent().width <= ax.bbox.width:
                break
        _set_above(ax, legend)
    return legend


def _new_legend(
    ax: Axes, handles: Sequence[Artist | tuple[Artist, ...]], labels: Sequence[str], title: str | None, columns: int
) -> Legend:
    """A legend that is no wider than the axes, if need be with names cut in the middle."""
    size = "x-small" if ax.bbox.width < NARROW * ax.figure.figure.dpi else "small"
    legend = ax.legend(
        handles, labels, title=title, fontsize=size, title_fontsize=size, ncols=columns, framealpha=0.85,
        handlelength=1.8, columnspacing=1.2, borderaxespad=0.4,
    )  # fmt: skip
    texts = [*legend.get_texts(), legend.get_title()]
    for text in texts:
        text.set_parse_math(False)  # names are no formulas
    letters = max((len(text.get_text()) for text in texts), default=0)
    while columns == 1 and letters > FEWEST and legend.get_window_extent().width > ax.bbox.width:
        letters -= 1
        for text in texts:
            text.set_text(shortened(text.get_text(), letters))
    return legend


def _colour(handle: Artist) -> str:
    """The colour of a line, or nothing for what has none of its own."""
    return str(handle.get_color()) if hasattr(handle, "get_color") else ""


def _finds_room(ax: Axes, legend: Legend) -> bool:
    """Whether the legend covers nothing, if need be after the vertical axis is made longer upwards for it."""
    limits = ax.get_xlim(), ax.get_ylim()  # asking for them makes them those of all that is drawn
    box = legend.get_window_extent().padded(ROOM / 2)
    if box.width > ax.bbox.width or box.height > ax.bbox.height:
        return False
    if not _covers(ax, box):
        return True
    bottom, share = ax.bbox.y0, (box.height + ROOM) / ax.bbox.height
    top = min(_highest(ax), ax.bbox.y1)
    if not np.isfinite(top) or share > MOST or ax.yaxis_inverted():
        return False
    # So high must the axis go, measured as it is now, for the legend to stand above the highest thing drawn.
    goal = bottom + (top - bottom) / (1 - share)
    end = float(ax.transData.inverted().transform((ax.bbox.x0, goal))[1])
    if not np.isfinite(end):
        return False
    automatic = ax.get_autoscaley_on()
    ax.set_ylim(top=end, auto=automatic)
    legend.set_loc("upper right")
    if _covers(ax, legend.get_window_extent()):  # of what the axis had cut off
        ax.set_ylim(limits[1], auto=automatic)
        return False
    return True


def _set_above(ax: Axes, legend: Legend) -> None:
    """Over the axes, and over their title."""
    legend.set_loc("lower center")
    legend.set_bbox_to_anchor((0.5, 1.0), ax.transAxes)
    points = OVER
    if ax.get_title():
        points += float(mpl.rcParams["axes.titlepad"]) + ax.title.get_window_extent().height * 72 / ax.figure.figure.dpi
    legend.borderaxespad = points / float(legend.get_texts()[0].get_fontsize())
    legend.set_frame_on(False)


def _covers(ax: Axes, box: Bbox) -> bool:
    lines = any(Path(points).intersects_bbox(box, filled) for points, filled in _drawn(ax))
    return lines or any(box.count_contains(points) > 0 for points in _marks(ax))


def _highest(ax: Axes) -> float:
    """Where the highest thing drawn stands, in pixels."""
    everything = [*(points for points, _ in _drawn(ax)), *_marks(ax)]
    return max((float(points[:, 1].max()) for points in everything), default=float("nan"))


def _drawn(ax: Axes) -> list[tuple[Pixels, bool]]:
    """Lines and areas of the data, and whether they are filled."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData and line.get_linestyle() != "None"]
    out = [(_pixels(ax, line.get_xydata()), False) for line in lines]
    for collection in ax.collections:
        if not isinstance(collection, PathCollection) and collection.get_transform() == ax.transData:
            filled = not isinstance(collection, LineCollection)
            out += [(_pixels(ax, path.vertices), filled) for path in collection.get_paths()]
    return [(points, filled) for points, filled in out if len(points) > 1]


def _marks(ax: Axes) -> list[Pixels]:
    """Marks of the data."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData and line.get_marker() not in NO_MARK]
    clouds = [one for one in ax.collections if isinstance(one, PathCollection)]
    places = [*(line.get_xydata() for line in lines), *(one.get_offsets() for one in clouds)]
    return [points for points in (_pixels(ax, one) for one in places) if len(points)]


def _pixels(ax: Axes, vertices: Any) -> Pixels:
    with np.errstate(all="ignore"):
        points = np.asarray(ax.transData.transform(np.asarray(vertices, float).reshape(-1, 2)))
    return np.asarray(points[np.isfinite(points).all(axis=1)], float)
