"""From a table of runs to the arrays of a law: columns found and checked, areas of schedules derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import ColumnError, DataError, listing, rows_text
from scalefit.law import Law
from scalefit.runs.checking import checked_columns, numeric_column
from scalefit.runs.columns import find_column, has_column
from scalefit.schedules import Schedule
from scalefit.schedules.courses import Course, course_of, told_of

Array = NDArray[np.float64]
Schedules = Mapping[str, Schedule]
#: What is said of rows that stand for several.
AVERAGED = ("rows are means of several, each taken at the whole step nearest to the mean of theirs",)


@dataclass(frozen=True, eq=False)
class Table:
    """Inputs of a law read from a frame.

    Parameters
    ----------
    inputs : one (n,) array per input, in the order of the law.
    columns : which column each input was read from; derived inputs have none.
    notes : what was recognised, derived or interpolated, as sentences.
    unseen : parameters of which the rows cannot tell, because no rate falls before them.
    """

    inputs: tuple[Array, ...]
    columns: Mapping[str, str]
    notes: tuple[str, ...]
    unseen: tuple[str, ...] = ()


def read_inputs(
    frame: pd.DataFrame, law: Law, *, columns: Mapping[str, str], schedules: Schedules | None, warn_units: bool = True
) -> Table:
    """The inputs of a law; those that follow from a schedule are computed for each run."""
    derived = law.derive.columns if law.derive else ()
    if derived and all(name in frame.columns for name in derived):
        derived = ()  # the areas themselves are given
    plain = [name for name in law.inputs if name not in derived]
    table = Table((), {}, ())
    values: dict[str, Array] = {}
    if plain:
        checked = checked_columns(
            frame,
            plain,
            needed_by=law.name,
            columns=columns,
            positive=_must_be_positive(law, plain),
            warn_units=warn_units,
        )
        values, table = dict(checked.values), Table((), dict(checked.columns), checked.notes)
        _check_domain(law, values, checked.columns, frame.index)
    if derived:
        found = derive_columns(frame, law, columns=columns, schedules=schedules)
        values.update(found.values)
        unseen = () if found.falls or law.derive is None else law.derive.seen_in_decay
        table = replace(table, notes=(*table.notes, *found.notes), unseen=unseen)
    return replace(table, inputs=tuple(np.ascontiguousarray(values[name]) for name in law.inputs))


def _must_be_positive(law: Law, names: list[str]) -> bool | list[str]:
    """Which inputs must be above zero: those of usual laws, unless their domain says otherwise."""
    if not law.positive_inputs:
        return False
    free = (*law.domain, *(law.derive.columns if law.derive else ()))
    return [name for name in names if name not in free] if free else True


def _check_domain(law: Law, values: Mapping[str, Array], columns: Mapping[str, str], labels: pd.Index) -> None:
    for name, (low, high) in law.domain.items():
        if name not in values:
            continue
        outside = np.flatnonzero((values[name] < low) | (values[name] > high))
        if len(outside):
            raise DataError(
                f"{law.name} takes {name} from {low:g} to {high:g}; column {columns[name]!r} has "
                f"{values[name][outside[0]]:g} in {rows_text(list(labels[outside]))}."
            )


@dataclass(frozen=True, eq=False)
class DerivedColumns:
    """Inputs that follow from schedules, what was assumed, and whether any rate falls before a row."""

    values: Mapping[str, Array]
    notes: tuple[str, ...]
    falls: bool


def derive_columns(
    frame: pd.DataFrame, law: Law, *, columns: Mapping[str, str], schedules: Schedules | None
) -> DerivedColumns:
    """The derived inputs at each row's step, from the schedule of its run or from the logged rates."""
    assert law.derive is not None
    step_column = find_column(frame, "step", needed_by=law.name, columns=columns)
    steps = whole_steps(frame, step_column, law.name)
    averaged = are_averages(frame, frame[step_column].to_numpy(float))
    runs = np.array(run_names(frame, columns), object)
    if schedules is not None and not isinstance(schedules, Mapping):
        raise DataError(
            f"{law.name}: schedules is a mapping of run to Schedule, such as {{'a': sf.Schedule.cosine(…)}}; got "
            f"{type(schedules).__name__}."
        )
    given = None if schedules is None else {str(run): schedule for run, schedule in schedules.items()}
    parts: dict[str, list[tuple[NDArray[np.intp], Array]]] = {name: [] for name in law.derive.columns}
    courses: dict[str, Course] = {}
    for run in dict.fromkeys(runs):
        rows = np.flatnonzero(runs == run)
        if averaged and given is None:
            raise DataError(
                f"{law.name}: column {step_column!r} holds steps of averaged rows, from whose rates the schedule "
                "cannot be told: pass schedules={run: sf.Schedule.from_log(rows of every step)}."
            )
        schedule = schedule_of(frame, run, rows, law, columns, given, step_column)
        last = int(steps[rows].max())
        if last > schedule.steps:
            raise DataError(
                f"Run {run!r} has a row at step {last}, but its schedule ends at step {schedule.steps}: "
                f"give a Schedule of {last} steps or more."
            )
        for name, values in _derived_of_run(law, run, schedule, steps[rows]).items():
            parts[name].append((rows, values))
        courses[run] = course_of(schedule, last)
    notes = (*(AVERAGED * averaged), *told_of(courses))
    columns_of_all = {name: _put_together(each, len(frame)) for name, each in parts.items()}
    return DerivedColumns(columns_of_all, notes, any(course.falls for course in courses.values()))


def _derived_of_run(law: Law, run: str, schedule: Schedule, steps: NDArray[np.intp]) -> Mapping[str, Array]:
    """The derived inputs of one run, which is named where they cannot be had."""
    try:
        return law.derive_inputs(schedule.rates, steps)
    except DataError as error:
        raise DataError(f"{law.name}: run {run!r}: {error}") from None


def _put_together(parts: Sequence[tuple[NDArray[np.intp], Array]], n: int) -> Array:
    """Values of some rows each as one array of all rows; rows of fewer numbers end in zeros."""
    width = max((values.shape[1] for _, values in parts if values.ndim == 2), default=0)
    out = np.zeros((n, width) if width else n)
    for rows, values in parts:
        if width:
            out[rows, : values.shape[1]] = values
        else:
            out[rows] = values
    return out


def schedule_of(
    frame: pd.DataFrame,
    run: str,
    rows: NDArray[np.intp],
    law: Law,
    columns: Mapping[str, str],
    schedules: Schedules | None,
    step_column: str,
) -> Schedule:
    """The schedule of one run: the one given, else its log of rates."""
    if schedules is not None:
        if run in schedules:
            return schedules[run]
        there = listing(repr(name) for name in schedules) or "none"
        raise DataError(
            f"{law.name}: no schedule for run {run!r}; there is one for {there}. Pass schedules={{run: Schedule}}."
        )
    try:
        lr_column = find_column(frame, "lr", needed_by=law.name, columns=columns)
    except ColumnError as error:
        raise ColumnError(
            f"{error} Or pass schedules={{run: Schedule}}, such as Schedule.cosine(steps=…, peak=…)."
        ) from None
    rates = numeric_column(frame, lr_column, name="lr", needed_by=law.name, positive=False)[rows]
    return Schedule.from_log(pd.DataFrame({"step": frame[step_column].to_numpy()[rows], "lr": rates}))


def whole_steps(frame: pd.DataFrame, column: str, needed_by: str) -> NDArray[np.intp]:
    """Steps as whole numbers from 0; those of rows that ``thin_log`` averaged are rounded."""
    steps = numeric_column(frame, column, name="step", needed_by=needed_by, positive=False)
    if are_averages(frame, steps):
        steps = np.round(steps)
    wrong = frame.index[(steps < 0) | (steps != np.round(steps))]
    if len(wrong):
        raise DataError(
            f"{needed_by}: column {column!r} holds steps, whole numbers from 0; {rows_text(list(wrong))} does not."
        )
    return steps.astype(np.intp)


def are_averages(frame: pd.DataFrame, steps: Array) -> bool:
    """Whether rows are means of several, so that their steps need not be whole."""
    return "rows_used" in frame.columns and bool((steps != np.round(steps)).any())


def run_names(frame: pd.DataFrame, columns: Mapping[str, str]) -> list[str]:
    """The name of the run of each row; one name for all where there is no such column."""
    column = optional_column(frame, "run", columns)
    if column is None:
        return ["run"] * len(frame)
    names = frame[column]
    if names.isna().any():
        raise DataError(f"Column {column!r} has no name of a run in {rows_text(list(frame.index[names.isna()]))}.")
    return [str(name) for name in names.to_numpy(object)]


def optional_column(frame: pd.DataFrame, name: str, columns: Mapping[str, str]) -> str | None:
    """The column of a quantity under its name or an alias; None where there is none."""
    if not has_column(frame, name, columns=columns):
        return None
    return find_column(frame, name, needed_by="fit", columns=columns)


def univariate_columns(
    frame: pd.DataFrame, law: Law, columns: Mapping[str, str] | None, along: str | None, known: Sequence[str]
) -> dict[str, str]:
    """The columns as given, with the one input ``x`` of a univariate law found: ``along``, else the only known one.

    Raises
    ------
    ColumnError
        If more than one column could be meant; the message names them.
    """
    found = dict(columns or {})
    if law.inputs != ("x",) or "x" in found or "x" in frame.columns:
        return found
    if along is not None:
        return {**found, "x": along}
    candidates = [name for name in known if name in frame.columns]
    if len(candidates) != 1:
        names = candidates or [str(name) for name in frame.columns]
        raise ColumnError(
            f"{law.name} has one input, x; the table has {listing(names)}. Say which one is meant: "
            f"columns={{'x': {names[0]!r}}}."
            if names
            else f"{law.name} has one input, x; the table has no columns."
        )
    return {**found, "x": candidates[0]}
