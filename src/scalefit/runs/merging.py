"""Rows of one run at one step, brought together: those of training with those of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing, not_one_of, rows_text
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.constants import constancy
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import Columns, Ints, Mask, find_axis, number_runs, read_numbers
from scalefit.runs.notes import add_note, how_many, sentence

_WHO = "merge_steps"


def merge_steps(
    runs: Any,
    *,
    by: str | None = "run",
    along: str = "step",
    columns: Columns = None,
    conflicts: str = "error",
    interpolate: Sequence[str] = (),
) -> pd.DataFrame:
    """Make one row of all rows of a run at the same step, such as one of training and one of evaluation.

    Many logs write the loss on held-out text in a row of its own, without the tokens and the learning rate that stand
    in the row of training at that step. Each column takes the one value that is there.

    Parameters
    ----------
    runs : table
        One row per logged row; whatever :func:`read_runs` takes.
    by : str or None
        The column that says which rows are one run; None if all rows are one curve.
    along : str
        Rows of a run that agree in this column are merged. A row without a value of it stays as it is.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"step": "trainer/global_step"}``.
    conflicts : str
        What to do where rows that are merged have different values in one column: ``"error"``, or ``"last"`` to take
        the last one, which is right for a run that was resumed and went over some steps again.
    interpolate : sequence of str
        Counts that grow with ``along``, such as ``["tokens"]``: where they are still missing after the merging, they
        are read on the line between the rows of the run that have them. Nothing is extrapolated.

    Returns
    -------
    DataFrame
        One row for each run and step, in the order and with the index of the first of its rows. The last of
        :func:`notes_of` counts.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If two rows of a run and step differ in a column: the log wrote a step twice, or a column such as the time of
        writing belongs to the row and not to the step. Or if a column of ``interpolate`` falls within a run.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "step": [10, 10], "tokens": [1e6, None], "loss": [None, 3.2]})
    >>> merge_steps(log).values.tolist()
    [['a', 10, 1000000.0, 3.2]]
    """
    if conflicts not in ("error", "last"):
        raise DataError(f"{_WHO}: {not_one_of('conflicts', conflicts, ('error', 'last'))}")
    frame = as_frame(runs)
    if not len(frame):
        raise DataError(f"{_WHO} needs at least one row; the table has none.")
    codes, names, _ = number_runs(frame, by, needed_by=_WHO, columns=columns)
    place = find_axis(frame, along, needed_by=_WHO, columns=columns)
    groups, count = _number_steps(codes, frame[place])
    first = np.unique(groups, return_index=True)[1]
    merged = frame.iloc[first].copy()
    differing: dict[str, int] = {}
    if count < len(frame):
        for name in frame.columns:
            series = _comparable(frame[name])
            found = constancy(series, groups, count)
            rows = found.places
            if found.varies.any():
                if conflicts == "error":
                    raise _conflict(frame, str(name), names[codes], place, groups, found.varies)
                differing[str(name)] = int(found.varies.sum())
                rows = np.where(found.varies, _last_places(series, groups, count), rows)
            merged[name] = frame[name].iloc[rows].set_axis(merged.index)
    merged, filled = _interpolated(merged, interpolate, codes[first], names, place, columns)
    there = np.bincount(groups)[groups] > 1
    differed = listing([f"{name} at {number}" for name, number in differing.items()])
    parts = [
        f"{_WHO}: {how_many(int(there.sum()), 'row')} of the same run and {along} merged into "
        f"{len(np.unique(groups[there]))}; {how_many(count, 'row')} of {len(frame)} left",
        f"different values of one {along}, the last taken: {differed}" if differing else "",
        *filled,
    ]
    return add_note(merged, sentence(parts), after=frame)


def fill_from_steps(
    runs: Any, *, target: str, along: str, by: str | None, columns: Columns
) -> tuple[pd.DataFrame, list[str]]:
    """Fill in what a row lacks and other rows of its run and step know, in all columns but the target.

    Parameters
    ----------
    runs : table
    target, along, by, columns
        As in :func:`scalefit.runs.histories.read_histories`. Steps are read from ``step``; from ``along`` without one.

    Returns
    -------
    frame : DataFrame
        The table; a gap is filled only where the rows of its run and step have one single value, and in ``params``
        also where the whole run has.
    notes : list of str
        What was filled in. Nothing is raised: a table that cannot be read is told so by who reads it.
    """
    frame = as_frame(runs)
    try:
        codes = number_runs(frame, by, needed_by=_WHO, columns=columns)[0]
        axis = "step" if has_column(frame, "step", columns=columns) else along
        place = find_column(frame, axis, needed_by=_WHO, columns=columns)
        never = {place, find_column(frame, target, needed_by=_WHO, columns=columns)}
    except (ColumnError, DataError):
        return frame, []
    groups, count = _number_steps(codes, frame[place])
    notes = []
    if count < len(frame):
        frame, filled = _fill_gaps(frame, groups, count, [name for name in frame.columns if name not in never])
        if filled:
            notes.append(f"{listing(filled)} filled in from rows of the same run and {axis}")
    if len(frame) and along == "flops" and has_column(frame, "params", columns=columns):
        params = find_column(frame, "params", needed_by=_WHO, columns=columns)
        frame, filled = _fill_gaps(frame, codes, int(codes.max()) + 1, [params])
        if filled:
            notes.append(f"{params} filled in from other rows of the run")
    return frame, notes


def check_places(
    frame: pd.DataFrame, *, target: str, along: str, by: str | None, columns: Columns, needed_by: str
) -> None:
    """Refuse rows with a loss that do not say how many tokens it took, and say where those may be had."""
    if along == "flops" and not has_column(frame, "flops", columns=columns):
        along = "tokens"
    if not all(has_column(frame, name, columns=columns) for name in (target, along)):
        return
    column, loss = (find_column(frame, name, needed_by=needed_by, columns=columns) for name in (along, target))
    used = frame[loss].notna().to_numpy()
    gaps = used & frame[column].isna().to_numpy()
    if not gaps.any() or along == "step":
        return
    some = f" Or leave such rows out: runs.dropna(subset=[{column!r}])." if (used & ~gaps).any() else ""
    step = find_column(frame, "step", needed_by=needed_by, columns=columns) if has_column(frame, "step") else None
    extra = f"by={by!r}, " if by != "run" else ""
    if step is None:
        hint = f"Fill {column!r} in."
    elif frame[column].notna().any():
        hint = (
            f"Read it between the rows that have it, on the line over {step!r}: "
            f"runs = sf.merge_steps(runs, {extra}interpolate=[{column!r}])."
        )
    else:
        hint = f"Fill it in from the batch: runs[{column!r}] = runs[{step!r}] * tokens_per_step."
    raise DataError(
        f"{needed_by}: column {column!r} has no value in {rows_text(list(frame.index[gaps]))}, which have "
        f"a {target}, nor in another row of the same run and step. {hint}{some}"
    )


def _number_steps(codes: Ints, steps: pd.Series[Any]) -> tuple[Ints, int]:
    """The number of the run and step of each row, in order of appearance; a row without a step is one by itself."""
    numbers, known = pd.factorize(steps)
    keys = codes.astype(np.int64) * (len(known) + 1) + numbers
    single = numbers < 0
    keys[single] = -1 - np.flatnonzero(single)
    groups, keys_found = pd.factorize(keys)
    return groups.astype(np.intp), len(keys_found)


def _comparable(series: pd.Series[Any]) -> pd.Series[Any]:
    """Values that have a hash: lists and dictionaries as their text."""
    try:
        pd.factorize(series)
    except TypeError:
        return series.map(repr, na_action="ignore")
    return series


def _last_places(series: pd.Series[Any], groups: Ints, count: int) -> Ints:
    """The last row of each group that has a value."""
    places = np.zeros(count, dtype=np.intp)
    present = np.flatnonzero(series.notna().to_numpy())
    places[groups[present]] = present  # of several rows of a group, the assignment leaves the last
    return places


def _fill_gaps(frame: pd.DataFrame, groups: Ints, count: int, names: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Gaps in some columns filled in where the group has one single value, and the columns where that happened."""
    filled: dict[str, Any] = {}
    for name in names:
        gaps = frame[name].isna().to_numpy()
        if not gaps.any() or gaps.all():
            continue
        found = constancy(_comparable(frame[name]), groups, count)
        values = frame[name].iloc[found.places[groups]].set_axis(frame.index)
        usable = gaps & ~found.varies[groups] & values.notna().to_numpy()
        if usable.any():
            filled[name] = frame[name].where(~usable, values)
    return (frame.assign(**filled) if filled else frame), [str(name) for name in filled]


def _conflict(
    frame: pd.DataFrame, name: str, run: npt.NDArray[Any], place: str, groups: Ints, varies: Mask
) -> DataError:
    """The error for two values of one column at one step of a run."""
    series = frame[name]
    rows = np.flatnonzero((groups == np.flatnonzero(varies)[0]) & series.notna().to_numpy())
    values = list(dict.fromkeys(_comparable(series.iloc[rows])))
    number = int(varies.sum())
    more = f" The same at {how_many(number - 1, 'more step')}." if number > 1 else ""
    return DataError(
        f"{_WHO}: {rows_text(list(frame.index[rows]))} of run {run[rows[0]]} at {place} {frame[place].iloc[rows[0]]} "
        f"have different values of {name!r}: {values[0]} and {values[1]}.{more} Pass conflicts='last' to take the last "
        f"one, as for a run that was resumed; or leave the column out: runs.drop(columns=[{name!r}])."
    )


def _interpolated(
    frame: pd.DataFrame, names: Sequence[str], codes: Ints, runs: npt.NDArray[Any], place: str, columns: Columns
) -> tuple[pd.DataFrame, list[str]]:
    """Counts read on the line between the rows that have them, and what is to be said."""
    if isinstance(names, str):
        raise DataError(f"{_WHO}: interpolate takes names in a list: interpolate=[{names!r}].")
    notes = []
    for name in names:
        column = find_column(frame, name, needed_by=_WHO, columns=columns)
        steps = read_numbers(frame, place, name=place, needed_by=_WHO)
        values = read_numbers(frame, column, name=name, needed_by=_WHO).copy()
        before = np.isnan(values)
        for code, rows in enumerate(np.split(np.argsort(codes, kind="stable"), np.bincount(codes).cumsum()[:-1])):
            known = rows[np.isfinite(values[rows]) & np.isfinite(steps[rows])]
            known = known[np.argsort(steps[known], kind="stable")]
            if (np.diff(values[known]) < 0).any():
                raise DataError(
                    f"{_WHO}: {column!r} falls along {place!r} in run {runs[code]!s}; interpolate= is for counts that "
                    f"grow, such as tokens."
                )
            gaps = rows[before[rows] & np.isfinite(steps[rows])]
            if len(known):
                values[gaps] = np.interp(steps[gaps], steps[known], values[known], left=np.nan, right=np.nan)
        left, number = int(np.isnan(values).sum()), int(before.sum() - np.isnan(values).sum())
        frame = frame.assign(**{column: values}) if number else frame
        outside = f", {how_many(left, 'row')} outside of them left missing" if left else ""
        notes.append(f"{column} of {how_many(number, 'row')} linear in {place} between rows that have it{outside}")
    return frame, notes
