"""Plans: which units each resample holds how often, drawn before any work is shared out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, rows_text
from scalefit.uncertainty.units import Units

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """How often each named unit stands in each resample.

    Two fits whose draws come from one plan may be combined draw by draw; equal seeds do not make plans one.

    Parameters
    ----------
    names : what the columns of ``counts`` stand for: names of runs, or labels of rows.
    counts : (draws, names).
    token : tells plans apart.
    """

    names: tuple[str, ...]
    counts: NDArray[np.uint16]
    token: str

    @property
    def draws(self) -> int:
        """How many resamples the plan holds."""
        return len(self.counts)

    def row_counts(self, places: NDArray[np.intp], draws: slice) -> Array:
        """How often each row stands in some of the resamples, (draws, n), given the unit of each row."""
        return self.counts[draws].astype(float)[:, places]

    def places_of(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Where units of these names stand in the plan.

        Raises
        ------
        FitError
            If a unit is not in the plan: it was drawn for other runs.
        """
        where = {name: place for place, name in enumerate(self.names)}
        missing = [name for name in names if name not in where]
        if missing:
            raise FitError(f"The plan was drawn for other runs: it does not hold {rows_text(missing)}.")
        return np.array([where[name] for name in names])


def draw_plan(units: Units, names: Sequence[str], draws: int, rng: np.random.Generator, data_hash: str) -> Plan:
    """A plan for rows, runs or moving blocks; ``names`` has one name per unit, or per row for blocks."""
    if units.kind == "blocks":
        counts = _block_counts(units, draws, rng)
    else:
        chosen = rng.integers(0, units.count, size=(draws, units.count), dtype=np.int64)
        chosen += np.arange(draws)[:, None] * units.count
        counts = np.bincount(chosen.ravel(), minlength=draws * units.count).reshape(draws, -1).astype(np.uint16)
    token = hashlib.sha256(data_hash.encode() + counts.tobytes()).hexdigest()[:16]
    return Plan(tuple(names), counts, token)


def _block_counts(units: Units, draws: int, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Moving blocks along each run, as many rows as the run has: counts by row, (draws, n)."""
    assert units.order is not None
    n = len(units.labels)
    counts = np.zeros((draws, n), np.uint16)
    for run in range(int(units.labels.max()) + 1):
        rows = units.order[units.labels[units.order] == run]
        m, size = len(rows), min(units.block, len(rows))
        first = rng.integers(0, m - size + 1, size=(draws, -(-m // size)))
        place = (first[:, :, None] + np.arange(size)).reshape(draws, -1)[:, :m]
        for draw in range(draws):
            counts[draw, rows] = np.bincount(place[draw], minlength=m)
    return counts
