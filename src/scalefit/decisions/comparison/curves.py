"""Curves of several laws along one quantity: values at any place, and the place where a value is reached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.route import Route
from scalefit.fitting.problem import Array

Better = Literal["low", "high"]
#: How far past the data a value is looked for: what is not reached there is called never reached.
HORIZON = 1e6
#: The same on the other side.
BEFORE = 10.0
#: Places at which draws are evaluated; between them they are cubic in the log of the place.
NODES = 160
#: For the estimates so many times more.
FINER = 20


@dataclass(frozen=True, eq=False)
class Curve:
    """One family along one quantity, at its estimates and in every draw.

    Parameters
    ----------
    route : how the inputs of its law move.
    theta : (B, p) draws of its parameters.
    ends : the smallest and the largest place in the data of any family.
    """

    route: Route
    theta: Array
    ends: tuple[float, float]
    better: Better

    @cached_property
    def nodes(self) -> Array:
        """(G,) places at which draws are evaluated."""
        low, high = self.ends
        if low <= 0:
            return np.linspace(low, high + 2 * (high - low), NODES)
        return np.geomspace(low / BEFORE, high * HORIZON, NODES)

    @cached_property
    def scaled(self) -> Array:
        """(G,) the nodes on the scale on which they are evenly spaced."""
        return np.log(self.nodes) if self.ends[0] > 0 else self.nodes

    @cached_property
    def drawn(self) -> Array:
        """(B, G) values of all draws at the nodes."""
        return self.route.values(self.theta, self.nodes)

    def draws_at(self, places: Array) -> Array:
        """(B, m) values of all draws, by a cubic through the four nodes around each place."""
        x = np.log(places) if self.ends[0] > 0 else np.asarray(places, float)
        step = self.scaled[1] - self.scaled[0]
        first = np.clip(((x - self.scaled[0]) / step).astype(np.intp) - 1, 0, len(self.scaled) - 4)
        index = first[:, None] + np.arange(4)
        weights = _lagrange(self.scaled[index], x[:, None])
        return np.asarray(np.einsum("bmk,mk->bm", self.drawn[:, index], weights))

    def estimate_at(self, places: Array) -> Array:
        """(m,) values at the estimates."""
        return self.route.estimate(places)

    def draws_reach(self, goals: Array) -> Array:
        """(B, k) the first place at which each draw reaches each goal; infinite where it does not."""
        return np.exp(_first_places(self.drawn, self.scaled, goals, self.better))

    def estimate_reaches(self, goals: Array) -> Array:
        """(k,) the same at the estimates, on so many nodes that nothing is left between them."""
        if self.ends[0] <= 0:
            return np.full(len(goals), np.nan)
        nodes = np.geomspace(self.nodes[0], self.nodes[-1], FINER * NODES)
        values = self.route.values(self.route.fit.theta, nodes)
        return np.asarray(np.exp(_first_places(values, np.log(nodes), goals, self.better))[0])


def _lagrange(x: Array, at: Array) -> Array:
    """Weights (..., 4) of four values at x (..., 4) for the cubic through them at a place (..., 1)."""
    out = np.ones(np.broadcast_shapes(x.shape, at.shape))
    for i in range(4):
        for j in range(4):
            if i != j:
                out[..., i] *= (at[..., 0] - x[..., j]) / (x[..., i] - x[..., j])
    return out


def _first_places(values: Array, x: Array, goals: Array, better: Better) -> Array:
    """(B, k) scaled places: the bracket in which a goal is reached first, then the inverse cubic around it."""
    sign = 1.0 if better == "low" else -1.0
    y, goals = sign * values, sign * np.asarray(goals, float)
    best = np.fmin.accumulate(y, axis=1)
    out = np.full((len(y), len(goals)), np.inf)
    rows = np.arange(len(y))
    for k, goal in enumerate(goals):
        with np.errstate(all="ignore"):
            there = best <= goal
        first = there.argmax(axis=1)
        found = there[rows, first]
        place = _inverse(y, x, first, goal)
        out[found, k] = np.where(first == 0, x[0], place)[found]
    return out


def _inverse(y: Array, x: Array, first: NDArray[np.intp], goal: float) -> Array:
    """(B,) where each row of values reaches the goal, between the node before the first that does and that one."""
    rows = np.arange(len(y))
    after = np.maximum(first, 1)
    start = np.clip(after - 2, 0, len(x) - 4)
    index = start[:, None] + np.arange(4)
    around, places = y[rows[:, None], index], x[index]
    y0, y1 = y[rows, after - 1], y[rows, after]
    with np.errstate(all="ignore"):
        line = x[after - 1] + (goal - y0) / (y1 - y0) * (x[after] - x[after - 1])
        cubic = np.sum(_lagrange(around, np.full((len(y), 1), goal)) * places, axis=1)
        falls = (np.diff(around, axis=1) < 0).all(axis=1)
        good = falls & (cubic >= x[after - 1]) & (cubic <= x[after])
    place = np.where(good, cubic, line)
    return np.where(np.isfinite(place), place, x[after])
