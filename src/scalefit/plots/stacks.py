"""Panels under one another that share their horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

#: Between panels, as a share of the height of the first.
GAP = 0.12


def panels_below(ax: Axes, heights: Sequence[float]) -> list[Axes]:
    """Panels under ``ax`` on the same horizontal axis, inside the place that it had: ``ax.child_axes``.

    Parameters
    ----------
    heights : of each panel, as a share of that of ``ax``.
    """
    kept = 1.0 / (1.0 + sum(heights) + GAP * len(heights))
    given: Any = ax.get_axes_locator()

    def upper_part(axes: Any, renderer: Any) -> Bbox:
        """Of the place that a layout, or whoever put the axes there, gives them; asked again at each drawing."""
        whole = given(axes, renderer) if given else axes.get_position(original=True)
        return Bbox.from_bounds(whole.x0, whole.y1 - kept * whole.height, whole.width, kept * whole.height)

    whole = ax.get_position(original=True)
    ax.set_axes_locator(upper_part)
    ax.apply_aspect(Bbox.from_bounds(whole.x0, whole.y1 - kept * whole.height, whole.width, kept * whole.height))
    top, panels = 0.0, []
    for share in heights:
        top -= GAP + share
        panels.append(ax.inset_axes((0.0, top, 1.0, share), sharex=ax))
    for panel in (ax, *panels[:-1]):
        panel.tick_params(axis="x", which="both", labelbottom=False)
    return panels
