"""Families of models fitted jointly: parameters that are equal for all, or drawn to a common mean."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.families_joint import Seen, family_numbers, fit_joint
from scalefit.decisions.families_record import FamilyCall, FamilyFit, Pull
from scalefit.decisions.families_spread import Spread, spread_of
from scalefit.decisions.joint_law import join_laws, moves_in_log
from scalefit.errors import DataError, FitError, FitWarning, UnitWarning, listing, missing_column, not_one_of, rows_text
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column
from scalefit.runs.frame import as_frame


def fit_families(
    runs: Any,
    law: Law | str,
    *,
    by: str = "family",
    share: Sequence[str] = ("alpha", "beta"),
    pull: Pull | None = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    weights: str | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    schedules: tables.Schedules | None = None,
) -> FamilyFit:
    """Fit one law to several families at once, with some parameters equal for all of them.

    Families trained alike often differ in their coefficients and not in their exponents. One that shares the exponents
    of others knows them better, and extrapolates better, if that is true: ``.test`` says whether the data object.

    Parameters
    ----------
    runs : table or path
        One row per run or checkpoint, as for :func:`scalefit.fit`.
    law : Law or name.
    by : column that names the families.
    share : parameters that are equal for all families; the others are each family's own.
    pull : None for equal parameters. True draws each family's value of a shared parameter to a common mean, the
        stronger the less families seem to differ; a mapping gives the standard deviation between families:
        ``{"alpha": 0.05}`` is 5 % for a positive parameter, and in its own unit for one of either sign.
    target, columns, objective, weights, fixed, bounds, tie, schedules : as for :func:`scalefit.fit`, of each family.

    Returns
    -------
    FamilyFit
        ``.estimates``, ``.fits`` by family, ``.predict``, ``.bootstrap``, ``.test``.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If values cannot be used, or a family has no name.
    FitError
        If ``share`` or ``pull`` names no parameter, or a constraint cannot be honoured.

    Notes
    -----
    The pull is a random effect: deviations of each family from the mean, in the log for a positive parameter, with a
    normal penalty whose width is the expected spread between families, given the separate fits and a half-normal prior
    of 25 % (:class:`scalefit.decisions.families_spread.Spread`).

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> families = sf.fit_families(runs, "chinchilla", share=["beta"])
    >>> families.estimates.estimate.unstack("family").loc["beta"].nunique()
    1
    """
    frame, call = checked_call(
        runs, law, by=by, share=share, pull=pull, target=target, columns=columns, objective=objective, weights=weights,
        fixed=fixed, bounds=bounds, tie=tie, schedules=schedules,
    )  # fmt: skip
    return fit_call(frame, call)


def checked_call(
    runs: Any,
    law: Law | str,
    *,
    by: str,
    share: Sequence[str],
    pull: Pull | None,
    target: str | None,
    columns: Mapping[str, str] | None,
    objective: Objective | None,
    fixed: Mapping[str, float] | None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None,
    tie: Mapping[str, str] | None,
    weights: str | None = None,
    schedules: tables.Schedules | None = None,
) -> tuple[pd.DataFrame, FamilyCall]:
    """The table and the call, with names checked; values are checked where they are read."""
    law = get_law(law)
    shared = _checked_share(law, share, pull)
    said = Constraints(fixed or {}, bounds or {}, tie or {})
    said.check(law)
    frame = as_frame(runs)
    if by not in frame.columns:
        raise missing_column(by, "fit_families", list(frame.columns))
    no_reserved_columns(frame, needed_by="fit_families")
    return frame, FamilyCall(law, by, shared, pull or False, target, columns, objective, weights, said, schedules)


def fit_call(frame: pd.DataFrame, call: FamilyCall) -> FamilyFit:
    """The joint fit of a table that was checked."""
    told = _family_names(frame, call.by)
    names = tuple(dict.fromkeys(told))
    frame = _runs_of_own(frame, told, call.columns)
    pooled = call.fit(frame)
    call = replace(call, law=pooled.law)  # with the bounds of the user in place of its own
    call = replace(call, constraints=replace(call.constraints, bounds={}))
    alone, left = _fit_alone(frame, told, names, call)
    return join_fits(frame, call, pooled, alone, left)


def join_fits(
    frame: pd.DataFrame, call: FamilyCall, pooled: Fit, alone: Mapping[str, Fit], left: Mapping[str, str]
) -> FamilyFit:
    """The joint fit, given the pooled one and those of the families alone."""
    told = _family_names(frame, call.by)
    names = tuple(dict.fromkeys(told))
    spreads = {name: _spread(alone, pooled, name) for name in call.share}
    pulls = _strengths(call, spreads) if len(names) > 1 else {}
    means = {name: pooled.estimates[name] for name in call.share}
    held = tuple(name for name in call.share if name not in pulls)
    joint = join_laws(pooled.law, names, held, tuple(pulls), means)
    fitted = fit_joint(joint, Seen(pooled, family_numbers(told, names), alone), call.constraints, pulls)
    notes = tuple(f"{name} was not fitted alone: {why}" for name, why in left.items())
    return FamilyFit(fitted, alone, pooled, left, spreads, pulls, joint, call, frame, (*pooled.notes, *notes))


def _checked_share(law: Law, share: Sequence[str], pull: Pull | None) -> tuple[str, ...]:
    names = (share,) if isinstance(share, str) else tuple(share)
    if isinstance(pull, Mapping):
        names = tuple(dict.fromkeys((*names, *pull)))
    for name in names:
        if name not in law.param_names:
            raise FitError(not_one_of(f"share: a parameter of {law.name}", name, law.param_names))
    if not names:
        raise FitError("share names no parameter; families that share nothing are separate fits: sf.fit on each.")
    for name, spread in (pull if isinstance(pull, Mapping) else {}).items():
        if not (np.isfinite(spread) and spread > 0):
            raise FitError(f"pull: the standard deviation of {name} between families must be > 0; got {spread!r}.")
    return names


def _family_names(frame: pd.DataFrame, by: str) -> pd.Series:
    missing = frame[by].isna()
    if missing.any():
        raise DataError(f"Column {by!r} names no family in {rows_text(list(frame.index[missing]))}.")
    return frame[by].astype(str)


def _runs_of_own(frame: pd.DataFrame, told: pd.Series, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """The table with names of runs that stand in two families told apart: they are two runs."""
    if tables.optional_column(frame, "run", columns or {}) is None:
        return frame
    column = find_column(frame, "run", needed_by="fit_families", columns=columns)
    if (
        frame[column].isna().any()
        or (pd.DataFrame({"r": frame[column], "f": told}).groupby("r")["f"].nunique() < 2).all()
    ):
        return frame
    return frame.assign(**{column: told + "/" + frame[column].astype(str)})


def _fit_alone(
    frame: pd.DataFrame, told: pd.Series, names: Sequence[str], call: FamilyCall
) -> tuple[dict[str, Fit], dict[str, str]]:
    alone: dict[str, Fit] = {}
    left: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the fit of all rows gave them
        warnings.simplefilter("ignore", UnitWarning)
        for name in names:
            try:
                alone[name] = call.fit(frame[(told == name).to_numpy()])
            except (DataError, FitError) as error:
                left[name] = str(error)
    return alone, left


def _spread(alone: Mapping[str, Fit], pooled: Fit, name: str) -> Spread:
    """The spread of a parameter between families, of those that know it."""
    param, values, errors = pooled.law.param(name), [], []
    for one in alone.values():
        if one.converged and name not in one.judgement.at_bound:
            values.append(one.estimates[name])
            with np.errstate(all="ignore"):
                errors.append(float(np.sqrt(np.diag(one.covariance)[one.law.param_names.index(name)])))
    return spread_of(values, errors, log=moves_in_log(param))


def _strengths(call: FamilyCall, spreads: Mapping[str, Spread]) -> dict[str, float]:
    """The standard deviation between families of each pulled parameter."""
    if isinstance(call.pull, Mapping):
        return {name: float(spread) for name, spread in call.pull.items()}
    if not call.pull:
        return {}
    tied = [name for name in call.share if name in call.constraints.fixed or name in call.constraints.tie]
    if tied:
        raise FitError(f"pull: {listing(tied)} is fixed or tied, so nothing draws it to a mean: leave it out of share.")
    return {name: spread.expected for name, spread in spreads.items()}
