"""From draws to intervals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import FitError, not_one_of
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.jackknife import MOST_GROUPS, leave_one_out
from scalefit.uncertainty.studentized import pivots

Array = NDArray[np.float64]
IntervalKind = Literal["percentile", "basic", "bca", "studentized"]
#: Share of draws without a standard error above which a parameter has no interval.
MOST_UNDEFINED = 0.5
#: The kinds by the words in messages.
WORDS: dict[IntervalKind, str] = {"basic": "Basic", "bca": "BCa", "studentized": "Studentized"}


def check_level(level: float) -> float:
    """A level between 0 and 1, or an error that says what was probably meant."""
    if not 0 < level < 1:
        hint = f" Did you mean {level / 100:g}?" if 1 < level < 100 else ""
        raise FitError(f"level must lie between 0 and 1; got {level!r}.{hint}")
    return float(level)


def interval_of(fit: Fitted, level: float, kind: str) -> tuple[Array, Array]:
    """Low and high (p,) of the parameters of a fit.

    Raises
    ------
    FitError
        If the kind is unknown, or needs draws of a bootstrap that the fit does not have.
    """
    check_level(level)
    known = next((name for name in get_args(IntervalKind) if name == kind), None)
    if known is None:
        raise FitError(not_one_of("kind", kind, get_args(IntervalKind)))
    if known == "percentile":
        return percentile_interval(fit.draws_theta, level)
    if fit.draws is None:
        raise FitError(f"{WORDS[known]} intervals need draws: call fit.bootstrap(1000) first.")
    if known == "basic":
        return basic_interval(fit.draws_theta, fit.theta[0], logarithmic(fit), level)
    if known == "studentized":
        own, each = pivots(fit)
        return studentized_interval(fit.draws_theta, fit.theta[0], each, own, logarithmic(fit), level)
    without = leave_one_out(fit.problem, fit.coordinates, fit.u[None], fit.weights, fit.units, groups=MOST_GROUPS)
    return bca_interval(fit.draws_theta, fit.theta[0], without.theta[~without.failed], level)


def summary_frame(fit: Fitted, level: float, kind: str, at_bound: Collection[str]) -> pd.DataFrame:
    """Estimates, standard errors and intervals, one row a parameter."""
    return pd.DataFrame(
        {
            **summary_columns(fit, level, kind),
            "unit": [param.unit for param in fit.law.params],
            "at_bound": [name in at_bound for name in fit.law.param_names],
        },
        index=pd.Index(fit.law.param_names, name="parameter"),
    )


def summary_columns(fit: Fitted, level: float, kind: str) -> dict[str, Array]:
    """The numbers of a summary: ``estimate, se, low, high``, (p,) each."""
    low, high = interval_of(fit, level, kind)
    if fit.draws is not None:
        se = fit.draws_theta.std(axis=0, ddof=1)
    else:
        se = np.sqrt(np.maximum(np.diag(fit.covariance), 0))
    return {"estimate": fit.theta[0], "se": se, "low": low, "high": high}


def percentile_interval(draws: Array, level: float) -> tuple[Array, Array]:
    """Low and high over the first axis: the central share ``level`` of the draws."""
    with np.errstate(all="ignore"):  # draws that are infinite have no quantile between them
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high


def logarithmic(fit: Fitted) -> NDArray[np.bool_]:
    """Which parameters (p,) are compared in their logarithm: sizes of terms, unless a draw is on its bound of zero.

    In simulations both scales hold the truth equally often; on the raw one the low end may be negative.
    """
    sizes = np.array([param.coordinate == "log" for param in fit.law.params])
    return np.asarray(sizes & (fit.theta[0] > 0) & (fit.draws_theta > 0).all(axis=0))


def basic_interval(draws: Array, estimate: Array, log: NDArray[np.bool_], level: float) -> tuple[Array, Array]:
    """The central share of the draws (n, p), mirrored at the estimate (p,); in the logarithm where ``log`` (p,)."""
    low, high = percentile_interval(draws, level)
    with np.errstate(all="ignore"):
        return np.where(log, estimate**2 / high, 2 * estimate - high), np.where(
            log, estimate**2 / low, 2 * estimate - low
        )


def studentized_interval(
    draws: Array, estimate: Array, each: Array, own: Array, log: NDArray[np.bool_], level: float
) -> tuple[Array, Array]:
    """Bootstrap-t intervals (Hall 1988): draws (n, p) in units of their own standard errors, ``each`` (n, p).

    Parameters
    ----------
    estimate, own : (p,) from the data as they are, and its standard errors; zero where a parameter does not move.
    log : (p,) whether a parameter is compared in its logarithm.
    """
    with np.errstate(all="ignore"):
        moved = np.where(log, np.log(np.where(log, draws / estimate, 1.0)), draws - estimate)
        t = moved / np.where(log, each / draws, each)
        unit = np.where(log, own / estimate, own)
    low, high = np.full((2, len(estimate)), np.nan)
    for j in range(len(estimate)):
        good = np.isfinite(t[:, j])
        if own[j] == 0:
            low[j] = high[j] = estimate[j]
        elif np.mean(good) >= 1 - MOST_UNDEFINED:
            away = -unit[j] * np.quantile(t[good, j], [0.5 + level / 2, 0.5 - level / 2])
            low[j], high[j] = estimate[j] * np.exp(away) if log[j] else estimate[j] + away
    return low, high


def bca_interval(draws: Array, estimate: Array, jackknife: Array, level: float) -> tuple[Array, Array]:
    """Bias-corrected and accelerated intervals (Efron 1987) for each column of draws (n, p).

    Parameters
    ----------
    estimate : (p,) from all units.
    jackknife : (units, p), each without one unit.
    """
    from scipy.special import ndtr, ndtri

    below = np.mean(draws < estimate, axis=0) + 0.5 * np.mean(draws == estimate, axis=0)
    bias = ndtri(np.clip(below, 1 / (2 * len(draws)), 1 - 1 / (2 * len(draws))))
    away = jackknife.mean(axis=0) - jackknife
    power = np.sum(away**2, axis=0)
    skew = np.divide(np.sum(away**3, axis=0), 6 * power**1.5, out=np.zeros_like(power), where=power > 0)
    ends = []
    for z in (ndtri(0.5 - level / 2), ndtri(0.5 + level / 2)):
        share = ndtr(bias + (bias + z) / (1 - skew * (bias + z)))
        ends.append(np.array([np.quantile(draws[:, j], share[j]) for j in range(draws.shape[1])]))
    return ends[0], ends[1]
