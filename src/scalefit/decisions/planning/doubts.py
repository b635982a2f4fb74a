"""When a plan should not be trusted, in words: what is wrong with the runs, and how far the target lies beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.forecast_doubts import FARTHEST
from scalefit.decisions.planning.beliefs import Belief
from scalefit.decisions.planning.costing import costs_of
from scalefit.decisions.planning.request import Request, unit_texts
from scalefit.decisions.spending import Cost
from scalefit.errors import ScalefitError, listing
from scalefit.fitting.problem import Array, Inputs, Problem
from scalefit.objectives import Huber
from scalefit.uncertainty.reservations import families_apart, rows_far_off
from scalefit.wording.amounts import count_of
from scalefit.wording.digits import number, si

if TYPE_CHECKING:
    from scalefit.decisions.planning.record import RunPlan


def doubts_of_runs(request: Request, beliefs: Sequence[Belief], weights: Array) -> tuple[str, ...]:
    """What the runs themselves say against a plan, the gravest first; ``weights`` of the laws."""
    best = int(np.argmax(weights))
    return (
        *_few(request, beliefs),
        *_copies(request),
        *_off_the_law(request, best, beliefs[best]),
    )


def doubts_of_target(plan: RunPlan) -> tuple[str, ...]:
    """What lies between the runs and the target: odd units, a crossing not known, its price, a long way, one law."""
    return (*_units(plan.request), *_unknown(plan), *_dear(plan), *_far(plan), *_alone(plan.request))


def _few(request: Request, beliefs: Sequence[Belief]) -> list[str]:
    n, free = 0 if request.runs is None else len(request.runs), max(one.prior.size for one in beliefs)
    families = len(request.question.groups)
    if not n:
        return ["no runs yet: the plan rests on usual values of the laws' parameters; ask again after a few runs"]
    if n >= free * families + 2:
        return []
    return [
        f"{count_of(n, 'run')} for laws of up to {free} parameters"
        + (f" in {families} families" if request.by else "")
        + ": usual values of the parameters stand in for runs; ask again after a few more"
    ]


def _copies(request: Request) -> list[str]:
    runs = request.runs
    if runs is None or not runs.map(pd.api.types.is_hashable).to_numpy().all():
        return []
    copies = int(runs.duplicated().sum())
    if not copies:
        return []
    return [f"{copies} of {len(runs)} rows are copies of others and count as runs: runs.drop_duplicates()"]


def _off_the_law(request: Request, place: int, belief: Belief) -> list[str]:
    """Rows far off the law with the most weight, and families that it cannot describe as one."""
    if request.runs is None:
        return []
    law, seen, where = request.contenders[place].law, np.exp(request.outcomes()), request.places(request.runs)
    out = []
    for g in range(len(request.question.groups)):
        rows = np.flatnonzero(where.group == g)
        inputs, theta = where.rows(rows).inputs, belief.prior.theta(belief.best[[g]], g)
        problem, data = Problem(law, inputs, seen[rows], Huber(1e-3)), request.runs.iloc[rows]
        out += [rows_far_off(problem, theta, data)]
        if not request.by and "family" in data.columns:
            apart = families_apart(problem, theta, data["family"])
            out += [f"{apart}: pass by='family'"] if apart else []
    return [said for said in out if said]


def _alone(request: Request) -> list[str]:
    if len(request.contenders) > 1:
        return []
    return [f"only {request.contenders[0].name} was asked: what another law would say is not in the widths"]


def _units(request: Request) -> list[str]:
    told = {"the candidates": request.candidates, "the target": request.question.looked_at}
    return [said.rstrip(".") for said in unit_texts(request, told)]


def _unknown(plan: RunPlan) -> list[str]:
    if plan.target.kind != "crossover" or plan.target_known:
        return []
    pair = " and ".join(plan.target.between or ())
    low, high = (si(end) for end in plan.target.reach)
    return [
        f"where {pair} cross is not known: they do between {low} and {high} in "
        f"{100 * plan.forecast['inside'].iloc[0]:.0f} % of draws; widths are of their difference in loss where they may"
    ]


def _far(plan: RunPlan) -> list[str]:
    """The rule of a forecast, for the target now and after the planned runs."""
    request = plan.request
    asked = _inputs_asked(plan)
    if request.runs is None or asked is None:
        return []
    seen = request.places(request.runs).inputs
    planned = request.places(plan.frame).inputs if len(plan.frame) else seen
    names = request.contenders[0].law.inputs
    now = {name: _times_beyond(x, one) for name, x, one in zip(names, asked, seen, strict=True)}
    far = [name for name in names if now[name] > FARTHEST]
    if not far:
        return []
    both = (np.concatenate(parts) for parts in zip(seen, planned, strict=True))
    then = {name: max(_times_beyond(x, one), 1.0) for name, x, one in zip(names, asked, both, strict=True)}
    beyond = listing(f"{now[name]:.3g} times beyond the runs in {name}" for name in far)
    after = f" ({listing(f'{then[name]:.3g}' for name in far)} once the planned ones are trained)"
    return [
        f"the target lies {beyond}{after if len(plan.frame) else ''}; how often intervals hold past {FARTHEST:g} times "
        "has not been measured"
    ]


def _times_beyond(x: Array, seen: Array) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.maximum(x / seen.max(), seen.min() / x)))


def _inputs_asked(plan: RunPlan) -> Inputs | None:
    """The inputs of the points asked for: of a best size and a crossing the likeliest; None where it is not known."""
    request, question = plan.request, plan.request.question
    if question.looked_at is not None:
        return request.places(question.looked_at).inputs
    law, likeliest = request.contenders[0].law, plan.forecast["estimate"].to_numpy(float)
    if plan.target.kind == "crossover":
        if not (np.isfinite(likeliest) & (likeliest > 0)).all():
            return None
        there = question.inputs_along(law, likeliest)
    else:
        there = {"params": likeliest, "tokens": plan.target.flops / 6 / likeliest}
    return tuple(np.broadcast_to(np.asarray(there[name], float), likeliest.shape) for name in law.inputs)


def _dear(plan: RunPlan) -> list[str]:
    """Training the target itself answers the question."""
    request = plan.request
    if plan.target.kind != "loss" or (callable(request.cost) and not isinstance(request.cost, Cost)):
        return []  # a function of the candidates need not know the points
    try:
        itself = float(costs_of(request.question.points, request.cost, request.columns).sum())
    except ScalefitError:  # the points have no such column
        return []
    if plan.spent > itself:
        return [f"training the target itself costs {si(itself)}, less than the {si(plan.spent)} planned: train that"]
    costs = plan.candidates["run_cost"].to_numpy(float)
    dear = int(np.sum((costs > itself * (1 + 1e-9)) & (costs <= plan.budget)))
    if not dear:
        return []
    return [
        f"{dear} of {count_of(len(costs), 'candidate')} cost more than training the target itself, "
        f"{number(itself, digits=3)}"
    ]
