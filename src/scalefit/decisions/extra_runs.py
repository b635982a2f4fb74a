"""Runs that could be added: a grid of inputs around and beyond the data, and what they would cost."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.result import Fit
from scalefit.runs.flops import count_flops

Array = NDArray[np.float64]

#: Inputs reach so many times beyond the largest one fitted.
BEYOND = 10.0
#: About so many candidates in all, and at most so many inputs on a full grid; with more, one input moves at a time.
CANDIDATES = 1600
MOST_INPUTS = 5
#: A cheaper run is as good as the best where it gains this share of it.
AS_GOOD = 0.9


def candidate_runs(fit: Fit) -> pd.DataFrame:
    """Inputs of runs that could be added, and ``flops`` where they follow from them; empty for training curves.

    The inputs of a training curve follow from its schedule, so they cannot be chosen one by one.
    """
    names = list(fit.law.inputs)
    if fit.law.derive is not None:
        return pd.DataFrame(columns=names)
    if len(names) <= MOST_INPUTS:
        count = max(4, round(CANDIDATES ** (1 / len(names))))
        axes = [_axis(fit, i, min(count, 60)) for i in range(len(names))]
        grid = pd.DataFrame(list(itertools.product(*axes)), columns=names, dtype=float)
    else:
        middle = {name: float(np.median(x)) for name, x in zip(names, fit.problem.inputs, strict=True)}
        rows = [{**middle, name: value} for i, name in enumerate(names) for value in _axis(fit, i, 30)]
        grid = pd.DataFrame(rows, columns=names, dtype=float)
    cost = flops_of(fit, grid)
    return grid if cost is None or "flops" in grid else grid.assign(flops=cost)


def _axis(fit: Fit, place: int, count: int) -> Array:
    """Values of one input: from the smallest to ten times the largest, inside the domain of the law."""
    name, x = fit.law.inputs[place], fit.problem.inputs[place]
    low, high = float(x.min()), float(x.max())
    bottom, top = fit.law.domain.get(name, (-np.inf, np.inf))
    if low > 0 and fit.law.positive_inputs:
        return np.unique(np.geomspace(max(low, bottom), min(high * BEYOND, top), count))
    return np.unique(np.linspace(max(low, bottom), min(high, top), count))


def flops_of(fit: Fit, inputs: pd.DataFrame) -> Array | None:
    """Compute of runs with these inputs: given, or 6 per parameter and token; None where neither is known."""
    by_column = {fit.columns.get(name, name): name for name in fit.law.inputs}
    if "flops" in by_column:
        return inputs[by_column["flops"]].to_numpy(float)
    if {"params", "tokens"} <= set(fit.law.inputs):
        return np.asarray(count_flops(params=inputs["params"], tokens=inputs["tokens"]), float)
    return None


def best_run(fit: Fit, candidates: pd.DataFrame) -> pd.Series[float]:
    """Of candidates with a ``gain``: the cheapest that gains nearly most, none dearer than the largest run seen.

    Where compute is not known, the nearest to the data that gains nearly most.
    """
    seen = pd.DataFrame(dict(zip(fit.law.inputs, fit.problem.inputs, strict=True)))
    spent = flops_of(fit, seen)
    cost = flops_of(fit, candidates)
    if spent is None or cost is None:
        cost = _distance(fit, candidates)
        affordable = np.ones(len(candidates), bool)
    else:
        reach = 1.0 if len(fit.law.inputs) > 1 else BEYOND  # along compute itself, only larger runs tell anything new
        affordable = np.asarray(cost <= spent.max() * reach * 1.001)
    gain = candidates["gain"].to_numpy(float)
    good = affordable & (gain >= AS_GOOD * gain[affordable].max())
    chosen = int(np.flatnonzero(good)[int(np.argmin(cost[good]))])
    return candidates.iloc[chosen]


def _distance(fit: Fit, candidates: pd.DataFrame) -> Array:
    """How far beyond the largest inputs each candidate lies, as a product of factors."""
    out = np.ones(len(candidates))
    for name, x in zip(fit.law.inputs, fit.problem.inputs, strict=True):
        if x.max() > 0:
            out *= np.maximum(candidates[name].to_numpy(float) / x.max(), 1.0)
    return out
