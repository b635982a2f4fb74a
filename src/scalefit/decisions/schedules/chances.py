"""Draws of a final loss, and how likely one lies below another."""

from __future__ import annotations

import math

import numpy as np

from scalefit.fitting.problem import Array

#: Draws that stand for an interval.
COUNT = 999


def draws_between(estimate: float, low: float, high: float, level: float) -> Array:
    """(COUNT,) a loss of which an interval is known: normal in the log on either side; NaN where it is not known.

    They are its quantiles at even steps, so that nothing is random.

    Examples
    --------
    >>> drawn = draws_between(3.0, 2.9, 3.2, 0.9)
    >>> [round(float(value), 2) for value in np.quantile(drawn, [0.05, 0.5, 0.95])]
    [2.9, 3.0, 3.2]
    """
    from scipy.special import ndtri  # here: `import scalefit` must not load scipy

    if not all(math.isfinite(value) and value > 0 for value in (estimate, low, high)):
        return np.full(COUNT, np.nan)
    z = ndtri((np.arange(COUNT) + 0.5) / COUNT)
    side = np.where(z < 0, math.log(estimate / low), math.log(high / estimate)) / ndtri(0.5 + level / 2)
    return np.asarray(estimate * np.exp(z * side))


def chance_below(some: Array, others: Array) -> float:
    """How likely one of some draws lies below one of others, drawn independently; ties count half.

    NaN where fewer than half of either are known.

    Examples
    --------
    >>> chance_below(np.array([1.0, 2.0, 3.0]), np.array([2.5])), chance_below(np.array([1.0]), np.array([1.0]))
    (0.6666666666666666, 0.5)
    """
    kept, against = some[np.isfinite(some)], others[~np.isnan(others)]
    if not len(kept) or not len(against) or 2 * len(kept) < len(some) or 2 * len(against) < len(others):
        return np.nan
    ordered = np.sort(kept)
    below = np.searchsorted(ordered, against, side="left") + np.searchsorted(ordered, against, side="right")
    return float(below.mean() / (2 * len(ordered)))
