"""JSON lines: one object per line, as training scripts append them to a log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.readers.growing_table import GrowingTable, Values
from scalefit.runs.readers.json_values import BOM, RecordError, first_of, parse_line
from scalefit.runs.readers.reading import Format, Reading
from scalefit.runs.readers.source import HEAD, Source
from scalefit.runs.readers.uniform_lines import read_uniform
from scalefit.runs.readers.wide import known_step

#: Bytes that are read at once; the longest line.
BLOCK, LINE = 4 * 2**20, 16 * 2**20
#: Lines that look alike are read as one table if there are so many.
ALIKE = 50
#: What differs between lines that may still have the same names in the same order.
_VALUES = b"0123456789.-+eE"


def _recognises(source: Source) -> bool:
    head = source.head.removeprefix(BOM).lstrip()
    if not head.startswith(b"{") or head[1:2] in (b"\n", b"\r"):
        return False
    if {".jsonl", ".ndjson"} & set(source.path.suffixes):
        return True
    complete, newline, rest = head.rpartition(b"\n")
    if not newline:
        return _goes_on(source)
    lines = [line for line in complete.split(b"\n")[:100] if line.strip()]
    # Half of them: one may be damaged, and in a document with one record per line a comma follows nearly all.
    return (len(lines) > 1 or bool(rest.strip())) and 2 * sum(map(_is_object, lines)) >= len(lines)


def _is_object(line: bytes) -> bool:
    try:
        parse_line(_text(line))
    except RecordError:
        return False
    return True


def _goes_on(source: Source) -> bool:
    """Whether another object follows a first line that is longer than the head."""
    if len(source.head) < HEAD:
        return False
    try:
        with source.open() as file:
            return file.readline(LINE).endswith(b"\n") and file.read(HEAD).lstrip().startswith(b"{")
    except DataError:
        return False


def read_lines(source: Source) -> Reading:
    """Read one object per line; lines that are none are refused, one by one.

    Raises
    ------
    ColumnError
        If a column has a name that is no text.
    DataError
        If no line can be used, a line is longer than any row, or the file cannot be read.
    """
    table = GrowingTable(source)
    line = 1
    with source.open() as file:
        for block in _blocks(file, source):
            _read_block(block, line, table)
            line += block.count(b"\n")
    if not table.rows:
        raise DataError(f"{source.name} holds no row that can be used.{first_of(table.refused)}")
    frame, notes = with_step(table.frame())
    return Reading(frame, (*table.notes, *notes), tuple(table.refused))


def with_step(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give the step its known name, and say how many rows share it with another row of the same run."""
    frame, notes = known_step(frame)
    step = next((name for name in ("step", "global_step", "iteration") if name in frame), None)
    keys = [name for name in ("run", "run_id", "run_name") if name in frame][:1]
    if step is not None:
        shared = int(frame[frame[step].notna()].duplicated([*keys, step], keep=False).sum())
        if shared:
            again = f"{shared} rows have a {step} that another row of the same run has too"
            notes.append(f"{again}; sf.merge_steps merges them")
    return frame, notes


def _blocks(file: BinaryIO, source: Source) -> Iterator[bytes]:
    """Stretches of whole lines, the last one perhaps without its end."""
    rest = file.read(len(BOM)).removeprefix(BOM)
    while data := file.read(BLOCK):
        rest += data
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > LINE:
            raise DataError(f"{source.name} has a line of more than {LINE >> 20} MiB; a row of a log is far shorter.")
    if rest:
        yield rest


def _read_block(block: bytes, first: int, table: GrowingTable) -> None:
    """Add the rows of whole lines: all at once where they are alike, else those that are alike together."""
    block = block.replace(b"\r\n", b"\n")
    columns = read_uniform(block) if block.endswith(b"\n") else None
    if columns is not None:
        count = block.count(b"\n")
        table.reserve(count, columns)
        for name, values in columns.items():
            table.fill_column(slice(table.rows - count, table.rows), name, values)
        return
    lines = block.split(b"\n")
    alike, others = _alike(lines)
    rows, places = [], []
    for number in others:
        try:
            row = parse_line(_text(lines[number]))
        except RecordError as error:
            table.refuse(f"line {first + number}", str(error))
            continue
        rows.append(row)
        places.append(number)
    _add(table, alike, rows, np.array(places, dtype=np.intp))


def _text(line: bytes) -> str:
    try:
        return line.decode().strip()
    except UnicodeDecodeError as error:
        raise RecordError(f"is not UTF-8 text: its byte {error.start + 1} cannot be read") from error


Group = tuple[np.ndarray[Any, np.dtype[np.intp]], dict[str, Values]]


def _alike(lines: list[bytes]) -> tuple[list[Group], list[int]]:
    """Lines read together, by their numbers, and the numbers of the others; blank lines are neither."""
    looks: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        looks.setdefault(line.translate(None, _VALUES), []).append(number)
    groups: list[Group] = []
    others: list[int] = []
    for numbers in looks.values():
        columns = None
        if len(numbers) >= ALIKE:
            columns = read_uniform(b"".join(lines[number] + b"\n" for number in numbers))
        if columns is None:
            others += [number for number in numbers if lines[number].strip()]
        else:
            groups.append((np.array(numbers, dtype=np.intp), columns))
    return groups, sorted(others)


def _add(table: GrowingTable, groups: list[Group], rows: list[dict[str, Any]], places: np.ndarray[Any, Any]) -> None:
    """Add rows and groups in the order of their lines."""
    numbers = np.concatenate([places, *(group for group, _ in groups)])
    start = table.rows
    table.reserve(len(numbers), chain(chain.from_iterable(rows), *(columns for _, columns in groups)))
    kept = np.sort(numbers)
    table.fill(start + np.searchsorted(kept, places), rows)
    for group, columns in groups:
        where = start + np.searchsorted(kept, group)
        for name, values in columns.items():
            table.fill_column(where, name, values)


JSON_LINES = Format("JSON lines", _recognises, read_lines)
