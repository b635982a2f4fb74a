"""Notes travel with a table, and nothing that was passed is changed."""

import pandas as pd
import pytest

from scalefit.runs.frame import read_runs
from scalefit.runs.notes import a_few, add_note, how_many, notes_of, sentence


def test_a_table_that_no_step_has_touched_has_no_notes():
    assert notes_of(pd.DataFrame({"loss": [3.0]})) == ()


def test_notes_come_in_the_order_of_the_steps_and_after_those_of_the_reader():
    runs = add_note(add_note(read_runs({"N": [1e6], "loss": [3.0]}), "first"), "second")
    assert notes_of(runs) == ("params read from column 'N'", "first", "second")


def test_a_new_table_takes_over_the_notes_and_attributes_of_the_one_it_was_made_from():
    old = add_note(pd.DataFrame({"loss": [3.0, 2.0]}), "read")
    old.attrs["licence"] = "CC0"
    new = add_note(pd.DataFrame({"loss": [2.0]}), "thinned", after=old)
    assert notes_of(new) == ("read", "thinned")
    assert new.attrs["licence"] == "CC0"


def test_the_table_that_was_passed_keeps_its_notes():
    old = add_note(pd.DataFrame({"loss": [3.0]}), "read")
    add_note(old, "thinned")
    assert notes_of(old) == ("read",)


def test_selecting_rows_keeps_the_notes():
    runs = add_note(pd.DataFrame({"loss": [3.0, 2.0]}), "read")
    assert notes_of(runs[runs.loss > 2.5]) == ("read",)


def test_notes_survive_a_parquet_file(tmp_path):
    add_note(pd.DataFrame({"loss": [3.0]}), "read").to_parquet(tmp_path / "runs.parquet")
    assert notes_of(pd.read_parquet(tmp_path / "runs.parquet")) == ("read",)


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_counts_agree_with_their_noun(number, text):
    assert how_many(number, "row") == text


def test_empty_parts_of_a_sentence_vanish():
    assert sentence(["cut", "", "3 rows"]) == "cut; 3 rows"


def test_many_names_are_counted():
    assert a_few("ab") == "a and b"
    assert a_few("abc") == "a, b and c"
    assert a_few("abcde") == "a, b, c and 2 more"
