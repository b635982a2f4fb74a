"""map_groups: any call for each of many groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import FitError
from scalefit.many.calls import AnyWork, Seed
from scalefit.many.engine import Job, Outcome, run
from scalefit.many.groups import entropy_of, split
from scalefit.many.record import GroupAnswers
from scalefit.runs.frame import as_frame


def map_groups(
    runs: Any,
    call: Callable[..., Any],
    by: str | Sequence[str] = "family",
    *,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
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

    Returns
    -------
    GroupAnswers
        A mapping of group to whatever the call returned; ``.frame`` holds the tables of all below one another.

    Raises
    ------
    ColumnError
        If a column of ``by`` is missing, or one that the call needs.
    DataError
        If a row names no group.

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
    entropy = entropy_of(rng)

    def load(position: int) -> tuple[pd.DataFrame, Seed]:
        return groups.table(position), (entropy, position)

    outcomes: dict[int, Outcome] = {}

    def keep(some: Sequence[Outcome]) -> None:
        outcomes.update({one.position: one for one in some})

    run(Job(AnyWork(call, _takes_rng(call)), load, groups.sizes), range(groups.count), keep, progress=progress)
    ordered = [outcomes[position] for position in range(groups.count)]
    return GroupAnswers(
        {one.position: one.result for one in ordered if not one.reason},
        groups.names,
        {one.position: one.reason for one in ordered if one.reason},
        groups.single,
        {one.position: "; ".join(one.warned) for one in ordered if one.warned},
    )


def _takes_rng(call: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(call).parameters
    except (TypeError, ValueError):  # functions written in C do not tell
        return False
