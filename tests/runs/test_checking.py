"""Columns become arrays, or the error says which column, which rows and what to type."""

import datetime as dt
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, strategies as st

from scalefit.errors import ColumnError, DataError, UnitWarning
from scalefit.runs.checking import checked_columns, no_reserved_columns, numeric_column, unit_warnings
from scalefit.runs.frame import as_frame

LABELS = [f"run{number}" for number in range(7)]


def numbers_of(values, *, positive=True, index=None, name="loss", column="loss"):
    frame = pd.DataFrame({column: pd.Series(values, index=index)})
    return numeric_column(frame, column, name=name, needed_by="chinchilla", positive=positive)


def complaint_about(values, *, positive=True, index=None, name="loss", column="loss"):
    with pytest.raises(DataError) as raised:
        numbers_of(values, positive=positive, index=index, name=name, column=column)
    return str(raised.value)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        [1.0, 2.0],
        np.array([1, 2], dtype=np.uint8),
        np.array([1, 2], dtype=np.float16),
        pd.array([1, 2], dtype="Int64"),
        pd.array([1.0, 2.0], dtype="Float32"),
        pd.Categorical([1, 2]),
        [Decimal(1), Decimal(2)],
        [Fraction(1), Fraction(2)],
        pd.Series([1, 2.0], dtype=object),
        pd.Series([1, 2], dtype="int64[pyarrow]"),
        pd.arrays.SparseArray([1.0, 2.0]),
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_numbers_of_any_type_become_a_contiguous_array_of_floats(values):
    numbers = numbers_of(values)
    assert numbers.dtype == np.float64
    assert numbers.flags.c_contiguous
    assert numbers.tolist() == [1.0, 2.0]


def test_whole_numbers_beyond_64_bits_are_read():
    assert numbers_of([6 * 10**23, 1]).tolist() == [6e23, 1.0]


def test_the_array_is_not_a_window_into_the_frame():
    frame = pd.DataFrame({"loss": [1.0, 2.0]})
    numeric_column(frame, "loss", name="loss", needed_by="fit", positive=True)[0] = 9.0
    assert frame["loss"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_text_in_numbers_is_shown_with_its_row(dtype):
    complaint = complaint_about(pd.Series(["3.1", "n/a", "2.9"], index=LABELS[:3], dtype=dtype))
    assert complaint == (
        "chinchilla: column 'loss' has text where a number is expected: 'n/a' in row run1. "
        "Convert it: pd.to_numeric(…, errors='coerce'), and drop the row."
    )


def test_numbers_written_as_text_are_said_to_be_that():
    complaint = complaint_about(pd.Series(["3.1", "2.9"], index=LABELS[:2], dtype=object))
    assert complaint.endswith("'3.1' in row run0. Convert it: pd.to_numeric.")


def test_one_word_among_numbers_is_the_one_shown():
    complaint = complaint_about([3.1, "diverged", 2.9], index=[10, 11, 12])
    assert "'diverged' in row 11" in complaint


@pytest.mark.parametrize(
    "values",
    [
        [1.0, np.nan, 2.0],
        [1.0, None, 2.0],
        pd.array([1, None, 2], dtype="Int64"),
        pd.Series([1, None, 2], dtype="Float64"),
        pd.Categorical([1, None, 2]),
        [Decimal(1), pd.NA, Decimal(2)],
        [Decimal(1), Decimal("NaN"), Decimal(2)],
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_missing_numbers_are_named_by_row_with_what_to_type(values):
    complaint = complaint_about(values)
    assert complaint == (
        "chinchilla: column 'loss' has no value in row 1. Drop such rows: runs.dropna(subset=['loss'])."
    )


def test_missing_numbers_of_polars_are_named_too():
    frame = as_frame(pl.DataFrame({"loss": [3, None]}))
    with pytest.raises(DataError, match="column 'loss' has no value in row 1"):
        numeric_column(frame, "loss", name="loss", needed_by="fit", positive=True)


def test_many_rows_are_named_by_the_first_three_labels_and_counted():
    complaint = complaint_about([np.nan] * 7, index=LABELS)
    assert "in rows run0, run1, run2 and 4 more." in complaint


@pytest.mark.parametrize("huge", [np.inf, -np.inf, 10**400], ids=["inf", "-inf", "1e400"])
def test_infinite_numbers_are_refused(huge):
    assert "column 'loss' is infinite in row 1" in complaint_about(pd.Series([1.0, huge], dtype=object))


@pytest.mark.parametrize("bad", [0.0, -1.5])
def test_zero_and_negative_numbers_are_refused_only_where_they_make_no_sense(bad):
    complaint = complaint_about([1.0, 2.0, bad], index=[4, 5, 6], name="tokens", column="D")
    assert complaint == (
        f"chinchilla: column 'D' (tokens) must be above zero and is {bad:g} in row 6. "
        "Keep the others: runs[runs['D'] > 0]."
    )
    assert numbers_of([1.0, bad], positive=False).tolist() == [1.0, bad]


def test_the_caller_can_add_what_else_could_be_done_about_them():
    frame = pd.DataFrame({"loss": [0.0]})
    with pytest.raises(DataError, match=r"Or fit on the raw scale\.$"):
        numeric_column(
            frame, "loss", name="loss", needed_by="fit", positive=True, alternative="Or fit on the raw scale."
        )


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([True, False], "truth values"),
        (pd.array([True, None], dtype="boolean"), "truth values"),
        ([1.0, True], "bool"),
        ([1 + 2j, 3], "complex"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "datetime64"),
        (pd.to_timedelta([1, 2], unit="h"), "timedelta64"),
        ([dt.date(2024, 1, 1), 1.0], "date"),
        ([[1.0], [2.0]], "list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_number_is_refused(values, word):
    complaint = complaint_about(values)
    assert "column 'loss'" in complaint
    assert word in complaint


@given(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=1), st.data())
def test_exactly_the_bad_rows_are_named(values, data):
    row = data.draw(st.integers(0, len(values) - 1))
    assert numbers_of(values).tolist() == values
    values[row] = float("nan")
    assert f"in row {row}." in complaint_about(values)


@pytest.mark.parametrize(
    ("name", "values", "hint"),
    [
        ("params", [70.0, 400.0], "has 2 of 2 numbers below 1000, such as 70: probably in millions or billions"),
        ("tokens", [1.4, 2e10], "has 1 of 2 numbers below 1000, such as 1.4: probably in millions or billions"),
        ("flops", [5.9, 6e23], "probably in EFLOP"),
        ("loss", [31.0, 3.0], "has 1 of 2 numbers above 30, such as 31: probably a perplexity"),
        ("accuracy", [81.0, 0.5], "probably in percent; divide by 100"),
    ],
)
def test_a_probable_unit_is_warned_about_with_the_likely_factor(name, values, hint):
    with pytest.warns(UnitWarning) as caught:
        unit_warnings(np.array(values), name=name, column=name)
    (warning,) = caught
    assert str(warning.message).startswith(f"column '{name}' ")
    assert hint in str(warning.message)


def test_a_warning_names_the_column_and_points_to_the_line_that_called():
    with pytest.warns(UnitWarning, match=r"column 'N' \(params\)") as caught:
        checked_columns(pd.DataFrame({"N": [7.0]}), ["params"], needed_by="fit")
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("name", "values"),
    [("params", [3e3, 1e12]), ("loss", [0.5, 11.0]), ("x", [1e-9, 1e40]), ("step", [0.0, 1e6]), ("tokens", [1024.0])],
)
def test_usual_numbers_and_unknown_columns_pass_in_silence(name, values):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        unit_warnings(np.array(values), name=name, column=name)
    assert caught == []


def test_units_are_not_looked_at_if_that_is_asked():
    checked = checked_columns(pd.DataFrame({"params": [7.0]}), ["params"], needed_by="fit", warn_units=False)
    assert checked.values["params"].tolist() == [7.0]


def test_a_table_that_has_a_column_of_the_answer_is_refused():
    frame = pd.DataFrame({"params": [1.0], "low": [1.0], "estimate": [1.0]})
    with pytest.raises(ColumnError, match=r"already has 'estimate' and 'low'.*rename\(columns=\{'estimate': 'my_estim"):
        no_reserved_columns(frame, needed_by="predict")
    no_reserved_columns(frame, ("high",), needed_by="predict")


def test_only_the_columns_asked_for_are_looked_at():
    frame = pd.DataFrame({"params": [1e6, 2e6], "loss": [3.0, 2.8], "note": ["a", "b"], "lr": [np.nan, -1.0]})
    checked = checked_columns(frame, ["params", "loss"], needed_by="power")
    assert list(checked.values) == ["params", "loss"]
    assert checked.notes == ()


def test_where_a_quantity_was_read_is_said_once():
    frame = pd.DataFrame({"N": [1e6], "seen": [2e7]})
    checked = checked_columns(frame, ["params", "tokens", "params"], needed_by="fit", columns={"tokens": "seen"})
    assert dict(checked.columns) == {"params": "N", "tokens": "seen"}
    assert checked.notes == ("params read from column 'N'", "tokens read from column 'seen'")


def test_what_was_checked_cannot_be_changed():
    checked = checked_columns(pd.DataFrame({"params": [1e6]}), ["params"], needed_by="fit")
    with pytest.raises(ValueError, match="read-only"):
        checked.values["params"][0] = 1.0
    with pytest.raises(TypeError):
        checked.values["params"] = np.ones(1)


def test_compute_is_derived_where_it_is_absent_and_that_is_said():
    frame = pd.DataFrame({"params": [1e6, 2e6], "D": [2e7, 4e7]})
    checked = checked_columns(frame, ["flops", "params"], needed_by="backtest")
    assert checked.values["flops"].tolist() == [6 * 1e6 * 2e7, 6 * 2e6 * 4e7]
    assert dict(checked.columns) == {"flops": "flops", "params": "params"}
    assert checked.notes == ("tokens read from column 'D'", "flops derived as 6 * params * tokens")


def test_compute_that_is_given_is_not_derived():
    frame = pd.DataFrame({"params": [1e6], "tokens": [2e7], "C": [9e13]})
    assert checked_columns(frame, ["flops"], needed_by="backtest").values["flops"].tolist() == [9e13]


def test_compute_that_can_neither_be_read_nor_derived_says_what_is_missing():
    with pytest.raises(ColumnError, match=r"backtest needs a column 'flops'.*With 'params' and 'tokens' it is derived"):
        checked_columns(pd.DataFrame({"params": [1e6]}), ["flops"], needed_by="backtest")


def test_compute_from_two_candidates_for_a_size_is_ambiguous():
    with pytest.raises(ColumnError, match="'N' and 'n_params'"):
        checked_columns(pd.DataFrame({"N": [1e6], "n_params": [1e6], "tokens": [1e7]}), ["flops"], needed_by="fit")


def test_bad_sizes_are_found_when_compute_is_derived_from_them():
    with pytest.raises(DataError, match="column 'tokens' must be above zero and is 0 in row 0"):
        checked_columns(pd.DataFrame({"params": [1e6], "tokens": [0.0]}), ["flops"], needed_by="fit")


@pytest.mark.parametrize(
    ("positive", "refused"),
    [(True, {"params", "x"}), (False, set()), ({"step"}, {"step"}), ((), set())],
    ids=["by the vocabulary", "none", "one", "empty"],
)
def test_the_caller_decides_which_quantities_must_be_positive(positive, refused):
    for name in ("params", "x", "step"):
        frame = pd.DataFrame({name: [0.0]})
        if name in refused:
            with pytest.raises(DataError, match="must be above zero"):
                checked_columns(frame, [name], needed_by="fit", positive=positive, warn_units=False)
        else:
            assert checked_columns(frame, [name], needed_by="fit", positive=positive, warn_units=False)


def test_an_empty_table_is_refused():
    with pytest.raises(DataError, match="fit needs at least one row; the table has none"):
        checked_columns(pd.DataFrame({"params": []}), ["params"], needed_by="fit")


def test_a_missing_column_is_named_with_what_to_type():
    with pytest.raises(ColumnError, match=r"If 'token' is that column, pass columns=\{'tokens': 'token'\}"):
        checked_columns(pd.DataFrame({"token": [1e6]}), ["tokens"], needed_by="chinchilla")


def test_a_column_that_the_caller_names_must_exist():
    with pytest.raises(ColumnError, match="told to read 'x' from a column 'flop', which is missing"):
        checked_columns(pd.DataFrame({"flops": [1e16]}), ["x"], needed_by="power", columns={"x": "flop"})
