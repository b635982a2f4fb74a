"""What a comparison of laws rests on: of each law the fit to all runs and its predictions beyond every cut."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from scalefit.decisions.backtest import backtest_of
from scalefit.decisions.backtest_result import Backtest
from scalefit.decisions.judging import Resampling, judge_divisions
from scalefit.decisions.splits import Cut, checked_shares, divide_at, split_runs
from scalefit.errors import FitError, FitWarning, ScalefitError, listing, not_one_of
from scalefit.estimation import fit
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.tables import Schedules

OfLaws = Mapping[str, Mapping[str, Any]]

#: Columns of the points; ``run`` stands before them where the table names runs.
POINTS = ("row", "cut", "observed", "estimate", "low", "high")


@dataclass(frozen=True, eq=False)
class Task:
    """What all laws share: the runs, under an index without repeats, and how they are judged."""

    frame: pd.DataFrame
    target: str | None
    columns: Mapping[str, str]
    along: str
    level: float
    cuts: Sequence[float]
    objective: Objective
    draws: int
    seed: int
    schedules: Schedules | None = None


@dataclass(frozen=True)
class Candidate:
    """A law and what of it is not left to the data."""

    law: Law
    fixed: Mapping[str, float]
    tie: Mapping[str, str]

    def columns(self, task: Task) -> dict[str, str]:
        """Where the inputs are read: that of a law in one variable is what orders the runs."""
        single = {"x": task.columns.get(task.along, task.along)} if self.law.inputs == ("x",) else {}
        return {**single, **task.columns}

    def fit(self, task: Task, part: pd.DataFrame, columns: Mapping[str, str] | None = None) -> Fit:
        """The fit of some of the rows; ``columns`` says where a split reads its columns."""
        return fit(
            part, self.law, target=task.target, columns=columns or self.columns(task), objective=task.objective,
            fixed=self.fixed, tie=self.tie, schedules=task.schedules,
        )  # fmt: skip


def candidates_of(laws: Sequence[Law], fixed: OfLaws, tie: OfLaws) -> dict[str, Candidate]:
    """Name -> law with its constraints; formulas, which are all called alike, go by their text where they must."""
    often = Counter(law.name for law in laws)
    names = [law.text if often[law.name] > 1 and law.text else law.name for law in laws]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise FitError(f"laws holds {listing(twice)} more than once; give each law a name of its own.")
    for what, given in (("fixed", fixed), ("tie", tie)):
        for name, of_law in given.items():
            if name not in names:
                raise FitError(not_one_of(f"{what}: a law that is compared", name, names))
            if not isinstance(of_law, Mapping):
                raise FitError(f"{what} is law -> parameter -> what to take; {name!r} has {of_law!r}.")
    found = {
        name: Candidate(law, fixed.get(name, {}), tie.get(name, {})) for name, law in zip(names, laws, strict=True)
    }
    for one in found.values():
        Constraints(fixed=one.fixed, tie=one.tie).check(one.law)
    return found


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one law showed.

    Attributes
    ----------
    fit : Fit to all runs.
    test : Backtest of the cuts at which the law has intervals; None where there are none.
    points : DataFrame, one row per cut and row judged: the columns ``POINTS``, and ``run`` where there is one.
    converged : cut -> whether the fit below it converged, for every cut in ``points``.
    no_interval : cut -> why a cut in ``points`` has no intervals.
    skipped : cut -> why it could not be judged.
    """

    fit: Fit
    test: Backtest | None
    points: pd.DataFrame
    converged: Mapping[Cut, bool]
    no_interval: Mapping[Cut, str] = field(default_factory=dict)
    skipped: Mapping[Cut, str] = field(default_factory=dict)


def gather(task: Task, candidates: Mapping[str, Candidate]) -> tuple[dict[str, Evidence], dict[str, str]]:
    """The evidence of every law that could be judged, and why the others could not."""
    found: dict[str, Evidence] = {}
    left_out: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # verdicts say it, law by law
        for name, candidate in candidates.items():
            try:
                found[name] = _evidence(task, candidate)
            except ScalefitError as error:
                left_out[name] = str(error)
    for name in [name for name, one in found.items() if not one.converged]:
        skipped = found.pop(name).skipped
        left_out[name] = " ".join(f"Cut {cut:g}: {why.rstrip('.')}." for cut, why in skipped.items())
    return found, left_out


def _evidence(task: Task, candidate: Candidate) -> Evidence:
    """The fit and the back-test of one law; cuts whose resamples fail are judged by the estimates alone."""
    fitted = candidate.fit(task, task.frame)
    split = split_runs(
        task.frame, candidate.law, task.along, candidate.columns(task), task.target, task.objective, task.schedules
    )
    told = judge_divisions(
        split,
        divide_at(split, checked_shares(task.cuts)),
        lambda part, columns: candidate.fit(task, part, columns),
        Resampling(task.level, task.draws, task.seed, task.schedules),
    )
    judged = {cut: one for cut, one in told.items() if not isinstance(one, str)}
    test = backtest_of(split, told, candidate.law.name, task.level)
    nothing = pd.DataFrame(columns=list(POINTS))
    return Evidence(
        fit=fitted,
        test=test if test.fits else None,
        points=_columns_of(pd.concat([one.rows for one in judged.values()], ignore_index=True)) if judged else nothing,
        converged={cut: one.fit.converged for cut, one in judged.items()},
        no_interval={cut: one.no_interval for cut, one in judged.items() if one.no_interval},
        skipped={cut: one for cut, one in told.items() if isinstance(one, str)},
    )


def _columns_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[[name for name in ("run", *POINTS) if name in frame.columns]]
