"""Whatever a store of MLflow holds, there is a table or an error of ours, and never gigabytes."""

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mlflow_stores import MLRUNS, PACKED, write_store
from mutations import damaged, read_or_refuse
from scalefit.errors import ScalefitError
from scalefit.runs.readers.mlflow_store import MLFLOW_DATABASE, MLFLOW_STORE

pytest.importorskip("yaml")

MANY = settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

RUN = min(path.parent for path in MLRUNS.glob("*/*/meta.yaml"))
NAMES = ("../meta.yaml", "meta.yaml", "metrics/train_loss", "metrics/val/loss", "params/lr", "tags/purpose")
FILES = [(RUN / name).resolve().relative_to(MLRUNS.resolve()) for name in NAMES]


@pytest.fixture(scope="module")
def one_store(tmp_path_factory):
    """A part of one of the runs of the sample: the others would be read each time, too."""
    store = tmp_path_factory.mktemp("fuzz") / "mlruns"
    for file in FILES:
        (store / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(MLRUNS / file, store / file)
    return store


@pytest.mark.slow
@MANY
@given(data=st.data())
def test_no_damage_to_the_files_of_a_store_lets_anything_but_our_errors_escape(one_store, data):
    name = data.draw(st.sampled_from(FILES))
    original = (MLRUNS / name).read_bytes()
    (one_store / name).write_bytes(data.draw(st.one_of(damaged([original]), st.binary(max_size=50))))
    try:
        assert MLFLOW_STORE.recognises(one_store) in (True, False)
        reading = MLFLOW_STORE.read(one_store, None)
    except ScalefitError:
        pass
    else:
        assert len(reading.frame)
        assert reading.frame.columns.is_unique
    finally:
        (one_store / name).write_bytes(original)


def small_database(path):
    """The database of the sample without the tables that are not read: a hundred empty ones take most of its bytes."""
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    connection = sqlite3.connect(path)
    kept = ("experiments", "runs", "metrics", "params", "tags")
    others = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in others:
        if name not in kept and not name.startswith("sqlite_"):
            connection.execute(f"DROP TABLE {name}")
    connection.commit()
    connection.execute("PRAGMA page_size = 1024")
    connection.execute("VACUUM")
    connection.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def one_path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "mlflow.db"


with tempfile.TemporaryDirectory() as _folder:
    DATABASE = small_database(Path(_folder, "mlflow.db"))


@pytest.mark.slow
@MANY
@given(data=st.one_of(damaged([DATABASE]), st.binary(max_size=200).map(DATABASE[:100].__add__)))
def test_no_damage_to_a_database_lets_anything_but_our_errors_escape(one_path, data):
    one_path.write_bytes(data)
    read_or_refuse(MLFLOW_DATABASE, one_path)


WORST = """
import sys, pathlib
from scalefit.errors import DataError
from scalefit.runs.readers.mlflow_store import MLFLOW_STORE
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, MLFLOW_STORE.read(path, None).frame.shape)
    except DataError as error:
        print(path.name, 'refused', str(error)[:100])
import re
print(int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
def test_no_store_of_a_megabyte_takes_more_than_a_gibibyte(tmp_path):
    write_store(tmp_path / "bad lines", {"loss": "0 1 0\n" + "x\n" * 500_000})
    write_store(tmp_path / "no lines", {"loss": "0 1 0\n", "lr": "0 1 0" * 200_000})
    write_store(tmp_path / "values", {"loss": "".join(f"0 1 {n}\n" for n in range(90_000))})
    lines = "".join(f"0 1 {n}\n" for n in range(9_000))
    write_store(tmp_path / "settings", {"loss": lines}, {f"p{n}": "y" * 400 for n in range(1_000)})
    write_store(tmp_path / "nearly empty", {"loss": lines, **{f"m{n}": "0 1 0\n" for n in range(2_000)}})
    write_store(tmp_path / "nested", {"loss": lines}, run_name="{a: " * 4_000)
    assert len(os.listdir(tmp_path)) == 6
    done = subprocess.run([sys.executable, "-c", WORST, tmp_path], capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    assert len(said) == 6
    assert int(peak) < 1024, said
