"""Arithmetic along sorted histories, for all runs at once: windows, their sums and medians, decaying sums.

Runs lie one after the other in flat arrays, each sorted. A window is the rows from ``start`` to before ``stop``; it
never leaves its run. No sum is a difference of cumulative sums: a single loss of 1e20 would spoil all that follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.indexers import BaseIndexer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Bounds of a window are this much wider than told, for a row right on one not to fall out by rounding.
_ROUNDING = 1e-12


def search_within(values: Floats, start: Ints, stop: Ints, wanted: Floats, *, right: bool = False) -> Ints:
    """Find where numbers belong in stretches of a flat array that are sorted each; quick for many in one stretch.

    Parameters
    ----------
    values : array (m,)
        Sorted between each ``start`` and ``stop``.
    start, stop : array (q,)
        The stretch in which each number is looked for.
    wanted : array (q,)
        The numbers.
    right : bool
        After equal ones instead of before.

    Returns
    -------
    array (q,)
        The first place in the stretch whose value is not below (``right``: is above) the number, else ``stop``.
    """
    found = np.empty(len(wanted), dtype=np.intp)
    other = np.ones(len(wanted), dtype=np.bool_)
    other[1:] = (np.diff(start) != 0) | (np.diff(stop) != 0)
    firsts = np.flatnonzero(other)
    for first, after in zip(firsts, np.append(firsts[1:], len(wanted)), strict=True):
        stretch = values[start[first] : stop[first]]
        place = np.searchsorted(stretch, wanted[first:after], side="right" if right else "left")
        found[first:after] = start[first] + place
    return found


def row_windows(first: Ints, last: Ints, rows: int) -> tuple[Ints, Ints]:
    """Centred windows of a number of rows; near the ends of a run they shrink on both sides alike.

    Parameters
    ----------
    first, last : array (m,)
        The first and the last row of the run of each row.
    rows : int
        Width, odd.

    Returns
    -------
    start, stop : array (m,)
    """
    place = np.arange(len(first))
    half = np.minimum(rows // 2, np.minimum(place - first, last - place))
    return place - half, place + half + 1


def ratio_windows(along: Floats, first: Ints, last: Ints, ratio: float) -> tuple[Ints, Ints]:
    """Windows of a constant ratio, from x / sqrt(ratio) to x * sqrt(ratio); near the ends of a run both sides shrink.

    Parameters
    ----------
    along : array (m,)
        Not negative; sorted within a run.
    first, last : array (m,)
        The first and the last row of the run of each row.
    ratio : float > 1
        The largest number in a window over its smallest.

    Returns
    -------
    start, stop : array (m,)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.fmin(along[last] / along, along / along[first])  # 0 / 0, at step 0, does not count
    half = np.fmax(np.fmin(np.sqrt(ratio), room), 1.0)
    start = search_within(along, first, last + 1, along / half * (1 - _ROUNDING))
    stop = search_within(along, first, last + 1, along * half * (1 + _ROUNDING), right=True)
    return start, stop


def wide_windows(along: Floats, first: Ints, last: Ints, *, ratio: float, rows: int) -> tuple[Ints, Ints]:
    """Windows for a running level: as many rows after as before, down to x / sqrt(ratio), and at least ``rows`` in all.

    At the start of a run, where a loss falls steeply, they shrink on both sides alike: the middle of a falling curve is
    then its median. At the end they are cut off, so that the last rows are compared with those before.

    Returns
    -------
    start, stop : array (m,)
        Neither ever decreases.
    """
    place = np.arange(len(along))
    before = place - search_within(along, first, last + 1, along / np.sqrt(ratio) * (1 - _ROUNDING))
    half = np.minimum(np.maximum(before, rows // 2), place - first)
    stop = np.minimum(place + half + 1, last + 1)
    return place - half, np.maximum.accumulate(stop)


def window_sums(values: Floats, start: Ints, stop: Ints) -> Floats:
    """The sum of the values in each window, put together from sums of 1, 2, 4, … neighbours.

    Parameters
    ----------
    values : array (m,)
    start, stop : array (q,)

    Returns
    -------
    array (q,)
    """
    length, place = stop - start, start.copy()
    total = np.zeros(len(start))
    block, size = values, 1
    longest = int(length.max(initial=0))
    with np.errstate(over="ignore", invalid="ignore"):  # blocks that reach across runs are never looked at
        while size <= longest:
            rows = np.flatnonzero(length & size)
            total[rows] += block[place[rows]]
            place[rows] += size
            block, size = block[:-size] + block[size:], 2 * size
    return total


def window_means(values: Floats, start: Ints, stop: Ints) -> Floats:
    """The mean of the values in each window; of one row, its very value."""
    return window_sums(values, start, stop) / (stop - start)


def window_medians(values: Floats, start: Ints, stop: Ints) -> Floats:
    """The median of the values in each window; quick where neither bound ever decreases."""
    windows = _Windows(start=start.astype(np.int64), stop=stop.astype(np.int64))
    return np.asarray(pd.Series(values).rolling(windows, min_periods=1).median(), dtype=np.float64)


def decayed_sums(values: Floats, decay: Floats) -> Floats:
    """Sums that forget: ``s[i] = decay[i] * s[i - 1] + values[i]``, by doubling.

    Parameters
    ----------
    values : array (m,)
    decay : array (m,)
        From 0 to 1; 0 at the first row of a run, which is what keeps runs apart.

    Returns
    -------
    array (m,)
    """
    total, factor, shift = values.copy(), decay.copy(), 1
    while shift < len(total) and factor.any():
        total[shift:] = total[shift:] + factor[shift:] * total[:-shift]
        factor[shift:] = factor[shift:] * factor[:-shift]
        shift *= 2
    return total


def weighted_means(values: Floats, along: Floats, first: Ints, halflife: float) -> Floats:
    """Exponential moving averages: the weight of a row halves with every ``halflife`` that lies between.

    Divided by the sum of the weights, so the first rows are not drawn towards zero.
    """
    place = np.arange(len(values))
    gap = np.diff(along, prepend=0.0)
    decay = np.where(place == first, 0.0, np.exp2(-np.maximum(gap, 0.0) / halflife))
    return decayed_sums(values, decay) / decayed_sums(np.ones(len(values)), decay)


class _Windows(BaseIndexer):
    """Windows whose bounds are known, as pandas wants them."""

    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> Any:
        """The bounds; what pandas asks besides does not change them."""
        return self.start, self.stop
