"""The best size where the model is also served: training and inference paid together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.answer import SpendingAnswer, doubts_of, warn_unless_converged
from scalefit.decisions.allocation.budget import CALLED
from scalefit.decisions.allocation.inverse import budget_for, cheapest, reachable, tokens_for
from scalefit.decisions.allocation.joint import Joint
from scalefit.decisions.allocation.setting import (
    CostLike,
    Numbers,
    Setting,
    check_budgets,
    check_numbers,
    find_setting,
)
from scalefit.decisions.frontier import best_split
from scalefit.decisions.spending import Cost
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.result import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A share saved below this is none.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class InferenceAllocation(SpendingAnswer):
    """The best size where tokens are also served: made by :func:`scalefit.allocate_inference`.

    Attributes
    ----------
    frame : DataFrame
        One row per question: ``inference_tokens``, then with ``_low`` and ``_high`` each: ``params``, ``tokens``,
        ``loss``, ``flops`` (training and inference together, each at its own count), ``cost`` (the same with inference
        at its price) where ``inference_price`` is not 1, ``tokens_per_param``, ``params_factor``, the size over the one
        that is best for training alone to the same loss, and ``saved``, the share of the cost that the other would
        cost more. ``beyond``, ``undefined``, and ``out_of_reach``, the share of draws whose floor lies above
        the target.
    output : str, what the law predicts.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """

    output: str

    def plot(self, *, quantity: str = "params", ax: Axes | None = None) -> Axes:
        """A quantity along the tokens served: see :func:`scalefit.plots.allocations.plot_inference`."""
        from scalefit.plots.allocations import plot_inference

        return plot_inference(self, quantity=quantity, ax=ax)


def allocate_inference(
    fit: Fit,
    *,
    inference_tokens: Numbers,
    loss: float | None = None,
    flops: float | None = None,
    cost: CostLike = None,
    inference_cost: str | Callable[[Any], Any] | None = None,
    inference_price: float = 1.0,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> InferenceAllocation:
    """How large to train a model that will also be served: the cheapest for a loss, or the best for a budget.

    The more tokens are served, the smaller the best model and the longer its training. With no tokens served it is the
    best split of training alone.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    inference_tokens : float or sequence of float, >= 0
        Tokens served over the life of the model, read and written.
    loss : float, optional
        The loss to reach at the least cost of training and inference.
    flops : float, optional
        What both may cost together, inference at its price. Give this or ``loss``.
    cost : str, callable or Cost, optional
        What training costs; None is 6 N D.
    inference_cost : str or callable, optional
        What serving one token costs, as a formula or function of ``params``. None is 2 N.
    inference_price : float, > 0
        What a FLOP of inference costs, a FLOP of training being one: the ratio of prices over the ratio of
        utilisations. Hardware used at 50 % in training and at 10 % in inference has 5.
    at : mapping of other inputs to values, needed where the law has such.
    level : float in (0, 1).

    Returns
    -------
    InferenceAllocation

    Raises
    ------
    FitError
        If not exactly one of ``loss`` and ``flops`` is given, or the law is not one of size and tokens.
    DataError
        If a number is out of range.

    References
    ----------
    Sardana et al. 2024, arXiv:2401.00448, eq. 3 (FLOP) and 6 (prices).

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
    >>> served = sf.allocate_inference(fit, inference_tokens=[0, 1e9], loss=1.2)
    >>> bool(served.frame.params[1] < served.frame.params[0])
    True
    """
    if (loss is None) == (flops is None):
        raise FitError("Give loss=, to reach it at the least cost, or flops=, to spend on training and inference.")
    setting = find_setting(fit, cost=cost, at=at, level=level)
    served = check_numbers(inference_tokens, "inference_tokens", positive=False)
    price = float(check_numbers(inference_price, "inference_price")[0])
    per_token = serving_cost(inference_cost, price)
    warn_unless_converged(fit, "The best split")
    if loss is not None:
        params, tokens = _cheapest(setting, per_token, served, float(check_numbers(loss, "loss")[0]))
        value = np.where(np.isfinite(params), float(loss), np.nan)
    else:
        budget = check_budgets(flops, setting.cost)
        params, tokens = _best_for_budget(setting, per_token, served, budget)
        value = setting.value(params, tokens)
    values = _quantities(setting, per_token, price, served, params, tokens, value)
    joint = Joint(pd.DataFrame({"inference_tokens": served}), values, setting.level)
    frame = joint.table()
    frame["beyond"] = setting.beyond(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float))
    frame["undefined"], frame["out_of_reach"] = joint.undefined("params"), joint.out_of_reach("params")
    return InferenceAllocation(
        frame=frame,
        joint=joint,
        level=setting.level,
        sentence=_sentence(setting, frame, loss, flops, price),
        doubts=doubts_of(frame, fit, setting),
        notes=(
            f"Inference: {_words(inference_cost)} per token served{_priced(price)}; flops are training and inference "
            f"together{_costed(price)}.",
            *setting.notes(),
        ),
        fit=fit,
        output=setting.output,
    )


def serving_cost(cost: str | Callable[[Any], Any] | None, price: float) -> Callable[[Array], Array]:
    """What serving one token costs, as a function of size, in FLOP of training."""
    if cost is None or isinstance(cost, str):
        formula = Cost.of("2 * params" if cost is None else cost)
        return lambda params: price * formula(params, np.ones_like(params))
    if callable(cost):
        return lambda params: price * np.asarray(cost(params), float)
    raise FitError(f"inference_cost: a formula or function of params; got {type(cost).__name__}.")


def _priced(price: float) -> str:
    return "" if price == 1 else f", each FLOP as dear as {wording.count(price)} of training"


def _costed(price: float) -> str:
    return "" if price == 1 else ", cost the same with inference at its price"


def _words(cost: str | Callable[[Any], Any] | None) -> str:
    if cost is None or isinstance(cost, str):
        return cost or "2 * params"
    return str(getattr(cost, "__name__", "a function of params"))


def _cheapest(setting: Setting, per_token: Callable[[Array], Array], served: Array, loss: float) -> tuple[Array, Array]:
    """Size and tokens, (1 + draws, m), of the least total cost for a loss; infinite where it is out of reach."""
    target = np.array([loss])
    size = cheapest(setting, target, lambda params: per_token(params) * served[:, None], len(served))
    params = np.where(reachable(setting, target), size, np.inf)
    return params, np.where(np.isinf(params), np.inf, tokens_for(setting, params, target))


def _best_for_budget(
    setting: Setting, per_token: Callable[[Array], Array], served: Array, budget: Array
) -> tuple[Array, Array]:
    """Size and tokens, (1 + draws, m), of the lowest loss for a budget that pays both."""
    params, tokens = np.empty((2, len(setting.theta), len(served)))
    for k, count in enumerate(served):
        both = _both(setting, per_token, float(count))
        best = best_split(
            setting.plane.law, setting.theta, budget, cost=both, sizes=setting.sizes, at=setting.plane.at,
            higher=setting.higher,
        )  # fmt: skip
        params[:, k], tokens[:, k] = best.params[:, 0], best.tokens[:, 0]
    return params, tokens


def _both(setting: Setting, per_token: Callable[[Array], Array], served: float) -> Cost:
    return Cost(lambda params, tokens: setting.cost(params, tokens) + per_token(params) * served, "with inference")


def _quantities(
    setting: Setting,
    per_token: Callable[[Array], Array],
    price: float,
    served: Array,
    params: Array,
    tokens: Array,
    value: Array,
) -> dict[str, Array]:
    """Beside size and tokens: the cost of both, and how they compare with what is best for training alone."""
    with np.errstate(all="ignore"):
        training, serving = setting.cost(params, tokens), per_token(params) * served
        total = training + serving
        alone = budget_for(setting, value)
        size_alone = setting.best(alone).params
        other = alone + per_token(size_alone) * served
        unbounded = np.isinf(params)
        ratio = np.where(unbounded, np.nan, tokens / params)
        saved = np.where(unbounded, np.nan, 1 - total / other)
        saved = np.where(np.abs(saved) < ROUNDING, 0.0, saved)
        factor = np.where(unbounded, np.nan, params / size_alone)
    priced = {} if price == 1 else {"cost": np.where(unbounded, np.inf, total)}
    return {
        "params": params, "tokens": tokens, setting.output: value,
        "flops": np.where(unbounded, np.inf, training + serving / price), **priced,
        "tokens_per_param": ratio, "params_factor": factor, "saved": saved,
    }  # fmt: skip


def _sentence(setting: Setting, frame: pd.DataFrame, loss: float | None, flops: float | None, price: float) -> str:
    level, served = setting.level, wording.count(frame["inference_tokens"].iloc[-1])
    goal = f"{setting.target} {wording.count(loss)}" if loss is not None else setting.budget(flops or 0.0)
    if not np.isfinite(frame["params"].iloc[-1]):
        share = frame["out_of_reach"].iloc[-1]
        if loss is not None and share > 0:
            return f"{goal} is out of reach of this law at any size (in {100 * share:.3g} % of the draws)"
        return f"no best size for {goal} with {served} tokens served{setting.where}"
    size, tokens = (wording.of(frame, -1, name, level) for name in ("params", "tokens"))
    start = f"to reach {goal} and serve" if loss is not None else f"with {goal} for training and for serving"
    unit = " FLOP" if setting.cost.six_nd else ""
    dear = "" if price == 1 else f", as dear as {wording.of(frame, -1, 'cost', level)} of training"
    ends = (
        f"{wording.of(frame, -1, 'flops', level)}{unit} in all{dear}"
        if loss is not None
        else f"expected {setting.target} {wording.of(frame, -1, setting.output, level)}"
    )
    factor = wording.of(frame, -1, "params_factor", level)
    return (
        f"{start} {served} tokens{setting.where}: train {size} {CALLED[setting.plane.size]} on {tokens} "
        f"tokens, {ends}; {factor} times the size that is best for training alone to that {setting.target}"
    )
