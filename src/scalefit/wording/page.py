"""What is said as HTML: one element that stands alone, its state shown by one of three colours, in any theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd

from scalefit.wording.said import Said, State, named_rows

#: The notebook's own colour where it has one; the others stand out on white and on black. Text keeps the theme's.
COLOURS: Mapping[State, str] = {
    "good": "var(--jp-success-color1, #2e9e5b)",
    "doubtful": "var(--jp-warn-color1, #d08700)",
    "bad": "var(--jp-error-color1, #d64545)",
}
WORDS: Mapping[State, str] = {"good": "good", "doubtful": "doubtful", "bad": "not to be believed"}
#: An answer takes the ink and the ground of the page it stands in, whatever made that page dark. One theme, that of
#: PyData (and with it Jupyter Book), lays a light ground under every output but tables of pandas when it is dark.
HOST = (
    '<style>html[data-theme="dark"] :is(.text_html, .rendered_html):has(> [class^="scalefit-"]) '
    "{ background: transparent !important; color: inherit !important }</style>"
)
CELL = "padding: 0.1em 1em 0.1em 0; text-align: left; background: transparent"
QUIET = "color: inherit; background: transparent"


def as_html(said: Said, *, kind: str) -> str:
    """An answer as one HTML element: no script, nothing from outside, the colours of text and ground those around it.

    Parameters
    ----------
    said : Said
    kind : what it is, as a class for those who style it: ``Forecast`` becomes ``scalefit-forecast``.

    Returns
    -------
    str
        All text is escaped: names of laws, columns and runs come from the user's data.
    """
    inside = [badge(said.state, said.headline), doubts_list(said.doubts)]
    inside += [lines(part.split("\n")) if isinstance(part, str) else frame_table(part) for part in said.parts]
    inside.append(lines(said.notes))
    return framed(said.state, inside, kind=kind.lower())


def framed(state: State, inside: Iterable[str], *, kind: str) -> str:
    """Elements in a frame of the colour of their state."""
    style = f"border-left: 0.3em solid {COLOURS[state]}; padding-left: 0.8em; color: inherit"
    body = "\n".join(part for part in inside if part)
    return f'<div class="scalefit-{kind} scalefit-{state}" style="{style}">\n{body}\n{HOST}\n</div>'


def badge(state: State, headline: str) -> str:
    """The headline beside a dot, which readers of screens hear as a word."""
    dot = f"display: inline-block; width: 0.7em; height: 0.7em; border-radius: 50%; background: {COLOURS[state]}"
    label = f'<span role="img" aria-label="{WORDS[state]}" title="{WORDS[state]}" style="{dot}"></span>'
    return f"<div>{label} <strong>{escape(headline)}</strong></div>"


def doubts_list(doubts: Sequence[str]) -> str:
    """What speaks against the answer; nothing where nothing does."""
    items = "".join(f"<li>{escape(doubt)}</li>" for doubt in doubts)
    return f'<ul style="margin: 0.3em 0">{items}</ul>' if items else ""


def lines(texts: Iterable[str], *, weight: str = "inherit") -> str:
    """Lines of small text."""
    inside = "<br>\n".join(escape(text) for text in texts)
    if not inside:
        return ""
    return f'<div style="margin: 0.4em 0; font-size: 0.9em; font-weight: {weight}; color: inherit">{inside}</div>'


def frame_table(table: pd.DataFrame) -> str:
    """A table whose cells are words already."""
    if table.empty:
        return ""
    named = named_rows(table)
    corner = "" if table.index.name is None else str(table.index.name)
    header = [*([corner] if named else []), *(str(name) for name in table.columns)]
    rows = [
        ([str(name)] if named else []) + [str(cell) for cell in row]
        for name, row in zip(table.index, table.itertuples(index=False, name=None), strict=True)
    ]
    return cells_table(header, rows)


def cells_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells; wide ones scroll on a narrow screen."""
    body = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return (
        f'<div style="overflow-x: auto"><table style="border-collapse: collapse; margin: 0; {QUIET}">\n'
        f"<thead><tr>{_cells('th', header)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f'<{tag} style="{CELL}">{escape(cell)}</{tag}>' for cell in cells)
