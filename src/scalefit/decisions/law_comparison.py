"""Laws ranked by how well they predict larger runs than they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.backtest_result import Backtest
from scalefit.decisions.held_out import Task, candidates_of, gather
from scalefit.decisions.law_table import law_table, missing_evidence
from scalefit.decisions.lead_noise import CLEAR, FEWEST_RUNS
from scalefit.decisions.suggestions import suggest_laws
from scalefit.errors import DataError, FitError, listing
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Huber, Objective
from scalefit.result import Fit
from scalefit.runs.checking import checked_columns
from scalefit.runs.frame import as_frame
from scalefit.tables import Schedules
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.amounts import count_of
from scalefit.wording.said import Answer, Said, State


@dataclass(frozen=True, eq=False, repr=False)
class LawComparison(Answer):
    """How laws rank on the same runs.

    Made by :func:`scalefit.compare_laws`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row a law, best first: ``law``; ``error``, mean absolute relative error beyond the cuts; ``behind``, share
        of resamples in which its error is larger than that of the first, NaN where too few runs or resamples tell;
        ``bias`` and ``coverage`` beyond the cuts; ``aicc`` and ``rms`` of the fit to all runs; ``n_params``; ``n_cuts``
        and ``n_points`` at which it was judged, a point being a row beyond a cut; ``doubt``, why the law ranks after
        others, empty where it does not; ``verdict`` on the fit to all runs. The error of a law that was judged at fewer
        points than another is scaled to all of them by what the best law judged there did on both.
    points : DataFrame
        Every prediction that was judged: ``law, row, cut, observed, estimate, low, high``, and ``run`` where there is
        one. ``low`` and ``high`` are NaN where no resample of a fit reached a minimum.
    best : str. Name of the first.
    clear : bool. Whether the lead of the first is larger than its noise: see :func:`compare_laws`.
    n_held_out : int. Runs beyond some cut; rows where no column names runs.
    fits : mapping of law to Fit, to all runs.
    backtests : mapping of law to Backtest, of the laws that have intervals.
    left_out : mapping of law to str. Laws that could not be judged, and why.
    notes : tuple of str. Cuts at which a law could not be judged, or has no intervals, and why.
    """

    frame: pd.DataFrame
    points: pd.DataFrame
    n_held_out: int
    fits: Mapping[str, Fit]
    backtests: Mapping[str, Backtest]
    left_out: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The law that predicts best."""
        return str(self.frame["law"].iloc[0])

    @property
    def clear(self) -> bool:
        """Whether the first law converged and leads every other law of its standing by more than the noise."""
        return not self.frame["doubt"].iloc[0] and len(self._rivals()) > 0 and not self._near()

    def said(self) -> Said:
        """The ranking in words: whether to believe it, then how the first two did."""
        state, believed = self._belief()
        return Said(state, believed, (), (self._lead(), self._shown()), self._footnotes())

    def _rivals(self) -> pd.DataFrame:
        """The other laws without doubt; all others where every law is doubtful."""
        others = self.frame.iloc[1:]
        return others if self.frame["doubt"].iloc[0] else others[others["doubt"] == ""]

    def _near(self) -> list[str]:
        """The rivals whose distance from the first may be noise."""
        rivals = self._rivals()
        return [str(law) for law in rivals.loc[~(rivals["behind"] >= CLEAR), "law"]]

    def _lead(self) -> str:
        """How the first two did."""
        lead = f"{self.best}: error {self.frame['error'].iloc[0]:.2%} beyond the data"
        if len(self.frame) == 1:
            return lead
        second = self.frame.iloc[1]
        return f"{lead}; next {second['law']}: {second['error']:.2%}"

    def _belief(self) -> tuple[State, str]:
        """Whether to believe the first place, in one sentence."""
        doubt, rivals = self.frame["doubt"].iloc[0], self._rivals()
        if len(self.frame) == 1:
            why = f" It is doubtful: {doubt}." if doubt else ""
            only = f"No ranking: {self.best} is the only law that could be judged.{why}"
            return ("bad" if doubt else "doubtful"), only
        if doubt:
            return "bad", f"Do not believe this ranking: every law is doubtful; {self.best} is {doubt}."
        if not len(rivals):
            return "doubtful", f"{self.best} is first because every other law is doubtful, whatever its error."
        behind = rivals.set_index("law")["behind"]
        if behind.isna().any():
            return "bad", f"Do not rely on the order: {self._unknown(listing(behind.index[behind.isna()]))}."
        if behind.min() < CLEAR:
            return "doubtful", (
                f"The lead is within the noise: {self.best} predicts better than {behind.idxmin()} in only "
                f"{behind.min():.0%} of resamples, so either may be the better law."
            )
        return "good", (
            f"The first place can be believed: {self.best} predicts better than each other law in at least "
            f"{behind.min():.0%} of resamples."
        )

    def _unknown(self, laws: str) -> str:
        """Why the noise of the lead is not known."""
        if self.n_held_out < FEWEST_RUNS:
            return f"{count_of(self.n_held_out, 'held-out run')} cannot tell a lead from noise"
        return f"the noise of the lead over {laws} is not known; more runs or draws=100 may tell"

    def _few_points(self) -> list[bool]:
        """Whether each law was judged at fewer points than another."""
        most = self.frame["n_points"].max()
        return [count < most for count in self.frame["n_points"]]

    def _shown(self) -> pd.DataFrame:
        """The frame in text, rounded; doubts stand below it."""
        shown = self.frame.drop(columns="doubt")
        for name in ("error", "bias", "rms"):
            shown[name] = [f"{value:.2%}" for value in shown[name]]
        for name in ("behind", "coverage"):
            shown[name] = ["" if np.isnan(value) else f"{value:.0%}" for value in shown[name]]
        scaled = ["≈" + text if few else text for text, few in zip(shown["error"], self._few_points(), strict=True)]
        verdict = [text.partition(":")[0] for text in shown["verdict"]]
        return shown.assign(error=scaled, aicc=shown["aicc"].round(1), verdict=verdict)

    def _footnotes(self) -> tuple[str, ...]:
        near = [law for law, behind in zip(self.frame["law"], self.frame["behind"], strict=True) if behind < CLEAR]
        near = [law for law in near if law in self._near() and not self.frame["doubt"].iloc[0]]
        scaled = "≈ judged at fewer points than others: scaled to all by what the best law judged there did on both"
        return (
            *([f"within the noise of {self.best}: {listing(near)}"] if len(near) > 1 else []),
            *([scaled] if any(self._few_points()) else []),
            *(f"{row['law']} is doubtful: {row['doubt']}" for _, row in self.frame.iterrows() if row["doubt"]),
            *self.notes,
            *(f"{law} left out: {why}" for law, why in self.left_out.items()),
        )


def compare_laws(
    runs: Any,
    laws: Sequence[Law | str] | None = None,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str = "flops",
    level: float = 0.9,
    cuts: Sequence[float] = (0.5, 0.6, 0.7, 0.8),
    objective: Objective | None = None,
    fixed: Mapping[str, Mapping[str, float]] | None = None,
    tie: Mapping[str, Mapping[str, str]] | None = None,
    schedules: Schedules | None = None,
    draws: int = 100,
    rng: np.random.Generator | int | None = None,
) -> LawComparison:
    """Rank laws by how well they predict larger runs than they were fitted to, and AICc where that does not decide.

    Every law is back-tested on the same runs at the same cuts with the same objective. Laws are compared two by two,
    each pair on the points (rows beyond a cut) that both predicted, each cut counting the same: the one with the
    smaller mean relative error wins, or that with the smaller AICc where the two errors differ by less than 2 %. A law
    ranks by how many others it beats. So a law that cannot be fitted below the lowest cut is judged by the others, and
    takes no evidence from any other pair. How well a law fits the runs it was fitted to does not enter: more parameters
    always fit better.

    After all others, and compared among themselves, come laws judged at fewer than half of the cuts, and then laws that
    are not identified or did not converge on all runs, or below more than half of the cuts: ``doubt`` says it.

    The lead of the first law is held against its noise: the runs below each cut are resampled and refitted, as for the
    intervals, and those beyond it weighed anew. The lead is clear where every other law without doubt is behind in 95 %
    of the resamples or more, over all cuts. Whether the law goes on beyond the largest run no resample can tell.

    Parameters
    ----------
    runs : table or path, one row per run or checkpoint.
    laws : Laws or names; None takes those of the catalogue that the runs identify (:func:`suggest_laws`). Formulas go
        by their text where there is more than one.
    target : column to predict; None is each law's own output.
    columns : input of a law -> column of ``runs``, where names differ.
    along : column that orders the runs, and the input of laws in one variable.
    level : float in (0, 1), of the intervals whose coverage is shown.
    cuts : shares of the runs that are fitted, each in (0, 1).
    objective : the same for all; None is Huber 1e-3 of the log.
    fixed : law -> parameter -> value that is not fitted, such as ``{"chinchilla": {"E": 1.7}}``.
    tie : law -> parameter -> formula of other parameters, such as ``{"chinchilla": {"beta": "alpha"}}``.
    schedules : run -> Schedule, for laws of training curves; else the ``lr`` column is read.
    draws : resamples of each fit, at least 2, for the coverage and the noise; below 20 the noise is not known. A law
        none of whose resamples reaches a minimum is judged without intervals.
    rng : Generator, seed or None.

    Returns
    -------
    LawComparison
        ``.frame`` one row a law, best first, ``.best``, ``.clear``, ``.points``, ``.backtests``.

    Raises
    ------
    DataError
        If no law can be judged; the message gives the reason of each.
    FitError
        If an argument cannot be meant, or ``fixed`` or ``tie`` name a law that is not compared.

    Examples
    --------
    >>> import numpy as np, scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> runs = runs[(runs.family == "lstm") & (runs.params > 3e4)]
    >>> told = sf.compare_laws(runs, ["chinchilla", "power_offset"], cuts=[0.7], draws=20, rng=0)
    >>> sorted(told.frame.law)
    ['chinchilla', 'power_offset']
    """
    frame = as_frame(runs)
    known = dict(columns or {})
    if along == "flops" and "flops" not in frame:
        derived = checked_columns(frame, ["flops"], needed_by="compare_laws", columns=columns)
        frame = frame.assign(flops=derived.values["flops"])
    if not frame.index.is_unique:  # rows are matched between laws by their label
        frame = frame.reset_index(drop=True)
    _check_arguments(cuts, level, draws)
    candidates = candidates_of(_chosen(frame, laws, target, known, along), fixed or {}, tie or {})
    seed, noise_seed = (int(number) for number in np.random.default_rng(rng).integers(2**63, size=2))
    task = Task(frame, target, known, along, level, cuts, objective or Huber(), draws, seed, schedules)
    found, left_out = gather(task, candidates)
    if not found:
        reasons = " ".join(f"{law}: {why}" for law, why in left_out.items())
        raise DataError(f"compare_laws: no law could be judged along {along!r}. {reasons}")
    table, n_held_out = law_table(task, found, noise_seed)
    cuts_judged = {cut for one in found.values() for cut in one.converged}
    points = pd.concat([one.points for one in found.values()], keys=list(found), names=["law"])
    return LawComparison(
        table,
        points.reset_index("law").reset_index(drop=True),
        n_held_out,
        {law: one.fit for law, one in found.items()},
        {law: one.test for law, one in found.items() if one.test is not None},
        left_out,
        tuple(note for law, one in found.items() for note in missing_evidence(law, one, cuts_judged)),
    )


def _check_arguments(cuts: Sequence[float], level: float, draws: int) -> None:
    check_level(level)
    if not len(cuts) or not all(0 < cut < 1 for cut in cuts):
        raise FitError(f"cuts are shares of the runs between 0 and 1, such as cuts=(0.5, 0.8); got {cuts!r}.")
    if draws < 2:
        raise FitError(f"compare_laws needs a whole number of draws, at least 2; got {draws!r}.")


def _chosen(
    frame: pd.DataFrame, laws: Sequence[Law | str] | None, target: str | None, columns: dict[str, str], along: str
) -> list[Law]:
    """The laws to compare."""
    if laws is None:
        told = suggest_laws(frame, target=target, columns=columns, along=along if along in frame else None)
        laws = list(told.index[told["identified"]])
        if not laws:
            raise FitError("compare_laws: none of the laws can be identified by these runs; see sf.suggest_laws(runs).")
    elif isinstance(laws, str | Law) or not list(laws):
        raise FitError(f"laws must be a list of laws or names, such as ['chinchilla', 'kaplan_nd']; got {laws!r}.")
    return [get_law(law) for law in laws]
