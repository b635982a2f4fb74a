"""The best size and tokens for a budget: in closed form where the law has one, else by a search over sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.spending import Cost
from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law

#: Sizes tried per decade, how far past the sizes seen they go, and how often the best place is looked at closer.
_PER_DECADE, _BEYOND, _ZOOMS = 12, 1e5, 7
#: Places of each closer look, ends included.
_CLOSER = 9
#: Numbers evaluated at once.
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Best:
    """The optimum for each parameter vector and budget, (B, m) each; NaN where there is none inside."""

    params: Array
    tokens: Array
    loss: Array


def value_of(law: Law, theta: Array, inputs: Mapping[str, Array | float]) -> Array:
    """The law for B parameter vectors, (B, p), at inputs that broadcast to (B, m)."""
    columns = [theta[:, j, None] for j in range(theta.shape[1])]
    given = [np.asarray(inputs[name], float) for name in law.inputs]
    m = max((one.shape[-1] for one in given if one.ndim), default=1)
    with np.errstate(all="ignore"):
        out = np.asarray(law.function(*[np.broadcast_to(one, (len(theta), m)) for one in given], *columns), float)
        return np.ascontiguousarray(np.broadcast_to(out, (len(theta), m)))


def best_split(
    law: Law,
    theta: Array,
    budget: Array,
    *,
    cost: Cost,
    sizes: tuple[float, float],
    at: Mapping[str, float] | None = None,
) -> Best:
    """The size and tokens with the lowest value of the law that a budget buys.

    Parameters
    ----------
    theta : (B, p).
    budget : (m,) or (B, m).
    cost : what a run costs.
    sizes : the smallest and largest params seen; the search goes a factor of 1e5 past both.
    at : values of inputs other than params and tokens.

    Raises
    ------
    FitError
        If the law does not take params and tokens, or another input has no value.
    """
    at = dict(at or {})
    check_surface(law, at)
    budget = np.broadcast_to(np.asarray(budget, float), (len(theta), np.shape(budget)[-1]))
    closed = law.derived.get("params_optimal")
    if closed is not None and closed.asks == ("flops",) and cost.six_nd:
        values = {name: theta[:, j, None] for j, name in enumerate(law.param_names)}
        params = np.broadcast_to(closed(values, {"flops": budget}), budget.shape)
        tokens = budget / 6 / params
    else:
        params = _searched(law, theta, budget, cost, sizes, at)
        tokens = cost.tokens_for(params, budget)
    return Best(params, tokens, value_of(law, theta, {**at, "params": params, "tokens": tokens}))


def check_surface(law: Law, at: Mapping[str, float]) -> None:
    """An error unless the law takes params and tokens, and every other input has a value."""
    if not {"params", "tokens"} <= set(law.inputs):
        raise FitError(
            f"The best split of a budget needs a law of params and tokens; {law.name} takes {listing(law.inputs)}."
        )
    open_ones = [name for name in law.inputs if name not in ("params", "tokens") and name not in at]
    if open_ones:
        raise FitError(f"{law.name} also takes {listing(open_ones)}: give at={{{open_ones[0]!r}: …}}.")


def _searched(
    law: Law, theta: Array, budget: Array, cost: Cost, sizes: tuple[float, float], at: Mapping[str, float]
) -> Array:
    """Params of the lowest value along each budget: over a grid of sizes, then ever closer to its lowest place."""
    low, high = np.log(sizes[0] / _BEYOND), np.log(sizes[1] * _BEYOND)
    grid = np.linspace(low, high, int(np.ceil((high - low) / np.log(10) * _PER_DECADE)) + 1)
    out = np.empty(budget.shape)
    rows = max(1, _BLOCK // (budget.shape[1] * len(grid)))
    for start in range(0, len(theta), rows):
        part = slice(start, start + rows)
        out[part] = _searched_block(law, theta[part], budget[part], cost, grid, at)
    return out


def _searched_block(law: Law, theta: Array, budget: Array, cost: Cost, grid: Array, at: Mapping[str, float]) -> Array:
    def values(log_params: Array) -> Array:
        """(B, m, k) of the law at sizes (B, m, k); infinite where the budget does not reach."""
        B, m, k = log_params.shape
        params = np.exp(log_params.reshape(B, m * k))
        tokens = cost.tokens_for(params, np.repeat(budget, k, axis=1))
        found = value_of(law, theta, {**at, "params": params, "tokens": tokens})
        return np.where(np.isfinite(found), found, np.inf).reshape(B, m, k)

    B, m = budget.shape
    places = np.broadcast_to(grid, (B, m, len(grid)))
    best = np.argmin(values(places), axis=2)[..., None]
    inner = ((best > 0) & (best < len(grid) - 1))[..., 0]
    step = grid[1] - grid[0]
    centre = grid[best]
    around = np.linspace(-1, 1, _CLOSER)
    for _ in range(_ZOOMS):
        places = centre + step * around
        seen = values(places)
        best = np.clip(np.argmin(seen, axis=2)[..., None], 1, _CLOSER - 2)
        centre = np.take_along_axis(places, best, axis=2)
        step *= around[1] - around[0]
    return np.where(inner, np.exp(_parabola_top(places, seen, best))[..., 0], np.nan)


def _parabola_top(places: Array, seen: Array, best: NDArray[np.intp]) -> Array:
    """The lowest place of the parabola through the best of the last places and its neighbours."""
    x0, x1, x2 = (np.take_along_axis(places, best + k, axis=2) for k in (-1, 0, 1))
    y0, y1, y2 = (np.take_along_axis(seen, best + k, axis=2) for k in (-1, 0, 1))
    with np.errstate(all="ignore"):
        shift = 0.5 * (x1 - x0) * (y0 - y2) / (y0 - 2 * y1 + y2)
    return np.where(np.isfinite(shift) & (np.abs(shift) <= x2 - x1), x1 + shift, x1)
