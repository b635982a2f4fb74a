"""The first rows of runs left out: a warm-up, or the first tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError, listing
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import (
    Columns,
    Floats,
    Ints,
    check_number,
    find_axis,
    number_runs,
    read_numbers,
    with_flops,
)
from scalefit.runs.notes import a_few, add_note, how_many, sentence

#: Rates this close to the largest count as the largest: logs round them.
_SAME_RATE = 1e-6
#: A first peak after this share of a run is said: it may be no warm-up.
_LATE = 0.25


def cut_warmup(
    runs: Any,
    *,
    steps: float | None = None,
    tokens: float | None = None,
    share: float | None = None,
    from_lr: bool = False,
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
) -> pd.DataFrame:
    """Leave out the first rows of each run: its warm-up, its first steps or its first tokens.

    Laws of the loss describe a run after its warm-up. Give exactly one of the four rules.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    steps : float > 0, optional
        Keep rows from this step on.
    tokens : float > 0, optional
        Keep rows from this many tokens on.
    share : float in (0, 1), optional
        Keep rows from this share of the last step of their run on.
    from_lr : bool
        Keep rows from the first peak of the learning rate on: the first row whose ``lr`` is the largest of its run.
    along : str
        For ``share`` and ``from_lr``: what orders the rows of a run, ``"step"``, ``"tokens"`` or ``"flops"``.
    by : str or None
        The column that says which rows are one run; None if all rows are. ``steps`` and ``tokens`` do without.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"lr": "optimizer/lr"}``.

    Returns
    -------
    DataFrame
        The rows that are kept, in their order and with their index. What was left out is the last of :func:`notes_of`,
        with runs that have no row left.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If not exactly one rule is given, or no row is left.

    Notes
    -----
    The largest rate of a run with restarts may come late. Where the rule of ``from_lr`` leaves out more than a quarter
    of a run, the note names the run. Rows without a rate go by their place alone, runs without any are kept whole, and
    rows that do not say where they stand are left out and counted.

    Examples
    --------
    >>> log = pd.DataFrame({"run": "a", "step": [1, 2, 3, 4], "lr": [0.1, 0.2, 0.2, 0.1]})
    >>> cut_warmup(log, from_lr=True).step.tolist()
    [2, 3, 4]
    """
    rules = {"steps": steps, "tokens": tokens, "share": share, "from_lr": from_lr or None}
    given = [name for name, value in rules.items() if value is not None]
    if len(given) != 1:
        got = f"got {listing(given)}" if given else "none is given"
        raise DataError(
            f"cut_warmup takes exactly one of steps, tokens, share and from_lr; {got}. Such as from_lr=True."
        )
    axis = {"steps": "step", "tokens": "tokens"}.get(given[0], along)
    table = _read(runs, axis, by=by, needs_runs=axis == along and steps is tokens, columns=columns)
    if steps is not None or tokens is not None:
        bound = check_number(given[0], rules[given[0]], needed_by="cut_warmup", above=0)
        return _cut(table, np.full(len(table.names), bound), f"rows before {axis} {bound:g} left out")
    if share is not None:
        share = check_number("share", share, needed_by="cut_warmup", above=0, below=1, example="share=0.05")
        return _cut(table, share * table.ends, f"rows before {share:g} of the last {axis} of their run left out")
    lr = find_column(table.frame, "lr", needed_by="cut_warmup", columns=columns)
    peak = _first_peak(table, read_numbers(table.frame, lr, name="lr", needed_by="cut_warmup"))
    unrated, late = table.names[np.isinf(peak)], table.names[np.isfinite(peak) & (peak > _LATE * table.ends)]
    whole = f"{how_many(len(unrated), 'run')} without a number in {lr} kept whole: {a_few(unrated)}"
    much = f"more than a quarter left out of {how_many(len(late), 'run')}: {a_few(late)}"
    notes = [note for note, names in ((whole, unrated), (much, late)) if len(names)]
    return _cut(table, peak, f"rows before the first peak of {lr} left out", *notes)


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the rows of a table stand along their run, NaN where they do not say: (n,)."""

    frame: pd.DataFrame
    place: Floats
    codes: Ints
    names: npt.NDArray[Any]
    notes: tuple[str, ...]

    @property
    def ends(self) -> Floats:
        """The largest place of each run: (r,)."""
        ends = np.zeros(len(self.names))
        np.fmax.at(ends, self.codes, self.place)
        return ends


def _read(runs: Any, axis: str, *, by: str | None, needs_runs: bool, columns: Columns) -> _Places:
    frame, notes = with_flops(as_frame(runs), axis, needed_by="cut_warmup", columns=columns)
    column = find_axis(frame, axis, needed_by="cut_warmup", columns=columns)
    place = read_numbers(frame, column, name=axis, needed_by="cut_warmup")
    notes += [f"{axis} read from column {column!r}"] if axis != column else []
    unplaced = int(np.isnan(place).sum())
    notes += [f"{how_many(unplaced, 'row')} without {axis} left out"] if unplaced else []
    by = by if needs_runs or by is None or has_column(frame, by, columns=columns) else None
    codes, names, _ = number_runs(frame, by, needed_by="cut_warmup", columns=columns)
    return _Places(frame, place, codes, names, tuple(notes))


def _first_peak(table: _Places, rates: Floats) -> Floats:
    """Where each run has its largest rate for the first time; minus infinity in a run without rates: (r,)."""
    rates = np.where(np.isfinite(table.place), rates, np.nan)
    largest = np.full(len(table.names), np.nan)
    np.fmax.at(largest, table.codes, rates)
    at_peak = rates >= (largest - _SAME_RATE * np.abs(largest))[table.codes]
    peak = np.full(len(table.names), np.inf)
    np.minimum.at(peak, table.codes[at_peak], table.place[at_peak])
    return np.where(np.isinf(peak), -np.inf, peak)


def _cut(table: _Places, start: Floats, said: str, *notes: str) -> pd.DataFrame:
    """The rows from the ``start`` of their run on, and a note of how many went and which runs went whole."""
    kept = table.place >= start[table.codes]
    if not kept.any():
        raise DataError(f"cut_warmup: no row is left ({said}).")
    empty = table.names[np.bincount(table.codes[kept], minlength=len(table.names)) == 0]
    lost = f"no row is left of {how_many(len(empty), 'run')}: {a_few(empty)}" if len(empty) else ""
    counts = f"{int((~kept).sum())} of {how_many(len(kept), 'row')}"
    text = sentence([f"cut_warmup: {said}, {counts}", lost, *notes, *table.notes])
    return add_note(table.frame[kept], text, after=table.frame)
