"""What a table of runs holds: families with their ranges, and the columns that were understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.checks.table import NAMES, Floats, RunsTable, factorized
from scalefit.quantities import QUANTITIES
from scalefit.wording.digits import number, si

#: What the ranges of a family are told of, in this order; the measurement comes last.
RANGED = ("params", "tokens", "tokens_per_param", "flops")


@dataclass(frozen=True)
class FamilySummary:
    """The runs of one family.

    Attributes
    ----------
    family : str
        Empty for a table without families.
    runs, rows : int
        Rows count checkpoints too.
    ranges : mapping of quantity to (low, high)
        Of the last row of each run: ``params``, ``tokens``, ``tokens_per_param``, ``flops`` and what was measured,
        where they are there or can be derived.
    """

    family: str
    runs: int
    rows: int
    ranges: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class ColumnSummary:
    """A column that was understood.

    Attributes
    ----------
    column : str
        Its known name.
    read_from : str
        Its name in the table.
    unit : str
    rows : int
        Rows with a value.
    content : str
        The range of its numbers, or how many names.
    """

    column: str
    read_from: str
    unit: str
    rows: int
    content: str


def summarise_families(table: RunsTable) -> tuple[FamilySummary, ...]:
    """One summary for each family, in the order of the table."""
    codes, names = table.families
    rows = np.bincount(codes[table.codes], minlength=len(names))
    values = {name: table.of_last(name) for name in ranged(table) if name in table.numbers}
    if {"params", "tokens"} <= set(values) and "tokens_per_param" not in values:
        with np.errstate(all="ignore"):
            values["tokens_per_param"] = values["tokens"] / values["params"]
    told = []
    for k, name in enumerate(names):
        ranges = {what: range_of(values[what][codes == k]) for what in ranged(table) if what in values}
        there = {what: ends for what, ends in ranges.items() if ends is not None}
        told.append(FamilySummary(name, int((codes == k).sum()), int(rows[k]), there))
    return tuple(told)


def ranged(table: RunsTable) -> tuple[str, ...]:
    """The quantities whose ranges are told."""
    return RANGED if table.target is None else (*RANGED, table.target)


def range_of(values: Floats) -> tuple[float, float] | None:
    """The smallest and the largest finite number; None where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def range_text(ends: tuple[float, float] | None, *, digits: int = 3) -> str:
    """A range as people read it.

    Examples
    --------
    >>> range_text((3400.0, 1.2345e6)), range_text((2.0, 2.0)), range_text(None)
    ('3400 to 1.23e6', '2', '')
    """
    if ends is None:
        return ""
    low, high = (si(end) if digits == 3 else number(end, digits=digits) for end in ends)
    return low if low == high else f"{low} to {high}"


def summarise_columns(table: RunsTable) -> tuple[ColumnSummary, ...]:
    """One summary for each known column, in the order of the vocabulary."""
    return tuple(_summarise(table, name) for name in QUANTITIES if table.has(name))


def _summarise(table: RunsTable, name: str) -> ColumnSummary:
    there = int(table.frame[name].notna().sum())
    if name in NAMES:
        count = len(factorized(table.frame[name])[1])
        content = f"{count:,} value{'' if count == 1 else 's'}"
    else:
        content = range_text(range_of(table.numbers[name])) or ("empty" if not there else "no numbers")
    return ColumnSummary(name, table.in_file(name), QUANTITIES[name].unit, there, content)


def unknown_columns(frame: pd.DataFrame) -> tuple[str, ...]:
    """The columns that are not known by name."""
    return tuple(str(name) for name in frame.columns if name not in QUANTITIES)
