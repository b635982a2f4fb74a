"""Numbers of parameters and tokens as a user gives them: one, an array or a column, checked."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError, listing

Floats = npt.NDArray[np.float64]

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlist = _SHORT.maxtuple = 3
_SHORT.maxdict = 2


def shorten(value: object) -> str:
    """A value as it would be typed, cut to a line."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python refuses to print whole numbers of more than 4,300 digits
        return f"a very long {type(value).__name__}"


def as_sizes(value: Any, name: str, *, needed_by: str = "count_flops", positive: bool = False) -> Any:
    """A float, an array of floats or a Series of them; negative numbers, text and None are refused, NaN is kept."""
    try:
        if value is None or np.asarray(value).dtype.kind not in "biufO":
            raise TypeError
        if isinstance(value, pd.Series):
            numbers: Any = pd.Series(value.to_numpy(dtype=float, na_value=np.nan), index=value.index)
        else:
            numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        got = f"values of type {value.dtype}" if isinstance(value, pd.Series | np.ndarray) else shorten(value)
        hint = " Its compute: .count_flops(tokens=...)." if hasattr(value, "count_flops") else ""
        raise DataError(f"{needed_by}: {name} must be numbers; got {got}.{hint}") from None
    refused = numbers <= 0 if positive else numbers < 0
    if refused.any():
        must = "be above zero" if positive else "not be negative"
        raise DataError(f"{needed_by}: {name} must {must}; got {float(numbers[refused].min())!r}.")
    return float(numbers) if np.ndim(numbers) == 0 else numbers


def check_rows(numbers: dict[str, Any]) -> None:
    """Refuse Series with other row labels, and shapes that do not go together."""
    series = {name: value for name, value in numbers.items() if isinstance(value, pd.Series)}
    first = next(iter(series), "")
    for name, value in series.items():
        if not value.index.equals(series[first].index):
            raise DataError(
                f"count_flops: {first} and {name} have other row labels; take both from one table, or pass "
                f"{name}.to_numpy()."
            )
    try:
        np.broadcast_shapes(*(np.shape(value) for value in numbers.values()))
    except ValueError:
        shapes = listing(f"{name} {np.shape(value)}" for name, value in numbers.items())
        raise DataError(f"count_flops: the shapes do not go together: {shapes}.") from None
