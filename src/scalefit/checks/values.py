"""Cells that a fit would refuse, cells that are empty, and rows that never became cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from scalefit.checks.feeding import CORE, used_columns
from scalefit.checks.finding import Finding, Repair, Severity, a_few, counted, found
from scalefit.checks.splits import check_splits
from scalefit.checks.table import NAMES, Mask, RunsTable, is_missing
from scalefit.errors import DataError
from scalefit.quantities import QUANTITIES
from scalefit.runs.checking import must_be_positive, numeric_column

#: How repairs begin that take rows away.
_DROPPING = ("Drop them", "Keep the others")


def check_values(table: RunsTable) -> Iterator[Finding]:
    """Findings about single cells."""
    yield from _without_emptying(table, list(_check_cells(table)))


def _check_cells(table: RunsTable) -> Iterator[Finding]:
    used = used_columns(str(name) for name in table.frame.columns)
    split = check_splits(table, used)
    for name in QUANTITIES:
        if table.has(name) and name not in NAMES:
            yield from _check_column(table, name, used)
    yield from _wrong_steps(table)
    if split is not None:
        yield split
    if split is None or split.severity != "refused":
        yield from _missing(table, used)
    yield from _unnamed_runs(table)
    yield from _mixed_types(table)
    yield from _on_reading(table)


def _without_emptying(table: RunsTable, told: list[Finding]) -> Iterator[Finding]:
    """The same findings, none of which says to drop rows where doing all of it would leave no row."""
    dropping = _dropping(told)
    if _empties(table, dropping):  # tokens are counted: between two rows of a run they are known
        told = [_read_between(table, one) for one in told]
        dropping = _dropping(told)
    emptying = _empties(table, dropping)
    for one in told:
        if emptying and one in dropping:
            which = f"{one.columns[0]} stands in a column of another name"
            yield replace(
                one, repair=f"Dropping all such rows would leave none: fill the gaps, or see whether {which}.",
                command=f"Dropping all such rows would leave none: fill the gaps of the file, or see whether {which}.",
            )  # fmt: skip
        else:
            yield one


def _dropping(told: list[Finding]) -> list[Finding]:
    return [one for one in told if one.severity == "refused" and one.repair.startswith(_DROPPING)]


def _empties(table: RunsTable, dropping: list[Finding]) -> bool:
    """Whether no row is left once the rows of all these findings are dropped."""
    return bool(dropping) and len(np.unique(np.concatenate([one.rows for one in dropping]))) == len(table.frame)


def _read_between(table: RunsTable, one: Finding) -> Finding:
    """The same finding with another repair where missing tokens of a row follow from those of its neighbours."""
    between = one.kind == "missing_values" and one.severity == "refused" and one.columns == ("tokens",)
    if not between or not (table.has("step") and table.has_checkpoints) or len(one.rows) == len(table.frame):
        return one
    python = f"sf.merge_steps(runs, {'by=None, ' if table.run_column is None else ''}interpolate=['tokens'])"
    how = f"ead them between the rows that have them: {python}."
    return replace(one, repair=f"R{how}", command=f"In Python, r{how}")


def _check_column(table: RunsTable, name: str, used: frozenset[str]) -> Iterator[Finding]:
    """Whether a fit could read a column, apart from its empty cells."""
    cells = table.frame.loc[table.frame[name].notna().to_numpy(), [name]]
    try:
        numeric_column(cells, name, name=name, needed_by="check", positive=must_be_positive(name, True))
    except DataError as error:
        severity: Severity = "refused" if name in used else "remark"
        yield _describe(table, name, severity, str(error))


def _describe(table: RunsTable, name: str, severity: Severity, error: str) -> Finding:
    """The worst fault of a column: text, then infinities, then numbers that must be above zero."""
    spelt = f"runs[{table.spelt(name)!r}]"
    series, numbers = table.frame[name], table.numbers[name]
    texts = _texts(series)
    if texts.any():
        return _about_text(table, name, severity, texts)
    if np.isinf(numbers).any():
        bad, what = np.isinf(numbers), f"{name} is infinite"
        python, rule = f"runs[np.isfinite({spelt})]", "drop those rows"
    elif must_be_positive(name, True) and (numbers <= 0).any():
        bad = numbers <= 0
        what, python, rule = f"{name} must be above zero and is {numbers[bad].min():g}", f"runs[{spelt} > 0]", ""
    else:
        return found("refused_values", severity, error.removeprefix("check: "), columns=[name])
    at_start = name in ("tokens", "flops", "epochs") and table.has_checkpoints and not numbers[bad].any()
    hint = " That is the start of a run, before any training." if at_start else ""
    repair = Repair(
        f"Keep the others: {python}.", rule or f"Drop the rows of the file where {table.in_file(name)} <= 0."
    )
    return found(
        "refused_values", severity, f"{what} {_where(table, bad)}.{hint}", repair,
        rows=np.flatnonzero(bad), columns=[name],
    )  # fmt: skip


def _about_text(table: RunsTable, name: str, severity: Severity, texts: Mask) -> Finding:
    series, numbers = table.frame[name], table.numbers[name]
    words = texts & np.isnan(numbers)
    spelt, filed = table.spelt(name), table.in_file(name)
    if not words.any():
        repair = Repair(
            f"Convert it: runs[{spelt!r}] = pd.to_numeric(runs[{spelt!r}]).", f"Write {filed} without quotes."
        )
        text = f"{name} holds numbers as text {_where(table, texts)}."
        return found("refused_values", severity, text, repair, rows=np.flatnonzero(texts), columns=[name])
    example = series.iloc[int(np.flatnonzero(words)[0])]
    repair = Repair(
        f"Convert it, text becomes NaN: runs[{spelt!r}] = pd.to_numeric(runs[{spelt!r}], errors='coerce').",
        f"Empty those cells of {filed}, or drop the rows.",
    )
    text = f"{name} has text where a number is expected, {a_few([repr(example)])}, {_where(table, words)}."
    return found("refused_values", severity, text, repair, rows=np.flatnonzero(words), columns=[name])


def _texts(series: pd.Series) -> Mask:
    """Which cells are text."""
    if types.is_numeric_dtype(series.dtype) or types.is_datetime64_any_dtype(series.dtype):
        return np.zeros(len(series), dtype=np.bool_)
    return np.array([isinstance(cell, str) for cell in series.to_numpy(dtype=object)], dtype=np.bool_)


def _where(table: RunsTable, bad: Mask) -> str:
    """In how many rows, and one of them."""
    places = np.flatnonzero(bad)
    if len(places) == 1:
        return f"in {table.row(int(places[0]))}"
    of_all = "all" if len(places) == len(bad) else f"{len(places):,} of"
    return f"in {of_all} {counted(len(bad), 'row')}, such as {table.row(int(places[0]))}"


def _wrong_steps(table: RunsTable) -> Iterator[Finding]:
    """Steps below zero or between whole numbers."""
    if not table.has("step"):
        return
    steps = table.numbers["step"]
    bad = np.isfinite(steps) & ((steps < 0) | (steps != np.round(steps)))
    if bad.any():
        example = steps[np.flatnonzero(bad)[0]]
        yield found(
            "wrong_steps", "remark",
            f"step is no whole number from 0, such as {example:g}, {_where(table, bad)}; curve laws refuse it.",
            Repair(f"Drop them: runs[runs[{table.spelt('step')!r}] >= 0].", "Drop those rows for such a law."),
            rows=np.flatnonzero(bad), columns=["step"],
        )  # fmt: skip


def _missing(table: RunsTable, used: frozenset[str]) -> Iterator[Finding]:
    """Empty cells: refused where nearly every fit uses the column, else one remark for all of them."""
    others: dict[str, Mask] = {}
    for name in (name for name in QUANTITIES if table.has(name)):
        empty = table.frame[name].isna().to_numpy()
        if not empty.any() or name == "run":
            continue
        alone = name == "flops" and not table.has("params") and not table.has("tokens") and not table.has("step")
        if not (name in CORE or alone) or name not in used:
            others[name] = empty
            continue
        spelt = table.spelt(name)
        last = "Or take the last row of each run: sf.extract_final_losses(runs)" if table.has_checkpoints else ""
        python, command = (f" {last}{where}." if last else "" for where in ("", ", in Python"))
        yield found(
            "missing_values", "refused", f"{name} has no value {_where(table, empty)}; a fit refuses such rows.",
            Repair(f"Drop them: runs.dropna(subset=[{spelt!r}]).{python}",
                   f"Drop the rows of the file without {table.in_file(name)}.{command}"),
            rows=np.flatnonzero(empty), columns=[name],
        )  # fmt: skip
    if others:
        counts = [f"{name} ({'all' if gaps.all() else f'{int(gaps.sum()):,}'})" for name, gaps in others.items()]
        text = (
            f"Rows without a value: {a_few(counts, shown=6)}, of {len(table.frame):,}. Only a law that uses them minds."
        )
        yield found(
            "missing_values", "remark", text,
            rows=np.flatnonzero(np.any(list(others.values()), axis=0)), columns=others,
        )  # fmt: skip


def _unnamed_runs(table: RunsTable) -> Iterator[Finding]:
    if not table.has("run"):
        return
    empty = table.frame["run"].isna().to_numpy()
    if empty.any():
        spelt = table.spelt("run")
        yield found(
            "unnamed_runs", "misleading",
            f"{table.in_file('run')} names no run {_where(table, empty)}; a fit that uses runs refuses it.",
            Repair(f"Drop them: runs.dropna(subset=[{spelt!r}]).", "Name the run of each row, or drop those rows."),
            rows=np.flatnonzero(empty), columns=["run"],
        )  # fmt: skip


def _mixed_types(table: RunsTable) -> Iterator[Finding]:
    """Columns that are not known by name and hold both numbers and text."""
    mixed, rows = [], []
    for name in table.frame.columns:
        if name in QUANTITIES or not types.is_object_dtype(table.frame[name].dtype):
            continue
        cells = table.frame[name].to_numpy(dtype=object)
        texts = np.array([isinstance(cell, str) for cell in cells], dtype=np.bool_)
        others = ~texts & np.array([not is_missing(cell) for cell in cells], dtype=np.bool_)
        if texts.any() and others.any():
            fewer = texts if texts.sum() <= others.sum() else others
            mixed.append(f"{name} (such as {a_few([repr(cells[int(np.flatnonzero(fewer)[0])])])})")
            rows.append(fewer)
    if mixed:
        yield found(
            "mixed_types", "remark", f"Columns with numbers as well as text: {a_few(mixed)}.",
            "Only a fit that uses them minds.",
            rows=np.flatnonzero(np.any(rows, axis=0)), columns=[one.partition(" (such as ")[0] for one in mixed],
        )  # fmt: skip


def _on_reading(table: RunsTable) -> Iterator[Finding]:
    """What reading left out."""
    for text in table.warned:
        yield found("reading", "remark", f"On reading: {text}", "See to the rows that were left out, or go on without.")
