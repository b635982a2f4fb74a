"""Columns that look like a known quantity under a name that scalefit does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from scalefit.checks.feeding import fed_laws
from scalefit.checks.finding import Finding, Repair, a_few, found, name_column
from scalefit.checks.table import RunsTable, as_floats
from scalefit.errors import listing
from scalefit.quantities import QUANTITIES

#: What a name that means the quantity contains, and what it may not contain.
LIKE = {
    "loss": (r"loss|nll|perplexity|\bppl\b|\bbpb\b|bits_per|cross_?entropy|\bxent\b", r"scale|grad|weight|aux|std|err"),
    "params": (r"param|model_?size|\bmodel_?dim", r"kind|embed|encoder|decoder|per_|active|total|ratio|dtype"),
    "tokens": (r"token|\bsamples_seen\b", r"per_|unique|source|target_|tokenizer|vocab|batch|second|throughput|id\b"),
    "flops": (r"flops?\b|compute", r"per_|util|second|mfu"),
    "step": (r"\b(steps?|iters?|iterations?|updates?)$", r"max_|total_|per_|time|warm|eval_|save_|num_|log|bootstrap"),
    "lr": (r"\blr\b|learning_?rate", r"max_|min_|peak|end|decay|sched|warm|scale"),
}  # fmt: skip


def check_names(table: RunsTable) -> Iterator[Finding]:
    """A finding for each quantity that is absent while a column looks like it, and one where no law has its columns."""
    fed = bool(fed_laws(str(name) for name in table.frame.columns))
    hints = {name: looks_like(table, name) for name in LIKE if not table.has(name)}
    for name, columns in hints.items():
        told_below = name == "loss" and table.target in (None, "train_loss")
        if columns and not told_below and (name in ("loss", "params", "tokens") or not fed):
            repair = name_column(name, columns[0])
            verb = "looks" if len(columns) == 1 else "look"
            yield found(
                "unrecognised_column", "remark",
                f"No column is known as {name}; {a_few(columns)} {verb} like it.",
                Repair(f"If it is, pass {repair.python}.", f"If it is, add {repair.command}."), columns=[name],
            )  # fmt: skip
    if not fed:
        yield _nothing_to_fit(table, hints)


def looks_like(table: RunsTable, name: str) -> list[str]:
    """The columns of numbers whose names could mean a quantity, the likeliest first."""
    like, unlike = LIKE[name]
    there = []
    labels: list[Any] = list(table.frame.columns)
    for column in labels:
        if not isinstance(column, str) or column in QUANTITIES:
            continue
        words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
        meant = any(re.search(like, text) for text in (words, words.replace("_", " ")))
        if meant and not re.search(unlike, words) and np.isfinite(as_floats(table.frame[column])).any():
            there.append(column)
    return sorted(there, key=lambda column: (name not in column.lower(), len(column), column))


def unknown_numbers(table: RunsTable) -> list[str]:
    """The columns that are not known by name and hold some number."""
    labels: list[Any] = list(table.frame.columns)
    unknown = [name for name in labels if isinstance(name, str) and name not in QUANTITIES]
    return [name for name in unknown if np.isfinite(as_floats(table.frame[name])).any()]


def _nothing_to_fit(table: RunsTable, hints: dict[str, list[str]]) -> Finding:
    """No law finds its columns: what is there, and what to say."""
    if table.target is None:
        unknown = unknown_numbers(table)
        guess = (hints.get("loss") or [name for name in unknown if name == "y"] or unknown or ["NAME"])[0]
        repair = name_column("loss", guess)
        where = f"numbers are in {a_few(unknown, shown=6)}" if unknown else "no other column has numbers"
        text = f"No column is known as a loss, an error or a score; {where}."
        return found(
            "nothing_to_fit", "refused", text,
            Repair(f"Say which column was measured: {repair.python}.", f"Say which was measured: {repair.command}."),
        )  # fmt: skip
    if table.target == "train_loss":
        evaluated = hints.get("loss", [])
        repair = name_column("loss", evaluated[0] if evaluated else table.spelt("train_loss"))
        others = f" {a_few(evaluated)} {'looks' if len(evaluated) == 1 else 'look'} like one." if evaluated else ""
        return found(
            "nothing_to_fit", "refused", f"Laws predict a loss, and only a training loss is known by name.{others}",
            Repair(f"To fit that: {repair.python}.", f"To fit that: {repair.command}."), columns=["train_loss"],
        )  # fmt: skip
    wanted = listing(["params", "tokens", "flops", "step"], last="or")
    repair = name_column("tokens", "NAME")
    text = f"{table.target} is there, but no law finds the inputs it predicts it from, such as {wanted}."
    return found(
        "nothing_to_fit", "refused", text,
        Repair(f"Say which column is one: {repair.python}.", f"Say which column is one: {repair.command}."),
    )  # fmt: skip
