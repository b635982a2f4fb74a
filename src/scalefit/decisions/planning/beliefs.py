"""What is believed of a law after some runs: draws of its parameters, however few the runs are.

Each draw is the best fit to outcomes that were shaken by their noise, under a prior that was drawn too (randomised
maximum likelihood: Oliver et al. 1996; Bardsley et al. 2014). For a law that is linear these are draws of the
posterior; with no runs they are draws of the prior, and with many those of a parametric bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalefit.decisions.planning.prior import Prior
from scalefit.fitting.problem import Array, Inputs

#: The scatter of runs about a law before it is seen, on the log scale, and how many runs that guess is worth.
USUAL_NOISE, WORTH = 0.01, 4.0
#: What a law misses: smooth over this distance in the logs of its inputs, a factor of ten, and as large as the scatter.
SMOOTH, MISS = float(np.log(10.0)), 1.0
#: Families of one lab are alike: the correlation of their parameters before any run.
ALIKE = 0.8
#: Outcomes far off count less, as if scatter were Student's with so many degrees of freedom.
TAILS = 4.0
#: Steps of Levenberg and Marquardt: of the best fit from several starts, and of each draw from there.
FIT_STEPS, DRAW_STEPS, STARTS, ROUNDS = 25, 12, 8, 3
_STEP = 1e-5
#: A fall of the objective (minus twice a log likelihood) by less than this ends the way down.
SETTLED = 1e-2


@dataclass(frozen=True, eq=False)
class Places:
    """Rows at which a law is looked at: its inputs, (n,) each, and which family each row is of, (n,)."""

    inputs: Inputs
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.group)

    def rows(self, keep: np.ndarray | slice) -> Places:
        """Some of the rows."""
        return Places(tuple(x[keep] for x in self.inputs), self.group[keep])


@dataclass(frozen=True, eq=False)
class Luck:
    """The random numbers of all laws, drawn before any work: of the prior, of what laws miss, of noise, of its size."""

    prior: Array  # (draws, groups, most parameters)
    miss: Array  # (draws, places)
    noise: Array  # (draws, rows)
    size: Array  # (draws,) uniform


@dataclass(frozen=True, eq=False)
class Belief:
    """Draws of one law.

    Attributes
    ----------
    prior : Prior
    z : (draws, groups, q) standard normal numbers that the parameters follow from.
    values : (draws, places) log of the law with what it misses, at every place asked for.
    noise : standard deviation of one run about that, on the log scale.
    evidence : log of how well the law did, less what its freedom was worth.
    best : (groups, q) the numbers of the best fit.
    """

    prior: Prior
    z: Array
    values: Array
    noise: float
    evidence: float
    best: Array


@dataclass(frozen=True, eq=False)
class _Task:
    """A least-squares problem for many draws at once: whitened by ``white``, pulled by ``pull`` to where each began."""

    prior: Prior
    places: Places
    white: Array  # (n, n)
    pull: Array  # (groups, groups)

    def values(self, z: Array) -> Array:
        """(B, n) for (B, groups, q)."""
        return values_at(self.prior, z, self.places)

    def jacobian(self, z: Array, at: Array) -> Array:
        """(B, n, groups * q), by small steps; each row depends on its own family alone."""
        B, G, q = z.shape
        n = len(self.places)
        moved = z + _STEP * np.eye(q)[:, None, None, :]  # (q, B, groups, q): the k-th number of every family
        slopes = (self.values(moved.reshape(q * B, G, q)).reshape(q, B, n) - at) / _STEP
        out = np.zeros((B, n, G, q))
        for g in range(G):
            rows = np.flatnonzero(self.places.group == g)
            out[:, rows, g] = np.moveaxis(slopes[:, :, rows], 0, -1)
        return out.reshape(B, n, G * q)


def values_at(prior: Prior, z: Array, places: Places) -> Array:
    """(B, n): the log of the law, each family with its own parameters."""
    out = np.empty((len(z), len(places)))
    for g in range(z.shape[1]):
        rows = places.group == g
        if rows.any():
            out[:, rows] = prior.values(z[:, g], places.rows(rows).inputs, g)
    return out


def make_luck(draws: int, groups: int, most: int, places: int, rows: int, rng: np.random.Generator) -> Luck:
    """All that is random, for every law alike; that of the last places comes last, so that more change no other."""
    prior, noise = rng.standard_normal((draws, groups, most)), rng.standard_normal((draws, rows))
    size = rng.random(draws)
    return Luck(prior, rng.standard_normal((places, draws)).T, noise, size)


def believe(prior: Prior, places: Places, y: Array, luck: Luck, noise: float | None) -> Belief:
    """Draws of a law given the outcomes ``y`` (log) of the first rows of ``places``."""
    n, G, q = len(y), luck.prior.shape[1], prior.size
    alike = np.full((G, G), ALIKE) + (1 - ALIKE) * np.eye(G)
    z0 = np.einsum("gh,bhq->bgq", np.linalg.cholesky(alike), luck.prior[:, :, :q])
    smooth = MISS**2 * kernel(places, n)
    missed = luck.miss @ np.linalg.cholesky(smooth + 1e-8 * np.eye(len(places))).T
    if not n:
        size = (USUAL_NOISE if noise is None else noise) * _spread_of_size(luck.size, 0.0, noise)
        return Belief(prior, z0, values_at(prior, z0, places) + size[:, None] * missed, float(np.mean(size)), 0.0,
                      np.zeros((G, q)))  # fmt: skip
    rows, pull = places.rows(slice(0, n)), np.asarray(np.linalg.inv(alike), float)
    best, tails, scale, spare, evidence = _best(prior, rows, y, smooth[:n, :n], pull, z0, noise)
    size = scale * _spread_of_size(luck.size, spare, noise)
    covariance = smooth[:n, :n] + np.diag(tails)
    task = _Task(prior, rows, _whitener(covariance), pull)
    shaken = missed[:, :n] + np.sqrt(tails) * luck.noise
    start = np.broadcast_to(best, z0.shape).copy()
    z, _ = descend(task, start, z0, y - size[:, None] * shaken, size, DRAW_STEPS)
    values = values_at(prior, z, places)
    left = (y - values[:, :n]) / size[:, None] - shaken
    correction = missed + left @ np.linalg.solve(covariance, smooth[:n])
    return Belief(prior, z, values + size[:, None] * correction, scale, evidence, best[0])


def kernel(places: Places, known: int = 0) -> Array:
    """(n, n): how alike what a law misses is at two places of one family; the first ``known`` are runs."""
    away = np.zeros((len(places), len(places)))
    for x in places.inputs:
        if np.all(x > 0):
            u = np.log(x) / SMOOTH
        else:
            seen = x[:known] if known and np.ptp(x[:known]) > 0 else x
            u = (x - x.mean()) / max(float(np.ptp(seen)), 1e-300)
        away += (u[:, None] - u) ** 2
    return np.asarray(np.exp(-0.5 * away) * (places.group[:, None] == places.group))


def _whitener(covariance: Array) -> Array:
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)), float)


def _spread_of_size(uniform: Array, spare: float, noise: float | None) -> Array:
    """(draws,): the size of the scatter over its estimate, which few runs leave open."""
    if noise is not None:
        return np.ones(len(uniform))
    from scipy.special import gammaincinv

    freedom = WORTH + spare
    chi_squared = 2 * gammaincinv(freedom / 2, 0.02 + 0.96 * uniform)
    return np.asarray(np.sqrt(freedom / chi_squared))


def _best(
    prior: Prior, rows: Places, y: Array, smooth: Array, pull: Array, z0: Array, noise: float | None
) -> tuple[Array, Array, float, float, float]:
    """The best fit (1, groups, q), how much each row's variance is raised, the scatter, its freedom, the evidence."""
    z = np.concatenate([np.zeros_like(z0[:1]), z0[:STARTS]])
    tails, scale = np.ones(len(y)), USUAL_NOISE if noise is None else noise
    for turn in range(ROUNDS):
        covariance = smooth + np.diag(tails)
        task = _Task(prior, rows, _whitener(covariance), pull)
        z, cost = descend(task, z, np.zeros_like(z), np.broadcast_to(y, (len(z), len(y))), np.full(len(z), scale),
                          FIT_STEPS)  # fmt: skip
        z = z[[int(np.argmin(cost))]]
        at = task.values(z)
        r = y - at[0]
        J = task.white @ task.jacobian(z, at)[0] / scale
        bent = J.T @ J
        H = bent + np.kron(pull, np.eye(prior.size))
        spare = max(len(y) - float(np.trace(np.linalg.solve(H, bent))), 0.0)
        square = float(np.sum((task.white @ r) ** 2))
        if noise is None:
            scale = float(np.sqrt((WORTH * USUAL_NOISE**2 + square) / (WORTH + spare)))
        if turn < ROUNDS - 1:
            alone = np.linalg.solve(covariance, r) * tails  # what noise of its own leaves of each residual
            tails = (TAILS + (alone / scale) ** 2) / (TAILS + 1)
    freedom = 0.5 * (np.linalg.slogdet(H)[1] - prior.size * np.linalg.slogdet(pull)[1])
    held = float(np.einsum("gq,gh,hq->", z[0], pull, z[0]))
    if noise is None:
        fitted = -0.5 * (WORTH + len(y)) * np.log(WORTH * USUAL_NOISE**2 + square)
    else:
        fitted = -0.5 * square / noise**2
    evidence = fitted - 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * held - freedom
    return z, tails, scale, spare, float(evidence)


def descend(task: _Task, z: Array, z0: Array, y: Array, size: Array, steps: int) -> tuple[Array, Array]:
    """Levenberg-Marquardt for B draws at once: from z (B, groups, q), each pulled to its z0; (z, objective (B,))."""
    B, G, q = z.shape
    pull = np.kron(task.pull, np.eye(q))
    damping = np.full(B, 1e-2)
    at = task.values(z)

    def parts(z: Array, at: Array, of: np.ndarray) -> tuple[Array, Array, Array]:
        r = (at - y[of]) @ task.white.T / size[of, None]
        away = (z - z0[of]).reshape(len(z), -1)
        return r, away, np.sum(r**2, axis=1) + np.einsum("bi,ij,bj->b", away, pull, away)

    every = np.arange(B)
    r, away, cost = parts(z, at, every)
    live = every
    for _ in range(steps):
        J = task.white @ task.jacobian(z[live], at[live]) / size[live, None, None]
        H = np.swapaxes(J, 1, 2) @ J + pull
        slope = (np.swapaxes(J, 1, 2) @ r[live, :, None])[..., 0] + away[live] @ pull
        diagonal = np.einsum("bii->bi", H)
        H = H + (damping[live, None] * diagonal)[:, :, None] * np.eye(G * q)
        step = -np.linalg.solve(H, slope[..., None])[..., 0]
        step = np.clip(step, -2.0, 2.0)
        tried = z[live] + step.reshape(-1, G, q)
        there = task.values(tried)
        r_new, away_new, cost_new = parts(tried, there, live)
        better = cost_new < cost[live]
        won = live[better]
        gained = (cost[live] - cost_new)[better]
        z[won], at[won], r[won], away[won], cost[won] = (
            tried[better], there[better], r_new[better], away_new[better], cost_new[better])  # fmt: skip
        damping[live] = np.where(better, damping[live] * 0.2, damping[live] * 8)
        done = np.zeros(B, bool)
        done[won[gained < SETTLED]] = True
        done |= damping > 1e6
        live = live[~done[live]]
        if not len(live):
            break
    return z, cost
