"""Each fault of a table of finished runs is found, and told with what to type."""

import numpy as np
import pandas as pd
import pytest


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
        lambda t: t.rename(columns={"tokens": "seen_tokens"}),
        "unrecognised_column", "remark", "No column is known as tokens; seen_tokens looks like it",
        "columns={'tokens': 'seen_tokens'}",
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
        "odd_losses", "misleading", "ends at more than 1.5 times the loss of runs of about the same compute, gpt-20",
        "runs[~runs['run'].isin(['gpt-20'])]",
    ),
    "one run of a family of few far above the others": (
        lambda t: t.assign(loss=t.loss.where(t.run != "gpt-20", 10.8), family=[f"of-{k % 10}" for k in range(50)]),
        "odd_losses", "misleading", "gpt-20", "runs[~runs['run'].isin(['gpt-20'])]",
    ),
    "one run that is far above its family, where all families hide it": (
        lambda t: t.assign(loss=t.loss.where(t.family == "gpt", 3 * t.loss).where(t.run != "gpt-20", 2.2 * t.loss)),
        "odd_losses", "misleading", "gpt-20", "runs[~runs['run'].isin(['gpt-20'])]",
    ),
    "families under an unknown name": (
        lambda t: t.rename(columns={"family": "model"}),
        "unrecognised_column", "remark", "No column is known as family; model looks like it",
        "columns={'family': 'model'}",
    ),
    "names of runs under an unknown name": (
        lambda t: pd.concat([t, t.head(1)]).rename(columns={"run": "exp_name"}),
        "unrecognised_column", "remark", "No column is known as run; exp_name looks like it",
        "columns={'run': 'exp_name'}",
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


@pytest.mark.parametrize(("spoil", "kind", "severity", "words", "repair"), LADDER.values(), ids=LADDER)
def test_a_fault_of_a_ladder_is_told_with_what_to_type(spoil, kind, severity, words, repair, shows, ladder):
    shows(spoil(ladder), kind, severity, words, repair)
