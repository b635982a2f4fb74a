"""Learning rates that end with the lowest loss, between bounds and never rising, found with the exact derivative."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.schedules.gradients import FinalLoss
from scalefit.fitting.problem import Array

Knots = NDArray[np.intp]
#: Knots of the first round, and the most of the last.
KNOTS, MOST_KNOTS = 17, 160
#: Usual schedules, the lowest, from which the search begins too.
OFFERED = 3
#: A round that gains less than this many nats is the last.
ENOUGH = 2e-7
#: The least rate, as a share of the peak, where the floor is zero: powers of a rate of zero have no derivative.
LEAST = 1e-6
#: Losses are put into these units, so that the solver's tolerance is far below any noise.
UNIT = 1e-3


@dataclass(frozen=True, eq=False)
class Optimum:
    """Rates (T + 1,) with the lowest final loss found.

    Parameters
    ----------
    rates, loss : where the search ended.
    gap : how much lower any other schedule within the bounds could end, to first order.
    rounds : loss at the end of each round of knots.
    """

    rates: Array
    loss: float
    gap: float
    rounds: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Task:
    """What may be chosen: the rates from the end of the warm-up on, between floor and peak."""

    loss: FinalLoss
    steps: int
    peak: float
    floor: float
    warmup: int
    monotone: bool

    @property
    def ramp(self) -> Array:
        """Rates of the warm-up; its first, zero, as a rate that has a logarithm."""
        ramp = self.peak * np.arange(self.warmup) / max(self.warmup, 1)
        return np.asarray(np.maximum(ramp, LEAST**2 * self.peak))

    def rates(self, knots: Knots, shares: Array) -> Array:
        """Rates of all steps from their shares of the way from floor to peak at the knots."""
        levels = self.floor + (self.peak - self.floor) * shares
        return np.concatenate([self.ramp, np.interp(np.arange(self.warmup, self.steps + 1), knots, levels)])

    def shares(self, knots: Knots, rates: Array) -> Array:
        """Shares at the knots that follow rates within the bounds."""
        return np.asarray(np.clip((rates[knots] - self.floor) / (self.peak - self.floor), 0.0, 1.0))

    def by_knots(self, knots: Knots, shares: Array) -> tuple[float, Array]:
        """The loss and its derivative by the shares, in units of the solver."""
        value, gradient = self.loss(self.rates(knots, shares))
        at = np.arange(self.warmup, self.steps + 1)
        left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
        right = (at - knots[left]) / (knots[left + 1] - knots[left])
        by_step = gradient[self.warmup :]
        each = np.bincount(left, by_step * (1 - right), len(knots)) + np.bincount(left + 1, by_step * right, len(knots))
        if not (np.isfinite(value) and np.isfinite(each).all()):
            return np.inf, np.zeros(len(knots))
        return value / UNIT, np.asarray(each * (self.peak - self.floor) / UNIT, float)


def find_optimum(
    loss: FinalLoss,
    *,
    steps: int,
    peak: float,
    floor: float,
    warmup: int,
    monotone: bool = True,
    usual: Sequence[Array] = (),
) -> Optimum:
    """Rates after the warm-up between floor and peak, never rising where ``monotone``, with the lowest final loss.

    Rates are straight lines between knots. Each round solves for them from where the last one ended, then halves the
    lines along which the rate changes; the first begins from several shapes and from the ``usual`` schedules, each its
    rates (T + 1,) within the bounds. None of these ends lower than what is found.
    """
    task = _Task(loss, steps, peak, max(floor, LEAST * peak), warmup, monotone)
    knots = first_knots(warmup, steps)
    done = (knots - warmup) / (steps - warmup)
    starts = (1 - done, 0.5 * (1 + np.cos(np.pi * done)), np.minimum(1.0, 5 * (1 - done)), np.full(len(knots), 0.999))
    ranked = sorted(usual, key=lambda one: _value(loss(one)))
    begun = [*starts, *(task.shares(knots, rates) for rates in ranked[:OFFERED])]
    shares = min((_better(task, knots, start) for start in begun), key=lambda one: task.by_knots(knots, one)[0])
    knots, shares, rounds = _refined(task, knots, shares)
    rates = task.rates(knots, shares)
    lowest = ranked[0] if ranked else rates
    if _value(loss(lowest)) < _value(loss(rates)):
        # What knots this coarse cannot follow: go on from it with knots where it bends.
        knots = np.union1d(knots, bends(lowest, warmup))
        knots, shares, more = _refined(task, knots, _better(task, knots, task.shares(knots, lowest)))
        rounds += more
        rates = min((task.rates(knots, shares), lowest), key=lambda one: _value(loss(one)))
    value, gradient = loss(rates)
    return Optimum(rates, value, first_order_gap(task, rates, gradient), rounds)


def _refined(task: _Task, knots: Knots, shares: Array) -> tuple[Knots, Array, tuple[float, ...]]:
    """Rounds of finer knots, and the loss at the end of each."""
    rounds = [task.by_knots(knots, shares)[0] * UNIT]
    while len(finer := halved(knots, shares)) <= MOST_KNOTS and len(finer) > len(knots):
        shares = _better(task, finer, np.interp(finer, knots, shares))
        knots = finer
        rounds.append(task.by_knots(knots, shares)[0] * UNIT)
        if not rounds[-2] - rounds[-1] >= ENOUGH:
            break
    return knots, shares, tuple(rounds)


def _value(told: tuple[float, Array]) -> float:
    """A loss that can be compared: none is the highest."""
    return told[0] if np.isfinite(told[0]) else np.inf


def bends(rates: Array, warmup: int, most: int = KNOTS) -> Knots:
    """The steps after the warm-up at which rates turn most."""
    turn = np.abs(np.diff(rates[warmup:], 2))
    sharp = np.flatnonzero(turn > 1e-9 * rates.max())
    kept = sharp[np.argsort(-turn[sharp], kind="stable")[:most]]
    return np.asarray(np.sort(kept) + warmup + 1, np.intp)


def first_knots(warmup: int, steps: int) -> Knots:
    """Knots that lie closer towards the end, where rates change most."""
    even = np.linspace(1, 0, min(KNOTS, steps - warmup + 1)) ** 1.5
    return np.unique(np.round(steps - (steps - warmup) * even).astype(np.intp))


def halved(knots: Knots, shares: Array) -> Knots:
    """Knots with one more inside each line along which the rate changes, and inside their neighbours."""
    moves = np.abs(np.diff(shares)) > 1e-6
    moves = moves | np.append(moves[1:], False) | np.append(False, moves[:-1])
    middle = (knots[:-1] + knots[1:]) // 2
    return np.unique(np.concatenate([knots, middle[moves]]))


def _better(task: _Task, knots: Knots, start: Array) -> Array:
    """Where a round ends, unless that is no better than where it began."""
    shares = _solve(task, knots, start)
    return shares if task.by_knots(knots, shares)[0] <= task.by_knots(knots, start)[0] else start


def _solve(task: _Task, knots: Knots, start: Array) -> Array:
    # The solver may step outside the bounds by rounding, and says so.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return _solved(task, knots, start)


def _solved(task: _Task, knots: Knots, start: Array) -> Array:
    from scipy.optimize import LinearConstraint, minimize  # here: `import scalefit` must not load scipy

    bounds, solve = [(0.0, 1.0)] * len(knots), cast(Any, minimize)
    if not task.monotone:
        found = solve(lambda x: task.by_knots(knots, x), start, jac=True, method="L-BFGS-B", bounds=bounds)
        return np.asarray(np.clip(found.x, 0.0, 1.0))
    falls = np.eye(len(knots))[:-1] - np.eye(len(knots))[1:]
    found = solve(
        lambda x: task.by_knots(knots, x),
        start,
        jac=True,
        method="SLSQP",
        bounds=bounds,
        constraints=LinearConstraint(falls, 0.0, np.inf),
        options={"maxiter": 300, "ftol": 1e-9},
    )
    return np.asarray(np.minimum.accumulate(np.clip(found.x, 0.0, 1.0)))


def first_order_gap(task: _Task, rates: Array, gradient: Array) -> float:
    """How much the loss could fall, by its derivative, on the way to the best other schedule within the bounds.

    Schedules that never rise are mixtures of those that fall once, from peak to floor, so the best one along a
    derivative is among these; without that constraint each rate goes to the bound its derivative asks for. Zero at an
    optimum; for a loss that bends upwards everywhere no schedule is lower by more than this.
    """
    down, free = gradient[task.warmup :], rates[task.warmup :]
    to_peak, to_floor = down * (task.peak - free), down * (task.floor - free)
    if not task.monotone:
        return abs(float(np.minimum(np.minimum(to_peak, to_floor), 0.0).sum()))
    before = np.concatenate([[0.0], np.cumsum(to_peak)])
    after = np.concatenate([np.cumsum(to_floor[::-1])[::-1], [0.0]])
    return max(0.0, -float((before + after).min()))
