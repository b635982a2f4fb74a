"""A joint fit of families as text: status first, then what each family has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.errors import FitError, listing

if TYPE_CHECKING:
    from scalefit.decisions.families_record import FamilyFit

#: A column of the order of rows, while predictions of several families are put together.
ORDER = "__order__"


def describe(families: FamilyFit) -> str:
    """The first line says whether to believe and whether to share."""
    table = families.summary()
    shown = [f"{short(value, 4)} ± {short(se, 2)}" for value, se in zip(table.estimate, table.se, strict=True)]
    wide = pd.Series(shown, table.index).unstack("parameter")
    text = wide.loc[list(families.families), list(families.joint.member.param_names)].to_string()
    return "\n".join([headline(families), text, *footnotes(families)])


def short(value: float, digits: int) -> str:
    """A number with so many digits, without a power of ten where it reads well without."""
    if not np.isfinite(value) or value == 0:
        return f"{value:.0f}"
    if 1e-4 <= abs(value) < 1e6:
        rounded = float(f"{value:.{digits - 1}e}")
        return np.format_float_positional(rounded, trim="-")
    return f"{value:.{digits - 1}e}"


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
    try:
        test = families.test
    except FitError:
        return "sharing was not tested"
    if test.differ:
        return f"the families differ (p = {test.p:.1g}): do not share, or pull=True"
    return f"the data do not object (p = {test.p:.2g})"


def footnotes(families: FamilyFit) -> list[str]:
    """Where intervals come from, and what should be known."""
    return [f"intervals: {families.fit.interval_source}", *families.notes]
