"""A crossover in words: the answer first, then the numbers, then where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.fit_doubts import too_few
from scalefit.decisions.crossover.evidence import SURE
from scalefit.errors import listing
from scalefit.quantities import QUANTITIES
from scalefit.wording.amounts import digits_for, ends, percent, plain
from scalefit.wording.digits import number
from scalefit.wording.said import Said, State, state_of

if TYPE_CHECKING:
    from scalefit.decisions.crossover.record import Crossover

#: Shares of draws below this are left out of the text; the record holds them all.
_SMALL = 0.005
#: Share of draws below which a crossing of the estimates is not worth a perhaps.
_LIKELY = 0.5


def say(told: Crossover) -> Said:
    """Not to be believed where a law is not or has no values; doubtful where the draws leave it open."""
    believed = not _weak(told) and not _undefined(told)
    state: State = "doubtful" if _open(told) else "good"
    if told.doubts or not believed:
        state = state_of(told.doubts, believed=believed)
    return Said(state, headline(told), told.doubts, (crossings(told),), tuple(footnotes(told)))


def headline(told: Crossover) -> str:
    """The answer in one sentence, and before it what speaks against believing it."""
    status = ""
    if weak := _weak(told):
        said = listing(f"the fit of {name} is {told.fits[name].judgement.status}" for name in weak)
        status = f"Not to be relied on, {said}: "
    elif few := too_few(told.fits):
        status = f"The runs of {listing(few)} are too few to claim a crossover: "
    sentence = _sentence(told)
    if status and not sentence.startswith(told.names):
        sentence = sentence[0].lower() + sentence[1:]
    return status + sentence


def _weak(told: Crossover) -> list[str]:
    return [name for name, fit in told.fits.items() if not fit.converged]


def _undefined(told: Crossover) -> bool:
    return _share(told, "undefined") >= 1 - _SMALL


def _open(told: Crossover) -> bool:
    """Whether neither a crossover in the data is claimed nor one family is ahead all along."""
    if told.claimed:
        return not (told.frame["where"][told.claims["claimed"].astype(bool)] == "data").any()
    return max(_share(told, f"{name} ahead throughout") for name in told.names) < SURE


def _sentence(told: Crossover) -> str:
    if _undefined(told):
        return f"No answer along {told.along}{_where(told)}: in no draw do both laws have a value there"
    rows = pd.concat([told.frame, told.claims], axis=1)
    claimed = rows[rows["claimed"].astype(bool)]
    likely = rows[(rows["where"] == "data") & (rows["probability"] >= _LIKELY)]
    main = claimed if len(claimed) else likely if _told_apart(told) else rows.iloc[:0]
    if not len(main):
        return _no_evidence(told)
    head = ""
    if not len(claimed):
        head = "Perhaps: "
    elif not (claimed["where"] == "data").any():
        factor = _beyond(told, float(claimed["location"].iloc[0]))
        head = f"By the laws alone, a factor of {factor} beyond the data: "
    body = _one(told, main.iloc[0]) if len(main) == 1 else _several(told, main)
    rest = rows.drop(index=main.index)
    also = f"; perhaps also at {listing(_also(told, row) for _, row in rest.iterrows())}" if len(rest) else ""
    return head + body + also


def _one(told: Crossover, row: Any) -> str:
    return (
        f"{row['before']} is ahead below {_amount(told, row)}{_where(told)}{_interval(told, row)}, {row['after']} "
        f"above; in {percent(row['probability'])} of draws"
    )


def _several(told: Crossover, main: pd.DataFrame) -> str:
    parts = [
        f"{row['before']} before and {row['after']} after {_amount(told, row)}{_interval(told, row)} in "
        f"{percent(row['probability'])} of draws"
        for _, row in main.iterrows()
    ]
    return f"{len(parts)} crossovers along {told.along}{_where(told)}: {listing(parts)}"


def _also(told: Crossover, row: Any) -> str:
    far = "" if row["where"] == "data" else f"a factor of {_beyond(told, row['location'])} beyond the data, "
    return f"{_amount(told, row)} ({far}{row['after']} after it in {percent(row['probability'])} of draws)"


def _no_evidence(told: Crossover) -> str:
    a, b = told.names
    shares = {name: _share(told, f"{name} ahead throughout") for name in told.names}
    first = a if shares[a] >= shares[b] else b
    second = b if first == a else a
    there = " the data" if told.overlap is not None else ""
    if _share(told, "alike throughout") > 0.5:
        said = f"{a} and {b} are the same curve"
    elif not _told_apart(told):
        said = (
            f"{a} and {b} cannot be told apart ({first} is ahead throughout{there} in {percent(shares[first])} of "
            f"draws, {second} in {percent(shares[second])})"
        )
    else:
        said = f"{first} is ahead throughout{there} in {percent(shares[first])} of draws"
        if shares[first] < _LIKELY:
            cross = 1 - sum(shares.values()) - _share(told, "alike throughout") - _share(told, "undefined")
            said += f", and {percent(max(cross, 0.0))} of them cross, here or there"
    near, far = [], []
    for _, row in told.frame.iterrows():
        draws = f"in {percent(row['probability'])} of draws"
        if row["where"] == "data":
            near.append(f"{_amount(told, row)}, {draws}")
        else:
            far.append(f"{_amount(told, row)}, a factor of {_beyond(told, row['location'])} beyond the data, {draws}")
    also = f"; the estimates cross at {listing(near)}" if near else ""
    also += f"; by the laws alone they would cross at {listing(far)}" if far else ""
    return f"No evidence of a crossover along {told.along}{_where(told)}: {said}{also}"


def _told_apart(told: Crossover) -> bool:
    """Whether draws agree on who is ahead anywhere in the data."""
    low, high = told.overlap or told.between
    share = told.curve["a_ahead"][(told.curve[told.along] >= low) & (told.curve[told.along] <= high)]
    return bool((np.maximum(share, 1 - share) >= SURE).any())


def crossings(told: Crossover) -> pd.DataFrame:
    """The crossings of the estimates, digits as many as the intervals deserve."""
    rows = []
    for (_, row), (_, claim) in zip(told.frame.iterrows(), told.claims.iterrows(), strict=True):
        rows.append(
            {
                f"{told.along}": _number(row),
                f"{100 * told.level:g} %": _ends(row),
                "draws": percent(row["probability"]),
                "direction": row["direction"],
                "where": row["where"],
                "draws that agree": f"{percent(claim['ahead_before'])} before, {percent(claim['ahead_after'])} after",
                "evidence": "both sides" if claim["claimed"] else "not enough",
            }
        )
    return pd.DataFrame(rows)


def footnotes(told: Crossover) -> list[str]:
    """What the draws do, where they come from and where was looked."""

    def counted(column: str) -> str:
        shares = told.shares[column]
        return "; ".join(f"{kind} {percent(share)}" for kind, share in shares.items() if share >= _SMALL)

    low, high = (number(end, digits=2) for end in told.between)
    out = [f"Draws between {low} and {high}: {counted('between')}."]
    if told.overlap is not None:
        low, high = (number(end, digits=2) for end in told.overlap)
        out.append(f"Draws where both have data, {low} to {high}: {counted('data')}.")
    out += [
        f"Other crossings of draws, {row['direction']}: in {percent(row['share'])}, about "
        f"{number(row['median'], digits=2)}."
        for row in told.others.to_dict("records")
    ]
    sources = {name: fit.interval_source for name, fit in told.fits.items()}
    if told.claimed:
        out.append(
            f"Claimed since at some place on each side {percent(SURE)} of the draws agree on who is ahead, place by "
            "place; sf.compare claims only what holds at all places of a range at once."
        )
    same = len(set(sources.values())) == 1
    source = next(iter(sources.values())) if same else "; ".join(f"{name}: {said}" for name, said in sources.items())
    return [*out, f"Intervals: {source}; draws of the two are {told.pairing}.", *told.notes]


def _share(told: Crossover, kind: str) -> float:
    """Of the draws where both have data, else in the whole range."""
    column = "data" if told.overlap is not None and kind != "undefined" else "between"
    return float(told.shares[column][kind])


def _where(told: Crossover) -> str:
    return f" {told.where}" if told.where else ""


def _amount(told: Crossover, row: Any) -> str:
    value = _number(row)
    known = QUANTITIES.get(told.along)
    return f"{value} {known.unit}" if known and known.unit else f"{told.along} = {value}"


def _interval(told: Crossover, row: Any) -> str:
    return f" ({100 * told.level:g} %: {_ends(row)})"


def _ends(row: Any) -> str:
    return ends(float(row["location"]), float(row["low"]), float(row["high"]))


def _number(row: Any) -> str:
    location = float(row["location"])
    return plain(location, digits_for(location, float(row["low"]), float(row["high"])))


def _beyond(told: Crossover, place: float) -> str:
    return number(float(max(route.beyond(np.array([place]))[0] for route in told.routes)), digits=2)
