"""Residuals in order, beside where those of a normal scatter would lie."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level

#: The middle half of a normal distribution is so many standard deviations wide.
NORMAL_HALF = 2 * NormalDist().inv_cdf(0.75)


def residual_quantiles(fit: Fit, *, level: float = 0.9) -> pd.DataFrame:
    """Residuals in order, and where as many draws of a normal scatter would lie.

    Parameters
    ----------
    fit : Fit
    level : float in (0, 1), of the band for each place in the order.

    Returns
    -------
    DataFrame
        One row per row fitted, the lowest residual first: ``residual`` as in ``fit.residuals``; ``deviations``, where
        that place in the order stands in standard deviations of a normal distribution; ``expected``, the residual
        there if the scatter were normal about the median of the residuals and as wide as their middle half; ``low,
        high``, the ends between which it would lie so often. Heavy tails leave the band at both ends, outliers at one.

    Notes
    -----
    The k-th lowest of n uniform numbers follows a beta distribution of k and n + 1 - k; its median gives
    ``deviations``, its central share the band.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> told = residual_quantiles(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> told.columns.tolist()
    ['residual', 'deviations', 'expected', 'low', 'high']
    """
    from scipy.special import betaincinv, ndtri

    check_level(level)
    seen = np.sort(fit.residuals["residual"].to_numpy(float))
    n = len(seen)
    rank = np.arange(1, n + 1)
    shares = (0.5 - level / 2, 0.5, 0.5 + level / 2)
    low, middle, high = (ndtri(betaincinv(rank, n + 1 - rank, share)) for share in shares)
    first, centre, third = np.quantile(seen, (0.25, 0.5, 0.75))
    width = (third - first) / NORMAL_HALF
    told = {"expected": middle, "low": low, "high": high}
    scaled = {name: centre + width * values for name, values in told.items()}
    return pd.DataFrame({"residual": seen, "deviations": middle, **scaled})
