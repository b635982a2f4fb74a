"""Schedules of runs to predict: those that the fit knows, for part of a log does not show the rates before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.runs.checking import numeric_column
from scalefit.schedules import Schedule

#: Logged rates that differ by less than this share of the highest are the same.
SAME_RATE = 0.01
#: A log whose first step lies within this share of its last is taken for whole.
WHOLE_LOG = 0.02


def known_schedules(
    points: pd.DataFrame, law: Law, columns: Mapping[str, str], fitted: pd.DataFrame, inputs: Sequence[Array]
) -> tuple[tables.Schedules | None, str]:
    """Schedules of points whose rates are logged, and what to warn of: part of a log does not show the rates before it.

    A run that was fitted (a table without names holds the only one) keeps the schedule that it was fitted with, where
    the rates given are those of it. ``fitted`` and ``inputs`` are the rows of the fit, and what its law read from them.
    """
    step, lr = (tables.optional_column(points, name, columns) for name in ("step", "lr"))
    if law.derive is None or step is None or lr is None or all(name in points.columns for name in law.derive.columns):
        return None, ""
    steps, names = tables.whole_steps(points, step, law.name), np.array(tables.run_names(points, columns), object)
    if tables.are_averages(points, points[step].to_numpy(float)):
        return None, ""
    rates = numeric_column(points, lr, name="lr", needed_by=law.name, positive=False)
    known = _schedules_as_fitted(law, fitted, inputs)
    named = tables.optional_column(points, "run", columns) is not None
    begun = max((first for _, first in known.values()), default=0)
    found: dict[str, Schedule] = {}
    late: dict[str, int] = {}
    for run in dict.fromkeys(names):
        rows = np.flatnonzero(names == run)
        given = tables.logged_schedule(points, run, rows, step, rates[rows], columns, law.name)
        seen = known.get(run) or (next(iter(known.values())) if len(known) == 1 and not named else None)
        whole = None if seen is None else _gone_on(seen[0], given, steps[rows])
        found[run] = given if whole is None else whole
        first = int(steps[rows].min())
        if whole is None and first > max(WHOLE_LOG * steps[rows].max(), begun):
            late[run] = first
    if not late:
        return found, ""
    run, first = next(iter(late.items()))
    more = f" (and so on for {len(late) - 1} more)" if len(late) > 1 else ""
    of = f"run {run!r}" if named else "the rows"
    return found, (
        f"{law.name}: the log of {of} begins at step {first:,}, and its rate there is taken for that of all steps "
        f"before{more}. If it was another, what is predicted is wrong: pass the rates of every step, "
        f"schedules={{{run!r}: sf.Schedule.from_log(…)}}."
    )


def _schedules_as_fitted(law: Law, fitted: pd.DataFrame, inputs: Sequence[Array]) -> dict[str, tuple[Schedule, int]]:
    """Schedule and first step of each fitted run that was read from its log of rates; others leave no schedule."""
    assert law.derive is not None
    if not {"step", "lr", "run"} <= set(fitted.columns) or fitted[["step", "lr"]].isna().any(axis=None):
        return {}
    found = {}
    names, steps = fitted["run"].astype(str).to_numpy(object), fitted["step"].to_numpy(float)
    for run in dict.fromkeys(names):
        rows = np.flatnonzero(names == run)
        log = fitted[["step", "lr"]].iloc[rows].drop_duplicates()
        if log["step"].duplicated().any() or (steps[rows] != np.round(steps[rows])).any():
            continue
        schedule = Schedule.from_log(log)
        again = law.derive_inputs(schedule.rates, steps[rows].astype(np.intp))
        read = {name: x[rows] for name, x in zip(law.inputs, inputs, strict=True) if name in again}
        if all(np.allclose(values, _as_wide(read[name], values), rtol=1e-6) for name, values in again.items()):
            found[run] = schedule, int(steps[rows].min())
    return found


def _as_wide(read: Array, values: Array) -> Array:
    """Rows of a history without the zeros that make all runs equally wide."""
    return read if read.ndim == 1 else read[:, : values.shape[1]]


def _gone_on(known: Schedule, given: Schedule, steps: NDArray[np.intp]) -> Schedule | None:
    """A known schedule, and the rates given after its end; None where those given by then are others."""
    both = steps[steps <= known.steps]
    slack = SAME_RATE * float(known.rates.max())
    if not len(both) or (np.abs(known.rates[both] - given.rates[both]) > slack).any():
        return None
    rates = np.concatenate([known.rates, given.rates[known.steps + 1 :]])
    return replace(known, rates=rates, peak=float(rates.max()))
