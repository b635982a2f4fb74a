"""The fit of a new family: its few rows and the population of the others, weighed by how both scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.families_population import Population, PopulationEquation
from scalefit.fitting.coordinates import Coordinates, Kind, typical_rows
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Prior, Problem
from scalefit.fitting.search import effective_params
from scalefit.fitting.solver import solve
from scalefit.fitting.verdict import Verdict, judge
from scalefit.law import Array, Inputs, Law
from scalefit.result import Fit
from scalefit.uncertainty.units import autocorrelation_time

#: Rounds in which the scatter of the new rows and the weight of the population settle.
ROUNDS = 4
#: Draws of the population from which the fit is started, beside its middle.
STARTS = 12
#: What a parameter that the new rows may not move keeps of its deviation from its draw.
HELD = 1e-3
#: How many rows the scatter of the others counts for beside that of the new rows.
LENT = 5.0
#: Draws are warm: the model's expected decrease at which they stop, relative.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Noise:
    """How rows scatter about the law, on the scale of the objective.

    Parameters
    ----------
    runs : (n,) number of the run of each new row, or each row its own.
    order : (n,) the rows along their runs.
    effects : what runs of the others are off by, as a whole.
    residuals : of all rows of the others.
    rows : standard deviation of a new row about its run.
    memory : correlation of neighbouring rows of a run.
    """

    runs: NDArray[np.intp]
    order: NDArray[np.intp]
    effects: Array
    residuals: Array
    rows: float
    memory: float

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """(count, n) deviations of the new rows: one for each run, and one that fades along it."""
        out = rng.choice(self.effects, size=(count, int(self.runs.max()) + 1))[:, self.runs]
        fresh = rng.standard_normal((count, len(self.runs))) * self.rows
        kept, renewed = self.memory, np.sqrt(1 - self.memory**2)
        for before, here in zip(self.order[:-1], self.order[1:], strict=True):
            if self.runs[before] == self.runs[here]:
                fresh[:, here] = kept * fresh[:, before] + renewed * fresh[:, here]
        return np.asarray(out + fresh)

    def new_runs(self, count: int, rng: np.random.Generator) -> Array:
        """(count,) deviations of runs that nobody has seen."""
        return np.asarray(rng.choice(self.residuals, size=count))


@dataclass(frozen=True, eq=False)
class NewFamily:
    """Where the fit of a new family ended.

    Parameters
    ----------
    theta : (1, p) parameters.
    draws : (M, p) of the parameters.
    left_open : (q,) the share of the population's variance that is left of each coordinate.
    judgement : verdict on rows and population together.
    """

    theta: Array
    draws: Array
    left_open: Array
    judgement: Verdict
    noise: Noise
    n_failed: int


def fit_new(
    rows: Fit,
    law: Law,
    population: Population,
    others: Sequence[Fit],
    held: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NewFamily:
    """Fit the rows of a new family, each coordinate pulled to the population; then draw both again and again.

    Parameters
    ----------
    rows : a fit that holds the new rows; its estimates are not read.
    held : (q,) coordinates that the rows may not move.
    """
    equation = PopulationEquation(law, population, held)
    problem, weights, q = replace(rows.problem, equation=equation), rows.weights, len(held)
    coordinates = _coordinates(equation, problem.inputs, q)
    tight = np.sort(~held)  # held ones come first
    steps = np.where(tight, 1.0, HELD)
    centres = equation.from_places(population.draws)
    points = np.vstack([np.zeros(q), centres[:: max(1, len(centres) // STARTS)][:STARTS]])
    points[:, ~tight] = 0.0
    lent = _lent(others)
    dispersion = lent
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):  # each sets the noise
            problem = replace(problem, prior=Prior(np.zeros(q), dispersion / steps**2, dispersion))
            ends = solve(problem, coordinates, points, weights[None])
            z = ends.u[int(np.argmin(ends.objective))]
            noise, dispersion = _scatter(problem, coordinates, z, weights, rows, others, lent)
            points = np.vstack([z, points[:1]]) if len(points) > 2 else points
        problem = replace(problem, prior=Prior(np.zeros(q), dispersion / steps**2, dispersion))
        z, height = polish(problem, coordinates, z, weights)
        order = np.argsort(~held, kind="stable")
        names = tuple(law.param_names[j] for j in population.axes.coordinates.free[order])
        judgement = judge(problem, coordinates, z, weights, np.append(ends.objective, height), names, law.inputs)
        starts = np.where(tight, z, centres)
        drawn = solve(
            problem,
            coordinates,
            starts,
            weights[None],
            damping=1e-3,
            tolerance=TOLERANCE,
            centres=centres,
            shifts=noise.draw(len(centres), rng),
        )
        kept = drawn.converged & np.isfinite(equation.to_params(drawn.u)[0]).all(axis=1)
    spread = (drawn.u[kept] @ equation.factor.T).var(axis=0)
    left = np.clip(spread / np.maximum(population.draws.var(axis=0), 1e-300), 0.0, 1.0)
    theta, draws = equation.to_params(z[None])[0], equation.to_params(drawn.u[kept])[0]
    return NewFamily(theta, draws, left, judgement, noise, int((~kept).sum()))


def _coordinates(equation: PopulationEquation, inputs: Inputs, q: int) -> Coordinates:
    free = np.full(q, np.inf)
    kinds: tuple[Kind, ...] = tuple("raw" for _ in range(q))
    return Coordinates(equation, typical_rows(inputs), np.zeros(q), np.arange(q), kinds, -free, free)


def _lent(others: Sequence[Fit]) -> float:
    """The scale of the loss of rows of the other families."""
    products = [one.problem.residual(one.theta)[0] for one in others]
    return float(np.mean([np.mean(r * others[0].problem.objective.parts(r)[1]) for r in products])) or 1e-12


def _scatter(
    problem: Problem,
    coordinates: Coordinates,
    z: Array,
    weights: Array,
    rows: Fit,
    others: Sequence[Fit],
    lent: float,
) -> tuple[Noise, float]:
    """How the new rows scatter about the fit, and the scale of the loss; the others help out where rows are few."""
    r = problem.residual(z[None])[0]
    spare = max(problem.n - effective_params(problem, coordinates, z, weights), 0.0)
    runs, order = _runs_of(rows)
    effects, residuals, within = _scatter_of(others)
    along = bool(np.bincount(runs).max() > 1)
    time = _memory(r, runs, order) if along else 1.0
    own = float(np.sum(r * problem.objective.parts(r)[1]))
    dispersion = time * (own + LENT * lent) / (spare + LENT)
    size = np.sqrt((float(r @ r) + LENT * within**2) / (spare + LENT)) if along else 0.0
    return Noise(runs, order, effects, residuals, float(size), (time - 1) / (time + 1)), dispersion


def _runs_of(rows: Fit) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The run of each row, and the rows in their order along runs.

    Without a column of runs, a table in which only one input varies is one run.
    """
    inputs = rows.problem.inputs
    n = rows.n_rows
    if "run" in rows.data.columns:
        runs = np.unique(rows.data["run"].astype(str), return_inverse=True)[1].astype(np.intp)
    elif sum(bool(np.any(x != x[0])) for x in inputs) == 1:
        runs = np.zeros(n, np.intp)
    else:
        runs = np.arange(n)
    return runs, np.lexsort((*inputs, runs))


def _memory(r: Array, runs: NDArray[np.intp], order: NDArray[np.intp]) -> float:
    """Rows that count as one, the longest over runs."""
    times = [1.0]
    for run in range(int(runs.max()) + 1):
        own = r[order[runs[order] == run]]
        if len(own) > 4:
            times.append(autocorrelation_time(own - own.mean()))
    return max(times)


def _scatter_of(others: Sequence[Fit]) -> tuple[Array, Array, float]:
    """Of the other families: deviations of whole runs, of all rows, and the standard deviation of rows within runs."""
    effects, residuals, within = [], [], []
    for one in others:
        wider = np.sqrt(one.n_rows / max(one.n_rows - one.coordinates.q, 1))
        r = one.problem.residual(one.theta)[0] * wider
        labels = one.units.labels
        counts = np.bincount(labels)
        means = np.bincount(labels, r) / counts
        effects.append(means[counts > 0])
        residuals.append(r)
        within.append(float(np.sqrt(np.mean((r - means[labels]) ** 2))) if counts.max() > 1 else float(np.std(r)))
    return np.concatenate(effects), np.concatenate(residuals), float(np.mean(within))
