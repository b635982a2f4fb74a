"""From the outcomes of a job to the record of all fits, kept in memory or in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from scalefit.law import Law
from scalefit.many.engine import Job, Outcome, run
from scalefit.many.record import ManyFits
from scalefit.many.rows import full_row, table_of
from scalefit.many.store import Store
from scalefit.result import Fit


def gather_fits(
    job: Job,
    names: pd.DataFrame,
    law: Law,
    level: float,
    *,
    single: bool,
    runs: Callable[[int], int],
    store: Store | None,
    progress: bool,
    known: Mapping[int, Mapping[str, Any]] | None = None,
) -> ManyFits:
    """Run a job that fits, for the groups that ``store`` does not hold yet, and collect what came of all.

    ``runs`` counts the runs of a group, for the row of one that fails; ``known`` are rows of groups that failed before,
    for which there is nothing to run.
    """
    rows: dict[int, Mapping[str, Any]] = {} if store is None else store.rows()
    if store is not None and (new := {place: row for place, row in (known or {}).items() if place not in rows}):
        store.write([Outcome(place, reason=str(row["reason"])) for place, row in new.items()], new)
    rows.update(known or {})
    found: dict[int, Fit] = {}

    def keep(outcomes: Sequence[Outcome]) -> None:
        told = {
            one.position: full_row(one, job.sizes[one.position], runs(one.position), law.param_names)
            for one in outcomes
        }
        rows.update(told)
        if store is None:
            found.update({one.position: one.result for one in outcomes if not one.reason})
        else:
            store.write([one for one in outcomes if not one.lost], told)

    run(job, [position for position in range(len(names)) if position not in rows], keep, progress=progress)
    return record(names, rows, found if store is None else store.fits(law), law, level, single=single)


def record(
    names: pd.DataFrame,
    rows: Mapping[int, Mapping[str, Any]],
    fits: Mapping[int, Fit],
    law: Law,
    level: float,
    *,
    single: bool,
) -> ManyFits:
    """The record of fits and of what is told of each."""
    frame = table_of(names, rows, law.param_names)
    reasons = {place: str(row["reason"]) for place, row in rows.items() if row["status"] == "failed"}
    return ManyFits(fits, names, dict(sorted(reasons.items())), single, frame, law, level)
