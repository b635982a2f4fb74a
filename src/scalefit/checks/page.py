"""A check as HTML: a fragment for notebooks, and one page with pictures that needs nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from scalefit.checks.finding import Finding, Severity, a_few, counted, in_options, short
from scalefit.checks.pictures import draw_check, legend_of
from scalefit.checks.text import HEADS, MOST_NOTES, column_rows, family_rows, law_lines, what_it_holds
from scalefit.wording.document import html_document
from scalefit.wording.page import CELL, COLOURS, WORDS, framed
from scalefit.wording.said import State

if TYPE_CHECKING:
    from scalefit.checks.check import RunsCheck

STATES: dict[Severity, State] = {"refused": "bad", "misleading": "doubtful", "remark": "good"}
#: Columns that are not known by name and are spelt out on a page.
MOST_UNKNOWN = 60


def describe_page(check: RunsCheck, *, commands: bool = False) -> str:
    """One HTML page: no script, nothing from outside, names from the data escaped.

    Parameters
    ----------
    check : RunsCheck
    commands : bool
        Whether repairs are told for the command line instead of Python.
    """
    title = f"scalefit check: {short(check.name, width=80)}"
    body = "\n".join(_parts(check, commands, _pictures(check)))
    return html_document(title, f"<h1>{escape(title)}</h1>\n{body}")


def _pictures(check: RunsCheck) -> str:
    figure = draw_check(check.points)
    if figure is None:
        return ""
    from scalefit.plots.vector import as_svg

    names = " &nbsp; ".join(
        f'<span style="white-space: nowrap"><span style="color: {colour}">{sign}</span> {escape(short(name))}</span>'
        for sign, colour, name in legend_of(check.points)
    )
    legend = f"<p>{names}</p>\n" if names else ""
    told = "each mark is the last row of a run" if check.rows != check.runs else "each mark is a run"
    picture = f'<div role="img" aria-label="{told}">{as_svg(figure)}</div>'
    return f"<h2>Pictures</h2>\n{legend}{picture}\n<p>{told.capitalize()}.</p>"


def describe_fragment(check: RunsCheck) -> str:
    """One HTML element for notebooks, without pictures."""
    return framed(_state(check), _parts(check, commands=False, pictures=""), kind="check")


def _state(check: RunsCheck) -> State:
    worst = next((severity for severity in HEADS if check.of(severity)), None)
    return "good" if worst is None else STATES[worst]


def _parts(check: RunsCheck, commands: bool, pictures: str) -> Iterable[str]:
    yield f"<p>{_dot(_state(check))} <strong>{escape(check.status)}</strong><br>{escape(what_it_holds(check))}</p>"
    rows = list(family_rows(check))
    if len(rows) > 1 and check.families[0].ranges:
        yield _table(rows)
    number = 1
    for severity, head in HEADS.items():
        findings = check.of(severity)
        if findings:
            items = "\n".join(_item(finding, commands) for finding in findings)
            yield f'<h2>{_dot(STATES[severity])} {head}</h2>\n<ol start="{number}">\n{items}\n</ol>'
        number += len(findings)
    yield pictures
    if check.laws is not None and check.laws.identified:
        items = "\n".join(f"<li>{escape(line)}</li>" for line in law_lines(check, commands))
        yield f"<h2>Laws (fitted to {escape(check.laws.judged_on)})</h2>\n<ul>\n{items}\n</ul>"
    yield "<h2>Columns</h2>"
    yield _table(column_rows(check))
    if check.unknown:
        names = a_few(check.unknown, shown=MOST_UNKNOWN)
        yield f"<p>{counted(len(check.unknown), 'column')} not known by name, left alone: {escape(names)}</p>"
    told = (in_options(note) if commands else note for note in check.notes[:MOST_NOTES])
    notes = "".join(f"<li>{escape(short(note, width=500))}</li>" for note in told)
    yield f"<ul>{notes}</ul>" if notes else ""


def _dot(state: State) -> str:
    style = f"display: inline-block; width: 0.7em; height: 0.7em; border-radius: 50%; background: {COLOURS[state]}"
    return f'<span role="img" aria-label="{WORDS[state]}" title="{WORDS[state]}" style="{style}"></span>'


def _item(finding: Finding, commands: bool) -> str:
    repair = finding.command if commands else finding.repair
    what_to_do = f"<br><code>{escape(repair)}</code>" if repair else ""
    return f'<li style="margin: 0.4em 0">{escape(finding.text)}{what_to_do}</li>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th style="{CELL}">{escape(cell)}</th>' for cell in rows[0])
    body = "\n".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows[1:]
    )
    style = "border-collapse: collapse; color: inherit; background: transparent"
    return (
        f'<div class="scroll"><table style="{style}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )
