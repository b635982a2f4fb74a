"""Where many curves at once reach a line, first or for good, on a log grid of places; and quantiles of the answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.crossover.roots import solve_brackets
from scalefit.decisions.targets.chained import Rows
from scalefit.decisions.targets.curves import Curve
from scalefit.errors import FitError
from scalefit.fitting.problem import Array

#: Places (m,) or (k, m) and which k rows -> (k, m): above zero where a curve is not there yet, NaN without a value.
Gap = Callable[[Array, Rows], Array]
#: Places per decade in and near the data, and far from it.
NEAR, FAR = 4, 0.5
#: "Near" ends this factor past the data; the search ends that one.
NEAR_PAST, SEARCHED_PAST = 1e3, 1e30
#: Largest place looked at.
_LARGEST = 1e290


def places_to_search(curve: Curve, between: tuple[float, float] | None) -> Array:
    """Places from the smallest value fitted (or asked for) to far past the largest, as far as the law has a value.

    Raises
    ------
    FitError
        If the ends are not two sizes above zero in order, or the law has no value between them.
    """
    low, high = curve.route.reach
    if between is not None:
        first, last = _checked_ends(between)
    else:
        if not low > 0:
            raise FitError(
                f"The scale is looked for in its logarithm, and {curve.route.along!r} starts at {low:g} in the runs: "
                "say where to look with between=(low, high), both above zero."
            )
        first, last = low, min(high * SEARCHED_PAST, _LARGEST)
    middle = min(max(high * NEAR_PAST, first), last)
    near, far = (int(np.ceil(np.log10(b / a) * n)) for a, b, n in ((first, middle, NEAR), (middle, last, FAR)))
    places = np.unique(np.concatenate([np.geomspace(first, middle, near + 1), np.geomspace(middle, last, far + 1)]))
    places[0], places[-1] = first, last
    there = np.flatnonzero(np.isfinite(curve.estimate(places)))
    if not len(there):
        raise FitError(
            f"{curve.name} has no value between {first:.3g} and {last:.3g} along {curve.route.along!r} "
            f"{curve.route.text}."
        )
    return places[: there[-1] + 2]


def first_reached(gap: Gap, places: Array, seen: Array) -> Array:
    """(R,) the first place at which each gap closes: the smallest place if it is closed there, infinite if nowhere.

    Parameters
    ----------
    places : (m,).
    seen : (R, m), the gaps there.
    """
    closed = seen <= 0
    k = np.argmax(closed, axis=1)
    out = np.where(closed.any(axis=1), places[0], np.inf)
    rows = np.flatnonzero(closed.any(axis=1) & (k > 0))
    out[rows] = _closed_between(gap, places, seen, rows, k[rows] - 1)
    return out


def closed_for_good(gap: Gap, places: Array, seen: Array) -> Array:
    """(R,) the place after which each gap stays closed: the smallest place if it is never open, else infinite."""
    count = seen.shape[1]
    known, opened = np.isfinite(seen) | np.isinf(seen), seen > 0
    last_known = np.where(known.any(axis=1), count - 1 - np.argmax(known[:, ::-1], axis=1), -1)
    last_open = np.where(opened.any(axis=1), count - 1 - np.argmax(opened[:, ::-1], axis=1), -1)
    out = np.where((last_known >= 0) & (last_open < 0), places[0], np.inf)
    rows = np.flatnonzero((last_open >= 0) & (last_open < last_known))
    out[rows] = _closed_between(gap, places, seen, rows, last_open[rows])
    return out


def _closed_between(gap: Gap, places: Array, seen: Array, rows: NDArray[np.intp], k: NDArray[np.intp]) -> Array:
    """Where the gaps of some rows, open at the place ``k``, close before the next one."""
    before, after = seen[rows, k], seen[rows, k + 1]
    # No value, or no end to it, at the open side: any number above zero starts the search from there.
    before = np.where(np.isfinite(before), before, 1.0)
    out = places[k + 1].copy()
    left = np.flatnonzero(after < 0)

    def function(logs: Array, index: NDArray[np.intp]) -> Array:
        return gap(np.exp(logs)[:, None], rows[left[index]])[:, 0]

    low, high = np.log(places[k[left]]), np.log(places[k[left] + 1])
    out[left] = np.exp(solve_brackets(function, low, high, before[left], after[left]))
    return out


def quantiles(scales: Array, level: float) -> tuple[float, float]:
    """Ends of the central share of the draws, infinite where they lie among draws that never get there; in the log.

    NaN without draws.
    """
    if not len(scales):
        return np.nan, np.nan
    ordered = np.sort(scales)
    ends = []
    for share, outer in ((0.5 - level / 2, 0), (0.5 + level / 2, 1)):
        place = share * (len(ordered) - 1)
        k = min(int(place), len(ordered) - 2) if len(ordered) > 1 else 0
        pair = ordered[[k, min(k + 1, len(ordered) - 1)]]
        part = place - k
        if np.isfinite(pair).all() and pair[0] < pair[1]:
            ends.append(float(np.exp((1 - part) * np.log(pair[0]) + part * np.log(pair[1]))))
        else:
            ends.append(float(pair[outer]) if 0 < part < 1 else float(pair[round(part)]))
    return ends[0], ends[1]


def band(values: Array, level: float) -> tuple[Array, Array]:
    """Low and high (m,) over the rows of (B, m), NaN where most rows have no value."""
    out = np.full((2, values.shape[1]), np.nan)
    there = np.isfinite(values).mean(axis=0) > 0.5 if len(values) else np.zeros(values.shape[1], bool)
    if there.any():
        kept = np.where(np.isfinite(values[:, there]), values[:, there], np.nan)
        out[:, there] = np.nanquantile(kept, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return out[0], out[1]


def _checked_ends(between: tuple[float, float]) -> tuple[float, float]:
    try:
        first, last = (float(end) for end in between)
    except (TypeError, ValueError):
        first, last = np.nan, np.nan
    if not (0 < first < last <= _LARGEST):
        raise FitError(f"between takes the ends of the search, such as between=(1e18, 1e26); got {between!r}.")
    return first, last
