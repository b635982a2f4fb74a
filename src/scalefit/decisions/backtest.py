"""Fit on the small runs, judge on the large ones: how far a law and its intervals hold."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import ColumnError, DataError, FitError, listing, missing_column
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.checking import checked_columns, no_reserved_columns, numeric_column
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Intervals that miss this many times as often as they claim are called too narrow.
TOO_OFTEN = 1.5


@dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """How well a law fitted to the small runs predicted the large ones, cut by cut.

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
        The bootstrapped fits of the lower parts.
    skipped : mapping of cut to str
        Cuts that could not be judged, and why.
    notes : tuple of str. What was derived or read from a column of another name.
    """

    frame: pd.DataFrame
    law: str
    along: str
    level: float
    fits: Mapping[float, Fit]
    skipped: Mapping[float, str]
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row per cut, all but counts and factor as shares.

        Columns: ``cut``; ``n_fitted`` and ``n_judged``, rows; ``error``, mean absolute relative error; ``bias``, mean
        relative error, above zero where the law predicts too much; ``coverage``, share of rows inside their interval;
        ``half_width``, mean relative half-width of the intervals; ``largest_factor``; ``verdict`` on the fit.
        """
        return pd.DataFrame(
            [_summary_row(cut, fitted, self.frame[self.frame.cut == cut]) for cut, fitted in self.fits.items()]
        )

    def __repr__(self) -> str:
        table = self._shown().to_string(index=False)
        return "\n".join([self._headline(), table, *self._footnotes()])

    def _repr_html_(self) -> str:
        foot = "".join(f"<p>{html.escape(note)}</p>" for note in self._footnotes())
        return f"<p><b>{html.escape(self._headline())}</b></p>{self._shown().to_html(index=False, escape=True)}{foot}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Predicted against seen: see :func:`scalefit.plots.backtests.plot_backtest`."""
        from scalefit.plots.backtests import plot_backtest

        return plot_backtest(self, ax=ax)

    def _headline(self) -> str:
        """The status, each cut counting the same: errors within one cut share their sign, so rows would mislead."""
        summary = self.summary
        held = float(summary.coverage.mean())
        narrow = 1 - held > TOO_OFTEN * (1 - self.level)
        advice = (
            "too narrow — do not trust one law's interval beyond the data" if narrow else "wide enough on these cuts"
        )
        failed = [f"{cut:g}" for cut, fitted in self.fits.items() if not fitted.converged]
        doubt = f"NOT CONVERGED at cut {listing(failed)}; " if failed else ""
        cuts = f"{len(summary)} cut{'s' if len(summary) != 1 else ''}"
        return (
            f"{self.law} back-tested on {cuts} along {self.along}: {doubt}mean error {_percent(summary.error.mean())}, "
            f"bias {_percent(summary.bias.mean(), sign='+')}, {100 * self.level:g} % intervals held "
            f"{100 * held:.0f} % of the time: {advice}"
        )

    def _shown(self) -> pd.DataFrame:
        """The summary in text, rounded."""
        summary = self.summary
        for name in ("error", "half_width"):
            summary[name] = [_percent(share) for share in summary[name]]
        return summary.assign(
            bias=[_percent(share, sign="+") for share in summary.bias],
            coverage=[f"{100 * share:.0f} %" for share in summary.coverage],
            largest_factor=[f"{factor:.3g}x" for factor in summary.largest_factor],
        )

    def _footnotes(self) -> list[str]:
        return [*(f"cut {cut:g} skipped: {reason}" for cut, reason in self.skipped.items()), *self.notes]


@dataclass(frozen=True)
class _Split:
    """A checked table with the place of every row: inputs that the cuts need, and nothing fitted yet.

    ``unit`` (n,) numbers the runs, or the rows where each stands for itself; ``position`` (units,) is the largest
    ``along`` of each unit; ``whole_runs`` is set for laws of training curves, which judge a run from its first row.
    """

    frame: pd.DataFrame
    columns: dict[str, str]
    run_column: str | None
    along: Array
    observed: Array
    target_column: str
    unit: NDArray[np.intp]
    position: Array
    whole_runs: bool
    notes: tuple[str, ...]

    def below(self, cut: float) -> Mask:
        """(n,): the rows of the lowest runs; runs that tie with the last of them go with it."""
        count = int(np.floor(cut * len(self.position) + 1e-9))
        if count == 0:
            return np.zeros(len(self.frame), bool)
        edge = np.sort(self.position)[count - 1]
        return np.asarray(self.position[self.unit] <= edge)

    def judged(self, below: Mask) -> Mask:
        """(n,): the rows beyond everything fitted, or all rows of the other runs for a law of training curves."""
        return ~below if self.whole_runs else self.along > self.along[below].max()


def backtest(
    runs: Any,
    law: Law | str,
    *,
    along: str = "flops",
    columns: Mapping[str, str] | None = None,
    target: str | None = None,
    level: float = 0.9,
    cuts: Sequence[float] = (0.5, 0.6, 0.7, 0.8),
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    prior: Mapping[str, tuple[float, float]] | None = None,
    schedules: tables.Schedules | None = None,
    draws: int = 200,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
) -> Backtest:
    """Fit a law to the small runs and compare its predictions with the large ones, at several cuts.

    A run stands where its largest value of ``along`` is and is never split. At each cut the law is fitted to the runs
    below, its intervals come from a bootstrap, and every row beyond the largest value fitted is predicted; for laws of
    training curves, every row of the other runs. What is judged never enters the fit.

    Parameters
    ----------
    runs : table or path
        One row per run or checkpoint, as for :func:`scalefit.fit`.
    law : Law or name.
    along : column that orders the runs; ``"flops"`` is derived as ``6 * params * tokens`` where it is absent.
    columns, target, objective, fixed, bounds, tie, prior, schedules : as for :func:`scalefit.fit`.
    level : float in (0, 1), of the intervals.
    cuts : shares of the runs that are fitted, each in (0, 1). Runs that tie along ``along`` stay together.
    draws : resamples of each fit, at least 2.
    rng : Generator, seed or None. Each cut has its own generator, made before any work.
    progress : whether to show a bar for each bootstrap.

    Returns
    -------
    Backtest
        ``.frame`` has each prediction, ``.summary`` each cut, ``.skipped`` the cuts that could not be judged.

    Raises
    ------
    ColumnError
        If a column is missing or could be meant twice.
    DataError
        If values cannot be used, or no cut leaves enough runs on both sides; the message gives the reason of each.
    FitError
        If ``level``, ``cuts``, ``draws`` or a constraint cannot be meant.

    Warns
    -----
    FitWarning
        If more than 2 % of the resamples of a cut fail, or blocks stand in for runs. A table without a ``run`` column
        in which only one input varies is taken as one curve, and blocks of it are resampled.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> test = sf.backtest(runs[runs.family == "lstm"], "chinchilla", cuts=[0.7], rng=0)
    >>> list(test.frame)
    ['row', 'cut', 'observed', 'estimate', 'low', 'high', 'factor']
    """
    law = get_law(law)
    check_level(level)
    shares = _checked_cuts(cuts)
    if draws < 2:
        raise FitError(f"backtest needs a whole number of draws, at least 2; got {draws!r}.")
    split = _split(as_frame(runs), law, along, columns, target, objective or law.objective, schedules)
    seeds = np.random.default_rng(rng).integers(2**63, size=len(shares))

    def fit_part(part: pd.DataFrame) -> Fit:
        return fit(
            part, law, target=target, columns=split.columns, objective=objective, fixed=fixed, bounds=bounds, tie=tie,
            prior=prior, schedules=schedules,
        )  # fmt: skip

    fits: dict[float, Fit] = {}
    skipped: dict[float, str] = {}
    frames: list[pd.DataFrame] = []
    for cut, seed in zip(shares, seeds, strict=True):
        below = split.below(cut)
        fitted = _fit_below(split, below, along, fit_part, [split.below(other) for other in fits])
        if isinstance(fitted, str):
            skipped[cut] = fitted
            continue
        fits[cut] = fitted.bootstrap(draws, rng=np.random.default_rng(seed), progress=progress)
        frames.append(_judge(split, below, cut, fits[cut], level, schedules))
    if not fits:
        said = " ".join(f"Cut {cut:g}: {reason.rstrip('.')}." for cut, reason in skipped.items())
        raise DataError(f"backtest of {law.name} along {along!r}: no cut can be judged. {said}")
    return Backtest(pd.concat(frames, ignore_index=True), law.name, along, float(level), fits, skipped, split.notes)


def _checked_cuts(cuts: Sequence[float]) -> list[float]:
    shares = sorted({float(cut) for cut in cuts})
    wrong = [f"{cut:g}" for cut in shares if not 0 < cut < 1]
    if wrong or not shares:
        raise FitError(
            f"cuts are shares of the runs between 0 and 1, such as cuts=(0.5, 0.8); got {listing(wrong) or 'none'}."
        )
    return shares


def _split(
    frame: pd.DataFrame,
    law: Law,
    along: str,
    columns: Mapping[str, str] | None,
    target: str | None,
    objective: Objective,
    schedules: tables.Schedules | None,
) -> _Split:
    """Check all that any cut will use, once, so that bad values raise and do not look like a cut to be skipped."""
    no_reserved_columns(frame, ("estimate", "low", "high", "beyond"), needed_by="backtest")
    frame, values, column, notes = _ordering(frame, along, columns)
    known = tables.univariate_columns(frame, law, columns, column, ())
    run_column = (
        find_column(frame, "run", needed_by="backtest", columns=known)
        if has_column(frame, "run", columns=known)
        else None
    )
    if run_column is not None:
        known["run"] = run_column
    elif law.derive:
        raise missing_column("run", f"backtest of {law.name}", list(frame.columns))
    inputs = tables.read_inputs(frame, law, columns=known, schedules=schedules, warn_units=False).inputs
    target_column, observed = _observed(frame, law, target or law.output, objective, known)
    unit = _unit_of_rows(frame, run_column, known)
    if run_column is None and sum(bool(np.any(x != x[0])) for x in inputs) == 1:
        # One curve: neighbouring rows are not independent, so blocks along it are resampled.
        order = np.argsort(values, kind="stable")
        frame, values, observed = frame.iloc[order].assign(run="curve"), values[order], observed[order]
        known["run"] = "run"
    position = np.full(int(unit.max()) + 1, -np.inf)
    np.maximum.at(position, unit, values)
    whole = law.derive is not None
    return _Split(frame, known, run_column, values, observed, target_column, unit, position, whole, notes)


def _unit_of_rows(frame: pd.DataFrame, run_column: str | None, columns: Mapping[str, str]) -> NDArray[np.intp]:
    """(n,): which run each row belongs to; rows stand for themselves where no column names runs."""
    if run_column is None:
        return np.arange(len(frame))
    names = tables.run_names(frame, columns)
    if len(set(names)) == 1:
        raise DataError(
            f"backtest: every row belongs to one run, {names[0]!r}, and a run is never split between fitting "
            f"and judging. Add runs, or judge the table as one curve: runs.drop(columns={run_column!r})."
        )
    return np.asarray(pd.factorize(np.array(names, object))[0], np.intp)


def _ordering(
    frame: pd.DataFrame, along: str, columns: Mapping[str, str] | None
) -> tuple[pd.DataFrame, Array, str, tuple[str, ...]]:
    """The values of ``along`` and their column, which is added to the frame where it is derived."""
    try:
        checked = checked_columns(
            frame, [along], needed_by="backtest", columns=columns, positive=False, warn_units=False
        )
    except ColumnError as error:
        raise ColumnError(f"{error} Runs can be ordered by any other column: along='…'.") from None
    values, column = np.array(checked.values[along]), checked.columns[along]
    if column not in frame.columns:
        frame = frame.assign(**{column: values})
    return frame, values, column, checked.notes


def _observed(
    frame: pd.DataFrame, law: Law, target: str, objective: Objective, columns: Mapping[str, str]
) -> tuple[str, Array]:
    column = find_column(frame, target, needed_by=law.name, columns=columns)
    other = 'To fit residuals as they are, pass objective=sf.Square(on="raw").'
    positive = objective.on == "log"
    return column, numeric_column(frame, column, name=target, needed_by=law.name, positive=positive, alternative=other)


def _fit_below(
    split: _Split, below: Mask, along: str, fit_part: Callable[[pd.DataFrame], Fit], others: Sequence[Mask]
) -> Fit | str:
    """The fit of the rows below a cut, or why nothing can be learned there."""
    if not below.any():
        return f"no run lies below it: there are only {len(split.position)}"
    if not split.judged(below).any():
        return f"no run lies above it: the largest tie along {along!r}"
    if any(np.array_equal(below, other) for other in others):
        return f"the runs below it are those of a lower cut, because runs tie along {along!r}"
    try:
        fitted = fit_part(split.frame[below])
    except DataError as error:  # the values were checked before: what is left is too few of them
        return str(error)
    return fitted.verdict if fitted.judgement.status == "not identified" else fitted


def _judge(
    split: _Split, below: Mask, cut: float, fitted: Fit, level: float, schedules: tables.Schedules | None
) -> pd.DataFrame:
    """Predictions beyond the cut beside what was seen; the points are handed over without their target."""
    judged = split.judged(below)
    points = split.frame[judged].drop(columns=split.target_column)
    told = fitted.predict(points, level=level, interval="run", schedules=schedules)
    edge = float(split.along[below].max())
    out = pd.DataFrame({"row": points.index})
    if split.run_column is not None:
        out["run"] = points[split.run_column].to_numpy()
    out["cut"] = cut
    out["observed"] = split.observed[judged]
    for name in ("estimate", "low", "high"):
        out[name] = told[name].to_numpy()
    # A factor past zero or a negative number has no meaning.
    return out.assign(factor=split.along[judged] / edge if edge > 0 else np.inf)


def _summary_row(cut: float, fitted: Fit, rows: pd.DataFrame) -> dict[str, Any]:
    relative = (rows.estimate - rows.observed) / rows.observed.abs()
    return {
        "cut": cut,
        "n_fitted": fitted.n_rows,
        "n_judged": len(rows),
        "error": float(relative.abs().mean()),
        "bias": float(relative.mean()),
        "coverage": float(((rows.low <= rows.observed) & (rows.observed <= rows.high)).mean()),
        "half_width": float(((rows.high - rows.low) / 2 / rows.estimate.abs()).mean()),
        "largest_factor": float(rows.factor.max()),
        "verdict": fitted.verdict,
    }


def _percent(share: float, sign: str = "") -> str:
    return f"{100 * share:{sign}.2f} %"
