"""A fit as HTML for notebooks: the content of the text report, its state shown by one of three colours."""

from __future__ import annotations

from html import escape

from scalefit.reports.content import content_of
from scalefit.reports.text import formula_of
from scalefit.result import Fit
from scalefit.wording.page import QUIET, badge, cells_table, framed, lines


def describe_fit(fit: Fit) -> str:
    """A fit as one HTML element that stands alone: no script, no style sheet, nothing from outside.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    str
        Names of laws, columns and runs are escaped: they come from the user's data.
    """
    content = content_of(fit, formula_of(fit, latex=False))
    parts = [
        badge(content.state, content.head),
        f'<div style="margin: 0.4em 0"><code style="{QUIET}">{escape(content.equation)}</code></div>',
        cells_table(content.header, content.rows),
        lines(content.facts),
        lines(content.cautions, weight="bold" if content.state == "bad" else "inherit"),
    ]
    return framed(content.state, parts, kind="fit")
