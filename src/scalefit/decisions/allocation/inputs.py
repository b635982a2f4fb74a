"""The best values of any one or two inputs of a law: a split of parameters, a number of experts, a turning point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.answer import SpendingAnswer, doubts_of, warn_unless_converged
from scalefit.decisions.allocation.joint import Joint
from scalefit.decisions.allocation.setting import Numbers, check_fit, check_numbers
from scalefit.decisions.frontier import BEYOND, size_grid, value_of
from scalefit.decisions.minimum import INSIDE, Lowest, lowest
from scalefit.decisions.route import known_names
from scalefit.decisions.spending import Cost
from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.problem import Array
from scalefit.formula import evaluate, names_in, parse_formula
from scalefit.law import Law
from scalefit.quantities import better_of
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.paths import beyond

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A cost as a formula of inputs of the law, or a function of them by their names.
InputCost = str | Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BestInputs(SpendingAnswer):
    """The best values of inputs of a law: made by :func:`scalefit.best_inputs`.

    Attributes
    ----------
    frame : DataFrame
        One row per budget and choice: ``budget`` and the input chosen from, where there are such; then the free inputs,
        their ``ratio`` where there are two, and what the law predicts, each with ``_low`` and ``_high``;
        ``probability``, the share of draws in which a choice is the best of its budget; ``beyond`` and ``undefined``.
    free : tuple of str, the inputs whose best values were looked for.
    chosen : str or None, the input with choices.
    output : str, what the law predicts.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """

    free: tuple[str, ...]
    chosen: str | None
    output: str

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """What the law predicts along the choices, or the free inputs along the budget.

        See :func:`scalefit.plots.allocations.plot_inputs`.
        """
        from scalefit.plots.allocations import plot_inputs

        return plot_inputs(self, ax=ax)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is free, what is held, and what two free inputs share."""

    fit: Fit
    law: Law
    theta: Array
    free: tuple[str, ...]
    held: Mapping[str, float]
    cost: Callable[[Mapping[str, Any]], Array] | None
    higher: bool

    def inputs(self, first: Array, budget: Array) -> dict[str, Any]:
        """All inputs: the second free one is what the budget leaves."""
        given: dict[str, Any] = {**self.held, self.free[0]: first}
        if self.cost is None:
            return given
        spend, (one, other) = self.cost, self.free
        both = Cost(lambda x, y: spend({**self.held, one: x, other: y}), "")
        return given | {other: both.tokens_for(first, budget)}

    def value(self, inputs: Mapping[str, Any], rows: slice = slice(None)) -> Array:
        """What the law predicts, (rows, m)."""
        return value_of(self.law, self.theta[rows], inputs)

    def seen(self, name: str) -> Array:
        """The values of an input that were fitted."""
        return self.fit.problem.inputs[self.law.inputs.index(name)]


def best_inputs(
    fit: Fit,
    *,
    free: str | Sequence[str],
    cost: InputCost | None = None,
    budget: Numbers | None = None,
    choices: Mapping[str, Sequence[float]] | None = None,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> BestInputs:
    """The values of one or two inputs at which a law is best, under a cost if there are two.

    For what is not a split into size and tokens: how to share parameters between encoder and decoder, how many experts
    or how fine ones, how often to sample.

    Parameters
    ----------
    fit : Fit
        Of any law whose inputs are above zero.
    free : name of an input, or of two
        One: the law must turn somewhere along it. Two: ``cost`` says how they share ``budget``.
    cost : str or callable
        Of inputs of the law, such as ``"params_encoder + params_decoder"``; it grows with the second free input.
    budget : float or sequence of float, > 0
        In the unit of ``cost``.
    choices : mapping of one input to values, optional
        Each is tried in turn: ``{"experts": [1, 2, 4, 8]}``.
    at : mapping of other inputs to values, needed where the law has such.
    level : float in (0, 1).

    Returns
    -------
    BestInputs

    Raises
    ------
    FitError
        If an input is unknown, left open or said twice, or two free inputs have no cost and budget.

    References
    ----------
    Ghorbani et al. 2021, arXiv:2109.07740 (encoder and decoder); Krajewski et al. 2024, arXiv:2402.07871 (granularity).

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> best = sf.best_inputs(fit, free=("params", "tokens"), cost="6 * params * tokens", budget=1e13)
    >>> bool(abs(best.frame.params[0] / sf.allocate(fit, flops=1e13).frame.params[0] - 1) < 1e-6)
    True
    """
    check_fit(fit)
    names = (free,) if isinstance(free, str) else tuple(free)
    law, known = fit.law, known_names(fit)
    names, chosen, values, held = _resolve(fit, names, choices, at, known)
    spent = _cost_of(cost, law)
    budgets = _check_budget(names, spent, budget)
    warn_unless_converged(fit, "The best values")
    draws = fit.draws_theta
    theta = np.vstack([fit.theta, draws[np.isfinite(draws).all(axis=1)]])
    higher = better_of(law.output) == "high"
    parts = []
    for one in values:
        here = {**held, chosen: one} if chosen is not None and one is not None else held
        parts.append(_solve(_Question(fit, law, theta, names, here, spent, higher), budgets))
    keys, quantities = _stack(parts, budgets if budget is not None else None, chosen, values)
    joint = Joint(keys, quantities, check_level(level))
    frame = joint.table()
    if chosen is not None:
        frame["probability"] = _shares(quantities[law.output], len(values), higher)
    frame["beyond"] = _beyond(fit, frame, held)
    frame["undefined"] = joint.undefined(names[0])
    question = _Question(fit, law, theta, names, held, spent, higher)
    return BestInputs(
        frame=frame,
        joint=joint,
        level=level,
        sentence=_sentence(question, frame, chosen, level),
        doubts=doubts_of(frame, fit, of="question"),
        notes=tuple(_notes(fit, cost, held)),
        fit=fit,
        free=names,
        chosen=chosen,
        output=law.output,
    )


def _resolve(
    fit: Fit,
    names: tuple[str, ...],
    choices: Mapping[str, Sequence[float]] | None,
    at: Mapping[str, float] | None,
    known: Mapping[str, str],
) -> tuple[tuple[str, ...], str | None, list[float | None], dict[str, float]]:
    """Names as the law has them, with every input accounted for once."""
    law = fit.law
    names = tuple(known.get(name, name) for name in names)
    if len(names) not in (1, 2) or len(set(names)) != len(names):
        raise FitError(f"free names one input of the law, or two; got {listing(names) or 'none'}.")
    if choices is not None and len(choices) != 1:
        raise FitError(f"choices holds the values of one input; got {listing(choices) or 'none'}.")
    chosen = None if choices is None else known.get(*[next(iter(choices))] * 2)
    values: list[float | None] = [None]
    if choices is not None:
        values = [float(one) for one in check_numbers(next(iter(choices.values())), f"choices of {chosen}")]
    held = {known.get(name, name): float(value) for name, value in (at or {}).items()}
    said = [*names, *([chosen] if chosen is not None else []), *held]
    for name in said:
        if name not in law.inputs:
            raise FitError(not_one_of(f"An input of {law.name}", name, law.inputs))
        if said.count(name) > 1:
            raise FitError(f"{name!r} is said twice: it is either free, or held by at, or has choices.")
    left = [name for name in law.inputs if name not in said]
    if left:
        raise FitError(f"{law.name} also takes {listing(left)}: give at={{{left[0]!r}: …}}.")
    return names, chosen, values, held


def _cost_of(cost: InputCost | None, law: Law) -> Callable[[Mapping[str, Any]], Array] | None:
    if cost is None:
        return None
    if isinstance(cost, str):
        tree = parse_formula(cost)
        strange = [name for name in names_in(tree) if name not in law.inputs]
        if strange:
            raise FitError(not_one_of("cost: an input of the law", strange[0], law.inputs))
        return lambda inputs: np.asarray(evaluate(tree, inputs), float)
    if not callable(cost):
        raise FitError(f"cost: a formula or a function of inputs of the law; got {type(cost).__name__}.")
    return lambda inputs: np.asarray(cost(**inputs), float)


def _check_budget(names: tuple[str, ...], cost: object, budget: Numbers | None) -> Array:
    both = cost is not None and budget is not None
    if len(names) == 2 and not both:
        raise FitError(
            f"Two free inputs share a budget: give cost= and budget=, such as cost='{names[0]} + {names[1]}', "
            "budget=1e9."
        )
    if len(names) == 1 and (cost is not None or budget is not None):
        raise FitError("One free input and a budget leave nothing to choose: free two, or give no cost.")
    return np.ones(1) if budget is None else check_numbers(budget, "budget")


def _solve(question: _Question, budgets: Array) -> dict[str, Array]:
    """Free inputs, their ratio and what the law predicts, (1 + draws, m) each."""
    first = np.exp(_search(question, budgets).place)
    inputs = question.inputs(first, budgets)
    out = {name: np.asarray(inputs[name]) for name in question.free}
    if len(question.free) == 2:
        out["ratio"] = out[question.free[0]] / out[question.free[1]]
    return out | {question.law.output: question.value(inputs)}


def _search(question: _Question, budgets: Array) -> Lowest:
    seen, sign = question.seen(question.free[0]), -1.0 if question.higher else 1.0
    near = float(np.log(seen.min())), float(np.log(seen.max()))
    bounds = question.law.domain.get(question.free[0], (0.0, np.inf))

    def curves(places: Array, rows: slice) -> Array:
        B, m, k = places.shape
        first = np.exp(places.reshape(B, m * k))
        inputs = question.inputs(first, np.repeat(budgets, k)[None])
        found = np.where((first >= bounds[0]) & (first <= bounds[1]), question.value(inputs, rows), np.nan)
        return sign * found.reshape(len(found), m, k)

    shape = len(question.theta), len(budgets)
    for far in BEYOND:
        grid = size_grid((float(seen.min()), float(seen.max())), far)
        found = lowest(curves, grid, shape=shape, near=near)
        if (found.edge == INSIDE).all():
            break
    return found


def _stack(
    parts: Sequence[Mapping[str, Array]], budgets: Array | None, chosen: str | None, values: Sequence[float | None]
) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Rows by budget, then by choice."""
    m = len(next(iter(parts[0].values()))[0])
    order = np.arange(m * len(parts)).reshape(len(parts), m).T.ravel()
    quantities = {name: np.concatenate([part[name] for part in parts], axis=1)[:, order] for name in parts[0]}
    keys = pd.DataFrame(index=range(m * len(parts)))
    if budgets is not None:
        keys["budget"] = np.repeat(budgets, len(parts))
    if chosen is not None:
        keys[chosen] = np.tile(np.asarray(values, float), m)
    return keys, quantities


def _shares(value: Array, choices: int, higher: bool) -> Array:
    """The share of draws in which each choice is the best of its budget."""
    draws = value[1:] if len(value) > 1 else value
    each = np.where(np.isnan(draws), np.inf, -draws if higher else draws).reshape(len(draws), -1, choices)
    best = np.argmin(each, axis=2)[..., None] == np.arange(choices)
    return np.asarray((best & np.isfinite(each)).mean(axis=0).ravel())


def _beyond(fit: Fit, frame: pd.DataFrame, held: Mapping[str, float]) -> Array:
    points = tuple(
        frame[name].to_numpy(float) if name in frame else np.full(len(frame), held[name]) for name in fit.law.inputs
    )
    far = beyond(points, fit.problem.inputs)
    return np.where(np.all([np.isfinite(one) for one in points], axis=0), far, np.nan)


def _best_row(question: _Question, frame: pd.DataFrame) -> int:
    """The row of the largest budget whose estimate is best."""
    rows = frame if "budget" not in frame else frame[frame["budget"] == frame["budget"].iloc[-1]]
    value = rows[question.law.output].to_numpy(float) * (-1 if question.higher else 1)
    return int(rows.index[0]) + (int(np.nanargmin(value)) if np.isfinite(value).any() else 0)


def _sentence(question: _Question, frame: pd.DataFrame, chosen: str | None, level: float) -> str:
    row = _best_row(question, frame)
    say = partial(wording.of, frame, row, level=level)
    budget = f"at a budget of {wording.count(frame['budget'].iloc[row])}: " if "budget" in frame else ""
    free, target = listing(question.free), question.fit.target
    if not np.isfinite(frame[question.free[0]].iloc[row]):
        return f"{budget}no best value of {free} inside: {question.law.name} is best at an end of what can be had"
    values = listing([f"{name} {say(name)}" for name in question.free])
    told = f"{values}, expected {target} {say(question.law.output)}"
    if chosen is None:
        return f"{budget}best with {told}"
    share = 100 * frame["probability"].iloc[row]
    return f"{budget}best with {chosen} = {wording.count(frame[chosen].iloc[row])} (in {share:.3g} % of draws), {told}"


def _notes(fit: Fit, cost: InputCost | None, held: Mapping[str, float]) -> list[str]:
    out = [f"Intervals: {fit.interval_source}; what belongs to one draw stays together in .draws."]
    if cost is not None:
        out.append(f"Cost: {cost if isinstance(cost, str) else getattr(cost, '__name__', 'a function')}.")
    if held:
        out.append(f"Held: {listing([f'{name} = {wording.count(value)}' for name, value in held.items()])}.")
    return out
