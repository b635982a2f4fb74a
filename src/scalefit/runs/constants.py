"""What does not change within a run: its size, its family, its seed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from scalefit.runs.columns import find_column, has_column
from scalefit.runs.flops import count_flops
from scalefit.runs.histories import Columns, Ints, Mask


@dataclass(frozen=True, eq=False)
class Constancy:
    """Where a column has a value of each group, and in which groups it has more than one.

    Attributes
    ----------
    places : array (g,)
        The first row of each group with a value; its first row where there is none.
    varies : array (g,)
        Whether the group has different values; missing ones do not count.
    """

    places: Ints
    varies: Mask


def constancy(series: pd.Series[Any], groups: Ints, count: int) -> Constancy:
    """Find out in which of ``count`` groups a column has one single value.

    Parameters
    ----------
    series : Series of n values
    groups : array (n,)
        The number of the group of each row; every group has a row.
    count : int
    """
    places = _first_rows(np.arange(len(groups)), groups, count)
    present = np.flatnonzero(series.notna().to_numpy())
    with_value = _first_rows(present, groups[present], count)
    places = np.where(with_value >= 0, with_value, places)
    try:
        codes = pd.factorize(series)[0]
    except TypeError:  # lists and dictionaries have no hash: nobody can say whether they are equal
        return Constancy(places, np.ones(count, dtype=np.bool_))
    differs = (codes >= 0) & (codes != codes[places][groups])
    return Constancy(places, np.bincount(groups[differs], minlength=count) > 0)


def _first_rows(rows: Ints, groups: Ints, count: int) -> Ints:
    """The first row of each group, -1 where it has none."""
    first = np.full(count, -1, dtype=np.intp)
    first[groups[::-1]] = rows[::-1]  # of several rows of a group, the assignment leaves the first
    return first


def constant_columns(
    frame: pd.DataFrame, groups: Ints, count: int, *, without: Collection[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """The columns with one value in every group, as a table of ``count`` rows, and the names of the others."""
    kept, varying = {}, []
    for name in frame.columns:
        if name in without:
            continue
        found = constancy(frame[name], groups, count)
        if found.varies.any():
            varying.append(str(name))
        else:
            kept[name] = frame[name].iloc[found.places].reset_index(drop=True)
    return pd.DataFrame(kept, index=pd.RangeIndex(count)), varying


def append_flops(frame: pd.DataFrame, *, columns: Columns) -> tuple[pd.DataFrame, str]:
    """Append ``flops`` to a table that lacks it, where its sizes allow, and say so; sizes that do not are no error."""
    if has_column(frame, "flops", columns=columns):
        return frame, ""
    if not all(has_column(frame, name, columns=columns) for name in ("params", "tokens")):
        return frame, ""
    params, tokens = (
        frame[find_column(frame, name, needed_by="flops", columns=columns)] for name in ("params", "tokens")
    )
    plain = all(types.is_numeric_dtype(sizes) and not (sizes < 0).any() for sizes in (params, tokens))
    if not plain:
        return frame, ""
    return frame.assign(flops=count_flops(params=params, tokens=tokens)), "flops derived as 6 * params * tokens"
