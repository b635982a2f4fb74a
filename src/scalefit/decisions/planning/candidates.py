"""Runs that might be trained: sizes and tokens about a usual split, along some budgets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalefit.decisions.planning.costing import CostLike, cost_text, raw_costs
from scalefit.decisions.spending import Cost
from scalefit.errors import FitError, listing
from scalefit.formula import names_in, parse_formula
from scalefit.quantities import QUANTITIES

#: Tokens per parameter about which the splits lie: that of Hoffmann et al. 2022, near the best one of a budget.
USUAL_RATIO = 20.0
#: What single runs cost, as shares of the budget of a plan that was given no candidates.
LADDER = np.geomspace(1e-3, 1.0, 7)
#: Between so many FLOP, in logs, runs of a cost are looked for, by so many halvings.
_CHEAPEST, _DEAREST, _HALVINGS = float(np.log(1.0)), float(np.log(1e40)), 60
_MADE = ("params", "tokens", "flops")


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


def candidates_within(budget: float, cost: CostLike) -> pd.DataFrame:
    """Candidates of params and tokens that cost from a thousandth of a budget up to it, in the unit of the cost.

    Along a split the cost grows with FLOP, so the FLOP that take a given cost are found by halving.

    Raises
    ------
    FitError
        If the cost asks for a column that such candidates do not have, or no model of a usual size costs so little.
    """
    if isinstance(cost, str) and (strange := [one for one in names_in(parse_formula(cost)) if one not in _MADE]):
        raise FitError(
            f"cost={cost!r} asks for {listing(strange)}, which candidates that plan_runs makes do not have: pass "
            f"candidates with such a column, or a formula of {listing(_MADE)}."
        )
    table = candidates(LADDER.tolist())  # for the splits; their FLOP follow
    ratio, wanted = (table["tokens"] / table["params"]).to_numpy(), budget * table["flops"].to_numpy()
    low, high = np.full(len(table), _CHEAPEST), np.full(len(table), _DEAREST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        within = raw_costs(_of_flops(np.exp(middle), ratio), cost, {}) <= wanted
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    made = _of_flops(np.exp(low), ratio)
    usual = np.all([made[name] >= QUANTITIES[name].low for name in ("params", "tokens")], axis=0)
    usual &= (low > _CHEAPEST) & (high < _DEAREST)
    if not usual.any():
        raise FitError(
            f"A budget of {budget:g} trains no model of {QUANTITIES['params'].low:g} parameters or more at a cost of "
            f"{cost_text(cost)}. The budget is in the unit of the cost: give it in that unit, or the cost in that of "
            "the budget, such as cost='6 * params * tokens / (3600 * 4e14)' for hours, or candidates of your own."
        )
    return made[usual].reset_index(drop=True)


def _of_flops(flops: np.ndarray, ratio: np.ndarray) -> pd.DataFrame:
    params = np.sqrt(flops / 6 / ratio)
    return pd.DataFrame({"params": params, "tokens": ratio * params, "flops": flops})
