"""design_power: what a planned ladder would tell, before any of it is trained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.coverage import TruthLike, about_study, study_of
from scalefit.decisions.coverage_quantities import Study
from scalefit.decisions.coverage_tables import binomial_interval
from scalefit.decisions.points import point_of
from scalefit.decisions.power.ladders import Held, Ladder, plan_ladder
from scalefit.decisions.power.record import DesignPower
from scalefit.decisions.power.simulations import Simulations, Told, crossover_of, verdicts_of
from scalefit.decisions.power.text import MOSTLY
from scalefit.decisions.simulation import Noise, NoiseFunction, Truth, inputs_besides
from scalefit.errors import FitError
from scalefit.fitting.problem import Array, Inputs, restore
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.quantities import better_of
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.noise import NoiseEstimate, estimate_noise
from scalefit.uncertainty.paths import columns_there
from scalefit.wording.amounts import percent
from scalefit.wording.digits import si

NoiseLike = Noise | NoiseEstimate | NoiseFunction | float | None
#: Fewest simulations from which shares are told.
FEWEST = 20
#: Intervals that miss this many times as often as they claim are too narrow.
MOST_MISSES = 1.4
#: Simulated ladders without an estimate above which that is said.
MOST_FAILED = 0.02
#: Of a normal deviation, 95 % stay within so many standard deviations.
TWO_SIGMA = 1.96
#: A target farther past the largest run than this depends on the law more than on the noise.
FAR = 30.0


def design_power(
    law: Law | str | Fit,
    design: Any,
    noise: NoiseLike = None,
    *,
    target: Any = None,
    truth: TruthLike = None,
    against: TruthLike | Fit | float = None,
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    noise_factors: Sequence[float] = (0.5, 2.0),
    level: float = 0.9,
    n_sims: int = 200,
    columns: Mapping[str, str] | None = None,
    schedules: tables.Schedules | None = None,
    rng: np.random.Generator | int | None = None,
) -> DesignPower:
    """Say what a planned ladder of runs would tell, before any money is spent on it.

    The ladder is made up many times from a truth and a noise, fitted each time, and asked: how near it comes at the
    targets, how wide an interval it would show and how often that holds, how often it identifies its law, and how often
    it would find that one family is ahead of another.

    Parameters
    ----------
    law : Law, name, or a Fit of earlier runs, whose law, estimates, constraints and scatter are then the truth.
    design : table or path, the inputs of the planned runs, one row each. Repeat a row for each seed.
    noise : a standard deviation on the scale of the law's objective (0.01 is 1 % of the loss for most),
        :class:`Noise`, :func:`estimate_noise` of earlier runs, or a function of the table and a generator that gives
        (n,) numbers. None only with a Fit: its scatter.
    target : table or mapping, points to predict, such as ``{"params": 7e10, "tokens": 1.4e12}``; words in the index of
        a table name them. None: ten times the compute of the largest run.
    truth : as for :func:`scalefit.coverage`: values of the parameters, the name of published ones, (another law, its
        values), or a function of the table. None: the estimates of a Fit, else the first constants published for the
        law, else values from the ranges of its parameters.
    against : a second family, trained on the same design with luck of its own
        A number is its lead: 0.01 if its target is better by 1 % everywhere, 0 for how often equals are told apart.
        Else its truth, with the curves crossing where you expect them to; (a law, its values) and a Fit are fitted by
        their own law.
    objective, fixed, bounds, tie : as for :func:`scalefit.fit`, for every ladder.
    noise_factors : the same is told with so many times the noise, since that is what is known least.
    level : float in (0, 1), of the intervals and of claims.
    n_sims : how many ladders are simulated; 200 know a share of 50 % to 7 in 100, at 95 %.
    columns, schedules : as for :func:`scalefit.fit`.
    rng : Generator, seed or None.

    Returns
    -------
    DesignPower
        ``.frame`` has a row for each target.

    Raises
    ------
    FitError
        If the design does not identify the law, whatever its losses; the message names the free direction. If an
        argument cannot be honoured.
    DataError
        If there are fewer runs than free parameters.
    LawError
        If the values of a truth are incomplete.

    Notes
    -----
    Intervals come from the covariance of each fit, as those of ``sf.fit`` before a bootstrap; how often they hold is in
    ``coverage``. A lead is claimed at a target where the interval of the difference, ``low`` to ``high`` in the
    ``differences`` of :func:`scalefit.compare_fits` of the two fits, lies on one side of zero. Were those intervals
    exact at 90 %, equal families would be claimed apart in 10 %; ``false_claims`` says in how many they are. The
    sentences of :func:`scalefit.compare` ask for more, a band over a whole range, and claim less often.

    Examples
    --------
    >>> import scalefit as sf
    >>> design = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[3e8, 1e9, 3e9, 1e10])
    >>> told = sf.design_power("chinchilla", design, 0.005, target={"params": 1e9, "tokens": 2e10}, n_sims=40, rng=0)
    >>> bool(0 < told.frame.error.iloc[0] < 0.1)
    True
    """
    check_level(level)
    if isinstance(n_sims, bool) or int(n_sims) != n_sims or n_sims < FEWEST:
        raise FitError(f"design_power needs a whole number of simulations, at least {FEWEST}; got {n_sims!r}.")
    frame = as_frame(design, what="the design")
    call = _Call(frame, columns, schedules, objective, {"fixed": fixed, "bounds": bounds, "tie": tie})
    ladder = call.ladder(law, truth, noise)
    other = _other(call, ladder, against)
    points, inputs = target_points(ladder, target)
    ladders = (ladder,) if other is None else (ladder, other)
    streams = np.random.default_rng(rng).spawn(2)
    scatters = tuple(one.scatters(int(n_sims), stream) for one, stream in zip(ladders, streams, strict=False))
    simulated = Simulations(ladders, scatters, points, inputs, level)
    told = simulated.told()
    answer = simulated.frame(told)
    return DesignPower(
        frame=answer,
        params=simulated.params(told),
        verdicts=verdicts_of(told),
        noise=simulated.under(noise_factors),
        simulations=simulated.rows(told),
        crossover=crossover_of(answer, told),
        law=ladder.study.law.name,
        about=_about(ladder, other, noise, against),
        target=ladder.base.target,
        n_runs=len(frame),
        flops=_flops(frame),
        level=level,
        on=ladder.study.truth.on,
        doubts=_doubts(ladder, told, answer, level),
        notes=_notes(ladder, int(n_sims), two=other is not None),
    )


@dataclass(frozen=True, eq=False)
class _Call:
    """What all ladders of one call share."""

    frame: pd.DataFrame
    columns: Mapping[str, str] | None
    schedules: tables.Schedules | None
    objective: Objective | None
    held: Held

    def ladder(self, law: Law | str | Fit, truth: TruthLike, noise: NoiseLike) -> Ladder:
        """A ladder of a law or of a fit."""
        columns, objective, held = self.columns, self.objective, self.held
        if isinstance(law, Fit):
            if law.constraints.prior:
                raise FitError("design_power does not simulate a prior: fix or tie those parameters instead.")
            own = {"fixed": law.constraints.fixed, "bounds": law.constraints.bounds, "tie": law.constraints.tie}
            held = {name: {**(own[name] or {}), **(given or {})} for name, given in held.items()}
            columns = {**columns_there(self.frame, law.columns), **(columns or {})}
            columns = {name: column for name, column in columns.items() if name in law.law.inputs}
            objective = law.problem.objective if objective is None else objective
            truth = law.estimates if truth is None else truth
            noise = estimate_noise(law).scatter if noise is None else noise
            law = law.law
        if noise is None:
            raise FitError(
                "design_power needs the noise of runs: a standard deviation such as 0.01 (1 % of the loss), "
                "sf.Noise(…), or sf.estimate_noise(fit) of earlier runs."
            )
        law = get_law(law)
        study = study_of(law, self.frame, _as_noise(noise), truth, columns, self.schedules)
        return plan_ladder(study, objective=objective, held=held)


def _as_noise(noise: Noise | NoiseEstimate | NoiseFunction | float) -> Noise | NoiseFunction | float:
    """An estimate of noise as a function: each row a normal deviate as wide as the scatter is there."""
    if not isinstance(noise, NoiseEstimate):
        return noise
    estimate = noise

    def draw(frame: pd.DataFrame, rng: np.random.Generator) -> Array:
        return np.asarray(estimate.scale(frame) * rng.standard_normal(len(frame)))

    return draw


def _other(call: _Call, ladder: Ladder, against: TruthLike | Fit | float) -> Ladder | None:
    """The ladder of the second family, or None."""
    if against is None:
        return None
    noise = ladder.study.noise
    if isinstance(against, Fit):
        return call.ladder(against, None, noise)
    if isinstance(against, tuple):
        return call.ladder(against[0], against[1], noise)
    if not isinstance(against, int | float | np.number):
        return call.ladder(ladder.study.law, against, noise)
    lead = float(against)
    if not -1 < lead < 1:
        raise FitError(f"against as a number is a lead, a share between -1 and 1 such as 0.01; got {against!r}.")
    study, sign = ladder.study, -1.0 if better_of(ladder.base.target) == "low" else 1.0

    def moved(frame: pd.DataFrame) -> Array:
        return restore(study.mean(frame), study.truth.on) * (1 + sign * lead)

    truth = Truth(None, {}, moved, study.truth.output, study.truth.on)
    base = ladder.base
    held = {"fixed": base.constraints.fixed, "bounds": base.constraints.bounds, "tie": base.constraints.tie}
    led = Study(study.law, truth, study.design, study.noise, study.columns, study.schedules)
    return plan_ladder(led, objective=base.problem.objective, held=held)


def target_points(ladder: Ladder, target: Any) -> tuple[pd.DataFrame, Inputs]:
    """The targets under names, and the inputs of the law there."""
    study, law = ladder.study, ladder.study.law
    if target is None:
        point = point_of(ladder.base, None)
        points = pd.DataFrame(dict(zip(point.names, point.inputs, strict=True)))
    else:
        if isinstance(target, Mapping):
            target = {name: np.atleast_1d(value) for name, value in target.items()}
        points = as_frame(target, what="the targets")
    if not len(points):
        raise FitError("target has no rows: give points to predict, such as {'params': 7e10, 'tokens': 1.4e12}.")
    columns = None if target is None else study.columns
    known = tables.univariate_columns(points, law, columns, None, inputs_besides(law.output))
    inputs = tables.read_inputs(points, law, columns=known, schedules=study.schedules, warn_units=False).inputs
    if not all(isinstance(label, str) for label in points.index):
        numbers = points.select_dtypes("number")
        points = points.set_axis(
            [", ".join(f"{name} = {si(float(row[name]))}" for name in row) for row in numbers.to_dict("records")]
        )
    if points.index.has_duplicates:
        twice = points.index[points.index.duplicated()][0]
        raise FitError(f"Each target needs a name of its own; {twice!r} stands there twice.")
    return points, inputs


def _about(ladder: Ladder, other: Ladder | None, noise: NoiseLike, against: TruthLike | Fit | float) -> str:
    """Design, truths and noise in words."""
    said = about_study(ladder.study)
    if isinstance(noise, NoiseEstimate):
        said = said.replace("noise of a function", f"noise as estimated of {noise.title}")
    if other is None:
        return said
    if other.study.truth.law is not None:
        values = ", ".join(f"{name} {value:.6g}" for name, value in other.study.truth.values.items())
        return f"{said}; B: {other.study.truth.law.name} ({values})"
    lead = float(against) if isinstance(against, int | float | np.number) else np.nan
    if np.isnan(lead):
        return f"{said}; B: a function of the table"
    return f"{said}; B: {f'{100 * lead:g} % ahead everywhere' if lead else 'equal to A'}"


def _flops(frame: pd.DataFrame) -> float:
    """What the runs cost; 6 N D where no column says it, NaN where that is not known either."""
    if "flops" in frame.columns:
        spent = pd.to_numeric(frame["flops"], errors="coerce").to_numpy(float)
    elif {"params", "tokens"} <= set(frame.columns):
        spent = 6 * frame["params"].to_numpy(float) * frame["tokens"].to_numpy(float)
    else:
        return np.nan
    if "run" in frame.columns:  # checkpoints of one run cost what the last of them does
        return float(pd.Series(spent).groupby(frame["run"].astype(str).to_numpy()).max().sum())
    return float(spent.sum())


def _doubts(ladder: Ladder, told: Told, answer: pd.DataFrame, level: float) -> tuple[str, ...]:
    """What speaks against counting on the design, the gravest first."""
    own, count, out = told.own, len(told.own.estimates), []
    good = float(np.mean([status == "identified" for status in own.statuses]))
    if good < MOSTLY:
        kind, times = Counter(status for status in own.statuses if status != "identified").most_common(1)[0]
        why = Counter(why for status, why in zip(own.statuses, own.reasons, strict=True) if status == kind)
        reason = why.most_common(1)[0][0] or ladder.free_direction()
        out.append(f"{law_name(ladder)} is {kind} in {percent(times / count)} of the ladders: {reason}")
    failed = float(np.isnan(own.theta).any(axis=1).mean())
    if failed > MOST_FAILED:
        out.append(f"in {percent(failed)} of the ladders the refit reached no minimum")
    for name, held in answer["coverage"].items():
        high = binomial_interval(round(held * count), count)[1]
        if high < 1 - MOST_MISSES * (1 - level):
            out.append(
                f"the {percent(level)} interval at {name} would hold the truth in {percent(held)} of the ladders"
            )
    if "wrong" in answer:
        out += _wrong_claims(answer, count, level)
    far = answer["beyond"][np.isfinite(answer["beyond"])]
    if len(far) and far.max() > FAR:
        out.append(
            f"{far.idxmax()} lies {far.max():.3g} times past the largest run: that far, whether the law goes on to "
            "hold matters more than what is counted here"
        )
    return tuple(out)


def _wrong_claims(answer: pd.DataFrame, count: int, level: float) -> list[str]:
    """The worst target at which more is claimed wrongly than the level allows, by more than the luck of simulation."""
    allowed = np.where(answer["lead"] == 0, 1 - level, (1 - level) / 2)
    least = np.array([binomial_interval(round(share * count), count)[0] for share in answer["wrong"]])
    if not (least > allowed).any():
        return []
    worst = answer.iloc[int(np.argmax(least - allowed))]
    what = "the wrong family" if worst["lead"] else "a lead that is not there"
    return [f"at {worst.name} {what} would be claimed in {percent(worst['wrong'])}"]


def law_name(ladder: Ladder) -> str:
    """What is fitted."""
    return ladder.study.law.name


def _notes(ladder: Ladder, n_sims: int, *, two: bool) -> tuple[str, ...]:
    """Where the numbers come from, and what they take for granted."""
    wrong = "" if ladder.study.right else ", which is not the true one"
    unsure = math.ceil(100 * TWO_SIGMA * math.sqrt(0.25 / n_sims))
    said = [
        f"{n_sims} simulated ladders, refitted with {law_name(ladder)}{wrong}, tell a share to {unsure} in 100 or "
        "better; intervals from each covariance."
    ]
    if two:
        said.append("Claimed: where the interval of the difference in compare_fits lies on one side of zero.")
    if ladder.study.right:
        said.append(
            f"Taken for granted: that {law_name(ladder)} is true. truth=(another law, its values) shows what if not."
        )
    inputs = pd.DataFrame({i: x for i, x in enumerate(ladder.base.problem.inputs) if x.ndim == 1})
    if not inputs.duplicated().any():
        said.append("No setting is repeated: such a ladder cannot tell its own noise from what the law misses.")
    return tuple(said)
