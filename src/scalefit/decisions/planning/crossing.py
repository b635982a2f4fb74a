"""Where two families cross, draw by draw, and by how much they differ where they may."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.planning.choosing import weighted_covariance, weighted_quantile
from scalefit.fitting.problem import Array

#: Every so many of the places at which a crossing is looked for stand for those about them.
EVERY = 6
#: The least that a place counts where no draw says that families cross there.
LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class Crossing:
    """Draws of a crossing.

    Attributes
    ----------
    place : (draws,) log of where the families cross first; minus and plus infinity below and beyond the reach.
    gap : (draws, places) by how much the second lies above the first, on the log scale, along the reach.
    worth : (places,) the chance that the families have crossed by there, times that they have not; they sum to one.
        Summed over all places that is how unsure the crossing is.
    inside : the share of the draws, by weight, that cross inside the reach.
    """

    place: Array
    gap: Array
    worth: Array
    inside: float

    def asked(self, weights: Array) -> Array:
        """(draws, places) of what a plan narrows: the difference in units of its own deviation, by its worth."""
        deviation = np.sqrt(np.diag(weighted_covariance(self.gap, weights)))
        return np.asarray(self.gap / np.maximum(deviation, 1e-300) * np.sqrt(self.worth * len(self.worth)))

    def told(self, weights: Array, level: float) -> tuple[pd.DataFrame, float]:
        """``estimate, low, high, inside``, and half the width of the interval of what a plan narrows.

        That is the interval of the crossing, on the log scale, where all of it lies inside the reach, and else that of
        the difference, over the places where they may cross: how far the reach goes says nothing of where that is.
        """
        tail = (1 - level) / 2
        shares = {"estimate": 0.5, "low": tail, "high": 1 - tail}
        place = {name: float(weighted_quantile(self.place[:, None], weights, one)[0]) for name, one in shares.items()}
        row = {name: float(np.exp(one)) for name, one in place.items()}
        if np.isfinite([place["low"], place["high"]]).all():
            half = (place["high"] - place["low"]) / 2
        else:
            low, high = (weighted_quantile(self.gap, weights, one) for one in (tail, 1 - tail))
            half = float(np.sqrt(self.worth @ ((high - low) / 2) ** 2))
        return pd.DataFrame([{**row, "inside": self.inside}]), half


def crossing_of(x: Array, gap: Array, weights: Array) -> Crossing:
    """The crossing from the difference (draws, n) of two families along x (n,), ascending."""
    changes = np.sign(gap[:, 1:]) != np.sign(gap[:, :-1])
    crosses, k, rows = changes.any(axis=1), np.argmax(changes, axis=1), np.arange(len(gap))
    left, right = gap[rows, k], gap[rows, k + 1]
    with np.errstate(all="ignore"):
        share = np.where(left != right, left / (left - right), 0.5)
    found = x[k] + np.clip(share, 0, 1) * (x[k + 1] - x[k])
    place = np.where(crosses, found, _beyond(gap, crosses, weights))
    some = slice(EVERY // 2, None, EVERY)
    crossed = weights @ (place[:, None] <= x[some]) / weights.sum()
    worth = crossed * (1 - crossed) + LEAST
    return Crossing(place, gap[:, some], worth / worth.sum(), float(weights[crosses].sum() / weights.sum()))


def _beyond(gap: Array, crosses: np.ndarray, weights: Array) -> Array:
    """(draws,): at which side of the reach a draw crosses that does not inside.

    Draws that cross say which family leads beyond: one in which it leads throughout has crossed below. Where none does,
    the end at which the families are closer decides.
    """
    way = float(np.sum(weights[crosses] * np.sign(gap[crosses, -1])))
    below = np.sign(gap[:, -1]) == np.sign(way) if way else np.abs(gap[:, 0]) < np.abs(gap[:, -1])
    return np.where(below, -np.inf, np.inf)
