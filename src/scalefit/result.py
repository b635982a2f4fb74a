"""Fit: what is believed and how firmly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import FitWarning
from scalefit.provenance import seed_of
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.frame import as_frame
from scalefit.uncertainty import bands, paths
from scalefit.uncertainty import draws as drawing
from scalefit.uncertainty.bands import BandKind
from scalefit.uncertainty.derivations import derive_frame
from scalefit.uncertainty.intervals import IntervalKind, check_level, interval_of, summary_frame
from scalefit.uncertainty.jackknife import Jackknife, jackknife_of
from scalefit.uncertainty.lack_of_fit import LackOfFit, lack_of_fit
from scalefit.uncertainty.record import FitRecord
from scalefit.uncertainty.resamples import BootstrapKind, bootstrap_draws
from scalefit.uncertainty.resampling import Plan

if TYPE_CHECKING:
    import lmfit
    from matplotlib.axes import Axes

    from scalefit.decisions.backtest_result import Backtest
    from scalefit.reports.checklist import Checklist
    from scalefit.schedules import Schedule

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Fit(FitRecord):
    """A law fitted to runs: estimates, a verdict, and what is needed to say how sure they are.

    Made by :func:`scalefit.fit`; never changed. A method that adds something returns a new Fit.

    Attributes
    ----------
    law : Law
    converged : bool
        Whether the estimates can be believed; ``verdict`` says why or why not.
    estimates : dict of parameter to float, in raw units.
    objective : float
        The objective summed over rows at the estimates, without the rows of a prior.
    draws : DataFrame or None
        One row per resample that was refitted, one column per parameter; None before :meth:`bootstrap`.
    n_failed : int
        Resamples that reached no minimum; they are not in ``draws``.
    """

    def __repr__(self) -> str:
        from scalefit.reports.text import describe_fit

        return describe_fit(self)

    def _repr_html_(self) -> str:
        from scalefit.reports.html import describe_fit

        return describe_fit(self)

    @cached_property
    def draws_theta(self) -> Array:
        """(draws, p): refits, or draws of the covariance where there are none."""
        if self.draws is not None:
            return self.draws.to_numpy(float)
        return drawing.normal_draws(self.coordinates, self.u, self.coordinate_covariance, self.seed)

    @cached_property
    def missed(self) -> LackOfFit:
        """Whether the law misses something, tested at first use: see :func:`scalefit.lack_of_fit`."""
        return lack_of_fit(self)

    @cached_property
    def seed(self) -> int:
        """A seed made of data and answer, for calls that need random numbers and are given none."""
        return seed_of(self.provenance, self.law, self.u, self.target)

    def summary(self, level: float = 0.9, *, kind: IntervalKind = "percentile") -> pd.DataFrame:
        """Estimates with standard errors and intervals.

        Parameters
        ----------
        level : float in (0, 1). How often intervals made in this way hold the true value.
        kind : see :meth:`interval`.

        Returns
        -------
        DataFrame
            Indexed by parameter: ``estimate, se, low, high, unit, at_bound``. Standard errors are the spread of the
            draws after a bootstrap, else from the covariance.
        """
        return summary_frame(self, level, kind, self.judgement.at_bound)

    def interval(self, level: float = 0.9, *, kind: IntervalKind = "percentile") -> tuple[Array, Array]:
        """Low and high end of each parameter's interval, in the order of the law.

        Parameters
        ----------
        level : float in (0, 1).
        kind : {"percentile", "basic", "bca", "studentized"}
            The central share of the draws; the same mirrored at the estimate; corrected for bias and skew (Efron 1987);
            or draws in units of their own standard errors (Hall 1988), which holds best with few runs and takes about
            as long as the bootstrap again. All but the first need :meth:`bootstrap`.
        """
        return interval_of(self, level, kind)

    def bootstrap(
        self,
        n: int = 1000,
        *,
        kind: BootstrapKind | None = None,
        strata: str | Sequence[object] | None = None,
        share: float = 0.8,
        scaled: bool = True,
        rng: np.random.Generator | int | None = None,
        progress: bool = False,
        plan: Plan | None = None,
    ) -> Fit:
        """Refit resampled data; the Fit returned carries the draws.

        Parameters
        ----------
        n : number of resamples, at least 2.
        kind : what is drawn. None: rows where each is a run of its own (``"pairs"``), whole runs where ``run`` repeats
            (``"runs"``), moving blocks along each run where there are fewer than six (``"blocks"``).

            ``"strata"``: rows or whole runs within each size, so that every resample keeps all sizes. ``"subsample"``:
            ``share`` of them without replacement, as Hoffmann et al. 2022 did.

            The others keep every point and redraw its value. ``"seeds"``: repeated runs of one setting among
            themselves. ``"residual"``: residuals from any row. ``"wild"``: each row's own, with a random sign
            (Rademacher's, which leaves the median of the noise at zero as robust objectives need), by whole runs where
            ``run`` repeats. ``"parametric"``: noise from Student's t fitted to the residuals.
        strata : for ``"strata"``: a column of ``fit.data`` or a value per row; None: the first input of few values.
        share : for ``"subsample"``, in (0, 1).
        scaled : for ``"subsample"``: whether draws are moved away from the estimate by ``sqrt(m / (n - m))``, so that m
            of n runs give the spread of n (Politis & Romano 1994). False is what was published: half as wide at 0.8.
        rng : Generator, seed or None. All draws are made before the work starts.
        progress : whether to show a bar.
        plan : the plan of another fit to the same runs, so that the draws of both may be combined one by one.

        Returns
        -------
        Fit
            With ``draws`` and ``n_failed``. Resamples that cannot fix the law, such as of one size, are drawn again
            before the work starts; ``plan.redrawn`` counts them.

        Raises
        ------
        FitError
            If the data do not have what the kind draws: repeated runs, a column of few values, enough rows.

        Warns
        -----
        FitWarning
            If more than 2 % of the resamples reached no minimum, more than 10 % had to be drawn again, or blocks stand
            in for runs.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
        >>> fit.draws.shape, fit.n_failed
        ((100, 5), 0)
        """
        draws, n_failed, plan, drawn = bootstrap_draws(
            self, n, kind=kind, strata=strata, share=share, scaled=scaled, rng=rng, progress=progress, plan=plan
        )
        return replace(self, draws=draws, n_failed=n_failed, plan=plan, drawn=drawn)

    def jackknife(self) -> Jackknife:
        """Leave out each run in turn: what each does to the estimates, and standard errors without random numbers.

        Units are those of :meth:`bootstrap`: rows, whole runs, or blocks along few runs. Standard errors of a jackknife
        are not to be trusted for objectives close to the median, such as Huber's with a small delta.

        Returns
        -------
        Jackknife
            ``frame`` (one row a unit, the most influential first), ``se`` and ``bias``.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla", objective=sf.Square())
        >>> fit.jackknife().se.index.tolist()
        ['E', 'A', 'alpha', 'B', 'beta']
        """
        return jackknife_of(self)

    def predict(
        self,
        frame: Any,
        *,
        level: float = 0.9,
        interval: Literal["mean", "run"] = "mean",
        columns: Mapping[str, str] | None = None,
        schedules: tables.Schedules | None = None,
        band: BandKind = "pointwise",
    ) -> pd.DataFrame:
        """Predict at new points, with an interval.

        Parameters
        ----------
        frame : table with the inputs of the law, such as ``sf.grid(params=[7e10], tokens=[1.4e12])``.
        level : float in (0, 1).
        interval : ``"mean"`` for the law's own uncertainty, ``"run"`` for one new run (adds the scatter of runs).
        columns : input of the law -> column of ``frame``, where names differ from those of the fit.
        schedules : run -> Schedule, for laws of training curves.
        band : ``"pointwise"`` for intervals that hold at each row by itself, ``"simultaneous"`` for wider ones that
            hold at all rows of ``frame`` together.

        Returns
        -------
        DataFrame
            ``frame`` with ``estimate, low, high`` and ``beyond``: how many times past the fitted range the farthest
            input lies, 1 inside it. Far beyond the data an interval of one law is too narrow: see ``sf.backtest``.

        Raises
        ------
        ColumnError
            If an input is missing, or a column is already called ``estimate``, ``low``, ``high`` or ``beyond``.

        Warns
        -----
        FitWarning
            If the fit is not converged or not identified: its predictions then mean little. If the law has no value in
            some rows, such as before the first step with a learning rate: these are NaN.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
        >>> fit.predict(sf.grid(params=[1e6], tokens=[1e8])).columns.tolist()
        ['params', 'tokens', 'estimate', 'low', 'high', 'beyond']
        """
        check_level(level)
        points = as_frame(frame, what="the table to predict")
        no_reserved_columns(points, ("estimate", "low", "high", "beyond"), needed_by="predict")
        known = {**paths.columns_there(points, self.columns), **(columns or {})}
        inputs = tables.read_inputs(points, self.law, columns=known, schedules=schedules).inputs
        if not self.converged:
            warnings.warn(f"{self.law.name} is {self.verdict}. Predictions mean little.", FitWarning, stacklevel=2)
        told, none = bands.predicted(self, inputs, level, interval, band)
        if len(none):
            warnings.warn(bands.without_value(self.law, inputs, none, list(points.index)), FitWarning, stacklevel=2)
        return points.assign(**told, beyond=paths.beyond(inputs, self.problem.inputs))

    def predict_curve(
        self,
        schedule: Schedule,
        *,
        steps: Sequence[int] | None = None,
        level: float = 0.9,
        interval: Literal["mean", "run"] = "mean",
        at: Mapping[str, float] | None = None,
        band: BandKind = "pointwise",
    ) -> pd.DataFrame:
        """The loss along a whole schedule, by a law of training curves.

        Parameters
        ----------
        schedule : Schedule
        steps : steps to predict; None: about 200 at even distances, from where the fitted rows begin to the last.
        level, interval : as for :meth:`predict`.
        band : ``"pointwise"``, or ``"simultaneous"`` for a band that holds the whole curve at these steps.
        at : other inputs of the law, such as ``{"params": 1e8}``, where they differ between the fitted runs.

        Returns
        -------
        DataFrame
            ``step, lr``, other inputs, ``estimate, low, high, beyond``, one row a step.

        Raises
        ------
        LawError
            If the law takes no schedule.

        Examples
        --------
        >>> import scalefit as sf
        >>> logs = sf.datasets.load("microlm", part="schedules")
        >>> few = logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
        >>> told = sf.fit(few, "lr_annealing").predict_curve(sf.Schedule.linear(steps=2000, peak=0.004, warmup=64))
        >>> int(told.step.iloc[-1]), told.columns.tolist()
        (2000, ['step', 'lr', 'estimate', 'low', 'high', 'beyond'])
        """
        from scalefit.decisions.schedules.curve import predict_curve

        return predict_curve(self, schedule, steps=steps, level=level, interval=interval, at=at, band=band)

    def curve(
        self,
        along: str | None = None,
        *,
        at: Mapping[str, float] | None = None,
        ratio: float | None = None,
        level: float = 0.9,
        interval: Literal["mean", "run"] = "mean",
        points: int = 200,
        beyond: float = 10.0,
    ) -> pd.DataFrame:
        """The law along one quantity, from the smallest value fitted to ``beyond`` times the largest.

        Parameters
        ----------
        along : an input of the law, or ``"flops"`` for a law of params and tokens. None: the only input.
        at : values of the other inputs; those left out stand at the median of the data.
        ratio : tokens per parameter along ``"flops"``; None is the median of the data.

        Returns
        -------
        DataFrame
            The quantity, the inputs of the law, ``estimate, low, high, beyond``.
        """
        path = paths.path_along(
            self.law.inputs, self.problem.inputs, along, at=at or {}, ratio=ratio, points=points, beyond=beyond
        )
        inputs = tuple(path[name].to_numpy(float) for name in self.law.inputs)
        low, high = bands.band(self, inputs, check_level(level), interval)
        return path.assign(
            estimate=self.law.value(self.theta, inputs)[0],
            low=low,
            high=high,
            beyond=paths.beyond(inputs, self.problem.inputs),
        )

    def derive(
        self, name: str, *, at: Mapping[str, Any] | pd.DataFrame | None = None, level: float = 0.9
    ) -> pd.DataFrame:
        """A quantity that follows from the parameters, with its interval; ``fit.law.derived`` lists them.

        Parameters
        ----------
        at : what the quantity asks, such as ``{"loss": [2.0, 1.9]}``.

        Returns
        -------
        DataFrame
            ``at`` with ``estimate, low, high, unit`` and ``undefined``, the share of draws in which it has no value.
        """
        return derive_frame(self.law, name, self.theta[0], self.draws_theta, {} if at is None else at, level)

    def checklist(self, *, answers: Mapping[str, str] | None = None, backtest: Backtest | None = None) -> Checklist:
        """What a report of this fit must state, filled in as far as it is known: see :class:`scalefit.Checklist`.

        Parameters
        ----------
        answers : item -> what only its author knows, such as ``{"tokenizer": "GPT-2"}``.
        backtest : of the same law and runs, for the items on validation.
        """
        from scalefit.reports.checklist import make_checklist

        return make_checklist(self, answers=answers, backtest=backtest)

    def formula(self, *, latex: bool = False) -> str:
        """The equation with its numbers in, as text or LaTeX."""
        from scalefit.reports.text import formula_of

        return formula_of(self, latex=latex)

    def to_lmfit(self) -> lmfit.Parameters:
        """The estimates as ``lmfit.Parameters``, with bounds, ties and what was fixed."""
        from scalefit.fitting.lmfit_bridge import write_parameters

        return write_parameters(self.law, self.theta[0], self.summary()["se"].to_numpy(float), self.constraints)

    def to_json(self, path: str | Path | None = None) -> str:
        """The fit as JSON text that :func:`scalefit.load_fit` reads back; written to ``path`` if given."""
        from scalefit.reports.json import write_fit

        return write_fit(self, path)

    def report(
        self,
        path: str | Path,
        *,
        runs: Any = None,
        by: str | None = None,
        at: Any = None,
        flops: float | Sequence[float] | None = None,
        answers: Mapping[str, str] | None = None,
        skip: Sequence[str] = (),
        draws: int = 200,
        rng: int | None = None,
        progress: bool = False,
    ) -> Path:
        """Write all that can be said of the fit into one HTML file, which opens from disk and loads nothing.

        Parameters
        ----------
        path : where to write; an older file is replaced.
        runs, by : table with the families to compare, and the column that names them; None: those of the rows fitted.
        at : table of the points to forecast; None: a run of ten times the compute.
        flops : budgets to split, in FLOP; None: the compute of the largest run, ten and a hundred times as much.
        answers, skip, draws, rng, progress : see :func:`scalefit.reports.page.report.report_page`.

        Returns
        -------
        Path
            Where it was written.
        """
        from scalefit.reports.page.report import write_report

        return write_report(
            self, path, runs=runs, by=by, at=at, flops=flops, answers=answers, skip=skip, draws=draws, rng=rng,
            progress=progress,
        )  # fmt: skip

    def plot(
        self,
        *,
        kind: Literal["curves", "contours", "starts"] | None = None,
        along: str | None = None,
        level: float = 0.9,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the fit beside its data; :func:`scalefit.plot_residuals` and ``plot_draws`` show more.

        Parameters
        ----------
        kind : {"curves", "contours", "starts"}, optional
            Data, curve and band, or training curves with residuals and rates (:func:`scalefit.plot_fit`); lines of
            equal loss over size and tokens with the best split of budgets; or where each start ended. None: contours
            for a law of size and tokens whose runs do not come in ladders of one size, else curves.
        along, level : for curves, as for :func:`scalefit.plot_fit`.
        ax : matplotlib Axes
            None takes the current ones if they are empty or show the same quantities, else those of a new figure.
        """
        from scalefit.plots.choices import plot_chosen

        return plot_chosen(self, kind=kind, along=along, level=level, ax=ax)
