"""A fit as HTML for notebooks: the content of the text report, its state shown by one of three colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from scalefit.reports.content import content_of
from scalefit.reports.text import formula_of
from scalefit.result import Fit
from scalefit.wording.amounts import count_of
from scalefit.wording.page import QUIET, badge, cells_table, doubts_list, framed, lines
from scalefit.wording.said import state_of


def describe_fit(fit: Fit, *, doubts: Sequence[str] = ()) -> str:
    """A fit as one HTML element that stands alone: no script, no style sheet, nothing from outside.

    Parameters
    ----------
    fit : Fit
    doubts : what else is known to speak against relying on it; the status counts and lists it.

    Returns
    -------
    str
        Names of laws, columns and runs are escaped: they come from the user's data.
    """
    content = content_of(fit, formula_of(fit, latex=False))
    state, head = content.state, content.head
    if doubts:
        state = state_of(doubts, believed=state != "bad")
        head += f", with {count_of(len(doubts), 'doubt')}"
    noted = {f"note: {doubt}" for doubt in doubts}
    parts = [
        badge(state, head),
        doubts_list(doubts),
        f'<div style="margin: 0.4em 0"><code style="{QUIET}">{escape(content.equation)}</code></div>',
        cells_table(content.header, content.rows),
        lines(content.facts),
        lines([said for said in content.cautions if said not in noted], weight="bold" if state == "bad" else "inherit"),
    ]
    return framed(state, parts, kind="fit")
