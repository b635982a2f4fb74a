"""Where curves change sign: brackets on a grid, and Chandrupatla's method for all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array

#: Rounds of the search at most; each at least halves a bracket every few rounds.
_ROUNDS = 60
#: How close the ends of a bracket come, in the log of the place.
_CLOSE = 1e-12


@dataclass(frozen=True, eq=False)
class Brackets:
    """Pairs of neighbouring places between which a curve changes sign, (k,) each.

    Attributes
    ----------
    curve : which of the curves.
    left, right : indices of the places; those between them, if any, are exact zeros.
    before : the sign on the left, -1 or 1; on the right it is the other.
    """

    curve: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    before: NDArray[np.intp]

    def count_by_curve(self, curves: int) -> NDArray[np.intp]:
        """How many there are of each curve."""
        return np.bincount(self.curve, minlength=curves)


def find_brackets(signs: NDArray[np.int8], known: NDArray[np.bool_]) -> Brackets:
    """Changes of sign along the rows of a table of signs (B, m).

    Parameters
    ----------
    signs : -1, 0 or 1. A zero is neither side: a curve that comes to zero and turns back does not cross.
    known : (B, m), False where a curve has no value: no crossing is seen across such a gap.
    """
    B, m = signs.shape
    place = np.broadcast_to(np.arange(m), (B, m))
    told = (signs != 0) & known
    last = np.maximum.accumulate(np.where(told, place, -1), axis=1)
    gap = np.maximum.accumulate(np.where(known, -1, place), axis=1)
    previous = np.concatenate([np.full((B, 1), -1), last[:, :-1]], axis=1)
    rows = np.arange(B)[:, None]
    before = np.where(previous >= 0, signs[rows, np.maximum(previous, 0)], 0)
    curve, right = np.nonzero(told & (previous > gap) & (before == -signs))
    left = previous[curve, right]
    return Brackets(curve, left, right, before[curve, right].astype(np.intp))


def solve_brackets(
    function: Callable[[Array, NDArray[np.intp]], Array], low: Array, high: Array, at_low: Array, at_high: Array
) -> Array:
    """A root in each of k brackets, all at once (Chandrupatla 1997, Advances in Engineering Software 28:145).

    Parameters
    ----------
    function : places (j,) and which of the k brackets they belong to (j,) -> values (j,).
    low, high : (k,) ends, in the log of the place.
    at_low, at_high : (k,) values there, of opposite signs.
    """
    # b is the newest end, a the other side of the root, c the end before; xi and phi say whether a parabola is safe.
    b, fb, a, fa = low.copy(), at_low.copy(), high.copy(), at_high.copy()
    c, fc = a.copy(), fa.copy()
    share = np.full(len(low), 0.5)
    active = np.arange(len(low))
    for _ in range(_ROUNDS):
        if not len(active):
            break
        at = active
        place = b[at] + share[at] * (a[at] - b[at])
        value = function(place, at)
        value = np.where(np.isfinite(value), value, fb[at])  # a hole in a curve: halve towards the other end
        same = np.sign(value) == np.sign(fb[at])
        c[at], fc[at] = np.where(same, b[at], a[at]), np.where(same, fb[at], fa[at])
        a[at], fa[at] = np.where(same, a[at], b[at]), np.where(same, fa[at], fb[at])
        b[at], fb[at] = place, value
        share[at] = _next_share(a[at], b[at], c[at], fa[at], fb[at], fc[at])
        active = at[(np.abs(a[at] - b[at]) > _CLOSE * (1 + np.abs(b[at]))) & (value != 0)]
    return np.where(np.abs(fa) < np.abs(fb), a, b)


def _next_share(a: Array, b: Array, c: Array, fa: Array, fb: Array, fc: Array) -> Array:
    """Where in the bracket to look next: by inverse parabola where that is safe, else in the middle."""
    with np.errstate(all="ignore"):
        xi, phi = (b - a) / (c - a), (fb - fa) / (fc - fa)
        safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        parabola = fb / (fa - fb) * fc / (fa - fc) + (c - b) / (a - b) * fb / (fc - fb) * fa / (fc - fa)
        least = _CLOSE * (1 + np.abs(b)) / np.abs(a - b) / 2
    share = np.where(safe & np.isfinite(parabola), parabola, 0.5)
    return np.clip(share, np.minimum(least, 0.5), np.maximum(1 - least, 0.5))
