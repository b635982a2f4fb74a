"""Predictions beside what was seen, division by division: what a back-test is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.decisions.splits import Cut, Division, Split
from scalefit.errors import DataError, FitError
from scalefit.result import Fit

Inputs = tuple[NDArray[np.float64], ...]
#: Fits some rows of the table of a split; the second argument says where its columns are read.
FitPart = Callable[[pd.DataFrame, Mapping[str, str]], Fit]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made at every division; ``schedules`` as for :func:`scalefit.fit`."""

    level: float
    draws: int
    rng: np.random.Generator | int | None
    schedules: tables.Schedules | None = None
    progress: bool = False


@dataclass(frozen=True, eq=False)
class Judged:
    """One division judged.

    Attributes
    ----------
    fit : Fit to the rows below, bootstrapped unless ``no_interval`` says why it could not be.
    rows : DataFrame, one row per judged row: ``row, [run], cut, observed, estimate, low, high, factor``.
    inputs : (n,) arrays, the inputs of the law at these rows.
    edge : the largest ``along`` fitted.
    """

    fit: Fit
    rows: pd.DataFrame
    inputs: Inputs
    edge: float
    no_interval: str = ""


def judge_divisions(
    split: Split, divisions: Sequence[Division], fit_part: FitPart, how: Resampling
) -> dict[Cut, Judged | str]:
    """What each division shows, or in words why it shows nothing."""
    told: dict[Cut, Judged | str] = {}
    # Every division has its own generator, made before any work, so that one cannot move another.
    seeds = np.random.default_rng(how.rng).integers(2**63, size=len(divisions))
    for division, seed in zip(divisions, seeds, strict=True):
        below = _fit_below(split, division, fit_part)
        if isinstance(below, str):
            told[division.cut] = below
            continue
        no_interval = ""
        try:
            below = below.bootstrap(how.draws, rng=np.random.default_rng(seed), progress=how.progress)
        except (DataError, FitError) as error:  # as many rows as parameters, or no resample that reaches a minimum
            no_interval = str(error)
        told[division.cut] = replace(_judge(split, division, below, how), no_interval=no_interval)
    return told


def _fit_below(split: Split, division: Division, fit_part: FitPart) -> Fit | str:
    """The fit of the rows below a cut, or why nothing can be learned there."""
    if division.reason:
        return division.reason
    try:
        fitted = fit_part(split.frame[division.fitted], split.columns)
    except DataError as error:  # the values were checked before: what is left is too few of them
        return str(error)
    return fitted.verdict if fitted.judgement.status == "not identified" else fitted


def _judge(split: Split, division: Division, fitted: Fit, how: Resampling) -> Judged:
    """Predictions beyond the cut beside what was seen; the points are handed over without their target."""
    # What follows from a schedule follows from whole runs, so rows that are not judged are dropped only afterwards.
    asked = ~division.fitted if split.whole_runs else division.judged
    kept = division.judged[asked]
    points = split.frame[asked].drop(columns=split.target_column)
    told = fitted.predict(points, level=how.level, interval="run", schedules=how.schedules)[kept]
    table = tables.read_inputs(points, fitted.law, columns=split.columns, schedules=how.schedules, warn_units=False)
    edge = float(split.along[division.fitted].max())
    out = pd.DataFrame({"row": told.index})
    if split.run_column is not None:
        out["run"] = told[split.run_column].to_numpy()
    out["cut"] = division.cut
    out["observed"] = split.observed[division.judged]
    for name in ("estimate", "low", "high"):
        out[name] = told[name].to_numpy() if name == "estimate" or fitted.draws is not None else np.nan
    # A factor past zero or a negative number has no meaning.
    factor = split.along[division.judged] / edge if edge > 0 else np.inf
    return Judged(fitted, out.assign(factor=factor), tuple(x[kept] for x in table.inputs), edge)
