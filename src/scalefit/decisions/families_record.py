"""FamilyFit: families fitted jointly, what they share and what is each one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions import families_text
from scalefit.decisions.families_joint import plan_by_family
from scalefit.decisions.families_likelihood import SharingTest, judge_sharing
from scalefit.decisions.families_member import MemberFit, member_of
from scalefit.decisions.families_spread import Spread
from scalefit.decisions.joint_law import Joint
from scalefit.errors import DataError, FitError, missing_column, not_one_of, rows_text
from scalefit.estimation import fit
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from scalefit.decisions.families_backtest import FamilyBacktest

Pull = bool | Mapping[str, float]


@dataclass(frozen=True, eq=False)
class FamilyCall:
    """How families were fitted: what a back-test repeats on a part of the runs."""

    law: Law
    by: str
    share: tuple[str, ...]
    pull: Pull
    target: str | None
    columns: Mapping[str, str] | None
    objective: Objective | None
    weights: str | None
    constraints: Constraints
    schedules: tables.Schedules | None

    def fit(self, frame: pd.DataFrame) -> Fit:
        """The law fitted to some rows, families or not."""
        said = self.constraints
        return fit(
            frame, self.law, target=self.target, columns=self.columns, objective=self.objective, weights=self.weights,
            fixed=said.fixed, bounds=said.bounds, tie=said.tie, schedules=self.schedules,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class FamilyFit(Answer):
    """Families fitted jointly: what they share, what is each one's own, and whether the data object to it.

    Made by :func:`scalefit.fit_families`; never changed.

    Attributes
    ----------
    fit : Fit
        The joint fit, whose law has the parameters of all families (``alpha``, ``A_lstm``, ``A_transformer``, …).
    separate : mapping of family to Fit
        Each family fitted alone, but for those in ``left_alone``.
    left_alone : mapping of family to str
        Families with too few rows for a fit of their own, and why.
    pooled : Fit
        One law for the rows of all families.
    spreads : mapping of parameter to Spread
        How far families lie apart in each pulled or shared parameter, from the separate fits.
    pull : mapping of parameter to float
        The standard deviation between families that the pull of each parameter assumes; empty where they are equal.
    joint : Joint
        Which parameters of the joint law belong to which family.
    call, runs : how the families were fitted, and the table, for :meth:`bootstrap` and :meth:`backtest`.
    notes : tuple of str, what was derived or left out.
    """

    fit: Fit
    separate: Mapping[str, Fit]
    pooled: Fit
    left_alone: Mapping[str, str]
    spreads: Mapping[str, Spread]
    pull: Mapping[str, float]
    joint: Joint
    call: FamilyCall = field(repr=False)
    runs: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    def said(self) -> Said:
        """The joint fit in words."""
        return families_text.say(self)

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families."""
        return self.joint.families

    @property
    def share(self) -> tuple[str, ...]:
        """Parameters equal for all families, or drawn to a common mean."""
        return self.call.share

    @property
    def converged(self) -> bool:
        """Whether the joint estimates can be believed; :attr:`verdict` says why or why not."""
        return self.fit.converged

    @property
    def verdict(self) -> str:
        """The verdict on the joint fit in words, the status first."""
        return self.fit.verdict

    @cached_property
    def fits(self) -> dict[str, MemberFit]:
        """The part of each family in the joint fit, which predicts and is compared as any other Fit."""
        draws, source = self.fit.draws_theta, f"{self.fit.interval_source}, of the joint fit"
        made_of = self.call.constraints
        return {
            name: member_of(self.joint, self.fit, number, made_of, draws, source)
            for number, name in enumerate(self.families)
        }

    @property
    def estimates(self) -> pd.DataFrame:
        """Estimates of all families at 90 %: see :meth:`summary`."""
        return self.summary()

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Estimates with standard errors and intervals.

        Parameters
        ----------
        level : float in (0, 1).

        Returns
        -------
        DataFrame
            Indexed by ``family`` and ``parameter``: ``estimate, se, low, high, unit, at_bound``, and ``borrowed``:
            ``"shared"``, ``"pulled"`` or ``"own"``.
        """
        how = {name: "pulled" if name in self.pull else "shared" for name in self.share}
        parts = {
            family: one.summary(level).assign(borrowed=[how.get(name, "own") for name in one.law.param_names])
            for family, one in self.fits.items()
        }
        return pd.concat(parts, names=["family", "parameter"])

    @cached_property
    def test(self) -> SharingTest:
        """Whether the data object to what is shared: a likelihood-ratio test against separate fits.

        Raises
        ------
        FitError
            If parameters are pulled, not equal; there is one family; or one could not be fitted alone.
        """
        if self.pull:
            raise FitError(
                "What is pulled may differ between families, so there is nothing to test: fit with pull=None."
            )
        if len(self.families) < 2:
            raise FitError(f"There is only the family {self.families[0]!r}: sharing needs two.")
        if self.left_alone:
            name, why = next(iter(self.left_alone.items()))
            raise FitError(f"Sharing is tested against separate fits, and {name!r} has none: {why}")
        return judge_sharing(self.share, self.fit, self.separate)

    def bootstrap(
        self, n: int = 1000, *, rng: np.random.Generator | int | None = None, progress: bool = False
    ) -> FamilyFit:
        """Refit resampled data jointly; each family keeps its number of rows or runs.

        Parameters
        ----------
        n : number of resamples, at least 2.
        rng : Generator, seed or None. All draws are made before the work starts.
        progress : whether to show a bar.

        Returns
        -------
        FamilyFit
            Whose ``fit`` and ``fits`` carry the draws, one plan for all families: they may be compared draw by draw.

        Raises
        ------
        FitError
            If ``n`` is not a whole number of at least 2.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> families = sf.fit_families(runs, "chinchilla").bootstrap(50, rng=0)
        >>> families.fits["lstm"].draws.shape
        (50, 5)
        """
        if isinstance(n, bool) or int(n) != n or n < 2:
            raise FitError(f"bootstrap needs a whole number of resamples, at least 2; got {n!r}.")
        generator = np.random.default_rng(rng)
        plan = plan_by_family(self.fit, self.fit.problem.inputs[-1], int(n), generator)
        return replace(self, fit=self.fit.bootstrap(int(n), rng=generator, plan=plan, progress=progress))

    def predict(
        self,
        frame: Any,
        *,
        level: float = 0.9,
        interval: Literal["mean", "run"] = "mean",
        columns: Mapping[str, str] | None = None,
        schedules: tables.Schedules | None = None,
    ) -> pd.DataFrame:
        """Predict new points of known families, with intervals.

        Parameters
        ----------
        frame : table with the inputs of the law and the column of families.
        level : float in (0, 1).
        interval : ``"mean"`` for the law's own uncertainty, ``"run"`` for one new run.
        columns : input of the law -> column of ``frame``, where names differ from those of the fit.
        schedules : run -> Schedule, for laws of training curves.

        Returns
        -------
        DataFrame
            ``frame`` with ``estimate, low, high`` and ``beyond``: how far past the rows of its own family.

        Raises
        ------
        ColumnError
            If an input or the column of families is missing.
        DataError
            If a family was not fitted; :func:`scalefit.borrow` is for new ones.
        """
        points = as_frame(frame, what="the table to predict")
        by = self.call.by
        if by not in points.columns:
            raise missing_column(by, "FamilyFit.predict", list(points.columns))
        told = points[by].astype(str)
        strange = ~told.isin(self.families)
        if strange.any():
            raise DataError(
                f"{not_one_of('A family', told[strange].iloc[0], self.families)} It stands in "
                f"{rows_text(list(points.index[strange]))}. For a new family: sf.borrow(its_runs, families)."
            )
        out = []
        for name, one in self.fits.items():
            rows = np.flatnonzero(told == name)
            if len(rows):
                part = one.predict(
                    points.iloc[rows], level=level, interval=interval, columns=columns, schedules=schedules
                )
                out.append(part.assign(**{families_text.ORDER: rows}))
        together = pd.concat(out).sort_values(families_text.ORDER, kind="stable")
        return together.drop(columns=families_text.ORDER)

    def backtest(
        self,
        *,
        along: str = "flops",
        cuts: Sequence[float] = (0.5, 0.6, 0.7, 0.8),
        level: float = 0.9,
        rng: np.random.Generator | int | None = None,
    ) -> FamilyBacktest:
        """Fit the small runs of each family, judge its large ones: separate, shared and pulled side by side.

        See :func:`scalefit.backtest_families`, which this calls with the runs and settings of the fit.
        """
        from scalefit.decisions.families_backtest import backtest_call

        return backtest_call(self.runs, self.call, along=along, cuts=cuts, level=level, draws=None, rng=rng)
