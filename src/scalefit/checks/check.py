"""check_runs: a table of runs looked at from all sides before any fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scalefit.checks.checkpoints import check_checkpoints, find_run_column
from scalefit.checks.comparability import check_comparability
from scalefit.checks.consistency import check_consistency
from scalefit.checks.courses import check_courses
from scalefit.checks.designs import check_designs
from scalefit.checks.duplicates import check_duplicates
from scalefit.checks.finding import SEVERITIES, Finding, Severity, counted
from scalefit.checks.identification import LawsSummary, identify_laws
from scalefit.checks.names import check_names
from scalefit.checks.overview import (
    ColumnSummary,
    FamilySummary,
    summarise_columns,
    summarise_families,
    unknown_columns,
)
from scalefit.checks.points import points_of
from scalefit.checks.rates import check_rates
from scalefit.checks.table import RunsTable, read_table, with_runs
from scalefit.checks.units import check_units
from scalefit.checks.values import check_values
from scalefit.errors import DataError

FORMAT, SCHEMA = "scalefit.check", 1
#: Rows of a finding that stand in JSON.
LISTED = 10


@dataclass(frozen=True, eq=False, repr=False)
class RunsCheck:
    """What a table of runs holds and what is wrong with it; made by :func:`scalefit.check_runs`.

    ``str`` gives the text, a notebook shows the same as HTML.

    Attributes
    ----------
    name : str
        What was checked: the path, or ``"the table"``.
    rows, runs : int, how many of each there are.
    run_column : str or None
        What names the runs; None where each row is one.
    families : tuple of FamilySummary
        Runs, rows and ranges of each.
    columns : tuple of ColumnSummary
        The columns that were understood.
    unknown : tuple of str
        Columns that are not known by name; they are left alone.
    notes : tuple of str
        What reading did.
    findings : tuple of Finding
        The worst first.
    laws : LawsSummary or None
        Which laws the runs can identify; None where that was not asked for.
    points : DataFrame
        What pictures show, one row a run: ``family``, and ``params``, ``tokens``, ``flops`` and what was measured where
        they are there.
    """

    name: str
    rows: int
    runs: int
    run_column: str | None
    families: tuple[FamilySummary, ...]
    columns: tuple[ColumnSummary, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    laws: LawsSummary | None = None
    points: pd.DataFrame = field(default_factory=pd.DataFrame)

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity.

        Parameters
        ----------
        severity : {"refused", "misleading", "remark"}
            A fit stops at it; a fit runs and its answer is probably wrong; worth knowing.

        Returns
        -------
        tuple of Finding
        """
        return tuple(finding for finding in self.findings if finding.severity == severity)

    @property
    def can_be_fitted(self) -> bool:
        """Whether a fit would take the table as it is; what would mislead it does not count."""
        return not self.of("refused")

    @property
    def status(self) -> str:
        """One sentence: can it be fitted, how many problems, how many remarks."""
        refused, misleading, remarks = (len(self.of(severity)) for severity in SEVERITIES)
        tail = counted(remarks, "remark") if remarks else "no remarks"
        if refused:
            more = f", {misleading} that would mislead it" if misleading else ""
            return f"Cannot be fitted as it is: {counted(refused, 'problem')} that a fit refuses{more}; {tail}."
        if misleading:
            return f"Can be fitted as it is, but {counted(misleading, 'problem')} would mislead the fit; {tail}."
        return f"Can be fitted as it is: no problems, {tail}."

    @property
    def frame(self) -> pd.DataFrame:
        """The findings as a table: ``kind, severity, text, repair, rows`` (how many)."""
        names = ("kind", "severity", "text", "repair")
        rows = [{**{name: getattr(one, name) for name in names}, "rows": len(one.rows)} for one in self.findings]
        return pd.DataFrame(rows, columns=[*names, "rows"])

    def __repr__(self) -> str:
        return self.text()

    def text(self, *, commands: bool = False) -> str:
        """The whole check as text of at most 100 columns.

        Parameters
        ----------
        commands : bool
            Whether repairs are told for the command line instead of Python.
        """
        from scalefit.checks.text import describe_check

        return describe_check(self, commands=commands)

    def to_json(self) -> str:
        """The same as JSON text, with a schema number; of the rows of a finding their count and the first ten."""
        return json.dumps(plain_check(self), allow_nan=False)

    def to_html(self, path: str | Path | None = None, *, commands: bool = False) -> str:
        """The check as one HTML page with pictures, which needs nothing from outside.

        Parameters
        ----------
        path : str or Path, optional
            Where the page is also written.
        commands : bool
            Whether repairs are told for the command line instead of Python.

        Raises
        ------
        DataError
            If it cannot be written there.
        """
        from scalefit.checks.page import describe_page

        page = describe_page(self, commands=commands)
        if path is not None:
            try:
                Path(path).write_text(page, encoding="utf-8")
            except OSError as error:
                raise DataError(f"The report cannot be written to {str(path)!r}: {error.strerror or error}.") from error
        return page

    def _repr_html_(self) -> str:
        from scalefit.checks.page import describe_fragment

        return describe_fragment(self)

    def raise_problems(self) -> None:
        """Raise a DataError where a fit would refuse the table; nothing where it would not.

        Raises
        ------
        DataError
            If some finding is ``"refused"``; the message tells the first.
        """
        refused = self.of("refused")
        if refused:
            more = f" And {counted(len(refused) - 1, 'more problem')}." if len(refused) > 1 else ""
            raise DataError(f"{self.name} cannot be fitted as it is: {refused[0].text}{more}")


def check_runs(
    runs: Any,
    *,
    columns: Mapping[str, str] | None = None,
    laws: bool = True,
    pattern: str | None = None,
    progress: bool | None = None,
) -> RunsCheck:
    """Say what a table of runs holds, what is wrong with it and what to type, before any fit.

    Parameters
    ----------
    runs : table, mapping, path or list of paths
        Whatever :func:`scalefit.read_runs` takes: one row per run or checkpoint, a file, a folder, a glob.
    columns : mapping of known name to column, optional
        Which column holds a quantity where the names do not say it, such as ``{"run": "name"}``.
    laws : bool
        Whether the laws whose columns are there are fitted, to say which the runs can identify. That takes about a
        second each and family.
    pattern, progress : optional
        See :func:`scalefit.read_runs`.

    Returns
    -------
    RunsCheck
        ``status`` and ``findings`` first of all; ``str`` tells everything.

    Raises
    ------
    ColumnError
        If two columns could be the same quantity.
    DataError
        If the table cannot be read or has no rows.

    Examples
    --------
    >>> check = check_runs({"N": [7, 13, 70], "tokens": [2e12, 2e12, 2e12], "loss": [1.75, 1.67, -1.5]}, laws=False)
    >>> print(check.status)
    Cannot be fitted as it is: 1 problem that a fit refuses, 1 that would mislead it; 3 remarks.
    >>> check.findings[0].text
    'loss must be above zero and is -1.5 in row 2.'
    >>> check.findings[1].repair
    "runs['N'] *= 1e9."
    """
    with np.errstate(all="ignore"):  # numbers of any size are what is looked for
        table = read_table(runs, columns, pattern=pattern, progress=progress)
        name = str(runs) if table.from_file and not isinstance(runs, list | tuple) else "the table"
        return _check(table, name, laws=laws)


def _check(table: RunsTable, name: str, *, laws: bool) -> RunsCheck:
    guessed, counter = find_run_column(table)
    table = with_runs(table, guessed) if guessed is not None else table
    return RunsCheck(
        name=name,
        rows=len(table.frame),
        runs=len(table.names),
        run_column=None if table.run_column is None else table.in_file(table.run_column),
        families=summarise_families(table),
        columns=summarise_columns(table),
        unknown=unknown_columns(table.frame),
        notes=table.notes,
        findings=_findings(table, counter),
        laws=identify_laws(table) if laws else None,
        points=points_of(table),
    )


def _findings(table: RunsTable, counter: str) -> tuple[Finding, ...]:
    told = [
        *check_values(table),
        *check_names(table),
        *check_checkpoints(table, counter),
        *check_duplicates(table),
        *check_units(table),
        *check_consistency(table),
        *check_courses(table),
        *check_rates(table),
        *check_comparability(table),
        *check_designs(table),
    ]
    return tuple(sorted(told, key=lambda finding: SEVERITIES.index(finding.severity)))


def plain_check(check: RunsCheck) -> dict[str, Any]:
    """A check as numbers, text, lists and dictionaries."""
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "status": check.status,
        "can_be_fitted": check.can_be_fitted,
        "name": check.name,
        "rows": check.rows,
        "runs": check.runs,
        "run_column": check.run_column,
        "families": [
            {
                "family": one.family, "runs": one.runs, "rows": one.rows,
                "ranges": {name: list(ends) for name, ends in one.ranges.items()},
            }
            for one in check.families
        ],
        "columns": [vars(column) for column in check.columns],
        "unknown": list(check.unknown),
        "notes": list(check.notes),
        "findings": [
            {
                "kind": one.kind, "severity": one.severity, "text": one.text, "repair": one.repair,
                "command": one.command, "columns": list(one.columns), "n_rows": len(one.rows),
                "rows": [int(row) for row in one.rows[:LISTED]],
            }
            for one in check.findings
        ],
        "laws": None if check.laws is None else {
            "judged_on": check.laws.judged_on,
            "identified": {family: list(names) for family, names in check.laws.identified.items()},
            "others": [{"why": group.why, "laws": list(group.laws)} for group in check.laws.others],
        },
    }  # fmt: skip


def error_to_json(error: str) -> str:
    """What stands in place of a check, as JSON text, where the table cannot be read."""
    return json.dumps({"format": FORMAT, "schema": SCHEMA, "error": error})
