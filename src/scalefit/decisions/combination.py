"""Several laws made one forecast: weights, the middle, and how far it may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scalefit.decisions.members import Member
from scalefit.fitting.problem import Array, Inputs

#: Rows that miss a law together are fewer observations than they seem: differences of AICc count half.
TEMPER = 0.5
#: The share of the weights that is equal, whatever the criterion says.
EQUAL_SHARE = 0.2
#: A law further from the weighted median than so many median distances is pulled in: some run away beyond the data.
FARTHEST = 4.0
#: No member is less sure than this on the log scale: past a factor of e the forecast says nothing in any case.
LARGEST_DEVIATION = 1.0


@dataclass(frozen=True, eq=False)
class Combination:
    """Several laws at n points, on the scale of the objective.

    Attributes
    ----------
    weights : (laws,), they sum to one.
    estimates : (laws, n) of each law.
    centre : (n,) the weighted mean.
    between : (n,) variance between laws.
    below, above : (n,) variance of the parameters towards either side.
    scatter : variance of one run.
    """

    weights: Array
    estimates: Array
    centre: Array
    between: Array
    below: Array
    above: Array
    scatter: float

    @property
    def deviations(self) -> tuple[Array, Array]:
        """One standard deviation (n,) of one new run, below and above the centre."""
        shared = self.between + self.scatter
        return np.sqrt(shared + self.below), np.sqrt(shared + self.above)


def combine(members: Sequence[Member], inputs: Inputs) -> Combination:
    """Weigh the laws and put them together; those that have no value at some point must have been left out."""
    weights = weigh([member.criterion for member in members])
    estimates = np.stack([member.estimates(inputs) for member in members])
    scatter = float(weights @ np.array([member.scatter**2 for member in members]))
    pulled = pull_in(estimates, weights, np.sqrt(scatter))
    centre = weights @ pulled
    sides = [np.minimum(side, LARGEST_DEVIATION) ** 2 for member in members for side in member.deviations(inputs)]
    below, above = (weights @ np.stack(sides[start::2]) for start in (0, 1))
    return Combination(weights, estimates, centre, weights @ (pulled - centre) ** 2, below, above, scatter)


def weigh(criteria: Sequence[float]) -> Array:
    """Weights from a criterion whose differences are those of minus twice a log likelihood, drawn towards equal."""
    return np.asarray(weigh_rows(np.array(criteria)[None])[0])


def weigh_rows(criteria: Array) -> Array:
    """(n, laws): the weights of each row of criteria."""
    away = TEMPER * (criteria - criteria.min(axis=1, keepdims=True))
    share = np.exp(-0.5 * away)
    equal = EQUAL_SHARE / criteria.shape[1]
    return np.asarray((1 - EQUAL_SHARE) * share / share.sum(axis=1, keepdims=True) + equal)


def pull_in(estimates: Array, weights: Array, scatter: float) -> Array:
    """(laws, n): estimates no further from their weighted median than some median distances and the scatter."""
    middle = weighted_median(estimates, weights)
    reach = FARTHEST * np.median(np.abs(estimates - middle), axis=0) + scatter
    return np.clip(estimates, middle - reach, middle + reach)


def weighted_median(estimates: Array, weights: Array) -> Array:
    """(n,): for each column of (laws, n) the estimate at which half the weight is reached."""
    order = np.argsort(estimates, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0) >= 0.5 - 1e-12
    first = np.argmax(reached, axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(estimates, order, axis=0), first[None], axis=0)[0])
