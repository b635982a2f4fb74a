"""Logged learning rates: the columns of a table as steps and rates, checked, sorted and told apart by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing, missing_column, rows_text
from scalefit.quantities import QUANTITIES

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Log:
    """The rates that one run logged.

    Attributes
    ----------
    steps : int array (n,)
        Rising, each once, n >= 1.
    rates : array (n,)
        The rate of each step, >= 0.
    notes : tuple of str
        What had to be put in order.
    """

    steps: Integers
    rates: Floats
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LogColumns:
    """Steps and rates of a table as they stand, not yet checked, with a label for each row.

    Attributes
    ----------
    asker : str
        Who needs them: the first words of an error.
    steps, rates : array (n,)
        NaN where there is none.
    labels : array (n,)
        What a row is called in errors.
    runs : array (n,) of str, optional
        The run of each row; None where the table has no such column.
    """

    asker: str
    steps: Floats
    rates: Floats
    labels: npt.NDArray[Any]
    runs: npt.NDArray[Any] | None = None

    def single(self) -> LogColumns:
        """The same columns, of which a second run is refused."""
        if self.runs is not None and len(names := list(dict.fromkeys(self.runs))) > 1:
            raise DataError(
                f"{self.asker} takes one run; the table has {len(names)}: give runs[runs['run'] == {names[0]!r}]."
            )
        return self

    def each_run(self) -> Iterator[tuple[str, LogColumns]]:
        """The columns of every run, in the order in which runs first appear; all rows are one run without names."""
        if self.runs is None:
            yield "", self
            return
        places, names = pd.factorize(self.runs)
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(len(names) + 1))
        for k, name in enumerate(names):
            rows = order[ends[k] : ends[k + 1]]
            yield str(name), LogColumns(self.asker, self.steps[rows], self.rates[rows], self.labels[rows])


def read_columns(frame: Any, *, asker: str, columns: Mapping[str, str] | None = None) -> LogColumns:
    """Take the steps, rates and runs out of a table.

    Parameters
    ----------
    frame : table
        Columns ``step`` and ``lr``, and ``run`` if there are several.
    asker : str
        Who needs them.
    columns : mapping of ``"step"``, ``"lr"`` or ``"run"`` to a column, optional
        Where a column has another name; the usual ones, such as ``learning_rate``, are known.

    Raises
    ------
    ColumnError
        If there is no step or no rate.
    DataError
        If one of the two does not hold numbers.
    """
    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", frame))]
    said = dict(columns or {})
    step, rate = (_find(name, names, said, asker) for name in ("step", "lr"))
    steps, rates = _numbers(frame[step], step, asker), _numbers(frame[rate], rate, asker)
    labels = frame[step].index.to_numpy() if isinstance(frame[step], pd.Series) else np.arange(len(steps))
    known = [name for name in ("run", *QUANTITIES["run"].aliases) if name in names]
    run = _find("run", names, said, asker) if "run" in said else known[0] if known else None
    runs = None if run is None else np.array([str(name) for name in frame[run]], dtype=object)
    return LogColumns(asker, steps, rates, labels, runs)


def read_log(table: LogColumns, *, skip_missing: bool = False) -> Log:
    """Check the rows of one run and put them in order.

    Parameters
    ----------
    table : LogColumns
        Rows of one run.
    skip_missing : bool
        Leave rows without a rate out, as logs have them where only a loss was written; else they are an error.

    Raises
    ------
    DataError
        If no row is left, a number is negative or infinite, a step is no whole number, or a step has two rates.
    """
    notes: list[str] = []
    if skip_missing:
        there = ~(np.isnan(table.steps) | np.isnan(table.rates))
        if missing := int(len(there) - there.sum()):
            notes.append(f"{missing:,} {'row' if missing == 1 else 'rows'} without a step or a rate left out")
        table = LogColumns(table.asker, table.steps[there], table.rates[there], table.labels[there])
    _check(table)
    order = np.argsort(table.steps, kind="stable")
    if (np.diff(order) < 0).any():
        notes.append("the rows were not in the order of their steps and have been sorted")
    steps, rates = table.steps[order], table.rates[order]
    repeated = np.diff(steps) == 0
    clash = np.flatnonzero(repeated & (np.diff(rates) != 0))
    if len(clash):
        raise _two_rates(table.asker, steps, rates, int(clash[0]), len(clash))
    if repeated.any():
        count = int(repeated.sum())
        notes.append(f"{count:,} {'row repeats' if count == 1 else 'rows repeat'} a step with the same rate; kept once")
    kept = np.append(True, ~repeated)
    return Log(steps[kept].astype(np.int64), rates[kept], tuple(notes))


def _check(table: LogColumns) -> None:
    for name, numbers in (("step", table.steps), ("lr", table.rates)):
        bad = ~(np.isfinite(numbers) & (numbers >= 0))
        if bad.any():
            raise DataError(
                f"{table.asker}: column {name!r} must be finite and not negative; it is not in "
                f"{rows_text(list(table.labels[bad]))}. Drop rows without a rate: log.dropna(subset=['step', 'lr'])."
            )
    if not len(table.steps):
        raise DataError(f"{table.asker} needs at least one row with a rate; the table has none.")
    broken = table.steps != np.floor(table.steps)
    if broken.any():
        raise DataError(
            f"{table.asker}: column 'step' must hold whole numbers; it does not in "
            f"{rows_text(list(table.labels[broken]))}."
        )


def _two_rates(asker: str, steps: Floats, rates: Floats, at: int, count: int) -> DataError:
    others = "" if count == 1 else f" (and {count - 1:,} more {'step' if count == 2 else 'steps'})"
    return DataError(
        f"{asker}: step {steps[at]:.0f} has two different rates, {rates[at]:g} and {rates[at + 1]:g}{others}: a run "
        "that was resumed, or two runs in one table. Keep one row: log.drop_duplicates('step', keep='last')."
    )


def _find(name: str, names: list[str], said: Mapping[str, str], asker: str) -> str:
    if name in said:
        if said[name] not in names:
            raise ColumnError(
                f"{asker} was told to read {name!r} from a column {said[name]!r}, which is missing; "
                f"the table has {listing(names) or 'no columns'}."
            )
        return said[name]
    there = [alias for alias in (name, *QUANTITIES[name].aliases) if alias in names]
    if not there:
        raise missing_column(name, asker, names)
    if len(there) > 1 and there[0] != name:
        raise ColumnError(
            f"{asker} needs a column {name!r}, and the columns {listing(map(repr, there))} could each be it. "
            f"Say which: columns={{{name!r}: {there[0]!r}}}."
        )
    return there[0]


def _numbers(column: Any, name: str, asker: str) -> Floats:
    try:
        if isinstance(column, pd.Series):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{asker}: column {name!r} must hold numbers.") from None
