"""The best size and tokens for a budget: in closed form where the law has one, else by a search over sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.minimum import HIGH_END, INSIDE, LOW_END, NOWHERE, Lowest, lowest
from scalefit.decisions.spending import Cost
from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law

#: Names under which laws take the size of a model, of which a law of size and tokens takes one.
SIZES = ("params", "params_active", "params_total", "params_nonzero", "params_non_embedding")
#: What laws that are of size and tokens in other coordinates take.
COMPUTE_AND_RATIO = {"flops", "tokens_per_param"}
#: Sizes tried per decade, and how far past the sizes seen they go: further only where the nearer ones hold no optimum.
PER_DECADE, BEYOND = 6, (1e5, 1e10)


@dataclass(frozen=True, eq=False)
class Best:
    """The optimum for each parameter vector and budget, (B, m) each; NaN where there is none inside.

    ``edge`` is 0 inside; -1 where ever smaller models are better, 1 where ever larger ones are, 2 where the law has no
    value, 3 where it is flat: more compute than the rest of the law can use.
    """

    params: Array
    tokens: Array
    loss: Array
    edge: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Plane:
    """A law as a function of size and tokens, its other inputs held.

    Attributes
    ----------
    size : the input of the law that is the size; ``"params"`` where it takes compute and tokens per parameter.
    at : values of inputs other than size and tokens.
    """

    law: Law
    size: str
    at: Mapping[str, float]

    def inputs(self, params: Array, tokens: Array) -> dict[str, Array | float]:
        """The inputs of the law."""
        if set(self.law.inputs) >= COMPUTE_AND_RATIO:
            return {**self.at, "flops": 6 * params * tokens, "tokens_per_param": tokens / params}
        return {**self.at, self.size: params, "tokens": tokens}

    def value(self, theta: Array, params: Array, tokens: Array) -> Array:
        """The law, (B, m)."""
        with np.errstate(all="ignore"):
            return value_of(self.law, theta, self.inputs(params, tokens))

    def seen(self, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
        """Params and tokens of rows, from the inputs of the law."""
        given = dict(zip(self.law.inputs, inputs, strict=True))
        if set(self.law.inputs) >= COMPUTE_AND_RATIO:
            params = np.sqrt(given["flops"] / 6 / given["tokens_per_param"])
            return params, params * given["tokens_per_param"]
        return given[self.size], given["tokens"]


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
    higher: bool = False,
) -> Best:
    """The size and tokens with the lowest value of the law that a budget buys.

    Where a law has several lowest places along a budget, the one nearest to the sizes seen counts.

    Parameters
    ----------
    theta : (B, p).
    budget : (m,) or (B, m).
    cost : what a run costs.
    sizes : the smallest and largest params seen; the search goes a factor of 1e5 past both, and where that holds no
        optimum a factor of 1e10.
    at : values of inputs other than params and tokens.
    higher : whether the best value is the highest.

    Raises
    ------
    FitError
        If the law does not take params and tokens, or another input has no value.
    """
    plane = plane_of(law, at or {})
    budget = np.broadcast_to(np.asarray(budget, float), (len(theta), np.shape(budget)[-1]))
    if has_closed_form(law, cost) and not higher:
        closed = law.derived["params_optimal"]
        values = {name: theta[:, j, None] for j, name in enumerate(law.param_names)}
        params = np.broadcast_to(closed(values, {"flops": budget}), budget.shape)
        edge = np.select([np.isnan(params), params <= 0, np.isinf(params)], [NOWHERE, LOW_END, HIGH_END], INSIDE)
        params = np.where(edge == INSIDE, params, np.nan)
        tokens = budget / 6 / params
    else:
        found = _searched(plane, theta, budget, cost, sizes, -1.0 if higher else 1.0)
        params, edge = np.exp(found.place), found.edge
        tokens = cost.tokens_for(params, budget)
    return Best(params, tokens, plane.value(theta, params, tokens), np.asarray(edge, np.int8))


def has_closed_form(law: Law, cost: Cost) -> bool:
    """Whether the best split follows from the parameters without a search."""
    closed = law.derived.get("params_optimal")
    return closed is not None and closed.asks == ("flops",) and cost.six_nd


def plane_of(law: Law, at: Mapping[str, float]) -> Plane:
    """A law as one of size and tokens; an error unless it is one, and every other input has a value."""
    sizes = [name for name in SIZES if name in law.inputs]
    turned = set(law.inputs) >= COMPUTE_AND_RATIO
    if not turned and ("tokens" not in law.inputs or len(sizes) != 1):
        raise FitError(
            f"The best split of a budget needs a law of params and tokens; {law.name} takes {listing(law.inputs)}."
        )
    taken = COMPUTE_AND_RATIO if turned else {sizes[0], "tokens"}
    open_ones = [name for name in law.inputs if name not in taken and name not in at]
    if open_ones:
        raise FitError(f"{law.name} also takes {listing(open_ones)}: give at={{{open_ones[0]!r}: …}}.")
    return Plane(law, "params" if turned else sizes[0], dict(at))


def check_surface(law: Law, at: Mapping[str, float]) -> None:
    """An error unless the law takes params and tokens, and every other input has a value."""
    plane_of(law, at)


def _searched(plane: Plane, theta: Array, budget: Array, cost: Cost, sizes: tuple[float, float], sign: float) -> Lowest:
    """Log of params with the lowest value along each budget."""
    common = bool((budget == budget[:1]).all())

    def curves(log_params: Array, rows: slice) -> Array:
        B, m, k = log_params.shape
        params = np.exp(log_params.reshape(B, m * k))
        spent = np.repeat(budget[:1] if common and B == 1 else budget[rows], k, axis=1)
        found = plane.value(theta[rows], params, cost.tokens_for(params, spent))
        return sign * found.reshape(len(found), m, k)

    near = (float(np.log(sizes[0])), float(np.log(sizes[1])))
    for beyond in BEYOND:
        found = lowest(curves, size_grid(sizes, beyond), shape=(budget.shape[0], budget.shape[1]), near=near)
        if (found.edge == INSIDE).all():
            break
    return found


def size_grid(sizes: tuple[float, float], beyond: float) -> Array:
    """Logs of sizes, evenly spaced, from so many times below the smallest seen to so many above the largest."""
    low, high = np.log(sizes[0] / beyond), np.log(sizes[1] * beyond)
    return np.linspace(low, high, int(np.ceil((high - low) / np.log(10) * PER_DECADE)) + 1)
