"""Strata: groups of units within which resamples are drawn, so that each keeps every size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import DataError, FitError, listing, missing_column, rows_text
from scalefit.fitting.problem import Array, numbers_of
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.units import Units

#: An input takes few values where each has so many units on average.
UNITS_OF_A_VALUE = 2


def strata_of(fit: Fitted, units: Units, strata: str | Sequence[object] | None) -> NDArray[np.intp]:
    """The stratum (units,) of each unit: its value of a column, a stratum of one unit joined to its nearest.

    Parameters
    ----------
    strata : a column of ``fit.data``, one value per row, or None for the first input of few distinct values.

    Raises
    ------
    FitError
        If no input takes few values, or a value changes within a run.
    """
    first = np.unique(units.labels, return_index=True)[1]
    values: NDArray[Any] = _default(fit, units, first) if strata is None else _given(fit, units, first, strata)
    codes, distinct = pd.factorize(values, sort=pd.api.types.is_numeric_dtype(values))
    there = np.bincount(units.labels, fit.weights, minlength=len(first)) > 0
    return _joined(np.asarray(codes), np.asarray(distinct), there)


def _default(fit: Fitted, units: Units, first: NDArray[np.intp]) -> Array:
    for x in numbers_of(fit.problem.inputs):
        if np.array_equal(x[first][units.labels], x) and UNITS_OF_A_VALUE * len(np.unique(x)) <= len(first):
            return x[first]
    raise FitError(
        f"kind='strata' found no input of {fit.law.name} ({listing(fit.law.inputs)}) that takes few values, each in "
        f"two {units.kind} or more. Pass strata= with a column of the fit or one value per row, such as "
        f"strata=np.log10(runs['{fit.law.inputs[0]}']).round(1)."
    )


def _given(fit: Fitted, units: Units, first: NDArray[np.intp], strata: str | Sequence[object]) -> NDArray[Any]:
    if isinstance(strata, str):
        if strata not in fit.data.columns:
            raise missing_column(strata, "strata", list(fit.data.columns))
        series = fit.data[strata]
    else:
        if len(strata) != fit.problem.n:
            raise FitError(f"strata must be a column or one value per row: {fit.problem.n} rows, {len(strata)} values.")
        series = pd.Series(np.asarray(strata))
    if series.isna().any():
        where = rows_text(list(series.index[series.isna()]))
        raise DataError(f"strata must have a value in every row; {where} has none.")
    values = series.reset_index(drop=True)
    changing = values.to_numpy() != values.to_numpy()[first][units.labels]
    if changing.any():
        where = rows_text(list(fit.data.index[changing]))
        raise FitError(
            f"strata must be the same in all rows of a run, since whole runs are drawn; {where} differ from the first. "
            "Stratify by a column that belongs to the run, such as 'params'."
        )
    return np.asarray(values.iloc[first])


def _joined(codes: NDArray[np.intp], distinct: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Strata in which one unit stands alone join the nearest: alone it would always be drawn, as if it had no scatter.

    Cochran 1977 calls these collapsed strata.
    """
    place = np.arange(len(distinct), dtype=float)
    if np.issubdtype(distinct.dtype, np.number):
        numbers = distinct.astype(float)
        place = np.log(numbers) if (numbers > 0).all() else numbers
    group = np.arange(len(distinct))
    while True:
        count = np.bincount(group[codes[there]], minlength=len(distinct))
        alone = np.flatnonzero(count == 1)
        others = np.unique(group[count[group] > 0])
        if not len(alone) or len(others) < 2:
            break
        members = np.flatnonzero(group == alone[0])
        outside = np.flatnonzero((group != alone[0]) & (count[group] > 0))
        nearest = outside[np.argmin(np.abs(place[outside, None] - place[members]).min(axis=1))]
        group[members] = group[nearest]
    return np.asarray(np.unique(group[codes], return_inverse=True)[1])
