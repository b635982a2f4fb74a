"""Which rows a back-test fits and which it judges: a table checked once, and the ways to divide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import ColumnError, DataError, FitError, listing, missing_column, rows_text
from scalefit.law import Law
from scalefit.objectives import Objective
from scalefit.runs.checking import checked_columns, no_reserved_columns, numeric_column
from scalefit.runs.columns import find_column, has_column

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
#: A share of the runs, or the name of a family.
Cut = float | str


@dataclass(frozen=True, eq=False)
class Split:
    """A checked table with the place of every row: inputs that the cuts need, and nothing fitted yet.

    ``unit`` (n,) numbers the runs, or the rows where each stands for itself; ``position`` (units,) is the largest
    ``along`` of each unit; ``whole_runs`` is set for laws of training curves, which judge a run from its first row.
    ``family`` (n,) is the family of each row where families are left out; ``counted`` (n,) marks the rows that may be
    judged.
    """

    frame: pd.DataFrame
    columns: dict[str, str]
    run_column: str | None
    along_name: str
    along: Array
    observed: Array
    target_column: str
    unit: NDArray[np.intp]
    position: Array
    whole_runs: bool
    counted: Mask
    family: pd.Series | None
    notes: tuple[str, ...]

    def below(self, cut: float) -> Mask:
        """(n,): the rows of the lowest runs; runs that tie with the last of them go with it."""
        count = int(np.floor(cut * len(self.position) + 1e-9))
        if count == 0:
            return np.zeros(len(self.frame), bool)
        edge = np.sort(self.position)[count - 1]
        return np.asarray(self.position[self.unit] <= edge)

    def beyond(self, below: Mask) -> Mask:
        """(n,): the rows beyond everything fitted, or all rows of the other runs for a law of training curves."""
        return ~below if self.whole_runs else self.along > self.along[below].max()


@dataclass(frozen=True, eq=False)
class Division:
    """One way to divide the rows: those fitted and those judged (n,); ``reason`` says why it cannot tell anything."""

    cut: Cut
    fitted: Mask
    judged: Mask
    reason: str = ""


def split_runs(
    frame: pd.DataFrame,
    law: Law,
    along: str,
    columns: Mapping[str, str] | None,
    target: str | None,
    objective: Objective,
    schedules: tables.Schedules | None,
    *,
    by: str | None = None,
    judge: str | None = None,
) -> Split:
    """Check all that any cut will use, once, so that bad values raise and do not look like a cut to be skipped."""
    no_reserved_columns(frame, ("estimate", "low", "high", "beyond"), needed_by="backtest")
    frame, values, column, notes = _ordering(frame, along, columns)
    known = tables.univariate_columns(frame, law, columns, column, ())
    there = has_column(frame, "run", columns=known)
    run_column = find_column(frame, "run", needed_by="backtest", columns=known) if there else None
    if run_column is not None:
        known["run"] = run_column
    elif law.derive:
        raise missing_column("run", f"backtest of {law.name}", list(frame.columns))
    inputs = tables.read_inputs(frame, law, columns=known, schedules=schedules, warn_units=False).inputs
    target_column, observed = _observed(frame, law, target or law.output, objective, known)
    unit = _unit_of_rows(frame, run_column, known, whole_families=by is not None)
    position = np.full(int(unit.max()) + 1, -np.inf)
    np.maximum.at(position, unit, values)
    split = Split(
        frame, known, run_column, along, values, observed, target_column, unit, position, law.derive is not None,
        _counted(frame, judge), _families(frame, by, run_column, known), notes,
    )  # fmt: skip
    one_input = sum(bool(np.any(x != x[0])) for x in inputs) == 1
    return _as_curves(split) if run_column is None and one_input else split


def _as_curves(split: Split) -> Split:
    """The rows in order and named as one curve, or one a family: neighbours hang together, so blocks are drawn."""
    order = np.argsort(split.along, kind="stable")
    family = None if split.family is None else split.family.iloc[order]
    name = "curve" if family is None else family.to_numpy(object)
    return replace(
        split,
        frame=split.frame.iloc[order].assign(run=name),
        columns={**split.columns, "run": "run"},
        along=split.along[order],
        observed=split.observed[order],
        unit=split.unit[order],
        counted=split.counted[order],
        family=family,
    )


def divide_at(split: Split, shares: Sequence[float]) -> list[Division]:
    """The runs below each share of them against what lies beyond."""
    divisions: list[Division] = []
    for share in shares:
        below = split.below(share)
        judged = split.beyond(below) & split.counted if below.any() else np.zeros_like(below)
        twice = any(np.array_equal(below, other.fitted) for other in divisions)
        divisions.append(Division(share, below, judged, _reason(split, below, judged, twice)))
    return divisions


def _reason(split: Split, below: Mask, judged: Mask, twice: bool) -> str:
    if not below.any():
        return f"no run lies below it: there are only {len(split.position)}"
    if not split.beyond(below).any():
        return f"no run lies above it: the largest tie along {split.along_name!r}"
    if not judged.any():
        return "no row above it is marked to be judged"
    return f"the runs below it are those of a lower cut, because runs tie along {split.along_name!r}" if twice else ""


def divide_by_family(split: Split) -> list[Division]:
    """Each family against all others."""
    assert split.family is not None
    names = list(dict.fromkeys(split.family))
    if len(names) < 2:
        raise DataError(
            f"backtest by {split.family.name!r}: every row belongs to one family, {names[0]!r}, so there is no other "
            "to fit. Add families, or judge the larger runs of this one: leave by= out."
        )
    divisions = []
    for name in names:
        left_out = (split.family == name).to_numpy()
        judged = left_out & split.counted
        divisions.append(
            Division(name, ~left_out, judged, "" if judged.any() else "no row of it is marked to be judged")
        )
    return divisions


def every_share(split: Split, fewest: int) -> list[float]:
    """The share of runs up to each value of ``along`` that leaves at least ``fewest`` rows below and a run beyond."""
    ends = np.unique(split.position)[:-1]
    shares = [float(np.mean(split.position <= end)) for end in ends]
    enough = [share for share in shares if split.below(share).sum() >= fewest]
    if not enough:
        raise DataError(
            f"backtest at every cut along {split.along_name!r}: no value of it leaves {fewest} rows below and a run "
            "above. Add runs, fix or tie parameters, or order the runs by another column: along='…'."
        )
    return enough


def checked_shares(cuts: Sequence[float]) -> list[float]:
    """Shares of the runs in order, each once."""
    try:
        shares = sorted({float(cut) for cut in cuts})
    except (TypeError, ValueError):
        raise FitError(f"cuts are shares of the runs such as cuts=(0.5, 0.8), or cuts='every'; got {cuts!r}.") from None
    wrong = [f"{cut:g}" for cut in shares if not 0 < cut < 1]
    if wrong or not shares:
        raise FitError(
            f"cuts are shares of the runs between 0 and 1, such as cuts=(0.5, 0.8); got {listing(wrong) or 'none'}."
        )
    return shares


def _unit_of_rows(
    frame: pd.DataFrame, run_column: str | None, columns: Mapping[str, str], *, whole_families: bool
) -> NDArray[np.intp]:
    """(n,): which run each row belongs to; rows stand for themselves where no column names runs."""
    if run_column is None:
        return np.arange(len(frame))
    names = tables.run_names(frame, columns)
    if len(set(names)) == 1 and not whole_families:
        raise DataError(
            f"backtest: every row belongs to one run, {names[0]!r}, and a run is never split between fitting "
            f"and judging. Add runs, or judge the table as one curve: runs.drop(columns={run_column!r})."
        )
    return np.asarray(pd.factorize(np.array(names, object))[0], np.intp)


def _families(
    frame: pd.DataFrame, by: str | None, run_column: str | None, columns: Mapping[str, str]
) -> pd.Series | None:
    """The family of each row; no run may belong to two, for it would be fitted and judged at once."""
    if by is None:
        return None
    family = frame[find_column(frame, by, needed_by="backtest", columns=columns)].rename(by)
    if family.isna().any():
        raise DataError(f"Column {by!r} has no family in {rows_text(list(frame.index[family.isna()]))}.")
    if run_column is not None:
        several = family.groupby(np.array(tables.run_names(frame, columns), object)).nunique()
        if (several > 1).any():
            run = several.index[several > 1][0]
            raise DataError(
                f"backtest by {by!r}: run {run!r} stands in {several[run]} families, and a run is never split between "
                f"fitting and judging. Give each run one name of its own: "
                f"runs.assign({run_column}=runs[{by!r}].astype(str) + '/' + runs[{run_column!r}].astype(str))."
            )
    return family


def _counted(frame: pd.DataFrame, judge: str | None) -> Mask:
    """(n,): the rows that may be judged: all, or those marked in a column."""
    if judge is None:
        return np.ones(len(frame), bool)
    column = find_column(frame, judge, needed_by="backtest")
    marks = frame[column]
    if not marks.isin([True, False]).all():
        wrong = rows_text(list(frame.index[~marks.isin([True, False])]))
        raise DataError(f"judge={judge!r} must name a column of True and False; {wrong} of it hold something else.")
    return marks.to_numpy(bool)


def _ordering(
    frame: pd.DataFrame, along: str, columns: Mapping[str, str] | None
) -> tuple[pd.DataFrame, Array, str, tuple[str, ...]]:
    """The values of ``along`` and their column, which is added to the frame where it is derived."""
    try:
        checked = checked_columns(
            frame, [along], needed_by="backtest", columns=columns, positive=False, warn_units=False
        )
    except ColumnError as error:
        raise ColumnError(f"{error} Runs can be ordered by any other column: along='…'.") from None
    values, column = np.array(checked.values[along]), checked.columns[along]
    if column not in frame.columns:
        frame = frame.assign(**{column: values})
    return frame, values, column, checked.notes


def _observed(
    frame: pd.DataFrame, law: Law, target: str, objective: Objective, columns: Mapping[str, str]
) -> tuple[str, Array]:
    column = find_column(frame, target, needed_by=law.name, columns=columns)
    other = 'To fit residuals as they are, pass objective=sf.Square(on="raw").'
    positive = objective.on == "log"
    return column, numeric_column(frame, column, name=target, needed_by=law.name, positive=positive, alternative=other)
