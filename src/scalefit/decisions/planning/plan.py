"""Which runs to train next, so that what is asked for becomes most certain for what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.brackets import Contender, bracket, choose_inputs, contenders_of
from scalefit.decisions.combination import weigh
from scalefit.decisions.planning.asking import Question, make_question
from scalefit.decisions.planning.beliefs import Belief, believe, make_luck
from scalefit.decisions.planning.candidates import candidates_within
from scalefit.decisions.planning.choosing import (
    Choice,
    Pool,
    choose,
    informative,
    pull_in,
    weighted_covariance,
    weighted_quantile,
)
from scalefit.decisions.planning.costing import CostLike, cost_text, costs_of
from scalefit.decisions.planning.crossing import Crossing, crossing_of
from scalefit.decisions.planning.doubts import doubts_of_runs, doubts_of_target
from scalefit.decisions.planning.prior import make_prior
from scalefit.decisions.planning.prospects import Prospects, shares_left
from scalefit.decisions.planning.record import RunPlan, law_table
from scalefit.decisions.planning.request import Request, join, known_rows, uses_left, warn_of_units
from scalefit.decisions.planning.target import Target, as_target
from scalefit.errors import ColumnError, DataError, FitError, listing, rows_text
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level

#: A loss before any was seen, in nats per token.
USUAL_LOSS = 3.0
#: Columns that the answer adds.
ADDED = ("rank", "run_cost", "total_cost", "half_width")
#: A plan that narrows the interval by less than this share does not help.
WORTHWHILE = 0.05


def plan_runs(
    runs: Any,
    laws: Iterable[Law | str] | Mapping[str, Law | str] | Law | str | None = None,
    candidates: Any = None,
    *,
    budget: float,
    target: Target | Any,
    by: str | None = None,
    cost: CostLike = None,
    seeds: int = 1,
    batch: int | None = None,
    noise: float | None = None,
    outcome: str = "loss",
    columns: Mapping[str, str] | None = None,
    along: str = "flops",
    fixed: Mapping[str, Mapping[str, float]] | None = None,
    level: float = 0.9,
    draws: int = 128,
    rng: np.random.Generator | int | None = None,
) -> RunPlan:
    r"""Say which runs to train next, so that a forecast becomes most certain for what they cost.

    Each law is drawn many times given the runs so far; where they do not identify it, usual values of its parameters
    stand in, so a plan can be made before the first run. What candidates and target have in common over these draws and
    over the laws says how much a run would tell. Train the first few, and ask again: ``plan.update(new_runs)``.

    Parameters
    ----------
    runs : table or path, one row a finished run; None where there is none yet.
    laws : laws or names, all of the same inputs; None is the documented set of :func:`scalefit.forecast` for the
        columns of runs and candidates.
    candidates : table of runs that might be trained, with the inputs of the laws and any other columns. None makes some
        of params and tokens that cost from a thousandth of ``budget`` up to it, see :func:`scalefit.candidates`.
    budget : what may be spent on them together, in the unit of ``cost``; above zero.
    target : what shall become certain: a table of points whose losses are asked for, such as
        ``sf.grid(params=[7e10], tokens=[1.4e12])``, or a :class:`scalefit.Target`: ``.loss``, ``.best_size``,
        ``.difference`` or ``.crossover``.
    by : column of families, each with parameters of its own that are believed to be alike.
    cost : a column of the candidates, a formula of their columns, :class:`scalefit.Cost` or a function of the table.
        None is their flops, or ``6 * params * tokens``.
    seeds : how often one candidate may be trained.
    batch : most runs to plan at once; None is as many as the budget buys.
    noise : standard deviation of one run about the law, on the log scale (0.005 is 0.5 %). None estimates it from the
        runs, beginning with 1 %.
    outcome : column of the runs that is predicted; above zero.
    columns : input -> column, where names differ; ``{"x": "flops"}`` for laws of one input.
    along : the input of laws of one input, where ``laws`` and ``columns`` do not say it.
    fixed : law -> parameter -> value that is held.
    level : float in (0, 1), of the intervals.
    draws : of each law.
    rng : Generator, seed or None.

    Returns
    -------
    RunPlan
        ``frame`` holds the runs in order, ``forecast`` what is known now. Nothing worth its cost is an answer too.

    Raises
    ------
    ColumnError, DataError
        If a column is missing or a value cannot be used.
    FitError
        If an argument cannot be meant, or nothing says what a candidate costs.

    Warns
    -----
    UnitWarning
        If numbers of runs, candidates or target are probably in another unit.

    Notes
    -----
    Draws are those of randomised maximum likelihood: the best fits to shaken outcomes under a shaken prior. Laws are
    weighed as a forecast weighs them. Beside its equation each law has a smooth error, correlated over a factor of ten
    of each input and as large as the scatter of runs, so that many small runs never settle what a large one does. The
    outcome of a candidate lowers the variance of the target by :math:`\mathrm{Cov}(T, y)^2/(\mathrm{Var}\,y + s^2)`,
    over all draws of all laws; after each choice the draws are conditioned on it. Sets are built greedily by gain over
    powers of the cost, and improved by exchanges. How much it saves: docs/studies/planning.md.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> small = runs[(runs.family == "lstm") & (runs.flops < 1e12)]
    >>> plan = plan_runs(small, "chinchilla", sf.grid(params=[2e4, 8e4], tokens=[3e6, 1e7]), budget=1e13,
    ...                  target=sf.grid(params=[9e5], tokens=[1e7]), rng=0)
    >>> plan.frame.columns.tolist()
    ['rank', 'params', 'tokens', 'run_cost', 'total_cost', 'half_width']
    """
    check_level(level)
    _check_numbers(budget, seeds, batch, draws, noise)
    frame = None if runs is None else as_frame(runs)
    frame = None if frame is None or not len(frame) else frame
    wanted = as_target(target, by)
    if candidates is None:
        candidates = candidates_within(float(budget), cost)
    table = as_frame(candidates, what="the candidates")
    _check_candidates(table, outcome)
    contenders, known = _contenders(frame, table, wanted, laws, dict(columns or {}), along, fixed or {})
    table = _in_every_family(table, frame, wanted)
    question = make_question(wanted, frame if frame is not None else table.iloc[:0], table)
    seed = int(np.random.default_rng(rng).integers(2**62))
    request = Request(
        runs=frame, candidates=table, uses=np.full(len(table), int(seeds)), contenders=contenders,
        question=question, columns=known, outcome=outcome, budget=float(budget), cost=cost, batch=batch,
        noise=noise, level=float(level), draws=int(draws), seed=seed,
    )  # fmt: skip
    warn_of_units(request, {"the runs": frame, "the candidates": table, "the target": question.looked_at})
    return _planned(request)


def update_plan(plan: RunPlan, new_runs: Any, budget: float | None) -> RunPlan:
    """The same question with more runs; their candidates and their cost are gone."""
    request, new = plan.request, as_frame(new_runs)
    if not len(new):
        return plan
    if budget is not None and not (_is_number(budget) and budget >= 0):
        raise FitError(f"update: budget is a number in the unit of the costs; got {budget!r}.")
    again = known_rows(request, new)
    if len(again):
        raise DataError(
            f"update: {rows_text(list(new.index[again]))} {'is' if len(again) == 1 else 'are'} among the runs already, "
            "with the same outcome. Pass only what is new: the runs that were known stay."
        )
    warn_of_units(request, {"the new runs": new})
    left = request.budget - float(costs_of(new, request.cost, request.columns).sum()) if budget is None else budget
    both = new if request.runs is None else pd.concat([request.runs, new])
    return _planned(
        replace(request, runs=both, uses=uses_left(request, new), budget=max(float(left), 0.0), seed=request.seed + 1)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _check_numbers(budget: float, seeds: int, batch: int | None, draws: int, noise: float | None) -> None:
    if not (_is_number(budget) and np.isfinite(budget) and budget > 0):
        raise FitError(f"plan_runs needs a budget above 0, a number in the unit of the costs; got {budget!r}.")
    for name, value, least in (("seeds", seeds, 1), ("batch", 1 if batch is None else batch, 1), ("draws", draws, 20)):
        if not _is_number(value) or int(value) != value or value < least:
            raise FitError(f"plan_runs: {name} is a whole number, at least {least}; got {value!r}.")
    if noise is not None and not (_is_number(noise) and 0 < noise < 1):
        raise FitError(f"noise is a standard deviation on the log scale, such as 0.01 for 1 %; got {noise!r}.")


def _check_candidates(table: pd.DataFrame, outcome: str) -> None:
    if not len(table):
        raise DataError("plan_runs: the table of candidates has no rows.")
    if taken := [name for name in ADDED if name in table.columns]:
        raise ColumnError(f"plan_runs adds {listing(taken)} to the candidates, which have such columns: rename them.")


def _contenders(
    runs: pd.DataFrame | None,
    table: pd.DataFrame,
    target: Target,
    laws: Any,
    columns: dict[str, str],
    along: str,
    fixed: Mapping[str, Mapping[str, float]],
) -> tuple[tuple[Contender, ...], dict[str, str]]:
    at = table if target.at is None else target.at
    shared = table if runs is None else pd.concat([runs[[c for c in runs.columns if c in table.columns]], table])
    if laws is None:
        inputs, known = choose_inputs(shared, at, columns, along)
        names = {one.name: one for one in bracket(inputs)}
        again = contenders_of({name: one.law for name, one in names.items()}, fixed)
        return tuple(replace(one, fixed={**names[one.name].fixed, **one.fixed}) for one in again), known
    found = contenders_of(laws, fixed)
    kinds = {one.law.inputs for one in found}
    if len(kinds) > 1:
        said = "; ".join(f"{one.name}: {', '.join(one.law.inputs)}" for one in found)
        raise FitError(f"The laws of one plan must ask for the same inputs. {said}.")
    if ("x",) in kinds and "x" not in columns:
        columns["x"] = choose_inputs(shared, at, {"x": along} if along in table.columns else columns, along)[1]["x"]
    return found, columns


def _in_every_family(table: pd.DataFrame, runs: pd.DataFrame | None, target: Target) -> pd.DataFrame:
    """Candidates without a family may be trained in each."""
    by = target.by
    if not by or by in table.columns:
        return table
    seen = [part[by] for part in (runs, target.at) if part is not None and by in part.columns]
    names = dict.fromkeys(str(name) for part in seen for name in part)
    names = names or dict.fromkeys(target.between or ())
    if not names:
        raise FitError(f"No family is known: neither runs, candidates nor the target have a column {by!r}.")
    return pd.concat([table.assign(**{by: name}) for name in names], ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Known:
    """Draws of all laws: of candidates, of the numbers asked for; and their weights."""

    beliefs: list[Belief]
    laws: Array  # (laws,)
    weights: Array  # (draws of all laws,)
    there: Array  # (draws, candidates)
    asked: Array  # (draws, m)
    prospects: Prospects
    crossing: Crossing | None


def _know(request: Request, seen: Array) -> _Known:
    question = request.question
    # Candidates come last, so that what is known now does not depend on what is offered.
    tables = [one for one in (request.runs, question.looked_at, request.candidates) if one is not None]
    places = join([request.places(one) for one in tables])
    if (places.group < 0).any():
        raise DataError(f"plan_runs: a row is of a family of {request.by!r} that none of the other tables knows.")
    n, k = len(seen), len(request.candidates)
    m = len(places) - n - k
    levels = _levels(seen, places.group[:n], len(question.groups))
    about = tuple(x[:n] for x in places.inputs) if n else places.inputs
    priors = [make_prior(one.law, one.fixed, levels, about) for one in request.contenders]
    rng = np.random.default_rng(request.seed)
    luck = make_luck(request.draws, len(levels), max(one.size for one in priors), len(places), n, rng)
    beliefs = [believe(prior, places, seen, luck, request.noise) for prior in priors]
    share = weigh([-2 * one.evidence for one in beliefs])
    weights = np.repeat(share / request.draws, request.draws)
    asked = [
        question.numbers(belief, one.law, belief.values[:, n : n + m])
        for belief, one in zip(beliefs, request.contenders, strict=True)
    ]
    crossing = None
    if question.target.kind == "crossover":
        crossing = crossing_of(np.log(question.reach), np.concatenate(asked), weights)
        asked = list(crossing.asked(weights).reshape(len(beliefs), request.draws, -1))
    there = [one.values[:, n + m :] for one in beliefs]
    noise = float(share @ np.array([one.noise**2 for one in beliefs]))
    shaken = rng.standard_normal((len(beliefs), request.draws, k))
    evidence = np.array([one.evidence for one in beliefs])
    return _Known(
        beliefs,
        share,
        weights,
        np.concatenate(there),
        np.concatenate(asked),
        Prospects(np.stack(there), np.stack(asked), share, evidence, noise, shaken),
        crossing,
    )


def _levels(seen: Array, group: np.ndarray, count: int) -> Array:
    """(families,): the lowest outcome of each; of those without any that of the others, or a usual one."""
    overall = float(np.exp(seen.min())) if len(seen) else USUAL_LOSS
    return np.array([np.exp(seen[group == g].min()) if (group == g).any() else overall for g in range(count)])


def _planned(request: Request) -> RunPlan:
    plan = _plan(request)
    return replace(plan, doubts=(*plan.doubts, *doubts_of_target(plan)))


def _plan(request: Request) -> RunPlan:
    seen = request.outcomes()
    known = _know(request, seen)
    costs = costs_of(request.candidates, request.cost, request.columns)
    pool = Pool(
        weighted_covariance(np.concatenate([known.there, known.asked], axis=1), known.weights),
        np.full(len(costs), known.prospects.noise),
        costs,
        request.uses,
        1 / float(np.sum(known.weights**2)),
    )
    choice = choose(pool, request.budget, request.batch)
    forecast, now = _forecast(request.question, known, request.level)
    half = now * shares_left(known.prospects, choice.picks)
    open_ = np.flatnonzero(request.uses > 0)
    alone = now * np.array([shares_left(known.prospects, [one])[0] for one in open_.tolist()])
    whole = now * shares_left(known.prospects, informative(pool), request.uses)
    helps = bool(choice.picks) and half[-1] < now * (1 - WORTHWHILE)
    limit = min([now, *half, *alone, *whole])
    return RunPlan(
        frame=_frame(request, choice, costs, half),
        candidates=request.candidates.iloc[open_].assign(run_cost=costs[open_], half_width=alone),
        forecast=forecast,
        half_width=now,
        limit=float(limit),
        laws=law_table([one.name for one in request.contenders], known.laws, [one.noise for one in known.beliefs]),
        target=request.question.target,
        budget=request.budget,
        level=request.level,
        n_runs=len(seen),
        cost=cost_text(request.cost),
        helps=helps,
        doubts=doubts_of_runs(request, known.beliefs, known.laws),
        notes=(),
        request=request,
    )


def _forecast(question: Question, known: _Known, level: float) -> tuple[pd.DataFrame, float]:
    """What is known now, and half the width of its interval on the log scale."""
    if known.crossing is not None:
        told, half = known.crossing.told(known.weights, level)
        return pd.concat([question.points, told], axis=1), half
    tail = (1 - level) / 2
    middle = known.weights @ pull_in(known.asked, known.weights)
    low, high = (weighted_quantile(known.asked, known.weights, share) for share in (tail, 1 - tail))
    half = float(np.sqrt(np.mean(((high - low) / 2) ** 2)))
    back = np.expm1 if question.target.kind == "difference" else np.exp
    return question.points.assign(estimate=back(middle), low=back(low), high=back(high)), half


def _frame(request: Request, choice: Choice, costs: Array, half: Array) -> pd.DataFrame:
    picks = list(choice.picks)
    chosen = request.candidates.iloc[picks].copy()
    chosen.insert(0, "rank", np.arange(1, len(picks) + 1))
    cost = costs[picks]
    return chosen.assign(run_cost=cost, total_cost=np.cumsum(cost), half_width=half)
