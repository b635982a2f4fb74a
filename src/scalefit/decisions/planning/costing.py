"""What each candidate costs: a column, a formula of columns, a function, or six operations a parameter and token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.spending import Cost
from scalefit.errors import DataError, FitError, listing, rows_text
from scalefit.fitting.problem import Array
from scalefit.formula import evaluate, names_in, parse_formula
from scalefit.runs.columns import find_column, has_column

CostLike = str | Cost | Callable[[pd.DataFrame], Any] | None


def costs_of(frame: pd.DataFrame, cost: CostLike, columns: Mapping[str, str]) -> Array:
    """(n,): the cost of every row.

    Raises
    ------
    DataError
        If a cost is not above zero.
    FitError
        If nothing says what a run costs.
    """
    found = raw_costs(frame, cost, columns)
    bad = ~(np.isfinite(found) & (found > 0))
    if bad.any():
        said = ""
        if cost is None and has_column(frame, "flops", columns=_there(frame, columns)):
            said = " They are the column flops where it has a value: fill or drop it, or pass cost=."
        raise DataError(f"Costs must be above 0; {rows_text(list(frame.index[bad]))} costs {found[bad][0]:g}.{said}")
    return found


def raw_costs(frame: pd.DataFrame, cost: CostLike, columns: Mapping[str, str]) -> Array:
    """The same as they come, be they above zero or not."""
    return np.broadcast_to(np.asarray(_raw(frame, cost, columns), float), (len(frame),)).copy()


def _raw(frame: pd.DataFrame, cost: CostLike, columns: Mapping[str, str]) -> Any:
    def column(name: str) -> Array:
        found = find_column(frame, name, needed_by="plan_runs", columns=_there(frame, columns))
        return frame[found].to_numpy(float)

    if cost is None:
        there = [name for name in ("flops", "params", "tokens") if has_column(frame, name, columns=columns)]
        if "flops" in there:
            flops = column("flops")
            if len(there) < 3 or not np.isnan(flops).any():
                return flops
            return np.where(np.isnan(flops), 6 * column("params") * column("tokens"), flops)
        if len(there) < 2:
            raise FitError(
                "plan_runs does not know what a candidate costs: pass cost='name of a column' or a formula of columns, "
                f"such as cost='params * experts'. The candidates have {listing(str(one) for one in frame.columns)}."
            )
        return 6 * column("params") * column("tokens")
    if isinstance(cost, Cost):
        return cost(column("params"), column("tokens"))
    if isinstance(cost, str):
        if cost in frame.columns:
            return frame[cost].to_numpy(float)
        tree = parse_formula(cost)
        return evaluate(tree, {name: column(name) for name in names_in(tree)})
    if callable(cost):
        return cost(frame)
    raise FitError(f"cost: a column, a formula of columns, sf.Cost or a function; got {type(cost).__name__}.")


def _there(frame: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in columns.items() if column in frame.columns}


def cost_text(cost: CostLike) -> str:
    """The cost in words."""
    if cost is None:
        return "flops, or 6 * params * tokens"
    return cost.text if isinstance(cost, Cost) else cost if isinstance(cost, str) else "a function of the candidates"
