"""The joint fit of several families: started from the fits of each alone, solved, judged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.families_likelihood import scale_of_loss
from scalefit.decisions.joint_law import NUMBER, Joint, moves_in_log
from scalefit.errors import FitError
from scalefit.fitting.coordinates import Coordinates, typical_rows
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Prior, Problem
from scalefit.fitting.search import SEARCH_TOLERANCE
from scalefit.fitting.setup import Constraints, make_coordinates
from scalefit.fitting.solver import solve
from scalefit.fitting.starts import find_starts, solve_linear
from scalefit.fitting.verdict import AGREEMENT, judge
from scalefit.law import Array
from scalefit.result import Fit
from scalefit.uncertainty.resampling import Plan
from scalefit.uncertainty.units import block_names, choose_units

#: Starts that treat all families alike, beside those made of the fits of each alone.
ALIKE = 6
#: Families whose own values of the shared parameters are a start for all.
LEADERS = 6
#: Rows of each family that stand for it where sizes of terms are judged.
TYPICAL = 8
#: Other minima up to this factor above the best are starts of refits.
KEPT_BASINS = 4.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What a joint fit is made of.

    Parameters
    ----------
    pooled : one law fitted to the rows of all families; its table of runs is that of the joint fit.
    number : (n,) of the family of each row, from 1.
    alone : the fit of each family that has enough rows for one.
    """

    pooled: Fit
    number: Array
    alone: Mapping[str, Fit]


def fit_joint(joint: Joint, seen: Seen, constraints: Constraints, spreads: Mapping[str, float]) -> Fit:
    """The best minimum of the joint law.

    Parameters
    ----------
    constraints : of the parameters of one family.
    spreads : standard deviation of each pulled parameter between families, in logs for a positive one.
    """
    law, pooled = joint.law, seen.pooled
    inputs = (*pooled.problem.inputs, seen.number)
    said = joint.constraints(constraints)
    said.check(law)
    problem = Problem(law, inputs, pooled.problem.target, pooled.problem.objective, _prior(joint, seen, spreads))
    coordinates = make_coordinates(law, said, inputs)
    coordinates = replace(coordinates, equation=law, typical=_typical(joint, inputs))
    weights = pooled.weights
    free = int((weights > 0).sum()) + len(spreads) * len(joint.families)
    if free < coordinates.q:
        raise FitError(
            f"{law.name} has {coordinates.q} free parameters and {int((weights > 0).sum())} rows: share or fix more."
        )
    with np.errstate(all="ignore"):
        points = _starts(joint, seen, coordinates)
        ends = solve(problem, coordinates, points, weights[None], tolerance=SEARCH_TOLERANCE)
        if not np.isfinite(ends.objective).any():
            raise FitError(f"{law.name} is not finite at any start: give bounds, or check the rows of each family.")
        best = int(np.argmin(ends.objective))
        u, height = polish(problem, coordinates, ends.u[best], weights)
        judgement = judge(problem, coordinates, u, weights, ends.objective, law.param_names, law.inputs)
    others = ends.converged & (ends.objective > height * (1 + AGREEMENT)) & (ends.objective < height * KEPT_BASINS)
    theta = coordinates.to_params(u[None])[0]
    fitted = replace(
        pooled,
        law=law,
        problem=problem,
        coordinates=coordinates,
        constraints=said,
        u=u,
        judgement=judgement,
        objective=float(replace(problem, prior=None).value(theta, weights[None])[0]),
        basins=np.vstack([u[None], ends.u[others]]),
        columns={**pooled.columns, NUMBER: NUMBER},
        data=pooled.data.assign(**{NUMBER: seen.number}),
        provenance={**pooled.provenance, "call": _call(pooled, law.name, law.equation_hash, spreads)},
    )
    return _with_units(fitted)


def _call(pooled: Fit, name: str, equation: str, spreads: Mapping[str, float]) -> dict[str, object]:
    return {**pooled.provenance["call"], "law": name, "equation_hash": equation, "spreads": dict(spreads)}


def _typical(joint: Joint, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Rows that stand for each family: without any of its own, the size of its terms would be unknown."""
    parts = [typical_rows(tuple(x[rows] for x in inputs), TYPICAL) for rows in joint.rows_of(inputs[-1]) if len(rows)]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _prior(joint: Joint, seen: Seen, spreads: Mapping[str, float]) -> Prior | None:
    """The pull of each family's deviations towards none."""
    if not spreads:
        return None
    dispersion = scale_of_loss(list(seen.alone.values()) or [seen.pooled], list(spreads))
    precision = np.zeros(len(joint.law.params))
    for name, spread in spreads.items():
        precision[joint.deviations[:, joint.member.param_names.index(name)]] = dispersion / spread**2
    return Prior(np.zeros(len(precision)), precision, dispersion)


def _starts(joint: Joint, seen: Seen, coordinates: Coordinates) -> Array:
    """Starts (K, q): own values of each family with shared ones from all, from each, from the pooled fit; and alike."""
    pooled, K = seen.pooled, len(joint.families)
    own = [seen.alone[name].theta if name in seen.alone else pooled.theta for name in joint.families]
    stacked = np.stack(own)
    means = [_weighted_mean(joint, seen), joint.middle(stacked)[0], pooled.theta[0]]
    means += [stacked[f, 0] for f in range(min(K, LEADERS))]
    theta = joint.spread_out([np.repeat(one, len(means), axis=0) for one in own], np.array(means))
    alike = pooled.coordinates.to_params(
        find_starts(pooled.problem, joint.member, pooled.coordinates, pooled.weights[None], ALIKE)
    )[0]
    alike = np.vstack([pooled.theta, alike])
    solved = np.vstack([theta, joint.spread_out([alike] * K, alike)])
    _solve_own_terms(joint, seen, coordinates, solved)
    both = np.vstack([theta[:1], solved])
    unused = np.zeros((*both.shape, coordinates.q))
    for tie in coordinates.ties:
        tie.apply(both, unused)
    for j in np.setdiff1d(np.arange(len(coordinates.base)), coordinates.free):
        if all(tie.place != j for tie in coordinates.ties):
            both[:, j] = coordinates.base[j]
    u = np.nan_to_num(coordinates.from_params(both), nan=0.0)
    return np.clip(u, coordinates.lower, coordinates.upper)


def _weighted_mean(joint: Joint, seen: Seen) -> Array:
    """The mean over the families fitted alone, each counting by how well it knows a parameter: (k,)."""
    out = seen.pooled.theta[0].copy()
    fits = list(seen.alone.values())
    for j, param in enumerate(joint.member.params):
        value = np.array([one.theta[0, j] for one in fits])
        with np.errstate(all="ignore"):
            error = np.array([np.sqrt(one.covariance.to_numpy(float)[j, j]) for one in fits])
            log = moves_in_log(param) and bool((value > 0).all())
            weight = 1 / (error / value if log else error) ** 2
            weight = np.where(np.isfinite(weight), weight, 0.0)
            if weight.sum() > 0:
                mean = float(weight @ (np.log(value) if log else value) / weight.sum())
                out[j] = np.exp(mean) if log else mean
    return np.asarray(out)


def _solve_own_terms(joint: Joint, seen: Seen, coordinates: Coordinates, theta: Array) -> None:
    """Linear parameters of each family alone, solved on its rows given all others; written into theta (K, P)."""
    free = set(coordinates.free.tolist())
    for number, rows in enumerate(joint.rows_of(seen.number)):
        places = joint.places[number]
        terms = [
            j
            for j in joint.member.linear_index
            if places[j] in free and (len(joint.families) == 1 or len(set(joint.places[:, j])) > 1)
        ]
        if not terms or not len(rows):
            continue
        own = joint.member_params(theta, number)[0]
        problem = seen.pooled.problem.rows(rows)
        solve_linear(own, problem, joint.member, terms, seen.pooled.weights[rows])
        theta[:, places[terms]] = own[:, terms]


def _with_units(fit: Fit) -> Fit:
    """The fit with blocks whose length follows its own residuals, not those of one law for all families."""
    if fit.units.kind != "blocks" or fit.units.order is None:
        return fit
    position = np.empty(fit.n_rows)
    position[fit.units.order] = np.arange(fit.n_rows)
    units = choose_units(fit.n_rows, fit.units.labels, position, fit.problem.residual(fit.theta)[0])
    return replace(fit, units=units, unit_names=block_names([str(name) for name in fit.data["run"]], units))


def plan_by_family(fit: Fit, number: Array, n: int, rng: np.random.Generator) -> Plan | None:
    """A plan in which each family keeps its number of units; None for blocks, of which each run keeps its own."""
    units = fit.units
    if units.kind == "blocks":
        return None
    first = np.unique(units.labels, return_index=True)[1]
    of_unit = number[first]
    weight = np.bincount(units.labels, fit.weights) if units.kind == "rows" else np.ones(units.count)
    counts = np.zeros((n, units.count), np.uint32)
    for family in np.unique(of_unit):
        own: NDArray[np.intp] = np.flatnonzero(of_unit == family)
        total = max(round(float(weight[own].sum())), 1)
        counts[:, own] = rng.multinomial(total, weight[own] / weight[own].sum(), size=n)
    token = hashlib.sha256(str(fit.provenance["data_hash"]).encode() + counts.tobytes()).hexdigest()[:16]
    return Plan(fit.unit_names, counts, token)


def family_numbers(families: pd.Series, names: tuple[str, ...]) -> Array:
    """(n,) numbers from 1, in the order of ``names``."""
    return np.array([names.index(name) + 1 for name in families], float)
