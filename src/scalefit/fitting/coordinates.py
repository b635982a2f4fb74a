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
        B, p = len(u), len(self.base)
        theta, T = np.empty((B, p)), np.zeros((B, p, self.q))
        logs, terms = self.log_places, self.term_places
        theta[:] = self.base
        theta[:, self.free] = u
        T[:, self.free, np.arange(self.q)] = 1.0
        if len(logs):
            with np.errstate(over="ignore"):
                grown = np.exp(u[:, logs])
            theta[:, self.free[logs]] = T[:, self.free[logs], logs] = grown
        if len(terms):
            self._divide_by_sizes(theta, T, u, terms)
        for tie in self.ties:
            tie.apply(theta, T)
        return theta, T

    def from_params(self, theta: Array) -> Array:
        """The coordinates (B, q) of full parameter vectors (B, p)."""
        u = theta[:, self.free].astype(float)
        logs, terms = self.log_places, self.term_places
        with np.errstate(divide="ignore"):
            u[:, logs] = np.log(u[:, logs])
        if len(terms):
            u[:, terms] *= self._sizes(theta)[0]
        return u

    def _divide_by_sizes(self, theta: Array, T: Array, u: Array, terms: NDArray[np.intp]) -> None:
        theta[:, self.free[terms]] = 0.0
        for tie in self.ties:
            tie.apply(theta, T)
        size, relative = self._sizes(theta)  # (B, k), (B, k, p)
        with np.errstate(all="ignore"):
            values = u[:, terms] / size
            theta[:, self.free[terms]] = values
            # relative is zero for the terms themselves, so what T says of them does not enter the product
            T[:, self.free[terms]] = -values[:, :, None] * np.matmul(relative, T)
            T[:, self.free[terms], terms] = 1.0 / size

    def _sizes(self, theta: Array) -> tuple[Array, Array]:
        """Root mean square of each term over the typical rows (B, k), and its relative derivative (B, k, p)."""
        places = self.free[self.term_places]
        B, p = theta.shape
        k = len(places)
        stacked = np.empty((k + 1, B, p))
        stacked[:] = theta
        stacked[:, :, places] = self._one_on[:, None]
        with np.errstate(all="ignore"):
            value, J = self.equation.value_and_jacobian(stacked.reshape(-1, p), self.typical)
            value, J = value.reshape(k + 1, B, -1), J.reshape(k + 1, B, p, -1)
            term, change = value[:k] - value[k], J[:k] - J[k]
            power = np.vecdot(term, term)
            relative = np.matmul(change, term[..., None])[..., 0] / np.where(power == 0, 1.0, power)[..., None]
            size = np.sqrt(np.where(power == 0, 1.0, power / term.shape[-1]))
        relative[:, :, places] = 0.0
        return np.ascontiguousarray(size.T), np.ascontiguousarray(relative.swapaxes(0, 1))

    @cached_property
    def _one_on(self) -> Array:
        """(k + 1, k): one term switched on at a time, and none."""
        k = len(self.term_places)
        return np.eye(k + 1, k)


def typical_rows(inputs: Inputs, count: int = 8) -> Inputs:
    """A few rows spread over the data, whatever the order of the rows."""
    order = np.lexsort(numbers_of(inputs))
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))]
    return tuple(x[chosen] for x in inputs)
