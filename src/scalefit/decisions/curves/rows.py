"""Curves as rows that laws can be fitted to: steps past the warm-up, long logs as means, one schedule a run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import ColumnError, DataError, FitWarning, listing
from scalefit.fitting.problem import Array
from scalefit.runs.checking import checked_columns, numeric_column
from scalefit.runs.columns import find_column
from scalefit.schedules import Schedule

Schedules = Mapping[str, Schedule]

#: Rows of the first tenth of the shortest curve are left out: laws of curves do not describe how training begins.
LEFT_OUT = 0.1
#: Rows that a curve may have; longer ones become means of as many neighbouring rows each.
MOST_ROWS = 400
#: What longer ones become.
MEANS = 200
#: Fewer rows than this in all cannot tell a curve.
FEWEST_ROWS = 6
#: Rates that differ by less than this share of the peak are one rate.
SAME_RATE = 1e-3
#: The median of a squared normal of variance 1.
MEDIAN_SQUARE = 0.4549


@dataclass(frozen=True, eq=False)
class Curves:
    """Rows of several runs, sorted by run and step.

    Attributes
    ----------
    rows : DataFrame of ``run, step, loss``, what is fitted.
    schedules : run -> Schedule.
    notes : tuple of str, what was left out, averaged or assumed.
    noise : standard deviation of the log of a single row about its neighbours before rows were averaged; None where
        none were.
    """

    rows: pd.DataFrame
    schedules: Schedules
    notes: tuple[str, ...]
    noise: float | None = None

    @property
    def names(self) -> list[str]:
        """The runs, each once."""
        return list(dict.fromkeys(self.rows["run"]))

    @property
    def peak(self) -> float:
        """The highest rate of any run up to its last row."""
        last = self.rows.groupby("run", sort=False)["step"].max()
        return max(float(self.schedules[str(run)].rates[: int(step) + 1].max()) for run, step in last.items())

    @property
    def longest(self) -> int:
        """The last step of the longest run."""
        return int(self.rows["step"].max())

    @property
    def anneal(self) -> bool:
        """Whether the rate changes along any run after its warm-up."""
        return any(self._changes(run) for run in self.names)

    def _changes(self, run: str) -> bool:
        steps = self.rows.loc[self.rows["run"] == run, "step"].to_numpy()
        rates = self.schedules[run].rates[: int(steps.max()) + 1]
        first = int(np.argmax(rates >= (1 - SAME_RATE) * rates.max()))
        return bool((rates[first:].max() - rates[first:].min()) > SAME_RATE * rates.max())

    def of(self, run: str) -> NDArray[np.intp]:
        """The places of the rows of one run."""
        return np.flatnonzero((self.rows["run"] == run).to_numpy())


def read_curves(
    frame: pd.DataFrame, target: str, columns: Mapping[str, str], schedules: Schedules | None, *, needed_by: str
) -> Curves:
    """The rows of a table of curves that laws are fitted to.

    Raises
    ------
    ColumnError, DataError
        If a column is missing, a value cannot be used, a run has no schedule or goes on after its end, or too few rows
        lie past the warm-up.
    """
    if not len(frame):
        raise DataError(f"{needed_by}: the table of curves has no rows.")
    checked = checked_columns(frame, [target], needed_by=needed_by, columns=columns)
    step = find_column(frame, "step", needed_by=needed_by, columns=columns)
    table = pd.DataFrame(
        {
            "run": tables.run_names(frame, columns),
            "step": tables.whole_steps(frame, step, needed_by),
            "loss": checked.values[target],
        }
    )
    known = schedules_of(frame, columns, schedules, what="curves", needed_by=needed_by)
    notes = list(dict.fromkeys(note for schedule in known.values() for note in schedule.notes))
    if again := tables.repeated_steps(frame, columns, needed_by):
        warnings.warn(again, FitWarning, stacklevel=3)
    table = table.sort_values(["run", "step", "loss"], kind="stable", ignore_index=True)
    table, resting = _before_rest(table, known)
    notes += resting
    kept = past_the_start(table, known)
    if not kept.all():
        notes.append(
            f"{int((~kept).sum())} of {len(kept)} rows are left out: those of the warm-up, and of the first tenth of "
            "the shortest curve"
        )
    if kept.sum() < FEWEST_ROWS:
        raise DataError(
            f"{needed_by}: {int(kept.sum())} of {len(kept)} rows of the curves lie past the warm-up and the first "
            f"tenth of the shortest curve; it takes {FEWEST_ROWS} or more."
        )
    short = [_shortened(part) for _, part in table[kept].groupby("run", sort=False)]
    rows, noise = pd.concat(short, ignore_index=True), None
    if len(rows) < kept.sum():
        notes.append(f"curves of more than {MOST_ROWS} rows are fitted as {MEANS} means of neighbouring rows")
        noise = row_noise(np.log(table.loc[kept, "loss"].to_numpy()))
    return Curves(rows, known, (*checked.notes, *notes), noise)


def past_the_start(table: pd.DataFrame, schedules: Schedules) -> NDArray[np.bool_]:
    """The rows that come after the warm-up of their run and after the first tenth of the shortest curve."""
    shortest = int(table.groupby("run")["step"].max().min())
    first = {run: max(_top(schedules[run]), LEFT_OUT * shortest) for run in table["run"].unique()}
    return np.asarray(table["step"].to_numpy() >= table["run"].map(first).to_numpy(float))


def rest_of(schedule: Schedule) -> int:
    """The step from which the rate is zero to the end; the end where it is not. Training has stopped there."""
    above = np.flatnonzero(schedule.rates)
    return min(int(above[-1]) + 1, schedule.steps) if len(above) else schedule.steps


def _before_rest(table: pd.DataFrame, schedules: Schedules) -> tuple[pd.DataFrame, list[str]]:
    """The rows up to the step at which the rate of their run comes to rest at zero."""
    last = table["run"].map({run: rest_of(schedules[run]) for run in table["run"].unique()})
    late = (table["step"] > last).to_numpy()
    if not late.any():
        return table, []
    note = f"{int(late.sum())} of {len(table)} rows are left out: their rate stays at zero, so training had stopped"
    return table[~late].reset_index(drop=True), [note]


def _top(schedule: Schedule) -> int:
    """The first step, from 1, at which the warm-up is over."""
    return max(schedule.warmup, 1)


def _shortened(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of one run; of a long one the means of as many neighbouring rows each, without bias."""
    if len(part) <= MOST_ROWS:
        return part
    pieces = np.array_split(np.arange(len(part)), MEANS)
    step, loss = part["step"].to_numpy(float), part["loss"].to_numpy()
    return pd.DataFrame(
        {
            "run": part["run"].iloc[0],
            "step": [round(float(step[piece].mean())) for piece in pieces],
            "loss": [float(loss[piece].mean()) for piece in pieces],
        }
    )


def schedules_of(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    given: Schedules | None,
    *,
    what: str,
    needed_by: str,
    instead: Schedules | None = None,
) -> dict[str, Schedule]:
    """The schedule of each run of a table: the one given, else its log of rates, else one of ``instead``.

    Raises
    ------
    DataError
        If a run has none, with all such runs; or a run has a row after the end of its schedule.
    """
    runs = np.array(tables.run_names(frame, columns), object)
    names = [str(run) for run in dict.fromkeys(runs)]
    argument = "schedules" if what == "curves" else "at_schedules"
    known = {str(run): schedule for run, schedule in (given or {}).items()}
    if given is None:
        rates = tables.optional_column(frame, "lr", columns)
        if rates is not None:
            known = _logged(frame, runs, rates, columns, needed_by)
        else:
            known = {str(run): schedule for run, schedule in (instead or {}).items()}
    missing = [name for name in names if name not in known]
    if missing:
        raise (DataError if given is not None or instead else ColumnError)(
            f"{needed_by}: no schedule for {len(missing)} of {len(names)} runs of {what}: "
            f"{listing([repr(name) for name in missing[:5]])}{' and more' if len(missing) > 5 else ''}. Pass "
            f"{argument}={{run: Schedule}}, such as {{{missing[0]!r}: sf.Schedule.cosine(steps=…, peak=…)}}, or give "
            "the table a column 'lr'."
        )
    steps = tables.whole_steps(frame, find_column(frame, "step", needed_by=needed_by, columns=columns), needed_by)
    for name in names:
        last = int(steps[runs == name].max())
        if last > known[name].steps:
            raise DataError(
                f"{needed_by}: run {name!r} of {what} has a row at step {last:,}, but its schedule ends at step "
                f"{known[name].steps:,}: give a Schedule of {last:,} steps or more."
            )
    return {name: known[name] for name in names}


def _logged(
    frame: pd.DataFrame, runs: NDArray[np.object_], column: str, columns: Mapping[str, str], needed_by: str
) -> dict[str, Schedule]:
    rates = numeric_column(frame, column, name="lr", needed_by=needed_by, positive=False)
    step = find_column(frame, "step", needed_by=needed_by, columns=columns)
    tables.whole_steps(frame, step, needed_by)
    out = {}
    for run in dict.fromkeys(runs):
        rows = np.flatnonzero(runs == run)
        out[str(run)] = tables.logged_schedule(frame, str(run), rows, step, rates[rows], columns, needed_by)
    return out


def row_noise(r: Array) -> float:
    """Standard deviation of single rows about their neighbours: by the median squared difference, so without spikes."""
    if len(r) < 3:
        return 0.0
    return float(np.sqrt(np.median(np.diff(r) ** 2) / MEDIAN_SQUARE / 2))


def final_losses(curves: Curves, values: Array) -> dict[str, float]:
    """The mean of the last twentieth of each run's values, which scatters less than its last row."""
    out = {}
    for run in curves.names:
        rows = curves.of(run)
        out[run] = float(np.mean(values[rows[-max(len(rows) // 20, 1) :]]))
    return out
