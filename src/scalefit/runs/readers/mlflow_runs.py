"""Runs as MLflow keeps them, from whatever store, as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.readers.assembly import (
    Scalar,
    add_settings,
    check_cells,
    distinct_names,
    gathered_notes,
    legible,
    one_below_the_other,
)
from scalefit.runs.readers.reading import Reading, Refusal
from scalefit.runs.readers.scalars import Scalars, Settled, renaming_note

#: Measurements of the machine, which count steps of their own.
MACHINE = "system/"
#: Tags that MLflow sets itself.
RESERVED = "mlflow."
FINISHED = "FINISHED"
_NUMBER = re.compile(
    r"[+-]?(((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII
)
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_WORDS: dict[str, Scalar] = {"True": True, "true": True, "False": False, "false": False, "None": None, "": None}


@dataclass
class Run:
    """One run.

    Parameters
    ----------
    identity, name, experiment : its id, its name and that of its experiment.
    status : a word such as ``"FINISHED"``.
    started : milliseconds since 1970.
    scalars : its metrics, without those of the machine.
    of_machine : how many values those had.
    params, tags : what it was given, as text.
    """

    identity: str
    name: str = ""
    experiment: str = ""
    status: str = FINISHED
    started: float = 0
    scalars: Scalars = field(default_factory=Scalars)
    of_machine: int = 0
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, step: int, timestamp: float, value: float) -> None:
        """Take one value of a metric, logged at so many milliseconds since 1970."""
        if key.startswith(MACHINE):
            self.of_machine += 1
        else:
            self.scalars.add(key, step, timestamp / 1000, value)


@dataclass
class Store:
    """The runs of a store.

    Parameters
    ----------
    runs : those that are not deleted.
    deleted : how many runs are.
    refused : what could not be read.
    size : bytes that were read, to tell how large a table may be.
    """

    runs: list[Run] = field(default_factory=list)
    deleted: int = 0
    refused: list[Refusal] = field(default_factory=list)
    size: int = 0


def store_reading(store: Store, *, name: str) -> Reading:
    """The rows of all runs one below the other, the first started first.

    Parameters
    ----------
    store : the runs.
    name : what it was read from, for errors.

    Raises
    ------
    DataError
        If no run has a metric, or the table would be far larger than what it was read from.
    """
    runs = sorted((run for run in store.runs if run.scalars), key=lambda run: (run.started, run.identity))
    if not runs:
        found = [f"{how_many(len(store.runs), 'run')} without metrics", how_many(store.deleted, "deleted run")]
        found += [f"{refusal.where} {refusal.why}" for refusal in store.refused[:3]]
        raise DataError(f"{name} holds no runs with metrics: {', '.join(found)}.")
    settings, parsed = _settings(runs)
    settled = [run.scalars.settled() for run in runs]
    logged = {column for each in settled for column in each.columns}
    columns = logged | {name for each in settings for name in each}
    check_cells(name, store.size, sum(len(each.steps) for each in settled), len(columns) + 5)
    frames: list[pd.DataFrame] = []
    told: list[tuple[str, list[str]]] = []
    labels = distinct_names([(legible(run.name), run.identity) for run in runs])
    for run, label, given, values in zip(runs, labels, settings, settled, strict=True):
        frame = values.frame()
        frame.insert(0, "run", label)
        frame.insert(1, "run_id", run.identity)
        experiment = "mlflow.experiment" if "experiment" in given else "experiment"
        frame, notes = add_settings(frame, {experiment: legible(run.experiment), **given}, logged=logged)
        told.append((label, [note for note in notes if "constant columns" not in note]))
        frames.append(frame)
    said = (*_said(store, runs, settled), *parsed, *gathered_notes(told))
    return Reading(one_below_the_other(frames), said, tuple(store.refused))


def _said(store: Store, runs: Sequence[Run], settled: Sequence[Settled]) -> Iterator[str]:
    names = {name for run in runs for name in run.scalars.names}
    values = how_many(sum(len(run.scalars) for run in runs), "value")
    yield f"{values} of {how_many(len(names), 'metric')} of {how_many(len(runs), 'run')}, one row per run and step"
    if store.deleted:
        yield f"{how_many(store.deleted, 'deleted run')} left out"
    empty = len(store.runs) - len(runs)
    if empty:
        yield f"{how_many(empty, 'run')} without metrics left out"
    again = sum(each.again for each in settled)
    if again:
        yield (
            f"{how_many(again, 'value')} left out, logged again for the same metric and step (a metric logged without "
            f"a step is at step 0): the latest stays"
        )
    of_machine = sum(run.of_machine for run in runs)
    if of_machine:
        yield f"{how_many(of_machine, 'value')} of metrics of the machine, {MACHINE}…, left out"
    other = [f"{run.name or run.identity} ({run.status})" for run in runs if run.status != FINISHED]
    if other:
        yield f"{how_many(len(other), 'run')} not finished: {a_few(other)}"
    yield from renaming_note(names)


def _settings(runs: Sequence[Run]) -> tuple[list[dict[str, Scalar]], list[str]]:
    """Parameters and tags of each run: as numbers or truth values where those of all runs are, else as text."""
    texts = [_texts(run) for run in runs]
    keys = list(dict.fromkeys(key for each in texts for key in each))
    settings: list[dict[str, Scalar]] = [{} for _ in runs]
    parsed = []
    for key in keys:
        there = {number: each[key] for number, each in enumerate(texts) if key in each}
        values = _parsed(there)
        if any(values[number] != text for number, text in there.items()):
            parsed.append(key)
        for number, value in values.items():
            settings[number][key] = value
    said = [f"parameters and tags as constant columns: {a_few(keys, shown=8)}"] if keys else []
    if parsed:
        said.append(f"read as numbers or truth values, where MLflow has text: {a_few(parsed, shown=8)}")
    return settings, said


def _texts(run: Run) -> dict[str, str]:
    own = {key: value for key, value in run.tags.items() if not key.startswith(RESERVED)}
    clashing = {f"tag.{key}" if key in run.params else key: value for key, value in own.items()}
    return {legible(key): legible(value) for key, value in (run.params | clashing).items()}


def _parsed(texts: Mapping[int, str]) -> dict[int, Scalar]:
    """All of them as numbers, or all as truth values, or all as they are."""
    there = {text for text in texts.values() if _WORDS.get(text, text) is not None}
    if there and all(_NUMBER.fullmatch(text) for text in there):
        return {number: parse_number(text) if text in there else None for number, text in texts.items()}
    if there and there <= set(_WORDS):
        return {number: _WORDS[text] for number, text in texts.items()}
    return dict(texts)


def parse_number(text: str) -> int | float:
    """A number as MLflow's clients write it; whole ones as such.

    Examples
    --------
    >>> parse_number("4"), parse_number("3e-4"), parse_number("nan")
    (4, 0.0003, nan)
    """
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def finite_or_not(value: float) -> float:
    """A value of a database, where the largest float stands for infinity."""
    largest = float(np.finfo(np.float64).max)
    return math.copysign(math.inf, value) if abs(value) >= largest else value
