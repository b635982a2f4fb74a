"""From a target back: the tokens, the size or the budget that reaches a value of the law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.allocation.setting import Setting
from scalefit.decisions.frontier import BEYOND, has_closed_form, size_grid
from scalefit.decisions.minimum import INSIDE, lowest
from scalefit.fitting.problem import Array
from scalefit.law import Law

#: More tokens, and larger models, than anybody will have: what lies beyond counts as out of reach.
LIMITLESS = 1e40
#: Halvings of a bracket in a log.
HALVINGS = 60
#: Budgets looked at per decade, and how far below and above the data they go.
PER_DECADE, DOWN, UP = 1, 1e4, 1e10
#: Secant steps at most, and the last of them, in the log of a budget.
STEPS, CLOSE = 40, 1e-9
#: Sizes looked at on the way down from the largest, and how far down they go.
MARCH, DEPTH = 160, 1e10
ALL = slice(None)


def tokens_for(setting: Setting, params: Array, target: Array, rows: slice = ALL) -> Array:
    """Tokens with which sizes (m,) or (rows, m) reach a target; infinite where no number does."""
    law, theta = setting.plane.law, setting.theta[rows]
    shape = len(theta), max(params.shape[-1], target.shape[-1])
    params, target = np.broadcast_to(params, shape), np.broadcast_to(target, shape)
    if tokens_in_closed_form(law):
        closed = law.derived["tokens_for_loss"]
        values = {name: theta[:, j, None] for j, name in enumerate(law.param_names)}
        tokens = np.broadcast_to(closed(values, {"loss": target, "params": params}), params.shape)
        tokens = np.where(np.isfinite(tokens) & (tokens > 0), tokens, np.inf)
        return np.where(np.isfinite(params) & np.isfinite(target), tokens, np.nan)
    low, high = np.zeros(params.shape), np.full(params.shape, np.log(LIMITLESS))

    def enough(log_tokens: Array) -> NDArray[np.bool_]:
        value = setting.plane.value(theta, params, np.exp(log_tokens))
        return np.asarray(value >= target if setting.higher else value <= target)

    reached = enough(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        there = enough(middle)
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    found = np.where(reached, np.exp((low + high) / 2), np.inf)
    return np.where(np.isfinite(params) & np.isfinite(target), found, np.nan)


def tokens_in_closed_form(law: Law) -> bool:
    """Whether the tokens for a target follow from the parameters without a search."""
    closed = law.derived.get("tokens_for_loss")
    return closed is not None and closed.asks == ("loss", "params") and set(law.inputs) == {"params", "tokens"}


def cheapest(
    setting: Setting, target: Array, extra: Callable[[Array], Array] | None = None, questions: int | None = None
) -> Array:
    """The size at which a target costs least, (1 + draws, m); NaN where there is none, as where it is out of reach.

    Parameters
    ----------
    target : (m,) or (1 + draws, m).
    extra : a cost besides training, from sizes (…, m, k).
    questions : m, where it is not that of ``target``.
    """
    m = questions or target.shape[-1]
    target = np.broadcast_to(target, (len(setting.theta), m))
    common = bool((target == target[:1]).all())

    def curves(log_params: Array, rows: slice) -> Array:
        B, m, k = log_params.shape
        params = np.exp(log_params)
        wanted = np.repeat(target[:1] if common else target[rows], k, axis=1)
        tokens = tokens_for(setting, params.reshape(B, m * k), wanted, rows).reshape(-1, m, k)
        return setting.cost(params, tokens) + (0.0 if extra is None else extra(params))

    near = (float(np.log(setting.sizes[0])), float(np.log(setting.sizes[1])))
    for beyond in BEYOND:
        found = lowest(curves, size_grid(setting.sizes, beyond), shape=(len(setting.theta), m), near=near)
        if (found.edge == INSIDE).all():
            break
    return np.exp(found.place)


def budget_for(setting: Setting, target: Array) -> Array:
    """The least budget whose best split reaches a target, (1 + draws, m); infinite where none does."""
    law, theta = setting.plane.law, setting.theta
    target = np.broadcast_to(target, (len(theta), target.shape[-1]))
    closed = law.derived.get("flops_for_loss")
    if has_closed_form(law, setting.cost) and closed is not None and closed.asks == ("loss",):
        values = {name: theta[:, j, None] for j, name in enumerate(law.param_names)}
        found = np.broadcast_to(closed(values, {"loss": target}), target.shape)
        possible = np.isfinite(setting.best(np.array([1e20])).params)
        found = np.where(np.isfinite(found) & (found > 0), found, np.inf)
        return np.where(possible & np.isfinite(target), found, np.nan)
    if tokens_in_closed_form(law):
        size = cheapest(setting, target)
        found = setting.cost(size, tokens_for(setting, size, target))
        return np.where(reachable(setting, target), found, np.where(np.isfinite(target), np.inf, np.nan))
    sign = -1.0 if setting.higher else 1.0
    return np.exp(_falling_root(lambda x: sign * setting.best(np.exp(x)).loss, _budget_grid(setting), sign * target))


def budget_with_tokens(setting: Setting, tokens: float) -> Array:
    """The budget whose best split takes so many tokens, (1 + draws, 1); infinite where none takes as many."""
    target = np.full((len(setting.theta), 1), -np.log(tokens))
    return np.exp(_falling_root(lambda x: -np.log(setting.best(np.exp(x)).tokens), _budget_grid(setting), target))


def _budget_grid(setting: Setting) -> Array:
    """Logs of budgets from far below the runs to far above."""
    low, high = float(setting.seen_cost.min()) / DOWN, float(setting.seen_cost.max()) * UP
    return np.linspace(np.log(low), np.log(high), int(np.ceil(np.log10(high / low) * PER_DECADE)) + 1)


def smallest_size(
    setting: Setting, values: Callable[[Array], Array], top: Array, target: Array, depth: float = DEPTH
) -> Array:
    """The smallest size with a target, going down from a size at which the law should have it.

    Parameters
    ----------
    values : sizes (1 + draws, k) -> values.
    top : (1 + draws, 1) where to start.
    target : (1 + draws, 1).

    Returns
    -------
    (1 + draws, 1): infinite where not even the top reaches it.
    """
    sign = -1.0 if setting.higher else 1.0
    places = np.log(top) - np.linspace(0, np.log(depth), MARCH)
    with np.errstate(all="ignore"):
        missed: NDArray[np.bool_] = np.logical_not(sign * values(np.exp(places)) <= sign * target)
    first = np.argmax(missed, axis=1)[:, None]
    high = np.take_along_axis(places, np.maximum(first - 1, 0), axis=1)
    low = np.take_along_axis(places, first, axis=1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = sign * values(np.exp(middle)) <= sign * target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found = np.where(missed.any(axis=1, keepdims=True), np.exp(high), np.nan)
    found = np.where(missed[:, :1], np.inf, found)
    return np.where(np.isfinite(top), found, np.nan)


def reachable(setting: Setting, target: Array) -> NDArray[np.bool_]:
    """Whether any size on any number of tokens has a target, (1 + draws, m)."""
    size = np.array([float(setting.sizes[1]) * LIMITLESS])
    value = setting.value(size, size)
    return np.asarray(value >= target if setting.higher else value <= target)


def _falling_root(curve: Callable[[Array], Array], grid: Array, target: Array) -> Array:
    """Where a falling curve comes down to a target, (B, m): bracketed on a grid, then by secants that stay inside."""
    seen = curve(grid)  # (B, k)
    known = np.isfinite(seen).any(axis=1, keepdims=True) & np.isfinite(target)
    below = np.asarray(seen[:, None, :] <= target[..., None])  # (B, m, k)
    reached: NDArray[np.bool_] = np.any(below, axis=2)
    first = np.argmax(below, axis=2)
    solvable = known & reached & (first > 0)
    rows = np.arange(len(seen))[:, None]
    before = np.maximum(first - 1, 0)
    low, high = grid[before], grid[first]
    x0, x1, f0, f1 = low, high, seen[rows, before] - target, seen[rows, first] - target
    for _ in range(STEPS if solvable.any() else 0):
        with np.errstate(all="ignore"):
            x = x1 - f1 * (x1 - x0) / (f1 - f0)
        x = np.where((x > low) & (x < high), x, (low + high) / 2)
        f = curve(x) - target
        low, high = np.where(f > 0, x, low), np.where(f > 0, high, x)
        moved = np.where(solvable & (f != 0), np.abs(x - x1), 0.0)
        x0, x1, f0, f1 = x1, x, f1, f
        if moved.max() < CLOSE:
            break
    found = np.where(reached, np.where(first > 0, x1, np.nan), np.inf)
    return np.where(known, found, np.nan)
