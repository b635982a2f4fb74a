"""Parameters of a law: bounds, units, and where starting values are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scalefit.errors import LawError


@dataclass(frozen=True)
class Param:
    """A parameter of a law: its bounds, its unit, and where starting values are looked for.

    Parameters
    ----------
    name : str, as the equation has it.
    lower, upper : float
        Bounds that hold for any data; a fit may end on them.
    low, high : float
        Where starting values are looked for; of the size of its term where ``of`` is given. Never a bound.
    unit : str, such as ``"nats/token"``; empty for a plain number.
    of : str
        What the parameter multiplies, as a formula of inputs and other parameters (``"params**-alpha"``): its starting
        values then follow the data and any unit.
    coordinate : {"raw", "log"}
        How a fit moves it where it does not enter linearly.

    Raises
    ------
    LawError
        If ``lower`` is not below ``upper``, or is negative where ``coordinate`` is ``"log"``.

    Examples
    --------
    >>> Param("alpha", lower=0.0, upper=1.0, low=0.1, high=0.6).upper
    1.0
    """

    name: str
    lower: float = -np.inf
    upper: float = np.inf
    low: float = -3.0
    high: float = 3.0
    unit: str = ""
    of: str = ""
    coordinate: Literal["raw", "log"] = "raw"

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise LawError(
                f"Parameter {self.name!r}: the lower bound {self.lower} must lie below the upper {self.upper}."
            )
        if self.coordinate == "log" and self.lower < 0:
            raise LawError(f"Parameter {self.name!r} moves in its log, so its lower bound must be 0 or more.")


def floor(name: str, *, unit: str = "nats/token") -> Param:
    """A value that the curve approaches and that is not negative, such as the irreducible loss.

    Parameters
    ----------
    name : str, as the equation has it.
    unit : str, that of what the law predicts.

    Returns
    -------
    Param
        Bounded below by 0; starting values from 0.1 to 5.

    Examples
    --------
    >>> floor("E").lower
    0.0
    """
    return Param(name, lower=0.0, low=0.1, high=5.0, unit=unit)


def scale(name: str, *, unit: str = "", of: str = "", low: float = 0.01, high: float = 100.0) -> Param:
    """The size of a term: not negative.

    Parameters
    ----------
    name : str, as the equation has it.
    unit : str, empty for a plain number.
    of : str
        What it multiplies, as a formula such as ``"params**-alpha"``, for a size inside another function: its starting
        values then follow the data and any unit.
    low, high : float, > 0
        Where starting values are looked for, never a bound; of the size of its term where ``of`` is given.

    Returns
    -------
    Param
        Bounded below by 0, and moved in its log.

    Examples
    --------
    >>> scale("A", of="params**-alpha").coordinate
    'log'
    """
    return Param(name, lower=0.0, low=low, high=high, unit=unit, of=of, coordinate="log")


def exponent(name: str, *, low: float = 0.05, high: float = 1.2, upper: float = np.inf) -> Param:
    """A power: not negative, usually below one.

    Parameters
    ----------
    name : str, as the equation has it.
    low, high : float
        Where starting values are looked for, never a bound.
    upper : float
        The largest value that a fit may give it; without one any.

    Returns
    -------
    Param
        Bounded below by 0, and above by ``upper``.

    Examples
    --------
    >>> exponent("alpha", upper=1.0).upper
    1.0
    """
    return Param(name, lower=0.0, upper=upper, low=low, high=high)


def real(name: str, *, low: float = -3.0, high: float = 3.0, unit: str = "") -> Param:
    """A number without bounds.

    Parameters
    ----------
    name : str, as the equation has it.
    low, high : float
        Where starting values are looked for.
    unit : str, empty for a plain number.

    Returns
    -------
    Param
        Without bounds.

    Examples
    --------
    >>> real("shift").lower
    -inf
    """
    return Param(name, low=low, high=high, unit=unit)
