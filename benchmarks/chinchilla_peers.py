"""How other tools fit the Chinchilla surface: each function fits once and returns (E, A, alpha, B, beta).

All move (log A, log B, log E, alpha, beta) and see log L as the log of a sum of three exponentials, as Hoffmann et al.
(2022) wrote their objective: the sum over runs of Huber(delta = 1e-3) of the residual of the log.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import lmfit
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize

Array = NDArray[np.float64]

DELTA = 1e-3
#: Hoffmann et al. 2022, unrounded constants of the paper's source: log A, log B, log E, alpha, beta.
HOFFMANN = np.array([6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083])
NAMES = ("a", "b", "e", "alpha", "beta")


@dataclass(frozen=True)
class Points:
    """Logs of parameters, tokens and loss, one row a run: (n,) each."""

    log_params: Array
    log_tokens: Array
    log_loss: Array

    def take(self, rows: NDArray[np.intp]) -> Points:
        """Some of the rows, with repeats."""
        return Points(self.log_params[rows], self.log_tokens[rows], self.log_loss[rows])


def score(theta: Array, points: Points, counts: Array | None = None) -> Array:
    """The one scorer of every row of the table: parameter vectors (B, 5) -> objectives (B,), row weights (B, n)."""
    E, A, alpha, B, beta = (theta[:, j, None] for j in range(5))
    fitted = E + A * np.exp(-alpha * points.log_params) + B * np.exp(-beta * points.log_tokens)
    loss = huber(np.log(fitted) - points.log_loss)
    return np.asarray(np.sum(loss if counts is None else counts * loss, axis=1))


def huber(r: Array) -> Array:
    """Half the square up to DELTA, linear beyond."""
    size = np.abs(r)
    return np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA))


def to_theta(x: Array) -> Array:
    """(log A, log B, log E, alpha, beta) -> (E, A, alpha, B, beta)."""
    with np.errstate(over="ignore"):
        return np.array([np.exp(x[2]), np.exp(x[0]), x[3], np.exp(x[1]), x[4]])


def from_theta(theta: Array) -> Array:
    """(E, A, alpha, B, beta) -> (log A, log B, log E, alpha, beta)."""
    return np.array([np.log(theta[1]), np.log(theta[3]), np.log(theta[0]), theta[2], theta[4]])


def _terms(x: Array, points: Points) -> tuple[Array, Array]:
    """Fitted log loss (n,), and the share of each term in the loss (3, n)."""
    logs = np.empty((3, len(points.log_loss)))
    np.subtract(x[0], x[3] * points.log_params, out=logs[0])
    np.subtract(x[1], x[4] * points.log_tokens, out=logs[1])
    logs[2] = x[2]
    top = logs.max(axis=0)
    shares = np.exp(logs - top)
    total = shares.sum(axis=0)
    return top + np.log(total), shares / total


def residual(x: Array, points: Points) -> Array:
    """Fitted minus seen log loss (n,)."""
    return _terms(x, points)[0] - points.log_loss


def jacobian(x: Array, points: Points) -> Array:
    """Derivatives of the residual: (n, 5)."""
    p, q, s = _terms(x, points)[1]
    return np.stack([p, q, s, -p * points.log_params, -q * points.log_tokens], axis=1)


def objective(x: Array, points: Points) -> float:
    """Sum of Huber of the residuals."""
    return float(huber(residual(x, points)).sum())


def objective_and_gradient(x: Array, points: Points) -> tuple[float, Array]:
    """The same with its exact gradient (5,)."""
    fitted, (p, q, s) = _terms(x, points)
    r = fitted - points.log_loss
    slope = np.clip(r, -DELTA, DELTA)
    by_p, by_q = p * slope, q * slope
    gradient = [by_p.sum(), by_q.sum(), s @ slope, -by_p @ points.log_params, -by_q @ points.log_tokens]
    return float(huber(r).sum()), np.array(gradient)


def published_grid() -> Array:
    """The 4,500 starts of Hoffmann et al. as replicated by Besiroglu et al. 2024: (4500, 5)."""
    powers, logs, floors = (0, 0.5, 1, 1.5, 2), range(0, 30, 5), (-1, -0.5, 0, 0.5, 1)
    return np.array(list(itertools.product(logs, logs, floors, powers, powers)), float)


def by_least_squares(points: Points, start: Array = HOFFMANN) -> Array:
    """SciPy's trust region with the exact Jacobian and its own Huber loss, default tolerances."""
    ended = least_squares(residual, start, jac=jacobian, loss="huber", f_scale=DELTA, args=(points,))
    return to_theta(ended.x)


def by_least_squares_from(points: Points, starts: Array) -> Array:
    """The best of SciPy's least_squares from many starts."""
    with np.errstate(all="ignore"):
        ends = np.array([by_least_squares(points, start) for start in starts])
        scores = score(ends, points)
    return ends[int(np.nanargmin(scores))]


def by_bfgs(points: Points, start: Array = HOFFMANN) -> Array:
    """SciPy's BFGS as it comes, with the exact gradient by hand."""
    with np.errstate(all="ignore"):
        return to_theta(minimize(objective_and_gradient, start, args=(points,), jac=True, method="BFGS").x)


def by_bfgs_with_autograd(points: Points, start: Array = HOFFMANN) -> Array:
    """The published refit word for word: BFGS from Hoffmann's parameters, the gradient taken by autograd."""
    loss, gradient = _autograd_objective()
    with np.errstate(all="ignore"):
        return to_theta(minimize(loss, start, args=(points,), jac=gradient, method="BFGS").x)


@cache
def _autograd_objective() -> tuple[Callable[[Array, Points], Any], Callable[[Array, Points], Array]]:
    import autograd
    import autograd.numpy as anp

    def loss(x: Array, points: Points) -> Any:
        powers = x[0] - x[3] * points.log_params, x[1] - x[4] * points.log_tokens, x[2]
        size = anp.abs(anp.log(sum(anp.exp(power) for power in powers)) - points.log_loss)
        return anp.sum(anp.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)))

    return loss, autograd.grad(loss)


def by_lbfgsb(points: Points, start: Array = HOFFMANN) -> Array:
    """SciPy's L-BFGS-B as it comes, exact gradient: its ftol is absolute for objectives below one."""
    return to_theta(minimize(objective_and_gradient, start, args=(points,), jac=True, method="L-BFGS-B").x)


def by_grid(points: Points, starts: Array) -> Array:
    """The published fit: L-BFGS-B with finite differences from every start, the best kept."""
    with np.errstate(all="ignore"):
        ends = [minimize(objective, start, args=(points,), method="L-BFGS-B") for start in starts]
    return to_theta(min(ends, key=lambda end: np.inf if np.isnan(end.fun) else end.fun).x)


def by_lmfit_leastsq(points: Points) -> Array:
    """lmfit as it comes: squares of the residuals, which is another objective."""
    return _of_lmfit(lmfit.minimize(_lmfit_residual, _lmfit_start(), args=(points,)))


def by_lmfit_huber(points: Points) -> Array:
    """lmfit's least_squares with SciPy's Huber loss, finite differences."""
    ended = lmfit.minimize(
        _lmfit_residual, _lmfit_start(), args=(points,), method="least_squares", loss="huber", f_scale=DELTA
    )
    return _of_lmfit(ended)


def _lmfit_start() -> lmfit.Parameters:
    params = lmfit.Parameters()
    for name, value in zip(NAMES, HOFFMANN, strict=True):
        params.add(name, value=value)
    return params


def _lmfit_residual(params: lmfit.Parameters, points: Points) -> Array:
    return residual(np.array([params[name].value for name in NAMES]), points)


def _of_lmfit(ended: lmfit.minimizer.MinimizerResult) -> Array:
    return to_theta(np.array([ended.params[name].value for name in NAMES]))
