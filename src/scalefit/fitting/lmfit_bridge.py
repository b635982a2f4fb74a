"""lmfit's parameters as the user's way to fix, bound and tie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.problem import Array
from scalefit.fitting.setup import Constraints
from scalefit.law import Law

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


def write_parameters(law: Law, theta: Array, se: Array, constraints: Constraints) -> lmfit.Parameters:
    """A fit as ``lmfit.Parameters``: values (p,), standard errors (p,), bounds, what was fixed and tied."""
    import lmfit

    out = lmfit.Parameters()
    for param, value, error in zip(law.params, theta.tolist(), se.tolist(), strict=True):
        out.add(param.name, value=value, min=param.lower, max=param.upper, vary=param.name not in constraints.fixed)
        out[param.name].stderr = error
    for name, text in constraints.tie.items():
        out[name].expr = text
    return out
