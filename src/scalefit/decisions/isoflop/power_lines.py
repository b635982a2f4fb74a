"""Straight lines in logs through best sizes, with their draws: N* = k C^a."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalefit.decisions.isoflop.vertices import Floats
from scalefit.wording.amounts import with_interval

#: Points below which a line has nothing to be checked by.
LEAST_POINTS = 3


@dataclass(frozen=True, eq=False, repr=False)
class PowerEstimate:
    """A number with its interval; without one, the reason.

    Attributes
    ----------
    estimate, low, high : float; NaN where it is refused.
    level : float, of the interval.
    refused : str, why there is none; empty where there is.
    """

    estimate: float
    low: float
    high: float
    level: float
    refused: str = ""

    def __repr__(self) -> str:
        return self.refused or with_interval(self.estimate, self.low, self.high, self.level)


@dataclass(frozen=True, eq=False)
class PowerLine:
    """A line ``log y = height + slope (log C - middle)`` and its draws.

    Attributes
    ----------
    middle : float, the log of the compute about which it turns.
    slope, height : float.
    slopes, heights : (draws,)
    widened : how many times the draws were spread because points scatter about the line more than their noise does.
    surprise : in what share of the draws they scatter as much.
    """

    middle: float
    slope: float
    height: float
    slopes: Floats
    heights: Floats
    widened: float = 1.0
    surprise: float = 1.0

    def exponent(self, level: float) -> PowerEstimate:
        """The slope."""
        return PowerEstimate(self.slope, *_ends(self.slopes, level), level)

    def coefficient(self, level: float) -> PowerEstimate:
        """The value at one FLOP."""
        draws = np.exp(self.heights - self.slopes * self.middle)
        return PowerEstimate(float(np.exp(self.height - self.slope * self.middle)), *_ends(draws, level), level)

    def log_at(self, x: float) -> float:
        """The log of the estimate at a log of compute."""
        return self.height + self.slope * (x - self.middle)

    def at(self, flops: Floats, level: float) -> tuple[Floats, Floats, Floats]:
        """Estimate, low and high at some compute."""
        x = np.log(flops) - self.middle
        draws = self.heights[:, None] + self.slopes[:, None] * x
        low, high = np.exp(np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0))
        return np.exp(self.height + self.slope * x), low, high


def fit_line(x: Floats, y: Floats, draws: Floats, weights: Floats) -> PowerLine:
    """The weighted least-squares line through points, and through each draw of them.

    Where the points scatter about the line by more than their draws do, the draws of the line are spread by the same
    factor: what moves the points is then more than the noise that was drawn.

    Parameters
    ----------
    x, y, weights : (k,) logs of compute and of what is best there.
    draws : (draws, k) of ``y``.
    """
    middle = float(np.average(x, weights=weights))
    lever = weights * (x - middle)
    per_slope = lever / float(lever @ (x - middle))
    per_height = weights / float(weights.sum())
    slope, height = float(y @ per_slope), float(y @ per_height)
    slopes, heights = draws @ per_slope, draws @ per_height
    left = y - height - slope * (x - middle)
    noise = draws - heights[:, None] - slopes[:, None] * (x - middle)
    noise = noise - noise.mean(axis=0)
    seen, drawn = float(weights @ left**2), noise**2 @ weights
    usual = float(drawn.mean())
    widened = max(1.0, float(np.sqrt(seen / usual))) if usual > 0 else 1.0
    return PowerLine(
        middle, slope, height, _spread(slopes, widened), _spread(heights, widened), widened,
        float((drawn >= seen).mean()),
    )  # fmt: skip


def _spread(draws: Floats, factor: float) -> Floats:
    middle = draws.mean()
    out: Floats = middle + (draws - middle) * factor
    return out


def _ends(draws: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
