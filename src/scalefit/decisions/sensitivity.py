"""How far the answer depends on choices that could as well have been made otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.identifiability import percent
from scalefit.decisions.points import Point, point_of
from scalefit.decisions.sensitivity_variations import Varied, fit_variations, variations_of
from scalefit.errors import listing
from scalefit.result import Fit
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said, State

#: An answer is not robust where it moves by more than so many standard errors, and by more than this share.
MOST_ERRORS = 2.0
SMALLEST_CHANGE = 1e-3
#: Variations shown in the text, those that move the answer most.
SHOWN = 6


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Answer):
    """The answer under each of many ways to fit.

    Made by :func:`scalefit.sensitivity`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row a variation, ``"as fitted"`` first: ``variation``; ``kind`` (``rows``, ``delta``, ``objective`` or
        ``scale``); ``n_rows``; one column per parameter; ``verdict``; ``prediction`` at the point, its relative
        ``change`` and ``change_se``, the same in standard errors of the fit.
    robust : bool
        Whether no variation that could be fitted moves the answer by more than two standard errors.
    at : dict of input to float. The point.
    headline : str. The answer in one line.
    notes : tuple of str. Variations that could not be fitted, and why.
    """

    frame: pd.DataFrame
    robust: bool
    at: Mapping[str, float]
    headline: str
    notes: tuple[str, ...]

    def said(self) -> Said:
        """How far the answer moves, in words: not to be relied on where the fit itself is not."""
        state: State = "good" if self.robust else "doubtful"
        if self.frame["verdict"].iloc[0] != "converged":
            state = "bad"
        ranked = self.frame.iloc[1:].sort_values("change", key=np.abs, ascending=False, na_position="last")
        rows = []
        for _, row in pd.concat([self.frame.iloc[:1], ranked.head(SHOWN)]).iterrows():
            told = [number(row["prediction"], digits=5), f"{100 * row['change']:+.2f} %", f"{row['change_se']:+.1f}"]
            rows.append((str(row["variation"]), str(row["n_rows"]), *told))
        table = pd.DataFrame(rows, columns=["variation", "rows", "prediction", "change", "standard errors"])
        left = len(ranked) - SHOWN
        more = f"{left} more in .frame, which move it less" if left > 0 else ""
        return Said(state, self.headline, (), (table, more), self.notes)


def sensitivity(fit: Fit, at: Mapping[str, float] | None = None) -> Sensitivity:
    """Fit again in other reasonable ways, and say how far the prediction at one point moves.

    Variations: without each value of each input (in eight groups where there are more than eight), and of the compute;
    the width of a Huber loss from 1e-4 to 1e-1; least squares, absolute residuals, Cauchy's loss; residuals of the
    quantity itself where the fit took those of its log, and the other way round.

    Parameters
    ----------
    fit : Fit
    at : the point, one number per input of the law; None: ten times the compute of the largest run.

    Returns
    -------
    Sensitivity
        ``.robust``, ``.frame``. Its first line says by how much the answer moves at most.

    Raises
    ------
    FitError
        If ``at`` lacks an input, or names another.

    Notes
    -----
    A change of less than about one standard error is what leaving out an eighth of good runs does anyway. Standard
    errors are those of the prediction by this fit: of its bootstrap where it has one.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> told = sf.sensitivity(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> told.frame["variation"].iloc[0]
    'as fitted'
    """
    point = point_of(fit, at)
    varied = fit_variations(fit, variations_of(fit))
    frame = _frame(fit, point, varied)
    moved = frame.iloc[1:][(frame["verdict"] == "converged").iloc[1:]]
    robust, said = _status(frame, moved)
    head = f"{fit.law.name} on {fit.n_runs} runs, at {point.words(fit)}: {said}"
    if not fit.converged:
        head = f"{fit.law.name} on {fit.n_runs} runs: {fit.judgement.status.upper()}, so no answer is robust"
    values = {name: float(x[0]) for name, x in zip(point.names, point.inputs, strict=True)}
    return Sensitivity(frame, robust and fit.converged, values, head, _notes(varied))


def _frame(fit: Fit, point: Point, varied: Sequence[Varied]) -> pd.DataFrame:
    names = list(fit.law.param_names)
    theta = np.array([fit.theta[0], *(one.theta for one in varied)])
    predictions = point.predictions(fit, theta)
    away = predictions - predictions[0]
    return pd.DataFrame(
        {
            "variation": ["as fitted", *(one.variation.name for one in varied)],
            "kind": ["", *(one.variation.kind for one in varied)],
            "n_rows": [fit.n_rows, *(int(one.variation.kept.sum()) for one in varied)],
            **{name: theta[:, j] for j, name in enumerate(names)},
            "verdict": [fit.judgement.status, *(one.verdict for one in varied)],
            "prediction": predictions,
            "change": away / predictions[0],
            "change_se": away / (point.spread(fit) or np.nan),
        }
    )


def _status(frame: pd.DataFrame, moved: pd.DataFrame) -> tuple[bool, str]:
    """Whether the answer is robust, and by how much it moves at most."""
    if not len(moved) or not moved["change"].notna().any():
        return False, "NOT ROBUST: no variation could be fitted"
    row = moved.iloc[int(np.nanargmax(moved["change"].abs()))]
    size = f"{percent(abs(row['change']))} ({abs(row['change_se']):.1f} standard errors)"
    too_far = (moved["change_se"].abs() > MOST_ERRORS) & (moved["change"].abs() > SMALLEST_CHANGE)
    if not too_far.any():
        return True, f"the answer moves by at most {size}, {row['variation']}"
    worst = moved.iloc[int(np.nanargmax(moved["change"].abs().where(too_far)))]
    size = f"{percent(abs(worst['change']))} ({abs(worst['change_se']):.1f} standard errors)"
    count = int(too_far.sum())
    also = f" (and {count - 1} more beyond {MOST_ERRORS:g} standard errors)" if count > 1 else ""
    return False, f"NOT ROBUST: the answer moves by {size} {worst['variation']}{also}"


def _notes(varied: Sequence[Varied]) -> tuple[str, ...]:
    """Variations that could not be fitted, by what was said of them."""
    reasons: dict[str, list[str]] = {}
    for one in varied:
        if one.verdict != "converged":
            reasons.setdefault(one.verdict, []).append(one.variation.name)
    return tuple(f"{reason}: {listing(names)}" for reason, names in reasons.items())
