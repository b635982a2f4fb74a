"""Forecast: the answer of several laws together, with what speaks against trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from scalefit.decisions import forecast_text
from scalefit.decisions.forecast_fan import Fan
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Answer):
    """What several laws together say of runs that were not made, and whether to trust it.

    Attributes
    ----------
    frame : DataFrame
        The points with ``estimate, low, high`` of one new run, ``beyond``, how many times past the fitted range the
        farthest input lies, and ``spread``, how far apart the laws lie there as a share of the estimate.
    laws : DataFrame
        Indexed by law: ``weight``, ``error`` (its mean error in the back-test), ``scatter`` of the runs about it and
        ``verdict`` on its fit.
    by_law : DataFrame, one row per point and one column per law: what each says.
    test : DataFrame
        The back-test of the forecast itself: ``row, cut, observed, estimate, low, high, factor``.
    held : float, the share of the back-test inside its intervals, each cut counting the same; NaN without cuts.
    deviations : float, how many standard deviations the intervals span on either side.
    level : float in (0, 1), of the intervals.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    left_out, skipped : law or cut -> why it took no part.
    fits : law -> Fit to all runs.
    notes : tuple of str, what was assumed.
    target, along : columns.
    inputs : columns of the points that the laws read.
    seen : DataFrame, what was fitted: ``place``, the value of ``along``, and ``observed``.
    places : (n,) the value of ``along`` at the points, NaN where they have none.
    fan : Fan, the same along the way from the runs to the farthest point, for a picture.
    """

    frame: pd.DataFrame
    laws: pd.DataFrame
    by_law: pd.DataFrame
    test: pd.DataFrame
    held: float
    deviations: float
    level: float
    doubts: tuple[str, ...]
    left_out: Mapping[str, str]
    skipped: Mapping[str, str]
    fits: Mapping[str, Fit]
    notes: tuple[str, ...]
    target: str
    along: str
    inputs: tuple[str, ...]
    seen: pd.DataFrame
    places: Array
    fan: Fan

    def said(self) -> Said:
        """The forecast in words."""
        return forecast_text.say(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The runs, what each law says and the forecast: see :func:`scalefit.plots.forecasts.plot_forecast`."""
        from scalefit.plots.forecasts import plot_forecast

        return plot_forecast(self, ax=ax)
