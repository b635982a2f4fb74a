"""What a step remembers of the rates before it: earlier steps in groups, few where they lie far back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: The smallest rate, as a share of the largest, that is told apart from zero.
LEAST_RATE = 1e-12
#: Areas below this share of the largest rate are one group.
LEAST_AREA = 1e-6
#: How many numbers each group has: its weight, the mean rate and the mean area since.
PARTS = 3
#: Cells of rows looked at together: what is needed at once stays small however many rows there are.
CELLS = 1_000_000


def remembered_steps(
    rates: npt.ArrayLike, weights: npt.ArrayLike, steps: npt.ArrayLike, *, width: float, by_rate: bool = True
) -> Floats:
    """Earlier steps as seen from some steps, in groups of nearly equal rate and nearly equal area since.

    A sum over all steps ``k <= t`` of ``weight[k] * f(rate[k], area from k to t)``, with a smooth f, becomes a sum over
    groups. Seen from t, steps of one group have weights of one sign and differ by at most ``width`` in the log of the
    area since, and by about as much in the cube root of their rate; each group has their total weight, and their means
    as weighed by it, so that only the curvature of f within it is lost: errors fall with the square of ``width``. The
    number of groups grows with the log of the steps.

    Parameters
    ----------
    rates : array (S + 1,), the rate of each step from 0, 0 or more.
    weights : array (S + 1,), what each step weighs, of either sign; steps of weight zero are not remembered.
    steps : array (n,) of whole numbers from 0 to S: the steps that look back.
    width : above zero.
    by_rate : whether f depends on the rate; without, groups hold steps of any rate, and are fewer.

    Returns
    -------
    array (n, 3 K)
        For each step K groups side by side, ``weight, rate, area`` each; groups that a step does not need weigh
        nothing. The area since a step that only steps of rate zero have followed, itself one of them, is zero.

    Examples
    --------
    >>> seen = remembered_steps([1.0, 1.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.0], [1, 2, 3], width=0.1)
    >>> seen.tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.5, 0.5], [0.5, 0.5, 1.0]]
    """
    rate, weight, at = np.asarray(rates, float), np.asarray(weights, float), np.asarray(steps, np.intp)
    past = _past(rate, weight, width, by_rate)
    parts = [] if past is None else [_seen_from(past, at[rows], areas) for rows, areas in _areas(past, at, width)]
    K = max((part.shape[1] for part in parts), default=1)
    out = np.empty((len(at), K, PARTS))
    out[:] = 0.0, 1.0, 0.0
    start = 0
    for part in parts:
        out[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return out.reshape(len(at), K * PARTS)


@dataclass(frozen=True, eq=False)
class _Past:
    """The m steps that weigh something, and running sums over those of each class: (classes, m + 1).

    A class is a sign of the weight and a range of rates. ``done`` (S + 1,) is the area up to each step, ``before`` (m,)
    that up to the step before it.
    """

    rate: Floats
    done: Floats
    kept: Ints
    before: Floats
    signs: Floats
    total: Floats
    log_rates: Floats
    befores: Floats


def _past(rate: Floats, weight: Floats, width: float, by_rate: bool) -> _Past | None:
    kept = np.flatnonzero(weight)
    if not len(kept):
        return None
    highest = float(rate.max()) or 1.0
    share = rate[kept] / highest
    kind = np.where(share > LEAST_RATE, np.floor(3 * np.cbrt(share) / width) if by_rate else 0.0, -1.0)
    # Positive where the weight is, one number a range of rates.
    classes, place = np.unique(np.sign(weight[kept]) * (kind + 2), return_inverse=True)
    done = np.cumsum(rate)
    before = np.concatenate([[0.0], done])[kept]
    sums = []
    for values in (np.ones(len(kept)), np.log(np.maximum(rate[kept], LEAST_RATE * highest)), before):
        each = np.zeros((len(classes), len(kept) + 1))
        each[place, np.arange(1, len(kept) + 1)] = np.abs(weight[kept]) * values
        sums.append(np.cumsum(each, axis=1, out=each))
    return _Past(rate, done, kept, before, np.sign(classes), *sums)


def _areas(past: _Past, at: Ints, width: float) -> Iterator[tuple[slice, Floats]]:
    """Rows a few at a time, with the areas since that bound their groups, the nearest first: (rows, bounds)."""
    nearest = np.maximum(past.rate[at], LEAST_AREA * (float(past.rate.max()) or 1.0))
    farthest = np.maximum(past.done[at], nearest)
    longest = float(np.max(farthest / nearest, initial=1.0))
    grown = np.exp(width * np.arange(int(np.ceil(np.log(longest) / width)) + 1))
    step = max(1, CELLS // (len(past.signs) * (len(grown) + 1)))
    for start in range(0, len(at), step):
        rows = slice(start, start + step)
        yield rows, np.minimum(nearest[rows, None] * grown, farthest[rows, None])


def _seen_from(past: _Past, at: Ints, areas: Floats) -> Floats:
    """The groups of some rows, those that weigh something first: (rows, K, 3)."""
    done = past.done[at][:, None]
    ends = np.searchsorted(past.kept, at, side="right")[:, None]
    bounds = np.minimum(np.searchsorted(past.before, done - areas), ends)
    edges = np.concatenate([ends, bounds, np.zeros_like(ends)], axis=1)  # falling: the nearest steps are the last
    total = past.total[:, edges]
    weight = (total[..., :-1] - total[..., 1:]).transpose(1, 0, 2)
    row, group, place = np.nonzero(weight > 0)
    count = np.bincount(row, minlength=len(at))
    out = np.empty((len(at), max(int(count.max()), 1), PARTS))
    out[:] = 0.0, 1.0, 0.0
    slot = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    size, high, low = weight[row, group, place], edges[row, place], edges[row, place + 1]
    log_rate, before = ((sums[group, high] - sums[group, low]) / size for sums in (past.log_rates, past.befores))
    # A mean lies between the first and the last: differences of running sums alone would not know it to the last digit.
    before = np.clip(before, past.before[low], past.before[high - 1])
    out[row, slot, 0] = past.signs[group] * size
    out[row, slot, 1] = np.exp(log_rate)
    out[row, slot, 2] = past.done[at][row] - before
    return out
