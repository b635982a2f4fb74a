"""Columns that contradict each other: tokens and steps, compute and sizes, what should not change within a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from scalefit.checks.finding import Finding, Repair, a_few, counted, found
from scalefit.checks.table import Floats, Mask, RunsTable, as_floats, factorized
from scalefit.checks.units import small_rows
from scalefit.quantities import QUANTITIES
from scalefit.wording.digits import number

#: Two numbers that agree within this share are the same.
SAME = 0.02
#: Compute within this factor of 6ND needs no word: attention, embeddings and the output head explain it.
USUAL_FLOPS = 2.0
#: Compute that is off by more than this factor is a mistake of unit or of what was counted.
FAR_FLOPS = 8.0
#: A known ratio to 6ND and what it means.
_RATIOS = (
    (1 / 6, "N D without the 6"),
    (1 / 3, "2ND, the forward pass alone"),
    (2 / 3, "4ND, the backward pass alone"),
)


def check_consistency(table: RunsTable) -> Iterator[Finding]:
    """Findings about columns that do not go together."""
    yield from _tokens_are_steps(table)
    yield from _tokens_of_batches(table)
    yield from _constant_tokens(table)
    yield from _tokens_per_param(table)
    yield from _flops(table)
    yield from _zero_rates(table)
    yield from _loss_in_bits(table)
    yield from _changing(table)


def _both(*columns: Floats) -> Mask:
    """Rows in which all are finite and above zero."""
    with np.errstate(invalid="ignore"):
        mask: Mask = np.all([np.isfinite(values) & (values > 0) for values in columns], axis=0)
    return mask


def _tokens_are_steps(table: RunsTable) -> Iterator[Finding]:
    if not table.has("tokens", "step"):
        return
    tokens, steps = table.numbers["tokens"], table.numbers["step"]
    there = _both(tokens, steps)
    equal = there & (tokens == steps)
    if there.any() and equal.sum() >= 0.9 * there.sum():
        spelt, step = f"runs[{table.spelt('tokens')!r}]", f"runs[{table.spelt('step')!r}]"
        batch = f"runs[{table.spelt('batch_tokens')!r}]" if table.has("batch_tokens") else "TOKENS_PER_STEP"
        yield found(
            "tokens_are_steps", "misleading",
            f"tokens equal the steps in {counted(int(equal.sum()), 'row')}: steps were written in place of tokens.",
            Repair(f"{spelt} = {step} * {batch}.",
                   f"Multiply {table.in_file('tokens')} by the tokens of one step in the file."),
            rows=np.flatnonzero(equal), columns=["tokens", "step"],
        )  # fmt: skip


def _tokens_of_batches(table: RunsTable) -> Iterator[Finding]:
    if not table.has("tokens", "step", "batch_tokens"):
        return
    tokens, steps, batch = (table.numbers[name] for name in ("tokens", "step", "batch_tokens"))
    there = _both(tokens, steps, batch) & (tokens != steps)
    # Steps may count from 0 or from 1.
    off = there & (np.abs(tokens - steps * batch) > np.maximum(SAME * tokens, 1.01 * batch))
    if not off.any():
        return
    ratio = tokens[off] / (steps[off] * batch[off])
    middle = float(np.median(ratio))
    steady = bool((np.abs(ratio / middle - 1) < SAME).all())
    first = int(np.flatnonzero(off)[0])
    factor = f"by a factor of {number(middle, digits=3)}" if steady else f"by factors around {number(middle, digits=3)}"
    spelt = {name: f"runs[{table.spelt(name)!r}]" for name in ("tokens", "step", "batch_tokens")}
    yield found(
        "tokens_of_batches", "misleading",
        f"tokens are not step * batch_tokens in {counted(int(off.sum()), 'row')}, such as {table.row(first)}: they "
        f"differ {factor} (gradient accumulation, several devices, or a batch in sequences).",
        Repair(f"If the steps are right: {spelt['tokens']} = {spelt['step']} * {spelt['batch_tokens']}.",
               f"Find out which of {table.in_file('tokens')}, {table.in_file('step')} and "
               f"{table.in_file('batch_tokens')} is wrong."),
        rows=np.flatnonzero(off), columns=["tokens", "step", "batch_tokens"],
    )  # fmt: skip


def _constant_tokens(table: RunsTable) -> Iterator[Finding]:
    """Tokens that stay while the step goes on: the budget of the run and not what was seen."""
    if not table.has("tokens", "step") or not table.has_checkpoints:
        return
    changes = {name: _changes_within(table, table.numbers[name]) for name in ("tokens", "step")}
    still = changes["step"] & ~changes["tokens"] & np.isfinite(table.of_last("tokens"))
    if not still.any():
        return
    rows = np.flatnonzero(still[table.codes])
    spelt, step = f"runs[{table.spelt('tokens')!r}]", f"runs[{table.spelt('step')!r}]"
    yield found(
        "constant_tokens", "misleading",
        f"tokens stay the same through {counted(int(still.sum()), 'run')} while the step goes on, such as "
        f"{a_few(table.name_runs(still), shown=1)}: the budget, not the tokens that a checkpoint has seen.",
        Repair(f"{spelt} = {step} * TOKENS_PER_STEP, or take the last row of each run: sf.extract_final_losses(runs).",
               "Write the tokens seen so far, or only the last row of each run."),
        rows=rows, columns=["tokens"],
    )  # fmt: skip


def _changes_within(table: RunsTable, values: Floats) -> Mask:
    """Which runs have more than one number: (r,)."""
    some = np.isfinite(values)
    low, high = np.full(len(table.names), np.inf), np.full(len(table.names), -np.inf)
    np.minimum.at(low, table.codes[some], values[some])
    np.maximum.at(high, table.codes[some], values[some])
    return high > low


def _tokens_per_param(table: RunsTable) -> Iterator[Finding]:
    """Sizes and tokens in usual ranges that do not go together: one of them is in millions."""
    if not table.has("params", "tokens") or _are_small(table, "params", "tokens"):
        return
    params, tokens = table.of_last("params"), table.of_last("tokens")
    there = _both(params, tokens) & (params >= 1e3) & (tokens >= 1e3)
    if not there.any():
        return
    ratio = tokens[there] / params[there]
    middle = float(np.median(ratio))
    if 0.01 <= middle <= 1e6:
        return
    name = "tokens" if middle < 0.01 else "params"
    rows = table.last[np.flatnonzero(there)]
    yield found(
        "unit", "misleading",
        f"There are {number(middle, digits=2)} tokens per parameter (median of the runs); usual are 1 to 1,000. "
        f"{name} are probably in millions.",
        Repair(f"runs[{table.spelt(name)!r}] *= 1e6.", f"Multiply {table.in_file(name)} by 1e6 in the file."),
        rows=rows, columns=["params", "tokens"],
    )  # fmt: skip


def _are_small(table: RunsTable, *names: str) -> bool:
    """Whether one of some columns has numbers of another unit, of which another finding tells."""
    return any(len(small_rows(table.numbers[name], QUANTITIES[name].low)) for name in names)


def _flops(table: RunsTable) -> Iterator[Finding]:
    """Compute that is far from 6ND, with the factor."""
    if not table.has("flops", "params", "tokens") or table.has("params_encoder"):
        return  # encoder and decoder see other tokens
    if _are_small(table, "params", "tokens", "flops"):
        return  # the finding about units says it all
    size = "params_active" if table.has("params_active") else "params"
    flops, params, tokens = (table.numbers[name] for name in ("flops", size, "tokens"))
    there = _both(flops, params, tokens) & (flops >= 1e6) & (params >= 1e3) & (tokens >= 1e3)
    if not there.any():
        return
    ratio = np.full(len(flops), np.nan)
    ratio[there] = flops[there] / (6 * params[there] * tokens[there])
    with np.errstate(invalid="ignore"):
        off = there & ((ratio > USUAL_FLOPS) | (ratio < 1 / USUAL_FLOPS))
    if off.sum() < max(0.02 * there.sum(), 1):
        return
    middle, rows = float(np.median(ratio[off])), np.flatnonzero(off)
    meaning = next((said for value, said in _RATIOS if abs(middle / value - 1) < 0.1), "")
    far = (not 1 / FAR_FLOPS < middle < FAR_FLOPS) or bool(meaning)
    what = "active parameters" if size == "params_active" else "parameters"
    why = meaning or (
        "another unit, or another count of parameters or tokens"
        if far
        else "attention, embeddings, recomputation or experts, or another count of parameters"
    )
    spelt = {name: f"runs[{table.spelt(name)!r}]" for name in ("flops", size, "tokens")}
    yield found(
        "flops", "misleading" if far else "remark",
        f"flops are {number(middle, digits=3)} times 6 * {what} * tokens (median) in {counted(len(rows), 'row')}, such "
        f"as {table.row(int(rows[0]))}: {why}.",
        Repair(f"For 6ND: {spelt['flops']} = sf.count_flops(params={spelt[size]}, tokens={spelt['tokens']}).",
               f"For 6ND: leave {table.in_file('flops')} out, and it is derived."),
        rows=rows, columns=["flops"],
    )  # fmt: skip


def _zero_rates(table: RunsTable) -> Iterator[Finding]:
    """A learning rate of zero where the model still learns."""
    if not table.has("lr"):
        return
    rates = table.numbers["lr"]
    known = np.isfinite(rates)
    zero = known & (rates == 0)
    if not known.any():
        return
    spelt = f"runs[{table.spelt('lr')!r}]"
    whole = np.bincount(table.codes[zero], minlength=len(table.names))
    counts = np.bincount(table.codes[known], minlength=len(table.names))
    # The first steps of a warm-up and the end of a decay are at zero; more than half a run is not.
    wrong = (whole > 0.5 * counts) & (counts > 2)
    alone = not table.has_checkpoints and bool(zero.any())
    if not (wrong.any() or alone):
        return
    rows = np.flatnonzero(zero if alone else zero & wrong[table.codes])
    why = (
        "not written, or that of the end of a schedule, where the peak is wanted"
        if alone
        else "not written, or rounded"
    )
    yield found(
        "zero_rate", "remark" if alone else "misleading",
        f"lr is 0 in {counted(len(rows), 'row')}, such as {table.row(int(rows[0]))}: {why}.",
        Repair(f"Make them missing: {spelt} = {spelt}.where({spelt} > 0); or give the schedules: "
               "sf.fit(..., schedules={run: sf.Schedule.cosine(...)}).",
               f"Empty those cells of {table.in_file('lr')}, or write more digits."),
        rows=rows, columns=["lr"],
    )  # fmt: skip


def _loss_in_bits(table: RunsTable) -> Iterator[Finding]:
    """A perplexity beside a loss tells the unit of the loss."""
    if not table.has("loss"):
        return
    loss = table.numbers["loss"]
    for name in table.frame.columns:
        words = re.sub(r"[^a-z]+", " ", str(name).lower())
        if str(name) in table.numbers or not re.search(r"\bppl\b|perplexity", words):
            continue
        perplexity = as_floats(table.frame[name])
        there = _both(loss, perplexity) & (loss < 50)
        if there.sum() < 2:
            continue
        with np.errstate(over="ignore"):
            nats, bits = np.exp(loss[there]) / perplexity[there], np.exp2(loss[there]) / perplexity[there]
        if (np.abs(bits - 1) < SAME).mean() > 0.9 and not (np.abs(nats - 1) < SAME).mean() > 0.9:
            spelt = f"runs[{table.spelt('loss')!r}]"
            yield found(
                "unit", "misleading",
                f"2 ** loss is {name} in {counted(int(there.sum()), 'row')}: the loss is in bits.",
                Repair(f"{spelt} *= np.log(2).", f"Multiply {table.in_file('loss')} by 0.693147 in the file."),
                rows=np.flatnonzero(there), columns=["loss"],
            )  # fmt: skip


def _changing(table: RunsTable) -> Iterator[Finding]:
    """Sizes and families that change within a run: two runs of one name."""
    if table.run_column is None or not table.has_checkpoints:
        return
    for name in ("params", "family", "seed"):
        if not table.has(name):
            continue
        codes = factorized(table.frame[name])[0]
        values = table.numbers[name] if name == "params" else np.where(codes < 0, np.nan, codes)
        changes = _changes_within(table, values)
        if changes.any():
            yield found(
                "changes_within_run", "misleading",
                f"{name} changes within {counted(int(changes.sum()), 'run')}, such as "
                f"{a_few(table.name_runs(changes), shown=1)}: several runs share one name.",
                Repair("Give each its own name, such as runs['run'] = runs['run'].astype(str) + "
                       f"'-' + runs[{table.spelt(name)!r}].astype(str).", "Give each run its own name in the file."),
                rows=table.last[changes], columns=["run", name],
            )  # fmt: skip
