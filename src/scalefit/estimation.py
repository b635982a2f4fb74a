"""The one place where a law, runs and the solver meet in a Fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import provenance, tables
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
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Problem
from scalefit.fitting.search import search
from scalefit.fitting.setup import Constraints, bounded_law, make_coordinates
from scalefit.fitting.starts import Starts
from scalefit.fitting.verdict import Verdict, judge
from scalefit.law import Law
from scalefit.laws import catalogue, get_law
from scalefit.objectives import Objective
from scalefit.quantities import QUANTITIES
from scalefit.result import Fit
from scalefit.runs.checking import checked_columns, no_reserved_columns, numeric_column
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.apart import runs_apart
from scalefit.uncertainty.hardly import hardly_identified
from scalefit.uncertainty.reservations import reservations_of
from scalefit.uncertainty.units import Units, block_names, choose_units, row_names

if TYPE_CHECKING:
    import lmfit

Array = NDArray[np.float64]
StartsLike = Starts | Mapping[str, float] | Sequence[Mapping[str, float]]


def fit(
    runs: Any,
    law: Law | str,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str | None = None,
    objective: Objective | None = None,
    weights: str | Sequence[float] | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    prior: Mapping[str, tuple[float, float]] | None = None,
    params: lmfit.Parameters | None = None,
    schedules: tables.Schedules | None = None,
    starts: StartsLike | None = None,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """Fit a law to runs: robust, from many starts, no guess needed.

    Parameters
    ----------
    runs : table or path
        One row per run or checkpoint: pandas, polars, Arrow, a mapping of columns, or a CSV or Parquet file.
    law : Law or name, such as ``"chinchilla"``.
    target : column that the law predicts; None is the law's own output (``loss`` for most).
    columns : input of the law -> column, where names differ: ``{"x": "flops"}``.
    along : column of the input of a law in one variable, where ``columns`` does not name it.
    objective : such as ``sf.Huber(1e-3)`` or ``sf.Square(on="raw")``; None is the law's own.
    weights : a column or one number >= 0 per row: how often each row counts, as if it stood there so often. Scale
        relative weights to a mean of 1, or standard errors will be those of more or fewer rows.
    fixed : parameter -> value that is not fitted.
    bounds : parameter -> (low, high); None keeps the law's own bound on that side.
    tie : parameter -> formula of other parameters, such as ``{"beta": "alpha"}``.
    prior : parameter -> (centre, standard deviation); makes fits on four to six points usable.
        ``sf.LogPrior(centre, deviation)`` is one on the logarithm, for sizes of which only the order is known.
    params : ``lmfit.Parameters`` with values, bounds, ``vary`` and ``expr``, in place of the four before.
    schedules : run -> Schedule, for laws of training curves; else the ``lr`` column is read.
    starts : a mapping or mappings of parameter -> value to start from besides the library's own, or ``sf.Starts``.
    rng : not needed: starts are the same each time. Accepted so that all calls look alike.

    Returns
    -------
    Fit
        ``fit.converged`` and ``fit.verdict`` say whether to believe it.

    Raises
    ------
    ColumnError
        If a column is missing or could be meant twice.
    DataError
        If a used value is NaN, infinite, text, or out of range, or there are fewer rows than free parameters.
    FitError
        If constraints name unknown parameters or contradict each other.

    Warns
    -----
    UnitWarning
        If a column looks as if it were in millions or billions.
    FitWarning
        If the law was written from memory of its paper.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla", tie={"beta": "alpha"})
    >>> fit.estimates["beta"] == fit.estimates["alpha"]
    True
    """
    law = get_law(law)
    constraints, start = _constraints(law, fixed, bounds, tie, prior, params)
    constraints.check(law)
    _check_keys(columns, law, target)
    columns = _along(law, columns, along)
    law = bounded_law(law, constraints)
    objective = law.objective if objective is None else objective
    if isinstance(objective, type) or not hasattr(objective, "parts"):
        raise FitError(f"objective must be an objective such as sf.Huber(1e-3) or sf.Square(); got {objective!r}.")
    frame = as_frame(runs)
    if not len(frame):
        raise DataError(f"{law.name}: the table of runs has no rows.")
    target = target or law.output
    no_reserved_columns(frame, needed_by="fit")
    known = tables.univariate_columns(frame, law, columns, along, _known_inputs(target))
    table = tables.read_inputs(frame, law, columns=known, schedules=schedules)
    y, seen_as, y_notes = _target(frame, target, objective, law, known)
    row_weights = _weights(frame, weights)
    _check_begun(law, table, frame.index)
    doubts = _doubts_of_curves(frame, law, known, table)
    problem = Problem(law, table.inputs, y, objective)
    coordinates = make_coordinates(law, constraints, table.inputs)
    _check_enough(problem, coordinates, constraints, law, row_weights, seen_as)
    found = search(problem, law, coordinates, row_weights, _as_starts(starts, start), constraints)
    problem, theta = found.problem, coordinates.to_params(found.u[None])[0]
    _check_ties(law, constraints, theta)
    with np.errstate(all="ignore"):  # a parameter that nothing fixes may be of any size
        judgement = judge(problem, coordinates, found.u, row_weights, found.objectives, law.param_names, law.inputs)
    judgement = _without_decay(judgement, law, table.unseen, coordinates, constraints)
    units, names = _units(frame, known, problem.residual(theta)[0], table)
    if law.derive is not None and judgement.status == "converged":
        asked = law.derive.seen_in_decay
        wide = hardly_identified(law, problem, coordinates, found.u, row_weights, units, asked)
        apart = runs_apart(problem, theta, row_weights, tables.run_names(frame, known)) if table.curves else ""
        doubts = (*(said for said in (wide, apart) if said), *doubts)
    judgement = replace(judgement, reasons=(*judgement.reasons, *doubts))
    run_column = tables.optional_column(frame, "run", known)
    data = _used_data(frame, table, seen_as, y, law, known)
    reservations = () if table.curves else reservations_of(problem, theta, data)
    used = {**table.columns, target: seen_as, **({} if run_column is None else {"run": run_column})}
    if law.verified == "memory":
        _warn_of_memory(law)
    return Fit(
        law=law,
        problem=problem,
        coordinates=coordinates,
        constraints=constraints,
        u=found.u,
        weights=row_weights,
        units=units,
        unit_names=names,
        judgement=judgement,
        objective=float(replace(problem, prior=None).value(theta, row_weights[None])[0]),
        basins=found.basins,
        target=target,
        columns=used,
        data=data,
        provenance=provenance.record(problem, row_weights, law, constraints, used, frame.attrs),
        notes=(*table.notes, *y_notes, *reservations),
    )


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
        warnings.warn(said, FitWarning, stacklevel=3)
    takers: dict[str, list[str]] = {}
    for other in catalogue().values():
        for name in other.inputs if other.derive is not None else ():
            if other.derive is not None and name not in other.derive.columns:
                takers.setdefault(name, []).append(other.name)
    return (*tables.not_heard(frame, law, columns, takers), *table.doubts)


def _without_decay(
    judgement: Verdict, law: Law, unseen: tuple[str, ...], coordinates: Coordinates, constraints: Constraints
) -> Verdict:
    """The verdict where no rate falls before any row: what a decay saves is guessed from the warm-up at most."""
    free = [law.param_names[j] for j in coordinates.free]
    guessed = [name for name in unseen if name in free and name not in constraints.prior]
    if not guessed:
        return judgement
    why = (
        f"the learning rate never falls before the last row of any run, and only that tells {listing(guessed)}: "
        f"add a run whose rate decays, or fix {'it' if len(guessed) == 1 else 'them'}"
    )
    others = judgement.reasons if judgement.status == "not identified" else ()
    return replace(judgement, status="not identified", reasons=(why, *others))


def _check_ties(law: Law, constraints: Constraints, theta: Array) -> None:
    """Refuse tied values outside the bounds of their parameters: no bound holds them during the fit."""
    for name, text in constraints.tie.items():
        param, value = law.param(name), float(theta[0, law.param_names.index(name)])
        if not param.lower <= value <= param.upper:
            raise FitError(
                f"tie: {name} = {text} is {value:.4g}, outside its bounds ({param.lower:g}, {param.upper:g}). "
                f"Tie it otherwise, or bound what it is made of."
            )


def _constraints(
    law: Law,
    fixed: Mapping[str, float] | None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None,
    tie: Mapping[str, str] | None,
    prior: Mapping[str, tuple[float, float]] | None,
    params: lmfit.Parameters | None,
) -> tuple[Constraints, dict[str, float]]:
    if params is None:
        return Constraints(fixed or {}, bounds or {}, tie or {}, prior or {}), {}
    if fixed or bounds or tie:
        raise FitError("Give either params or fixed, bounds and tie, not both: lmfit.Parameters hold them all.")
    from scalefit.fitting.lmfit_bridge import read_parameters

    read, start = read_parameters(params, law.param_names)
    return replace(read, prior=prior or {}), start


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


def _check_enough(
    problem: Problem, coordinates: Coordinates, constraints: Constraints, law: Law, weights: Array, column: str
) -> None:
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


def _units(
    frame: pd.DataFrame, columns: Mapping[str, str], residual: Array, table: tables.Table
) -> tuple[Units, tuple[str, ...]]:
    """What is resampled as one piece, with names that do not depend on the order of rows."""
    if tables.optional_column(frame, "run", columns) is None and not table.curves:
        return choose_units(len(frame), None, None, residual), row_names(list(frame.index), table.inputs)
    names = tables.run_names(frame, columns)
    distinct = list(dict.fromkeys(names))
    number = {name: i for i, name in enumerate(distinct)}
    places = (tables.optional_column(frame, name, columns) for name in ("step", "tokens", "flops"))
    position = next((frame[column] for column in places if column is not None and frame[column].notna().all()), None)
    order = None if position is None else pd.to_numeric(position, errors="coerce").to_numpy(float)
    units = choose_units(len(frame), np.array([number[name] for name in names]), order, residual)
    if units.kind == "blocks":
        return units, block_names(names, units)
    return units, tuple(distinct)


def _used_data(
    frame: pd.DataFrame, table: tables.Table, target_column: str, y: Array, law: Law, columns: Mapping[str, str]
) -> pd.DataFrame:
    """The columns that the fit used, and the names of run and family, under their own labels."""
    numbers = {name: x for name, x in zip(law.inputs, table.inputs, strict=True) if x.ndim == 1}
    data = pd.DataFrame(numbers, index=frame.index)
    data[target_column] = y
    for name in ("run", "family", "step", "seed", *(("lr",) if law.derive else ())):
        column = tables.optional_column(frame, name, columns)
        if column is not None and name not in data.columns:
            data[name] = frame[column]
    if table.curves and "run" not in data.columns:
        data["run"] = tables.run_names(frame, columns)  # steps without the name of a run are those of one
    return data


def _warn_of_memory(law: Law) -> None:
    warnings.warn(
        f"{law.name}: its formula was written from memory of {law.source}; check it before you rely on it.",
        FitWarning,
        stacklevel=3,
    )
