"""A comparison in words: whether to rely on it and who is ahead first, then numbers, then where they come from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.claims import Claim
from scalefit.decisions.comparison.doubts import WRONG_WAY
from scalefit.decisions.comparison.fit_doubts import too_few
from scalefit.decisions.comparison.multipliers import round_goal
from scalefit.errors import listing
from scalefit.quantities import QUANTITIES
from scalefit.wording.amounts import percent, plain, with_interval
from scalefit.wording.said import Said, State, state_of

if TYPE_CHECKING:
    from scalefit.decisions.comparison.record import Comparison

#: What is needed more or less of, and the unit, by what families are compared along.
WORDS = {"flops": ("compute", "FLOP"), "tokens": ("tokens", "tokens"), "params": ("parameters", "parameters")}
#: Rows of the table of multipliers that are shown.
SHOWN, SHOWN_OF_MANY = 5, 3
#: A multiplier whose ends over the runs differ by more than this factor is not told by one number.
CHANGES = 1.25
#: Shares of draws from which on something is said to be so, or said to be open.
SURE, OPEN = 0.95, 0.05
#: An amount that is never enough.
ENDLESS = "without end"
_NO_FLOOR = "0 (no floor: the law falls to 0)"
_PART = {"from": "from {low} on", "up to": "up to {high}", "between": "between {low} and {high}"}


def say(told: Comparison) -> Said:
    """Not to be relied on for a grave reason; doubtful for a lesser one, by the laws alone, or where none is ahead."""
    state: State = "good" if told.claims and told.common is not None else "doubtful"
    if told.grave or told.doubts:
        state = state_of(told.doubts, believed=not told.grave)
    table = multipliers(told)
    title = f"What each needs for the same {told.target}:" if len(table) else ""
    parts = ("\n".join(pair_lines(told)), title, table)
    return Said(state, headline(told), (*told.grave, *told.doubts), parts, tuple(footnotes(told)))


def headline(told: Comparison) -> str:
    """Whether to rely on it, and who is ahead."""
    status = ""
    if told.grave:
        status = "NOT TO BE RELIED ON, as the runs do not identify every law: "
        if all(fit.converged for fit in told.fits.values()):
            few = too_few(told.fits)
            status = f"NO LEAD IS CLAIMED, as the runs of {listing(few)} are too few: " if few else status
        if any(WRONG_WAY in doubt for doubt in told.grave):
            status = "NOT TO BE RELIED ON, as the law goes the wrong way: "
    elif told.common is None:
        status = "BY THE LAWS ALONE, since no range is covered by the runs of all: "
    if len(told.families) == 2:
        return status + _pair_headline(told)
    return status + _leader_headline(told)


def _pair_headline(told: Comparison) -> str:
    a, b = told.families
    where = route_text(told)
    if not told.claims:
        low, high = (amount(place, told.along) for place in told.judged)
        return f"{a} and {b} cannot be told apart {where} between {low} and {high}: neither is ahead with confidence"
    text = _claims_text(told.claims, told, where)
    if sum(claim.high - claim.low for claim in told.claims) < told.judged[1] - told.judged[0]:
        text += " and elsewhere neither is for certain"
    needs = needs_text(told, a, b)
    return f"{text}; {needs}" if needs else text


def _claims_text(claims: tuple[Claim, ...], told: Comparison, where: str) -> str:
    """Who is ahead in which ranges."""
    parts: list[str] = []
    for claim in claims:
        first = f"{claim.family} is ahead of {claim.against} {where}" if not parts else f"{claim.family} is ahead"
        low, high = amount(claim.low, told.along), amount(claim.high, told.along)
        inside = _PART.get(claim.whole, "from {low} to {high}").format(low=low, high=high)
        parts.append(f"{first} {inside} (in {percent(claim.share)} of draws)")
    return listing(parts)


def _leader_headline(told: Comparison) -> str:
    """For three families or more: who leads at the largest place judged."""
    row = {name: float(told.best[name].to_dict()[told.judged[1]]) for name in told.families}
    leader = max(row, key=lambda name: row[name])
    beaten = [c.against for c in told.claims_on(leader) if c.whole in ("all", "from")]
    others = [name for name in told.families if name != leader]
    where = f"{route_text(told)} at {amount(told.judged[1], told.along)}"
    if set(beaten) == set(others):
        return f"{leader} is ahead of {listing(others)} {where} (the best in {percent(row[leader])} of draws)"
    tied = [name for name in others if name not in beaten]
    text = f"{leader} is the best of {len(told.families)} {where} in {percent(row[leader])} of draws"
    return f"{text}, and cannot be told apart there from {listing(tied)}"


def pair_lines(told: Comparison) -> list[str]:
    """One line for each pair and question."""
    out = []
    for a, b in itertools.combinations(told.families, 2):
        if len(told.families) > 2:
            claims = tuple(c for c in told.claims if {c.family, c.against} == {a, b})
            text = _claims_text(claims, told, "") if claims else f"{a} and {b} cannot be told apart"
            needs = needs_text(told, a, b)
            out.append(" ".join(f"{text}{'; ' + needs if needs else ''}".split()))
        else:
            out += [line for of in (_data_line, _beyond_line, _asymptote_line) if (line := of(told, a, b))]
    if told.asymptotes.empty and not told.grave:
        out.append(f"No multiplier is reported: {told.along} is not what more is needed of for a better {told.target}.")
    elif told.common_values is None and told.multipliers.empty and not told.asymptotes.empty:
        out.append(f"No value of {told.target} is attained by all within their runs, so no multiplier is reported.")
    return out


def needs_text(told: Comparison, a: str, b: str) -> str:
    """What the one that needs more needs, at a round value of the common range."""
    if told.common_values is None:
        return ""
    table = told.multiplier(round_goal(told.common_values))
    text = _needs(told, table, a, b, WORDS.get(told.along, (told.along,))[0])
    return f"{text}{_changes(told, table, a, b)}" if text else ""


def _changes(told: Comparison, middle: pd.DataFrame, a: str, b: str) -> str:
    """What becomes of the multiplier over the values that all attain, where one number would hide it."""
    ends = told.multiplier(told.common_values)
    of_pair = [one[(one["family"] == a) & (one["against"] == b)] for one in (middle, ends)]
    sign = 1.0 if float(of_pair[0]["estimate"].iloc[0]) >= 1 else -1.0
    with np.errstate(all="ignore"):
        worst, best = (float(one) ** sign for one in of_pair[1]["estimate"])
    if not (np.isfinite([worst, best]).all() and max(worst, best) > CHANGES * min(worst, best) > 0):
        return ""
    goals = [plain(float(one)) for one in of_pair[1][told.target]]
    return f" ({plain(worst, 2)} times at {goals[0]}, {plain(best, 2)} at {goals[1]})"


def _needs(told: Comparison, table: pd.DataFrame, a: str, b: str, what: str) -> str:
    row = table[(table["family"] == a) & (table["against"] == b)].iloc[0]
    estimate, low, high = float(row["estimate"]), float(row["low"]), float(row["high"])
    more, less, never = b, a, float(row["against_never"])
    if np.isnan(estimate):
        return ""
    if estimate < 1:
        with np.errstate(all="ignore"):
            estimate, low, high = (float(np.divide(1, one)) for one in (estimate, high, low))
        more, less, never = a, b, float(row["never"])
    goal = f"{told.target} of {plain(float(row[told.target]))}"
    if not np.isfinite(estimate):
        return f"{more} never reaches the {goal} that {less} does (in {percent(never)} of draws)"
    also = f"; it never reaches it in {percent(never)} of draws" if never > 0 else ""
    times = _times(estimate, low, high, told)
    return f"{more} needs {times} times the {what} of {less} for the same {goal}{also}"


def _data_line(told: Comparison, a: str, b: str) -> str:
    table = told.data_multipliers
    if table is None or not len(table):
        return ""
    of_pair = table[(table["family"] == a) & (table["against"] == b)]
    worst, best = float(of_pair[told.target].iloc[0]), float(of_pair[told.target].iloc[-1])
    row = told.data_multiplier(round_goal((worst, best)))
    needs = _needs(told, row, a, b, "tokens")
    size = listing(f"{name} = {plain(value)}" for name, value in told.data_at.items())
    return f"At {size}, {needs}." if needs else ""


def _beyond_line(told: Comparison, a: str, b: str) -> str:
    """Past the data, by the laws alone."""
    table = told.differences
    row = table[(table["family"] == a) & (table["against"] == b)].iloc[-1]
    place, share = float(row[told.along]), float(row["probability"])
    if place <= told.judged[1] or np.isnan(share) or told.asymptotes.empty:
        return ""
    ahead, share = (a, share) if share >= 0.5 else (b, 1 - share)
    behind = b if ahead == a else a
    return (
        f"Beyond the runs, at {amount(place, told.along)}, {ahead} is ahead of {behind} in {percent(share)} of draws, "
        "by the laws alone."
    )


def _asymptote_line(told: Comparison, a: str, b: str) -> str:
    """What becomes of the multiplier."""
    if told.asymptotes.empty:
        return ""
    table = told.asymptotes
    row = table[(table["family"] == a) & (table["against"] == b)].iloc[0]
    grows, falls, constant = (float(row[name]) for name in ("grows", "falls", "constant"))
    if np.isnan(grows):
        return ""
    if constant > SURE:
        size = _times(float(row["estimate"]), float(row["low"]), float(row["high"]), told)
        return f"{b} needs {size} times as much as {a} at every {told.target}: limits and exponents are equal for both."
    limits = []
    for name, label in ((a, "limit"), (b, "against_limit")):
        value, low, high = (float(row[f"{label}{end}"]) for end in ("", "_low", "_high"))
        no_floor = value == low == high == 0
        limits.append(f"{name} {_NO_FLOOR if no_floor else _times(value, low, high, told)}")
    same = bool(np.isclose(row["limit"], row["against_limit"], rtol=1e-9)) and bool(
        np.isclose(row["limit_low"], row["against_limit_low"], rtol=1e-9)
    )
    wins, share = (a, grows) if grows >= falls else (b, falls)
    if same and limits[0].endswith(_NO_FLOOR):
        what = "Neither has a floor, both laws fall to 0: the multiplier goes on changing"
    elif same:
        what = f"Both approach {limits[0].removeprefix(f'{a} ')}: the multiplier goes on changing"
    else:
        what = f"In the limit {told.target} is {listing(limits)}"
    sure = share >= SURE and a not in too_few(told.fits) and b not in too_few(told.fits)
    verdict = "with confidence" if sure else "which is open"
    return f"{what}; by the laws alone {wins} wins in the end in {percent(share)} of draws, {verdict}."


def multipliers(told: Comparison) -> pd.DataFrame:
    """A few rows, digits as many as the intervals deserve."""
    out: list[dict[str, Any]] = []
    for a, b in itertools.combinations(told.families, 2):
        part = told.multipliers[(told.multipliers["family"] == a) & (told.multipliers["against"] == b)]
        if part.empty:
            continue
        shown = SHOWN if len(told.families) == 2 else SHOWN_OF_MANY
        # As in the first line: what the one needs that needs more in the middle, over what the other does.
        turned = bool(len(part)) and float(part["estimate"].iloc[len(part) // 2]) < 1
        one, other = (b, a) if turned else (a, b)
        own, against = ("against_needs", "needs") if turned else ("needs", "against_needs")
        for k in np.unique(np.linspace(0, len(part) - 1, shown).round().astype(int)):
            row = part.iloc[k]
            estimate, low, high = (float(row[name]) for name in ("estimate", "low", "high"))
            if turned:
                with np.errstate(all="ignore"):
                    estimate, low, high = (float(np.divide(1, end)) for end in (estimate, high, low))
            out.append({
                told.target: plain(float(row[told.target])),
                f"{told.along} of": one, "is": plain(float(row[own])),
                "and of": other, " is": plain(float(row[against])),
                "times": _times(estimate, low, high, told), "never": percent(float(row["undefined"])),
            })  # fmt: skip
    return pd.DataFrame(out)


def footnotes(told: Comparison) -> list[str]:
    """Where intervals come from."""
    first = next(iter(told.fits.values()))
    laws = listing(dict.fromkeys(fit.law.name for fit in told.fits.values()))
    out = [f"{laws}; intervals: {first.interval_source} per family; {told.pairing}"]
    if told.common is not None:
        low, high = (amount(place, told.along) for place in told.common)
        out.append(f"Runs of all families cover {low} to {high}; claims hold at all places of it at once.")
    if told.call is not None:
        out.append("Whether families may share exponents or floors: .tests")
    return out


def route_text(told: Comparison) -> str:
    """Along what, and where the other inputs stand."""
    return " ".join(part for part in (f"along {told.along}", told.where) if part)


def amount(place: float, along: str) -> str:
    """A place with its unit."""
    unit = WORDS[along][1] if along in WORDS else QUANTITIES[along].unit if along in QUANTITIES else ""
    return f"{plain(place)} {unit}".strip() if unit or along in QUANTITIES else f"{along} {plain(place)}"


def _times(estimate: float, low: float, high: float, told: Comparison) -> str:
    return with_interval(estimate, low, high, told.level, infinite=ENDLESS)
