"""What loss will another schedule give: two laws of curves, their mean, and an interval that is measured to hold."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.curves import dependence, widths
from scalefit.decisions.curves.doubts import doubts_of, early_rows
from scalefit.decisions.curves.laws import (
    REFERENCE_PEAK,
    Delay,
    fit_annealing,
    fit_constant,
    fit_multi_power,
    refit_at,
    values_at,
)
from scalefit.decisions.curves.record import CurveForecast
from scalefit.decisions.curves.rows import Curves, Schedules, final_losses, read_curves, schedules_of
from scalefit.errors import DataError, FitError, FitWarning
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level

ADDED = ("estimate", "low", "high")
#: Resamples of blocks along each curve, or of whole curves: enough for a standard deviation to a tenth.
DRAWS = 40


def forecast_curves(
    curves: Any,
    at: Any,
    *,
    schedules: Schedules | None = None,
    at_schedules: Schedules | None = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    level: float = 0.9,
    draws: int = DRAWS,
    rng: np.random.Generator | int | None = None,
) -> CurveForecast:
    r"""Say what loss training will have at each step under another learning-rate schedule, with an interval.

    Two laws are fitted to the curves and their mean is the estimate: the Multi-Power Law under a prior on how drops of
    the rate act, and annealing with the real warm-up ramp, whose decay is profiled on the curves. Each alone
    extrapolates worse than both together.

    Parameters
    ----------
    curves : table of rows of ``run, step, loss``, any number of runs of one model, batch size and peak rate. One run
        that decays is enough; one that holds its rate and one that decays are better.
    at : table of ``run, step``: the rows to predict. A column of the target in it is never read.
    schedules : run -> Schedule of the curves; None reads their ``lr`` column.
    at_schedules : run -> Schedule of the runs to predict. None reads the ``lr`` column of ``at``; without one,
        ``schedules`` is looked into.
    target : column that is predicted; None is ``loss``.
    columns : ``"run"``, ``"step"``, ``"loss"`` or ``"lr"`` -> column, where names differ.
    level : float in (0, 1). How often intervals made in this way hold; measured at 0.9.
    draws : resamples of each law, at least 2: of blocks along each curve, of whole curves from six on.
    rng : Generator, seed or None.

    Returns
    -------
    CurveForecast
        Its first line says whether anything speaks against trusting it.

    Raises
    ------
    ColumnError, DataError
        If a column is missing, a value cannot be used, a run has no schedule, a row lies after the end of its schedule,
        or fewer than six rows lie past the warm-up.
    FitError
        If ``level`` or ``draws`` cannot be meant.

    Warns
    -----
    FitWarning
        If a run has more than one row at a step, as where it was resumed.

    Notes
    -----
    Three curves of 24,000 steps take about three seconds, nearly all of it for the resamples: fewer ``draws`` are
    quicker. The order of rows does not matter, to the last bit.

    Rows of the warm-up and of the first tenth of the shortest curve are left out; curves of more than 400 rows are
    fitted as 200 means. Rates are read as shares of the highest fitted one, so their unit does not matter. The prior is
    normal on :math:`\ln\gamma`, :math:`\ln\beta` and :math:`\ln C` with centres 0.5, 0.5 and 1 and deviations 0.5, 0.5
    and 2, and weighs as rows that scatter by 0.5 %: much more than rows do, because rows along a curve err together.
    The decay of annealing has a wide prior too, a delay of a fortieth of the longest curve, give or take a factor e.

    The deviation of a new row, in logs, is the root of the sum of squares of: 0.7 times the distance of the two laws;
    2.7 times the slow part of the residuals or, if that is more, 1.5 times the deviation of the parameters; that of
    single rows; and that between runs, from runs that share a schedule, else 0.18 %.

    Where all curves hold their rate, nothing in them says what a decay saves. The forecast then is that of one law
    without decay, less 4.5 % of the loss, give or take 2 %, for a rate that ends at zero; its first line says so.

    References
    ----------
    Luo et al. 2025, A Multi-Power Law for Loss Curve Prediction, arXiv:2503.12811. Tissue, Wang, Wang 2024, Scaling Law
    with Learning Rate Annealing, arXiv:2408.11029. How often such intervals held: docs/studies/curves.md.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm", part="schedules")
    >>> logs = logs[logs.width == 24]
    >>> told = sf.forecast_curves(
    ...     logs[logs.schedule.isin(["constant", "cosine"])], logs[logs.schedule == "wsd-80"], draws=10, rng=0
    ... )
    >>> told.final.columns.tolist()
    ['step', 'estimate', 'low', 'high']
    """
    check_level(level)
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"forecast_curves needs a whole number of draws, at least 2; got {draws!r}.")
    said, target = dict(columns or {}), target or "loss"
    frame, points = as_frame(curves), as_frame(at, what="the table to predict")
    no_reserved_columns(points, ADDED, needed_by="forecast_curves")
    read = read_curves(frame, target, said, schedules, needed_by="forecast_curves")
    rows, plans = _points(points, said, at_schedules, schedules)
    seeds = [int(seed) for seed in np.random.default_rng(rng).integers(2**63, size=2)]
    fits, delay = _fit(read)
    return _assemble(read, fits, delay, rows, plans, points, level, int(draws), seeds, target)


def _points(
    points: pd.DataFrame, columns: Mapping[str, str], given: Schedules | None, others: Schedules | None
) -> tuple[pd.DataFrame, Schedules]:
    """``run, step`` of each row to predict, in their order, and the schedules of these runs."""
    if not len(points):
        raise DataError("forecast_curves: the table to predict has no rows.")
    step = find_column(points, "step", needed_by="forecast_curves", columns=columns)
    there = {name: column for name, column in columns.items() if column in points.columns}
    rows = pd.DataFrame(
        {
            "run": tables.run_names(points, there),
            "step": tables.whole_steps(points, step, "forecast_curves"),
        }
    )
    plans = schedules_of(points, there, given, what="the table to predict", needed_by="forecast_curves", instead=others)
    return rows, plans


def _fit(read: Curves) -> tuple[dict[str, Fit], Delay | None]:
    """The laws that the curves can hold."""
    unit = read.peak / REFERENCE_PEAK
    if not unit > 0:
        raise DataError("forecast_curves: the learning rate of every curve is zero throughout.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # doubts say it
        if not read.anneal:
            return {"lr_annealing": fit_constant(read, unit)}, None
        power = fit_multi_power(read, unit)
        effective = dependence.dependence_of(read, power.residuals["residual"].to_numpy())["effective"].sum()
        annealing, delay = fit_annealing(read, unit, float(effective))
    return {"mpl": power, "lr_annealing": annealing}, delay


def _assemble(
    read: Curves,
    fits: dict[str, Fit],
    delay: Delay | None,
    rows: pd.DataFrame,
    plans: Schedules,
    points: pd.DataFrame,
    level: float,
    draws: int,
    seeds: list[int],
    target: str,
) -> CurveForecast:
    by_law = {name: values_at(fit.law, fit.theta, rows, plans)[0] for name, fit in fits.items()}
    estimate = np.mean(list(by_law.values()), axis=0)
    spread, drawn = _params(read, fits, delay, rows, plans, draws, seeds)
    residual = np.log(np.mean([_fitted(fit) for fit in fits.values()], axis=0) / read.rows["loss"].to_numpy())
    table = dependence.dependence_of(read, residual)
    repeated, freedom = dependence.repeats_of(read, final_losses(read, read.rows["loss"].to_numpy()))
    saved, uncertain = _saved(read, rows, plans) if delay is None else (np.zeros(len(rows)), np.zeros(len(rows)))
    estimate = estimate * (1 - saved)
    with np.errstate(all="ignore"):
        apart = np.log(by_law["mpl"] / by_law["lr_annealing"]) if len(by_law) == 2 else np.zeros(len(rows))
    deviations = widths.Deviations(
        apart=apart,
        slow=dependence.pooled(table, "slow"),
        params=spread,
        rows=dependence.pooled(table, "noise") if read.noise is None else read.noise,
        runs=widths.RUN_SCATTER if repeated is None else repeated,
        saved=uncertain,
    )
    low, high = widths.ends(estimate, deviations.total, level)
    return CurveForecast(
        frame=points.assign(estimate=estimate, low=low, high=high),
        final=_final(rows, estimate, low, high),
        by_law=pd.DataFrame(by_law, index=points.index),
        fits={name: drawn[name] for name in fits},
        delay=delay,
        dependence=table,
        deviations=deviations,
        repeats=freedom,
        level=float(level),
        doubts=doubts_of(read, fits, delay, rows, plans, apart, table, estimate, bool(uncertain.any())),
        notes=tuple(dict.fromkeys([*read.notes, *early_rows(read, rows), *_notes(plans)])),
        target=target,
        curves=read.rows.assign(lr=_rates(read.rows, read.schedules)),
        points=rows.assign(lr=_rates(rows, plans)).set_index(points.index),
        schedules={**{f"fitted {name}": read.schedules[name] for name in read.names}, **plans},
    )


def _notes(plans: Schedules) -> list[str]:
    return [note for plan in plans.values() for note in plan.notes]


def _fitted(fit: Fit) -> Array:
    return np.asarray(fit.law.value(fit.theta, fit.problem.inputs)[0])


def _rates(rows: pd.DataFrame, schedules: Schedules) -> Array:
    return np.array([schedules[run].rates[step] for run, step in zip(rows["run"], rows["step"], strict=True)])


def _params(
    read: Curves,
    fits: Mapping[str, Fit],
    delay: Delay | None,
    rows: pd.DataFrame,
    plans: Schedules,
    draws: int,
    seeds: list[int],
) -> tuple[Array, dict[str, Fit]]:
    """Deviation (n,) of the log of the mean of the laws over resamples, and the fits with their draws."""
    drawn, logs = {}, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # blocks stand for runs: said in the notes
        for name, fit in fits.items():
            try:
                drawn[name] = fit.bootstrap(draws, rng=seeds[0])
            except FitError:
                drawn[name] = fit
            with np.errstate(all="ignore"):
                values = np.log(values_at(fit.law, drawn[name].draws_theta[:draws], rows, plans))
            known = np.isfinite(values).any(axis=0)
            usable = values[np.isfinite(values[:, known]).all(axis=1)]
            logs.append(np.where(known, np.std(usable, axis=0), 0.0) if len(usable) > 1 else np.zeros(len(rows)))
    # Both laws see the same rows, so nothing is taken to cancel.
    spread = np.mean(logs, axis=0)
    if delay is not None:
        spread = np.hypot(spread, _delay_spread(read, fits["lr_annealing"], delay, rows, plans) / len(fits))
    return np.nan_to_num(spread), drawn


def _delay_spread(read: Curves, fit: Fit, delay: Delay, rows: pd.DataFrame, plans: Schedules) -> Array:
    """How far the forecast of annealing moves within one deviation of its delay: half the distance of the two ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # said of the curves themselves
        ends = refit_at(read, fit, delay)
    low, high = (values_at(one.law, one.theta, rows, plans)[0] for one in ends)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(np.log(high / low)) / 2)


def _saved(read: Curves, rows: pd.DataFrame, plans: Schedules) -> tuple[Array, Array]:
    """What a drop of the rate saves where no curve shows one, and its deviation: in proportion to the drop."""
    share = 1 - _rates(rows, plans) / read.peak
    top = np.array([int(np.argmax(plans[run].rates)) for run in rows["run"]])
    share = np.where(rows["step"].to_numpy() > top, np.clip(share, 0.0, 1.0), 0.0)
    return widths.SAVED * share, widths.SAVED_SPREAD * share


def _final(rows: pd.DataFrame, estimate: Array, low: Array, high: Array) -> pd.DataFrame:
    """The last row of each run."""
    last = rows.groupby("run", sort=False)["step"].idxmax().to_numpy()
    index = pd.Index(rows["run"].to_numpy()[last], name="run")
    return pd.DataFrame(
        {"step": rows["step"].to_numpy()[last], "estimate": estimate[last], "low": low[last], "high": high[last]},
        index=index,
    )
