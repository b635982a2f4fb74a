"""A fit as HTML for notebooks: the content of the text report, its state shown by one of three colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from scalefit.reports.content import Content, State, content_of
from scalefit.reports.text import formula_of
from scalefit.result import Fit

#: The notebook's own colour where it has one; the others stand out on white and on black. Text keeps the theme's.
COLOURS: Mapping[State, str] = {
    "good": "var(--jp-success-color1, #2e9e5b)",
    "doubtful": "var(--jp-warn-color1, #d08700)",
    "bad": "var(--jp-error-color1, #d64545)",
}
WORDS: Mapping[State, str] = {"good": "good", "doubtful": "doubtful", "bad": "not to be believed"}
CELL = "padding: 0.1em 1em 0.1em 0; text-align: left; background: transparent"


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
        _badge(content),
        f'<div style="margin: 0.4em 0"><code style="color: inherit; background: transparent">'
        f"{escape(content.equation)}</code></div>",
        _table(content),
        _small(content.facts, weight="inherit"),
        _small(content.cautions, weight="bold" if content.state == "bad" else "inherit"),
    ]
    style = f"border-left: 0.3em solid {COLOURS[content.state]}; padding-left: 0.8em; color: inherit"
    return f'<div class="scalefit-fit scalefit-{content.state}" style="{style}">\n' + "\n".join(parts) + "\n</div>"


def _badge(content: Content) -> str:
    dot = (
        f"display: inline-block; width: 0.7em; height: 0.7em; border-radius: 50%; background: {COLOURS[content.state]}"
    )
    label = f'<span role="img" aria-label="{WORDS[content.state]}" title="{WORDS[content.state]}" style="{dot}"></span>'
    return f"<div>{label} <strong>{escape(content.head)}</strong></div>"


def _table(content: Content) -> str:
    head = _cells("th", content.header)
    body = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in content.rows)
    style = "border-collapse: collapse; color: inherit; background: transparent"
    return f'<table style="{style}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f'<{tag} style="{CELL}">{escape(cell)}</{tag}>' for cell in cells)


def _small(lines: Iterable[str], *, weight: str) -> str:
    inside = "<br>\n".join(escape(line) for line in lines)
    return f'<div style="margin: 0.4em 0; font-size: 0.9em; font-weight: {weight}; color: inherit">{inside}</div>'
