"""Fit the small runs of each family, judge its large ones: families alone, sharing, or drawn to a mean."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.families import checked_call, fit_call, join_fits
from scalefit.decisions.families_record import FamilyCall, FamilyFit, Pull
from scalefit.errors import DataError, FitError, FitWarning, ScalefitError, UnitWarning, listing
from scalefit.law import Array, Law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.checking import checked_columns, no_reserved_columns
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.said import Answer, Said, state_of

Method = Literal["separate", "shared", "pulled"]
METHODS: tuple[Method, ...] = ("separate", "shared", "pulled")


@dataclass(frozen=True, eq=False, repr=False)
class FamilyBacktest(Answer):
    """How well families fitted alone, sharing and pulled predicted their large runs.

    Made by :func:`scalefit.backtest_families`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per method, cut and judged row: ``method, cut, family, row, observed, estimate, low, high, factor``: how
        many times beyond the largest ``along`` fitted in its family. Intervals are for one new run.
    share : tuple of str, the parameters that were shared or pulled.
    along : str, the column that orders the runs.
    level : float in (0, 1), of the intervals.
    skipped : tuple of str. What could not be judged, and why.
    """

    frame: pd.DataFrame
    share: tuple[str, ...]
    along: str
    level: float
    skipped: tuple[str, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row per method, each family and cut counting the same.

        Indexed by ``method``: ``error``, mean absolute relative error; ``bias``, above zero where losses are predicted
        too high; ``coverage`` of the intervals; ``half_width``, relative; ``interval_score``, relative, lower is better
        (Gneiting & Raftery 2007); ``n``, rows judged.
        """
        by_cut = self.by_family.groupby("method", observed=True)
        table = by_cut[["error", "bias", "coverage", "half_width", "interval_score"]].mean()
        return table.assign(n=by_cut["n"].sum()).loc[[method for method in METHODS if method in table.index]]

    @property
    def by_family(self) -> pd.DataFrame:
        """The same measures for each method, family and cut."""
        rows, alpha = self.frame, 1 - self.level
        seen = rows["observed"]
        missed = (rows["low"] - seen).clip(lower=0) + (seen - rows["high"]).clip(lower=0)
        measures = pd.DataFrame(
            {
                "error": (rows["estimate"] / seen - 1).abs(),
                "bias": rows["estimate"] / seen - 1,
                "coverage": ((rows["low"] <= seen) & (seen <= rows["high"])).astype(float),
                "half_width": (rows["high"] - rows["low"]) / 2 / seen,
                "interval_score": (rows["high"] - rows["low"] + 2 / alpha * missed) / seen,
                "n": 1,
            }
        )
        keys = [rows["method"], rows["family"], rows["cut"]]
        grouped = measures.groupby(keys)
        return grouped.mean().assign(n=grouped["n"].sum()).reset_index()

    @property
    def best(self) -> str:
        """The method with the smallest mean error."""
        return str(self.summary["error"].idxmin())

    def said(self) -> Said:
        """What predicted best, in words; doubtful where something could not be judged."""
        shown = self.summary.copy()
        for name in ("error", "bias", "half_width", "interval_score"):
            shown[name] = shown[name].map("{:.2%}".format)
        shown["coverage"] = shown["coverage"].map("{:.0%}".format)
        return Said(state_of(self.skipped), self._headline(), self.skipped, (shown,))

    def _headline(self) -> str:
        error = self.summary["error"]
        others = [f"{error[method]:.2%} {method}" for method in error.index if method != self.best]
        return (
            f"{self.best} predicted the large runs best: mean error {error[self.best]:.2%}, against "
            f"{listing(others)} ({listing(self.share)}, along {self.along})"
        )


def backtest_families(
    runs: Any,
    law: Law | str,
    *,
    by: str = "family",
    share: Sequence[str] = ("alpha", "beta"),
    pull: Pull = True,
    along: str = "flops",
    cuts: Sequence[float] = (0.5, 0.6, 0.7, 0.8),
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    level: float = 0.9,
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    draws: int | None = None,
    rng: np.random.Generator | int | None = None,
) -> FamilyBacktest:
    """Fit the small runs of each family alone, sharing and pulled, and compare predictions of its large runs.

    A test can say that families differ where sharing still predicts better, and the other way round; this asks what
    predicts. At each cut the lower part of every family is fitted and the rows beyond it are judged.

    Parameters
    ----------
    runs, law, by, share, target, columns, objective, fixed, bounds, tie : as for :func:`scalefit.fit_families`.
    pull : how the third method pulls; True takes the strength from the spread of the fitted parts.
    along : column that orders the runs; ``"flops"`` is derived where it is absent.
    cuts : shares of the runs of each family that are fitted, each in (0, 1).
    level : float in (0, 1), of the intervals.
    draws : resamples behind the intervals; None draws from the covariance, which is quicker.
    rng : Generator, seed or None, of the resamples.

    Returns
    -------
    FamilyBacktest
        ``.summary`` by method, ``.by_family``, ``.frame``, ``.best``.

    Raises
    ------
    ColumnError, DataError, FitError
        As :func:`scalefit.fit_families`; or if no cut leaves rows on both sides.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> test = sf.backtest_families(runs, "chinchilla", cuts=[0.7])
    >>> list(test.summary.index)
    ['separate', 'shared', 'pulled']
    """
    frame, call = checked_call(
        runs, law, by=by, share=share, pull=pull, target=target, columns=columns, objective=objective, fixed=fixed,
        bounds=bounds, tie=tie,
    )  # fmt: skip
    return backtest_call(frame, call, along=along, cuts=cuts, level=level, draws=draws, rng=rng)


def backtest_call(
    frame: pd.DataFrame,
    call: FamilyCall,
    *,
    along: str,
    cuts: Sequence[float],
    level: float,
    draws: int | None,
    rng: np.random.Generator | int | None,
) -> FamilyBacktest:
    """The back-test of a table that was checked."""
    check_level(level)
    wrong = [cut for cut in cuts if not 0 < cut < 1]
    if wrong or not len(cuts):
        raise FitError(f"cuts are shares of the runs between 0 and 1, such as (0.5, 0.8); got {listing(cuts)}.")
    no_reserved_columns(frame, ("estimate", "low", "high", "beyond"), needed_by="backtest_families")
    checked = checked_columns(
        frame, [along], needed_by="backtest_families", columns=call.columns, positive=False, warn_units=False
    )
    position = np.array(checked.values[along], float)
    generator = np.random.default_rng(rng)
    parts: list[pd.DataFrame] = []
    skipped: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # a fit that is not believed counts as it predicts
        warnings.simplefilter("ignore", UnitWarning)
        for cut in sorted(set(cuts)):
            below, judged = _split(frame, call, position, cut)
            if not judged.any() or not below.any():
                skipped.append(f"cut {cut:g}: no rows on both sides")
                continue
            fits, why = _fit_all(frame[below], call)
            skipped += [f"cut {cut:g}: {reason}" for reason in why]
            edge = pd.Series(position[below]).groupby(frame[call.by].astype(str).to_numpy()[below]).max()
            for method, one in fits.items():
                told = _predict(one, method, frame[judged], call, level, draws, generator)
                far = position[judged] / told["family"].map(edge).to_numpy(float)
                parts.append(told.assign(cut=cut, factor=far))
    if not parts:
        raise DataError(f"backtest_families along {along!r}: nothing can be judged. {'; '.join(skipped)}.")
    together = pd.concat(parts, ignore_index=True).dropna(subset="estimate")
    names = ["method", "cut", "family", "row", "observed", "estimate", "low", "high", "factor"]
    return FamilyBacktest(_common(together)[names], call.share, along, float(level), tuple(skipped))


def _split(frame: pd.DataFrame, call: FamilyCall, position: Array, cut: float) -> tuple[Array, Array]:
    """Rows of the lower runs of each family, and its rows beyond all of these."""
    families = frame[call.by].astype(str).to_numpy()
    named = tables.optional_column(frame, "run", call.columns or {})
    runs = np.arange(len(frame)).astype(str) if named is None else frame[named].astype(str).to_numpy()
    table = pd.DataFrame({"family": families, "run": runs, "position": position})
    reach = table.groupby(["family", "run"])["position"].transform("max").to_numpy()
    below, judged = np.zeros((2, len(frame)), bool)
    for family in dict.fromkeys(families):
        own = families == family
        ends = np.sort(table[own].groupby("run")["position"].max().to_numpy())
        count = int(np.floor(cut * len(ends) + 1e-9))
        if count:
            below |= own & (reach <= ends[count - 1])
            judged |= own & (position > ends[count - 1])
    return below, judged


def _fit_all(frame: pd.DataFrame, call: FamilyCall) -> tuple[dict[Method, FamilyFit], list[str]]:
    """The three ways to fit some rows; the families alone are those of the shared fit."""
    fits: dict[Method, FamilyFit] = {}
    skipped = []
    try:
        shared = fit_call(frame, replace(call, pull=False))
    except ScalefitError as error:
        return {}, [str(error)]
    fits["separate"] = fits["shared"] = shared
    try:
        pulled = replace(shared.call, pull=call.pull or True)
        fits["pulled"] = join_fits(shared.runs, pulled, shared.pooled, shared.separate, shared.left_alone)
    except ScalefitError as error:
        skipped.append(f"pulled: {error}")
    return fits, skipped


def _predict(
    families: FamilyFit,
    method: Method,
    frame: pd.DataFrame,
    call: FamilyCall,
    level: float,
    draws: int | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Predictions of the judged rows; none of families that the method could not fit."""
    if draws is not None and method != "separate":
        families = families.bootstrap(draws, rng=rng)
    target = families.fit.target
    seen = checked_columns(frame, [target], needed_by="backtest_families", columns=call.columns, warn_units=False)
    out = pd.DataFrame(
        {
            "method": method,
            "family": frame[call.by].astype(str),
            "row": frame.index,
            "observed": seen.values[target],
        }
    )
    values = np.full((3, len(frame)), np.nan)
    fits: Mapping[str, Fit] = families.separate if method == "separate" else families.fits
    for name, one in fits.items():
        rows = np.flatnonzero(out["family"].to_numpy() == name)
        if not len(rows):
            continue
        told = one.bootstrap(draws, rng=rng) if draws is not None and method == "separate" else one
        part = told.predict(frame.iloc[rows], level=level, interval="run", columns=call.columns)
        values[:, rows] = part[["estimate", "low", "high"]].to_numpy(float).T
    return out.assign(estimate=values[0], low=values[1], high=values[2])


def _common(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that every method predicted: the others would compare methods on different runs."""
    methods = frame["method"].nunique()
    kept = frame.groupby(["cut", "row"])["method"].transform("nunique") == methods
    return frame[kept].reset_index(drop=True)
