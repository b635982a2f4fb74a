"""Parameters that the rows fix in principle, and hardly in fact."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from scalefit.errors import listing
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.law import Law
from scalefit.uncertainty.covariance import coordinate_covariance
from scalefit.uncertainty.units import Units

#: Standard errors from the middle to an end of a 90 % interval.
TO_AN_END = 1.645


def hardly_identified(
    law: Law,
    problem: Problem,
    coordinates: Coordinates,
    u: Array,
    weights: Array,
    units: Units,
    asked: Collection[str],
) -> str:
    """A sentence on those of the parameters asked whose 90 % interval is wider than the range of their starting values.

    Those ranges are what is usual of a law, on the scale on which a parameter moves. Linear parameters have none, and
    their size means nothing where the others are not known.
    """
    variance = np.diag(coordinate_covariance(problem, coordinates, u, weights, units))
    wide = []
    for j, kind, spread in zip(coordinates.free, coordinates.kinds, np.sqrt(np.maximum(variance, 0)), strict=True):
        param = law.params[j]
        if param.name not in asked or kind == "term":
            continue
        usual = np.log(param.high / param.low) if kind == "log" else param.high - param.low
        if 2 * TO_AN_END * spread > usual:
            wide.append(param.name)
    if not wide:
        return ""
    verb, of = ("is", "its interval is") if len(wide) == 1 else ("are", "their intervals are")
    return f"{listing(wide)} {verb} hardly identified: {of} wider than what is usual of the law"
