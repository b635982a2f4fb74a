"""Runs that go wrong are reported with a reason and a step, and sound ones are not."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import DataError
from scalefit.runs.divergence import find_divergence
from scalefit.runs.notes import notes_of


def curve(rows=200, *, run="a", sigma=0.005, seed=0):
    steps = np.arange(1, rows + 1) * 10
    noise = np.exp(np.random.default_rng(seed).normal(0, sigma, rows))
    return pd.DataFrame({"run": run, "step": steps, "loss": (1.7 + 10 / steps**0.3) * noise})


def judged(log, **said):
    """Reason and step of the only run."""
    (row,) = find_divergence(log, **said).itertuples()
    assert row.diverged == (row.reason != "")
    return row.reason, row.step


def test_a_sound_run_has_no_reason_and_no_step():
    reason, step = judged(curve())
    assert reason == ""
    assert np.isnan(step)


def test_a_loss_that_becomes_infinite_is_reported_at_its_first_step_even_if_it_comes_back():
    log = curve()
    log.loc[[120, 130], "loss"] = np.inf
    assert judged(log) == ("infinite", 1210)


def test_a_loss_that_is_no_number_from_a_step_on_is_reported_there():
    log = curve()
    log.loc[150:, "loss"] = np.nan
    assert judged(log) == ("missing", 1510)


def test_a_gap_in_the_middle_is_none():
    log = curve()
    log.loc[100:110, "loss"] = np.nan
    assert judged(log)[0] == ""


@pytest.mark.parametrize("last", [0, 1, 9])
def test_a_log_of_training_and_evaluation_in_turn_is_none(last):
    log = curve()
    log.loc[(log.index % 10 != 0), "loss"] = np.nan
    assert judged(log.head(191 + last))[0] == ""
    assert judged(pd.concat([log.head(191), curve(230).iloc[191:].assign(loss=np.nan)]))[0] == "missing"


def test_a_run_whose_loss_never_was_a_number_is_missing_from_its_first_step():
    logs = pd.concat([curve(), curve(run="dead").assign(loss=np.nan)])
    found = find_divergence(logs).set_index("run")
    assert found.loc["dead", ["reason", "step"]].tolist() == ["missing", 10]
    assert np.isnan(found.loc["dead", "loss_last"])
    assert found.loc["a", "reason"] == ""


def test_a_run_that_blows_up_and_stays_there_is_reported_where_it_does():
    log = curve()
    log.loc[160:, "loss"] = 7.0
    assert judged(log) == ("above its minimum", 1610)


def test_a_run_that_drifts_up_is_reported():
    log = curve()
    log.loc[100:, "loss"] *= np.linspace(1, 1.2, 100)
    reason, step = judged(log)
    assert reason == "above its minimum"
    assert 1200 < step < 1900


def test_a_slow_rise_at_the_end_is_reported_where_the_last_fifth_begins():
    log = curve(1000, sigma=0.002)
    log.loc[600:, "loss"] *= np.linspace(1, 1.08, 400)
    assert judged(log) == ("rising", 8010)


def test_a_spike_that_heals_is_no_divergence():
    log = curve()
    log.loc[100:104, "loss"] = 9.0
    log.loc[199, "loss"] = 9.0
    assert judged(log)[0] == ""


def test_how_far_above_counts():
    log = curve(sigma=0.001)
    log.loc[190:, "loss"] *= 1.08
    assert judged(log)[0] == "above its minimum"
    assert judged(log, above=0.2)[0] == ""


@pytest.mark.parametrize("sigma", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("rows", [10, 40, 1000])
def test_noise_is_no_divergence(sigma, rows):
    logs = pd.concat([curve(rows, run=f"run-{seed}", sigma=sigma, seed=seed) for seed in range(200)])
    assert find_divergence(logs).diverged.sum() <= 1


def test_the_table_has_one_row_a_run_in_the_order_in_which_they_appear():
    logs = pd.concat([curve(run="b"), curve(run="a"), curve(5, run="c")])
    found = find_divergence(logs)
    assert list(found) == ["run", "diverged", "reason", "step", "loss_lowest", "loss_last", "rows_used"]
    assert found.run.tolist() == ["b", "a", "c"]
    assert found.rows_used.tolist() == [200, 200, 5]
    assert found.index.tolist() == [0, 1, 2]


def test_levels_are_medians_of_five_rows():
    log = curve(20, sigma=0.0)
    found = find_divergence(log)
    assert found.loss_last[0] == pytest.approx(log.loss[17])
    assert found.loss_lowest[0] == pytest.approx(log.loss[17])


def test_short_runs_are_judged_by_missing_and_infinite_losses_alone():
    rising = curve(9).assign(loss=np.linspace(3, 9, 9))
    found = find_divergence(rising)
    assert found.reason.tolist() == [""]
    assert "1 run of fewer than 10 rows not judged by their course" in notes_of(found)[-1]
    assert judged(rising.assign(loss=[*[3.0] * 8, np.inf])) == ("infinite", 90)


def test_the_note_names_the_runs_of_each_reason():
    bad = curve(run="bad").assign(loss=lambda log: np.where(log.step > 1500, np.nan, log.loss))
    assert notes_of(find_divergence(pd.concat([curve(), bad]))) == (
        "find_divergence: 1 of 2 runs diverged; missing: bad; 50 rows without a finite loss left out",
    )


def test_one_curve_has_no_name():
    found = find_divergence(curve().drop(columns="run"), by=None)
    assert len(found) == 1
    assert "run" not in found


def test_along_tokens_the_place_is_in_tokens():
    log = curve().rename(columns={"step": "tokens"})
    log.loc[160:, "loss"] = 7.0
    assert find_divergence(log, along="tokens").tokens.tolist() == [1610]


def test_of_the_real_runs_only_the_one_that_overfits_is_reported():
    for part in ("ladder", "schedules", "encoder_decoder"):
        assert not find_divergence(datasets.load("microlm", part=part)).diverged.any()
    found = find_divergence(datasets.load("microlm", part="repetition")).query("diverged")
    # The largest model, on the smallest subset, sixteen times.
    assert found[["run", "reason"]].values.tolist() == [["lstm-w136-l2-0.16M-16x-seed0", "above its minimum"]]


@pytest.mark.parametrize("said", [{"above": 0}, {"rise": "much"}])
def test_a_number_out_of_range_is_refused(said):
    (name,) = said
    with pytest.raises(DataError, match=f"find_divergence: {name} must be a number above 0"):
        find_divergence(curve(), **said)
