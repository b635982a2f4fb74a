"""A law of size and tokens over the plane of both: its values on a grid, and the best split of each budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.allocation.setting import CostLike, Setting, find_setting
from scalefit.decisions.frontier import best_split
from scalefit.fitting.problem import Array
from scalefit.result import Fit

#: How far the plane goes past the runs on either side, nodes per side, budgets along the frontier, and lines drawn.
PAST, NODES, BUDGETS, LINES = 3.0, 60, 60, 7


@dataclass(frozen=True, eq=False)
class LossSurface:
    """What a picture of a law over size and tokens shows.

    Attributes
    ----------
    params, tokens : (k,) each, nodes of the plane; the ends of the ranges fitted are among them.
    values : (k, k), what the law predicts; one row per number of tokens.
    inside : (k, k) of bool, whether a node lies in the ranges fitted.
    levels : values of the contours, increasing: those at the frontier at even distances of compute.
    frontier : DataFrame
        The best split of budgets: ``flops``, ``params, tokens``, the prediction, and ``inside``, whether the budget is
        no larger than that of the largest run. Empty where a budget has no best split.
    seen : DataFrame, ``params, tokens, observed`` of the rows fitted.
    output, size : str, what is predicted, and the input that is the size.
    where : str, where the other inputs stand.
    """

    params: Array
    tokens: Array
    values: Array
    inside: np.ndarray
    levels: Array
    frontier: pd.DataFrame
    seen: pd.DataFrame
    output: str
    size: str
    where: str


def loss_surface(fit: Fit, *, at: Mapping[str, float] | None = None, cost: CostLike = None) -> LossSurface:
    """A law of size and tokens over the plane of both.

    Parameters
    ----------
    fit : Fit
    at : values of inputs other than size and tokens.
    cost : what a run costs, as for :func:`scalefit.allocate`.

    Raises
    ------
    FitError
        If the law is none of size and tokens, or another input has no value.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> told = loss_surface(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> told.values.shape, len(told.levels)
    ((60, 60), 7)
    """
    setting = find_setting(fit, cost=cost, at=at, level=0.9)
    params, tokens = (_nodes(seen) for seen in setting.seen)
    values = np.stack([setting.plane.value(fit.theta, params, np.array([one]))[0] for one in tokens])
    inside = np.outer(_within(tokens, setting.seen[1]), _within(params, setting.seen[0]))
    frontier = _frontier(setting, params, tokens)
    return LossSurface(
        params=params,
        tokens=tokens,
        values=values,
        inside=inside,
        levels=_levels(frontier, values, setting.output),
        frontier=frontier,
        seen=pd.DataFrame({"params": setting.seen[0], "tokens": setting.seen[1], "observed": fit.problem.target}),
        output=setting.output,
        size=setting.plane.size,
        where=setting.where.removeprefix(" "),
    )


def _nodes(seen: Array) -> Array:
    """Places from below the smallest value to above the largest, both of which are among them."""
    low, high = float(seen.min()), float(seen.max())
    spans = [np.log(PAST), max(np.log(high / low), 1e-9), np.log(PAST)]
    outer = max(round(NODES * spans[0] / sum(spans)), 2)
    parts = [
        np.geomspace(low / PAST, low, outer, endpoint=False),
        np.geomspace(low, high, NODES - 2 * outer),
        np.geomspace(high, high * PAST, outer + 1)[1:],
    ]
    return np.concatenate(parts)


def _within(places: Array, seen: Array) -> np.ndarray:
    return np.asarray((places >= seen.min() * (1 - 1e-9)) & (places <= seen.max() * (1 + 1e-9)))


def _frontier(setting: Setting, params: Array, tokens: Array) -> pd.DataFrame:
    """The best splits that lie in the plane."""
    cost = setting.seen_cost
    reach = cost.min() / PAST**2, cost.max() * PAST**2
    budgets = np.unique(np.r_[np.geomspace(*reach, BUDGETS), cost.max()])
    fit, plane = setting.fit, setting.plane
    best = best_split(
        plane.law, fit.theta, budgets, cost=setting.cost, sizes=setting.sizes, at=plane.at, higher=setting.higher
    )
    told = pd.DataFrame({
        "flops": budgets, "params": best.params[0], "tokens": best.tokens[0], setting.output: best.loss[0],
        "inside": budgets <= cost.max(),
    })  # fmt: skip
    shown = told.params.between(params[0], params[-1]) & told.tokens.between(tokens[0], tokens[-1])
    return told[shown].reset_index(drop=True)


def _levels(frontier: pd.DataFrame, values: Array, output: str) -> Array:
    """Values at even distances of compute along the frontier; without one, at even shares of the plane."""
    if len(frontier) >= LINES:
        rows = np.linspace(0, len(frontier) - 1, LINES + 2).round().astype(int)[1:-1]
        found = frontier[output].to_numpy(float)[rows]
    else:
        found = np.quantile(values[np.isfinite(values)], np.linspace(0, 1, LINES + 2)[1:-1])
    return np.unique(found)
