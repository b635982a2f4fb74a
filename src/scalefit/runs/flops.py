"""Training compute from sizes, and grids of sizes to predict."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError

Floats = npt.NDArray[np.float64]


@overload
def count_flops(*, params: float, tokens: float) -> float: ...
@overload
def count_flops(*, params: pd.Series[Any], tokens: Any) -> pd.Series[float]: ...
@overload
def count_flops(*, params: Any, tokens: pd.Series[Any]) -> pd.Series[float]: ...
@overload
def count_flops(*, params: npt.ArrayLike, tokens: npt.ArrayLike) -> Floats: ...
def count_flops(*, params: Any, tokens: Any) -> Any:
    """Training compute of dense models: six operations per parameter and token.

    Parameters
    ----------
    params : float, array or Series
        Number of parameters, >= 0.
    tokens : float, array or Series
        Number of training tokens, >= 0.

    Returns
    -------
    float, array or Series
        ``6 * params * tokens``, in FLOP.

    Raises
    ------
    DataError
        If a number is negative.

    Examples
    --------
    >>> f"{count_flops(params=7e10, tokens=1.4e12):.2e}"
    '5.88e+23'
    """
    # Floats first: 6 * 70e9 * 1.4e12 does not fit in 64-bit integers.
    return 6.0 * _sizes(params, "params") * _sizes(tokens, "tokens")


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


def _sizes(value: Any, name: str) -> Any:
    numbers: Any = value.astype(float) if isinstance(value, pd.Series) else np.asarray(value, dtype=float)
    if (numbers < 0).any():
        raise DataError(f"count_flops: {name} must not be negative; got {float(numbers.min())!r}.")
    return float(numbers) if np.ndim(numbers) == 0 else numbers
