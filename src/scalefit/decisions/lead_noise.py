"""Whether the lead of one law over another is larger than its own noise: fits and held-out runs drawn again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit import tables
from scalefit.decisions.held_out import Candidate, Evidence, Task
from scalefit.decisions.ranking import Errors

Array = NDArray[np.float64]
Places = NDArray[np.intp]

#: A law is clearly behind in at least this share of the resamples. On 3,000 simulated ladders, straight or bent in
#: logs, 99.8 % of such leads were of the law that then predicted better far beyond. Held-out runs drawn again without
#: the fits would not do: they call most leads clear, those of the worse law too.
CLEAR = 0.95
#: Fewer held-out runs than this say nothing of the noise between runs.
FEWEST_RUNS = 5
#: Fewer resamples of a fit than this say nothing of its noise.
FEWEST_DRAWS = 20
#: Resamples used of each fit.
MOST_DRAWS = 200


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Errors of the resampled fits of one law beyond one cut.

    ``place`` (n,) says which rows of the runs are judged, ``draw`` (draws,) which resamples reached a minimum, ``size``
    (draws, n) the absolute relative errors.
    """

    place: Places
    draw: Places
    size: Array


def shares_behind(
    task: Task,
    candidates: Mapping[str, Candidate],
    found: Mapping[str, Evidence],
    errors: Errors,
    first: str,
    seed: int,
) -> dict[str, float]:
    """How often the error of each other law is larger than that of the first when everything is drawn again.

    At each cut that both were judged at, the runs below it are resampled, as for the intervals, and those beyond it are
    weighed anew by exponential numbers (Rubin 1981, "The Bayesian bootstrap", Annals of Statistics 9, 130). The share
    is the mean over cuts, not that of a mean error: cuts share most of their runs, so their noise does not average
    out. NaN where there are too few runs, or resamples, to tell.
    """
    unit = np.full(len(task.frame), -1, np.intp)
    unit[errors.place] = errors.unit
    draws = min(task.draws, MOST_DRAWS)
    weights = np.random.default_rng(seed).standard_exponential((draws, int(errors.unit.max()) + 1))
    best = dict(_drawn(task, candidates[first], found[first]))
    return {
        law: _share(best, dict(_drawn(task, candidates[law], one)), unit, weights, _cuts_shared(found[first], one))
        for law, one in found.items()
        if law != first
    }


def _cuts_shared(a: Evidence, b: Evidence) -> int:
    return len(set(a.converged) & set(b.converged))


def _drawn(task: Task, candidate: Candidate, evidence: Evidence) -> Iterator[tuple[float, _Drawn]]:
    """The errors of the resampled fits, cut by cut."""
    if evidence.test is None:
        return
    for cut, below in evidence.test.fits.items():
        assert below.draws is not None
        rows = evidence.points[evidence.points["cut"] == cut]
        part = task.frame.loc[rows["row"]]
        # All rows of the cut at once: the areas of a schedule follow from whole runs.
        inputs = tables.read_inputs(
            part, below.law, columns=candidate.columns(task), schedules=None, warn_units=False
        ).inputs
        seen = rows["observed"].to_numpy(float)
        with np.errstate(all="ignore"):
            estimate = below.law.value(below.draws.to_numpy(float)[:MOST_DRAWS], inputs)
            size = np.abs(estimate - seen) / np.abs(seen)
        kept = seen != 0
        place = task.frame.index.get_indexer(part.index)[kept]
        draw = below.draws.index.to_numpy(np.intp)[:MOST_DRAWS]
        yield cut, _Drawn(place, draw, np.where(np.isfinite(size), size, np.inf)[:, kept])


def _share(
    first: Mapping[float, _Drawn], law: Mapping[float, _Drawn], unit: Places, weights: Array, shared: int
) -> float:
    """The mean over cuts of the share of resamples in which a law is behind; NaN where too little is known."""
    shares: list[float] = []
    seen: set[int] = set()
    for cut in sorted(set(first) & set(law)):
        a, b = first[cut], law[cut]
        place, a_row, b_row = np.intersect1d(a.place, b.place, return_indices=True)
        draw, a_draw, b_draw = np.intersect1d(a.draw, b.draw, return_indices=True)
        known = draw < len(weights)
        if known.sum() < FEWEST_DRAWS or not len(place):
            continue
        weight = weights[draw[known]][:, unit[place]]
        means = [
            np.average(one.size[np.ix_(which[known], row)], axis=1, weights=weight)
            for one, which, row in ((a, a_draw, a_row), (b, b_draw, b_row))
        ]
        shares.append(float(np.mean(means[1] > means[0])))
        seen.update(unit[place].tolist())
    if len(seen) < FEWEST_RUNS or 2 * len(shares) < shared:
        return float("nan")
    return float(np.mean(shares))
