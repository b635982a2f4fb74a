"""Which candidates to take: variance of the target after some runs, and a search over sets within a budget."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scalefit.fitting.problem import Array

#: Gains are divided by the cost to these powers: with 0 the most certain run is taken whatever it costs, with 1 the
#: most certain per FLOP; the best of the sets so found is kept.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Draws further from the median than so many deviations are pulled in: one that ran away does not rule the choice.
FARTHEST = 3.5
#: Of the dearest runs chosen, so many are tried to be left out, alone and in pairs, in favour of others; rounds of it.
SWAPPED, SWAP_ROUNDS = 5, 2
#: Runs at the end of a plan that together narrow the interval by less than this share are left out.
NEGLIGIBLE = 0.003
#: So many candidates, at most, tell what all of them could.
MOST_INFORMATIVE = 40


@dataclass(frozen=True, eq=False)
class Pool:
    """What is known before a choice.

    Attributes
    ----------
    covariance : (k + m, k + m) of the outcomes of k candidates and of the m numbers asked for.
    noise : (k,) variance of one run of each candidate.
    cost, uses : (k,) what one run costs, and how often it may be trained.
    draws : how many independent draws the covariance is of.
    """

    covariance: Array
    noise: Array
    cost: Array
    uses: np.ndarray
    draws: float

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return len(self.cost)

    @property
    def variance(self) -> float:
        """Of what is asked for, the mean over its numbers."""
        return float(np.mean(np.diag(self.covariance)[self.count :]))


@dataclass(frozen=True, eq=False)
class Choice:
    """Runs in the order in which to train them, and the variance of the target after each."""

    picks: tuple[int, ...]
    variances: tuple[float, ...]

    @property
    def after(self) -> float:
        """The variance in the end; infinite where nothing was taken."""
        return self.variances[-1] if self.variances else float("inf")


def weighted_covariance(values: Array, weights: Array) -> Array:
    """(n, n) of draws (B, n), with those far off pulled in."""
    pulled = pull_in(values, weights)
    centred = pulled - weights @ pulled
    return np.asarray((centred * weights[:, None]).T @ centred)


def pull_in(values: Array, weights: Array) -> Array:
    """Draws (B, n) no further from their weighted median than some deviations, told by the middle of the draws."""
    low, middle, high = (weighted_quantile(values, weights, share) for share in (0.1587, 0.5, 0.8413))
    return np.asarray(np.clip(values, middle - FARTHEST * (middle - low), middle + FARTHEST * (high - middle)))


def weighted_quantile(values: Array, weights: Array, share: float) -> Array:
    """(n,): of each column of (B, n), the value at which a share of the weight is reached."""
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    first = np.argmax(reached >= share - 1e-12, axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, axis=0), first[None], axis=0)[0])


def gains(C: Array, noise: Array, draws: float) -> Array:
    """(k,): by how much one more run of each candidate lowers the variance, less what chance alone would show."""
    k = len(noise)
    total = np.diag(C)[:k] + noise
    shown = C[:k, k:] ** 2 / total[:, None]
    by_chance = np.diag(C)[k:] * (np.diag(C)[:k] / total)[:, None] / draws
    return np.asarray(np.mean(np.maximum(shown - by_chance, 0.0), axis=1))


def condition(C: Array, pick: int, noise: float) -> Array:
    """The covariance after one run of a candidate."""
    column = C[:, pick]
    return np.asarray(C - np.outer(column, column) / (C[pick, pick] + noise))


def choose(pool: Pool, budget: float, most: int | None) -> Choice:
    """The best set that was found within a budget, in order of gain per cost."""
    best: Choice | None = None
    for power in POWERS:
        found = _greedy(pool, (), budget, most, power)
        if best is None or found.after < best.after:
            best = found
    assert best is not None
    best = _swapped(pool, best, budget, most)
    return _trimmed(in_order(pool, best.picks))


def informative(pool: Pool) -> tuple[int, ...]:
    """The candidates that say most, whatever they cost, each with all its uses; more of them say little that is new."""
    noise = pool.noise / np.maximum(pool.uses, 1)
    C, left, picks = pool.covariance, pool.uses > 0, list[int]()
    while len(picks) < MOST_INFORMATIVE and left.any():
        pick = int(np.argmax(np.where(left, gains(C, noise, pool.draws), -np.inf)))
        C, left[pick] = condition(C, pick, noise[pick]), False
        picks.append(pick)
    return tuple(picks)


def _trimmed(choice: Choice) -> Choice:
    """Without the runs at the end that bring nothing to speak of."""
    enough = choice.after / (1 - NEGLIGIBLE) ** 2
    for k, variance in enumerate(choice.variances):
        if variance <= enough:
            return Choice(choice.picks[: k + 1], choice.variances[: k + 1])
    return choice


def _greedy(pool: Pool, begun: Sequence[int], budget: float, most: int | None, power: float) -> Choice:
    C, left = pool.covariance, pool.uses.copy()
    spent, picks, variances = 0.0, list(begun), []
    k = pool.count
    for pick in begun:
        C, spent = condition(C, pick, pool.noise[pick]), spent + pool.cost[pick]
        left[pick] -= 1
        variances.append(float(np.mean(np.diag(C)[k:])))
    floor = 1e-6 * pool.variance
    weighed = pool.cost**power
    while most is None or len(picks) < most:
        gain = gains(C, pool.noise, pool.draws)
        open_ = (left > 0) & (pool.cost <= (budget - spent) * (1 + 1e-12)) & (gain > floor)
        if not open_.any():
            break
        pick = int(np.argmax(np.where(open_, gain / weighed, -np.inf)))
        C, spent = condition(C, pick, pool.noise[pick]), spent + pool.cost[pick]
        left[pick] -= 1
        picks.append(pick)
        variances.append(float(np.mean(np.diag(C)[k:])))
    return Choice(tuple(picks), tuple(variances))


def _swapped(pool: Pool, choice: Choice, budget: float, most: int | None) -> Choice:
    """The dearest runs left out, one or two at a time, with the money spent anew; kept where that is better."""
    for _ in range(SWAP_ROUNDS):
        before = choice.after
        dearest = sorted(range(len(choice.picks)), key=lambda place: -pool.cost[choice.picks[place]])[:SWAPPED]
        begun = choice.picks
        for out in (*((place,) for place in dearest), *itertools.combinations(dearest, 2)):
            rest = [pick for place, pick in enumerate(begun) if place not in out]
            for power in (0.0, 0.5):
                tried = _greedy(pool, rest, budget, most, power)
                if tried.after < choice.after * (1 - 1e-6):
                    choice = tried
        if choice.after > before * (1 - 1e-3):
            break
    return choice


def in_order(pool: Pool, picks: Sequence[int]) -> Choice:
    """The same runs, those that say most for their cost first."""
    C, rest, order, variances = pool.covariance, list(picks), [], []
    k = pool.count
    while rest:
        gain = gains(C, pool.noise, pool.draws)[rest] / pool.cost[rest]
        pick = rest.pop(int(np.argmax(gain)))
        C = condition(C, pick, pool.noise[pick])
        order.append(pick)
        variances.append(float(np.mean(np.diag(C)[k:])))
    return Choice(tuple(order), tuple(variances))
