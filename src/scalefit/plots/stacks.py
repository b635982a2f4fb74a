"""Panels under one another that share their horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

#: Between panels, and under the last one for its numbers and label, as shares of the height of the first.
GAP = 0.07


def panels_below(ax: Axes, heights: Sequence[float]) -> list[Axes]:
    """Panels under ``ax`` on the same horizontal axis, inside the place that it had: ``ax.child_axes``.

    Parameters
    ----------
    heights : of each panel, as a share of that of ``ax``.
    """
    total = 1.0 + sum(heights) + GAP * len(heights)
    if ax.figure.get_layout_engine() is None:  # a layout engine makes room for the panels itself
        place = ax.get_position()
        height = place.height / total
        ax.set_position((place.x0, place.y1 - height, place.width, height))
    top, panels = 0.0, []
    for share in heights:
        top -= GAP + share
        panels.append(ax.inset_axes((0.0, top, 1.0, share), sharex=ax))
    ax.tick_params(axis="x", which="both", labelbottom=False)
    for panel in panels[:-1]:
        panel.tick_params(axis="x", which="both", labelbottom=False)
    return panels
