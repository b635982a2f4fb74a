"""Laws ranked two by two on the held-out points that both predicted; arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]

#: Laws whose held-out errors differ by less than this share are ordered by AICc.
TIE = 0.02
#: Share of the cuts at which the fit of a law must converge for the law to rank among the others.
ENOUGH = 0.5


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of all laws at all held-out points; a point is a row beyond a cut.

    Attributes
    ----------
    laws : names, in the order of the columns of ``size``.
    size : (points, laws) absolute relative errors; NaN where a law was not judged, infinite where it has no value.
    signed : (points, laws) relative errors, above zero where a law predicts too much.
    inside : (points, laws) 1 where the interval holds what was seen, 0 where not, NaN where there is none.
    cut : (points,) number of the cut.
    place : (points,) position of the row among the runs.
    unit : (points,) number of the run, or of the row where no column names runs.
    """

    laws: tuple[str, ...]
    size: Array
    signed: Array
    inside: Array
    cut: Places
    place: Places
    unit: Places

    def column(self, law: str) -> Array:
        """(points,): the errors of one law."""
        return self.size[:, self.laws.index(law)]

    def shared(self, a: str, b: str) -> NDArray[np.bool_]:
        """(points,): where both laws were judged."""
        return ~np.isnan(self.column(a)) & ~np.isnan(self.column(b))

    def mean(self, values: Array) -> float:
        """The mean of (points,) over cuts, each cut counting the same: within one, errors share their sign."""
        there = ~np.isnan(values)
        if not there.any():
            return float("nan")
        count = np.bincount(self.cut[there])
        total = np.bincount(self.cut[there], weights=values[there])
        with np.errstate(invalid="ignore"):  # infinite errors of both signs
            return float(np.mean(total[count > 0] / count[count > 0]))


def errors_of(points: Mapping[str, pd.DataFrame], labels: pd.Index) -> Errors:
    """The table of errors of each law's points; ``labels`` are the distinct row labels, in the order of the runs.

    Points at which zero was seen have no relative error and do not count.
    """
    told = pd.concat([frame.assign(law=law) for law, frame in points.items()], ignore_index=True)
    told = told[told["observed"].to_numpy(float) != 0]
    place = labels.get_indexer(pd.Index(told["row"]))
    cut, _ = pd.factorize(told["cut"], sort=True)
    distinct, point = np.unique(cut * len(labels) + place, return_inverse=True)
    laws = tuple(points)
    law = np.array([laws.index(name) for name in told["law"]])
    seen, estimate = (told[name].to_numpy(float) for name in ("observed", "estimate"))
    low, high = (told[name].to_numpy(float) for name in ("low", "high"))
    signed, inside = np.full((2, len(distinct), len(laws)), np.nan)
    relative = (estimate - seen) / np.abs(seen)
    signed[point, law] = np.where(np.isnan(relative), np.inf, relative)
    held = ((low <= seen) & (seen <= high)).astype(float)
    inside[point, law] = np.where(np.isnan(low) | np.isnan(high), np.nan, held)
    runs = told["run"].astype(str) if "run" in told else pd.Series(place, index=told.index)
    unit_of = np.empty(len(distinct), object)
    unit_of[point] = runs.to_numpy(object)
    unit, _ = pd.factorize(unit_of)
    return Errors(laws, np.abs(signed), signed, inside, distinct // len(labels), distinct % len(labels), unit)


def order_of(errors: Errors, aicc: Mapping[str, float], standing: Mapping[str, int]) -> list[str]:
    """Laws best first: by standing, then by how many laws of the same standing each beats, then by AICc.

    One law beats another if its error on the points that both predicted is smaller, and where the two errors differ by
    less than a small share, or no point is shared, if its AICc is.
    """
    wins = dict.fromkeys(errors.laws, 0)
    for a, b in _pairs(errors.laws):
        if standing[a] == standing[b]:
            wins[a if _beats(errors, a, b, aicc) else b] += 1
    return sorted(errors.laws, key=lambda law: (standing[law], -wins[law], aicc[law]))


def _pairs(laws: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((a, b) for i, a in enumerate(laws) for b in laws[i + 1 :])


def _beats(errors: Errors, a: str, b: str, aicc: Mapping[str, float]) -> bool:
    both = errors.shared(a, b)
    first, second = (errors.mean(np.where(both, errors.column(law), np.nan)) for law in (a, b))
    if first * (1 + TIE) < second:
        return True
    if second * (1 + TIE) < first:
        return False
    return aicc[a] <= aicc[b]


def reference_of(errors: Errors, order: Sequence[str]) -> str:
    """The best of the laws that were judged at the most points."""
    judged = {law: int(np.sum(~np.isnan(errors.column(law)))) for law in order}
    return max(order, key=lambda law: judged[law])  # the first of those that have the most


def comparable_error(errors: Errors, reference: str, law: str) -> float:
    """The error of a law on the points of the reference; where it was judged at fewer, scaled to all of them.

    The scale is what the reference did: its error on all of its points over that on the points that both predicted. So
    a law that was judged only where it is easy does not profit.
    """
    wanted, there = (~np.isnan(errors.column(name)) for name in (reference, law))
    both = wanted & there
    own = errors.mean(np.where(both if both.any() else there, errors.column(law), np.nan))
    if not both.any() or np.array_equal(both, wanted):
        return own
    part = errors.mean(np.where(both, errors.column(reference), np.nan))
    whole = errors.mean(errors.column(reference))
    return own * whole / part if np.isfinite(whole) and part > 0 else own
