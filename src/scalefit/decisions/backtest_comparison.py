"""Back-tests of the same runs side by side: parameters pinned beside free ones, one objective beside another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.backtest_result import Backtest, cut_text, percent
from scalefit.decisions.backtest_scores import AVERAGED, errors_of_rows, measures_of
from scalefit.decisions.lead_noise import CLEAR, FEWEST_RUNS, draw_weights, drawn_errors, share_larger
from scalefit.decisions.splits import Cut
from scalefit.errors import DataError, FitError, listing, not_one_of, rows_text
from scalefit.wording.amounts import count_of
from scalefit.wording.said import Answer, Said


@dataclass(frozen=True, eq=False, repr=False)
class BacktestComparison(Answer):
    """Several back-tests of the same runs, on the points that all of them judged.

    Made by :func:`scalefit.compare_backtests`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row a back-test, in the order given: ``name``; ``error``, mean absolute relative error; ``change`` of the
        error against the baseline, below zero where it is smaller; ``ahead``, share of resamples in which the error is
        smaller than the baseline's, NaN for the baseline and where too few runs or resamples tell; ``cuts_ahead`` and
        ``cuts_behind``, the number of cuts at which it is smaller and larger; ``bias, coverage, half_width,
        interval_score`` as in the summary of a :class:`Backtest`. Each cut counts the same.
    points : DataFrame
        What was compared: ``name`` and the columns of ``Backtest.frame``, one row per back-test, cut and judged row.
    baseline : str. The back-test that the others are held against.
    level : float in (0, 1), of the intervals.
    n_cuts, n_runs : int. The cuts compared, and the held-out runs in them.
    backtests : mapping of name to Backtest, whole.
    notes : tuple of str. What was left out of the comparison.
    """

    frame: pd.DataFrame
    points: pd.DataFrame
    baseline: str
    level: float
    n_cuts: int
    n_runs: int
    backtests: Mapping[str, Backtest]
    notes: tuple[str, ...] = ()

    def said(self) -> Said:
        """What the best of the others does to the baseline, in words: doubtful unless it is more than noise."""
        sure = self._share_of_best() >= CLEAR
        picked = f"the best of {len(self.frame) - 1} was picked with the answers in sight, which flatters it"
        notes = [*([picked] if len(self.frame) > 2 else []), *self.notes]
        return Said("good" if sure else "doubtful", self._headline(), (), (self._shown(),), tuple(notes))

    def _best(self) -> pd.Series[Any]:
        """The row of the best of the others."""
        others = self.frame[self.frame["name"] != self.baseline]
        return others.iloc[int(others["error"].to_numpy().argmin())]

    def _share_of_best(self) -> float:
        """Share of resamples that agree with the sign of its change; NaN where too few tell."""
        best = self._best()
        return float(best["ahead"] if best["change"] < 0 else 1 - best["ahead"])

    def _headline(self) -> str:
        """What the best of the others does to the error of the baseline, and whether that is more than noise."""
        before = self.frame[self.frame["name"] == self.baseline].iloc[0]
        best, share = self._best(), self._share_of_best()
        lower = best["change"] < 0
        word = "smaller" if lower else "larger"
        at = best["cuts_ahead"] if lower else best["cuts_behind"]
        verb = "lowers" if lower else "raises" if best["change"] > 0 else "does not move"
        moved = (
            f"{best['name']} {verb} the mean error from {percent(before['error'])} ({self.baseline}) to "
            f"{percent(best['error'])} on {count_of(self.n_cuts, 'cut')}, {word} at {at} of them"
        )
        if np.isnan(share):
            few = f"{count_of(self.n_runs, 'held-out run')} cannot tell"
            why = few if self.n_runs < FEWEST_RUNS else "too few resamples, draws=100 may tell"
            return f"{moved}. The noise of this is not known: {why}."
        if share < CLEAR:
            return f"{moved}. Within the noise: {word} in only {share:.0%} of resamples, so either may be better."
        return f"{moved}. More than noise: {word} in {share:.0%} of resamples."

    def _shown(self) -> pd.DataFrame:
        """The frame in text, rounded."""
        shown = self.frame
        for name, sign in (("error", ""), ("change", "+"), ("bias", "+"), ("half_width", ""), ("interval_score", "")):
            shown = shown.assign(**{name: [percent(share, sign=sign) for share in shown[name]]})
        base = [name == self.baseline for name in shown["name"]]
        return shown.assign(
            change=["" if first else text for first, text in zip(base, shown["change"], strict=True)],
            ahead=["" if np.isnan(share) else f"{share:.0%}" for share in shown["ahead"]],
            **{
                side: ["" if first else f"{n}" for first, n in zip(base, shown[side], strict=True)]
                for side in ("cuts_ahead", "cuts_behind")
            },
            coverage=[f"{share:.0%}" for share in shown["coverage"]],
        )


def compare_backtests(
    backtests: Mapping[str, Backtest], *, baseline: str | None = None, rng: np.random.Generator | int | None = 0
) -> BacktestComparison:
    """Hold back-tests of the same runs against each other, and say whether one predicts better by more than noise.

    For whatever may be chosen about a fit: a floor pinned beside a free one, one objective beside another, a tie, a
    prior, a bound. Only points (rows beyond a cut) that all of them judged are compared, each cut counting the same.

    The noise is that of :func:`scalefit.compare_laws`: the runs below each cut are resampled and refitted, as for the
    intervals, those beyond it are weighed anew, and ``ahead`` is the share of resamples in which the error is smaller
    than the baseline's, the mean over cuts. At 95 % a lead is called more than noise. Give all back-tests the same
    ``rng``, so that they resample the same runs. Whether the law goes on beyond the largest run no resample can tell.

    Parameters
    ----------
    backtests : name -> :class:`Backtest`, two or more, of the same runs and ``level``.
    baseline : the name that the others are held against; None is the first.
    rng : Generator, seed or None, for the weights of held-out runs.

    Returns
    -------
    BacktestComparison

    Raises
    ------
    FitError
        If there are fewer than two, or they differ in ``level``, ``along`` or ``by``.
    DataError
        If they share no point, or saw different values in one row: they are then not of the same runs.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> runs = runs[runs.family == "lstm"]
    >>> free = sf.backtest(runs, "chinchilla", cuts=[0.7], draws=20, rng=0)
    >>> pinned = sf.backtest(runs, "chinchilla", fixed={"E": 1.0}, cuts=[0.7], draws=20, rng=0)
    >>> told = sf.compare_backtests({"free": free, "E = 1": pinned})
    >>> list(told.frame.name)
    ['free', 'E = 1']
    """
    baseline = _checked(backtests, baseline)
    shared = _shared_points(backtests)
    cuts = list(dict.fromkeys(shared["cut"]))
    points = {name: _kept(test, shared) for name, test in backtests.items()}
    measures = {
        name: pd.DataFrame([measures_of(rows[rows["cut"] == cut]) for cut in cuts], index=cuts)
        for name, rows in points.items()
    }
    n_runs, ahead = _ahead(backtests, shared, baseline, rng)
    before = measures[baseline]
    frame = pd.DataFrame(
        [
            {
                "name": name,
                "error": table["error"].mean(),
                "change": table["error"].mean() - before["error"].mean(),
                "ahead": ahead[name],
                "cuts_ahead": int((table["error"] < before["error"]).sum()),
                "cuts_behind": int((table["error"] > before["error"]).sum()),
                **{measure: table[measure].mean() for measure in AVERAGED if measure != "error"},
            }
            for name, table in measures.items()
        ]
    )
    columns = list(backtests[baseline].frame)
    told = pd.concat([rows[columns] for rows in points.values()], keys=list(points), names=["name"])
    return BacktestComparison(
        frame,
        told.reset_index("name").reset_index(drop=True),
        baseline,
        backtests[baseline].level,
        len(cuts),
        n_runs,
        dict(backtests),
        _left_out(backtests, cuts),
    )


def _checked(backtests: Mapping[str, Backtest], baseline: str | None) -> str:
    """The name of the baseline, once everything can be compared."""
    given: object = backtests
    if not (isinstance(given, Mapping) and all(isinstance(test, Backtest) for test in given.values())):
        raise FitError(
            "compare_backtests takes a mapping of name to back-test, such as "
            "{'free': sf.backtest(…), 'E = 1.7': sf.backtest(…, fixed={'E': 1.7})}."
        )
    if len(backtests) < 2:
        raise FitError(f"compare_backtests needs two back-tests or more; got {len(backtests)}.")
    for what in ("level", "along", "by"):
        values = list(dict.fromkeys(getattr(test, what) for test in backtests.values()))
        if len(values) > 1:
            raise FitError(f"Back-tests that are compared must have the same {what}; got {listing(map(repr, values))}.")
    if baseline is not None and baseline not in backtests:
        raise FitError(not_one_of("baseline", baseline, backtests))
    return next(iter(backtests)) if baseline is None else baseline


def _shared_points(backtests: Mapping[str, Backtest]) -> pd.DataFrame:
    """Cut and row, with what was seen, of the points that all judged."""
    shared: pd.DataFrame | None = None
    for name, test in backtests.items():
        told = test.frame[["cut", "row", "observed"]]
        twice = told.duplicated(["cut", "row"])
        if twice.any():
            raise DataError(
                f"compare_backtests: {rows_text(list(told['row'][twice]))} of {name!r} stands for several runs, so "
                "points cannot be matched. Give each row a label of its own: runs.reset_index(drop=True)."
            )
        shared = told if shared is None else shared.merge(told, on=["cut", "row"], suffixes=("", "_other"))
        if "observed_other" in shared:
            differ = shared["observed"] != shared["observed_other"]
            if differ.any():
                rows = rows_text(list(dict.fromkeys(shared["row"][differ])))
                raise DataError(f"compare_backtests: {name!r} saw other values in {rows}; it is not of the same runs.")
            shared = shared.drop(columns="observed_other")
    assert shared is not None
    if not len(shared):
        raise DataError(f"compare_backtests: {listing(map(repr, backtests))} share no cut and row that all judged.")
    return shared


def _kept(test: Backtest, shared: pd.DataFrame) -> pd.DataFrame:
    """The rows of a back-test that are compared, with their errors."""
    return errors_of_rows(shared[["cut", "row"]].merge(test.frame, on=["cut", "row"]), test.level)


def _ahead(
    backtests: Mapping[str, Backtest], shared: pd.DataFrame, baseline: str, rng: np.random.Generator | int | None
) -> tuple[int, dict[str, float]]:
    """The number of held-out runs, and of each back-test how often its error is below that of the baseline."""
    labels = pd.Index(list(dict.fromkeys(shared["row"])))
    rows = backtests[baseline].frame.drop_duplicates("row").set_index("row")
    runs = rows["run"].reindex(labels) if "run" in rows else pd.Series(range(len(labels)))
    unit = np.asarray(pd.factorize(runs)[0], np.intp)
    n_runs = int(unit.max()) + 1
    cuts = set(shared["cut"])
    drawn = {name: drawn_errors(test, labels) for name, test in backtests.items()}
    seed = int(np.random.default_rng(rng).integers(2**63))
    draws = max((len(fit.draws) for fit in backtests[baseline].fits.values() if fit.draws is not None), default=0)
    weights = draw_weights(n_runs, draws, seed)
    return n_runs, {
        name: float("nan") if name == baseline else share_larger(told, drawn[baseline], unit, weights, len(cuts))
        for name, told in drawn.items()
    }


def _left_out(backtests: Mapping[str, Backtest], cuts: list[Cut]) -> tuple[str, ...]:
    """Cuts that not all could judge, with the first reason there is."""
    there = dict.fromkeys(cut for test in backtests.values() for cut in (*test.fits, *test.skipped))
    notes = []
    for cut in [cut for cut in there if cut not in cuts]:
        reasons = [f"{name}: {test.skipped[cut]}" for name, test in backtests.items() if cut in test.skipped]
        said = reasons[0] if reasons else "not every back-test has it"
        notes.append(f"cut {cut_text(cut)} not compared: {said}")
    return tuple(notes)
