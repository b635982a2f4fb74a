"""A table from values that come one at a time, and from what a run was configured with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError
from scalefit.quantities import QUANTITIES
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.readers.source import CELLS, CELLS_PER_BYTE, COLUMNS

#: Bytes that the texts of a configuration may take in a table, where every row repeats them.
TEXTS = 64 * 2**20
#: How deep a configuration is taken apart; below, it stays text.
DEPTH = 12
#: Texts by which W&B, JavaScript and Python write floats that JSON does not have.
FLOATS = {"NaN": np.nan, "nan": np.nan, "Infinity": np.inf, "inf": np.inf, "-Infinity": -np.inf, "-inf": -np.inf}

Scalar = bool | int | float | str | None
_KNOWN_NAMES = {name: known.name for known in QUANTITIES.values() for name in (*known.aliases, known.name)}


@dataclass
class Values:
    """The values of one column: the rows in which it has one, and what it is there."""

    rows: list[int] = field(default_factory=list)
    values: list[Scalar] = field(default_factory=list)

    def add(self, row: int, value: Scalar) -> None:
        """Put one value into a row; a second one for the same row replaces the first."""
        self.rows.append(row)
        self.values.append(value)

    def items(self) -> Iterator[tuple[int, Scalar]]:
        """Row and value of each, in the order in which they came."""
        return zip(self.rows, self.values, strict=True)

    def column(self, n_rows: int) -> pd.Series:
        """All rows: numbers as numbers, what is missing as NaN, anything else as it is."""
        kinds = {type(value) for value in self.values} - {type(None)}
        if kinds <= {int, float}:
            return pd.Series(self._numbers(n_rows, kinds == {int}))
        if kinds == {bool} and len(set(self.rows)) == n_rows and None not in self.values:
            column = np.zeros(n_rows, dtype=bool)
        else:
            column = np.full(n_rows, None, dtype=object)
        for row, value in self.items():
            column[row] = value
        return pd.Series(column)

    def _numbers(self, n_rows: int, whole: bool) -> np.ndarray[Any, Any]:
        values = [np.nan if value is None else value for value in self.values]
        complete = len(set(self.rows)) == n_rows and None not in self.values
        column = np.zeros(n_rows, dtype=np.int64) if whole and complete else np.full(n_rows, np.nan)
        column[self.rows] = values
        return column


def plain(value: object) -> Scalar:
    """What a cell can hold: numbers and texts as they are, numbers beyond 64 bits as floats, anything else as JSON.

    Examples
    --------
    >>> plain(3), plain(10**30), plain([1, 2]), plain("NaN")
    (3, 1e+30, '[1, 2]', nan)
    """
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _float(value)
    if isinstance(value, str):
        return FLOATS[value] if value in FLOATS else legible(value)
    try:
        return legible(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return legible(repr(type(value).__name__))


def legible(text: str) -> str:
    """The text without halves of characters, which no table can be written with."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def flatten(tree: Mapping[Any, object], *, before: str = "", depth: int = DEPTH) -> dict[str, Scalar]:
    """Nested settings as dotted names.

    Examples
    --------
    >>> flatten({"lr": 0.001, "model": {"layers": 4, "sizes": [1, 2]}})
    {'lr': 0.001, 'model.layers': 4, 'model.sizes': '[1, 2]'}
    """
    flat: dict[str, Scalar] = {}
    for name, value in tree.items():
        path = before + legible(str(name))
        if isinstance(value, Mapping) and value and depth > 1:
            flat |= flatten(value, before=f"{path}.", depth=depth - 1)
        else:
            flat[path] = plain(value)
    return flat


def table(columns: Mapping[str, Values], n_rows: int) -> pd.DataFrame:
    """A frame of as many rows, one column for each name, in the order given."""
    return pd.DataFrame({name: values.column(n_rows) for name, values in columns.items()}, index=range(n_rows))


def logged_instead(setting: str, own: Collection[str], *, logged: Collection[str] = ()) -> str | None:
    """The logged column that a setting must not hide: one of its name, or one that stands for the same quantity.

    Parameters
    ----------
    setting : name of the setting.
    own : columns that its run logged.
    logged : columns that any run of the same table logged. One of the setting's very name in another run hides
        nothing: the two make one column.

    Examples
    --------
    >>> logged_instead("lr", ["step", "learning_rate"]), logged_instead("width", ["step", "learning_rate"])
    ('learning_rate', None)
    """
    if setting in own:
        return setting
    known = _KNOWN_NAMES.get(setting)
    there = (column for column in (*own, *logged) if column != setting)
    return next((column for column in there if _KNOWN_NAMES.get(column) == known), None) if known else None


def add_settings(
    frame: pd.DataFrame, settings: Mapping[str, Scalar], *, logged: Collection[str] = ()
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give every row what its run was configured with; also what was renamed or left out, as notes.

    A setting gets the prefix ``config.`` where a logged column has its name or stands for the same quantity. Long texts
    are left out where repeating them in every row would take far more memory than the table.

    Parameters
    ----------
    frame : the rows of one run.
    settings : name -> value, as :func:`flatten` gives them.
    logged : columns that any run of the same table logged.
    """
    own = list(frame.columns)
    hidden = {name: logged_instead(name, own, logged=logged) for name in settings}
    names = {name: name if column is None else f"config.{name}" for name, column in hidden.items()}
    too_long = _too_long(settings, len(frame))
    columns = {
        names[name]: pd.Series([value] * len(frame), dtype=float if value is None else None)
        for name, value in settings.items()
        if name not in too_long and names[name] not in frame.columns
    }
    added = pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1) if columns else frame
    renamed = [names[name] for name, column in hidden.items() if column == name]
    same = [f"{names[name]} beside {column!r}" for name, column in hidden.items() if column not in (None, name)]
    notes = [f"{how_many(len(columns), 'setting')} of the run as constant columns"] if columns else []
    if renamed:
        notes.append(f"settings with the name of a metric renamed: {a_few(renamed)}")
    if same:
        notes.append(f"settings of a quantity that was logged under another name renamed: {a_few(same)}")
    if too_long:
        notes.append(f"{how_many(len(too_long), 'setting')} left out as too long a text: {a_few(sorted(too_long))}")
    return added, tuple(notes)


def _too_long(settings: Mapping[str, Scalar], n_rows: int) -> set[str]:
    texts = sorted((len(value), name) for name, value in settings.items() if isinstance(value, str))
    taken = np.cumsum([length for length, _ in texts]) * n_rows
    return {name for (_, name), total in zip(texts, taken, strict=True) if total > TEXTS}


def check_cells(name: str, size: int, n_rows: int, n_columns: int) -> None:
    """Refuse a table that is far larger than what it is read from, before it is made.

    Parameters
    ----------
    name : how errors call what is read.
    size : its bytes, all files together.
    n_rows, n_columns : of the table.

    Raises
    ------
    DataError
        If there are too many columns, or too many cells for so many bytes.
    """
    if n_columns > COLUMNS:
        raise DataError(f"{name} makes a table of {n_columns:,} columns; a table of runs has at most {COLUMNS:,}.")
    if n_rows * n_columns > max(CELLS, CELLS_PER_BYTE * size):
        raise DataError(
            f"{name} makes a table of {n_rows:,} rows and {n_columns:,} columns, nearly all of it empty; "
            f"most rows name columns of their own. Read fewer runs at a time, or log under fewer names."
        )


def distinct_names(runs: Sequence[tuple[str, str]]) -> list[str]:
    """What each run is called: its name, and its id too where another one has the same name.

    Parameters
    ----------
    runs : (name, id) of each.

    Examples
    --------
    >>> distinct_names([("small", "a1"), ("large", "b2"), ("small", "c3")])
    ['small (a1)', 'large', 'small (c3)']
    """
    names = [name or identity for name, identity in runs]
    times = Counter(names)
    return [
        name if times[name] == 1 or name == identity else f"{name} ({identity})"
        for name, (_, identity) in zip(names, runs, strict=True)
    ]


def gathered_notes(told: Sequence[tuple[str, Iterable[str]]]) -> list[str]:
    """What was said of each run, each once, with the runs it is about unless it is about all.

    Parameters
    ----------
    told : each run, and what was said of it.

    Examples
    --------
    >>> gathered_notes([("a", ["did not finish"]), ("b", []), ("c", ["did not finish"])])
    ['did not finish: a and c']
    """
    runs: dict[str, list[str]] = {}
    for run, notes in told:
        for note in notes:
            runs.setdefault(note, []).append(run)
    return [note if len(about) == len(told) else f"{note}: {a_few(about)}" for note, about in runs.items()]


def one_below_the_other(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all frames, in order; columns in the order in which they first come."""
    kept = list(frames)
    if len(kept) == 1:
        return kept[0]
    # Columns without any value have no type to agree on, and pandas before 3 warns where they meet others.
    names = dict.fromkeys(name for frame in kept for name in frame.columns)
    some = [frame.dropna(axis=1, how="all") for frame in kept]
    return pd.concat(some, ignore_index=True, sort=False).reindex(columns=list(names))
