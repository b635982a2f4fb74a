"""A table in groups: their names, their rows, and a seed for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import DataError, FitError, missing_column, rows_text


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of a table, in the order in which they first appear.

    Parameters
    ----------
    frame : the whole table.
    by : the columns that name the groups.
    single : whether ``by`` was one name, so that a group is named by one value and not by a tuple.
    names : one row a group, one column of ``by`` each.
    rows : where the rows of each group stand.
    """

    frame: pd.DataFrame
    by: tuple[str, ...]
    single: bool
    names: pd.DataFrame
    rows: tuple[NDArray[np.intp], ...]

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.rows)

    @property
    def sizes(self) -> list[int]:
        """Rows of each group."""
        return [len(rows) for rows in self.rows]

    def table(self, position: int) -> pd.DataFrame:
        """The rows of one group, in their order."""
        return self.frame.iloc[self.rows[position]]


def split(frame: pd.DataFrame, by: str | Sequence[str], *, needed_by: str) -> Groups:
    """The groups of a table.

    Raises
    ------
    ColumnError
        If a column of ``by`` is missing.
    DataError
        If a row names no group.
    """
    single = isinstance(by, str)
    columns = (by,) if isinstance(by, str) else tuple(by)
    if not columns or len(set(columns)) != len(columns):
        raise FitError(f"by must be a column or several different ones, such as by='family'; got {by!r}.")
    for name in columns:
        if name not in frame.columns:
            raise missing_column(name, needed_by, list(frame.columns))
        missing = frame[name].isna().to_numpy()
        if missing.any():
            raise DataError(
                f"{needed_by}: column {name!r} names no group in {rows_text(list(frame.index[missing]))}: drop them, "
                f"runs.dropna(subset=[{name!r}])."
            )
    if not len(frame):
        raise DataError(f"{needed_by}: the table of runs has no rows.")
    number = frame.groupby(list(columns), sort=False, observed=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    rows = tuple(np.split(order, np.flatnonzero(np.diff(number[order])) + 1))
    names = frame[list(columns)].iloc[[int(places[0]) for places in rows]].reset_index(drop=True)
    return Groups(frame, columns, single, names.astype(dict.fromkeys(_categories(names), object)), rows)


def _categories(names: pd.DataFrame) -> list[str]:
    return [name for name in names.columns if isinstance(names[name].dtype, pd.CategoricalDtype)]


def keys_of(names: pd.DataFrame, *, single: bool) -> list[Hashable]:
    """What each group is called: a value, or a tuple of them."""
    columns = [[_plain(value) for value in names[name]] for name in names.columns]
    if single:
        return list(columns[0])
    return list(zip(*columns, strict=True))


def _plain(value: Any) -> Hashable:
    found: Hashable = value.item() if isinstance(value, np.generic) else value
    return found


def entropy_of(rng: np.random.Generator | int | None) -> list[int]:
    """What all seeds of a call are made of."""
    if isinstance(rng, np.random.Generator):
        return [int(number) for number in rng.integers(2**32, size=4)]
    if rng is None:
        return [int(number) for number in np.random.default_rng().integers(2**32, size=4)]
    if isinstance(rng, bool) or int(rng) != rng or rng < 0:
        raise FitError(f"rng must be a Generator, a seed of 0 or more, or None; got {rng!r}.")
    return [int(rng)]


def generator(entropy: Sequence[int], position: int) -> np.random.Generator:
    """The random numbers of one group: its own, whoever computes them and in whatever order."""
    return np.random.default_rng(np.random.SeedSequence(list(entropy), spawn_key=(position,)))
