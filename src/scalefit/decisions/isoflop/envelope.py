"""fit_envelope(): which size is best at each of many amounts of compute, from logs or finished runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.analysis import seed_of_arrays
from scalefit.decisions.isoflop.budgets import as_columns, check_low_is_better, several_families
from scalefit.decisions.isoflop.envelope_record import EnvelopeFit
from scalefit.decisions.isoflop.power_lines import LEAST_POINTS, PowerLine, fit_line
from scalefit.decisions.isoflop.record import GrowthLines
from scalefit.decisions.isoflop.vertices import Floats, Ints, Mask
from scalefit.errors import DataError
from scalefit.runs.checking import checked_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import check_count
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.amounts import count_of

_WHO = "fit_envelope"
#: Amounts of compute at which the best size is looked up: as many as Hoffmann et al. 2022 took.
POINTS = 1500
#: As many do for a resample: neighbours have mostly the same best size.
POINTS_OF_A_DRAW = 150
#: Sizes that must have reached a compute for the best of them to mean something.
LEAST_SIZES = 3


def fit_envelope(
    runs: Any,
    *,
    points: int = POINTS,
    target: str = "loss",
    level: float = 0.9,
    columns: Mapping[str, str] | None = None,
    draws: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> EnvelopeFit:
    """Find which size of model is best at each of many amounts of compute, and how it grows: the compute envelope.

    The first approach of Hoffmann et al. 2022. Where ``run`` repeats, the log of each run is a curve of its loss over
    compute; where each row is a finished run, each size is a curve through its runs. Between two points the log of the
    loss is straight over the log of compute. Amounts of compute at which the best is the smallest or largest size that
    has got there say nothing of the best, and are left out.

    Parameters
    ----------
    runs : table or path
        One row per checkpoint (``run``, ``params``, the loss) or per finished run; ``flops`` is 6 * params * tokens if
        absent.
    points : number of amounts of compute, evenly spread in the log from the least to the most of the table.
    target : column that is lowest at the best size. The lowest of many noisy losses is too low: smooth logs first, with
        :func:`smooth_loss`, and pass ``target="loss_smooth"``.
    level : float in (0, 1), of the intervals.
    columns : mapping of known name to column, optional.
    draws : resamples of the runs (rows, where each is a run), at least 20.
    rng : Generator, seed or None, which takes a seed made of the data.

    Returns
    -------
    EnvelopeFit
        ``.frame``, one row per amount of compute: ``flops, params, tokens, loss``; ``.exponent``,
        ``.tokens_exponent``, ``.predict(flops)``, ``.plot()``.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If numbers cannot be used, or several families stand in the table.

    Notes
    -----
    Hoffmann et al. 2022, arXiv:2203.15556, section 3.1. A run whose learning rate still decays lies above what a run
    made for that compute would reach; with horizons of several lengths for each size the envelope touches mostly ends
    of runs. Intervals are the spread of the resamples about the estimate: they hold which runs were made, not how far
    the envelope is from a power law.

    Examples
    --------
    >>> import scalefit as sf
    >>> logs = sf.datasets.load("microlm")
    >>> told = sf.fit_envelope(logs[logs.family == "transformer"], draws=50, rng=0)
    >>> 0.2 < told.exponent.estimate < 0.8
    True
    """
    check_level(level)
    check_count("points", points, needed_by=_WHO, least=10)
    check_count("draws", draws, needed_by=_WHO, least=20)
    table = _read(as_frame(runs), target, as_columns(columns, _WHO))
    grid = np.linspace(table.x.min(), table.x.max(), int(points))
    units = np.unique(table.unit)
    everything = np.arange(len(table.x))
    curves = _curves(table, grid) if table.kind == "run" else _pieces(table, grid, everything)
    if not len(curves.size):
        raise DataError(
            f"{_WHO}: no size has two runs of different compute, so there are no curves of which to take the lowest. "
            f"Pass logs, with several rows a run, or runs of several lengths for each size."
        )
    best = _best(curves, grid)
    generator = np.random.default_rng(seed_of_arrays(table.x, table.y, table.size) if rng is None else rng)
    lines = _lines(best)
    left, why = [], "" if isinstance(lines, tuple) else str(lines)
    thin = slice(None, None, max(1, len(grid) // POINTS_OF_A_DRAW))
    curves_thin = _Curves(curves.y[:, thin], curves.tokens[:, thin], curves.size)
    if not why:
        for _ in range(int(draws)):
            chosen = generator.integers(len(units), size=len(units))
            again = _lines(_best(_drawn(table, curves_thin, grid[thin], chosen), grid[thin]))
            if isinstance(again, tuple) and isinstance(lines, tuple):
                # Each resample has a middle of its own: its height is wanted at that of all runs.
                left.append([one.slope for one in again] + [one.log_at(lines[0].middle) for one in again])
    growth = _growth(lines, np.array(left), best, level, why)
    frame = pd.DataFrame(
        {"flops": np.exp(best.x), "params": np.exp(best.size), "tokens": np.exp(best.tokens), "loss": np.exp(best.y)}
    )
    return EnvelopeFit(
        frame=frame, growth=growth, notes=(*table.notes, *_told(best, len(grid), table, int(draws), len(left))),
        doubts=_doubts(best, growth, int(draws), len(left)), target=target, level=level, unit=table.kind,
        n_units=len(units), n_draws=len(left), curves=_drawn_curves(curves, grid),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Table:
    """Logs of compute, loss, size and tokens (n,), the curve and the resampled unit of each row."""

    x: Floats
    y: Floats
    size: Floats
    tokens: Floats
    curve: Floats
    unit: Floats
    kind: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Curves:
    """Log of the loss (c, m) of each curve at the grid, infinite outside; log of tokens; size of each curve (c,)."""

    y: Floats
    tokens: Floats
    size: Floats


@dataclass(frozen=True, eq=False)
class _Best:
    """What is best where that means something: logs (k,); ``reached`` and ``refused`` count the other places."""

    x: Floats
    y: Floats
    size: Floats
    tokens: Floats
    refused: int


def _read(frame: pd.DataFrame, target: str, columns: Mapping[str, str] | None) -> _Table:
    if not len(frame):
        raise DataError(f"{_WHO} needs at least one row; the table has none.")
    several_families(frame, columns, _WHO)
    check_low_is_better(target, _WHO)
    loss = find_column(frame, target, needed_by=_WHO, columns=columns)
    measured = frame[frame[loss].notna()]
    left = len(frame) - len(measured)
    tokens = ["tokens"] if has_column(frame, "tokens", columns=columns) else []
    read = checked_columns(measured, ["flops", "params", target, *tokens], needed_by=_WHO, columns=columns)
    x, size = np.log(read.values["flops"]), np.log(read.values["params"])
    run = None
    if has_column(frame, "run", columns=columns):
        names = measured[find_column(frame, "run", needed_by=_WHO, columns=columns)]
        run = names if names.duplicated().any() else None
    kind = "run" if run is not None else "size"
    codes = pd.factorize(run if run is not None else pd.Series(size), sort=True)[0].astype(float)
    if run is not None and (pd.Series(size).groupby(codes).nunique() > 1).any():
        raise DataError(f"{_WHO}: params changes within a run; it must be the same in all its rows.")
    log_tokens = np.log(read.values["tokens"]) if tokens else x - np.log(6) - size
    rows = pd.DataFrame({"curve": codes, "x": x, "y": np.log(read.values[target]), "size": size, "tokens": log_tokens})
    points = rows.groupby(["curve", "x"], as_index=False, sort=True).mean()
    unit = points["curve"] if run is not None else points.index
    notes = [*read.notes, f"{count_of(left, 'row')} without {target!r} left out" if left else ""]
    if len(points) < len(rows):
        notes.append(f"{len(rows)} rows at {len(points)} places: those of one {kind} and compute averaged")
    arrays = {name: points[name].to_numpy(float) for name in ("x", "y", "size", "tokens", "curve")}
    return _Table(**arrays, unit=unit.to_numpy(float), kind=kind, notes=tuple(note for note in notes if note))


def _curves(table: _Table, grid: Floats) -> _Curves:
    """The log of each run over the grid."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(table.curve) != 0]))
    y, tokens = np.full((2, len(starts), len(grid)), np.inf)
    for k, (start, end) in enumerate(zip(starts, [*starts[1:], len(table.x)], strict=True)):
        inside = (grid >= table.x[start]) & (grid <= table.x[end - 1])
        y[k, inside] = np.interp(grid[inside], table.x[start:end], table.y[start:end])
        tokens[k, inside] = np.interp(grid[inside], table.x[start:end], table.tokens[start:end])
    return _Curves(y, tokens, table.size[starts])


def _pieces(table: _Table, grid: Floats, rows: Ints) -> _Curves:
    """The straight pieces between neighbouring runs of each size, as many short curves."""
    neighbours = table.curve[rows[:-1]] == table.curve[rows[1:]]
    left, right = rows[:-1][neighbours], rows[1:][neighbours]
    x0, width = table.x[left, None], (table.x[right] - table.x[left])[:, None]
    share = (grid - x0) / width
    inside = (share >= 0) & (share <= 1)
    y, tokens = (
        np.where(inside, values[left, None] + share * (values[right] - values[left])[:, None], np.inf)
        for values in (table.y, table.tokens)
    )
    return _Curves(y, tokens, table.size[left])


def _drawn(table: _Table, curves: _Curves, grid: Floats, chosen: Ints) -> _Curves:
    """What is compared among the units that a resample holds; one drawn twice is there once."""
    there = np.unique(chosen)
    if table.kind == "run":
        return _Curves(curves.y[there], curves.tokens[there], curves.size[there])
    return _pieces(table, grid, np.flatnonzero(np.isin(table.unit, there)))


def _best(curves: _Curves, grid: Floats) -> _Best:
    """The best size where at least three sizes have got, and it is neither the smallest nor the largest of them."""
    if not len(curves.size):
        none = np.empty(0)
        return _Best(none, none, none, none, 0)
    there = np.isfinite(curves.y)
    order = np.argsort(curves.size, kind="stable")
    there_sorted, sizes = there[order], curves.size[order]
    smallest = sizes[np.argmax(there_sorted, axis=0)]
    largest = sizes[len(sizes) - 1 - np.argmax(there_sorted[::-1], axis=0)]
    row = np.argmin(curves.y, axis=0)
    place = np.arange(len(grid))
    size = curves.size[row]
    known = there.any(axis=0)
    compared = _distinct(there_sorted, sizes) >= LEAST_SIZES
    inner = known & compared & (size > smallest) & (size < largest)
    return _Best(
        grid[inner], curves.y[row, place][inner], size[inner], curves.tokens[row, place][inner],
        int((known & ~inner).sum()),
    )  # fmt: skip


def _distinct(there: Mask, sizes: Floats) -> Ints:
    """How many different sizes have got to each place: (m,)."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(sizes) != 0]))
    return np.asarray(np.logical_or.reduceat(there, starts, axis=0).sum(axis=0), np.intp)


def _lines(best: _Best) -> tuple[PowerLine, PowerLine] | str:
    """Plain lines through the best sizes and tokens, or why there are none."""
    distinct = len(np.unique(best.size))
    if distinct < LEAST_POINTS:
        return (
            f"{count_of(distinct, 'size')} {'is' if distinct == 1 else 'are'} best somewhere without being the "
            f"smallest or largest there, and an exponent needs {LEAST_POINTS}."
        )
    none = np.zeros((1, len(best.x)))
    ones = np.ones(len(best.x))
    return fit_line(best.x, best.size, none, ones), fit_line(best.x, best.tokens, none, ones)


def _growth(
    lines: tuple[PowerLine, PowerLine] | str, draws: Floats, best: _Best, level: float, why: str
) -> GrowthLines:
    seen = (float(np.exp(best.x.min())), float(np.exp(best.x.max()))) if len(best.x) else (np.nan, np.nan)
    if isinstance(lines, str):
        return GrowthLines(None, None, why, level, seen, {})
    if len(draws) < 20:
        return GrowthLines(None, None, "Hardly any resample of the runs gives an envelope.", level, seen, {})
    # The best run is missing in a third of the resamples, which moves them to one side: their spread is what counts.
    slopes, heights = draws[:, :2], draws[:, 2:]
    params, tokens = (
        PowerLine(
            line.middle, line.slope, line.height, line.slope + slopes[:, k] - np.median(slopes[:, k]),
            line.height + heights[:, k] - np.median(heights[:, k]),
        )
        for k, line in enumerate(lines)
    )  # fmt: skip
    return GrowthLines(params, tokens, "", level, seen, {"params": params.slope, "tokens": tokens.slope})


def _told(best: _Best, points: int, table: _Table, draws: int, left: int) -> list[str]:
    by = "the log of each run" if table.kind == "run" else "the finished runs of each size"
    out = [
        f"envelope of {by}: {len(best.x)} of {points} amounts of compute used, {best.refused} left out because the "
        f"best there is the smallest or largest of the sizes that got there, or these are fewer than {LEAST_SIZES}"
    ]
    if table.kind == "run":
        out.append("smoothing is yours: see smooth_loss; a log is taken as it stands")
    if left < draws and left:
        out.append(f"{draws - left} of {draws} resamples of the runs gave no envelope")
    return out


def _doubts(best: _Best, growth: GrowthLines, draws: int, left: int) -> tuple[str, ...]:
    if growth.params is None:
        return ()
    out = []
    if left < 0.9 * draws:
        out.append(f"{draws - left} of {draws} resamples of the runs give no envelope: it rests on few runs")
    low, high = growth.seen
    if high < 10 * low:
        out.append(f"the envelope spans a factor of {high / low:.2g} in compute: an exponent asks for 10 or more")
    return tuple(out)


def _drawn_curves(curves: _Curves, grid: Floats) -> pd.DataFrame:
    """The curves for a picture: ``curve, flops, params, loss``, every tenth place."""
    places = np.arange(0, len(grid), max(1, len(grid) // 150))
    k, m = np.nonzero(np.isfinite(curves.y[:, places]))
    return pd.DataFrame(
        {"curve": k, "flops": np.exp(grid[places][m]), "params": np.exp(curves.size[k]),
         "loss": np.exp(curves.y[k, places[m]])}
    )  # fmt: skip
