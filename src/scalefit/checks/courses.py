"""Runs that went wrong or did not finish: diverged, without a loss at the end, stopped early, with spikes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from scalefit.checks.finding import Finding, Repair, Severity, a_few, counted, found
from scalefit.checks.rates import read_ends
from scalefit.checks.table import Floats, Mask, RunsTable, as_floats
from scalefit.errors import ScalefitError
from scalefit.runs.divergence import find_divergence
from scalefit.runs.spikes import find_spikes

#: A run is shorter than another where it has less than this share of its length.
WHOLE = 0.95
#: So many of the runs that are alike must have one length for it to be their budget, and at least so many.
COMMON, FEWEST = 0.6, 3
#: A final loss above so many times the median of so many runs of about the same compute is odd: one that diverged ends
#: near the loss of a guess.
ODD, NEIGHBOURS = 1.5, 11
#: It misleads where it ends above the median of those that are no larger and saw no more, by this factor.
WORSE = 1.2
#: And it lies so many median absolute deviations above that median, eight standard deviations of a normal.
FAR_ABOVE = 8 * 1.4826
#: What a column that holds the planned length of a run is called, by the last part of its name.
_PLANNED = re.compile(
    r"(max|total|planned|target|num_training)_?(steps|iters|iterations|train_steps)|train_iters|max_iters"
)
_SAID = {
    "infinite": "an infinite loss",
    "missing": "no loss at the end (NaN, or a log that was cut off)",
    "above its minimum": "a loss that ends well above its minimum (or overfits)",
    "rising": "a loss that rises at the end",
}


def check_courses(table: RunsTable) -> Iterator[Finding]:
    """Findings about how runs went."""
    yield from _stopped_early(table)
    yield from _before_plan(table)
    yield from _odd_losses(table)
    logs = logs_of(table)
    if logs is None:
        return
    try:
        diverged = find_divergence(logs, along="step", duplicates="last")
        spikes = find_spikes(logs, along="step", duplicates="last")
    except ScalefitError as error:
        yield found("courses", "remark", f"Whether runs diverged could not be told: {error}")
        return
    yield from _diverged(table, diverged)
    yield from _spikes(table, logs, spikes)


def logs_of(table: RunsTable) -> pd.DataFrame | None:
    """Rows ``run`` (its number), ``step`` (or what else orders them), ``loss``, and their places as index.

    None where no run has several rows, or several rows of most steps measure different things.
    """
    if not table.has_checkpoints or table.axis is None or table.target not in ("loss", "train_loss"):
        return None
    place, loss = table.numbers[table.axis], table.numbers[table.target]
    usable = np.isfinite(place) & (place >= 0)
    with np.errstate(invalid="ignore"):
        loss = np.where(loss <= 0, np.nan, loss)
    logs = pd.DataFrame({"run": table.codes, "step": place, "loss": loss})[usable]
    there = logs[logs["loss"].notna()]
    if not np.isfinite(there["loss"]).any() or there.duplicated(["run", "step"]).mean() > 0.05:
        return None
    return logs


def _diverged(table: RunsTable, told: pd.DataFrame) -> Iterator[Finding]:
    # A run of one row without a loss is a missing value, of which another finding tells.
    alone = (told["reason"] == "missing").to_numpy() & (table.sizes[told["run"].to_numpy(dtype=np.intp)] < FEWEST)
    wrong = told[told["diverged"].to_numpy() & ~alone]
    if not len(wrong):
        return
    parts = []
    for reason, rows in wrong.groupby("reason", sort=False):
        names = table.name_runs(rows["run"].to_numpy(dtype=np.intp))
        parts.append(f"{counted(len(rows), 'run')} with {_SAID[str(reason)]}: {a_few(names)}")
    which = wrong["run"].to_numpy(dtype=np.intp)
    yield found(
        "diverged", "misleading",
        f"Runs went wrong: {'; '.join(parts)}. A last loss is then not that of a whole run.",
        _leave_out(table, which), rows=table.last[which], columns=["loss"],
    )  # fmt: skip


def _leave_out(table: RunsTable, which: np.ndarray) -> Repair:
    """How to do without some runs."""
    if table.run_column is None:
        return Repair("Leave them out.", "Leave them out.")
    column = table.spelt("run") if not table.guessed else table.run_column
    names = [str(name) for name in table.names[which]]
    if len(names) <= 3 and all(isinstance(cell, str) for cell in table.frame[table.run_column].iloc[table.last[which]]):
        return Repair(f"Leave them out: runs[~runs[{column!r}].isin({names!r})].", "Leave them out of the file.")
    return Repair(
        f"Leave them out, or judge each: sf.find_divergence(runs, by={column!r}).", "Leave them out of the file."
    )


def _spikes(table: RunsTable, logs: pd.DataFrame, told: pd.DataFrame) -> Iterator[Finding]:
    rows = logs.index[told["spike"].to_numpy()].to_numpy(dtype=np.intp)
    if not len(rows):
        return
    final = np.intersect1d(rows, table.last)
    at_end = f" {counted(len(final), 'run')} {'ends' if len(final) == 1 else 'end'} on one." if len(final) else ""
    names = table.name_runs(np.unique(table.codes[rows]))
    yield found(
        "spikes", "misleading" if len(final) else "remark",
        f"The loss jumps above its course in {counted(len(rows), 'row')} of {counted(len(names), 'run')}, "
        f"{a_few(names)}.{at_end}",
        Repair("See sf.find_spikes(runs). For a final loss take a mean: "
               "sf.extract_final_losses(runs, rule='mean_last', k=5).",
               "For a final loss take the mean of the last few rows."),
        rows=rows, columns=["loss"],
    )  # fmt: skip


def _stopped_early(table: RunsTable) -> Iterator[Finding]:
    """Runs that are shorter than nearly all of those that are alike: the same family, size and budget."""
    if table.axis is None or not table.has("params") or len(table.names) < FEWEST:
        return
    length = table.numbers[table.axis][table.ends]
    alike = pd.DataFrame({"params": table.of_last("params"), "family": table.families[0]})
    for name in ("flop_budget", "batch_tokens", "batch_size", "unique_tokens"):
        if table.has(name):
            alike[name] = table.of_last(name)
    groups = alike.groupby(list(alike.columns), dropna=False, sort=False).ngroup().to_numpy()
    short = np.zeros(len(length), dtype=np.bool_)
    for group in np.flatnonzero(np.bincount(groups) >= FEWEST):
        members = np.flatnonzero((groups == group) & np.isfinite(length))
        short[members] = _odd_and_short(length[members])
    ends = read_ends(table)
    if ends is not None:
        short[ends.annealed] = False  # a run whose rate came down ended as planned
    if short.any():
        names = table.name_runs(short)
        yield found(
            "stopped_early", "misleading",
            f"{counted(len(names), 'run')} stopped before the others of the same size, {a_few(names)}: their last "
            "losses are not those of whole runs.",
            _leave_out(table, np.flatnonzero(short)), rows=table.last[short], columns=[table.axis],
        )  # fmt: skip


def _odd_losses(table: RunsTable) -> Iterator[Finding]:
    """Final losses far above those of runs of about the same compute, of the same family where it has enough."""
    if table.target != "loss" or "flops" not in table.numbers:
        return
    loss, flops, family = table.of_last("loss"), table.of_last("flops"), table.families[0]
    usable = np.isfinite(loss) & (loss > 0) & (flops > 0)
    large = np.isin(family, np.flatnonzero(np.bincount(family[usable]) >= NEIGHBOURS))
    odd = np.zeros(len(loss), dtype=np.bool_)
    for code in np.unique(family[large]):
        among = np.flatnonzero(usable & (family == code))
        odd[among] = _far_above(loss[among], flops[among])
    if not large.all():  # a family of few runs is held against all
        among = np.flatnonzero(usable)
        odd[among] |= _far_above(loss[among], flops[among]) & ~large[among]
    worse = odd & _above_smaller(table, loss, usable)
    kinds: tuple[tuple[Mask, Severity], ...] = ((worse, "misleading"), (odd & ~worse, "remark"))
    for mask, severity in kinds:
        which = np.flatnonzero(mask)
        names = table.name_runs(which)
        verb = "ends" if len(which) == 1 else "end"
        if len(which):
            yield found(
                "odd_losses", severity,
                f"{counted(len(which), 'run')} {verb} at more than {ODD:g} times the loss of runs of about the same "
                f"compute, {a_few(names)}: diverged, over-trained on little data, or a loss in another unit.",
                _leave_out(table, which), rows=table.last[which], columns=["loss"],
            )  # fmt: skip


def _above_smaller(table: RunsTable, loss: Floats, usable: Mask) -> Mask:
    """Which runs end far above runs that are no larger and saw no more, and did not see their data more than once."""
    above = np.zeros(len(loss), dtype=np.bool_)
    if not {"params", "tokens"} <= set(table.numbers):
        return above
    params, tokens = table.of_last("params"), table.of_last("tokens")
    for run in np.flatnonzero(usable):
        less = usable & (params <= params[run]) & (tokens <= tokens[run])
        less &= (params < params[run]) | (tokens < tokens[run])
        alike = less & (table.families[0] == table.families[0][run])
        less = alike if alike.any() else less
        above[run] = less.any() and loss[run] > WORSE * np.median(loss[less])
    if "unique_tokens" in table.numbers:
        above &= ~(table.of_last("unique_tokens") < tokens)
    return above


def _far_above(loss: Floats, flops: Floats) -> Mask:
    """Which losses (r,) are far above the running median along compute, by its own scatter as well."""
    odd = np.zeros(len(loss), dtype=np.bool_)
    if len(loss) < NEIGHBOURS:
        return odd
    order = np.argsort(flops, kind="stable")
    around = pd.Series(loss[order]).rolling(NEIGHBOURS, center=True, min_periods=NEIGHBOURS // 2).median().to_numpy()
    above = np.log(loss[order] / around)
    odd[order] = (above > np.log(ODD)) & (above > FAR_ABOVE * np.median(np.abs(above - np.median(above))))
    return odd


def _odd_and_short(length: Floats) -> Mask:
    """Which runs are shorter than the length that most have; a length that two share is meant."""
    values, counts = np.unique(length, return_counts=True)
    if len(length) < FEWEST or counts.max() < max(COMMON * len(length), 2):
        return np.zeros(len(length), dtype=np.bool_)
    usual = values[np.argmax(counts)]
    once = np.isin(length, values[counts == 1])
    mask: Mask = once & (length < WHOLE * usual)
    return mask


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value < 1e12 else f"{value:g}"


def _planned(table: RunsTable, name: str) -> Floats:
    """The planned length of each run, whichever of its rows says it: (r,)."""
    planned = pd.Series(as_floats(table.frame[name])[table.order]).groupby(table.codes[table.order]).last()
    return np.asarray(planned.reindex(range(len(table.names))), dtype=np.float64)


def _before_plan(table: RunsTable) -> Iterator[Finding]:
    """Runs that ended before the step that a column of their configuration plans."""
    if not table.has("step"):
        return
    for name in table.frame.columns:
        last_part = re.split(r"[./]", str(name).lower())[-1]
        if not _PLANNED.fullmatch(last_part):
            continue
        # A loss is measured now and then: the run ends with its last row of any column.
        planned, reached = _planned(table, name), table.numbers["step"][table.ends]
        with np.errstate(invalid="ignore"):
            short = (planned > 1) & (reached < WHOLE * planned)
        if short.any():
            first = int(np.flatnonzero(short)[0])
            names = table.name_runs(short)
            yield found(
                "before_plan", "misleading",
                f"{counted(len(names), 'run')} ended before {name}, such as {names[0]} at step "
                f"{_whole(reached[first])} of {_whole(planned[first])}: stopped, still running, or checkpoints of a "
                "longer run.",
                _leave_out(table, np.flatnonzero(short)), rows=table.last[short], columns=["step", str(name)],
            )  # fmt: skip
            return
