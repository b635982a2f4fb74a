"""Stores of MLflow: folders, databases and whatever its client reaches."""

import gzip
import itertools
import math
import sqlite3
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from mlflow_stores import EXPERIMENT, MLRUNS, PACKED, RUN, write_store
from scalefit.errors import DataError, DataWarning
from scalefit.runs.frame import read_runs
from scalefit.runs.readers.mlflow_client import read_through_client
from scalefit.runs.readers.mlflow_runs import store_reading
from scalefit.runs.readers.mlflow_store import MLFLOW_DATABASE, MLFLOW_STORE, read_mlflow
from scalefit.runs.readers.reading import Refusal
from scalefit.runs.readers.source import Source

pytest.importorskip("yaml")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    return path


def read(folder):
    return MLFLOW_STORE.read(folder, None)


# What was logged comes back.


def check_sample(frame, notes):
    """The runs of the sample, as make_samples.py logged them."""
    small = frame[frame.layers == 4]
    assert frame.layers.tolist() == [4] * 10 + [5] * 10
    assert frame.step.tolist() == [*range(10)] * 2
    assert small.train_loss.tolist() == [3 - step / 10 for step in range(9)] + [2.5]
    assert small["val/loss"].dropna().tolist() == [3.1 - step / 10 for step in (2, 4, 6, 8)]
    assert small.grad_norm.dropna().tolist() == [math.inf]
    assert small.wall_time.tolist() == pytest.approx([1.7e9 + step / 1000 for step in range(9)] + [1.7e9 + 0.1])
    assert frame.run.tolist() == [f"small ({identity})" for identity in frame.run_id]
    assert frame.run_id.nunique() == 2
    assert frame[["experiment", "lr", "optimizer", "purpose"]].drop_duplicates().values.tolist() == [
        ["ladder", 0.001, "adamw", "sample"]
    ]
    assert not any(name.startswith("system") for name in frame)
    assert "1 deleted run left out" in notes
    assert "2 values of metrics of the machine, system/…, left out" in notes
    assert "1 run not finished: small (FAILED)" in notes
    assert any(note.startswith("2 values left out, logged again for the same metric and step") for note in notes)
    assert "read as numbers or truth values, where MLflow has text: layers and lr" in {
        note.replace("lr and layers", "layers and lr") for note in notes
    }


def test_a_file_store_and_a_database_of_mlflow_are_read_alike(database):
    for reading in (read(MLRUNS), MLFLOW_DATABASE.read(Source(database))):
        check_sample(reading.frame, reading.notes)
        assert reading.refused == ()


def test_read_mlflow_takes_paths_and_addresses(database, monkeypatch):
    monkeypatch.chdir(database.parent)
    for address in (MLRUNS, str(MLRUNS), MLRUNS.as_uri(), database, f"sqlite:///{database}", "sqlite:///mlflow.db"):
        frame = read_mlflow(address)
        check_sample(frame, frame.attrs["scalefit_notes"])


def test_read_runs_tells_a_database_from_its_content(database):
    path = database.rename(database.with_name("runs.csv"))
    runs = read_runs(path)
    assert runs.attrs["scalefit_notes"][0] == "runs.csv read as database of MLflow"
    assert {"loss", "train_loss", "step", "lr"} <= set(runs)


LIVE = """
import sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.create_experiment("live")
for name, width in (("a", 64), ("b", 128)):
    run = client.create_run(experiment, run_name=name).info.run_id
    logged = [Metric("loss", 3 - step / 1000, 1_700_000_000_000 + step, step) for step in range(0, 900, 3)]
    client.log_batch(run, logged, [Param("width", str(width))])
    client.set_terminated(run)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file store", "database"])
def test_what_the_client_logged_is_read_back_directly_and_through_the_client(kind, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    if kind == "database":
        pytest.importorskip("sqlalchemy")
        pytest.importorskip("alembic")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    address = (tmp_path / "mlruns").as_uri() if kind == "file store" else f"sqlite:///{tmp_path}/mlflow.db"
    subprocess.run([sys.executable, "-c", LIVE, address], check=True, timeout=500, capture_output=True)
    steps = np.arange(0, 900, 3)
    frame = read_mlflow(address, experiments=["live"])
    assert frame.run.tolist() == ["a"] * 300 + ["b"] * 300
    assert frame.step.tolist() == [*steps, *steps]
    assert frame.loss.tolist() == [*(3 - steps / 1000)] * 2
    assert frame.width.tolist() == [64] * 300 + [128] * 300
    assert frame.wall_time.tolist() == pytest.approx([1.7e9 + step / 1000 for step in steps] * 2)
    store = read_through_client(address, lambda identity, name: name == "live", None)
    pd.testing.assert_frame_equal(frame, store_reading(store, name=address).frame)


def test_only_the_experiments_asked_for_are_read(database):
    for address in (MLRUNS, database):
        assert len(read_mlflow(address, experiments=["ladder"])) == 20
        with pytest.raises(DataError, match=r"has no experiment 'lader'; there are 'Default' and 'ladder'\."):
            read_mlflow(address, experiments=["ladder", "lader"])
        with pytest.raises(DataError, match=r"holds no runs with metrics: 0 runs without metrics, 0 deleted runs\."):
            read_mlflow(address, experiments="Default")


def test_values_with_a_data_set_keep_their_step(tmp_path):
    lines = "1000 3.0 1\n2000 2.5 2 val_set 0a1b\n"
    frame = read(write_store(tmp_path, {"loss": lines, "a/b": "1000 1.5 1\n"})).frame
    assert frame[["step", "wall_time", "loss"]].values.tolist() == [[1, 1, 3.0], [2, 2, 2.5]]
    assert frame["a/b"].tolist()[0] == 1.5


def test_of_values_for_the_same_step_the_latest_stays(tmp_path):
    reading = read(write_store(tmp_path, {"loss": "3000 2.0 1\n1000 3.0 1\n5 9.0 0\n6 8.0 0\n"}))
    assert reading.frame[["step", "loss"]].values.tolist() == [[0, 8.0], [1, 2.0]]
    assert any(note.startswith("2 values left out, logged again") for note in reading.notes)


def test_the_lines_of_old_versions_have_no_step(tmp_path):
    assert read(write_store(tmp_path, {"loss": "1000 3.0\n2000 2.0\n"})).frame.loss.tolist() == [2.0]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["4", "8"], [4, 8]),
        (["4", "0.5"], [4, 0.5]),
        (["1e-3", "nan"], [0.001, math.nan]),
        (["True", "False"], [True, False]),
        (["4", "None"], [4, math.nan]),
        (["4", "large"], ["4", "large"]),
        (["007", "008"], ["007", "008"]),
        (["1_000", "2_000"], ["1_000", "2_000"]),
        (["9" * 5000, "1"], [math.inf, 1]),
        (["None", "None"], ["None", "None"]),
    ],
)  # fmt: skip
def test_parameters_are_numbers_where_those_of_all_runs_are(texts, values, tmp_path):
    for number, text in enumerate(texts):
        write_store(tmp_path, {"loss": "0 1.0 0\n"}, {"p": text}, run=f"{number:032d}", run_name=f"r{number}")
    column = read(tmp_path).frame.p.tolist()
    assert [str(value) for value in column] == [str(value) for value in pd.Series(values).tolist()]


def test_parameters_with_the_name_of_a_metric_a_tag_or_a_column_of_ours_are_renamed(tmp_path):
    params = {"loss": "mse", "experiment": "x", "size": "3"}
    write_store(tmp_path, {"loss": "0 1.0 0\n"}, params, {"size": "big", "mlflow.user": "someone"})
    frame = read(tmp_path).frame
    assert frame.loss.tolist() == [1.0]
    shown = ["config.loss", "mlflow.experiment", "experiment", "size", "tag.size"]
    assert frame[shown].values.tolist() == [["mse", "ladder", "x", 3, "big"]]
    assert not any("user" in name for name in frame)


def test_a_parameter_never_hides_what_was_logged_under_another_name(tmp_path):
    write_store(tmp_path, {"train/learning_rate": "0 3.0 0\n"}, {"lr": "9.0"}, run="a" * 32, run_name="a")
    write_store(tmp_path, {"loss": "0 1.0 0\n"}, {"lr": "9.0"}, run="b" * 32, run_name="b")
    runs = read_runs(tmp_path)
    assert runs.lr.fillna(0).tolist() == [3.0, 0.0]
    assert runs["config.lr"].tolist() == [9.0, 9.0]
    said = "settings of a quantity that was logged under another name renamed: config.lr beside 'train/learning_rate'"
    assert said in runs.attrs["scalefit_notes"]


# What a store may have in it.


def test_only_the_folder_of_experiments_is_recognised(tmp_path):
    assert MLFLOW_STORE.recognises(MLRUNS)
    assert not MLFLOW_STORE.recognises(MLRUNS.parent)
    assert not any(MLFLOW_STORE.recognises(place) for place in MLRUNS.iterdir())
    assert not MLFLOW_STORE.recognises(tmp_path)
    assert not MLFLOW_STORE.recognises(tmp_path / "missing")


def test_links_are_not_followed(tmp_path):
    store = write_store(tmp_path / "mlruns", {"loss": "0 1.0 0\n"})
    other = write_store(tmp_path / "other", {"loss": "0 9.0 0\n", "secret": "0 9.0 0\n"}, run="1" * 32)
    (store / EXPERIMENT / ("1" * 32)).symlink_to(other / EXPERIMENT / ("1" * 32))
    (store / EXPERIMENT / RUN / "metrics" / "secret").symlink_to(other / EXPERIMENT / ("1" * 32) / "metrics" / "secret")
    (store / "987").symlink_to(other / EXPERIMENT)
    assert read(store).frame.loss.tolist() == [1.0]
    assert "secret" not in read(store).frame


def test_deleted_runs_and_experiments_are_left_out_and_counted(tmp_path):
    write_store(tmp_path, {"loss": "0 1.0 0\n"})
    write_store(tmp_path, {"loss": "0 2.0 0\n"}, run="1" * 32, lifecycle_stage="deleted")
    write_store(tmp_path / ".trash", {"loss": "0 3.0 0\n"}, run="2" * 32)
    reading = read(tmp_path)
    assert reading.frame.loss.tolist() == [1.0]
    assert "2 deleted runs left out" in reading.notes


def test_a_line_that_was_cut_short_costs_itself_only(tmp_path):
    write_store(tmp_path, {"loss": "1000 3.0 0\n2000 2.5 10\n3000 2.0 2", "lr": "1000 x 0\n2000 1.0 1\n3000 1.\n"})
    reading = read(tmp_path)
    assert reading.frame[["step", "loss", "lr"]].fillna(0).values.tolist() == [[0, 3, 0], [1, 0, 1], [10, 2.5, 0]]
    place = f"{EXPERIMENT}/{RUN}/metrics"
    assert reading.refused == (
        Refusal(f"{place}/loss: line 3", "ends early: '3000 2.0 2'"),
        Refusal(f"{place}/lr: line 1", "is not 'time value step': '1000 x 0'"),
        Refusal(f"{place}/lr: line 3", "is not 'time value step': '3000 1.'"),
    )
    with pytest.warns(DataWarning, match=r"3 rows kept, 3 refused: .*loss: line 3 ends early: '3000 2.0 2'"):
        read_mlflow(tmp_path)


def test_a_run_whose_description_cannot_be_read_costs_itself_only(tmp_path):
    write_store(tmp_path, {"loss": "0 1.0 0\n"})
    for number, text in enumerate(["{", "- a\n", "a: !!python/object/apply:os.getcwd []\n", "x" * 70_000, "[" * 5000]):
        place = (
            write_store(tmp_path, {"loss": "0 2.0 0\n"}, run=f"{number + 1:032d}") / EXPERIMENT / f"{number + 1:032d}"
        )
        (place / "meta.yaml").write_text(text)
    reading = read(tmp_path)
    assert reading.frame.loss.tolist() == [1.0]
    assert len(reading.refused) == 5
    assert all("is no description of a run or experiment" in refusal.why for refusal in reading.refused)


def test_a_few_lines_that_stand_for_gigabytes_are_harmless(tmp_path):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, name in itertools.pairwise("abcdefghij"):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    place = write_store(tmp_path, {"loss": "0 1.0 0\n"}) / EXPERIMENT / RUN / "meta.yaml"
    place.write_text(place.read_text().replace("run_name: small", "run_name: *j").replace("status: 3", "status: *j"))
    place.write_text(bomb + place.read_text())
    assert read(tmp_path).frame.run.tolist() == [RUN]


def test_a_store_is_not_written_to(tmp_path, database):
    before = {path: path.stat().st_mtime_ns for path in MLRUNS.rglob("*")}
    packed = database.read_bytes()
    read(MLRUNS)
    MLFLOW_DATABASE.read(Source(database))
    assert {path: path.stat().st_mtime_ns for path in MLRUNS.rglob("*")} == before
    assert database.read_bytes() == packed
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize(
    ("made_by", "message"),
    [
        (["CREATE TABLE runs (a)"], "is no database of MLflow: it has no table 'experiments', 'metrics'"),
        (
            ["CREATE TABLE m (a)", "DROP TABLE metrics", "CREATE VIEW metrics AS SELECT * FROM m"],
            "it has no table 'metrics'",
        ),
        (
            ["ALTER TABLE params ADD COLUMN more AS (zeroblob(900000000))"],
            "its table 'params' has columns that are computed",
        ),
    ],
)
def test_other_databases_are_refused(made_by, message, database):
    if len(made_by) == 1 and made_by[0].startswith("CREATE"):
        database.unlink()
    connection = sqlite3.connect(database)
    for command in made_by:
        connection.execute(command)
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match=message):
        MLFLOW_DATABASE.read(Source(database))


def test_rows_of_a_database_that_hold_no_number_are_refused(database):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA ignore_check_constraints = on")
    connection.execute("UPDATE metrics SET step = 'x' WHERE key = 'train_loss' AND step = 3")
    connection.commit()
    connection.close()
    reading = MLFLOW_DATABASE.read(Source(database))
    assert len(reading.refused) == 2
    assert reading.refused[0].why == "is not a time, a value and a step"
    assert reading.frame.train_loss.notna().sum() == 18


def test_what_does_not_exist_and_what_holds_nothing_is_one_clear_error_each(tmp_path):
    with pytest.raises(DataError, match=r"does not exist; give a folder such as 'mlruns'"):
        read_mlflow(tmp_path / "mlruns")
    with pytest.raises(DataError, match=r"holds no runs with metrics: 1 run without metrics, 0 deleted runs\."):
        read(write_store(tmp_path))


def test_a_packed_database_says_how_to_unpack_it():
    with pytest.raises(DataError, match=r"unpack it to read the database: gunzip mlflow\.db\.gz"):
        MLFLOW_DATABASE.read(Source(PACKED))


def test_without_the_libraries_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(DataError, match=r"needs mlflow: pip install 'scalefit\[mlflow\]'\.$"):
        read_mlflow("http://localhost:1")
    with pytest.raises(DataError, match=r"needs PyYAML: pip install 'scalefit\[mlflow\]'\.$"):
        read_mlflow(MLRUNS)


@pytest.mark.slow
def test_a_server_that_is_not_there_is_one_clear_error(monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    with pytest.raises(DataError, match=r"'http://127.0.0.1:9' cannot be read through MLflow: "):
        read_mlflow("http://127.0.0.1:9")


def test_nothing_is_printed(capfd):
    read(MLRUNS)
    assert capfd.readouterr() == ("", "")
