"""When a forecast should not be trusted, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from scalefit.decisions.brackets import repeats_data
from scalefit.decisions.calibration import FEWEST_SIZES, Calibration
from scalefit.decisions.combination import Combination
from scalefit.decisions.members import Member
from scalefit.errors import listing
from scalefit.fitting.problem import Inputs
from scalefit.uncertainty.reservations import families_apart, rows_far_off

#: Beyond this factor in any input no study here has measured how often intervals hold.
FARTHEST = 10.0
#: Scatter about the best law, as a share: above it no law of the set describes the runs.
LARGEST_SCATTER = 0.05
#: Of the own back-test, the share below which its intervals failed; from so many cuts on.
FEWEST_HELD, FEWEST_CUTS = 0.6, 2
#: Where laws deviate from their weighted mean by more than this share, the choice of law decides the answer.
LARGEST_DEVIATION = 0.05


def doubts_of(
    members: Sequence[Member],
    told: Combination,
    inputs: Inputs,
    calibration: Calibration,
    held: float,
    runs: pd.DataFrame,
    columns: Mapping[str, str],
) -> tuple[str, ...]:
    """Every reason not to trust the forecast, the gravest first; ``held`` is the share held in the own back-test."""
    found = [
        *_repeated(members, runs, columns),
        *_far_off(members, told),
        *_pooled(members, told, runs),
        *_alone(members),
        *_few_sizes(members[0]),
        *_far(members[0], inputs),
        *_unfit(members),
        *_failed(calibration, held),
        *_apart(told),
    ]
    return tuple(found)


def _repeated(members: Sequence[Member], runs: pd.DataFrame, columns: Mapping[str, str]) -> list[str]:
    if not repeats_data(runs, columns) or any("unique_tokens" in member.fit.law.inputs for member in members):
        return []
    return [
        "runs see data more than once, and no law here knows repetition: give a column unique_tokens, or leave those "
        "runs out"
    ]


def _pooled(members: Sequence[Member], told: Combination, runs: pd.DataFrame) -> list[str]:
    """Families that lie apart about the law with the most weight, and copies of rows."""
    out = []
    copies = int(runs.duplicated().sum()) if runs.map(pd.api.types.is_hashable).to_numpy().all() else 0
    if copies:
        out.append(f"{copies} of {len(runs)} rows are copies of others and count as runs: runs.drop_duplicates()")
    best = members[int(np.argmax(told.weights))].fit
    in_order = list(best.data.index) == list(runs.index)
    if "family" in runs.columns and (in_order or runs.index.is_unique):
        family = runs["family"] if in_order else runs["family"].loc[best.data.index]
        apart = families_apart(best.problem, best.theta, family)
        out += [f"{apart}: forecast each alone"] if apart else []
    return out


def _far_off(members: Sequence[Member], told: Combination) -> list[str]:
    """Rows that lie far off the law with the most weight: they bend every law, and no interval holds what they do."""
    best = members[int(np.argmax(told.weights))].fit
    far = rows_far_off(best.problem, best.theta, best.data)
    return [far] if far else []


def _alone(members: Sequence[Member]) -> list[str]:
    if len(members) > 1:
        return []
    return [f"{members[0].name} stands alone: that another law may be right is in no interval of one law"]


def n_sizes(member: Member) -> int:
    """Distinct values of the first input: sizes, for laws of sizes and data."""
    return len(np.unique(member.fit.problem.inputs[0]))


def _few_sizes(member: Member) -> list[str]:
    law, inputs = member.fit.law, member.fit.problem.inputs
    few = {name: len(np.unique(x)) for name, x in zip(law.inputs, inputs, strict=True) if x.ndim == 1}
    said = [f"{count} value{'s' if count > 1 else ''} of {name}" for name, count in few.items() if count < FEWEST_SIZES]
    if not said:
        return []
    return [f"the runs have only {listing(said)}: fewer than {FEWEST_SIZES} do not show how the loss bends"]


def _far(member: Member, inputs: Inputs) -> list[str]:
    out = []
    for name, x, seen in zip(member.fit.law.inputs, inputs, member.fit.problem.inputs, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            over = float(np.max(np.maximum(x / seen.max(), seen.min() / x)))
        if over > FARTHEST:
            out.append(
                f"the farthest point lies {over:.3g} times beyond the runs in {name}; how often intervals hold past "
                f"{FARTHEST:g} times has not been measured"
            )
    return out


def _unfit(members: Sequence[Member]) -> list[str]:
    best = min(members, key=lambda member: member.scatter)
    out = []
    if best.scatter > LARGEST_SCATTER:
        out.append(
            f"no law describes the runs: about the best, {best.name}, they scatter by {100 * best.scatter:.2g} %"
        )
    if not any(member.fit.converged for member in members):
        out.append("the runs identify none of the laws; see .laws for what each lacks")
    return out


def _failed(calibration: Calibration, held: float) -> list[str]:
    cuts = len(calibration.scores)
    if cuts == 0:
        return ["there are too few runs for a back-test, so nothing shows that such intervals hold here"]
    if cuts >= FEWEST_CUTS and held < FEWEST_HELD:
        return [f"on these runs the rule itself failed: its intervals held {100 * held:.0f} % over {cuts} cuts"]
    return []


def _apart(told: Combination) -> list[str]:
    widest = float(np.sqrt(told.between.max()))
    if widest <= LARGEST_DEVIATION:
        return []
    return [
        f"by their weights the laws deviate from the estimate by {100 * widest:.0f} %: which of them is right decides "
        "the answer"
    ]
