"""The lowest place of many curves at once: over a grid first, then ever closer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array

#: How often the best place is looked at closer, and the places of each look, ends included.
ZOOMS, CLOSER = 8, 9
#: Numbers evaluated at once.
BLOCK = 2_000_000
#: Why a curve has no lowest place inside the grid: it falls towards the low end, the high end, has no value at all, or
#: is flat to rounding about its lowest value.
INSIDE, LOW_END, HIGH_END, NOWHERE, FLAT = 0, -1, 1, 2, 3
#: A share of the value by which a valley must rise over one step of the grid: below, its place is lost in rounding.
DEPTH = 1e-12
#: Places (B or 1, m, k) and the rows they belong to -> values that broadcast to (rows, m, k), lower is better.
Curves = Callable[[Array, slice], Array]


@dataclass(frozen=True, eq=False)
class Lowest:
    """Where each curve is lowest, (B, m): NaN where it is not inside the grid, and ``edge`` says why."""

    place: Array
    edge: NDArray[np.int8]


def lowest(curves: Curves, grid: Array, *, shape: tuple[int, int], near: tuple[float, float]) -> Lowest:
    """The lowest place of each of B x m curves inside a grid.

    Of several valleys the one nearest to ``near`` counts, for far from all data laws do as they please; inside ``near``
    the deepest.

    Parameters
    ----------
    grid : (k,) evenly spaced and increasing.
    near : (low, high) within the grid.
    """
    place, edge = np.empty(shape), np.empty(shape, np.int8)
    rows = max(1, BLOCK // (shape[1] * len(grid)))
    for start in range(0, shape[0], rows):
        part = slice(start, min(start + rows, shape[0]))
        place[part], edge[part] = _lowest_rows(curves, grid, part, shape[1], near)
    return Lowest(place, edge)


def _lowest_rows(
    curves: Curves, grid: Array, part: slice, m: int, near: tuple[float, float]
) -> tuple[Array, NDArray[np.int8]]:
    B = part.stop - part.start

    def values(places: Array) -> Array:
        found = np.broadcast_to(curves(places, part), (B, m, places.shape[2]))
        return np.where(np.isfinite(found), found, np.inf)

    seen = values(np.broadcast_to(grid, (1, m, len(grid))))
    best, edge = _valleys(seen, grid, near)
    step, around = grid[1] - grid[0], np.linspace(-1, 1, CLOSER)
    centre = grid[best][..., None]
    for _ in range(ZOOMS):
        places = centre + step * around
        seen = values(places)
        at = np.clip(np.argmin(seen, axis=2)[..., None], 1, CLOSER - 2)
        centre = np.take_along_axis(places, at, axis=2)
        step *= around[1] - around[0]
    x, y = ([np.take_along_axis(of, at + k, axis=2)[..., 0] for k in (-1, 0, 1)] for of in (places, seen))
    inside = (edge == INSIDE) & np.isfinite(y[0]) & np.isfinite(y[2])
    # A valley with a wall of no values at every closer look is the end of what can be had, not a balance.
    edge = np.where(inside | (edge != INSIDE), edge, np.where(np.isfinite(y[0]), HIGH_END, LOW_END))
    return np.where(inside, _vertex(x, y), np.nan), edge.astype(np.int8)


def _valleys(seen: Array, grid: Array, near: tuple[float, float]) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """Index of the valley that counts, (B, m), and where there is none why."""
    left, middle, right = seen[..., :-2], seen[..., 1:-1], seen[..., 2:]
    valley = (middle <= left) & (middle <= right) & ((middle < left) | (middle < right))
    away = np.maximum(np.maximum(near[0] - grid[1:-1], grid[1:-1] - near[1]), 0.0)
    nearest = np.min(np.where(valley, away, np.inf), axis=2, keepdims=True)
    best = 1 + np.argmin(np.where(valley & (away <= nearest), middle, np.inf), axis=2)
    around = [np.take_along_axis(seen, best[..., None] + k, axis=2)[..., 0] for k in (-1, 0, 1)]
    with np.errstate(all="ignore"):
        shallow = np.maximum(around[0], around[2]) - around[1] <= DEPTH * np.abs(around[1])
    falls = np.where(np.argmin(seen, axis=2) < len(grid) / 2, LOW_END, HIGH_END)
    falls = np.where(np.isfinite(seen).any(axis=2), falls, NOWHERE)
    return best, np.where(valley.any(axis=2), np.where(shallow, FLAT, INSIDE), falls).astype(np.int8)


def _vertex(x: list[Array], y: list[Array]) -> Array:
    """The lowest place of the parabola through the best of the last places and its neighbours."""
    with np.errstate(all="ignore"):
        shift = 0.5 * (x[1] - x[0]) * (y[0] - y[2]) / (y[0] - 2 * y[1] + y[2])
    return np.where(np.isfinite(shift) & (np.abs(shift) <= x[2] - x[1]), x[1] + shift, x[1])
