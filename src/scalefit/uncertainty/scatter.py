"""Resamples that keep every row and redraw its value: residual, wild, parametric, and repeated runs among themselves.

Residuals are fitted minus seen on the scale of the objective. A draw puts another residual in the place of each; what
the fitter is given is the difference, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.fitting.solver import held_at_bounds
from scalefit.objectives import Objective
from scalefit.uncertainty.configurations import configurations_of
from scalefit.uncertainty.covariance import smoothed_curvature
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.noise_shapes import Shape, fit_shape
from scalefit.uncertainty.resampling import Counts, Plan, make_plan
from scalefit.uncertainty.units import Units, block_names, carry, rows_in_order

ScatterKind = Literal["seeds", "residual", "wild", "parametric"]
#: A row that fixes the curve at its own place leaves no residual to learn from: 1 - h is taken to be no less.
LEAST_OWN_SCATTER = 0.1


@dataclass(frozen=True, eq=False)
class Scatter:
    """Residuals (n,) as they are, and what a draw makes of them: ``centre + size * deviation`` of a row, all (n,)."""

    kind: ScatterKind
    residual: Array
    centre: Array
    deviation: Array
    size: Array
    shape: Shape | None = None

    def shifts(self, plan: Plan, places: NDArray[np.intp], draws: slice) -> Array:
        """What is added to the residuals (draws, n) of some draws; ``places`` (n,) is the plan's column of each row."""
        drawn = plan.counts[draws][:, places]
        if self.kind == "wild":
            moved = np.where(drawn > 0, self.deviation, -self.deviation)
        elif self.kind == "parametric":
            assert self.shape is not None
            moved = self.shape.quantile(drawn.astype(float))
        else:
            row_of = np.full(len(plan.names), -1)
            row_of[places] = np.arange(len(places))
            rows = row_of[drawn.astype(np.intp)]
            if (rows < 0).any():
                raise FitError(
                    "The plan takes residuals from rows that this fit does not hold: draw a plan of its own."
                )
            moved = self.deviation[rows]
        return np.asarray(self.centre - self.residual + self.size * moved)


def scatter_of(fit: Fitted, kind: ScatterKind, units: Units) -> Scatter:
    """What the values of a fit are redrawn from."""
    r = fit.problem.residual(fit.theta)[0]
    # A row of weight w stands for w rows, whose mean scatters less by its root.
    size = np.where(fit.weights > 0, 1 / np.sqrt(np.where(fit.weights > 0, fit.weights, 1.0)), 0.0)
    nowhere, alone = np.zeros(len(r)), units.kind == "rows"
    if kind == "seeds":
        made = configurations_of(fit, units)
        return Scatter(kind, r, made.kept_centre(r, fit.coordinates.q), made.deviations(r), size)
    if kind == "wild":
        return Scatter(kind, r, nowhere, widened(fit, 1.0) if alone else r * widening(fit, units), size)
    grown = widened(fit, 0.5) if alone else r * widening(fit, units)
    if kind == "residual":
        return Scatter(kind, r, nowhere, grown - location(fit.problem.objective, grown, fit.weights), size)
    return Scatter(kind, r, nowhere, nowhere, size, fit_shape(grown, fit.weights))


def draw_scatter_plan(fit: Fitted, kind: ScatterKind, units: Units, draws: int, rng: np.random.Generator) -> Plan:
    """What each row receives in each of the draws, drawn before any work."""
    n, names = fit.problem.n, row_level_names(fit, units)
    numbers: Counts
    if kind == "wild":
        pieces = units.pieces
        signs = rng.integers(0, 2, size=(draws, int(pieces.max()) + 1)).astype(np.uint16)
        numbers = signs[:, pieces]
    elif kind == "parametric":
        numbers = rng.uniform(size=(draws, n))
    else:
        if kind == "seeds":
            made = configurations_of(fit, units)
            made.warn_if_few()
            rows = made.draw(draws, rng)
        elif units.kind == "rows":
            rows = rng.choice(n, size=(draws, n), p=fit.weights / fit.weights.sum())
        else:
            rows = _runs_of_residuals(units, draws, rng) if units.kind == "runs" else _blocks(units, draws, rng)
        numbers = rows.astype(np.uint32) if n > 65_535 else rows.astype(np.uint16)
    return make_plan(names, numbers, fit.provenance["data_hash"], kind)


def row_level_names(fit: Fitted, units: Units) -> tuple[str, ...]:
    """One name a row: its own, or its run's with its place along it."""
    if fit.units.kind != "runs":
        return fit.unit_names
    runs = [fit.unit_names[label] for label in units.labels]
    return block_names(runs, Units("blocks", units.labels, 1, units.order))


def widening(fit: Fitted, units: Units) -> float:
    """How much wider the scatter of runs is than that of residuals to which q parameters were fitted."""
    rows = float(fit.weights.sum())
    q = fit.coordinates.q
    if fit.problem.prior is not None:
        q -= int((fit.problem.prior.precision > 0).sum())
    grown = rows / max(rows - q, 1.0)
    if units.kind == "runs":  # the usual factor for clusters
        grown = (rows - 1) / max(rows - q, 1.0) * units.count / max(units.count - 1, 1)
    return float(np.sqrt(max(grown, 1.0)))


def widened(fit: Fitted, power: float) -> Array:
    """Residuals (n,) of independent rows, grown by what the fit took from each: a row far out pulls the curve.

    With a square loss a residual is divided by ``(1 - h)**power``, h being its leverage. A loss with slope s and mean
    curvature b moves the curve by ``s / b`` where the square moves it by the residual, so that takes its place: of a
    fit that is nearly a median q rows have next to no residual, and yet they scatter.

    Parameters
    ----------
    power : 0.5 makes variances right on average (Davison & Hinkley 1997, section 6.2); 1 gives residuals of each row
        from a fit without it, for signs that keep each row's own (MacKinnon & White 1985; Feng, He & Hu 2011).
    """
    theta, T = fit.coordinates.to_params(fit.u[None])
    r, J = fit.problem.residual_and_jacobian(theta)
    J, r = T[0].T @ J[0], r[0]
    slope = fit.problem.objective.parts(r)[1]
    gradient = J @ (fit.weights * slope)
    free = ~held_at_bounds(fit.u[None], gradient[None], fit.coordinates)[0] & (np.abs(J).max(axis=1) > 0)
    if not free.any():
        return np.asarray(r)
    rooted = (J[free] * np.sqrt(fit.weights)).T
    rooted = rooted / np.sqrt(np.sum(rooted**2, axis=0))
    leverage = np.sum(np.linalg.svd(rooted, full_matrices=False)[0] ** 2, axis=1)
    bend = float(np.average(smoothed_curvature(fit.problem, r, fit.weights), weights=fit.weights))
    grown = np.maximum(1 - leverage, LEAST_OWN_SCATTER) ** -power - 1
    return np.asarray(r + slope / max(bend, 1e-300) * grown)


def location(objective: Objective, r: Array, weights: Array) -> float:
    """The middle of residuals that the objective asks for: their mean for a square loss, nearly the median for Huber's.

    Found by halving where the slopes change sign: residuals centred elsewhere would move every refit.
    """
    low, high = float(r.min()), float(r.max())
    for _ in range(80):
        middle = 0.5 * (low + high)
        if float(weights @ objective.parts(r - middle)[1]) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _runs_of_residuals(units: Units, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """For each row the row of another run at the same share of its way: residuals move as whole runs."""
    sources = rng.integers(0, units.count, size=(draws, units.count))
    return carry(units, sources)


def _blocks(units: Units, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Residuals in moving blocks along each run, from any run; a block past its end goes on at its beginning."""
    rows_of = rows_in_order(units)
    out = np.empty((draws, len(units.labels)), np.intp)
    length = np.bincount(units.labels)
    padded = np.zeros((len(rows_of), int(length.max())), np.intp)
    for label, rows in enumerate(rows_of):
        padded[label, : len(rows)] = rows
    for rows in rows_of:
        blocks = -(-len(rows) // units.block)
        run = rng.choice(len(rows_of), size=(draws, blocks), p=length / length.sum())
        first = (rng.random((draws, blocks)) * length[run]).astype(np.intp)
        place = (first[:, :, None] + np.arange(units.block)) % length[run][:, :, None]
        out[:, rows] = padded[run[:, :, None], place].reshape(draws, -1)[:, : len(rows)]
    return out
