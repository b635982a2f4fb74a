"""A joint fit of families as text: status first, then what each family has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scalefit.errors import FitError, listing
from scalefit.wording.digits import plus_minus
from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.families_likelihood import SharingTest
    from scalefit.decisions.families_record import FamilyFit

#: A column of the order of rows, while predictions of several families are put together.
ORDER = "__order__"


def say(families: FamilyFit) -> Said:
    """The first line says whether to believe and whether to share."""
    table = families.summary()
    shown = [plus_minus(value, se) for value, se in zip(table.estimate, table.se, strict=True)]
    wide = pd.Series(shown, table.index).unstack("parameter")
    wide = wide.loc[list(families.families), list(families.joint.member.param_names)]
    return Said(state_of_fit(families), headline(families), (), (wide,), footnotes(families))


def state_of_fit(families: FamilyFit) -> State:
    """Doubtful where the data object to sharing, or were not asked."""
    if not families.converged:
        return "bad"
    if families.pull or len(families.families) == 1:
        return "good"
    test = _test_of(families)
    return "good" if test is not None and not test.differ else "doubtful"


def headline(families: FamilyFit) -> str:
    """The status of the joint fit, and what the data say of sharing."""
    how = "pulled" if families.pull else "shared"
    what = f"{families.joint.law.name}, {how} {listing(families.share)}"
    if not families.converged:
        return f"{what}: {families.verdict}"
    if families.pull:
        parts = [f"{name} {spread:.2g}" for name, spread in families.pull.items()]
        return f"{what}: converged; standard deviation between families {listing(parts)}"
    if len(families.families) == 1:
        return f"{what}: converged; there is one family, which shares with none"
    return f"{what}: converged; {judgement(families)}"


def judgement(families: FamilyFit) -> str:
    """Whether the data object to sharing, in words."""
    test = _test_of(families)
    return "sharing was not tested" if test is None else test.words


def _test_of(families: FamilyFit) -> SharingTest | None:
    try:
        return families.test
    except FitError:
        return None


def footnotes(families: FamilyFit) -> tuple[str, ...]:
    """Where intervals come from, and what should be known."""
    return (f"intervals: {families.fit.interval_source}", *families.notes)
