"""What will the big run give, and how sure is that: several laws, weighed, with intervals measured to hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions import forecast_doubts
from scalefit.decisions.brackets import Contender, bracket, choose_inputs, contenders_of
from scalefit.decisions.calibration import (
    Calibration,
    calibrate,
    deviations_at,
    inputs_of,
    listing_of,
    with_values,
)
from scalefit.decisions.combination import Combination, combine
from scalefit.decisions.forecast_fan import fan_of
from scalefit.decisions.forecast_result import Forecast
from scalefit.decisions.members import Member, Task, fit_members
from scalefit.decisions.splits import Split, checked_shares, divide_at, every_share, split_runs
from scalefit.errors import DataError, FitError, ScalefitError
from scalefit.fitting.problem import Array, restore
from scalefit.fitting.starts import Starts
from scalefit.law import Law
from scalefit.objectives import Huber, Objective, Scale
from scalefit.runs.checking import checked_columns, no_reserved_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.paths import beyond

if TYPE_CHECKING:
    pass

#: What is added to the points.
ADDED = ("estimate", "low", "high", "beyond", "spread")
#: Resamples of each law below each cut: enough for one standard deviation.
TEST_DRAWS = 100
#: Starts of each fit below a cut: a worse minimum there only widens the intervals.
TEST_STARTS = 8


def forecast(
    runs: Any,
    at: Any,
    *,
    laws: Iterable[Law | str] | Mapping[str, Law | str] | None = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str = "flops",
    level: float = 0.9,
    fixed: Mapping[str, Mapping[str, float]] | None = None,
    objective: Objective | None = None,
    draws: int = 1000,
    cuts: Sequence[float] | str = (0.5, 0.6, 0.7, 0.8),
    rng: np.random.Generator | int | None = None,
) -> Forecast:
    r"""Say what runs beyond the data will give, with an interval that is measured to hold.

    Several laws that bend differently are fitted, with a floor and without one. Their weighted mean is the estimate;
    the interval is for one new run and holds the variance between laws, of the parameters and of runs, times a factor
    that public runs gave and that the forecast's own back-test may raise. One law's own interval, however it is made,
    holds far too rarely beyond the data.

    Parameters
    ----------
    runs : table or path, one row per finished run.
    at : table of the points to predict, such as ``sf.grid(params=[7e10], tokens=[1.4e12])``. A column of the target in
        it is never read.
    laws : laws or names, or a mapping of your own names to laws. None takes the documented set whose inputs stand in
        both tables and vary among the runs: of params and tokens ``chinchilla`` with and without its floor,
        ``gen_ces`` and ``kaplan_nd``; with unique_tokens, where data repeat, ``data_constrained``; with experts or
        streams the laws of these; of one input ``m3``, ``power_shift_offset``, ``m4`` and ``bnsl``.
    target : column that is predicted; None is ``loss``.
    columns : input -> column, where names differ. ``{"x": "examples"}`` asks for laws of that one input.
    along : column that orders the runs in the back-test. Where there is neither it nor params and tokens to derive
        ``"flops"`` from, the first input orders them.
    level : float in (0, 1). How often intervals made in this way hold; measured at 0.9.
    fixed : law -> parameter -> value that is not fitted.
    objective : None is ``sf.Huber(1e-3)`` on the log, for every law.
    draws : resamples of each law, at least 2; all laws see the same ones.
    cuts : of the back-test: shares of the runs, or ``"every"``. From twenty cuts on the factor is theirs alone.
    rng : Generator, seed or None.

    Returns
    -------
    Forecast
        Its first line says whether anything speaks against trusting it.

    Raises
    ------
    ColumnError, DataError
        If a column is missing, be it one of the points that varies among the runs, a value cannot be used, or no law
        can be fitted; the message gives each law's reason.
    FitError
        If ``level``, ``laws``, ``fixed`` or ``cuts`` cannot be meant.

    Notes
    -----
    Weights come from AICc with a Laplace likelihood, tempered by one half, a fifth of them shared equally. At each
    point a law that runs away from the weighted median is pulled in to four median distances. The deviation on either
    side is :math:`\sqrt{V_\text{laws} + V_\text{params} + V_\text{runs}}` on the scale of the objective, and a 90 %
    interval spans 2.0 of them (1.645 would do if nothing else went wrong), more where the own back-test missed by more,
    and half as many again with fewer than four sizes. Other levels scale as a normal's, so quantiles never cross.
    How often such intervals held: docs/studies/real_extrapolation.md and docs/studies/coverage.md.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> lstm = runs[(runs.family == "lstm") & ~runs.held_back]
    >>> told = sf.forecast(lstm, sf.grid(params=[9e5], tokens=[1e7]), draws=100, rng=0)
    >>> told.frame.columns.tolist()
    ['params', 'tokens', 'estimate', 'low', 'high', 'beyond', 'spread']
    """
    check_level(level)
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"forecast needs a whole number of draws, at least 2; got {draws!r}.")
    frame, points = as_frame(runs), as_frame(at, what="the table to predict")
    target = target or "loss"
    column = find_column(frame, target, needed_by="forecast", columns=columns)
    points = points.drop(columns=[name for name in (column,) if name in points.columns])
    no_reserved_columns(points, ADDED, needed_by="forecast")
    contenders, known = _contenders(frame, points, laws, dict(columns or {}), along, fixed or {})
    objective = objective or Huber(1e-3)
    # Points are checked before any work; in what unit they are is asked here, once.
    tables.read_inputs(points, contenders[0].law, columns=_there(points, known), schedules=None)
    split, along = _split(frame, contenders[0], along, known, target, objective)
    seeds = np.random.default_rng(rng).integers(2**63, size=2)
    task = Task(target, {**split.columns, target: column}, objective, int(draws))
    members, left_out = fit_members(contenders, split.frame, task, int(seeds[0]))
    if not members:
        raise DataError(f"forecast: no law can be fitted. {_reasons(left_out)}")
    inputs = inputs_of(points, members[0], split.columns)
    usable = with_values(members, inputs)
    if not usable:
        raise DataError(f"forecast: no law has a value at the points. {listing_of(left_out)}")
    left_out |= {member.name: "it has no value at some point" for member in members if member not in usable}
    tested = _test(split, cuts, contenders, task, int(seeds[1]))
    told = combine(usable, inputs)
    return _assemble(usable, told, inputs, points, tested, split, task, level, along, frame, left_out)


def _there(points: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that the points have under the same name."""
    return {name: column for name, column in columns.items() if column in points.columns}


def _contenders(
    runs: pd.DataFrame,
    points: pd.DataFrame,
    laws: Iterable[Law | str] | Mapping[str, Law | str] | None,
    columns: dict[str, str],
    along: str,
    fixed: Mapping[str, Mapping[str, float]],
) -> tuple[tuple[Contender, ...], dict[str, str]]:
    if laws is None:
        inputs, known = choose_inputs(runs, points, columns, along)
        names = {one.name: one for one in bracket(inputs)}
        again = contenders_of({name: one.law for name, one in names.items()}, fixed)
        return tuple(Contender(one.name, one.law, {**names[one.name].fixed, **one.fixed}) for one in again), known
    found = contenders_of(laws, fixed)
    kinds = {one.law.inputs for one in found}
    if len(kinds) > 1:
        said = "; ".join(f"{one.name}: {', '.join(one.law.inputs)}" for one in found)
        raise FitError(
            f"The laws of one forecast must ask for the same inputs, so that each is right or wrong. {said}."
        )
    if ("x",) in kinds and "x" not in columns:
        columns["x"] = choose_inputs(runs, points, {"x": along} if along in runs.columns else columns, along)[1]["x"]
    return found, columns


def _split(
    frame: pd.DataFrame,
    contender: Contender,
    along: str,
    columns: Mapping[str, str],
    target: str,
    objective: Objective,
) -> tuple[Split, str]:
    """The checked table; where nothing says what orders the runs, the first input does."""
    flops = all(has_column(frame, name, columns=columns) for name in ("params", "tokens"))
    if not has_column(frame, along, columns=columns) and not (along == "flops" and flops):
        if along != "flops":
            find_column(frame, along, needed_by="forecast", columns=columns)  # raises, and names the columns
        along = columns.get("x", contender.law.inputs[0]) if contender.law.inputs == ("x",) else contender.law.inputs[0]
    return split_runs(frame, contender.law, along, columns, target, objective, None), along


def _test(
    split: Split, cuts: Sequence[float] | str, contenders: Sequence[Contender], task: Task, seed: int
) -> Calibration:
    fewest = min(len(one.law.params) - len(one.fixed) for one in contenders) + 2
    if isinstance(cuts, str):
        if cuts != "every":
            raise FitError(f"cuts are shares of the runs such as cuts=(0.5, 0.8), or cuts='every'; got {cuts!r}.")
        shares = every_share(split, fewest)
    else:
        shares = checked_shares(cuts) if len(cuts) else []
    seeds = np.random.default_rng(seed).integers(2**63, size=len(shares))
    light = replace(task, draws=min(task.draws, TEST_DRAWS), starts=Starts(own=TEST_STARTS))
    return calibrate(split, divide_at(split, shares), contenders, light, [int(one) for one in seeds])


def _assemble(
    members: Sequence[Member],
    told: Combination,
    inputs: tuple[Array, ...],
    points: pd.DataFrame,
    tested: Calibration,
    split: Split,
    task: Task,
    level: float,
    along: str,
    runs: pd.DataFrame,
    left_out: Mapping[str, str],
) -> Forecast:
    on = task.objective.on
    span = deviations_at(level, tested.scores, forecast_doubts.n_sizes(members[0]))
    below, above = told.deviations
    each = restore(told.estimates, on)
    estimate = restore(told.centre, on)
    frame = points.assign(
        estimate=estimate,
        low=restore(told.centre - span * below, on),
        high=restore(told.centre + span * above, on),
        beyond=beyond(inputs, members[0].fit.problem.inputs),
        spread=(each.max(axis=0) - each.min(axis=0)) / np.abs(estimate),
    )
    names, places = [member.name for member in members], _places(points, along, split.columns)
    rule = deviations_at(level, [], forecast_doubts.n_sizes(members[0]))
    held = float(np.mean([np.mean(np.abs(z) <= rule) for z in tested.scores])) if tested.scores else float("nan")
    doubts = forecast_doubts.doubts_of(members, told, inputs, tested, held, runs, task.columns)
    return Forecast(
        frame=frame,
        laws=_laws(members, told.weights, tested),
        by_law=pd.DataFrame(each.T, columns=names, index=points.index),
        test=_restored(tested.frame, rule, on),
        held=held,
        deviations=span,
        level=float(level),
        doubts=doubts,
        left_out=dict(left_out),
        skipped=dict(tested.skipped),
        fits={member.name: member.fit for member in members},
        notes=split.notes,
        target=task.target,
        along=along,
        inputs=_columns_read(points, members[0], split.columns),
        seen=pd.DataFrame({"place": split.along, "observed": split.observed}),
        places=places,
        fan=fan_of(members, inputs, places, along, span),
    )


def _places(points: pd.DataFrame, along: str, columns: Mapping[str, str]) -> Array:
    """Where the points lie along what orders the runs; NaN where they do not say."""
    known = _there(points, columns)
    try:
        found = checked_columns(points, [along], needed_by="forecast", columns=known, warn_units=False)
        return np.array(found.values[along])
    except ScalefitError:
        return np.full(len(points), np.nan)


def _columns_read(points: pd.DataFrame, member: Member, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of the points that hold the inputs, under whatever name."""
    known = _there(points, columns)
    names = member.fit.law.inputs
    return tuple(find_column(points, name, needed_by="forecast", columns=known) for name in names)


def _laws(members: Sequence[Member], weights: Array, tested: Calibration) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "weight": weights,
            "error": [tested.errors[member.name] for member in members],
            "scatter": [member.scatter for member in members],
            "verdict": [member.fit.verdict for member in members],
        },
        index=pd.Index([member.name for member in members], name="law"),
    )


def _restored(test: pd.DataFrame, rule: float, on: Scale) -> pd.DataFrame:
    """The back-test in the unit of the target, with the intervals that the rule gave."""
    ends = {"low": test.estimate - rule * test.below, "high": test.estimate + rule * test.above}
    told = {"observed": test.observed, "estimate": test.estimate, **ends}
    values = {name: restore(value.to_numpy(float), on) for name, value in told.items()}
    return test.assign(**values)[["row", "cut", *values, "factor"]]


def _reasons(left_out: Mapping[str, str]) -> str:
    return " ".join(f"{name}: {reason.rstrip('.')}." for name, reason in left_out.items())
