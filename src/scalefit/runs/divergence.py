"""Runs whose loss goes wrong for good: no longer a number, well above its minimum, or rising."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.runs.histories import (
    Columns,
    Floats,
    Histories,
    Ints,
    Mask,
    check_number,
    log_positive,
    measured,
    sorted_rows,
)
from scalefit.runs.notes import a_few, add_note, how_many, sentence
from scalefit.runs.spikes import MAD_TO_SIGMA
from scalefit.runs.windows import window_medians

#: The level of a loss is the median of this many rows.
_LEVEL = 5
#: Runs with fewer rows are not judged by their course.
_FEWEST = 10
#: How many standard deviations of the scatter from row to row a rise must exceed, besides its share of the loss.
_SIGMAS = 4.0


def find_divergence(
    runs: Any,
    *,
    above: float = 0.05,
    rise: float = 0.01,
    target: str = "loss",
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Report for each run whether its loss went wrong for good, why, and from which step on.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    above : float > 0
        A run has diverged if it ends this share above its minimum: 0.05 is five per cent.
    rise : float > 0
        A run has diverged if the last fifth of its rows is this share above the fifth before.
    target : str
        What to look at; above zero where it is a number.
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
        One row a run: its name; ``diverged``; ``reason``, empty or the first that holds of ``"infinite"``,
        ``"missing"``, ``"above its minimum"`` and ``"rising"``; ``step`` (or tokens, flops), from where on, NaN where
        nothing is wrong; ``loss_lowest`` and ``loss_last``, the lowest and the last level; ``rows_used``. The last of
        :func:`notes_of` counts.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If no row has a finite loss, a loss is zero or negative, or a run has two rows at one step.

    Notes
    -----
    A level is the median of five rows, up to and with the last of them; that of a fifth is the median of its rows. Both
    comparisons must also exceed four standard deviations: of the scatter from row to row (from the median absolute step
    of the log loss), and of the difference of the two medians that follows from it. A loss is
    ``"missing"`` if more rows at the end of a run are without than ever between two values, so that a log of training
    and evaluation in turn is none. Overfitting is reported too: the loss does end above its minimum. Runs of fewer
    than 10 rows are judged by infinite and missing losses alone.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "step": range(1, 21), "loss": [3.0] * 15 + [9.0] * 5})
    >>> find_divergence(log)[["run", "reason", "step"]].values.tolist()
    [['a', 'above its minimum', 16.0]]
    """
    above = check_number("above", above, needed_by="find_divergence", above=0)
    rise = check_number("rise", rise, needed_by="find_divergence", above=0)
    whole = sorted_rows(runs, needed_by="find_divergence", target=target, along=along, by=by, columns=columns)
    histories = measured(whole, needed_by="find_divergence", duplicates=duplicates)
    logs = log_positive(histories, needed_by="find_divergence")
    noise = _SIGMAS * _scatter(histories, logs)
    place = np.arange(len(logs))
    level = window_medians(logs, np.maximum(place - _LEVEL + 1, histories.first), place + 1)
    reason = np.full(len(histories.names), "", dtype=object)
    step = np.full(len(histories.names), np.nan)
    for word, (wrong, start) in {
        "infinite": first_places(whole, np.isinf(whole.values)),
        "missing": first_places(whole, silent_ends(whole)),
        "above its minimum": _above_minimum(histories, level, np.log1p(above) + noise),
        "rising": _rising(histories, logs, np.log1p(rise), noise),
    }.items():
        new = wrong & (reason == "")
        reason[new], step[new] = word, start[new]
    return _told(histories, reason, step, level)


def silent_ends(whole: Histories) -> Mask:
    """Which rows lie at the end of a run that has lost its measurements: more of them than ever between two values.

    Parameters
    ----------
    whole : Histories
        With the rows that have no measurement.

    Returns
    -------
    array (m,)
    """
    there = ~np.isnan(whole.values)
    place = np.arange(len(there))
    # Rows since the last value, counted from the first row of the run if there is none yet.
    latest = np.maximum.accumulate(np.where(there | (place == whole.first), place, 0))
    since = place - latest
    inner = np.zeros(len(whole.names), dtype=np.intp)
    before = np.flatnonzero(there[1:] & (np.diff(whole.run) == 0))  # rows right before a value
    np.maximum.at(inner, whole.run[before], since[before])
    final = since[whole.last]
    any_value = np.bincount(whole.run[there], minlength=len(whole.names)) > 0
    return (place > whole.last - final) & (final > inner[whole.run]) | ~any_value[whole.run]


def first_places(whole: Histories, mask: Mask) -> tuple[Mask, Floats]:
    """Which runs have a marked row, and where along the run the first one stands: (r,) each."""
    found = np.bincount(whole.run[mask], minlength=len(whole.names)) > 0
    place = np.full(len(whole.names), np.nan)
    rows = np.flatnonzero(mask)[::-1]  # of several rows of a run, the assignment leaves the first
    place[whole.run[rows]] = whole.along[rows]
    return found, place


def _scatter(histories: Histories, logs: Floats) -> Floats:
    """The standard deviation of the log loss from row to row: (r,)."""
    inside = np.diff(histories.run) == 0
    steps = np.abs(np.diff(logs))[inside] / np.sqrt(2)
    return MAD_TO_SIGMA * np.nan_to_num(medians_of(steps, histories.run[1:][inside], len(histories.names)))


def medians_of(values: Floats, groups: Ints, count: int) -> Floats:
    """The median of the values in each of ``count`` groups, NaN in one without."""
    medians = pd.Series(values).groupby(groups).median()
    return np.asarray(medians.reindex(range(count)), dtype=np.float64)


def _above_minimum(histories: Histories, level: Floats, margin: Floats) -> tuple[Mask, Floats]:
    """Runs that end above their minimum, and from where on they stay above."""
    lowest = np.full(len(histories.names), np.inf)
    np.minimum.at(lowest, histories.run, level)
    fine = level <= (lowest + margin)[histories.run]
    wrong = (histories.counts >= _FEWEST) & ~fine[histories.ends]
    rows = np.flatnonzero(fine)  # of several rows of a run, the assignment leaves the last
    after = np.zeros(len(histories.names), dtype=np.intp)
    after[histories.run[rows]] = rows + 1
    # A level is above from the third high row of five on: the rise began two rows before.
    began = np.maximum(after - _LEVEL // 2, histories.bounds[:-1])
    return wrong, histories.along[np.minimum(began, len(level) - 1)]


def _rising(histories: Histories, logs: Floats, rise: float, noise: Floats) -> tuple[Mask, Floats]:
    """Runs whose last fifth lies above the fifth before, and where it begins."""
    fifth = histories.counts // 5
    back = histories.last - np.arange(len(logs))
    late = back < fifth[histories.run]
    early = ~late & (back < 2 * fifth[histories.run])
    before, after = (medians_of(logs[part], histories.run[part], len(histories.names)) for part in (early, late))
    start = np.maximum(histories.bounds[1:] - fifth, 0)
    # The median of n rows scatters by sqrt(pi / 2n) of one row; this is the difference of two.
    margin = rise + noise * np.sqrt(np.pi / np.maximum(fifth, 1))
    wrong = (histories.counts >= _FEWEST) & (after - before > margin)
    return wrong, histories.along[np.minimum(start, len(logs) - 1)]


def _told(histories: Histories, reason: npt.NDArray[Any], step: Floats, level: Floats) -> pd.DataFrame:
    """The table of runs, with the note that counts the reasons."""
    used = histories.counts > 0
    lowest = np.full(len(used), np.inf)
    np.minimum.at(lowest, histories.run, level)
    found: dict[str, Any] = {} if histories.run_column is None else {histories.run_column: histories.names}
    found |= {
        "diverged": reason != "",
        "reason": reason.astype(str),
        histories.along_name: step,
        f"{histories.target_name}_lowest": np.where(used, np.exp(lowest), np.nan),
        f"{histories.target_name}_last": np.where(used, np.exp(level[histories.ends]), np.nan),
        "rows_used": histories.counts,
    }
    short = histories.name_runs(used & (histories.counts < _FEWEST))
    parts = [
        f"find_divergence: {int((reason != '').sum())} of {how_many(len(reason), 'run')} diverged",
        *(f"{word}: {a_few(histories.name_runs(reason == word))}" for word in dict.fromkeys(reason) if word),
        f"{how_many(len(short), 'run')} of fewer than {_FEWEST} rows not judged by their course" if short else "",
    ]
    return add_note(pd.DataFrame(found), sentence([*parts, *histories.notes]), after=histories.frame)
