"""A smoothed loss beside the raw one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError, not_one_of
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.histories import Columns, Floats, Histories, check_count, check_number, read_histories
from scalefit.runs.notes import add_note, how_many, sentence
from scalefit.runs.windows import ratio_windows, row_windows, weighted_means, window_means, window_medians

_METHODS = {"ema": "halflife", "median": "window", "log_window": "ratio"}


def smooth_loss(
    runs: Any,
    *,
    method: str = "log_window",
    ratio: float | None = None,
    halflife: float | None = None,
    window: int | None = None,
    target: str = "loss",
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Smooth the loss along each run, beside the raw one.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    method : str
        ``"log_window"``: the mean over the rows from x / sqrt(ratio) to x * sqrt(ratio), where x is the step: a window
        that widens as a run slows down. It lowers a power law x**-b, logged evenly, by a share of b (ln ratio)² / 12.
        ``"median"``: the median of the ``window`` rows around, which spikes do not move.
        ``"ema"``: the exponential moving average of the rows so far; it lags behind a falling loss.
    ratio : float > 1, optional
        For ``"log_window"``; 1.1 unless given.
    halflife : float > 0
        For ``"ema"``: the distance in ``along`` at which the weight of a row has halved, however many rows lie between.
    window : int, odd, optional
        For ``"median"``: rows; 11 unless given.
    target : str
        What to smooth, such as ``"train_loss"``; any column of numbers.
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
        The same rows, order and index, with ``loss_smooth`` (the target's name and ``_smooth``) appended; NaN in rows
        that were left out. What was done is the last of :func:`notes_of`.

    Raises
    ------
    ColumnError
        If a column is missing, or the table already has the one to be appended.
    DataError
        If the method is unknown or lacks its number, or a run has two rows at one step.

    Notes
    -----
    The two centred windows shrink on both sides alike where a run begins and ends, since a window that is cut off on
    one side would be biased on a falling curve. The last row is therefore hardly smoothed: for the loss at the end of a
    run, see :func:`extract_final_losses`. The average of ``"ema"`` is divided by the sum of its weights (the bias
    correction of Kingma and Ba 2015, arXiv:1412.6980), here with weights that go by the distance in ``along``.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "step": [1, 2, 4, 8], "loss": [4.0, 3.0, 2.0, 1.0]})
    >>> smooth_loss(log, method="ema", halflife=2).loss_smooth.round(3).tolist()
    [4.0, 3.414, 2.651, 1.523]
    """
    check_method(method, ratio=ratio, halflife=halflife, window=window)
    histories = read_histories(
        runs, needed_by="smooth_loss", target=target, along=along, by=by, columns=columns, duplicates=duplicates
    )
    name = f"{target}_smooth"
    no_reserved_columns(histories.frame, (name,), needed_by="smooth_loss")
    smooth, rule = _smoothed(histories, method, ratio=ratio, halflife=halflife, window=window)
    frame = histories.frame.assign(**{name: histories.spread(smooth, np.nan)})
    used = f"{how_many(len(smooth), 'row')} of {how_many(int((histories.counts > 0).sum()), 'run')}"
    return add_note(frame, sentence([f"smooth_loss: {name} is the {rule}, in {used}", *histories.notes]))


def check_method(method: str, **given: float | None) -> None:
    """Refuse an unknown method, and a number that belongs to another one."""
    if method not in _METHODS:
        raise DataError(f"smooth_loss: {not_one_of('method', method, _METHODS)}")
    for other, name in _METHODS.items():
        if other != method and given[name] is not None:
            raise DataError(f"smooth_loss: {name}= is for method={other!r}; {method!r} takes {_METHODS[method]}=.")


def _smoothed(
    histories: Histories, method: str, *, ratio: float | None, halflife: float | None, window: int | None
) -> tuple[Floats, str]:
    """The smoothed numbers of the used rows, and the rule in words."""
    values, along, first, last = histories.values, histories.along, histories.first, histories.last
    target, axis = histories.target_name, histories.along_name
    if method == "ema":
        halflife = check_halflife(halflife, histories, needed_by="smooth_loss")
        rule = f"exponential moving average of {target} with a half-life of {halflife:g} in {axis}"
        return weighted_means(values, along, first, halflife), rule
    if method == "median":
        rows = check_count("window", 11 if window is None else window, needed_by="smooth_loss", least=3)
        if rows % 2 == 0:
            raise DataError(f"smooth_loss: window must be odd, to have a middle; got {rows}. Take {rows + 1}.")
        return window_medians(values, *row_windows(first, last, rows)), f"median of {target} over {rows} rows around"
    ratio = check_number(
        "ratio", 1.1 if ratio is None else ratio, needed_by="smooth_loss", above=1, example="ratio=1.1"
    )
    rule = f"mean of {target} over a window of ratio {ratio:g} in {axis}"
    return window_means(values, *ratio_windows(along, first, last, ratio)), rule


def check_halflife(halflife: float | None, histories: Histories, *, needed_by: str) -> float:
    """A half-life, or the error that proposes a hundredth of the usual run."""
    hundredth = float(np.median(histories.along[histories.last])) / 100
    example = f"halflife={float(f'{hundredth:.1g}'):g}, a hundredth of a run here" if hundredth > 0 else ""
    return check_number("halflife", halflife, needed_by=needed_by, above=0, example=example)
