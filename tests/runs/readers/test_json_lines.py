"""JSON lines: every line that is an object is a row, every other is refused with its number and a reason."""

import gzip
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from mutations import damaged, peak_of_reading, read_or_refuse
from scalefit.errors import DataError, DataWarning
from scalefit.runs.readers.json_lines import JSON_LINES
from scalefit.runs.readers.json_values import RecordError, parse_line
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.uniform_lines import read_uniform
from scalefit.runs.reading import read_file

SAMPLES = Path(__file__).parents[2] / "samples" / "json"


@pytest.fixture
def read(tmp_path):
    def of(text, name="log.jsonl"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_file(path)

    return of


def test_each_line_is_a_row(read):
    reading = read('{"step": 1, "loss": 4.5, "run": "a"}\n{"step": 2, "loss": 4, "run": "b"}\n')
    assert reading.frame.to_dict("list") == {"step": [1, 2], "loss": [4.5, 4.0], "run": ["a", "b"]}
    assert reading.frame["step"].dtype == np.int64
    assert reading.refused == ()


def test_rows_as_pandas_writes_them_come_back():
    frame = read_file(SAMPLES / "lines.jsonl").frame
    expected = pd.read_json(SAMPLES / "lines.jsonl", lines=True)
    assert (
        frame.astype(object).where(frame.notna(), None).to_dict()
        == expected.astype(object).where(expected.notna(), None).to_dict()
    )


def test_the_log_of_a_killed_run_keeps_its_rows_and_names_its_bad_lines():
    reading = read_file(SAMPLES / "log.jsonl")
    assert [refusal.where for refusal in reading.refused] == ["line 17", "line 18"]
    assert reading.refused[1].why == "ends early: it was cut off, or is still being written"
    frame = reading.frame
    assert len(frame) == 16
    trained = frame["train.lr"].notna()
    assert frame.loc[trained, "tokens"].tolist() == [step * 2**19 for step in range(0, 65, 5)]
    assert frame["val_loss"].dropna().tolist() == [4.6, 4.6 - 0.4, 4.6 - 0.8]


def test_read_runs_warns_of_refused_lines_and_says_what_was_done():
    with pytest.warns(DataWarning, match="16 rows kept, 2 refused: line 17 is no JSON from character 30 on"):
        runs = sf.read_runs(SAMPLES / "log.jsonl")
    assert "loss read from column 'val_loss'" in runs.attrs["scalefit_notes"]


def test_objects_inside_are_joined_with_dots_and_lists_become_text(read):
    frame = read('{"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": {}, "g": []}\n').frame
    assert frame.to_dict("records") == [{"a.b.c": 1, "a.d": '[1, {"e": 2}]', "f": "{}", "g": "[]"}]


def test_rows_may_have_unequal_columns(read):
    frame = read('{"step": 1, "loss": 4.5}\n{"step": 1, "val": 4}\n{"lr": 0.1, "step": 2}\n').frame
    assert list(frame) == ["step", "loss", "val", "lr"]
    expected = [[4.5, np.nan, np.nan], [np.nan, 4, np.nan], [np.nan, np.nan, 0.1]]
    np.testing.assert_array_equal(frame[["loss", "val", "lr"]], expected)


def test_rows_that_share_a_step_are_counted_and_not_merged(read):
    reading = read('{"run": "a", "step": 1, "loss": 4}\n{"run": "a", "step": 1, "val": 5}\n{"run": "b", "step": 1}\n')
    assert len(reading.frame) == 3
    assert "2 rows have a step that another row of the same run has too; sf.merge_steps merges them" in reading.notes


def test_the_step_of_a_tracker_gets_its_known_name(read):
    reading = read('{"_step": 1, "loss": 4.5}\n{"_step": 2, "loss": 4}\n')
    assert list(reading.frame) == ["step", "loss"]
    assert "step read from column '_step'" in reading.notes


def test_order_is_that_of_the_file_however_lines_alternate(read):
    lines = [{"step": step, **({"loss": step / 7} if step % 3 else {"val": step / 3, "x": [1]})} for step in range(999)]
    frame = read("\n".join(map(json.dumps, lines))).frame
    assert frame["step"].tolist() == list(range(999))
    np.testing.assert_array_equal(frame["loss"], [step / 7 if step % 3 else np.nan for step in range(999)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf), ("null", math.nan), ("1e999", math.inf)]
    + [(f'"{word}"', math.nan) for word in ("NaN", "nan", "", "null", "None")]
    + [('"Infinity"', math.inf), ('"-inf"', -math.inf)],
)  # fmt: skip
def test_numbers_that_are_none_are_read_among_numbers(read, value, expected):
    frame = read(f'{{"loss": 3}}\n{{"loss": {value}}}\n{{"loss": 2.5}}\n').frame
    np.testing.assert_array_equal(frame["loss"], [3, expected, 2.5])
    assert frame["loss"].dtype == np.float64


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"loss": nan}', "is no JSON from character 10 on: 'nan}'"),
        ('{"loss": None}', "is no JSON from character 10 on: 'None}'"),
        ("{'loss': 3}", "is no JSON from character 2 on"),
        ('{"loss": 3', "ends early"),
        ('{"loss": 3} {"loss": 2}', "has more after its end, from character 12 on"),
        ('{"loss": 3, "loss": 2}', "names 'loss' twice"),
        ('{"a.b": 1, "a": {"b": 2}}', "names 'a.b' twice, once with its dots and once nested"),
        ("[1, 2]", "is a list of 2, not an object"),
        ("3", "is a number, not an object"),
        ("{}", "is an empty object"),
        ('{"seed": ' + "1" * 5000 + "}", "has an integer of thousands of digits"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "is nested too deeply"),
        ('{"x": ' + "[" * 2000 + "]" * 2000 + "}", "is nested too deeply"),
        ('{"' + "a" * 2000 + '": 1}', "has a name of 2,000 characters; 1,000 is the most"),
        (b'{"run": "\xff"}', "is not UTF-8 text: its byte 10 cannot be read"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_a_bad_line_is_refused_with_its_number_and_the_reason(read, line, why):
    line = line if isinstance(line, bytes) else line.encode()
    reading = read(b'{"loss": 4}\n' + line + b'\n{"loss": 2}\n')
    assert reading.frame["loss"].tolist() == [4, 2]
    (refusal,) = reading.refused
    assert refusal.where == "line 2"
    assert refusal.why.startswith(why)


def test_blank_lines_a_byte_order_mark_and_windows_ends_of_lines_are_no_rows(read):
    reading = read(b'\xef\xbb\xbf\r\n{"loss": 4}\r\n\r\n  \r\n {"loss": 2} \r\n\r\n', "log.txt")
    assert reading.frame["loss"].tolist() == [4, 2]
    assert reading.refused == ()


def test_a_packed_log_is_the_same(read):
    packed = gzip.compress((SAMPLES / "log.jsonl").read_bytes())
    pd.testing.assert_frame_equal(read(packed, "log.jsonl.gz").frame, read_file(SAMPLES / "log.jsonl").frame)


def test_text_among_numbers_is_kept_so_that_a_check_can_name_the_row(read, tmp_path):
    reading = read('{"params": 1e6, "tokens": 1e7, "loss": 3}\n{"params": 2e6, "tokens": 4e7, "loss": "oops"}\n')
    assert reading.frame["loss"].tolist() == [3, "oops"]
    assert "loss mixes numbers, text or truth values; all are kept as they stand" in reading.notes
    with pytest.raises(DataError, match="row 1"):
        sf.fit(tmp_path / "log.jsonl", "chinchilla")


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([2**63, 1], np.array([2**63, 1], dtype=np.uint64), None),
        ([2**64, 1], np.array([2.0**64, 1]), "x: 1 integer above 2**53 rounded to floats"),
        ([2**53 + 1, 0.5], np.array([2.0**53, 0.5]), "x: 1 integer above 2**53 rounded to floats"),
        ([2**53 + 1, None, 3], np.array([2.0**53, np.nan, 3]), "x: 1 integer above 2**53 rounded to floats"),
        ([2**53, 0.5], np.array([2.0**53, 0.5]), None),
        ([10**400, 1], np.array([10**400, 1], dtype=object), "x has integers beyond the largest number"),
        ([True, False], np.array([True, False]), None),
        ([True, None], np.array([True, np.nan], dtype=object), None),
        ([True, 1], np.array([True, 1], dtype=object), "x mixes numbers, text or truth values"),
        (["NaN", ""], np.array(["NaN", ""], dtype=object), None),
        ([None, None], np.array([np.nan, np.nan]), None),
    ],
)
def test_columns_become_numbers_where_no_value_is_lost_unsaid(read, values, expected, note):
    reading = read("".join(json.dumps({"i": 0, "x": value}) + "\n" for value in values))
    found = reading.frame["x"].to_numpy()
    assert found.dtype == expected.dtype or reading.frame["x"].dtype == "str"
    assert list(map(repr, found.tolist())) == list(map(repr, expected.tolist()))
    said = [told for told in reading.notes if told.startswith("x")]
    assert (said == []) if note is None else said[0].startswith(note)


def test_negative_and_zero_sizes_are_left_for_the_check_that_names_them(read, tmp_path):
    assert read('{"params": -1, "tokens": 0, "loss": 3}\n').frame.values.tolist() == [[-1, 0, 3]]
    with pytest.raises(DataError, match="row 0"):
        sf.fit(tmp_path / "log.jsonl", "chinchilla")


def test_unicode_and_times_stay_text(read):
    frame = read('{"läuft": "größer 😀", "at": "2026-01-02T03:04:05+01:00"}\n{"läuft": "\\u00e9", "at": ""}\n').frame
    assert frame.to_dict("list") == {"läuft": ["größer 😀", "é"], "at": ["2026-01-02T03:04:05+01:00", ""]}


def test_half_a_character_in_text_is_replaced_and_said_and_in_a_name_an_error(read):
    reading = read('{"run": "\\ud800", "x": 1}\n')
    assert reading.frame["run"].tolist() == ["?"]
    assert "run: halves of characters became '?'" in reading.notes
    with pytest.raises(sf.errors.ColumnError, match="half a character"):
        read('{"\\ud800": 1}\n')


@pytest.mark.parametrize("text", ['{"loss": \n', "\n\n{\n", '{"loss": nan}\n{"loss": nan}\n'])
def test_a_file_without_a_row_is_one_error(tmp_path, text):
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=r"holds no row that can be used\. Line "):
        JSON_LINES.read(Source(path))


def test_a_document_is_no_file_of_lines(read):
    in_one_line, in_many, of_records = (
        '{"step": [1, 2], "loss": [3, 4]}\n', '{\n"a": [\n{"x": 1},\n{"x": 2}\n]}\n', '[{"x": 1},\n{"x": 2}]\n'
    )  # fmt: skip
    for text in (in_one_line, in_many, of_records):
        assert "log.json read as JSON records" in read(text, "log.json").notes


def test_lines_longer_than_the_first_look_are_still_lines(read):
    line = json.dumps({"step": 1, "loss": 3.5, "text": "a" * 100_000})
    reading = read(f"{line}\n{line}\n", "log.json")
    assert reading.notes[0] == "log.json read as JSON lines"
    assert len(reading.frame) == 2


LEAVES = st.one_of(
    st.integers(-(2**63), 2**64), st.floats(), st.sampled_from(["a", "b, c", "d: 5", "{", '}, "y": ', ""]),
    st.booleans(), st.none(), st.text(max_size=5),
)  # fmt: skip
SHAPES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3), max_leaves=6)
SEPARATORS = st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : ")])


@st.composite
def alike(draw):
    """Lines of the same names, with values of the same kinds, mostly."""
    names = draw(st.dictionaries(st.sampled_from(["step", "a", "b.c", "train"]), SHAPES, min_size=1, max_size=4))
    separators = draw(SEPARATORS)

    def again(value):
        if isinstance(value, dict):
            return {name: again(inner) for name, inner in value.items()}
        texts = st.one_of(st.text(max_size=8), st.text(st.characters(codec="ascii"), max_size=8))
        same = {int: st.integers(-(10**19), 10**19), float: st.floats(), str: texts}.get(type(value), st.just(value))
        return draw(st.one_of(same, same, same, LEAVES))

    rows = [names, *(again(names) for _ in range(draw(st.integers(0, 4))))]
    ascii_only = draw(st.booleans())
    return "".join(json.dumps(row, separators=separators, ensure_ascii=ascii_only) + "\n" for row in rows).encode()


def one_by_one(block):
    """The columns of lines read one by one; None where one of them is no row."""
    try:
        rows = [parse_line(line.decode().strip()) for line in block.split(b"\n")[:-1]]
    except RecordError:
        return None
    return {name: [row[name] for row in rows] for name in rows[0]} if len({tuple(row) for row in rows}) == 1 else None


def check_uniform(block):
    columns = read_uniform(block)
    if columns is None:
        return False
    expected = one_by_one(block)
    assert expected is not None
    assert list(columns) == list(expected)
    for name, values in columns.items():
        told = expected[name]
        if values.dtype == np.float64:
            told = [math.nan if value is None else float(value) for value in told]
        assert list(map(repr, values.tolist())) == list(map(repr, told))
    return True


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(block=alike())
def test_the_quick_way_reads_what_the_slow_one_does(block):
    check_uniform(block)


NUMBERS = (
    "0", "-0", "1", "01", "-01", "1.", ".5", "-.5", "1.5", "1e5", "1E+5", "1e", "1.e5", "+1", "-", "--1", "1_0", "0x1",
    "1 2", "", " ", "1e999", "1-2", "1.2.3", "1e5.5", "nan", "inf", "NaN", "1\0", "1\0002", "1\x1f2", "1,", '1"', "[1]",
    "{}", "null", "9" * 30, "1d5", "1f", "１", "9007199254740993", "1e5_0", "1,5",
)  # fmt: skip


def test_the_quick_way_takes_no_value_that_is_none():
    taken = [number for number in NUMBERS if check_uniform(f'{{"a": 1, "b": 2}}\n{{"a": {number}, "b": 3}}\n'.encode())]
    # Some versions of pandas leave 1e999 to the slow way.
    assert [number for number in taken if number != "1e999"] == [
        "0",
        "-0",
        "1",
        "1.5",
        "1e5",
        "1E+5",
        "9007199254740993",
    ]
    texts = ['"x"', '"', '""', '"x', 'x"', '"a","b"', '"\t"', '"a" "b"', '"a"b', "1", '"a, \\"b\\": "']
    taken = [text for text in texts if check_uniform(f'{{"a": "s", "b": 2}}\n{{"a": {text}, "b": 3}}\n'.encode())]
    assert taken == ['"x"', '""', '"a, \\"b\\": "']


def test_the_quick_way_takes_no_control_character_for_a_mark_of_its_own():
    marks = [bytes([number]) for number in (*range(1, 32), *range(127, 256)) if number != ord("\n")]
    broken = [b'{"a": 1%s2}' % mark for mark in marks] + [b'{"a": "%s", "b": 2}' % mark for mark in marks]
    assert not any(check_uniform(b'{"a": 1, "b": 2}\n%s\n' % line) for line in broken)
    assert not any(check_uniform(b'{"a": "s", "b": 2}\n%s\n' % line) for line in broken if b"\x7f" not in line)


def test_the_quick_way_is_taken_where_lines_are_alike():
    assert check_uniform(b'{"x": {"a": 1, "b": null}, "y": {"a": 2.5, "b": NaN}, "z": "s", "t": true}\n' * 3)
    assert check_uniform('{"läuft": "é", "b": "\\u00e9"}\n{"läuft": "\\n", "b": "\\", \\"b\\": "}\n'.encode())
    assert check_uniform(b'{"step": 1, "at": "2026-01-02T03:04:05", "c": "a, b"}\n{"step": 2, "at": "", "c": "}, {"}\n')


VALID = [
    (SAMPLES / "log.jsonl").read_bytes(),
    (SAMPLES / "lines.jsonl").read_bytes(),
    b"".join(b'{"run": "a", "step": %d, "loss": %d.5, "x": {"y": null}}\n' % (step, step) for step in range(60)),
    gzip.compress((SAMPLES / "lines.jsonl").read_bytes(), mtime=0),
]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=300), *4 * [damaged(VALID)]))
def test_whatever_the_bytes_there_is_a_table_or_an_error_of_ours(data):
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(data)
        file.flush()
        read_or_refuse(JSON_LINES, Path(file.name))


MIB = 2**20
WORST = {
    "names of their own": lambda: b"".join(b'{"c%d":1}\n' % number for number in range(MIB // 12)),
    "one row of names": lambda: b'{"a":1}\n{' + b",".join(b'"c%d":1' % number for number in range(MIB // 10)) + b"}\n",
    "empty rows": lambda: b"{}\n" * (MIB // 3),
    "bad lines": lambda: b'{"a":1}\n' * 100 + b"x\n" * (MIB // 2),
    "nested": lambda: b'{"a":1}\n' + b'{"a":' * (MIB // 5),
    "nested lists": lambda: b'{"a":1}\n{"x":' + b"[" * MIB,
    "lists": lambda: b'{"a":1}\n{"x":[' + b"[]," * (MIB // 3) + b"1]}\n",
    "long names nested": lambda: (b'{"' + b"a" * 900 + b'":{"b":1,"c":') * 1000 + b"1" + b"}" * 2000,
    "a number of a million digits": lambda: b'{"a":1}\n{"a":' + b"9" * MIB + b"}\n",
    "packed rows": lambda: gzip.compress(b'{"a":1}\n' * (12 * MIB)),
    "packed empty rows": lambda: gzip.compress(b"{}\n" * (32 * MIB)),
    "packed bad lines": lambda: gzip.compress(b'{"a":1}\n' * 100 + b"x\n" * (48 * MIB)),
    "packed lists in one line": lambda: gzip.compress(b'{"a":1}\n{"x":[' + b"[]," * (32 * MIB) + b"1]}\n"),
    "packed text": lambda: gzip.compress(b'{"a":1}\n{"x":"' + b"\xf0\x9f\x98\x80" * (3 * MIB) + b'"}\n'),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
@pytest.mark.parametrize("name", WORST)
def test_a_file_of_a_megabyte_never_takes_a_gigabyte(name, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(WORST[name]())
    assert peak_of_reading(path) < 1024
