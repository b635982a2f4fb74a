"""Runs of Weights & Biases: logs on the disk come back whole, and a server is asked for everything."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scalefit.errors import DataError, DataWarning
from scalefit.runs.frame import read_runs
from scalefit.runs.readers.reading import Refusal
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.wandb_log import BLOCK, HEADER
from scalefit.runs.readers.wandb_offline import WANDB, WANDB_FOLDER

pytest.importorskip("wandb")

from wandb_logs import end, framed, items, records_of, row, run_record, write

SAMPLES = Path(__file__).parents[2] / "samples" / "wandb"
NEW, OLD = SAMPLES / "run-0.31.0.wandb", SAMPLES / "run-0.16.6.wandb"
COUNTED = "step read from '_step', W&B's count of log calls"


def read(path):
    return WANDB.read(Source(path))


# What was logged comes back.

LIVE = """
import math, sys, wandb
settings = wandb.Settings(silent=True, console="off")
config = {"lr": 0.001, "model": {"layers": 4, "sizes": [1, 2]}, "optimizer": "adamw", "tied": True}
run = wandb.init(mode="offline", project="p", name="найм", dir=sys.argv[1], config=config, settings=settings)
for step in range(0, 2000, 2):
    row = {"loss": 3 - step / 4000, "eval": {"accuracy": step / 2000}}
    if step % 100 == 0:
        row["val_loss"] = math.nan if step == 0 else 3.125 - step / 4000
    run.log(row, step=step)
run.config["late"] = 5
run.finish()
"""


@pytest.mark.slow
def test_a_run_that_wandb_logged_offline_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", LIVE, tmp_path], check=True, timeout=300, capture_output=True)
    (path,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    steps = np.arange(0, 2000, 2)
    val_loss = np.where(steps % 100 == 0, 3.125 - steps / 4000, np.nan)
    val_loss[0] = np.nan
    expected = pd.DataFrame({"step": steps, "eval.accuracy": steps / 2000, "loss": 3 - steps / 4000})
    expected = expected.assign(
        **{"val_loss": val_loss, "lr": 0.001, "model.layers": 4, "model.sizes": "[1, 2]", "optimizer": "adamw"},
        tied=True, late=5,
    )  # fmt: skip
    for reading in (read(path), WANDB_FOLDER.read(tmp_path / "wandb", None)):
        frame = reading.frame
        assert (frame.run == "найм").all()
        assert (frame.run_id == path.stem.removeprefix("run-")).all()
        measured = frame.drop(columns=["run", "run_id", "_runtime", "_timestamp"])
        pd.testing.assert_frame_equal(measured, expected)
        assert reading.refused == ()
        notes = ("1000 rows of history of 1 run", COUNTED, "6 settings of the run as constant columns")
        assert reading.notes[:3] == notes  # and perhaps measurements of the machine


@pytest.mark.parametrize("path", [NEW, OLD], ids=["0.31.0", "0.16.6"])
def test_logs_of_new_and_old_versions_are_read_alike(path):
    reading = read(path)
    frame = reading.frame
    steps = np.arange(0, 300, 10)
    assert frame.step.tolist() == steps.tolist()
    assert frame["train.loss"].tolist() == [2 + 8 / math.sqrt(1 + step) for step in steps]
    assert frame.lr.tolist() == [0.001] * 20 + [0.0005] * 10
    known = [2.1 + 8 / math.sqrt(1 + step) for step in range(30, 300, 30)]
    assert frame.val_loss.dropna().tolist() == known
    assert frame.grad_norm[10] == math.inf
    assert frame.event.dropna().tolist() == ["checkpoint"]
    constant = ["run", "config.lr", "model.layers", "model.sizes", "optimizer", "resumed", "tokens"]
    assert frame[constant].drop_duplicates().values.tolist() == [
        ["small", 0.001, 4, "[64, 128]", "adamw", False, 1000000]
    ]
    assert not any("sketch" in name for name in frame)
    assert "left out, as no table can hold it: 1 html-file" in reading.notes
    assert reading.refused == ()


def test_read_runs_tells_the_format_from_the_content(tmp_path):
    path = tmp_path / "log.json"
    path.write_bytes(NEW.read_bytes())
    runs = read_runs(path)
    assert runs.attrs["scalefit_notes"][0] == "log.json read as log of Weights & Biases"
    assert {"step", "loss", "tokens"} <= set(runs)  # val_loss is the loss of a table of runs


def test_the_log_that_tests_write_is_framed_as_the_real_one():
    assert framed(records_of(NEW)) == NEW.read_bytes()
    assert framed(records_of(OLD)) == OLD.read_bytes()


def test_whole_numbers_stay_whole_unless_some_are_missing(tmp_path):
    path = write(tmp_path / "log", run_record(), row(_step=0, tokens=10, seen=1), row(_step=1, tokens=20), end())
    frame = read(path).frame
    assert frame.tokens.dtype == np.int64
    assert frame.seen.tolist()[0] == 1.0
    assert np.isnan(frame.seen[1])


def test_numbers_that_json_does_not_have_are_read(tmp_path):
    rows = [row(loss=text) for text in ("NaN", '"NaN"', "Infinity", '"-Infinity"', "null", "1e999")]
    loss = read(write(tmp_path / "log", run_record(), *rows, end())).frame.loss
    assert loss.isna().tolist() == [True, True, False, False, True, False]
    assert loss.dropna().tolist() == [math.inf, -math.inf, math.inf]


def test_values_that_are_not_written_as_json_are_read(tmp_path):
    from wandb.proto.wandb_internal_pb2 import HistoryItem, HistoryRecord, Record

    if "number" not in HistoryItem.DESCRIPTOR.fields_by_name:
        pytest.skip("this version of wandb writes all values as JSON")
    values = [
        HistoryItem(key="loss", number=2.5),
        HistoryItem(key="tokens", integer=7),
        HistoryItem(key="text", text="a"),
    ]
    values += [HistoryItem(key="on", boolean=False), HistoryItem(key="sizes", json="[1, 2]")]
    record = Record(history=HistoryRecord(item=values))
    frame = read(write(tmp_path / "log", run_record(), record, end())).frame
    assert frame[["loss", "tokens", "text", "on", "sizes"]].values.tolist() == [[2.5, 7, "a", False, "[1, 2]"]]


@pytest.mark.parametrize(
    ("columns", "step", "said"),
    [
        ({}, [0, 1, 2], COUNTED),
        ({"train/global_step": [10, 20, 30]}, [10, 20, 30], "step read from 'train/global_step', which every row has"),
        ({"trainer/global_step": [10, 20, None]}, [0, 1, 2], COUNTED),
        ({"step": [5, 10, 15]}, [5, 10, 15], "step is the column that the run logged"),
    ],
)  # fmt: skip
def test_the_step_is_that_of_training_where_every_row_has_it(columns, step, said, tmp_path):
    rows = [
        row(_step=n, loss=3.0, **{name: values[n] for name, values in columns.items() if values[n] is not None})
        for n in range(3)
    ]
    reading = read(write(tmp_path / "log", run_record(), *rows, end()))
    assert reading.frame.step.tolist() == step
    assert any(note.startswith(said) for note in reading.notes)


def test_metrics_called_run_are_renamed_and_that_is_said(tmp_path):
    reading = read(write(tmp_path / "log", run_record(), row(_step=0, run=7), end()))
    assert reading.frame["metric.run"].tolist() == [7]
    assert "metric 'run' renamed metric.run" in reading.notes


# How a run ended.


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((), "the run did not finish, or its log was cut: it has no record of its end"),
        ((1,), "the run ended with exit code 1"),
    ],
)
def test_a_run_that_did_not_finish_is_said(records, said, tmp_path):
    path = write(tmp_path / "log", run_record(), row(_step=0, loss=3.0), *map(end, records))
    assert said in read(path).notes
    assert said not in read(NEW).notes


def test_rows_that_are_missing_at_the_end_are_told_from_the_summary(tmp_path):
    from wandb.proto.wandb_internal_pb2 import Record, SummaryItem, SummaryRecord

    def summary(step):
        return Record(summary=SummaryRecord(update=items(SummaryItem, [("_step", step)])))

    path = write(tmp_path / "log", run_record(), row(_step=90, loss=3.0), summary(90), end())
    assert not any("missing" in note for note in read(path).notes)
    path = write(tmp_path / "log", run_record(), row(_step=90, loss=3.0), summary(100), end())
    said = "rows are missing at its end: the last one that came is that of _step 90, the run goes to 100"
    assert said in read(path).notes


def test_settings_that_were_taken_back_are_gone(tmp_path):
    from wandb.proto.wandb_internal_pb2 import ConfigItem, ConfigRecord, Record

    change = ConfigRecord(update=items(ConfigItem, [("lr", 0.5)]), remove=[ConfigItem(key="width")])
    records = [run_record(lr=0.1, width=8), row(_step=0, loss=3.0), Record(config=change), end()]
    frame = read(write(tmp_path / "log", *records)).frame
    assert frame.lr.tolist() == [0.5]
    assert "width" not in frame


@pytest.mark.parametrize("logged_by_all", [True, False])
def test_a_setting_never_hides_what_was_logged_under_another_name(logged_by_all, tmp_path):
    for number, run in enumerate(("a", "b")):
        rows = {"train/learning_rate": 3.0} if logged_by_all or not number else {"loss": 3.0}
        path = tmp_path / f"run-20240101_00000{number}-{run}" / f"run-{run}.wandb"
        write(path, run_record(run, run, lr=9.0), row(_step=0, **rows), end())
    runs = read_runs(tmp_path)
    assert runs.lr.fillna(0).tolist() == ([3.0, 3.0] if logged_by_all else [3.0, 0.0])
    assert runs["config.lr"].tolist() == [9.0, 9.0]
    said = "settings of a quantity that was logged under another name renamed: config.lr beside 'train/learning_rate'"
    assert said in runs.attrs["scalefit_notes"]


def test_long_texts_in_settings_are_left_out_where_every_row_would_repeat_them(tmp_path):
    rows = [row(_step=n, loss=3.0) for n in range(2000)]
    reading = read(write(tmp_path / "log", run_record(prompt=[1] * 40_000, lr=0.1), *rows, end()))
    assert list(reading.frame) == ["run", "run_id", "step", "loss", "lr"]
    assert "1 setting left out as too long a text: prompt" in reading.notes


# Folders.


def test_a_folder_of_runs_is_read_once_each_and_names_that_repeat_get_the_id(tmp_path):
    folder = tmp_path / "wandb"
    for number, name in enumerate(["small", "large", "small"]):
        place = folder / f"offline-run-2026010{number}_120000-id{number}"
        write(place / f"run-id{number}.wandb", run_record(name, f"id{number}"), row(_step=0, loss=float(number)), end())
    (folder / "latest-run").symlink_to(place)
    (folder / "run-20260101_120000-link").symlink_to(place)
    (folder / "debug.log").write_text("no log of W&B")
    reading = WANDB_FOLDER.read(folder, None)
    assert reading.frame.run.tolist() == ["small (id0)", "large", "small (id2)"]
    assert reading.frame.run_id.tolist() == ["id0", "id1", "id2"]
    assert reading.notes == ("3 rows of history of 3 runs", COUNTED)
    assert WANDB_FOLDER.read(place, None).frame.run.tolist() == ["small"]


def test_only_folders_of_runs_are_recognised(tmp_path):
    write(tmp_path / "wandb" / "run-20260101_120000-a1" / "run-a1.wandb", run_record())
    assert WANDB_FOLDER.recognises(tmp_path / "wandb")
    assert WANDB_FOLDER.recognises(tmp_path / "wandb" / "run-20260101_120000-a1")
    assert not WANDB_FOLDER.recognises(tmp_path)
    assert not WANDB_FOLDER.recognises(tmp_path / "missing")


def test_runs_without_rows_are_left_out_and_said(tmp_path):
    write(tmp_path / "run-a.wandb", run_record("empty", "a"), end())
    write(tmp_path / "run-b.wandb", run_record("full", "b"), row(_step=0, loss=3.0), end())
    (tmp_path / "run-c.wandb").write_bytes(b"something else")
    reading = WANDB_FOLDER.read(tmp_path, None)
    assert reading.frame.run.tolist() == ["full"]
    assert "1 run without a logged row left out: empty" in reading.notes
    assert reading.refused == (Refusal("run-c.wandb:", "is no log of W&B"),)


# Damage.


def test_wherever_a_log_is_cut_the_whole_records_are_kept(tmp_path):
    whole, path = NEW.read_bytes(), tmp_path / "cut"
    n_rows = 0
    for cut in range(1000, len(whole), 100):
        path.write_bytes(whole[:cut])
        reading = read(path)
        assert n_rows <= len(reading.frame) <= 30
        n_rows = len(reading.frame)
        assert len(reading.refused) <= 1
        assert all(refusal.why == "ends early: the file is truncated" for refusal in reading.refused)
        assert any("did not finish" in note for note in reading.notes)
    assert n_rows >= 29


def test_a_truncated_log_is_warned_of_by_read_runs(tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(NEW.read_bytes()[:4000])
    with pytest.warns(DataWarning, match=r"9 rows kept, 1 refused: record 35 ends early: the file is truncated\."):
        read_runs(path)


def test_damage_costs_the_rest_of_its_block_and_no_more(tmp_path):
    rows = [row(_step=n, loss=float(n), text=[1] * 160) for n in range(300)]
    path = write(tmp_path / "log", run_record(), *rows, end())
    data = bytearray(path.read_bytes())
    assert len(data) > 4 * BLOCK
    data[BLOCK + 1000] ^= 1
    path.write_bytes(data)
    reading = read(path)
    lost = set(range(300)) - set(reading.frame.step)
    assert 50 < len(lost) < 70
    assert lost == set(range(min(lost), max(lost) + 1))
    why = "is damaged: its checksum differs; nothing up to the next block can be read"
    assert reading.refused[0].why == why
    assert all(refusal.why == "has a part missing" for refusal in reading.refused[1:])


def test_zeros_at_the_end_as_after_a_crash_are_refused(tmp_path):
    path = write(tmp_path / "log", run_record(), row(_step=0, loss=3.0))
    path.write_bytes(path.read_bytes() + bytes(100))
    assert len(read(path).frame) == 1
    assert read(path).refused == (
        Refusal("record 3", "is damaged: zeros or a kind that is unknown, up to the next block"),
    )


def test_a_record_or_a_value_that_cannot_be_read_costs_its_row_only(tmp_path):
    records = [run_record(), row(_step=0, loss=3.0), row(_step=1, loss="{"), row(_step=2, loss=2.0), end()]
    whole = [record.SerializeToString() for record in records]
    path = tmp_path / "log"
    path.write_bytes(framed([*whole[:2], b"\xff\xff", *whole[2:]]))
    reading = read(path)
    assert reading.frame.step.tolist() == [0, 2]
    refused = (Refusal("record 3", "is no record of W&B"), Refusal("record 4", "holds a value that is no JSON"))
    assert reading.refused == refused


def test_a_log_without_rows_and_one_of_an_unknown_version_are_one_clear_error_each(tmp_path):
    with pytest.raises(DataError, match=r"holds no history: 1 run without a logged row\."):
        read(write(tmp_path / "log", run_record(), end()))
    (tmp_path / "log").write_bytes(HEADER[:6] + b"\x07")
    with pytest.raises(DataError, match=r"of an unknown version; its first bytes are b':W&B\\xe1\\xbe\\x07'\."):
        read(tmp_path / "log")


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb.proto.wandb_internal_pb2", None)
    with pytest.raises(DataError, match=r"needs wandb: pip install 'scalefit\[wandb\]'\.$"):
        read(NEW)


def test_nothing_is_printed(capfd):
    read(NEW)
    assert capfd.readouterr() == ("", "")
