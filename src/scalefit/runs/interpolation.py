"""The loss of a run between two of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing, rows_text
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.constants import append_flops, constant_columns
from scalefit.runs.histories import (
    Columns,
    Floats,
    Histories,
    Ints,
    Mask,
    check_number,
    log_positive,
    read_axis,
    read_histories,
    read_numbers,
)
from scalefit.runs.merging import check_places, fill_from_steps
from scalefit.runs.notes import a_few, add_note, how_many, sentence
from scalefit.runs.windows import search_within

_AXES = ("step", "tokens", "flops")


def interpolate_losses(
    runs: Any,
    at: float | Sequence[float] | pd.DataFrame,
    *,
    along: str = "tokens",
    target: str = "loss",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Read the loss of each run at given tokens, FLOP or steps, between the rows of its log.

    The log of the loss is linear in the log of ``along`` between two neighbouring rows. Outside the range of a run the
    loss is NaN: nothing is extrapolated. What the row of a loss lacks, such as its tokens, is taken from other rows of
    the same run and step, where they have one single value.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    at : number, sequence of numbers or DataFrame
        Where to read every run; or a table with the column of the runs and a column ``along``, one row a point.
    along : str
        ``"tokens"``, ``"flops"`` (6 * params * tokens if absent) or ``"step"``.
    target : str
        What to read; above zero.
    by : str or None
        The column that says which rows are one run; None if all rows are one curve.
    columns : mapping of known name to column, optional
        Where to read a quantity in ``runs``, such as ``{"loss": "c4_loss"}``.
    duplicates : str
        What to do with several rows of a run at one place: ``"error"``, or ``"last"`` to use the last of them.

    Returns
    -------
    DataFrame
        One row for each run and number, with the columns that are constant in every run, ``along``, the others of
        ``step``, ``tokens`` and ``flops`` (interpolated linearly), and the loss. Where ``at`` is a table: its rows,
        order and index, with those columns appended. The last of :func:`notes_of` counts points outside the range of
        their run, and says how wide the widest gap is.

    Raises
    ------
    ColumnError
        If a column is missing, or ``at`` already has the loss.
    DataError
        If a number is not above zero, ``at`` names an unknown run, or a run has two rows at one place; or if rows with
        a loss have no tokens, which stand at other steps: see ``interpolate`` of :func:`merge_steps`.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "tokens": [1e6, 4e6], "loss": [4.0, 1.0]})
    >>> interpolate_losses(log, [2e6, 8e6]).round(6).values.tolist()
    [['a', 2000000.0, 2.0], ['a', 8000000.0, nan]]
    """
    who = "interpolate_losses"
    frame, filled = fill_from_steps(runs, target=target, along=along, by=by, columns=columns)
    check_places(frame, target=target, along=along, by=by, columns=columns, needed_by=who)
    histories = read_histories(
        frame, needed_by=who, target=target, along=along, by=by, columns=columns, duplicates=duplicates
    )
    histories = above_zero(histories, needed_by=who)
    logs = log_positive(histories, needed_by=who)
    points, run, wanted = _points(histories, at)
    between = find_neighbours(histories, run, wanted)
    constant, varying = constant_columns(
        histories.frame, histories.codes, len(histories.names), without=_interpolated(histories, columns)
    )
    appended = {str(name): constant[name].iloc[run].to_numpy() for name in constant if name not in points.columns}
    if histories.run_column is not None:
        appended.pop(histories.run_column, None)
    axes = {
        name: between.linear(values) for name, values in other_axes(histories, columns).items() if name not in points
    }
    loss = between.loss(histories.values, logs)
    table = points.assign(**(appended | axes | {histories.target_column: loss}))
    table, derived = append_flops(table, columns=columns)
    left = [name for name in varying if name not in table.columns]
    said = [
        f"{who}: log {target} linear in log {along} between neighbouring rows, at {how_many(len(wanted), 'point')} of "
        f"{how_many(len(np.unique(run)), 'run')}",
        _outside(histories, run, wanted, between.inside),
        f"the widest gap is a factor {between.gap:.3g} in {along}" if between.gap > 1 else "",
        f"columns that vary within a run left out: {listing(left)}" if left else "",
        derived,
        *filled,
    ]
    return add_note(table, sentence([*said, *histories.notes]), after=histories.frame)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The two used rows between which each point lies: (q,) each.

    Attributes
    ----------
    left, right : array of int
        The same row where a point lies on one, and where it lies outside the range of its run.
    in_log, in_line : array of float
        How far a point lies from the left to the right, in the log of ``along`` and in ``along``.
    inside : array of bool
        Whether the run reaches the point.
    gap : float
        The largest ratio of right to left; 1 where every point lies on a row.
    """

    left: Ints
    right: Ints
    in_log: Floats
    in_line: Floats
    inside: Mask
    gap: float

    def linear(self, values: Floats) -> Floats:
        """Numbers of the used rows at the points, linear in ``along``; NaN outside."""
        there = np.where(
            self.in_line == 0,
            values[self.left],
            values[self.left] + self.in_line * (values[self.right] - values[self.left]),
        )
        return np.where(self.inside, there, np.nan)

    def loss(self, values: Floats, logs: Floats) -> Floats:
        """The loss at the points: of a row right there, else log-linear; NaN outside."""
        there = np.exp(logs[self.left] + self.in_log * (logs[self.right] - logs[self.left]))
        return np.where(self.inside, np.where(self.in_log == 0, values[self.left], there), np.nan)


def find_neighbours(histories: Histories, run: Ints, wanted: Floats) -> Neighbours:
    """Find where points lie in the histories of their runs.

    Parameters
    ----------
    histories : Histories
        With ``along`` above zero.
    run : array of int (q,)
        The run of each point.
    wanted : array (q,)
        Where it lies along it.
    """
    along, start, stop = histories.along, histories.bounds[run], histories.bounds[run + 1]
    right = search_within(along, start, stop, wanted)
    there = right < stop
    right = np.minimum(right, len(along) - 1)
    exact = there & (along[right] == wanted)
    inside = exact | (there & (right > start))
    left = np.where(inside & ~exact, right - 1, right)
    low, high = along[left], along[right]
    step = np.where(inside & ~exact, high - low, 1.0)
    in_line = np.where(inside & ~exact, (wanted - low) / step, 0.0)
    in_log = np.where(inside & ~exact, np.log(np.where(inside, wanted, 1.0) / np.where(inside, low, 1.0)), 0.0)
    in_log /= np.where(inside & ~exact, np.log(high / low), 1.0)
    return Neighbours(left, right, in_log, in_line, inside, float((high / low).max(initial=1.0)))


def above_zero(histories: Histories, *, needed_by: str) -> Histories:
    """Without the rows at zero, which have no log; at least one row must be left."""
    at_zero = histories.along <= 0
    if not at_zero.any():
        return histories
    if at_zero.all():
        raise DataError(f"{needed_by}: no row with a {histories.target_name} has a {histories.along_name} above zero.")
    return histories.kept(~at_zero, f"{how_many(int(at_zero.sum()), 'row')} at {histories.along_name} 0 left out")


def other_axes(histories: Histories, columns: Columns) -> dict[str, Floats]:
    """The columns of step, tokens and flops besides the one that orders the rows, of the used rows: (m,) each."""
    axes = {}
    for name in _AXES:
        if has_column(histories.frame, name, columns=columns):
            column = find_column(histories.frame, name, needed_by="interpolate_losses", columns=columns)
            if column not in (histories.along_column, histories.target_column):
                numbers = read_numbers(histories.frame, column, name=name, needed_by="interpolate_losses")
                axes[column] = numbers[histories.rows]
    return axes


def _interpolated(histories: Histories, columns: Columns) -> list[str]:
    return [*other_axes(histories, columns), histories.along_column, histories.target_column]


def _points(histories: Histories, at: Any) -> tuple[pd.DataFrame, Ints, Floats]:
    """The table of points, the run of each and where along it it lies."""
    if isinstance(at, pd.DataFrame):
        return _points_of_table(histories, at)
    numbers = [at] if np.ndim(at) == 0 else list(at)
    wanted = np.array([check_number("at", number, needed_by="interpolate_losses", above=0) for number in numbers])
    if not len(wanted):
        raise DataError("interpolate_losses: at has no number. Such as at=[1e9, 2e9].")
    run = np.repeat(np.arange(len(histories.names)), len(wanted))
    points: dict[str, Any] = {}
    if histories.run_column is not None:
        points[histories.run_column] = (
            histories.frame[histories.run_column].iloc[_a_row_of_each(histories)].to_numpy()[run]
        )
    wanted = np.tile(wanted, len(histories.names))
    return pd.DataFrame(points | {histories.along_column: wanted}), run, wanted


def _a_row_of_each(histories: Histories) -> Ints:
    return np.unique(histories.codes, return_index=True)[1]


def _points_of_table(histories: Histories, at: pd.DataFrame) -> tuple[pd.DataFrame, Ints, Floats]:
    """Points given as a table with a run and a place each."""
    no_reserved_columns(at, (histories.target_column,), needed_by="interpolate_losses")
    needed = [name for name in (histories.run_column, histories.along_column) if name is not None]
    missing = [name for name in needed if name not in at.columns]
    if missing:
        raise ColumnError(
            f"interpolate_losses: the table at= needs {listing(map(repr, needed))}; it has {listing(at)}."
        )
    rows = np.arange(len(at))
    wanted = read_axis(at, histories.along_column, rows, name=histories.along_name, needed_by="interpolate_losses")
    if histories.run_column is None:
        return at, np.zeros(len(at), dtype=np.intp), wanted
    run = pd.Index(histories.names).get_indexer(pd.Index(at[histories.run_column].astype(object)))
    unknown = at.index[run < 0]
    if len(unknown):
        names = listing(at[histories.run_column][run < 0].unique()[:3])
        raise DataError(f"interpolate_losses: {rows_text(list(unknown))} of at= is of no run in the table: {names}.")
    return at, run.astype(np.intp), wanted


def _outside(histories: Histories, run: Ints, wanted: Floats, inside: Mask) -> str:
    """What is to be said of points that their run does not reach."""
    if inside.all():
        return ""
    ends = np.where(histories.counts > 0, histories.along[histories.ends], 0.0)[run]
    close = ~inside & (wanted > ends) & (wanted <= 1.01 * ends)
    little = f", {int(close.sum())} of them by less than 1 %" if close.any() else ""
    runs = a_few(histories.names[np.unique(run[~inside])])
    return f"{how_many(int((~inside).sum()), 'point')} outside the range of the run{little}, NaN: {runs}"
