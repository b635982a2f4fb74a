"""The runs of a tracking server or a database of MLflow, through its own client."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from scalefit.errors import DataError
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.mlflow_files import Wanted
from scalefit.runs.readers.mlflow_runs import Run, Store

#: Runs that are asked for at a time.
PAGE = 1000
#: Bytes that a value takes in a store at the least, to tell how large a table may be.
BYTES_PER_VALUE = 16


def read_through_client(address: str, wanted: Wanted, progress: bool | None) -> Store:
    """Read every run that is not deleted.

    Parameters
    ----------
    address : where the tracking server or the database is.
    wanted : whether an experiment is to be read, from its id and its name.
    progress : see :func:`scalefit.read_mlflow`.

    Raises
    ------
    DataError
        If MLflow is not installed, or the server cannot be reached or refuses.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise DataError(f"Reading {address!r} needs mlflow: pip install 'scalefit[mlflow]'.") from error
        try:
            store = _read(MlflowClient(tracking_uri=address), wanted, progress)
        except (MlflowException, OSError, ValueError, TypeError, AttributeError, KeyError, ImportError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{address!r} cannot be read through MLflow: {reason.rstrip('.')}.") from error
    store.size = BYTES_PER_VALUE * sum(len(run.scalars) for run in store.runs)
    return store


def _read(client: Any, wanted: Wanted, progress: bool | None) -> Store:
    from mlflow.entities import ViewType

    tqdm = pick_bar()

    def experiments(token: str | None) -> Any:
        return client.search_experiments(view_type=ViewType.ACTIVE_ONLY, page_token=token)

    names = {each.experiment_id: each.name for each in _pages(experiments) if wanted(each.experiment_id, each.name)}

    def runs(token: str | None) -> Any:
        return client.search_runs(list(names), run_view_type=ViewType.ALL, max_results=PAGE, page_token=token)

    store = Store()
    hidden = None if progress is None else not progress
    for run in tqdm(
        list(_pages(runs)) if names else (), desc="MLflow", unit="run", delay=1, leave=False, disable=hidden
    ):
        if run.info.lifecycle_stage == "deleted":
            store.deleted += 1
        else:
            store.runs.append(_run(client, run, names[run.info.experiment_id]))
    return store


def _pages(search: Callable[[str | None], Any]) -> Iterator[Any]:
    """Everything that a search finds, page after page."""
    token = None
    while True:
        page = search(token)
        yield from page
        token = page.token
        if not token:
            return


def _run(client: Any, found: Any, experiment: str) -> Run:
    """One run with the whole history of every metric; what a search gives holds only the last value of each."""
    info, data = found.info, found.data
    run = Run(
        identity=info.run_id,
        name=info.run_name or data.tags.get("mlflow.runName", ""),
        experiment=experiment,
        status=str(info.status),
        started=info.start_time or 0,
        params=dict(data.params),
        tags=dict(data.tags),
    )
    for key in sorted(data.metrics):
        for point in client.get_metric_history(info.run_id, key):
            run.add(key, point.step, point.timestamp, point.value)
    return run
