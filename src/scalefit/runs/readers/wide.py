"""Exports of Weights & Biases and TensorBoard in text: one column per run becomes one row per run and step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import listing

_SEPARATOR = " - "
_LIMITS = ("__MIN", "__MAX")
#: Steps as trackers call them, the surest first.
_STEPS = ("_step", "Step", "trainer/global_step", "train/global_step")
_TENSORBOARD = {"Wall time": "wall_time", "Step": "step", "Value": "value"}
#: Columns that only a table of runs of Weights & Biases has together.
_RUNS_TABLE = ("Name", "State", "Runtime")


def tidy_export(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Bring the export of a tracker into one row per run and step, under known names; other tables stay as they are.

    Parameters
    ----------
    frame : table with distinct columns that are text.

    Returns
    -------
    tuple of DataFrame and list of str
        The table, and what was done.

    Examples
    --------
    >>> wide = pd.DataFrame({"Step": [1, 2], "a - loss": [3.0, 2.5], "b - loss": [3.5, np.nan]})
    >>> tidy_export(wide)[0]
      run  step  loss
    0   a     1   3.0
    1   a     2   2.5
    2   b     1   3.5
    """
    names = list(frame.columns)
    if set(names) == set(_TENSORBOARD):
        said = "TensorBoard's export of one scalar, whose name the file does not say: its numbers are in column 'value'"
        return frame.rename(columns=_TENSORBOARD), [said]
    notes: list[str] = []
    if len(names) > 1 and _SEPARATOR not in names[0] and all(_SEPARATOR in name for name in names[1:]):
        frame, notes = _long(frame)
    frame, limits = _without_limits(frame)
    frame, step = known_step(frame)
    notes += [*limits, *step]
    if set(_RUNS_TABLE) <= set(names) and "run" not in names:
        frame, said = frame.rename(columns={"Name": "run"}), "table of runs of Weights & Biases: run read from 'Name'"
        notes.append(said)
    return frame, notes


def known_step(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give the column of steps of a tracker its known name, unless there is one of that name."""
    found = [name for name in _STEPS if name in frame.columns]
    if not found or "step" in frame.columns:
        return frame, []
    return frame.rename(columns={found[0]: "step"}), [f"step read from column {found[0]!r}"]


def _long(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row per run and step from one column per run and metric."""
    along = frame.columns[0]
    runs: dict[str, dict[str, str]] = {}
    for name in frame.columns[1:]:
        run, _, metric = name.rpartition(_SEPARATOR)
        runs.setdefault(run, {})[metric] = name
    metrics = list(dict.fromkeys(metric for columns in runs.values() for metric in columns if metric != along))
    parts = []
    for columns in runs.values():
        there = frame[list(columns.values())].notna().any(axis=1).to_numpy()
        parts.append(np.flatnonzero(there))
    rows = np.concatenate(parts)
    label = "run" if "run" not in (along, *metrics) else "run_name"
    long = {label: np.repeat(np.array(list(runs), dtype=object), [len(part) for part in parts])}
    long[along] = frame[along].to_numpy()[rows]
    for metric in metrics:
        pieces = [
            frame[columns[metric]].iloc[part] if metric in columns else pd.Series(np.full(len(part), np.nan))
            for columns, part in zip(runs.values(), parts, strict=True)
        ]
        long[metric] = _joined(pieces)
    kept = f"{len(runs)} run{'' if len(runs) == 1 else 's'} with {listing(map(repr, metrics))}"
    notes = [f"export of Weights & Biases with one column per run made one row per run and {along!r}: {kept}"]
    if any(run.startswith("Group: ") for run in runs):
        notes.append("runs whose name begins with 'Group:' are means over a group of runs")
    return pd.DataFrame(long), notes


def _joined(pieces: Sequence[pd.Series[Any]]) -> np.ndarray[Any, Any]:
    if all(pd.api.types.is_numeric_dtype(piece.dtype) for piece in pieces):
        return np.concatenate([piece.to_numpy() for piece in pieces])
    return np.concatenate([piece.to_numpy(dtype=object) for piece in pieces])


def _without_limits(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop the least and largest value of each point where they are the value: nothing was averaged there."""
    there = set(frame.columns)
    limited = [name for name in frame.columns if all(f"{name}{end}" in there for end in _LIMITS)]
    if not limited:
        return frame, []
    same: list[str] = []
    averaged: list[str] = []
    for name in limited:
        ends = [frame[f"{name}{end}"] for end in _LIMITS]
        equal = all(((end == frame[name]) | (end.isna() & frame[name].isna())).all() for end in ends)
        (same if equal else averaged).append(name)
    notes = []
    if same:
        frame = frame.drop(columns=[f"{name}{end}" for name in same for end in _LIMITS])
        notes.append(f"__MIN and __MAX of {listing(map(repr, same))} equal the values and are left out")
    if averaged:
        notes.append(f"values of {listing(map(repr, averaged))} were averaged by the export: see __MIN and __MAX")
    return frame, notes
