"""What all answers about spending compute share: a table, its draws, a sentence, doubts."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.joint import Joint
from scalefit.errors import FitWarning
from scalefit.result import Fit

#: How often intervals hold has been measured on public runs up to so many times beyond the data.
FAR = 10.0
#: A share of draws without an answer above which that is a doubt.
MANY_UNDEFINED = 0.05


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Answer:
    """A table with intervals, a sentence that says the same, and what speaks against it.

    Attributes
    ----------
    frame : DataFrame, one row per question.
    joint : Joint, the same at the estimates and in every draw.
    level : float
    sentence : str, the answer.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str
    fit : Fit
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

    @property
    def trusted(self) -> bool:
        """Whether the fit converged and nothing speaks against the answer."""
        return self.fit.converged and not self.doubts

    def __repr__(self) -> str:
        return wording.describe(self)

    def _repr_html_(self) -> str:
        return wording.describe_html(self)


def doubts_of(frame: pd.DataFrame, *, of: str = "budget") -> tuple[str, ...]:
    """What speaks against an answer: a place far beyond the data, a ratio not known, draws without an answer."""
    out = []
    far = frame["beyond"].max() if "beyond" in frame else np.nan
    if far > FAR:
        out.append(
            f"the farthest place lies {far:.3g} times beyond the runs; there an interval of one law is too narrow, by "
            "how much is not known: see sf.backtest and sf.forecast"
        )
    if "tokens_per_param" in frame:
        with np.errstate(all="ignore"):
            wide = (frame["tokens_per_param_high"] / frame["tokens_per_param_low"]).max()
        if wide > FAR:
            out.append(
                f"tokens per parameter are known to a factor of {wide:.2g} from end to end: runs off one ray of "
                "tokens per parameter would tell more"
            )
    answered = frame[np.isfinite(frame["beyond"])] if "beyond" in frame else frame
    lost = answered["undefined"].max() if len(answered) else 0.0
    if lost > MANY_UNDEFINED:
        out.append(f"{100 * lost:.2g} % of the draws have no best size for this {of}; intervals leave them out")
    return tuple(out)


def warn_unless_converged(fit: Fit, what: str) -> None:
    """A warning, as for predictions of such a fit."""
    if not fit.converged:
        warnings.warn(f"{fit.law.name} is {fit.verdict}. {what} of it means little.", FitWarning, stacklevel=3)
