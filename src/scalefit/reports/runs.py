"""What a table of runs holds and what is wrong with it, before any fit."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError, UnitWarning, listing
from scalefit.laws import catalogue
from scalefit.quantities import QUANTITIES
from scalefit.reports.digits import number
from scalefit.reports.numbers import columns_text
from scalefit.runs.checking import must_be_positive, numeric_column, unit_warnings
from scalefit.runs.columns import has_column
from scalefit.runs.frame import read_runs

#: Known columns that hold names, not numbers.
NAMES = ("run", "family", "seed", "split", "params_kind")


@dataclass(frozen=True)
class ColumnReport:
    """What one known column holds.

    Parameters
    ----------
    column : str
    unit : str
    rows : int
        Rows that have a value.
    content : str
        The range of its numbers, or how many names.
    remark : str
        What is probably wrong; empty where nothing is.
    problem : str
        Why a fit that uses it would refuse; empty where it would not.
    """

    column: str
    unit: str
    rows: int
    content: str
    remark: str = ""
    problem: str = ""


@dataclass(frozen=True)
class RunsReport:
    """What a table of runs holds; text by ``str``, JSON by :meth:`to_json`.

    Parameters
    ----------
    rows : int
    known : tuple of ColumnReport
    others : tuple of str
        Columns that scalefit does not know by name; they are left alone.
    notes : tuple of str
        Which columns were recognised under another name.
    laws : tuple of str
        Laws all of whose columns are there, or follow from what is there.
    """

    rows: int
    known: tuple[ColumnReport, ...]
    others: tuple[str, ...]
    notes: tuple[str, ...]
    laws: tuple[str, ...]

    def __str__(self) -> str:
        cells = [["column", "rows", "content", ""]]
        cells += [[c.column, str(c.rows), f"{c.content} {c.unit}".strip(), c.problem or c.remark] for c in self.known]
        lines = [f"{self.rows} rows", columns_text(cells)]
        lines += [f"note: {note}" for note in self.notes]
        if self.others:
            lines.append(f"not known by name, left alone: {', '.join(self.others)}")
        lines.append(f"laws with all their columns here: {', '.join(self.laws) or 'none'}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(asdict(self))

    def raise_problems(self) -> None:
        """Raise a DataError that names the columns no fit can use as they are; nothing where there are none."""
        wrong = [report.column for report in self.known if report.problem]
        if wrong:
            verb = "has" if len(wrong) == 1 else "have"
            raise DataError(f"{listing(wrong)} {verb} values that a fit would refuse: {self._first_problem()}")

    def _first_problem(self) -> str:
        return next(report.problem for report in self.known if report.problem)


def check_runs(source: Any) -> RunsReport:
    """Read a table of runs and say what each known column holds and what is wrong with it.

    A missing value is only remarked on, since logs are mostly empty; a fit refuses it in a column that it uses.

    Parameters
    ----------
    source : table, mapping or path
        Whatever :func:`scalefit.read_runs` takes.

    Returns
    -------
    RunsReport

    Raises
    ------
    ColumnError
        If two columns could be the same quantity.
    DataError
        If the table cannot be read or has no rows.

    Examples
    --------
    >>> print(check_runs({"N": [1e6, 2e6], "tokens": [1e9, 1e9], "loss": [3.0, -2.8]}).known[-1].problem)
    column 'loss' must be above zero and is -2.8 in row 1. Keep the others: runs[runs['loss'] > 0].
    """
    frame = read_runs(source)
    known = [name for name in QUANTITIES if name in frame.columns]
    return RunsReport(
        rows=len(frame),
        known=tuple(_report_names(frame, name) if name in NAMES else _report_numbers(frame, name) for name in known),
        others=tuple(str(name) for name in frame.columns if name not in known),
        notes=tuple(frame.attrs["scalefit_notes"]),
        laws=tuple(sorted(name for name in catalogue() if _is_fed(frame, name))),
    )


def _report_names(frame: pd.DataFrame, name: str) -> ColumnReport:
    there = frame[name].notna()
    count = frame.loc[there, name].nunique()
    content = f"{count} value{'s' if count != 1 else ''}"
    return ColumnReport(name, "", int(there.sum()), content, _missing(len(frame) - int(there.sum())))


def _report_numbers(frame: pd.DataFrame, name: str) -> ColumnReport:
    quantity = QUANTITIES[name]
    there = frame[frame[name].notna()]
    empty = len(frame) - len(there)
    remark = _missing(empty)
    try:
        values = numeric_column(there, name, name=name, needed_by="check", positive=must_be_positive(name, True))
    except DataError as error:
        problem = str(error).removeprefix("check: ")
        return ColumnReport(name, quantity.unit, len(there), "", remark, problem)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UnitWarning)
        unit_warnings(values, name=name, column=name)
    doubts = [str(warning.message).partition(" has ")[2] for warning in seen]
    return ColumnReport(name, quantity.unit, len(there), _range(values), "; ".join(filter(None, [*doubts, remark])))


def _missing(rows: int) -> str:
    return f"{rows} row{'s' if rows != 1 else ''} without a value" if rows else ""


def _range(values: np.ndarray) -> str:
    if not len(values):
        return "empty"
    low, high = float(values.min()), float(values.max())
    return number(low, digits=4) if low == high else f"{number(low, digits=4)} to {number(high, digits=4)}"


def _is_fed(frame: pd.DataFrame, name: str) -> bool:
    """Whether a law finds its output and each of its inputs, read or derived."""
    law = catalogue()[name]
    derived = law.derive.columns if law.derive else ()
    needed = [
        law.output,
        *(["step", "lr"] if derived else []),
        *(i for i in law.inputs if i not in derived and i != "x"),
    ]
    choices = ("flops", "tokens", "params", "step") if law.inputs == ("x",) else ()
    return all(has_column(frame, column) for column in needed) and (
        not choices or any(has_column(frame, column) for column in ("x", *choices))
    )
