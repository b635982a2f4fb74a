"""Legends that do not cover what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.transforms import Bbox

#: Free space about a legend, in points of the picture, and the largest share of the height that is made free for one.
ROOM, MOST = 6.0, 0.55


def small_legend(
    ax: Axes,
    title: str | None = None,
    *,
    together: Sequence[tuple[Artist, ...]] = (),
    columns: int = 1,
    room: bool = True,
) -> Legend:
    """A small legend where nothing is drawn; where there is no such place, the vertical axis is made longer for it.

    Parameters
    ----------
    together : artists that share one entry, which has the label of the first.
    columns : of the legend.
    room : whether the axis may be made longer.
    """
    members = {id(artist) for artists in together for artist in artists}
    named = zip(*ax.get_legend_handles_labels(), strict=True)
    alone = {label: handle for handle, label in named if id(handle) not in members}
    handles: list[Artist | tuple[Artist, ...]] = [*together, *alone.values()]
    labels = [*(str(artists[0].get_label()) for artists in together), *alone]
    legend = ax.legend(
        handles, labels, title=title, fontsize="small", title_fontsize="small", framealpha=0.85, handlelength=1.8,
        ncols=columns, columnspacing=1.2, borderaxespad=0.4,
    )  # fmt: skip
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)  # names are no formulas
    if room:
        _make_room(ax, legend)
    return legend


def _make_room(ax: Axes, legend: Legend) -> None:
    """Lengthen the vertical axis upwards until the legend stands above all that is drawn, if it stands on it now."""
    box = legend.get_window_extent().padded(ROOM / 2)
    if not _covers(ax, box):
        return
    bottom, height = ax.bbox.y0, ax.bbox.height
    top = _highest(ax)
    share = (box.height + ROOM) / height
    if not np.isfinite(top) or share > MOST or ax.yaxis_inverted():
        return
    # So high must the axis go, measured as it is now, for the legend to stand above the highest thing drawn.
    goal = bottom + (min(top, ax.bbox.y1) - bottom) / (1 - share)
    end = float(ax.transData.inverted().transform((ax.bbox.x0, goal))[1])
    if not np.isfinite(end):
        return
    ax.set_ylim(top=end, auto=ax.get_autoscaley_on())
    legend.set_loc("upper right")


def _covers(ax: Axes, box: Bbox) -> bool:
    return any(path.intersects_bbox(box, filled) for path, filled in _drawn(ax)) or any(
        box.count_contains(points) > 0 for points in _points(ax) if len(points)
    )


def _highest(ax: Axes) -> float:
    """Where the highest thing drawn stands inside the axes, in pixels."""
    heights = [path.vertices[:, 1].max() for path, _ in _drawn(ax)]
    heights += [points[:, 1].max() for points in _points(ax) if len(points)]
    return float(max(heights, default=np.nan))


def _drawn(ax: Axes) -> list[tuple[Path, bool]]:
    """Lines and areas of the data in pixels, and whether they are filled."""
    out = []
    for line in ax.lines:
        if line.get_transform() == ax.transData and line.get_linestyle() != "None":
            out.append((_finite(ax, line.get_path().vertices), False))
    for collection in ax.collections:
        if not isinstance(collection, PathCollection) and collection.get_transform() == ax.transData:
            filled = not isinstance(collection, LineCollection)
            out += [(_finite(ax, path.vertices), filled) for path in collection.get_paths()]
    return [(path, filled) for path, filled in out if len(path.vertices) > 1]


def _points(ax: Axes) -> list[np.ndarray]:
    """Marks of the data in pixels."""
    out = []
    for line in ax.lines:
        if line.get_transform() == ax.transData and line.get_marker() not in ("None", "", None):
            out.append(_finite(ax, line.get_xydata()).vertices)
    marks: list[Collection] = [one for one in ax.collections if isinstance(one, PathCollection)]
    out += [_finite(ax, one.get_offsets()).vertices for one in marks]
    return [np.asarray(points) for points in out]


def _finite(ax: Axes, vertices: object) -> Path:
    with np.errstate(all="ignore"):
        points = ax.transData.transform(np.asarray(vertices, float).reshape(-1, 2))
    return Path(points[np.isfinite(points).all(axis=1)])
