"""What speaks against taking rows as runs of one law, although its fit went well: rows far off, families apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import listing, rows_text
from scalefit.fitting.problem import Array, Problem, restore

#: A row lies far off where it is so many robust deviations away, and by this share of what the law says.
FAR_OFF, FAR_SHARE = 8.0, 0.2
#: Rows from which on a scatter can be told.
FEWEST_ROWS = 8
#: Standard errors by which a family must lie off the law of all, and the least on the scale of the objective.
FAMILIES_APART, LEAST_APART = 4.0, 1e-6
#: From a median absolute deviation to the standard deviation of a normal.
_NORMAL = 1.4826


def robust_deviation(values: Array) -> float:
    """The median absolute deviation of (n,), scaled to the standard deviation of a normal."""
    return _NORMAL * float(np.median(np.abs(values - np.median(values))))


def reservations_of(problem: Problem, theta: Array, data: pd.DataFrame) -> tuple[str, ...]:
    """What to know of the rows of a fit, be it believed or not: some far off it, families that lie apart.

    Parameters
    ----------
    problem, theta : the rows and the parameters (1, p).
    data : the same rows as a table, with ``run`` and ``family`` where they have them.
    """
    far = rows_far_off(problem, theta, data)
    apart = families_apart(problem, theta, data["family"]) if "family" in data.columns else ""
    return tuple(said for said in (far, f"{apart}: fit each alone" if apart else "") if said)


def rows_far_off(problem: Problem, theta: Array, data: pd.DataFrame) -> str:
    """A sentence that names rows far off the law and says what to do, or nothing; arguments as above."""
    residual = problem.residual(theta)[0]
    if len(residual) < FEWEST_ROWS or not np.isfinite(residual).all():
        return ""
    said = restore(problem.seen + residual, problem.objective.on)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(problem.target - said) / np.abs(said)
    off = np.abs(residual - np.median(residual)) > FAR_OFF * robust_deviation(residual)
    far = np.flatnonzero(off & (share > FAR_SHARE))
    if not len(far):
        return ""
    far = far[np.argsort(-share[far], kind="stable")]
    runs = list(data["run"].iloc[far[:3]].astype(str).unique()) if "run" in data.columns else []
    names = f" ({listing(runs)})" if runs else ""
    one = len(far) == 1
    more = "" if one else "up to "
    return (
        f"{rows_text(list(data.index[far]))}{names} {'lies' if one else 'lie'} {more}{100 * share[far[0]]:.0f} % off "
        f"the law, far more than the others scatter: leave {'it' if one else 'them'} out where a run diverged or was "
        "logged wrongly"
    )


def families_apart(problem: Problem, theta: Array, family: pd.Series) -> str:
    """A sentence where families that are fitted as one lie apart from it, in level or in slope, else nothing.

    Parameters
    ----------
    problem, theta : the rows and the parameters (1, p).
    family : the family of each row.
    """
    residual = problem.residual(theta)[0]
    codes, names = pd.factorize(family.astype(str), sort=True)
    if len(names) < 2 or not np.isfinite(residual).all():
        return ""
    means = pd.Series(residual).groupby(codes).agg(["mean", "std", "count"])
    off = means["mean"].abs()
    level = (off > LEAST_APART) & (off > FAMILIES_APART * means["std"] / np.sqrt(means["count"]))
    apart = level.to_numpy() | _bend_apart(residual, _terms(problem), codes)
    if not apart.any():
        return ""
    lie = "lies" if apart.sum() == 1 else "lie"
    return f"{len(names)} families are fitted as one, and {listing(list(names[apart]))} {lie} apart from it"


def _terms(problem: Problem) -> Array:
    """What residuals may depend on: one, and the logarithm of each input that varies: (n, k)."""
    logs = [np.log(x) for x in problem.inputs if x.ndim == 1 and (x > 0).all() and np.ptp(x) > 0]
    return np.column_stack([np.ones(problem.n), *(x - x.mean() for x in logs)])


def _bend_apart(residual: Array, terms: Array, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which families have a plane of residuals of their own: it explains half of theirs, far beyond chance."""
    count, k = int(codes.max()) + 1, terms.shape[1]
    left = _left(residual, terms)
    own = np.array([_squares(_left(left[codes == one], terms[codes == one])) for one in range(count)])
    whole = np.array([_squares(left[codes == one]) for one in range(count)])
    spare = len(residual) - k * count
    if spare < FEWEST_ROWS:
        return np.zeros(count, dtype=np.bool_)
    scatter = own.sum() / spare
    beyond = (whole - own) / k > FAMILIES_APART**2 * scatter + LEAST_APART**2
    mask: NDArray[np.bool_] = beyond & (whole > 2 * own)
    return mask


def _left(values: Array, terms: Array) -> Array:
    """What a plane leaves over."""
    return np.asarray(values - terms @ np.linalg.lstsq(terms, values, rcond=None)[0])


def _squares(values: Array) -> float:
    return float(values @ values)
