"""Spikes are found, noise and slopes are not taken for them, and no row is dropped."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.notes import notes_of
from scalefit.runs.spikes import find_spikes


def simulated(runs, rows, *, sigma=0.01, seed=0, memory=0.0, steepness=0.3):
    """Falling curves with noise; ``memory`` is the correlation of the noise from row to row."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, sigma, (runs, rows))
    for row in range(1, rows):
        noise[:, row] = memory * noise[:, row - 1] + np.sqrt(1 - memory**2) * noise[:, row]
    steps = np.tile(np.arange(1, rows + 1) * 10, runs)
    names = np.repeat([f"run-{number}" for number in range(runs)], rows)
    return pd.DataFrame({"run": names, "step": steps, "loss": (1.7 + 10 / steps**steepness) * np.exp(noise.ravel())})


@pytest.mark.parametrize(
    ("runs", "rows", "memory"), [(200, 300, 0.0), (1000, 40, 0.0), (20, 3000, 0.0), (200, 300, 0.9)]
)
def test_noise_alone_is_hardly_ever_a_spike(runs, rows, memory):
    found = find_spikes(simulated(runs, rows, memory=memory))
    assert found.spike.mean() <= 2e-4


@pytest.mark.parametrize("rows", [60, 600])
def test_a_jump_of_a_tenth_is_found_wherever_it_is_and_nothing_else(rows):
    logs = simulated(200, rows)
    at = np.random.default_rng(1).integers(7, rows, 200) + np.arange(200) * rows
    logs.loc[at, "loss"] *= 1.15
    found = find_spikes(logs)
    assert found.spike[at].mean() > 0.97
    assert found.spike.drop(index=at).sum() <= 5


def test_a_spike_of_several_rows_is_marked_as_a_whole():
    logs = simulated(1, 1000, sigma=0.002)
    logs.loc[700:729, "loss"] *= 1.5
    assert find_spikes(logs).query("spike").index.tolist() == list(range(700, 730))


def test_a_change_of_the_course_is_no_spike():
    logs = simulated(1, 1000, sigma=0.002)
    logs.loc[400:, "loss"] *= 1.5
    assert find_spikes(logs).spike.sum() < 200  # of 600: those before the running median has followed


def test_a_fall_is_no_spike():
    low = simulated(1, 1000, sigma=0.002)
    low.loc[700, "loss"] /= 2
    drop = simulated(1, 1000, sigma=0.002)
    drop.loc[800:, "loss"] *= 0.8  # as where a learning rate drops
    for logs in (low, drop):
        assert not find_spikes(logs).spike.any()


@pytest.mark.parametrize("steepness", [0.1, 0.5, 1.0])
def test_a_smooth_curve_has_no_spike_however_steep(steepness):
    assert not find_spikes(simulated(1, 500, sigma=0.0, steepness=steepness)).spike.any()


def test_the_row_that_jumps_at_the_very_end_is_found():
    logs = simulated(1, 200, sigma=0.002)
    logs.loc[199, "loss"] *= 1.2
    assert find_spikes(logs).query("spike").index.tolist() == [199]


def test_the_first_rows_are_not_judged():
    logs = simulated(1, 200, sigma=0.0)
    logs.loc[[3, 9], "loss"] *= 2
    assert find_spikes(logs, window=15).query("spike").index.tolist() == [9]


def test_every_row_is_kept_and_marked_by_a_truth_value():
    logs = simulated(3, 100)
    found = find_spikes(logs)
    assert found.spike.dtype == np.dtype(bool)
    pd.testing.assert_frame_equal(found.drop(columns="spike"), logs)


def test_a_row_without_a_finite_loss_is_not_marked():
    logs = simulated(1, 200)
    logs.loc[[50, 60], "loss"] = [np.nan, np.inf]
    assert not find_spikes(logs).spike[[50, 60]].any()


def test_the_threshold_and_the_least_rise_both_count():
    logs = simulated(1, 500, sigma=0.001)
    logs.loc[300, "loss"] *= 1.008
    assert not find_spikes(logs).spike.any()
    assert find_spikes(logs, rise=0.005).spike.sum() == 1
    assert not find_spikes(logs, rise=0.005, threshold=12).spike.any()


def test_the_note_counts_and_names_the_largest():
    logs = simulated(3, 200, sigma=0.001)
    logs.loc[[130, 350], "loss"] *= [1.2, 1.5]
    assert notes_of(find_spikes(logs)) == (
        "find_spikes: 2 rows of 600 in 2 of 3 runs above the running median by 6 standard deviations and 0.01 of the "
        "loss; the largest is 50% above, at step 1510 in run-1",
    )


def test_runs_that_are_too_short_are_said():
    logs = pd.concat([simulated(1, 200), simulated(1, 14).assign(run="short")], ignore_index=True)
    assert "1 run of fewer than 15 rows not judged: short" in notes_of(find_spikes(logs))[-1]


def test_the_real_runs_have_no_spike_but_the_one_that_overfits():
    for part in ("ladder", "schedules", "encoder_decoder"):
        assert not find_spikes(datasets.load("microlm", part=part)).spike.any()
    found = find_spikes(datasets.load("microlm", part="repetition"))
    assert found[found.spike].run.unique().tolist() == ["lstm-w136-l2-0.16M-16x-seed0"]


def test_a_table_with_marks_is_refused():
    with pytest.raises(ColumnError, match="find_spikes appends 'spike'"):
        find_spikes(find_spikes(simulated(1, 100)))


@pytest.mark.parametrize("said", [{"threshold": 0}, {"rise": -0.1}, {"ratio": 1}, {"window": 4}])
def test_a_number_out_of_range_is_refused(said):
    (name,) = said
    with pytest.raises(DataError, match=f"find_spikes: {name} must be"):
        find_spikes(simulated(1, 100), **said)
