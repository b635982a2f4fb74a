"""The runs of an MLflow database of SQLite, such as ``mlflow.db``.

Read without MLflow, whose client would bring a database of an older version up to date, and fill one that is none of
its own with tables. Here it is opened for reading only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scalefit.errors import DataError, listing
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.mlflow_files import Wanted
from scalefit.runs.readers.mlflow_runs import Run, Store, finite_or_not
from scalefit.runs.readers.reading import Refusal

if TYPE_CHECKING:
    import sqlite3

MAGIC = b"SQLite format 3\0"
#: The columns that are read; all of them have been there since MLflow 1.0.
COLUMNS = {
    "experiments": ("experiment_id", "name", "lifecycle_stage"),
    "runs": ("run_uuid", "name", "experiment_id", "lifecycle_stage", "status", "start_time"),
    "metrics": ("run_uuid", "key", "step", "timestamp", "value", "is_nan"),
    "params": ("run_uuid", "key", "value"),
    "tags": ("run_uuid", "key", "value"),
}
#: Bytes of one cell at the most.
CELL = 2**24


def read_database(path: Path, wanted: Wanted, progress: bool | None) -> Store:
    """Read every run that is not deleted.

    Parameters
    ----------
    path : a file of SQLite.
    wanted : whether an experiment is to be read, from its id and its name.
    progress : see :func:`scalefit.read_runs`.

    Raises
    ------
    DataError
        If it is damaged, or no database of MLflow.
    """
    name = repr(str(path))
    try:
        import sqlite3  # some builds of Python come without
    except ImportError as error:
        raise DataError(f"Reading {name} needs a Python with its module sqlite3.") from error
    try:
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL)
            database.text_factory = lambda text: text.decode("utf-8", "replace")
            _check(database, name)
            store = _read(database, wanted, progress, path.name)
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise DataError(f"{name} cannot be read: {str(error).rstrip('.') or type(error).__name__}.") from error
    store.size = path.stat().st_size
    return store


def _check(database: sqlite3.Connection, name: str) -> None:
    """Refuse a database that lacks a table; only stored cells are read, since a view may compute without end."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
    there = {table for (table,) in tables}
    missing = [table for table in COLUMNS if table not in there]
    if missing:
        lacks = f"it has no table {listing(map(repr, missing), last='or')}"
        raise DataError(f"{name} is no database of MLflow: {lacks}. Read others by sf.read_runs(pd.read_sql(…)).")
    for table in COLUMNS:
        if any(hidden for *_, hidden in database.execute(f"PRAGMA table_xinfo({table})")):
            raise DataError(f"{name} is no database of MLflow: its table {table!r} has columns that are computed.")


def _rows(database: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    yield from database.execute(f"SELECT {', '.join(COLUMNS[table])} FROM {table}")


def _read(database: sqlite3.Connection, wanted: Wanted, progress: bool | None, name: str) -> Store:
    tqdm = pick_bar()

    hidden = None if progress is None else not progress
    store = Store()
    runs = {run.identity: run for run in _runs(database, wanted, store)}
    for place, row in enumerate(tqdm(_rows(database, "metrics"), desc=name, delay=1, leave=False, disable=hidden), 1):
        identity, key, step, timestamp, value, is_nan = row
        if identity not in runs:
            continue
        try:
            runs[identity].add(str(key), int(step), float(timestamp), float("nan") if is_nan else finite_or_not(value))
        except (TypeError, ValueError, OverflowError):
            store.refused.append(Refusal(f"metrics: row {place}", "is not a time, a value and a step"))
    for table in ("params", "tags"):
        for identity, key, value in _rows(database, table):
            if identity in runs:
                run = runs[identity]
                (run.params if table == "params" else run.tags)[str(key)] = "" if value is None else str(value)
    for run in runs.values():
        run.name = run.name or run.tags.get("mlflow.runName", "")
    store.runs = list(runs.values())
    return store


def _runs(database: sqlite3.Connection, wanted: Wanted, store: Store) -> Iterator[Run]:
    """The runs of the experiments that are wanted, but for the deleted ones, which are counted."""
    names = {key: str(name) for key, name, stage in _rows(database, "experiments") if stage != "deleted"}
    chosen = {key for key, name in names.items() if wanted(str(key), name)}
    deleted = {key for key, _, stage in _rows(database, "experiments") if stage == "deleted"}
    for identity, name, experiment, stage, status, started in _rows(database, "runs"):
        if experiment in deleted or (stage == "deleted" and experiment in chosen):
            store.deleted += 1
        elif experiment in chosen:
            begun = started if isinstance(started, (int, float)) else 0
            yield Run(str(identity), str(name or ""), names[experiment], str(status), begun)
