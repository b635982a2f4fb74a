"""What one family needs to reach the value of another: effective speed-up, and where it leads as values get better."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.claims import ROUNDING
from scalefit.decisions.comparison.curves import Curve
from scalefit.decisions.frontier import value_of
from scalefit.fitting.problem import Array

#: Values at which multipliers are reported where none are asked for.
GOALS = 25
#: How far past the data a law stands for its limit, and over how many of the last nodes its last exponent is read.
_LIMITS, _LATE = np.array([1e100, 1e150, 1e200]), 10
#: A value that falls by no more than this share over fifty decades has come to its limit; one of which less than this
#: share would be left has none but zero.
_SETTLED, _FLOOR = 1e-6, 0.05
#: How a route is worded on which the law says itself how inputs move.
SPLIT = "on the best split"
#: How a route ends on which tokens keep their ratio to params.
RATIO = "tokens per parameter"
#: Exponents this close, as a share, are equal.
_EQUAL_EXPONENTS = 1e-7


def common_values(curves: Mapping[str, Curve]) -> tuple[float, float] | None:
    """The worst and best value that every family attains within its own data; None where there is no such range."""
    better = next(iter(curves.values())).better
    sign = 1.0 if better == "low" else -1.0
    ends = [sign * curve.estimate_at(np.array(curve.route.reach)) for curve in curves.values()]
    worst = min(float(end.max()) for end in ends)
    best = max(float(end.min()) for end in ends)
    if not (np.isfinite(worst) and np.isfinite(best) and best < worst):
        return None
    return sign * worst, sign * best


def runs_backwards(curves: Mapping[str, Curve]) -> bool:
    """Whether every law says that small amounts are the better ones, as along a loss."""
    for curve in curves.values():
        small, large = curve.estimate_at(np.array(curve.route.reach))
        if not (small < large if curve.better == "low" else small > large):
            return False
    return True


def goals_within(values: tuple[float, float]) -> Array:
    """Values from the worst to the best, evenly spaced in the log where they are above zero."""
    if min(values) > 0:
        return np.geomspace(*values, GOALS)
    return np.linspace(*values, GOALS)


def round_goal(values: tuple[float, float]) -> float:
    """A round value in the better half of a range, near a quarter from its best end."""
    worst, best = values
    wanted, half = best + 0.25 * (worst - best), (worst + best) / 2
    low, high = sorted((half, best))
    start = -math.floor(math.log10(abs(worst - best)))
    for digits in range(start - 1, start + 4):
        rounded = round(wanted, digits)
        if low <= rounded <= high:
            return float(rounded)
    return wanted


def multiplier_table(
    curves: Mapping[str, Curve], goals: Array, target: str, level: float, within: tuple[float, float] | None
) -> pd.DataFrame:
    """One row per pair and value: how many times as much the second family needs to reach it.

    Returns
    -------
    DataFrame
        ``family, against``, the value, ``estimate, low, high``, ``needs`` and ``against_needs`` (of what they are
        compared along, at the estimates), ``undefined`` (share of draws in which one of them never reaches the value),
        ``never`` and ``against_never`` (the share of each), ``where`` (``"data"`` or ``"beyond"``).
    """
    drawn = {name: curve.draws_reach(goals) for name, curve in curves.items()}
    seen = {name: curve.estimate_reaches(goals) for name, curve in curves.items()}
    inside = np.full(len(goals), False)
    if within is not None:
        low, high = sorted(within)
        inside = (goals >= low * (1 - 1e-12)) & (goals <= high * (1 + 1e-12))
    out = []
    for a, b in itertools.combinations(curves, 2):
        estimate, low_end, high_end = _interval(seen[a], seen[b], drawn[a], drawn[b], level)
        table = {
            "family": a, "against": b, target: goals, "estimate": estimate, "low": low_end, "high": high_end,
            "needs": seen[a], "against_needs": seen[b],
            "undefined": (~np.isfinite(drawn[a]) | ~np.isfinite(drawn[b])).mean(axis=0),
            "never": (~np.isfinite(drawn[a])).mean(axis=0), "against_never": (~np.isfinite(drawn[b])).mean(axis=0),
            "where": np.where(inside, "data", "beyond"),
        }  # fmt: skip
        out.append(pd.DataFrame(table))
    return pd.concat(out, ignore_index=True)


def _interval(a: Array, b: Array, drawn_a: Array, drawn_b: Array, level: float) -> tuple[Array, Array, Array]:
    """What b needs over what a does: infinite where only b never gets there, zero where only a does not, else NaN."""
    with np.errstate(all="ignore"):
        estimate, draws = b / a, drawn_b / drawn_a
    low, high = np.full(len(estimate), np.nan), np.full(len(estimate), np.nan)
    for k in range(len(estimate)):
        known = np.sort(draws[~np.isnan(draws[:, k]), k])
        if len(known):
            # By order: between a finite and an infinite draw there is nothing to interpolate.
            low[k], high[k] = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2], method="inverted_cdf")
    return estimate, low, high


def asymptote_table(curves: Mapping[str, Curve], level: float) -> pd.DataFrame:
    """One row per pair: what becomes of the multiplier as values get better.

    Returns
    -------
    DataFrame
        ``family, against``; ``limit, limit_low, limit_high`` and the same of ``against_limit`` (the value each
        approaches); ``estimate, low, high`` of the multiplier's own limit: infinite where the other family never gets
        there, zero where this one does not, a number where limits and exponents are equal; ``grows, falls, constant``,
        shares of draws.
    """
    levels = [0.5 - level / 2, 0.5 + level / 2]
    limits = {name: (_limit(one, one.route.fit.theta), _limit(one, one.theta)) for name, one in curves.items()}
    rows = []
    for a, b in itertools.combinations(curves, 2):
        one, two = curves[a], curves[b]
        seen = one.estimate_at(one.nodes)[None], two.estimate_at(two.nodes)[None]
        at_estimate = _end(one, two, (limits[a][0], limits[b][0]), seen)
        drawn = _end(one, two, (limits[a][1], limits[b][1]), (one.drawn, two.drawn))
        known = np.sort(drawn[~np.isnan(drawn)])
        low, high = np.quantile(known, levels, method="inverted_cdf") if len(known) else (np.nan, np.nan)
        ends = {}
        for label, name in (("limit", a), ("against_limit", b)):
            ends[label] = float(limits[name][0][0])
            with np.errstate(all="ignore"):
                good = limits[name][1][np.isfinite(limits[name][1])]
            ends[f"{label}_low"], ends[f"{label}_high"] = np.quantile(good, levels) if len(good) else (np.nan, np.nan)
        rows.append({
            "family": a, "against": b, **ends,
            "estimate": float(at_estimate[0]), "low": float(low), "high": float(high),
            "grows": float(np.isposinf(known).mean()) if len(known) else np.nan,
            "falls": float((known == 0).mean()) if len(known) else np.nan,
            "constant": float((np.isfinite(known) & (known > 0)).mean()) if len(known) else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _limit(curve: Curve, theta: Array) -> Array:
    """(B,) the value that the law approaches along its route."""
    law = curve.route.fit.law
    if curve.route.where.startswith(SPLIT) and set(law.inputs) == {"params", "tokens"}:
        both = {name: np.tile(_LIMITS, (len(theta), 1)) for name in law.inputs}  # whatever the split, both grow
        return _settled(value_of(law, theta, both))
    if curve.route.where.endswith(RATIO) and {"params", "tokens"} <= set(law.inputs):
        # So far out no size is searched for any more: both grow as compute does.
        there = curve.route.inputs(theta, np.array(curve.ends[1:]))
        grown = {name: x * (_LIMITS if name in ("params", "tokens") else np.ones(3)) for name, x in there.items()}
        return _settled(value_of(law, theta, grown))
    return _settled(curve.route.values(theta, curve.ends[1] * _LIMITS))


def _settled(values: Array) -> Array:
    """(B,) what values (B, 3) at three places come to: zero where they fall on and on, as powers without a floor do.

    Of c + a r^k the three give c (Aitken); what is left of it in the last value says whether that falls to c or to 0.
    """
    before, then, last = values.T
    with np.errstate(all="ignore"):
        end = last - (last - then) ** 2 / ((last - then) - (then - before))
        falls = (last > 0) & (last < then * (1 - _SETTLED)) & ~(end > _FLOOR * last)
    return np.asarray(np.where(falls, 0.0, last))


def _end(one: Curve, two: Curve, limits: tuple[Array, Array], values: tuple[Array, Array]) -> Array:
    """(B,) the limit of the multiplier in each draw, given values (B, G) at the nodes."""
    sign = 1.0 if one.better == "low" else -1.0
    a, b = sign * limits[0], sign * limits[1]
    with np.errstate(all="ignore"):
        size = np.maximum(*(np.abs(curve.estimate_at(np.array([curve.ends[1]]))[0]) for curve in (one, two)))
        equal = np.abs(a - b) <= ROUNDING * size
        step = one.scaled[-1] - one.scaled[-1 - _LATE]
        last = [seen[:, [-1 - _LATE, -1]] for seen in values]
        left = [np.log(np.abs(seen - end[:, None])) for seen, end in zip(last, limits, strict=True)]
        slope_a, slope_b = ((both[:, 0] - both[:, 1]) / step for both in left)
        apart = slope_a - slope_b
        level = np.exp((left[1][:, 1] - left[0][:, 1]) / ((slope_a + slope_b) / 2))
        of_slopes = np.select(
            [np.abs(apart) <= _EQUAL_EXPONENTS * np.abs(slope_a), apart > 0, apart < 0], [level, np.inf, 0.0], np.nan
        )
        return np.asarray(np.select([equal, a < b, a > b], [of_slopes, np.inf, 0.0], np.nan))
