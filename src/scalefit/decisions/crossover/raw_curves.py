"""Losses of raw runs as monotone curves, and where two of them cross, with no law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.crossover.roots import find_brackets
from scalefit.fitting.problem import Array

#: Places in the log on which two curves are compared.
_PLACES = 401


@dataclass(frozen=True, eq=False)
class Rows:
    """The runs of one family that are compared.

    Attributes
    ----------
    along, target : (n,) where they stand and what they reached.
    units : (n,) which of them are drawn as one: rows of one run have one number, from 0.
    """

    along: Array
    target: Array
    units: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Some rows, also more than once."""
        return Rows(self.along[rows], self.target[rows], self.units[rows])

    @cached_property
    def members(self) -> list[NDArray[np.intp]]:
        """The rows of each unit."""
        return [np.flatnonzero(self.units == unit) for unit in range(int(self.units.max()) + 1)]

    def resample(self, rng: np.random.Generator) -> Rows:
        """As many units, drawn with replacement."""
        count = len(self.members)
        return self.take(np.concatenate([self.members[unit] for unit in rng.integers(count, size=count)]))


@dataclass(frozen=True, eq=False)
class Smooth:
    """A monotone curve: knots in the log of the place, means seen there and what is left of them in order."""

    logs: Array
    seen: Array
    values: Array
    counts: NDArray[np.intp]

    def __call__(self, logs: Array) -> Array:
        """The curve within its knots."""
        from scipy.interpolate import PchipInterpolator

        return np.asarray(PchipInterpolator(self.logs, self.values)(logs))


def smooth(rows: Rows, better: Literal["low", "high"], *, logarithmic: bool) -> Smooth:
    """Means at each place, made monotone by isotonic regression; between them the curve is a monotone cubic."""
    from scipy.optimize import isotonic_regression

    logs, where, counts = np.unique(np.log(rows.along), return_inverse=True, return_counts=True)
    values = np.log(rows.target) if logarithmic else rows.target
    seen = np.bincount(where, values) / counts
    level = isotonic_regression(seen, weights=counts.astype(float), increasing=better == "high").x
    return Smooth(logs, seen, np.asarray(level), counts.astype(np.intp))


def frontier(rows: Rows, better: Literal["low", "high"]) -> Rows:
    """The rows that no other beats with as little of the quantity."""
    sign = 1.0 if better == "low" else -1.0
    order = np.lexsort((sign * rows.target, rows.along))
    best = np.minimum.accumulate(sign * rows.target[order])
    previous = np.concatenate([[np.inf], best[:-1]])
    kept = np.sort(order[sign * rows.target[order] < previous])
    inner = rows.take(kept)
    return Rows(inner.along, inner.target, np.unique(inner.units, return_inverse=True)[1].astype(np.intp))


@dataclass(frozen=True, eq=False)
class RawCrossings:
    """Where two curves cross, (k,), who is ahead before (-1 the first), and the signs along the common range."""

    places: Array
    before: NDArray[np.intp]
    first_ahead: float
    common: tuple[float, float]


def compare(a: Smooth, b: Smooth, better: Literal["low", "high"]) -> RawCrossings | None:
    """Crossings of two curves where both have runs; None where they have nothing in common."""
    low, high = max(a.logs[0], b.logs[0]), min(a.logs[-1], b.logs[-1])
    if len(a.logs) < 2 or len(b.logs) < 2 or low >= high:
        return None
    logs = np.unique(np.concatenate([np.linspace(low, high, _PLACES), *(one.logs for one in (a, b))]).clip(low, high))
    lead = a(logs) - b(logs)
    lead = lead if better == "low" else -lead
    found = find_brackets(np.sign(lead)[None].astype(np.int8), np.ones((1, len(lead)), bool))
    left, right = logs[found.left], logs[found.right]
    at_left, at_right = lead[found.left], lead[found.right]
    places = np.exp(left + (right - left) * at_left / (at_left - at_right))
    return RawCrossings(places, found.before, float(np.mean(lead < 0)), (float(np.exp(low)), float(np.exp(high))))


def draw_crossings(a: Rows, b: Rows, better: Literal["low", "high"], draws: int, rng: np.random.Generator,
                   *, logarithmic: bool, frontiers: bool) -> list[RawCrossings | None]:  # fmt: skip
    """The same for resampled runs of each family."""
    out = []
    for _ in range(draws):
        drawn = [rows.resample(rng) for rows in (a, b)]
        drawn = [frontier(rows, better) for rows in drawn] if frontiers else drawn
        curves = [smooth(rows, better, logarithmic=logarithmic) for rows in drawn]
        out.append(compare(curves[0], curves[1], better))
    return out


def points_frame(curves: dict[str, Smooth], along: str, target: str, *, logarithmic: bool) -> pd.DataFrame:
    """What was compared: one row per family and place."""
    back = np.exp if logarithmic else np.asarray
    parts = [
        pd.DataFrame(
            {"family": name, along: np.exp(one.logs), target: back(one.seen), "smooth": back(one.values),
             "runs": one.counts}
        )
        for name, one in curves.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)
