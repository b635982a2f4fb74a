"""What all answers about spending compute share: a table, its draws, a sentence, doubts."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.joint import Joint
from scalefit.decisions.allocation.setting import Setting
from scalefit.decisions.single_doubts import doubts_of_fit, ratio_doubt
from scalefit.errors import FitWarning
from scalefit.result import Fit
from scalefit.wording.said import Answer, Said

#: How often intervals hold has been measured on public runs up to so many times beyond the data.
FAR = 10.0
#: A share of draws without an answer above which that is a doubt.
MANY_UNDEFINED = 0.05


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpendingAnswer(Answer):
    """A table with intervals, a sentence that says the same, and what speaks against it.

    Attributes
    ----------
    frame : DataFrame, one row per question.
    joint : Joint, the same at the estimates and in every draw.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    """

    frame: pd.DataFrame
    joint: Joint
    level: float
    sentence: str
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    fit: Fit

    @cached_property
    def draws(self) -> pd.DataFrame:
        """One row per draw and question: what is joint in the draws stays side by side."""
        return self.joint.draws()

    def said(self) -> Said:
        """The answer in words."""
        return wording.say(self)


def doubts_of(
    frame: pd.DataFrame, fit: Fit, setting: Setting | None = None, *, of: str = "budget", split: bool = True
) -> tuple[str, ...]:
    """What speaks against an answer.

    A fit of several families or one that misses something, a place far outside the data, a split unlike that of any
    run, a ratio not known, draws without an answer.

    Parameters
    ----------
    frame : the answer.
    setting : of a law of size and tokens.
    of : what a row asks about.
    split : whether the tokens per parameter of the frame are an answer.
    """
    out = list(doubts_of_fit(fit))
    far = frame["beyond"].max() if "beyond" in frame else np.nan
    if far > FAR:
        out.append(
            f"the farthest place lies {far:.3g} times {_side(frame, setting)} the runs; there an interval of one law "
            "is too narrow, by how much is not known: see sf.backtest and sf.forecast"
        )
    if setting is not None and split and "tokens" in frame:
        out += ratio_doubt(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float), setting.seen)
    if "tokens_per_param" in frame:
        with np.errstate(all="ignore"):
            wide = (frame["tokens_per_param_high"] / frame["tokens_per_param_low"]).max()
        if wide > FAR:
            out.append(
                f"tokens per parameter are known to a factor of {wide:.2g} from end to end: runs at other ratios of "
                "tokens to parameters, or more of them, would tell more"
            )
    answered = frame[np.isfinite(frame["beyond"])] if "beyond" in frame else frame
    lost = answered["undefined"].max() if len(answered) else 0.0
    if lost > MANY_UNDEFINED:
        out.append(f"{100 * lost:.2g} % of the draws have no best size for this {of}; intervals leave them out")
    return tuple(out)


def _side(frame: pd.DataFrame, setting: Setting | None) -> str:
    """Whether the farthest place lies below the runs or beyond them."""
    if setting is None:
        return "beyond"
    row = frame.iloc[int(np.nanargmax(frame["beyond"].to_numpy(float)))]
    under = setting.below(np.array([row["params"]]), np.array([row["tokens"]]))[0]
    return "below" if under >= row["beyond"] * (1 - 1e-9) else "beyond"


def warn_unless_converged(fit: Fit, what: str) -> None:
    """A warning, as for predictions of such a fit."""
    if not fit.converged:
        warnings.warn(f"{fit.law.name} is {fit.verdict}. {what} of it means little.", FitWarning, stacklevel=3)


def identified(fit: Fit) -> bool:
    """Whether the runs tell the parameters of the law apart."""
    return fit.judgement.status != "not identified"
