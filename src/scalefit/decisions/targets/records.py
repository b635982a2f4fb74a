"""Answers about scales: where a target is reached, and from where on little is left to gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scalefit.decisions.targets import words
from scalefit.decisions.targets.curves import Curve
from scalefit.decisions.targets.solving import band
from scalefit.fitting.problem import Array
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Places of the curve that a record keeps for its picture.
_DRAWN = 40
#: The curve is kept from the data to this factor past what is answered.
_PAST = 3.0

Where = Literal["data", "beyond", "before", "nowhere"]


@dataclass(frozen=True, eq=False, repr=False)
class ScaleRecord(Answer):
    """What both answers about scales have; each says what its fields are."""

    frame: pd.DataFrame
    curve: pd.DataFrame
    along: str
    target: str
    route: str
    level: float
    grows: bool
    limit: tuple[float, float, float]
    reach: tuple[float, float]
    ends: tuple[float, float]
    law: str
    verdict: str
    source: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether the fit can be believed."""
        return not self.verdict


@dataclass(frozen=True, eq=False, repr=False)
class TargetScale(ScaleRecord):
    """The scale at which a law reaches a value, with its interval, or that it never does.

    Made by :func:`scalefit.find_scale`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row a value: ``value``; ``estimate``, the smallest scale at which it is reached, infinite where it never is,
        the smallest scale looked at where it is reached there already; ``low, high``, the central share of all draws,
        infinite where it lies among draws that never reach it; ``probability``, the share of draws that reach it;
        ``already``, the share that has it at the smallest scale looked at; ``unreachable``, the share in which it lies
        on or past what the law approaches; ``beyond``, how many times past the rows fitted the estimate lies;
        ``where``: ``"data"``, ``"beyond"``, ``"before"`` (already at the smallest scale) or ``"nowhere"``.
    curve : DataFrame, the law along the route: the quantity, ``estimate, low, high`` of what is predicted.
    along, target : str, the quantity, and what is predicted.
    route : str, where the other inputs stand.
    level : float in (0, 1), of the intervals.
    grows : bool, whether a higher target is better.
    limit : (float, float, float)
        What the law approaches as the quantity grows without end, and the ends of its interval: the floor of a loss,
        the ceiling of an accuracy. NaN where it does not come to rest.
    reach : (float, float), the quantity among the rows fitted.
    ends : (float, float), between which the scale was looked for.
    law : str, the law, or those of a chain.
    verdict : str, why the fit should not be believed; empty where nothing speaks against it.
    source : str, where the intervals come from.
    notes : tuple of str, what was assumed.
    doubts : tuple of str, what else speaks against the answer.
    """

    def said(self) -> Said:
        """Where the values are reached, in words."""
        return words.say_target(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The law along the route with each value and where it is reached.

        See :func:`scalefit.plots.scales.plot_target_scale`.
        """
        from scalefit.plots.scales import plot_target_scale

        return plot_target_scale(self, ax=ax)


@dataclass(frozen=True, eq=False, repr=False)
class Saturation(ScaleRecord):
    """The scale from which on little is left to gain, with its interval, or that there is none.

    Made by :func:`scalefit.find_saturation`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row a threshold: ``threshold``; ``estimate``, the scale after which the gain stays at or below it, infinite
        where there is none, the smallest scale looked at where it is below there already; ``low, high``, the central
        share of all draws; ``probability``, the share of draws that come below it; ``already``, the share that is below
        it at the smallest scale; ``value``, what the law predicts at the estimate; ``beyond``; ``where``: ``"data"``,
        ``"beyond"``, ``"before"`` or ``"nowhere"``.
    curve : DataFrame
        The law along the route: the quantity, ``estimate, low, high`` of what is predicted, and ``gain, gain_low,
        gain_high`` of what the thresholds are for.
    kind : {"remaining", "gain"}
        Whether the gain is what is left until the limit, or what ``per`` times the scale brings.
    per : float, NaN for ``"remaining"``.
    relative : bool, whether gains are shares (of the limit, or of what is predicted) or in the target's own unit.
    along, target : str, the quantity, and what is predicted.
    route : str, where the other inputs stand.
    level : float in (0, 1), of the intervals.
    grows : bool, whether a higher target is better.
    limit : (float, float, float)
        What the law approaches as the quantity grows without end, and the ends of its interval: the floor of a loss,
        the ceiling of an accuracy. NaN where it does not come to rest.
    reach : (float, float), the quantity among the rows fitted.
    ends : (float, float), between which the scale was looked for.
    law : str, the law, or those of a chain.
    verdict : str, why the fit should not be believed; empty where nothing speaks against it.
    source : str, where the intervals come from.
    notes : tuple of str, what was assumed.
    doubts : tuple of str, what else speaks against the answer.
    """

    kind: Literal["remaining", "gain"] = "remaining"
    per: float = np.nan
    relative: bool = True

    def said(self) -> Said:
        """From where on little is left to gain, in words."""
        return words.say_saturation(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """What is left to gain along the route, with each threshold and where it is passed.

        See :func:`scalefit.plots.scales.plot_saturation`.
        """
        from scalefit.plots.scales import plot_saturation

        return plot_saturation(self, ax=ax)


def where_of(estimate: float, places: Array, beyond: float) -> Where:
    """In which part of the axis a scale lies."""
    if not np.isfinite(estimate):
        return "nowhere"
    if estimate <= places[0]:
        return "before"
    return "data" if beyond <= 1 + 1e-9 else "beyond"


def places_to_draw(curve: Curve, places: Array, frame: pd.DataFrame) -> Array:
    """Places from the first one to past the data and past every end of an interval that is not out of sight."""
    answers = frame[["estimate", "low", "high"]].to_numpy(float)
    near = answers[np.isfinite(answers) & (answers <= curve.route.reach[1] * 1e6)]
    last = max(curve.route.reach[1], *(near * _PAST), places[0] * 10)
    return np.geomspace(places[0], min(last, places[-1]), _DRAWN)


def drawn_curve(curve: Curve, places: Array, seen: Array, shown: Array, level: float) -> pd.DataFrame:
    """The law at the places ``shown``, with the band of the values ``seen`` at ``places``."""
    estimate = curve.estimate(shown)
    low, high = drawn_band(places, seen, shown, estimate, level)
    return pd.DataFrame({curve.route.along: shown, "estimate": estimate, "low": low, "high": high})


def drawn_band(places: Array, seen: Array, shown: Array, estimate: Array, level: float) -> tuple[Array, Array]:
    """Low and high over the draws at the places ``shown``: how far they lie from the estimate is interpolated."""
    out = np.full((2, len(shown)), np.nan)
    for k, ends in enumerate(band(seen[1:], level)):
        away = ends - seen[0]
        there = np.isfinite(away)
        if there.any():
            out[k] = estimate + np.interp(np.log(shown), np.log(places[there]), away[there], left=np.nan, right=np.nan)
    return out[0], out[1]


def limit_of(limits: Array, level: float) -> tuple[float, float, float]:
    """The limit of the estimate, and the ends of its interval over the draws that have one."""
    low, high = band(limits[1:, None], level)
    return float(limits[0]), float(low[0]), float(high[0])
