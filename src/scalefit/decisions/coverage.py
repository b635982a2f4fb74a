"""How often intervals hold what they claim to hold: simulate, fit, count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.coverage_quantities import Study, make_quantities
from scalefit.decisions.coverage_simulations import (
    Forecaster,
    Judge,
    Methods,
    named_forecasts,
    named_methods,
    problems_of,
)
from scalefit.decisions.coverage_tables import binomial_interval, coverage_table, headline, shown_table, state_of_table
from scalefit.decisions.simulation import MeanFunction, Noise, NoiseFunction, as_noise, resolve_truth
from scalefit.errors import FitError
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.resamples import BootstrapKind
from scalefit.wording.said import Answer, Said, State

TruthLike = Mapping[str, float] | str | tuple[Law | str, Mapping[str, float] | str] | MeanFunction | None

#: Misses allowed, as shares of those that the level claims: for 90 % a coverage of 86 to 97 %.
MOST_MISSES, FEWEST_MISSES = 1.4, 0.3


@dataclass(frozen=True, eq=False, repr=False)
class Coverage(Answer):
    """How often intervals held the truth in simulations of a design.

    Made by :func:`scalefit.coverage`; never changed.

    Attributes
    ----------
    law : str. Name of the law that was fitted.
    about : str. The design, the truth and the noise in words.
    level : float in (0, 1). How often the intervals claim to hold the truth.
    wanted : (low, high). The range that a coverage must meet to count as holding.
    simulations : DataFrame
        Every interval: ``simulation, method, quantity, truth, low, high, converged``; ``low`` and ``high`` are NaN
        where a method gave none.
    quantities : DataFrame
        Indexed by quantity: ``group`` (parameter, curve, run, derived), ``truth``, ``scale`` on which widths are
        measured, ``oracle``: standard error of the best estimate by one who knows the law and the noise.
    alarms : DataFrame. One row a simulation, one column for each function of ``alarms=``: whether it was true.
    problems : tuple of str. What went wrong in simulations, with counts.
    """

    law: str
    about: str
    level: float
    wanted: tuple[float, float]
    simulations: pd.DataFrame
    quantities: pd.DataFrame
    alarms: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: tuple[str, ...] = ()

    @property
    def n_sims(self) -> int:
        """How many simulations were made."""
        return int(self.simulations["simulation"].nunique())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a method and quantity.

        Columns: ``method, quantity``; ``coverage``, the share of simulations whose interval held the truth, with its
        exact 99 % binomial interval ``low99, high99``; ``meets``, whether that interval meets ``wanted``; ``width`` and
        ``median_width``; ``over_oracle``, the mean width over that of a perfect interval of one who knows the law and
        the noise; ``score``, the mean interval score (width, and 2 / (1 - level) times the distance of a missed truth:
        lower is better); ``failures``, simulations without an interval, which count as misses; ``not_converged``, the
        share of fits that did not converge. Widths and scores are on the scale that ``quantities`` names.
        """
        return coverage_table(self.simulations, self.quantities, self.level, self.wanted)

    @property
    def rates(self) -> pd.DataFrame:
        """How often each alarm was raised: ``alarm, share, low99, high99``."""
        counts = [(str(name), int(self.alarms[name].sum())) for name in self.alarms.columns]
        rows = [(name, hits / len(self.alarms), *binomial_interval(hits, len(self.alarms))) for name, hits in counts]
        return pd.DataFrame(rows, columns=["alarm", "share", "low99", "high99"])

    def join(self, other: Coverage) -> Coverage:
        """Both as one study: of the same call, with simulations of other numbers (``first=``).

        Parameters
        ----------
        other : Coverage, of the same design, truth and methods.

        Raises
        ------
        FitError
            If a simulation is in both, or they judge other quantities.
        """
        twice = set(self.simulations["simulation"]) & set(other.simulations["simulation"])
        if twice or not self.quantities.equals(other.quantities) or self.about != other.about:
            why = f"simulation {min(twice)} is in both" if twice else "they are of different studies"
            raise FitError(f"These coverages cannot be joined: {why}. Pass first= to go on where another ended.")
        return replace(
            self,
            simulations=pd.concat([self.simulations, other.simulations], ignore_index=True),
            alarms=pd.concat([self.alarms, other.alarms], ignore_index=True),
            problems=(*self.problems, *other.problems),
        )

    def said(self) -> Said:
        """How often intervals held, in words: not to be relied on where a method held too seldom."""
        state: State = state_of_table(self.frame, self.wanted)
        if state == "good" and self.problems:
            state = "doubtful"
        first = headline(self.frame, self.law, self.level, self.wanted, self.n_sims)
        raised = [f"{name}: raised in {100 * self.alarms[name].mean():.0f} %" for name in self.alarms.columns]
        return Said(state, first, self.problems, (shown_table(self.frame),), (self.about, *raised))


def coverage(
    law: Law | str,
    design: Any,
    noise: Noise | NoiseFunction | float = 0.01,
    *,
    truth: TruthLike = None,
    at: Any = None,
    derived: Mapping[str, Mapping[str, Any]] | None = None,
    new_runs: bool = False,
    method: Methods = "bootstrap",
    forecast: Forecaster | Mapping[str, Forecaster] | None = None,
    alarms: Mapping[str, Callable[[Fit], bool]] | None = None,
    kind: BootstrapKind | None = None,
    draws: int = 200,
    level: float = 0.9,
    n_sims: int = 1000,
    first: int = 0,
    wanted: tuple[float, float] | None = None,
    fitter: Callable[[pd.DataFrame], Fit] | None = None,
    columns: Mapping[str, str] | None = None,
    schedules: tables.Schedules | None = None,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
) -> Coverage:
    """Find out how often intervals hold for a design and a noise: simulate, fit, count.

    Parameters
    ----------
    law : Law or name. What is fitted.
    design : table or path
        The inputs, one row a run or checkpoint; a ``run`` column makes clusters. Real runs may be given: their losses
        are replaced.
    noise : a standard deviation on the scale of the law's objective (0.01 is 1 % of the loss for most),
        :class:`Noise`, or a function of the table and a generator that gives (n,) numbers.
    truth : what is simulated
        Values of the parameters, or the name of published ones; (another law, its values) to see what a wrong law
        does; or a function of the table that gives the mean of each row. None: the first constants published for the
        law, else values from the ranges of its parameters.
    at : table, optional
        Points on which predictions are judged, such as 10 and 100 times beyond the design; words in its index name
        them.
    derived : derived quantity -> what it asks, such as ``{"params_optimal": {"flops": 1e24}}``.
    new_runs : whether intervals for one new run at each point are judged too.
    method : how intervals are made, one or several
        ``"bootstrap"`` (percentiles), ``"covariance"``, and of parameters only ``"basic"``, ``"bca"``,
        ``"studentized"``; or name -> a function of a fit and a generator that returns the fit with draws, or a table
        of ``low`` and ``high`` indexed by quantities.
    forecast : function, or name -> function, of (runs, at, rng) that returns a table with ``low`` and ``high`` for one
        new run at each point: whole methods of forecasting, beside or (with ``method=()``) instead of the others.
    alarms : name -> a function of the fit that is true where it warns, to count hits and false alarms.
    kind : what a bootstrap draws: see :meth:`Fit.bootstrap`.
    draws : resamples of each bootstrap.
    level : float in (0, 1).
    n_sims : how many simulations. A thousand know a coverage of 90 % to 2.5 in 100, at 99 %; a hundred to 8.
    first : number of the first simulation, to go on where another call with the same ``rng`` ended: see
        :meth:`Coverage.join`.
    wanted : the range that a coverage must meet; None is 86 to 97 % for 90 %, and alike for other levels.
    fitter : how a table of runs is fitted, where ``sf.fit(runs, law)`` is not meant:
        ``lambda runs: sf.fit(runs, "chinchilla", tie={"beta": "alpha"})``. The oracle leaves all parameters free.
    columns, schedules : as for :func:`scalefit.fit`.
    rng : Generator, seed or None. Each simulation has a generator of its own, so the first hundred of a thousand are
        those of a call with ``n_sims=100``.
    progress : whether to show a bar.

    Returns
    -------
    Coverage
        ``.frame`` has a row for each method and quantity.

    Raises
    ------
    FitError
        If a method is unknown, or there is nothing to judge.
    LawError
        If the values of the truth are incomplete.
    DataError
        If the truth has values that the scale of the noise does not have.

    Examples
    --------
    >>> import scalefit as sf
    >>> design = sf.grid(x=[1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9])
    >>> held = sf.coverage("power", design, 0.01, method="covariance", n_sims=20, rng=0)
    >>> held.frame[["quantity", "coverage", "meets"]].values.tolist()
    [['A', 1.0, True], ['alpha', 1.0, True]]
    """
    law, frame = get_law(law), as_frame(design, what="the design")
    check_level(level)
    if isinstance(n_sims, bool) or int(n_sims) != n_sims or n_sims < 1:
        raise FitError(f"coverage needs a whole number of simulations, at least 1; got {n_sims!r}.")
    study = study_of(law, frame, noise, truth, columns, schedules)
    points = None if at is None else as_frame(at, what="the points")
    forecasts = named_forecasts(forecast)
    if forecasts and points is None:
        raise FitError("forecast= needs points to predict: pass at=, such as sf.grid(params=[7e10], tokens=[1.4e12]).")
    quantities = make_quantities(study, at=points, derived=derived or {}, new_runs=new_runs or bool(forecasts))
    judge = Judge(
        study=study,
        quantities=quantities,
        methods=named_methods(method),
        forecasts=forecasts,
        alarms=dict(alarms or {}),
        fitter=fitter or (lambda runs: fit(runs, law, columns=columns, schedules=schedules)),
        level=float(level),
        draws=draws,
        kind=kind,
    )
    generators = np.random.default_rng(rng).spawn(first + int(n_sims))[first:]
    told = [judge.simulate(own) for own in _shown(generators, progress)]
    return Coverage(
        law=law.name,
        about=about_study(study),
        level=float(level),
        wanted=wanted or (1 - MOST_MISSES * (1 - level), 1 - FEWEST_MISSES * (1 - level)),
        simulations=pd.concat(
            [one.intervals.assign(simulation=first + i) for i, one in enumerate(told)], ignore_index=True
        ),
        quantities=quantities.frame,
        alarms=pd.DataFrame([one.alarms for one in told]) if alarms else pd.DataFrame(),
        problems=problems_of(told),
    )


def _shown(generators: list[np.random.Generator], progress: bool) -> Iterable[np.random.Generator]:
    if not progress:
        return generators
    from tqdm.auto import tqdm

    return tqdm(generators, desc="coverage", unit="simulation")  # type: ignore[no-any-return]


def study_of(
    law: Law,
    frame: pd.DataFrame,
    noise: Noise | NoiseFunction | float,
    truth: TruthLike,
    columns: Mapping[str, str] | None,
    schedules: tables.Schedules | None,
) -> Study:
    """The simulation with its truth found: published or typical values where none are given."""
    if truth is None and law.published:
        truth = next(iter(law.published))
    elif truth is None:
        from scalefit.typical import typical_values

        read = tables.read_inputs(frame, law, columns=columns or {}, schedules=schedules)
        truth = typical_values(law, read.inputs)
    if isinstance(truth, tuple):
        resolved = resolve_truth(truth[0], truth[1], law)
    elif callable(truth):
        resolved = resolve_truth(truth, None, law)
    else:
        resolved = resolve_truth(law, truth, law)
    return Study(law, resolved, frame, as_noise(noise), columns, schedules)


def about_study(study: Study) -> str:
    """The design, the truth and the noise in words."""
    true = study.truth.law
    values = ", ".join(f"{name} {value:.6g}" for name, value in study.truth.values.items())
    name = "a function of the table" if true is None else f"{true.name} ({values})"
    noise = repr(study.noise) if isinstance(study.noise, Noise) else "noise of a function"
    return f"{len(study.design)} rows; truth: {name}; {noise}"
