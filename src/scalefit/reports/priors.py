"""The prior of a fit as JSON, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from scalefit.fitting.problem import Prior
from scalefit.reports.entries import Entry, plain


def plain_prior(prior: Prior) -> dict[str, Any]:
    """Its numbers; which parameters it pulls in their log only where there are any."""
    out = {name: plain(getattr(prior, name)) for name in ("centre", "precision", "dispersion")}
    return out if prior.logs is None else {**out, "logs": np.flatnonzero(prior.logs).tolist()}


def read_prior(entry: Entry, p: int) -> Prior:
    """The prior of p parameters, with its numbers checked."""
    centre, precision = (entry[name].array(p, finite=True) for name in ("centre", "precision"))
    if (precision < 0).any():
        entry["precision"].fail("a list of numbers from 0")
    logs = None
    if "logs" in entry.named():
        logs = np.isin(np.arange(p), entry["logs"].wholes(at_most=p - 1))
    return Prior(centre, precision, entry["dispersion"].finite(), logs)
