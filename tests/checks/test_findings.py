"""Each fault of a table is found, told with what to type, and not found in a table without it."""

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


def with_value(table, column, row, value):
    """The table with another cell."""
    return table.assign(**{column: table[column].astype(object).where(table.index != row, value)})


# Each fault: the table that has it, the kind, its severity, words of the text, what to type.
LADDER = {
    "a loss below zero": (
        lambda t: t.assign(loss=t.loss.where(t.index != 3, -1.0)),
        "refused_values", "refused", "loss must be above zero and is -1 in row 3", "runs[runs['loss'] > 0]",
    ),
    "an infinite size": (
        lambda t: t.assign(params=t.params.where(t.index != 3, np.inf)),
        "refused_values", "refused", "params is infinite in row 3", "np.isfinite(runs['params'])",
    ),
    "text for a number": (
        lambda t: with_value(t, "loss", 5, "high"),
        "refused_values", "refused", "'high', in row 5", "pd.to_numeric(runs['loss'], errors='coerce')",
    ),
    "numbers as text": (
        lambda t: t.assign(tokens=t.tokens.map(str)),
        "refused_values", "refused", "numbers as text in all 50 rows", "pd.to_numeric(runs['tokens'])",
    ),
    "truth values for a number": (
        lambda t: t.assign(loss=t.loss > 3),
        "refused_values", "refused", "holds truth values", "",
    ),
    "a missing loss": (
        lambda t: t.assign(loss=t.loss.where(t.index > 1)),
        "missing_values", "refused", "loss has no value in 2 of 50 rows, such as row 0", "runs.dropna(subset=['loss'])",
    ),
    "an empty column that few laws use": (
        lambda t: t.assign(epochs=np.nan),
        "missing_values", "remark", "epochs (all), of 50", "",
    ),
    "rows of no run": (
        lambda t: t.assign(run=t.run.where(t.index != 7)),
        "unnamed_runs", "misleading", "run names no run in row 7", "runs.dropna(subset=['run'])",
    ),
    "an unknown column of numbers and text": (
        lambda t: t.assign(remark=["good", *range(49)]),
        "mixed_types", "remark", "remark (such as 'good')", "",
    ),
    "a loss under an unknown name": (
        lambda t: t.rename(columns={"loss": "c4_loss"}),
        "nothing_to_fit", "refused", "No column is known as a loss", "columns={'loss': 'c4_loss'}",
    ),
    "a training loss alone": (
        lambda t: t.rename(columns={"loss": "train_loss"}),
        "nothing_to_fit", "refused", "only a training loss is known by name", "columns={'loss': 'train_loss'}",
    ),
    "a loss without any input": (
        lambda t: t[["loss", "run"]],
        "nothing_to_fit", "refused", "no law finds the inputs", "columns={'tokens': 'NAME'}",
    ),
    "tokens under an unknown name": (
        lambda t: t.rename(columns={"tokens": "tokens_seen"}),
        "unrecognised_column", "remark", "No column is known as tokens; tokens_seen looks like it",
        "columns={'tokens': 'tokens_seen'}",
    ),
    "a row twice": (
        lambda t: pd.concat([t, t.head(2)], ignore_index=True),
        "duplicate_rows", "misleading", "2 rows of 52 are an exact copy", "runs.drop_duplicates()",
    ),
    "a run under two names": (
        lambda t: pd.concat([t, t.head(1).assign(run="again")], ignore_index=True),
        "same_run", "misleading",
        "1 run has the family, params and tokens and the very loss of another, such as gpt-0 and again",
        "drop_duplicates",
    ),
    "a design twice without a seed": (
        lambda t: pd.concat([t, t.head(1).assign(run="again", loss=6.9)], ignore_index=True),
        "same_design", "remark", "Without a column seed", "",
    ),
    "sizes in millions": (
        lambda t: t.assign(params=t.params / 1e6),
        "unit", "misleading", "probably in millions", "runs['params'] *= 1e6",
    ),
    "sizes in billions": (
        lambda t: t.assign(params=t.params / 1e9),
        "unit", "misleading", "probably in billions", "runs['params'] *= 1e9",
    ),
    "tokens in billions": (
        lambda t: t.assign(tokens=t.tokens / 1e9),
        "unit", "misleading", "tokens is below 1000 in all 50 rows, such as 0.05 in row 0 of gpt-0",
        "runs['tokens'] *= 1e9",
    ),
    "sizes and tokens in billions": (
        lambda t: t.assign(params=t.params / 1e9, tokens=t.tokens / 1e9),
        "unit", "misleading", "probably in billions", "*= 1e9",
    ),
    "two units in one column": (
        lambda t: t.assign(params=t.params.where(t.index % 2 == 0, t.params / 1e6)),
        "unit", "misleading", "two units in one column", ".where(runs['params'] >= 1000",
    ),
    "tokens in millions that look like counts": (
        lambda t: t.assign(params=t.params * 1e3, tokens=t.tokens / 1e3),
        "unit", "misleading", "2e-5 tokens per parameter", "runs['tokens'] *= 1e6",
    ),
    "compute in EFLOP": (
        lambda t: t.assign(flops=6 * t.params * t.tokens / 1e18),
        "unit", "misleading", "probably in EFLOP", "runs['flops'] *= 1e18",
    ),
    "compute in PFLOP-days": (
        lambda t: t.assign(flops=6 * t.params * t.tokens / 8.64e19),
        "unit", "misleading", "probably in PFLOP-days", "runs['flops'] *= 8.64e19",
    ),
    "a perplexity for a loss": (
        lambda t: t.assign(loss=np.exp(t.loss)),
        "unit", "misleading", "above the 12.5 nats of a uniform guess over 262,144 words", "np.log(runs['loss'])",
    ),
    "a loss above that of its vocabulary": (
        lambda t: t.assign(loss=t.loss * 3, vocab_size=300),
        "unit", "misleading", "above the 5.7 nats of a uniform guess over 300 words", "",
    ),
    "a loss in bits beside its perplexity": (
        lambda t: t.assign(perplexity=np.exp(t.loss), loss=t.loss / np.log(2)),
        "unit", "misleading", "2 ** loss is perplexity in 50 rows: the loss is in bits", "runs['loss'] *= np.log(2)",
    ),
    "a loss as low as bits per byte": (
        lambda t: t.assign(loss=0.5 + t.loss / 15),
        "unit", "remark", "usual for bits per byte", "loss * log(2) * bytes_per_token",
    ),
    "an accuracy in percent": (
        lambda t: t.assign(accuracy=np.linspace(20, 80, len(t))),
        "unit", "misleading", "accuracy is above 1 in all 50 rows, such as 20 in row 0 of gpt-0: probably in percent",
        "runs['accuracy'] /= 100",
    ),
    "a learning rate of zero": (
        lambda t: t.assign(lr=0.0), "zero_rate", "remark", "lr is 0 in 50 rows", "runs['lr'].where(runs['lr'] > 0)",
    ),
    "compute of the forward pass": (
        lambda t: t.assign(flops=2 * t.params * t.tokens),
        "flops", "misleading", "0.333 times 6 * parameters * tokens (median) in 50 rows, such as row 0 of gpt-0: 2ND",
        "sf.count_flops(params=runs['params'], tokens=runs['tokens'])",
    ),
    "compute of four times 6ND": (
        lambda t: t.assign(flops=24 * t.params * t.tokens),
        "flops", "remark", "flops are 4 times 6 * parameters * tokens", "sf.count_flops",
    ),
    "one run far above the others": (
        lambda t: t.assign(loss=t.loss.where(t.run != "gpt-20", 10.8)),
        "odd_losses", "remark", "1 run ends at more than 2 times the loss of runs of about the same compute, gpt-20",
        "runs[~runs['run'].isin(['gpt-20'])]",
    ),
    "tokenizers by family": (
        lambda t: t.assign(tokenizer=t.family.map({"gpt": "gpt2", "lstm": "t5"})),
        "tokenizer", "remark", "tokenizer differs between families (gpt: gpt2 and lstm: t5)", "sf.bits_per_byte(",
    ),
    "vocabularies within a family": (
        lambda t: t.assign(vocab_size=np.where(t.family.eq("gpt") & (t.index % 2), 50257, 32000)),
        "tokenizer", "remark", "vocab_size differs within gpt (32000 and 50257)", "runs[runs['vocab_size'] == 32000]",
    ),
    "evaluation sets": (
        lambda t: t.assign(eval_set=t.family.map({"gpt": "c4", "lstm": "pile"})),
        "evaluation_set", "remark", "losses on different texts are not comparable", "same set",
    ),
    "a split of the rows": (
        lambda t: t.assign(split=np.where(t.index % 3, "train", "test")),
        "split", "remark", "a fit of all rows mixes them", "runs[runs['split'] == 'train']",
    ),
    "two counts of parameters": (
        lambda t: t.assign(params_kind=np.where(t.index % 2, "total", "non_embedding")),
        "params_kind", "remark", "counts embeddings", "sf.count_params(config)",
    ),
    "two training sets": (
        lambda t: t.assign(**{"config.dataset": np.where(t.index % 2, "c4", "pile")}),
        "training_data", "remark", "the constants of a law belong to one set of data", "runs[runs['config.dataset']",
    ),
    "two lengths of context": (
        lambda t: t.assign(seq_len=np.where(t.index % 2, 1024, 2048)),
        "context", "remark", "a longer context", "one length",
    ),
    "few runs": (lambda t: t.head(5), "few_runs", "remark", "Few runs in gpt (5)", "prior"),
    "one size": (
        lambda t: t[t.params == t.params.min()],
        "one_size", "remark", "One size in gpt (1e7 in all) and lstm (1e7 in all)", "other params",
    ),
    "one number of tokens": (
        lambda t: t.assign(tokens=2e9), "one_budget", "remark", "2e9 in all", "other tokens",
    ),
    "few sizes": (
        lambda t: t[t.params.isin(sorted(t.params.unique())[:2])], "few_sizes", "remark", "gpt (2 sizes)", "Add sizes",
    ),
    "one ray": (
        lambda t: t.assign(tokens=20 * t.params),
        "one_ray", "remark", "gpt (20 tokens per parameter) and lstm (20 tokens per parameter)", "four times more",
    ),
    "a narrow range": (
        lambda t: t.assign(params=t.params**0.1 * 1e6),
        "narrow_range", "remark", "gpt (params by 1.8)", "smaller runs",
    ),
}  # fmt: skip


LOGS = {
    "a column of runs under another name": (
        lambda t: t.rename(columns={"run": "label"}),
        "run_column", "misleading", "step rises along 8 names of label and starts anew", "columns={'run': 'label'}",
    ),
    "a column of runs that are numbers": (
        lambda t: t.assign(trial_id=t.run.str[4:].astype(int)).drop(columns="run"),
        "run_column", "misleading", "8 names of trial_id", "columns={'run': 'trial_id'}",
    ),
    "no column of runs at all": (
        lambda t: t.drop(columns="run"),
        "run_column", "misleading", "step starts anew 7 times", "(runs['step'].diff() < 0).cumsum()",
    ),
    "a step twice": (
        lambda t: pd.concat([t, t.iloc[[150]].assign(loss=9.0)], ignore_index=True),
        "same_step", "misleading", "1 row has the run and step of an earlier one, such as row 800 of run-1 at step",
        "runs.drop_duplicates(['run', 'step'], keep='last')",
    ),
    "a row for each task": (
        lambda t: pd.concat([t.assign(task="c4"), t.assign(task="pile", loss=t.loss * 1.1)], ignore_index=True),
        "several_rows_a_step", "misleading", "800 rows have the run and step of an earlier one and another task",
        "runs[runs['task'] == 'c4']",
    ),
    "steps for tokens": (
        lambda t: t.assign(tokens=t.step.astype(float)),
        "tokens_are_steps", "misleading", "tokens equal the steps in 800 rows",
        "runs['tokens'] = runs['step'] * runs['batch_tokens']",
    ),
    "tokens of other batches": (
        lambda t: t.assign(batch_tokens=t.batch_tokens / 8),
        "tokens_of_batches", "misleading", "they differ by a factor of 8", "runs['step'] * runs['batch_tokens']",
    ),
    "the budget for the tokens seen": (
        lambda t: t.assign(tokens=t.groupby("run").tokens.transform("max")).drop(columns="batch_tokens"),
        "constant_tokens", "misleading", "tokens stay the same through 8 runs", "sf.extract_final_losses(runs)",
    ),
    "no tokens at the start": (
        lambda t: t.assign(tokens=t.tokens.where(t.step != 20, 0)),
        "refused_values", "refused", "tokens must be above zero and is 0 in 4 of 800 rows", "runs[runs['tokens'] > 0]",
    ),
    "steps below zero": (
        lambda t: t.assign(step=t.step.where(t.index != 99, -1)),
        "wrong_steps", "remark", "step is no whole number from 0, such as -1, in row 99 of run-0", "runs['step'] >= 0",
    ),
    "a learning rate that was not written": (
        lambda t: t.assign(lr=t.lr.where(t.run != "run-3", 0.0)),
        "zero_rate", "misleading", "lr is 0 in 100 rows, such as row 300 of run-3", "runs['lr'].where",
    ),
    "sizes that change within a run": (
        lambda t: t.assign(params=t.params.where(t.index % 100 != 50, 5e8)),
        "changes_within_run", "misleading", "params changes within 8 runs, such as run-0", "own name",
    ),
    "a run that ends in NaN": (
        lambda t: t.assign(loss=t.loss.where(~t.index.isin(range(60, 100)))),
        "diverged", "misleading",
        "Runs went wrong: 1 run with no loss at the end (NaN, or a log that was cut off): run-0",
        "runs[~runs['run'].isin(['run-0'])]",
    ),
    "a run that blows up": (
        lambda t: t.assign(loss=t.loss.where(~t.index.isin(range(370, 400)), 9.0)),
        "diverged", "misleading", "well above its minimum (or overfits): run-3", "runs[~runs['run'].isin(['run-3'])]",
    ),
    "a spike": (
        lambda t: t.assign(loss=t.loss.where(t.index != 560, t.loss * 1.5)),
        "spikes", "remark", "in 1 row of 1 run, run-5", "sf.find_spikes(runs)",
    ),
    "a spike at the end": (
        lambda t: t.assign(loss=t.loss.where(t.index != 599, t.loss * 1.5)),
        "spikes", "misleading", "1 run ends on one", "rule='mean_last'",
    ),
    "a run cut short": (
        lambda t: pd.concat([t, t[(t.run == "run-0") & (t.step <= 1000)].assign(run="short"),
                             t[t.run == "run-0"].assign(run="more")]).drop(t.index[100:200]).drop(columns="lr"),
        "stopped_early", "misleading", "1 run stopped before the others of the same size, short", "['short']",
    ),
    "runs that end before their planned steps": (
        lambda t: t.assign(max_steps=np.where(t.run == "run-2", 4000, t.groupby("run").step.transform("max"))),
        "before_plan", "misleading", "1 run ended before max_steps, such as run-2 at step 2,000 of 4,000", "['run-2']",
    ),
    "runs that end before their schedule": (
        lambda t: t[(t.run != "run-1") | (t.step < 9000)],
        "schedule_mismatch", "misleading",
        "1 run ends before the schedule of the learning rate does: in run-1 the cosine ends at step 22,000 and the run",
        "sf.fit(runs, 'lr_annealing')",
    ),
    "a run whose rate is never lowered": (
        lambda t: t.assign(lr=t.lr.where(t.run != "run-1", 3e-4)),
        "not_annealed", "remark", "learning rate of 1 run is never lowered, run-1, and that of 7 others is", "apart",
    ),
}  # fmt: skip


def shows(found, kind, severity, words, repair):
    assert kind in found, f"no {kind} among {[one.text for one in found.values()]}"
    finding = found[kind]
    assert finding.severity == severity
    assert words in finding.text
    assert repair in finding.repair


@pytest.mark.parametrize(("spoil", "kind", "severity", "words", "repair"), LADDER.values(), ids=LADDER)
def test_a_fault_of_a_ladder_is_told_with_what_to_type(spoil, kind, severity, words, repair, kinds, ladder):
    shows(kinds(spoil(ladder)), kind, severity, words, repair)


@pytest.mark.parametrize(("spoil", "kind", "severity", "words", "repair"), LOGS.values(), ids=LOGS)
def test_a_fault_of_logs_is_told_with_what_to_type(spoil, kind, severity, words, repair, kinds, logs):
    shows(kinds(spoil(logs)), kind, severity, words, repair)


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
