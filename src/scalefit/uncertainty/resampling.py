"""Plans: which units each resample holds how often, drawn before any work is shared out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import FitError, listing
from scalefit.uncertainty.units import Units

Array = NDArray[np.float64]
Counts = NDArray[np.unsignedinteger[Any]] | Array
PlanKind = Literal["counts", "residual", "seeds", "wild", "parametric"]
#: How often resamples that do not identify the law are drawn again before the rest is left as it is.
MOST_REDRAWS = 100


@dataclass(frozen=True, eq=False)
class Plan:
    """What each resample is made of, by the names of units: how often each stands in it, or what its values become.

    Two fits whose draws come from one plan may be combined draw by draw; equal seeds do not make plans one.

    Parameters
    ----------
    names : what the columns of ``counts`` stand for: names of runs, or labels of rows.
    counts : (draws, names). Of kind ``"counts"``: how often each unit counts, whole numbers or weights. ``"residual"``
        and ``"seeds"``: the column of the row whose deviation the row receives. ``"wild"``: 1 where a residual keeps
        its sign and 0 where it turns it. ``"parametric"``: the level in (0, 1) of the fitted noise.
    token : tells plans apart.
    kind : what ``counts`` means.
    redrawn : resamples that could not have fixed the law, with too few distinct points or sizes, and were drawn again.
    """

    names: tuple[str, ...]
    counts: Counts
    token: str
    kind: PlanKind = "counts"
    redrawn: int = 0

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = [name for name, count in Counter(self.names).items() if count > 1]
            raise FitError(f"A plan needs a name of its own for each unit; {listing(twice[:3])} stands there twice.")

    @property
    def draws(self) -> int:
        """How many resamples the plan holds."""
        return len(self.counts)

    def row_counts(self, places: NDArray[np.intp], draws: slice) -> Array:
        """How often each row stands in some of the resamples, (draws, n), given the unit of each row."""
        return self.counts[draws].astype(float)[:, places]

    def places_of(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Where units of these names stand in the plan.

        Raises
        ------
        FitError
            If a unit is not in the plan: it was drawn for other runs.
        """
        where = {name: place for place, name in enumerate(self.names)}
        missing = [name for name in names if name not in where]
        if missing:
            raise FitError(f"The plan was drawn for other runs: it does not hold {listing(missing[:3])}.")
        return np.array([where[name] for name in names])


def make_plan(names: Sequence[str], counts: Counts, data_hash: str, kind: PlanKind = "counts") -> Plan:
    """A plan with a token of its numbers and of the data they were drawn for."""
    told = "" if kind == "counts" else kind
    token = hashlib.sha256((data_hash + told).encode() + counts.tobytes()).hexdigest()[:16]
    return Plan(tuple(names), counts, token, kind)


def draw_identified(
    draw: Callable[[int], Counts],
    draws: int,
    identified: Callable[[Counts], NDArray[np.bool_]],
    names: Sequence[str],
    data_hash: str,
) -> Plan:
    """A plan of counts in which resamples that do not identify the law were drawn again.

    All resamples are drawn first, those that fail afterwards: the others keep the bits of their seed.
    """
    counts, redrawn = draw(draws), 0
    wrong = np.flatnonzero(~identified(counts))
    for _ in range(MOST_REDRAWS):
        if not len(wrong):
            break
        counts[wrong] = draw(len(wrong))
        redrawn += len(wrong)
        wrong = wrong[~identified(counts[wrong])]
    return replace(make_plan(names, counts, data_hash), redrawn=redrawn)


def unit_counts(units: Units, weights: Array, rng: np.random.Generator) -> Callable[[int], Counts]:
    """Draws with replacement of rows, runs or moving blocks: a function of how many.

    A row of weight w stands there w times, and is drawn so much more often.
    """
    if units.kind == "blocks":
        return lambda draws: _block_counts(units, draws, rng)
    share = weights / weights.sum() if units.kind == "rows" else np.full(units.count, 1 / units.count)
    drawn = round(float(weights.sum())) if units.kind == "rows" else units.count

    def draw(draws: int) -> Counts:
        counts = rng.multinomial(max(drawn, 1), share, size=draws)
        return counts.astype(np.uint32) if drawn > 65_535 else counts.astype(np.uint16)

    return draw


def strata_counts(strata: NDArray[np.intp], weights: Array, rng: np.random.Generator) -> Callable[[int], Counts]:
    """Draws with replacement within each stratum (units,), one fewer than it has, each counting k / (k - 1).

    Drawing all k would make the scatter of a stratum too small by (k - 1) / k, which halves that of pairs (Rao & Wu
    1988). ``weights`` (units,) are how often units of one row count; ones for runs.
    """
    members = [np.flatnonzero((strata == stratum) & (weights > 0)) for stratum in range(int(strata.max()) + 1)]

    def draw(draws: int) -> Array:
        counts = np.zeros((draws, len(strata)))
        for units in members:
            total = float(weights[units].sum())
            drawn = max(round(total) - 1, 1)
            counts[:, units] = rng.multinomial(drawn, weights[units] / total, size=draws) * (total / drawn)
        return counts

    return draw


def subsample_counts(pieces: NDArray[np.intp], kept: int, rng: np.random.Generator) -> Callable[[int], Counts]:
    """Draws of ``kept`` pieces without replacement; ``pieces`` (names,) is the piece of each column of the plan."""
    count = int(pieces.max()) + 1

    def draw(draws: int) -> NDArray[np.uint16]:
        chosen = np.argsort(rng.random((draws, count)), axis=1)[:, :kept]
        there = np.zeros((draws, count), np.uint16)
        np.put_along_axis(there, chosen, np.uint16(1), axis=1)
        return there[:, pieces]

    return draw


def _block_counts(units: Units, draws: int, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Moving blocks along each run, as many rows as the run has: counts by row, (draws, n).

    A block that reaches the end goes on at the beginning (Politis & Romano 1992): otherwise the first and last rows,
    which fix an exponent, would be drawn much more rarely than the others.
    """
    assert units.order is not None
    n = len(units.labels)
    counts = np.zeros((draws, n), np.uint16)
    for run in range(int(units.labels.max()) + 1):
        rows = units.order[units.labels[units.order] == run]
        m, size = len(rows), min(units.block, len(rows))
        first = rng.integers(0, m, size=(draws, -(-m // size)))
        place = (first[:, :, None] + np.arange(size)).reshape(draws, -1)[:, :m] % m
        for draw in range(draws):
            counts[draw, rows] = np.bincount(place[draw], minlength=m)
    return counts
