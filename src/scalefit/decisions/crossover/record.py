"""Crossover: where one family overtakes another, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scalefit.decisions.crossover import text
from scalefit.decisions.route import Route
from scalefit.result import Fit
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scalefit.decisions.crossover.raw import RawCrossover


@dataclass(frozen=True, eq=False)
class Question:
    """What was asked of two families."""

    names: tuple[str, str]
    along: str
    at: Any = None
    ratio: Any = None
    path: Any = None
    cost: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class Crossover(Answer):
    """Where one family overtakes another by their laws, how sure that is, or that there is no evidence of it.

    Made by :func:`scalefit.find_crossover`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per crossing of the two estimates, in order: ``location``; ``low, high``, the central ``level`` of the
        draws that cross in the same direction, the nearest crossing of each; ``probability``, the share of such draws;
        ``direction``; ``where``, ``"data"`` or ``"beyond"``. Empty where they do not cross.
    claims : DataFrame
        For each row of ``frame``: who is ahead ``before`` and ``after``; ``ahead_before`` and ``ahead_after``, the
        share of draws that say so at the place on that side where most do; and ``claimed``.
    shares : DataFrame
        Shares of draws by what their curves do (one ahead throughout, one crossing, more, …): over the range looked at
        (``between``) and where both have data (``data``).
    others : DataFrame
        Crossings of draws that belong to none of the estimates': ``direction, share`` of draws, ``low, median, high``.
    curve : DataFrame
        Along the quantity: ``estimate_a, low_a, high_a``, the same of b, ``difference`` (a less b) with
        ``difference_low, difference_high``, ``a_ahead``, the share of draws in which a is, and ``beyond``.
    places : DataFrame
        Where the draws cross: ``crossing``, the row of ``frame`` that they belong to, and ``location``.
    between : (float, float), where crossings were looked for.
    overlap : (float, float) or None, where both have data.
    better : whether ``"low"`` or ``"high"`` values are ahead.
    draws : number of draws.
    pairing : how the draws of both were put together.
    doubts : why the answer should not be taken as it stands; empty where nothing speaks against it.
    level : float in (0, 1), of the intervals.
    notes : tuple of str, what was assumed.
    question, routes : what was asked, and how the inputs of each move along the quantity.
    """

    frame: pd.DataFrame
    claims: pd.DataFrame
    shares: pd.DataFrame
    others: pd.DataFrame
    curve: pd.DataFrame
    places: pd.DataFrame
    question: Question
    routes: tuple[Route, Route]
    between: tuple[float, float]
    overlap: tuple[float, float] | None
    level: float
    better: Literal["low", "high"]
    draws: int
    pairing: str
    doubts: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called."""
        return self.question.names

    @property
    def along(self) -> str:
        """The quantity along which they were compared."""
        return self.question.along

    @property
    def where(self) -> str:
        """Where the other inputs stood, in words; empty where the two went different ways."""
        said = list(dict.fromkeys(route.where for route in self.routes if route.where))
        return said[0] if len(said) == 1 else ""

    @property
    def target(self) -> str:
        """What is compared."""
        return self.routes[0].fit.target

    @property
    def fits(self) -> dict[str, Fit]:
        """The fit of each of the two, by its name."""
        return {name: route.fit for name, route in zip(self.names, self.routes, strict=True)}

    @property
    def claimed(self) -> bool:
        """Whether there is evidence of a crossover: of one family ahead before it and of the other after it.

        Never with fewer than three rows beyond the free parameters of a law.
        """
        return bool(self.claims["claimed"].any())

    def ahead(self, places: float | Sequence[float]) -> pd.DataFrame:
        """Who is ahead at some values of the quantity.

        Parameters
        ----------
        places : within ``between``; between places of ``curve`` the shares are interpolated.

        Returns
        -------
        DataFrame
            The quantity, a column per family with the share of draws in which it is ahead, and ``beyond``.
        """
        wanted = np.atleast_1d(np.asarray(places, float))
        logs = np.log(self.curve[self.along])
        share, far = (
            np.interp(np.log(wanted), logs, self.curve[name], left=np.nan, right=np.nan)
            for name in ("a_ahead", "beyond")
        )
        a, b = self.names
        return pd.DataFrame({self.along: wanted, a: share, b: 1 - share, "beyond": far})

    def check_raw(
        self, *, tolerance: float = 1.25, draws: int = 300, rng: np.random.Generator | int | None = None
    ) -> RawCrossover:
        """The same question to the runs that were fitted, without a law: see :func:`scalefit.find_raw_crossover`."""
        from scalefit.decisions.crossover.raw_fits import check_raw

        return check_raw(self, tolerance=tolerance, draws=draws, rng=rng)

    def said(self) -> Said:
        """The answer in words."""
        return text.say(self)

    def plot(self, *, show: Literal["curves", "difference"] = "curves", ax: Axes | None = None) -> Axes:
        """Both curves or their difference, and where they cross: see :func:`scalefit.plot_crossover`."""
        from scalefit.plots.crossovers import plot_crossover

        return plot_crossover(self, show=show, ax=ax)
