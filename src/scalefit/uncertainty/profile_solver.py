"""Fits that are pulled towards values of a quantity: points of its profile, many at once.

The minimum of ``objective + stiffness (h - target)^2 / 2`` is the lowest point of the objective among all parameters
with the same h: whatever the pull, it ends on the profile, with the slope ``stiffness (target - h)``. So a soft pull
that the solver follows easily gives exact points, and nothing has to be held at an exact value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Normal, Prior, Problem
from scalefit.fitting.solver import solve
from scalefit.uncertainty.profile_quantities import Quantity

#: The model's expected decrease at which a pulled fit stops, relative.
TOLERANCE = 1e-10
FIRST_DAMPING = 1e-3
#: Pulled fits start near their ends; one that needs more steps is being sent where the quantity has no value.
MOST_STEPS = 80


@dataclass(frozen=True, eq=False)
class Pulls:
    """K pulls: the quantity of each, where to, and how stiffly; (K,) each."""

    quantity: NDArray[np.intp]
    target: Array
    stiffness: Array

    def take(self, rows: NDArray[np.intp]) -> Pulls:
        """Some of the pulls."""
        return Pulls(self.quantity[rows], self.target[rows], self.stiffness[rows])


@dataclass(frozen=True, eq=False)
class Points:
    """Points of profiles, (K,) each: quantity, height h, objective there, its slope by h, coordinates (K, q)."""

    quantity: NDArray[np.intp]
    height: Array
    objective: Array
    slope: Array
    u: Array
    converged: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Pulled(Problem):
    """A problem with a pull of its own for each of the fits that are under way."""

    quantities: tuple[Quantity, ...] = ()
    pulls: Pulls = field(default_factory=lambda: Pulls(np.zeros(0, np.intp), np.zeros(0), np.zeros(0)))

    def normal(self, theta: Array, weights: Array, centre: Array | None = None, shift: Array | None = None) -> Normal:
        """The normal equations, with each fit's pull; the first column of ``centre`` is the number of that pull."""
        sums = super().normal(theta, weights, None, shift)
        assert centre is not None
        pulls = self.pulls.take(centre[:, 0].astype(np.intp))
        height, slope = heights(self.quantities, pulls.quantity, theta)
        away = height - pulls.target
        force = (pulls.stiffness * away)[:, None] * slope
        bend = pulls.stiffness[:, None, None] * slope[:, :, None] * slope[:, None, :]
        return Normal(
            sums.objective + 0.5 * pulls.stiffness * away**2,
            sums.gradient + force,
            sums.curvature + bend,
            sums.metric + bend,
        )


def heights(quantities: Sequence[Quantity], which: NDArray[np.intp], theta: Array) -> tuple[Array, Array]:
    """Heights (B,) and slopes (B, p) of the quantity that each of B parameter vectors is asked for."""
    height, slope = np.empty(len(theta)), np.empty_like(theta)
    for k in np.unique(which):
        rows = which == k
        height[rows], slope[rows] = quantities[k].height_and_slope(theta[rows])
    return height, slope


def pulled_fits(
    problem: Problem,
    coordinates: Coordinates,
    weights: Array,
    quantities: tuple[Quantity, ...],
    pulls: Pulls,
    starts: Array,
) -> Points:
    """Follow K starts (K, q), each under its own pull, with row weights (n,)."""
    p = len(coordinates.base)
    prior = problem.prior or Prior(np.zeros(p), np.zeros(p), 1.0)  # the solver hands centres on where there is one
    pulled = _Pulled(
        problem.equation, problem.inputs, problem.target, problem.objective, prior, quantities=quantities, pulls=pulls
    )
    numbers = np.zeros((len(starts), p))
    numbers[:, 0] = np.arange(len(starts))
    ends = solve(
        pulled,
        coordinates,
        starts,
        weights[None],
        damping=FIRST_DAMPING,
        tolerance=TOLERANCE,
        most_steps=MOST_STEPS,
        centres=numbers,
    )
    height, _ = heights(quantities, pulls.quantity, ends.theta)
    away = pulls.target - height
    objective = ends.objective - 0.5 * pulls.stiffness * away**2
    return Points(pulls.quantity, height, objective, pulls.stiffness * away, ends.u, ends.converged)
