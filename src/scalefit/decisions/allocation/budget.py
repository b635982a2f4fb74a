"""The best size and tokens for a compute budget, with joint intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.answer import SpendingAnswer, doubts_of, identified, warn_unless_converged
from scalefit.decisions.allocation.inverse import budget_with_tokens
from scalefit.decisions.allocation.joint import Joint, central
from scalefit.decisions.allocation.setting import (
    CostLike,
    Numbers,
    Setting,
    check_budgets,
    check_numbers,
    find_setting,
)
from scalefit.decisions.frontier import has_closed_form
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.wording.amounts import with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Half a step in the log of compute for a local slope.
STEP = 0.1
#: Budgets of the curve that is drawn.
CURVE = 40
#: Why there is no best size, by the end at which the law is lowest.
NO_BEST = {
    -1: "ever smaller models on more tokens are better",
    1: "ever larger models on fewer tokens are better",
    2: "the law has no value along this budget",
    3: "many sizes are equally good, for compute is no longer what limits",
}
#: What sizes are called in a sentence.
CALLED = {
    "params": "parameters",
    "params_active": "active parameters",
    "params_total": "parameters in all",
    "params_nonzero": "parameters that are not zero",
    "params_non_embedding": "parameters outside the embeddings",
}


@dataclass(frozen=True, eq=False)
class Exponent:
    """The power of compute with which the best size grows, with its interval, and how it was taken."""

    estimate: float
    low: float
    high: float
    level: float
    text: str

    def __repr__(self) -> str:
        return f"{with_interval(self.estimate, self.low, self.high, self.level)}, {self.text}"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Allocation(SpendingAnswer):
    """The best size and tokens for compute budgets: made by :func:`scalefit.allocate`.

    Attributes
    ----------
    frame : DataFrame
        One row per budget: ``flops``, then ``params``, ``tokens``, ``loss`` (under the name of what the law predicts)
        and ``tokens_per_param``, each with ``_low`` and ``_high``; ``epochs`` where the law takes ``unique_tokens``;
        ``beyond``, how many times past the data the place lies; ``undefined``, the share of draws without a best size;
        ``data_limited``, the share that want more than ``max_tokens``, the estimate among them.
    draws : DataFrame, the same of each draw: ``draw, flops, params, tokens, loss, tokens_per_param``.
    exponent : Exponent of the best size in compute, ``estimate, low, high``.
    max_tokens : float or None, the tokens that exist.
    setting : Setting, the law as one of size and tokens, what a run costs, and what is held.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """

    exponent: Exponent
    setting: Setting
    max_tokens: float | None

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The frame over budgets from the smallest run, or the smallest asked for, to the largest of both."""
        asked, seen = self.frame["flops"], self.setting.seen_cost
        budgets = np.geomspace(min(asked.min(), seen.min()), max(asked.max(), seen.max()), CURVE)
        return _joint(self.setting, budgets, self.max_tokens)[0].table()

    @property
    def largest_run(self) -> float:
        """What the largest run fitted cost."""
        return float(self.setting.seen_cost.max())

    def plot(self, *, quantity: str | None = None, ax: Axes | None = None) -> Axes:
        """Best size and tokens, or one quantity, along compute: see :func:`scalefit.plot_allocation`."""
        from scalefit.plots.allocations import plot_allocation

        return plot_allocation(self, quantity=quantity, ax=ax)


def allocate(
    fit: Fit,
    *,
    flops: Numbers,
    cost: CostLike = None,
    at: Mapping[str, float] | None = None,
    max_tokens: float | None = None,
    level: float = 0.9,
) -> Allocation:
    """How large to train, and on how many tokens, for a compute budget.

    In closed form where the law has one, else by a search over sizes, at the estimates and in every draw. The size,
    the tokens and the loss of one draw belong together; intervals are the central share of the draws of each.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens. Best with draws: ``fit.bootstrap(1000)``; else from its covariance.
    flops : float or sequence of float, > 0
        Budgets in FLOP, or in the unit of ``cost``.
    cost : str, callable or Cost, optional
        What a run costs, such as ``"6 * params * tokens + 2 * params * 1e12"`` or ``sf.Cost.from_runs(runs)``. None is
        6 N D. In formulas the size is called ``params`` whatever the law calls it.
    at : mapping of other inputs to values, such as ``{"unique_tokens": 1e11}``, needed where the law has such.
    max_tokens : float, optional
        Tokens that exist, for one pass. Where more would be best, the rest of the budget goes into size.
    level : float in (0, 1). How often intervals made in this way hold the value that the law with its true parameters
        has.

    Returns
    -------
    Allocation
        ``.frame`` one row per budget, ``.draws``, ``.exponent``, ``.plot()``.

    Raises
    ------
    FitError
        If the law is not one of size and tokens, or another of its inputs has no value.
    DataError
        If a budget is not above zero, or so small that it is probably in another unit.

    Warns
    -----
    FitWarning
        If the fit is not converged or not identified.

    References
    ----------
    Hoffmann et al. 2022, arXiv:2203.15556, section 3.3 and appendix D.3.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
    >>> best = sf.allocate(fit, flops=1e13)
    >>> best.frame[["flops", "params", "params_low", "params_high"]].shape
    (1, 4)
    """
    setting = find_setting(fit, cost=cost, at=at, level=level)
    budgets = check_budgets(flops, setting.cost)
    limit = None if max_tokens is None else float(check_numbers(max_tokens, "max_tokens")[0])
    if limit is not None and "unique_tokens" in fit.law.inputs:
        raise FitError(f"{fit.law.name} knows repetition: give at={{'unique_tokens': {limit:g}}} and no max_tokens.")
    warn_unless_converged(fit, "The best split")
    joint, edge = _joint(setting, budgets, limit)
    frame = _frame(setting, joint, limit)
    exponent = find_exponent(setting, budgets, limit)
    return Allocation(
        frame=frame,
        joint=joint,
        level=setting.level,
        sentence=_sentence(setting, frame, edge[0], exponent, limit),
        doubts=doubts_of(frame, fit, setting),
        notes=tuple(_notes(setting, frame, exponent, limit)),
        fit=fit,
        exponent=exponent,
        setting=setting,
        max_tokens=limit,
    )


def _joint(setting: Setting, budgets: Array, limit: float | None) -> tuple[Joint, NDArray[np.int8]]:
    """Size, tokens, value and ratio at the estimates and in every draw; and why there is no best size."""
    params, tokens, value, edge = _limited(setting, budgets, limit)
    values = {"params": params, "tokens": tokens, setting.output: value, "tokens_per_param": tokens / params}
    if "unique_tokens" in setting.plane.at:
        values["epochs"] = tokens / setting.plane.at["unique_tokens"]
    return Joint(pd.DataFrame({"flops": budgets}), values, setting.level), edge


def _limited(setting: Setting, budgets: Array, limit: float | None) -> tuple[Array, Array, Array, NDArray[np.int8]]:
    """Size, tokens and value of the best split, (1 + draws, m), under a limit of tokens; and why there is none."""
    best = setting.best(budgets)
    if limit is None:
        return best.params, best.tokens, best.loss, best.edge
    over = best.tokens > limit
    params = np.where(over, setting.cost.params_for(np.array(limit), budgets), best.params)
    tokens = np.where(over, limit, best.tokens)
    return params, tokens, np.where(over, setting.value(params, tokens), best.loss), best.edge


def _frame(setting: Setting, joint: Joint, limit: float | None) -> pd.DataFrame:
    frame = joint.table()
    frame["beyond"] = setting.beyond(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float))
    frame["undefined"] = joint.undefined("params")
    if limit is not None:
        frame["data_limited"] = np.mean(joint.values["tokens"] >= limit, axis=0)
    return frame


def find_exponent(setting: Setting, budgets: Array, limit: float | None = None) -> Exponent:
    """The power of compute with which the best size grows: in closed form, else the slope over the budgets.

    With a limit on tokens it is that of the sizes under the limit. Without an interval where the runs do not identify
    the law.
    """
    law = setting.plane.law
    closed = law.derived.get("params_exponent")
    low, high = float(budgets.min()), float(budgets.max())
    bound = limit is not None and bool((setting.best(np.array([high * np.exp(STEP)])).tokens > limit).any())
    if not bound and has_closed_form(law, setting.cost) and closed is not None and not closed.asks:
        slopes = closed({name: setting.theta[:, j] for j, name in enumerate(law.param_names)})[:, None]
        text = "the same at every budget"
    elif high > low * np.exp(STEP):
        slopes, text = (
            _slope(setting, low, high, limit),
            f"the mean slope from {wording.count(low)} to {wording.count(high)}",
        )
    else:
        ends_of_step = low / np.exp(STEP), low * np.exp(STEP)
        slopes, text = _slope(setting, *ends_of_step, limit), f"the slope at {wording.count(low)}"
    if bound:
        text += f" with at most {wording.count(limit or np.nan)} tokens"
    ends = central(slopes[1:] if identified(setting.fit) else slopes[:0], setting.level)
    return Exponent(float(slopes[0, 0]), float(ends[0][0]), float(ends[1][0]), setting.level, text)


def _slope(setting: Setting, low: float, high: float, limit: float | None) -> Array:
    """(1 + draws, 1)."""
    sizes = np.log(_limited(setting, np.array([low, high]), limit)[0])
    return np.asarray((sizes[:, 1:] - sizes[:, :1]) / np.log(high / low))


def _sentence(
    setting: Setting, frame: pd.DataFrame, edge: NDArray[np.int8], exponent: Exponent, limit: float | None
) -> str:
    budget, level = setting.budget(frame["flops"].iloc[-1]), setting.level
    bound = "" if limit is None else f" and at most {wording.count(limit)} tokens"
    if edge[-1] != 0:
        share = frame["undefined"].iloc[-1]
        return (
            f"no best size at {budget}{setting.where}: {NO_BEST[int(edge[-1])]} "
            f"({100 * share:.3g} % of the draws have none either)"
        )
    size, tokens, value = (wording.of(frame, -1, name, level) for name in ("params", "tokens", setting.output))
    if limit is not None and frame["tokens"].iloc[-1] >= limit:
        tokens = f"all {wording.count(limit)} tokens"
    else:
        tokens += " tokens"
    passes = f", {wording.of(frame, -1, 'epochs', level)} passes" if "epochs" in frame else ""
    first = (
        f"at {budget}{bound}{setting.where}: train {size} {CALLED[setting.plane.size]} on {tokens}{passes}, "
        f"expected {setting.target} {value}"
    )
    if len(frame) == 1:
        return first
    grows = with_interval(exponent.estimate, exponent.low, exponent.high, level)
    span = f"from {wording.count(frame['flops'].min())} to {setting.budget(frame['flops'].max())}"
    return f"{span} the best size grows as compute to the power {grows}; {first}"


def _notes(setting: Setting, frame: pd.DataFrame, exponent: Exponent, limit: float | None) -> list[str]:
    out = [f"The best size grows as compute to the power of {exponent!r}."] if identified(setting.fit) else []
    if limit is not None:
        enough = budget_with_tokens(setting, limit)
        low, high = central(enough[1:], setting.level)
        told = with_interval(float(enough[0, 0]), float(low[0]), float(high[0]), setting.level)
        out.append(
            f"{wording.count(limit)} tokens are enough up to a budget of {told}. Beyond, the rest goes into size, "
            f"which never hurts in this law: {setting.plane.law.name} sees neither over-fitting nor repetition."
        )
    few = frame["undefined"].max()
    if few > 0:
        out.append(f"{100 * few:.2g} % of the draws have no best size and are left out of the intervals.")
    return out + setting.notes()
