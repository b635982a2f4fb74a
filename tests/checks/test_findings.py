"""What is as it should be has no finding, and each finding points to its rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit import datasets
from scalefit.checks import check, check_runs


def test_a_good_ladder_has_no_findings(kinds, ladder):
    assert kinds(ladder) == {}


def test_good_logs_are_told_to_be_checkpoints_and_nothing_else(kinds, logs):
    found = kinds(logs)
    assert list(found) == ["checkpoints"]
    assert "800 rows are checkpoints of 8 runs" in found["checkpoints"].text
    assert "sf.extract_final_losses(runs)" in found["checkpoints"].repair


@pytest.mark.parametrize("part", ["ladder", "encoder_decoder"])
def test_the_real_runs_of_microlm_are_checkpoints_and_nothing_is_wrong_with_them(kinds, part):
    found = kinds(datasets.load("microlm", part=part))
    assert set(found) <= {"checkpoints", "narrow_range", "one_budget"}
    assert [kind for kind, one in found.items() if one.severity != "remark"] == ["checkpoints"]


def test_the_rows_of_a_finding_are_those_that_show_it(kinds, ladder):
    bad = ladder.assign(loss=ladder.loss.where(~ladder.index.isin([3, 8]), -1.0))
    assert kinds(bad)["refused_values"].rows.tolist() == [3, 8]
    assert kinds(bad.set_index("run", drop=False))["refused_values"].rows.tolist() == [3, 8]


def test_a_column_under_another_name_is_called_as_it_is_in_the_table(kinds, ladder):
    found = kinds(ladder.assign(N=ladder.params / 1e9).drop(columns="params"))
    assert found["unit"].repair == "runs['N'] *= 1e9."


def test_in_a_file_that_was_read_a_column_has_its_known_name_and_for_the_file_its_own(kinds, ladder, tmp_path):
    path = tmp_path / "runs.csv"
    ladder.assign(N=ladder.params / 1e9).drop(columns="params").to_csv(path, index=False)
    found = kinds(path)["unit"]
    assert found.repair == "runs['params'] *= 1e9."
    assert found.command == "Multiply N by 1e9 in the file."


def test_the_unit_in_the_name_of_a_loss_is_told(kinds, ladder):
    found = kinds(ladder.rename(columns={"loss": "eval_bpb"}), columns={"loss": "eval_bpb"})
    assert "loss is bits per byte, by its name (eval_bpb)" in found["unit"].text
    assert found["unit"].severity == "remark"


def test_one_wrong_unit_is_told_once(ladder):
    wrong = ladder.assign(params=ladder.params / 1e6, flops=6 * ladder.params * ladder.tokens)
    assert [one.kind for one in check_runs(wrong, laws=False).findings] == ["unit"]


def test_refused_rows_of_a_file_are_told(kinds, ladder, tmp_path):
    path = tmp_path / "runs.csv"
    ladder.to_csv(path, index=False)
    path.write_text(path.read_text() + "1,2,3,4,5,6,7,8,9\n")
    found = kinds(path)
    assert "50 rows kept, 1 refused" in found["reading"].text
    assert found["reading"].severity == "remark"


def test_named_runs_make_checkpoints_of_rows(logs, ladder):
    renamed = logs.rename(columns={"run": "label"})
    guessed, said = check_runs(renamed, laws=False), check_runs(renamed, columns={"run": "label"}, laws=False)
    assert guessed.runs == said.runs == 8
    assert "run_column" not in [finding.kind for finding in said.findings]


def test_a_grid_of_sizes_and_tokens_is_not_taken_for_checkpoints(kinds, ladder):
    nameless = ladder.drop(columns=["run", "family"]).assign(size=[f"{n:.0e}" for n in ladder.params])
    assert "run_column" not in kinds(nameless.sort_values(["params", "tokens"]))


def test_runs_of_several_lengths_are_not_taken_for_checkpoints(kinds, ladder):
    lengths = ladder.assign(step=ladder.tokens / 5e5, size=[f"{n:.0e}" for n in ladder.params]).drop(columns="run")
    assert "run_column" not in kinds(lengths.round().sort_values(["family", "params", "tokens"], ignore_index=True))


def test_runs_that_name_the_rows_are_runs(kinds):
    one = datasets.load("microlm").groupby("run").last()
    found = kinds(one)
    assert "run_column" not in found
    assert "such as row lstm-" in found["zero_rate"].text


def test_a_row_that_stands_twice_makes_no_checkpoint(kinds, ladder):
    twice = pd.concat([ladder, ladder.head(1)], ignore_index=True)
    assert list(kinds(twice.assign(loss=twice.loss.where(twice.index != 9)))) == ["missing_values", "duplicate_rows"]


def test_one_curve_without_a_column_of_runs_is_one_run(kinds, logs):
    curve = logs[logs.run == "run-1"].drop(columns="run")
    assert check_runs(curve, laws=False).runs == 1
    assert "run_column" not in kinds(curve)


def test_runs_of_several_lengths_by_design_did_not_stop_early(kinds, logs):
    assert "stopped_early" not in kinds(logs.drop(columns="lr"))


def test_seeds_of_one_design_are_not_duplicates(kinds, ladder):
    seeds = pd.concat(
        [ladder.assign(seed=k, run=ladder.run + f"-{k}", loss=ladder.loss * (1 + k / 99)) for k in (0, 1)]
    )
    assert kinds(seeds.reset_index(drop=True)) == {}


def test_rows_of_training_and_evaluation_in_turn_are_no_duplicates(kinds, logs):
    evaluated = logs[logs.step % 200 == 0]
    trained = logs.assign(loss=np.nan, train_loss=logs.loss)
    both = pd.concat([trained, evaluated]).sort_values(["run", "step"], kind="stable", ignore_index=True)
    assert {"same_step", "several_rows_a_step", "diverged"}.isdisjoint(kinds(both))


def test_steps_that_count_from_zero_fit_their_tokens(kinds, logs):
    assert "tokens_of_batches" not in kinds(logs.assign(step=logs.step - 1))


def test_a_warm_up_from_zero_and_an_end_at_zero_are_no_mistakes(kinds, logs):
    ends = logs.groupby("run").step.transform("max")
    assert "zero_rate" not in kinds(logs.assign(lr=logs.lr.where((logs.step != ends) & (logs.step > 20), 0.0)))


def test_compute_with_attention_is_near_enough_to_6nd(kinds, ladder):
    assert kinds(ladder.assign(flops=6.9 * ladder.params * ladder.tokens)) == {}


def test_small_rows_of_bytes_are_no_bits_per_byte(kinds, ladder):
    assert "unit" not in kinds(ladder.assign(loss=0.5 + ladder.loss / 15, vocab_size=256))


def test_sizes_close_to_each_other_over_a_wide_range_are_many(kinds, ladder):
    dense = pd.concat([ladder.assign(run=ladder.run + f"-{k}", params=ladder.params * 1.02**k) for k in range(120)])
    assert "one_size" not in kinds(dense.assign(loss=dense.loss / dense.params**0.01).reset_index(drop=True))


def test_settings_that_name_each_run_are_not_compared(kinds, ladder):
    assert kinds(ladder.assign(dataset=[f"shard-{k}" for k in range(len(ladder))])) == {}


def test_a_log_with_its_compute_in_the_last_row_can_be_fitted(kinds, logs):
    flops = (6 * logs.params * logs.tokens).where(logs.step == logs.groupby("run").step.transform("max"))
    found = kinds(logs.assign(flops=flops))
    assert found["missing_values"].severity == "remark"


def test_of_several_evaluation_losses_one_is_to_be_named(kinds, logs):
    several = logs.rename(columns={"loss": "eval_near_loss"}).assign(train_loss=logs.loss, eval_far_loss=logs.loss)
    found = kinds(several)["nothing_to_fit"]
    assert "eval_far_loss and eval_near_loss look like one" in found.text
    assert found.command == "To fit that: --column loss=eval_far_loss."


def test_one_curve_is_no_design_with_faults(kinds, logs):
    assert set(kinds(logs[logs.run == "run-1"])) == {"checkpoints"}


def test_what_repairs_say_to_call_exists():
    sources = [path.read_text(encoding="utf-8") for path in Path(check.__file__).parent.glob("*.py")]
    names = {name for source in sources for name in re.findall(r"\bsf\.(\w+)", source)}
    assert len(names) > 5
    assert [name for name in sorted(names) if not hasattr(sf, name)] == []
