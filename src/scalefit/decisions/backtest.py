"""Fit on some runs, judge on others: how far a law and its intervals hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.decisions.backtest_result import Backtest, cut_text
from scalefit.decisions.judging import Judged, Resampling, judge_divisions
from scalefit.decisions.splits import (
    Cut,
    Division,
    Split,
    checked_shares,
    divide_at,
    divide_by_family,
    every_share,
    split_runs,
)
from scalefit.errors import DataError, FitError
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level

#: Shares of the runs that are fitted.
CUTS = (0.5, 0.6, 0.7, 0.8)


def backtest(
    runs: Any,
    law: Law | str,
    *,
    along: str = "flops",
    columns: Mapping[str, str] | None = None,
    target: str | None = None,
    level: float = 0.9,
    cuts: Sequence[float] | Literal["every"] = CUTS,
    by: str | None = None,
    judge: str | None = None,
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
    training curves, every row of the other runs. What is judged never enters the fit. With ``by``, each family is left
    out in turn, the law is fitted to all others together, and every row of the family is predicted.

    Parameters
    ----------
    runs : table or path
        One row per run or checkpoint, as for :func:`scalefit.fit`.
    law : Law or name.
    along : column that orders the runs; ``"flops"`` is derived as ``6 * params * tokens`` where it is absent.
    columns, target, objective, fixed, bounds, tie, prior, schedules : as for :func:`scalefit.fit`. A value to fix must
        not come from a fit that has seen the runs judged here.
    level : float in (0, 1), of the intervals.
    cuts : shares of the runs that are fitted, each in (0, 1), or ``"every"``: a cut after each distinct value of
        ``along`` that leaves more rows below than free parameters, and a run beyond. Runs that tie along ``along`` stay
        together.
    by : column of families to leave out one by one, in place of ``cuts``. This asks whether one law holds for all of
        them, so it says something only where their losses may be compared: one tokenizer, one evaluation set.
    judge : column of True and False; only rows marked True are judged. All are fitted. For runs of which some are badly
        tuned, mark those that are not.
    draws : resamples of each fit, at least 2.
    rng : Generator, seed or None. Each cut has its own generator, made before any work.
    progress : whether to show a bar for each bootstrap.

    Returns
    -------
    Backtest
        ``.frame`` has each prediction, ``.summary`` each cut, ``.overall`` the whole, ``.skipped`` the cuts that could
        not be judged. To hold several against each other: :func:`scalefit.compare_backtests`.

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
        in which only one input varies is taken as one curve (with ``by``, one a family), and blocks are resampled.

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
    shares = _checked_cuts(cuts, by)
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"backtest needs a whole number of draws, at least 2; got {draws!r}.")
    split = split_runs(
        as_frame(runs), law, along, columns, target, objective or law.objective, schedules, by=by, judge=judge
    )

    def fit_part(part: pd.DataFrame, columns: Mapping[str, str]) -> Fit:
        return fit(
            part, law, target=target, columns=columns, objective=objective, fixed=fixed, bounds=bounds, tie=tie,
            prior=prior, schedules=schedules,
        )  # fmt: skip

    divisions = _divisions(split, shares, free=len(set(law.param_names) - set(fixed or {}) - set(tie or {})))
    told = judge_divisions(split, divisions, fit_part, Resampling(level, draws, rng, schedules, progress))
    test = backtest_of(split, told, law.name, level)
    if not test.fits:
        said = " ".join(f"Cut {cut_text(cut)}: {reason.rstrip('.')}." for cut, reason in test.skipped.items())
        raise DataError(f"backtest of {law.name} along {along!r}: no cut can be judged. {said}")
    return test


def backtest_of(split: Split, told: Mapping[Cut, Judged | str], law: str, level: float) -> Backtest:
    """The record of what divisions showed; those without intervals are skipped with the reason."""
    sound = {cut: one for cut, one in told.items() if not isinstance(one, str) and not one.no_interval}
    rows = [one.rows for one in sound.values()]
    return Backtest(
        frame=pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(),
        law=law,
        along=split.along_name,
        level=float(level),
        fits={cut: one.fit for cut, one in sound.items()},
        skipped={
            cut: one if isinstance(one, str) else one.no_interval for cut, one in told.items() if cut not in sound
        },
        notes=split.notes,
        by=None if split.family is None else str(split.family.name),
        edges={cut: one.edge for cut, one in sound.items()},
        inputs={cut: one.inputs for cut, one in sound.items()},
    )


def _checked_cuts(cuts: Sequence[float] | Literal["every"], by: str | None) -> list[float] | None:
    """Shares of the runs; None stands for every cut."""
    if by is not None and (isinstance(cuts, str) or tuple(cuts) != CUTS):
        raise FitError(f"backtest by {by!r} leaves whole families out, so it has no cuts; leave cuts= or by= out.")
    if isinstance(cuts, str):
        if cuts != "every":
            raise FitError(f"cuts are shares of the runs such as cuts=(0.5, 0.8), or cuts='every'; got {cuts!r}.")
        return None
    return checked_shares(cuts)


def _divisions(split: Split, shares: list[float] | None, *, free: int) -> list[Division]:
    """What is fitted and what is judged; below a cut are more rows than free parameters where cuts are not given."""
    if split.family is not None:
        return divide_by_family(split)
    return divide_at(split, every_share(split, free + 1) if shares is None else shares)
