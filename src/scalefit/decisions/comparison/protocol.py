"""Families compared on several metrics: the same frontier for each, large runs predicted first, then agreement."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.answer import best_of
from scalefit.decisions.comparison.compare import compare
from scalefit.decisions.comparison.curves import Better
from scalefit.decisions.comparison.multipliers import round_goal
from scalefit.decisions.comparison.protocol_result import ProtocolComparison
from scalefit.decisions.comparison.record import Comparison
from scalefit.errors import DataError, FitError, FitWarning, missing_column, not_one_of
from scalefit.estimation import fit
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.quantities import better_of
from scalefit.result import Fit
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.envelope import compute_envelope
from scalefit.runs.frame import as_frame

#: Points per parameter of the wider law, on the frontier of each family, from which on it is taken.
POINTS_EACH = 3
WIDE, NARROW = "power_shift_offset", "power_offset"
#: A column for shares that are turned round, so that they fall with scale.
TURNED = "one less {metric}"


@dataclass(frozen=True, eq=False)
class _Setting:
    """What is the same for every metric."""

    by: str
    law: Law | str | None
    along: str
    bins: int | None
    held_out: float
    columns: Mapping[str, str] | None
    objective: Objective | None
    fixed: Mapping[str, float] | None
    draws: int
    level: float
    beyond: float


def compare_protocol(
    runs: Any,
    *,
    by: str = "family",
    metrics: Sequence[str] | Mapping[str, Better] = ("loss",),
    law: Law | str | None = None,
    along: str = "flops",
    bins: int | None = 50,
    held_out: float = 0.25,
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    draws: int = 500,
    level: float = 0.9,
    beyond: float = 10.0,
    rng: np.random.Generator | int | None = None,
) -> ProtocolComparison:
    """Compare families as Nezhurina et al. 2025 do, on every metric alike, and conclude only if all agree.

    For each metric: the frontier of each family is taken in the same way, the law is fitted to its smaller points and
    predicts the largest, then it is fitted to all points and compared. A conclusion needs one family to lead on every
    metric, in the runs and beyond them, already without the largest points, and errors smaller than the gap.

    Parameters
    ----------
    runs : table or path, one row per run or checkpoint, with ``along`` and every metric.
    by : column that names the families.
    metrics : columns; a mapping says of each whether low or high values are better, else its name does.
    law : of one variable, fitted to the frontier; or of params and tokens, fitted to all rows and followed along its
        best split. None is ``power_shift_offset``, or ``power_offset`` where a frontier has fewer than twelve points or
        does not identify the wider law.
    along : ``"flops"``, or another quantity for a law of one variable.
    bins : log-spaced bins of the frontier, the same for all families; None keeps each of its points.
    held_out : share of the points of each family, at least one, that is held out: all above one cut for all families.
    columns, objective, fixed : as for :func:`scalefit.fit`.
    draws, level, beyond, rng : as for :func:`scalefit.compare`.

    Returns
    -------
    ProtocolComparison
        ``frame`` (one row per metric), ``held_out`` (one row per metric and family), ``comparisons`` by metric,
        ``leader`` and ``concluded``.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If a family has too few points on its frontier for the law and the points held out.
    FitError
        If an argument cannot be honoured.

    Notes
    -----
    Shares of which more is better, such as an accuracy, are turned round (one less the share) for a law that falls.
    Nezhurina et al. 2025, arXiv:2506.04598.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm")
    >>> told = sf.compare_protocol(runs, metrics=["loss", "train_loss"], law="power_offset", draws=50, rng=0)
    >>> told.frame.metric.tolist()
    ['loss', 'train_loss']
    """
    frame = as_frame(runs)
    if by not in frame.columns:
        raise missing_column(by, "compare_protocol", list(frame.columns))
    if not 0 < held_out < 1:
        raise FitError(f"held_out is a share between 0 and 1 of the points; got {held_out!r}.")
    if isinstance(metrics, str):
        metrics = (metrics,)
    if not metrics:
        raise FitError("metrics names no column: such as metrics=['loss', 'accuracy'].")
    setting = _Setting(by, law, along, bins, held_out, columns, objective, fixed, draws, level, beyond)
    seeds = np.random.default_rng(rng).spawn(len(metrics))
    parts = []
    for metric, seed in zip(metrics, seeds, strict=True):
        better = metrics[metric] if isinstance(metrics, Mapping) else better_of(metric)
        if better not in ("low", "high"):
            raise FitError(not_one_of(f"metrics: {metric!r}", better, ("low", "high")))
        parts.append(_judge(frame, metric, better, setting, seed))
    return _conclude(parts, setting)


@dataclass(frozen=True, eq=False)
class _Judged:
    """One metric: its comparison, what was predicted, and its row of the table."""

    metric: str
    comparison: Comparison
    held: pd.DataFrame
    row: dict[str, Any]


def _judge(frame: pd.DataFrame, metric: str, better: Better, setting: _Setting, rng: np.random.Generator) -> _Judged:
    target = metric
    if better == "high":
        frame, target = _turned(frame, metric)
    points, law, place = _points(frame, target, setting)
    cut = _cut(points[setting.by].astype(str), place, law, setting)
    small, large = points[place <= cut], points[place > cut]
    shared: dict[str, Any] = {
        "by": setting.by, "law": law, "along": setting.along, "target": target, "columns": setting.columns,
        "objective": setting.objective, "fixed": setting.fixed, "better": "low", "draws": setting.draws,
        "level": setting.level, "beyond": setting.beyond, "rng": rng, "paired": False,
    }  # fmt: skip
    before, after = compare(small, **shared), compare(points, **shared)
    held = _predicted(before, large, target, setting).assign(metric=metric, cut=cut)
    held["factor"] = float(place.max()) / cut
    end = np.array([after.judged[1]])
    chances = best_of({name: curve.draws_at(end) for name, curve in before.curves.items()}, "low")
    earlier = max(chances, key=lambda name: float(np.nan_to_num(chances[name][0])))
    return _Judged(metric, after, held, _row(metric, better, after, earlier, held))


def _turned(frame: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, str]:
    """The table with one less a share, which falls as the share grows."""
    if metric not in frame.columns:
        raise missing_column(metric, "compare_protocol", list(frame.columns))
    values = pd.to_numeric(frame[metric], errors="coerce")
    known = values.dropna()
    if not len(known) or known.min() < 0 or known.max() > 1:
        raise DataError(
            f"compare_protocol turns {metric!r} round, since more of it is better, and for that it must be a share "
            f"between 0 and 1. Give a column that falls with scale, or say metrics={{{metric!r}: 'low'}}."
        )
    name = TURNED.format(metric=metric)
    return frame.assign(**{name: 1 - values}), name


def _points(frame: pd.DataFrame, target: str, setting: _Setting) -> tuple[pd.DataFrame, Law, Array]:
    """What is fitted, by what law, and where each point lies."""
    if setting.law is not None and get_law(setting.law).inputs != ("x",):
        law = get_law(setting.law)
        place = _place(frame, setting)
        return frame, law, place
    frontier = compute_envelope(
        frame, bins=setting.bins, along=setting.along, target=target, by=setting.by, columns=setting.columns
    )
    law = _law_for(frontier, target, setting) if setting.law is None else get_law(setting.law)
    return frontier, law, _place(frontier, setting)


def _law_for(frontier: pd.DataFrame, target: str, setting: _Setting) -> Law:
    """The wider law where every family has points enough for it and they identify it, else the narrower one."""
    wide, narrow = get_law(WIDE), get_law(NARROW)
    parts = [part for _, part in frontier.groupby(setting.by)]
    if min(len(part) for part in parts) < POINTS_EACH * len(wide.params):
        return narrow
    column = find_column(frontier, setting.along, needed_by="compare_protocol", columns=setting.columns)
    found = [fit(part, wide, target=target, columns={"x": column}, objective=setting.objective) for part in parts]
    return wide if all(one.converged for one in found) else narrow


def _place(frame: pd.DataFrame, setting: _Setting) -> Array:
    if setting.along == "flops" and not has_column(frame, "flops", columns=setting.columns):
        return np.asarray(6 * _column(frame, "params", setting) * _column(frame, "tokens", setting))
    return _column(frame, setting.along, setting)


def _column(frame: pd.DataFrame, name: str, setting: _Setting) -> Array:
    column = find_column(frame, name, needed_by="compare_protocol", columns=setting.columns)
    return frame[column].to_numpy(float)


def _cut(families: pd.Series, place: Array, law: Law, setting: _Setting) -> float:
    """One cut for all families, which leaves to each its share of points or more above."""
    cuts = []
    for name in dict.fromkeys(families):
        own = np.sort(place[(families == name).to_numpy()])
        held = max(1, math.ceil(setting.held_out * len(own)))
        cuts.append(own[-held - 1] if len(own) > held else own[0])
    cut = float(min(cuts))
    for name in dict.fromkeys(families):
        own = place[(families == name).to_numpy()]
        left = int((own <= cut).sum())
        if left <= len(law.params):
            raise DataError(
                f"compare_protocol: {name!r} keeps {left} of {len(own)} points up to {setting.along} {cut:.3g}, too "
                f"few for the {len(law.params)} parameters of {law.name}. More bins, a smaller held_out, "
                f"or a law with fewer parameters."
            )
    return cut


def _predicted(before: Comparison, large: pd.DataFrame, target: str, setting: _Setting) -> pd.DataFrame:
    """How far off the fits to the smaller points are at the larger ones."""
    rows = []
    for name, one in before.fits.items():
        part = large[(large[setting.by].astype(str) == name).to_numpy()]
        told = _told(one, part, setting)
        seen = part[one.columns.get(target, target)].to_numpy(float)
        off = told["estimate"].to_numpy(float) / seen - 1
        rows.append({
            "family": name, "fitted": one.n_rows, "held": len(part), "error": float(np.abs(off).mean()),
            "bias": float(off.mean()),
            "inside": float(np.mean((told["low"] <= seen) & (seen <= told["high"]))),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _told(one: Fit, part: pd.DataFrame, setting: _Setting) -> pd.DataFrame:
    columns = {name: one.columns.get(name, name) for name in one.law.inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # a law that is not identified stands among the doubts
        return one.predict(part, level=setting.level, interval="run", columns=columns)


def _row(metric: str, better: Better, after: Comparison, earlier: str, held: pd.DataFrame) -> dict[str, Any]:
    end, far = after.judged[1], float(after.best.index[-1])
    leader, share = _leader(after.best, far)
    now, share_now = _leader(after.best, end)
    other = max((name for name in after.families if name != now), key=lambda name: after.best[name].to_dict()[end])
    pair = after.differences[
        (after.differences["family"].isin([now, other]))
        & (after.differences["against"].isin([now, other]))
        & (after.differences[after.along] == end)
    ]
    row: dict[str, Any] = {
        "metric": metric, "better": better, "leader": leader, "probability": share, "leader_in_runs": now,
        "probability_in_runs": share_now, "leader_before": earlier, "gap": abs(float(pair["ratio"].iloc[0]) - 1),
        "error": float(held["error"].max()), "inside": float(held["inside"].min()),
        "value": np.nan, "multiplier": np.nan, "low": np.nan, "high": np.nan,
    }  # fmt: skip
    if after.common_values is not None:
        goal = round_goal(after.common_values)
        table = after.multiplier(goal)
        found = table[table["family"].isin([now, other]) & table["against"].isin([now, other])].iloc[0]
        ends = [float(found[name]) for name in ("estimate", "low", "high")]
        if found["family"] != now:
            with np.errstate(all="ignore"):
                ends = [float(np.divide(1, ends[k])) for k in (0, 2, 1)]
        value = 1 - goal if better == "high" else goal
        row.update(value=value, multiplier=ends[0], low=ends[1], high=ends[2])
    return row


def _leader(best: pd.DataFrame, place: float) -> tuple[str, float]:
    at = {str(name): float(best[name].to_dict()[place]) for name in best.columns}
    known = {name: share for name, share in at.items() if not np.isnan(share)}
    if not known:
        return next(iter(at)), np.nan
    leader = max(known, key=lambda name: known[name])
    return leader, known[leader]


def _conclude(parts: Sequence[_Judged], setting: _Setting) -> ProtocolComparison:
    frame = pd.DataFrame([part.row for part in parts])
    first = parts[0].comparison
    sure = 0.5 + setting.level / 2
    frame["decided"] = (
        (frame["probability"] >= sure)
        & (frame["probability_in_runs"] >= sure)
        & (frame["leader"] == frame["leader_in_runs"])
        & (frame["leader"] == frame["leader_before"])
        & (frame["error"] < frame["gap"])
        & np.array([not part.comparison.grave for part in parts])
    )
    leaders = set(frame["leader"])
    held = pd.concat([part.held for part in parts], ignore_index=True)
    order = ["metric", "family", "fitted", "held", "cut", "factor", "error", "bias", "inside"]
    return ProtocolComparison(
        frame=frame,
        held_out=held[order],
        comparisons={part.metric: part.comparison for part in parts},
        leader=leaders.pop() if len(leaders) == 1 else None,
        concluded=bool(frame["decided"].all() and frame["leader"].nunique() == 1),
        families=first.families,
        along=first.along,
        largest=max(part.comparison.judged[1] for part in parts),
        beyond=setting.beyond,
        level=setting.level,
    )
