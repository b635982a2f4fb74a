"""Each fault of a table of checkpoints is found, and told with what to type."""

import numpy as np
import pandas as pd
import pytest

# Each fault: the table that has it, the kind, its severity, words of the text, what to type.
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


@pytest.mark.parametrize(("spoil", "kind", "severity", "words", "repair"), LOGS.values(), ids=LOGS)
def test_a_fault_of_logs_is_told_with_what_to_type(spoil, kind, severity, words, repair, shows, logs):
    shows(spoil(logs), kind, severity, words, repair)
