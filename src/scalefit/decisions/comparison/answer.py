"""The tables of a comparison, made of curves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.comparison.claims import Claim, band_of_all, chance, claims_of, lead_of
from scalefit.decisions.comparison.curves import Better, Curve
from scalefit.fitting.problem import Array


@dataclass(frozen=True, eq=False)
class Tables:
    """Curves, differences of all pairs, chances to be best, and the claims that follow."""

    frame: pd.DataFrame
    differences: pd.DataFrame
    best: pd.DataFrame
    claims: tuple[Claim, ...]


def places_over(ends: tuple[float, float], marks: Sequence[float], points: int, beyond: float) -> Array:
    """Places from the first to ``beyond`` times the last end, and the marks among them."""
    low, high = ends
    if low > 0:
        grid = np.geomspace(low, high * beyond, points)
    else:
        grid = np.linspace(low, high + (beyond - 1) * (high - low) / 10, points)
    # Marks exactly, and no place that is one up to rounding.
    kept = [place for place in grid if not any(abs(place - mark) <= 1e-9 * abs(mark) for mark in marks)]
    return np.unique([*kept, *marks])


def make_tables(
    curves: Mapping[str, Curve], places: Array, judged: tuple[float, float], better: Better, level: float
) -> Tables:
    """All tables of a comparison; claims and the band of all places are about ``judged`` alone."""
    along = next(iter(curves.values())).route.along
    levels = [0.5 - level / 2, 0.5 + level / 2]
    seen = {name: curve.estimate_at(places) for name, curve in curves.items()}
    drawn = {name: curve.draws_at(places) for name, curve in curves.items()}
    rows, pairs = [], []
    claims: list[Claim] = []
    for name, curve in curves.items():
        low, high = finite_quantiles(drawn[name], levels)
        told = {"family": name, along: places, "estimate": seen[name], "low": low, "high": high}
        rows.append(pd.DataFrame({**told, "beyond": curve.route.beyond(places)}))
    inside = (places >= judged[0]) & (places <= judged[1])
    for a, b in itertools.combinations(curves, 2):
        table, made = _pair((a, b), places, seen, drawn, inside, along, better, level)
        pairs.append(table)
        claims += made
    best = pd.DataFrame(best_of(drawn, better), index=pd.Index(places, name=along))
    return Tables(pd.concat(rows, ignore_index=True), pd.concat(pairs, ignore_index=True), best, tuple(claims))


def _pair(
    names: tuple[str, str],
    places: Array,
    seen: Mapping[str, Array],
    drawn: Mapping[str, Array],
    inside: NDArray[np.bool_],
    along: str,
    better: Better,
    level: float,
) -> tuple[pd.DataFrame, tuple[Claim, ...]]:
    a, b = names
    levels = [0.5 - level / 2, 0.5 + level / 2]
    lead = lead_of(drawn[a], drawn[b], better)
    band = band_of_all(lead_of(seen[a], seen[b], better)[inside], lead[:, inside], level)
    claims = claims_of(names, places[inside], lead[:, inside], *band)
    of_all = np.full((2, len(places)), np.nan)
    # The lead of a loss is the negative difference, so its band turns round.
    of_all[:, inside] = (-band[1], -band[0]) if better == "low" else band
    with np.errstate(all="ignore"):
        low, high = finite_quantiles(drawn[a] - drawn[b], levels)
        ratio_low, ratio_high = finite_quantiles(drawn[a] / drawn[b], levels)
        ratio = seen[a] / seen[b]
    probability, undefined = chance(lead)
    table = {
        "family": a, "against": b, along: places, "difference": seen[a] - seen[b], "low": low, "high": high,
        "joint_low": of_all[0], "joint_high": of_all[1], "ratio": ratio, "ratio_low": ratio_low,
        "ratio_high": ratio_high, "probability": probability, "undefined": undefined,
    }  # fmt: skip
    return pd.DataFrame(table), claims


def finite_quantiles(values: Array, levels: Sequence[float]) -> tuple[Array, Array]:
    """Of the finite draws; NaN where there are none."""
    if np.isfinite(values).all():
        low, high = np.quantile(values, levels, axis=0)
        return low, high
    out = np.full((2, values.shape[1]), np.nan)
    for k, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known):
            out[:, k] = np.quantile(known, levels)
    return out[0], out[1]


def best_of(drawn: Mapping[str, Array], better: Better) -> dict[str, Array]:
    """Share of draws in which each family is the best at each place; those that tie share it."""
    values = np.stack(list(drawn.values()))
    known = np.isfinite(values).all(axis=0)
    sign = 1.0 if better == "low" else -1.0
    # A family that is not within rounding of the lowest of all is not the best.
    lowest = np.min(np.where(known, sign * values, np.inf), axis=0)
    first = known & (lead_of(sign * values, lowest[None], "low") >= 0)
    count = known.sum(axis=0)
    with np.errstate(all="ignore"):
        share = np.where(first, 1.0, 0.0) / np.maximum(first.sum(axis=0), 1)
        total = share.sum(axis=1)
        return {name: np.where(count > 0, total[i] / count, np.nan) for i, name in enumerate(drawn)}
