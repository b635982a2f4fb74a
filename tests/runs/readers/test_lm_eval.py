"""Results of lm-evaluation-harness: one row per task and filter, scores and errors as the harness printed them."""

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
from scalefit.runs.readers.lm_eval import LM_EVAL
from scalefit.runs.reading import read_file

SAMPLE = Path(__file__).parents[2] / "samples" / "lm_eval" / "results.json"
#: The layout before version 0.4, without filters; the numbers are those of bloom-1b1_common_sense_reasoning_0-shot.json
#: under results/bloom/bloom-1b1 in the repository of the harness, commit 2c25d8d5.
OLD = {
    "results": {
        "boolq": {"acc": 0.5908256880733945, "acc_stderr": 0.008599563442397352},
        "mc_taco": {"em": 0.1448948948948949, "f1": 0.32425976796237205},
    },
    "versions": {"boolq": 1, "mc_taco": 0},
    "config": {
        "model": "hf-causal-experimental",
        "model_args": "pretrained=bigscience/bloom-1b1,use_accelerate=True",
        "num_fewshot": 0,
        "batch_size": "auto",
        "limit": None,
    },
}


@pytest.fixture
def read(tmp_path):
    def of(document, name="results.json"):
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return read_file(path)

    return of


def test_every_score_of_every_task_and_filter_is_there():
    results = json.loads(SAMPLE.read_text())["results"]
    frame = read_file(SAMPLE).frame.set_index(["task", "filter"])
    expected = {}
    for task, result in results.items():
        for key, value in result.items():
            metric, comma, chosen = key.rpartition(",")
            if comma:
                expected[task, chosen, metric] = value
    metrics = {metric for _, _, metric in expected}
    found = {(*place, metric): value for metric in metrics for place, value in frame[metric].dropna().items()}
    assert found == expected


def test_tasks_are_described_and_groups_are_marked():
    frame = read_file(SAMPLE).frame
    assert frame["task"].tolist() == ["sums_small", "sums_large", "sums_written", "sums_written", "sums"]
    assert frame["filter"].tolist() == ["none", "none", "strict", "flexible", "none"]
    assert frame["is_group"].tolist() == [False] * 4 + [True]
    np.testing.assert_array_equal(frame["n_shot"], [0, 2, 0, 0, np.nan])
    assert frame["version"].tolist() == ["1.0", "1.0", "2.0", "2.0", "1.0"]
    assert frame["documents"].tolist() == [40, 40, 40, 40, 80]


def test_the_model_is_the_run_and_settings_are_columns():
    reading = read_file(SAMPLE)
    assert set(reading.frame["run"]) == {"tiny/dummy-1m"}
    assert reading.frame[["random_seed", "lm_eval_version", "model_args.pretrained"]].iloc[0].tolist() == [
        0,
        "0.4.13",
        "tiny/dummy-1m",
    ]
    assert reading.notes[1:] == (
        "one row per task and filter",
        "run read from model_name",
        "1 of 5 rows are means of groups of tasks: see is_group",
        "left out: groups, group_subtasks, configs, higher_is_better and pretty_env_info",
    )


def test_read_runs_knows_the_accuracy():
    runs = sf.read_runs(SAMPLE)
    assert runs["accuracy"].dropna().tolist() == [0.35, 0.25, 0.3]


def test_the_layout_without_filters_is_read_too(read):
    reading = read(OLD)
    frame = reading.frame.set_index("task")
    assert frame["run"].tolist() == 2 * ["bigscience/bloom-1b1"]
    assert frame["filter"].tolist() == ["none", "none"]
    assert frame.loc["boolq", ["acc", "acc_stderr"]].tolist() == [0.5908256880733945, 0.008599563442397352]
    assert frame.loc["mc_taco", "f1"] == 0.32425976796237205
    assert frame["n_shot"].tolist() == [0, 0]
    assert frame["batch_size"].tolist() == ["auto", "auto"]
    assert "run read from pretrained of config.model_args" in reading.notes


def test_an_error_that_could_not_be_computed_is_missing(read):
    frame = read({"results": {"a": {"bleu,none": 12.0, "bleu_stderr,none": "N/A"}}, "versions": {"a": 1}}).frame
    assert frame["bleu"].tolist() == [12]
    assert math.isnan(frame["bleu_stderr"][0])
    assert frame["bleu_stderr"].dtype == np.float64


def test_the_size_of_the_model_becomes_params(read):
    frame = read({**OLD, "config": {**OLD["config"], "model_num_parameters": 162322944}}).frame
    assert frame["params"].tolist() == 2 * [162322944]


def test_a_metric_called_like_a_column_of_ours_keeps_apart(read):
    frame = read({"results": {"a": {"version,none": 0.5, "acc,none": 1}}, "versions": {"a": 3}}).frame
    assert frame[["version", "metric.version"]].iloc[0].tolist() == ["3", 0.5]


def test_what_is_no_number_is_said_to_be_left_out(read):
    reading = read({"results": {"a": {"acc,none": 1, "comment": "odd", "by_part": {"x": 1}}}, "versions": {}})
    assert "left out: 'comment' and 'by_part'" in reading.notes


def test_a_task_that_is_no_object_is_refused(read):
    reading = read({"results": {"a": {"acc,none": 1}, "b": 0.5}, "versions": {}})
    assert [(refusal.where, refusal.why) for refusal in reading.refused] == [
        ("task 'b'", "is a number, not an object of metrics")
    ]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"results": {}, "versions": {}}, "holds no result of a task"),
        (
            {"results": {"a": 1}, "versions": {}},
            "holds no result of a task. Task 'a' is a number, not an object of metrics.",
        ),
        ({"results": {"a": {"alias": "a"}}, "versions": {}}, "holds no result of a task"),
        (
            {"results": {"a": {"acc": 1}}},
            "expected results of lm-evaluation-harness: 'results' with one object per task",
        ),
    ],
    ids=str,
)
def test_a_file_without_results_is_one_error(read, document, why):
    with pytest.raises(DataError) as caught:
        read(document)
    assert why in str(caught.value)


def test_results_are_known_by_their_content(read):
    many = {"results": {f"task{number}": {"acc,none": 0.5} for number in range(5000)}, "versions": {}}
    assert len(read(many, "anything.txt").frame) == 5000
    reading = read({"git_hash": "x" * 100_000, **OLD})
    assert "it holds results of lm-evaluation-harness" in reading.notes


VALID = [SAMPLE.read_bytes(), json.dumps(OLD).encode(), json.dumps(OLD, indent=2).encode()]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=200), *6 * [damaged(VALID)]))
def test_whatever_the_bytes_there_is_a_table_or_an_error_of_ours(data):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        read_or_refuse(LM_EVAL, Path(file.name))


NAMES = ["a", "\ud800", "b", "acc,none", "acc", "effective", "model_args", "task", "run"]
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
PARTS = [
    "versions",
    "configs",
    "config",
    "n-shot",
    "n-samples",
    "groups",
    "group_subtasks",
    "model_name",
    "date",
    "samples",
]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    results=st.one_of(ODD, st.dictionaries(st.sampled_from(["a", "b"]), ODD)),
    parts=st.dictionaries(st.sampled_from(PARTS), ODD),
)
def test_whatever_the_parts_there_is_a_table_or_an_error_of_ours(results, parts):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(json.dumps({"results": results, **parts}).encode())
        file.flush()
        read_or_refuse(LM_EVAL, Path(file.name))
