"""lmfit's parameters as the user's way to fix, bound and tie, and lmfit as the referee of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.setup import Constraints

if TYPE_CHECKING:
    import lmfit


def read_parameters(params: lmfit.Parameters, names: tuple[str, ...]) -> tuple[Constraints, dict[str, float]]:
    """Constraints and a start from ``lmfit.Parameters``; expressions are read by our parser, not run.

    Raises
    ------
    FitError
        If a parameter is missing or unknown.
    """
    missing = [name for name in names if name not in params]
    if missing:
        raise FitError(f"params lacks {listing(missing)}; the law has {listing(names)}.")
    for name in params:
        if name not in names:
            raise FitError(not_one_of("params: a parameter", name, names))
    tie = {name: p.expr for name, p in params.items() if p.expr}
    fixed = {name: float(p.value) for name, p in params.items() if not p.vary and not p.expr}
    free = [name for name in names if name not in tie and name not in fixed]
    bounds = {
        name: (_finite(params[name].min), _finite(params[name].max))
        for name in free
        if np.isfinite(params[name].min) or np.isfinite(params[name].max)
    }
    start = {name: float(params[name].value) for name in free if np.isfinite(params[name].value)}
    return Constraints(fixed=fixed, bounds=bounds, tie=tie), start


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_parameters(
    names: tuple[str, ...],
    estimates: Mapping[str, float],
    se: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    constraints: Constraints,
) -> lmfit.Parameters:
    """A fit as ``lmfit.Parameters``: values, standard errors, bounds, what was fixed and tied."""
    import lmfit

    out = lmfit.Parameters()
    for name in names:
        low, high = bounds[name]
        out.add(name, value=estimates[name], min=low, max=high, vary=name not in constraints.fixed)
        out[name].stderr = se[name]
    for name, text in constraints.tie.items():
        out[name].expr = text
    return out
