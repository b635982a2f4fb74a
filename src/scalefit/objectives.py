r"""What a fit minimises: a loss of each residual, on a scale, summed over rows.

The sum is never a mean: its size is part of published objectives, and averaging made a published fit stop early
(Besiroglu et al. 2024, arXiv:2404.10102).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, not_one_of

Array = NDArray[np.float64]
Scale = Literal["log", "raw", "logit"]
SCALES = ("log", "raw", "logit")


class Objective(Protocol):
    """The loss of a residual: value, slope, curvature, and the weight of the quadratic that touches it from above."""

    @property
    def on(self) -> Scale:
        """The scale of the residual: log, raw or logit of the quantity."""
        ...

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Loss, slope, curvature (>= 0) and majorising weight (slope / r), each of the shape of ``r``."""
        ...


def _check_scale(on: str) -> None:
    if on not in SCALES:
        raise FitError(not_one_of("on", on, SCALES))


def _check_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise FitError(f"{name} must be a positive number; got {value!r}.")


@dataclass(frozen=True)
class Square:
    """Half the square of the residual.

    Parameters
    ----------
    on : {"log", "raw", "logit"}
        The scale on which fitted less seen is taken.

    Raises
    ------
    FitError
        If ``on`` is no such scale.

    Examples
    --------
    >>> Square().parts(np.array([0.2]))[0]
    array([0.02])
    """

    on: Scale = "log"

    def __post_init__(self) -> None:
        _check_scale(self.on)

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Loss, slope, curvature and majorising weight of each residual.

        Parameters
        ----------
        r : array (n,) of residuals, fitted less seen on the scale ``on``.

        Returns
        -------
        tuple of four arrays (n,)
            The loss, its first and its second derivative (0 or more), and the slope over the residual: the curvature
            of the parabola that touches the loss there and lies above it elsewhere.
        """
        one = np.ones_like(r)
        return 0.5 * r * r, r, one, one


@dataclass(frozen=True)
class Huber:
    """Half the square up to ``delta``, linear beyond: few outliers cannot pull the fit (Huber 1964).

    Parameters
    ----------
    delta : float, > 0
        Where the loss turns linear, in units of the residual. 1e-3 on the log is Hoffmann et al. 2022; with a scatter
        of a percent that is nearly the median.
    on : {"log", "raw", "logit"}
        The scale on which fitted less seen is taken.

    Raises
    ------
    FitError
        If ``delta`` is not above 0, or ``on`` is no such scale.

    Examples
    --------
    >>> Huber(1e-3).parts(np.array([1.0]))[0]
    array([0.0009995])
    """

    delta: float = 1e-3
    on: Scale = "log"

    def __post_init__(self) -> None:
        _check_scale(self.on)
        _check_positive("delta", self.delta)

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Loss, slope, curvature and majorising weight of each residual: see :meth:`Square.parts`."""
        slope = np.clip(r, -self.delta, self.delta)
        size = np.abs(r)
        weight = self.delta / np.maximum(size, self.delta)
        # slope * (r - slope / 2) is both branches at once.
        return slope * (r - 0.5 * slope), slope, (size <= self.delta).astype(float), weight


@dataclass(frozen=True)
class Absolute:
    """The absolute residual, rounded off below ``width`` so that it has a curvature: ``sqrt(r^2 + width^2) - width``.

    Parameters
    ----------
    width : float, > 0
        The rounded part; a thousandth of the scatter or less is the absolute value for every purpose.
    on : {"log", "raw", "logit"}
        The scale on which fitted less seen is taken.

    Raises
    ------
    FitError
        If ``width`` is not above 0, or ``on`` is no such scale.

    Examples
    --------
    >>> Absolute(1e-3).parts(np.array([0.5]))[0].round(3)
    array([0.499])
    """

    width: float = 1e-4
    on: Scale = "log"

    def __post_init__(self) -> None:
        _check_scale(self.on)
        _check_positive("width", self.width)

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Loss, slope, curvature and majorising weight of each residual: see :meth:`Square.parts`."""
        root = np.sqrt(r * r + self.width**2)
        return r * r / (root + self.width), r / root, self.width**2 / root**3, 1 / root


@dataclass(frozen=True)
class Cauchy:
    """The loss of Student's t: rows far from the curve count less the farther they are.

    Parameters
    ----------
    scale : float, > 0
        Residuals of this size are half way between quadratic and flat.
    freedom : float, > 0
        Degrees of freedom of Student's t; 1 is Cauchy's.
    on : {"log", "raw", "logit"}
        The scale on which fitted less seen is taken.

    Raises
    ------
    FitError
        If ``scale`` or ``freedom`` is not above 0, or ``on`` is no such scale.

    Examples
    --------
    >>> weight = Cauchy(0.01).parts(np.array([0.0, 0.01, 0.1]))[3]
    >>> (weight / weight[0]).round(3).tolist()
    [1.0, 0.5, 0.01]
    """

    scale: float = 0.01
    freedom: float = 1.0
    on: Scale = "log"

    def __post_init__(self) -> None:
        _check_scale(self.on)
        _check_positive("scale", self.scale)
        _check_positive("freedom", self.freedom)

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Loss, slope, curvature (cut off at zero, for the loss is not convex) and weight: see :meth:`Square.parts`."""
        width = self.freedom * self.scale**2
        ratio = r * r / width
        share = 0.5 * (self.freedom + 1) * self.scale**2
        weight = 2 * share / width / (1 + ratio)
        return share * np.log1p(ratio), weight * r, np.maximum(weight * (1 - ratio) / (1 + ratio), 0), weight


@dataclass(frozen=True)
class Asymmetric:
    """Another objective with more weight on runs below the curve, for runs that may be under-tuned.

    An under-tuned run can only lie above the frontier, so a residual above it says less. Where every run is tuned this
    costs accuracy: the curve is drawn to the lower runs for nothing. On 24 simulated ladders with 0.5 % of scatter, the
    error beyond the data was 0.72 % beside 1.01 % of Huber's where a third of the runs lay above the frontier (by the
    size of a normal number of 3 %), 0.74 % beside 1.32 % where half did, and 0.53 % beside 0.36 % where none did.
    :func:`scalefit.compare_backtests` says which holds on your runs.

    Parameters
    ----------
    above : float in (0, 1]
        Weight of runs whose loss is above the curve; runs below it count in full. With a base that is linear beyond the
        scatter, as the default is, a share ``above / (1 + above)`` of the runs ends below the curve: 23 % at 0.3. If a
        share c of the runs is far above the frontier, ``(1 - c) / (1 + c)`` draws the curve through the middle of the
        others.
    base : Huber, Square, Absolute or Cauchy
        The loss of each side; Huber at 1e-3 if left out.

    Raises
    ------
    FitError
        If ``above`` lies outside (0, 1].

    Examples
    --------
    >>> loss = Asymmetric(0.3).parts(np.array([-0.02, 0.02]))[0]  # fitted minus seen: the first run lies above
    >>> float(loss[0] / loss[1])
    0.3
    """

    above: float = 0.3
    base: Huber | Square | Absolute | Cauchy = Huber()

    def __post_init__(self) -> None:
        if not 0 < self.above <= 1:
            raise FitError(f"above must lie in (0, 1]; got {self.above!r}.")

    @property
    def on(self) -> Scale:
        """The scale of the residual, that of the base."""
        return self.base.on

    def parts(self, r: Array) -> tuple[Array, Array, Array, Array]:
        """Those of the base, times ``above`` where the run lies above the curve: see :meth:`Square.parts`."""
        side = np.where(r < 0, self.above, 1.0)
        loss, slope, curvature, weight = self.base.parts(r)
        return loss * side, slope * side, curvature * side, weight * side
