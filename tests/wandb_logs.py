"""Logs of Weights & Biases, made of the messages of its library and framed here as its core does it."""

import json
import zlib

import pytest

pytest.importorskip("wandb")

from wandb.proto.wandb_internal_pb2 import (
    ConfigItem,
    ConfigRecord,
    HistoryItem,
    HistoryRecord,
    Record,
    RunExitRecord,
    RunRecord,
)

from scalefit.runs.readers.wandb_log import BLOCK, CHUNK, FIRST, FULL, HEADER, LAST, MIDDLE, read_log


def records_of(path):
    with path.open("rb") as file:
        return list(read_log(file))


def framed(records):
    """A log as wandb writes it: records in chunks, chunks in blocks."""
    out = bytearray(HEADER)
    for record in records:
        first = True
        while True:
            room = BLOCK - len(out) % BLOCK
            if room < CHUNK.size:
                out += bytes(room)
                room = BLOCK
            piece, record = record[: room - CHUNK.size], record[room - CHUNK.size :]
            kind = {(True, True): FULL, (True, False): FIRST, (False, False): MIDDLE, (False, True): LAST}[
                first, not record
            ]
            out += CHUNK.pack(zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            first = False
            if not record:
                break
    return bytes(out)


def items(kind, values):
    return [kind(key=name, value_json=value if isinstance(value, str) else json.dumps(value)) for name, value in values]


def run_record(name="small", identity="a1", **config):
    given = ConfigRecord(update=items(ConfigItem, config.items()))
    return Record(run=RunRecord(run_id=identity, display_name=name, config=given))


def row(**values):
    return Record(history=HistoryRecord(item=items(HistoryItem, values.items())))


def end(code=0):
    return Record(exit=RunExitRecord(exit_code=code))


def write(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(framed([record.SerializeToString() for record in records]))
    return path
