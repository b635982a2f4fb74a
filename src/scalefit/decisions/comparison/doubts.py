"""When a comparison should not be trusted, in words: the graver reasons, and the lesser ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.curves import Curve
from scalefit.errors import listing
from scalefit.result import Fit
from scalefit.uncertainty.lack_of_fit import lack_of_fit

#: Columns that must say the same of all families, or their values mean different things.
SAME = (
    "tokenizer", "vocabulary", "vocab_size", "eval_set", "evaluation_set", "eval_dataset", "validation_set",
    "params_kind",
)  # fmt: skip
#: Share by which 6 N D may lie off the compute that the table holds before it is said.
OFF = 0.05
#: Failed draws above this share are said.
MOST_FAILED = 0.02


def grave_doubts(fits: Mapping[str, Fit]) -> list[str]:
    """Families whose law the runs do not identify."""
    return [f"{name}: {fit.law.name} is {_lower(fit.verdict)}" for name, fit in fits.items() if not fit.converged]


def lesser_doubts(
    curves: Mapping[str, Curve], parts: Mapping[str, pd.DataFrame], common: tuple[float, float] | None
) -> list[str]:
    """What else speaks against the answer."""
    fits = {name: curve.route.fit for name, curve in curves.items()}
    return [*_apart(curves, common), *unlike(parts), *_other_compute(curves, parts), *_bent(fits), *_failed(fits)]


def _lower(verdict: str) -> str:
    return verdict[:1].lower() + verdict[1:]


def _apart(curves: Mapping[str, Curve], common: tuple[float, float] | None) -> list[str]:
    if common is not None:
        return []
    ends = [f"{name} from {curve.route.reach[0]:.3g} to {curve.route.reach[1]:.3g}" for name, curve in curves.items()]
    along = next(iter(curves.values())).route.along
    return [f"the families share no range of {along} ({listing(ends)}): one of them is extrapolated everywhere"]


def unlike(parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Columns that show families were not measured alike."""
    out = []
    for column in SAME:
        if not all(column in part.columns for part in parts.values()):
            continue
        told = {name: tuple(sorted(map(str, part[column].dropna().unique()))) for name, part in parts.items()}
        if len(set(told.values())) > 1:
            words = listing(f"{name} has {listing(values) or 'none'}" for name, values in told.items())
            out.append(f"{column} differs ({words}): their values are not on one scale")
    return out


def _other_compute(curves: Mapping[str, Curve], parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Families whose own count of compute is not the cost that was assumed."""
    off = {}
    for name, curve in curves.items():
        part, route = parts.get(name), curve.route
        if part is None or route.along != "flops" or "flops" in route.fit.columns.values():
            continue
        if not {"params", "tokens"} <= set(route.fit.law.inputs) or "flops" not in part.columns:
            continue
        seen = dict(zip(route.fit.law.inputs, route.fit.problem.inputs, strict=True))
        told = pd.to_numeric(part["flops"], errors="coerce").to_numpy(float)
        with np.errstate(all="ignore"):
            share = told / route.spends(seen["params"], seen["tokens"])
        known = share[np.isfinite(share) & (share > 0)]
        if len(known) and abs(float(np.log(np.median(known)))) > OFF:
            off[name] = float(np.median(known))
    if not off:
        return []
    words = listing(f"{factor:.2g} times that for {name}" for name, factor in off.items())
    spends = next(iter(curves.values())).route.spends.text
    return [f"compute is {spends} here, and the column flops has {words}: cost='runs' takes each family's own"]


def _bent(fits: Mapping[str, Fit]) -> list[str]:
    return [f"{name}: {told.words}" for name, fit in fits.items() if (told := lack_of_fit(fit)).warns]


def _failed(fits: Mapping[str, Fit]) -> list[str]:
    out = []
    for name, fit in fits.items():
        drawn = fit.n_failed + (0 if fit.draws is None else len(fit.draws))
        if drawn and fit.n_failed > MOST_FAILED * drawn:
            out.append(f"{name}: {fit.n_failed} of {drawn} resamples reached no minimum and were left out")
    return out
