"""fit_many: one law fitted to each of many groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scalefit import tables
from scalefit.errors import DataError
from scalefit.estimation.call import FitCall, StartsLike
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.many.calls import FitPiece, FitWork, schedules_of, slice_of
from scalefit.many.drawing import check_draws, draw_many
from scalefit.many.engine import Job
from scalefit.many.gathering import gather_fits
from scalefit.many.groups import Groups, entropy_of, split
from scalefit.many.manifest import manifest_of
from scalefit.many.record import ManyFits
from scalefit.many.rows import check_names
from scalefit.many.store import open_store
from scalefit.objectives import Objective
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level

if TYPE_CHECKING:
    import lmfit


def fit_many(
    runs: Any,
    law: Law | str,
    by: str | Sequence[str] = "family",
    *,
    bootstrap: int | None = None,
    paired: bool = False,
    level: float = 0.9,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str | None = None,
    objective: Objective | None = None,
    weights: str | Sequence[float] | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    prior: Mapping[str, tuple[float, float]] | None = None,
    params: lmfit.Parameters | None = None,
    schedules: tables.Schedules | None = None,
    starts: StartsLike | None = None,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
    path: str | Path | None = None,
) -> ManyFits:
    """Fit a law to each group of a table: thousands of families, tasks or metrics, on as many cores as there are.

    Each fit is the one that :func:`scalefit.fit` gives for the rows of its group, to the last bit. A group that cannot
    be fitted is a row with its reason. By default the work is done in this process; inside a
    ``joblib.parallel_config`` it is shared out, and neither the engine nor the number of workers changes a bit.

    Parameters
    ----------
    runs : table or path, one row per run or checkpoint, as for :func:`scalefit.fit`.
    law : Law or name.
    by : the column that names the groups, or several.
    bootstrap : number of resamples of each group; None for no bootstrap, with intervals from the covariance.
    paired : whether groups with the same runs share one plan of resampling, so that their draws belong together one by
        one (:func:`scalefit.joint_draws`). Runs are told by the column ``run``: without it no two groups share any.
    level : float in (0, 1). Of the intervals in the table.
    target, columns, along, objective, weights, fixed, bounds, tie, prior, params, schedules, starts :
        as for :func:`scalefit.fit`, the same for every group.
    rng : Generator, seed or None. Each group has random numbers of its own, made of this and of its place.
    progress : whether to show a bar.
    path : str or Path, optional
        A folder that the results are written to as they come, as Parquet files that any reader of tables reads. The
        same call with the same folder goes on where an earlier one was interrupted; :func:`scalefit.load_fits` reads
        it back.

    Returns
    -------
    ManyFits
        A mapping of group to Fit, by the value of ``by``, or a tuple of values; ``.frame`` has one row a group.

    Raises
    ------
    ColumnError
        If a column of ``by`` is missing, or one that the law needs.
    DataError
        If a row names no group, or ``path`` holds the results of another call, or another call is writing to it.
    FitError
        If a constraint cannot be honoured by any group.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fits = sf.fit_many(runs, "chinchilla", by="family", tie={"beta": "alpha"})
    >>> fits["lstm"].converged, fits.frame.status.tolist() == ["converged"] * len(fits)
    (True, True)
    """
    law = get_law(law)
    Constraints(fixed or {}, bounds or {}, tie or {}, prior or {}).check(law)
    check_level(level)
    check_draws(bootstrap, paired=paired)
    groups = split(as_frame(runs), by, needed_by="fit_many")
    check_names(groups.by, law.param_names)
    if not (weights is None or isinstance(weights, str)) and np.shape(weights) != (len(groups.frame),):
        raise DataError(f"weights must be one number per row: {len(groups.frame)} rows, got {np.shape(weights)}.")
    call = FitCall(
        law, target, columns, along, objective, weights if isinstance(weights, str) else None, fixed, bounds, tie,
        prior, params, starts,
    )  # fmt: skip
    told = manifest_of(groups, call, weights, schedules, {"bootstrap": bootstrap, "paired": paired, "level": level})
    with open_store(path, told, groups.names, law, rng) as store:
        entropy = entropy_of(rng) if store is None else store.entropy
        # Of paired groups the fits come first and the draws after all of them: only with draws are they worth keeping.
        first = None if paired else store
        work = FitWork(call, level, None if paired else bootstrap, as_text=first is not None)
        job = Job(work, _pieces(groups, call, weights, schedules, entropy), groups.sizes, (law,), f"{law.name} fits")
        fits = gather_fits(
            job, groups.names, law, level, single=groups.single, runs=_runs(groups, columns), store=first,
            progress=progress,
        )  # fmt: skip
        if not paired or bootstrap is None:
            return fits
        return draw_many(fits, bootstrap, None, paired=True, entropy=entropy, store=store, progress=progress)


def _runs(groups: Groups, columns: Mapping[str, str] | None) -> Callable[[int], int]:
    """How many runs a group has: its rows where no column names them."""
    column = tables.optional_column(groups.frame, "run", columns or {})

    def count(position: int) -> int:
        rows = groups.rows[position]
        return len(rows) if column is None else int(groups.frame[column].iloc[rows].nunique())

    return count


def _pieces(
    groups: Groups,
    call: FitCall,
    weights: str | Sequence[float] | None,
    schedules: tables.Schedules | None,
    entropy: Sequence[int],
) -> Callable[[int], FitPiece]:
    def load(position: int) -> FitPiece:
        frame = groups.table(position)
        own = schedules_of(schedules, frame, call.columns)
        return FitPiece(frame, slice_of(weights, groups.rows[position]), own, (entropy, position))

    return load
