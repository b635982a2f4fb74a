"""The two laws of a forecast of curves: the multi-power law under a prior, and annealing with its decay profiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from scalefit.decisions.curves.rows import Curves, Schedules, rest_of
from scalefit.estimation import fit
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Array, Prior
from scalefit.fitting.search import SEARCH_TOLERANCE
from scalefit.fitting.setup import Constraints, make_coordinates
from scalefit.fitting.solver import solve
from scalefit.fitting.starts import Starts
from scalefit.fitting.verdict import judge
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.result import Fit

#: Rates are read as if the highest were this one, so that no unit of theirs matters: the prior was found there.
REFERENCE_PEAK = 3e-4
#: parameter -> centre and standard deviation of its logarithm: half a power each, and the published start of C.
PRIOR: Mapping[str, tuple[float, float]] = {"C": (1.0, 2.0), "beta": (0.5, 0.5), "gamma": (0.5, 0.5)}
#: Rows along a curve err together, so a prior weighs as rows that scatter by this, far more than those do.
STRENGTH = 5e-3
#: A drop of the rate acts for about this share of the longest run, give or take this factor's logarithm.
DELAY, DELAY_SPREAD = 1 / 40, 1.0
#: Delays tried, as shares of the longest run.
DELAYS = np.geomspace(1 / 400, 1 / 6, 13)
#: Steps of the search between two of them.
FINER = 5
#: Terms of half a chi-squared of one degree by which an objective may rise within one standard deviation.
ONE_DEVIATION = 0.5
#: Logarithm of the range of delays within one deviation above which the decay counts as not identified.
UNKNOWN_DELAY = np.log(10.0)


@dataclass(frozen=True, eq=False)
class Delay:
    """How long a drop of the rate goes on to act in ``lr_annealing``.

    Attributes
    ----------
    frame : DataFrame, one row a delay tried: ``delay`` in steps, ``decay``, ``objective`` and ``penalty`` of the prior.
    best : float, steps.
    low, high : float, steps one standard deviation away, as effective rows tell; ends of the grid where they do not.
    """

    frame: pd.DataFrame
    best: float
    low: float
    high: float

    @property
    def decay(self) -> float:
        """What is left of a drop after one step."""
        return 1 - 1 / self.best

    @property
    def identified(self) -> bool:
        """Whether the curves alone hold it within a factor of ten."""
        inside = self.frame["delay"].min() < self.low and self.high < self.frame["delay"].max()
        return bool(inside and np.log(self.high / self.low) < UNKNOWN_DELAY)


def fit_multi_power(curves: Curves, unit: float) -> Fit:
    """The Multi-Power Law under the prior on ln C, ln beta and ln gamma."""
    law = get_law("mpl").with_settings(unit=unit)
    centre = {name: value for name, (value, _) in PRIOR.items()}
    # With the shape of the annealing term fixed the rest is found from few starts, and the prior's minimum lies near.
    first = fit(curves.rows, law, fixed=centre, schedules=curves.schedules, starts=Starts(own=4))
    problem = replace(first.problem, prior=_prior(law))
    coordinates = make_coordinates(law, Constraints(), problem.inputs)
    starts = np.repeat(first.theta, 5, axis=0)
    for row, (C, beta, gamma) in zip(
        starts, [(1.0, 0.5, 0.5), (0.3, 0.5, 0.7), (3.0, 0.5, 0.7), (0.3, 0.4, 0.4), (3.0, 0.7, 0.4)], strict=True
    ):
        row[[law.param_names.index(name) for name in PRIOR]] = C, beta, gamma
    with np.errstate(all="ignore"):
        ends = solve(problem, coordinates, coordinates.from_params(starts), first.weights[None])
        u, _ = polish(problem, coordinates, ends.u[int(np.argmin(ends.objective))], first.weights)
        judgement = judge(problem, coordinates, u, first.weights, ends.objective, law.param_names, law.inputs)
    theta = coordinates.to_params(u[None])[0]
    call = {**first.provenance["call"], "fixed": {}, "log_prior": {name: list(pair) for name, pair in PRIOR.items()}}
    return replace(
        first,
        problem=problem,
        coordinates=coordinates,
        constraints=Constraints(),
        u=u,
        judgement=judgement,
        objective=float(replace(problem, prior=None).value(theta, first.weights[None])[0]),
        basins=u[None],
        provenance={**first.provenance, "call": {**call, "prior_strength": STRENGTH}},
    )


def _prior(law: Law) -> Prior:
    p = len(law.params)
    centre, precision, logs = np.zeros(p), np.zeros(p), np.zeros(p, bool)
    for name, (middle, deviation) in PRIOR.items():
        j = law.param_names.index(name)
        centre[j], precision[j], logs[j] = np.log(middle), (STRENGTH / deviation) ** 2, True
    return Prior(centre, precision, STRENGTH**2, logs)


def fit_annealing(curves: Curves, unit: float, effective: float) -> tuple[Fit, Delay]:
    """Annealing with the real ramp; its decay is the one of the lowest objective under a weak prior.

    ``effective`` is how many independent rows the curves hold, for the range of delays that they allow.
    """
    search = _DelaySearch(curves, unit)
    delay = search.found(effective)
    law = get_law("lr_annealing").with_settings(decay=delay.decay, unit=unit)
    return fit(curves.rows, law, schedules=curves.schedules), delay


def refit_at(curves: Curves, best: Fit, delay: Delay) -> tuple[Fit, Fit]:
    """Annealing with the shortest and the longest delay within one deviation, near its best fit."""
    starts = Starts(own=1, given=[best.estimates])
    assert best.law.derive is not None
    low, high = (
        fit(curves.rows, best.law.with_settings(decay=1 - 1 / steps), schedules=curves.schedules, starts=starts)
        for steps in (delay.low, delay.high)
    )
    return low, high


def fit_constant(curves: Curves, unit: float) -> Fit:
    """A power of the area under the rate, where no rate falls: what a drop would save is not in the curves."""
    law = get_law("lr_annealing").with_settings(unit=unit)
    return fit(curves.rows, law, schedules=curves.schedules, fixed={"C": 0.0})


@dataclass(frozen=True, eq=False)
class _DelaySearch:
    curves: Curves
    unit: float

    @cached_property
    def _law(self) -> Law:
        return get_law("lr_annealing").with_settings(unit=self.unit)

    @cached_property
    def _first(self) -> Fit:
        """A fit with the delay that the prior expects: what the others start from."""
        law = self._law.with_settings(decay=1 - 1 / (DELAY * self.curves.longest))
        return fit(self.curves.rows, law, schedules=self.curves.schedules)

    @cached_property
    def _tried(self) -> dict[float, tuple[float, float, Array]]:
        return {}

    def height(self, delay: float) -> float:
        """The objective of the best fit with a delay in steps, and what the prior adds."""
        if delay not in self._tried:
            away = np.log(delay / (DELAY * self.curves.longest)) / DELAY_SPREAD
            first, inputs = self._first, self._areas(delay)
            problem = replace(first.problem, inputs=inputs)
            coordinates = make_coordinates(self._law, Constraints(), inputs)
            near = sorted(self._tried, key=lambda other: abs(np.log(other / delay)))[:2]
            theta = np.vstack([first.theta, *(self._tried[other][2] for other in near)])
            with np.errstate(all="ignore"):
                starts = np.clip(coordinates.from_params(theta), coordinates.lower, coordinates.upper)
                ends = solve(problem, coordinates, starts, first.weights[None], tolerance=SEARCH_TOLERANCE)
            best = int(np.argmin(ends.objective))
            penalty = 0.5 * STRENGTH**2 * float(away**2)
            self._tried[delay] = float(ends.objective[best]), penalty, ends.theta[best : best + 1]
        return sum(self._tried[delay][:2])

    def _areas(self, delay: float) -> tuple[Array, ...]:
        """Inputs of the law at all rows."""
        derive = self._law.with_settings(decay=1 - 1 / delay).derive
        assert derive is not None
        steps, out = self.curves.rows["step"].to_numpy(), np.empty((len(self._law.inputs), len(self.curves.rows)))
        for run in self.curves.names:
            place = self.curves.of(run)
            found = derive.function(self.curves.schedules[run].rates, steps[place], **derive.settings)
            out[:, place] = [found[name] for name in self._law.inputs]
        return tuple(out)

    def found(self, effective: float) -> Delay:
        """The delay of the lowest height, and the range that the objective alone allows."""
        grid = np.unique(np.maximum(DELAYS * self.curves.longest, 1.5))
        best = min(grid, key=self.height)
        place = int(np.searchsorted(grid, best))
        low, high = np.log(grid[max(place - 1, 0)]), np.log(grid[min(place + 1, len(grid) - 1)])
        golden = (np.sqrt(5) - 1) / 2
        a, b = high - golden * (high - low), low + golden * (high - low)
        for _ in range(FINER):
            if self.height(float(np.exp(a))) <= self.height(float(np.exp(b))):
                high, b, a = b, a, b - golden * (b - low)
            else:
                low, a, b = a, b, a + golden * (high - a)
        tried = np.array(sorted(self._tried))
        objective, penalty = np.array([self._tried[one][:2] for one in tried]).T
        best = float(tried[int(np.argmin(objective + penalty))])
        with np.errstate(all="ignore"):
            rise = effective * np.log(objective / objective.min())
        inside = tried[np.isfinite(rise) & (rise <= ONE_DEVIATION)]
        # The prior may have chosen a delay that lies outside what the objective alone prefers.
        first, last = np.searchsorted(tried, [min(inside.min(), best), max(inside.max(), best)])
        frame = pd.DataFrame({"delay": tried, "decay": 1 - 1 / tried, "objective": objective, "penalty": penalty})
        return Delay(frame, best, float(tried[max(first - 1, 0)]), float(tried[min(last + 1, len(tried) - 1)]))


def values_at(law: Law, theta: Array, rows: pd.DataFrame, schedules: Schedules) -> Array:
    """What a law with parameters (B, p) says at each row of ``run, step``: (B, n); NaN before any rate.

    Where the rate has come to rest at zero the loss stays what it was, which laws with an annealing area do not know.
    """
    assert law.derive is not None
    out = np.full((len(theta), len(rows)), np.nan)
    runs, steps = rows["run"].to_numpy(), rows["step"].to_numpy()
    for run in dict.fromkeys(runs):
        place = np.flatnonzero(runs == run)
        seen = np.minimum(steps[place], rest_of(schedules[run]))
        columns = law.derive.function(schedules[run].rates, seen, **law.derive.settings)
        with np.errstate(all="ignore"):
            found = law.value(theta, tuple(np.asarray(columns[name]) for name in law.inputs))
        out[:, place] = np.where(columns["S1"] > 0, found, np.nan)
    return out
