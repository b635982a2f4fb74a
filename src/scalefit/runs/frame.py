"""Any table becomes a pandas frame: pandas, polars, Arrow, a mapping of columns, or the path of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing
from scalefit.quantities import QUANTITIES
from scalefit.runs.columns import aliases_present, ambiguous_column, with_large_as_floats

_TABLES = "a pandas, polars or Arrow table, a mapping of columns, or the path of a file or folder of runs"


def as_frame(runs: Any, *, what: str = "runs") -> pd.DataFrame:
    """Turn any table into a pandas frame that can be given new columns without touching the original.

    Parameters
    ----------
    runs : table, mapping, path or list of paths
        pandas (index and order are kept), polars (also lazy), pyarrow or any other table that narwhals understands,
        a mapping of columns, or a path: a file, a folder, a glob or a list of these, of any format that
        :func:`read_runs` takes.
    what : str
        What the table is called in errors.

    Returns
    -------
    DataFrame
        The same rows in the same order. Where files were read, ``attrs`` says what was done: see :func:`read_runs`.

    Raises
    ------
    ColumnError
        If two columns have the same name, or the columns have several levels.
    DataError
        If there is no such file, it cannot be read, or the object is not a table.

    Warns
    -----
    DataWarning
        Once, if rows or files were left out on reading.

    Examples
    --------
    >>> as_frame({"params": [1e6, 2e6], "loss": [3.0, 2.8]}).shape
    (2, 2)
    """
    if _are_paths(runs):
        frame = _from_path(runs, what)
    elif isinstance(runs, pd.DataFrame):
        frame = runs.copy(deep=False)
    elif isinstance(runs, Mapping):
        frame = _from_mapping(runs, what)
    else:
        frame = _from_other(runs, what)
    return _checked(frame, what)


def _checked(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    if isinstance(frame.columns, pd.MultiIndex):
        raise ColumnError(f"{what} has columns of {frame.columns.nlevels} levels; give them one name each.")
    _refuse_duplicates(frame.columns, what)
    return frame


def read_runs(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    pattern: str | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read runs from wherever they were logged, and give the columns that scalefit recognises their known names.

    What the caller says wins. Else a column that already has the known name wins, its aliases are left alone, and a
    note names them. All other columns pass untouched.

    Parameters
    ----------
    source : table, mapping, path or list of paths
        A table of pandas, polars or Arrow, a mapping of columns; or a path. What a file is, is told from its content,
        packed with gzip or not: text with a delimiter (CSV, TSV, also as Weights & Biases and TensorBoard export it),
        Parquet, JSON lines, records in JSON, ``trainer_state.json`` of Hugging Face, results of lm-evaluation-harness,
        event files of TensorBoard, logs of Weights & Biases. A folder, a glob such as ``"logs/*/metrics.jsonl"`` or a
        list of paths is read log by log, in the order of their names; the store of MLflow, the folder of Weights &
        Biases, of TensorBoard and of a Trainer are each read as one thing.
    columns : mapping of known name to column, optional
        Which column holds a quantity where the names do not say it, such as ``{"loss": "c4_loss"}``. All get
        their names at once, so that two can change places. A column that has such a name without being the one meant
        becomes ``other_<name>``.
    pattern : str, optional
        What the parts of a path are, such as ``"{family}/{params}/{run}.csv"``: each name in braces becomes a column.
        It must fit the whole path below the folder given (of a glob: below the folders before its first wildcard), or
        the end of a path that was given by itself. ``*`` and ``**/`` stand for what does not matter. Numbers are
        numbers only as such: ``1e6`` is one, ``1M`` is not.
    progress : bool, optional
        Whether a bar shows how far the reading is. None: in a terminal or notebook, where it takes more than a second.

    Returns
    -------
    DataFrame
        One row per run or checkpoint: the same rows, order and index as a table given. Of several logs, the rows one
        below the other; ``run`` is the log's own, or its path without what all paths share; settings in a file next to
        a log (``config.json``, ``params.json``, ``args.json``, ``hparams.json``, or the same in YAML) are constant
        columns. Missing values are NaN. Parameters, tokens, FLOP and their kin are floats, whatever they were: products
        of integers of that size, such as ``6 * params * tokens``, overflow. ``attrs`` holds:

        - ``scalefit_notes`` : tuple of str. All that was recognised, renamed, merged or converted, one sentence each.
        - ``scalefit_refused`` : tuple of pairs of str. Each row or file that was left out: where it stands, and why;
          the first 1,000 of them.

    Raises
    ------
    ColumnError
        If two columns could be the same quantity, or have the same name, or one named in ``columns`` is not there, or
        gets two names, or there already is an ``other_<name>`` where one is to be called so.
    DataError
        If nothing can be read or there are no rows; if the library that a format needs is not installed; if numbers
        have thousands separators.

    Warns
    -----
    DataWarning
        Once, if rows or files were left out: a log cut off in the middle, lines with too many fields.

    Examples
    --------
    >>> runs = read_runs({"N": [1e6, 2e6], "val_loss": [3.0, 2.8]})
    >>> list(runs), runs.attrs["scalefit_notes"]
    (['params', 'loss'], ("params read from column 'N'", "loss read from column 'val_loss'"))
    """
    if _are_paths(source):
        frame = _checked(_from_path(source, "runs", pattern, progress), "runs")
    elif pattern is not None:
        raise DataError(f"pattern={pattern!r} reads names from paths; what was given is a {type(source).__name__}.")
    else:
        frame = as_frame(source).copy()
    if not len(frame):
        raise DataError(f"The table of runs has no rows; its columns are {listing(frame.columns) or 'none'}.")
    said = dict(columns or {})
    displaced = _displaced(frame, said)
    names = _known_names(frame, said, displaced)
    renamed = with_large_as_floats(frame.rename(columns=names | displaced))
    notes = [f"{name} read from column {column!r}" for column, name in names.items()]
    notes += [f"column {column!r} is now called {name!r}" for column, name in displaced.items()]
    before = frame.attrs.get("scalefit_notes", ())
    notes += [note for note in _left_aliases(frame, said, names) if note not in before]
    renamed.attrs["scalefit_notes"] = (*before, *notes)
    renamed.attrs.setdefault("scalefit_refused", ())
    return renamed


def _displaced(frame: pd.DataFrame, said: dict[str, str]) -> dict[str, str]:
    """Column -> new name for columns whose name the caller gives to another one."""
    displaced: dict[str, str] = {}
    for name, column in said.items():
        if name not in frame.columns or name in said.values():
            continue
        other = f"other_{name}"
        if other in frame.columns or other in said:
            raise ColumnError(
                f"columns={{{name!r}: {column!r}}}: the table already has {name!r}, and {other!r} too, which it would "
                f"be called; drop one of them."
            )
        displaced[name] = other
    return displaced


def _left_aliases(frame: pd.DataFrame, said: dict[str, str], names: dict[str, str]) -> list[str]:
    """What is said of columns that could be a quantity too whose very name another column has."""
    notes = []
    for name in QUANTITIES:
        if name in said or name in names or name not in frame.columns:
            continue
        # Readers give every run of a tracker its id beside its name.
        others = [column for column in aliases_present(frame, name) if column not in names and column != "run_id"]
        if others:
            notes.append(
                f"{name} read from column {name!r}, although {listing(map(repr, others))} could be it too: "
                f"columns={{{name!r}: {others[0]!r}}}"
            )
    return notes


def _known_names(frame: pd.DataFrame, said: dict[str, str], displaced: dict[str, str]) -> dict[str, str]:
    """Column -> known name for every column that is to get one."""
    names: dict[str, str] = {}
    for name, column in said.items():
        if column not in frame.columns:
            raise ColumnError(f"columns={{{name!r}: {column!r}}}: the table has {listing(frame.columns)}.")
        if column in names:
            raise ColumnError(f"columns= gives {column!r} two names: {names[column]!r} and {name!r}; give it one.")
        names[column] = name
    for name in QUANTITIES:
        has_name = name in frame.columns and name not in names
        there = [] if name in said or has_name else aliases_present(frame, name)
        there = [column for column in there if column not in names and column not in displaced]
        if len(there) > 1:
            raise ambiguous_column(name, there, "read_runs")
        if there:
            names[there[0]] = name
    return {column: name for column, name in names.items() if column != name}


def _from_mapping(columns: Mapping[Any, Any], what: str) -> pd.DataFrame:
    values = dict(columns)
    try:
        if values and all(np.ndim(value) == 0 for value in values.values()):
            return pd.DataFrame(values, index=[0])  # one run, given as numbers
        return pd.DataFrame(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what}, a mapping of columns, does not make a table: {error}.") from error


def _from_other(runs: Any, what: str) -> pd.DataFrame:
    import narwhals as nw  # only here: tables that are not pandas

    try:
        table = nw.from_native(runs)
        if isinstance(table, nw.LazyFrame):
            table = table.collect()
        columns = table.columns
    except nw.exceptions.DuplicateError as error:
        raise ColumnError(f"{what} has two columns of one name: {error}") from error
    except TypeError as error:
        raise DataError(f"{what} must be {_TABLES}; got {type(runs).__name__}.") from error
    _refuse_duplicates(columns, what)
    # Column by column, because to_pandas() of polars would need pyarrow.
    return pd.DataFrame({name: table[name].to_numpy() for name in columns})


def _from_path(paths: Any, what: str, pattern: str | None = None, progress: bool | None = None) -> pd.DataFrame:
    from scalefit.runs.reading import read_path  # only here: most tables are in memory

    if isinstance(paths, str) and not paths.strip():
        raise DataError(f"The path of {what} is empty; give the path of a file or folder.")
    return read_path(paths, what=what, pattern=pattern, progress=progress)


def _are_paths(runs: Any) -> bool:
    several = isinstance(runs, (list, tuple)) and bool(runs) and all(isinstance(one, (str, Path)) for one in runs)
    return several or isinstance(runs, (str, Path))


def _refuse_duplicates(columns: Iterable[Hashable], what: str) -> None:
    twice = [repr(name) for name, times in Counter(columns).items() if times > 1]
    if twice:
        raise ColumnError(f"{what} has more than one column {listing(twice)}; rename or drop all but one.")
