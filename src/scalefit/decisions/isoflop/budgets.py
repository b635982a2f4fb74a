"""A table of runs as budgets: the loss of each size at the same compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.vertices import LEAST_SIZES, Floats, Method
from scalefit.errors import ColumnError, DataError, listing
from scalefit.runs.checking import checked_columns, unit_warnings
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.notes import how_many

#: Compute that differs by less than this share is one budget: products of sizes and tokens are rounded.
SAME = 1e-6
#: What to type where a table has no budgets.
_ASK = "slices = sf.slice_isoflops(runs, [1e19, 1e20])"


@dataclass(frozen=True, eq=False)
class Budget:
    """The runs of one budget, sizes rising.

    Attributes
    ----------
    flops : the value of the column that names the budget.
    spent : mean compute of its rows as the table counts it; ``flops`` where it does not.
    x : (n,) logs of the distinct sizes.
    loss : (n,) mean loss of each.
    counts : (n,) rows behind each mean.
    rows : DataFrame, one row a run: ``x, loss, tokens`` (log of the tokens; NaN where unknown).
    """

    flops: float
    spent: float
    x: Floats
    loss: Floats
    counts: Floats
    rows: pd.DataFrame

    @property
    def step(self) -> float:
        """The usual distance of neighbouring sizes, in logs."""
        return float(np.median(np.diff(self.x)))

    def log_tokens(self, x: Floats) -> Floats:
        """The log of the tokens that the budget buys at some logs of sizes.

        A smooth line through all its runs: tokens are whole steps and batches, which two neighbours would show.
        """
        line = self._tokens_line
        return np.asarray(line(x) if line else np.log(self.spent / 6) - x, float)

    @cached_property
    def _tokens_line(self) -> np.polynomial.Polynomial | None:
        """The log of the tokens as a parabola in the log of the size; None where they are not known."""
        x, tokens = self.rows["x"].to_numpy(float), self.rows["tokens"].to_numpy(float)
        if np.isnan(tokens).any():
            return None
        line: np.polynomial.Polynomial = np.polynomial.Polynomial.fit(x, tokens, min(2, len(self.x) - 1))
        return line


@dataclass(frozen=True, eq=False)
class Budgets:
    """All budgets of a table, rising, those with too few sizes apart, and how the table was read."""

    usable: tuple[Budget, ...]
    too_few: Mapping[float, int]
    target: str
    column: str
    notes: tuple[str, ...]


def read_budgets(
    frame: pd.DataFrame, *, budget: str | None, method: Method, target: str, columns: Mapping[str, str] | None, who: str
) -> Budgets:
    """Read the budgets of a table.

    Raises
    ------
    ColumnError, DataError
        If there are none, or their numbers cannot be used.
    """
    if not len(frame):
        raise DataError(f"{who} needs at least one row; the table has none.")
    several_families(frame, columns, who)
    frame, column, notes = _with_budget(frame, budget, columns, who)
    known = frame[frame[column].notna()]
    if len(known) < len(frame):
        notes.append(f"{how_many(len(frame) - len(known), 'row')} without {column!r} left out")
    read = _read(known, column, method, target, columns, who)
    notes += [note for note in read.attrs["notes"] if note not in notes]
    usable, too_few = [], {}
    for number in np.unique(read["number"]):
        one = read[read["number"] == number]
        flops = float(one["budget"].median())
        if one["x"].nunique() < LEAST_SIZES[method]:
            too_few[flops] = int(one["x"].nunique())
        else:
            usable.append(_budget(flops, one))
    if not usable:
        least = LEAST_SIZES[method]
        most = max(too_few.values())
        raise DataError(
            f"{who}: no value of {column!r} has {least} sizes, which method={method!r} needs; the most is {most}. "
            f"If the runs go past common budgets, read them there first: {_ASK}."
        )
    return Budgets(tuple(usable), too_few, target, column, tuple(notes))


def several_families(frame: pd.DataFrame, columns: Mapping[str, str] | None, who: str) -> None:
    """Refuse a table in which several families stand: one best size for all would be that of none."""
    if not has_column(frame, "family", columns=columns):
        return
    column = find_column(frame, "family", needed_by=who, columns=columns)
    names = [str(name) for name in pd.unique(frame[column].dropna())]
    if len(names) > 1:
        raise DataError(
            f"{who}: the table has {len(names)} families, {listing(map(repr, names[:6]))}. "
            f"Take one: runs[runs[{column!r}] == {names[0]!r}], or each by itself: by={column!r}."
        )


def _with_budget(
    frame: pd.DataFrame, budget: str | None, columns: Mapping[str, str] | None, who: str
) -> tuple[pd.DataFrame, str, list[str]]:
    """The table, the column that names its budgets, and what is said about it."""
    if budget is not None and not isinstance(budget, str):
        raise ColumnError(f"{who}: budget is the name of a column; got {budget!r}. For numbers of FLOP: {_ASK}.")
    if budget is not None and budget != "flops":
        return frame, find_column(frame, budget, needed_by=who, columns=columns), []
    if budget is None and has_column(frame, "flop_budget", columns=columns):
        return frame, find_column(frame, "flop_budget", needed_by=who, columns=columns), []
    notes = []
    if not has_column(frame, "flops", columns=columns):
        read = checked_columns(frame, ["flops"], needed_by=who, columns=columns)
        frame, column = frame.assign(flops=read.values["flops"]), "flops"
        notes = list(read.notes)
    else:
        column = find_column(frame, "flops", needed_by=who, columns=columns)
    if budget is None:
        _check_values(frame, column, columns, who)
    return frame, column, notes


def _check_values(frame: pd.DataFrame, column: str, columns: Mapping[str, str] | None, who: str) -> None:
    """Refuse compute as budgets where a value of it has too few sizes to be one."""
    read = checked_columns(
        frame, ["flops", "params"], needed_by=who, columns={**(columns or {}), "flops": column}, warn_units=False
    )
    sizes = pd.Series(read.values["params"]).groupby(_numbered(read.values["flops"])).nunique()
    least = 4
    if (sizes < least).any():
        few = int((sizes < least).sum())
        raise DataError(
            f"{who}: {few} of {how_many(len(sizes), 'value')} of {column!r} have fewer than {least} sizes, so they are "
            f"no budgets, and the table has no column 'flop_budget'. Name one: budget='my_budget'; take {column!r} as "
            f"it is: budget={column!r}; or read the runs at common budgets: {_ASK}."
        )


def _numbered(flops: Floats) -> Floats:
    """The number of the budget of each row: values that differ by rounding are one."""
    order = np.argsort(flops, kind="stable")
    steps = np.diff(np.log(flops[order])) > SAME
    numbers = np.empty(len(flops))
    numbers[order] = np.concatenate([[0], np.cumsum(steps)])
    return numbers


def _read(
    known: pd.DataFrame, column: str, method: Method, target: str, columns: Mapping[str, str] | None, who: str
) -> pd.DataFrame:
    """One row a run: ``number, budget, spent, x, loss, tokens``."""
    if not len(known):
        raise DataError(f"{who}: column {column!r} has no value in any row.")
    names = [name for name in ("flops", "tokens") if has_column(known, name, columns=columns)]
    positive = True if method == "akima" or target == "loss" else ["params", "flop_budget", *names]
    said = {**(columns or {}), "flop_budget": column}
    read = checked_columns(
        known, ["params", target, "flop_budget", *names], needed_by=who, columns=said, positive=positive,
        warn_units=False,
    )  # fmt: skip
    for name in ("params", target, *names):
        unit_warnings(read.values[name], name=name, column=read.columns[name])
    values = read.values
    spent = values["flops"] if "flops" in names else values["flop_budget"]
    tokens = np.log(values["tokens"]) if "tokens" in names else np.full(len(known), np.nan)
    table = pd.DataFrame(
        {
            "number": _numbered(values["flop_budget"]), "budget": values["flop_budget"], "spent": spent,
            "x": np.log(values["params"]), "loss": values[target], "tokens": tokens,
        }
    )  # fmt: skip
    # In one order whatever the order of the rows: draws of the noise then do not depend on it.
    table = table.sort_values(["number", "x", "tokens", "loss"], kind="stable", ignore_index=True)
    notes = [note for note in read.notes if not note.startswith("flop_budget")]
    if "tokens" not in names:
        notes.append("no column 'tokens': taken as flops / (6 params)")
    table.attrs["notes"] = tuple(notes)
    return table


def _budget(flops: float, rows: pd.DataFrame) -> Budget:
    sizes = rows.groupby("x", sort=True)["loss"].agg(["mean", "size"])
    return Budget(
        flops, float(rows["spent"].mean()), sizes.index.to_numpy(float), sizes["mean"].to_numpy(float),
        sizes["size"].to_numpy(float), rows[["x", "loss", "tokens"]].reset_index(drop=True),
    )  # fmt: skip


def as_columns(columns: Any, who: str) -> Mapping[str, str] | None:
    """``columns=`` as a mapping, or an error that says what to type."""
    if columns is None or isinstance(columns, Mapping):
        return columns
    raise ColumnError(f"{who}: columns is a mapping such as {{'loss': 'c4_loss'}}; got {columns!r}.")
