"""What the draws of two laws say of where they cross: shares, intervals, and whether a crossing may be claimed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.comparison.claims import band_of_all
from scalefit.decisions.comparison.fit_doubts import bent, far_ratios, few_points, few_runs, narrow, too_few
from scalefit.decisions.crossover.pair import Crossings, Pair
from scalefit.decisions.crossover.roots import find_brackets
from scalefit.fitting.problem import Array
from scalefit.wording.digits import number

#: A crossing lies in the data where no input is farther than this factor from what either law was fitted to.
WITHIN = 1.1
#: Share of draws that must agree on who is ahead, at some place on each side, before a crossing is claimed.
SURE = 0.95
#: For a crossing in the data they must do so no farther than this factor past them.
NEAR = 10.0
#: Share of draws without any value above which that is said.
MOST_UNDEFINED = 0.02
#: Places of the table of curves at most.
_SHOWN = 200


@dataclass(frozen=True, eq=False)
class Evidence:
    """The tables of a :class:`Crossover`."""

    frame: pd.DataFrame
    claims: pd.DataFrame
    shares: pd.DataFrame
    others: pd.DataFrame
    curve: pd.DataFrame
    places: pd.DataFrame


def weigh(pair: Pair, level: float) -> Evidence:
    """Every table, from the estimates and the draws."""
    estimates, draws = pair.crossings_of_estimates(), pair.crossings_of_draws()
    usable = np.isfinite(pair.lead).any(axis=1)
    used = np.zeros(len(draws), bool)
    rows: list[dict[str, object]] = []
    places: list[pd.DataFrame] = []
    for place, before in zip(estimates.place, estimates.before, strict=True):
        same = draws.before == before
        nearest = _nearest(draws, same, place)
        used[nearest] = True
        places.append(pd.DataFrame({"crossing": len(rows), "location": draws.place[nearest]}))
        ends = np.quantile(draws.place[nearest], [0.5 - level / 2, 0.5 + level / 2]) if len(nearest) else (np.nan,) * 2
        rows.append(
            {
                "location": place,
                "low": ends[0],
                "high": ends[1],
                "probability": len(nearest) / usable.sum() if usable.any() else np.nan,
                "direction": direction(pair.names, int(before)),
                "where": "data" if pair.beyond(place)[0] <= WITHIN else "beyond",
            }
        )
    columns = ["location", "low", "high", "probability", "direction", "where"]
    frame = pd.DataFrame(rows, columns=columns)
    claims = _claims(pair, estimates, (frame["where"] == "data").tolist())
    drawn = pd.concat(places, ignore_index=True) if places else pd.DataFrame(columns=["crossing", "location"])
    return Evidence(frame, claims, _shares(pair), _others(pair, draws, ~used, level), curve(pair, level), drawn)


def direction(names: tuple[str, str], before: int) -> str:
    """Who is ahead on which side."""
    first, second = names if before < 0 else names[::-1]
    return f"{first} ahead before, {second} after"


def _nearest(draws: Crossings, same: NDArray[np.bool_], place: float) -> NDArray[np.intp]:
    """Of each draw that crosses in the same direction, which of its crossings is nearest to a place."""
    which = np.flatnonzero(same)
    order = which[np.argsort(np.abs(np.log(draws.place[which] / place)), kind="stable")]
    first = np.unique(draws.curve[order], return_index=True)[1]
    return np.sort(order[first])


def share_ahead(pair: Pair) -> Array:
    """(m,) share of draws in which the first is ahead at each place, half of the ties counted; NaN where few say."""
    known = np.isfinite(pair.lead)
    count = known.sum(axis=0)
    with np.errstate(all="ignore"):
        share = ((pair.lead < 0) + 0.5 * (pair.lead == 0)).sum(axis=0) / count
    return np.where(count >= 0.5 * max(len(pair.lead), 1), share, np.nan)


def _claims(pair: Pair, found: Crossings, inside: list[bool]) -> pd.DataFrame:
    """Of each crossing of the estimates: who is ahead on each side, in how many draws at best, is that enough."""
    share = share_ahead(pair)
    ends = np.array([pair.low, *found.place, pair.high])
    low, high = pair.overlap or (pair.low, pair.high)
    near = (pair.places >= low / NEAR) & (pair.places <= high * NEAR)
    allowed = all(fit.converged for fit in pair.fits) and not too_few(dict(zip(pair.names, pair.fits, strict=True)))
    rows = []
    for k, before in enumerate(found.before):
        names = pair.names if before < 0 else pair.names[::-1]
        sides = []
        for low, high, sign in ((ends[k], ends[k + 1], before), (ends[k + 1], ends[k + 2], -before)):
            there = share[(pair.places >= low) & (pair.places <= high) & (near if inside[k] else True)]
            ahead = there if sign < 0 else 1 - there
            sides.append(float(np.nanmax(ahead)) if np.isfinite(ahead).any() else np.nan)
        sure = allowed and bool(np.min(sides) >= SURE)
        rows.append(
            {"before": names[0], "after": names[1], "ahead_before": sides[0], "ahead_after": sides[1], "claimed": sure}
        )
    return pd.DataFrame(rows, columns=["before", "after", "ahead_before", "ahead_after", "claimed"])


def _shares(pair: Pair) -> pd.DataFrame:
    """Shares of draws by what their curves do, over the whole range and where both have data."""
    a, b = pair.names
    kinds = [
        f"{a} ahead throughout",
        f"{b} ahead throughout",
        f"once, {direction((a, b), -1)}",
        f"once, {direction((a, b), 1)}",
        "twice or more",
        "alike throughout",
        "undefined",
    ]
    out = {"between": _counted(pair.lead)}
    inside = np.zeros(len(pair.places), bool)
    if pair.overlap is not None:
        inside = (pair.places >= pair.overlap[0]) & (pair.places <= pair.overlap[1])
    out["data"] = _counted(pair.lead[:, inside]) if inside.any() else np.full(len(kinds), np.nan)
    return pd.DataFrame(out, index=pd.Index(kinds, name="draws"))


def _counted(lead: Array) -> Array:
    """Share of draws (rows) of each kind."""
    signs, known = np.sign(np.nan_to_num(lead)).astype(np.int8), np.isfinite(lead)
    crossed = find_brackets(signs, known).count_by_curve(len(lead))
    # A change of sign across a hole, where a law has no value, is not known to be one crossing.
    undefined = (find_brackets(signs, np.ones_like(known)).count_by_curve(len(lead)) > crossed) | ~known.any(axis=1)
    first = np.take_along_axis(signs, np.argmax(signs != 0, axis=1)[:, None], axis=1)[:, 0]
    never, once = ~undefined & (crossed == 0), ~undefined & (crossed == 1)
    kinds = (
        never & (first < 0), never & (first > 0), once & (first < 0), once & (first > 0),
        ~undefined & (crossed > 1), never & (first == 0), undefined,
    )  # fmt: skip
    return np.array([one.mean() if len(lead) else np.nan for one in kinds])


def _others(pair: Pair, draws: Crossings, unused: NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Crossings of draws that belong to no crossing of the estimates, by direction."""
    rows = []
    for before in (-1, 1):
        mine = unused & (draws.before == before)
        if mine.any():
            low, middle, high = np.quantile(draws.place[mine], [0.5 - level / 2, 0.5, 0.5 + level / 2])
            rows.append(
                {
                    "direction": direction(pair.names, before),
                    "share": len(np.unique(draws.curve[mine])) / len(pair.lead),
                    "low": low,
                    "median": middle,
                    "high": high,
                }
            )
    return pd.DataFrame(rows, columns=["direction", "share", "low", "median", "high"])


def curve(pair: Pair, level: float) -> pd.DataFrame:
    """Both laws, their difference and who is ahead, along the way."""
    step = max(1, len(pair.places) // _SHOWN)
    at = np.unique([*range(0, len(pair.places), step), len(pair.places) - 1])
    places, ends = pair.places[at], [0.5 - level / 2, 0.5 + level / 2]
    told: dict[str, Array] = {pair.along: places}
    one, two = (route.estimate(places) for route in pair.routes)
    for word, estimate, values in (("a", one, pair.values[0]), ("b", two, pair.values[1])):
        low, high = _quantiles(values[:, at], ends)
        told |= {f"estimate_{word}": estimate, f"low_{word}": low, f"high_{word}": high}
    low, high = _quantiles(pair.values[0][:, at] - pair.values[1][:, at], ends)
    told |= {"difference": one - two, "difference_low": low, "difference_high": high}
    told |= {"a_ahead": share_ahead(pair)[at], "beyond": pair.beyond(places)}
    return pd.DataFrame(told)


def _quantiles(values: Array, ends: list[float]) -> Array:
    """Over the draws that have a value, where at least half of them do."""
    known = np.isfinite(values)
    out = np.full((2, values.shape[1]), np.nan)
    whole = known.all(axis=0) & (len(values) > 0)
    if whole.any():
        out[:, whole] = np.quantile(values[:, whole], ends, axis=0)
    for k in np.flatnonzero(~whole & (known.mean(axis=0) >= 0.5)):
        out[:, k] = np.quantile(values[known[:, k], k], ends)
    return out


def doubts(pair: Pair, told: Evidence, level: float) -> tuple[str, ...]:
    """Why the answer should not be taken as it stands."""
    fits = dict(zip(pair.names, pair.fits, strict=True))
    out = [f"{name}: {fit.verdict}" for name, fit in fits.items() if not fit.converged]
    out += few_runs(fits)
    if max(route.reach[0] for route in pair.routes) > min(route.reach[1] for route in pair.routes):
        ends = [
            f"{name} from {number(route.reach[0], digits=2)} to {number(route.reach[1], digits=2)}"
            for name, route in zip(pair.names, pair.routes, strict=True)
        ]
        out.append(f"the data of the two do not overlap along {pair.along}: {ends[0]}, {ends[1]}")
    undefined = float(told.shares["between"]["undefined"])
    if undefined > MOST_UNDEFINED:
        out.append(f"in {100 * undefined:.0f} % of the draws a law has no value in part of the range")
    for row, claimed in zip(told.frame.to_dict("records"), told.claims["claimed"], strict=True):
        if row["where"] == "beyond" and claimed:
            factor, place = (number(float(one), digits=2) for one in (pair.beyond(row["location"])[0], row["location"]))
            out.append(
                f"the crossing at {place} lies a factor of {factor} beyond the data: by the laws alone, and an "
                "interval of one law is too narrow there"
            )
    out += _unseen_by_band(pair, told, level)
    found = told.frame["location"][told.frame["where"] == "data"].to_numpy(float)
    places = found if len(found) else np.array(pair.overlap or (pair.low, pair.high))
    out += far_ratios(dict(zip(pair.names, pair.routes, strict=True)), places)
    return (*out, *bent(fits), *narrow(fits), *few_points(fits))


def _unseen_by_band(pair: Pair, told: Evidence, level: float) -> list[str]:
    """Claims of crossings in the data that a band over all places at once, as a comparison draws it, does not show."""
    inside = np.zeros(len(pair.places), bool)
    if pair.overlap is not None:
        inside = (pair.places >= pair.overlap[0]) & (pair.places <= pair.overlap[1])
    if not inside.any():
        return []
    places = pair.places[inside]
    low, high = band_of_all(-pair.lead_of_estimates(places), -pair.lead[:, inside], level)
    out = []
    for row, claim in zip(told.frame.to_dict("records"), told.claims.to_dict("records"), strict=True):
        if not claim["claimed"] or row["where"] != "data":
            continue
        first = claim["before"] == pair.names[0]
        before, after = places < row["location"], places > row["location"]
        shown = {
            claim["before"]: bool((low[before] > 0).any() if first else (high[before] < 0).any()),
            claim["after"]: bool((high[after] < 0).any() if first else (low[after] > 0).any()),
        }
        unseen = [f"{name} ahead {'before' if name == claim['before'] else 'after'} it"
                  for name, seen in shown.items() if not seen]  # fmt: skip
        if unseen:
            out.append(
                f"the crossing at {_short(row['location'])} is claimed place by place; a band that holds over the data "
                f"at once, as compare draws it, does not show {' nor '.join(unseen)}"
            )
    return out


def _short(value: float) -> str:
    return number(float(value), digits=2)
