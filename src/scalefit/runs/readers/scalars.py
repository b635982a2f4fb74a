"""Numbers logged under a name at a step, one by one, as a table with one row per step."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.runs.notes import a_few
from scalefit.runs.readers.assembly import legible

#: Columns that are ours; a name among them becomes another one.
OWN = ("run", "run_id", "step", "wall_time")


@dataclass
class Scalars:
    """The numbers of one run in the order in which they were logged.

    Parameters
    ----------
    names : each name, and its number in ``name``.
    name, step, wall_time, value : of each number; wall time in seconds since 1970.
    restarts : how many numbers came before each restart, and the step it began at.
    """

    names: dict[str, int] = field(default_factory=dict)
    name: array[int] = field(default_factory=lambda: array("q"))
    step: array[int] = field(default_factory=lambda: array("q"))
    wall_time: array[float] = field(default_factory=lambda: array("d"))
    value: array[float] = field(default_factory=lambda: array("d"))
    restarts: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.value)

    def add(self, name: str, step: int, wall_time: float, value: float) -> None:
        """Take one number; raises ``OverflowError``, and takes nothing, where the step is beyond 64 bits."""
        self.step.append(step)
        self.wall_time.append(wall_time)
        self.value.append(value)
        self.name.append(self.names.setdefault(name, len(self.names)))

    def restart(self, step: int) -> None:
        """What was logged so far at this step or a later one does not count any more."""
        self.restarts.append((len(self), step))

    def settled(self) -> Settled:
        """What stays: the last by wall time of the numbers with the same name and step, and none a restart undid."""
        name, step = np.frombuffer(self.name, dtype=np.int64), np.frombuffer(self.step, dtype=np.int64)
        wall_time, value = np.frombuffer(self.wall_time), np.frombuffer(self.value)
        undone = np.zeros(len(name), dtype=bool)
        for before, first in self.restarts:
            undone[:before] |= step[:before] >= first
        order = np.argsort(wall_time, kind="stable")
        order = order[~undone[order]]
        steps, row = np.unique(step[order], return_inverse=True)
        cell = name[order] * len(steps) + row
        last = len(cell) - 1 - np.unique(cell[::-1], return_index=True)[1]
        keep = order[last]
        again, n_undone = len(order) - len(keep), int(undone.sum())
        return Settled(
            column_names(self.names), steps, name[keep], row[last], wall_time[keep], value[keep], again, n_undone
        )


@dataclass(frozen=True, eq=False)
class Settled:
    """The numbers of one run that stay, and how many do not.

    Parameters
    ----------
    columns : names of the columns.
    steps : each step once, in order.
    column, row : where each number goes.
    wall_time, value : of each number.
    again : how many were logged again later, for the same name and step.
    undone : how many a restart undid.
    """

    columns: tuple[str, ...]
    steps: NDArray[np.int64]
    column: NDArray[np.int64]
    row: NDArray[np.intp]
    wall_time: NDArray[np.float64]
    value: NDArray[np.float64]
    again: int
    undone: int

    def frame(self) -> pd.DataFrame:
        """One row per step: ``step``, ``wall_time`` of the last number of the row, and the numbers."""
        grid = np.full((len(self.columns), len(self.steps)), np.nan)
        grid[self.column, self.row] = self.value
        latest = np.full(len(self.steps), -np.inf)
        np.maximum.at(latest, self.row, self.wall_time)
        return pd.DataFrame({"step": self.steps, "wall_time": latest, **dict(zip(self.columns, grid, strict=True))})


def column_names(names: Iterable[str]) -> tuple[str, ...]:
    """The column of each name: itself, unless it is one of ours or no text that a table can hold.

    Examples
    --------
    >>> column_names(["loss", "step"])
    ('loss', 'metric.step')
    """
    columns: dict[str, None] = {}
    for name in names:
        column = f"metric.{name}" if name in OWN else legible(name)
        while column in columns:
            column += "'"
        columns[column] = None
    return tuple(columns)


def renaming_note(names: Set[str]) -> list[str]:
    """What is said where names were changed; nothing where none was."""
    changed = [f"{name} to metric.{name}" for name in OWN if name in names]
    return [f"metrics renamed: {a_few(changed)}"] if changed else []
