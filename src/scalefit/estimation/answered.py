"""What a fit answers: the end of a search with its verdict, its units and all that is said of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import provenance, tables
from scalefit.errors import FitError, FitWarning, listing
from scalefit.estimation.asked import Asked
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.search import Search
from scalefit.fitting.setup import Constraints
from scalefit.fitting.verdict import Verdict, judge
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.uncertainty.apart import runs_apart
from scalefit.uncertainty.hardly import hardly_identified
from scalefit.uncertainty.reservations import reservations_of
from scalefit.uncertainty.units import Units, block_names, choose_units, row_names

Array = NDArray[np.float64]


def answer(asked: Asked, found: Search) -> Fit:
    """The fit: what was found, judged.

    Raises
    ------
    FitError
        If a tied parameter has left its bounds.
    """
    begun, frame, table = asked.begun, asked.frame, asked.table
    law, coordinates, weights = begun.law, begun.coordinates, begun.weights
    problem, theta = found.problem, coordinates.params_of(found.u[None])
    _check_ties(law, begun.constraints, theta)
    units, names = _units(frame, asked.columns, problem.residual(theta)[0], table)
    data = _used_data(asked)
    reservations = () if table.curves else reservations_of(problem, theta, data)
    used = _used_columns(asked)
    judgement = _judged(asked, found, theta, units)
    if law.verified == "memory":
        _warn_of_memory(law)
    return Fit(
        law=law,
        problem=problem,
        coordinates=coordinates,
        constraints=begun.constraints,
        u=found.u,
        weights=weights,
        units=units,
        unit_names=names,
        judgement=judgement,
        objective=float(replace(problem, prior=None).value(theta, weights[None])[0]),
        basins=found.basins,
        target=asked.target,
        columns=used,
        data=data,
        provenance=provenance.record(problem, weights, law, begun.constraints, used, frame.attrs),
        notes=(*asked.notes, *reservations),
    )


def _judged(asked: Asked, found: Search, theta: Array, units: Units) -> Verdict:
    """The verdict, with what speaks against the runs of a law of training curves."""
    begun, table = asked.begun, asked.table
    law, coordinates, weights = begun.law, begun.coordinates, begun.weights
    with np.errstate(all="ignore"):  # a parameter that nothing fixes may be of any size
        told = judge(found.problem, coordinates, found.u, weights, found.objectives, law.param_names, law.inputs)
    told = _without_decay(told, law, table.unseen, coordinates, begun.constraints)
    doubts = asked.doubts
    if law.derive is not None and told.status == "converged":
        seen = law.derive.seen_in_decay
        wide = hardly_identified(law, found.problem, coordinates, found.u, weights, units, seen)
        apart = ""
        if table.curves:
            apart = runs_apart(found.problem, theta, weights, tables.run_names(asked.frame, asked.columns))
        doubts = (*(said for said in (wide, apart) if said), *doubts)
    return replace(told, reasons=(*told.reasons, *doubts))


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


def _used_columns(asked: Asked) -> dict[str, str]:
    """Where inputs, target and the names of runs were read from."""
    run = tables.optional_column(asked.frame, "run", asked.columns)
    return {**asked.table.columns, asked.target: asked.seen_as, **({} if run is None else {"run": run})}


def _used_data(asked: Asked) -> pd.DataFrame:
    """The columns that the fit used, and the names of run and family, under their own labels."""
    frame, law, table = asked.frame, asked.begun.law, asked.table
    used: dict[str, Any] = {name: x for name, x in zip(law.inputs, table.inputs, strict=True) if x.ndim == 1}
    used[asked.seen_as] = asked.begun.problem.target
    for name in ("run", "family", "step", "seed", *(("lr",) if law.derive else ())):
        column = tables.optional_column(frame, name, asked.columns)
        if column is not None and name not in used:
            used[name] = frame[column]
    if table.curves and "run" not in used:
        used["run"] = tables.run_names(frame, asked.columns)  # steps without the name of a run are those of one
    return pd.DataFrame(used, index=frame.index)


def _warn_of_memory(law: Law) -> None:
    warnings.warn(
        f"{law.name}: its formula was written from memory of {law.source}; check it before you rely on it.",
        FitWarning,
        stacklevel=4,
    )
