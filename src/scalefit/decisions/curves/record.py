"""CurveForecast: what other schedules will give, with what speaks against trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.curves import text
from scalefit.decisions.curves.laws import Delay
from scalefit.decisions.curves.rows import Schedules
from scalefit.decisions.curves.widths import Deviations
from scalefit.result import Fit
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class CurveForecast(Answer):
    """What two laws together say of training under other schedules, and whether to trust it.

    Attributes
    ----------
    frame : DataFrame
        The rows to predict with ``estimate, low, high`` of one new row of one new run.
    final : DataFrame
        Indexed by run: the last of its rows in ``frame``, ``step, estimate, low, high``.
    laws : DataFrame
        Indexed by law: ``weight``, ``rms`` of its residuals in logs, ``objective`` and ``verdict``.
    by_law : DataFrame, one row per row and one column per law: what each says.
    fits : law -> Fit. They read rates in any unit (their setting ``unit`` is a share of the highest rate fitted).
    delay : how long drops act in annealing, with all that was tried; None where no rate falls.
    dependence : DataFrame
        Indexed by fitted run: ``rows``, ``effective`` (rows that count as independent), ``lag1`` (correlation of
        neighbours), ``rms``, ``noise`` of single rows and ``slow`` departures of the laws, as shares of the loss.
    deviations : Deviations, the parts of the interval.
    repeats : int, runs that repeat another's schedule, from which the scatter between runs comes; 0 takes the default.
    level : float in (0, 1), of the intervals.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    target : column that is predicted.
    curves, points : DataFrame of ``run, step, lr``, of what was fitted also ``loss``.
    schedules : mapping of run to Schedule, of the runs fitted and of those predicted.
    """

    frame: pd.DataFrame
    final: pd.DataFrame
    by_law: pd.DataFrame
    fits: Mapping[str, Fit]
    delay: Delay | None
    dependence: pd.DataFrame
    deviations: Deviations
    repeats: int
    level: float
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    target: str
    curves: pd.DataFrame
    points: pd.DataFrame
    schedules: Schedules

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the forecast."""
        return not self.doubts

    @property
    def laws(self) -> pd.DataFrame:
        """Weight, residuals, objective and verdict of each law."""
        fits = list(self.fits.values())
        return pd.DataFrame(
            {
                "weight": np.full(len(fits), 1 / len(fits)),
                "rms": [fit.rms for fit in fits],
                "objective": [fit.objective for fit in fits],
                "verdict": [fit.verdict for fit in fits],
            },
            index=pd.Index(list(self.fits), name="law"),
        )

    def said(self) -> Said:
        """Whether to trust it, the final losses, the laws, and where the widths come from."""
        return text.said_of(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Curves with bands, and the schedules under them: see :func:`scalefit.plots.curves.plot_curve_forecast`."""
        from scalefit.plots.curves import plot_curve_forecast

        return plot_curve_forecast(self, ax=ax)
