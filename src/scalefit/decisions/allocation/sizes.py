"""What another size than the best costs, at the same budget and to the same loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.answer import SpendingAnswer, doubts_of, warn_unless_converged
from scalefit.decisions.allocation.inverse import budget_for, tokens_for
from scalefit.decisions.allocation.joint import Joint
from scalefit.decisions.allocation.setting import (
    CostLike,
    Numbers,
    Setting,
    check_budgets,
    check_numbers,
    find_setting,
)
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes compared where none are named, as multiples of the best.
FACTORS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SizeComparison(SpendingAnswer):
    """What other sizes than the best cost: made by :func:`scalefit.compare_sizes`.

    Attributes
    ----------
    frame : DataFrame
        One row per size, each quantity with ``_low`` and ``_high``: ``factor``, the size over the best of the budget;
        ``params``, ``tokens`` and ``loss`` at the same budget; ``extra_loss`` over the best; ``waste``, how many times
        the least compute is spent for that loss; ``overhead``, how many times the budget this size needs for the loss
        of the best, and ``overtraining``, how many times the tokens of the best: infinite where no number of tokens is
        enough. ``beyond`` and ``undefined``; ``out_of_reach``, the share of draws in which no tokens are enough.
    output : str, what the law predicts.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """

    output: str

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Waste and overhead along the size: see :func:`scalefit.plots.allocations.plot_sizes`."""
        from scalefit.plots.allocations import plot_sizes

        return plot_sizes(self, ax=ax)


def compare_sizes(
    fit: Fit,
    *,
    flops: float,
    factors: Numbers | None = None,
    params: Numbers | None = None,
    cost: CostLike = None,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> SizeComparison:
    """What it costs to train a smaller model for longer, or a larger one for less, than is best for a budget.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    flops : float, > 0
        One budget.
    factors : float or sequence of float, > 0
        Sizes as multiples of the best, in each draw of its own best. None and no ``params``: from a tenth to ten times.
    params : float or sequence of float, > 0
        Sizes in parameters instead: their intervals also hold that the best size is not known.
    cost, at, level : as for :func:`scalefit.allocate`.

    Returns
    -------
    SizeComparison

    Raises
    ------
    FitError
        If both ``factors`` and ``params`` are given, or the law is not one of size and tokens.

    References
    ----------
    Hoffmann et al. 2022, arXiv:2203.15556, eq. 4, from which waste and overhead follow; Gadre et al. 2024,
    arXiv:2403.08540, on over-training.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
    >>> sf.compare_sizes(fit, flops=1e13, factors=[0.5, 1]).frame.waste.round(6).tolist()[1]
    1.0
    """
    setting = find_setting(fit, cost=cost, at=at, level=level)
    budget = check_budgets(flops, setting.cost)
    if len(budget) != 1:
        raise FitError(f"compare_sizes takes one budget; got {len(budget)}.")
    if factors is not None and params is not None:
        raise FitError("factors and params both say which sizes are compared: give one.")
    warn_unless_converged(fit, "The best split")
    best = setting.best(budget)
    if params is None:
        asked = check_numbers(FACTORS if factors is None else factors, "factors")
        size = asked * best.params
    else:
        asked = check_numbers(params, "params")
        size = np.broadcast_to(asked, (len(setting.theta), len(asked)))
    values = _quantities(setting, budget, size, best.params, best.tokens, best.loss)
    if params is None:
        values["factor"] = np.where(np.isfinite(size), asked, np.nan)
    joint = Joint(pd.DataFrame(index=range(len(asked))), values, setting.level)
    frame = joint.table()
    frame["beyond"] = setting.beyond(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float))
    frame["undefined"], frame["out_of_reach"] = joint.undefined("factor"), joint.out_of_reach("overhead")
    return SizeComparison(
        frame=frame,
        joint=joint,
        level=setting.level,
        sentence=_sentence(setting, frame, float(budget[0])),
        doubts=doubts_of(frame, fit, setting, split=False),
        notes=(
            "waste: times the least compute for the loss reached; overhead and overtraining: times the compute and the "
            "tokens that this size needs for the loss of the best.",
            *setting.notes(),
        ),
        fit=fit,
        output=setting.output,
    )


def _quantities(
    setting: Setting, budget: Array, size: Array, best: Array, best_tokens: Array, best_value: Array
) -> dict[str, Array]:
    tokens = setting.cost.tokens_for(size, budget)
    value = setting.value(size, tokens)
    # The best itself may come out a rounding below the loss of the best.
    same = np.isclose(size, best, rtol=1e-9, atol=0)
    needed = tokens_for(setting, size, best_value)
    with np.errstate(all="ignore"):
        waste = np.where(same, 1.0, budget / budget_for(setting, value))
        overhead = np.where(same, 1.0, setting.cost(size, needed) / budget)
        over = np.where(same, 1.0, needed / best_tokens)
    sign = -1.0 if setting.higher else 1.0
    return {
        "factor": size / best, "params": size, "tokens": tokens, setting.output: value,
        "extra_loss": np.where(same, 0.0, sign * (value - best_value)), "waste": waste, "overhead": overhead,
        "overtraining": over,
    }  # fmt: skip


def _sentence(setting: Setting, frame: pd.DataFrame, budget: float) -> str:
    level = setting.level
    if not np.isfinite(frame["factor"].iloc[0]):
        return f"no best size at {setting.budget(budget)}{setting.where}, so none to compare with"
    factor, extra, waste = (wording.of(frame, 0, name, level) for name in ("factor", "extra_loss", "waste"))
    first = (
        f"at {setting.budget(budget)}{setting.where} a model of {factor} times the best size has {extra} more "
        f"{setting.target} and takes {waste} times the compute that its {setting.target} needs"
    )
    if setting.higher:
        first = first.replace("more", "less")
    if not np.isfinite(frame["overhead"].iloc[0]):
        return f"{first}; no number of tokens gives it the {setting.target} of the best"
    overhead = wording.of(frame, 0, "overhead", level)
    return f"{first}; for the {setting.target} of the best it takes {overhead} times the budget"
