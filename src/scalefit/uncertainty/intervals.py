"""From draws to intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError

Array = NDArray[np.float64]


def check_level(level: float) -> float:
    """A level between 0 and 1, or an error that says what was probably meant."""
    if not 0 < level < 1:
        hint = f" Did you mean {level / 100:g}?" if 1 < level < 100 else ""
        raise FitError(f"level must lie between 0 and 1; got {level!r}.{hint}")
    return float(level)


def percentile_interval(draws: Array, level: float) -> tuple[Array, Array]:
    """Low and high over the first axis: the central share ``level`` of the draws."""
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
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
