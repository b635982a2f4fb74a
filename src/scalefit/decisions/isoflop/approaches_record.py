"""ApproachComparison: what envelope, isoFLOP vertices and a law each say of the best size."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from scalefit.decisions.isoflop.record import IsoFlop
from scalefit.decisions.isoflop.words import count_of, intervals
from scalefit.result import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A bias of the best size below this share is not worth a sentence.
SMALL = 0.02


@dataclass(frozen=True, eq=False, repr=False)
class ApproachComparison:
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
    approaches : approach -> its own answer; ``isoflops``: method -> IsoFlop; ``fit``: the law.
    level, target, notes
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

    def __repr__(self) -> str:
        lines = [self._headline(), *(f"  - {one}" for one in self.disagreements), ""]
        return "\n".join([*lines, self._table().to_string(index=False), "", *self._notes()])

    def _repr_html_(self) -> str:
        doubts = "".join(f"<li>{html.escape(one)}</li>" for one in self.disagreements)
        foot = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        table = self._table().to_html(index=False, escape=True)
        return f"<p><b>{html.escape(self._headline())}</b></p>{f'<ul>{doubts}</ul>' if doubts else ''}{table}{foot}"

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

    def _notes(self) -> list[str]:
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
        return [*out, *self.notes]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The best size over compute by each approach, with bands and the vertices."""
        from scalefit.plots.isoflops import plot_approaches

        return plot_approaches(self, ax=ax)
