"""Lines of JSON that differ from the first in their values alone: read as one table, several times faster."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.runs.readers.growing_table import EXACT, Values
from scalefit.runs.readers.json_values import RecordError, flatten, parse_value
from scalefit.runs.readers.precision import float_precision

#: A value without parts, after its name: text, a number, or a word.
_VALUE = re.compile(
    rb':[ \t]*(?:(?P<text>"(?:[^"\\]++|\\.)*+")|(?P<number>-?[0-9][-+.0-9eE]*)|'
    rb"(?P<word>null|true|false|NaN|-?Infinity))(?=[ \t]*[,}])"
)
_PLAIN_TEXT = re.compile(r'"[^"\\]*"')
#: Bytes that JSON has nowhere outside a text, nor inside; those that UTF-8 has nowhere; those that ASCII has nowhere.
_CONTROLS, _NO_UTF8, _NO_ASCII = (
    (*range(1, 9), 11, 12, *range(14, 31)),
    (0xC0, 0xC1, *range(0xF5, 0x100)),
    range(128, 256),
)
_SEPARATOR = b"\x1f"
#: A line of more bytes is read by itself.
LINE = 2**16
_ZERO, _MINUS, _NEWLINE = b"0-\n"
_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789", np.uint8))


@dataclass(frozen=True)
class _Field:
    """One value of the first line: what stands before it, which is the same in all lines, as is a word itself."""

    name: str
    before: bytes
    kind: Literal["text", "number", "word"]
    value: Any


def read_uniform(block: bytes) -> dict[str, Values] | None:
    r"""The columns of lines that differ in their values alone, or None where it is not certain that they do.

    What stands before each value of the first line is replaced by one byte that occurs nowhere else. Where these bytes
    then stand in the same order in every line, and single values lie between them, every line is the first one with
    other values, and a reader of delimited text takes them. Names inside names are joined with dots.

    Parameters
    ----------
    block : whole lines, each with its end.

    Examples
    --------
    >>> columns = read_uniform(b'{"step": 1, "eval": {"loss": 4.5}}\n{"step": 2, "eval": {"loss": 4.25}}\n')
    >>> {name: values.tolist() for name, values in columns.items()}
    {'step': [1, 2], 'eval.loss': [4.5, 4.25]}
    """
    if any(byte in block for byte in (b"\r", b"\0", _SEPARATOR)):
        return None
    lines = block.count(b"\n")
    fields, tail = _fields(block[: block.find(b"\n")])
    end = tail + b"\n"
    # The last name is quick to count, and lines that differ usually differ in it.
    if not fields or not block.endswith(end) or block.count(fields[-1].before) < lines:
        return None
    before = dict.fromkeys(field.before for field in fields)
    free = (*_CONTROLS, *(_NO_ASCII if block.isascii() else _NO_UTF8))
    if len(before) > len(free):
        return None
    marks = dict(zip(before, free, strict=False))
    marked = _marked(block, fields[0].before, end, marks)
    data = np.frombuffer(marked, np.uint8)
    places = np.flatnonzero(np.isin(np.arange(256), (*marks.values(), _NEWLINE))[data])
    order = np.array([*(marks[field.before] for field in fields), _NEWLINE], dtype=np.uint8)
    left = len(block) - lines * (len(tail) + sum(len(field.before) - 1 for field in fields))
    if len(marked) != left or len(places) != lines * len(order):
        return None
    starts = places.reshape(lines, len(order))
    if not (data[starts] == order).all() or starts[0, 0] != 0 or not _are_values(data, starts, fields):
        return None
    words = bytes({marks[field.before] for field in fields if field.kind == "word"})
    separators = bytes.maketrans(bytes(marks.values()), _SEPARATOR * len(marks))
    columns = _columns(marked.translate(separators, words), fields, lines)
    return None if columns is None or _rounds(columns, marked, starts, fields) else columns


def _marked(block: bytes, first: bytes, end: bytes, marks: dict[bytes, int]) -> bytes:
    """The block with a mark for what stands before each value, and nothing but the end of a line after the last."""
    mark = bytes([marks[first]])
    marked = mark + block[len(first) : -len(end)].replace(end + first, b"\n" + mark) + b"\n"
    # The longest first: one may be the end of another.
    for before in sorted(marks, key=len, reverse=True):
        if before != first:
            marked = marked.replace(before, bytes([marks[before]]))
    return marked


def _fields(line: bytes) -> tuple[list[_Field], bytes]:
    """The values of a line and what follows the last; none where they are not all plain."""
    if len(line) > LINE:
        return [], b""
    found = list(_VALUE.finditer(line))
    try:
        record = flatten(parse_value(line.decode()))
        values = [json.loads(match[match.lastgroup or 0]) for match in found]
    except (RecordError, ValueError):
        return [], b""
    # Compared as text, since NaN is not equal to itself. A list is one value of the record, and none that was found.
    if not found or list(map(repr, values)) != list(map(repr, record.values())):
        return [], b""
    fields, start = [], 0
    for name, match, value in zip(record, found, values, strict=True):
        if match["word"] is not None:
            fields.append(_Field(name, line[start : match.end()], "word", value))
        else:
            kind: Literal["text", "number"] = "number" if match["text"] is None else "text"
            fields.append(_Field(name, line[start : match.start(kind)], kind, value))
        start = match.end()
    return fields, line[start:]


def _are_values(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.intp], fields: list[_Field]) -> bool:
    """Whether nothing follows a word, and numbers begin and end as those of JSON do; pandas checks the rest of them."""
    for number, field in enumerate(fields):
        start, end = starts[:, number] + 1, starts[:, number + 1]
        if field.kind == "word" and not (start == end).all():
            return False
        if field.kind == "number":
            start = start + (data[start] == _MINUS)
            first, second = data[start], data[np.minimum(start + 1, len(data) - 1)]
            if not _DIGIT[first].all() or not _DIGIT[data[end - 1]].all() or (_DIGIT[second] & (first == _ZERO)).any():
                return False
    return True


def _rounds(columns: dict[str, Values], marked: bytes, starts: npt.NDArray[np.intp], fields: list[_Field]) -> bool:
    """Whether an integer stands in a column of floats and is too large for one; the slow way says so."""
    for number, field in enumerate(fields):
        values = columns[field.name]
        if field.kind == "number" and values.dtype.kind == "f":
            rows = np.flatnonzero(np.abs(values) >= EXACT)
            cells = zip((starts[rows, number] + 1).tolist(), starts[rows, number + 1].tolist(), strict=True)
            if any(marked[start:end].lstrip(b"-").isdigit() for start, end in cells):
                return True
    return False


def _columns(text: bytes, fields: list[_Field], lines: int) -> dict[str, Values] | None:
    """The values of lines whose cells have a separator before each."""
    cells = [field for field in fields if field.kind != "word"]
    frame = _read_cells(text, cells) if cells else pd.DataFrame(index=pd.RangeIndex(lines))
    if frame is None or frame.shape != (lines, len(cells)):
        return None
    columns: dict[str, Values] = {}
    for field in fields:
        if field.kind == "word":
            columns[field.name] = np.full(lines, np.nan if field.value is None else field.value)
            continue
        values = frame[cells.index(field) + 1].to_numpy()
        found = _texts(values) if field.kind == "text" else values
        if found is None or found.dtype.kind not in ("O" if field.kind == "text" else "if"):
            return None
        columns[field.name] = found
    return columns


def _read_cells(text: bytes, cells: list[_Field]) -> pd.DataFrame | None:
    """The cells as pandas reads them: numbers, or text that still has its quotes."""
    if b".e" in text or b".E" in text:
        return None  # a number for pandas, but not in JSON; text with it goes the slow way too
    places = range(1, len(cells) + 1)  # before the first separator there is an empty cell
    try:
        return pd.read_csv(
            io.BytesIO(text), sep=_SEPARATOR.decode(), header=None, usecols=list(places), quoting=3, na_filter=False,
            dtype={place: object for place, cell in zip(places, cells, strict=True) if cell.kind == "text"},
            engine="c", float_precision=float_precision(), low_memory=False,
        )  # fmt: skip
    except ValueError:
        return None


def _texts(cells: Values) -> Values | None:
    """The texts in cells that still have their quotes."""
    codes, distinct = pd.factorize(cells)
    try:
        if all(map(_PLAIN_TEXT.fullmatch, distinct)):
            texts = json.loads(f"[{','.join(distinct)}]")
        else:
            texts = list(map(json.loads, distinct))
    except ValueError:
        return None
    if set(map(type, texts)) != {str}:
        return None
    return np.array(texts, dtype=object)[codes]
