"""Answers about spending compute in words: whether to trust them first, then the sentence, then the numbers."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.single_doubts import pooled_families
from scalefit.wording.digits import number, si

if TYPE_CHECKING:
    from scalefit.decisions.allocation.answer import Answer

#: Rows shown; the frame holds them all.
SHOWN = 12
#: So many times outside the runs the first line says so itself.
HOPELESS = 1e3
#: Digits more than an interval deserves, where fewer would make its number one of its ends.
MORE = 2


def describe(answer: Answer) -> str:
    """Plain text."""
    lines = [headline(answer), *(f"  - {doubt}" for doubt in answer.doubts), "", shown(answer).to_string(index=False)]
    return "\n".join([*lines, *_more(answer), "", *answer.notes])


def describe_html(answer: Answer) -> str:
    """For a notebook."""
    doubts = "".join(f"<li>{html.escape(doubt)}</li>" for doubt in answer.doubts)
    foot = "".join(f"<p>{html.escape(note)}</p>" for note in [*_more(answer), *answer.notes])
    return (
        f"<p><b>{html.escape(headline(answer))}</b></p>{f'<ul>{doubts}</ul>' if doubts else ''}"
        f"{shown(answer).to_html(index=False, escape=True)}{foot}"
    )


def headline(answer: Answer) -> str:
    """Whether to trust it, and the answer in a sentence."""
    fit, sentence = answer.fit, answer.sentence
    if fit.judgement.status == "not identified":
        return (
            f"NOT TO BE RELIED ON, {fit.law.name} is {fit.verdict.split(';')[0]}. No answer is offered; what "
            "follows is one of many that the runs allow"
        )
    if not fit.converged:
        return f"NOT TO BE RELIED ON, {fit.law.name} is {fit.verdict.split(';')[0]}: {sentence}"
    count = len(answer.doubts)
    if count:
        return f"With {count} doubt{'s' if count > 1 else ''}{_gravest(answer)}: {sentence}"
    return sentence[0].upper() + sentence[1:]


def _gravest(answer: Answer) -> str:
    """What no reader of the first line alone may miss."""
    names = pooled_families(answer.fit)
    far = answer.frame["beyond"].max() if "beyond" in answer.frame else 1.0
    out = [f"{len(names)} families fitted as one"] if names else []
    out += [f"{far:.2g} times outside the runs"] if np.isfinite(far) and far > HOPELESS else []
    return f" ({'; '.join(out)})" if out else ""


def shown(answer: Answer) -> pd.DataFrame:
    """The frame with each interval beside its number, digits as many as it deserves."""
    frame = answer.frame.head(SHOWN)
    cells: dict[str, list[str]] = {}
    for name in frame.columns:
        if name.endswith(("_low", "_high")) and name.rpartition("_")[0] in frame.columns:
            continue
        if f"{name}_low" in frame.columns:
            ends = zip(frame[name], frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
            cells[name] = [with_ends(*three) for three in ends]
        elif name in ("undefined", "out_of_reach", "data_limited", "probability"):
            if name == "probability" or (frame[name] > 0).any():
                cells[name.replace("_", " ")] = [f"{100 * share:.3g} %" for share in frame[name]]
        elif name == "beyond":
            cells[name] = ["-" if np.isnan(factor) else f"{factor:.3g}x" for factor in frame[name]]
        else:
            cells[name] = [_plain(value) for value in frame[name]]
    return pd.DataFrame(cells)


def _more(answer: Answer) -> list[str]:
    more = len(answer.frame) - SHOWN
    return [f"and {more} more: see .frame"] if more > 0 else []


def _plain(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return count(float(value)) if isinstance(value, (int, float, np.number)) else str(value)


def count(value: float) -> str:
    """A number that is known: a budget, a target."""
    return "unbounded" if np.isposinf(value) else si(value)


def digits_for(value: float, low: float, high: float) -> int:
    """Significant digits that an interval leaves to its number: two of a quarter of its width."""
    width = (high - low) / 4
    if not (np.isfinite(width) and width > 0 and np.isfinite(value) and value != 0):
        return 3
    digits = int(np.clip(np.ceil(-np.log10(width / abs(value))) + 1, 2, 6))
    for more in range(MORE + 1):
        if len({_one(one, digits + more) for one in (value, low, high)}) == len({value, low, high}):
            return digits + more
    return digits


def with_ends(value: float, low: float, high: float) -> str:
    """``7.3e10 (4.5e10 to 1.1e11)``; alone where every draw has the same."""
    if _alike(low, high):
        return count(value)
    if np.isnan(value):
        return "-"
    return f"{_one(value, digits_for(value, low, high))} ({ends(value, low, high)})"


def span(value: float, low: float, high: float, level: float) -> str:
    """``7.3e10 (90 %: 4.5e10 to 1.1e11)``; alone where every draw has the same."""
    if _alike(low, high):
        return count(value)
    known = not (np.isnan(low) and np.isnan(high))
    return f"{_one(value, digits_for(value, low, high))} ({f'{100 * level:g} %: ' * known}{ends(value, low, high)})"


def ends(value: float, low: float, high: float) -> str:
    """``4.5e10 to 1.1e11``, rounded as their number is."""
    if np.isnan(low) and np.isnan(high):
        return "no interval"
    digits = digits_for(value, low, high)
    return f"{_one(low, digits)} to {_one(high, digits)}"


def of(frame: pd.DataFrame, row: int, name: str, level: float) -> str:
    """One quantity of one row of a frame, with its interval."""
    one = frame.iloc[row]
    return span(float(one[name]), float(one[f"{name}_low"]), float(one[f"{name}_high"]), level)


def _alike(low: float, high: float) -> bool:
    """Whether every draw has the same, to rounding."""
    return low == high or bool(np.isfinite(low) and abs(high - low) <= 1e-9 * abs(low))


def _one(value: float, digits: int) -> str:
    if np.isinf(value):
        return "unbounded" if value > 0 else "-unbounded"
    return "-" if np.isnan(value) else number(value, digits=digits)
