"""An isoFLOP analysis in words: how the best size grows first, then the budgets, then what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scalefit.decisions.isoflop.words import intervals, trust_in
from scalefit.wording.amounts import count_of, plain
from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.isoflop.record import IsoFlop, IsoFlops

#: How the lowest points were found.
CURVES = {"akima": "Akima splines of the log of the {}", "parabola": "parabolas of the {} through all runs"}


def say(told: IsoFlop) -> Said:
    """An exponent against which anything speaks is not to be relied on; single best sizes are doubtful."""
    state: State = "doubtful"
    if not len(told.frame):
        state = "bad"
    elif told.growth.params is not None:
        state = "bad" if told.doubts else "good"
    table = budgets(told) if len(told.frame) else pd.DataFrame()
    return Said(state, headline(told), told.doubts, (table,), footnotes(told))


def headline(told: IsoFlop) -> str:
    """The answer in one sentence, and whether to trust it."""
    found, all_ = len(told.frame), len(told.frame) + len(told.refused)
    if not found:
        return f"No best size: none of {count_of(all_, 'budget')} has its lowest {told.target} between its sizes"
    of = f"{found} of {count_of(all_, 'budget')}" if found < all_ else count_of(found, "budget")
    ends = [plain(float(end), 4) for end in (told.frame.flops.min(), told.frame.flops.max())]
    where = f"{of} at {ends[0]} FLOP" if found == 1 else f"{of} between {ends[0]} and {ends[1]} FLOP"
    if told.growth.params is None:
        return f"No exponent, only best sizes at single budgets: {told.growth.refused}"
    return f"The best number of parameters grows as flops^{told.exponent!r}, from {where}{trust_in(told.doubts)}"


def budgets(told: IsoFlop) -> pd.DataFrame:
    """One row a budget, digits as many as the intervals deserve."""
    frame = told.frame
    shown: dict[str, list[str]] = {"budget": [plain(value, 4) for value in frame.flops]}
    for name in ("params", "tokens"):
        shown[name] = intervals(frame, name, told.level)
    shown["tokens/param"] = [plain(ratio, 4) for ratio in (frame.tokens / frame.params).round(1)]
    shown[told.target] = [f"{value:.4f}" for value in frame.loss]
    shown["sizes"] = [str(number) for number in frame.sizes]
    return pd.DataFrame(shown)


def footnotes(told: IsoFlop) -> tuple[str, ...]:
    """What was refused, how it was found, and what the intervals hold."""
    refused = zip(told.refused.flops.to_numpy(float), told.refused.reason, strict=True)
    out = [f"{plain(flops, 4)} FLOP refused: {reason}" for flops, reason in refused]
    if told.growth.tokens is not None:
        out.append(f"The best number of tokens grows as flops^{told.tokens_exponent!r}.")
    out.append(f"Lowest points of {CURVES[told.method].format(told.target)}.")
    deviation = plain(told.noise.deviation, 4)
    out.append(
        f"Intervals: {len(told.draws)} draws of noise with a standard deviation of {deviation} in the {told.target}, "
        f"{told.noise.source}."
    )
    return (*out, *told.notes)


def say_groups(told: IsoFlops) -> Said:
    """The exponents of all groups, then what speaks against any of them."""
    state: State = "bad" if _doubted(told) else "doubtful" if told.left_out else "good"
    return Said(state, _groups_headline(told), _groups_doubts(told), (exponents(told),))


def exponents(told: IsoFlops) -> pd.DataFrame:
    """One row a group."""
    rows = []
    for group, one in told.items():
        names = dict(zip(told.by, group if len(told.by) > 1 else (group,), strict=True))
        shown = {name: str(value) for name, value in names.items()}
        parts = {
            "params ∝ flops^": one.exponent if not one.exponent.refused else "refused",
            "tokens ∝ flops^": one.tokens_exponent if not one.tokens_exponent.refused else "refused",
        }
        rows.append(
            {
                **shown, **{name: str(part) for name, part in parts.items()}, "budgets": str(len(one.frame)),
                "refused": str(len(one.refused)), "doubts": str(len(one.doubts)),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _doubted(told: IsoFlops) -> int:
    return sum(bool(one.doubts) or bool(one.exponent.refused) for one in told.values())


def _groups_headline(told: IsoFlops) -> str:
    doubted = _doubted(told)
    trust = f"{doubted} of them not to be relied on" if doubted else "nothing speaks against them"
    return f"Best sizes for compute, {count_of(len(told), 'group')} by {' and '.join(told.by)}: {trust}"


def _groups_doubts(told: IsoFlops) -> tuple[str, ...]:
    out = [
        f"{group}: {doubt}" for group, one in told.items() for doubt in (one.doubts or [one.growth.refused]) if doubt
    ]
    return (*out, *(f"{group} left out: {why}" for group, why in told.left_out.items()))
