"""JSON documents that hold a table, in the shapes that people and libraries write; anything else is one clear error."""

import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from mutations import damaged, peak_of_reading, read_or_refuse
from scalefit.errors import DataError
from scalefit.runs.readers.json_records import JSON_RECORDS
from scalefit.runs.readers.source import Source
from scalefit.runs.reading import read_file

SAMPLES = Path(__file__).parents[2] / "samples" / "json"


@pytest.fixture
def read(tmp_path):
    def of(document, name="runs.json"):
        path = tmp_path / name
        if not isinstance(document, bytes):
            document = (document if isinstance(document, str) else json.dumps(document)).encode()
        path.write_bytes(document)
        return read_file(path)

    return of


def same(frame, expected):
    """Equal values with missing ones in the same places, whatever kind of text pandas takes."""
    return frame.astype(object).where(frame.notna(), None).to_dict("list") == expected


TABLE = {
    "run": ["a", "a", "b", "b"],
    "params": [1000000, 1000000, 4000000, 4000000],
    "step": [100, 200, 100, 200],
    "loss": [4.125, 3.75, 3.9, None],
    "note": ["warm-up", None, "über", 'say "hi"'],
}


@pytest.mark.parametrize("orient", ["records", "split", "columns", "index", "table"])
def test_what_pandas_writes_comes_back(orient):
    reading = read_file(SAMPLES / f"{orient}.json")
    expected = {"index": [0, 1, 2, 3], **TABLE} if orient == "table" else TABLE
    assert same(reading.frame, expected)
    assert reading.notes[0] == f"{orient}.json read as JSON records"


@pytest.mark.parametrize(
    "document",
    [
        [{"step": 1, "loss": 4.5}, {"step": 2, "loss": 4}],
        {"data": [{"step": 1, "loss": 4.5}, {"step": 2, "loss": 4}]},
        {"anything": [{"step": 1, "loss": 4.5}, {"step": 2, "loss": 4}]},
        {"step": [1, 2], "loss": [4.5, 4]},
        {"columns": ["step", "loss"], "data": [[1, 4.5], [2, 4]]},
        {"columns": ["step", "loss"], "index": [0, 1], "data": [[1, 4.5], [2, 4]]},
        {"step": {"0": 1, "1": 2}, "loss": {"0": 4.5, "1": 4}},
        {"0": {"step": 1, "loss": 4.5}, "1": {"step": 2, "loss": 4}},
    ],
    ids=str,
)
def test_a_table_may_be_written_in_several_ways(read, document):
    assert read(document).frame.to_dict("list") == {"step": [1, 2], "loss": [4.5, 4]}


def test_one_object_is_one_row(read):
    reading = read({"params": 1e8, "config": {"lr": 3e-4, "betas": [0.9, 0.95]}, "loss": 3})
    assert reading.frame.to_dict("records") == [
        {"params": 1e8, "config.lr": 3e-4, "config.betas": "[0.9, 0.95]", "loss": 3}
    ]
    assert "one object read as one row" in reading.notes


def test_a_history_takes_settings_and_name_of_its_run_along(read):
    reading = read(
        {
            "name": "wild-dawn-7",
            "config": {"width": {"value": 64, "desc": None}, "lr": {"value": 0.01}, "betas": {"value": [0.9, 0.95]}},
            "tags": None,
            "history": [{"_step": 0, "loss": 4.5, "lr": 0.0}, {"_step": 1, "loss": 4, "lr": 0.01}],
        }
    )
    expected = {"step": [0, 1], "loss": [4.5, 4], "lr": [0, 0.01], "width": [64] * 2, "config.lr": [0.01] * 2}
    assert reading.frame.to_dict("list") == {**expected, "betas": ["[0.9, 0.95]"] * 2, "run": ["wild-dawn-7"] * 2}
    assert reading.notes[1:] == ("the records under 'history'", "run read from 'name'", "step read from column '_step'")


def test_several_lists_of_records_are_runs(read):
    reading = read({"a": [{"step": 1, "loss": 4}], "b": [{"step": 1, "loss": 3}, {"step": 2, "loss": 2}]})
    assert reading.frame.to_dict("list") == {"run": ["a", "b", "b"], "step": [1, 1, 2], "loss": [4, 3, 2]}


def test_labels_of_rows_are_runs_unless_they_count(read):
    frame = read({"small": {"params": 1e6, "loss": 4}, "large": {"params": 1e7, "loss": 3}}).frame
    assert frame.to_dict("list") == {"run": ["small", "large"], "params": [1e6, 1e7], "loss": [4, 3]}
    frame = read({"loss": {"small": 4, "large": 3}, "params": {"large": 1e7}}).frame
    assert same(frame, {"run": ["small", "large"], "loss": [4, 3], "params": [None, 1e7]})
    assert same(
        read({"columns": ["loss"], "index": ["x", "y"], "data": [[4], [3]]}).frame,
        {"index": ["x", "y"], "loss": [4, 3]},
    )


def test_columns_may_stand_beside_settings(read):
    frame = read({"run": "a", "step": [1, 2], "model": {"width": 64}, "loss": [4, 3]}).frame
    assert frame.to_dict("list") == {"step": [1, 2], "loss": [4, 3], "run": ["a", "a"], "model.width": [64, 64]}


def test_records_that_are_none_are_refused_by_number(read):
    reading = read([{"loss": 4}, 3, {"loss": 2}, None, {}, {"a.b": 1, "a": {"b": 1}}])
    assert reading.frame["loss"].tolist() == [4, 2]
    told = [(refusal.where, refusal.why) for refusal in reading.refused]
    assert told == [
        ("record 2", "is a number, not an object"),
        ("record 4", "is null, not an object"),
        ("record 5", "is an empty object"),
        ("record 6", "names 'a.b' twice, once with its dots and once nested"),
    ]


@pytest.mark.parametrize("document", [{"other": [{"x": 1}], "history": [{"loss": 3}]}])
def test_records_beside_those_taken_are_said_to_be_left_out(read, document):
    reading = read(document)
    assert reading.frame.to_dict("list") == {"loss": [3]}
    assert "left out: 'other'" in reading.notes


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("[]", "holds no record that can be used. Expected a list of objects, such as"),
        ("[1, 2, 3]", "holds no record that can be used. Record 1 is a number, not an object. Record 2"),
        ("[[1, 2]]", "Record 1 is a list of 2, not an object."),
        ("{}", "holds an empty object. Expected a list of objects"),
        ('{"loss": [1, 2], "step": [1]}', "its columns are not equally long: 'loss' has 2 and 'step' has 1"),
        (
            '{"a": [{"x": 1}], "b": [{"x": 1}], "c": 3}',
            "holds an object with 'a': a list of 1, 'b': a list of 1 and 'c': a number.",
        ),
        ('{"x": {"y": 1}, "z": {"y": 2}}', "which of the two are the columns cannot be told"),
        ('{"columns": ["a", "a"], "data": [[1, 2]]}', "names a column twice"),
        ('{"columns": [{"a": 1}], "data": [[1]]}', "has names of columns that are no text"),
        ('[{"loss": 4}', "ends early: it was cut off, or is still being written"),
        ('{"step": [1, 2], "loss": [4, 3.', "ends early: it was cut off, or is still being written"),
        ('[{"loss": 4}]\n[{"loss": 3}]', "has more after its end, from character 14 on"),
        ('[{"loss": nan}]', "is no JSON from character 11 on: 'nan}]'"),
        ('[{"loss": 4, "loss": 3}]', "names 'loss' twice"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "is nested too deeply"),
        ('[{"seed": ' + "7" * 5000 + "}]", "has an integer of thousands of digits"),
        (b'[{"run": "\xff"}]', "is not UTF-8 text: byte 10 cannot be read"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_anything_else_is_an_error_that_says_what_was_found(read, document, found):
    with pytest.raises(DataError) as caught:
        read(document)
    assert found in str(caught.value)


def test_objects_nested_within_reason_are_read(read):
    document = '[{"a":' + '{"b":' * 50 + "1" + "}" * 51 + "]"
    assert list(read(document).frame) == [".".join(["a", *50 * "b"])]


def test_a_packed_document_is_the_same(read):
    packed = gzip.compress((SAMPLES / "records.json").read_bytes())
    assert same(read(packed, "runs.json.gz").frame, TABLE)


def test_spaces_and_a_byte_order_mark_may_stand_before_it(read):
    assert read(b'\xef\xbb\xbf\r\n  [{"loss": NaN}, {"loss": -Infinity}, {"loss": 1}]').frame["loss"].tolist()[1:] == [
        -np.inf,
        1,
    ]


def test_a_document_goes_into_a_fit(tmp_path):
    runs = sf.datasets.load("microlm")[["params", "tokens", "loss"]].dropna().iloc[::7]
    runs.to_json(tmp_path / "runs.json", orient="records", double_precision=15)
    expected = sf.read_runs(runs.reset_index(drop=True))
    pd.testing.assert_frame_equal(sf.read_runs(tmp_path / "runs.json"), expected, check_exact=False, rtol=1e-13)


VALID = [(SAMPLES / f"{orient}.json").read_bytes() for orient in ("records", "split", "columns", "index", "table")] + [
    b'{"name": "x", "config": {"lr": {"value": 1}}, "history": [{"_step": 1, "loss": 2}]}',
    b'{"a": [{"loss": 1}], "b": [{"loss": 2}]}',
    b'{"step": [1, 2], "loss": [1.5, null], "run": "a"}',
    b'{"a": {"loss": 1, "step": 1}, "b": {"loss": 2}}',
    b'{"loss": 1, "cfg": {"x": [1]}}',
]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=300), *6 * [damaged(VALID)]))
def test_whatever_the_bytes_there_is_a_table_or_an_error_of_ours(data):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        read_or_refuse(JSON_RECORDS, Path(file.name))


NAMES = ["loss", "step", "data", "columns", "index", "history", "config", "0", "1", "x", "schema", "fields"]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(document=VALUES)
def test_whatever_the_document_there_is_a_table_or_an_error_of_ours(document):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(json.dumps(document).encode())
        file.flush()
        read_or_refuse(JSON_RECORDS, Path(file.name))


MIB = 2**20
WORST = {
    "empty objects": lambda: b"[" + b"{}," * (MIB // 3) + b"{}]",
    "small objects": lambda: b"[" + b'{"a":{"b":1}},' * (MIB // 14) + b"{}]",
    "names": lambda: b"[{" + b",".join(b'"c%d":1' % number for number in range(MIB // 10)) + b"}]",
    "names of their own": lambda: b"[" + b",".join(b'{"c%d":1}' % number for number in range(MIB // 12)) + b"]",
    "columns": lambda: b"{" + b",".join(b'"c%d":[1]' % number for number in range(MIB // 12)) + b"}",
    "columns of labels": lambda: json.dumps(
        {f"loss{c}": {f"r{c}_{r}": 1 for r in range(60)} for c in range(1000)}
    ).encode(),
    "a long setting": lambda: (
        b'{"run":"' + b"a" * (MIB // 2) + b'","data":[' + b'{"a":1},' * (MIB // 16) + b'{"a":1}]}'
    ),
    "a long name of a run": lambda: (
        b'{"' + b"a" * (MIB // 2) + b'":[' + b'{"b":1},' * (MIB // 16) + b'{"b":1}],"c":[{"b":1}]}'
    ),
    "long names nested": lambda: (b'{"' + b"a" * 900 + b'":{"b":1,"c":') * 1000 + b"1" + b"}" * 2000,
    "nested": lambda: b"[" * MIB,
    "a number of a million digits": lambda: b'[{"a":' + b"9" * MIB + b"}]",
    "packed lists": lambda: gzip.compress(b"[" + b"[]," * (32 * MIB) + b"1]"),
    "packed text": lambda: gzip.compress(b'["' + b"\xf0\x9f\x98\x80" * (20 * MIB) + b'"]'),
    "packed numbers": lambda: gzip.compress(b'{"a":[' + b"1," * (8 * MIB) + b"1]}"),
    "packed objects": lambda: gzip.compress(b"[" + b'{"a":1},' * (2 * MIB) + b"1]"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
@pytest.mark.parametrize("name", WORST)
def test_a_file_of_a_megabyte_never_takes_a_gigabyte(name, tmp_path):
    path = tmp_path / "runs.json"
    path.write_bytes(WORST[name]())
    assert JSON_RECORDS.recognises(Source(path))
    assert peak_of_reading(path) < 1024
