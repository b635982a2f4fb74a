"""IsoFlop: the best size at each budget, and how it grows with compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop import isoflop_text
from scalefit.decisions.isoflop.budgets import Budget
from scalefit.decisions.isoflop.loss_noise import LossNoise
from scalefit.decisions.isoflop.power_lines import PowerEstimate, PowerLine
from scalefit.decisions.isoflop.vertices import Floats, Method, curve_of
from scalefit.errors import DataError, FitError
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["curves", "params", "tokens"]

#: How far a band is drawn beyond the budgets.
BEYOND = 10.0


@dataclass(frozen=True, eq=False, repr=False)
class GrowthLines:
    """How the best size and the best number of tokens grow with compute, where that could be found.

    Attributes
    ----------
    params, tokens : PowerLine or None.
    refused : why there are none; empty where there are.
    level : of the intervals.
    seen : least and most compute that they rest on.
    unweighted : the slopes of plain lines through the same points, ``params`` and ``tokens``.
    """

    params: PowerLine | None
    tokens: PowerLine | None
    refused: str
    level: float
    seen: tuple[float, float]
    unweighted: Mapping[str, float]

    def exponent(self, name: Literal["params", "tokens"]) -> PowerEstimate:
        """The power a of ``params`` or ``tokens`` ∝ flops^a."""
        line: PowerLine | None = getattr(self, name)
        nan = float("nan")
        return line.exponent(self.level) if line else PowerEstimate(nan, nan, nan, self.level, self.refused)

    def coefficient(self, name: Literal["params", "tokens"]) -> PowerEstimate:
        """The factor k of ``params`` or ``tokens`` = k flops^a."""
        line: PowerLine | None = getattr(self, name)
        nan = float("nan")
        return line.coefficient(self.level) if line else PowerEstimate(nan, nan, nan, self.level, self.refused)

    def predict(self, flops: Any, who: str) -> pd.DataFrame:
        """What is best at some compute, with intervals."""
        if self.params is None or self.tokens is None:
            raise FitError(f"{who} cannot say what is best at other budgets: {self.refused}")
        places = np.atleast_1d(np.asarray(flops, float))
        if places.ndim != 1 or not len(places) or not (np.isfinite(places) & (places > 0)).all():
            raise DataError(f"{who}: flops is a number or a list of numbers above 0, such as 1e21; got {flops!r}.")
        table: dict[str, Any] = {"flops": places}
        for name in ("params", "tokens"):
            line: PowerLine = getattr(self, name)
            table[name], table[f"{name}_low"], table[f"{name}_high"] = line.at(places, self.level)
        low, high = self.seen
        return pd.DataFrame(table).assign(beyond=np.maximum(1.0, np.maximum(places / high, low / places)))

    def band(self, who: str) -> pd.DataFrame:
        """From the least compute to ten times the most; no rows where there are no lines."""
        if self.params is None:
            return pd.DataFrame()
        return self.predict(np.geomspace(self.seen[0], self.seen[1] * BEYOND, 60), who)


@dataclass(frozen=True, eq=False, repr=False)
class IsoFlop(Answer):
    """The best size at each budget of compute, and how it grows with compute.

    Made by :func:`scalefit.isoflop`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per budget with a lowest point: ``flops`` (its name), ``spent`` (mean compute of its runs, which the
        exponents go by), ``params, params_low, params_high, loss, tokens, tokens_low, tokens_high``, ``sizes``,
        ``runs`` and ``edge``, the share of draws that are lowest at the smallest or largest size.
    refused : DataFrame
        The other budgets: ``flops, sizes, params`` (the size of the lowest loss), ``loss`` and ``reason``.
    exponent, tokens_exponent : PowerEstimate
        ``estimate, low, high`` of a in params ∝ flops^a, and of the same for tokens.
    coefficient, tokens_coefficient : PowerEstimate
        k in params = k flops^a: its value at one FLOP, so far from the data that it says little alone.
    growth : GrowthLines, the lines behind them; ``growth.unweighted`` has the slopes of plain lines.
    noise : LossNoise, ``deviation`` of the loss of one run and its ``source``.
    doubts : tuple of str, why the exponents should not be trusted; empty where nothing speaks against them.
    draws : DataFrame, one row a draw and one column a budget: the best size.
    method : {"akima", "parabola"}, how the lowest point between sizes is found.
    target : str, the column whose lowest point is looked for.
    level : float in (0, 1), of the intervals.
    budgets : tuple of Budget, the runs and the curve of each.
    notes : tuple of str, what was derived, grouped or left out.
    """

    frame: pd.DataFrame
    refused: pd.DataFrame
    growth: GrowthLines
    noise: LossNoise
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    draws: pd.DataFrame
    method: Method
    target: str
    level: float
    budgets: tuple[Budget, ...]

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
        """The best size and number of tokens at other budgets.

        Parameters
        ----------
        flops : number or numbers, > 0.

        Returns
        -------
        DataFrame
            ``flops, params, params_low, params_high, tokens, tokens_low, tokens_high`` and ``beyond``: how many times
            past the budgets. Intervals hold the noise of the losses; that the line bends beyond the data they do not.

        Raises
        ------
        FitError
            If fewer than three budgets have a lowest point.
        """
        return self.growth.predict(flops, "isoflop")

    @cached_property
    def points(self) -> pd.DataFrame:
        """What the curves go through: ``flops, params, loss, runs``, one row per budget and size."""
        parts = [
            pd.DataFrame({"flops": one.flops, "params": np.exp(one.x), "loss": one.loss, "runs": one.counts})
            for one in self.budgets
        ]
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The curve of each budget over its sizes: ``flops, params, loss``."""
        parts = []
        for one in self.budgets:
            x: Floats = np.linspace(one.x[0], one.x[-1], 200)
            loss = curve_of(self.method, one.x, one.loss, one.counts, x)
            parts.append(pd.DataFrame({"flops": one.flops, "params": np.exp(x), "loss": loss}))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def band(self) -> pd.DataFrame:
        """What :meth:`predict` says from the smallest budget to ten times the largest; no rows without exponents."""
        return self.growth.band("isoflop")

    def said(self) -> Said:
        """The answer in words."""
        return isoflop_text.say(self)

    def plot(self, *, kind: Kind = "curves", ax: Axes | None = None) -> Axes:
        """Draw the answer.

        Parameters
        ----------
        kind : ``"curves"``, the loss over the size at each budget with its lowest point; ``"params"`` or ``"tokens"``,
            what is best over compute, with its band.
        ax : matplotlib Axes; None takes the current ones.
        """
        from scalefit.plots.isoflops import plot_isoflop

        return plot_isoflop(self, kind=kind, ax=ax)


@dataclass(frozen=True, eq=False, repr=False)
class IsoFlops(Answer, Mapping[Any, IsoFlop]):
    """One :class:`IsoFlop` for each group of runs, such as each family.

    Attributes
    ----------
    by : columns that name the groups.
    answers : group -> IsoFlop; a group is the value of the column, or a tuple of the values of several.
    left_out : group -> why it has none.
    """

    by: tuple[str, ...]
    answers: Mapping[Any, IsoFlop]
    left_out: Mapping[Any, str]

    def __getitem__(self, group: Any) -> IsoFlop:
        return self.answers[group]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The frames of all groups, with the columns that name them first."""
        return self._together(lambda one: one.frame)

    @cached_property
    def exponents(self) -> pd.DataFrame:
        """One row a group: ``params, params_low, params_high, tokens, …`` exponents and the number of ``budgets``."""

        def row(one: IsoFlop) -> pd.DataFrame:
            out: dict[str, float] = {}
            for name, told in (("params", one.exponent), ("tokens", one.tokens_exponent)):
                out |= {name: told.estimate, f"{name}_low": told.low, f"{name}_high": told.high}
            return pd.DataFrame([{**out, "budgets": len(one.frame)}])

        return self._together(row)

    def _together(self, part: Callable[[IsoFlop], pd.DataFrame]) -> pd.DataFrame:
        parts = []
        for group, one in self.answers.items():
            names = dict(zip(self.by, group if len(self.by) > 1 else (group,), strict=True))
            table = part(one).copy()
            for place, (name, value) in enumerate(names.items()):
                table.insert(place, name, [value] * len(table))
            parts.append(table)
        return pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True)

    def said(self) -> Said:
        """The exponents of all groups, in words."""
        return isoflop_text.say_groups(self)

    def plot(self) -> Figure:
        """One panel a group: the loss over the size at each budget. For one of them: ``answers[group].plot()``."""
        from scalefit.plots.isoflops import plot_isoflops

        return plot_isoflops(self)
