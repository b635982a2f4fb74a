"""The run so many times larger than the largest of a table, where nothing else is said of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.runs.checking import checked_columns
from scalefit.runs.columns import has_column


def larger_run(params: Array, tokens: Array, cost: Array, *, times: float) -> tuple[float, float]:
    """The size and tokens of a run of so many times the compute of the largest, at its tokens per parameter.

    Examples
    --------
    >>> params, tokens = np.array([1e8, 1e9]), np.array([1e10, 2e10])
    >>> larger_run(params, tokens, 6 * params * tokens, times=100)
    (10000000000.0, 200000000000.0)
    """
    largest, more = int(np.argmax(cost)), float(np.sqrt(times))
    return rounded(more * float(params[largest])), rounded(more * float(tokens[largest]))


def larger_point(runs: pd.DataFrame, *, times: float, columns: Mapping[str, str]) -> dict[str, float]:
    """That run of a table: its params and tokens, or its flops where the table has no others.

    Raises
    ------
    FitError
        If ``times`` is not above zero.
    ColumnError
        If the table holds neither params and tokens nor flops.
    """
    if not (np.isfinite(times) and times > 0):
        raise FitError(f"How many times the largest run must be a number above zero, such as 10; got {times:g}.")
    names = ["params", "tokens"]
    if not all(has_column(runs, name, columns=columns) for name in names) and has_column(
        runs, "flops", columns=columns
    ):
        names = ["flops"]
    found = checked_columns(runs, names, needed_by=f"a run {times:g} times the largest", columns=columns)
    seen = {name: np.asarray(values, float) for name, values in found.values.items()}
    if "flops" in seen:
        return {"flops": rounded(times * float(seen["flops"].max()))}
    params, tokens = seen["params"], seen["tokens"]
    return dict(zip(names, larger_run(params, tokens, 6 * params * tokens, times=times), strict=True))


def rounded(value: float, digits: int = 3) -> float:
    """A number with a few digits, as people type it.

    Examples
    --------
    >>> rounded(4.9736e13)
    49700000000000.0
    """
    return float(f"{value:.{digits - 1}e}")
