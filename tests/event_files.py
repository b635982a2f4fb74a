"""Event files of TensorBoard, by the library's own writer or framed here."""

import struct

import pytest

pytest.importorskip("tensorboard")

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from scalefit.runs.readers.tfrecord import masked_checksum

#: How every event file begins.
FIRST = Event(wall_time=1.0, file_version="brain.Event:2")


def numbers(step, wall_time=None, /, **values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(step=step, wall_time=float(step if wall_time is None else wall_time), summary=summary)


def write(path, *events):
    """An event file by the library's own writer, but for its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for event in (FIRST, *events):
            writer.write(event.SerializeToString())
    return path


def framed(record):
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", masked_crc32c(length)) + record + struct.pack("<I", masked_crc32c(record))


def framed_by_us(record):
    """The same, faster for long records: that the checksums are equal is tested."""
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", masked_checksum(length)) + record + struct.pack("<I", masked_checksum(record))
