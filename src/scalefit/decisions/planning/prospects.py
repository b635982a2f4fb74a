r"""How sure the answer would be after some runs, when every law is fitted again to their outcomes.

One covariance over the draws of all laws, by which runs are chosen, takes for granted that the outcomes settle which
law is right. They do so in part: each law follows the outcomes in its own way, and its weight changes by how well it
foresaw them. For outcomes :math:`y` as the laws foresee them the variance afterwards is

.. math:: \mathrm E_y \sum_l \pi_l(y) \left[ v_l + (m_l(y) - \bar m(y))^2 \right]

with :math:`m_l, v_l` what law :math:`l` says of the target given :math:`y`, by regression over its draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalefit.decisions.combination import weigh_rows
from scalefit.decisions.planning.choosing import pull_in
from scalefit.fitting.problem import Array

#: So many outcomes are foreseen, of all laws together.
OUTCOMES = 256


@dataclass(frozen=True, eq=False)
class Prospects:
    """What the laws say of candidates and target.

    Attributes
    ----------
    there : (laws, draws, candidates) log outcomes without noise.
    asked : (laws, draws, m) of the target.
    weights : (laws,)
    evidence : (laws,) log of how well each did so far.
    noise : variance of one run.
    shaken : (laws, draws, candidates) standard normal numbers, the noise of outcomes that are foreseen.
    """

    there: Array
    asked: Array
    weights: Array
    evidence: Array
    noise: float
    shaken: Array

    def variances(self, picks: Sequence[int], uses: Array | None = None) -> Array:
        """(len(picks) + 1,): of the target, the mean over its numbers, before any run and after each.

        ``uses`` (k,), how often each candidate is trained; None is once.
        """
        order = np.asarray(picks, int)
        noise = np.full(len(order), self.noise) / (1.0 if uses is None else np.asarray(uses, float)[order])
        which, kept = self._foreseen
        outcomes = self.there[which, kept][:, order] + np.sqrt(noise) * self.shaken[which, kept][:, order]
        laws = [_Followed(told, order, noise, outcomes) for told in self._told]
        worth = self.weights[which] / np.bincount(which)[which]
        found = [self._variance(laws, worth)]
        for step in range(len(order)):
            for law in laws:
                law.see(step)
            found.append(self._variance(laws, worth))
        return np.asarray(np.minimum.accumulate(found))

    @cached_property
    def _told(self) -> list[_Told]:
        return [_Told.of(there, asked) for there, asked in zip(self.there, self.asked, strict=True)]

    @cached_property
    def _foreseen(self) -> tuple[np.ndarray, np.ndarray]:
        """Which draws of which laws are taken as outcomes."""
        laws, draws = self.there.shape[:2]
        each = min(draws, max(OUTCOMES // laws, 1))
        kept = np.linspace(0, draws - 1, each).astype(int)
        return np.repeat(np.arange(laws), each), np.tile(kept, laws)

    def _variance(self, laws: Sequence[_Followed], worth: Array) -> float:
        criteria = np.stack([law.criterion for law in laws], axis=1) - 2 * self.evidence
        share = weigh_rows(criteria)[:, :, None]
        middles = np.stack([law.middle for law in laws], axis=1)
        apart = (middles - np.sum(share * middles, axis=1, keepdims=True)) ** 2
        within = np.stack([law.variance for law in laws])
        return float(worth @ np.mean(np.sum(share * (within + apart), axis=1), axis=1))


def shares_left(prospects: Prospects, picks: Sequence[int], uses: Array | None = None) -> Array:
    """(len(picks),): the width of the interval after each run, as a share of what it is before the first."""
    before, *after = prospects.variances(picks, uses)
    return np.asarray(np.sqrt(np.array(after) / before))


@dataclass(frozen=True, eq=False)
class _Told:
    """The draws of one law about their means, those far off pulled in: candidates (draws, k), target (draws, m)."""

    there: Array
    asked: Array
    centre: Array
    middle: Array

    @classmethod
    def of(cls, there: Array, asked: Array) -> _Told:
        even = np.full(len(there), 1 / len(there))
        there, asked = pull_in(there, even), pull_in(asked, even)
        centre, middle = there.mean(axis=0), asked.mean(axis=0)
        return cls(there - centre, asked - middle, centre, middle)


class _Followed:
    """One law as the outcomes come in one by one: what it says of the target after each."""

    def __init__(self, told: _Told, order: np.ndarray, noise: Array, outcomes: Array) -> None:
        away, self._draws = told.there[:, order], len(told.there)
        self._prior = np.mean(told.asked**2, axis=0)
        self._left, self._freedom = self._prior.copy(), 0.0
        self.middle = np.repeat(told.middle[None], len(outcomes), axis=0)
        self.criterion = np.zeros(len(outcomes))
        root = np.linalg.cholesky(away.T @ away / self._draws + np.diag(noise))
        white = np.linalg.inv(root)
        self._size = np.log(np.diag(root))
        self._known = 1 - white**2 @ noise
        self._news = (outcomes - told.centre[order]) @ white.T
        self._slope = white @ (away.T @ told.asked / self._draws)

    def see(self, step: int) -> None:
        """One more outcome."""
        news, slope = self._news[:, step], self._slope[step]
        self.middle = self.middle + news[:, None] * slope
        self.criterion = self.criterion + news**2 + 2 * self._size[step]
        self._left = self._left - slope**2
        self._freedom += float(self._known[step])

    @property
    def variance(self) -> Array:
        """(m,) of the target, allowing for as many slopes as were told by so many draws."""
        spent = min(self._freedom / self._draws, 0.9)
        return np.asarray(np.minimum(np.maximum(self._left, 0.0) * (1 + spent) / (1 - spent), self._prior))
