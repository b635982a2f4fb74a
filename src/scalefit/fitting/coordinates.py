"""Coordinates in which a fit moves: fixed, tied and bounded parameters, each of a size near one.

A linear parameter moves as the size of its term on typical rows, given the others: its direction is then free of the
trade-off with its exponent, for any law and any unit. Others move raw or in their log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array, Equation, Inputs, numbers_of
from scalefit.fitting.ties import Tie

Kind = Literal["term", "raw", "log"]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """A map between q free coordinates and full parameter vectors of a law.

    Parameters
    ----------
    equation : the law, asked for the sizes of linear terms.
    typical : inputs of a few rows that stand for the data.
    base : (p,) values of fixed parameters; others are not read.
    free : (q,) places of the free parameters.
    kinds : how each free parameter moves.
    lower, upper : (q,) bounds in coordinates.
    ties : parameters that are formulas of others, in an order in which they can be evaluated.
    """

    equation: Equation
    typical: Inputs
    base: Array
    free: NDArray[np.intp]
    kinds: tuple[Kind, ...]
    lower: Array
    upper: Array
    ties: tuple[Tie, ...] = ()

    @property
    def q(self) -> int:
        """Number of free parameters."""
        return len(self.free)

    @cached_property
    def term_places(self) -> NDArray[np.intp]:
        """Which coordinates are sizes of terms."""
        return np.flatnonzero([kind == "term" for kind in self.kinds])

    @cached_property
    def log_places(self) -> NDArray[np.intp]:
        """Which coordinates are logarithms."""
        return np.flatnonzero([kind == "log" for kind in self.kinds])

    def to_params(self, u: Array) -> tuple[Array, Array]:
        """Full parameters (B, p) and their derivative by the coordinates (B, p, q)."""
        theta, T = self._bare(u), np.zeros((len(u), len(self.base), self.q))
        logs, terms = self.log_places, self.term_places
        T[:, self.free, np.arange(self.q)] = 1.0
        if len(logs):
            T[:, self.free[logs], logs] = theta[:, self.free[logs]]
        if len(terms):
            self._divide_by_sizes(theta, T, u, terms)
        for tie in self.ties:
            tie.apply(theta, T)
        return theta, T

    def params_of(self, u: Array) -> Array:
        """Full parameters (B, p): to the last bit those of :meth:`to_params`, without their derivative."""
        theta, terms = self._bare(u), self.term_places
        if len(terms):
            theta[:, self.free[terms]] = 0.0
            for tie in self.ties:
                tie.put(theta)
            with np.errstate(all="ignore"):
                theta[:, self.free[terms]] = u[:, terms] / self._sizes(theta)
        for tie in self.ties:
            tie.put(theta)
        return theta

    def from_params(self, theta: Array) -> Array:
        """The coordinates (B, q) of full parameter vectors (B, p)."""
        u = theta[:, self.free].astype(float)
        logs, terms = self.log_places, self.term_places
        with np.errstate(divide="ignore"):
            u[:, logs] = np.log(u[:, logs])
        if len(terms):
            u[:, terms] *= self._sizes(theta)
        return u

    def _bare(self, u: Array) -> Array:
        """Parameters (B, p) whose terms are not divided by their sizes yet, and ties not evaluated."""
        theta, logs = np.empty((len(u), len(self.base))), self.log_places
        theta[:] = self.base
        theta[:, self.free] = u
        if len(logs):
            with np.errstate(over="ignore"):
                theta[:, self.free[logs]] = np.exp(u[:, logs])
        return theta

    def _divide_by_sizes(self, theta: Array, T: Array, u: Array, terms: NDArray[np.intp]) -> None:
        theta[:, self.free[terms]] = 0.0
        for tie in self.ties:
            tie.apply(theta, T)
        size, relative = self._sizes_and_slopes(theta)  # (B, k), (B, k, p)
        with np.errstate(all="ignore"):
            values = u[:, terms] / size
            theta[:, self.free[terms]] = values
            # relative is zero for the terms themselves, so what T says of them does not enter the product
            T[:, self.free[terms]] = -values[:, :, None] * np.matmul(relative, T)
            T[:, self.free[terms], terms] = 1.0 / size

    def _sizes(self, theta: Array) -> Array:
        """Root mean square of each term over the typical rows (B, k)."""
        with np.errstate(all="ignore"):
            value, _ = self._switched_on(theta)
            return _root_mean_square(value[:-1] - value[-1])[1]

    def _sizes_and_slopes(self, theta: Array) -> tuple[Array, Array]:
        """The sizes of the terms (B, k), and their relative derivative (B, k, p)."""
        with np.errstate(all="ignore"):
            value, J = self._switched_on(theta)
            term, change = value[:-1] - value[-1], J[:-1] - J[-1]
            power, size = _root_mean_square(term)
            relative = np.matmul(change, term[..., None])[..., 0] / power[..., None]
        relative[:, :, self.free[self.term_places]] = 0.0
        return size, np.ascontiguousarray(relative.swapaxes(0, 1))

    def _switched_on(self, theta: Array) -> tuple[Array, Array]:
        """Values (k + 1, B, r) and derivatives (k + 1, B, p, r) on the typical rows, with each term alone and none."""
        (B, p), k = theta.shape, len(self.term_places)
        stacked = np.empty((k + 1, B, p))
        stacked[:] = theta
        stacked[:, :, self.free[self.term_places]] = self._one_on[:, None]
        value, J = self.equation.value_and_jacobian(stacked.reshape(-1, p), self.typical)
        return value.reshape(k + 1, B, -1), J.reshape(k + 1, B, p, -1)

    @cached_property
    def _one_on(self) -> Array:
        """(k + 1, k): one term switched on at a time, and none."""
        k = len(self.term_places)
        return np.eye(k + 1, k)


def _root_mean_square(term: Array) -> tuple[Array, Array]:
    """The sum of squares of terms (k, B, r), 1 where it is zero: (k, B); and their sizes: (B, k)."""
    power = np.vecdot(term, term)
    gone = power == 0
    size = np.sqrt(np.where(gone, 1.0, power / term.shape[-1]))
    return np.where(gone, 1.0, power), np.ascontiguousarray(size.T)


def typical_rows(inputs: Inputs, count: int = 8) -> Inputs:
    """A few rows spread over the data, whatever the order of the rows."""
    order = np.lexsort(numbers_of(inputs))
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))]
    return tuple(x[chosen] for x in inputs)
