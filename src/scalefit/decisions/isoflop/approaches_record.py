"""ApproachComparison: what envelope, isoFLOP vertices and a law each say of the best size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from scalefit.decisions.isoflop.record import IsoFlop
from scalefit.decisions.isoflop.words import intervals
from scalefit.result import Fit
from scalefit.wording.amounts import count_of
from scalefit.wording.said import Answer, Said, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A bias of the best size below this share is not worth a sentence.
SMALL = 0.02


@dataclass(frozen=True, eq=False, repr=False)
class ApproachComparison(Answer):
    """The three approaches to the best size for a compute budget, side by side.

    Made by :func:`scalefit.compare_approaches`; never changed.

    Attributes
    ----------
    exponents : DataFrame indexed by approach
        ``params, params_low, params_high, tokens, tokens_low, tokens_high``: powers of compute.
    frame : DataFrame
        What each says at the compute asked: ``approach, flops, params, params_low, params_high, tokens, …, beyond,
        tokens_per_param``.
    disagreements : tuple of str; empty where the approaches agree.
    bias : DataFrame, one row a budget
        ``flops, params`` (optimum of the fitted law) and, for ``akima`` and ``parabola``, the vertex that they find in
        the law's own losses on the same runs, as a factor of it.
    exponent_bias : method -> what this adds to its exponent.
    left_out : approach -> why it took no part.
    approaches : approach -> its own answer.
    isoflops : method -> IsoFlop, the lowest points by each method.
    fit : Fit, the law of the third approach.
    level : float in (0, 1), of the intervals.
    target : str, the column that was fitted.
    notes : tuple of str, what was derived or left out.
    """

    exponents: pd.DataFrame
    frame: pd.DataFrame
    disagreements: tuple[str, ...]
    bias: pd.DataFrame
    exponent_bias: Mapping[str, float]
    left_out: Mapping[str, str]
    approaches: Mapping[str, Any]
    isoflops: Mapping[str, IsoFlop]
    fit: Fit
    level: float
    target: str
    notes: tuple[str, ...]

    @property
    def agree(self) -> bool:
        """Whether no two approaches disagree."""
        return not self.disagreements

    def said(self) -> Said:
        """Whether the approaches agree, in words; one alone says nothing of that."""
        state: State = "good" if self.agree and len(self.approaches) > 1 else "doubtful"
        return Said(state, self._headline(), self.disagreements, (self._table(),), self._notes())

    def _headline(self) -> str:
        count = len(self.approaches)
        if count < 2:
            return f"Only one approach suits these runs, {next(iter(self.approaches))}; nothing to compare"
        low, high = self.exponents.params.min(), self.exponents.params.max()
        span = f"the best size grows as flops^{low:.2f} to flops^{high:.2f}, by approach"
        if self.agree:
            return f"{count} approaches agree within their intervals: {span}"
        return f"THE APPROACHES DISAGREE in {count_of(len(self.disagreements), 'place')}: {span}"

    def _table(self) -> pd.DataFrame:
        shown: dict[str, list[str]] = {"approach": list(self.exponents.index)}
        for name in ("params", "tokens"):
            shown[f"{name} ∝ flops^"] = intervals(self.exponents, name, self.level)
        for flops, part in self.frame.groupby("flops", sort=True):
            shown[f"params at {flops:.4g}"] = intervals(part, "params", self.level)
        return pd.DataFrame(shown)

    def _notes(self) -> tuple[str, ...]:
        out = []
        for method, slope in self.exponent_bias.items():
            factors = self.bias[method].dropna()
            far = factors[(factors - 1).abs() > SMALL]
            if len(far):
                worst = far.iloc[int((far - 1).abs().to_numpy().argmax())]
                adds = f" and moves its exponent by {slope:+.2g}" if slope == slope else ""
                side = "high" if worst > 1 else "low"
                out.append(
                    f"On these sizes {method} alone puts the best size up to {100 * abs(worst - 1):.0f} % too {side}"
                    f"{adds}: measured on losses of {self.fit.law.name} without noise; see .bias."
                )
        out += [f"{name} left out: {why}" for name, why in self.left_out.items()]
        return (*out, *self.notes)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The best size over compute by each approach: see :func:`scalefit.plots.isoflops.plot_approaches`."""
        from scalefit.plots.isoflops import plot_approaches

        return plot_approaches(self, ax=ax)
