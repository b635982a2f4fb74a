"""Runs that might be trained: sizes and tokens about a usual split, along some budgets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalefit.decisions.spending import Cost
from scalefit.errors import FitError

#: Tokens per parameter about which the splits lie: that of Hoffmann et al. 2022, near the best one of a budget.
USUAL_RATIO = 20.0


def candidates(
    flops: Sequence[float] | float,
    *,
    ratio: Sequence[float] | float | None = None,
    spread: float = 16.0,
    splits: int = 5,
    cost: Cost | str | None = None,
) -> pd.DataFrame:
    """Make a table of runs that might be trained: for each budget, several splits into size and tokens.

    Parameters
    ----------
    flops : budgets of single runs, above zero; where 100 times the next is too far apart, give more of them.
    ratio : tokens per parameter. A sequence names every split; one number is the middle of ``splits`` of them; None is
        a middle of 20, near the best split of a budget (Hoffmann et al. 2022).
    spread : how many times above and below the middle the outermost splits lie. Laws of size and data need runs off one
        ray of tokens per parameter.
    splits : how many splits each budget has, where ``ratio`` is not a sequence.
    cost : what a run costs, as for :class:`scalefit.Cost`; None is ``6 * params * tokens``.

    Returns
    -------
    DataFrame
        ``params, tokens, flops``, one row a run, cheapest budgets first.

    Raises
    ------
    FitError
        If a number is not above zero.

    Examples
    --------
    >>> told = candidates([1e18, 1e19], splits=3)
    >>> (told.tokens / told.params).round(2).tolist()[:3]
    [1.25, 20.0, 320.0]
    """
    budgets = np.sort(np.atleast_1d(np.asarray(flops, float)))
    if ratio is None or np.ndim(ratio) == 0:
        middle = USUAL_RATIO if ratio is None else float(np.asarray(ratio))
        if not (splits >= 1 and spread >= 1 and middle > 0):
            raise FitError(
                f"candidates needs splits and spread of 1 or more and a ratio above 0; got splits={splits!r}, "
                f"spread={spread!r}, ratio={ratio!r}."
            )
        ratios = middle * (np.ones(1) if splits == 1 else np.geomspace(1 / spread, spread, splits))
    else:
        ratios = np.sort(np.asarray(ratio, float))
    for name, values in (("flops", budgets), ("ratio", ratios)):
        if not (values.size and np.isfinite(values).all() and (values > 0).all()):
            raise FitError(f"candidates: {name} must be above zero, and there must be one; got {values.tolist()}.")
    spends = Cost.of(cost)
    rows = []
    for budget in budgets:
        params = _params_for(spends, budget, ratios)
        rows.append(pd.DataFrame({"params": params, "tokens": ratios * params, "flops": budget}))
    return pd.concat(rows, ignore_index=True).dropna().reset_index(drop=True)


def _params_for(spends: Cost, budget: float, ratios: np.ndarray) -> np.ndarray:
    """Sizes whose training on ``ratios`` tokens per parameter takes a budget."""
    if spends.six_nd:
        return np.asarray(np.sqrt(budget / 6 / ratios))
    low, high = np.full(ratios.shape, 0.0), np.full(ratios.shape, 60.0)
    for _ in range(70):
        middle = (low + high) / 2
        below = spends(np.exp(middle), ratios * np.exp(middle)) <= budget
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(np.where(low > 0, np.exp((low + high) / 2), np.nan))
