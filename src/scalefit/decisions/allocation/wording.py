"""Answers about spending compute in words: whether to trust them first, then the sentence, then the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.single_doubts import pooled_families
from scalefit.wording.amounts import count_of, with_ends, with_interval
from scalefit.wording.digits import si
from scalefit.wording.said import Said, state_of

if TYPE_CHECKING:
    from scalefit.decisions.allocation.answer import SpendingAnswer

#: Rows shown; the frame holds them all.
SHOWN = 12
#: So many times outside the runs the first line says so itself.
HOPELESS = 1e3


def say(answer: SpendingAnswer) -> Said:
    """Not to be relied on where the fit is not; doubtful where anything else speaks against it."""
    state = state_of(answer.doubts, believed=answer.fit.converged)
    return Said(state, headline(answer), answer.doubts, (shown(answer), _more(answer)), answer.notes)


def headline(answer: SpendingAnswer) -> str:
    """Whether to trust it, and the answer in a sentence."""
    fit, sentence = answer.fit, answer.sentence
    if fit.judgement.status == "not identified":
        return (
            f"NOT TO BE RELIED ON, {fit.law.name} is {fit.verdict.split(';')[0]}. No answer is offered; what "
            "follows is one of many that the runs allow"
        )
    if not fit.converged:
        return f"NOT TO BE RELIED ON, {fit.law.name} is {fit.verdict.split(';')[0]}: {sentence}"
    if answer.doubts:
        return f"With {count_of(len(answer.doubts), 'doubt')}{_gravest(answer)}: {sentence}"
    return sentence[0].upper() + sentence[1:]


def _gravest(answer: SpendingAnswer) -> str:
    """What no reader of the first line alone may miss."""
    names = pooled_families(answer.fit)
    far = answer.frame["beyond"].max() if "beyond" in answer.frame else 1.0
    out = [f"{len(names)} families fitted as one"] if names else []
    out += [f"{far:.2g} times outside the runs"] if np.isfinite(far) and far > HOPELESS else []
    return f" ({'; '.join(out)})" if out else ""


def shown(answer: SpendingAnswer) -> pd.DataFrame:
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


def _more(answer: SpendingAnswer) -> str:
    more = len(answer.frame) - SHOWN
    return f"and {more} more: see .frame" if more > 0 else ""


def _plain(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return count(float(value)) if isinstance(value, (int, float, np.number)) else str(value)


def count(value: float) -> str:
    """A number that is known: a budget, a target."""
    return "unbounded" if np.isposinf(value) else si(value)


def of(frame: pd.DataFrame, row: int, name: str, level: float) -> str:
    """One quantity of one row of a frame, with its interval."""
    one = frame.iloc[row]
    return with_interval(float(one[name]), float(one[f"{name}_low"]), float(one[f"{name}_high"]), level)
