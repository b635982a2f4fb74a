"""Profiles of quantities followed outwards from the minimum until they cross a threshold, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.uncertainty.profile_quantities import Quantity
from scalefit.uncertainty.profile_scales import Scale, scale_of
from scalefit.uncertainty.profile_solver import Points, Pulls, heights, pulled_fits
from scalefit.uncertainty.units import Units

Ending = Literal["closed", "bound", "flat", "lost"]

#: A pull is this many times as stiff as the profile itself; near a crossing, where it may have a kink, stiffer.
STIFFNESS = 20.0
STIFF = 2000.0
#: The first points reach so far past the expected crossing.
REACH = 1.25
#: Outward steps, each twice as long as the one before.
MOST_DOUBLINGS = 14
#: A profile is flat where a doubling of the distance adds less than this share of the threshold, after some of them.
FLAT = 1e-3
FEWEST_DOUBLINGS = 6
#: Where no fit can be followed farther it counts as flat if as long a way again would add less than this share.
LEVEL = 0.1
#: The root of the statistic is followed to the threshold up to this share, in at most so many rounds.
CLOSE = 1e-5
MOST_ROUNDS = 8
#: A point whose root of the statistic is this near to the threshold's is gone on from by Newton's method.
NEAR = 0.05
#: Points nearer than this share of their distance from the minimum are one.
SAME = 1e-9
#: A rise below this share of the threshold under the minimum is a better minimum.
BETTER = 1e-3


@dataclass(frozen=True, eq=False)
class Curve:
    """The profile of one quantity.

    Parameters
    ----------
    value, rise, statistic : (m,) in the order of the value, the minimum among them.
    low, high : where the statistic crosses the threshold; the farthest that the quantity can go where it never does.
    low_ending, high_ending : "closed" where it crosses; "bound" where a bound comes first, "flat" where the statistic
        stops to rise, "lost" where no fit could be followed further.
    lowest : the lowest statistic seen; far below zero where the fit was not at its lowest minimum.
    """

    value: Array
    rise: Array
    statistic: Array
    low: float
    high: float
    low_ending: Ending
    high_ending: Ending
    lowest: float


class _Side:
    """One side of one profile, under way: points outwards from the minimum."""

    def __init__(self, place: int, sign: float, scale: Scale, u: Array) -> None:
        self.place, self.sign, self.scale = place, sign, scale
        self.height, self.rise, self.slope = [scale.height], [0.0], [0.0]
        self.u = [u]
        self.ending: Ending | None = None

    def add(self, height: float, rise: float, slope: float, u: Array) -> None:
        """Keep a point in its place outwards, unless there is one already."""
        if np.min(np.abs(np.array(self.height) - height)) <= SAME * max(abs(height - self.scale.height), SAME):
            return
        at = int(np.searchsorted(self.sign * np.array(self.height), self.sign * height))
        for known, value in zip((self.height, self.rise, self.slope), (height, rise, slope), strict=True):
            known.insert(at, value)
        self.u.insert(at, u)

    def statistic(self) -> Array:
        return 2 * self.scale.factor * np.array(self.rise)

    def crossing(self, limit: float) -> int | None:
        """The first point beyond the threshold."""
        beyond = np.flatnonzero(self.statistic() > limit)
        return int(beyond[0]) if len(beyond) else None


@dataclass(frozen=True, eq=False)
class Tracer:
    """What all sides share."""

    problem: Problem
    coordinates: Coordinates
    u: Array
    weights: Array
    basins: Array
    quantities: tuple[Quantity, ...]
    limit: float
    base: float

    def follow(
        self, sides: Sequence[_Side], targets: Array, starts: Array, *, stiffness: float = STIFFNESS
    ) -> NDArray[np.bool_]:
        """Pull each side to a target and keep the points that were reached; which were."""
        which = np.array([side.place for side in sides], np.intp)
        pulls = Pulls(which, targets, stiffness * np.array([side.scale.rise for side in sides]))
        points = self._solve(pulls, starts)
        points = self._offer(pulls, points)
        # An end across the minimum, where a pull met nothing to hold it, says nothing of this side.
        outward = [side.sign * (h - side.scale.height) >= 0 for side, h in zip(sides, points.height, strict=True)]
        good = points.converged & np.isfinite(points.height) & np.array(outward, bool)
        for k in np.flatnonzero(good).tolist():
            h, objective, slope = (float(x[k]) for x in (points.height, points.objective, points.slope))
            sides[k].add(h, objective - self.base, slope, points.u[k])
        return np.asarray(good)

    def _solve(self, pulls: Pulls, starts: Array) -> Points:
        """Followed from the starts, or from the minimum where the quantity has no value at a start."""
        inside = np.clip(starts, self.coordinates.lower, self.coordinates.upper)
        with np.errstate(all="ignore"):
            theta = self.coordinates.to_params(inside)[0]
            known = np.isfinite(heights(self.quantities, pulls.quantity, theta)[0]) & np.isfinite(theta).all(axis=1)
        inside[~known] = self.u
        return pulled_fits(self.problem, self.coordinates, self.weights, self.quantities, pulls, inside)

    def _offer(self, pulls: Pulls, points: Points) -> Points:
        """Go on from another's end, or another basin, where it is lower under this pull than the own end."""
        theta = self.coordinates.to_params(self.basins)[0]
        known = self.problem.value(theta, np.broadcast_to(self.weights, (len(theta), len(self.weights))))
        offered = np.vstack([points.u, self.basins])
        objective = np.append(np.where(points.converged, points.objective, np.inf), known)
        own = points.objective + 0.5 * pulls.stiffness * (points.height - pulls.target) ** 2
        own = np.where(points.converged, own, np.inf)
        best, lowest = np.full(len(own), -1), own * (1 - 1e-9)
        for k in np.unique(pulls.quantity):
            rows = np.flatnonzero(pulls.quantity == k)
            with np.errstate(all="ignore"):
                height = self.quantities[k].height_and_slope(self.coordinates.to_params(offered)[0])[0]
                away = height[None] - pulls.target[rows, None]
                total = objective[None] + 0.5 * pulls.stiffness[rows, None] * away**2
            total = np.where(np.isfinite(total), total, np.inf)
            chosen = np.argmin(total, axis=1)
            better = total[np.arange(len(rows)), chosen] < lowest[rows]
            best[rows[better]] = chosen[better]
        again = np.flatnonzero(best >= 0)
        if not len(again):
            return points
        more = self._solve(pulls.take(again), offered[best[again]])
        ended = more.converged.copy()
        for name in ("height", "objective", "slope", "u", "converged"):
            getattr(points, name)[again[ended]] = getattr(more, name)[ended]
        return points


def trace_profiles(
    problem: Problem,
    coordinates: Coordinates,
    u: Array,
    weights: Array,
    units: Units,
    basins: Array,
    quantities: tuple[Quantity, ...],
    limit: float,
    points: int,
) -> list[Curve]:
    """The profiles of some quantities around a minimum ``u`` (q,).

    Parameters
    ----------
    weights : (n,) row weights.
    basins : (M, q) minima from which a profile may go on where they become lower.
    limit : the statistic at the ends of the intervals.
    points : how many points are first followed for each quantity, half of them on each side.
    """
    theta = coordinates.to_params(u[None])[0]
    base = float(problem.value(theta, weights[None])[0])
    tracer = Tracer(problem, coordinates, u, weights, basins, quantities, limit, base)
    scales = [scale_of(problem, coordinates, u, weights, units, quantity) for quantity in quantities]
    pairs = [(_Side(k, -1.0, scale, u), _Side(k, 1.0, scale, u)) for k, scale in enumerate(scales)]
    sides = [side for pair in pairs for side in pair]
    _first_points(tracer, sides, max(points // 2, 2))
    _walk_outwards(tracer, sides)
    _refine(tracer, sides)
    return [_curve(quantities[low.place], low, high, limit) for low, high in pairs]


def _first_points(tracer: Tracer, sides: Sequence[_Side], count: int) -> None:
    """Points at even distances on each side, a little past where a quadratic rise would cross the threshold."""
    reach = REACH * np.sqrt(tracer.limit) * np.arange(1, count + 1) / count
    many = [side for side in sides for _ in range(count)]
    away = np.concatenate([side.sign * side.scale.error * reach for side in sides])
    starts = np.array([tracer.u + side.scale.step * d for side, d in zip(many, away, strict=True)])
    pull = 1 + 1 / STIFFNESS  # a quadratic rise holds a pull back by so much
    heights_wanted = np.array([side.scale.height for side in many]) + away * pull
    tracer.follow(many, heights_wanted, starts)


def _walk_outwards(tracer: Tracer, sides: Sequence[_Side]) -> None:
    """Steps of double length where the threshold is not crossed; says how those sides end that never cross it."""
    length = {id(side): REACH * np.sqrt(tracer.limit) * side.scale.error for side in sides}
    for doublings in range(MOST_DOUBLINGS):
        left = [side for side in sides if side.ending is None and side.crossing(tracer.limit) is None]
        if not left:
            break
        before = [(side.height[-1], float(side.statistic()[-1])) for side in left]
        targets = np.array([side.height[-1] + side.sign * length[id(side)] for side in left])
        reached = tracer.follow(left, targets, np.array([side.u[-1] for side in left]))
        for side, target, good, (height, statistic) in zip(left, targets, reached, before, strict=True):
            length[id(side)] *= 2
            moved = abs(side.height[-1] - height)
            if not good:
                side.ending = "flat" if _levels_off(side, tracer.limit) else "lost"
            elif moved < 1e-6 * abs(target - height) or _on_bound(tracer.quantities[side.place], side.height[-1]):
                side.ending = "bound"
            elif doublings >= FEWEST_DOUBLINGS and abs(side.statistic()[-1] - statistic) < FLAT * tracer.limit:
                side.ending = "flat"
    for side in sides:
        if side.ending is None or side.crossing(tracer.limit) is not None:
            side.ending = "closed" if side.crossing(tracer.limit) is not None else "flat"


def _levels_off(side: _Side, limit: float) -> bool:
    """Whether going as far again as it has come would add little at the slope where it was last seen."""
    way = abs(side.height[-1] - side.height[0])
    return len(side.height) > 1 and 2 * side.scale.factor * abs(side.slope[-1]) * way < LEVEL * limit


def _on_bound(quantity: Quantity, height: float) -> bool:
    value = float(quantity.restore(np.array(height)))
    return value <= quantity.lower or value >= quantity.upper


def _refine(tracer: Tracer, sides: Sequence[_Side]) -> None:
    """Points nearer and nearer to the crossing."""
    for _ in range(MOST_ROUNDS):
        left = [side for side in sides if side.ending == "closed" and not _is_close(side, tracer.limit)]
        if not left:
            return
        targets, starts = [], []
        for side in left:
            height, slope, start = _expected_crossing(side, tracer.limit)
            targets.append(height + slope / (STIFF * side.scale.rise))
            starts.append(start)
        if not tracer.follow(left, np.array(targets), np.array(starts), stiffness=STIFF).any():
            return


def _is_close(side: _Side, limit: float) -> bool:
    return bool(np.min(np.abs(np.sqrt(np.maximum(side.statistic(), 0) / limit) - 1)) < CLOSE)


def _expected_crossing(side: _Side, limit: float) -> tuple[float, float, Array]:
    """Where the statistic should cross the threshold: height, slope of the objective and coordinates there.

    By Newton's method from a point that is near, else by a cubic through the root of the statistic at the two points
    around it with the slopes that the pulls tell, else by a line: always between the two.
    """
    at = side.crossing(limit)
    assert at is not None
    statistic = side.statistic()[at - 1 : at + 1]
    root = np.sqrt(np.maximum(statistic, 0.0))
    height, slope = np.array(side.height[at - 1 : at + 1]), np.array(side.slope[at - 1 : at + 1])
    goal, near = np.sqrt(limit), int(np.abs(root[1] - np.sqrt(limit)) < np.abs(root[0] - np.sqrt(limit)))
    t = float((goal - root[0]) / (root[1] - root[0]))
    with np.errstate(all="ignore"):
        newton = float(height[near] + (limit - statistic[near]) / (2 * side.scale.factor * slope[near]))
        rate = root / (side.scale.factor * slope) * (root[1] - root[0])  # of the height by t
        basis = np.array([(1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t), t * (1 - t) ** 2, t**2 * (t - 1)])
        cubic = float(basis @ np.array([*height, *rate]))
    between = [x for x in (newton, cubic) if min(height) < x < max(height)]
    if abs(root[near] / goal - 1) < NEAR and newton in between:
        share = float((newton - height[0]) / (height[1] - height[0]))
        return newton, float(slope[near]), _between(side, at, share)
    found = cubic if at > 1 and cubic in between else float(height[0] + t * (height[1] - height[0]))
    share = float((found - height[0]) / (height[1] - height[0]))
    return found, float((1 - share) * slope[0] + share * slope[1]), _between(side, at, share)


def _between(side: _Side, at: int, share: float) -> Array:
    """Coordinates part of the way from one point to the next."""
    return np.asarray((1 - share) * side.u[at - 1] + share * side.u[at])


def _curve(quantity: Quantity, low: _Side, high: _Side, limit: float) -> Curve:
    height = np.array([*low.height[:0:-1], *high.height])
    rise = np.array([*low.rise[:0:-1], *high.rise])
    statistic = 2 * low.scale.factor * rise
    return Curve(
        quantity.restore(height),
        rise,
        statistic,
        _end(quantity, low, limit),
        _end(quantity, high, limit),
        low.ending or "lost",
        high.ending or "lost",
        float(statistic.min()),
    )


def _end(quantity: Quantity, side: _Side, limit: float) -> float:
    """Where a side crosses; where it does not, the bound of the quantity."""
    if side.ending == "closed":
        return float(quantity.restore(np.array(_expected_crossing(side, limit)[0])))
    if side.ending == "bound":
        return _snapped(quantity, side)
    if side.sign < 0:
        return max(quantity.lower, 0.0) if quantity.log else quantity.lower
    return quantity.upper


def _snapped(quantity: Quantity, side: _Side) -> float:
    """Where a side stops: the bound itself where it came as near to it as makes no difference."""
    first, last = quantity.restore(np.array([side.height[0], side.height[-1]]))
    bound = quantity.lower if side.sign < 0 else quantity.upper
    return float(bound if abs(last - bound) <= 1e-6 * abs(first - bound) else last)
