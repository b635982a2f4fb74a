"""map_groups: any call for each of many groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import FitError
from scalefit.many.answers import AnswerStore, StoredTables, Told, open_answers, stored, told_of
from scalefit.many.calls import AnyWork, Seed
from scalefit.many.engine import Job, Outcome, run
from scalefit.many.folder import parts_of
from scalefit.many.groups import Groups, entropy_of, split
from scalefit.many.identity import call_text
from scalefit.many.manifest import manifest_of_answers
from scalefit.many.record import GroupAnswers
from scalefit.runs.frame import as_frame


def map_groups(
    runs: Any,
    call: Callable[..., Any],
    by: str | Sequence[str] = "family",
    *,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
    path: str | Path | None = None,
) -> GroupAnswers:
    """Ask the same of each group of a table: a back-test, a forecast, a coverage, anything that takes a table.

    Shared out as :func:`scalefit.fit_many` is: inside a ``joblib.parallel_config`` on its workers, with the same bits
    for any engine and number of them. A group for which the call fails is left out and told in ``.failed``.

    Parameters
    ----------
    runs : table or path.
    call : function of the rows of one group, such as ``functools.partial(sf.backtest, law="chinchilla")`` or a lambda.
        If it has an argument ``rng``, that is a Generator of the group's own.
    by : the column that names the groups, or several.
    rng : Generator, seed or None. What the generators of the groups are made of.
    progress : whether to show a bar.
    path : str or Path, optional
        A folder that the answers are written to as they come, as for :func:`scalefit.fit_many`; the same call goes on
        with it. What is kept of an answer is its table (``.frame``), state and doubts: a file that held any object
        would run code when it is read. :func:`scalefit.load_answers` reads them back.

    Returns
    -------
    GroupAnswers
        A mapping of group to whatever the call returned, or with ``path`` to its table; ``.frame`` holds the tables of
        all below one another, with the ``state`` and ``doubts`` of answers that have them.

    Raises
    ------
    ColumnError
        If a column of ``by`` is missing, or one that the call needs.
    DataError
        If a row names no group, or ``path`` holds the answers of another call, or another call is writing to it. Of a
        function its name, code and arguments given beforehand are compared, not what it reads elsewhere.

    Examples
    --------
    >>> from functools import partial
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> tests = sf.map_groups(runs, partial(sf.backtest, law="chinchilla", cuts=(0.7,), draws=50), "family", rng=0)
    >>> len(tests), tests.frame.columns[0]
    (2, 'family')
    """
    if not callable(call):
        raise FitError(f"call must be a function of a table, such as lambda runs: sf.fit(runs, 'power'); got {call!r}.")
    groups = split(as_frame(runs), by, needed_by="map_groups")
    told = {} if path is None else manifest_of_answers(groups, call_text(call))
    with open_answers(path, told, groups.names, rng) as store:
        return _map(groups, call, store, entropy_of(rng) if store is None else store.entropy, progress=progress)


def _map(
    groups: Groups, call: Callable[..., Any], store: AnswerStore | None, entropy: Sequence[int], *, progress: bool
) -> GroupAnswers:
    """Ask for the groups whose answers are not in the folder."""
    known: dict[int, Told] = {} if store is None else stored(parts_of(store.folder.path))[0]
    found: dict[int, Any] = {}

    def load(position: int) -> tuple[pd.DataFrame, Seed]:
        return groups.table(position), (entropy, position)

    def keep(some: Sequence[Outcome]) -> None:
        known.update({one.position: told_of(one) for one in some})
        if store is None:
            found.update({one.position: one.result for one in some if not one.reason})
        else:
            store.write([one for one in some if not one.lost])

    work = AnyWork(call, _takes_rng(call), as_bytes=store is not None)
    left = [position for position in range(groups.count) if position not in known]
    run(Job(work, load, groups.sizes), left, keep, progress=progress)
    tables = None if store is None else stored(parts_of(store.folder.path))[1]
    return gather_answers(found if tables is None else tables, groups.names, known, single=groups.single)


def gather_answers(
    found: Mapping[int, Any], names: pd.DataFrame, told: Mapping[int, Told], *, single: bool
) -> GroupAnswers:
    """The record of answers and of what is told of each."""
    ordered = dict(sorted(told.items()))
    return GroupAnswers(
        found if isinstance(found, StoredTables) else dict(sorted(found.items())),
        names,
        {place: one.reason for place, one in ordered.items() if one.reason},
        single,
        {place: "; ".join(one.warned) for place, one in ordered.items() if one.warned},
        {place: one.state for place, one in ordered.items() if one.state},
        {place: one.doubts for place, one in ordered.items() if one.doubts},
    )


def _takes_rng(call: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(call).parameters
    except (TypeError, ValueError):  # functions written in C do not tell
        return False
