"""The compute envelope: the lowest loss that any run has reached with so much compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import (
    Columns,
    Floats,
    Ints,
    check_count,
    find_axis,
    number_runs,
    read_axis,
    read_numbers,
    with_flops,
)
from scalefit.runs.notes import add_note, how_many, sentence


def compute_envelope(
    runs: Any,
    *,
    bins: int | None = 50,
    along: str = "flops",
    target: str = "loss",
    by: str | None = None,
    columns: Columns = None,
) -> pd.DataFrame:
    """Keep the rows on the compute envelope: no row with as little compute has a lower loss.

    Parameters
    ----------
    runs : table
        One row per checkpoint, of runs of many sizes; whatever :func:`read_runs` takes.
    bins : int or None
        Of the rows on the envelope, keep the lowest in each of so many log-spaced bins between the least and the most
        compute of the table; bins without one stay empty. None keeps them all.
    along : str
        ``"flops"`` (6 * params * tokens if absent), ``"tokens"`` or ``"step"``.
    target : str
        What is to be low.
    by : str or None
        A column for an envelope of each of its values, such as ``"family"``; None for one of the whole table.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"loss": "c4_loss"}``.

    Returns
    -------
    DataFrame
        The rows on the envelope, in their order and with their index; sort by ``flops`` to draw them. The last of
        :func:`notes_of` counts.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If no row has a finite loss, or compute is negative.

    Notes
    -----
    The first approach of Hoffmann et al. 2022 (arXiv:2203.15556, section 3.1). The lowest of many noisy losses is too
    low: smooth them first, with :func:`smooth_loss` and ``target="loss_smooth"``. Rows in the middle of a run whose
    learning rate still decays lie above what a run made for that compute would reach.

    Examples
    --------
    >>> runs = pd.DataFrame({"flops": [1e17, 1e18, 1e19, 1e20], "loss": [4.0, 3.0, 3.5, 2.5]})
    >>> compute_envelope(runs).flops.tolist()
    [1e+17, 1e+18, 1e+20]
    """
    if bins is not None:
        bins = check_count("bins", bins, needed_by="compute_envelope", least=1)
    frame, said = with_flops(as_frame(runs), along, needed_by="compute_envelope", columns=columns)
    table = _read(frame, target=target, along=along, by=by, columns=columns)
    frontier = _frontier(table)
    kept = frontier if bins is None else _lowest_of_bins(table, frontier, bins)
    left = len(frame) - len(table.rows)
    told = [
        f"compute_envelope: {how_many(len(frontier), 'row')} of {len(frame)} on the envelope of {target} along {along}",
        f"{len(kept)} kept, at most one in each of {bins} log-spaced bins" if bins is not None else "",
        "" if by is None else f"an envelope for each of {how_many(len(np.unique(table.group)), 'value')} of {by}",
        _shared(frame, by, columns),
        f"{how_many(left, 'row')} without a finite {target} or at {along} 0 left out" if left else "",
        *said,
    ]
    return add_note(frame.iloc[np.sort(table.rows[kept])], sentence(told), after=frame)


@dataclass(frozen=True, eq=False)
class _Points:
    """Usable rows by group, compute and loss: their place in the table, group, compute and loss, (m,) each."""

    rows: Ints
    group: Ints
    along: Floats
    values: Floats


def _read(frame: pd.DataFrame, *, target: str, along: str, by: str | None, columns: Columns) -> _Points:
    who = "compute_envelope"
    if not len(frame):
        raise DataError(f"{who} needs at least one row; the table has none.")
    target_column = find_column(frame, target, needed_by=who, columns=columns)
    along_column = find_axis(frame, along, needed_by=who, columns=columns)
    group, _, _ = number_runs(frame, by, needed_by=who, columns=columns)
    values = read_numbers(frame, target_column, name=target, needed_by=who)
    rows = np.flatnonzero(np.isfinite(values))
    place = read_axis(frame, along_column, rows, name=along, needed_by=who)
    rows, place = rows[place > 0], place[place > 0]
    if not len(rows):
        raise DataError(f"{who}: no row has a finite {target} and a {along} above zero.")
    order = np.lexsort((values[rows], place, group[rows]))
    rows, place = rows[order], place[order]
    return _Points(rows, group[rows], place, values[rows])


def _frontier(table: _Points) -> Ints:
    """Which usable rows have a lower loss than all with as little compute."""
    lowest = pd.Series(table.values).groupby(table.group).cummin().to_numpy()
    new = np.ones(len(table.rows), dtype=np.bool_)
    new[1:] = (np.diff(table.group) != 0) | (table.values[1:] < lowest[:-1])
    return np.flatnonzero(new)


def _lowest_of_bins(table: _Points, frontier: Ints, bins: int) -> Ints:
    """The last row of the frontier in each bin, which is its lowest."""
    logs = np.log(table.along)
    width = max(float(logs.max() - logs.min()), np.finfo(np.float64).tiny)
    number = np.minimum(((logs[frontier] - logs.min()) / width * bins).astype(np.intp), bins - 1)
    group = table.group[frontier]
    last = np.append((np.diff(number) != 0) | (np.diff(group) != 0), True)
    lowest: Ints = frontier[last]
    return lowest


def _shared(frame: pd.DataFrame, by: str | None, columns: Columns) -> str:
    """What is to be said where one envelope is taken of several families."""
    if by is not None or not has_column(frame, "family", columns=columns):
        return ""
    families = frame[find_column(frame, "family", needed_by="compute_envelope", columns=columns)].nunique()
    return f"{families} families share it: by='family' gives one each" if families > 1 else ""
