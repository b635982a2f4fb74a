"""MLflow: a file store, a database of SQLite, or whatever a tracking address leads to."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd

from scalefit.errors import DataError, listing
from scalefit.runs.checking import stacklevel_of_caller
from scalefit.runs.readers.mlflow_client import read_through_client
from scalefit.runs.readers.mlflow_database import MAGIC, read_database
from scalefit.runs.readers.mlflow_files import is_file_store, read_file_store
from scalefit.runs.readers.mlflow_runs import store_reading
from scalefit.runs.readers.reading import FolderFormat, Format, Reading, refusals_text, warn_of_refusals
from scalefit.runs.readers.source import Source


def read_mlflow(
    tracking_uri: str | os.PathLike[str],
    *,
    experiments: Sequence[str] | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the whole metric histories of all runs of an MLflow store.

    File stores and databases of SQLite are read directly and never written to, and MLflow need not be installed;
    :func:`read_runs` takes them too. Anything else goes through MLflow's client.

    Parameters
    ----------
    tracking_uri : str or path
        A folder such as ``"mlruns"``, a file such as ``"mlflow.db"``, or a tracking address: ``file:…``,
        ``sqlite:///…``, ``http://…``, ``https://…``, ``postgresql://…``, ``databricks``, and so on.
    experiments : sequence of str, optional
        Names or ids of the experiments to read; all that are not deleted unless given.
    progress : bool, optional
        Whether a bar counts runs; unless given, where somebody looks at a terminal and it takes long.

    Returns
    -------
    DataFrame
        One row per run and step: ``run`` (its name; with its id where names repeat), ``run_id``, ``step``,
        ``wall_time`` in seconds since 1970, a column per metric, and ``experiment``, parameters and tags as constant
        columns. What was done stands in ``frame.attrs["scalefit_notes"]``; :func:`read_runs` takes the frame and gives
        its columns their known names.

    Raises
    ------
    DataError
        If there is no such store, it cannot be reached, an experiment is not there, or no run has a metric.

    Warns
    -----
    DataWarning
        If lines, rows or runs were left out since they could not be read.

    Examples
    --------
    >>> frame = read_mlflow("mlruns", experiments=["ladder"])  # doctest: +SKIP
    >>> sf.read_runs(frame)  # doctest: +SKIP
    """
    address = os.fspath(tracking_uri)
    name = repr(address)
    path = _local(address)
    seen: dict[str, str] = {}
    names = None if experiments is None else [experiments] if isinstance(experiments, str) else list(experiments)

    def wanted(identity: str, label: str) -> bool:
        seen[identity] = label
        return names is None or identity in names or label in names

    if path is None:
        store = read_through_client(address, wanted, progress)
    elif path.is_dir():
        store = read_file_store(path, wanted, progress)
    elif path.is_file():
        store = read_database(path, wanted, progress)
    else:
        raise DataError(f"{name} does not exist; give a folder such as 'mlruns', a file such as 'mlflow.db', or a URI.")
    missing = [repr(each) for each in names or () if each not in seen and each not in seen.values()]
    if missing:
        there = listing(sorted(map(repr, seen.values()))) or "none"
        raise DataError(f"{name} has no experiment {listing(missing, last='or')}; there are {there}.")
    reading = store_reading(store, name=name)
    warn_of_refusals(name, reading, stacklevel_of_caller())
    told = (refusals_text(reading.refused, len(reading.frame)),) if reading.refused else ()
    reading.frame.attrs["scalefit_notes"] = (*reading.notes, *told)
    return reading.frame


def _local(address: str) -> Path | None:
    """The file or folder that an address means; None where it means a server.

    Examples
    --------
    >>> _local("sqlite:///runs/mlflow.db").as_posix(), _local("file:///data/mlruns").as_posix()
    ('runs/mlflow.db', '/data/mlruns')
    >>> _local("http://localhost:5000") is None
    True
    """
    database = re.match(r"sqlite(\+\w+)?:///", address)
    if database:
        return Path(address[database.end() :].partition("?")[0]).expanduser()
    if address.startswith("file:"):
        return Path(unquote(urlsplit(address).path))
    if "://" in address or address in ("databricks", "databricks-uc") or address.startswith("databricks:"):
        return None
    return Path(address).expanduser()


def _everything(identity: str, name: str) -> bool:
    return True


def _read_folder(folder: Path, progress: bool | None) -> Reading:
    return store_reading(read_file_store(folder, _everything, progress), name=repr(str(folder)))


def _recognises(source: Source) -> bool:
    return source.head.startswith(MAGIC)


def _read(source: Source) -> Reading:
    if source.packed:
        raise DataError(f"{source.name} is packed; unpack it to read the database: gunzip {source.path.name}")
    return store_reading(read_database(source.path, _everything, source.progress), name=source.name)


MLFLOW_DATABASE = Format("database of MLflow", _recognises, _read)
MLFLOW_STORE = FolderFormat("store of MLflow", is_file_store, _read_folder)
