"""Laws ranked two by two on what both predicted; errors are given, so that the answer is known."""

import numpy as np
import pandas as pd
import pytest

from scalefit.decisions.ranking import comparable_error, errors_of, order_of, reference_of

HARD, EASY = 0.5, 0.8
LABELS = pd.Index(["a", "b", "c"])


def told(errors):
    """Points of a law whose relative error at each cut is given, on rows b and c."""
    rows = [(row, cut, 2.0, 2.0 * (1 + error)) for cut, error in errors.items() for row in "bc"]
    return pd.DataFrame(rows, columns=["row", "cut", "observed", "estimate"]).assign(low=np.nan, high=np.nan)


def ranked(laws, aicc=None, standing=None):
    table = errors_of({law: told(errors) for law, errors in laws.items()}, LABELS)
    return table, order_of(table, aicc or dict.fromkeys(laws, 0.0), standing or dict.fromkeys(laws, 0))


def test_a_law_that_misses_a_cut_does_not_take_it_from_the_others():
    """At the cut that all share, b is a little better; at the other, where weak was not judged, far worse."""
    laws = {"a": {HARD: 0.02, EASY: 0.011}, "b": {HARD: 0.20, EASY: 0.010}, "weak": {EASY: 0.30}}
    _, order = ranked(laws)
    assert order == ["a", "b", "weak"]


def test_a_law_that_was_judged_only_where_it_is_easy_does_not_profit():
    table, order = ranked({"easy": {EASY: 0.02}, "all": {HARD: 0.10, EASY: 0.01}})
    assert table.mean(table.column("easy")) < table.mean(table.column("all"))
    assert order == ["all", "easy"]
    assert comparable_error(table, reference_of(table, order), "easy") == pytest.approx(2.0 * (0.10 + 0.01) / 2)


def test_errors_are_scaled_by_the_best_law_that_was_judged_at_the_most_points():
    laws = {"easy": {EASY: 0.01}, "all": {HARD: 0.10, EASY: 0.02}, "also": {HARD: 0.09, EASY: 0.04}}
    table, order = ranked(laws)
    assert order == ["easy", "all", "also"]
    assert reference_of(table, order) == "all"
    assert [comparable_error(table, "all", law) for law in order] == pytest.approx([0.03, 0.06, 0.065])


def test_a_wild_third_law_does_not_come_between_two_equal_ones():
    """A model of laws by cuts would blame the hard cut less because the third law does badly there."""
    laws = {"a": {HARD: 0.01, EASY: 0.01}, "b": {EASY: 0.01}, "wild": {HARD: 9.0, EASY: 0.05}}
    table, _ = ranked(laws)
    assert comparable_error(table, "a", "b") == pytest.approx(0.01)


def test_errors_that_differ_by_less_than_two_percent_are_ordered_by_aicc():
    laws = {"a": {HARD: 0.0100}, "b": {HARD: 0.0101}, "c": {HARD: 0.0110}}
    assert ranked(laws, aicc={"a": -90.0, "b": -100.0, "c": -999.0})[1] == ["b", "a", "c"]


def test_laws_that_share_no_point_are_ordered_by_aicc():
    assert ranked({"a": {HARD: 0.01}, "b": {EASY: 0.02}}, aicc={"a": -1.0, "b": -2.0})[1] == ["b", "a"]


def test_standing_comes_before_errors():
    assert ranked({"a": {HARD: 0.01}, "b": {HARD: 0.02}}, standing={"a": 2, "b": 0})[1] == ["b", "a"]


def test_doubtful_laws_lend_no_wins_to_the_others():
    """The bad law beats the good one only in the number of doubtful laws that it alone would beat."""
    laws = {"good": {EASY: 0.01}, "bad": {HARD: 0.01, EASY: 0.02}, "x": {HARD: 0.02}, "y": {HARD: 0.02}}
    aicc = {"good": 0.0, "bad": 0.0, "x": -1.0, "y": -1.0}
    assert ranked(laws, aicc, {"good": 0, "bad": 0, "x": 2, "y": 2})[1][0] == "good"


def test_a_law_that_predicts_no_number_loses_to_one_that_does():
    table, order = ranked({"none": {HARD: np.nan}, "poor": {HARD: 5.0}})
    assert order == ["poor", "none"]
    assert comparable_error(table, "poor", "none") == np.inf


def test_each_cut_counts_the_same_however_many_rows_lie_beyond_it():
    table, _ = ranked({"a": {HARD: 0.1, EASY: 0.3}})
    assert table.mean(np.where(np.arange(4) == 0, np.nan, table.column("a"))) == pytest.approx(0.2)


def test_rows_at_which_zero_was_seen_do_not_count():
    points = told({HARD: 0.1}).assign(observed=[0.0, 2.0])
    table = errors_of({"a": points}, LABELS)
    assert len(table.size) == 1
    assert table.mean(table.column("a")) == pytest.approx(0.1)
