"""A check as plain text: status, families, problems with their repairs, laws, columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scalefit.checks.finding import Finding, Severity, a_few, counted, in_options, short
from scalefit.checks.overview import FamilySummary, range_text
from scalefit.wording.tables import columns_text

if TYPE_CHECKING:
    from scalefit.checks.check import RunsCheck

WIDTH = 100
#: Families, columns and notes that are listed; the others are counted.
MOST_FAMILIES, MOST_COLUMNS, MOST_NOTES = 12, 30, 12
HEADS: dict[Severity, str] = {
    "refused": "Problems that a fit refuses",
    "misleading": "Problems that would mislead a fit",
    "remark": "Remarks",
}
TITLES = {"params": "params", "tokens": "tokens", "tokens_per_param": "tokens/param", "flops": "flops"}


def describe_check(check: RunsCheck, *, commands: bool = False) -> str:
    """The whole check in at most 100 columns.

    Parameters
    ----------
    check : RunsCheck
    commands : bool
        Whether repairs are told for the command line instead of Python.
    """
    return "\n".join(line.rstrip() for line in _lines(check, commands))


def _lines(check: RunsCheck, commands: bool) -> Iterator[str]:
    yield from textwrap.wrap(check.status, WIDTH)
    yield ""
    yield from textwrap.wrap(what_it_holds(check), WIDTH)
    if check.families and any(one.ranges for one in check.families):
        yield columns_text(_narrowed(list(family_rows(check))))
    number = 0
    for severity, head in HEADS.items():
        findings = check.of(severity)
        if findings:
            yield ""
            yield head
        for finding in findings:
            number += 1
            yield from _finding(number, finding, commands)
    yield from _laws(check, commands)
    yield from _columns(check, commands)


def what_it_holds(check: RunsCheck) -> str:
    """Rows, runs and families in one sentence."""
    runs = counted(check.runs, "run")
    if check.rows == check.runs:
        size = f"{counted(check.rows, 'row')}, each a run"
    else:
        size = f"{counted(check.rows, 'row')} of {runs}"
    families = f", {counted(len(check.families), 'family')}" if check.families and check.families[0].family else ""
    of_last = "; ranges are of the last row of each run" if check.rows != check.runs else ""
    return f"{short(check.name, width=60)}: {size}{families}{of_last}"


def family_rows(check: RunsCheck) -> Iterator[tuple[str, ...]]:
    """The table of families: its head, one row each, and how many are left out."""
    names = list(dict.fromkeys(name for one in check.families for name in one.ranges))
    alone = [one.family for one in check.families] == [""]
    yield (*([] if alone else ["family"]), "runs", "rows", *(TITLES.get(name, name) for name in names))
    for one in check.families[:MOST_FAMILIES]:
        ranges = (range_text(one.ranges.get(name)) for name in names)
        yield (*([] if alone else [short(one.family, width=20)]), f"{one.runs:,}", f"{one.rows:,}", *ranges)
    more = check.families[MOST_FAMILIES:]
    if more:
        runs, rows = sum(one.runs for one in more), sum(one.rows for one in more)
        yield (f"{len(more)} more", f"{runs:,}", f"{rows:,}", *(range_text(_joint(more, name)) for name in names))


def _narrowed(rows: list[tuple[str, ...]]) -> list[list[str]]:
    """The table of families without what follows from the rest, as far as it is too wide."""
    for title in ("tokens/param", "rows", "flops", "tokens", "params"):
        if sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) <= WIDTH:
            break
        kept = [k for k, name in enumerate(rows[0]) if name != title]
        rows = [tuple(row[k] for k in kept) for row in rows]
    return [list(row) for row in rows]


def _joint(families: tuple[FamilySummary, ...], name: str) -> tuple[float, float] | None:
    ends = [one.ranges[name] for one in families if name in one.ranges]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _finding(number: int, finding: Finding, commands: bool) -> Iterator[str]:
    head = f"  {number}. "
    pad = " " * len(head)
    yield from _wrap(finding.text, head, pad)
    repair = finding.command if commands else finding.repair
    if repair:
        yield from _wrap(repair, f"{pad}-> ", f"{pad}   ")


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def law_lines(check: RunsCheck, commands: bool) -> Iterator[str]:
    """Which laws can be identified, one line a family, and why the others cannot, one line a reason."""
    laws = check.laws
    if laws is None or not laws.identified:
        return  # where no law has its columns, a finding says so
    everywhere = len(set(laws.identified.values())) == 1
    for family, names in laws.identified.items():
        of = "" if everywhere or not family else f"in {short(family)}: "
        yield f"can be identified, {of}{counted(len(names), 'law')}: {', '.join(names) or 'none'}"
        if everywhere:
            break
    for group in laws.others:
        why = group.why.replace("along='flops'", "--column x=flops") if commands else group.why
        shown = ", ".join(group.laws) if len(group.laws) <= 4 else a_few(group.laws, shown=4)
        yield f"{counted(len(group.laws), 'law')}, {shown}: {why}"


def _laws(check: RunsCheck, commands: bool) -> Iterator[str]:
    if check.laws is None or not check.laws.identified:
        return
    yield ""
    yield from textwrap.wrap(f"Laws (fitted to {check.laws.judged_on})", WIDTH)
    for line in law_lines(check, commands):
        yield from _wrap(line, "  - ", "    ")


def column_rows(check: RunsCheck) -> list[list[str]]:
    """The columns that were understood."""
    rows = [["column", "read from", "rows", "content"]]
    for one in check.columns[:MOST_COLUMNS]:
        other = "" if one.read_from == one.column else short(one.read_from, width=24)
        rows.append([one.column, other, f"{one.rows:,}", f"{one.content} {one.unit}".strip()])
    return rows


def _columns(check: RunsCheck, commands: bool) -> Iterator[str]:
    yield ""
    yield "Columns"
    if check.columns:
        yield columns_text(column_rows(check))
    more = len(check.columns) - MOST_COLUMNS
    if more > 0:
        yield f"  and {more} more"
    if check.unknown:
        yield from _wrap(f"not known by name, left alone: {a_few(check.unknown, shown=12)}", "  ", "    ")
    for note in check.notes[:MOST_NOTES]:
        told = short(note, width=500)
        yield from _wrap(f"note: {in_options(told) if commands else told}", "  ", "    ")
    if len(check.notes) > MOST_NOTES:
        yield f"  and {len(check.notes) - MOST_NOTES} more notes"
