"""Refits without one unit each: what each run does to the estimates, and standard errors without random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import FitError
from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.uncertainty.bootstrap import Refits, refit
from scalefit.uncertainty.draws import check_spare
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.units import WORDS, Units
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said

#: Units left out in groups above this number, for the acceleration of BCa intervals.
MOST_GROUPS = 500
#: Units shown when a jackknife is printed.
SHOWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class Jackknife(Answer):
    """Estimates without each unit in turn, the most influential first. Made by :meth:`scalefit.Fit.jackknife`.

    Attributes
    ----------
    frame : DataFrame
        Indexed by ``unit``: one column per parameter with its estimate without that unit; ``moved``, the largest change
        of any parameter in standard errors of the whole fit, and ``most``, the parameter it belongs to.
    se : Series
        Standard error of each parameter: ``sqrt((g - 1) / g * sum of squares about the mean)`` over g units.
    bias : Series
        ``(g - 1) * (mean - estimate)``; the estimate less it is corrected to first order.
    what : str
        What was left out, in words.
    n_failed : int
        Refits that reached no minimum; they are not in the frame.
    """

    frame: pd.DataFrame
    se: pd.Series[float]
    bias: pd.Series[float]
    what: str
    n_failed: int = 0

    def said(self) -> Said:
        """What moves the estimates most, in words; doubtful where a refit failed."""
        shown = self.frame.head(SHOWN)
        rows = [
            (str(unit), f"{row['most']} = {number(row[row['most']])}", f"{row['moved']:.2f} se away")
            for unit, row in shown.iterrows()
        ]
        table = pd.DataFrame(rows, columns=["without", "estimate", "moved by"])
        failed = f", {self.n_failed} reached no minimum" if self.n_failed else ""
        errors = ", ".join(f"{name} {number(error, digits=3)}" for name, error in self.se.items())
        head = f"jackknife of {len(self.frame)} {self.what}{failed}"
        notes = (f"jackknife standard errors: {errors}",)
        return Said("doubtful" if self.n_failed else "good", head, (), (table,), notes)


def leave_one_out(
    problem: Problem, coordinates: Coordinates, candidates: Array, weights: Array, units: Units, *, groups: int = 0
) -> Refits:
    """Refit without each unit in turn: row i of the result is without unit i, in the order of ``units.pieces``.

    Parameters
    ----------
    candidates : (K, q) coordinates to start from, the fit's own among them.
    weights : (n,) how often each row counts.
    units : what is left out as one piece: rows, runs, or blocks along few runs.
    groups : 0 leaves out one unit at a time; otherwise units next to each other in so many groups.
    """
    pieces = units.pieces
    count = int(pieces.max()) + 1
    groups = min(groups, count) if groups else count
    member: NDArray[np.intp] = pieces * groups // count

    def without(part: slice) -> Array:
        left_out = np.arange(groups)[part]
        return np.where(member[None] == left_out[:, None], 0.0, weights)

    return refit(problem, coordinates, candidates, without, groups)


def jackknife_of(fit: Fitted) -> Jackknife:
    """Leave out each unit of a fit in turn.

    Raises
    ------
    FitError
        If too few rows remain without a unit, or no refit reaches a minimum.
    """
    check_spare(fit.problem, fit.coordinates, fit.weights, fit.law.name)
    refits = leave_one_out(fit.problem, fit.coordinates, fit.basins, fit.weights, fit.units)
    good = ~refits.failed
    if good.sum() < 2:
        raise FitError(f"{fit.law.name}: no refit without a unit reached a minimum, so there is no jackknife.")
    names = list(fit.law.param_names)
    theta, units = refits.theta[good], int(good.sum())
    mean = theta.mean(axis=0)
    se = np.sqrt((units - 1) / units * np.sum((theta - mean) ** 2, axis=0))
    T = fit.coordinates.to_params(fit.u[None])[1][0]
    with np.errstate(all="ignore"):
        own = np.sqrt(np.diag(T @ fit.coordinate_covariance @ T.T))
        moved = np.abs(theta - fit.theta[0]) / np.where(own > 0, own, np.where(se > 0, se, np.inf))
    frame = pd.DataFrame(theta, columns=names, index=pd.Index(np.array(_labels(fit))[good], name="unit"))
    frame = frame.assign(moved=moved.max(axis=1), most=np.array(names)[moved.argmax(axis=1)])
    return Jackknife(
        frame.sort_values("moved", ascending=False, kind="stable"),
        pd.Series(se, index=names, name="se"),
        pd.Series((units - 1) * (mean - fit.theta[0]), index=names, name="bias"),
        WORDS[fit.units.kind],
        int(refits.failed.sum()),
    )


def _labels(fit: Fitted) -> list[str]:
    """A readable name for each unit, in the order of ``units.pieces``."""
    if fit.units.kind == "runs":
        return list(fit.unit_names)
    if fit.units.kind == "rows":
        return [name.split(" #")[0] for name in fit.unit_names]
    pieces, names = fit.units.pieces, [name.split("\x1f") for name in fit.unit_names]
    out = []
    for piece in range(int(pieces.max()) + 1):
        rows = np.flatnonzero(pieces == piece)
        places = sorted(int(names[row][1]) for row in rows)
        out.append(f"{names[rows[0]][0]}, rows {places[0]} to {places[-1]}")
    return out
