"""Standard errors of every refit, by which a bootstrap-t divides each draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.solver import held_at_bounds
from scalefit.objectives import Square
from scalefit.uncertainty.covariance import bandwidth
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.resamples import Resamples, resamples_behind
from scalefit.uncertainty.units import Units

#: Derivatives held at once, in numbers.
HELD = 4_000_000
#: A direction of the scaled normal matrix below this is rounding.
SINGULAR = 1e-15


def pivots(fit: Fitted) -> tuple[Array, Array]:
    """Standard errors of the estimates (p,) and of each of the draws (draws, p).

    Raises
    ------
    FitError
        If the draws come from subsamples, which were rescaled.
    """
    if fit.drawn == "subsample":
        raise FitError(
            "kind='studentized' asks how far each refit lies in standard errors of its own, and draws of subsamples "
            "were rescaled: use kind='percentile', or bootstrap with kind='pairs'."
        )
    resamples = resamples_behind(fit)
    assert fit.draws is not None
    whole = standard_errors(fit, resamples.units, fit.theta)[0]
    return whole, standard_errors(fit, resamples.units, fit.draws_theta, resamples, fit.draws.index.to_numpy(int))


def standard_errors(
    fit: Fitted, units: Units, theta: Array, resamples: Resamples | None = None, kept: NDArray[np.intp] | None = None
) -> Array:
    """Standard errors (B, p) of the parameters (B, p) of B refits, each from its own weights and residuals.

    Parameters
    ----------
    units : what is independent of what.
    resamples, kept : of which the refits come, and their places (B,) in the plan; None for the data as they are.
    """
    u = fit.coordinates.from_params(theta)
    out = np.empty_like(theta)
    step = max(1, HELD // (fit.problem.n * theta.shape[1]))
    for a in range(0, len(u), step):
        some = slice(a, a + step)
        at, T = fit.coordinates.to_params(u[some])
        r, J = fit.problem.residual_and_jacobian(at)
        weights = np.broadcast_to(fit.weights, r.shape)
        if resamples is not None and kept is not None:
            weights, r = _of_draws(resamples, r, kept[some])
        C = refit_covariances(fit, units, u[some], weights, r, np.matmul(T.swapaxes(1, 2), J))
        with np.errstate(all="ignore"):
            out[some] = np.sqrt(np.maximum(np.einsum("bpq,bqr,bpr->bp", T, C, T), 0))
            out[some][np.isnan(C).any(axis=(1, 2))] = np.nan
    return out


def refit_covariances(fit: Fitted, units: Units, u: Array, weights: Array, r: Array, J: Array) -> Array:
    """Covariances (B, q, q) of the coordinates at B refits, as that of a fit: see ``coordinate_covariance``.

    Parameters
    ----------
    u : (B, q) where they ended.
    weights, r : (B, n) row weights and residuals of each.
    J : (B, q, n) derivatives of the residuals by the coordinates.
    """
    problem = fit.problem
    counts = np.divide(weights, fit.weights, out=np.zeros_like(r), where=fit.weights > 0)
    slope = problem.objective.parts(r)[1]
    gradient = np.matmul(J, (weights * slope)[..., None])[..., 0]
    pull = np.zeros((len(u), u.shape[1], u.shape[1]))
    if problem.prior is not None:
        theta, T = fit.coordinates.to_params(u)
        steep = problem.prior.slope(theta)
        pull = np.matmul(T.swapaxes(1, 2) * (problem.prior.precision * steep**2)[:, None], T)
        away = problem.prior.precision * problem.prior.away(theta) * steep
        gradient = gradient + np.matmul(T.swapaxes(1, 2), away[..., None])[..., 0]
    still = held_at_bounds(u, gradient, fit.coordinates)
    J = np.where(still[:, :, None], 0.0, J)
    total = weights.sum(axis=1)
    spare = total - np.sum(~still & ((np.abs(J).max(axis=2) > 0) | (pull.diagonal(axis1=1, axis2=2) > 0)), axis=1)
    spare = spare + (0 if problem.prior is None else int((problem.prior.precision > 0).sum()))
    spare = np.where(spare > 0, spare, np.nan)
    classical = isinstance(problem.objective, Square) and units.kind == "rows"
    bend = np.ones_like(r) if classical else _curvatures(problem, r, weights)
    bread = _inverses(np.matmul(J * (weights * bend)[:, None], J.swapaxes(1, 2)) + pull)
    if classical:
        return np.asarray(bread * (np.vecdot(weights, r * r) / spare)[:, None, None])
    # A unit that stands there c times is c independent units.
    rooted = np.sqrt(weights) if units.kind == "rows" else np.sqrt(counts) * fit.weights
    scores = J * (rooted * slope)[:, None]
    if units.kind != "rows":
        order = np.argsort(units.pieces, kind="stable")
        starts = np.unique(units.pieces[order], return_index=True)[1]
        scores = np.add.reduceat(scores[:, :, order], starts, axis=2)
    number = total if units.kind == "rows" else np.full(len(u), scores.shape[2])
    factor = total / spare * number / np.maximum(number - 1, 1)
    middle = np.matmul(scores, scores.swapaxes(1, 2)) * factor[:, None, None]
    if problem.prior is not None:
        middle = middle + problem.prior.dispersion * pull
    return np.asarray(np.matmul(np.matmul(bread, middle), bread))


def _of_draws(resamples: Resamples, r: Array, kept: NDArray[np.intp]) -> tuple[Array, Array]:
    """Weights and residuals (B, n) as they were in some draws."""
    first, last = int(kept[0]), int(kept[-1]) + 1
    weights = np.asarray(resamples.row_weights(slice(first, last)))[kept - first]
    return weights, r if resamples.scatter is None else r + resamples.shifts(slice(first, last))[kept - first]


def _curvatures(problem: Problem, r: Array, weights: Array) -> Array:
    """Curvature (B, n) of each row's loss over a window of the width of the scatter of its draw."""
    width = np.array([max(bandwidth(*pair), 1e-300) for pair in zip(r, weights, strict=True)])[:, None]
    parts = problem.objective.parts
    return np.asarray(np.maximum((parts(r + width)[1] - parts(r - width)[1]) / (2 * width), 0.0))


def _inverses(H: Array) -> Array:
    """Inverses (B, q, q); zero where a coordinate does not move, NaN where a matrix has none."""
    size = np.sqrt(np.maximum(H.diagonal(axis1=1, axis2=2), 0))
    still = size == 0
    size = np.where(still, 1.0, size)
    scaled = H / size[:, :, None] / size[:, None, :]
    q = np.arange(H.shape[1])
    scaled[:, q, q] = 1.0
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    values, vectors = np.linalg.eigh(scaled)
    values = np.where(values > SINGULAR * values[:, -1:], values, np.nan)
    inverse = np.matmul(vectors / values[:, None], vectors.swapaxes(1, 2))
    moving = ~still
    inverse = np.where(moving[:, :, None] & moving[:, None, :], inverse, 0.0)
    return np.asarray(inverse / size[:, :, None] / size[:, None, :])
