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
#: What columns of text that name families or runs are called, words parted by one underscore.
_FAMILY_WORDS = re.compile(r"(^|_)(model|models|arch|architecture|family|variant|optimizer|recipe|method|setup)(_|$)")
_RUN_WORDS = re.compile(r"(^|_)(run|exp|experiment|trial|job|name)(_|$)")
#: A column of families has at most so many names, and so many rows of each on average.
MOST_FAMILIES, FEWEST_ROWS = 8, 3
#: What a column with the loss of held-out text is called, words parted by one underscore.
_HELD_OUT = re.compile(
    r"(val|valid|validation|eval|evaluation|test|dev|held_?out)_(\w+_)?loss|loss_(val|valid|validation|eval|test|dev)"
)
#: Words in the names of settings, which nobody measures.
_SETTING = re.compile(
    r"(^|_)(max|min|total|num|n|lr|learning|rate|batch|seed|warm\w*|steps?|iters?|epochs?|layers?|heads?|hidden|dim|width|"
    r"depth|size|length|len|vocab|dropout|beta\d?|betas|eps\w*|decay|weight|grad\w*|save|logg?ing|every|interval|id|rank|"
    r"workers|version|time\w*|date|index|params?|tokens?|flops?)(_|$)"
)


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
    yield from _labels(table)
    yield from _which_loss(table)
    if not fed:
        yield _nothing_to_fit(table, hints)


def _labels(table: RunsTable) -> Iterator[Finding]:
    """Columns of text that look like the names of families or of runs where no column is known to hold them."""
    holds = {"family": _hold_families, "run": _hold_runs}
    for name, words in (("family", _FAMILY_WORDS), ("run", _RUN_WORDS)):
        if table.has(name) or (name == "run" and (table.run_column is not None or table.names_rows)):
            continue
        there = [str(column) for column in _texts(table) if words.search(_words(column)) and holds[name](table, column)]
        if there:
            repair = name_column(name, there[0])
            verb = "looks" if len(there) == 1 else "look"
            yield found(
                "unrecognised_column", "remark", f"No column is known as {name}; {a_few(there)} {verb} like it.",
                Repair(f"If it is, pass {repair.python}.", f"If it is, add {repair.command}."), columns=[name],
            )  # fmt: skip


def _texts(table: RunsTable) -> list[str]:
    """The columns that are not known by name and hold nothing but text."""
    columns = [name for name in map(str, table.frame.columns) if name in table.frame.columns and name not in QUANTITIES]
    cells = {name: table.frame[name].dropna().to_numpy(dtype=object) for name in columns}
    return [name for name, values in cells.items() if len(values) and all(isinstance(cell, str) for cell in values)]


def _hold_families(table: RunsTable, column: str) -> bool:
    names = table.frame[column].dropna()
    return 1 < names.nunique() <= MOST_FAMILIES and len(names) >= FEWEST_ROWS * names.nunique()


def _hold_runs(table: RunsTable, column: str) -> bool:
    """Whether each row has a name of its own, apart from rows that stand twice."""
    names, rows = table.frame[column], len(table.frame)
    if names.isna().any() or names.nunique() < 2 or 2 * names.nunique() <= rows:
        return False
    return bool(names.nunique() == len(table.frame.astype(str).drop_duplicates()))


def _which_loss(table: RunsTable) -> Iterator[Finding]:
    """A column ``loss`` beside one of held-out text: it is probably that of training."""
    if not table.has("loss") or "loss" in table.said or table.in_file("loss") != "loss":
        return
    used, others = table.numbers["loss"], []
    for column in (name for name in table.frame.columns if name not in QUANTITIES):
        if not _HELD_OUT.fullmatch(_words(str(column))):
            continue
        values = as_floats(table.frame[column])
        if np.isfinite(values).any() and not np.array_equal(values, used, equal_nan=True):
            others.append(str(column))
    if not others:
        return
    known = [alias for alias in QUANTITIES["loss"].aliases if alias in others]
    repair, keep = (name_column("loss", column) for column in ((known or others)[0], "loss"))
    yield found(
        "which_loss", "misleading",
        f"loss is read from the column loss, and {a_few(others)} {'stands' if len(others) == 1 else 'stand'} beside "
        "it: then loss is usually that of training, and laws describe that of held-out text.",
        Repair(f"Pass {repair.python}; to keep loss, {keep.python}.",
               f"Add {repair.command}; to keep loss, {keep.command}."),
        columns=["loss", *others],
    )  # fmt: skip


def _words(name: str) -> str:
    """A name in small letters, its words parted by one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def _may_be_measured(table: RunsTable, column: str) -> bool:
    """Whether a column of numbers could be what was measured: it varies, and has no name of a setting."""
    values = as_floats(table.frame[column])
    return len(np.unique(values[np.isfinite(values)])) > 1 and not _SETTING.search(_words(column))


def looks_like(table: RunsTable, name: str) -> list[str]:
    """The columns of numbers whose names could mean a quantity, the likeliest first."""
    like, unlike = LIKE[name]
    there = []
    labels: list[Any] = list(table.frame.columns)
    for column in labels:
        if not isinstance(column, str) or column in QUANTITIES:
            continue
        words = _words(column)
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
        likely = [name for name in unknown if _may_be_measured(table, name)]
        guess = (hints.get("loss") or [name for name in unknown if name == "y"] or likely or ["NAME"])[0]
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
