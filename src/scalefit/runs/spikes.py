"""Rows at which the loss jumps above its course, marked and not dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.histories import (
    Columns,
    Floats,
    Histories,
    Mask,
    check_count,
    check_number,
    log_positive,
    read_histories,
)
from scalefit.runs.notes import a_few, add_note, how_many, sentence
from scalefit.runs.windows import wide_windows, window_medians

#: The median of the absolute deviations of normal numbers is their standard deviation over this.
MAD_TO_SIGMA = 1.482602218505602
#: The scatter is estimated over at least so many rows, where a run has them. Of normal noise over 25 rows, one in 180
#: estimates is less than half of what it should be; over 101, none in a million.
_SCATTER_ROWS = 101


def find_spikes(
    runs: Any,
    *,
    threshold: float = 6.0,
    rise: float = 0.01,
    ratio: float = 1.5,
    window: int = 15,
    target: str = "loss",
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Mark the rows at which the loss jumps above its course; nothing is dropped.

    A row is a spike if the log of its loss is above the running median of its run by more than ``threshold`` times the
    usual scatter around it, and by more than ``rise``.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    threshold : float > 0
        In standard deviations: 1.4826 times the median absolute deviation from the running median, or from lines
        through the neighbours of each row, whichever is larger.
    rise : float > 0
        The least share of the loss that is called a spike: 0.01 is one per cent.
    ratio : float > 1
        The running median reaches back to x / sqrt(ratio), where x is the step, and over as many rows ahead.
    window : int, at least 5
        The fewest rows of a running median, itself included. The first ``window // 2`` rows of a run are not judged.
    target : str
        What to look at; above zero.
    along : str
        What orders the rows of a run: ``"step"``, ``"tokens"`` or ``"flops"`` (6 * params * tokens if absent).
    by : str or None
        The column that says which rows are one run; None if all rows are one curve.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"loss": "c4_loss"}``.
    duplicates : str
        What to do with several rows of a run at one step: ``"error"``, or ``"last"`` to look at the last of them.

    Returns
    -------
    DataFrame
        The same rows, order and index, with a truth value ``spike`` appended; False where there is no finite loss, for
        which see :func:`find_divergence`. The last of :func:`notes_of` counts the spikes and names the largest.

    Raises
    ------
    ColumnError
        If a column is missing, or the table already has ``spike``.
    DataError
        If a loss is zero or negative, or a run has two rows at one step.

    Notes
    -----
    The rule is Hampel's identifier (Davies and Gather 1993, doi:10.1080/01621459.1993.10476339), with windows that
    widen with the step. A jump that lasts longer than half a window is taken for the course of the run: it is then a
    divergence or a change of the data. The scatter is that of at least 101 rows around, where a run has them. Runs of
    fewer than ``window`` rows are not judged at all.

    Examples
    --------
    >>> steps = np.arange(1, 101)
    >>> log = pd.DataFrame({"run": "a", "step": steps, "loss": 3 * steps**-0.1})
    >>> log.loc[59, "loss"] *= 1.2
    >>> found = find_spikes(log)
    >>> found[found.spike].step.tolist()
    [60]
    """
    threshold = check_number("threshold", threshold, needed_by="find_spikes", above=0)
    rise = check_number("rise", rise, needed_by="find_spikes", above=0)
    ratio = check_number("ratio", ratio, needed_by="find_spikes", above=1)
    window = check_count("window", window, needed_by="find_spikes", least=5)
    histories = read_histories(
        runs, needed_by="find_spikes", target=target, along=along, by=by, columns=columns, duplicates=duplicates
    )
    no_reserved_columns(histories.frame, ("spike",), needed_by="find_spikes")
    above, scatter = _residuals(histories, log_positive(histories, needed_by="find_spikes"), ratio, window)
    spike = (above > threshold * scatter) & (above > np.log1p(rise))
    rule = f"above the running median by {threshold:g} standard deviations and {rise:.2g} of the loss"
    frame = histories.frame.assign(spike=histories.spread(spike, False))
    return add_note(frame, sentence([*_told(histories, spike, above, window, rule), *histories.notes]))


def _residuals(histories: Histories, logs: Floats, ratio: float, window: int) -> tuple[Floats, Floats]:
    """How far each row lies above the running median (NaN if not judged), and the scatter, in logs: (m,) each."""
    first, last, place = histories.first, histories.last, np.arange(len(logs))
    start, stop = wide_windows(histories.along, first, last, ratio=ratio, rows=window)
    above = logs - window_medians(logs, start, stop)
    # The first rows are nearly medians of themselves: their residuals say nothing of the scatter.
    above[(place - first < window // 2) | (histories.counts < window)[histories.run]] = np.nan
    # Residuals have no slope, so the window of their scatter may be cut off on one side.
    around = np.clip(place - _SCATTER_ROWS // 2, first, np.maximum(first, last + 1 - _SCATTER_ROWS))
    windows = np.minimum(start, around), np.maximum(stop, np.minimum(around + _SCATTER_ROWS, last + 1))
    scatters = [window_medians(np.abs(part), *windows) for part in (above, _bends(histories, logs))]
    return above, MAD_TO_SIGMA * np.fmax(*scatters)


def _bends(histories: Histories, logs: Floats) -> Floats:
    """How far each row lies off the line through its two neighbours, as large as the scatter of one row: (m,).

    Where a loss falls by more than its scatter from row to row, each row is the median of its window, and the residuals
    are far too small. Lines have no such fault.
    """
    bends = np.full(len(logs), np.nan)
    middle = np.flatnonzero((histories.along > 0) & (np.arange(len(logs)) > histories.first))
    middle = middle[(middle < histories.last[middle]) & (histories.along[middle - 1] > 0)]
    before, here, after = (np.log(histories.along[middle + shift]) for shift in (-1, 0, 1))
    right = (here - before) / (after - before)
    line = logs[middle - 1] * (1 - right) + logs[middle + 1] * right
    bends[middle] = (logs[middle] - line) / np.sqrt(1 + right**2 + (1 - right) ** 2)
    return bends


def _told(histories: Histories, spike: Mask, above: Floats, window: int, rule: str) -> list[str]:
    """What was found, in words."""
    unjudged = histories.name_runs((histories.counts > 0) & (histories.counts < window))
    parts = [
        f"find_spikes: {how_many(int(spike.sum()), 'row')} of {len(histories.frame)} in "
        f"{len(np.unique(histories.run[spike]))} of {how_many(len(histories.names), 'run')} {rule}"
    ]
    if spike.any():
        worst = int(np.argmax(np.where(spike, above, -np.inf)))
        of_run = "" if histories.run_column is None else f" in {histories.names[histories.run[worst]]}"
        axis = f"{histories.along_name} {histories.along[worst]:g}"
        parts.append(f"the largest is {np.expm1(above[worst]):.0%} above, at {axis}{of_run}")
    if unjudged:
        parts.append(f"{how_many(len(unjudged), 'run')} of fewer than {window} rows not judged: {a_few(unjudged)}")
    return parts
