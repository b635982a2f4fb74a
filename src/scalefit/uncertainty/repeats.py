"""What runs that share every input say of the scatter: repeats of one setting, such as seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.units import step_order

#: Share of the probability between the ends of the intervals of a scatter.
LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Repeats:
    """The scatter of runs about the mean of their own setting, pooled over settings that were run more than once.

    Parameters
    ----------
    scatter : float
        Pooled standard deviation, on the scale of the objective: 0.01 is 1 % of the loss on the log scale.
    low, high : float
        90 % interval of the scatter (chi-squared, with fewer degrees of freedom where tails are heavy).
    freedom : int
        Repeats beyond the first of each setting.
    settings : int
        How many settings were run more than once.
    label : (n,) array
        The setting of each row; -1 where it was run only once.
    """

    scatter: float
    low: float
    high: float
    freedom: int
    settings: int
    label: NDArray[np.intp]


def repeats_of(fit: Fitted, tails: float) -> Repeats | None:
    """The scatter of repeats; None where no two runs are equal in every input.

    Rows of one run at one setting are no repeats: their mean stands for the run. ``tails`` is the excess kurtosis of
    the scatter, which makes a standard deviation less certain.
    """
    r, counted = fit.problem.residual(fit.theta)[0], fit.weights > 0
    setting = np.unique(np.column_stack(fit.problem.inputs), axis=0, return_inverse=True)[1].reshape(-1)
    setting = np.where(counted, setting, -1)
    cell, of_row = np.unique(np.column_stack([setting, fit.units.labels]), axis=0, return_inverse=True)
    mean = np.bincount(of_row.reshape(-1), r) / np.bincount(of_row.reshape(-1))
    mean, cell = mean[cell[:, 0] >= 0], cell[cell[:, 0] >= 0]
    runs = np.bincount(cell[:, 0], minlength=int(setting.max()) + 1)
    repeated = runs > 1
    if not repeated.any():
        return None
    centre = np.bincount(cell[:, 0], mean, minlength=len(runs)) / np.maximum(runs, 1)
    squares = float(np.sum((mean - centre[cell[:, 0]])[repeated[cell[:, 0]]] ** 2))
    freedom = int(np.sum(runs[repeated] - 1))
    scatter = float(np.sqrt(squares / freedom))
    independent = min(freedom, _independent(cell[repeated[cell[:, 0]]]))
    low, high = scatter_interval(scatter, independent, tails)
    label = np.where(repeated[setting] & counted, setting, -1)
    return Repeats(scatter, low, high, freedom, int(repeated.sum()), label)


def _independent(cells: NDArray[np.intp]) -> int:
    """Runs beyond one of each group that shares settings: all rows of a run share its luck."""
    leader = {int(run): int(run) for run in cells[:, 1]}

    def head(run: int) -> int:
        while leader[run] != run:
            leader[run] = leader[leader[run]]
            run = leader[run]
        return run

    first: dict[int, int] = {}
    for setting, run in cells.tolist():
        leader[head(run)] = head(first.setdefault(setting, run))
    return len(leader) - len({head(run) for run in leader})


def scatter_interval(scatter: float, freedom: float, tails: float) -> tuple[float, float]:
    """90 % interval of a standard deviation known with some degrees of freedom.

    The variance of a variance grows with the excess kurtosis of what is squared: ``freedom / (1 + tails / 2)`` degrees
    of a normal distribution say as much.
    """
    from scipy.special import chdtri

    known = max(freedom / (1 + max(tails, 0.0) / 2), 1.0)
    # chdtri takes the probability above the value
    low, high = (float(chdtri(known, share)) for share in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2))
    return scatter * np.sqrt(known / low), scatter * np.sqrt(known / high)


@dataclass(frozen=True, eq=False)
class AlongRuns:
    """How alike the residuals of one run are from row to row.

    Parameters
    ----------
    correlation : float
        Of a row's residual with that of the next row of its run (the coefficient of AR(1)).
    time : float
        Integrated autocorrelation time: rows of one run that say as much as one independent row.
    effective_rows : float
        Rows over ``time``.
    """

    correlation: float
    time: float
    effective_rows: float


def along_runs(fit: Fitted) -> AlongRuns | None:
    """Correlation along runs, pooled over runs; None where each row is a run of its own.

    Residuals are taken about the law, not about the mean of their run: an offset that a run keeps to its end is
    correlation too, and its rows then count as one.
    """
    if fit.units.kind == "rows":
        return None
    r = np.where(fit.weights > 0, fit.problem.residual(fit.theta)[0], 0.0)
    labels = fit.units.labels
    runs = np.split(r[step_order(fit.data, labels)], np.cumsum(np.bincount(labels))[:-1])
    longest = max(map(len, runs))
    products, pairs = np.zeros(longest), np.zeros(longest)
    for run in runs:
        spectrum = np.fft.rfft(run, 2 * len(run))
        products[: len(run)] += np.fft.irfft(np.abs(spectrum) ** 2, 2 * len(run))[: len(run)]
        pairs[: len(run)] += np.arange(len(run), 0, -1)
    if products[0] <= 0 or longest < 2:
        return AlongRuns(0.0, 1.0, float(len(r)))
    correlation = (products / pairs) / (products[0] / pairs[0])
    small = np.flatnonzero(correlation < 0.05)
    last = int(small[0]) if len(small) else longest
    # a lag of k stands in a run of m rows m - k times
    time = max(1.0, float(1 + 2 * np.sum(correlation[1:last] * (pairs[1:last] / pairs[0]))))
    return AlongRuns(float(correlation[1]), time, pairs[0] / time)
