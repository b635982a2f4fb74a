"""Sums over the steps that a row remembers: the inputs of laws that look back on a whole run, as the laws need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.law import Array
from scalefit.schedules.memory import PARTS

#: Numbers computed at once.
BLOCK = 50_000


@dataclass(frozen=True, eq=False)
class Groups:
    """The m groups of steps that n rows remember and that weigh something, of all rows one after the other.

    ``weight``, ``rate`` and ``area`` (since) are (m,); ``starts`` says where the groups of each of the ``rows`` begin,
    of which those without a group are left out.
    """

    weight: Array
    rate: Array
    area: Array
    starts: NDArray[np.intp]
    rows: NDArray[np.intp]
    n: int

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (B, m) summed over the groups of each row: (B, n)."""
        out = np.zeros((len(values), self.n), values.dtype)
        if len(self.rows):
            out[:, self.rows] = np.add.reduceat(values, self.starts, axis=1)
        return out

    def blocks(self, count: int) -> Iterator[slice]:
        """Parameter vectors a few at a time, so that what is computed of them fits the cache."""
        step = max(1, BLOCK // max(len(self.weight), 1))
        return (slice(start, start + step) for start in range(0, count, step))


def read_groups(history: Array) -> Groups:
    """The groups of a history as :func:`scalefit.schedules.memory.remembered_steps` writes it, (n, 3 K).

    Steps that only steps of rate zero have followed have no area since: nothing has come of them yet, and they are left
    out.
    """
    groups = history.reshape(len(history), -1, PARTS)
    there = (groups[..., 0] != 0) & (groups[..., 2] > 0)
    count = there.sum(axis=1)
    rows = np.flatnonzero(count)
    weight, rate, area = np.ascontiguousarray(groups.reshape(-1, PARTS)[np.flatnonzero(there)].T)
    return Groups(weight, rate, area, (np.cumsum(count) - count)[rows], rows, len(history))
