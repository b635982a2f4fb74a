"""Who is ahead where: ranges in which a band that holds at all places at once lies on one side of zero."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array

#: Values closer than this share are equal: no more than rounding lies between them.
ROUNDING = 1e-9
#: A normal deviation of one lies between these shares of the draws.
_SIXTEEN, _EIGHTY_FOUR = 0.158655, 0.841345


@dataclass(frozen=True)
class Claim:
    """One family ahead of another over a range of what they are compared along.

    Attributes
    ----------
    family, against : str
    low, high : float
        The range; ``whole`` says how it lies in what was judged.
    whole : {"all", "from", "up to", "between"}
    share : float
        Of the draws in which it is ahead at every place of the range.
    """

    family: str
    against: str
    low: float
    high: float
    whole: Literal["all", "from", "up to", "between"]
    share: float


def lead_of(values: Array, against: Array, better: str) -> Array:
    """How far values are ahead of others, above zero where they are; zero where rounding is all the difference."""
    with np.errstate(all="ignore"):
        lead = against - values if better == "low" else values - against
        return np.where(np.abs(lead) <= ROUNDING * np.maximum(np.abs(values), np.abs(against)), 0.0, lead)


def chance(lead: Array) -> tuple[Array, Array]:
    """Share (m,) of draws ahead at each place, ties counting half, and share in which there is nothing to compare."""
    known = np.isfinite(lead)
    count = known.sum(axis=0)
    ahead = np.where(known, (lead > 0) + 0.5 * (lead == 0), 0.0).sum(axis=0)
    with np.errstate(all="ignore"):
        return np.where(count > 0, ahead / count, np.nan), 1 - count / len(lead)


def band_of_all(estimate: Array, lead: Array, level: float) -> tuple[Array, Array]:
    """Ends (m,) of a band that holds the lead at all places at once in a share ``level`` of the draws.

    Its width at each place is in proportion to the spread of the draws there (the supremum of a studentized process).
    """
    whole = lead[np.isfinite(lead).all(axis=1)]
    if len(whole) < 2 or not np.isfinite(estimate).all():
        return np.full(len(estimate), -np.inf), np.full(len(estimate), np.inf)
    low, high = np.quantile(whole, [_SIXTEEN, _EIGHTY_FOUR], axis=0)
    spread = (high - low) / 2
    with np.errstate(all="ignore"):
        farthest = np.where(spread > 0, np.abs(whole - estimate) / spread, 0.0).max(axis=1)
    width = float(np.quantile(farthest, level)) * spread
    return estimate - width, estimate + width


def claims_of(names: tuple[str, str], places: Array, lead: Array, low: Array, high: Array) -> tuple[Claim, ...]:
    """Every range in which the band lies on one side of zero, in order.

    Parameters
    ----------
    names : the family whose lead it is, and the other.
    places : (m,), ascending: what is judged.
    lead : (B, m) draws.
    low, high : (m,) the band of all places.
    """
    side = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    out = []
    for start, stop in _stretches(side):
        first, second = names if side[start] > 0 else names[::-1]
        whole: Literal["all", "from", "up to", "between"] = (
            "all" if start == 0 and stop == len(side)
            else "from" if stop == len(side)
            else "up to" if start == 0
            else "between"
        )  # fmt: skip
        part = lead[:, start:stop] * side[start]
        known = np.isfinite(part).all(axis=1)
        share = float((part[known] > 0).all(axis=1).mean()) if known.any() else np.nan
        out.append(Claim(first, second, float(places[start]), float(places[stop - 1]), whole, share))
    return tuple(out)


def _stretches(side: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Begin and end of each stretch of places of one sign."""
    cuts = np.flatnonzero(np.diff(side)) + 1
    edges = [0, *cuts.tolist(), len(side)]
    return [(a, b) for a, b in itertools.pairwise(edges) if side[a] != 0]
