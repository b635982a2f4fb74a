"""Many simulated outcomes of one planned ladder, refitted together, and what each of them would tell."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scalefit.decisions.coverage_quantities import Study
from scalefit.decisions.identifiability import identifiability, status_of
from scalefit.decisions.simulation import scatter
from scalefit.errors import FitError, ScalefitWarning
from scalefit.estimation import fit
from scalefit.fitting.problem import Array, Inputs, rescale, restore
from scalefit.fitting.starts import Starts
from scalefit.fitting.verdict import judge
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.uncertainty.bootstrap import refit
from scalefit.uncertainty.draws import normal_draws

#: Families at most, whose draws have seeds of their own.
FAMILIES = 2
#: Of a planned ladder: the parameter and what holds it, as for ``sf.fit``.
Held = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What S simulated ladders say of m points.

    Parameters
    ----------
    theta : (S, p) estimates; NaN where a refit reached no minimum.
    estimates : (S, m) of the target.
    draws : (S, B, m) of the target, from the covariance of each fit; None where they were not asked for.
    statuses, reasons : (S,) whether each ladder identifies its law, and why not; empty where that was not asked for.
    """

    theta: Array
    estimates: Array
    draws: Array | None
    statuses: tuple[str, ...]
    reasons: tuple[str, ...]

    def ends(self, level: float) -> tuple[Array, Array]:
        """(S, m) low and high of the interval that each ladder would show; NaN where it has none."""
        assert self.draws is not None
        with np.errstate(all="ignore"):
            low, high = np.quantile(self.draws, [0.5 - level / 2, 0.5 + level / 2], axis=1)
        return low, high

    def rolled(self, places: int) -> Array:
        """(S, B, m) draws, each ladder so many places on: as good a partner for a ladder of another family."""
        assert self.draws is not None
        return np.roll(self.draws, places, axis=0)


@dataclass(frozen=True, eq=False)
class Ladder:
    """A planned ladder: what is simulated, and the fit to its true losses from which every refit starts."""

    study: Study
    base: Fit

    def scatters(self, count: int, rng: np.random.Generator) -> Array:
        """(count, n) what noise adds to each row; each simulation has a generator of its own."""
        return np.array([scatter(self.study.noise, self.study.design, own) for own in rng.spawn(count)])

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """The law at m points for B parameter vectors: (B, m)."""
        with np.errstate(all="ignore"):
            return self.base.problem.equation.value(theta, inputs)

    def outcomes(
        self, scatters: Array, inputs: Inputs, *, family: int = 0, drawn: bool = True, judged: bool = True
    ) -> Outcomes:
        """Refit every simulated ladder, given what noise adds to it.

        Ladders of different families have different draws, as two fits have: those of one seed would go together, and
        a comparison would take what they share for knowledge.
        """
        base, count = self.base, len(scatters)
        seen = self._seen(scatters)
        moved = seen - base.problem.seen

        def ones(part: slice) -> Array:
            return np.ones((part.stop - part.start, base.problem.n))

        ends = refit(base.problem, base.coordinates, base.basins, ones, count, shifts=lambda part: -moved[part])
        theta = np.where(ends.failed[:, None], np.nan, ends.theta)
        estimates = self.value(theta, inputs)
        if not drawn:
            return Outcomes(theta, estimates, None, (), ())
        fits = [self._simulated(seen[i], ends.u[i]) for i in range(count)]
        if judged:
            fits = [_judged(one, bool(failed)) for one, failed in zip(fits, ends.failed, strict=True)]
        with np.errstate(all="ignore"):
            draws = np.array([self.value(_drawn(one, FAMILIES * i + family), inputs) for i, one in enumerate(fits)])
        draws[ends.failed] = np.nan
        told = [status_of(one, one.judgement.condition) for one in fits] if judged else []
        return Outcomes(theta, estimates, draws, tuple(s for s, _ in told), tuple(why for _, why in told))

    def free_direction(self) -> str:
        """The trade between parameters that the design fixes least, in words."""
        with np.errstate(all="ignore"):
            said = str(identifiability(self.base).frame["words"].iloc[0])
        return said.partition(": ")[0]

    def _seen(self, scatters: Array) -> Array:
        """(S, n) simulated values on the scale of the objective, which may not be that of the noise."""
        mean, noisy, fitted = self.study.mean(self.study.design), self.study.truth.on, self.base.problem.objective.on
        return mean + scatters if noisy == fitted else rescale(restore(mean + scatters, noisy), fitted)

    def _simulated(self, seen: Array, u: Array) -> Fit:
        """The fit of one simulated ladder, given where it ended; its verdict is still that of the true losses."""
        problem = replace(self.base.problem, target=restore(seen, self.base.problem.objective.on))
        return replace(self.base, problem=problem, u=u)


def plan_ladder(study: Study, *, objective: Objective | None, held: Held) -> Ladder:
    """A ladder whose runs identify the law that is to be fitted to them.

    Raises
    ------
    DataError
        If there are fewer runs than free parameters.
    FitError
        If the design leaves a direction of the parameters free, which is named.
    """
    law = study.law
    exact = study.design.assign(**{law.output: restore(study.mean(study.design), study.truth.on)})
    known = study.right and not any(held.values())  # then the truth is the minimum, and no other start need be followed
    starts = Starts(own=0, given=[study.truth.values]) if known else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScalefitWarning)  # of the noise-free fit; the caller looks at its verdict
        base = fit(
            exact, law, columns=study.columns, schedules=study.schedules, objective=objective, starts=starts, **held
        )
    ladder = Ladder(study, base)
    if base.judgement.status == "not identified":
        raise FitError(_unidentified(ladder))
    return ladder


def _unidentified(ladder: Ladder) -> str:
    """Why the design cannot fix the law, with the direction that it leaves free."""
    base = ladder.base
    return (
        f"However the losses of these {len(ladder.study.design)} runs come out, they do not identify {base.law.name}: "
        f"{'; '.join(base.judgement.reasons)}; {ladder.free_direction()}. Change the design, or hold a parameter: "
        "fixed={…} or tie={…}."
    )


def _judged(one: Fit, failed: bool) -> Fit:
    """A simulated ladder with a verdict of its own."""
    height = one.problem.value(one.coordinates.to_params(one.u[None])[0], one.weights[None])
    with np.errstate(all="ignore"):
        verdict = judge(one.problem, one.coordinates, one.u, one.weights, height, one.law.param_names, one.law.inputs)
    if failed and verdict.status == "converged":
        verdict = replace(verdict, status="not converged", reasons=("no minimum was reached",))
    return replace(one, judgement=verdict)


def _drawn(one: Fit, seed: int) -> Array:
    """(B, p) draws of the covariance of a fit, as its own intervals are made of."""
    return normal_draws(one.coordinates, one.u, one.coordinate_covariance, seed)


def quantile_of_size(errors: Array, level: float) -> Array:
    """(m,) what a share ``level`` of the errors (S, m) does not exceed; those that are not known are the largest."""
    return np.asarray(
        np.quantile(np.where(np.isfinite(errors), np.abs(errors), np.inf), level, axis=0, method="higher")
    )
