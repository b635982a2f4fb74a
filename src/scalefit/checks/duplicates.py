"""Rows that stand twice: the same row, the same step of a run, the same design under two names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from scalefit.checks.finding import Finding, Repair, a_few, counted, found
from scalefit.checks.table import TARGETS, Ints, Mask, RunsTable
from scalefit.quantities import QUANTITIES

#: A column with fewer values than this share of the rows may tell rows apart; one with more is a name of each row.
FEW_VALUES = 0.8
#: Known numbers that are outcomes or follow from others, not choices.
_OUTCOMES = {*TARGETS, "step", "flops", "epochs", "tokens_per_param", "loss_teacher", "loss_supervised", "kl"}


def check_duplicates(table: RunsTable) -> Iterator[Finding]:
    """Findings about rows and runs that stand twice."""
    cells = table.frame.apply(_comparable) if len(table.frame.columns) else table.frame
    twice = cells.duplicated().to_numpy()
    if twice.any():
        first = int(np.flatnonzero(twice)[0])
        yield found(
            "duplicate_rows", "misleading",
            f"{counted(int(twice.sum()), 'row')} of {len(twice):,} {'is' if twice.sum() == 1 else 'are'} an exact copy "
            f"of an earlier one, such as {table.row(first)}: it counts twice, and errors come out too small.",
            Repair("Keep one: runs.drop_duplicates().", "Keep one of each in the file."), rows=np.flatnonzero(twice),
        )  # fmt: skip
    yield from _same_step(table, cells, twice)
    yield from _same_design(table, cells, twice)


def _comparable(series: pd.Series[Any]) -> pd.Series[Any]:
    """A column whose cells can be compared: lists and dictionaries as text."""
    if not types.is_object_dtype(series.dtype):
        return series
    try:
        pd.factorize(series)
    except TypeError:
        return series.map(str)
    return series


def _same_step(table: RunsTable, cells: pd.DataFrame, copies: Mask) -> Iterator[Finding]:
    """Several different measurements of one run at one step."""
    if table.run_column is None or table.axis is None or table.target is None:
        return
    there = np.isfinite(table.numbers[table.target]) & np.isfinite(table.numbers[table.axis]) & ~copies
    rows = np.flatnonzero(there)
    key = pd.DataFrame({"run": table.codes[rows], "place": table.numbers[table.axis][rows]})
    again = key.duplicated(keep=False).to_numpy()
    if not again.any():
        return
    places, later = rows[again], rows[key.duplicated().to_numpy()]
    apart = _tells_apart(table, cells, places, key[again])
    spelt, run = table.spelt(table.axis), table.spelt("run") if not table.guessed else table.run_column
    where = f"such as {table.row(int(later[0]))} at {table.axis} {table.numbers[table.axis][later[0]]:g}"
    if apart:
        value = cells[apart].iloc[int(places[0])]
        yield found(
            "several_rows_a_step", "misleading",
            f"{_have(len(later), 'row')} the run and {table.axis} of an earlier one and another {apart}, {where}. A "
            "fit of all takes them for one quantity.",
            Repair(f"Take one {apart}: runs[runs[{apart!r}] == {value!r}].",
                   f"Keep the rows of one {apart} in the file."),
            rows=later, columns=[table.axis, apart],
        )  # fmt: skip
        return
    yield found(
        "same_step", "misleading",
        f"{_have(len(later), 'row')} the run and {table.axis} of an earlier one, {where}: a run that was resumed, "
        "or two runs of one name.",
        Repair(f"Keep the last: runs.drop_duplicates([{run!r}, {spelt!r}], keep='last').",
               f"Keep one row for each run and {table.axis}, or give each run its own name."),
        rows=later, columns=[table.axis],
    )  # fmt: skip


def _have(count: int, thing: str) -> str:
    return f"{counted(count, thing)} {'has' if count == 1 else 'have'}"


def _tells_apart(table: RunsTable, cells: pd.DataFrame, places: Ints, key: pd.DataFrame) -> str:
    """A column of names that differs between the rows of one step; empty if none does for nearly all of them."""
    labels: list[Any] = list(cells.columns)
    candidates = [name for name in labels if isinstance(name, str) and name not in ("run", table.run_column)]
    known = (
        "split",
        *(name for name in candidates if name != "split" and not types.is_numeric_dtype(cells[name].dtype)),
    )
    for name in (name for name in known if name in cells.columns):
        values = cells[name].iloc[places]
        if values.nunique() < FEW_VALUES * len(places) or len(places) <= 4:
            both = key.assign(value=pd.factorize(values)[0])
            if both.duplicated().mean() < 0.05:
                return name
    return ""


def _same_design(table: RunsTable, cells: pd.DataFrame, copies: Mask) -> Iterator[Finding]:
    """Runs that agree in all that was chosen."""
    if not table.has("params", "tokens"):
        return
    runs = np.flatnonzero(~copies[table.last])
    design = _design_of(table, cells).iloc[runs]
    same = design.duplicated(keep=False).to_numpy() & design[["params", "tokens"]].notna().all(axis=1).to_numpy()
    if not same.any():
        return
    later = runs[design.duplicated().to_numpy() & same]
    groups = design[same].groupby(list(design.columns), dropna=False, sort=False).ngroup().to_numpy()
    first = runs[same][groups == groups[0]]
    losses = design.assign(_measured=_measured(table)[runs])[same]
    equal = runs[same][losses.duplicated().to_numpy() & losses["_measured"].notna().to_numpy()]
    what = f"{'family, ' if table.has('family') else ''}params and tokens{' and seed' if table.has('seed') else ''}"
    example = f"such as {a_few(table.name_runs(first), shown=2)}"
    if len(equal):
        yield found(
            "same_run", "misleading",
            f"{_have(len(equal), 'run')} the {what} and the very {table.target} of another, {example}: probably one "
            "run under two names.",
            Repair("Keep one of each: runs.drop_duplicates(['params', 'tokens', 'loss']).", "Keep one of each."),
            rows=table.last[equal], columns=["params", "tokens"],
        )  # fmt: skip
    elif len(later):
        seeds = "" if table.has("seed") else " Without a column seed, repeats cannot be told from copies."
        yield found(
            "same_design", "remark",
            f"{counted(len(later), 'run')} {'repeats' if len(later) == 1 else 'repeat'} the {what} of another with "
            f"another {table.target or 'result'}, {example}.{seeds}",
            "Good for judging the scatter; if something else differs, give it a column.",
            rows=table.last[later], columns=["params", "tokens"],
        )  # fmt: skip


def _design_of(table: RunsTable, cells: pd.DataFrame) -> pd.DataFrame:
    """What was chosen for each run: its size and tokens, its seed and every other setting that few values have."""
    ends = cells.iloc[table.last]
    chosen = {"params": table.of_last("params"), "tokens": table.of_last("tokens")}
    for name in ends.columns:
        outcome = name in _OUTCOMES or name in chosen or name in ("run", table.run_column)
        measured = name not in QUANTITIES and types.is_float_dtype(ends[name].dtype)
        if not outcome and not measured and ends[name].nunique() < max(FEW_VALUES * len(ends), 2):
            chosen[str(name)] = pd.factorize(ends[name])[0].astype(float)
    return pd.DataFrame(chosen)


def _measured(table: RunsTable) -> Any:
    return table.of_last(table.target) if table.target is not None else np.full(len(table.names), np.nan)
