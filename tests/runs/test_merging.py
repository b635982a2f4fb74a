"""Rows of one run at one step become one, and no step of the library loses what stands beside a loss."""

import numpy as np
import pandas as pd
import pytest

from scalefit.errors import DataError
from scalefit.runs.extraction import extract_final_losses
from scalefit.runs.interpolation import interpolate_losses
from scalefit.runs.merging import merge_steps
from scalefit.runs.notes import notes_of
from scalefit.runs.slices import slice_isoflops


def alternating(run="a", *, evaluated=(100, 200, 300), trained=(100, 200, 300), params=1e6):
    """Rows of training with tokens and a rate, rows of evaluation with the loss alone."""
    train = [{"step": step, "tokens": step * 1e4, "lr": 1 / step, "params": params} for step in trained]
    held_out = [{"step": step, "loss": 2 + 10 / step} for step in evaluated]
    rows = sorted(train + held_out, key=lambda row: row["step"])
    return pd.DataFrame(rows).assign(run=run)


def test_rows_of_one_step_become_one_with_each_value_that_is_there():
    logs = pd.concat([alternating("b"), alternating("a", params=2e6)], ignore_index=True)
    merged = merge_steps(logs)
    assert merged.index.tolist() == [0, 2, 4, 6, 8, 10]
    assert merged.run.tolist() == ["b"] * 3 + ["a"] * 3
    assert merged.notna().all().all()
    assert merged.loss.tolist() == pytest.approx([2.1, 2.05, 2 + 1 / 30] * 2)
    assert notes_of(merged)[-1] == "merge_steps: 12 rows of the same run and step merged into 6; 6 rows of 12 left"
    assert len(logs) == 12


def test_two_values_are_an_error_that_names_run_step_and_column():
    log = alternating().assign(note=range(6))
    with pytest.raises(DataError, match=r"rows 0 and 1 of run a at step 100 have different values of 'note': 0 and 1"):
        merge_steps(log)
    merged = merge_steps(log, conflicts="last")
    assert merged.note.tolist() == [1, 3, 5]
    assert "different values of one step, the last taken: note at 3" in notes_of(merged)[-1]


def test_lists_are_compared_by_what_they_hold():
    log = pd.DataFrame({"run": "a", "step": [1, 1], "betas": [[0.9, 0.95], [0.9, 0.95]], "loss": [3.0, None]})
    assert len(merge_steps(log)) == 1


def test_rows_without_a_step_and_steps_of_other_runs_stay_apart():
    log = pd.DataFrame({"run": ["a", "a", "b", "b"], "step": [None, None, 1, 2], "loss": [4.0, 3.0, 2.0, 1.0]})
    pd.testing.assert_frame_equal(merge_steps(log), log)


def test_counts_are_read_on_the_line_between_rows_of_the_run_and_nowhere_else():
    log = alternating(evaluated=(50, 150, 300, 350), trained=(100, 200, 300))
    merged = merge_steps(log, interpolate=["tokens"]).set_index("step")
    assert merged.tokens[[150, 300]].tolist() == [1.5e6, 3e6]
    assert merged.tokens[[50, 350]].isna().all()
    assert "tokens of 1 row linear in step between rows that have it, 2 rows outside" in notes_of(merged)[-1]
    with pytest.raises(DataError, match="'lr' falls along 'step' in run a"):
        merge_steps(log, interpolate=["lr"])


def test_a_final_loss_takes_its_tokens_and_rate_from_the_row_of_the_same_step():
    final = extract_final_losses(alternating())
    assert final[["tokens", "lr", "params", "flops"]].values.tolist() == [[3e6, 1 / 300, 1e6, 1.8e13]]
    assert "tokens, lr and params filled in from rows of the same run and step" in notes_of(final)[-1]


def test_what_differs_at_a_step_is_not_filled_in():
    log = pd.concat([alternating(), alternating(evaluated=()).assign(lr=7.0)])
    final = extract_final_losses(log)
    assert final.lr.isna().all()
    assert final.tokens.tolist() == [3e6]


def test_losses_are_read_between_rows_of_alternating_logs_as_between_merged_ones():
    log = alternating()
    for step in (
        lambda runs: interpolate_losses(runs, [1.5e6, 2.5e6]),
        lambda runs: interpolate_losses(runs, [9e12], along="flops"),
        lambda runs: slice_isoflops(runs, [9e12]),
    ):
        told, merged = step(log), step(merge_steps(log))
        assert told.loss.notna().all()
        assert told.loss.tolist() == merged.loss.tolist()
        assert "tokens, lr and params filled in from rows of the same run and step" in notes_of(told)[-1]


def test_tokens_that_stand_at_other_steps_are_told_how_to_be_had():
    log = alternating(evaluated=(150, 250))
    with pytest.raises(DataError, match=r"runs = sf\.merge_steps\(runs, interpolate=\['tokens'\]\)") as error:
        interpolate_losses(log, 2e6)
    assert "dropna" not in str(error.value)
    told = interpolate_losses(merge_steps(log, interpolate=["tokens"]), 2e6)
    assert np.isfinite(told.loss).all()
    with pytest.raises(DataError, match=r"runs\['tokens'\] = runs\['step'\] \* tokens_per_step"):
        interpolate_losses(log.assign(tokens=np.nan), 2e6)
