"""What a step remembers of the rates before it: earlier steps in groups, few where they lie far back."""

from __future__ import annotations

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


def remembered_steps(rates: npt.ArrayLike, weights: npt.ArrayLike, steps: npt.ArrayLike, *, width: float) -> Floats:
    """Earlier steps as seen from some steps, in groups of nearly equal rate and nearly equal area since.

    A sum over all steps ``k <= t`` of ``weight[k] * f(rate[k], area from k to t)``, with a smooth f, becomes a sum over
    groups. Seen from t, steps of one group differ by at most ``width`` in the log of their rate and in the log of the
    area since; each group has their total weight, and their means as weighed by its size, so that only the curvature of
    f within it is lost: errors fall with the square of ``width``. The number of groups grows with the log of the steps.

    Parameters
    ----------
    rates : array (S + 1,), the rate of each step from 0.
    weights : array (S + 1,), what each step weighs, of either sign; steps of weight zero are not remembered.
    steps : array (n,) of whole numbers from 0 to S: the steps that look back.
    width : above zero.

    Returns
    -------
    array (n, 3 K)
        For each step K groups side by side, ``weight, rate, area`` each; groups that a step does not need weigh nothing.

    Examples
    --------
    >>> seen = remembered_steps([1.0, 1.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.0], [1, 2, 3], width=0.1)
    >>> seen.tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.5, 0.5], [0.5, 0.5, 1.0]]
    """
    rate, weight, at = np.asarray(rates, float), np.asarray(weights, float), np.asarray(steps, np.intp)
    done = np.cumsum(rate)
    kept = np.flatnonzero(weight)
    if not len(kept):
        return np.tile([0.0, 1.0, 0.0], (len(at), 1))
    weight, log_rate = weight[kept], np.log(np.maximum(rate[kept], LEAST_RATE * rate.max()))
    before = done[kept] - rate[kept]
    edges = _edges(rate, done, at, kept, weight, log_rate, before, width)
    low, high = edges[:, :-1], edges[:, 1:]
    size = np.concatenate([[0.0], np.cumsum(np.abs(weight))])
    filled = size[high] > size[low]
    K = max(int(filled.sum(axis=1).max()), 1)
    order = np.argsort(~filled, axis=1, kind="stable")[:, :K]
    low, high = np.take_along_axis(low, order, axis=1), np.take_along_axis(high, order, axis=1)
    total = size[high] - size[low]
    used = total > 0

    def mean_of(values: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(np.abs(weight) * values)])
        return np.asarray((sums[high] - sums[low]) / np.where(used, total, 1.0))

    signed = np.concatenate([[0.0], np.cumsum(weight)])
    out = np.empty((len(at), K, PARTS))
    out[..., 0] = np.where(used, signed[high] - signed[low], 0.0)
    out[..., 1] = np.where(used, np.exp(mean_of(log_rate)), 1.0)
    out[..., 2] = np.where(used, np.maximum(done[at][:, None] - mean_of(before), 0.0), 0.0)
    return out.reshape(len(at), K * PARTS)


def _edges(
    rate: Floats, done: Floats, at: Ints, kept: Ints, weight: Floats, log_rate: Floats, before: Floats, width: float
) -> Ints:
    """Where groups begin and end among the steps kept, ascending, for each step that looks back."""
    past = np.searchsorted(kept, at, side="right")
    kind = np.floor(3 * np.exp((log_rate - log_rate.max()) / 3) / width)
    turns = (np.diff(np.sign(weight)) != 0) | (np.diff(kind) != 0)
    fixed = np.flatnonzero(turns) + 1
    nearest = np.maximum(rate[at], LEAST_AREA * rate.max())
    farthest = np.maximum(done[at], nearest)
    count = int(np.ceil(np.log(float((farthest / nearest).max())) / width)) + 1
    since = np.minimum(nearest[:, None] * np.exp(width * np.arange(count)), farthest[:, None])
    by_area = np.searchsorted(before, done[at][:, None] - since)
    ends = np.column_stack([np.zeros_like(past), past])
    edges = np.concatenate([by_area, np.broadcast_to(fixed, (len(at), len(fixed))), ends], axis=1)
    return np.asarray(np.sort(np.minimum(edges, past[:, None]), axis=1), np.intp)
