"""What the readers of JSON share: one value of text, objects made flat, whole documents behind a limit of memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from scalefit.errors import DataError, listing
from scalefit.runs.readers.assembly import logged_instead
from scalefit.runs.readers.reading import SHOWN, Refusal
from scalefit.runs.readers.source import Source

BOM = b"\xef\xbb\xbf"
#: A name of a column may be so long: names of nested objects are joined, and would grow with the square of the depth.
NAME = 1000
#: What a document may take as Python objects: so much, or so many times its size on disk; only packed ones come near.
MEMORY, MEMORY_PER_BYTE = 600 * 2**20, 300
#: Bytes that Python takes for an object, a list, an item of either and, read twice, a character.
_OBJECT, _LIST, _ITEM, _CHARACTER = 240, 64, 40, 9

#: What may be left of a number or a word where a text was cut off.
_PART = re.compile(r"[-+.\w]*")
_NESTED = frozenset({dict, list})


class RecordError(Exception):
    """One record cannot be used; the text says why and continues a sentence that begins with its place."""


def parse_value(text: str) -> Any:
    """The value of a JSON text, with NaN and infinities; a name given twice is refused, as either may be meant.

    Raises
    ------
    RecordError
        If the text is not one JSON value.

    Examples
    --------
    >>> parse_value('{"loss": NaN, "step": 3}')
    {'loss': nan, 'step': 3}
    """
    try:
        start = len(text) - len(text.lstrip())
        value, end = _CAREFUL.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise RecordError(_reason(error, text)) from error
    if text[end:].strip():
        raise RecordError(f"has more after its end, from character {end + 1} on: {text[end:].strip()[:20]!r}")
    return value


def parse_line(text: str) -> dict[str, Any]:
    """The object on one line, flat: nested names are joined with dots, lists become JSON text.

    Raises
    ------
    RecordError
        If the line is not one JSON object.

    Examples
    --------
    >>> parse_line('{"step": 3, "eval": {"loss": 2.5}, "betas": [0.9, 0.95]}')
    {'step': 3, 'eval.loss': 2.5, 'betas': '[0.9, 0.95]'}
    """
    if text.count("{") == 1:
        try:
            record, end = _QUICK.raw_decode(text)
        except (ValueError, RecursionError):
            pass  # the careful way says why
        else:
            # As many colons as names: none is given twice.
            if end == len(text) and type(record) is dict and text.count(":") == len(record) > 0:
                return flatten(record)
    return row_of(parse_value(text))


def row_of(record: Any) -> dict[str, Any]:
    """An object made flat that has at least one name.

    Raises
    ------
    RecordError
        See :func:`flatten`; and if it is empty.

    Examples
    --------
    >>> row_of({"eval": {"loss": 2.5}})
    {'eval.loss': 2.5}
    """
    flat = flatten(record)
    if not flat:
        raise RecordError("is an empty object")
    return flat


def flatten(record: Any) -> dict[str, Any]:
    """An object without objects inside: their names are joined with dots; lists and empty objects become JSON text.

    Raises
    ------
    RecordError
        If it is no object, or two of its names become the same, or it is nested too deeply.

    Examples
    --------
    >>> flatten({"optimizer": {"name": "adam", "betas": [0.9, 0.95]}})
    {'optimizer.name': 'adam', 'optimizer.betas': '[0.9, 0.95]'}
    """
    if type(record) is not dict:
        raise RecordError(f"is {kind_of(record)}, not an object")
    if _NESTED.isdisjoint(map(type, record.values())) and not any(len(name) > NAME for name in record):
        return record
    flat: dict[str, Any] = {}
    try:
        _add_flat(flat, "", record)
    except RecursionError as error:
        raise RecordError("is nested too deeply") from error
    return flat


def kind_of(value: Any) -> str:
    """What a JSON value is, in words.

    Examples
    --------
    >>> kind_of([1, 2]), kind_of(None), kind_of({"loss": [3.0]})
    ('a list of 2', 'null', "an object with 'loss'")
    """
    if isinstance(value, dict):
        names = [repr(name if len(name) <= 40 else f"{name[:40]}…") for name in list(value)[:3]]
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""
        return f"an object with {', '.join(names)}{more}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return "null"
    return "a text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else "a number"


def is_scalar(value: Any) -> bool:
    """Whether a JSON value is neither an object nor a list."""
    return type(value) not in _NESTED


def as_constants(values: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """Settings of a run as columns: missing ones left out, and those whose name is taken under ``config.``.

    Raises
    ------
    RecordError
        See :func:`flatten`.

    Examples
    --------
    >>> as_constants({"lr": 3e-4, "width": 64, "seed": None}, taken=["step", "lr"])
    {'config.lr': 0.0003, 'width': 64}
    """
    constants: dict[str, Any] = {}
    for name, value in flatten(dict(values)).items():
        while logged_instead(name, taken) is not None or name in constants:
            name = f"config.{name}"
        if value is not None:
            constants[name] = value
    return constants


def read_document(source: Source) -> Any:
    """The value of a file that is one JSON document.

    Raises
    ------
    DataError
        If it is damaged, or would take far more memory than a log of its size.
    """
    with source.open() as file:
        data = file.read()
    take = data.count(b"{") * _OBJECT + data.count(b"[") * _LIST + data.count(b",") * _ITEM + len(data) * _CHARACTER
    if take > max(MEMORY, MEMORY_PER_BYTE * source.size):
        raise DataError(f"{source.name} holds far more than a log of its size would: about {take / 2**30:.1f} GiB.")
    try:
        return parse_value(data.removeprefix(BOM).decode())
    except UnicodeDecodeError as error:
        raise DataError(f"{source.name} is not UTF-8 text: byte {error.start} cannot be read.") from error
    except RecordError as error:
        raise DataError(f"{source.name} cannot be read: it {error}.") from error


def first_of(refused: Sequence[Refusal]) -> str:
    """Why the first records were refused, as sentences that follow another.

    Examples
    --------
    >>> first_of([Refusal("line 1", "is a number, not an object")])
    ' Line 1 is a number, not an object.'
    """
    told = [f"{refusal.where} {refusal.why}" for refusal in refused[:SHOWN]]
    return "".join(f" {sentence[:1].upper()}{sentence[1:]}." for sentence in told)


def begins_with(source: Source, *first: bytes) -> bool:
    """Whether the first character of a file, spaces aside, is one of these."""
    return source.head.removeprefix(BOM).lstrip()[:1] in first


def _add_flat(flat: dict[str, Any], prefix: str, record: dict[str, Any]) -> None:
    for name, value in record.items():
        name = prefix + name
        if len(name) > NAME:
            raise RecordError(f"has a name of {len(name):,} characters; {NAME:,} is the most")
        if type(value) is dict and value:
            _add_flat(flat, name + ".", value)
            continue
        if name in flat:
            raise RecordError(f"names {name!r} twice, once with its dots and once nested")
        flat[name] = value if is_scalar(value) else json.dumps(value, ensure_ascii=False)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        raise RecordError(f"names {listing([repr(name[:40]) for name in twice[:3]])} twice")
    return record


def _reason(error: Exception, text: str) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        return "has an integer of thousands of digits"
    if error.msg.startswith("Unterminated") or _PART.fullmatch(text[error.pos :].rstrip()):
        return "ends early: it was cut off, or is still being written"
    return f"is no JSON from character {error.pos + 1} on: {text[error.pos : error.pos + 20]!r}"


_QUICK = json.JSONDecoder()
_CAREFUL = json.JSONDecoder(object_pairs_hook=_each_once)
