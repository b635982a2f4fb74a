"""What is asked of a fit, made of a table and a call: everything checked, and the starts found."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import (
    ColumnError,
    DataError,
    FitError,
    FitWarning,
    did_you_mean,
    listing,
    missing_column,
    rows_text,
)
from scalefit.estimation.call import FitCall, StartsLike
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Problem
from scalefit.fitting.search import Begun, begin_search
from scalefit.fitting.setup import Constraints, bounded_law, make_coordinates
from scalefit.fitting.starts import Starts
from scalefit.law import Law
from scalefit.laws import catalogue
from scalefit.objectives import Objective
from scalefit.quantities import QUANTITIES
from scalefit.runs.checking import checked_columns, no_reserved_columns, numeric_column
from scalefit.runs.frame import as_frame

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asked:
    """A fit whose search has begun.

    Parameters
    ----------
    begun : the search, with the problem, the law with the bounds of the call, and the weights.
    frame : the rows.
    target, seen_as : what is predicted, and the column in which it was seen.
    columns : where else columns were read from than their names say.
    table : the inputs, and where they were read.
    notes : what should be said of the columns.
    doubts : what the law does not know of the runs, as sentences.
    """

    begun: Begun
    frame: pd.DataFrame
    target: str
    seen_as: str
    columns: Mapping[str, str]
    table: tables.Table
    notes: tuple[str, ...]
    doubts: tuple[str, ...]


def ask(runs: Any, call: FitCall, schedules: tables.Schedules | None) -> Asked:
    """Everything that a fit does before it follows its starts.

    Raises
    ------
    ColumnError, DataError, FitError
        As :func:`scalefit.fit`.
    """
    constraints, start = _constraints(call)
    constraints.check(call.law)
    _check_keys(call.columns, call.law, call.target)
    columns = _along(call.law, call.columns, call.along)
    law = bounded_law(call.law, constraints)
    objective = _objective(call.objective, law)
    frame = as_frame(runs)
    if not len(frame):
        raise DataError(f"{law.name}: the table of runs has no rows.")
    target = call.target or law.output
    no_reserved_columns(frame, needed_by="fit")
    known = tables.univariate_columns(frame, law, columns, call.along, _known_inputs(target))
    table = tables.read_inputs(frame, law, columns=known, schedules=schedules)
    y, seen_as, notes = _target(frame, target, objective, law, known)
    weights = _weights(frame, call.weights)
    _check_begun(law, table, frame.index)
    doubts = _doubts_of_curves(frame, law, known, table)
    problem = Problem(law, table.inputs, y, objective)
    coordinates = make_coordinates(law, constraints, table.inputs)
    _check_enough(coordinates, constraints, law, weights, seen_as)
    begun = begin_search(problem, law, coordinates, weights, _as_starts(call.starts, start), constraints)
    return Asked(begun, frame, target, seen_as, known, table, (*table.notes, *notes), doubts)


def _objective(objective: Objective | None, law: Law) -> Objective:
    objective = law.objective if objective is None else objective
    if isinstance(objective, type) or not hasattr(objective, "parts"):
        raise FitError(f"objective must be an objective such as sf.Huber(1e-3) or sf.Square(); got {objective!r}.")
    return objective


def _constraints(call: FitCall) -> tuple[Constraints, dict[str, float]]:
    fixed, bounds, tie, prior = call.fixed or {}, call.bounds or {}, call.tie or {}, call.prior or {}
    if call.params is None:
        return Constraints(fixed, bounds, tie, prior), {}
    if fixed or bounds or tie:
        raise FitError("Give either params or fixed, bounds and tie, not both: lmfit.Parameters hold them all.")
    from scalefit.fitting.lmfit_bridge import read_parameters

    read, start = read_parameters(call.params, call.law.param_names)
    return replace(read, prior=prior), start


def _check_keys(columns: Mapping[str, str] | None, law: Law, target: str | None) -> None:
    """Whether a key of ``columns`` looks like a slip of the pen: it would be passed over, and another column read."""
    read = [*law.inputs, *(law.derive.columns if law.derive else ()), target or law.output, "run", "step"]
    for key in columns or {}:
        if key not in QUANTITIES and key not in read and (meant := did_you_mean(key, read)):
            raise FitError(f"columns= names {key!r}, and {law.name} has no such input.{meant}")


def _along(law: Law, columns: Mapping[str, str] | None, along: str | None) -> Mapping[str, str] | None:
    """The columns with the one input of the law read from ``along``."""
    if along is None:
        return columns
    if len(law.inputs) > 1:
        raise FitError(
            f"along names the column of a law in one variable; {law.name} has {listing(law.inputs)}. "
            f"Where names differ, pass columns={{{law.inputs[0]!r}: {along!r}}}."
        )
    return {law.inputs[0]: along, **(columns or {})}


def _known_inputs(target: str) -> list[str]:
    """Columns that the one variable of a law may stand for."""
    return [name for name in ("flops", "tokens", "params", "step") if name != target]


def _target(
    frame: pd.DataFrame, target: str, objective: Objective, law: Law, columns: Mapping[str, str]
) -> tuple[Array, str, tuple[str, ...]]:
    """The seen values, their column, and what should be said of it."""
    try:
        checked = checked_columns(frame, [target], needed_by=law.name, columns=columns, positive=False)
    except ColumnError as error:
        if law.name == "formula" and target == law.output:
            raise ColumnError(
                f"{error} A formula predicts {target!r} unless told otherwise: pass target='loss'."
            ) from None
        raise
    y, column = checked.values[target], checked.columns[target]
    wrong = (
        (y <= 0)
        if objective.on == "log"
        else ((y <= 0) | (y >= 1))
        if objective.on == "logit"
        else np.zeros(len(y), bool)
    )
    if wrong.any():
        allowed = "> 0 on the log scale" if objective.on == "log" else "between 0 and 1 on the logit scale"
        raise DataError(
            f"{law.name}: column {column!r} must be {allowed}; {rows_text(list(frame.index[wrong]))} "
            f"{'is' if wrong.sum() == 1 else 'are'} not (such as {y[wrong][0]:g}). "
            'To fit residuals as they are, pass objective=sf.Square(on="raw").'
        )
    if len(y) > 1 and np.all(y == y[0]):
        raise DataError(f"{law.name}: column {column!r} is {y[0]:g} in every row, so there is nothing to fit.")
    return np.ascontiguousarray(y, float), column, checked.notes


def _weights(frame: pd.DataFrame, weights: str | Sequence[float] | None) -> Array:
    if weights is None:
        return np.ones(len(frame))
    if isinstance(weights, str):
        if weights not in frame.columns:
            raise missing_column(weights, "weights", list(frame.columns))
        values = numeric_column(frame, weights, name="weights", needed_by="fit", positive=False)
    else:
        values = np.array(weights, float)
        if values.shape != (len(frame),):
            raise DataError(f"weights must be one number per row: {len(frame)} rows, weights of shape {values.shape}.")
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any() or not values.sum() > 0:
        where = f"; {rows_text(list(frame.index[wrong]))} has {values[wrong][0]:g}" if wrong.any() else "; all are zero"
        raise DataError(f"weights must be finite, 0 or more, and not all zero{where}.")
    return values


def _check_begun(law: Law, table: tables.Table, labels: pd.Index) -> None:
    """Refuse rows from before the first step with a rate, where laws of training curves are infinite."""
    if law.derive is None or "S1" not in law.derive.columns:
        return
    early = table.inputs[law.inputs.index("S1")] <= 0
    if early.any():
        raise DataError(
            f"{law.name}: up to the step of {rows_text(list(labels[early]))} all learning rates are zero, and nothing "
            "has been learned: leave such rows out, runs[runs['step'] > 0]."
        )


def _doubts_of_curves(
    frame: pd.DataFrame, law: Law, columns: Mapping[str, str], table: tables.Table
) -> tuple[str, ...]:
    """What a law of curves does not know of its runs; warns of steps that stand twice in one of them."""
    if not table.curves:
        return ()
    if said := tables.repeated_steps(frame, columns, law.name):
        warnings.warn(said, FitWarning, stacklevel=4)
    takers: dict[str, list[str]] = {}
    for other in catalogue().values():
        for name in other.inputs if other.derive is not None else ():
            if other.derive is not None and name not in other.derive.columns:
                takers.setdefault(name, []).append(other.name)
    return (*tables.not_heard(frame, law, columns, takers), *table.doubts)


def _check_enough(coordinates: Coordinates, constraints: Constraints, law: Law, weights: Array, column: str) -> None:
    rows = int((weights > 0).sum())
    if rows + len(constraints.prior) < coordinates.q:
        names = [law.param_names[j] for j in coordinates.free]
        has = f"{rows} row{'s' if rows != 1 else ''} of {column!r}"
        raise DataError(
            f"{law.name} has {coordinates.q} free parameters ({listing(names)}); the table has {has}. Add runs, or "
            f"fix, tie or give a prior to some: fixed={{{names[0]!r}: …}}, tie={{…}}, "
            f"prior={{{names[-1]!r}: (0.35, 0.05)}}."
        )


def _as_starts(starts: StartsLike | None, from_params: dict[str, float]) -> Starts:
    extra = (from_params,) if from_params else ()
    if isinstance(starts, Starts):
        return replace(starts, given=(*starts.given, *extra))
    if starts is None:
        return Starts(given=extra)
    if not isinstance(starts, Mapping | list | tuple):
        raise FitError(f"starts must be a mapping of parameter to value, a list of them, or sf.Starts; got {starts!r}.")
    return Starts(given=(*((starts,) if isinstance(starts, Mapping) else tuple(starts)), *extra))
