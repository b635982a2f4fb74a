"""The pictures of a check as SVG that stands in a page and takes its colours from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The marks of matplotlib as letters.
_SIGNS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", ".": "•"}


def draw_check(points: pd.DataFrame) -> Figure | None:
    """Sizes against tokens, and what was measured along compute (or tokens, or size); None where neither can be drawn.

    Parameters
    ----------
    points : DataFrame
        ``points`` of a :class:`RunsCheck`.

    Returns
    -------
    Figure or None
        Not registered with pyplot: save it.
    """
    panels = panels_of(points)
    if not panels:
        return None
    from scalefit.plots.runs import plot_points
    from scalefit.plots.vector import page_colours, page_figure

    with page_colours():
        figure = page_figure(5.2 * len(panels), 3.9)
        for ax, (along, against) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            plot_points(points, along=along, against=against, legend=False, ax=ax)
            ax.patch.set_alpha(0.0)
    return figure


def panels_of(points: pd.DataFrame) -> list[tuple[str, str]]:
    """What can be drawn against what."""
    target = points.attrs.get("target")

    def there(name: str) -> bool:
        return name in points and bool((points[name] > 0).any())

    panels = [("params", "tokens")] if there("params") and there("tokens") else []
    along = next((name for name in ("flops", "tokens", "params") if there(name)), None)
    if target is not None and there(target) and along is not None:
        panels.append((along, target))
    return panels


def legend_of(points: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The sign, colour and name of each family in the pictures; empty where there is one.

    It stands beside the picture and not in it: a page has letters of all scripts, a picture those of one font.
    """
    from scalefit.plots.runs import family_marks

    marks = [(_SIGNS.get(mark, mark), colour, name) for name, _, colour, mark in family_marks(points)]
    # A grey of matplotlib is a share of white as text, which a page does not know.
    return [(sign, colour if colour.startswith("#") else "gray", name) for sign, colour, name in marks if name]
