"""Whatever a log of Weights & Biases holds, there is a table or an error of ours, and never gigabytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mutations import damaged, read_or_refuse
from scalefit.runs.readers.wandb_log import HEADER
from scalefit.runs.readers.wandb_offline import WANDB

pytest.importorskip("wandb")

from wandb.proto.wandb_internal_pb2 import ConfigItem, ConfigRecord, Record

from wandb_logs import framed, items, records_of, row, run_record, write

SAMPLES = Path(__file__).parents[2] / "samples" / "wandb"
NEW, OLD = SAMPLES / "run-0.31.0.wandb", SAMPLES / "run-0.16.6.wandb"
MANY = settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def one_path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "run-a.wandb"


@pytest.mark.slow
@MANY
@given(data=st.one_of(*2 * [damaged([NEW.read_bytes(), OLD.read_bytes()])], st.binary().map(HEADER.__add__)))
def test_no_damage_to_a_log_lets_anything_but_our_errors_escape(one_path, data):
    one_path.write_bytes(data)
    read_or_refuse(WANDB, one_path)


RECORDS = [record for path in (NEW, OLD) for record in records_of(path)]


@pytest.mark.slow
@MANY
@given(records=st.lists(st.one_of(st.sampled_from(RECORDS), damaged(RECORDS)), min_size=1, max_size=3))
def test_no_damage_inside_of_records_lets_anything_but_our_errors_escape(one_path, records):
    one_path.write_bytes(framed(records))
    read_or_refuse(WANDB, one_path)


VALUES = st.one_of(
    st.text(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=4,
    ).map(json.dumps),
    st.sampled_from(["9" * 5000, "-" + "9" * 400, "1e999999", "[" * 3000, '{"a":' * 3000, '"\\ud800"', '{"_type": 3}']),
)
NAMES = st.sampled_from(["_step", "step", "run", "loss", "a.b", "a._type", "_type", "", "\u0378", "lr"])


@pytest.mark.slow
@MANY
@given(
    rows=st.lists(st.dictionaries(NAMES, VALUES, max_size=2), min_size=1, max_size=3),
    config=st.dictionaries(NAMES, VALUES, max_size=1),
)
def test_no_value_lets_anything_but_our_errors_escape(one_path, rows, config):
    change = Record(config=ConfigRecord(update=items(ConfigItem, config.items())))
    write(one_path, run_record(), change, *(row(**values) for values in rows))
    read_or_refuse(WANDB, one_path)


WORST = """
import sys, pathlib
from scalefit.errors import DataError
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.wandb_offline import WANDB
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, WANDB.read(Source(path)).frame.shape)
    except DataError as error:
        print(path.name, 'refused', str(error)[:100])
import re
print(int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
def test_no_log_of_a_megabyte_takes_more_than_a_gibibyte(tmp_path):
    write(tmp_path / "names of their own", *(row(**{str(n): 1}) for n in range(20_000)))
    write(tmp_path / "one row of names", row(**{str(n): 1 for n in range(60_000)}), row(loss=1))
    rows = [row(loss=1) for _ in range(9_000)]
    write(tmp_path / "nearly empty", row(**{str(n): 1 for n in range(2_000)}), *rows)
    write(tmp_path / "settings", run_record(**{str(n): [1] * 130 for n in range(1_000)}), *rows)
    write(tmp_path / "nested", row(loss="[" * 300_000), row(loss='{"a":' * 60_000), row(loss="9" * 300_000))
    write(tmp_path / "lists", row(loss="[" + "[]," * 300_000 + "1]"))
    write(tmp_path / "empty rows", *(row() for _ in range(60_000)))
    (tmp_path / "zeros").write_bytes(HEADER + bytes(2**20))
    assert all(path.stat().st_size < 1_300_000 for path in tmp_path.iterdir())
    done = subprocess.run([sys.executable, "-c", WORST, tmp_path], capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    assert len(said) == 8
    assert int(peak) < 1024, said
