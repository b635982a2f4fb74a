"""The checklist as Markdown and as LaTeX: what comes from the user is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalefit.reports.checklist import Checklist, Entry

#: What Markdown would read as something else; a backslash before it keeps it.
MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$])")
LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
}
ADD = "Author"


def escape_markdown(text: str) -> str:
    r"""Text that Markdown shows as it is.

    Examples
    --------
    >>> print(escape_markdown("A / params ** alpha"))
    A / params \*\* alpha
    """
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def escape_latex(text: str) -> str:
    r"""Text that LaTeX shows as it is.

    Examples
    --------
    >>> print(escape_latex("90 % of params_total"))
    90 \% of params\_total
    """
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


def markdown_of(checklist: Checklist) -> str:
    """Headings and task lists."""
    lines = [f"**{escape_markdown(checklist.head)}**", ""]
    for group, entries in groupby(checklist.entries, key=lambda entry: entry.group):
        lines += [f"### {escape_markdown(group)}", "", *(_markdown_item(entry) for entry in entries), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_item(entry: Entry) -> str:
    box = "[x]" if entry.who in ("known", "author") else "[ ]"
    parts = [escape_markdown(entry.answer)] if entry.answer else []
    if entry.to_add:
        parts.append(f"**{ADD}:** {escape_markdown(entry.to_add)}")
    return f"- {box} *{escape_markdown(entry.title)}:* {'. '.join(parts)}"


def latex_of(checklist: Checklist) -> str:
    """Paragraphs and description lists: no package is needed."""
    lines = [rf"\noindent\textbf{{{escape_latex(checklist.head)}}}"]
    for group, entries in groupby(checklist.entries, key=lambda entry: entry.group):
        lines += [rf"\paragraph{{{escape_latex(group)}}}", r"\begin{description}"]
        lines += [_latex_item(entry) for entry in entries]
        lines.append(r"\end{description}")
    return "\n".join(lines) + "\n"


def _latex_item(entry: Entry) -> str:
    answer = escape_latex(entry.answer)
    if entry.math:
        answer = "; ".join(part for part in (entry.math, escape_latex(entry.given)) if part)
    parts = [answer] if answer else []
    if entry.to_add:
        parts.append(rf"\textbf{{{ADD}:}} {escape_latex(entry.to_add)}")
    return rf"\item[{{{escape_latex(entry.title)}}}] {'. '.join(parts)}"
