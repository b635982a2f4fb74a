"""Rows of one step that were written apart: training in one, evaluation in another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scalefit.checks.feeding import CORE
from scalefit.checks.finding import Finding, Repair, a_few, counted, found
from scalefit.checks.table import Ints, Mask, RunsTable, factorized
from scalefit.quantities import QUANTITIES

#: So much of the steps that stand in several rows must be without a contradiction between these.
AGREEING = 0.95


def check_splits(table: RunsTable, used: frozenset[str]) -> Finding | None:
    """The finding about rows of one run and step that hold different columns; None where there are none.

    Parameters
    ----------
    table : RunsTable
    used : frozenset of str
        The columns that a fit would use.
    """
    steps = _steps_of(table)
    if steps is None:
        return None
    size = np.bincount(steps)
    empty: Mask = np.asarray(table.frame.isna())
    several = size[steps] > 1
    there = np.asarray(pd.DataFrame(~empty).groupby(steps).sum())
    # A column divides a step where some of its rows have it and some do not.
    divides: Mask = (there > 0) & (there < size[:, None])
    divided: Mask = np.asarray(divides.any(axis=1))
    if not divided.any() or not _agree(table, steps, divided):
        return None
    wanted = [name for name in QUANTITIES if name in used and name in CORE]
    places = [list(table.frame.columns).index(name) for name in wanted]
    gaps = {name: empty[:, place] for name, place in zip(wanted, places, strict=True)}
    helped = any(divides[:, place].any() for place in places)
    rows = np.flatnonzero(several & divided[steps])
    names = [
        str(name)
        for name, some in zip(table.frame.columns, np.asarray(divides).any(axis=0).tolist(), strict=True)
        if some
    ]
    left = {
        name: np.bincount(steps, weights=~gap) == 0 for name, gap in gaps.items() if gap.any()
    }  # of each step, once merged
    return _told(table, rows, names, int(divided.sum()), {k: v for k, v in left.items() if v.any()}, refused=helped)


def _told(
    table: RunsTable, rows: Ints, names: list[str], steps: int, left: dict[str, Mask], *, refused: bool
) -> Finding:
    python, command = "sf.merge_steps(runs)", "In Python: sf.merge_steps(sf.read_runs(path)), and write that to a file."
    text = (
        f"Rows of one step are split: {counted(steps, 'step')} {'stands' if steps == 1 else 'stand'} in several rows "
        f"with different columns ({a_few(names)}), such as {table.row(int(rows[0]))} and {table.row(int(rows[1]))}."
    )
    if left:
        counts = a_few([f"{name} in {int(gap.sum()):,}" for name, gap in left.items()])
        text += f" Of the {len(next(iter(left.values()))):,} steps, some then still lack a value: {counts}."
    if left and not np.any(list(left.values()), axis=0).all():
        python += f".dropna(subset={[table.spelt(name) for name in left]!r})"
        command += f" Leave out the rows without {a_few(left)}."
    repair = Repair(f"Merge them: {python}.", command)
    return found("split_rows", "refused" if refused else "remark", text, repair, rows=rows, columns=names)


def _steps_of(table: RunsTable) -> Ints | None:
    """The number of the run and step of each row, in order of the first rows; None where no step has several rows."""
    if not table.has("step") or table.guessed:
        return None
    place = table.numbers["step"]
    if not np.isfinite(place).all():
        return None
    codes = table.codes
    if table.run_column is None:
        if (np.diff(place) < 0).any():  # several runs without names
            return None
        codes = np.zeros(len(place), dtype=np.intp)
    keys = pd.DataFrame({"run": codes, "step": place})
    steps = np.asarray(keys.groupby(["run", "step"], sort=False).ngroup(), dtype=np.intp)
    return steps if steps.max() + 1 < len(steps) else None


def _agree(table: RunsTable, steps: Ints, divided: Mask) -> bool:
    """Whether the rows of nearly every divided step contradict each other nowhere."""
    rows = np.flatnonzero(divided[steps])
    clash = np.zeros(len(divided), dtype=np.bool_)
    for name in table.frame.columns:
        values, _ = factorized(table.frame[name].iloc[rows])
        cells = pd.Series(values).where(values >= 0).groupby(steps[rows])
        counts = cells.nunique()
        clash[counts.index[counts > 1]] = True
    return bool((~clash[divided]).mean() >= AGREEING)
