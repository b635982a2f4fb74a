"""The scale at which a fit, or a chain of fits, reaches a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.chain import Chain
from scalefit.decisions.route import Path
from scalefit.decisions.spending import Cost
from scalefit.decisions.targets.curves import Better, Curve, follow
from scalefit.decisions.targets.records import TargetScale, drawn_curve, limit_of, places_to_draw, where_of
from scalefit.decisions.targets.solving import first_reached, places_to_search, quantiles
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level

#: A value this close to the limit, as a share of it, is the limit, which no scale reaches.
_THE_LIMIT = 1e-12


def find_scale(
    fit: Fit | Chain,
    value: float | Sequence[float],
    *,
    along: str | None = None,
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Cost | str | Callable[[Any, Any], Any] | None = None,
    between: tuple[float, float] | None = None,
    better: Better | None = None,
    level: float = 0.9,
) -> TargetScale:
    """The scale at which a loss or an accuracy is reached, with an interval, or that it is not reachable.

    The smallest scale along the route at which the law is as good as ``value``, for the estimates and for every draw. A
    draw in which the value lies under the floor counts as one that needs an infinite scale, so an interval whose upper
    end is infinite says that the value may never be reached.

    Parameters
    ----------
    fit : Fit, or a Chain such as size and tokens -> loss -> accuracy.
    value : what is to be reached, in the unit of what was fitted; one or several.
    along : an input of the law, its column, or ``"flops"`` for a law of params and tokens. None: the only input, else
        ``"flops"``.
    at : values of other inputs; all that ``along`` leaves open, unless ``ratio`` or ``path`` say the rest.
    ratio : tokens per parameter, where the route keeps them.
    path : ``"optimal"``, for each budget the size with the lowest loss (what ``"flops"`` takes where nothing is said),
        or a function of values of ``along`` that returns the other inputs.
    cost : what a run costs along ``"flops"``: a formula such as ``"6 * params * tokens"``, a :class:`scalefit.Cost` or
        a function. None is 6 N D.
    between : the smallest and largest scale to look at. None: from the smallest of the rows fitted to 1e30 times the
        largest.
    better : ``"low"`` or ``"high"``: which values are better. None goes by the name of what was fitted.
    level : float in (0, 1), of the intervals.

    Returns
    -------
    TargetScale
        ``.frame`` has one row a value: ``value, estimate, low, high, probability, already, unreachable, beyond,
        where``.

    Raises
    ------
    FitError
        If an input is left open or said twice, or a value is not a finite number.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
    >>> told = sf.find_scale(fit, [1.6, 0.5])
    >>> told.frame["where"].tolist()
    ['data', 'nowhere']
    """
    check_level(level)
    wanted = checked_numbers(value, "value", "such as 2.0 or [2.2, 2.0]")
    curve = follow(fit, along, at=at, ratio=ratio, path=path, cost=cost, better=better)
    places = places_to_search(curve, between)
    limits, seen = curve.limits(), curve.values(places)
    frame = pd.DataFrame([_answer(curve, places, seen, limits, one, level) for one in wanted])
    return TargetScale(
        frame=frame,
        curve=drawn_curve(curve, places, seen, places_to_draw(curve, places, frame), level),
        along=curve.route.along,
        target=curve.target,
        route=curve.route.text,
        level=float(level),
        grows=curve.grows,
        limit=limit_of(limits, level),
        reach=curve.route.reach,
        ends=(float(places[0]), float(places[-1])),
        law=curve.name,
        verdict=curve.verdict,
        source=curve.source,
        notes=curve.notes,
        doubts=curve.doubts_at(frame["estimate"].to_numpy(float)),
    )


def _answer(curve: Curve, places: Array, seen: Array, limits: Array, value: float, level: float) -> dict[str, Any]:
    """One row of the frame."""
    sign = curve.sign
    scales = first_reached(
        lambda where, rows: sign * (curve.values(where, rows) - value), places, sign * (seen - value)
    )
    short = sign * (limits - value)
    scales[np.abs(short) <= _THE_LIMIT * np.abs(limits)] = np.inf  # reached only where the rest is lost in rounding
    low, high = quantiles(scales[1:], level)
    estimate = float(scales[0])
    beyond = float(curve.beyond(np.array([estimate]))[0]) if np.isfinite(estimate) else np.nan
    return {
        "value": value,
        "estimate": estimate,
        "low": low,
        "high": high,
        "probability": share(np.isfinite(scales[1:])),
        "already": share(scales[1:] <= places[0]),
        "unreachable": share(np.isinf(scales[1:]) & (short[1:] >= -_THE_LIMIT * np.abs(limits[1:]))),
        "beyond": beyond,
        "where": where_of(estimate, places, beyond),
    }


def share(marks: Any) -> float:
    """The share of draws that are marked; NaN without draws."""
    return float(np.mean(marks)) if len(marks) else np.nan


def checked_numbers(given: float | Sequence[float], name: str, such_as: str) -> list[float]:
    """Finite numbers, one or more."""
    try:
        numbers = [float(one) for one in np.atleast_1d(np.asarray(given, float))]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not np.isfinite(numbers).all():
        raise FitError(f"{name} takes finite numbers, {such_as}; got {given!r}.")
    return numbers
