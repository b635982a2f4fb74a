"""Records of the log that Weights & Biases writes beside a run: LevelDB's framing, with a header of its own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from scalefit.runs.readers.reading import Refusal

#: How every log begins: the letters, a magic number, and version 0 (wandb's core, leveldb/record).
HEADER = b":W&B\xe1\xbe\x00"
#: A log is a row of blocks; a record lies in one chunk of a block or in several (LevelDB, doc/log_format.md).
BLOCK = 32768
CHUNK = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def read_log(file: BinaryIO) -> Iterator[bytes | Refusal]:
    """Every record in the order of the file, and a refusal for what is damaged between them.

    Where a chunk is damaged its block is left there, since its length may be what is wrong, and the next one read.

    Parameters
    ----------
    file : to be read from its start.
    """
    number, parts = 0, list[bytes]()
    left = file.read(BLOCK)
    block, after = left[len(HEADER) :], file.read(BLOCK)
    while block or after:
        for chunk in _chunks(block, is_last=not after):
            if isinstance(chunk, str):
                number += 1
                parts.clear()
                yield Refusal(f"record {number}", chunk)
                continue
            kind, data = chunk
            if (kind in (FULL, FIRST)) == bool(parts):
                number += 1
                yield Refusal(f"record {number}", "has a part missing")
                parts.clear()
                if kind in (MIDDLE, LAST):
                    continue
            parts.append(data)
            if kind in (FULL, LAST):
                number += 1
                yield b"".join(parts)
                parts.clear()
        block, after = after, file.read(BLOCK)
    if parts:
        yield Refusal(f"record {number + 1}", "ends early: the file is truncated")


def _chunks(block: bytes, *, is_last: bool) -> Iterator[tuple[int, bytes] | str]:
    """The chunks of one block: kind and bytes, or what is wrong with the first that cannot be read."""
    at = 0
    while at + CHUNK.size <= len(block):
        checksum, length, kind = CHUNK.unpack_from(block, at)
        data = block[at + CHUNK.size : at + CHUNK.size + length]
        if kind not in (FULL, FIRST, MIDDLE, LAST):
            yield "is damaged: zeros or a kind that is unknown, up to the next block"
            return
        if len(data) < length:
            yield "ends early: the file is truncated" if is_last else "is damaged: longer than its block"
            return
        if zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
            yield "is damaged: its checksum differs; nothing up to the next block can be read"
            return
        yield kind, data
        at += CHUNK.size + length
    if is_last and at < len(block):
        yield "ends early: the file is truncated"
