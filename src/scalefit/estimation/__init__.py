"""fit(): the one place where law, runs, solver and Fit meet.

In three steps, so that many fits may take the middle one together: what is asked (``asked``), the search (``fitting``),
what is answered (``answered``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scalefit import tables
from scalefit.estimation.answered import answer
from scalefit.estimation.asked import ask
from scalefit.estimation.call import FitCall, StartsLike
from scalefit.fitting.search import end_search
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit

if TYPE_CHECKING:
    import lmfit


def fit(
    runs: Any,
    law: Law | str,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str | None = None,
    objective: Objective | None = None,
    weights: str | Sequence[float] | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    prior: Mapping[str, tuple[float, float]] | None = None,
    params: lmfit.Parameters | None = None,
    schedules: tables.Schedules | None = None,
    starts: StartsLike | None = None,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """Fit a law to runs: robust, from many starts, no guess needed.

    Parameters
    ----------
    runs : table or path
        One row per run or checkpoint: pandas, polars, Arrow, a mapping of columns, or a CSV or Parquet file.
    law : Law or name, such as ``"chinchilla"``.
    target : column that the law predicts; None is the law's own output (``loss`` for most).
    columns : input of the law -> column, where names differ: ``{"x": "flops"}``.
    along : column of the input of a law in one variable, where ``columns`` does not name it.
    objective : such as ``sf.Huber(1e-3)`` or ``sf.Square(on="raw")``; None is the law's own.
    weights : a column or one number >= 0 per row: how often each row counts, as if it stood there so often. Scale
        relative weights to a mean of 1, or standard errors will be those of more or fewer rows.
    fixed : parameter -> value that is not fitted.
    bounds : parameter -> (low, high); None keeps the law's own bound on that side.
    tie : parameter -> formula of other parameters, such as ``{"beta": "alpha"}``.
    prior : parameter -> (centre, standard deviation); makes fits on four to six points usable.
        ``sf.LogPrior(centre, deviation)`` is one on the logarithm, for sizes of which only the order is known.
    params : ``lmfit.Parameters`` with values, bounds, ``vary`` and ``expr``, in place of the four before.
    schedules : run -> Schedule, for laws of training curves; else the ``lr`` column is read.
    starts : a mapping or mappings of parameter -> value to start from besides the library's own, or ``sf.Starts``.
    rng : not needed: starts are the same each time. Accepted so that all calls look alike.

    Returns
    -------
    Fit
        ``fit.converged`` and ``fit.verdict`` say whether to believe it.

    Raises
    ------
    ColumnError
        If a column is missing or could be meant twice.
    DataError
        If a used value is NaN, infinite, text, or out of range, or there are fewer rows than free parameters.
    FitError
        If constraints name unknown parameters or contradict each other.

    Warns
    -----
    UnitWarning
        If a column looks as if it were in millions or billions.
    FitWarning
        If the law was written from memory of its paper.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla", tie={"beta": "alpha"})
    >>> fit.estimates["beta"] == fit.estimates["alpha"]
    True
    """
    law = get_law(law)
    call = FitCall(law, target, columns, along, objective, weights, fixed, bounds, tie, prior, params, starts)
    asked = ask(runs, call, schedules)
    return answer(asked, end_search(asked.begun))
