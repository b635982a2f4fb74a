"""Chains of laws: the loss, then the accuracy; asymptotes of asymptotes; one epoch, then repetition."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.decisions.chain_draws import Shares, draw_shares, draws_of_stage
from scalefit.errors import DataError, FitError, FitWarning, listing, missing_column, not_one_of
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.uncertainty import paths
from scalefit.uncertainty.bands import add_scatter, run_scatter
from scalefit.uncertainty.draws import MOST_FAILED
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.amounts import count_of
from scalefit.wording.digits import between, plus_minus
from scalefit.wording.said import Answer, Said, state_of

Array = NDArray[np.float64]
Group = tuple[Any, ...]


@dataclass(frozen=True)
class Stage:
    """One law of a chain, and what it takes from the stage before it.

    Parameters
    ----------
    law : Law or name.
    name : str
        What the stage is called; the law's name where it is left out.
    where : callable, optional
        Takes the table and returns a mask of the rows to fit, such as ``lambda runs: runs.epochs <= 1``.
    by : tuple of str
        Columns by which the rows are grouped: one fit a group.
    of : str
        A parameter of the stage before: its fits are then the rows of this one, with the columns of their ``by`` and
        this parameter as what is fitted.
    fixes : tuple of str
        Parameters of this law that are held at the estimates of the stage before.
    target, columns, along, objective, fixed, bounds, prior
        As for :func:`scalefit.fit`.

    Examples
    --------
    >>> Stage("chinchilla").title, Stage("power_offset", of="E", along="params").target_column
    ('chinchilla', 'E')
    """

    law: Law | str
    name: str = ""
    where: Callable[[pd.DataFrame], Any] | None = None
    by: tuple[str, ...] = ()
    of: str = ""
    fixes: tuple[str, ...] = ()
    target: str | None = None
    columns: Mapping[str, str] | None = None
    along: str | None = None
    objective: Objective | None = None
    fixed: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None
    prior: Mapping[str, tuple[float, float]] | None = None

    @property
    def title(self) -> str:
        """The name, or that of the law."""
        return self.name or get_law(self.law).name

    @property
    def target_column(self) -> str:
        """The column that is fitted."""
        return self.of or self.target or get_law(self.law).output


@dataclass(frozen=True, eq=False, repr=False)
class Chain(Answer):
    """Laws fitted one after another, with draws that run through all of them.

    Made by :func:`scalefit.chain`; never changed.

    Attributes
    ----------
    stages : tuple of Stage
    fits : tuple of mapping of group to Fit
        One mapping a stage; a stage without ``by`` has the one group ``()``.
    draws : tuple of mapping of group to array (draws, parameters)
        Row b of every stage comes from the same weights of the runs; NaN where a refit reached no minimum.
    """

    stages: tuple[Stage, ...]
    fits: tuple[Mapping[Group, Fit], ...]
    draws: tuple[Mapping[Group, Array], ...]

    @property
    def converged(self) -> bool:
        """Whether every fit of every stage can be believed."""
        return all(told.converged for fits in self.fits for told in fits.values())

    @property
    def verdict(self) -> str:
        """The worst of the verdicts, with its stage and group."""
        for stage, fits in zip(self.stages, self.fits, strict=True):
            for group, told in fits.items():
                if not told.converged:
                    return f"{_place(stage, group)}: {told.verdict}"
        return "converged in every stage"

    @property
    def n_failed(self) -> int:
        """Draws that did not reach the end of the chain."""
        good = np.ones(len(next(iter(self.draws[-1].values()))), bool)
        for thetas in self.draws:
            for theta in thetas.values():
                good &= np.isfinite(theta).all(axis=1)
        return int((~good).sum())

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Estimates with standard errors and intervals.

        Parameters
        ----------
        level : float in (0, 1), of the intervals.

        Returns
        -------
        DataFrame
            Indexed by ``stage``, ``group`` and ``parameter``: ``estimate, se, low, high``.

        Raises
        ------
        FitError
            If the level lies outside (0, 1).
        """
        check_level(level)
        rows = []
        for stage, fits, draws in zip(self.stages, self.fits, self.draws, strict=True):
            for group, told in fits.items():
                with np.errstate(all="ignore"):
                    low, high = np.nanquantile(draws[group], [0.5 - level / 2, 0.5 + level / 2], axis=0)
                se = np.nanstd(draws[group], axis=0, ddof=1)
                text = ", ".join(map(str, group))
                for j, (name, value) in enumerate(told.estimates.items()):
                    rows.append((stage.title, text, name, value, se[j], low[j], high[j]))
        names = ["stage", "group", "parameter", "estimate", "se", "low", "high"]
        return pd.DataFrame(rows, columns=names).set_index(names[:3])

    def predict(self, frame: Any, *, level: float = 0.9, interval: Literal["mean", "run"] = "mean") -> pd.DataFrame:
        """Predict with the last stage, and with earlier ones what it needs and the table lacks.

        Parameters
        ----------
        frame : table with the inputs of the last law, or of the stages whose outputs are its inputs.
        level : float in (0, 1).
        interval : ``"mean"`` for the laws' own uncertainty, ``"run"`` for one new run (adds the last stage's scatter).

        Returns
        -------
        DataFrame
            ``frame`` with ``estimate, low, high``, a column for each stage predicted on the way, and ``beyond``: how
            many times past the range fitted the farthest input of any of these stages lies, 1 inside.

        Raises
        ------
        FitError
            If a stage that is needed was fitted by group.
        """
        check_level(level)
        if interval not in ("mean", "run"):
            raise FitError(not_one_of("interval", interval, ("mean", "run")))
        points = as_frame(frame, what="the table to predict").copy()
        estimate, values, beyond = self._predict_stage(len(self.stages) - 1, points, interval == "run")
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            raise FitError("chain: no draw reached the end of the chain, so there are no intervals.")
        low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return points.assign(estimate=estimate, low=low, high=high, beyond=beyond)

    def _predict_stage(self, k: int, points: pd.DataFrame, scatter: bool) -> tuple[Array, Array, Array]:
        """Values (n,) of one stage and of each draw (draws, n); how far beyond the data any input on the way lies (n,).

        Earlier stages leave their columns in ``points``.
        """
        stage, told = self.stages[k], self._only_fit(k)
        replaced: dict[str, Array] = {}
        beyond = np.ones(len(points))
        known = {**(stage.columns or {}), **({told.law.inputs[0]: stage.along} if stage.along else {})}
        for name in told.law.inputs:
            column = known.get(name, told.columns.get(name, name))
            if column not in points:
                before = [i for i in range(k) if self.stages[i].target_column == column]
                if not before:
                    raise missing_column(column, f"stage {stage.title}", list(points.columns))
                points[column], replaced[name], before_it = self._predict_stage(before[-1], points, False)
                beyond = np.maximum(beyond, before_it)
            known[name] = column
        inputs = tables.read_inputs(points, told.law, columns=known, schedules=None, warn_units=False).inputs
        theta = self.draws[k][()]
        moved = [replaced.get(name, x[None]) for name, x in zip(told.law.inputs, inputs, strict=True)]
        with np.errstate(all="ignore"):
            drawn = told.law.function(*moved, *(theta[:, j, None] for j in range(theta.shape[1])))
            values = np.broadcast_to(np.asarray(drawn, float), (len(theta), len(points)))
            estimate = told.law.value(told.theta, inputs)[0]
        beyond = np.maximum(beyond, paths.beyond(inputs, told.problem.inputs))
        if scatter:
            values = add_scatter(told, values, run_scatter(told, inputs, len(values)))
        return estimate, values, beyond

    def _only_fit(self, k: int) -> Fit:
        if list(self.fits[k]) != [()]:
            raise FitError(
                f"Stage {self.stages[k].title} has a fit for each {listing(self.stages[k].by)}: predict with its fits, "
                f"chain.fits[{k}]."
            )
        return self.fits[k][()]

    def said(self) -> Said:
        """The chain in words, stage by stage."""
        table = self.summary()
        cells = table[["estimate", "se", "low", "high"]].to_numpy(float).tolist()
        words = [(plus_minus(value, se), between(low, high, se)) for value, se, low, high in cells]
        shown = pd.DataFrame(words, index=table.index, columns=["estimate", "90 % interval"])
        parts: list[pd.DataFrame | str] = []
        for stage, fits in zip(self.stages, self.fits, strict=True):
            if list(fits) == [()]:
                own = shown.index.get_level_values("stage") == stage.title
                parts += [stage.title, shown[own].droplevel(["stage", "group"])]
            else:
                parts.append(f"{stage.title}: {count_of(len(fits), 'fit')} by {listing(stage.by)}")
        doubts = (f"{self.n_failed} draws did not reach the end of the chain",) if self.n_failed else ()
        head = f"chain of {' -> '.join(stage.title for stage in self.stages)}: {self.verdict}"
        return Said(state_of(doubts, believed=self.converged), head, doubts, tuple(parts))


def chain(
    runs: Any,
    stages: Sequence[Stage],
    *,
    draws: int = 200,
    rng: np.random.Generator | int | None = None,
) -> Chain:
    """Fit laws one after another, and bootstrap the whole chain on one plan.

    A stage takes from the one before it what it says: nothing but rows of the same table (the accuracy as a function of
    the loss, predicted with the loss that the first stage predicts), values for some of its parameters (``fixes``), or
    its rows (``of``: asymptotes of asymptotes). Each draw of weights of the runs (a Bayesian bootstrap) goes through
    every stage, so the uncertainty of the first is in the intervals of the last.

    Parameters
    ----------
    runs : table or path, as for :func:`scalefit.fit`. Runs are weighed whole where ``run`` repeats, else rows.
    stages : one or more :class:`Stage`, in order.
    draws : at least 2.
    rng : Generator, seed or None. All draws are made before the work starts.

    Returns
    -------
    Chain
        ``.fits`` and ``.draws`` of each stage, ``.summary()``, ``.predict()``.

    Raises
    ------
    DataError
        If a stage has no rows.
    FitError
        If a stage takes something that the one before it does not have.

    Examples
    --------
    >>> import scalefit as sf
    >>> table = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[1e9, 3e9, 1e10])
    >>> table["loss"] = 1.7 + 400 / table.params**0.35 + 2000 / table.tokens**0.37
    >>> table["error"] = 0.9 - 3.0 * np.exp(-1.2 * table.loss)
    >>> exponential = sf.formula_law("a - b*exp(-c*loss)", inputs=["loss"], output="error")
    >>> told = sf.chain(table, [sf.Stage("chinchilla"), sf.Stage(exponential)], draws=20, rng=0)
    >>> told.predict(sf.grid(params=[1e9], tokens=[1e11])).columns.tolist()
    ['params', 'tokens', 'loss', 'estimate', 'low', 'high', 'beyond']
    """
    if not stages:
        raise FitError("chain needs at least one stage: chain(runs, [Stage('chinchilla'), …]).")
    if draws < 2:
        raise FitError(f"chain needs a whole number of draws, at least 2; got {draws!r}.")
    frame = as_frame(runs).reset_index(drop=True)
    shares = draw_shares(frame, draws, np.random.default_rng(rng))
    fits: list[Mapping[Group, Fit]] = []
    drawn: list[Mapping[Group, Array]] = []
    for k, stage in enumerate(stages):
        before = (stages[k - 1], fits[-1], drawn[-1]) if k else None
        told, thetas = _run_stage(stage, before, frame, shares)
        fits.append(told)
        drawn.append(thetas)
    whole = Chain(tuple(stages), tuple(fits), tuple(drawn))
    if whole.n_failed > MOST_FAILED * draws:
        warnings.warn(
            f"chain: {whole.n_failed} of {draws} draws did not reach the end of the chain and were left out; intervals "
            "may be too narrow.",
            FitWarning,
            stacklevel=2,
        )
    return whole


Before = tuple[Stage, Mapping[Group, Fit], Mapping[Group, Array]]


def _run_stage(
    stage: Stage, before: Before | None, frame: pd.DataFrame, shares: Shares
) -> tuple[dict[Group, Fit], dict[Group, Array]]:
    if before is None and (stage.of or stage.fixes):
        raise FitError(f"Stage {stage.title} is the first: it has no stage before it to take from.")
    table = _asymptotes(stage, before) if stage.of and before else frame
    if stage.where is not None:
        table = table[np.asarray(stage.where(table), bool)]
    fits: dict[Group, Fit] = {}
    draws: dict[Group, Array] = {}
    for group, rows in _groups(stage, table).items():
        if not len(rows):
            raise DataError(f"Stage {_place(stage, group)} has no rows.")
        held, held_draws = _held(stage, before, group)
        fits[group] = fit(
            rows, stage.law, target=stage.target_column, columns=stage.columns, along=stage.along,
            objective=stage.objective, fixed={**stage.fixed, **held}, bounds=stage.bounds, prior=stage.prior,
        )  # fmt: skip
        targets = None
        if stage.of and before:
            place = get_law(before[0].law).param_names.index(stage.of)
            keys = list(before[2])
            targets = np.column_stack([before[2][keys[row]][:, place] for row in rows.index])
        draws[group] = draws_of_stage(fits[group], shares, held_draws, targets)
    return fits, draws


def _groups(stage: Stage, table: pd.DataFrame) -> dict[Group, pd.DataFrame]:
    for column in stage.by:
        if column not in table:
            raise missing_column(column, f"stage {stage.title}", list(table.columns))
    if not stage.by:
        return {(): table}
    return {tuple(np.atleast_1d(np.asarray(key, object))): rows for key, rows in table.groupby(list(stage.by))}


def _asymptotes(stage: Stage, before: Before) -> pd.DataFrame:
    """One row per fit of the stage before: the columns of its groups, and the parameter."""
    earlier, fits, _ = before
    names = get_law(earlier.law).param_names
    if stage.of not in names:
        raise FitError(not_one_of(f"Stage {stage.title}, of: a parameter of {earlier.title}", stage.of, names))
    if not earlier.by:
        raise FitError(
            f"Stage {stage.title} takes {stage.of} of {earlier.title}, which has a single fit: give it by=…."
        )
    return pd.DataFrame(
        [
            dict(zip(earlier.by, group, strict=True)) | {stage.of: told.estimates[stage.of]}
            for group, told in fits.items()
        ]
    )


def _held(stage: Stage, before: Before | None, group: Group) -> tuple[dict[str, float], dict[str, Array]]:
    """Parameters fixed at the stage before: their estimates, and their draws."""
    if not stage.fixes or before is None:
        return {}, {}
    earlier, fits, draws = before
    key = group if group in fits else ()
    if key not in fits:
        raise FitError(f"Stage {_place(stage, group)} fixes parameters of {earlier.title}, which has no such group.")
    names = get_law(earlier.law).param_names
    for name in stage.fixes:
        if name not in names:
            raise FitError(not_one_of(f"Stage {stage.title}, fixes: a parameter of {earlier.title}", name, names))
    held = {name: fits[key].estimates[name] for name in stage.fixes}
    return held, {name: draws[key][:, names.index(name)] for name in stage.fixes}


def _place(stage: Stage, group: Group) -> str:
    keys = ", ".join(f"{column} {value}" for column, value in zip(stage.by, group, strict=True))
    return f"{stage.title} ({keys})" if keys else stage.title
