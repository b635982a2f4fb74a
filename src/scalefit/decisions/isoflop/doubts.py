"""What speaks against the exponents of an isoFLOP analysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalefit.decisions.isoflop.budgets import Budget
from scalefit.decisions.isoflop.record import GrowthLines
from scalefit.decisions.isoflop.vertices import Method
from scalefit.errors import listing

#: Budgets that span less than this say little of an exponent.
LEAST_SPAN = 4.0
#: Points that scatter about their line as seldom as this have larger errors than their noise.
SURPRISE = 0.05
#: So many low points of the usual spline are not one valley.
SEVERAL = 3
#: How far from the middle of its sizes a vertex may lie, as a share of half their range, before a parabola is doubted.
OFF_CENTRE = 0.5


def doubts_of(
    frame: pd.DataFrame, kept: Sequence[Budget], growth: GrowthLines, method: Method, level: float, target: str
) -> tuple[str, ...]:
    """Each reason in one sentence."""
    doubts = []
    edges = frame[frame.edge > (1 - level) / 2]
    if len(edges):
        shares = zip(edges.edge.to_numpy(float), edges.flops.to_numpy(float), strict=True)
        which = listing(f"{100 * share:.0f} % at {flops:.4g} FLOP" for share, flops in shares)
        doubts.append(
            f"the lowest {target} lies at the smallest or largest size in many draws of the noise, {which}: these "
            f"intervals end where the sizes end"
        )
    if growth.params is None:
        return tuple(doubts)
    low, high = growth.seen
    if high < LEAST_SPAN * low:
        doubts.append(f"the budgets span a factor of {high / low:.2g}: an exponent asks for {LEAST_SPAN:g} or more")
    if growth.params.surprise < SURPRISE:
        doubts.append(
            f"the best sizes scatter about the line by more than their noise explains: the interval was widened "
            f"{growth.params.widened:.2g} times, and the line may not be straight"
        )
    if method == "parabola":
        doubts += _off_centre(frame, kept)
    return tuple(doubts)


def hint_of(all_: Sequence[Budget], kept: Sequence[Budget], method: Method, target: str) -> tuple[str, ...]:
    """What may be behind an answer that is none, or splines that follow the noise of single runs."""
    if all_ and not kept and all(0 < int(np.argmax(one.loss)) < len(one.x) - 1 for one in all_):
        return (
            f"The {target} is highest between the sizes of every budget: if more of it is better, take what falls, "
            f"such as 1 - {target}.",
        )
    if method != "akima" or not kept:
        return ()
    lows = [int(((one.loss[1:-1] < one.loss[:-2]) & (one.loss[1:-1] < one.loss[2:])).sum()) for one in kept]
    if np.median(lows) < SEVERAL:
        return ()
    return (
        f"The splines have {min(lows)} to {max(lows)} low points each: they follow the scatter of single runs, which "
        f"method='parabola' averages.",
    )


def _off_centre(frame: pd.DataFrame, kept: Sequence[Budget]) -> list[str]:
    """Vertices far from the middle of their sizes, where a parabola is known to be pulled."""
    middles = np.array([(one.x[0] + one.x[-1]) / 2 for one in kept])
    halves = np.array([(one.x[-1] - one.x[0]) / 2 for one in kept])
    away = (np.log(frame.params.to_numpy(float)) - middles) / halves
    far = frame.flops.to_numpy(float)[np.abs(away) > OFF_CENTRE]
    if not len(far):
        return []
    return [
        f"at {listing(f'{flops:.4g}' for flops in far)} FLOP the vertex lies far from the middle of the sizes, where a "
        f"parabola is biased: compare method='akima'"
    ]
