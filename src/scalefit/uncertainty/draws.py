"""Draws of parameters: from the covariance, of priors, and what is said where refits fail."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, FitWarning
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.uncertainty.resampling import Plan

NORMAL_DRAWS = 1000
#: Share of failed resamples above which a warning is given.
MOST_FAILED = 0.02


def normal_draws(coordinates: Coordinates, u: Array, covariance: Array, seed: int, count: int = NORMAL_DRAWS) -> Array:
    """Parameters (draws, p) from a normal distribution of the coordinates, cut off at their bounds; NaN if it is."""
    if not np.isfinite(covariance).all():
        return np.full((count, len(coordinates.base)), np.nan)
    size = np.sqrt(np.maximum(np.diag(covariance), 0))
    scaled = covariance / np.outer(np.where(size > 0, size, 1), np.where(size > 0, size, 1))
    values, vectors = np.linalg.eigh(scaled)
    z = np.random.default_rng(seed).standard_normal((count, len(u)))
    moved = u + (z * np.sqrt(np.maximum(values, 0))) @ vectors.T * size
    with np.errstate(all="ignore"):
        return coordinates.params_of(np.clip(moved, coordinates.lower, coordinates.upper))


def check_spare(problem: Problem, coordinates: Coordinates, weights: Array, law: str) -> None:
    """Refuse to resample where a curve goes through every point: all draws would be alike."""
    rows = int((weights > 0).sum())
    if problem.prior is None and rows <= coordinates.q:
        raise FitError(
            f"{law} has {coordinates.q} free parameters and {rows} rows: it goes through every one, so resampling says "
            f"nothing of the scatter. Add runs, fix or tie parameters, or give a prior."
        )


def prior_centres(problem: Problem, plan: Plan) -> Array | None:
    """Centres (draws, p) of the prior, drawn from the prior itself: it is as uncertain as its width says."""
    prior = problem.prior
    if prior is None:
        return None
    held = prior.precision > 0
    deviation = np.where(held, np.sqrt(prior.dispersion / np.where(held, prior.precision, 1.0)), 0.0)
    centres = np.tile(prior.centre, (plan.draws, 1))
    for j in np.flatnonzero(held):
        # One prior gives one sequence in every fit on a plan; another prior an independent one.
        text = f"{plan.token}|{prior.centre[j]!r}|{deviation[j]:.12g}".encode()
        centres[:, j] += deviation[j] * np.random.default_rng(list(text)).standard_normal(plan.draws)
    return centres


def warn_of_failures(failed: int, draws: int, law: str) -> None:
    """Warn where more resamples failed than can be left out without a word."""
    if failed == draws:
        raise FitError(f"{law}: none of the {draws} resamples reached a minimum, so there are no intervals.")
    if failed > MOST_FAILED * draws:
        warnings.warn(
            f"{law}: {failed} of {draws} resamples reached no minimum and were left out; intervals may be too narrow.",
            FitWarning,
            stacklevel=3,
        )


def permutation_for(token_a: str, token_b: str, count: int) -> NDArray[np.intp]:
    """A permutation made of two tokens: the same for the same pair, independent of either fit's own draws."""
    text = f"{token_a}|{token_b}".encode()
    return np.random.default_rng(list(text)).permutation(count)
