"""isoflop(): the best size at each budget of compute, from raw runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, get_args, overload

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.budgets import Budget, Budgets, as_columns, read_budgets
from scalefit.decisions.isoflop.diverged import diverged_doubt
from scalefit.decisions.isoflop.doubts import doubts_of, hint_of
from scalefit.decisions.isoflop.loss_noise import LossNoise, noise_of
from scalefit.decisions.isoflop.power_lines import LEAST_POINTS, fit_line
from scalefit.decisions.isoflop.record import GrowthLines, IsoFlop, IsoFlops
from scalefit.decisions.isoflop.vertices import LEAST_SIZES, Floats, Method, Vertices, find_vertices
from scalefit.errors import DataError, missing_column, not_one_of
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import check_count
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.amounts import count_of

_WHO = "isoflop"
#: Of the distance of neighbouring sizes: a best size is not known better, when lines weigh it (Porian et al. 2024).
FLOOR = 1 / 3


@overload
def isoflop(
    runs: Any, *, budget: str | None = ..., method: Method = ..., target: str = ..., level: float = ...,
    by: None = ..., columns: Mapping[str, str] | None = ..., noise: float | None = ..., draws: int = ...,
    rng: np.random.Generator | int | None = ...,
) -> IsoFlop: ...  # fmt: skip
@overload
def isoflop(
    runs: Any, *, by: str | Sequence[str], budget: str | None = ..., method: Method = ..., target: str = ...,
    level: float = ..., columns: Mapping[str, str] | None = ..., noise: float | None = ..., draws: int = ...,
    rng: np.random.Generator | int | None = ...,
) -> IsoFlops: ...  # fmt: skip
def isoflop(
    runs: Any,
    *,
    budget: str | None = None,
    method: Method = "akima",
    target: str = "loss",
    level: float = 0.9,
    by: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    noise: float | None = None,
    draws: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> IsoFlop | IsoFlops:
    """Find the best size of model at each budget of compute, and how it grows with compute.

    The second approach of Hoffmann et al. 2022, which fits no law: at each budget the loss is drawn over the size, and
    its lowest point is the best size. A budget whose lowest loss is its smallest or largest model has none between its
    sizes, and is refused.

    Parameters
    ----------
    runs : table or path
        One row per finished run, or what :func:`slice_isoflops` read of logs at common budgets. ``params``, the loss
        and the budget are needed; ``tokens`` where known, else ``flops / (6 params)``. Several rows of one size at one
        budget, such as seeds, are averaged.
    budget : column that names the budget of each run; rows without a value take no part. None: ``flop_budget`` if
        there is one, else ``flops`` if each of its values has as many sizes as ``method`` needs.
    method : {"akima", "parabola"}
        ``"akima"``: a spline through every point of ln loss over ln params (four sizes or more); it takes the curve as
        it is, and its noise too. ``"parabola"``: loss over log10 params by least squares (three or more); it averages
        noise, and is pulled to one side where sizes reach much further to the other: see :func:`compare_approaches`.
    target : column that is lowest at the best size. Of an accuracy or a score take what falls: an error.
    level : float in (0, 1), of the intervals.
    by : column or columns; each group of runs then has an answer of its own, in a mapping.
    columns : mapping of known name to column, such as ``{"loss": "c4_loss"}``.
    noise : standard deviation of the loss of one run, in its unit. None: from repeats of a size at its budget where
        there are five or more, else from residuals about the curves, else 0.005.
    draws : number of draws of the noise, at least 20.
    rng : Generator, seed or None, which takes a seed made of the data: the same runs give the same answer.

    Returns
    -------
    IsoFlop
        ``.frame``, one row per budget, ``.refused``, ``.exponent`` and ``.tokens_exponent``, ``.predict(flops)``,
        ``.plot()``. With ``by``, :class:`IsoFlops`: group -> IsoFlop.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If numbers cannot be used, there are no budgets with enough sizes, more of ``target`` is better by its name, or
        several families stand in the table and ``by`` does not divide them.

    Notes
    -----
    Intervals as in Porian et al. 2024 (arXiv:2406.19146): noise is added to each loss, everything is found again, and
    the central share of the draws is the interval. Lines go through ln params over ln flops (the mean compute of each
    budget's runs), each point weighed by 1/variance, of which the standard deviation is at least a third of the
    distance of neighbouring sizes. Where the points scatter about a line by more than their draws do, its interval is
    widened by the same factor. A draw that is lowest at an edge counts as that edge. Fewer than three budgets give
    no exponent.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.grid(flop_budget=[1e19, 1e20, 1e21], params=[1e8, 3e8, 1e9, 3e9, 1e10])
    >>> runs["tokens"] = runs.flop_budget / (6 * runs.params)
    >>> law = sf.get_law("chinchilla")
    >>> runs["loss"] = law(law.published["besiroglu2024"].values, runs)
    >>> told = sf.isoflop(runs, noise=0.002)
    >>> told.frame[["flops", "sizes"]].values.tolist(), round(told.exponent.estimate, 1)
    ([[1e+19, 5.0], [1e+20, 5.0], [1e+21, 5.0]], 0.5)
    """
    if method not in get_args(Method):
        raise DataError(f"{_WHO}: {not_one_of('method', method, get_args(Method))}")
    check_level(level)
    check_count("draws", draws, needed_by=_WHO, least=20)
    said = as_columns(columns, _WHO)
    frame = as_frame(runs)

    def one(part: pd.DataFrame) -> IsoFlop:
        table = read_budgets(part, budget=budget, method=method, target=target, columns=said, who=_WHO)
        scatter = noise_of(table.usable, method=method, said=noise, target=target, who=_WHO)
        return analyse(table, method, scatter, level, int(draws), rng)

    if by is None:
        return one(frame)
    return _each(frame, (by,) if isinstance(by, str) else tuple(by), one)


def _each(frame: pd.DataFrame, by: tuple[str, ...], one: Any) -> IsoFlops:
    """The answer of each group; a group without any says why."""
    for name in by:
        if name not in frame.columns:
            raise missing_column(name, f"{_WHO}(by=)", list(frame.columns))
    answers: dict[Any, IsoFlop] = {}
    left: dict[Any, str] = {}
    for key, part in frame.groupby(list(by), sort=True, observed=True):
        group = key if len(by) > 1 else key[0]
        try:
            answers[group] = one(part)
        except DataError as error:
            left[group] = str(error).removeprefix(f"{_WHO}: ")
    if not answers:
        which, why = next(iter(left.items()), ("", f"no row has a value of {by[0]!r}."))
        raise DataError(f"{_WHO}: no group has an answer. {which}: {why}")
    return IsoFlops(by, answers, left)


def analyse(
    table: Budgets, method: Method, noise: LossNoise, level: float, draws: int, rng: np.random.Generator | int | None
) -> IsoFlop:
    """Lowest points, their draws and the lines through them."""
    generator = np.random.default_rng(_seed(table) if rng is None else rng)
    rows, refused, kept, logs = [], [_too_few(flops, n, method) for flops, n in table.too_few.items()], [], []
    for one in table.usable:
        # Drawn for every budget, so that a budget that is refused does not move the draws of the next one.
        scatter = generator.standard_normal((draws, len(one.x))) * (noise.deviation / np.sqrt(one.counts))
        reason, found = refusal(method, one, table.target)
        if reason:
            lowest = int(np.argmin(one.loss))
            told = {"flops": one.flops, "sizes": len(one.x), "params": np.exp(one.x[lowest]), "loss": one.loss[lowest]}
            refused.append({**told, "reason": reason})
            continue
        drawn = find_vertices(method, one.x, one.loss[:, None] + scatter.T, one.counts)
        kept.append(one)
        logs.append(np.concatenate([found.place, drawn.place]))
        rows.append(_row(one, found, drawn, level))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    places = np.array(logs).T if logs else np.empty((draws + 1, 0))
    growth = _growth(kept, places, level)
    return IsoFlop(
        frame=frame,
        refused=pd.DataFrame(refused, columns=["flops", "sizes", "params", "loss", "reason"]).sort_values(
            "flops", ignore_index=True
        ),
        growth=growth,
        noise=noise,
        doubts=(
            *diverged_doubt(table.usable, table.target),
            *table.doubts,
            *doubts_of(frame, kept, growth, method, level, table.target),
        ),
        notes=(*table.notes, *hint_of(table.usable, kept, method, table.target)),
        draws=pd.DataFrame(np.exp(places[1:]), columns=pd.Index([one.flops for one in kept], name="flops")),
        method=method,
        target=table.target,
        level=level,
        budgets=table.usable,
    )


#: Of ``IsoFlop.frame``.
COLUMNS = (
    "flops", "spent", "params", "params_low", "params_high", "loss", "tokens", "tokens_low", "tokens_high", "sizes",
    "runs", "edge",
)  # fmt: skip


def refusal(method: Method, one: Budget, target: str) -> tuple[str, Vertices]:
    """Why a budget has no best size, empty if it has one, and the lowest point of its curve."""
    found = find_vertices(method, one.x, one.loss[:, None], one.counts)
    lowest = int(np.argmin(one.loss))
    if lowest in (0, len(one.x) - 1):
        which, other = ("smallest", "smaller") if lowest == 0 else ("largest", "larger")
        reason = f"its lowest {target} is its {which} of {len(one.x)} sizes; train {other} ones"
    elif found.edge[0]:
        reason = "the parabola through it has no lowest point between its sizes; look at the runs, or method='akima'"
    else:
        reason = ""
    return reason, found


def _too_few(flops: float, sizes: int, method: Method) -> dict[str, Any]:
    nan = float("nan")
    reason = f"{count_of(sizes, 'size')}; method={method!r} needs {LEAST_SIZES[method]}"
    return {"flops": flops, "sizes": sizes, "params": nan, "loss": nan, "reason": reason}


def _row(one: Budget, found: Vertices, drawn: Vertices, level: float) -> dict[str, Any]:
    shares = [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.exp(np.quantile(drawn.place, shares))
    tokens_low, tokens_high = np.exp(np.quantile(one.log_tokens(drawn.place), shares))
    return {
        "flops": one.flops, "spent": one.spent, "params": float(np.exp(found.place[0])), "params_low": low,
        "params_high": high, "loss": float(found.height[0]), "tokens": float(np.exp(one.log_tokens(found.place)[0])),
        "tokens_low": tokens_low, "tokens_high": tokens_high, "sizes": len(one.x), "runs": len(one.rows),
        "edge": float(drawn.edge.mean()),
    }  # fmt: skip


def _growth(kept: Sequence[Budget], places: Floats, level: float) -> GrowthLines:
    """Lines through the best sizes (1 + draws, k) and the tokens that go with them."""
    spent = np.array([one.spent for one in kept])
    seen = (float(spent.min()), float(spent.max())) if len(spent) else (np.nan, np.nan)
    if len(kept) < LEAST_POINTS:
        have = count_of(len(kept), "budget")
        why = f"{have} with a lowest point between the sizes, and an exponent needs {LEAST_POINTS}."
        return GrowthLines(None, None, why, level, seen, {})
    tokens = np.array([one.log_tokens(places[:, k]) for k, one in enumerate(kept)]).T
    floor = FLOOR * np.array([one.step for one in kept])
    lines, plain = {}, {}
    for name, logs in (("params", places), ("tokens", tokens)):
        deviation = np.maximum(logs[1:].std(axis=0, ddof=1), floor)
        lines[name] = fit_line(np.log(spent), logs[0], logs[1:], 1 / deviation**2)
        plain[name] = fit_line(np.log(spent), logs[0], logs[1:], np.ones(len(kept))).slope
    return GrowthLines(lines["params"], lines["tokens"], "", level, seen, plain)


def _seed(table: Budgets) -> int:
    return seed_of_arrays(*(one.rows[["x", "loss", "tokens"]].to_numpy(float) for one in table.usable))


def seed_of_arrays(*arrays: Floats) -> int:
    """A seed made of the data: the same runs give the same draws."""
    digest = hashlib.sha256()
    for one in arrays:
        digest.update(np.ascontiguousarray(one).tobytes())
    return int(digest.hexdigest()[:15], 16)
