"""DesignPower: what a planned ladder would tell, with what speaks against counting on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from scalefit.decisions.power import text
from scalefit.objectives import Scale
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class DesignPower(Answer):
    """What a planned ladder would tell, from simulations of it. Made by :func:`scalefit.design_power`.

    Attributes
    ----------
    frame : DataFrame
        One row a target, indexed by its words: the inputs; ``truth``; ``error``, which the estimate of a share
        ``level`` of the ladders does not exceed; ``half_width``, half the interval that a ladder would show (median);
        ``coverage``, the share of ladders whose interval holds the truth; ``bias``, the median error; ``oracle``, the
        ``error`` of one who knows the law and the noise; ``beyond``, how many times past the largest run. Errors
        and widths are shares of the truth where ``on`` is "log", else in units of the target. With a second family
        also ``against``, its truth; ``lead``, how far it is truly ahead; ``claimed``, the share of comparisons that say
        so; ``wrong``, the share that claim anything else; ``false_claims``, the share that call one of two equal
        families ahead, either of them (``wrong`` itself where the lead is 0). Each ladder is compared with six of the
        other family.
    params : DataFrame
        Indexed by parameter: ``truth`` (NaN where another law is the truth), ``low, median, high`` of the estimates.
    verdicts : DataFrame
        ``status, reason, share``: how often a ladder identifies the law, and why not; of ``family`` A and B.
    noise : DataFrame
        The same under other noise: ``factor, target, error`` and, with a second family, ``claimed`` (for a lead of 0,
        of either).
    simulations : DataFrame
        ``simulation, target, estimate, low, high, status`` and, with a second family, ``against`` and ``claim`` (1: it
        is ahead, -1: it is behind, 0: neither).
    crossover : float
        With a second family that is ahead at some targets and behind at others: the share of comparisons that claim
        both. NaN otherwise.
    law, about : str, what is fitted; design, truth and noise in words.
    target : str, the quantity that the law gives.
    n_runs : int, rows of the design.
    flops : float, what they cost in FLOP, NaN where that is not known.
    level : float in (0, 1), of the intervals.
    on : {"log", "raw", "logit"}, scale of the noise.
    doubts, notes : tuple of str, what speaks against relying on it, and where the numbers come from.
    """

    frame: pd.DataFrame
    params: pd.DataFrame
    verdicts: pd.DataFrame
    noise: pd.DataFrame
    simulations: pd.DataFrame
    crossover: float
    law: str
    about: str
    target: str
    n_runs: int
    flops: float
    level: float
    on: Scale
    doubts: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_sims(self) -> int:
        """How many ladders were simulated."""
        return int(self.simulations["simulation"].nunique())

    @property
    def identified(self) -> float:
        """Share of simulated ladders that identify the law."""
        told = self.verdicts[(self.verdicts["family"] == "A") & (self.verdicts["status"] == "identified")]
        return float(told["share"].sum())

    def said(self) -> Said:
        """How well the targets would be known, in words."""
        return text.said_of(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Errors at each target under less and more noise: see :func:`scalefit.plots.powers.plot_power`."""
        from scalefit.plots.powers import plot_power

        return plot_power(self, ax=ax)
