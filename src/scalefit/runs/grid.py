"""Grids of sizes to predict."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError


def grid(**axes: Any) -> pd.DataFrame:
    """Every combination of the values given, as a table; the last name varies fastest.

    Parameters
    ----------
    **axes : sequence or single value
        Values of each column, in the order of the columns.

    Returns
    -------
    DataFrame
        One row per combination.

    Raises
    ------
    DataError
        If no axis is given or an axis is empty.

    Examples
    --------
    >>> grid(params=[1e8, 1e9], tokens=2e10)
             params        tokens
    0  1.000000e+08  2.000000e+10
    1  1.000000e+09  2.000000e+10
    """
    if not axes:
        raise DataError("grid needs at least one axis: grid(params=[1e9, 1e10], tokens=[2e10]).")
    values = {name: _axis(value) for name, value in axes.items()}
    empty = [name for name, axis in values.items() if not axis]
    if empty:
        raise DataError(f"grid: {empty[0]!r} is empty; give at least one value.")
    rows = itertools.product(*values.values())
    return pd.DataFrame(dict(zip(values, zip(*rows, strict=True), strict=True)))


def _axis(value: Any) -> list[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [value]
    return [value.item()] if isinstance(value, np.ndarray) and value.ndim == 0 else list(value)
