"""What speaks against an answer that rests on one fit, whatever was asked of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.errors import listing
from scalefit.fitting.problem import Array
from scalefit.quantities import QUANTITIES
from scalefit.result import Fit
from scalefit.wording.amounts import ALIKE
from scalefit.wording.digits import si

#: A split this many times off all ratios of tokens to parameters among the runs is said to be off them.
OFF_RATIO = 3.0
#: Families named; of more, the first.
NAMED = 4
#: A family for each of so many sizes is a name of the size.
SIZES = 3
#: Residuals below this are what an optimizer leaves of an exact fit, and their shape means nothing.
EXACT = 1e-6


def doubts_of_fit(fit: Fit) -> tuple[str, ...]:
    """Several families fitted as one law, and a law that misses something."""
    names = pooled_families(fit)
    out = []
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        out.append(
            f"the runs are of {len(names)} families ({listing(names[:NAMED])}{more}), fitted as if they were one: "
            f"fit one at a time, such as runs[runs[{_family_column(fit)!r}] == {names[0]!r}]"
        )
    if fit.rms > EXACT and fit.missed.warns:
        out.append(fit.missed.words)
    return tuple(out)


def pooled_families(fit: Fit) -> tuple[str, ...]:
    """Families among the rows fitted, where there are several and the law does not tell them apart."""
    column = _family_column(fit)
    if column is None:
        return ()
    family = fit.data[column]
    names = tuple(sorted(map(str, family.dropna().unique())))
    if len(names) < 2:
        return ()
    for name, values in zip(fit.law.inputs, fit.problem.inputs, strict=True):
        if values.ndim == 1 and len(values) == len(family) and _tells_apart(name, values, family):
            return ()
    return names


def _tells_apart(name: str, values: Array, family: pd.Series[str]) -> bool:
    """Whether an input has one value in each family, another in every one."""
    each = pd.Series(values, index=family.index).groupby(family)
    apart = bool((each.nunique() == 1).all()) and each.first().nunique() == each.ngroups
    return apart and (name not in ("params", "tokens", "flops") or each.ngroups >= SIZES)


def _family_column(fit: Fit) -> str | None:
    known = QUANTITIES["family"]
    taken = fit.columns.values()
    return next((name for name in (known.name, *known.aliases) if name in fit.data.columns and name not in taken), None)


def ratio_doubt(params: Array, tokens: Array, seen: tuple[Array, Array]) -> tuple[str, ...]:
    """A split whose tokens per parameter lie far from those of every run, though size and tokens may not.

    Parameters
    ----------
    params, tokens : (m,) of the places asked about.
    seen : params and tokens of the rows fitted.
    """
    off = off_ratios(params, tokens, seen)
    if off is None:
        return ()
    return (
        f"it takes {si(off.ratio)} tokens per parameter where the runs have {off.runs}: none lies within a factor of "
        f"{OFF_RATIO:g} of such a split, even where its size and its tokens lie among theirs",
    )


@dataclass(frozen=True)
class OffRatio:
    """A ratio of tokens to parameters unlike that of any run: how many times off, and what the runs have."""

    ratio: float
    times: float
    runs: str


def off_ratios(params: Array, tokens: Array, seen: tuple[Array, Array]) -> OffRatio | None:
    """The split farthest off all runs; None where every one has a run within a factor of ``OFF_RATIO``."""
    with np.errstate(all="ignore"):
        ratio, runs = np.asarray(tokens / params, float), np.asarray(seen[1] / seen[0], float)
    ratio, runs = (x[np.isfinite(x) & (x > 0)] for x in (ratio, runs))
    if not len(ratio) or not len(runs):
        return None
    low, high = float(runs.min()), float(runs.max())
    off = np.maximum(low / ratio, ratio / high)
    k = int(np.argmax(off))
    if off[k] <= OFF_RATIO:
        return None
    span = f"{si(low)} to {si(high)}" if high > low * (1 + ALIKE) else f"all {si(low)}"
    return OffRatio(float(ratio[k]), float(off[k]), span)
