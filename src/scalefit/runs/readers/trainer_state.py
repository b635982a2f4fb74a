"""``trainer_state.json``, in which the Trainer of Hugging Face's transformers keeps the log of a run."""

from __future__ import annotations

import re
from typing import Any

from scalefit.errors import DataError, listing
from scalefit.runs.readers.growing_table import GrowingTable
from scalefit.runs.readers.json_values import (
    RecordError,
    as_constants,
    begins_with,
    first_of,
    flatten,
    kind_of,
    read_document,
)
from scalefit.runs.readers.reading import Format, Reading, Refusal
from scalefit.runs.readers.source import Source

#: What the Trainer calls a quantity, and what it is.
_NAMES = {"loss": "train_loss", "eval_loss": "loss", "num_input_tokens_seen": "tokens", "total_flos": "flops"}
#: Quantities that the Trainer writes as 0 where it did not count them.
_COUNTED = {"tokens": "num_input_tokens_seen", "flops": "total_flos"}
#: Columns that come first.
_FIRST = ("step", "epoch", "tokens", "flops", "loss", "train_loss", "learning_rate")
_NAMED_LOSS = re.compile(r"eval_.+_loss")
#: Speeds, which differ where the same evaluation was run twice.
_SPEED = re.compile(r".*(_runtime|_per_second)")
#: Parts of the state that describe the Trainer and not the run.
_LEFT_OUT = ("is_hyper_param_search", "is_local_process_zero", "is_world_process_zero", "stateful_callbacks")
_IN_ROWS = ("log_history", "global_step", "epoch", "total_flos", "num_input_tokens_seen")


def _recognises(source: Source) -> bool:
    return begins_with(source, b"{") and b'"log_history"' in source.head


def _read(source: Source) -> Reading:
    state = read_document(source)
    try:
        if not is_state(state):
            raise DataError(
                f"{source.name} names 'log_history', but is no trainer_state.json: it holds {kind_of(state)}."
            )
        return read_state(source, state)
    except RecordError as error:
        raise DataError(f"{source.name} cannot be read: it {error}.") from error


def is_state(document: Any) -> bool:
    """Whether a JSON document is the state of a Trainer."""
    return isinstance(document, dict) and isinstance(document.get("log_history"), list)


def read_state(source: Source, state: dict[str, Any]) -> Reading:
    """One row per step of the log: what was logged in training and in evaluation at that step, side by side.

    The Trainer's ``loss``, a mean over the steps since the last log, becomes ``train_loss``, and ``eval_loss`` becomes
    ``loss``. The summary at the end is no checkpoint: it becomes columns ``summary.…``.

    Raises
    ------
    DataError
        If nothing was logged.
    """
    log = _Log()
    for number, entry in enumerate(state["log_history"], start=1):
        log.add(f"log_history entry {number}", entry)
    if not log.rows:
        raise DataError(f"{source.name} has no step in its log_history: nothing was logged.{first_of(log.refused)}")
    log.add_end(state)
    notes = [*log.notes(), *_name_loss(list(log.rows.values()))]
    left = [name for name in _LEFT_OUT if name in state]
    if left:
        notes.append(f"left out: {listing(left)}")
    settings = {name: value for name, value in state.items() if name not in (*_IN_ROWS, *_LEFT_OUT)}
    rows = [log.rows[step] for step in sorted(log.rows)]
    table = GrowingTable(source)
    names = {name for row in rows for name in row}
    table.reserve(0, [name for name in _FIRST if name in names])
    table.add_rows(rows)
    table.add_constants(as_constants({**settings, **log.summary}, names))
    frame = table.frame()
    return Reading(frame, (*notes, *table.notes), tuple(log.refused))


class _Log:
    """What was logged, by step."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.summary: dict[str, Any] = {}
        self.refused: list[Refusal] = []
        self._again = 0
        self._ends: list[int] = []

    def add(self, where: str, entry: Any) -> None:
        """Add what was logged at one moment."""
        try:
            values = flatten(entry)
            step = _step(values)
        except RecordError as error:
            self.refused.append(Refusal(where, str(error)))
            return
        # Where tokens are counted, every row of training has train_runtime; the mean loss is the summary's alone.
        if {"train_runtime", "train_loss"} <= set(values) and "loss" not in values:
            self.summary = {
                f"summary.{name}": value for name, value in values.items() if name not in (*_IN_ROWS, "step")
            }
            self._add_counts(step, values)
        else:
            self._merge(step, values)

    def add_end(self, state: dict[str, Any]) -> None:
        """Add the counts that the state holds for the step at which it was written."""
        if type(state.get("global_step")) is int:
            self._add_counts(state["global_step"], state)

    def notes(self) -> list[str]:
        """What was done with the rows."""
        names = {name for row in self.rows.values() for name in row}
        notes = ["rows of training and evaluation merged by step"]
        notes += [f"{name} read from {original!r}" for original, name in _NAMES.items() if name in names]
        if self._again:
            notes.append(f"values logged again at the same step: {self._again}, of which the last is kept")
        notes += [f"step {step} was not logged; its row holds counts of tokens and flops" for step in self._ends]
        for name, original in _COUNTED.items():
            if name not in names:
                notes.append(f"{name} unknown: {original} is 0 or absent, as where it is not counted")
        return notes

    def _add_counts(self, step: int, values: dict[str, Any]) -> None:
        counts = {name: values[name] for name in (*_COUNTED.values(), "epoch") if _is_count(values.get(name))}
        if counts.keys() & set(_COUNTED.values()):
            if step not in self.rows:
                self._ends.append(step)
            elif "epoch" in self.rows[step]:
                counts.pop("epoch", None)  # some versions round it in the log
            self._merge(step, counts)

    def _merge(self, step: int, values: dict[str, Any]) -> None:
        row = self.rows.setdefault(step, {"step": step})
        for original, value in values.items():
            name = _NAMES.get(original, original)
            if value is None or original == "step" or (name in _COUNTED and not _is_count(value)):
                continue
            if name in row and row[name] != value and not _SPEED.fullmatch(name):
                self._again += 1
            row[name] = value


def _step(values: dict[str, Any]) -> int:
    step = values.get("step")
    if step is None:
        raise RecordError("has no step")
    if type(step) is float and step.is_integer():
        step = int(step)
    if type(step) is not int or step < 0:
        raise RecordError(f"has the step {str(step)[:40]!r}, which is no count")
    return step


def _is_count(value: Any) -> bool:
    """Whether something was counted: the Trainer writes 0 where it was not."""
    return type(value) in (int, float) and value > 0


def _name_loss(rows: list[dict[str, Any]]) -> list[str]:
    """Call the loss of the only evaluation set ``loss``; with several, it is for the user to say which."""
    names = dict.fromkeys(name for row in rows for name in row)
    named = [name for name in names if _NAMED_LOSS.fullmatch(name)]
    if "loss" in names:
        return []
    if not named:
        return ["no evaluation was logged: there is train_loss, and no loss"]
    if len(named) > 1:
        return [f"several evaluation sets: say which is the loss, such as columns={{'loss': {named[0]!r}}}"]
    for row in rows:
        if named[0] in row:
            row["loss"] = row.pop(named[0])
    return [f"loss read from {named[0]!r}"]


TRAINER_STATE = Format("state of a Hugging Face Trainer", _recognises, _read)
