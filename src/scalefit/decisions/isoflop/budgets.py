"""A table of runs as budgets: the loss of each size at the same compute."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.vertices import LEAST_SIZES, Floats, Method
from scalefit.errors import ColumnError, DataError, UnitWarning, listing
from scalefit.quantities import better_of
from scalefit.runs.checking import CheckedColumns, checked_columns, stacklevel_of_caller, unit_warnings
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.notes import how_many

#: Compute that differs by less than this share is one budget: products of sizes and tokens are rounded.
SAME = 1e-6
#: Compute that differs by less than this, in logs, was probably meant to be one budget.
NEARLY = 0.25
#: Of more budgets than these no list is printed.
MOST_NAMED = 12
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
    rows : DataFrame, one row a run: ``x, loss, tokens`` (log of the tokens; NaN where unknown), and ``row``, its
        label in the table.
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
    """All budgets of a table, rising, those with too few sizes apart, how the table was read, and what is odd in it."""

    usable: tuple[Budget, ...]
    too_few: Mapping[float, int]
    target: str
    column: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()


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
    check_low_is_better(target, who)
    frame, column, notes = _with_budget(frame, budget, method, columns, who)
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
            + (
                _nearly(np.asarray(read["budget"]), np.exp(np.asarray(read["x"])), least, column)
                or f"If the logs of runs go past common budgets, read them there first: {_ASK}."
            )
        )
    return Budgets(tuple(usable), too_few, target, column, tuple(notes), read.attrs["doubts"])


def several_families(frame: pd.DataFrame, columns: Mapping[str, str] | None, who: str) -> None:
    """Refuse a table in which several families stand: one best size for all would be that of none."""
    if not has_column(frame, "family", columns=columns):
        return
    column = find_column(frame, "family", needed_by=who, columns=columns)
    names = [str(name) for name in pd.unique(frame[column].dropna())]
    if len(names) > 1:
        each = f"by={column!r}"
        if who != "isoflop":
            each = f"{{name: sf.{who}(part) for name, part in runs.groupby({column!r})}}"
        raise DataError(
            f"{who}: the table has {len(names)} families, {listing(map(repr, names[:6]))}. "
            f"Take one: runs[runs[{column!r}] == {names[0]!r}], or each by itself: {each}."
        )


def check_low_is_better(target: str, who: str) -> None:
    """Refuse a target of which more is better: the lowest value would then be the worst size."""
    if better_of(target) == "high":
        raise DataError(
            f"{who} looks for the lowest {target!r}, and by its name more of it is better. Take what falls: "
            f"runs.assign(error=1 - runs[{target!r}]) with target='error'. If less of it is better after all: "
            f"columns={{'loss': {target!r}}}."
        )


def _with_budget(
    frame: pd.DataFrame, budget: str | None, method: Method, columns: Mapping[str, str] | None, who: str
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
        _check_values(frame, column, method, columns, who)
    return frame, column, notes


def _check_values(
    frame: pd.DataFrame, column: str, method: Method, columns: Mapping[str, str] | None, who: str
) -> None:
    """Refuse compute as budgets where a value of it has too few sizes to be one."""
    read = checked_columns(
        frame, ["flops", "params"], needed_by=who, columns={**(columns or {}), "flops": column}, warn_units=False
    )
    sizes = pd.Series(read.values["params"]).groupby(_numbered(read.values["flops"])).nunique()
    least = LEAST_SIZES[method]
    if (sizes < least).any():
        few = int((sizes < least).sum())
        near = _nearly(read.values["flops"], read.values["params"], least, column)
        raise DataError(
            f"{who}: {few} of {how_many(len(sizes), 'value')} of {column!r} have fewer than {least} sizes, so they are "
            f"no budgets, and the table has no column 'flop_budget'. "
            + (
                near
                or f"Name one: budget='my_budget'; take {column!r} as it is: budget={column!r}; or read logs of runs "
                f"at common budgets: {_ASK}."
            )
        )


def _nearly(flops: Floats, params: Floats, least: int, column: str) -> str:
    """What to type where compute comes in groups of enough sizes that are not quite the same; else empty."""
    order = np.argsort(flops, kind="stable")
    logs = np.log(flops[order])
    groups = np.split(order, np.flatnonzero(np.diff(logs) > NEARLY) + 1)
    spread = max(float(np.ptp(np.log(flops[group]))) for group in groups)
    if spread > NEARLY or len(groups) > MOST_NAMED or min(len(np.unique(params[group])) for group in groups) < least:
        return ""
    nominal = ", ".join(f"{np.exp(np.log(flops[group]).mean()):.1e}".replace("e+", "e") for group in groups)
    return (
        f"Its values agree to {100 * np.expm1(spread):.2g} % in {how_many(len(groups), 'group')}: make a column of the "
        f"budgets that were meant, such as budgets = np.array([{nominal}]); runs['flop_budget'] = "
        f"budgets[np.abs(np.log(runs[{column!r}].to_numpy()[:, None] / budgets)).argmin(axis=1)]."
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
    doubts = _unit_doubts(read, ("params", target, *names))
    values = read.values
    spent = values["flops"] if "flops" in names else values["flop_budget"]
    tokens = np.log(values["tokens"]) if "tokens" in names else np.full(len(known), np.nan)
    table = pd.DataFrame(
        {
            "number": _numbered(values["flop_budget"]), "budget": values["flop_budget"], "spent": spent,
            "x": np.log(values["params"]), "loss": values[target], "tokens": tokens,
            "row": known.index,
        }
    )  # fmt: skip
    # In one order whatever the order of the rows: draws of the noise then do not depend on it.
    table = table.sort_values(["number", "x", "tokens", "loss"], kind="stable", ignore_index=True)
    notes = [note for note in read.notes if not note.startswith("flop_budget")]
    if "tokens" not in names:
        notes.append("no column 'tokens': taken as flops / (6 params)")
    table.attrs["notes"] = tuple(notes)
    table.attrs["doubts"] = doubts
    return table


def _unit_doubts(read: CheckedColumns, names: Sequence[str]) -> tuple[str, ...]:
    """What is outside the usual range of its quantity; each is warned of too."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UnitWarning)
        for name in names:
            unit_warnings(read.values[name], name=name, column=read.columns[name])
    doubts = tuple(str(one.message).removesuffix(".") for one in seen)
    for words in doubts:
        warnings.warn(UnitWarning(f"{words}."), stacklevel=stacklevel_of_caller())
    return doubts


def _budget(flops: float, rows: pd.DataFrame) -> Budget:
    sizes = rows.groupby("x", sort=True)["loss"].agg(["mean", "size"])
    return Budget(
        flops, float(rows["spent"].mean()), sizes.index.to_numpy(float), sizes["mean"].to_numpy(float),
        sizes["size"].to_numpy(float), rows[["x", "loss", "tokens", "row"]].reset_index(drop=True),
    )  # fmt: skip


def as_columns(columns: Any, who: str) -> Mapping[str, str] | None:
    """``columns=`` as a mapping, or an error that says what to type."""
    if columns is None or isinstance(columns, Mapping):
        return columns
    raise ColumnError(f"{who}: columns is a mapping such as {{'loss': 'c4_loss'}}; got {columns!r}.")
