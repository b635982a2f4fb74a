"""A forecast along the way from the runs to its farthest point: what a picture of it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.combination import combine
from scalefit.decisions.members import Member
from scalefit.fitting.problem import Array, Inputs, restore
from scalefit.uncertainty.paths import path_along
from scalefit.wording.digits import number

#: Places along the way.
PLACES = 60


@dataclass(frozen=True, eq=False)
class Fan:
    """The laws of a forecast and the forecast itself along one quantity.

    The other inputs stand as at the farthest point; along ``"flops"`` with its tokens per parameter.

    Attributes
    ----------
    frame : DataFrame
        The quantity, ``estimate, low, high`` of one new run, and ``beyond``, how many times past the runs fitted the
        place lies along the quantity. Empty where the quantity is no input.
    by_law : DataFrame, the same rows, one column per law: what each says.
    where : str, where the other inputs stand; empty where there are none.
    """

    frame: pd.DataFrame
    by_law: pd.DataFrame
    where: str


def fan_of(members: Sequence[Member], inputs: Inputs, places: Array, along: str, span: float) -> Fan:
    """What the members say from the smallest run to the farthest of some points.

    Parameters
    ----------
    inputs : of the law at the n points.
    places : (n,) the quantity at the points.
    span : deviations of an interval on either side.
    """
    fit = members[0].fit
    names = fit.law.inputs
    known = np.isfinite(places)
    goes = along if along in names or names != ("x",) else "x"
    if not known.any() or not (goes in names or (goes == "flops" and set(names) == {"params", "tokens"})):
        return Fan(pd.DataFrame(columns=[along, "estimate", "low", "high", "beyond"]), pd.DataFrame(), "")
    far = int(np.nanargmax(places))
    point = {name: float(x[far]) for name, x in zip(names, inputs, strict=True)}
    derived = goes not in names
    at = {} if derived else {name: value for name, value in point.items() if name != goes}
    ratio = point["tokens"] / point["params"] if derived else None
    seen = dict(zip(names, fit.problem.inputs, strict=True))
    edge = float(np.max(6 * seen["params"] * seen["tokens"] if derived else seen[goes]))
    end = 6 * point["params"] * point["tokens"] if derived else point[goes]
    beyond = max(end / edge, 1.0) if edge > 0 else 1.0
    path = path_along(names, fit.problem.inputs, goes, at=at, ratio=ratio, points=PLACES, beyond=beyond)
    way = tuple(path[name].to_numpy(float) for name in names)
    # A table may count compute in its own way: the end of the path stands at the point as it counts it.
    shown = path[goes].to_numpy(float) * (places[far] / end if derived else 1.0)
    with np.errstate(all="ignore"):
        told = combine(members, way)
        (below, above), on = told.deviations, fit.problem.objective.on
        frame = pd.DataFrame({
            along: shown,
            "estimate": restore(told.centre, on),
            "low": restore(told.centre - span * below, on),
            "high": restore(told.centre + span * above, on),
            "beyond": np.maximum(path[goes] / edge if edge > 0 else 1.0, 1.0),
        })  # fmt: skip
        by_law = pd.DataFrame({
            member.name: restore(values, on) for member, values in zip(members, told.estimates, strict=True)
        })  # fmt: skip
    where = f"{number(ratio, digits=2)} tokens per parameter" if ratio else ""
    held = [f"{name} = {number(value, digits=3)}" for name, value in at.items()]
    return Fan(frame, by_law, where or ", ".join(held))
