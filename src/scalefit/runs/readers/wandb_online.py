"""Runs that lie on a server of Weights & Biases, through its public API."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd

from scalefit.errors import ColumnError, DataError, DataWarning, listing
from scalefit.runs.checking import stacklevel_of_caller
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.assembly import flatten
from scalefit.runs.readers.reading import Reading, Refusal, refusals_text, warn_of_refusals
from scalefit.runs.readers.wandb_history import COUNT, TRAINING_STEPS, History, histories_reading

#: Bytes that a value takes in the files of W&B at the least, to tell how large a table may be.
BYTES_PER_VALUE = 8
_URL = re.compile(r"https?://[^/]+/")


def read_wandb(
    run_or_path: Any, *, keys: Sequence[str] | None = None, api: Any = None, progress: bool | None = None
) -> pd.DataFrame:
    """Read whole histories of runs from a server of Weights & Biases.

    Every logged row is fetched: ``run.history()`` gives 500 rows drawn at random, and a server that is asked for
    certain keys leaves out all rows that lack one of them. Logs that lie on a disk are read by :func:`read_runs`, and
    faster: those of runs that went to a server too, in ``wandb/run-*/run-*.wandb``.

    Parameters
    ----------
    run_or_path : str, run, or iterable of runs
        ``"entity/project/run_id"`` for one run, ``"entity/project"`` for all runs of a project,
        ``"entity/project/sweeps/sweep_id"`` for those of a sweep, the address of any of these pages, or what
        ``wandb.Api()`` gives: a run, or several.
    keys : sequence of str, optional
        The metrics to keep, by the names under which they were logged; rows that have none of them are left out.
        All metrics unless given. What is fetched is the same.
    api : wandb.Api, optional
        How to reach the server: ``wandb.Api(overrides={"base_url": …})`` for one of one's own. Unless given,
        ``wandb.Api()``, which goes by what ``wandb login`` stored.
    progress : bool, optional
        Whether bars count runs and rows; unless given, where somebody looks at a terminal and it takes long.

    Returns
    -------
    DataFrame
        One row per logged row: ``run``, ``run_id``, ``step``, the metrics, and the settings of the run as constant
        columns under dotted names. What was done stands in ``frame.attrs["scalefit_notes"]``; :func:`read_runs`
        takes the frame and gives its columns their known names.

    Raises
    ------
    ColumnError
        If no run has one of ``keys``.
    DataError
        If wandb is not installed, the server cannot be reached or refuses, or no run has a row.

    Warns
    -----
    DataWarning
        If fewer rows came than the run has, or the rows of some of several runs could not be fetched.

    Examples
    --------
    >>> frame = read_wandb("my-team/ladder")  # doctest: +SKIP
    >>> sf.read_runs(frame)  # doctest: +SKIP
    """
    runs = _runs(run_or_path, api)
    reading = _read(runs, _name(run_or_path), keys, progress)
    warn_of_refusals(_name(run_or_path), reading, stacklevel_of_caller())
    notes = reading.notes
    if reading.refused:
        notes = (*notes, refusals_text(reading.refused, len(reading.frame)))
    reading.frame.attrs["scalefit_notes"] = notes
    return reading.frame


def _name(run_or_path: Any) -> str:
    return repr(run_or_path) if isinstance(run_or_path, str) else "W&B"


def _runs(run_or_path: Any, api: Any) -> Iterable[Any]:
    """The runs meant, as wandb's own objects."""
    if not isinstance(run_or_path, str):
        return [run_or_path] if hasattr(run_or_path, "scan_history") else run_or_path
    kind, path = _place(run_or_path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wandb
    except ImportError as error:
        raise DataError(f"Reading {run_or_path!r} needs wandb: pip install 'scalefit[wandb]'.") from error
    with _told(repr(run_or_path)):
        api = wandb.Api() if api is None else api
        if kind == "run":
            return [api.run(path)]
        return _each(api.runs(path) if kind == "project" else api.sweep(path).runs, repr(run_or_path))


def _each(runs: Iterable[Any], name: str) -> Iterator[Any]:
    """Run by run; the server is asked for more of them on the way."""
    with _told(name):
        yield from runs


def _place(path: str) -> tuple[str, str]:
    """Whether a path is that of a run, a project or a sweep, and the path as the API takes it.

    Examples
    --------
    >>> _place("team/ladder"), _place("https://wandb.ai/team/ladder/runs/a1b2?nw=user")
    (('project', 'team/ladder'), ('run', 'team/ladder/a1b2'))
    """
    parts = [part for part in _URL.sub("", path).split("?")[0].split("/") if part]
    if len(parts) == 4 and parts[2] in ("runs", "sweeps"):
        return parts[2].removesuffix("s"), "/".join((*parts[:2], parts[3]))
    if len(parts) == 3 and parts[2] in ("runs", "sweeps", "workspace", "table"):
        parts.pop()
    if len(parts) in (2, 3) and all(parts):
        return ("project", "run")[len(parts) - 2], "/".join(parts)
    raise DataError(
        f"{path!r} is no path of Weights & Biases; give 'entity/project/run_id', 'entity/project' or "
        f"'entity/project/sweeps/sweep_id'. Logs on a disk are read by sf.read_runs."
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Make one clear error of what wandb raises; a server that is unreachable or old shows in many ways."""
    try:
        yield
    except _errors() as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name} cannot be fetched from W&B: {reason.rstrip('.')}.") from error


def _errors() -> tuple[type[Exception], ...]:
    common = (ValueError, OSError, AttributeError, TypeError, KeyError)
    try:
        from wandb.errors import Error
    except ImportError:  # runs of another making
        return common
    return (*common, Error)


def _read(runs: Iterable[Any], name: str, keys: Sequence[str] | None, progress: bool | None) -> Reading:
    """The histories of runs; where there are several, one that fails costs only itself."""
    tqdm = pick_bar()

    hidden = None if progress is None else not progress
    histories: list[History] = []
    refused: list[Refusal] = []
    failed: DataError | None = None
    for run in tqdm(runs, desc=name, unit="run", delay=1, leave=False, disable=hidden):
        try:
            histories.append(fetch_history(run, progress=progress))
        except DataError as error:
            failed = error
            refused.append(Refusal(f"run {run.name or run.id}", f"could not be fetched: {error}".rstrip(".")))
    if failed and not histories:
        raise failed
    notes = _choose(histories, keys, name) if keys is not None else ()
    short = [f"{history.name or history.identity}" for history in histories if history.is_short]
    if short:
        warnings.warn(
            f"{name}: fewer rows came than the run has of {how_many(len(short), 'run')}: {a_few(short)}. "
            f"The notes in frame.attrs say to which step they go; try again, or read wandb/run-*.wandb from the disk.",
            DataWarning,
            stacklevel=stacklevel_of_caller(),
        )
    values = sum(len(column.rows) for history in histories for column in history.columns.values())
    reading = histories_reading(histories, refused, name=name, size=BYTES_PER_VALUE * values)
    return replace(reading, notes=(*notes, *reading.notes))


def fetch_history(run: Any, *, progress: bool | None = None) -> History:
    """Every row of the history of one run.

    Parameters
    ----------
    run : what ``wandb.Api().run(…)`` gives, or any object with its documented attributes ``id``, ``name``, ``config``,
        ``summary``, ``state`` and ``lastHistoryStep``, and its method ``scan_history``.
    progress : see :func:`read_wandb`.

    Raises
    ------
    DataError
        If the server cannot be reached, or refuses.
    """
    tqdm = pick_bar()

    hidden = None if progress is None else not progress
    with _told(f"Run {run.name or run.id}"):
        history = History(identity=str(run.id), name=str(run.name or ""))
        # Without keys: with them the server leaves out every row that lacks one.
        rows = tqdm(run.scan_history(), desc=history.name, unit="row", delay=1, leave=False, disable=hidden)
        for row in rows:
            history.add_row(row)
        config: Mapping[str, object] = run.config
        history.settings = flatten({name: value for name, value in config.items() if name != "_wandb"})
        ends = [getattr(run, "lastHistoryStep", None), run.summary.get(COUNT)]
        history.compare_end(max((end for end in ends if isinstance(end, (int, float))), default=None))
        if run.state != "finished":
            history.remarks.append(f"the run is not finished but {run.state}")
    return history


def _choose(histories: Sequence[History], keys: Sequence[str], name: str) -> tuple[str, ...]:
    """Keep these metrics, and the rows that have one of them."""
    keys = [keys] if isinstance(keys, str) else keys
    there = {column for history in histories for column in history.columns}
    missing = [repr(key) for key in keys if key not in there]
    if missing:
        raise ColumnError(
            f"{name}: no run has logged {listing(missing)}; logged were {a_few(sorted(there), shown=20)}."
        )
    before = sum(history.n_rows for history in histories)
    for history in histories:
        history.keep(keys, also=(COUNT, "step", *TRAINING_STEPS))
    left_out = before - sum(history.n_rows for history in histories)
    return (f"{how_many(left_out, 'row')} left out that have none of {listing(map(repr, keys))}",)
