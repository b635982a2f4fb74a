"""From a table of runs to the arrays of a law: columns found and checked, areas of schedules derived."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import ColumnError, DataError, listing, rows_text
from scalefit.law import Law
from scalefit.runs.checking import checked_columns, numeric_column
from scalefit.runs.columns import aliases_present, find_column, has_column
from scalefit.schedules import Schedule
from scalefit.schedules.courses import Course, course_of, doubts_of, told_of

Array = NDArray[np.float64]
Schedules = Mapping[str, Schedule]
#: A quantity that varies by less than this share is one number.
SAME_SIZE = 0.01
#: Columns that are probably learning rates.
RATE = re.compile(r"learning.?rate|(?<![a-z])lr(?![a-z])", re.IGNORECASE)
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
    doubts : what the law does not know of these runs, as sentences.
    curves : whether rows are steps along training curves, so that those without the name of a run are of one.
    """

    inputs: tuple[Array, ...]
    columns: Mapping[str, str]
    notes: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    curves: bool = False


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
        table = replace(table, notes=(*table.notes, *found.notes), unseen=unseen, doubts=found.doubts, curves=True)
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
    """Inputs that follow from schedules, what was assumed or is doubtful, and whether any rate falls before a row."""

    values: Mapping[str, Array]
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
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
    named = optional_column(frame, "run", columns) is not None
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
            there = (
                f"Run {run!r} has a row at step {last}, but its" if named else f"A row stands at step {last}, but its"
            )
            raise DataError(f"{there} schedule ends at step {schedule.steps}: give a Schedule of {last} steps or more.")
        for name, values in _derived_of_run(law, f"run {run!r}: " if named else "", schedule, steps[rows]).items():
            parts[name].append((rows, values))
        courses[run] = course_of(schedule, last)
    notes = (*(AVERAGED * averaged), *told_of(courses))
    columns_of_all = {name: _put_together(each, len(frame)) for name, each in parts.items()}
    falls = any(course.falls for course in courses.values())
    return DerivedColumns(columns_of_all, notes, doubts_of(courses), falls)


def _derived_of_run(law: Law, which: str, schedule: Schedule, steps: NDArray[np.intp]) -> Mapping[str, Array]:
    """The derived inputs of one run; ``which`` names it where they cannot be had."""
    try:
        return law.derive_inputs(schedule.rates, steps)
    except DataError as error:
        raise DataError(f"{law.name}: {which}{error}") from None


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
        why = "" if optional_column(frame, "run", columns) is not None else " The table has no column 'run'."
        raise DataError(
            f"{law.name}: no schedule for run {run!r}; there is one for {there}.{why} Pass schedules={{run: Schedule}}."
        )
    try:
        lr_column = find_column(frame, "lr", needed_by=law.name, columns=columns)
    except ColumnError as error:
        if "lr" in columns or "columns=" in str(error):
            told = str(error)
        else:
            likely = [name for name in map(str, frame.columns) if RATE.search(name)]
            named = repr(likely[0]) if len(likely) == 1 else "…"
            told = f"{error} Say which column holds the learning rate: columns={{'lr': {named}}}."
        raise ColumnError(
            f"{told} Or pass schedules={{run: Schedule}}, such as Schedule.cosine(steps=…, peak=…)."
        ) from None
    rates = numeric_column(frame, lr_column, name="lr", needed_by=law.name, positive=False)[rows]
    return logged_schedule(frame, run, rows, step_column, rates, columns, law.name)


def logged_schedule(
    frame: pd.DataFrame,
    run: str,
    rows: NDArray[np.intp],
    step_column: str,
    rates: Array,
    columns: Mapping[str, str],
    needed_by: str,
) -> Schedule:
    """The schedule that the ``rates`` logged in some rows of a table show, which are those of one run.

    Raises
    ------
    DataError
        If a step has two rates: a run that was resumed, or several runs taken for one.
    """
    log = pd.DataFrame({"step": frame[step_column].to_numpy()[rows], "lr": rates}, index=frame.index[rows])
    each = log.drop_duplicates()
    twice = each["step"].duplicated(keep=False)
    if twice.any():
        step = each["step"][twice].iloc[0]
        one, other = each["lr"][each["step"] == step].iloc[:2]
        of = f"run {run!r} has" if optional_column(frame, "run", columns) is not None else "the rows have"
        more = len(np.unique(each["step"][twice])) - 1
        raise DataError(
            f"{needed_by}: {of} two different rates, {one:g} and {other:g}, at step {step:g}"
            f"{f' (and at {more:,} more)' if more else ''}. Probably {_several_or_resumed(frame, columns)}"
        )
    return Schedule.from_log(each)


def repeated_steps(frame: pd.DataFrame, columns: Mapping[str, str], needed_by: str) -> str:
    """A sentence where a run has more than one row at a step, each of which counts; empty where none has."""
    step = find_column(frame, "step", needed_by=needed_by, columns=columns)
    place = pd.DataFrame({"run": run_names(frame, columns), "step": frame[step].to_numpy()}, index=frame.index)
    again = place.duplicated()
    if not again.any():
        return ""
    rows = rows_text(list(frame.index[again]))
    one = place[again].iloc[0]
    of = f"run {one['run']!r}" if optional_column(frame, "run", columns) is not None else "the table"
    return (
        f"{needed_by}: {rows} repeat{'s' if again.sum() == 1 else ''} a step that stands in a row before, such as step "
        f"{one['step']:g} of {of}, and every row counts. Probably {_several_or_resumed(frame, columns)}"
    )


def _several_or_resumed(frame: pd.DataFrame, columns: Mapping[str, str]) -> str:
    """Why a step may stand twice in what is taken for one run, and what to type."""
    column, step = (optional_column(frame, name, columns) for name in ("run", "step"))
    if column is not None:
        return (
            "the run was resumed, or two runs have one name. To keep the last row of each step: "
            f"runs.drop_duplicates([{column!r}, {step!r}], keep='last')."
        )
    names = [name for name in frame.columns if name != step and not pd.api.types.is_float_dtype(frame[name])]
    apart = [name for name in names if not frame.duplicated([name, step]).any()]
    fewest = min(apart, key=lambda name: len(set(frame[name])), default=None)
    told = f"columns={{'run': {fewest!r}}}" if fewest is not None else "columns={'run': …}"
    return (
        "several runs, and no column 'run' tells them apart: name the one that does, "
        f"{told}. If it is one run that was resumed: runs.drop_duplicates({step!r}, keep='last')."
    )


def not_heard(
    frame: pd.DataFrame, law: Law, columns: Mapping[str, str], takers: Mapping[str, Sequence[str]]
) -> list[str]:
    """Sentences on quantities that differ between rows and that a law of curves does not take.

    ``takers`` are the laws that take each quantity.
    """
    said = []
    for name, laws in takers.items():
        there = (
            [columns[name]] if name in columns else [name] if name in frame.columns else aliases_present(frame, name)
        )
        if name in law.inputs or len(there) != 1 or there[0] not in frame.columns:
            continue
        values = pd.to_numeric(frame[there[0]], errors="coerce").to_numpy(float)
        values = values[np.isfinite(values) & (values > 0)]
        if len(values) and values.max() > (1 + SAME_SIZE) * values.min():
            said.append(
                f"{there[0]} goes from {values.min():.4g} to {values.max():.4g}, and {law.name} takes all rows for "
                f"alike: fit each by itself, or a law that takes {name}, such as {listing(laws, last='or')}"
            )
    return said


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
