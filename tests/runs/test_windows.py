"""Windows, sums, medians and decaying sums along runs are those of a plain loop."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from scalefit.runs.windows import (
    decayed_sums,
    ratio_windows,
    row_windows,
    search_within,
    weighted_means,
    wide_windows,
    window_means,
    window_medians,
    window_sums,
)


def run_rows(*lengths):
    """The first and the last row of the run of each row."""
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(bounds[:-1], lengths), np.repeat(bounds[1:] - 1, lengths)


LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@st.composite
def histories(draw):
    """Runs of any length, with sorted places that need not differ much, and numbers of very different size."""
    lengths = draw(LENGTHS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    along = np.concatenate([np.sort(rng.choice(2000, size=n, replace=False)).astype(float) for n in lengths])
    return along, rng.normal(size=len(along)) * 10.0 ** rng.integers(-3, 4, len(along)), *run_rows(*lengths)


@given(histories(), st.data())
@settings(max_examples=50, deadline=None)
def test_a_number_is_found_where_searchsorted_finds_it_in_its_stretch(history, data):
    along, _, first, last = history
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows = rng.integers(0, len(along), 30)
    wanted = rng.choice(np.concatenate([along, along + 0.5, [-1.0, 1e9]]), 30)
    for right, side in ((False, "left"), (True, "right")):
        found = search_within(along, first[rows], last[rows] + 1, wanted, right=right)
        told = [
            first[row] + np.searchsorted(along[first[row] : last[row] + 1], number, side=side)
            for row, number in zip(rows, wanted, strict=True)
        ]
        assert found.tolist() == told


@given(histories(), st.floats(1.01, 30), st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_sums_means_and_medians_of_windows_are_those_of_a_loop(history, ratio, half):
    along, values, first, last = history
    for start, stop in (
        ratio_windows(along, first, last, ratio),
        row_windows(first, last, 2 * half + 1),
        wide_windows(along, first, last, ratio=ratio, rows=2 * half + 1),
    ):
        place = np.arange(len(along))
        assert (np.diff([first, start, place, stop - 1, last], axis=0) >= 0).all()
        parts = [values[a:b] for a, b in zip(start, stop, strict=True)]
        size = [np.abs(part).sum() for part in parts]
        assert window_sums(values, start, stop) == pytest.approx([part.sum() for part in parts], abs=1e-14 * max(size))
        assert window_means(values, start, stop) == pytest.approx(
            [part.mean() for part in parts], abs=1e-14 * max(size)
        )
        assert window_medians(values, start, stop).tolist() == pytest.approx([np.median(part) for part in parts])


@given(histories(), st.floats(0.1, 1e4))
@settings(max_examples=50, deadline=None)
def test_moving_averages_are_those_of_a_loop(history, halflife):
    along, values, first, _ = history
    told = []
    for row, begin in enumerate(first):
        weights = 2.0 ** (-(along[row] - along[begin : row + 1]) / halflife)
        told.append((weights * values[begin : row + 1]).sum() / weights.sum())
    assert weighted_means(values, along, first, halflife) == pytest.approx(told, rel=1e-9, abs=1e-9)


def test_sums_forget_by_the_decay_of_each_row():
    sums = decayed_sums(np.array([1.0, 1.0, 1.0, 5.0, 1.0]), np.array([0.0, 0.5, 0.25, 0.0, 1.0]))
    assert sums.tolist() == [1.0, 1.5, 1.375, 5.0, 6.0]


def test_one_huge_loss_spoils_only_the_windows_that_hold_it():
    values = np.ones(1000)
    values[500] = 1e25
    start, stop = row_windows(*run_rows(1000), 11)
    means = window_means(values, start, stop)
    assert np.flatnonzero(means != 1.0).tolist() == list(range(495, 506))


def test_the_mean_of_one_row_is_its_very_value():
    values = np.array([0.1, 0.2, 0.3])
    place = np.arange(3)
    assert window_means(values, place, place + 1).tolist() == values.tolist()


def test_a_window_of_constant_ratio_ends_at_the_root_of_the_ratio():
    along = np.geomspace(1, 100, 201)
    start, stop = ratio_windows(along, *run_rows(201), 4.0)
    middle = 100  # at 10
    assert along[start[middle]] == pytest.approx(5.0, rel=0.03)
    assert along[stop[middle] - 1] == pytest.approx(20.0, rel=0.03)


def test_windows_shrink_on_both_sides_where_a_run_begins_and_ends():
    first, last = run_rows(7)
    start, stop = row_windows(first, last, 5)
    assert list(zip(start, stop, strict=True)) == [(0, 1), (0, 3), (0, 5), (1, 6), (2, 7), (4, 7), (6, 7)]
    along = 2.0 ** np.arange(7)
    start, stop = ratio_windows(along, first, last, 16.0)
    assert list(zip(start, stop, strict=True)) == [(0, 1), (0, 3), (0, 5), (1, 6), (2, 7), (4, 7), (6, 7)]


def test_a_row_at_step_zero_has_a_window_of_its_own():
    along = np.array([0.0, 1.0, 2.0])
    start, stop = ratio_windows(along, *run_rows(3), 100.0)
    assert (start[0], stop[0]) == (0, 1)
    assert (start[1], stop[1]) == (1, 3)


def test_wide_windows_never_move_back_where_a_log_becomes_sparse():
    along = np.concatenate([np.arange(1, 1001), np.arange(2000, 100_000, 1000)]).astype(float)
    start, stop = wide_windows(along, *run_rows(len(along)), ratio=1.5, rows=15)
    assert (np.diff([start, stop]) >= 0).all()
