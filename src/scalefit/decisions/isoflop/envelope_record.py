"""EnvelopeFit: which size is best at each of many amounts of compute, and how it grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from scalefit.decisions.isoflop.power_lines import PowerEstimate
from scalefit.decisions.isoflop.record import GrowthLines
from scalefit.decisions.isoflop.words import trust_in
from scalefit.wording.amounts import count_of, plain
from scalefit.wording.said import Answer, Said, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["curves", "params", "tokens"]


@dataclass(frozen=True, eq=False, repr=False)
class EnvelopeFit(Answer):
    """Which size is best at each of many amounts of compute, and how it grows with compute.

    Made by :func:`scalefit.fit_envelope`; never changed.

    Attributes
    ----------
    frame : DataFrame, one row per amount of compute: ``flops, params, tokens, loss`` on the envelope.
    growth : GrowthLines, the lines through them.
    curves : DataFrame, what was compared, for pictures: ``curve, flops, params, loss``.
    unit : {"run", "size"}, what a curve is.
    n_units, n_draws : int, how many runs were resampled, and how often.
    target : str, the column that lies on the envelope.
    level : float in (0, 1), of the intervals.
    doubts : tuple of str, why the exponents should not be trusted; empty where nothing speaks against them.
    notes : tuple of str, what was derived or left out.
    """

    frame: pd.DataFrame
    growth: GrowthLines
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    curves: pd.DataFrame
    target: str
    level: float
    unit: str
    n_units: int
    n_draws: int

    @property
    def exponent(self) -> PowerEstimate:
        """The power of compute with which the best number of parameters grows."""
        return self.growth.exponent("params")

    @property
    def tokens_exponent(self) -> PowerEstimate:
        """The power of compute with which the best number of tokens grows."""
        return self.growth.exponent("tokens")

    @property
    def coefficient(self) -> PowerEstimate:
        """The best number of parameters at one FLOP."""
        return self.growth.coefficient("params")

    @property
    def tokens_coefficient(self) -> PowerEstimate:
        """The best number of tokens at one FLOP."""
        return self.growth.coefficient("tokens")

    def predict(self, flops: Any) -> pd.DataFrame:
        """The best size and number of tokens at other budgets: see :meth:`IsoFlop.predict`."""
        return self.growth.predict(flops, "fit_envelope")

    @cached_property
    def band(self) -> pd.DataFrame:
        """What :meth:`predict` says from the least compute to ten times the most; no rows without exponents."""
        return self.growth.band("fit_envelope")

    def said(self) -> Said:
        """How the best size grows, in words: without an exponent there is no answer."""
        state: State = "bad" if self.doubts or self.growth.params is None else "good"
        return Said(state, self._headline(), self.doubts, (), self._notes())

    def _headline(self) -> str:
        if self.growth.params is None:
            return f"No exponent from the envelope: {self.growth.refused}"
        ends = " and ".join(plain(end, 4) for end in self.growth.seen)
        grows = f"the best number of parameters grows as flops^{self.exponent!r}"
        return f"On the envelope {grows}, between {ends} FLOP{trust_in(self.doubts)}"

    def _notes(self) -> tuple[str, ...]:
        out = []
        if self.growth.tokens is not None:
            out.append(f"The best number of tokens grows as flops^{self.tokens_exponent!r}.")
            out.append(f"Intervals: {self.n_draws} resamples of {count_of(self.n_units, 'run')}.")
        return (*out, *self.notes)

    def plot(self, *, kind: Kind = "curves", ax: Axes | None = None) -> Axes:
        """Draw the curves with their envelope, or the best ``"params"`` or ``"tokens"`` over compute with the band.

        See :func:`scalefit.plots.isoflops.plot_envelope`.
        """
        from scalefit.plots.isoflops import plot_envelope

        return plot_envelope(self, kind=kind, ax=ax)
