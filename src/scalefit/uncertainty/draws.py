"""Draws of parameters and what is made of them: plans, refits, bands."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, FitWarning, not_one_of
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Inputs, Problem, rescale, restore
from scalefit.uncertainty.bootstrap import Refits, refit
from scalefit.uncertainty.intervals import bca_interval
from scalefit.uncertainty.resampling import Plan, draw_plan
from scalefit.uncertainty.units import Units

NORMAL_DRAWS = 1000
#: Share of failed resamples above which a warning is given.
MOST_FAILED = 0.02
#: Groups left out one by one for the acceleration of BCa intervals.
JACKKNIFE_GROUPS = 500


def normal_draws(coordinates: Coordinates, u: Array, covariance: Array, seed: int) -> Array:
    """Parameters (draws, p) from a normal distribution of the coordinates, cut off at their bounds; NaN if it is."""
    if not np.isfinite(covariance).all():
        return np.full((NORMAL_DRAWS, len(coordinates.base)), np.nan)
    size = np.sqrt(np.maximum(np.diag(covariance), 0))
    scaled = covariance / np.outer(np.where(size > 0, size, 1), np.where(size > 0, size, 1))
    values, vectors = np.linalg.eigh(scaled)
    z = np.random.default_rng(seed).standard_normal((NORMAL_DRAWS, len(u)))
    moved = u + (z * np.sqrt(np.maximum(values, 0))) @ vectors.T * size
    with np.errstate(all="ignore"):
        return coordinates.to_params(np.clip(moved, coordinates.lower, coordinates.upper))[0]


def units_for(
    units: Units, names: tuple[str, ...], kind: str | None, rows: tuple[str, ...]
) -> tuple[Units, tuple[str, ...]]:
    """The units that ``kind`` asks for, with their names; None leaves them as chosen. ``rows`` names the rows."""
    if kind is None:
        return units, names
    if kind not in ("pairs", "runs", "blocks"):
        raise FitError(not_one_of("kind", kind, ("pairs", "runs", "blocks")))
    if kind == "pairs":
        return (units, names) if units.kind == "rows" else (Units("rows", np.arange(len(rows))), rows)
    if units.kind == "rows":
        raise FitError(f"kind={kind!r} needs a column 'run' whose names repeat; each row is a run of its own here.")
    runs = tuple(dict.fromkeys(name.split("\x1f")[0] for name in names))
    if kind == "runs":
        return Units("runs", units.labels), runs
    if units.kind != "blocks":
        raise FitError("kind='blocks' is for fewer than six runs; with six or more, whole runs are drawn.")
    return units, names


def check_spare(problem: Problem, coordinates: Coordinates, weights: Array, law: str) -> None:
    """Refuse to resample where a curve goes through every point: all draws would be alike."""
    rows = int((weights > 0).sum())
    if problem.prior is None and rows <= coordinates.q:
        raise FitError(
            f"{law} has {coordinates.q} free parameters and {rows} rows: it goes through every one, so resampling says "
            f"nothing of the scatter. Add runs, fix or tie parameters, or give a prior."
        )


def new_plan(
    units: Units, names: Sequence[str], n: int, rng: np.random.Generator, data_hash: str, weights: Array
) -> Plan:
    """A plan of n draws; warns where blocks stand in for runs."""
    if isinstance(n, bool) or int(n) != n or n < 2:
        raise FitError(f"bootstrap needs a whole number of resamples, at least 2; got {n!r}.")
    if units.kind == "blocks":
        warnings.warn(
            f"Only {int(units.labels.max()) + 1} run(s): blocks of {units.block} rows along each are resampled, so the "
            "scatter from run to run is not in the intervals.",
            FitWarning,
            stacklevel=3,
        )
    return draw_plan(units, names, int(n), rng, data_hash, weights)


def refit_plan(
    problem: Problem,
    coordinates: Coordinates,
    candidates: Array,
    weights: Array,
    units: Units,
    names: Sequence[str],
    plan: Plan,
    *,
    progress: bool = False,
) -> Refits:
    """Refit every resample of a plan."""
    places = plan.places_of(names)
    places = places if units.kind == "blocks" else places[units.labels]

    def row_weights(draws: slice) -> Array:
        counts = plan.row_counts(places, draws)
        return counts if units.kind == "rows" else counts * weights  # rows were drawn as often as they count

    centres = prior_centres(problem, plan)
    if not progress:
        return refit(problem, coordinates, candidates, row_weights, plan.draws, centres=centres)
    from tqdm.auto import tqdm

    with tqdm(total=plan.draws, desc="bootstrap", unit="fit") as bar:

        def tick(ended: int) -> None:
            bar.update(ended)

        return refit(problem, coordinates, candidates, row_weights, plan.draws, tick=tick, centres=centres)


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


def run_scatter(problem: Problem, coordinates: Coordinates, theta: Array, weights: Array) -> Array:
    """Residuals (n,) of runs about the law, widened by the parameters that were fitted to them."""
    spare = max(float(weights.sum()) - coordinates.q, 1.0)
    return np.asarray(problem.residual(theta)[0] * np.sqrt(weights.sum() / spare))


def band(
    problem: Problem,
    coordinates: Coordinates,
    theta: Array,
    draws: Array,
    inputs: Inputs,
    weights: Array,
    level: float,
    interval: str,
    seed: int,
) -> tuple[Array, Array]:
    """Low and high (n,) over draws (draws, p) of the law at ``inputs``, or of one new run there.

    Raises
    ------
    FitError
        If ``interval`` is neither "mean" nor "run".
    """
    if interval not in ("mean", "run"):
        raise FitError(not_one_of("interval", interval, ("mean", "run")))
    levels = [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.empty((2, len(inputs[0])))
    step = max(1, 4_000_000 // len(draws))
    noise, on = None, problem.objective.on
    if interval == "run":
        scatter = run_scatter(problem, coordinates, theta, weights)
        noise = np.random.default_rng(seed + 1).choice(scatter, size=len(draws), p=weights / weights.sum())
    for start in range(0, len(inputs[0]), step):
        part = slice(start, start + step)
        with np.errstate(all="ignore"):
            values = problem.equation.value(draws, tuple(x[part] for x in inputs))
            if noise is not None:
                values = restore(rescale(values, on) - noise[:, None], on)
        low[part], high[part] = np.quantile(values, levels, axis=0)
    return low, high


def bca_of_params(
    problem: Problem, coordinates: Coordinates, u: Array, weights: Array, units: Units, draws: Array, level: float
) -> tuple[Array, Array]:
    """BCa intervals of the parameters: the acceleration from refits without one unit, or one group of units."""
    pieces = units.pieces
    groups = min(int(pieces.max()) + 1, JACKKNIFE_GROUPS)
    member: NDArray[np.intp] = pieces * groups // (int(pieces.max()) + 1)

    def without(part: slice) -> Array:
        left_out = np.arange(groups)[part]
        return np.where(member[None] == left_out[:, None], 0.0, weights)

    jackknife = refit(problem, coordinates, u[None], without, groups)
    estimate = coordinates.to_params(u[None])[0][0]
    return bca_interval(draws, estimate, jackknife.theta[~jackknife.failed], level)


def permutation_for(token_a: str, token_b: str, count: int) -> NDArray[np.intp]:
    """A permutation made of two tokens: the same for the same pair, independent of either fit's own draws."""
    text = f"{token_a}|{token_b}".encode()
    return np.random.default_rng(list(text)).permutation(count)
