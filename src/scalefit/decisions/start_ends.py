"""Where each start of a fit ended, and which of them agree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scalefit.fitting.verdict import AGREEMENT
from scalefit.result import Fit

#: Starts agree up to this share of the objective.
AGREED = AGREEMENT


def start_ends(fit: Fit) -> pd.DataFrame:
    """How far above the best objective each start of a fit ended.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    DataFrame
        One row a start, the lowest first: ``rank`` from 1, ``objective`` where it ended, ``above``, how much higher
        that is than the best, as a share of it (infinite where the start found nothing), and ``agrees``, whether it
        counts among those that agree. Empty for a fit loaded from a file that does not hold them.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> ends = start_ends(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    >>> ends.columns.tolist(), bool(ends.agrees[0])
    (['rank', 'objective', 'above', 'agrees'], True)
    """
    heights = np.sort(np.nan_to_num(np.array(fit.judgement.heights, float), nan=np.inf, posinf=np.inf))
    best = heights[0] if len(heights) else np.nan
    with np.errstate(all="ignore"):
        above = np.where(np.isfinite(heights), np.maximum(heights / best - 1, 0.0) if best > 0 else 0.0, np.inf)
    agrees = heights <= best * (1 + AGREEMENT) + 1e-25
    ranks = np.arange(1, len(heights) + 1)
    return pd.DataFrame({"rank": ranks, "objective": heights, "above": above, "agrees": agrees})
