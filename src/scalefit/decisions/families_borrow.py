"""A new family from few runs, or one trajectory, and what other families tell of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.families_member import MemberFit
from scalefit.decisions.families_new import NewFamily, Noise, fit_new
from scalefit.decisions.families_population import Axes, Population, axes_of, population_of
from scalefit.decisions.families_record import FamilyFit
from scalefit.decisions.families_spread import USUAL
from scalefit.errors import FitError, listing, not_one_of
from scalefit.estimation import fit
from scalefit.fitting.problem import rescale, restore
from scalefit.fitting.setup import Constraints, make_coordinates
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.paths import columns_there
from scalefit.wording.amounts import digits_for, ends, plain
from scalefit.wording.said import Answer, Said

#: Above this share of a parameter's variance left, it is said to come from the others.
MOSTLY = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class BorrowedFit(Answer):
    """A new family: what its own rows tell, and what the others tell where they do not.

    Made by :func:`scalefit.borrow`; never changed.

    Attributes
    ----------
    family : str, the name of the new family.
    others : tuple of str, the families borrowed from.
    notes : tuple of str, what was derived or left out.
    fit : Fit
        The law of the new family with draws, which derives and is compared as any other Fit.
    from_others : dict of parameter to float
        The share of the uncertainty in which the population left each parameter that its own rows did not remove:
        near 1 it is borrowed, near 0 it is known from the family's own rows.
    population : Population
        What was believed of the family before it was seen.
    noise : Noise
        Scatter from run to run, from the others, and along the new rows.
    """

    family: str
    fit: MemberFit
    from_others: Mapping[str, float]
    population: Population = field(repr=False)
    noise: Noise = field(repr=False)
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether the rows and the population together fix the law."""
        return self.fit.converged

    @property
    def verdict(self) -> str:
        """The verdict in words, the status first."""
        return self.fit.verdict

    @property
    def estimates(self) -> pd.DataFrame:
        """Estimates at 90 %: see :meth:`summary`."""
        return self.summary()

    @cached_property
    def borrowed(self) -> tuple[str, ...]:
        """Parameters that come mostly from the other families."""
        return tuple(name for name, share in self.from_others.items() if share > MOSTLY)

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Estimates with standard errors and intervals; ``from_others`` is the share that is borrowed.

        Parameters
        ----------
        level : float in (0, 1), of the intervals.

        Returns
        -------
        DataFrame
            As of :meth:`Fit.summary`, with the column ``from_others``.
        """
        table = self.fit.summary(level)
        return table.assign(from_others=[self.from_others.get(str(name), 0.0) for name in table.index])

    def predict(
        self,
        frame: Any,
        *,
        level: float = 0.9,
        interval: Literal["mean", "run"] = "mean",
        columns: Mapping[str, str] | None = None,
        schedules: tables.Schedules | None = None,
    ) -> pd.DataFrame:
        """Predict further points of the new family, with intervals that hold what the others leave open.

        Parameters
        ----------
        frame : table with the inputs of the law.
        level : float in (0, 1).
        interval : ``"mean"`` for the law itself; ``"run"`` for one new run, which adds the scatter of the others.
        columns : input of the law -> column of ``frame``, where names differ.
        schedules : run -> Schedule, for laws of training curves.

        Returns
        -------
        DataFrame
            ``frame`` with ``estimate, low, high`` and ``beyond``: how far past the rows of the new family itself.

        Raises
        ------
        FitError
            If the level lies outside (0, 1), or the interval is not one of the two.
        ColumnError
            If an input is missing.
        """
        check_level(level)
        if interval not in ("mean", "run"):
            raise FitError(not_one_of("interval", interval, ("mean", "run")))
        told = self.fit.predict(frame, level=level, columns=columns, schedules=schedules)
        if interval == "mean":
            return told
        known = {**{k: v for k, v in self.fit.columns.items() if v in told.columns}, **(columns or {})}
        points = told.drop(columns=["estimate", "low", "high", "beyond"])
        inputs = tables.read_inputs(points, self.fit.law, columns=known, schedules=schedules, warn_units=False).inputs
        draws, on = self.fit.draws_theta, self.fit.problem.objective.on
        scatter = self.noise.new_runs(len(draws), np.random.default_rng(self.fit.seed))
        with np.errstate(all="ignore"):
            values = restore(rescale(self.fit.law.value(draws, inputs), on) + scatter[:, None], on)
        low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return told.assign(low=low, high=high)

    def said(self) -> Said:
        """The new family in words: its estimates, and what of them is borrowed."""
        table = self.summary()
        numbers = [tuple(row) for row in table[["estimate", "low", "high"]].to_numpy(float).tolist()]
        shown = pd.DataFrame(
            {
                "estimate": [plain(row[0], digits_for(*row)) for row in numbers],
                "90 % interval": [ends(*row) for row in numbers],
                "from others": [f"{100 * share:.0f} %" for share in table.from_others],
            },
            index=table.index,
        )
        return Said("good" if self.converged else "bad", self._headline(), (), (shown,), self.notes)

    def _headline(self) -> str:
        what = f"{self.fit.law.name} of {self.family} on {self.fit.n_rows} rows and {listing(self.others)}"
        if not self.converged:
            return f"{what}: {self.verdict}"
        told = f"{listing(self.borrowed)} borrowed" if self.borrowed else "its own rows tell it all"
        return f"{what}: converged; {told}"


def borrow(
    runs: Any,
    others: FamilyFit | Fit | Mapping[str, Fit],
    *,
    family: str | None = None,
    borrowed: Sequence[str] | None = None,
    hold: Sequence[str] = (),
    spread: Mapping[str, float] | None = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    fixed: Mapping[str, float] | None = None,
    schedules: tables.Schedules | None = None,
    rng: np.random.Generator | int | None = None,
) -> BorrowedFit:
    """Fit a new family to few runs, or the checkpoints of a single one, with what other families tell of the rest.

    One size says nothing of how the loss falls with size; other families do. Each parameter of the new family is taken
    for a draw of the population that the others are draws of, not for their mean, and its own rows move it as far as
    they know better. So nothing needs to be said of what is borrowed: what the rows identify is theirs.

    Parameters
    ----------
    runs : table or path
        Rows of the new family, at least one.
    others : FamilyFit, Fit, or mapping of family to Fit, of the same law.
    family : its name; None takes that in the column of families.
    borrowed : parameters of which the others tell anything at all; None is all. ``("A", "alpha")`` leaves the floor
        and the data term of ``chinchilla`` to the new rows, as Choshen et al. (2024) do.
    hold : parameters that the new rows may not move: they keep the distribution of the population.
    spread : standard deviation between families of some parameters, or of the size of their terms where they are
        linear: 0.1 is 10 % for positive ones. None takes what the others show, and a half-normal prior of 25 %.
    target, columns, fixed, schedules : as for :func:`scalefit.fit`.
    rng : Generator, seed or None; None takes a seed of the data, so that calls agree.

    Returns
    -------
    BorrowedFit
        ``.predict``, ``.estimates``, ``.from_others``.

    Raises
    ------
    ColumnError, DataError
        If the rows cannot be used.
    FitError
        If a name is no parameter, or the others are not fits of one law.

    Notes
    -----
    Draws are made by solving again with the population's middle, the runs and the rows moved as they scatter: runs as
    those of the others do, rows as the new ones do along their run.

    References
    ----------
    Choshen, Zhang & Andreas 2024, A Hitchhiker's Guide to Scaling Law Estimation, arXiv:2410.11840.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm")
    >>> others = sf.fit_families(runs[runs.family == "lstm"].groupby("run").last(), "chinchilla")
    >>> one = runs[runs.run == "transformer-w48-l2-10.50M-seed0"]
    >>> new = sf.borrow(one[one.tokens > 1e6], others)
    >>> new.from_others["A"] > new.from_others["beta"]
    True
    """
    fits, separate, by = _known(others)
    first = next(iter(fits.values()))
    law, said = first.law, Constraints(fixed or {}, {}, first.constraints.tie)
    said.check(law)
    for what, names in (("borrowed", borrowed or ()), ("hold", hold), ("spread", spread or ())):
        for name in names:
            if name not in law.param_names:
                raise FitError(not_one_of(f"{what}: a parameter of {law.name}", name, law.param_names))
    frame = as_frame(runs)
    rows = _read(frame, law, first, said, target, columns, schedules)
    axes = axes_of(law, said, fits)
    free = [law.param_names[j] for j in axes.coordinates.free]
    given = dict(spread or {})
    usual = [float(given.get(name, _usual(axes, j, fits))) for j, name in enumerate(free)]
    generator = np.random.default_rng(rows.seed if rng is None else rng)
    population = population_of(axes, fits, separate, usual, [name in given for name in free], generator)
    if borrowed is not None:
        population = population.restricted(np.array([name in borrowed for name in free]))
    new = fit_new(rows, law, population, list(fits.values()), np.array([name in hold for name in free]), generator)
    told = dict(zip(free, new.left_open.tolist(), strict=True))
    return BorrowedFit(
        family=family if family is not None else _name(frame, by),
        fit=_as_fit(rows, law, said, new, tuple(fits)),
        from_others={name: told.get(name, 0.0) if name in (borrowed or free) else 0.0 for name in law.param_names},
        population=population,
        noise=new.noise,
        others=tuple(fits),
        notes=rows.notes,
    )


def _known(others: FamilyFit | Fit | Mapping[str, Fit]) -> tuple[dict[str, Fit], dict[str, Fit], str]:
    """The families known, each alone, and the column of their names."""
    if isinstance(others, FamilyFit):
        return dict(others.fits), dict(others.separate) or dict(others.fits), others.call.by
    fits = {others.law.name: others} if isinstance(others, Fit) else dict(others)
    laws = {(one.law.name, one.law.param_names) for one in fits.values()}
    if len(laws) != 1:
        raise FitError(f"others must be fits of one law; got {listing(sorted(name for name, _ in laws)) or 'none'}.")
    return fits, fits, "family"


def _usual(axes: Axes, j: int, fits: Mapping[str, Fit]) -> float:
    """The scale of the spread before any is seen: a quarter, of the mean size where factors have no meaning."""
    if axes.logged[j] or axes.coordinates.kinds[j] == "log":
        return USUAL
    values = np.array([axes.from_params(one.theta)[0, j] for one in fits.values()])
    return USUAL * max(float(np.abs(values).mean()), 1e-8)


def _read(
    frame: pd.DataFrame,
    law: Law,
    like: Fit,
    said: Constraints,
    target: str | None,
    columns: Mapping[str, str] | None,
    schedules: tables.Schedules | None,
) -> Fit:
    """The rows of the new family, read as any fit reads them: all but one parameter are held, so one row is enough."""
    free = [name for name in law.param_names if name not in said.fixed and name not in said.tie]
    moved = next((name for name in law.linear if name in free), free[0])
    held = {name: like.estimates[name] for name in free if name != moved}
    known = {**columns_there(frame, like.columns), **(columns or {})}
    return fit(
        frame, law, target=target or like.target, columns=known, objective=like.problem.objective,
        fixed={**said.fixed, **held}, tie=said.tie, schedules=schedules,
    )  # fmt: skip


def _name(frame: pd.DataFrame, by: str) -> str:
    names = list(dict.fromkeys(frame[by].dropna().astype(str))) if by in frame.columns else []
    if len(names) > 1:
        raise FitError(f"borrow takes the rows of one new family; column {by!r} has {listing(names)}.")
    return names[0] if names else "the new family"


def _as_fit(rows: Fit, law: Law, said: Constraints, new: NewFamily, others: tuple[str, ...]) -> MemberFit:
    """The new family as a fit like any other."""
    coordinates = make_coordinates(law, said, rows.problem.inputs)
    parts = {one.name: getattr(rows, one.name) for one in fields(rows)}
    with np.errstate(all="ignore"):
        u = np.clip(coordinates.from_params(new.theta)[0], coordinates.lower, coordinates.upper)
    made = {
        "law": law,
        "coordinates": coordinates,
        "constraints": said,
        "u": u,
        "judgement": new.judgement,
        "objective": float(rows.problem.value(new.theta, rows.weights[None])[0]),
        "basins": u[None],
        "problem": replace(rows.problem, equation=law),
        "draws": pd.DataFrame(new.draws, columns=list(law.param_names)),
        "notes": (*rows.notes, f"what its own rows leave open comes from {listing(others)}"),
        "n_failed": new.n_failed,
    }
    return MemberFit(**{**parts, **made}, source=f"{len(new.draws)} draws of the population and of the scatter of runs")
