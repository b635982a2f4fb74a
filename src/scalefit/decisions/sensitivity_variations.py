"""Ways in which a fit could as well have been made: other rows, other objectives; each fitted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import ScalefitError
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Problem
from scalefit.fitting.search import search
from scalefit.fitting.starts import Starts
from scalefit.fitting.verdict import judge
from scalefit.objectives import Absolute, Cauchy, Huber, Objective, Scale, Square
from scalefit.result import Fit
from scalefit.runs.flops import count_flops
from scalefit.uncertainty.bootstrap import refit
from scalefit.wording.digits import si

Array = NDArray[np.float64]
Kept = NDArray[np.bool_]

#: An input with at most so many distinct values is left out value by value; one with more in so many groups.
MOST_VALUES = 8
DELTAS = (1e-4, 1e-3, 1e-2, 1e-1)
#: The median absolute value of a normal variable.
MEDIAN_ABSOLUTE_NORMAL = 0.6745
OTHER_SCALE: Mapping[Scale, Scale] = {"log": "raw", "raw": "log"}


@dataclass(frozen=True, eq=False)
class Variation:
    """One way: what it is called, of which kind, the rows kept (n,) and the objective."""

    name: str
    kind: str
    kept: Kept
    objective: Objective


@dataclass(frozen=True, eq=False)
class Varied:
    """What came of it: parameters (p,), and whether to believe them; NaN where no fit was possible."""

    variation: Variation
    theta: Array
    verdict: str


def variations_of(fit: Fit) -> list[Variation]:
    """Rows left out by each input, other widths of the loss, other losses, another scale."""
    objective, everything = fit.problem.objective, np.ones(fit.n_rows, bool)
    rows = [Variation(name, "rows", kept, objective) for name, kept in _left_out(fit)]
    others = [Variation(name, kind, everything, other) for name, kind, other in _other_objectives(fit)]
    return [*rows, *others]


def _left_out(fit: Fit) -> Iterator[tuple[str, Kept]]:
    """Names and rows kept: without each value, or group of values, of each quantity that orders runs."""
    for name, x in _orderings(fit):
        values = np.unique(x)
        if len(values) < 2:
            continue
        groups = [values[[k]] for k in range(len(values))] if len(values) <= MOST_VALUES else _groups(x)
        for k, group in enumerate(groups):
            kept = (x < group[0]) | (x > group[-1])
            which = "the smallest " if k == 0 else "the largest " if k == len(groups) - 1 else ""
            ends = si(float(group[0])) if group[0] == group[-1] else f"{si(float(group[0]))} to {si(float(group[-1]))}"
            yield f"without {which}{name} ({ends})" if which else f"without {name} = {ends}", kept


def _orderings(fit: Fit) -> list[tuple[str, Array]]:
    """Inputs under the names of their columns, and compute where it follows from them."""
    inputs = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
    found = [(fit.columns.get(name, name), x) for name, x in inputs.items()]
    if {"params", "tokens"} <= set(inputs):
        found.append(("flops", np.asarray(count_flops(params=inputs["params"], tokens=inputs["tokens"]), float)))
    return found


def _groups(x: Array) -> list[Array]:
    """Values in groups of about equally many rows; rows of one value stay together."""
    ends = np.quantile(x, np.linspace(0, 1, MOST_VALUES + 1)[1:], method="inverted_cdf")
    group = np.searchsorted(np.unique(ends), x)
    return [np.unique(x[group == k]) for k in np.unique(group)]


def _other_objectives(fit: Fit) -> Iterator[tuple[str, str, Objective]]:
    """Other widths of a Huber loss, other losses, and the same loss on another scale."""
    objective, problem = fit.problem.objective, fit.problem
    on = objective.on
    for delta in DELTAS:
        if not (isinstance(objective, Huber) and np.isclose(objective.delta, delta)):
            yield f"with Huber, delta {delta:g}", "delta", Huber(delta, on=on)
    scatter = float(np.median(np.abs(problem.residual(fit.theta)[0]))) / MEDIAN_ABSOLUTE_NORMAL
    width = max(scatter, 1e-12)
    others: list[tuple[str, Objective]] = [
        ("with least squares", Square(on=on)),
        ("with absolute residuals", Absolute(width=1e-2 * width, on=on)),
        ("with Cauchy's loss", Cauchy(scale=width, on=on)),
    ]
    for name, other in others:
        if type(other) is not type(objective):
            yield name, "objective", other
    if (scaled := _on_another_scale(objective, problem)) is not None:
        yield f"with residuals on the {scaled.on} scale", "scale", scaled


def _on_another_scale(objective: Objective, problem: Problem) -> Objective | None:
    """The same loss of the residual in units of the quantity, or of its log, its width the same share of it."""
    if objective.on == "logit" or not (problem.target > 0).all():
        return None
    size, to = float(np.median(problem.target)), OTHER_SCALE[objective.on]
    factor = size if to == "raw" else 1 / size
    if isinstance(objective, Huber):
        return Huber(objective.delta * factor, on=to)
    if isinstance(objective, Absolute):
        return Absolute(objective.width * factor, on=to)
    if isinstance(objective, Cauchy):
        return replace(objective, scale=objective.scale * factor, on=to)
    return Square(on=to) if isinstance(objective, Square) else None


def fit_variations(fit: Fit, variations: Sequence[Variation]) -> list[Varied]:
    """Every variation fitted again: those that leave out rows as one batch, the others one by one."""
    own = fit.problem.objective
    rows = [variation for variation in variations if variation.objective is own]
    by_rows = dict(zip(map(id, rows), _without_rows(fit, rows), strict=True))
    return [by_rows.get(id(one)) or _with_objective(fit, one) for one in variations]


def _without_rows(fit: Fit, variations: Sequence[Variation]) -> list[Varied]:
    weights = np.array([fit.weights * variation.kept for variation in variations])
    if not len(variations):
        return []
    refits = refit(fit.problem, fit.coordinates, fit.basins, lambda part: weights[part], len(variations))
    out = []
    for variation, u, row in zip(variations, refits.u, weights, strict=True):
        if (row > 0).sum() < fit.coordinates.q + (fit.problem.prior is None):
            out.append(Varied(variation, np.full(len(fit.theta[0]), np.nan), "too few rows"))
            continue
        kept = np.flatnonzero(variation.kept)
        out.append(_judged(fit, variation, fit.problem.rows(kept), u, fit.weights[kept]))
    return out


def _with_objective(fit: Fit, variation: Variation) -> Varied:
    problem = replace(fit.problem, objective=variation.objective, prior=None)
    try:
        found = search(problem, fit.law, fit.coordinates, fit.weights, Starts(), fit.constraints)
    except ScalefitError as error:
        return Varied(variation, np.full(len(fit.theta[0]), np.nan), str(error))
    problem, u, height = found.problem, found.u, found.objective
    for basin in fit.basins:  # where the fit itself needed starts that the search does not have
        other, other_height = polish(problem, fit.coordinates, basin, fit.weights, damping=1e-3)
        u, height = (other, other_height) if other_height < height else (u, height)
    return _judged(fit, variation, problem, u, fit.weights)


def _judged(fit: Fit, variation: Variation, problem: Problem, u: Array, weights: Array) -> Varied:
    """The end of a refit polished, with its verdict."""
    with np.errstate(all="ignore"):
        u, height = polish(problem, fit.coordinates, u, weights)
        told = judge(problem, fit.coordinates, u, weights, np.array([height]), fit.law.param_names, fit.law.inputs)
        return Varied(variation, fit.coordinates.to_params(u[None])[0][0], told.status)
