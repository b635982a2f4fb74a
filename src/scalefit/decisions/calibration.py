"""How wide a forecast must be: a rule found on public runs, and what its own back-test says of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.brackets import Contender
from scalefit.decisions.combination import combine
from scalefit.decisions.members import Member, Task, fit_members
from scalefit.decisions.splits import Division, Split
from scalefit.fitting.problem import Array, Inputs, rescale

#: Deviations of a nominal 90 % interval: 1.645 if laws, scatter and draws told all that may go wrong; they do not, and
#: on public runs (docs/studies/real_extrapolation.md) this many hold 90 % of the time.
DEVIATIONS_AT_90 = 2.0
NORMAL_AT_90 = 1.6449
#: The rule counts as much as so many cuts of the own back-test.
RULE_CUTS = 4
#: A cut that missed by more than so many times what was expected counts as if by so many: it may be another regime.
LARGEST_MISS = 3.0
#: From so many cuts on, what they showed is taken as it is: a conformal interval.
MANY_CUTS = 20
#: Fewer sizes than this do not fix how the law bends; ladders of three missed by 10 % under every law.
FEWEST_SIZES, FEW_SIZES_FACTOR = 4, 1.5


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a forecast would have said of the runs beyond each cut.

    Attributes
    ----------
    frame : DataFrame, one row per cut and row judged: ``row, cut, observed, estimate, below, above, factor``, on the
        scale of the objective; ``below`` and ``above`` are one deviation to either side.
    errors : law -> mean absolute relative error over cuts; NaN where it could not be judged.
    skipped : cut -> why it could not be judged.
    """

    frame: pd.DataFrame
    errors: Mapping[str, float]
    skipped: Mapping[str, str]

    @property
    def scores(self) -> list[Array]:
        """How many deviations what was seen lay from what was told, cut by cut."""
        return [
            distance(rows.observed, rows.estimate, rows.below, rows.above)
            for _, rows in self.frame.groupby("cut", sort=True)
        ]


def calibrate(
    split: Split, divisions: Sequence[Division], contenders: Sequence[Contender], task: Task, seeds: Sequence[int]
) -> Calibration:
    """Forecast what lies beyond each cut from what lies below, as the whole forecast is made."""
    frames: list[pd.DataFrame] = []
    errors: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    skipped: dict[str, str] = {}
    for division, seed in zip(divisions, seeds, strict=True):
        reason = division.reason
        if not reason:
            below = split.frame[division.fitted]
            members, left_out = fit_members(contenders, below, task, int(seed))
            points = split.frame[division.judged].drop(columns=split.target_column)
            told = _judge(split, division, members, points, task, errors)
            reason = listing_of(left_out) if told is None else ""
            if told is not None:
                frames.append(told)
        if reason:
            skipped[f"{division.cut:g}"] = reason
    nothing = pd.DataFrame(columns=["row", "cut", "observed", "estimate", "below", "above", "factor"])
    means = {name: float(np.mean(found)) if found else float("nan") for name, found in errors.items()}
    return Calibration(pd.concat(frames, ignore_index=True) if frames else nothing, means, skipped)


def distance(seen: Any, estimate: Any, below: Any, above: Any) -> Array:
    """(n,): deviations from what was told to what was seen."""
    away = np.asarray(seen, float) - np.asarray(estimate, float)
    return np.asarray(away / np.where(away < 0, below, above))


def listing_of(left_out: Mapping[str, str]) -> str:
    """Why no law could be fitted: the first reason stands for all."""
    return next(iter(left_out.values()), "no law has a value at the runs beyond it")


def _judge(
    split: Split,
    division: Division,
    members: Sequence[Member],
    points: pd.DataFrame,
    task: Task,
    errors: Mapping[str, list[float]],
) -> pd.DataFrame | None:
    if not members:
        return None
    inputs = inputs_of(points, members[0], split.columns)
    usable = with_values(members, inputs)
    if not usable:
        return None
    seen = rescale(split.observed[division.judged], task.objective.on)
    told = combine(usable, inputs)
    below, above = told.deviations
    for member, estimates in zip(usable, told.estimates, strict=True):
        errors[member.name].append(float(np.mean(np.abs(np.expm1(estimates - seen)))))
    edge = float(split.along[division.fitted].max())
    return pd.DataFrame(
        {
            "row": points.index,
            "cut": division.cut,
            "observed": seen,
            "estimate": told.centre,
            "below": below,
            "above": above,
            "factor": split.along[division.judged] / edge if edge > 0 else np.inf,
        }
    )


def inputs_of(points: pd.DataFrame, member: Member, columns: Mapping[str, str]) -> Inputs:
    """The inputs of a law at some points."""
    known = {name: column for name, column in columns.items() if column in points.columns}
    return tables.read_inputs(points, member.fit.law, columns=known, schedules=None, warn_units=False).inputs


def with_values(members: Sequence[Member], inputs: Inputs) -> list[Member]:
    """The members whose law is finite at every point."""
    return [member for member in members if np.isfinite(member.estimates(inputs)).all()]


def deviations_at(level: float, scores: Sequence[Array], n_sizes: int) -> float:
    """How many deviations an interval of this level spans on either side.

    Few cuts only widen the rule: each says how large the squared distances were beside what the rule expects, and the
    rule counts as ``RULE_CUTS`` of them. Many cuts replace it by the distance within which the share ``level`` of what
    was judged lay, each cut counting the same (a conformal quantile over cuts, which errors within one share).
    """
    from scipy.special import ndtri

    few = FEW_SIZES_FACTOR if n_sizes < FEWEST_SIZES else 1.0
    if len(scores) >= MANY_CUTS:
        return few * conformal_distance(level, scores)
    return few * DEVIATIONS_AT_90 * float(ndtri(0.5 + level / 2)) / NORMAL_AT_90 * own_factor(scores)


def own_factor(scores: Sequence[Array]) -> float:
    """How much wider than the rule the own back-test asks for, at least 1."""
    misses = [min(float(np.sqrt(np.mean(z**2))) * NORMAL_AT_90 / DEVIATIONS_AT_90, LARGEST_MISS) for z in scores]
    return float(np.sqrt(max((RULE_CUTS + np.sum(np.square(misses))) / (RULE_CUTS + len(misses)), 1.0)))


def conformal_distance(level: float, scores: Sequence[Array]) -> float:
    """The distance that holds the share ``level`` of what was judged, corrected for a finite number of cuts."""
    size = np.concatenate([np.abs(z) for z in scores])
    weight = np.concatenate([np.full(len(z), 1 / (len(z) * len(scores))) for z in scores])
    order = np.argsort(size, kind="stable")
    share = min(level * (1 + 1 / len(scores)), 1.0)
    place = int(np.searchsorted(np.cumsum(weight[order]), share - 1e-12))
    return float(size[order][min(place, len(size) - 1)])
