"""What a comparison reads off the table of runs: families, names of runs, what a run costs, runs near a route."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.curves import Curve
from scalefit.decisions.comparison.multipliers import SPLIT
from scalefit.decisions.spending import Cost
from scalefit.errors import ColumnError, DataError, rows_text
from scalefit.fitting.problem import Array
from scalefit.runs.columns import find_column, has_column

#: The word for the cost that each family's own runs show.
OWN = "runs"
#: Two runs stand near a route if no other input is off it by more than this factor.
NEAR = 1.5


def family_names(frame: pd.DataFrame, by: str) -> pd.Series:
    """The name of the family of each row."""
    if by not in frame.columns:
        there = list(map(str, frame.columns))
        close = difflib.get_close_matches(by, there, n=1)
        hint = f" Did you mean by={close[0]!r}?" if close else " Say by=… with the column that names the families."
        raise ColumnError(f"compare needs a column {by!r}; the table has {', '.join(there) or 'no columns'}.{hint}")
    missing = frame[by].isna()
    if missing.any():
        raise DataError(f"Column {by!r} names no family in {rows_text(list(frame.index[missing]))}.")
    told = frame[by].astype(str)
    if told.nunique() < 2:
        has = f"only {told.iloc[0]!r}" if len(told) else "no rows"
        raise DataError(f"compare needs two families or more in column {by!r}; the table has {has}.")
    return told


def tell_apart(
    frame: pd.DataFrame, told: pd.Series, columns: Mapping[str, str] | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with labels of rows and names of runs that no two families have in common, and the families."""
    if not frame.index.is_unique:
        frame = frame.reset_index(drop=True)
        told.index = frame.index
    if has_column(frame, "run", columns=columns):
        column = find_column(frame, "run", needed_by="compare", columns=columns)
        of_both = pd.DataFrame({"run": frame[column].astype(str), "family": told}).groupby("run")["family"].nunique()
        if (of_both > 1).any() and frame[column].notna().all():
            frame = frame.assign(**{column: told + "/" + frame[column].astype(str)})
    return frame, tuple(dict.fromkeys(told))


def costs_of(
    cost: Any, frame: pd.DataFrame, told: pd.Series, names: Sequence[str], columns: Mapping[str, str] | None
) -> Any:
    """What a run costs, one for each family where its own runs say it."""
    each = dict(cost) if isinstance(cost, Mapping) else dict.fromkeys(names, cost) if isinstance(cost, str) else cost
    if not isinstance(each, Mapping) or OWN not in [one for one in each.values() if isinstance(one, str)]:
        return cost
    return {
        name: Cost.from_runs(frame[(told == name).to_numpy()], columns=_known(columns)) if one == OWN else one
        for name, one in each.items()
    }


def _known(columns: Mapping[str, str] | None) -> dict[str, str]:
    return {name: column for name, column in (columns or {}).items() if name in ("params", "tokens", "flops")}


def where_text(curves: Mapping[str, Curve]) -> str:
    """Where the inputs stand: that of the first law that has something to say."""
    return next((curve.route.where for curve in curves.values() if curve.route.where), "")


def runs_near(curves: Mapping[str, Curve], target: str) -> pd.DataFrame:
    """Runs near the route, for a picture: ``family, place, observed``."""
    out = []
    for name, curve in curves.items():
        route, fit = curve.route, curve.route.fit
        inputs = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
        goes = {column: known for known, column in fit.columns.items()}.get(route.along, route.along)
        place = inputs[goes] if goes in inputs else route.spends(inputs["params"], inputs["tokens"])
        near = np.full(len(place), True)
        if not route.where.startswith(SPLIT):
            there = route.inputs(fit.theta, place)
            for one, values in inputs.items():
                with np.errstate(all="ignore"):
                    near &= np.abs(np.log(values / there[one][0])) <= np.log(NEAR)
        table = {"family": name, "place": place[near], "observed": fit.problem.target[near]}
        out.append(pd.DataFrame(table))
    return pd.concat(out, ignore_index=True)


def typical_size(curves: Mapping[str, Curve], moved: tuple[Any, Any, Any, Any]) -> dict[str, float]:
    """A round size in the middle of those that all families have, for laws of params and tokens along compute."""
    at, ratio, path, _ = moved
    laws = [curve.route.fit.law for curve in curves.values()]
    along = next(iter(curves.values())).route.along
    if along != "flops" or at is not None or ratio is not None or path not in (None, "optimal"):
        return {}
    if not all(set(law.inputs) == {"params", "tokens"} for law in laws):
        return {}
    sizes: list[Array] = [
        curve.route.fit.problem.inputs[law.inputs.index("params")]
        for curve, law in zip(curves.values(), laws, strict=True)
    ]
    low, high = max(float(one.min()) for one in sizes), min(float(one.max()) for one in sizes)
    if not low < high:
        return {}
    return {"params": float(f"{np.sqrt(low * high):.1e}")}
