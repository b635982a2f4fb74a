"""A law and data as arrays: residuals, Jacobians and normal equations for a batch of parameter vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scalefit.objectives import Objective, Scale

Array = NDArray[np.float64]
#: One array a input: (n,) of numbers, or (n, k) where each row has a history of its own.
Inputs = tuple[Array, ...]

#: Rows summed at once. A constant, so that sums have the same bits for any number of problems or threads.
CHUNK = 2048


class Equation(Protocol):
    """What the fitter needs of a law."""

    @property
    def linear_index(self) -> tuple[int, ...]:
        """Places of the parameters that enter linearly."""
        ...

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """(B, p) parameters -> (B, n) values."""
        ...

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """(B, p) parameters -> (B, n) values and (B, p, n) derivatives."""
        ...


@dataclass(frozen=True, eq=False)
class Prior:
    """Quadratic pull of parameters: ``precision * (theta - centre)**2 / 2`` is added to the objective; both (p,).

    ``dispersion`` is the scatter of the data in units of the objective: a precision is it over the prior's variance.
    Parameters where ``logs`` (p,) is true are pulled in their logarithm: centre and precision are those of ln theta.
    """

    centre: Array
    precision: Array
    dispersion: float
    logs: NDArray[np.bool_] | None = None

    def away(self, theta: Array, centre: Array | None = None) -> Array:
        """How far parameters (…, p) lie from the centre, or from centres of their own."""
        middle = self.centre if centre is None else centre
        if self.logs is None:
            return np.asarray(theta - middle)
        with np.errstate(all="ignore"):
            return np.asarray(np.where(self.logs, np.log(theta), theta) - middle)

    def slope(self, theta: Array) -> Array:
        """The derivative of that distance by each parameter: (…, p)."""
        if self.logs is None:
            return np.ones_like(theta)
        with np.errstate(all="ignore"):
            return np.where(self.logs, 1 / theta, 1.0)


@dataclass(frozen=True, eq=False)
class Normal:
    """Sums over rows for B problems: objective (B,), gradient (B, p), curvature and its majorising metric (B, p, p)."""

    objective: Array
    gradient: Array
    curvature: Array
    metric: Array


@dataclass(frozen=True, eq=False)
class Problem:
    """Residuals of a law on n rows.

    Parameters
    ----------
    equation : the law.
    inputs : one array of (n,) per input, or (n, k) where each row has a history of its own.
    target : (n,), the quantity as seen, in its own unit.
    objective : the loss of a residual and its scale.
    prior : a quadratic pull, or None.
    """

    equation: Equation
    inputs: Inputs
    target: Array
    objective: Objective
    prior: Prior | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.target)

    def rows(self, index: NDArray[np.intp] | slice) -> Problem:
        """The same problem on some of the rows."""
        return replace(self, inputs=tuple(x[index] for x in self.inputs), target=self.target[index])

    def residual(self, theta: Array) -> Array:
        """Fitted minus seen on the scale of the objective: (B, p) -> (B, n); not finite where the law is not."""
        with np.errstate(all="ignore"):
            return rescale(self.equation.value(theta, self.inputs), self.objective.on) - self.seen

    @cached_property
    def seen(self) -> Array:
        """The target on the scale of the objective."""
        return rescale(self.target, self.objective.on)

    def residual_and_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Residuals (B, n) and their derivatives (B, p, n)."""
        with np.errstate(all="ignore"):
            value, J = self.equation.value_and_jacobian(theta, self.inputs)
            if self.objective.on == "log":
                J /= value[:, None]
            elif self.objective.on == "logit":
                J /= (value * (1 - value))[:, None]
            return rescale(value, self.objective.on) - self.seen, J

    def chunks(self) -> Iterator[tuple[Problem, slice]]:
        """The problem in pieces of CHUNK rows."""
        return iter(self._pieces)

    @cached_property
    def _pieces(self) -> tuple[tuple[Problem, slice], ...]:
        if self.n <= CHUNK:
            return ((self, slice(None)),)
        pieces = [slice(start, start + CHUNK) for start in range(0, self.n, CHUNK)]
        return tuple((self.rows(piece), piece) for piece in pieces)

    def value(self, theta: Array, weights: Array, centre: Array | None = None) -> Array:
        """The objective (B,) for row weights of (B, n); infinite where the law is not finite."""
        total = np.zeros(len(theta))
        for part, piece in self.chunks():
            loss = self.objective.parts(part.residual(theta))[0]
            total += np.sum(weights[:, piece] * loss, axis=1)
        total += self.pull(theta, centre)
        return np.where(np.isfinite(total), total, np.inf)

    def normal(self, theta: Array, weights: Array, centre: Array | None = None, shift: Array | None = None) -> Normal:
        """The normal equations for B parameter vectors (B, p) and row weights (B, n).

        ``centre`` (B, p) takes the place of the prior's own, ``shift`` (B, n) is added to the residuals.
        """
        B, p = theta.shape
        objective, gradient = np.zeros(B), np.zeros((B, p))
        curvature, metric = np.zeros((B, p, p)), np.zeros((B, p, p))
        with np.errstate(all="ignore"):
            for part, piece in self.chunks():
                r, J = part.residual_and_jacobian(theta)
                if shift is not None:
                    r += shift[:, piece]
                W = weights[:, piece]
                loss, slope, bend, weight = self.objective.parts(r)
                objective += np.vecdot(W, loss)
                gradient += np.matmul(J, (W * slope)[..., None])[..., 0]
                JT = J.swapaxes(1, 2)
                weighted = J * (W * weight)[:, None]
                metric += np.matmul(weighted, JT)
                if bend is not weight:
                    np.multiply(J, (W * bend)[:, None], out=weighted)
                    curvature += np.matmul(weighted, JT)
            if bend is weight:
                curvature += metric
        return self._with_prior(theta, Normal(objective, gradient, curvature, metric), centre)

    def pull(self, theta: Array, centre: Array | None = None) -> Array:
        """What the prior adds to the objective: (B,)."""
        if self.prior is None:
            return np.zeros(len(theta))
        return np.asarray(0.5 * np.sum(self.prior.precision * self.prior.away(theta, centre) ** 2, axis=-1))

    def _with_prior(self, theta: Array, sums: Normal, centre: Array | None) -> Normal:
        if self.prior is None:
            return sums
        steep = self.prior.slope(theta)
        slope = self.prior.precision * self.prior.away(theta, centre) * steep
        bend = (self.prior.precision * steep**2)[:, :, None] * np.eye(theta.shape[1])
        return Normal(
            sums.objective + self.pull(theta, centre), sums.gradient + slope, sums.curvature + bend, sums.metric + bend
        )


def numbers_of(inputs: Inputs) -> Inputs:
    """The inputs that are one number a row, not a history."""
    return tuple(x for x in inputs if x.ndim == 1)


def rescale(value: Array, on: Scale) -> Array:
    """A quantity on the scale of the objective."""
    if on == "raw":
        return value
    return np.log(value) if on == "log" else np.log(value / (1 - value))


def restore(value: Array, on: Scale) -> Array:
    """A quantity back from the scale of the objective."""
    if on == "raw":
        return value
    return np.exp(value) if on == "log" else 1 / (1 + np.exp(-value))
