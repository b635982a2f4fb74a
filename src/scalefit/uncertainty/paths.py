"""Paths through the inputs of a law, and how far a point lies beyond the data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.problem import Array, Inputs


def beyond(inputs: Inputs, fitted: Inputs) -> Array:
    """The largest factor past the fitted range over the inputs, 1 inside it; infinite where a factor has no meaning.

    Of an input that was zero or less in fitted rows, it is one more than the distance in widths of the range.
    """
    out = np.ones(len(inputs[0]))
    for x, seen in zip(inputs, fitted, strict=True):
        if x.ndim > 1:  # a history has no range
            continue
        low, high = float(seen.min()), float(seen.max())
        with np.errstate(divide="ignore", invalid="ignore"):
            if low <= 0 < high - low:
                factor = 1 + np.maximum(x - high, low - x) / (high - low)
            else:
                over = x / high if high > 0 else np.inf
                factor = np.where(x > high, over, np.where(x > 0, low / x, np.inf))
        out = np.maximum(out, np.where((x > high) | (x < low), factor, 1.0))
    return out


def columns_there(frame: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of the fit that also stand in another frame; others are looked for by their names."""
    return {name: column for name, column in columns.items() if column in frame.columns}


def path_along(
    names: tuple[str, ...],
    fitted: Inputs,
    along: str | None,
    *,
    at: Mapping[str, float],
    ratio: float | None,
    points: int,
    beyond: float,
) -> pd.DataFrame:
    """Values of all inputs along one quantity, from the smallest fitted to ``beyond`` times the largest."""
    seen = dict(zip(names, fitted, strict=True))
    along = along or (names[0] if len(names) == 1 else None)
    choices = [*names, *(["flops"] if set(names) == {"params", "tokens"} else [])]
    if along not in choices:
        raise FitError(not_one_of("along", along, choices))
    unknown = [name for name in at if name not in names or name == along]
    if unknown:
        raise FitError(f"at fixes inputs other than {along!r}, of {listing(names)}; got {listing(unknown)}.")
    if along == "flops":
        N, D = seen["params"], seen["tokens"]
        ratio = float(np.median(D / N)) if ratio is None else ratio
        flops = _spread(6 * N * D, points, beyond)
        params = np.sqrt(flops / (6 * ratio))
        return pd.DataFrame({"flops": flops, "params": params, "tokens": ratio * params})
    if ratio is not None:
        raise FitError("ratio is for along='flops'; along an input, fix the others with at={…}.")
    path = pd.DataFrame({along: _spread(seen[along], points, beyond)})
    others = {name: float(at.get(name, np.median(seen[name]))) for name in names if name != along}
    return path.assign(**others)


def _spread(values: Array, points: int, beyond: float) -> Array:
    low, high = float(values.min()), float(values.max())
    if low > 0:
        return np.geomspace(low, high * beyond, points)
    return np.linspace(low, high, points)
