"""Any table becomes a pandas frame: pandas, polars, Arrow, a mapping of columns, or the path of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing
from scalefit.quantities import QUANTITIES
from scalefit.runs.columns import aliases_present, ambiguous_column

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_TABLES = "a pandas, polars or Arrow table, a mapping of columns, or the path of a .csv, .csv.gz, .tsv or .parquet file"


def as_frame(runs: Any, *, what: str = "runs") -> pd.DataFrame:
    """Turn any table into a pandas frame that can be given new columns without touching the original.

    Parameters
    ----------
    runs : table, mapping or path
        pandas (index and order are kept), polars (also lazy), pyarrow or any other table that narwhals understands,
        a mapping of columns, or the path of a ``.csv``, ``.csv.gz``, ``.tsv`` or ``.parquet`` file.
    what : str
        What the table is called in errors.

    Returns
    -------
    DataFrame
        The same rows in the same order.

    Raises
    ------
    ColumnError
        If two columns have the same name, or the columns have several levels.
    DataError
        If there is no such file, it cannot be read, or the object is not a table.

    Examples
    --------
    >>> as_frame({"params": [1e6, 2e6], "loss": [3.0, 2.8]}).shape
    (2, 2)
    """
    if isinstance(runs, (str, Path)):
        frame = _from_path(runs, what)
    elif isinstance(runs, pd.DataFrame):
        frame = runs.copy(deep=False)
    elif isinstance(runs, Mapping):
        frame = _from_mapping(runs, what)
    else:
        frame = _from_other(runs, what)
    if isinstance(frame.columns, pd.MultiIndex):
        raise ColumnError(f"{what} has columns of {frame.columns.nlevels} levels; give them one name each.")
    _refuse_duplicates(frame.columns, what)
    return frame


def read_runs(source: Any, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of runs and give the columns that scalefit recognises their known names.

    A column that already has the known name wins, and its aliases are left alone. All other columns pass untouched.

    Parameters
    ----------
    source : table, mapping or path
        Whatever :func:`as_frame` takes; one row per run or checkpoint.
    columns : mapping of known name to column, optional
        Which column holds a quantity where the names do not say it, such as ``{"loss": "c4_loss"}``.

    Returns
    -------
    DataFrame
        A copy with the same rows, order and index. What was renamed is said in ``frame.attrs["scalefit_notes"]``.

    Raises
    ------
    ColumnError
        If two columns could be the same quantity, or a column named in ``columns`` is not there.
    DataError
        If the table cannot be read or has no rows.

    Examples
    --------
    >>> runs = read_runs({"N": [1e6, 2e6], "val_loss": [3.0, 2.8]})
    >>> list(runs), runs.attrs["scalefit_notes"]
    (['params', 'loss'], ("params read from column 'N'", "loss read from column 'val_loss'"))
    """
    frame = as_frame(source).copy()
    if not len(frame):
        raise DataError(f"The table of runs has no rows; its columns are {listing(frame.columns) or 'none'}.")
    names = _known_names(frame, dict(columns or {}))
    renamed = frame.rename(columns=names)
    notes = tuple(f"{name} read from column {column!r}" for column, name in names.items())
    renamed.attrs["scalefit_notes"] = (*frame.attrs.get("scalefit_notes", ()), *notes)
    return renamed


def _known_names(frame: pd.DataFrame, said: dict[str, str]) -> dict[str, str]:
    """Column -> known name for every column to be renamed."""
    names: dict[str, str] = {}
    for name, column in said.items():
        if column not in frame.columns:
            raise ColumnError(f"columns={{{name!r}: {column!r}}}: the table has {listing(frame.columns)}.")
        if name in frame.columns and name != column:
            raise ColumnError(f"columns={{{name!r}: {column!r}}}: the table already has {name!r}; drop one of the two.")
        if column in names:
            raise ColumnError(f"columns= gives {column!r} two names: {names[column]!r} and {name!r}; give it one.")
        names[column] = name
    for name in QUANTITIES:
        there = [] if name in said or name in frame.columns else aliases_present(frame, name)
        there = [column for column in there if column not in names]
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


def _from_path(path: str | Path, what: str) -> pd.DataFrame:
    if not str(path).strip() or str(path) == ".":
        raise DataError(f"The path of {what} is empty; give the path of a .csv, .csv.gz, .tsv or .parquet file.")
    path = Path(path).expanduser()
    if not path.is_file():
        is_folder = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{what} must be {_TABLES}; the file {str(path)!r} {is_folder}.")
    ending = next((end for end in (*_SEPARATORS, ".parquet") if path.name.lower().endswith(end)), None)
    if ending is None:
        raise DataError(f"{str(path)!r} must end in .csv, .csv.gz, .tsv or .parquet.")
    try:
        return _read_parquet(path) if ending == ".parquet" else _read_text(path, _SEPARATORS[ending])
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{str(path)!r} cannot be read: {reason.rstrip('.')}.") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise DataError(f"Reading {str(path)!r} needs pyarrow: pip install 'scalefit[parquet]'.") from error


def _read_text(path: Path, separator: str) -> pd.DataFrame:
    # The header is read apart: read_csv would rename a second "loss" to "loss.1" and say nothing.
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str)
    _refuse_duplicates(header.iloc[0].dropna(), repr(str(path)))
    frame = pd.read_csv(path, sep=separator, float_precision=_precision(), low_memory=False)
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(f"{str(path)!r}: its rows have more fields than its header has names.")
    return frame


def _precision() -> Literal["round_trip"] | None:
    """The option with which pandas reads a number to its last bit: the default does so from 3.1 on, and not before."""
    major, minor = (int(part) for part in pd.__version__.split(".")[:2])
    return None if (major, minor) >= (3, 1) else "round_trip"


def _refuse_duplicates(columns: Iterable[Hashable], what: str) -> None:
    twice = [repr(name) for name, times in Counter(columns).items() if times > 1]
    if twice:
        raise ColumnError(f"{what} has more than one column {listing(twice)}; rename or drop all but one.")
