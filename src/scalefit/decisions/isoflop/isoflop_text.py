"""An isoFLOP analysis in words: how the best size grows first, then the budgets, then what it rests on."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pandas as pd

from scalefit.decisions.isoflop.words import count_of, intervals, plain

if TYPE_CHECKING:
    from scalefit.decisions.isoflop.record import IsoFlop, IsoFlops

#: How the lowest points were found.
CURVES = {"akima": "Akima splines of the log of the {}", "parabola": "parabolas of the {} through all runs"}


def describe(told: IsoFlop) -> str:
    """Plain text."""
    lines = [headline(told), *(f"  - {doubt}" for doubt in told.doubts), ""]
    if len(told.frame):
        lines += [budgets(told).to_string(index=False), ""]
    return "\n".join([*lines, *footnotes(told)])


def describe_html(told: IsoFlop) -> str:
    """For a notebook."""
    doubts = "".join(f"<li>{html.escape(doubt)}</li>" for doubt in told.doubts)
    table = budgets(told).to_html(index=False, escape=True) if len(told.frame) else ""
    foot = "".join(f"<p>{html.escape(note)}</p>" for note in footnotes(told))
    return f"<p><b>{html.escape(headline(told))}</b></p>{f'<ul>{doubts}</ul>' if doubts else ''}{table}{foot}"


def headline(told: IsoFlop) -> str:
    """The answer in one sentence, and whether to trust it."""
    found, all_ = len(told.frame), len(told.frame) + len(told.refused)
    if not found:
        return f"No best size: none of {count_of(all_, 'budget')} has its lowest {told.target} between its sizes"
    of = f"{found} of {count_of(all_, 'budget')}" if found < all_ else count_of(found, "budget")
    ends = [plain(float(end), float("nan")) for end in (told.frame.flops.min(), told.frame.flops.max())]
    where = f"{of} at {ends[0]} FLOP" if found == 1 else f"{of} between {ends[0]} and {ends[1]} FLOP"
    if told.growth.params is None:
        return f"No exponent, only best sizes at single budgets: {told.growth.refused}"
    count = len(told.doubts)
    trust = f": DO NOT RELY ON IT, {count_of(count, 'reason')} below" if count else ", nothing speaks against it"
    return f"The best number of parameters grows as flops^{told.exponent!r}, from {where}{trust}"


def budgets(told: IsoFlop) -> pd.DataFrame:
    """One row a budget, digits as many as the intervals deserve."""
    frame = told.frame
    shown: dict[str, list[str]] = {"budget": [plain(value, float("nan")) for value in frame.flops]}
    for name in ("params", "tokens"):
        shown[name] = intervals(frame, name, told.level)
    shown["tokens/param"] = [plain(ratio, float("nan")) for ratio in (frame.tokens / frame.params).round(1)]
    shown[told.target] = [f"{value:.4f}" for value in frame.loss]
    shown["sizes"] = [str(number) for number in frame.sizes]
    return pd.DataFrame(shown)


def footnotes(told: IsoFlop) -> list[str]:
    """What was refused, how it was found, and what the intervals hold."""
    refused = zip(told.refused.flops.to_numpy(float), told.refused.reason, strict=True)
    out = [f"{plain(flops, float('nan'))} FLOP refused: {reason}" for flops, reason in refused]
    if told.growth.tokens is not None:
        out.append(f"The best number of tokens grows as flops^{told.tokens_exponent!r}.")
    out.append(f"Lowest points of {CURVES[told.method].format(told.target)}.")
    deviation = plain(told.noise.deviation, float("nan"))
    out.append(
        f"Intervals: {len(told.draws)} draws of noise with a standard deviation of {deviation} in the {told.target}, "
        f"{told.noise.source}."
    )
    return [*out, *told.notes]


def describe_groups(told: IsoFlops) -> str:
    """The exponents of all groups, then each group's first line."""
    return "\n".join([_groups_headline(told), "", exponents(told).to_string(index=False), "", *_groups_notes(told)])


def describe_groups_html(told: IsoFlops) -> str:
    """For a notebook."""
    foot = "".join(f"<p>{html.escape(note)}</p>" for note in _groups_notes(told))
    table = exponents(told).to_html(index=False, escape=True)
    return f"<p><b>{html.escape(_groups_headline(told))}</b></p>{table}{foot}"


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


def _groups_headline(told: IsoFlops) -> str:
    doubted = sum(bool(one.doubts) or bool(one.exponent.refused) for one in told.values())
    trust = f"{doubted} of them not to be relied on" if doubted else "nothing speaks against them"
    return f"Best sizes for compute, {count_of(len(told), 'group')} by {' and '.join(told.by)}: {trust}"


def _groups_notes(told: IsoFlops) -> list[str]:
    out = [
        f"{group}: {doubt}" for group, one in told.items() for doubt in (one.doubts or [one.growth.refused]) if doubt
    ]
    return [*out, *(f"{group} left out: {why}" for group, why in told.left_out.items())]
