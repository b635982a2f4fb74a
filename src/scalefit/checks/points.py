"""The numbers that the pictures of a check show: one row a run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scalefit.checks.table import RunsTable

#: Runs in a picture.
MOST_POINTS = 3000


def points_of(table: RunsTable) -> pd.DataFrame:
    """Family, sizes, compute and measurement of each run, at most 3,000 of them, evenly picked."""
    codes, names = table.families
    some = np.arange(len(table.names))
    if len(some) > MOST_POINTS:
        some = np.unique(np.linspace(0, len(some) - 1, MOST_POINTS).round().astype(int))
    points = pd.DataFrame({"family": np.array(names, dtype=object)[codes[some]]})
    for name in ("params", "tokens", "flops", table.target):
        if name is not None and name in table.numbers:
            points[name] = table.of_last(name)[some]
    points.attrs["target"] = table.target
    return points
