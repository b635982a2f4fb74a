"""Any table in; known names, or an error that says what to type, out."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from scalefit.errors import ColumnError, DataError
from scalefit.runs.columns import find_column
from scalefit.runs.flops import count_flops
from scalefit.runs.frame import as_frame, read_runs
from scalefit.runs.grid import grid

COLUMNS = {"params": [1000000, 2000000, 4000000], "loss": [3.25, 3.0, 2.75], "family": ["a", "a", "b"]}


def write_text(path, separator=","):
    pd.DataFrame(COLUMNS).to_csv(path, sep=separator, index=False)
    return path


def write_parquet(path):
    pyarrow.parquet.write_table(pa.table(COLUMNS), path)
    return path


TABLES = {
    "pandas": lambda folder: pd.DataFrame(COLUMNS),
    "polars": lambda folder: pl.DataFrame(COLUMNS),
    "lazy polars": lambda folder: pl.LazyFrame(COLUMNS),
    "arrow": lambda folder: pa.table(COLUMNS),
    "mapping": lambda folder: dict(COLUMNS),
    "csv": lambda folder: write_text(folder / "runs.csv"),
    "text path": lambda folder: str(write_text(folder / "runs.csv")),
    "compressed csv": lambda folder: write_text(folder / "runs.csv.gz"),
    "tsv": lambda folder: write_text(folder / "RUNS.TSV", "\t"),
    "parquet": lambda folder: write_parquet(folder / "runs.parquet"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_gives_the_same_frame(kind, tmp_path):
    frame = as_frame(TABLES[kind](tmp_path))
    assert type(frame) is pd.DataFrame
    assert {name: frame[name].tolist() for name in frame} == COLUMNS


def test_the_index_and_order_of_a_pandas_frame_are_kept():
    given = pd.DataFrame(COLUMNS, index=[7, 3, 5])
    assert as_frame(given).index.tolist() == [7, 3, 5]
    assert read_runs(given).index.tolist() == [7, 3, 5]


@pytest.mark.parametrize("read", [as_frame, read_runs])
def test_the_frame_given_is_not_changed(read):
    given = pd.DataFrame(COLUMNS).rename(columns={"params": "N"})
    before = given.copy()
    frame = read(given)
    frame["estimate"] = 1.0
    pd.testing.assert_frame_equal(given, before)
    assert given.attrs == {}


def test_values_changed_in_what_read_runs_gives_do_not_reach_the_frame_given():
    given = pd.DataFrame(COLUMNS)
    runs = read_runs(given)
    runs.loc[0, "loss"] = 99.0
    assert given.loc[0, "loss"] == 3.25


def test_one_run_may_be_given_as_numbers():
    assert as_frame({"params": 7e10, "tokens": 1.4e12}).to_dict("list") == {"params": [7e10], "tokens": [1.4e12]}


def test_missing_values_of_polars_and_arrow_become_nan():
    for table in (pl.DataFrame({"loss": [3, None]}), pa.table({"loss": [3, None]})):
        assert as_frame(table)["loss"].isna().tolist() == [False, True]


def test_numbers_in_text_are_read_to_the_last_bit(tmp_path):
    numbers = np.random.default_rng(0).uniform(1, 4, 500)
    path = tmp_path / "runs.csv"
    path.write_text("loss\n" + "\n".join(map(repr, numbers.tolist())))
    np.testing.assert_array_equal(as_frame(path)["loss"], numbers)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame([[1.0, 2.0]], columns=["loss", "loss"]),
        pa.table([pa.array([1.0]), pa.array([2.0])], names=["loss", "loss"]),
    ],
    ids=["pandas", "arrow"],
)
def test_two_columns_of_one_name_are_refused(table):
    with pytest.raises(ColumnError, match="loss"):
        as_frame(table)


def test_two_columns_of_one_name_in_a_file_are_refused_and_not_renamed(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params,loss,loss\n1,2,3\n")
    with pytest.raises(ColumnError, match=r"runs\.csv' has more than one column 'loss'; rename or drop all but one"):
        as_frame(path)


def test_columns_of_several_levels_are_refused():
    with pytest.raises(ColumnError, match="columns of 2 levels"):
        as_frame(pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("loss", "mean")])))


@pytest.mark.parametrize(
    "wrong",
    [None, 3, [1, 2], pd.Series([1.0], name="loss"), np.ones((2, 2)), object()],
    ids=lambda wrong: type(wrong).__name__,
)
def test_what_is_not_a_table_is_refused_with_what_would_be(wrong):
    with pytest.raises(DataError, match=r"runs must be a pandas, polars or Arrow table.*got \w+"):
        as_frame(wrong)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_path_is_said_to_be_empty(empty):
    with pytest.raises(DataError, match="The path of runs is empty"):
        as_frame(empty)


def test_a_missing_file_an_empty_folder_and_an_empty_file_are_named(tmp_path):
    with pytest.raises(DataError, match=r"'.*nowhere\.csv' does not exist"):
        as_frame(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="holds no log"):
        as_frame(tmp_path)
    (tmp_path / "runs.xlsx").write_text("")
    with pytest.raises(DataError, match=r"runs\.xlsx' is empty \(0 bytes\)"):
        as_frame(tmp_path / "runs.xlsx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\x14\x00", "a zip archive, as Excel files are too: unpack it, or save the sheet as CSV"),
        (b"\x80\x04\x95\x00\x00", "a pickle, which may run any code when it is loaded"),
        (b"\xfd7zXZ\x00\x00", "packed with xz: unpack it first"),
        (b"\x00\x01\x02\x00", "not text"),
        (b"\x01\x02\x03\x04", r"its first bytes are b'\\x01\\x02\\x03\\x04'"),
        (b"# A title\n\nSome text.\n", "its first line is '# A title'"),
    ],
)
def test_a_file_of_no_known_format_says_what_it_is(tmp_path, content, said):
    (tmp_path / "runs.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=rf"runs\.xlsx' is of no known format: .*{said}"):
        as_frame(tmp_path / "runs.xlsx")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"params,loss\n"),
        ("ragged.csv", b"params,loss\n1,2,3\n1,2,3,4\n"),
        ("neither.csv", b"params,loss\n1,\x81\n"),
        ("broken.csv.gz", b"this is not gzip"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00"),
        ("broken.parquet", b"this is not parquet"),
        ("cut.parquet", b"PAR1"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as raised:
        as_frame(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_the_content_decides_and_not_the_name(tmp_path):
    write_text(tmp_path / "runs.csv").rename(tmp_path / "runs.parquet")
    write_parquet(tmp_path / "runs.csv")
    for name, kind in (("runs.parquet", "delimited text"), ("runs.csv", "Parquet")):
        frame = as_frame(tmp_path / name)
        assert {column: frame[column].tolist() for column in frame} == COLUMNS
        assert frame.attrs["scalefit_notes"] == (f"{name} read as {kind}",)


@pytest.mark.parametrize(
    "text", ["params,loss\n1,2\n" * 1000, "a" * 5000, "~nobody-of-that-name/x.csv", "a\0b", "a*\0b"]
)
def test_text_that_is_no_path_is_one_error(text):
    with pytest.raises(DataError, match=r"does not exist|No file fits"):
        as_frame(text)


def test_rows_longer_than_the_header_are_refused_and_not_shifted(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params,tokens,loss\n1e6,2e7,3.0,\n2e6,4e7,2.8,\n")
    with pytest.raises(DataError, match="more fields than its header"):
        as_frame(path)


def test_without_pyarrow_a_parquet_file_says_what_to_install(tmp_path, monkeypatch):
    path = write_parquet(tmp_path / "runs.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setattr(pd, "read_parquet", lambda *args, **options: __import__("pyarrow"))
    with pytest.raises(DataError, match=r"needs pyarrow: pip install 'scalefit\[parquet\]'"):
        as_frame(path)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="a mapping of columns, does not make a table"):
        as_frame({"params": [1.0, 2.0], "loss": [1.0]})


def test_aliases_get_their_known_names_and_that_is_said():
    runs = read_runs({"N": [1e6], "D": [2e7], "val_loss": [3.0], "note": ["x"]})
    assert list(runs) == ["params", "tokens", "loss", "note"]
    assert runs.attrs["scalefit_notes"] == (
        "params read from column 'N'",
        "tokens read from column 'D'",
        "loss read from column 'val_loss'",
    )


def test_a_known_name_wins_and_its_aliases_are_left_alone():
    runs = read_runs({"params": [1e6], "N": [5.0], "model_size": ["small"], "loss": [3.0], "val_loss": [3.1]})
    assert list(runs) == ["params", "N", "model_size", "loss", "val_loss"]
    said = (
        "params read from column 'params', although 'N' and 'model_size' could be it too: columns={'params': 'N'}",
        "loss read from column 'loss', although 'val_loss' could be it too: columns={'loss': 'val_loss'}",
    )
    assert runs.attrs["scalefit_notes"] == said
    assert read_runs(runs).attrs["scalefit_notes"] == said


@pytest.mark.parametrize("columns", [{"loss": "loss"}, {"loss": "val_loss"}])
def test_who_says_which_column_is_meant_is_not_told_of_the_others(columns):
    runs = read_runs({"loss": [3.0], "val_loss": [3.1]}, columns=columns)
    assert not any("could be it too" in note for note in runs.attrs["scalefit_notes"])


def test_the_id_of_a_run_beside_its_name_is_no_news():
    assert read_runs({"run": ["a"], "run_id": ["x1"]}).attrs["scalefit_notes"] == ()


def test_quantities_of_their_own_are_never_taken_for_another():
    runs = read_runs({"params_non_embedding": [1e6], "train_loss": [3.0]})
    assert list(runs) == ["params_non_embedding", "train_loss"]


def test_two_aliases_at_once_are_an_error_that_names_both_and_what_to_type():
    table = {"N": [1e6], "n_params": [1e6], "loss": [3.0]}
    said = r"'N' and 'n_params' could each be it\. Say which: columns=\{'params': 'N'\}"
    with pytest.raises(ColumnError, match=said):
        read_runs(table)
    assert list(read_runs(table, columns={"params": "N"})) == ["params", "n_params", "loss"]


def test_a_column_that_the_caller_names_must_be_there_and_not_clash():
    with pytest.raises(ColumnError, match="the table has params and loss"):
        read_runs({"params": [1.0], "loss": [1.0]}, columns={"tokens": "seen"})
    with pytest.raises(ColumnError, match="already has 'loss', and 'other_loss' too"):
        read_runs({"c4": [1.0], "loss": [1.0], "other_loss": [1.0]}, columns={"loss": "c4"})
    with pytest.raises(ColumnError, match="already has 'loss', and 'other_loss' too"):
        read_runs({"c4": [1.0], "loss": [1.0], "x": [1.0]}, columns={"loss": "c4", "other_loss": "x"})
    with pytest.raises(ColumnError, match="two names"):
        read_runs({"c4": [1.0]}, columns={"loss": "c4", "train_loss": "c4"})


LOSSES = {"loss": [1.0], "val_loss": [2.0], "train_loss": [3.0]}


@pytest.mark.parametrize(
    ("columns", "values", "notes"),
    [
        (
            {"loss": "val_loss"},
            {"other_loss": [1.0], "loss": [2.0], "train_loss": [3.0]},
            ("loss read from column 'val_loss'", "column 'loss' is now called 'other_loss'"),
        ),
        (
            {"loss": "val_loss", "train_loss": "loss"},
            {"train_loss": [1.0], "loss": [2.0], "other_train_loss": [3.0]},
            (
                "loss read from column 'val_loss'",
                "train_loss read from column 'loss'",
                "column 'train_loss' is now called 'other_train_loss'",
            ),
        ),
        (
            {"loss": "train_loss", "train_loss": "loss"},
            {"train_loss": [1.0], "val_loss": [2.0], "loss": [3.0]},
            ("loss read from column 'train_loss'", "train_loss read from column 'loss'"),
        ),
        (
            {"train_loss": "loss"},
            {"train_loss": [1.0], "loss": [2.0], "other_train_loss": [3.0]},
            (
                "train_loss read from column 'loss'",
                "loss read from column 'val_loss'",
                "column 'train_loss' is now called 'other_train_loss'",
            ),
        ),
    ],
    ids=["one", "chain", "swap", "alias moves up"],
)
def test_what_the_caller_says_wins_over_names_that_are_taken(columns, values, notes):
    runs = read_runs(LOSSES, columns=columns)
    assert runs.to_dict("list") == values
    assert runs.attrs["scalefit_notes"] == notes


def test_a_table_without_rows_is_refused():
    with pytest.raises(DataError, match="no rows; its columns are params and loss"):
        read_runs({"params": [], "loss": []})


def test_what_the_caller_says_wins_over_the_exact_name_and_that_over_an_alias():
    frame = pd.DataFrame({"tokens": [1.0], "D": [2.0], "seen": [3.0]})
    assert find_column(frame, "tokens", needed_by="power", columns={"tokens": "seen"}) == "seen"
    assert find_column(frame, "tokens", needed_by="power", columns={"x": "nowhere"}) == "tokens"
    assert find_column(frame[["D"]], "tokens", needed_by="power") == "D"


def test_a_missing_column_is_named_with_what_to_type():
    frame = pd.DataFrame({"tokens_used": [1.0], "params": [1.0], "loss": [3.0]})
    with pytest.raises(ColumnError) as raised:
        find_column(frame, "tokens", needed_by="chinchilla")
    assert str(raised.value) == (
        "chinchilla needs a column 'tokens'; the table has tokens_used, params, loss. "
        "If 'tokens_used' is that column, pass columns={'tokens': 'tokens_used'}."
    )


def test_a_misspelt_column_in_columns_is_corrected():
    frame = pd.DataFrame({"tokens_seen": [1.0]})
    with pytest.raises(ColumnError, match=r"Did you mean columns=\{'tokens': 'tokens_seen'\}"):
        find_column(frame, "tokens", needed_by="chinchilla", columns={"tokens": "token_seen"})


def test_two_aliases_of_a_column_that_is_used_are_an_error():
    frame = pd.DataFrame({"D": [1.0], "n_tokens": [1.0]})
    with pytest.raises(ColumnError, match="chinchilla needs a column 'tokens', and the columns 'D' and 'n_tokens'"):
        find_column(frame, "tokens", needed_by="chinchilla")


def test_a_grid_is_every_combination_in_the_order_given():
    frame = grid(family="lstm", params=[1e8, 1e9], tokens=(2e9, 2e10))
    assert list(frame) == ["family", "params", "tokens"]
    assert frame["params"].tolist() == [1e8, 1e8, 1e9, 1e9]
    assert frame["tokens"].tolist() == [2e9, 2e10, 2e9, 2e10]
    assert set(frame["family"]) == {"lstm"}


def test_a_grid_takes_arrays_ranges_and_single_numbers():
    frame = grid(params=np.array([1.0, 2.0]), seed=range(3), tokens=np.array(5.0))
    assert frame.shape == (6, 3)
    assert frame["seed"].tolist() == [0, 1, 2, 0, 1, 2]


def test_a_grid_without_axes_or_with_an_empty_one_is_refused():
    with pytest.raises(DataError, match="at least one axis"):
        grid()
    with pytest.raises(DataError, match="'tokens' is empty"):
        grid(params=[1e9], tokens=[])


def test_compute_does_not_overflow_whole_numbers():
    assert count_flops(params=70 * 10**9, tokens=1400 * 10**9) == pytest.approx(5.88e23)
    sizes = pd.Series([70 * 10**9], index=["chinchilla"])
    flops = count_flops(params=sizes, tokens=1400 * 10**9)
    assert flops["chinchilla"] == pytest.approx(5.88e23)


def test_negative_sizes_have_no_compute():
    with pytest.raises(DataError, match=r"tokens must not be negative; got -1\.0"):
        count_flops(params=np.array([1.0]), tokens=np.array([-1.0]))


def test_whole_numbers_of_large_quantities_become_floats_so_that_products_do_not_overflow():
    table = {"N": [209127749], "D": [20912774900], "C": [2**62], "step": [9], "seed": [0], "experts": [8], "loss": [3]}
    runs = read_runs(table)
    assert (6 * runs.params * runs.tokens).iloc[0] == pytest.approx(2.624e19, rel=1e-3)
    assert runs.flops.dtype == np.float64
    assert [runs[name].dtype for name in ("step", "seed", "experts")] == [np.int64] * 3


def test_a_missing_whole_number_of_a_large_quantity_is_nan():
    runs = read_runs(pd.DataFrame({"params": pd.array([10**6, None], dtype="Int64"), "loss": [3.0, 2.9]}))
    assert runs.params.dtype == np.float64
    assert np.isnan(runs.params[1])
