"""Event files of TensorBoard: every scalar comes back, and nothing else stops the reading."""

import math
import random
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from scalefit.errors import DataError, DataWarning
from scalefit.runs.frame import read_runs
from scalefit.runs.readers.reading import Refusal
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.tensorboard import TENSORBOARD, TENSORBOARD_FOLDER
from scalefit.runs.readers.tfrecord import masked_checksum, read_records

pytest.importorskip("tensorboard")

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from event_files import FIRST, framed, framed_by_us, numbers, write

LADDER = Path(__file__).parents[2] / "samples" / "tensorboard" / "ladder"
SMALL = LADDER / "small" / "events.out.tfevents.1700000000.machine.1.0"


def loss(step):
    return 2 + 8 / np.sqrt(1 + step)


def read(path):
    return TENSORBOARD.read(Source(path))


def read_folder(path):
    return TENSORBOARD_FOLDER.read(path, None)


# What was logged comes back.


@pytest.mark.slow
def test_no_scalar_of_a_hundred_thousand_steps_is_lost(tmp_path):
    steps = range(100_000)
    events = (numbers(step, loss=loss(step), lr=1e-3 / (1 + step), grad_norm=step) for step in steps)
    reading = read(write(tmp_path / "events.out.tfevents.1.host", *events))
    assert reading.refused == ()
    assert reading.notes == ("300000 scalars of 3 tags, one row per step",)
    assert reading.frame.shape == (100_000, 5)
    assert reading.frame.notna().sum().sum() == 500_000
    assert (reading.frame.step == np.arange(100_000)).all()
    assert (reading.frame.loss == np.float32(loss(np.arange(100_000)))).all()


def test_what_the_writer_of_the_library_logged_is_read_back(tmp_path):
    writer = EventFileWriter(str(tmp_path))
    for step in range(5):
        writer.add_event(numbers(step, 100 + step, loss=3.5 - step / 4))
    writer.close()
    (path,) = tmp_path.iterdir()
    frame = read(path).frame
    assert frame.to_dict("list") == {
        "step": [0, 1, 2, 3, 4], "wall_time": [100.0, 101.0, 102.0, 103.0, 104.0], "loss": [3.5, 3.25, 3.0, 2.75, 2.5],
    }  # fmt: skip


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8])
def test_tensors_of_one_number_are_scalars(kind, tmp_path):
    from tensorboard.util.tensor_util import make_tensor_proto

    tensors = [make_tensor_proto(kind(2)), make_tensor_proto(np.array([3], dtype=kind))]
    events = [
        Event(step=step, summary=Summary(value=[Summary.Value(tag="loss", tensor=tensor)]))
        for step, tensor in enumerate(tensors)
    ]
    assert read(write(tmp_path / "tfevents", *events)).frame.loss.tolist() == [2.0, 3.0]


def test_the_scalars_of_tensorflow_2_are_read(tmp_path):
    path = write(tmp_path / "tfevents", Event(step=7, wall_time=1.0, summary=scalar_pb("loss", 2.5)))
    assert read(path).frame.to_dict("list") == {"step": [7], "wall_time": [1.0], "loss": [2.5]}


def test_tags_that_are_logged_at_different_steps_have_gaps(tmp_path):
    path = write(tmp_path / "tfevents", numbers(0, train=3.0), numbers(1, train=2.5), numbers(1, valid=2.75))
    frame = read(path).frame
    assert frame.train.tolist() == [3.0, 2.5]
    assert np.isnan(frame.valid[0])
    assert frame.valid[1] == 2.75


def test_names_in_any_script_and_numbers_of_any_kind_are_kept(tmp_path):
    path = write(tmp_path / "tfevents", numbers(-3, убыток=math.nan, 损失=math.inf), numbers(2**40, убыток=1.0))
    frame = read(path).frame
    assert frame.step.tolist() == [-3, 2**40]
    assert frame["损失"].tolist()[0] == math.inf
    assert np.isnan(frame["убыток"][0])


def test_a_tag_with_the_name_of_a_column_of_ours_is_renamed_and_that_is_said(tmp_path):
    reading = read(write(tmp_path / "tfevents", numbers(5, step=1.0, loss=2.0)))
    assert reading.frame.to_dict("list") == {"step": [5], "wall_time": [5.0], "metric.step": [1.0], "loss": [2.0]}
    assert "metrics renamed: step to metric.step" in reading.notes


def test_what_is_no_scalar_is_counted():
    assert "left out, as they are no scalars: 1 histogram, 1 text" in read(SMALL).notes


def test_read_runs_tells_the_format_from_the_content_and_gives_known_names(tmp_path):
    path = shutil.copy(SMALL, tmp_path / "log.csv")
    runs = read_runs(path)
    assert list(runs) == ["step", "wall_time", "train_loss", "lr"]
    assert np.allclose(runs.train_loss, loss(runs.step))
    assert runs.attrs["scalefit_notes"][0] == "log.csv read as TensorBoard event file"


def test_records_of_training_data_are_no_event_file(tmp_path):
    path = tmp_path / "train.tfrecord"
    path.write_bytes(framed(b"\x0a\x10an example of data") * 5)
    assert not TENSORBOARD.recognises(Source(path))


# Several files and folders.


def test_a_folder_is_a_run_and_each_folder_below_with_events_is_another():
    frame = read_folder(LADDER / "small").frame
    assert frame.run.unique().tolist() == ["small", "small/eval"]
    assert frame[frame.run == "small/eval"]["eval/loss"].tolist() == pytest.approx([loss(0) + 0.1, loss(50) + 0.1])
    assert frame[frame.run == "small"]["eval/loss"].isna().all()


def test_a_folder_alone_is_read_without_a_column_of_runs():
    assert "run" not in read_folder(LADDER / "restarted").frame


def test_only_a_folder_with_event_files_of_its_own_is_recognised(tmp_path):
    assert TENSORBOARD_FOLDER.recognises(LADDER / "small")
    assert not TENSORBOARD_FOLDER.recognises(LADDER)
    assert not TENSORBOARD_FOLDER.recognises(tmp_path)
    assert not TENSORBOARD_FOLDER.recognises(tmp_path / "missing")


def test_after_a_restart_the_later_value_stays_and_the_others_are_counted():
    reading = read_folder(LADDER / "restarted")
    assert reading.frame.step.tolist() == list(range(0, 100, 10))
    expected = [loss(step) + (0.5 if step >= 40 else 0) for step in range(0, 100, 10)]
    assert reading.frame["train/loss"].tolist() == pytest.approx(expected)
    assert any(note.startswith("2 values left out, logged again for the same tag and step") for note in reading.notes)


def test_the_later_value_is_told_by_its_time_not_by_the_name_of_its_file(tmp_path):
    write(tmp_path / "a.tfevents", numbers(1, 200.0, loss=2.0))
    write(tmp_path / "b.tfevents", numbers(1, 100.0, loss=1.0))
    assert read_folder(tmp_path).frame.loss.tolist() == [2.0]


def test_what_a_restart_undoes_is_left_out_as_tensorboard_does(tmp_path):
    start = Event(step=2, wall_time=50.0, session_log=SessionLog(status=SessionLog.START))
    before = [numbers(step, loss=float(step)) for step in range(5)]
    reading = read(write(tmp_path / "tfevents", *before, start, numbers(2, 51.0, loss=9.0)))
    assert reading.frame.loss.tolist() == [0.0, 1.0, 9.0]
    assert any(note.startswith("3 values left out, as TensorBoard does") for note in reading.notes)


def test_hyperparameters_become_constant_columns(tmp_path):
    given = Event(summary=hparams_pb({"layers": 4, "lr": 0.001, "optimizer": "adamw", "tied": True, "loss": "z"}))
    frame = read(write(tmp_path / "tfevents", given, numbers(0, loss=3.0), numbers(1, loss=2.0))).frame
    assert frame.layers.tolist() == [4, 4]
    assert frame.optimizer.tolist() == ["adamw", "adamw"]
    assert frame.tied.tolist() == [True, True]
    assert frame.loss.tolist() == [3.0, 2.0]
    assert frame["config.loss"].tolist() == ["z", "z"]


def test_hyperparameters_of_the_folder_above_are_those_of_runs_without_their_own(tmp_path):
    write(tmp_path / "tfevents", Event(summary=hparams_pb({"layers": 4})))
    write(tmp_path / "train" / "tfevents", numbers(0, loss=3.0))
    reading = read_folder(tmp_path)
    assert reading.frame.layers.tolist() == [4]
    assert f"hyperparameters taken from the folder above, {tmp_path.name}" in reading.notes


def test_links_are_not_followed(tmp_path):
    write(tmp_path / "log" / "tfevents", numbers(0, loss=3.0))
    write(tmp_path / "elsewhere" / "tfevents", numbers(0, loss=9.0))
    (tmp_path / "log" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "log" / "tfevents.link").symlink_to(tmp_path / "elsewhere" / "tfevents")
    assert read_folder(tmp_path / "log").frame.loss.tolist() == [3.0]


def test_a_file_that_only_has_the_name_is_refused_and_the_others_read(tmp_path):
    write(tmp_path / "a.tfevents", numbers(0, loss=3.0))
    (tmp_path / "b.tfevents").write_text("step,loss\n1,2\n")
    (tmp_path / "c.tfevents").write_bytes(b"")
    reading = read_folder(tmp_path)
    assert reading.frame.loss.tolist() == [3.0]
    assert reading.refused == (Refusal("b.tfevents:", "is no event file"),)


# Damage.


def test_wherever_a_file_is_cut_the_whole_records_are_kept_and_the_end_is_refused(tmp_path):
    whole = SMALL.read_bytes()
    starts = [0]
    while starts[-1] < len(whole):
        starts.append(starts[-1] + 16 + struct.unpack_from("<Q", whole, starts[-1])[0])
    path = tmp_path / "cut"
    for cut in range(starts[2], len(whole), 5):
        path.write_bytes(whole[:cut])
        reading = read(path)
        n_records = sum(start <= cut for start in starts) - 1
        assert len(reading.frame) == min(n_records - 1, 10)
        early = Refusal(f"record {n_records + 1}", "ends early: the file is truncated")
        assert reading.refused == (() if cut in starts else (early,))


def test_a_truncated_file_is_warned_of_by_read_runs(tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(SMALL.read_bytes()[:300])
    with pytest.warns(DataWarning, match=r"3 rows kept, 1 refused: record 5 ends early: the file is truncated\."):
        assert len(read_runs(path)) == 3


def test_a_damaged_record_costs_itself_only(tmp_path):
    path = write(tmp_path / "tfevents", *(numbers(step, loss=float(step)) for step in range(5)))
    data = bytearray(path.read_bytes())
    data[-50] ^= 1  # in the payload of the record of step 3
    path.write_bytes(data)
    reading = read(path)
    assert reading.frame.loss.tolist() == [0.0, 1.0, 2.0, 4.0]
    assert reading.refused == (Refusal("record 5", "is damaged: its checksum differs"),)


def test_after_a_damaged_length_nothing_is_guessed(tmp_path):
    path = write(tmp_path / "tfevents", *(numbers(step, loss=float(step)) for step in range(5)))
    data = path.read_bytes()
    record = len(framed(numbers(0, loss=0.0).SerializeToString()))
    at = data.index(framed(numbers(3, loss=3.0).SerializeToString()))
    assert record > 16
    for harm in (1, 255):
        changed = bytearray(data)
        changed[at + 1] = harm
        path.write_bytes(changed)
        reading = read(path)
        assert reading.frame.loss.tolist() == [0.0, 1.0, 2.0]
        assert reading.refused == (Refusal("record 5", "has a damaged length: nothing from there on can be read"),)


def test_a_record_that_is_no_event_costs_itself_only(tmp_path):
    path = tmp_path / "tfevents"
    events = [FIRST.SerializeToString(), b"\xff\xff\xff", numbers(1, loss=2.0).SerializeToString()]
    path.write_bytes(b"".join(map(framed, events)))
    reading = read(path)
    assert reading.frame.loss.tolist() == [2.0]
    assert reading.refused == (Refusal("record 2", "is no event"),)


def test_a_file_without_scalars_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match=r"holds no scalars: 1 event\."):
        read(write(tmp_path / "tfevents"))
    with pytest.raises(DataError, match=r"holds no scalars: 1 event\."):
        read_folder(tmp_path)


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    message = r"needs tensorboard: pip install 'scalefit\[tensorboard\]'\.$"
    with pytest.raises(DataError, match=message):
        read(SMALL)
    with pytest.raises(DataError, match=message):
        read_folder(LADDER / "small")


def test_nothing_is_printed(capfd):
    read_folder(LADDER / "small")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("length", [0, 1, 3, 4, 60, 255, 256, 257, 512, 1000, 5000])
def test_checksums_are_those_of_the_library(length):
    data = random.Random(length).randbytes(length)
    assert masked_checksum(data) == masked_crc32c(data)


def test_records_of_all_lengths_are_read_however_they_lie_in_the_chunks(tmp_path):
    draw = random.Random(0)
    lengths = [0, 1, 255, 256, 257, 700, 3_000_000, 2_000_000, *(draw.randrange(2000) for _ in range(300))]
    records = [draw.randbytes(length) for length in lengths]
    path = tmp_path / "records"
    path.write_bytes(b"".join(map(framed_by_us, records)))
    with path.open("rb") as file:
        assert list(read_records(file)) == records
