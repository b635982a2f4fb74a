"""What a comparison of laws rests on: of each law the fit to all runs and its predictions beyond every cut."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from scalefit.decisions.backtest import Backtest, backtest
from scalefit.errors import DataError, FitError, FitWarning, ScalefitError, listing, not_one_of
from scalefit.estimation import fit
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.objectives import Objective
from scalefit.result import Fit

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

    def fit(self, task: Task, part: pd.DataFrame) -> Fit:
        """The fit of some of the rows."""
        return fit(
            part, self.law, target=task.target, columns=self.columns(task), objective=task.objective,
            fixed=self.fixed, tie=self.tie,
        )  # fmt: skip

    def backtest(self, task: Task, cuts: Sequence[float]) -> Backtest:
        """The back-test at some of the cuts."""
        return backtest(
            task.frame, self.law, along=task.along, columns=self.columns(task), target=task.target, level=task.level,
            cuts=cuts, objective=task.objective, fixed=self.fixed, tie=self.tie, draws=task.draws, rng=task.seed,
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
    converged: Mapping[float, bool]
    no_interval: Mapping[float, str] = field(default_factory=dict)
    skipped: Mapping[float, str] = field(default_factory=dict)


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
        tests = [one.test for one in found.values() if one.test is not None]
        found = {name: _completed(task, candidates[name], one, tests) for name, one in found.items()}
    for name in [name for name, one in found.items() if not one.converged]:
        skipped = found.pop(name).skipped
        left_out[name] = " ".join(f"Cut {cut:g}: {why.rstrip('.')}." for cut, why in skipped.items())
    return found, left_out


def _evidence(task: Task, candidate: Candidate) -> Evidence:
    """The fit and the back-test of one law; cuts whose resamples fail are named and not judged yet."""
    fitted = candidate.fit(task, task.frame)
    try:
        return _evidence_of(fitted, candidate.backtest(task, task.cuts))
    except FitError:
        pass  # resampling fails at one cut at least; the others may be sound
    tests: list[Backtest] = []
    no_interval: dict[float, str] = {}
    skipped: dict[float, str] = {}
    for cut in sorted(set(task.cuts)):
        try:
            test = candidate.backtest(task, [cut])
        except FitError as error:
            no_interval[cut] = str(error)
        except DataError as error:
            skipped[cut] = str(error).rpartition(f"Cut {cut:g}: ")[2]
        else:
            if any(_same_rows(test.fits[cut], other) for done in tests for other in done.fits.values()):
                skipped[cut] = "the runs below it are those of a lower cut"
            else:
                tests.append(test)
    if not tests:
        return Evidence(fitted, None, pd.DataFrame(columns=list(POINTS)), {}, no_interval, skipped)
    whole = replace(
        tests[0],
        frame=pd.concat([test.frame for test in tests], ignore_index=True),
        fits={cut: below for test in tests for cut, below in test.fits.items()},
        skipped={**skipped, **no_interval},
    )
    return replace(_evidence_of(fitted, whole), no_interval=no_interval, skipped=skipped)


def _evidence_of(fitted: Fit, test: Backtest) -> Evidence:
    converged = {cut: below.converged for cut, below in test.fits.items()}
    return Evidence(fitted, test, _columns_of(test.frame), converged, {}, test.skipped)


def _same_rows(a: Fit, b: Fit) -> bool:
    return a.data.index.equals(b.data.index)


def _columns_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[[name for name in ("run", *POINTS) if name in frame.columns]]


def _completed(task: Task, candidate: Candidate, evidence: Evidence, tests: Sequence[Backtest]) -> Evidence:
    """The evidence with the cuts whose resamples failed judged too, by the estimates alone."""
    for cut, why in evidence.no_interval.items():
        told = _judged_without_draws(task, candidate, cut, _splits(candidate.law, cut, tests))
        if isinstance(told, str):
            skipped = {**evidence.skipped, cut: told or why}
            no_interval = {other: reason for other, reason in evidence.no_interval.items() if other != cut}
            evidence = replace(evidence, skipped=skipped, no_interval=no_interval)
            continue
        points, converged = told
        points = pd.concat([evidence.points, points], ignore_index=True) if len(evidence.points) else points
        evidence = replace(evidence, points=points, converged={**evidence.converged, cut: converged})
    return evidence


def _splits(law: Law, cut: float, tests: Sequence[Backtest]) -> Iterator[Backtest]:
    """Back-tests that say which rows lie below a cut and which are judged; laws of training curves judge others."""
    for test in tests:
        if cut in test.fits and (test.fits[cut].law.derive is None) == (law.derive is None):
            yield test


def _judged_without_draws(
    task: Task, candidate: Candidate, cut: float, splits: Iterator[Backtest]
) -> tuple[pd.DataFrame, bool] | str:
    """The points of a law beyond a cut without intervals and whether its fit converged; text is why there are none."""
    test = next(splits, None)
    if test is None:
        return ""
    rows = _columns_of(test.frame[test.frame["cut"] == cut])
    try:
        below = candidate.fit(task, task.frame.loc[test.fits[cut].data.index])
    except DataError as error:
        return str(error)
    if below.judgement.status == "not identified":
        return below.verdict
    told = below.predict(task.frame.loc[rows["row"]], level=task.level)
    nowhere = float("nan")
    return rows.assign(estimate=told["estimate"].to_numpy(), low=nowhere, high=nowhere), below.converged
