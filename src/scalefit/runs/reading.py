"""From a path to a table: the format told from the content, and said."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scalefit.errors import DataError, listing
from scalefit.runs.checking import stacklevel_of_caller
from scalefit.runs.notes import how_many
from scalefit.runs.readers.formats import FORMATS
from scalefit.runs.readers.reading import Format, Reading, Refusal, refusals_text, warn_of_refusals
from scalefit.runs.readers.source import Source

#: Refused rows that stand in ``attrs``: pandas copies these with every step.
KEPT_REFUSALS = 1_000
#: Characters of a path that an error shows: somebody may give the text of a table.
_SHOWN = 200
#: First bytes of files that people have beside logs, and what to do with them.
_OTHERS = (
    (b"PK\x03\x04", "a zip archive, as Excel files are too: unpack it, or save the sheet as CSV"),
    (b"BZh", "packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "packed with xz: unpack it first"),
    (b"(\xb5/\xfd", "packed with zstd: unpack it first"),
    (b"ARROW1", "a Feather file: sf.read_runs(pd.read_feather(...))"),
    (b"\x89HDF", "an HDF5 file: sf.read_runs(pd.read_hdf(...))"),
    (b"SQLite format 3", "a database: sf.read_runs(pd.read_sql(...))"),
    (b"\x80\x04\x95", "a pickle, which may run any code when it is loaded; write it as CSV or Parquet"),
)


def format_of(source: Source) -> Format | None:
    """The format of a file, told from its content; None where none is known.

    Raises
    ------
    DataError
        If the file is empty or cannot be opened.
    """
    try:
        if not source.size:
            raise DataError(f"{source.name} is empty (0 bytes).")
        return next((known for known in FORMATS if known.recognises(source)), None)
    except OSError as error:
        raise DataError(f"{source.name} cannot be read: {error.strerror or error}.") from error


def read_file(path: Path, *, progress: bool | None = None) -> Reading:
    """Read one file of any known format.

    Parameters
    ----------
    path : an existing file.
    progress : see :func:`scalefit.read_runs`.

    Raises
    ------
    ColumnError
        If two columns have the same name.
    DataError
        If the file is empty, of no known format, or cannot be read.
    """
    source = Source(path, progress)
    known = format_of(source)
    if known is None:
        raise DataError(f"{source.name} is of no known format: {_what_it_is(source)}.")
    reading = known.read(source)
    notes = (f"{path.name} read as {known.name}", *reading.notes)
    if reading.refused:
        notes = (*notes, refusals_text(reading.refused, len(reading.frame)))
    return Reading(reading.frame, notes, reading.refused)


def read_path(
    source: str | Path | Sequence[str | Path],
    *,
    what: str = "runs",
    pattern: str | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """The table of a file, a folder, a glob or a list of these.

    What was done stands in ``attrs["scalefit_notes"]``, what was left out in ``attrs["scalefit_refused"]`` and in a
    warning.

    Parameters
    ----------
    source : the path or paths.
    what : what the table is called in errors.
    pattern, progress : see :func:`scalefit.read_runs`.

    Raises
    ------
    ColumnError, DataError
        See :func:`read_file`; of several files, only if none can be read.

    Warns
    -----
    DataWarning
        Once, if rows or files were left out.
    """
    from scalefit.runs.collecting import read_many  # only here: most tables are one file
    from scalefit.runs.folders import is_glob, path_of

    one = path_of(source) if isinstance(source, (str, Path)) else None
    if one is not None and not os.path.exists(one) and not is_glob(one):
        shown = str(source) if len(str(source)) < _SHOWN else f"{str(source)[:_SHOWN]}…"
        raise DataError(f"{what}: the file {shown!r} does not exist.")
    if one is not None and os.path.isfile(one) and pattern is None:
        name, reading = repr(str(source)), read_file(one, progress=progress)
    else:
        name, reading = read_many(source, pattern=pattern, progress=progress)
    warn_of_refusals(name, reading, stacklevel_of_caller() + 1)
    frame = reading.frame
    frame.attrs["scalefit_notes"] = reading.notes
    frame.attrs["scalefit_refused"] = _pairs(reading.refused)
    return frame


def _pairs(refused: tuple[Refusal, ...]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((refusal.where, refusal.why) for refusal in refused[:KEPT_REFUSALS])
    more = len(refused) - len(pairs)
    return (*pairs, (f"{how_many(more, 'more row')}", "not listed")) if more else pairs


def _what_it_is(source: Source) -> str:
    """What an unknown file is, in words where its first bytes tell."""
    head = source.head
    other = next((said for magic, said in _OTHERS if head.startswith(magic)), None)
    if other is not None:
        return f"it is {other}"
    known = f"Known are {listing([known.name for known in FORMATS])}"
    if head and head.count(b"\0") > len(head) // 4:
        return f"it is not text, or text in UTF-16 without its mark. {known}"
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    if not line.isprintable() or not line:
        return f"its first bytes are {head[:16]!r}. {known}"
    return f"its first line is {line[:60]!r}{'…' if len(line) > 60 else ''}. {known}"
