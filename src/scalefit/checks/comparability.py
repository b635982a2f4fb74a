"""Whether losses may be compared: tokenizer, vocabulary, evaluation set, data, and which parameters are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.checks.finding import Finding, Repair, a_few, found, short
from scalefit.checks.table import RunsTable, factorized

#: A column with more values than this names something else.
MOST = 20


@dataclass(frozen=True)
class Setting:
    """Something that must be the same for losses to be compared.

    Attributes
    ----------
    kind : str
        Of the finding.
    names : str
        A pattern for the last part of the name of the column.
    why : str
        What goes wrong where it differs.
    repair, command : str
        What to do; ``{column}`` and ``{value}`` are filled in.
    """

    kind: str
    names: str
    why: str
    repair: str
    command: str


_ONE = "Or take one: runs[runs[{column!r}] == {value!r}]."
_ONE_FILE = "Or keep the rows of one {column} in the file."
SETTINGS = (
    Setting(
        "tokenizer", r"tokenizer(_name|_path|_type)?|vocab(ulary)?(_size)?|n_vocab|encoding",
        "losses per token of different tokens are not comparable",
        "Compare bits per byte: sf.bits_per_byte(runs['loss'], bytes_per_token), with those of each tokenizer. " + _ONE,
        "Compare bits per byte: loss / log(2) / bytes_per_token, with those of each tokenizer. " + _ONE_FILE,
    ),
    Setting(
        "evaluation_set", r"(eval|val|validation|test)_?(set|data|dataset|split|task|corpus)|benchmark|task",
        "losses on different texts are not comparable",
        "Evaluate all on the same set. " + _ONE, "Evaluate all on the same set. " + _ONE_FILE,
    ),
    Setting(
        "split", r"split", "a fit of all rows mixes them",
        "Take one: runs[runs[{column!r}] == {value!r}].", "Keep the rows of one {column} in the file.",
    ),
    Setting(
        "params_kind", r"params_kind|params_type|param_count_type",
        "a size that counts embeddings and one that does not are two quantities, and give other exponents",
        "Count all alike: sf.count_params(config) gives each kind. " + _ONE, "Count all alike. " + _ONE_FILE,
    ),
    Setting(
        "training_data", r"(train(ing)?_?)?(data|data_?set|corpus|mixture|data_mix)(_name)?",
        "the constants of a law belong to one set of data",
        "Fit each alone. " + _ONE, "Fit each alone. " + _ONE_FILE,
    ),
    Setting(
        "context", r"context(_length|_size)?|seq(uence)?_?len(gth)?|max_seq_len|block_size|n_ctx",
        "a longer context gives a lower loss per token at the same size",
        "Evaluate all at one length. " + _ONE, "Evaluate all at one length. " + _ONE_FILE,
    ),
)  # fmt: skip


def check_comparability(table: RunsTable) -> Iterator[Finding]:
    """A remark for each setting that differs between families or within one."""
    for name in table.frame.columns:
        last = re.sub(r"[^a-z0-9]+", "_", re.split(r"[./]", str(name).lower())[-1]).strip("_")
        setting = next((one for one in SETTINGS if re.fullmatch(one.names, last)), None)
        if setting is not None:
            yield from _differs(table, str(name), table.frame[name], setting)


def _differs(table: RunsTable, name: str, column: pd.Series[Any], setting: Setting) -> Iterator[Finding]:
    every_row = setting.kind in ("split", "evaluation_set")
    cells = column if every_row else column.iloc[table.last]
    runs = table.codes if every_row else np.arange(len(table.names))
    numbers, values = factorized(cells)
    if not 2 <= len(values) <= MOST:
        return
    codes, families = table.families
    there = numbers >= 0
    pairs = pd.DataFrame({"family": codes[runs][there], "value": numbers[there]}).drop_duplicates()
    counts = pairs.groupby("family", sort=False).size()
    if len(counts) > 1 and (counts == 1).all():
        told = [f"{families[family]}: {short(values[value])}" for family, value in pairs.to_numpy()]
        where = f"differs between families ({a_few(told)})"
    else:
        of = "" if families == ("",) else f" within {a_few(families[code] for code in counts.index[counts > 1])}"
        where = f"differs{of} ({a_few(values)})"
    value = values[np.bincount(numbers[there]).argmax()]
    say = {"column": table.spelt(name), "value": value.item() if isinstance(value, np.generic) else value}
    yield found(
        setting.kind, "remark", f"{name} {where}: {setting.why}.",
        Repair(setting.repair.format(**say), setting.command.format(column=table.in_file(name), value=value)),
        columns=[name],
    )  # fmt: skip
