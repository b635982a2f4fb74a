"""Thin logs have few rows, keep their ends, and favour neither low nor high losses."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.notes import notes_of
from scalefit.runs.thinning import bin_means, thin_log

METHODS = pytest.mark.parametrize("method", ["pick", "mean"])


def log_of(rows=20_000, *, run="a", first=1, seed=0):
    rng = np.random.default_rng(seed)
    steps = np.arange(first, first + rows)
    return pd.DataFrame({"run": run, "step": steps, "loss": 3 + rng.normal(0, 0.1, rows), "params": 10**6})


@METHODS
@pytest.mark.parametrize("points", [3, 10, 57, 200])
def test_a_long_log_keeps_no_more_rows_than_asked_for_with_the_first_and_the_last(method, points):
    log = log_of()
    thin = thin_log(log, points=points, method=method)
    assert 0.55 * points <= len(thin) <= points  # the first steps are too far apart for all points
    for end in (0, -1):
        assert thin[["step", "loss"]].iloc[end].tolist() == log[["step", "loss"]].iloc[end].tolist()


def test_picked_rows_are_evenly_spaced_in_the_log_and_unchanged():
    log = log_of(first=1000)
    thin = thin_log(log, points=50)
    assert len(thin) == 50
    assert np.diff(np.log(thin.step)) == pytest.approx(np.log(20_999 / 1000) / 49, rel=0.02)
    pd.testing.assert_frame_equal(thin, log.loc[thin.index])


def test_averaged_rows_are_means_of_bins_that_hold_every_row_once():
    log = log_of()
    thin = thin_log(log, points=50, method="mean")
    assert thin.rows_used.sum() == len(log)
    assert (thin.loss * thin.rows_used).sum() == pytest.approx(log.loss.sum())
    assert (thin.step * thin.rows_used).sum() == pytest.approx(log.step.sum())


@METHODS
def test_neither_method_favours_low_or_high_losses(method):
    logs = pd.concat([log_of(2000, run=str(seed), seed=seed) for seed in range(50)])
    thin = thin_log(logs, points=60, method=method)
    weights = thin.get("rows_used", pd.Series(1, index=thin.index))
    error = ((thin.loss - 3) * weights).sum() / weights.sum()
    assert abs(error) < 4 * 0.1 / np.sqrt(weights.sum())


def test_averaging_takes_away_noise_and_picking_does_not():
    log = log_of()
    picked, averaged = (thin_log(log, points=50, method=method).iloc[-20:-1] for method in ("pick", "mean"))
    assert picked.loss.std() > 0.05
    assert averaged.loss.std() < 0.02


@METHODS
def test_a_log_of_few_rows_is_kept_as_it_is(method):
    log = log_of(40)
    thin = thin_log(log, points=40, method=method)
    pd.testing.assert_frame_equal(thin[list(log)], log)


@METHODS
def test_every_run_is_thinned_for_itself_and_order_and_index_are_kept(method):
    logs = pd.concat([log_of(5000, run="b"), log_of(30, run="c"), log_of(5000, run="a")], ignore_index=True)
    logs = logs.sample(frac=1, random_state=0)
    thin = thin_log(logs, points=20, method=method)
    alone = thin_log(logs.query("run == 'a'"), points=20, method=method)
    assert thin.query("run == 'a'").loss.tolist() == pytest.approx(alone.loss.tolist())
    assert thin.index.tolist() == [label for label in logs.index if label in thin.index]


def test_what_never_changes_stays_exactly_so_with_its_type_and_text_is_that_of_the_last_row():
    log = log_of(1000).assign(lr=0.1, tag=[f"t{step}" for step in range(1000)], flag=True)
    thin = thin_log(log, points=10, method="mean")
    assert (thin.lr == 0.1).all()
    assert thin.params.dtype == log.params.dtype
    assert thin.tag.tolist() == log.tag[thin.index].tolist()
    assert thin.flag.dtype == np.dtype(bool)


def test_means_leave_missing_values_out():
    log = log_of(1000).assign(train_loss=2.0)
    log.loc[log.step % 2 == 0, "train_loss"] = np.nan
    assert (thin_log(log, points=10, method="mean").train_loss.dropna() == 2.0).all()
    means, changed = bin_means(np.array([1.0, np.nan, 3.0, np.nan, np.nan]), np.array([0, 3]))
    assert means.tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert changed.tolist() == [True, False]


def test_a_loss_of_any_type_is_averaged():
    log = log_of(1000)
    told = thin_log(log, points=10, method="mean").loss
    for kind in ("Float64", object):
        assert thin_log(log.astype({"loss": kind}), points=10, method="mean").loss.tolist() == pytest.approx(
            told.tolist()
        )


@METHODS
def test_a_row_at_step_zero_stays_and_the_spacing_begins_after_it(method):
    log = log_of(1001, first=0)
    thin = thin_log(log, points=30, method=method)
    assert thin.step.iloc[0] == 0
    assert thin.step.iloc[1] == 1
    assert thin.step.iloc[-1] == 1000
    assert len(thin) <= 31


def test_two_points_are_the_two_ends():
    assert thin_log(log_of(100), points=2).step.tolist() == [1, 100]


def test_rows_without_a_loss_are_left_out_unless_all_are_asked_for():
    log = log_of(1000)
    log.loc[log.step % 10 != 0, "loss"] = np.nan
    thin = thin_log(log, points=20)
    assert thin.loss.notna().all()
    assert "900 rows without a finite loss left out" in notes_of(thin)[-1]
    assert thin_log(log, points=20, target=None).step.iloc[0] == 1


def test_the_note_says_the_method_and_counts():
    assert notes_of(thin_log(log_of(1000), points=10)) == (
        "thin_log: at most 10 log-spaced rows of each of 1 run picked by step alone; 10 of 1000 rows left",
    )
    (note,) = notes_of(thin_log(log_of(1000), points=10, method="mean"))
    assert "each the mean of a bin in step, but for the first and the last" in note


def test_the_real_ladder_thinned_keeps_its_final_losses():
    logs = datasets.load("microlm")
    for method in ("pick", "mean"):
        thin = thin_log(logs, points=12, method=method)
        assert thin.groupby("run").size().max() <= 12
        assert thin.groupby("run").loss.last().equals(logs.groupby("run").loss.last())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"method": "median"}, "method must be one of mean or pick; got 'median'"),
        ({"points": 1}, "points must be a whole number of at least 2; got 1"),
        ({"points": 2, "method": "mean"}, "points must be a whole number of at least 3; got 2"),
    ],
)
def test_what_cannot_be_done_is_refused(said, message):
    with pytest.raises(DataError, match=message):
        thin_log(log_of(10), **said)


def test_averages_need_their_column_free():
    with pytest.raises(ColumnError, match="thin_log appends 'rows_used'"):
        thin_log(log_of(10).assign(rows_used=1), method="mean")
