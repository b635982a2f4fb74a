"""How far a law itself may err under schedules that were not run: a share of how far their curves lie from fitted ones.

A law that is a little wrong describes the curves that it was fitted to and errs under others, the more the farther
their curves part from those, even where they meet again at the end. The share is taken from curves left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.schedules.along import Steps, first_step, inputs_along, joined, shown_steps, source_of
from scalefit.decisions.schedules.own_level import CHANGE_ERROR, FREEDOM
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.uncertainty.bootstrap import refit

#: Steps along which curves are compared.
ALONG = 100
#: Curves of other schedules that must remain when one is left out, and how many of its last rows show where it ended.
REMAIN, LAST = 2, 5
#: Of a normal deviation, half are smaller than this.
NORMAL_HALF = 0.6745


@dataclass(frozen=True, eq=False)
class LawError:
    """The law's own error in the final losses of m schedules.

    Attributes
    ----------
    source : str, where the draws of the law come from, and this error.
    share : float
        Its standard deviation, as a share of how far curves part on the way; NaN where no fitted curve is known.
    left_out : int, how many curves left out had a say in it.
    steps : (G,), and ``along`` (m, G): the standard deviation in nats up to each of them.
    joint : (m, m) its covariance at the last step.
    """

    source: str
    share: float
    left_out: int
    steps: Steps
    along: Array
    joint: Array

    def widened(
        self, estimate: Array, low: Array, high: Array, level: float, place: int, steps: Steps
    ) -> tuple[Array, Array]:
        """The band of one schedule, with this error in it."""
        from scipy.special import ndtri  # here: `import scalefit` must not load scipy

        wrong = float(ndtri(0.5 + level / 2)) * np.interp(steps, self.steps, np.nan_to_num(self.along[place]))
        return estimate - np.hypot(estimate - low, wrong), estimate + np.hypot(high - estimate, wrong)

    def draws(self, count: int, seed: int) -> Array:
        """(count, m) errors in nats, with the long tails of a spread that few curves show."""
        values, vectors = np.linalg.eigh(self.joint)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        rng, freedom = np.random.default_rng(seed), FREEDOM + self.left_out
        tails = np.sqrt((freedom - 2) / rng.chisquare(freedom, (count, 1)))
        return np.asarray(tails * (rng.standard_normal((count, len(root))) @ root.T))


def law_error(fit: Fit, schedules: Sequence[Schedule], at: Mapping[str, float]) -> LawError:
    """The error of a fitted law under m schedules of one length: none under a schedule that was fitted."""
    steps = shown_steps(schedules[0], max(first_step(fit, one) for one in schedules), ALONG)
    none = np.zeros((len(schedules), len(steps)))
    if "step" not in fit.data.columns or not fit.converged:
        return LawError(source_of(fit), np.nan, 0, steps, none, np.zeros((len(schedules),) * 2))
    runs = _run_of_rows(fit)
    fitted = _fitted_curves(fit, runs, at, steps)
    share, left_out = _share(fit, runs)
    inputs = joined([inputs_along(fit.law, one, steps, at) for one in schedules])
    with np.errstate(all="ignore"):
        curves = np.nan_to_num(fit.law.value(fit.theta, inputs)[0].reshape(none.shape))
    near = np.min([parted(curves, one[None]) for one in fitted], axis=0)
    apart = np.array([parted(curves, one[None])[:, -1] for one in curves])
    own = near[:, -1] ** 2
    between = np.minimum(apart**2, own[:, None] + own[None, :])
    joint = 0.5 * (own[:, None] + own[None, :] - between)
    seen = f"{left_out} curves left out in turn, and " if left_out else ""
    source = (
        f"{source_of(fit)}; and the law's own error, {100 * share:.2g} % of how far curves part from the fitted ones "
        f"(by {seen}{100 * CHANGE_ERROR:g} % on other runs)"
    )
    return LawError(source, share, left_out, steps, share * near, share**2 * joint)


def parted(some: Array, others: Array) -> Array:
    """The farthest that curves (m, G) have lain apart up to each step; steps that one does not know do not count."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.maximum.accumulate(np.nan_to_num(np.abs(some - others)), axis=1))


def _run_of_rows(fit: Fit) -> NDArray[np.intp]:
    if "run" not in fit.data.columns:
        return np.zeros(fit.n_rows, np.intp)
    return np.asarray(pd.factorize(fit.data["run"].astype(str))[0], np.intp)


def _fitted_curves(fit: Fit, runs: NDArray[np.intp], at: Mapping[str, float], steps: Steps) -> Array:
    """The law along each fitted run (k, G), as if its other inputs were those asked for.

    After its last row a run is held where it ended, so that what a longer one gains counts as a distance.
    """
    inputs = tuple(
        np.full(fit.n_rows, at[name]) if name in at else column
        for name, column in zip(fit.law.inputs, fit.problem.inputs, strict=True)
    )
    with np.errstate(all="ignore"):
        values = fit.law.value(fit.theta, inputs)[0]
    seen, out = fit.data["step"].to_numpy(float), []
    for run in range(int(runs.max()) + 1):
        rows = np.flatnonzero(runs == run)
        rows = rows[np.argsort(seen[rows], kind="stable")]
        out.append(np.interp(np.log1p(steps), np.log1p(seen[rows]), values[rows], left=np.nan))
    return np.array(out)


def _share(fit: Fit, runs: NDArray[np.intp]) -> tuple[float, int]:
    """The error as a share of the distance to the nearest fitted curve, and how many curves left out showed it.

    Each schedule is left out in turn, its last rows are predicted, and the median of the errors, as shares, is taken
    together with the share known from other runs, which counts as four of them.
    """
    others = {
        name: float(column[0])
        for name, column in zip(fit.law.inputs, fit.problem.inputs, strict=True)
        if column.ndim == 1 and np.ptp(column) == 0
    }
    steps = np.unique(fit.data["step"].to_numpy(np.intp))
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, ALONG).astype(int))]
    curves = _fitted_curves(fit, runs, others, steps)
    apart = np.array([parted(curves, one[None])[:, -1] for one in curves])
    alike = apart <= fit.rms * float(np.nanmedian(curves))
    shares = []
    if len({tuple(row) for row in alike.tolist()}) > REMAIN:
        wrong = _wrong_without(fit, runs, alike)
        with np.errstate(all="ignore"):
            shares = [
                abs(one) / near for one, near in zip(wrong, np.where(alike, np.inf, apart).min(axis=1), strict=True)
            ]
    known = [one for one in shares if np.isfinite(one)]
    middle = float(np.median(known)) / NORMAL_HALF if known else 0.0
    count = len(known)
    return float(np.sqrt((FREEDOM * CHANGE_ERROR**2 + count * middle**2) / (FREEDOM + count))), count


def _wrong_without(fit: Fit, runs: NDArray[np.intp], alike: NDArray[np.bool_]) -> Array:
    """How far each run (k,) ends from the law fitted without it and its like, in nats; NaN where that cannot be."""
    gone = alike[:, runs]

    def without(part: slice) -> Array:
        return np.where(gone[part], 0.0, fit.weights)

    out = np.full(len(alike), np.nan)
    try:
        refits = refit(fit.problem, fit.coordinates, fit.basins, without, len(alike))
    except FitError:
        return out
    seen = fit.data["step"].to_numpy(float)
    with np.errstate(all="ignore"):
        wrong = fit.problem.target - fit.law.value(refits.theta, fit.problem.inputs)
    for run in np.flatnonzero(~refits.failed):
        rows = np.flatnonzero(runs == run)
        last = rows[np.argsort(seen[rows], kind="stable")][-LAST:]
        out[run] = float(wrong[run, last].mean())
    return out
