"""The prior of a fit as JSON, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scalefit.fitting.problem import Prior
from scalefit.fitting.setup import Constraints, LogPrior
from scalefit.law import Law
from scalefit.reports.entries import Entry, plain
from scalefit.wording.digits import plus_minus


def plain_prior(prior: Prior) -> dict[str, Any]:
    """Its numbers; which parameters it pulls in their log only where there are any."""
    out = {name: plain(getattr(prior, name)) for name in ("centre", "precision", "dispersion")}
    return out if prior.logs is None else {**out, "logs": np.flatnonzero(prior.logs).tolist()}


def prior_text(pair: tuple[float, float]) -> str:
    """A prior in words, such as ``0.34 ± 0.05``.

    Examples
    --------
    >>> prior_text((0.34, 0.05)), prior_text(LogPrior(0.5, 0.7))
    ('0.340 ± 0.050', '0.5, its log ± 0.7')
    """
    if isinstance(pair, LogPrior):
        return f"{pair.centre:g}, its log ± {pair.deviation:g}"
    return plus_minus(*pair)


def with_log_priors(constraints: Constraints, prior: Prior | None, law: Law) -> Constraints:
    """Constraints whose priors are on the log of those parameters that the prior of the problem pulls there."""
    if prior is None or prior.logs is None:
        return constraints
    logs = {name for name, pulled in zip(law.param_names, prior.logs, strict=True) if pulled}
    pairs = {name: LogPrior(*pair) if name in logs else pair for name, pair in constraints.prior.items()}
    return replace(constraints, prior=pairs)


def read_prior(entry: Entry, p: int) -> Prior:
    """The prior of p parameters, with its numbers checked."""
    centre, precision = (entry[name].array(p, finite=True) for name in ("centre", "precision"))
    if (precision < 0).any():
        entry["precision"].fail("a list of numbers from 0")
    logs = None
    if "logs" in entry.named():
        logs = np.isin(np.arange(p), entry["logs"].wholes(at_most=p - 1))
    return Prior(centre, precision, entry["dispersion"].finite(), logs)
