"""Parquet: plain columns come out, whatever they were packed, nested or indexed in; the rest is left out and said."""

import datetime as dt
import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from mutations import damaged, read_or_refuse
from peak_memory import MOST_MIB, peak_mib
from scalefit.errors import ColumnError, DataError
from scalefit.runs.readers.parquet import PARQUET
from scalefit.runs.reading import read_file

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SAMPLES = Path(__file__).parents[2] / "samples" / "parquet"
STEPS = list(range(0, 1000, 100))
LOSS = (1.7 + 3 / (1 + np.arange(0, 1000, 100)) ** 0.3).tolist()


@pytest.fixture
def read(tmp_path):
    """What is read from a table of Arrow, or from columns, written as Parquet."""

    def read(table, **options):
        path = tmp_path / "runs.parquet"
        parquet.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
        return read_file(path)

    return read


def test_an_index_with_names_becomes_columns():
    frame = read_file(SAMPLES / "pandas_index.parquet").frame
    assert frame["run"].tolist() == ["small"] * 5 + ["größer"] * 5
    assert frame["step"].tolist() == STEPS
    assert frame["loss"].tolist() == LOSS


def test_an_index_that_counts_rows_is_left_out_and_another_one_is_not(tmp_path):
    reading = read_file(SAMPLES / "pandas_row_numbers.parquet")
    assert list(reading.frame)[:2] == ["run", "step"]
    assert reading.frame.index.tolist() == list(range(len(reading.frame)))
    assert "left out: the row numbers of pandas" in reading.notes
    pd.DataFrame({"loss": [1.0, 2.0]}, index=["a", "b"]).to_parquet(tmp_path / "named.parquet")
    assert read_file(tmp_path / "named.parquet").frame["index"].tolist() == ["a", "b"]


def test_what_may_be_missing_is_nan_and_large_whole_numbers_stay_exact():
    frame = read_file(SAMPLES / "pandas_index.parquet").frame
    for name in ("seed", "finished", "note"):
        assert frame[name].isna().tolist() == [False, True] * 5
    assert frame["seed"].iloc[0] == 2**60 + 1
    assert frame["finished"].iloc[0] is True
    assert frame["note"].iloc[0] == "a"


def test_times_keep_their_zone():
    when = read_file(SAMPLES / "pandas_index.parquet").frame["when"]
    assert when.iloc[0].utcoffset() == dt.timedelta(hours=1)
    assert when.iloc[-1].utcoffset() == dt.timedelta(hours=2)


def test_categories_and_dictionaries_are_plain_text(read):
    for table in (
        pa.table({"run": pa.array(["a", None, "b"]).dictionary_encode(), "loss": [1.0, 2.0, 3.0]}),
        pa.Table.from_pandas(pd.DataFrame({"run": pd.Categorical(["a", None, "b"]), "loss": [1.0, 2.0, 3.0]})),
    ):
        frame = read(table).frame
        assert not isinstance(frame["run"].dtype, pd.CategoricalDtype)
        assert frame["run"].fillna("-").tolist() == ["a", "-", "b"]


def test_records_are_taken_apart_and_lists_and_bytes_left_out_and_that_is_said():
    reading = read_file(SAMPLES / "arrow_nested.parquet")
    frame = reading.frame
    assert frame["eval.loss"].tolist() == LOSS
    assert frame["eval.tasks.piqa"].tolist() == [0.5] * 10
    assert frame["lr"].tolist() == [0.0003] * 10
    assert frame["day"].iloc[0] == pd.Timestamp("2024-01-01")
    assert frame["family"].tolist() == ["a", "b"] * 5
    assert frame["empty"].isna().all()
    assert "records taken apart: column 'eval' and column 'eval.tasks'" in reading.notes
    assert "left out, since it holds lists: losses" in reading.notes
    assert "losses" not in frame
    assert "decimals as floats: column 'lr'" in reading.notes
    assert "left out: column 'blob' of type binary (no numbers and no text)" in reading.notes


def test_the_history_of_wandb_has_its_step():
    reading = read_file(SAMPLES / "wandb_history.parquet")
    assert reading.frame["step"].tolist() == STEPS
    assert "step read from column '_step'" in reading.notes
    runs = sf.read_runs(SAMPLES / "wandb_history.parquet")
    assert runs["loss"].notna().tolist() == [False, True] * 5
    assert runs["train_loss"].tolist() == LOSS


def test_a_step_of_ones_own_wins_over_that_of_wandb(read):
    assert list(read({"step": [10, 20], "_step": [1, 2]}).frame) == ["step", "_step"]


def test_polars_and_any_size_of_row_groups_give_the_same(read):
    frame = read_file(SAMPLES / "polars.parquet").frame
    assert frame["loss"].tolist() == LOSS
    table = pa.table({"step": range(1000), "run": [f"r{i % 7}" for i in range(1000)]})
    for rows in (1, 7, 1000):
        pd.testing.assert_frame_equal(read(table, row_group_size=rows).frame, read(table).frame)


def test_numbers_of_every_width_are_read(read):
    kinds = [pa.int8(), pa.uint8(), pa.int32(), pa.uint64(), pa.float32(), pa.float64()]
    frame = read({str(kind): pa.array([1, 2], kind) for kind in kinds} | {"half": np.array([1, 2], np.float16)}).frame
    assert all(frame[name].tolist() == [1, 2] for name in frame)
    assert len(frame.columns) == 7


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "runs.parquet.gz"
    path.write_bytes(gzip.compress((SAMPLES / "polars.parquet").read_bytes()))
    assert read_file(path).frame["loss"].tolist() == LOSS


def test_a_file_without_its_ending_is_read_by_its_content(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes((SAMPLES / "polars.parquet").read_bytes())
    assert read_file(path).notes[0] == "runs.csv read as Parquet"


def test_a_file_that_was_cut_off_is_one_line(tmp_path):
    path = tmp_path / "cut.parquet"
    path.write_bytes((SAMPLES / "polars.parquet").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cut\.parquet' cannot be read: ") as raised:
        read_file(path)
    assert "\n" not in str(raised.value)


def test_a_table_without_rows_or_usable_columns_is_refused(read):
    with pytest.raises(DataError, match=r"has columns \(loss\) and no rows"):
        read({"loss": pa.array([], pa.float64())})
    with pytest.raises(DataError, match=r"has columns \(blob\), of which none can be read"):
        read({"blob": [b"x"]})


def test_lists_within_records_cost_themselves_only(read):
    lists = {
        "eval": [{"loss": 2.0, "parts": [1.0]}],
        "x.list.y": [3.0],
        "m": pa.array([[("a", 1)]], pa.map_("string", "i8")),
    }
    reading = read(lists)
    assert reading.frame.to_dict("list") == {"eval.loss": [2.0], "x.list.y": [3.0]}
    assert reading.notes[-1] == "left out, since they hold lists: eval.parts and m"


def test_two_columns_of_one_name_are_refused(read):
    with pytest.raises(ColumnError, match="more than one column 'loss'; rename or drop all but one"):
        read(pa.table([pa.array([1.0]), pa.array([2.0])], names=["loss", "loss"]))


def test_a_name_that_taking_apart_makes_twice_is_made_another(read):
    frame = read({"eval.loss": [1.0], "eval": [{"loss": 2.0}]}).frame
    assert frame.to_dict("list") == {"eval.loss": [1.0], "eval.loss'": [2.0]}


def test_text_that_is_not_utf_8_costs_its_column_only(read):
    text = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    reading = read(pa.table({"run": text, "loss": [1.0]}))
    assert list(reading.frame) == ["loss"]
    assert any("'run'" in note and "left out" in note for note in reading.notes)


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"needs pyarrow: pip install 'scalefit\[parquet\]'"):
        read_file(SAMPLES / "polars.parquet")


def test_a_million_rows_are_read(read):
    n = 1_000_000
    frame = read({"step": np.arange(n), "loss": np.arange(n) / 7, "run": pa.array(["a", "b"] * (n // 2))}).frame
    assert frame["step"].iloc[-1] == n - 1
    assert frame["loss"].sum() == pytest.approx((n - 1) * n / 14, rel=1e-12)
    assert frame["run"].iloc[-1] == "b"


FILES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.parquet"))]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(*4 * [damaged(FILES)], st.binary(max_size=200).map(b"PAR1".__add__)))
def test_a_damaged_file_gives_rows_or_one_error(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    path.write_bytes(data)
    read_or_refuse(PARQUET, path)


def table_of_repeats():
    return pa.table({"run": pa.DictionaryArray.from_arrays(np.zeros(10**6, np.int32), ["x" * 10**6])})


def nested_repeats():
    words = pa.DictionaryArray.from_arrays(np.zeros(10**6, np.int32), ["x" * 10**6])
    return pa.table({"run": pa.ListArray.from_arrays([0, 10**6], words)})


WORST = {
    "one number in every row": lambda: pa.table({"loss": pa.array(np.zeros(3 * 10**7))}),
    "one long word in every row": table_of_repeats,
    "one long word in a list": nested_repeats,
    "one long word, packed": lambda: pa.table({"run": ["x" * 2**28]}),
    "many columns": lambda: pa.table({f"c{i}": [1.0] for i in range(2800)}),
    "many values in lists": lambda: pa.table({"run": [np.zeros(10**7, np.int8)] * 3}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORST)
def test_no_file_of_a_megabyte_takes_a_gigabyte(kind, tmp_path):
    path = tmp_path / "worst.parquet"
    parquet.write_table(WORST[kind](), path, compression="zstd", row_group_size=10**8)
    assert path.stat().st_size < 1.1e6
    peak, said = peak_mib(path)
    assert peak < MOST_MIB, said
