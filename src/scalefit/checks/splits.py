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
    if not divided.any():
        return None
    clash = _contradicted(table, steps, divided)
    if clash is None:
        return None
    wanted = [name for name in QUANTITIES if name in used and name in CORE]
    places = [list(table.frame.columns).index(name) for name in wanted]
    gaps = {name: empty[:, place] for name, place in zip(wanted, places, strict=True)}
    helped = any(divides[:, place].any() for place in places)
    rows = np.flatnonzero(several & divided[steps])
    names = [str(name) for place, name in enumerate(table.frame.columns) if divides[:, place].any()]
    left = {name: np.bincount(steps, weights=~gap) == 0 for name, gap in gaps.items()}
    left = {name: gap for name, gap in left.items() if gap.any()}
    stand = "stands" if divided.sum() == 1 else "stand"
    text = (
        f"Rows of one step are split: {counted(int(divided.sum()), 'step')} {stand} in several rows with different "
        f"columns ({a_few(names)}), such as {table.row(int(rows[0]))} and {table.row(int(rows[1]))}."
    )
    if left:
        counts = a_few([f"{name} in {int(gap.sum()):,}" for name, gap in left.items()])
        text += f" Merged, the {len(size):,} steps still lack a value: {counts}."
    repair = _merge(table, left, clash=clash)
    return found("split_rows", "refused" if helped else "remark", text, repair, rows=rows, columns=names)


def _merge(table: RunsTable, left: dict[str, Mask], *, clash: bool) -> Repair:
    """What to type, with what is to be done about the values that steps then still lack."""
    options = ["runs"]
    if table.run_column is None:
        options.append("by=None")
    if clash:
        options.append("conflicts='last'")
    if "tokens" in left and not left["tokens"].all():
        options.append("interpolate=['tokens']")
        left = {name: gap for name, gap in left.items() if name != "tokens"}
    python = f"sf.merge_steps({', '.join(options)})"
    if left and not np.any(list(left.values()), axis=0).all():
        python += f".dropna(subset={[table.spelt(name) for name in left]!r})"
    return Repair(f"Merge them: {python}.", f"In Python, and write the result to a file: {python}.")


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


def _contradicted(table: RunsTable, steps: Ints, divided: Mask) -> bool | None:
    """Whether rows of one step differ where both have a value; None where they are different measurements.

    A column that is not known by name, such as the time of writing, may belong to the row and not to the step.
    """
    rows = np.flatnonzero(divided[steps])
    any_clash, clash = False, np.zeros(len(divided), dtype=np.bool_)
    for name in table.frame.columns:
        values, _ = factorized(table.frame[name].iloc[rows])
        counts = pd.Series(values).where(values >= 0).groupby(steps[rows]).nunique()
        differ = np.asarray(counts.index[counts > 1], dtype=np.intp)
        any_clash |= bool(len(differ))
        if name in table.numbers:
            clash[differ] = True
    return any_clash if (~clash[divided]).mean() >= AGREEING else None
