"""trainer_state.json: what the real Trainer logged comes back value by value, one row per step."""

import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from mutations import damaged, read_or_refuse
from scalefit.errors import DataError
from scalefit.runs.readers.trainer_state import TRAINER_STATE
from scalefit.runs.reading import read_file

SAMPLES = Path(__file__).parents[2] / "samples" / "trainer_state"
NAMES = {"loss": "train_loss", "eval_loss": "loss", "num_input_tokens_seen": "tokens", "total_flos": "flops"}


def frame_of(name):
    return read_file(SAMPLES / f"{name}.json").frame


def is_summary(entry):
    return "train_samples_per_second" in entry


@pytest.fixture
def read(tmp_path):
    def of(log, name="trainer_state.json", **state):
        path = tmp_path / name
        path.write_text(json.dumps({**state, "log_history": log}))
        return read_file(path)

    return of


@pytest.mark.parametrize("name", ["plain", "tokens", "checkpoint"])
def test_every_value_that_the_trainer_logged_is_there_and_no_other(name):
    state = json.loads((SAMPLES / f"{name}.json").read_text())
    frame = frame_of(name).set_index("step")
    expected = {}
    for entry in state["log_history"]:
        step = entry["step"]
        for metric, value in entry.items():
            if metric == "step" or (
                is_summary(entry) and metric not in ("epoch", "total_flos", "num_input_tokens_seen")
            ):
                continue
            if not (metric in ("num_input_tokens_seen", "total_flos") and value == 0):
                expected[step, NAMES.get(metric, metric)] = value
    if state["total_flos"]:
        expected[state["global_step"], "flops"] = state["total_flos"]
    metrics = {metric for _, metric in expected}
    logged = {(step, metric): value for metric in metrics for step, value in frame[metric].dropna().items()}
    assert logged == expected
    for metric, value in next(filter(is_summary, state["log_history"]), {}).items():
        if metric.startswith("train_"):
            assert (frame[f"summary.{metric}"] == value).all()


@pytest.mark.parametrize("name", ["plain", "tokens", "checkpoint"])
def test_the_settings_of_the_run_are_columns_and_what_is_left_out_is_said(name):
    state = json.loads((SAMPLES / f"{name}.json").read_text())
    reading = read_file(SAMPLES / f"{name}.json")
    for setting in ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps", "save_steps"):
        assert (reading.frame[setting] == state[setting]).all()
    there = set(reading.frame) | {"log_history", "global_step", "total_flos", "num_input_tokens_seen"}
    missing = [name for name, value in state.items() if name not in there and value is not None]
    left_out = next(note for note in reading.notes if note.startswith("left out: "))
    assert all(name in left_out for name in missing)


def test_one_row_per_step_with_training_and_evaluation_side_by_side():
    frame = frame_of("plain")
    assert frame["step"].tolist() == [5, 10, 15, 20, 25, 30, 35, 40, 45, 47]
    evaluated = frame.set_index("step").loc[[20, 40, 47]]
    assert evaluated["loss"].notna().all()
    assert evaluated["train_loss"].isna().tolist() == [False, False, True]


def test_counts_of_zero_are_missing_and_said():
    reading = read_file(SAMPLES / "plain.json")
    assert "tokens" not in reading.frame
    assert "tokens unknown: num_input_tokens_seen is 0 or absent, as where it is not counted" in reading.notes
    tokens = frame_of("tokens")["tokens"]
    assert math.isnan(tokens[0])
    assert tokens[1:].tolist() == list(range(1024, 10241, 1024))


def test_flops_belong_to_the_last_step_alone():
    frame = frame_of("plain")
    assert frame["flops"].notna().tolist() == 9 * [False] + [True]
    # The Trainer counts 6 FLOP per token and parameter outside the embedding: two layers of width 32 and a head.
    layer = 4 * 32 * 32 + 3 * 32 * 64 + 2 * 32
    params = 2 * layer + 32 + 64 * 32
    assert frame["flops"].iloc[-1] == 6 * params * 47 * 8 * 32


def test_the_mean_loss_of_the_summary_is_not_taken_for_a_checkpoint():
    for name in ("plain", "tokens"):
        frame = frame_of(name)
        mean = frame["summary.train_loss"].iloc[0]
        assert frame["train_loss"].min() < mean < frame["train_loss"].max()
        assert not (frame["train_loss"] == mean).any()


def test_a_last_step_that_was_not_logged_gets_a_row_for_its_counts(read):
    reading = read([{"loss": 3.0, "step": 10}], global_step=13, total_flos=1e12, num_input_tokens_seen=0, epoch=0.5)
    assert reading.frame["step"].tolist() == [10, 13]
    np.testing.assert_array_equal(reading.frame["flops"], [np.nan, 1e12])
    np.testing.assert_array_equal(reading.frame["train_loss"], [3, np.nan])
    assert "step 13 was not logged; its row holds counts of tokens and flops" in reading.notes


def test_read_runs_finds_lr_and_loss_and_a_fit_takes_what_was_evaluated():
    runs = sf.read_runs(SAMPLES / "plain.json")
    assert {"lr", "loss", "train_loss", "step"} <= set(runs)
    assert "lr read from column 'learning_rate'" in runs.attrs["scalefit_notes"]
    assert runs.dropna(subset="loss")["loss"].tolist() == runs["loss"].dropna().tolist()


def test_with_several_evaluation_sets_it_is_said_how_to_choose():
    reading = read_file(SAMPLES / "tokens.json")
    assert "loss" not in reading.frame
    assert "several evaluation sets: say which is the loss, such as columns={'loss': 'eval_near_loss'}" in reading.notes
    runs = sf.read_runs(SAMPLES / "tokens.json", columns={"loss": "eval_far_loss"})
    assert runs["loss"].dropna().iloc[-1] == 2.8785338401794434


def test_a_single_named_evaluation_set_is_the_loss(read):
    reading = read([{"loss": 3.0, "step": 1}, {"eval_c4_loss": 2.5, "step": 1}, {"eval_c4_loss": 2.0, "step": 2}])
    assert reading.frame.set_index("step")["loss"].tolist() == [2.5, 2.0]
    assert "loss read from 'eval_c4_loss'" in reading.notes


def test_without_evaluation_there_is_only_the_training_loss(read):
    reading = read([{"loss": 3.0, "step": 1}])
    assert reading.frame.to_dict("list") == {"step": [1], "train_loss": [3]}
    assert "no evaluation was logged: there is train_loss, and no loss" in reading.notes


def test_flops_logged_in_every_row_stay_there(read):
    # Trainers of one's own, and old ones, log the count so far beside the loss.
    reading = read([{"loss": 3.0, "step": 1, "total_flos": 10}, {"loss": 2.0, "step": 2, "total_flos": 20}])
    assert reading.frame["flops"].tolist() == [10, 20]


def test_a_value_logged_again_is_kept_as_it_was_last_and_said(read):
    log = [{"eval_loss": 3.0, "eval_runtime": 1.0, "step": 5}, {"eval_loss": 2.9, "eval_runtime": 2.0, "step": 5}]
    reading = read(log)
    assert reading.frame["loss"].tolist() == [2.9]
    assert "values logged again at the same step: 1, of which the last is kept" in reading.notes
    assert not any("logged again" in note for note in read([log[0], {**log[0], "eval_runtime": 9.0}]).notes)


def test_settings_of_a_search_do_not_hide_what_was_logged(read):
    log = [{"loss": 3.0, "learning_rate": 0.1, "step": 1}]
    frame = read(log, trial_name="t", trial_params={"learning_rate": 0.2, "seed": 4}).frame
    assert frame["learning_rate"].tolist() == [0.1]
    assert frame["trial_params.learning_rate"].tolist() == [0.2]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"loss": 3.0}, "has no step"),
        ({"loss": 3.0, "step": None}, "has no step"),
        ({"loss": 3.0, "step": "five"}, "has the step 'five', which is no count"),
        ({"loss": 3.0, "step": -1}, "has the step '-1', which is no count"),
        ({"loss": 3.0, "step": 1.5}, "has the step '1.5', which is no count"),
        ({"loss": 3.0, "step": True}, "has the step 'True', which is no count"),
        (7, "is a number, not an object"),
    ],
    ids=str,
)
def test_entries_without_a_step_are_refused(read, entry, why):
    reading = read([{"loss": 4.0, "step": 1}, entry, {"loss": 2.0, "step": 2.0}])
    assert reading.frame["step"].tolist() == [1, 2]
    assert [(refusal.where, refusal.why) for refusal in reading.refused] == [("log_history entry 2", why)]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"log_history": []}, "has no step in its log_history: nothing was logged"),
        ({"log_history": [{"loss": 1}]}, "nothing was logged. Log_history entry 1 has no step."),
        ({"log_history": None}, "names 'log_history', but is no trainer_state.json"),
        ([{"log_history": 1}], None),
    ],
    ids=str,
)
def test_a_state_without_a_log_is_one_error(tmp_path, state, why):
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps(state))
    if why is None:
        assert not TRAINER_STATE.recognises(sf.runs.readers.source.Source(path))
        return
    with pytest.raises(DataError) as caught:
        read_file(path)
    assert why in str(caught.value)


def test_a_state_that_is_still_being_written_is_one_error(tmp_path):
    path = tmp_path / "trainer_state.json"
    path.write_bytes((SAMPLES / "plain.json").read_bytes()[:2000])
    with pytest.raises(DataError, match="it ends early: it was cut off, or is still being written"):
        read_file(path)


def test_a_state_is_known_by_its_content_wherever_the_log_stands(tmp_path):
    state = json.loads((SAMPLES / "plain.json").read_text())
    path = tmp_path / "anything.txt"
    path.write_text(json.dumps({"first": "x" * 100_000, **state}))
    reading = read_file(path)
    assert "it is the state of a Hugging Face Trainer" in reading.notes
    assert reading.frame["loss"].dropna().iloc[-1] == frame_of("plain")["loss"].iloc[-1]


VALID = [(SAMPLES / f"{name}.json").read_bytes() for name in ("checkpoint", "tokens")]
SMALL = [json.dumps(json.loads(data), indent=None).encode() for data in VALID]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=200), *6 * [damaged(VALID + SMALL)]))
def test_whatever_the_bytes_there_is_a_table_or_an_error_of_ours(data):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        read_or_refuse(TRAINER_STATE, Path(file.name))


PLAIN = [st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)]
ODD = st.one_of(*PLAIN, st.just([]), st.just({}), st.just({"loss": 1}))
LOGGED = ["step", "loss", "eval_loss", "train_loss", "train_runtime", "total_flos", "eval_a_loss", "a.b", "a"]
ENTRY = st.dictionaries(st.sampled_from(LOGGED), ODD)
LOG = st.lists(st.one_of(ENTRY, ENTRY.map(lambda entry: {**entry, "step": 3}), ODD), max_size=6)
STATE = st.dictionaries(
    st.sampled_from(["global_step", "total_flos", "num_input_tokens_seen", "epoch", "step", "loss", "trial_params"]),
    ODD,
)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(log=LOG, state=STATE)
def test_whatever_was_logged_there_is_a_table_or_an_error_of_ours(log, state):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(json.dumps({**state, "log_history": log}).encode())
        file.flush()
        read_or_refuse(TRAINER_STATE, Path(file.name))
