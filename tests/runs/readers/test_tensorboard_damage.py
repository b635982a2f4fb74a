"""Whatever an event file holds, there is a table or an error of ours, and never gigabytes."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mutations import damaged, read_or_refuse
from scalefit.runs.readers.tensorboard import TENSORBOARD

pytest.importorskip("tensorboard")

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb

from event_files import FIRST, framed, framed_by_us, numbers

LADDER = Path(__file__).parents[2] / "samples" / "tensorboard" / "ladder"
MANY = settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def one_path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "tfevents"


FILES = [path.read_bytes() for path in sorted(LADDER.rglob("*tfevents*"))]


@pytest.mark.slow
@MANY
@given(data=st.one_of(damaged(FILES), damaged(FILES), st.binary(max_size=300)))
def test_no_damage_to_a_file_lets_anything_but_our_errors_escape(one_path, data):
    one_path.write_bytes(data)
    read_or_refuse(TENSORBOARD, one_path)


def payloads():
    for data in FILES:
        at = 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            yield data[at + 12 : at + 12 + length]
            at += 16 + length


@pytest.mark.slow
@MANY
@given(records=st.lists(damaged(list(payloads())), min_size=1, max_size=2))
def test_no_damage_inside_of_records_lets_anything_but_our_errors_escape(one_path, records):
    one_path.write_bytes(b"".join(framed_by_us(record) for record in (FIRST.SerializeToString(), *records)))
    read_or_refuse(TENSORBOARD, one_path)


WORST = """
import sys, pathlib
from scalefit.errors import DataError
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.tensorboard import TENSORBOARD
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, TENSORBOARD.read(Source(path)).frame.shape)
    except DataError as error:
        print(path.name, 'refused', str(error)[:100])
import re
print(int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux does")
def test_no_file_of_a_megabyte_takes_more_than_a_gibibyte(tmp_path):
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    def write_fast(name, *events):
        parts = [FIRST.SerializeToString(), *(event.SerializeToString() for event in events)]
        data = b"".join(map(framed_by_us, parts))
        assert len(data) < 1_100_000
        (tmp_path / name).write_bytes(data)

    write_fast("tag per step", *(numbers(n, **{str(n): 1.0}) for n in range(9_900)))
    write_fast("tag per value", numbers(0, **{str(n): 1.0 for n in range(60_000)}))
    grid = [numbers(0, **{f"t{n}": 1.0 for n in range(2_000)}), *(numbers(n, t0=1.0) for n in range(9_000))]
    write_fast("nearly empty", *grid)
    huge = TensorProto(dtype=1, float_val=[1.0])
    huge.tensor_shape.dim.add(size=2**40)
    write_fast("shape", Event(summary=Summary(value=[Summary.Value(tag="loss", tensor=huge)])), numbers(1, loss=1.0))
    text = hparams_pb({f"p{n}": "x" * 400 for n in range(1_000)})
    write_fast("settings", Event(summary=text), *(numbers(n, loss=1.0) for n in range(9_000)))
    (tmp_path / "zeros").write_bytes(framed(FIRST.SerializeToString()) + framed(b"") * 62_000)
    done = subprocess.run([sys.executable, "-c", WORST, tmp_path], capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    assert len(said) == 6
    assert int(peak) < 1024, said
