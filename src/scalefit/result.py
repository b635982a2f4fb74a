"""Fit: what is believed and how firmly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.believed import Believed
from scalefit.errors import FitWarning
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.frame import as_frame
from scalefit.uncertainty import bands, paths
from scalefit.uncertainty.bands import BandKind
from scalefit.uncertainty.derivations import derive_frame
from scalefit.uncertainty.intervals import check_level

if TYPE_CHECKING:
    import lmfit
    from matplotlib.axes import Axes

    from scalefit.decisions.backtest_result import Backtest
    from scalefit.reports.checklist import Checklist
    from scalefit.schedules import Schedule

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Believed):
    """A law fitted to runs: estimates, a verdict, and what is needed to say how sure they are.

    Made by :func:`scalefit.fit`; never changed. A method that adds something returns a new Fit.

    Attributes
    ----------
    law : Law
        The law fitted, its settings those of the fit.
    converged : bool
        Whether the estimates can be believed; ``verdict`` says why or why not.
    estimates : dict of parameter to float, in raw units.
    objective : float
        The objective summed over rows at the estimates, without the rows of a prior.
    draws : DataFrame or None
        One row per resample that was refitted, one column per parameter; None before :meth:`bootstrap`.
    n_failed : int
        Resamples that reached no minimum; they are not in ``draws``.
    drawn, plan : str and Plan, or None
        What was resampled, and which units each resample drew how often.
    target : str
        What is predicted, by its column.
    columns : mapping of input to str
        Which column each input was read from.
    data : DataFrame
        The rows fitted: target, inputs, and ``run`` and ``family`` where they are there.
    notes : tuple of str
        What was derived, read from a column of another name, or left out.
    provenance : mapping
        A hash of the data, the call and the versions: what it takes to repeat the fit.
    judgement : Verdict
        What ``converged`` and ``verdict`` are read off: status, condition, starts that agree, parameters on a bound.
    weights : array (n,)
        How often each row counts; 1 where none were given.
    unit_names, units : tuple of str, and Units
        What a resample draws (rows, whole runs or blocks), by name, and the rows of each.
    basins : array (m, q)
        The best minimum and others near it in height, in the coordinates of the solver.
    constraints : Constraints
        Parameters that were fixed, tied, bounded or pulled towards a prior.
    problem, coordinates, u : Problem, Coordinates and array (q,)
        The law and the rows as arrays, how parameters were moved, and where they ended: for the solver.
    """

    def __repr__(self) -> str:
        from scalefit.reports.text import describe_fit

        return describe_fit(self)

    def _repr_html_(self) -> str:
        from scalefit.reports.html import describe_fit

        return describe_fit(self)

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
        schedules : run -> Schedule, for laws of training curves; else a run of the fit keeps the rates that it was
            fitted with, and the log of another must begin with its first steps.
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
            some rows, such as before the first step with a learning rate: these are NaN. If the log of a run begins
            late, so that the rates before are not known.

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
        if schedules is None and self.law.derive is not None:
            from scalefit.decisions.schedules.known import known_schedules

            schedules, late = known_schedules(points, self.law, known, self.data, self.problem.inputs)
            if late:
                warnings.warn(late, FitWarning, stacklevel=2)
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
        at : other inputs of the law, such as ``{"params": 1e8}``; needed where they differ between the fitted runs.

        Returns
        -------
        DataFrame
            ``step, lr``, other inputs, ``estimate, low, high, beyond``, one row a step.

        Raises
        ------
        LawError
            If the law takes no schedule.

        Warns
        -----
        FitWarning
            If the schedule warms up, and the fitted logs begin too late to show that their runs did.

        Examples
        --------
        >>> import scalefit as sf
        >>> logs = sf.datasets.load("microlm", part="schedules")
        >>> few = logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
        >>> told = sf.fit(few, "lr_annealing").predict_curve(sf.Schedule.linear(steps=2000, peak=0.004))
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
        level, interval : as for :meth:`predict`.
        points : how many places, at even distances in the log where the quantity is positive.
        beyond : how many times the largest value fitted the curve goes on.

        Returns
        -------
        DataFrame
            The quantity, the inputs of the law, ``estimate, low, high, beyond``.

        Raises
        ------
        FitError
            If ``along`` cannot be followed in this law, or ``at`` or ``ratio`` do not go with it.
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
        name : str, one of ``fit.law.derived``.
        at : what the quantity asks, such as ``{"loss": [2.0, 1.9]}``.
        level : float in (0, 1), of the intervals.

        Returns
        -------
        DataFrame
            ``at`` with ``estimate, low, high, unit`` and ``undefined``, the share of draws in which it has no value.

        Raises
        ------
        LawError
            If the law declares no such quantity, or ``at`` lacks what it asks.
        FitError
            If what is asked has columns of different lengths.
        """
        return derive_frame(self.law, name, self.theta[0], self.draws_theta, {} if at is None else at, level)

    def checklist(self, *, answers: Mapping[str, str] | None = None, backtest: Backtest | None = None) -> Checklist:
        """What a report of this fit must state, filled in as far as it is known: see :class:`scalefit.Checklist`.

        Parameters
        ----------
        answers : item -> what only its author knows, such as ``{"tokenizer": "GPT-2"}``.
        backtest : of the same law and runs, for the items on validation; without one they stay open.
        """
        from scalefit.reports.checklist import make_checklist

        return make_checklist(self, answers=answers, backtest=backtest)

    def formula(self, *, latex: bool = False) -> str:
        """The equation with its numbers in, as text or LaTeX.

        Parameters
        ----------
        latex : bool, whether to give LaTeX.
        """
        from scalefit.reports.text import formula_of

        return formula_of(self, latex=latex)

    def to_lmfit(self) -> lmfit.Parameters:
        """The estimates as ``lmfit.Parameters``, with bounds, ties and what was fixed."""
        from scalefit.fitting.lmfit_bridge import write_parameters

        return write_parameters(self.law, self.theta[0], self.summary()["se"].to_numpy(float), self.constraints)

    def to_json(self, path: str | Path | None = None) -> str:
        """The fit as JSON text that :func:`scalefit.load_fit` reads back.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it too; an older file is replaced.

        Raises
        ------
        FitError
            If the file cannot be written.
        """
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
            None takes the current ones if they are empty, else those of a new figure. On given axes a second fit has
            colours of its own.
        """
        from scalefit.plots.choices import plot_chosen

        return plot_chosen(self, kind=kind, along=along, level=level, ax=ax)
