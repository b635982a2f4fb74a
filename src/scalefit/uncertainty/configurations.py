"""Configurations: runs that share every input, such as seeds of one setting, and what their scatter says of others."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, FitWarning
from scalefit.fitting.problem import Array
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.units import Units, carry, rows_in_order

#: Repeats beyond the first of each configuration below which their pooled scatter is hardly known.
FEW_REPEATS = 4


@dataclass(frozen=True, eq=False)
class Configurations:
    """A division of runs into configurations.

    Parameters
    ----------
    units : rows or whole runs.
    label : (units,) the configuration of each unit.
    cell : (n,) number of the point of its configuration at which each row stands.
    """

    units: Units
    label: NDArray[np.intp]
    cell: NDArray[np.intp]

    @property
    def repeats(self) -> NDArray[np.intp]:
        """(units,) how many units the configuration of each has."""
        return np.asarray(np.bincount(self.label)[self.label])

    @property
    def spare(self) -> int:
        """Repeats beyond the first of each configuration."""
        return len(self.label) - int(self.label.max()) - 1

    def means(self, r: Array) -> Array:
        """(n,) mean residual of each row's cell: rows of one cell have the same fitted value."""
        return np.asarray((np.bincount(self.cell, r) / np.bincount(self.cell))[self.cell])

    def deviations(self, r: Array) -> Array:
        """(n,) residuals about the mean of their configuration, wider by sqrt(k / (k - 1)) for its k runs."""
        k = self.repeats[self.units.labels]
        return np.asarray((r - self.means(r)) * np.sqrt(k / np.maximum(k - 1, 1)))

    def kept_centre(self, r: Array, q: int) -> Array:
        """(n,) residuals at which configurations stay: the part of their mean that is more than scatter.

        A mean of k runs misses the law by lack of fit and by scatter. The scatter is drawn anew, so only the rest is
        kept: with F the mean square of the misses of a law of q parameters over that of the repeats, a share of
        sqrt(1 - 1 / F).
        """
        means = self.means(r)
        cells = int(self.cell.max()) + 1
        missed, scattered = float(np.sum(means**2)), float(np.sum((r - means) ** 2))
        if cells <= q or missed == 0 or len(r) == cells:
            return means
        ratio = (missed / (cells - q)) / max(scattered / (len(r) - cells), 1e-300)
        return np.asarray(means * np.sqrt(max(1 - 1 / ratio, 0.0)))

    def warn_if_few(self) -> None:
        """Warn where few runs repeat: then the scatter of seeds is itself hardly known."""
        if self.spare < FEW_REPEATS:
            warnings.warn(
                f"Only {self.spare} of {len(self.label)} runs repeat the setting of another: the scatter of seeds is "
                "hardly known from them, and intervals of kind='seeds' may be far too narrow or too wide.",
                FitWarning,
                stacklevel=6,
            )

    def draw(self, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Rows (draws, n) whose deviation each row receives: of its configuration, or of all that repeat if alone."""
        repeats = self.repeats
        pooled = np.flatnonzero(repeats > 1)
        sources = np.empty((draws, len(self.label)), np.intp)
        for unit, label in enumerate(self.label):
            own = np.flatnonzero(self.label == label) if repeats[unit] > 1 else pooled
            sources[:, unit] = own[rng.integers(0, len(own), size=draws)]
        return carry(self.units, sources)


def configurations_of(fit: Fitted, units: Units) -> Configurations:
    """The configurations of a fit: rows equal in every input, or runs all of whose rows are.

    Raises
    ------
    FitError
        If none repeats.
    """
    table = np.column_stack(fit.problem.inputs)
    rows_of = rows_in_order(units)
    keys = [table[rows].tobytes() for rows in rows_of]
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    label = np.array([number[key] for key in keys])
    cell, start = np.empty(len(table), np.intp), 0
    for configuration in range(len(number)):
        members = np.flatnonzero(label == configuration)
        for unit in members:
            cell[rows_of[unit]] = start + np.arange(len(rows_of[unit]))
        start += len(rows_of[members[0]])
    made = Configurations(units, label, cell)
    what = "rows" if units.kind == "rows" else "runs"
    if not made.spare:
        raise FitError(
            f"kind='seeds' redraws {what} that are equal in every input of {fit.law.name}, and no two are. Use "
            f"kind='pairs' or 'residual', or train some settings with a second seed."
        )
    return made
