"""Parquet, also the history of a run as Weights & Biases keeps it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from scalefit.errors import ColumnError, DataError, listing
from scalefit.runs.notes import a_few
from scalefit.runs.readers.reading import Format, Reading
from scalefit.runs.readers.source import Source, reason_of
from scalefit.runs.readers.wide import known_step

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"PAR1"
#: Rows that are taken at once.
_BATCH = 65_536
#: What Parquet appends to the path of a list or a map.
_PARTS_OF_LISTS = re.compile(r"\.(?:list|key_value)\b")


def _recognises(source: Source) -> bool:
    return source.head.startswith(MAGIC)


def _read(source: Source) -> Reading:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError(f"Reading {source.name} needs pyarrow: pip install 'scalefit[parquet]'.") from error
    from scalefit.runs.readers.arrow_columns import ArrowColumns

    try:
        table, lists = _table(source)
        if not len(table):
            raise DataError(f"{source.name} has {_columns(table.column_names)} and no rows.")
        columns = ArrowColumns(table, source.most_bytes)
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise DataError(f"{source.name} cannot be read: {reason_of(error)}.") from error
    if not columns.series:
        raise DataError(f"{source.name} has {_columns([*table.column_names, *lists])}, of which none can be read.")
    frame, notes = known_step(columns.frame())
    if lists:
        notes.append(f"left out, since {'they hold' if len(lists) > 1 else 'it holds'} lists: {a_few(lists)}")
    return Reading(frame, (*columns.notes(), *notes))


def _table(source: Source) -> tuple[pa.Table, list[str]]:
    """Everything in the file but lists, and the names of those.

    A few bytes may say that a number comes a thousand million times, in lists even within one row: so no more rows are
    taken at once than fit into memory, and no lists. Text stays packed, since one word may stand for many cells.
    """
    import pyarrow as pa
    from pyarrow import parquet

    place: Any = str(source.path)
    if source.packed:
        with source.open() as file:
            place = pa.BufferReader(file.read())  # in memory: the table of contents is at the end
    with parquet.ParquetFile(place) as content:
        leaves = [content.schema.column(i) for i in range(content.metadata.num_columns)]
        _check(source, content, len(leaves))
    if source.packed:
        place.seek(0)
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    flat, lists = _flat([(leaf.path, leaf.max_repetition_level > 0) for leaf in leaves])
    with parquet.ParquetFile(place, read_dictionary=texts) as content:
        schema, most = content.schema_arrow, content.metadata.num_rows
        batches, rows = [], 0
        for batch in content.iter_batches(_BATCH, columns=flat) if flat else ():
            rows += len(batch)
            if rows > most:
                raise DataError(f"{source.name} cannot be read: it has more rows than it says ({most:,}).")
            batches.append(batch)
        if not batches:
            return schema.empty_table(), lists
        return pa.Table.from_batches(batches).unify_dictionaries(), lists


def _check(source: Source, content: Any, leaves: int) -> None:
    """Refuse what is far larger than a file of its size may be, before it is read."""
    metadata = content.metadata
    source.check_cells(metadata.num_rows, leaves)
    # Not by column: pyarrow ends the whole process where the description of a column is damaged.
    if sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)) > source.most_bytes:
        raise DataError(f"{source.name} unpacks to far more than a log of {source.size:,} bytes would.")
    twice = [repr(name) for name, times in Counter(content.schema_arrow.names).items() if times > 1]
    if twice:
        raise ColumnError(f"{source.name} has more than one column {listing(twice)}; rename or drop all but one.")


def _flat(leaves: list[tuple[str, bool]]) -> tuple[list[str], list[str]]:
    """The paths that hold no lists, and the columns that do; a path takes along all that begins with it."""
    beginnings: set[str] = set()
    for path, is_list in leaves:
        if is_list:
            parts = path.split(".")
            beginnings.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    flat = [path for path, _ in leaves if path not in beginnings]
    lists = [_PARTS_OF_LISTS.split(path)[0] for path, _ in leaves if path in beginnings]
    return flat, list(dict.fromkeys(lists))


def _columns(names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"columns ({shown})" if names else "no columns"


PARQUET = Format("Parquet", _recognises, _read)
