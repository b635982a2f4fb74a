"""What each run does to the answer: the fit without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.points import point_of
from scalefit.result import Fit
from scalefit.uncertainty.jackknife import leave_one_out

Array = NDArray[np.float64]


def influence(fit: Fit, at: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Say what leaving out each run would change, the most influential run first.

    Every run (every row, where each is a run of its own) is left out in turn and the law is fitted again.

    Parameters
    ----------
    fit : Fit
    at : a point at which the prediction is compared too, one number per input of the law.

    Returns
    -------
    DataFrame
        Indexed by run, or by the label of the row: one column per parameter, how far its estimate moves without this
        run, in standard errors; with ``at`` also ``prediction``, its relative change there, and ``prediction_se``, the
        same in standard errors; ``most``, the largest move in standard errors, by which the rows are sorted; and
        ``rows``. NaN, and last, where the law could not be fitted without the run.

    Raises
    ------
    FitError
        If ``at`` lacks an input, or names another.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> sf.influence(fit, at={"params": 1e7, "tokens": 1e9}).columns[-4:].tolist()
    ['prediction', 'prediction_se', 'most', 'rows']
    """
    refits = leave_one_out(fit.problem, fit.coordinates, fit.basins, fit.weights, fit.units)
    theta = np.where(refits.failed[:, None], np.nan, refits.theta)
    errors = np.sqrt(np.maximum(np.diag(fit.covariance), 0))
    moves = _in_errors(theta - fit.theta, errors)
    frame = pd.DataFrame(moves, columns=list(fit.law.param_names), index=_unit_index(fit))
    if at is not None:
        point = point_of(fit, at)
        before = point.predictions(fit, fit.theta)[0]
        change = point.predictions(fit, theta) - before
        frame["prediction"] = change / before
        frame["prediction_se"] = _in_errors(change[:, None], np.array([point.spread(fit)]))[:, 0]
    in_errors = frame.drop(columns="prediction", errors="ignore")
    frame["most"] = in_errors.abs().max(axis=1).where(in_errors.notna().any(axis=1))
    frame["rows"] = np.bincount(fit.units.pieces)
    return frame.sort_values("most", ascending=False, kind="stable", na_position="last")


def _in_errors(change: Array, errors: Array) -> Array:
    """Changes in standard errors; zero where a parameter is held and does not move."""
    with np.errstate(all="ignore"):
        return np.where((errors == 0) & (change == 0), 0.0, change / errors)


def _unit_index(fit: Fit) -> pd.Index:
    """Labels of what is left out as one piece, in the order of ``units.pieces``."""
    if fit.units.kind == "rows":
        return fit.data.index
    if fit.units.kind == "runs":
        return pd.Index(fit.unit_names, name="run")
    pieces = fit.units.pieces
    first = [int(np.flatnonzero(pieces == piece)[0]) for piece in range(int(pieces.max()) + 1)]
    runs = [str(fit.data["run"].iloc[row]) for row in first]
    seen: dict[str, int] = {}
    labels = []
    for run in runs:
        seen[run] = seen.get(run, 0) + 1
        labels.append(f"{run}, part {seen[run]}")
    return pd.Index(labels, name="part")
