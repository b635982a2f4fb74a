"""The history of a run of Weights & Biases, from whatever source, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from scalefit.errors import DataError, listing
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.readers.assembly import (
    Scalar,
    Values,
    add_settings,
    check_cells,
    distinct_names,
    flatten,
    gathered_notes,
    one_below_the_other,
    table,
)
from scalefit.runs.readers.reading import Reading, Refusal

#: Steps of training as the integrations of Hugging Face and Lightning log them; ``_step`` then only counts the calls.
TRAINING_STEPS = ("train/global_step", "trainer/global_step", "global_step")
COUNT = "_step"
#: How W&B marks what it keeps in a file, such as an image.
KIND = "._type"
#: Whole numbers from here on do not fit into a column of them.
WHOLE = 2**63


@dataclass
class History:
    """One run, row by row.

    Parameters
    ----------
    identity, name : the id that W&B gave it, and the name that people see.
    settings : its configuration, flat.
    columns, n_rows : what was logged.
    left_out : values that no table can hold, such as images, by kind.
    is_short : whether fewer rows came than the run has.
    remarks : what else should be known of it, as sentences without full stop.
    """

    identity: str = ""
    name: str = ""
    settings: dict[str, Scalar] = field(default_factory=dict)
    columns: dict[str, Values] = field(default_factory=dict)
    n_rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    is_short: bool = False
    remarks: list[str] = field(default_factory=list)

    def add_row(self, row: Mapping[str, object]) -> None:
        """Take one row of the history, as JSON has it: nested values become dotted names."""
        other: dict[str, object] = {}
        for name, value in row.items():
            column = self.columns.get(name)
            # Numbers under a name that is known are nearly all there is.
            if column is not None and (type(value) is float or (type(value) is int and -WHOLE <= value < WHOLE)):
                column.add(self.n_rows, value)
            else:
                other[name] = value
        flat = flatten(other)
        for name in [name.removesuffix(KIND) for name in flat if name.endswith(KIND)]:
            self.left_out[str(flat[name + KIND])] += 1
            flat = {key: value for key, value in flat.items() if not key.startswith(f"{name}.")}
        for name, value in flat.items():
            self.columns.setdefault(name, Values()).add(self.n_rows, value)
        self.n_rows += 1

    def keep(self, keys: Sequence[str], *, also: Sequence[str]) -> None:
        """Keep these columns and the rows that have a value in one of them, and of ``also`` what is there."""
        rows = sorted({row for key in keys if key in self.columns for row in self.columns[key].rows})
        place = {row: number for number, row in enumerate(rows)}
        chosen: dict[str, Values] = {}
        for name in dict.fromkeys((*also, *keys)):
            for row, value in self.columns[name].items() if name in self.columns else ():
                if row in place:
                    chosen.setdefault(name, Values()).add(place[row], value)
        self.columns, self.n_rows = chosen, len(rows)

    @property
    def last_step(self) -> float | None:
        """The largest count of log calls, by which W&B numbers its rows."""
        counts = self.columns[COUNT].values if COUNT in self.columns else []
        return max((count for count in counts if isinstance(count, (int, float))), default=None)

    def compare_end(self, end_step: float | None) -> None:
        """Find whether rows are missing at the end.

        Parameters
        ----------
        end_step : the step of the last row as the summary or the server says it; None or -1 where neither does.
        """
        last = self.last_step
        if end_step is None or end_step < 0 or (last is not None and last >= end_step):
            return
        self.is_short = True
        came = "no row came" if last is None else f"the last one that came is that of _step {last:.15g}"
        self.remarks.append(f"rows are missing at its end: {came}, the run goes to {end_step:.15g}")


def histories_reading(histories: Sequence[History], refused: Sequence[Refusal], *, name: str, size: int) -> Reading:
    """The rows of all runs one below the other, and what was done.

    Parameters
    ----------
    histories : those without rows are left out, and that is said.
    refused : what could not be read.
    name, size : what it was read from, for errors, and its bytes.

    Raises
    ------
    DataError
        If no run has a row, or the table would be far larger than what it was read from.
    """
    kept = [history for history in histories if history.n_rows]
    if not kept:
        found = [f"{how_many(len(histories), 'run')} without a logged row"]
        found += [f"{refusal.where} {refusal.why}" for refusal in refused[:3]]
        raise DataError(f"{name} holds no history: {', '.join(found)}.")
    columns = {column for history in kept for column in (*history.columns, *history.settings)}
    check_cells(name, size, sum(history.n_rows for history in kept), len(columns) + 2)
    runs = distinct_names([(each.name, each.identity) for each in kept])
    logged = {column for history in kept for column in history.columns}
    frames, notes = zip(*(_frame(history, run, logged) for history, run in zip(kept, runs, strict=True)), strict=True)
    told = gathered_notes(list(zip(runs, notes, strict=True)))
    return Reading(one_below_the_other(frames), (*_said(histories, kept), *told), tuple(refused))


def _said(histories: Sequence[History], kept: Sequence[History]) -> Iterator[str]:
    rows = how_many(sum(history.n_rows for history in kept), "row")
    yield f"{rows} of history of {how_many(len(kept), 'run')}"
    empty = [history.name or history.identity for history in histories if not history.n_rows]
    if empty:
        yield f"{how_many(len(empty), 'run')} without a logged row left out: {a_few(empty)}"
    left_out = sum((history.left_out for history in kept), Counter[str]())
    if left_out:
        kinds = [how_many(count, kind) for kind, count in sorted(left_out.items())]
        yield f"left out, as no table can hold it: {listing(kinds)}"


def _frame(history: History, run: str, logged: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """The table of one run: which run and step, then the metrics by name, then the settings."""
    frame = table({name: history.columns[name] for name in sorted(history.columns)}, history.n_rows)
    frame, notes = _with_step(frame)
    for place, (column, value) in enumerate((("run", run), ("run_id", history.identity))):
        if column in frame.columns:
            frame = frame.rename(columns={column: f"metric.{column}"})
            notes.append(f"metric {column!r} renamed metric.{column}")
        frame.insert(place, column, value)
    frame, told = add_settings(frame, history.settings, logged=logged)
    return frame, [*notes, *told, *history.remarks]


def _with_step(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The step: the run's own where every row has one, else W&B's count of log calls."""
    if "step" in frame.columns:
        return _step_first(frame), ["step is the column that the run logged; _step counts the log calls"]
    for name in TRAINING_STEPS:
        if name in frame.columns and frame[name].notna().all() and pd.api.types.is_numeric_dtype(frame[name]):
            said = f"step read from {name!r}, which every row has; _step counts the log calls"
            return _step_first(frame.rename(columns={name: "step"})), [said]
    if COUNT not in frame.columns:
        return frame, ["no column of steps"]
    return _step_first(frame.rename(columns={COUNT: "step"})), ["step read from '_step', W&B's count of log calls"]


def _step_first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["step", *(name for name in frame.columns if name != "step")]]
