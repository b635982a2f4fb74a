"""Comparison: families along one quantity, who is ahead where, and what each needs to reach the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison import text
from scalefit.decisions.comparison.claims import Claim
from scalefit.decisions.comparison.curves import Better, Curve
from scalefit.decisions.comparison.multipliers import common_values, goals_within, multiplier_table
from scalefit.decisions.families import fit_families
from scalefit.decisions.families_record import FamilyCall
from scalefit.decisions.route import Path, find_routes
from scalefit.errors import FitError, not_one_of
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.uncertainty.lack_of_fit import LackOfFit
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scalefit.decisions.crossover.record import Crossover

#: Columns of :attr:`Comparison.multipliers` beside the value itself.
EMPTY = ("family", "against", "estimate", "low", "high", "needs", "against_needs", "undefined", "never",
         "against_never", "where")  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Answer):
    """Two or more families along one quantity: who is ahead where, by how much, and how sure that is.

    Made by :func:`scalefit.compare` or :func:`scalefit.compare_fits`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per family and place: ``family``, the place, ``estimate, low, high``, and ``beyond``, how many times
        past the family's own runs it lies.
    differences : DataFrame
        One row per pair of families and place: ``difference`` (family less against) with ``low, high``, and
        ``joint_low, joint_high``, a band that holds at all places of ``judged`` at once; ``ratio, ratio_low,
        ratio_high``; ``probability``, the share of draws in which the family is the better one; ``undefined``, the
        share in which there is nothing to compare.
    multipliers : DataFrame
        One row per pair and value of the target: how many times as much of ``along`` the second family needs to reach
        what the first does (its effective speed-up). See :meth:`multiplier`.
    data_multipliers : DataFrame or None
        The same in tokens at one size (``data_at``), where the law takes params and tokens and ``along`` is compute.
    asymptotes : DataFrame
        One row per pair: the value that each law approaches, and what becomes of the multiplier on the way.
    best : DataFrame, places by families: the share of draws in which each is the best of all.
    claims : tuple of Claim
        Ranges of ``judged`` in which one family is ahead of another.
    fits : mapping of family to Fit
    common, judged : (float, float)
        The range of ``along`` that the runs of all families cover, None where there is none; and the one that claims
        are about, which is that of any family if there is no common one.
    common_values : (float, float) or None
        The worst and the best value of the target that every family attains within its own runs.
    pairing : str, which draws were put together and why.
    grave, doubts : tuple of str, why it should not be relied on, and what else speaks against it.
    along, target : str, the quantity along which families are compared, and what is compared.
    better : {"low", "high"}, the values of the target that are ahead.
    level : float in (0, 1), of the intervals.
    where : str, where the other inputs stand, in words.
    data_at : mapping of input to float, the size of ``data_multipliers``.
    seen : DataFrame, the rows fitted that a picture shows beside the curves.
    curves, data_curves : family -> Curve, the laws along the quantity, and along tokens at ``data_at``.
    moved : mapping, how the other inputs were told to move: ``at, ratio, path, cost``.
    call, runs : what :attr:`tests` fits again, and the table; None where the comparison was made of fits.
    """

    frame: pd.DataFrame
    differences: pd.DataFrame
    multipliers: pd.DataFrame
    data_multipliers: pd.DataFrame | None
    asymptotes: pd.DataFrame
    best: pd.DataFrame
    claims: tuple[Claim, ...]
    fits: Mapping[str, Fit]
    along: str
    target: str
    better: Better
    level: float
    where: str
    common: tuple[float, float] | None
    judged: tuple[float, float]
    common_values: tuple[float, float] | None
    data_at: Mapping[str, float]
    pairing: str
    grave: tuple[str, ...]
    doubts: tuple[str, ...]
    seen: pd.DataFrame
    curves: Mapping[str, Curve] = field(repr=False)
    moved: Mapping[str, Any] = field(default_factory=dict, repr=False)
    data_curves: Mapping[str, Curve] | None = field(default=None, repr=False)
    call: FamilyCall | None = field(default=None, repr=False)
    runs: pd.DataFrame | None = field(default=None, repr=False)

    def said(self) -> Said:
        """The comparison in words."""
        return text.say(self)

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families, in the order of the table."""
        return tuple(self.fits)

    @cached_property
    def lack_of_fit(self) -> dict[str, LackOfFit]:
        """Whether the runs of each family miss the law by more than scatter."""
        return {name: fit.missed for name, fit in self.fits.items()}

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Whether the data object to equal exponents, equal floors, and one law for all families.

        Returns
        -------
        DataFrame
            Indexed by ``hypothesis`` (``"exponents"``, ``"floors"``, ``"exponents and floors"``, ``"one law"``):
            ``share`` (the parameters held equal), ``statistic, df, df_residual, p, delta_aicc`` as of
            :class:`scalefit.SharingTest`. Below 0.05 in ``p`` the families differ in it.

        Raises
        ------
        FitError
            If the comparison was made of fits, not of runs.
        """
        if self.call is None or self.runs is None:
            raise FitError("Tests of shared parameters fit runs again: make the comparison with sf.compare(runs, …).")
        rows = {}
        for name, share in hypotheses(self.call.law, self.call).items():
            said = self.call.constraints
            joint = fit_families(
                self.runs, self.call.law, by=self.call.by, share=share, target=self.call.target,
                columns=self.call.columns, objective=self.call.objective, weights=self.call.weights, fixed=said.fixed,
                bounds=said.bounds, tie=said.tie,
            )  # fmt: skip
            rows[name] = {"share": share, **{key: getattr(joint.test, key)
                          for key in ("statistic", "df", "df_residual", "p", "delta_aicc")}}  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("hypothesis")

    def multiplier(
        self,
        reach: float | Sequence[float] | None = None,
        *,
        along: str | None = None,
        at: Mapping[str, float] | None = None,
        ratio: float | None = None,
        path: Path | None = None,
        cost: Any = None,
    ) -> pd.DataFrame:
        """How many times as much one family needs as another to reach a value: of compute, tokens or any input.

        Parameters
        ----------
        reach : values of the target; None takes those that all families attain within their own runs.
        along, at, ratio, path, cost : as for :func:`scalefit.compare`; without ``along``, those of the comparison.

        Returns
        -------
        DataFrame
            One row per pair and value: ``estimate, low, high`` of what ``against`` needs over what ``family`` needs:
            infinite where only ``against`` never gets there, zero where only ``family`` does not. ``needs`` and
            ``against_needs`` at the estimates. ``undefined``, ``never`` and ``against_never`` are shares of draws that
            do not get there within a million times the data; ``where`` is ``"beyond"`` for values that not all families
            attain within their runs.

        Raises
        ------
        FitError
            If ``reach`` is not finite, ``along`` is no quantity of the laws, or the others are given without it.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> compared = sf.compare(runs, law="chinchilla", draws=50, rng=0)
        >>> compared.multiplier(1.5, along="tokens", at={"params": 1e5})["where"].item()
        'data'
        """
        if along is not None:
            theta = {name: curve.theta for name, curve in self.curves.items()}
            moved = curves_along(self.fits, theta, self.better, along, at=at, ratio=ratio, path=path, cost=cost)
            return multipliers_on(moved, self.target, self.level, reach)
        if at is not None or ratio is not None or path is not None or cost is not None:
            raise FitError("multiplier: at, ratio, path and cost go with along=, such as along='tokens'.")
        return multipliers_on(self.curves, self.target, self.level, reach)

    def data_multiplier(self, reach: float | Sequence[float] | None = None) -> pd.DataFrame:
        """How many times as many tokens one family needs as another at the size ``data_at``: see :meth:`multiplier`.

        Raises
        ------
        FitError
            If the comparison is not along compute on the best split, or no size lies among those of all families.
        """
        if self.data_curves is None:
            raise FitError("There is no common size: say one, multiplier(along='tokens', at={'params': …}).")
        return multipliers_on(self.data_curves, self.target, self.level, reach)

    def crossover(
        self, a: str | None = None, b: str | None = None, *, between: Sequence[float] | None = None
    ) -> Crossover:
        """Where one family overtakes another, with its interval: see :func:`scalefit.find_crossover`.

        Parameters
        ----------
        a, b : names of two families; None takes the first two.
        between : where to look along the quantity that the families are compared along.
        """
        from scalefit.decisions.crossover.find import find_crossover

        pair = (self.families[0] if a is None else a, self.families[1] if b is None else b)
        for name in pair:
            if name not in self.families:
                raise FitError(not_one_of("A family", name, self.families))
        each = {
            what: [said[name] for name in pair]
            if isinstance(said, Mapping) and set(said) == set(self.families)
            else said
            for what, said in self.moved.items()
        }
        return find_crossover(
            self.fits[pair[0]], self.fits[pair[1]], along=self.along, names=pair, level=self.level, better=self.better,
            between=None if between is None else (float(between[0]), float(between[1])), at=each.get("at"),
            ratio=each.get("ratio"), path=each.get("path"), cost=each.get("cost"),
        )  # fmt: skip

    def claims_on(self, family: str) -> tuple[Claim, ...]:
        """The ranges in which one family is ahead of another.

        Parameters
        ----------
        family : str, the one that is ahead.

        Returns
        -------
        tuple of Claim
            Empty where no range is claimed for it.

        Raises
        ------
        FitError
            If no family is called that.
        """
        if family not in self.families:
            raise FitError(not_one_of("family", family, self.families))
        return tuple(claim for claim in self.claims if claim.family == family)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Curves and runs, the ratio and who is ahead: see :func:`scalefit.plots.comparisons.plot_comparison`."""
        from scalefit.plots.comparisons import plot_comparison

        return plot_comparison(self, ax=ax)


def multipliers_on(
    curves: Mapping[str, Curve], target: str, level: float, reach: float | Sequence[float] | None
) -> pd.DataFrame:
    """Multipliers along the routes of some curves: see :meth:`Comparison.multiplier`."""
    if next(iter(curves.values())).ends[0] <= 0:
        raise FitError("Multipliers compare amounts above zero; the runs have none of some.")
    within = common_values(curves)
    if reach is None:
        if within is None:
            return pd.DataFrame(columns=[*EMPTY[:2], target, *EMPTY[2:]])
        return multiplier_table(curves, goals_within(within), target, level, within)
    goals = np.atleast_1d(np.asarray(reach, float))
    if goals.ndim != 1 or not np.isfinite(goals).all() or not len(goals):
        raise FitError(f"reach: finite values of {target} to be reached; got {reach!r}.")
    return multiplier_table(curves, goals, target, level, within)


def hypotheses(law: Law, call: FamilyCall) -> dict[str, tuple[str, ...]]:
    """What families may share, by the kind of each parameter that is fitted."""
    held = {*call.constraints.fixed, *call.constraints.tie}
    free = [param for param in law.params if param.name not in held]
    floors = tuple(one.name for one in free if one.name in law.linear and one.coordinate == "raw" and one.lower == 0)
    exponents = tuple(one.name for one in free if one.name not in law.linear and one.coordinate == "raw")
    told = {"exponents": exponents, "floors": floors, "exponents and floors": (*exponents, *floors),
            "one law": tuple(one.name for one in free)}  # fmt: skip
    if not exponents or not floors:
        told.pop("exponents and floors")
    return {name: share for name, share in told.items() if share}


def curves_along(
    fits: Mapping[str, Fit],
    theta: Mapping[str, Array],
    better: Better,
    along: str,
    *,
    at: Any = None,
    ratio: Any = None,
    path: Any = None,
    cost: Any = None,
) -> dict[str, Curve]:
    """The curves of several fits along one quantity."""
    routes = find_routes(fits, along, at=at, ratio=ratio, path=path, cost=cost)
    low = min(route.reach[0] for route in routes.values())
    high = max(route.reach[1] for route in routes.values())
    return {name: Curve(route, theta[name], (low, high), better) for name, route in routes.items()}
