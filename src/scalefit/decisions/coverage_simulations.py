"""One simulation after another: runs made up, fitted, and their intervals held against the truth."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.coverage_quantities import Ends, Quantities, Study
from scalefit.decisions.simulation import Noise, scatter
from scalefit.errors import DataError, FitError, ScalefitError, ScalefitWarning, listing, not_one_of
from scalefit.fitting.problem import restore
from scalefit.result import Fit
from scalefit.uncertainty.intervals import IntervalKind
from scalefit.uncertainty.resamples import BootstrapKind

Array = NDArray[np.float64]
#: A fit and a generator -> the fit with draws, or a table of ``low`` and ``high`` indexed by names of quantities.
IntervalMethod = Callable[[Fit, np.random.Generator], Any]
#: Runs, points and a generator -> a table with ``low`` and ``high`` for one new run at each point.
Forecaster = Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], Any]
Methods = str | IntervalMethod | Sequence[str] | Mapping[str, IntervalMethod | str]

#: Methods whose intervals are of parameters only.
CORRECTED: tuple[IntervalKind, ...] = ("basic", "bca", "studentized")
OWN_METHODS = ("bootstrap", "covariance", *CORRECTED)
#: Problems that are told of.
SHOWN = 3


def named_methods(method: Methods) -> dict[str, IntervalMethod | str]:
    """Name -> one of the library's own methods, or a function."""
    if isinstance(method, Mapping):
        found = dict(method)
    elif isinstance(method, str):
        found = {method: method}
    elif callable(method):
        found = {getattr(method, "__name__", "method").strip("<>"): method}
    else:
        found = {word: word for word in method}
    for word in found.values():
        if not callable(word) and word not in OWN_METHODS:
            raise FitError(not_one_of("method", word, OWN_METHODS))
    return found


def named_forecasts(forecast: Forecaster | Mapping[str, Forecaster] | None) -> dict[str, Forecaster]:
    """Name -> function."""
    if forecast is None:
        return {}
    return dict(forecast) if isinstance(forecast, Mapping) else {"forecast": forecast}


@dataclass(frozen=True, eq=False)
class Told:
    """What one simulation gave: intervals with their truth, which alarms were raised, what went wrong."""

    intervals: pd.DataFrame
    alarms: Mapping[str, bool]
    problems: tuple[str, ...]


def problems_of(told: Sequence[Told]) -> tuple[str, ...]:
    """What went wrong most often, with counts."""
    counts = Counter(problem for one in told for problem in set(one.problems))
    return tuple(f"{count} of {len(told)} simulations: {problem}" for problem, count in counts.most_common(SHOWN))


@dataclass(frozen=True, eq=False, kw_only=True)
class Judge:
    """What all simulations of a study share."""

    study: Study
    quantities: Quantities
    methods: Mapping[str, IntervalMethod | str]
    forecasts: Mapping[str, Forecaster]
    alarms: Mapping[str, Callable[[Fit], bool]]
    fitter: Callable[[pd.DataFrame], Fit]
    level: float
    draws: int
    kind: BootstrapKind | None

    def simulate(self, generator: np.random.Generator) -> Told:
        """Simulate once. Every method has a generator of its own, so that one more changes none of the others."""
        data, resamples, *own = generator.spawn(2 + len(self.methods) + len(self.forecasts))
        runs, truth = self._runs(data)
        intervals, problems = [], []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScalefitWarning)  # that a fit did not converge is counted
            try:
                fitted: Fit | None = self.fitter(runs) if self.methods or self.alarms else None
            except ScalefitError as error:
                fitted = None
                problems.append(str(error))
            shared = _Resampled(fitted, self.draws, self.kind, resamples)
            tasks: list[tuple[str, Callable[[], Ends]]] = []
            for name, method in self.methods.items():
                tasks.append((name, partial(self._ends, shared, method, own[len(tasks)])))
            for name, forecaster in self.forecasts.items():
                tasks.append((name, partial(self._forecast, forecaster, runs, own[len(tasks)])))
            for name, task in tasks:
                try:
                    ends = task() if fitted is not None or name in self.forecasts else {}
                except ScalefitError as error:
                    ends = {}
                    problems.append(f"{name}: {error}")
                intervals.append(self._judged(name, ends, truth))
            raised = {name: fitted is not None and bool(alarm(fitted)) for name, alarm in self.alarms.items()}
        converged = fitted.converged if fitted is not None else not self.methods
        return Told(pd.concat(intervals, ignore_index=True).assign(converged=converged), raised, tuple(problems))

    @cached_property
    def _means(self) -> tuple[Array, Array | None]:
        """The true mean of the design and of the points, on the scale of the noise."""
        at = self.quantities.at
        return self.study.mean(self.study.design), None if at is None else self.study.mean(at)

    def _runs(self, rng: np.random.Generator) -> tuple[pd.DataFrame, Array]:
        """Runs with their losses, and the true value of each quantity: that of a new run differs each time."""
        study, (mean, beyond) = self.study, self._means
        loss = restore(mean + scatter(study.noise, study.design, rng), study.truth.on)
        frame = self.quantities.frame
        truth = frame["truth"].to_numpy(float).copy()
        new = (frame["group"] == "run").to_numpy()
        if new.any():
            assert beyond is not None
            at = self.quantities.at
            assert at is not None
            noise = study.noise
            drawn = noise.draw_new(at, study.design, rng) if isinstance(noise, Noise) else scatter(noise, at, rng)
            truth[new] = restore(beyond + drawn, study.truth.on)
        return study.design.assign(**{study.truth.output: loss}), truth

    def _ends(self, shared: _Resampled, method: IntervalMethod | str, rng: np.random.Generator) -> Ends:
        """Intervals of one method: low and high by name; quantities that it does not offer are left out."""
        fitted = shared.fit
        assert fitted is not None
        if method == "covariance":
            return self._of(fitted)
        if method == "bootstrap":
            return self._of(shared.resampled)
        for corrected in CORRECTED:
            if method == corrected:
                table = shared.resampled.summary(self.level, kind=corrected)
                return _ends_of(table.loc[self.quantities.names("parameter")])
        assert callable(method)
        told = method(fitted, rng)
        return self._of(told) if isinstance(told, Fit) else self._checked(told)

    def _of(self, fitted: Fit) -> Ends:
        return self.quantities.intervals(fitted, self.level, self.study.schedules)

    def _checked(self, told: Any) -> Ends:
        if not isinstance(told, pd.DataFrame) or not {"low", "high"} <= set(told.columns):
            raise FitError(
                "A method returns a Fit, or a DataFrame with columns 'low' and 'high' indexed by quantities."
            )
        strange = [name for name in told.index if name not in self.quantities.frame.index]
        if strange:
            known = listing(repr(name) for name in self.quantities.frame.index)
            raise FitError(
                f"A method gave an interval for {listing(map(repr, strange[:3]))}; the quantities are {known}."
            )
        return _ends_of(told)

    def _forecast(self, forecaster: Forecaster, runs: pd.DataFrame, rng: np.random.Generator) -> Ends:
        at = self.quantities.at
        assert at is not None
        told = forecaster(runs, at, rng)
        if not {"low", "high"} <= set(getattr(told, "columns", ())) or len(told) != len(at):
            raise DataError(
                f"A forecast must be a table of {len(at)} rows, one a point, with columns 'low' and 'high'."
            )
        return _ends_of(told.set_axis(self.quantities.names("run")))

    def _judged(self, name: str, ends: Ends, truth: Array) -> pd.DataFrame:
        """One row per quantity that a method gave, or, where it gave none, per quantity that it should have."""
        frame = self.quantities.frame
        if name in self.forecasts:
            chosen = (frame["group"] == "run").to_numpy()
        elif ends:
            chosen = frame.index.isin(list(ends))
        else:
            of = ("parameter",) if self.methods[name] in CORRECTED else ("parameter", "curve", "run", "derived")
            chosen = frame["group"].isin(of).to_numpy()
        names = [str(one) for one in frame.index[chosen]]
        low, high = (np.array([ends.get(one, (np.nan, np.nan))[k] for one in names]) for k in (0, 1))
        return pd.DataFrame({"method": name, "quantity": names, "truth": truth[chosen], "low": low, "high": high})


def _ends_of(told: pd.DataFrame) -> Ends:
    return {
        str(name): (float(low), float(high))
        for name, low, high in zip(told.index, told["low"], told["high"], strict=True)
    }


@dataclass(frozen=True, eq=False)
class _Resampled:
    """A fit whose bootstrap is made once, when the first method asks for it."""

    fit: Fit | None
    draws: int
    kind: BootstrapKind | None
    rng: np.random.Generator

    @cached_property
    def resampled(self) -> Fit:
        """The fit with its draws."""
        assert self.fit is not None
        return self.fit.bootstrap(self.draws, kind=self.kind, rng=self.rng)
