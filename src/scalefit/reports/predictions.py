"""Predictions as a table of text."""

from __future__ import annotations

import pandas as pd

from scalefit.wording.digits import number, significant
from scalefit.wording.tables import columns_text


def describe_predictions(frame: pd.DataFrame, level: float) -> str:
    """What ``fit.predict`` returned, one line a point, with a warning where a point lies beyond the data.

    Parameters
    ----------
    frame : DataFrame
        With ``estimate, low, high, beyond`` and the columns of the points.
    level : float in (0, 1)
        The level the intervals were made for.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [2e9], "estimate": [2.5], "low": [2.4], "high": [2.6], "beyond": [1.0]})
    >>> print(describe_predictions(points, 0.9))
    x    estimate  low      high     beyond
    2e9  2.50000   2.40000  2.60000  1
    low and high: 90 % intervals
    """
    header = [str(name) for name in frame.columns]
    rows = [[_cell(name, value) for name, value in row.items()] for row in frame.to_dict("records")]
    lines = [columns_text([header, *rows], indent=""), f"low and high: {level * 100:.3g} % intervals"]
    farthest = number(float(frame["beyond"].max()), digits=3)
    if (frame["beyond"] > 1).any():
        lines.append(f"beyond: up to {farthest} times past the fitted range; one law's intervals are too narrow there")
    return "\n".join(lines)


def _cell(name: object, value: object) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return significant(value) if name in ("estimate", "low", "high") else number(value)
