"""IsoFLOP slices: the loss of each size of model at the same budgets of compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.constants import constancy, constant_columns
from scalefit.runs.histories import Columns, Floats, Histories, Ints, check_number, log_positive, read_histories
from scalefit.runs.interpolation import Neighbours, above_zero, find_neighbours, other_axes
from scalefit.runs.merging import check_places, fill_from_steps
from scalefit.runs.notes import a_few, add_note, how_many, sentence

_WHO = "slice_isoflops"


def slice_isoflops(
    runs: Any,
    budgets: float | Sequence[float],
    *,
    tolerance: float = 0.05,
    target: str = "loss",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Read the loss of each size of model at the same budgets of compute, for an IsoFLOP analysis.

    For each budget and each size (each ``params``, of each ``family`` if that column is there), the run that ends
    nearest to the budget is read at its last row, if it ends within ``tolerance``. Else the shortest run that goes past
    the budget is interpolated there, as in :func:`interpolate_losses`. Runs that end at the same compute, such as those
    of several seeds, are averaged. A size that reaches a budget in neither way has no row there, and is counted. What
    the row of a loss lacks is taken from other rows of the same run and step, where they have one single value.

    Parameters
    ----------
    runs : table
        One row per checkpoint, or one per run; whatever :func:`read_runs` takes. ``flops`` is 6 * params * tokens if
        absent.
    budgets : number or sequence of numbers, > 0
        In FLOP.
    tolerance : float in [0, 1)
        How far from a budget a run may end and still be read at its last row: 0.05 is five per cent.
    target : str
        What to read; above zero.
    by : str or None
        The column that says which rows are one run; None if all rows are.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"loss": "c4_loss"}``.
    duplicates : str
        What to do with several rows of a run at one compute: ``"error"``, or ``"last"`` to use the last of them.

    Returns
    -------
    DataFrame
        One row for each budget and size: the columns that are constant in every run (missing where the runs that were
        averaged differ, such as ``seed``); ``flop_budget``; ``flops``, the budget where the run was interpolated, else
        where it ends; ``step`` and ``tokens`` there, if the table has them; the loss; ``read``, ``"last row"`` or
        ``"interpolated"``; ``runs_used``. The last of :func:`notes_of` counts the sizes at each budget.

    Raises
    ------
    ColumnError
        If a column is missing, or changes within a run and must not.
    DataError
        If a budget is not above zero, or no size reaches any budget.

    Notes
    -----
    The second approach of Hoffmann et al. 2022 (arXiv:2203.15556, section 3.2), where every run is made for its budget.
    A loss that is interpolated in the middle of a run lies above that of a run made for the budget, unless the learning
    rate is constant.

    Examples
    --------
    >>> runs = pd.DataFrame({"run": ["a", "b"], "params": [1e6, 2e6], "flops": [1e15, 1.02e15], "loss": [3.0, 2.9]})
    >>> slice_isoflops(runs, 1e15)[["params", "flop_budget", "loss", "read"]].values.tolist()
    [[1000000.0, 1000000000000000.0, 3.0, 'last row'], [2000000.0, 1000000000000000.0, 2.9, 'last row']]
    """
    if tolerance != 0:
        tolerance = check_number("tolerance", tolerance, needed_by=_WHO, above=0, below=1, example="tolerance=0.05")
    given = [budgets] if np.ndim(budgets) == 0 else list(budgets)  # type: ignore[arg-type]
    wanted = np.unique([check_number("budgets", number, needed_by=_WHO, above=0) for number in given])
    if not len(wanted):
        raise DataError(f"{_WHO}: budgets has no number. Such as budgets=[1e18, 1e19].")
    frame, filled = fill_from_steps(runs, target=target, along="flops", by=by, columns=columns)
    check_places(frame, target=target, along="flops", by=by, columns=columns, needed_by=_WHO)
    read = read_histories(
        frame, needed_by=_WHO, target=target, along="flops", by=by, columns=columns, duplicates=duplicates
    )
    histories = above_zero(read, needed_by=_WHO)
    no_reserved_columns(histories.frame, ("flop_budget", "read", "runs_used"), needed_by=_WHO)
    axes = other_axes(histories, columns)
    skipped = [*axes, histories.along_column, histories.target_column]
    constant, varying = constant_columns(histories.frame, histories.codes, len(histories.names), without=skipped)
    sizes, count = _number_sizes(constant, columns, histories)
    chosen = _choose(histories, wanted, sizes, count, tolerance)
    if not len(chosen):
        raise DataError(f"{_WHO}: no run reaches {listing([f'{budget:g}' for budget in wanted], last='or')} FLOP.")
    table = _read(histories, chosen, axes, constant)
    slices = _one_row_a_size(table, chosen, sizes, histories)
    told = [
        _told(slices, wanted, count),
        f"columns that vary within a run left out: {listing(varying)}" if varying else "",
        *filled,
    ]
    return add_note(slices, sentence([*told, *histories.notes]), after=histories.frame)


def _number_sizes(constant: pd.DataFrame, columns: Columns, histories: Histories) -> tuple[Ints, int]:
    """The number of the size of each run (r,), and how many sizes there are."""
    keys = []
    for name in ("params", "family"):
        if name == "family" and not has_column(histories.frame, name, columns=columns):
            continue
        column = find_column(histories.frame, name, needed_by=_WHO, columns=columns)
        if column not in constant:
            raise ColumnError(f"{_WHO}: column {column!r} changes within a run; it must be the same in all its rows.")
        keys.append(column)
    groups = np.asarray(constant.groupby(keys, dropna=False, observed=True, sort=False).ngroup(), dtype=np.intp)
    return groups, int(groups.max()) + 1


def _choose(histories: Histories, wanted: Floats, sizes: Ints, count: int, tolerance: float) -> pd.DataFrame:
    """Which runs are read at which budget: columns ``run``, ``budget`` and ``last``, whether at the last row."""
    used = histories.counts > 0
    begin = np.where(used, histories.along[np.minimum(histories.bounds[:-1], len(histories.along) - 1)], np.inf)
    end = np.where(used, histories.along[histories.ends], 0.0)
    choices = []
    for budget in wanted:
        near = np.abs(end / budget - 1) <= tolerance
        reaches = (begin <= budget) & (budget <= end)
        with np.errstate(divide="ignore"):
            distance = np.abs(np.log(end / budget))
        # Any run that ends near the budget is better than all that go past it.
        score = np.where(near, distance, np.where(reaches, 1e6 + distance, np.inf))
        best = np.full(count, np.inf)
        np.minimum.at(best, sizes, score)
        run = np.flatnonzero(np.isfinite(score) & (score <= best[sizes] + 1e-9))
        choices.append(pd.DataFrame({"run": run, "budget": budget, "last": near[run]}))
    return pd.concat(choices, ignore_index=True)


def _read(histories: Histories, chosen: pd.DataFrame, axes: dict[str, Floats], constant: pd.DataFrame) -> pd.DataFrame:
    """The runs that were chosen, each read at its budget: one row a choice."""
    run, budget = chosen["run"].to_numpy(), chosen["budget"].to_numpy()
    where = np.where(chosen["last"], histories.along[histories.ends[run]], budget)
    between: Neighbours = find_neighbours(histories, run, where)
    table = constant.iloc[run].reset_index(drop=True).assign(flop_budget=budget)
    table[histories.along_column] = where
    for name, values in axes.items():
        table[name] = between.linear(values)
    table[histories.target_column] = between.loss(histories.values, log_positive(histories, needed_by=_WHO))
    return table


def _one_row_a_size(table: pd.DataFrame, chosen: pd.DataFrame, sizes: Ints, histories: Histories) -> pd.DataFrame:
    """Runs of one size at one budget as one row: the mean of the loss, and what they have in common."""
    size = sizes[chosen["run"].to_numpy()]
    cells = pd.DataFrame({"budget": chosen["budget"], "size": size}).groupby(["budget", "size"], sort=True).ngroup()
    group: Ints = np.asarray(cells, dtype=np.intp)
    count = int(group.max()) + 1
    columns: dict[str, Any] = {}
    for name in table.columns:
        found = constancy(table[name], group, count)
        values = table[name].iloc[found.places].reset_index(drop=True)
        columns[name] = values.where(~found.varies) if found.varies.any() else values
    mean = table[histories.target_column].groupby(group).mean().to_numpy()
    columns[histories.target_column] = mean
    one = pd.DataFrame(columns)
    last = np.zeros(count, dtype=np.bool_)
    last[group] = chosen["last"].to_numpy()
    return one.assign(read=np.where(last, "last row", "interpolated"), runs_used=np.bincount(group))


def _told(slices: pd.DataFrame, wanted: Floats, count: int) -> str:
    """How many sizes there are at each budget, in words."""
    reached = slices["flop_budget"].value_counts()
    numbers = [(budget, int(reached.get(budget, 0))) for budget in wanted]
    missed = [f"{count - number} of {count} at {budget:g}" for budget, number in numbers if number < count]
    interpolated = int((slices["read"] == "interpolated").sum())
    parts = [
        f"{_WHO}: {how_many(len(slices), 'row')}, {how_many(count, 'size')} at {how_many(len(wanted), 'budget')}",
        f"sizes that do not reach a budget: {a_few(missed, shown=10)}" if missed else "",
        f"{how_many(interpolated, 'row')} interpolated in the middle of a run" if interpolated else "",
    ]
    return sentence(parts)
