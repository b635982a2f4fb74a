"""The parts of a logged schedule: warm-up, stable phase, fall, hold; and how finely its rates were written down."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from scalefit.schedules.logs import Log

Floats = npt.NDArray[np.float64]
#: Rates with so many digits or more are taken as computed, not as rounded for print.
_FULL_DIGITS = 7
#: Two equal rates of one formula may differ by this share of the peak.
_ARITHMETIC = 1e-9
#: A log of more constant stretches than this is a curve seen coarsely.
_MOST_LEVELS = 20
#: So many equal rates before a jump are a level of their own.
_LEVEL_ROWS = 3


@dataclass(frozen=True, eq=False)
class Ramp:
    """The straight line of a warm-up.

    Attributes
    ----------
    start : float
        The rate at step 0.
    slope : float or None
        Its rise a step; None where one row alone does not tell it.
    step : float
        That row.
    deviation : float
        The largest distance of a row from the line.
    """

    start: float
    slope: float | None
    step: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True, eq=False)
class Phases:
    """A log of n rows cut into its parts: ``[0, top)`` rises, ``[top, fall)`` is level, ``[fall, hold)`` falls.

    Attributes
    ----------
    steps, rates : array (n,)
    slack : array (n,)
        How far a rate may be from the one meant, because it was rounded when it was written.
    top, fall, hold : int
        Rows: the first of the top, the first after the stable phase, the first of a level end (n without one).
    ramp : Ramp or None
        The warm-up, if a row shows it.
    """

    steps: Floats
    rates: Floats
    slack: Floats
    top: int
    fall: int
    hold: int
    ramp: Ramp | None

    @property
    def stable(self) -> bool:
        """Whether two rows or more are level at the top."""
        return self.fall - self.top >= 2

    @property
    def level(self) -> float:
        """The rate of the stable phase."""
        return float(np.median(self.rates[self.top : self.fall]))

    @property
    def body(self) -> slice:
        """The rows after the warm-up and before a level end; a lone top may lie on either side of the peak."""
        own = self.stable or self.ramp is None
        return slice(self.top if own else self.top + 1, self.hold)


def find_phases(log: Log, slack: Floats) -> Phases:
    """Cut a log into the parts that a schedule may have.

    Parameters
    ----------
    log : Log
        At least one rate is above 0.
    slack : array (n,)
        How far a rate may be from the one meant: :func:`rounding` of the rates as they were written.
    """
    steps, rates = log.steps.astype(np.float64), log.rates
    equal = slack + _ARITHMETIC * rates.max()
    top = _first_top(rates, equal)
    fall = _stretch_end(rates, equal, top)
    hold = max(_last_stretch(rates, equal), fall)
    if len(rates) - hold < 2:
        hold = len(rates)
    return Phases(steps, rates, slack, top, fall, hold, _ramp(steps[:top], rates[:top]))


def stretches(phases: Phases) -> list[tuple[int, int]]:
    """The constant stretches from the top on, as rows from and to; empty unless each has two rows or more."""
    equal = phases.slack + _ARITHMETIC * phases.rates.max()
    found: list[tuple[int, int]] = []
    at = phases.top
    while at < len(phases.rates):
        end = _stretch_end(phases.rates, equal, at)
        # A curve in coarse digits has stretches too, one last digit from each other.
        near = at > phases.top and abs(phases.rates[at] - phases.rates[at - 1]) <= 6 * equal[at]
        if end - at < 2 or near or len(found) == _MOST_LEVELS:
            return []
        found.append((at, end))
        at = end
    return found


def first_rise(phases: Phases) -> int | None:
    """The first row after the top whose rate is above the one before it."""
    rises = np.diff(phases.rates) > phases.slack[1:] + phases.slack[:-1] + _ARITHMETIC * phases.rates.max()
    rises[: phases.top] = False
    return int(np.argmax(rises)) + 1 if rises.any() else None


def rounding(rates: Floats) -> Floats:
    """How far each rate may be from the one meant, because it was written with few digits.

    Parameters
    ----------
    rates : array (n,)

    Returns
    -------
    array (n,)
        Half a unit of the last digit or bit that the log keeps; 0 for rates of full precision.

    Examples
    --------
    >>> rounding(np.array([0.000300, 0.000297, 0.000287, 0.000271, 0.00025, 0.000225, 0.000197, 0.000167]))[:2]
    array([5.e-07, 5.e-07])
    """
    distinct = np.unique(rates[rates > 0])
    if len(distinct) < 8:  # a few round numbers say nothing about how the log rounds
        return np.zeros(len(rates))
    sample = distinct[np.unique(np.linspace(0, len(distinct) - 1, 300).astype(int))]
    single = sample.astype(np.float32)
    if (single == sample).all() and not (single.view(np.uint32) & 0xFFFF).any():
        return rates * 2.0**-9  # bfloat16 keeps eight bits
    written = [Decimal(repr(float(rate))).normalize().as_tuple() for rate in sample]
    digits = max(len(number.digits) for number in written)
    if not 3 <= digits < _FULL_DIGITS:
        return np.zeros(len(rates))
    places = max(-int(number.exponent) for number in written)
    sizes = np.floor(np.log10(np.where(rates > 0, rates, distinct[0])))
    return np.maximum(0.5 * 10.0 ** (sizes - digits + 1), 0.5 * 10.0**-places)


def _first_top(rates: Floats, equal: Floats) -> int:
    """The first row of the highest rate that is reached before the rate falls for the first time."""
    highest = np.maximum.accumulate(rates)
    falls = rates < highest - 2 * equal
    before = int(np.argmax(falls)) if falls.any() else len(rates)
    level = highest[before - 1]
    first = int(np.argmax(rates[:before] >= level - 2 * equal[:before]))
    while first >= _LEVEL_ROWS:  # a rate that is level and then jumps is a schedule of steps, not a long warm-up
        below = np.abs(rates[:first] - rates[first - 1]) <= equal[:first] + equal[first - 1]
        start = first - int(np.argmin(below[::-1])) if not below.all() else 0
        jumps = rates[first] - rates[first - 1] > 4 * equal[first]
        if first - start < _LEVEL_ROWS or not jumps or rates[first - 1] == 0:
            break
        first = start
    return first


def _stretch_end(rates: Floats, equal: Floats, at: int) -> int:
    away = np.abs(rates[at:] - rates[at]) > equal[at:] + equal[at]
    return at + int(np.argmax(away)) if away.any() else len(rates)


def _last_stretch(rates: Floats, equal: Floats) -> int:
    away = np.abs(rates - rates[-1]) > equal + equal[-1]
    return len(rates) - int(np.argmax(away[::-1])) if away.any() else 0


def _ramp(steps: Floats, rates: Floats) -> Ramp | None:
    if not len(steps):
        return None
    shown = rates > 0
    if not shown.any():
        return Ramp(0.0, None, float(steps[-1]))
    if shown.sum() == 1 and not shown[0]:  # the last row without a rate is the other end of the line
        shown[np.flatnonzero(shown)[0] - 1] = True
    steps, rates = steps[shown], rates[shown]
    if len(steps) == 1:
        return Ramp(0.0, float(rates[0] / steps[0])) if steps[0] > 0 else Ramp(float(rates[0]), None)
    slope, start = np.polyfit(steps, rates, 1)
    if abs(start) < 1e-6 * rates[-1]:
        slope, start = float(rates @ steps / (steps @ steps)), 0.0
    return Ramp(float(start), float(slope), deviation=float(np.abs(start + slope * steps - rates).max()))
