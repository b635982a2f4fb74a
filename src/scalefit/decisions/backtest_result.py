"""Backtest: how well a law predicted what it was not fitted to, cut by cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from scalefit.decisions.backtest_scores import errors_of_rows, measures_of, overall
from scalefit.decisions.judging import Inputs
from scalefit.decisions.splits import Cut
from scalefit.errors import listing
from scalefit.result import Fit
from scalefit.wording.amounts import count_of
from scalefit.wording.said import Answer, Said, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Intervals that miss this many times as often as they claim are called too narrow.
TOO_OFTEN = 1.5
#: Rows of the printed table; those between the first and the last are left out.
MOST_LINES = 30


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Answer):
    """How well a law fitted to some runs predicted others that it had not seen, cut by cut.

    Made by :func:`scalefit.backtest`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per judged row and cut: ``row`` (its index label in the table given), ``run`` where there is one,
        ``cut, observed, estimate, low, high`` and ``factor``: how many times beyond the largest ``along`` fitted.
        Intervals are for one new run.
    law : str. Name of the law.
    along : str. The column that orders the runs.
    level : float in (0, 1). How often the intervals claim to hold what is seen.
    fits : mapping of cut to Fit
        The bootstrapped fits of the lower parts. A cut is the share of the runs fitted, or the family left out.
    skipped : mapping of cut to str
        Cuts that could not be judged, and why.
    notes : tuple of str. What was derived or read from a column of another name.
    by : str or None. The column whose families were left out; None where the runs were cut along ``along``.
    edges : mapping of cut to float. The largest ``along`` fitted.
    inputs : mapping of cut to arrays. The inputs of the law at the judged rows, in the order of the frame.
    """

    frame: pd.DataFrame
    law: str
    along: str
    level: float
    fits: Mapping[Cut, Fit]
    skipped: Mapping[Cut, str]
    notes: tuple[str, ...] = ()
    by: str | None = None
    edges: Mapping[Cut, float] = field(default_factory=dict)
    inputs: Mapping[Cut, Inputs] = field(default_factory=dict)

    @property
    def errors(self) -> pd.DataFrame:
        """The frame with what each row shows, relative to what was seen.

        Columns added: ``relative``, predicted over seen less one; ``relative_low`` and ``relative_high``, the same for
        the ends of the interval; ``held``, whether it holds what was seen; ``half_width``, relative to the estimate;
        and ``interval_score``, the width of the interval and 2 / (1 - level) times the distance by which it misses
        (Winkler 1972; Gneiting and Raftery 2007, eq. 43): the smaller, the better.
        """
        return self._errors.copy()

    @property
    def summary(self) -> pd.DataFrame:
        """One row per cut, all but counts, edge and factor as shares.

        Columns: ``cut``; ``n_fitted`` and ``n_judged``, rows; ``error``, mean absolute relative error; ``bias``, mean
        relative error, above zero where the law predicts too much; ``coverage``, share of rows inside their interval;
        ``half_width``, mean relative half-width of the intervals; ``interval_score``, mean of the score relative to
        what was seen, the smaller the better; ``largest_fitted``, the largest ``along`` below the cut;
        ``largest_factor``; ``verdict`` on the fit. Means are over the rows of a run, then over runs.
        """
        return self._summary.copy()

    @property
    def overall(self) -> pd.Series[float]:
        """The whole back-test in one row: means over cuts, each counting the same, and how much evidence there is.

        ``error, bias, coverage, half_width, interval_score`` as in ``summary``; ``same_sign``, the mean over cuts of
        the share of a cut's errors that have the sign of most of them: where it is near 1, rows of a cut say one thing
        together, so count cuts and runs, not points; ``largest_factor``; ``n_cuts, n_runs, n_points``.
        """
        return pd.Series(overall(self._errors, self._summary, list(self.fits)), name=self.law)

    @cached_property
    def _errors(self) -> pd.DataFrame:
        return errors_of_rows(self.frame, self.level)

    @cached_property
    def _summary(self) -> pd.DataFrame:
        return pd.DataFrame([self._line(cut, fitted) for cut, fitted in self.fits.items()])

    def _line(self, cut: Cut, fitted: Fit) -> dict[str, Any]:
        rows = self._errors[self._errors["cut"] == cut]
        return {
            "cut": cut,
            "n_fitted": fitted.n_rows,
            "n_judged": len(rows),
            **measures_of(rows),
            "largest_fitted": self.edges.get(cut, float("nan")),
            "largest_factor": float(rows["factor"].max()),
            "verdict": fitted.verdict,
        }

    def said(self) -> Said:
        """The back-test in words: not to be relied on where a fit of a lower part is not."""
        state: State = "bad" if self._failed else "doubtful" if self._narrow else "good"
        return Said(state, self._headline(), (), (self._shown(),), self._footnotes())

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Predicted against seen: see :func:`scalefit.plots.backtests.plot_backtest`."""
        from scalefit.plots.backtests import plot_backtest

        return plot_backtest(self, ax=ax)

    @property
    def _failed(self) -> list[str]:
        """Cuts below which the fit cannot be believed."""
        return [cut_text(cut) for cut, fitted in self.fits.items() if not fitted.converged]

    @property
    def _narrow(self) -> bool:
        """Whether intervals missed more often than they may."""
        return bool(1 - self.overall.coverage > TOO_OFTEN * (1 - self.level))

    def _headline(self) -> str:
        """The status, each cut counting the same: errors within one cut share their sign, so rows would mislead."""
        told = self.overall
        where = "beyond the data" if self.by is None else "for a new family"
        enough = "wide enough on these cuts" if self.by is None else "wide enough on these families"
        advice = f"too narrow — do not trust one law's interval {where}" if self._narrow else enough
        doubt = f"NOT CONVERGED at cut {listing(self._failed)}; " if self._failed else ""
        cuts = f"{count_of(len(self.fits), 'cut')} along {self.along}"
        left_out = f"{count_of(len(self.fits), 'value')} of {self.by}, each left out in turn"
        return (
            f"{self.law} back-tested on {cuts if self.by is None else left_out}: {doubt}mean error "
            f"{percent(told.error)}, bias {percent(told.bias, sign='+')}, {100 * self.level:g} % intervals held "
            f"{100 * told.coverage:.0f} % of the time: {advice}"
        )

    def _shown(self) -> pd.DataFrame:
        """The summary in text, rounded; of many rows the first and the last."""
        shown = self.summary
        for name in ("error", "half_width", "interval_score"):
            shown = shown.assign(**{name: [percent(share) for share in shown[name]]})
        shown = shown.assign(
            cut=[cut_text(cut) for cut in shown.cut],
            bias=[percent(share, sign="+") for share in shown.bias],
            coverage=[f"{100 * share:.0f} %" for share in shown.coverage],
            largest_fitted=[f"{edge:.3g}" for edge in shown.largest_fitted],
            largest_factor=[f"{factor:.3g}x" for factor in shown.largest_factor],
            verdict=[fitted.judgement.status for fitted in self.fits.values()],
        )
        if len(shown) <= MOST_LINES:
            return shown
        dots = pd.DataFrame([["…"] * shown.shape[1]], columns=shown.columns)
        return pd.concat([shown[: MOST_LINES // 2], dots, shown[-MOST_LINES // 2 :]], ignore_index=True)

    def _footnotes(self) -> tuple[str, ...]:
        told = self.overall
        n = len(self.fits)
        told_by = count_of(n, "cut") if self.by is None else f"{n} famil{'y' if n == 1 else 'ies'}"
        signs = (
            f"within a cut {100 * told.same_sign:.0f} % of the errors have the same sign: the evidence is {told_by} "
            f"and {count_of(int(told.n_runs), 'run')}, not {int(told.n_points)} points"
        )
        return (
            *([signs] if told.n_points > told.n_cuts else []),
            *(f"cut {cut_text(cut)} skipped: {reason}" for cut, reason in self.skipped.items()),
            *self.notes,
        )


def cut_text(cut: Cut) -> str:
    """A share in three digits, a family by its name."""
    return f"{cut:.3g}" if isinstance(cut, float) else str(cut)


def percent(share: float, sign: str = "") -> str:
    """A share as a percentage with two decimals."""
    return f"{100 * share:{sign}.2f} %"
