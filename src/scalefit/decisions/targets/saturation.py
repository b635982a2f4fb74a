"""The scale from which on little is left to gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from scalefit.decisions.chain import Chain
from scalefit.decisions.route import Path
from scalefit.decisions.spending import Cost
from scalefit.decisions.targets.chained import Rows
from scalefit.decisions.targets.curves import ALL, ESTIMATE, Better, Curve, follow
from scalefit.decisions.targets.records import Saturation, drawn_band, drawn_curve, limit_of, places_to_draw, where_of
from scalefit.decisions.targets.scales import checked_numbers, share
from scalefit.decisions.targets.solving import closed_for_good, places_to_search, quantiles
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level

#: What may be left where nothing is said: a twentieth of the floor.
_REMAINING = 0.05


def find_saturation(
    fit: Fit | Chain,
    *,
    remaining: float | Sequence[float] | None = None,
    gain: float | Sequence[float] | None = None,
    per: float = 10.0,
    relative: bool = True,
    along: str | None = None,
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Cost | str | Callable[[Any, Any], Any] | None = None,
    between: tuple[float, float] | None = None,
    better: Better | None = None,
    level: float = 0.9,
) -> Saturation:
    """The scale from which on the gain that is left, or that more scale brings, stays under a threshold.

    Two measures of gain. ``remaining``: what lies between the law and what it approaches (the floor of a loss, the
    ceiling of an accuracy), as a share of that limit. ``gain``: by how much ``per`` times the scale betters what is
    predicted, as a share of it; this needs no floor, whose estimate is often the least sure part of a fit. Where the
    gain rises before it falls, as on a sigmoid, the scale is where it falls under the threshold for the last time.

    Parameters
    ----------
    fit : Fit, or a Chain such as size and tokens -> loss -> accuracy.
    remaining : one or several shares, > 0. None, with no ``gain`` either: 0.05.
    gain : one or several shares, > 0, in place of ``remaining``; 0.01 is 1 %.
    per : > 1. The factor of scale that ``gain`` is for: 2 for a doubling.
    relative : False takes ``remaining`` and ``gain`` in the unit of what is predicted, such as points of accuracy.
    along, at, ratio, path, cost, between, better : as for :func:`scalefit.find_scale`.
    level : float in (0, 1), of the intervals.

    Returns
    -------
    Saturation
        ``.frame`` has one row a threshold: ``threshold, estimate, low, high, probability, already, value, beyond,
        where``.

    Raises
    ------
    FitError
        If both measures are given, a threshold is not above zero, or ``per`` is not above one.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
    >>> told = sf.find_saturation(fit, gain=0.05, per=2)
    >>> told.frame.columns.tolist()
    ['threshold', 'estimate', 'low', 'high', 'probability', 'already', 'value', 'beyond', 'where']
    """
    check_level(level)
    if remaining is not None and gain is not None:
        raise FitError("remaining and gain are two measures of one thing: give one.")
    name = "remaining" if gain is None else "gain"
    given = gain if gain is not None else _REMAINING if remaining is None else remaining
    wanted = checked_numbers(given, name, "such as 0.05 for 5 %")
    if min(wanted) <= 0:
        raise FitError(f"{name} is a threshold above zero, such as 0.05 for 5 %; got {min(wanted):g}.")
    if not (np.isfinite(per) and per > 1):
        raise FitError(f"per is a factor of scale above one, such as 10 or 2; got {per!r}.")
    curve = follow(fit, along, at=at, ratio=ratio, path=path, cost=cost, better=better)
    places = places_to_search(curve, between)
    limits = curve.limits()
    measure = _remaining(curve, limits, relative) if gain is None else _gain(curve, per, relative)
    seen = curve.values(places)
    gains = measure(places, ALL, seen)
    frame = pd.DataFrame([_answer(curve, places, gains, measure, one, level) for one in wanted])
    shown = places_to_draw(curve, places, frame)
    gain_shown = measure(shown, ESTIMATE)[0]
    low, high = drawn_band(places, gains, shown, gain_shown, level)
    return Saturation(
        frame=frame,
        curve=drawn_curve(curve, places, seen, shown, level).assign(gain=gain_shown, gain_low=low, gain_high=high),
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
        kind="remaining" if gain is None else "gain",
        per=np.nan if gain is None else float(per),
        relative=bool(relative),
    )


class Measure(Protocol):
    """What is left to gain at places, for some of the rows; ``known`` are the values there, where they are known."""

    def __call__(self, places: Array, rows: Rows, known: Array | None = None) -> Array:
        """(rows, places)."""
        ...


def _remaining(curve: Curve, limits: Array, relative: bool) -> Measure:
    """What is left until the limit; infinite beside a limit of zero, NaN without one."""

    def measure(places: Array, rows: Rows, known: Array | None = None) -> Array:
        limit = limits[rows, None]
        left = curve.sign * ((curve.values(places, rows) if known is None else known) - limit)
        with np.errstate(divide="ignore", invalid="ignore"):
            return left / np.abs(limit) if relative else left

    return measure


def _gain(curve: Curve, per: float, relative: bool) -> Measure:
    """What more scale brings."""

    def measure(places: Array, rows: Rows, known: Array | None = None) -> Array:
        before = curve.values(places, rows) if known is None else known
        won = curve.sign * (before - curve.values(np.asarray(places) * per, rows))
        with np.errstate(divide="ignore", invalid="ignore"):
            return won / np.abs(before) if relative else won

    return measure


def _answer(
    curve: Curve, places: Array, gains: Array, measure: Measure, threshold: float, level: float
) -> dict[str, Any]:
    """One row of the frame."""
    scales = closed_for_good(lambda where, rows: measure(where, rows) - threshold, places, gains - threshold)
    low, high = quantiles(scales[1:], level)
    estimate = float(scales[0])
    there = np.isfinite(estimate)
    beyond = float(curve.beyond(np.array([estimate]))[0]) if there else np.nan
    return {
        "threshold": threshold,
        "estimate": estimate,
        "low": low,
        "high": high,
        "probability": share(np.isfinite(scales[1:])),
        "already": share(scales[1:] <= places[0]),
        "value": float(curve.estimate(np.array([estimate]))[0]) if there else np.nan,
        "beyond": beyond,
        "where": where_of(estimate, places, beyond),
    }
