"""What is wrong with the log of a live run itself: rows that stand off alone, and a loss that went wrong for good."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.schedules.along import Steps
from scalefit.fitting.problem import Array
from scalefit.runs.divergence import find_divergence
from scalefit.runs.spikes import MAD_TO_SIGMA
from scalefit.schedules import Schedule
from scalefit.wording.amounts import count_of
from scalefit.wording.weighed import Barring, Slight

#: A row stands off by itself if it lies this many standard deviations above the median of its neighbours, and by this
#: share of the loss: the rule of ``find_spikes``.
SIGMAS, SHARE = 6.0, 0.01
#: So many rows at the end of a log that all lie above are its course.
COURSE = 3
#: Rates that rise by more than this factor raise the loss of a sound run too.
RISES = 1.05
#: Rows that are named; of more, their number.
NAMED = 3


def sound_rows(ratio: Array) -> NDArray[np.bool_]:
    """Which rows go along with the others, given the log of seen by expected loss (n,): all where none is known."""
    known = np.isfinite(ratio)
    if not known.any():
        return np.ones(len(ratio), bool)
    off = ratio - np.median(ratio[known])
    above = off > max(SIGMAS * MAD_TO_SIGMA * float(np.median(np.abs(off[known]))), SHARE)
    return np.asarray(~above | above[-COURSE:].all())


def spikes_text(steps: Steps, seen: Array, now: int) -> str:
    """The rows that were left out of the level of a run; empty where there are none."""
    if not len(steps):
        return ""
    rows = ", ".join(f"{loss:.4g} at step {step:,}" for step, loss in zip(steps[:NAMED], seen[:NAMED], strict=True))
    more = f" and {len(steps) - NAMED} more" if len(steps) > NAMED else ""
    them = "it is" if len(steps) == 1 else "they are"
    said = (
        f"{count_of(len(steps), 'row')} of the log {'lies' if len(steps) == 1 else 'lie'} off the others: {rows}{more}"
    )
    if now in steps:
        return f"{said}; {them} left out, and the next rows must show whether the run comes back"
    return Slight(f"{said}; {them} left out")


def divergence_text(steps: Steps, seen: Array, schedule: Schedule) -> str:
    """That the loss went wrong for good, and since when; empty where it did not, or where the rate explains its rise.

    The rule is that of :func:`scalefit.find_divergence`, "above its minimum".
    """
    if not (np.isfinite(seen).all() and (seen > 0).all()):
        return ""
    told = find_divergence(pd.DataFrame({"step": steps, "loss": seen}), by=None).iloc[0]
    lowest = int(steps[np.argmin(seen)])
    before = schedule.rates.max() if lowest <= schedule.warmup else schedule.rates[lowest]
    rises = schedule.rates[lowest : int(steps[-1]) + 1].max() > RISES * before
    if told["reason"] != "above its minimum" or rises:
        return ""
    return Barring(
        f"the run has diverged: from step {int(told['step']):,} on its loss stands above its minimum, now "
        f"{told['loss_last']:.4g} after {told['loss_lowest']:.4g}; go back to a checkpoint before that step"
    )
