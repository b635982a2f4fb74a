"""Rows of training and of evaluation: what belongs together is to be merged, and no repair empties the table."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.checks import check_runs


@pytest.fixture
def split(logs):
    """Each step in two rows: tokens, rate and training loss in one, the loss in the other."""
    trained = logs.drop(columns="loss").assign(train_loss=logs.loss)
    evaluated = logs[["run", "step", "loss"]]
    return pd.concat([trained, evaluated]).sort_values(["run", "step"], kind="stable", ignore_index=True)


def test_rows_of_one_step_are_told_to_be_merged_in_place_of_dropped(split, kinds):
    found = kinds(split)
    told = found["split_rows"]
    assert told.severity == "refused"
    assert "Rows of one step are split: 800 steps stand in several rows" in told.text
    assert told.repair == "Merge them: sf.merge_steps(runs)."
    assert len(told.rows) == 1600
    assert "missing_values" not in found


def test_what_the_repair_of_split_rows_says_makes_a_table_that_can_be_fitted(split):
    merged = sf.merge_steps(split)
    assert len(merged) == 800
    assert check_runs(merged, laws=False).can_be_fitted


def test_steps_that_lack_a_value_once_merged_are_dropped_after_it(split, kinds):
    seldom = split[split.loss.isna() | (split.step % 400 == 0)].reset_index(drop=True)
    told = kinds(seldom)["split_rows"]
    assert "still lack a value: loss in" in told.text
    assert told.repair == "Merge them: sf.merge_steps(runs).dropna(subset=['loss'])."
    left = sf.merge_steps(seldom).dropna(subset=["loss"])
    assert len(left)
    assert check_runs(left, laws=False).can_be_fitted


def test_a_time_of_writing_does_not_hide_split_rows(split, kinds):
    timed = split.assign(written=np.arange(len(split)) * 1.5)
    assert kinds(timed)["split_rows"].repair == "Merge them: sf.merge_steps(runs, conflicts='last')."
    assert check_runs(sf.merge_steps(timed, conflicts="last"), laws=False).can_be_fitted


def test_one_log_without_a_column_of_runs_is_merged_as_one_curve(split, kinds):
    alone = split[split.run == "run-1"].drop(columns="run")
    assert kinds(alone)["split_rows"].repair == "Merge them: sf.merge_steps(runs, by=None)."
    assert len(sf.merge_steps(alone, by=None)) == 100


def test_different_measurements_of_a_step_are_not_split_rows(kinds, logs):
    twice = pd.concat([logs, logs.assign(loss=logs.loss * 1.1, lr=np.nan)], ignore_index=True)
    found = kinds(twice)
    assert "split_rows" not in found
    assert "same_step" in found


def test_tokens_of_evaluations_between_the_steps_of_training_are_read_between_them(split, kinds):
    shifted = split.assign(step=split.step * 2 + split.train_loss.isna())
    found = {tuple(one.columns): one for one in check_runs(shifted, laws=False).findings if one.severity == "refused"}
    assert "sf.merge_steps(runs, interpolate=['tokens'])" in found["tokens",].repair


def test_repairs_do_not_empty_the_table_together(ladder, kinds):
    halves = ladder.assign(
        tokens=ladder.tokens.where(ladder.index % 2 == 0), loss=ladder.loss.where(ladder.index % 2 == 1)
    )
    refused = [one for one in check_runs(halves, laws=False).findings if one.severity == "refused"]
    assert {one.columns for one in refused} == {("tokens",), ("loss",)}
    for one in refused:
        assert "would leave none" in one.repair
        assert "dropna" not in one.repair
        assert "would leave none" in one.command


def test_an_empty_column_is_not_told_to_be_dropped_row_by_row(ladder, kinds):
    assert "dropna" not in kinds(ladder.assign(loss=np.nan))["missing_values"].repair


@pytest.mark.parametrize("name", ["val_loss", "eval_loss", "validation_loss", "val/loss", "eval/lm_loss", "Loss/val"])
def test_a_loss_beside_one_of_held_out_text_is_in_doubt(name, ladder, kinds):
    told = kinds(ladder.assign(**{name: ladder.loss * 1.02}))["which_loss"]
    assert told.severity == "misleading"
    assert f"Pass columns={{'loss': '{name}'}}" in told.repair
    assert f"--column loss={name}" in told.command


def test_the_loss_that_was_said_is_not_in_doubt(ladder, kinds):
    both = ladder.assign(val_loss=ladder.loss * 1.02)
    assert "which_loss" not in kinds(both, columns={"loss": "loss"})


def test_the_loss_of_held_out_text_that_was_said_is_taken(ladder, kinds):
    both = ladder.assign(val_loss=ladder.loss * 1.5)
    told = check_runs(both, columns={"loss": "val_loss"}, laws=False)
    assert "which_loss" not in [one.kind for one in told.findings]
    assert told.points.loss.tolist() == pytest.approx(both.val_loss.tolist())


def test_a_loss_beside_an_empty_or_equal_one_is_not_in_doubt(ladder, kinds):
    assert "which_loss" not in kinds(ladder.assign(val_loss=np.nan, eval_loss=ladder.loss))


def test_a_run_ends_with_its_last_row_of_any_column(logs, kinds):
    steps = logs.groupby("run").step.transform("max")
    seldom = logs.assign(max_steps=steps, loss=logs.loss.where(logs.step % (0.3 * steps) == 0)).drop(columns="lr")
    assert seldom.loss.notna().sum() == 24  # at 30, 60 and 90 % of each run
    assert "before_plan" not in kinds(seldom)


def test_two_findings_of_one_run_name_the_same_step(logs, kinds):
    cut = logs[(logs.run != "run-1") | (logs.step < 9000)]
    cut = cut.assign(max_steps=logs.groupby("run").step.transform("max"))
    ends = cut.groupby("run").step.transform("max")
    late = cut.assign(lr=cut.lr.where(cut.step != ends), loss=cut.loss.where(cut.step % 440 == 0))
    found = kinds(late)
    assert "run-1 at step 8,800 of 22,000" in found["before_plan"].text
    assert "in run-1 the cosine ends at step 22,000 and the run at step 8,800" in found["schedule_mismatch"].text


def test_checkpoints_mislead_whatever_their_rates(logs, kinds):
    for table in (logs.drop(columns="lr"), logs.assign(lr=3e-4), logs):
        assert kinds(table)["checkpoints"].severity == "misleading"


def test_checkpoints_for_laws_of_curves_alone_are_a_remark(logs, kinds):
    assert kinds(logs[["run", "step", "lr", "loss"]])["checkpoints"].severity == "remark"
    assert kinds(logs[logs.run == "run-1"])["checkpoints"].severity == "remark"


def test_a_run_with_one_loss_of_several_rows_is_no_checkpoint_for_a_final_law(logs, kinds):
    final = logs.assign(loss=logs.loss.where(logs.step == logs.groupby("run").step.transform("max")))
    assert kinds(final)["checkpoints"].severity == "remark"


def test_all_rows_are_multiplied_where_only_some_are_small(ladder, kinds):
    told = kinds(ladder.assign(params=ladder.params / 1e6, tokens=ladder.tokens))["unit"]
    assert "in 40 of 50 rows" in told.text
    assert "probably in millions, as are the other 10." in told.text
    assert told.repair == "Multiply all rows: runs['params'] *= 1e6."
    assert told.command == "Multiply params by 1e6 in all rows of the file."


def test_the_only_row_of_a_table_is_called_so(ladder, kinds):
    told = kinds(ladder.head(1).assign(params=7.0))["unit"]
    assert "params is below 1000 in its only row (7)" in told.text
