"""Long logs made short: a few hundred rows a run, evenly spaced in the log of the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from scalefit.errors import DataError, not_one_of
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.histories import Columns, Floats, Histories, Ints, Mask, check_count, read_histories
from scalefit.runs.notes import add_note, how_many, sentence
from scalefit.runs.windows import search_within

_METHODS = ("pick", "mean")


def thin_log(
    runs: Any,
    *,
    points: int = 200,
    method: str = "pick",
    target: str | None = "loss",
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Thin long logs to rows evenly spaced in the log of the step; the first and the last row of a run always stay.

    Neither method looks at the loss when it chooses, so that neither favours low or high ones.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    points : int, at least 2 (3 for ``"mean"``)
        The most rows that a run keeps. Runs of no more rows are kept as they are.
    method : str
        ``"pick"``: keep the row nearest to each of ``points`` log-spaced steps; fewer rows stay where several steps
        share one. ``"mean"``: between the first and the last row, one row for each of ``points - 2`` log-spaced bins
        that is not empty: the mean of the numbers in it, which also averages out noise.
    target : str or None
        Rows without it are left out, and counted; None to look at all rows.
    along : str
        What orders the rows of a run: ``"step"``, ``"tokens"`` or ``"flops"`` (6 * params * tokens if absent).
    by : str or None
        The column that says which rows are one run; None if all rows are one curve.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"loss": "c4_loss"}``.
    duplicates : str
        What to do with several rows of a run at one step: ``"error"``, or ``"last"`` to use the last of them.

    Returns
    -------
    DataFrame
        Fewer rows, in their order and with their index. For ``"mean"``: the last row of each bin, its numbers replaced
        by means (missing ones left out; a number that is the same throughout stays exactly so, as do text and truth
        values), and ``rows_used`` appended. The last of :func:`notes_of` counts.

    Raises
    ------
    ColumnError
        If a column is missing, or the table already has ``rows_used``.
    DataError
        If the method is unknown, ``points`` is too small, or a run has two rows at one step.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "step": range(1, 10001), "loss": 3.0})
    >>> thin_log(log, points=5).step.tolist()
    [1, 10, 100, 1000, 10000]
    """
    if method not in _METHODS:
        raise DataError(f"thin_log: {not_one_of('method', method, _METHODS)}")
    points = check_count("points", points, needed_by="thin_log", least=2 if method == "pick" else 3)
    histories = read_histories(
        runs,
        needed_by="thin_log",
        target=along if target is None else target,
        along=along,
        by=by,
        columns=columns,
        duplicates=duplicates,
    )
    rule = f"at most {points} log-spaced rows of each of {how_many(len(histories.names), 'run')}"
    if method == "pick":
        kept = histories.spread(_picked(histories, points), False)
        thin = histories.frame[kept]
        rule = f"thin_log: {rule} picked by {along} alone"
    else:
        no_reserved_columns(histories.frame, ("rows_used",), needed_by="thin_log")
        thin = _averaged(histories, points)
        rule = f"thin_log: {rule}, each the mean of a bin in {along}, but for the first and the last"
    counts = f"{len(thin)} of {how_many(len(histories.frame), 'row')} left"
    return add_note(thin, sentence([rule, counts, *histories.notes]), after=histories.frame)


def _places(histories: Histories) -> tuple[Floats, Floats, Floats]:
    """The log of ``along`` (m,), and where the log spacing of each run begins and ends: (r,) each.

    A row at zero has no log: it is a first row, and stays; the spacing begins at the row after it.
    """
    logs = np.full(len(histories.along), -np.inf)
    np.log(histories.along, where=histories.along > 0, out=logs)
    begin = np.minimum(histories.bounds[:-1], len(logs) - 1)
    second = np.minimum(begin + 1, histories.ends)
    low = np.where(np.isinf(logs[begin]), logs[second], logs[begin])
    low, high = (np.where(np.isinf(bound), 0.0, bound) for bound in (low, logs[histories.ends]))
    return logs, low, high


def _picked(histories: Histories, points: int) -> Mask:
    """The used rows that stay: (m,)."""
    logs, low, high = _places(histories)
    long = np.flatnonzero(histories.counts > points)
    kept = (histories.counts <= points)[histories.run]
    kept[histories.bounds[long]] = kept[histories.ends[long]] = True
    # The row at zero, where there is one, is a point of its own.
    begin = histories.bounds[long] + np.isinf(logs[histories.bounds[long]])
    share = np.linspace(0.0, 1.0, points)[1:-1]
    if points == 2 or not len(long):
        return kept
    wanted = (low[long, None] + (high - low)[long, None] * share).ravel()
    start = np.repeat(begin, len(share))
    stop = np.repeat(histories.bounds[long + 1], len(share))
    right = np.minimum(search_within(logs, start, stop, wanted), stop - 1)
    left = np.maximum(right - 1, start)
    kept[np.where(wanted - logs[left] < logs[right] - wanted, left, right)] = True
    return kept


def _averaged(histories: Histories, points: int) -> pd.DataFrame:
    """One row a bin: (b,)."""
    starts, ends = _bins(histories, points)
    table = histories.frame.iloc[histories.rows[ends]]
    averages: dict[str, Any] = {"rows_used": ends + 1 - starts}
    read = {histories.target_column: histories.values, histories.along_column: histories.along}
    for name in histories.frame.columns:
        kind = histories.frame[name].dtype
        if name not in read and types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind):
            read[name] = histories.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)[histories.rows]
    for name, numbers in read.items():
        averages[name] = _replaced(table[name], *bin_means(numbers, starts))
    order = np.argsort(histories.rows[ends], kind="stable")
    return table.assign(**averages).iloc[order]


def _bins(histories: Histories, points: int) -> tuple[Ints, Ints]:
    """The first and the last used row of each bin; first and last rows of runs, and short runs, are bins of one row."""
    logs, low, high = _places(histories)
    width = np.where(high > low, high - low, 1.0)
    place = (logs - low[histories.run]) / width[histories.run]  # 0 to 1 along the run
    bins = np.clip(np.where(np.isfinite(place), place, 0.0) * (points - 2), 0, points - 3).astype(np.intp)
    row = np.arange(len(logs))
    ends_of_run = (row == histories.first) | (row == histories.last)
    alone = ends_of_run | (histories.counts <= points)[histories.run]
    new = np.ones(len(logs), dtype=np.bool_)
    new[1:] = (np.diff(histories.run) != 0) | (np.diff(bins) != 0) | alone[1:] | alone[:-1]
    starts = np.flatnonzero(new)
    return starts, np.append(starts[1:], len(logs)) - 1


def bin_means(numbers: Floats, starts: Ints) -> tuple[Floats, Mask]:
    """The mean of each stretch of numbers, NaN left out, and whether it differs from all of them.

    Parameters
    ----------
    numbers : array (m,)
    starts : array (b,)
        Where each stretch begins.
    """
    there = ~np.isnan(numbers)
    counts = np.add.reduceat(there.astype(np.float64), starts)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.add.reduceat(np.where(there, numbers, 0.0), starts)
    lowest = np.fmin.reduceat(numbers, starts)
    changed = lowest != np.fmax.reduceat(numbers, starts)
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
    return np.where(changed, means, lowest), changed & (counts > 0)


def _replaced(column: pd.Series[Any], means: Floats, changed: Mask) -> pd.Series[Any] | npt.NDArray[Any]:
    """The column as it is where nothing changes, so that whole numbers stay whole; else the means."""
    gaps = column.isna().to_numpy() & ~np.isnan(means)
    return means if (changed | gaps).any() else column
