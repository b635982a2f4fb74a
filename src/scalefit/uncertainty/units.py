"""What is drawn as one piece when data are resampled: rows, whole runs, or blocks along a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
UnitKind = Literal["rows", "runs", "blocks"]
#: What a bootstrap drew: units, or something else of them.
DrawnKind = Literal["rows", "runs", "blocks", "strata", "subsample", "seeds", "residual", "wild", "parametric"]

#: The kinds in words.
WORDS: Mapping[DrawnKind, str] = {
    "rows": "rows",
    "runs": "whole runs",
    "blocks": "blocks along each run",
    "strata": "rows or runs within strata",
    "subsample": "subsamples without replacement",
    "seeds": "repeated runs",
    "residual": "residuals",
    "wild": "signs of residuals",
    "parametric": "noise of the fitted scatter",
}
FEWEST_RUNS = 6
#: Columns that order the rows of a run.
POSITIONS = ("step", "tokens", "flops")


@dataclass(frozen=True, eq=False)
class Units:
    """A division of n rows into units that are independent of one another.

    Parameters
    ----------
    kind : "rows", "runs" or "blocks".
    labels : (n,) number of the unit each row belongs to; of the run for blocks.
    block : rows in a block; 1 unless the kind is "blocks".
    order : (n,) for blocks: the rows of all runs, one run after another, each in the order of its steps.
    """

    kind: UnitKind
    labels: NDArray[np.intp]
    block: int = 1
    order: NDArray[np.intp] | None = None

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(self.pieces) if self.kind == "blocks" else int(self.labels.max()) + 1

    @property
    def pieces(self) -> NDArray[np.intp]:
        """For each row, the number of the piece whose scores are summed in a covariance."""
        if self.kind != "blocks" or self.order is None:
            return self.labels
        piece = np.empty(len(self.labels), np.intp)
        number = 0
        for run in range(int(self.labels.max()) + 1):
            rows = self.order[self.labels[self.order] == run]
            cuts = np.arange(len(rows)) // self.block
            piece[rows] = cuts + number
            number += int(cuts[-1]) + 1
        return piece


def row_names(index: Sequence[object], inputs: Sequence[Array]) -> tuple[str, ...]:
    """A name for each row that tells it by its label and its inputs, and copies of one row apart.

    Rows of another table never have the same names, so a plan drawn for these is not taken for one of those.
    """
    digest = np.zeros(len(index), np.uint64)
    for x in (x for x in inputs if x.ndim == 1):
        digest = digest * np.uint64(1_000_003) + np.ascontiguousarray(x, float).view(np.uint64)
    seen: dict[str, int] = {}
    names = []
    for label, number in zip(index, digest.tolist(), strict=True):
        name = f"row {label} #{number:x}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def block_names(runs: Sequence[str], units: Units) -> tuple[str, ...]:
    """A name for each row by its run and its place along it, whatever the order of the table."""
    assert units.order is not None
    names = [""] * len(runs)
    place: dict[str, int] = {}
    for row in units.order.tolist():
        place[runs[row]] = place.get(runs[row], -1) + 1
        names[row] = f"{runs[row]}\x1f{place[runs[row]]}"
    return tuple(names)


def choose_units(n: int, runs: NDArray[np.intp] | None, position: Array | None, residual: Array) -> Units:
    """Rows where each is a run of its own, runs where they repeat, blocks along them where they are fewer than six.

    Parameters
    ----------
    runs : (n,) number of the run of each row, or None.
    position : (n,) what orders the rows of a run, or None for the order of the table.
    residual : (n,) of the fit; its autocorrelation sets the length of a block.
    """
    if runs is None or int(runs.max()) + 1 == n:
        return Units("rows", np.arange(n))
    if int(runs.max()) + 1 >= FEWEST_RUNS:
        return Units("runs", runs)
    order = np.lexsort((np.arange(n) if position is None else position, runs))
    return Units("blocks", runs, block_length(residual, runs, order), order)


def block_length(residual: Array, runs: NDArray[np.intp], order: NDArray[np.intp]) -> int:
    """Rows of a block: twice the integrated autocorrelation time, at most a quarter of the shortest run."""
    shortest, time = int(np.bincount(runs).min()), 1.0
    for run in range(int(runs.max()) + 1):
        r = residual[order[runs[order] == run]]
        time = max(time, autocorrelation_time(r - r.mean()))
    return int(np.clip(np.ceil(2 * time), 2, max(2, shortest // 4)))


def autocorrelation_time(r: Array) -> float:
    """Rows that count as one independent row: 1 + 2 * sum of autocorrelations up to the first one below 0.05."""
    total, power = 1.0, float(r @ r)
    if power == 0:
        return total
    for lag in range(1, len(r) // 2):
        correlation = float(r[lag:] @ r[:-lag]) / power
        if correlation < 0.05:
            break
        total += 2 * correlation
    return total


def rows_in_order(units: Units) -> list[NDArray[np.intp]]:
    """The rows of each unit in the order of its steps, unit after unit."""
    order = np.argsort(units.labels, kind="stable") if units.order is None else units.order
    return np.split(order, np.cumsum(np.bincount(units.labels))[:-1])


def step_order(data: pd.DataFrame, labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows of all runs, one run after another, each in the order of its steps."""
    column = next((name for name in POSITIONS if name in data.columns and data[name].notna().all()), None)
    position = np.arange(len(labels)) if column is None else data[column].to_numpy(float)
    return np.lexsort((position, labels))


def carry(units: Units, sources: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each row the row of another unit at the same share of its way: residuals move as whole runs.

    ``sources`` (draws, units) is the unit that gives to each; the result is (draws, n).
    """
    rows_of = rows_in_order(units)
    out = np.empty((len(sources), len(units.labels)), np.intp)
    tables: dict[int, NDArray[np.intp]] = {}
    for unit, rows in enumerate(rows_of):
        m = len(rows)
        if m not in tables:
            tables[m] = np.stack([other[np.arange(m) * len(other) // m] for other in rows_of])
        out[:, rows] = tables[m][sources[:, unit]]
    return out
