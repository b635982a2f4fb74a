"""Sizes and tokens with one loss, the cheapest of them, and the smallest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.decisions.allocation import wording
from scalefit.decisions.allocation.answer import SpendingAnswer, doubts_of, warn_unless_converged
from scalefit.decisions.allocation.budget import CALLED
from scalefit.decisions.allocation.inverse import LIMITLESS, budget_for, reachable, smallest_size, tokens_for
from scalefit.decisions.allocation.joint import Joint
from scalefit.decisions.allocation.setting import (
    CostLike,
    Numbers,
    Setting,
    check_budgets,
    check_numbers,
    find_setting,
)
from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes of a contour, and how far it goes past the sizes fitted.
SIZES, PAST = 60, 10.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IsoLoss(SpendingAnswer):
    """Sizes and tokens with the same loss: made by :func:`scalefit.iso_loss`.

    Attributes
    ----------
    frame : DataFrame
        One row per loss, the cheapest place of its contour: ``loss``, then ``params``, ``tokens``, ``flops`` and
        ``tokens_per_param``, each with ``_low`` and ``_high``; ``beyond``, ``undefined`` and ``out_of_reach``, the
        share of draws whose floor lies above.
    contours : DataFrame
        One row per loss and size: ``loss, params``, then ``tokens`` and ``flops`` with ``_low`` and ``_high``, infinite
        where no number of tokens is enough, and ``out_of_reach``.
    seen : DataFrame, ``params`` and ``tokens`` of the rows fitted.
    size : str, the input that stands for the size, such as ``"params"``.
    output : str, what the law predicts.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """

    contours: pd.DataFrame
    seen: pd.DataFrame
    output: str
    size: str

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Contours, with the cheapest place of each: see :func:`scalefit.plots.allocations.plot_iso_loss`."""
        from scalefit.plots.allocations import plot_iso_loss

        return plot_iso_loss(self, ax=ax)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SmallestModel(SpendingAnswer):
    """The smallest model with a loss: made by :func:`scalefit.smallest_model`.

    Attributes
    ----------
    frame : DataFrame
        One row per loss: ``loss``, then ``params`` and ``tokens`` with ``_low`` and ``_high``, infinite where out of
        reach; ``out_of_reach``, the share of draws in which no size is enough, and ``undefined``.
    level : float in (0, 1), of the intervals.
    sentence : str, the answer in one sentence.
    doubts : tuple of str, why it should not be trusted; empty where nothing speaks against it.
    notes : tuple of str, what was assumed.
    fit : Fit, the law and its draws.
    joint : Joint, the numbers of ``frame`` at the estimates and in every draw, from which it was made.
    """


def iso_loss(
    fit: Fit,
    *,
    loss: Numbers,
    params: Numbers | None = None,
    cost: CostLike = None,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> IsoLoss:
    """All pairs of size and tokens with a given loss, and which of them is cheapest.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    loss : float or sequence of float
    params : float or sequence of float, > 0
        Sizes of the contours; None: from a tenth of the smallest fitted to ten times the largest.
    cost, at, level : as for :func:`scalefit.allocate`.

    Returns
    -------
    IsoLoss
        ``.frame`` the cheapest place of each loss, ``.contours``, ``.plot()``.

    Raises
    ------
    FitError
        If the law is not one of size and tokens, or another of its inputs has no value.
    DataError
        If a loss or a size is not above zero.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
    >>> told = sf.iso_loss(fit, loss=[1.3, 1.2], params=[1e5, 1e6])
    >>> told.contours[["loss", "params", "tokens"]].shape
    (4, 3)
    """
    setting = find_setting(fit, cost=cost, at=at, level=level)
    losses = check_numbers(loss, "loss")
    low, high = setting.sizes
    sizes = np.geomspace(low / PAST, high * PAST, SIZES) if params is None else check_numbers(params, "params")
    warn_unless_converged(fit, "A contour")
    joint = _cheapest(setting, losses)
    frame = joint.table()
    frame["beyond"] = setting.beyond(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float))
    frame["undefined"], frame["out_of_reach"] = joint.undefined("params"), joint.out_of_reach("params")
    seen = pd.DataFrame(dict(zip(("params", "tokens"), setting.seen, strict=True)))
    return IsoLoss(
        frame=frame,
        joint=joint,
        level=setting.level,
        sentence=_cheapest_sentence(setting, frame),
        doubts=doubts_of(frame, fit, setting),
        notes=("The cheapest place of each contour; the contours are in .contours.", *setting.notes()),
        fit=fit,
        contours=_contours(setting, losses, sizes),
        seen=seen,
        output=setting.output,
        size=setting.plane.size,
    )


def _cheapest(setting: Setting, losses: Array) -> Joint:
    flops = np.where(reachable(setting, losses), budget_for(setting, losses), np.inf)
    best = setting.best(flops)
    gone = np.isinf(flops)
    params, tokens = np.where(gone, np.inf, best.params), np.where(gone, np.inf, best.tokens)
    with np.errstate(all="ignore"):
        values = {"params": params, "tokens": tokens, "flops": flops, "tokens_per_param": tokens / params}
    return Joint(pd.DataFrame({setting.output: losses}), values, setting.level)


def _contours(setting: Setting, losses: Array, sizes: Array) -> pd.DataFrame:
    parts = []
    for one in losses:
        tokens = tokens_for(setting, sizes, np.array([one]))
        keys = pd.DataFrame({setting.output: np.full(len(sizes), one), "params": sizes})
        joint = Joint(keys, {"tokens": tokens, "flops": setting.cost(sizes, tokens)}, setting.level)
        parts.append(joint.table().assign(out_of_reach=joint.out_of_reach("tokens")))
    return pd.concat(parts, ignore_index=True)


def _cheapest_sentence(setting: Setting, frame: pd.DataFrame) -> str:
    level, where = setting.level, setting.where
    row, others = _told(frame)
    if row is None:
        return f"{_targets(setting, frame, others)} {_is(others)} out of reach of this law{where}"
    size, tokens, flops = (wording.of(frame, row, name, level) for name in ("params", "tokens", "flops"))
    rest = f"; {_targets(setting, frame, others)} {_is(others)} out of reach of this law" if others else ""
    return (
        f"{_targets(setting, frame, [row])}{where} is cheapest with {size} {CALLED[setting.plane.size]} on {tokens} "
        f"tokens, {flops}{' FLOP' if setting.cost.six_nd else ''}{rest}"
    )


def _told(frame: pd.DataFrame) -> tuple[int | None, list[int]]:
    """The last row with an answer, and the rows without one."""
    there = np.isfinite(frame["params"].to_numpy(float))
    return (int(np.flatnonzero(there)[-1]) if there.any() else None), [int(k) for k in np.flatnonzero(~there)]


def _targets(setting: Setting, frame: pd.DataFrame, rows: list[int]) -> str:
    return f"{setting.target} {listing([wording.count(frame[setting.output].iloc[k]) for k in rows])}"


def _is(rows: list[int]) -> str:
    return "is" if len(rows) == 1 else "are"


def smallest_model(
    fit: Fit,
    *,
    loss: Numbers,
    tokens: float | None = None,
    flops: float | None = None,
    cost: CostLike = None,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> SmallestModel:
    """The smallest model that reaches a loss: with any number of tokens, with those there are, or for a budget.

    Parameters
    ----------
    fit : Fit
        Of a law of size and tokens.
    loss : float or sequence of float
    tokens : float, optional
        Tokens it is trained on.
    flops : float, optional
        What its training may cost instead. Neither: as many tokens as it takes, so that no smaller model ever gets
        there.
    cost, at, level : as for :func:`scalefit.allocate`.

    Returns
    -------
    SmallestModel

    Raises
    ------
    FitError
        If both ``tokens`` and ``flops`` are given, or the law is not one of size and tokens.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
    >>> any_tokens, budget = sf.smallest_model(fit, loss=1.3), sf.smallest_model(fit, loss=1.3, flops=1e13)
    >>> bool(any_tokens.frame.params[0] < budget.frame.params[0])
    True
    """
    setting = find_setting(fit, cost=cost, at=at, level=level)
    losses = check_numbers(loss, "loss")
    if tokens is not None and flops is not None:
        raise FitError("tokens and flops both limit the training: give one.")
    warn_unless_converged(fit, "The smallest model")
    if flops is not None:
        budget = check_budgets(flops, setting.cost)[:1]
        params = _within_budget(setting, losses, budget)
        trained = setting.cost.tokens_for(params, budget)
        limit = f"for {setting.budget(float(budget[0]))}"
    else:
        count = LIMITLESS if tokens is None else float(check_numbers(tokens, "tokens")[0])
        params = _with_tokens(setting, losses, count)
        trained = np.full(params.shape, np.inf if tokens is None else count)
        limit = "on any number of tokens" if tokens is None else f"on {wording.count(count)} tokens"
    trained = np.where(np.isinf(params), np.inf, trained)
    values = {"params": params} | ({} if tokens is None and flops is None else {"tokens": trained})
    joint = Joint(pd.DataFrame({setting.output: losses}), values, setting.level)
    frame = joint.table()
    if "tokens" in frame:
        frame["beyond"] = setting.beyond(frame["params"].to_numpy(float), frame["tokens"].to_numpy(float))
    frame["undefined"], frame["out_of_reach"] = joint.undefined("params"), joint.out_of_reach("params")
    return SmallestModel(
        frame=frame,
        joint=joint,
        level=setting.level,
        sentence=_smallest_sentence(setting, frame, limit),
        doubts=doubts_of(frame, fit, setting if "tokens" in frame else None, split=False),
        notes=tuple(setting.notes()),
        fit=fit,
    )


def _with_tokens(setting: Setting, losses: Array, tokens: float) -> Array:
    """(1 + draws, m) for a number of tokens."""
    top = np.full((len(setting.theta), 1), setting.sizes[1] * 1e10)

    def values(sizes: Array) -> Array:
        return setting.value(sizes, np.array([tokens]))

    found = [smallest_size(setting, values, top, np.array([[one]]), depth=1e20) for one in losses]
    return np.concatenate(found, axis=1)


def _within_budget(setting: Setting, losses: Array, budget: Array) -> Array:
    """(1 + draws, m) on the budget, going down from its best size."""
    top = setting.best(budget).params

    def values(sizes: Array) -> Array:
        return setting.value(sizes, setting.cost.tokens_for(sizes, budget))

    return np.concatenate([smallest_size(setting, values, top, np.array([[one]])) for one in losses], axis=1)


def _smallest_sentence(setting: Setting, frame: pd.DataFrame, limit: str) -> str:
    row, others = _told(frame)
    never = ""
    if others:
        share = frame["out_of_reach"].iloc[others]
        agree = f"{100 * share.min():.3g}"
        if share.max() > share.min():
            agree += f" to {100 * share.max():.3g}"
        never = (
            f"no model reaches {_targets(setting, frame, others)} {limit}{setting.where} ({agree} % of the draws agree)"
        )
    if row is None:
        return never
    share_here = frame["out_of_reach"].iloc[row]
    some = f"; in {100 * share_here:.2g} % of the draws none does" if share_here > 0 else ""
    return (
        f"the smallest model that reaches {_targets(setting, frame, [row])} {limit}{setting.where} has "
        f"{wording.of(frame, row, 'params', setting.level)} {CALLED[setting.plane.size]}{some}"
        f"{f'; {never}' if never else ''}"
    )
