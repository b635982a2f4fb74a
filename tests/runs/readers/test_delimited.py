"""Text with a delimiter: whatever wrote it, the same table; what does not fit is refused by its line, and said."""

import contextlib
import csv
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.errors import ColumnError, DataError, DataWarning
from scalefit.runs.readers.lines import BLOCK, REFUSED
from scalefit.runs.reading import read_file

SAMPLES = Path(__file__).parents[2] / "samples" / "csv"


def by_hand(path):
    """A table as Python reads it: whole numbers, floats, text; NaN where a cell is empty."""
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    table = pd.DataFrame(rows, columns=names).replace("", "nan")
    for kind in (float, int):
        for name in names:
            with contextlib.suppress(ValueError):
                table[name] = [kind(cell) for cell in [row[names.index(name)] or "nan" for row in rows]]
    return table


PLAIN = by_hand(SAMPLES / "comma.csv")


def columns(frame):
    return {name: frame[name].tolist() for name in frame}


def refusals(reading):
    return [(refusal.where, refusal.why) for refusal in reading.refused]


# What programs write


@pytest.mark.parametrize("name", ["comma.csv", "index.csv.gz", "decimal_comma.csv", "utf16.tsv", "polars.csv"])
def test_the_same_table_is_read_whoever_wrote_it(name):
    frame = read_file(SAMPLES / name).frame
    pd.testing.assert_frame_equal(frame, PLAIN)


def test_the_names_above_the_numbers_of_numpy_are_found():
    reading = read_file(SAMPLES / "savetxt.txt")
    pd.testing.assert_frame_equal(reading.frame, PLAIN.drop(columns="run"), check_dtype=False)
    assert "names read from the comment above the numbers" in reading.notes


def test_numbers_are_read_to_the_last_bit(frame_of):
    numbers = np.random.default_rng(0).uniform(-1, 1, 2000) * 10.0 ** np.random.default_rng(1).integers(-300, 300, 2000)
    lines = [f"{number!r},x" for number in numbers.tolist()]
    np.testing.assert_array_equal(frame_of("\n".join(["loss,run", *lines]))["loss"], numbers)
    np.testing.assert_array_equal(frame_of("\n".join(["loss", *(line[:-2] for line in lines)]))["loss"], numbers)
    np.testing.assert_array_equal(
        frame_of("\n".join(["loss run", *(f"{n!r} x" for n in numbers.tolist())]))["loss"], numbers
    )


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "   "])
@pytest.mark.parametrize("name", ["runs.csv", "runs.txt", "runs"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_told_from_the_content(reading_of, delimiter, name, end):
    reading = reading_of(
        end.join(delimiter.join(row) for row in (["step", "loss"], ["1", "2.5"], ["2", "2"])) + end, name
    )
    assert columns(reading.frame) == {"step": [1, 2], "loss": [2.5, 2.0]}
    assert reading.refused == ()


def test_a_delimiter_in_a_name_or_in_text_does_not_mislead(frame_of):
    assert list(frame_of('"loss, mean";step\n1;2\n')) == ["loss, mean", "step"]
    assert list(frame_of("run\tnote\tloss\na\tx, y, z\t1\nb\tu, v\t2\n")) == ["run", "note", "loss"]


def test_a_spreadsheet_may_say_its_delimiter_in_the_first_line(reading_of):
    reading = reading_of("sep=;\nstep;loss\n1;2\n")
    assert columns(reading.frame) == {"step": [1], "loss": [2]}
    assert "the first line says the delimiter: sep=;" in reading.notes


# Encodings


def test_windows_1252_is_read_and_said(reading_of):
    reading = reading_of("run;größe\nmü;2,5\n".encode("cp1252"))
    assert columns(reading.frame) == {"run": ["mü"], "größe": [2.5]}
    assert "not UTF-8: read as Windows-1252" in reading.notes


def test_text_that_is_neither_utf_8_nor_windows_1252_says_what_to_type(reading_of):
    with pytest.raises(
        DataError, match=r"neither UTF-8 nor Windows-1252\. Say the encoding: sf\.read_runs\(pd\.read_csv"
    ):
        reading_of(b"params,loss\n1,\x81\n")


def test_utf_8_with_a_damaged_byte_is_not_taken_for_windows_1252(reading_of):
    with pytest.raises(DataError, match="not UTF-8 throughout"):
        reading_of("run,loss\nmü,1\nx\xff,2\n".encode("latin-1").replace(b"\xfc", "ü".encode()))


def test_utf_16_without_its_mark_is_an_error_that_says_so(reading_of):
    with pytest.raises(DataError, match="UTF-16 without its mark"):
        reading_of("step,loss\n1,2\n".encode("utf-16-le"))


# Lines that do not fit


def test_lines_with_too_many_or_too_few_fields_are_refused_by_their_numbers(reading_of):
    reading = reading_of("# a comment\nparams,loss\n1,2\n\n1,2,3,4\n5\n6,7\n")
    assert columns(reading.frame) == {"params": [1, 6], "loss": [2, 7]}
    assert refusals(reading) == [
        ("line 5", "has 4 fields where the header has 2"),
        ("line 6", "has 1 field where the header has 2"),
    ]
    assert "1 comment line above the header" in reading.notes


def test_refused_lines_are_warned_of_once_and_kept_with_the_table(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params,loss\n1,2\n1\n5,6,7\n6,7\n")
    with pytest.warns(DataWarning, match="2 rows kept, 2 refused: line 3 has 1 field") as told:
        runs = sf.read_runs(path)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert runs.attrs["scalefit_refused"] == (
        ("line 3", "has 1 field where the header has 2"),
        ("line 4", "has 3 fields where the header has 2"),
    )
    assert runs.attrs["scalefit_notes"][-1].startswith("2 rows kept, 2 refused")


def test_a_header_that_a_resumed_run_wrote_again_is_refused(reading_of):
    reading = reading_of("step,loss\n1,3\nstep,loss\n2,2.5\n")
    assert columns(reading.frame) == {"step": [1, 2], "loss": [3.0, 2.5]}
    assert refusals(reading) == [("line 3", "repeats the header")]


def test_comments_below_the_header_are_refused_where_there_are_some_above(reading_of):
    reading = reading_of("# begun\nstep,loss\n1,3\n# resumed, again\n2,2\n")
    assert refusals(reading) == [("line 4", "is a comment")]
    assert columns(reading_of("run,loss\n#1,3\n").frame) == {"run": ["#1"], "loss": [3]}


def test_the_last_line_of_a_killed_job_is_refused(reading_of):
    reading = reading_of("step,loss,lr\n1,3,0.1\n2,2.")
    assert refusals(reading) == [("line 3", "has 2 fields where the header has 3")]


def test_nul_bytes_of_a_crash_cost_their_line_only(reading_of):
    reading = reading_of(b"step,loss\n1,3\n" + b"\0" * 50 + b"\n2,2\n")
    assert columns(reading.frame) == {"step": [1, 2], "loss": [3, 2]}
    assert refusals(reading) == [("line 3", "holds NUL bytes, as files do after a crash")]


def test_line_breaks_and_quotes_within_quotes_are_part_of_the_text(reading_of):
    reading = reading_of('step,note,loss\n1,"two\nlines",3\n2,"say ""x"", y",2\n3,z\n')
    assert columns(reading.frame) == {"step": [1, 2], "note": ["two\nlines", 'say "x", y'], "loss": [3, 2]}
    assert refusals(reading) == [("line 5", "has 2 fields where the header has 3")]


def test_a_quotation_mark_that_nothing_closes_costs_its_line_only(reading_of):
    reading = reading_of('step,note,loss\n1,a,4\n2,"open,3\n3,b,2\n4,"c, d",1\n')
    assert columns(reading.frame) == {"step": [1, 3, 4], "note": ["a", "b", "c, d"], "loss": [4, 2, 1]}
    assert [where for where, _ in refusals(reading)] == ["line 3"]


def test_rows_and_columns_without_any_value_are_left_out_and_said(reading_of):
    reading = reading_of("step,loss,\n1,2,\n,,\n2,1,\n")
    assert columns(reading.frame) == {"step": [1.0, 2.0], "loss": [2.0, 1.0]}
    assert "1 row without any value left out" in reading.notes
    assert "1 column without name and values left out" in reading.notes


def test_the_row_numbers_of_pandas_are_left_out_and_other_nameless_columns_are_not(reading_of):
    reading = reading_of(",loss\n0,2\n1,3\n")
    assert columns(reading.frame) == {"loss": [2, 3]}
    assert "the first column, without a name, counts the rows: left out" in reading.notes
    assert columns(reading_of(",loss\n0,2\n100,3\n").frame) == {"Unnamed: 0": [0, 100], "loss": [2, 3]}


# One error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"is empty \(0 bytes\)"),
        ("\n \n# nothing\n", "no header and no rows"),
        ("params,loss\n", r"has a header \(params, loss\) and no rows"),
        ("this is not a table", r"is one line of text without a delimiter, 'this is not a table', and no table"),
        ("a text\nof two lines\n", "text without a delimiter and without numbers"),
        (
            "a,b\n1,2,3\n4,5,6\n",
            r"all its rows have more fields than its header has names \(a, b\).*line 2 has 3 fields",
        ),
        ("a,b,c\n1\n2,3\n", "none of its rows has the 3 fields that its header names"),
    ],
)
def test_a_file_without_rows_is_one_error_that_says_why(reading_of, content, said):
    with pytest.raises(DataError, match=said):
        reading_of(content)


@pytest.mark.parametrize("delimiter", [",", " "])
def test_a_file_without_a_header_says_what_to_type_and_that_works(tmp_path, delimiter):
    path = tmp_path / "runs.csv"
    path.write_text(f"1{delimiter}2.5\n2{delimiter}3\n")
    with pytest.raises(DataError, match=r"no header: its first line is all numbers \(1, 2\.5\)") as raised:
        read_file(path)
    suggested = str(raised.value).partition("or give them: ")[2].rstrip(".")
    assert columns(eval(suggested, {"sf": sf, "pd": pd})) == {"step": [1, 2], "loss": [2.5, 3.0]}


def test_a_header_with_a_number_for_a_name_is_doubted(reading_of):
    assert any("is it missing?" in note for note in reading_of("a,1,2.5\nb,2,2.4\n").notes)


def test_two_columns_of_one_name_are_refused(reading_of):
    with pytest.raises(ColumnError, match="more than one column 'loss'; rename or drop all but one"):
        reading_of("params,loss, loss\n1,2,3\n")


def test_a_file_of_which_nothing_fits_is_given_up(reading_of):
    with pytest.raises(DataError, match=f"More than {REFUSED:,} lines do not fit its header"):
        reading_of("a,b\n1,2\n" + "1\n" * (REFUSED + 1))


@pytest.mark.parametrize(
    "content", ["# Title\n\nSome text, and more.\nAnd so on\n", "lr: 3e-4\nsteps: 10\n", "<p>1,2</p>\n"]
)
def test_text_that_is_no_table_is_not_taken_for_one(reading_of, content):
    with pytest.raises(DataError, match="of no known format: its first line is"):
        reading_of(content, "notes.txt")


# Cells


def test_every_way_to_write_a_missing_value_is_nan(frame_of):
    words = ["", "nan", "NaN", "NA", "N/A", "null", "None", "<NA>", "#N/A", " NaN "]
    frame = frame_of("step,loss,run\n" + "".join(f"{i},{word},{word}\n" for i, word in enumerate(words)) + "9,1.5,a\n")
    assert frame["loss"].isna().tolist() == frame["run"].isna().tolist() == [True] * len(words) + [False]
    assert frame["loss"].dtype == float


def test_infinities_are_read(frame_of):
    assert columns(frame_of("a,b\ninf,Infinity\n-inf,-Infinity\n1e999,1\n")) == {
        "a": [np.inf, -np.inf, np.inf],
        "b": [np.inf, -np.inf, 1.0],
    }


def test_truth_values_are_truth_values(frame_of):
    frame = frame_of("a,b\nTrue,false\nFALSE,\n")
    assert frame["a"].tolist() == [True, False]
    assert frame["b"].tolist()[0] is False
    assert frame["b"].isna().tolist() == [False, True]


def test_one_text_among_numbers_leaves_the_column_text_and_says_where(reading_of):
    reading = reading_of("run,loss\na,1\nb,oops\nc,2\nd,3\n")
    assert columns(reading.frame)["loss"] == ["1", "oops", "2", "3"]
    assert "column 'loss' is text: 'oops' in row 1 is no number" in reading.notes
    with pytest.raises(DataError, match="'oops' in row 1"):
        sf.fit({**columns(reading.frame), "params": [1e6, 2e6, 3e6, 4e6]}, "power", along="params")


def test_a_text_far_down_makes_all_its_column_text_as_it_was_written(frame_of):
    n = BLOCK // 1000
    frame = frame_of("a,b\n" + f"007,{'x' * 1000}\n" * n + "x,1\n")
    assert frame["a"].iloc[[0, -1]].tolist() == ["007", "x"]
    assert len(frame) == n + 1


def test_what_python_alone_takes_for_numbers_stays_text(frame_of):
    assert columns(frame_of("a,b,c\n1_000,٣,1\n2,4,2\n")) == {"a": ["1_000", "2"], "b": ["٣", "4"], "c": [1, 2]}


def test_whole_numbers_that_a_float_cannot_hold_are_said_where_they_become_floats(reading_of):
    exact = reading_of("seed,loss\n9007199254740993,1\n")
    assert exact.frame["seed"].tolist() == [9007199254740993]
    rounded = reading_of("seed,loss\n9007199254740993,1\n,2\n")
    assert "column 'seed' has whole numbers that were rounded, such as 9007199254740993" in rounded.notes
    large = reading_of("flops,loss\n123456789012345678901234,1\n")
    assert large.frame["flops"].tolist() == [123456789012345678901234.0]


def test_a_row_without_the_rounding_note_has_nothing_rounded(reading_of):
    notes = reading_of("seed,flops\n9007199254740992,1e300\n,1.8014398509481985e16\n").notes
    assert not any("rounded" in note for note in notes)


def test_negative_sizes_are_read_and_refused_where_they_are_used(frame_of):
    frame = frame_of("params,loss\n-1,3\n1e6,2\n1e7,1\n1e8,1\n")
    assert frame["params"].tolist()[0] == -1
    with pytest.raises(DataError, match="must be above zero and is -1"):
        sf.fit(frame, "power", along="params")


def test_dates_with_a_zone_stay_text(frame_of):
    assert columns(frame_of("when,loss\n2024-01-01T00:00:00+01:00,2\n"))["when"] == ["2024-01-01T00:00:00+01:00"]


# Exports of trackers


def test_the_wide_export_of_wandb_becomes_one_row_per_run_and_step():
    reading = read_file(SAMPLES / "wandb_wide.csv")
    wide = by_hand(SAMPLES / "wandb_wide.csv")
    frame = reading.frame
    assert list(frame) == ["run", "step", "eval/loss", "eval/loss__MIN", "eval/loss__MAX"]
    assert frame.groupby("run", sort=False).size().to_dict() == {"small - a": 20, "medium": 10, "large": 20}
    for run, rows in frame.groupby("run"):
        there = wide[f"{run} - eval/loss"].notna()
        assert rows["step"].tolist() == wide.loc[there, "Step"].tolist()
        assert rows["eval/loss"].tolist() == wide.loc[there, f"{run} - eval/loss"].tolist()
        assert rows["eval/loss__MAX"].tolist() == wide.loc[there, f"{run} - eval/loss__MAX"].tolist()
    assert "values of 'eval/loss' were averaged by the export: see __MIN and __MAX" in reading.notes
    assert "loss" in sf.read_runs(SAMPLES / "wandb_wide.csv")


def test_limits_that_equal_the_values_are_left_out_and_said():
    reading = read_file(SAMPLES / "wandb_one_run.csv")
    assert list(reading.frame) == ["step", "train/loss"]
    assert "__MIN and __MAX of 'train/loss' equal the values and are left out" in reading.notes


def test_an_export_along_another_axis_takes_the_steps_of_each_run(frame_of):
    frame = frame_of('"epoch","a - _step","a - loss","b - _step","b - loss"\n1,10,3,,\n2,20,2,40,1\n')
    assert columns(frame) == {"run": ["a", "a", "b"], "epoch": [1, 2, 2], "step": [10, 20, 40], "loss": [3.0, 2.0, 1.0]}


def test_the_table_of_runs_of_wandb_names_its_runs(frame_of):
    frame = frame_of('"Name","State","Runtime","lr","loss"\n"a","finished",12,0.1,2.5\n')
    assert list(frame) == ["run", "State", "Runtime", "lr", "loss"]


def test_the_export_of_tensorboard_has_its_scalar_in_value_and_says_how_to_call_it():
    runs = sf.read_runs(SAMPLES / "tensorboard.csv", columns={"loss": "value"})
    np.testing.assert_allclose(runs["loss"], PLAIN["loss"].iloc[:20], rtol=1e-7)  # TensorBoard keeps 32 bits
    assert runs["step"].tolist() == PLAIN["step"].tolist()[:20]
    assert any("TensorBoard's export of one scalar" in note for note in runs.attrs["scalefit_notes"])


# Size, noise and malice


def test_a_large_file_of_several_blocks_is_read_whole(tmp_path):
    n = 200_000
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"run": [f"run-{i // 1000}" for i in range(n)], "step": np.arange(n), "loss": rng.uniform(size=n)}
    )
    table.to_csv(tmp_path / "runs.csv.gz", index=False)
    pd.testing.assert_frame_equal(read_file(tmp_path / "runs.csv.gz").frame, table)


@pytest.mark.slow
def test_a_million_rows_are_read_whole(tmp_path):
    table = pd.DataFrame({"step": np.arange(10_000), "loss": np.arange(10_000) / 7, "run": ["a", "b"] * 5000})
    path = tmp_path / "runs.csv"
    path.write_text("step,loss,run\n" + table.to_csv(index=False, header=False) * 100)
    pd.testing.assert_frame_equal(read_file(path).frame, pd.concat([table] * 100, ignore_index=True))


def test_reading_changes_no_warning_filters_and_gives_no_warning_of_others(frame_of):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame_of("a,b\n" + "1,x\n2,1\n" * 100)
        frame_of("a\n" + "1\n")
