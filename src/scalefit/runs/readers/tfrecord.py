"""Records of TensorFlow's framing: a length, its checksum, the bytes, their checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from scalefit.runs.readers.reading import Refusal

#: Bytes taken from the file at a time.
CHUNK = 2**22
#: Checksums are found for pieces of this many bytes at once, those of long records then put together.
PIECE = 256
POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed: RFC 3720, appendix B.4
MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
LENGTH = struct.Struct("<QI")
ALL_ONES = 0xFFFFFFFF

Integers = NDArray[np.int64]
Registers = NDArray[np.uint32]


def starts_with_record(head: bytes) -> bool:
    r"""Whether the first bytes are the length of a record and its checksum.

    Examples
    --------
    >>> starts_with_record(b"\x18\0\0\0\0\0\0\0\xa3\x7fK\x22")  # most event files begin so: a record of 24 bytes
    True
    >>> starts_with_record(b"params,tokens,loss")
    False
    """
    if len(head) < LENGTH.size:
        return False
    return masked_checksum(head[:8]) == int.from_bytes(head[8:12], "little")


def read_records(file: BinaryIO) -> Iterator[bytes | Refusal]:
    """Every record in the order of the file, and a refusal for each that is damaged.

    A record whose own checksum differs is refused and the next one read. One that ends early, or whose length is
    damaged, is the last: where the next would begin is not known.

    Parameters
    ----------
    file : to be read from its start.
    """
    waiting = bytearray()
    before = 0
    while chunk := file.read(CHUNK):
        waiting += chunk
        starts, lengths = _whole_records(waiting)
        data = bytes(waiting)
        places = zip(starts.tolist(), lengths.tolist(), _judge(data, starts, lengths), strict=True)
        for start, length, (length_holds, record_holds) in places:
            before += 1
            if not length_holds:
                yield _lost(before)
                return
            if record_holds:
                yield data[start + 12 : start + 12 + length]
            else:
                yield Refusal(f"record {before}", "is damaged: its checksum differs")
        if len(starts):
            del waiting[: int(starts[-1] + lengths[-1]) + 16]
        if len(waiting) >= LENGTH.size and not starts_with_record(bytes(waiting[: LENGTH.size])):
            yield _lost(before + 1)
            return
    if waiting:
        yield Refusal(f"record {before + 1}", "ends early: the file is truncated")


def _lost(number: int) -> Refusal:
    return Refusal(f"record {number}", "has a damaged length: nothing from there on can be read")


def _whole_records(waiting: bytearray) -> tuple[Integers, Integers]:
    """Where the records begin that are there to their end, and the lengths that they claim."""
    starts, lengths = [], []
    at, end = 0, len(waiting)
    while at + 16 <= end:
        length = LENGTH.unpack_from(waiting, at)[0]
        if length > end - at - 16:
            break
        starts.append(at)
        lengths.append(length)
        at += 16 + length
    return np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _judge(data: bytes, starts: Integers, lengths: Integers) -> Iterator[tuple[bool, bool]]:
    """Whether the checksum of each length, and of each record, is the one that stands after it."""
    view = np.frombuffer(data, dtype=np.uint8)
    eight = np.full_like(starts, 8)
    of_length = _mask(_checksums(view, starts, eight)) == _stored(view, starts + 8)
    of_record = _mask(_checksums(view, starts + 12, lengths)) == _stored(view, starts + 12 + lengths)
    return zip(of_length.tolist(), of_record.tolist(), strict=True)


def _stored(data: NDArray[np.uint8], at: Integers) -> Registers:
    """The checksums that stand at these places."""
    return np.ascontiguousarray(data[at[:, None] + np.arange(4)]).view("<u4")[:, 0]


def masked_checksum(data: bytes) -> int:
    """The checksum as TensorFlow stores it: CRC-32C, turned and shifted so that it may be part of other records.

    Examples
    --------
    CRC-32C of the nine digits is 0xE3069283 (the usual check value), here turned and shifted:

    >>> crc = 0xE3069283
    >>> masked_checksum(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32
    True
    """
    table, register = _plain_table(), ALL_ONES
    for byte in data:
        register = table[(register ^ byte) & 255] ^ register >> 8
    register ^= ALL_ONES
    return ((register >> 15 | register << 17) + MASK) & ALL_ONES


def _mask(checksums: Registers) -> Registers:
    return (checksums >> np.uint32(15) | checksums << np.uint32(17)) + np.uint32(MASK)


@cache
def _table() -> Registers:
    """What each byte makes of an empty register."""
    registers: Registers = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        registers = registers >> np.uint32(1) ^ (registers & np.uint32(1)) * np.uint32(POLYNOMIAL)
    return registers


@cache
def _plain_table() -> tuple[int, ...]:
    return tuple(_table().tolist())


def _checksums(data: NDArray[np.uint8], starts: Integers, lengths: Integers) -> Registers:
    """CRC-32C of many stretches of the data at once.

    Each is cut into pieces, the first the odd one; all pieces advance together, byte by byte.
    """
    pieces = np.maximum(-(-lengths // PIECE), 1)
    first = np.cumsum(pieces) - pieces
    owner = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(owner)) - first[owner]
    odd = (lengths - (pieces - 1) * PIECE)[owner]
    sizes = np.where(number == 0, odd, PIECE)
    places = starts[owner] + np.where(number == 0, 0, odd + (number - 1) * PIECE)
    registers = _advance(data, places, sizes, np.where(number == 0, np.uint32(ALL_ONES), np.uint32(0)))
    ends: Registers = registers[first]
    for record in np.flatnonzero(pieces > 1):
        register = int(ends[record])
        for piece in registers[first[record] + 1 : first[record] + pieces[record]].tolist():
            register = _past_a_piece(register) ^ piece
        ends[record] = register
    return np.invert(ends)


def _advance(data: NDArray[np.uint8], places: Integers, sizes: Integers, registers: Registers) -> Registers:
    """Registers after so many bytes from each place; the longest stretches stand first, so those at work are a head."""
    order = np.argsort(-sizes, kind="stable")
    places, now = places[order], registers[order]
    at_work = np.searchsorted(-sizes[order], -np.arange(sizes.max(initial=0)), side="left")
    table = _table()
    for byte, count in enumerate(at_work.tolist()):
        head = now[:count]
        now[:count] = table[(head ^ data[places[:count] + byte]) & np.uint32(255)] ^ head >> np.uint32(8)
    back = np.empty_like(now)
    back[order] = now
    return back


def _past_a_piece(register: int) -> int:
    """The register after a piece of zeros: by linearity, what one byte of it makes added to what the others make."""
    tables = _zeros_tables()
    low, high = tables[0][register & 255] ^ tables[1][register >> 8 & 255], register >> 16
    return low ^ tables[2][high & 255] ^ tables[3][high >> 8]


@cache
def _zeros_tables() -> tuple[tuple[int, ...], ...]:
    """For each of the four bytes of a register, what each value of it becomes past a piece of zeros."""
    registers = (np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, None]).ravel()
    for _ in range(PIECE):
        registers = _table()[registers & 255] ^ registers >> 8
    return tuple(tuple(row) for row in registers.reshape(4, 256).tolist())
