"""Learning rates that do not end with the run, and checkpoints that are taken for the ends of runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.checks.feeding import fed_laws, needs_of
from scalefit.checks.finding import Finding, Repair, a_few, counted, found
from scalefit.checks.table import Floats, Ints, Mask, RunsTable
from scalefit.schedules import recognize_schedules
from scalefit.schedules.shapes import MATCHED_WITHIN

#: A run that ends at less than this share of its peak rate is annealed, whatever its schedule.
ANNEALED = 0.15
#: A rate that falls below this share of the peak is lowered at all.
LOWERED = 0.9
#: Schedules that are recognised: each takes a tenth of a second or more.
MOST = 6
#: Rows from which on a run shows its schedule, and rows of it that are looked at.
FEWEST, LOOKED_AT = 5, 300
#: Points at which two schedules must agree to be one.
_POINTS = np.linspace(0.05, 1.0, 12)


@dataclass(frozen=True, eq=False)
class Ends:
    """The rate at the end of each run with a log of rates.

    Attributes
    ----------
    runs : array (k,)
        The numbers of these runs.
    share : array (k,)
        Their last rate as a share of the peak.
    lowest : array (k,)
        The lowest rate after the peak, as a share of it.
    forms : list of k tuples
        Two runs of one schedule, scaled to their length and peak, have the same.
    """

    runs: Ints
    share: Floats
    lowest: Floats
    forms: list[tuple[int, ...]]

    @property
    def annealed(self) -> Ints:
        """The runs whose rate had come down when they ended."""
        return self.runs[(self.lowest < LOWERED) & (self.share <= ANNEALED)]


def check_rates(table: RunsTable) -> Iterator[Finding]:
    """Findings about schedules, and about checkpoints before the end of one."""
    ends = read_ends(table)
    yield from _checkpoints(table, ends)
    if ends is None:
        return
    lowered = ends.lowest < LOWERED
    yield from _never_lowered(table, ends, lowered)
    yield from _mismatched(table, ends, lowered & (ends.share > ANNEALED))


def read_ends(table: RunsTable) -> Ends | None:
    """The ends of the learning rates; None where there are no logs of rates."""
    if not (table.has("lr", "step") and table.has_checkpoints):
        return None
    steps, rates = table.numbers["step"], table.numbers["lr"]
    rows = table.order[(np.isfinite(steps) & np.isfinite(rates) & (rates >= 0))[table.order]]
    bounds = np.searchsorted(table.codes[rows], np.arange(len(table.names) + 1))
    runs, share, lowest, forms = [], [], [], []
    for run in np.flatnonzero(np.diff(bounds) >= FEWEST):
        x, y = steps[rows[bounds[run] : bounds[run + 1]]], rates[rows[bounds[run] : bounds[run + 1]]]
        top = int(np.argmax(y))
        if y[top] <= 0 or x[-1] <= x[0]:
            continue
        runs.append(run)
        share.append(y[-1] / y[top])
        lowest.append(y[top:].min() / y[top])
        forms.append(tuple(np.round(50 * np.interp(_POINTS * x[-1], x, y) / y[top]).astype(int)))
    if not runs:
        return None
    return Ends(np.array(runs, dtype=np.intp), np.array(share), np.array(lowest), forms)


def _checkpoints(table: RunsTable, ends: Ends | None) -> Iterator[Finding]:
    """Rows before the ends of runs: a law of final losses takes each for a run that ended there."""
    if not (table.has_checkpoints and table.run_column is not None and table.target == "loss"):
        return
    lowered = ends is not None and (ends.lowest < LOWERED).mean() > 0.5
    why = (
        "takes each for the end of a run, and at most of them the learning rate was not lowered yet"
        if lowered
        else "takes each for the end of a run"
    )
    yield found(
        "checkpoints", "misleading" if _would_be_taken_for_final(table) else "remark",
        f"The {len(table.frame):,} rows are checkpoints of {counted(len(table.names), 'run')}. A law of final losses, "
        f"such as chinchilla, {why}. Laws of training curves want them all.",
        Repair("For final losses take one row a run: sf.extract_final_losses(runs).",
               "For final losses write the last row of each run to a file of its own."),
    )  # fmt: skip


def _would_be_taken_for_final(table: RunsTable) -> bool:
    """Whether laws of final losses find their columns, and most runs offer them several losses each."""
    # One run is a training curve; of a column of runs that was guessed another finding says the same.
    if len(table.names) < 2 or table.guessed:
        return False
    measured = np.bincount(table.codes[np.isfinite(table.numbers["loss"])], minlength=len(table.names))
    if np.median(measured) < 2:
        return False
    columns = {str(name) for name in table.frame.columns}
    sized = bool(columns & {"params", "tokens", "flops", "x"})
    return any(
        {"run", "step"}.isdisjoint(needs_of(law)) and (law.inputs != ("x",) or sized) for law in fed_laws(columns)
    )


def _never_lowered(table: RunsTable, ends: Ends, lowered: Mask) -> Iterator[Finding]:
    """Runs of a constant rate, beside others that were annealed."""
    if lowered.all() or not lowered.any():
        return
    runs = ends.runs[~lowered]
    yield found(
        "not_annealed", "remark",
        f"The learning rate of {counted(len(runs), 'run')} is never lowered, {a_few(table.name_runs(runs))}, and that "
        f"of {counted(int(lowered.sum()), 'other')} is: final losses of the two kinds are not comparable.",
        "Fit the two kinds apart, or the curves with their rates: law lr_annealing.",
        rows=table.last[runs], columns=["lr"],
    )  # fmt: skip


def _mismatched(table: RunsTable, ends: Ends, suspicious: Mask) -> Iterator[Finding]:
    """Runs that end before their schedule does; one run of each form is recognised."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place in np.flatnonzero(suspicious):
        groups.setdefault(ends.forms[place], []).append(int(place))
    largest = sorted(groups.values(), key=len, reverse=True)[:MOST]
    if not largest:
        return
    told = recognize_schedules(_log_of(table, [int(ends.runs[group[0]]) for group in largest]))
    unsure = [place for group in sorted(groups.values(), key=len, reverse=True)[MOST:] for place in group]
    runs, said = [], ""
    for group, mismatch, decay_end in zip(largest, told["mismatch"], told["decay_end"], strict=True):
        if mismatch is None or pd.isna(mismatch) or pd.isna(decay_end):
            continue
        run = ends.runs[group[0]]
        mismatch = _to_the_end(str(mismatch), int(decay_end), float(table.numbers["step"][table.ends[run]]))
        if not mismatch:
            continue
        runs += group
        said = said or f"in {table.name_runs(np.array([run]))[0]} {mismatch}"
    if not runs:
        return
    # Schedules that were not recognised for lack of time end as high as those that were.
    runs = sorted({*runs, *unsure})
    numbers = ends.runs[runs]
    verb = "ends" if len(runs) == 1 else "end"
    yield found(
        "schedule_mismatch", "misleading",
        f"{counted(len(runs), 'run')} {verb} before the schedule of the learning rate does: {said}. Such a loss is "
        "above that of a run whose schedule fits its tokens (Hoffmann et al. 2022, appendix B).",
        Repair("Leave them out, or fit the curves with their rates: sf.fit(runs, 'lr_annealing').",
               "Leave them out, or fit the curves with their rates: --law lr_annealing."),
        rows=table.last[numbers], columns=["lr"],
    )  # fmt: skip


def _to_the_end(mismatch: str, decay_end: int, end: float) -> str:
    """A mismatch, told of the last row of the run where its last logged rate comes before; empty if it is none."""
    logged = re.search(r"the run at step ([\d,]+)", mismatch)
    if logged is None or int(logged[1].replace(",", "")) >= end:
        return mismatch
    if abs(end - decay_end) <= MATCHED_WITHIN * decay_end:
        return ""
    return f"{mismatch[: logged.start()]}the run at step {end:,.0f}"


def _log_of(table: RunsTable, runs: list[int]) -> dict[str, npt.NDArray[Any]]:
    """Steps and rates of some runs, thinned, under numbers for names."""
    steps, rates = table.numbers["step"], table.numbers["lr"]
    kept = []
    for run in runs:
        rows = np.flatnonzero((table.codes == run) & np.isfinite(steps) & np.isfinite(rates) & (rates >= 0))
        rows = rows[np.argsort(steps[rows], kind="stable")]
        rows = rows[np.append(np.diff(steps[rows]) > 0, True)]
        kept.append(rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LOOKED_AT)).round().astype(int))])
    rows = np.concatenate(kept)
    return {"run": table.codes[rows].astype(str), "step": steps[rows], "lr": rates[rows]}
