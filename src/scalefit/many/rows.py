"""The table of many fits: one tidy row a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.errors import FitError
from scalefit.many.engine import Outcome
from scalefit.many.notes import notes_of
from scalefit.result import Fit
from scalefit.uncertainty.intervals import summary_columns

#: What a row says beside the names of its group and the parameters, with the value of a group that failed.
TOLD: Mapping[str, Any] = {
    "status": "failed",
    "n_runs": 0,
    "n_rows": 0,
    "objective": np.nan,
    "rms": np.nan,
    "n_draws": 0,
    "n_failed": 0,
}
#: What each parameter is followed by.
ENDINGS = ("", "_se", "_low", "_high")
#: What is told in words, at the end of a row.
WORDS = ("reason", "notes", "warnings")


def row_of(fit: Fit, level: float) -> dict[str, Any]:
    """What the table says of one fit."""
    told = {
        "status": fit.judgement.status,
        "n_runs": fit.n_runs,
        "n_rows": fit.n_rows,
        "objective": fit.objective,
        "rms": fit.rms,
        "n_draws": 0 if fit.draws is None else len(fit.draws),
        "n_failed": fit.n_failed,
        "reason": "; ".join(fit.judgement.reasons),
    }
    columns = summary_columns(fit, level, "percentile")
    told["notes"] = "; ".join(notes_of(fit, columns["se"]))
    for name, *values in zip(fit.law.param_names, *(column.tolist() for column in columns.values()), strict=True):
        told.update(zip((f"{name}{ending}" for ending in ENDINGS), values, strict=True))
    return told


def columns_of(params: Sequence[str]) -> list[str]:
    """The columns of the table after the names of the groups."""
    return [*TOLD, *(f"{name}{ending}" for name in params for ending in ENDINGS), *WORDS]


def check_names(by: Sequence[str], params: Sequence[str]) -> None:
    """Refuse a column of groups that is called as a column of the table will be."""
    for name in by:
        if name in columns_of(params):
            raise FitError(
                f"by={name!r} is what a column of the answer is called: rename it, "
                f"runs.rename(columns={{{name!r}: '{name}_group'}})."
            )


def full_row(outcome: Outcome, size: int, runs: int, params: Sequence[str]) -> dict[str, Any]:
    """The row of a group of so many rows and runs that was fitted or failed, in the order of :func:`columns_of`."""
    row = {**TOLD, "n_rows": size, "n_runs": runs, "reason": outcome.reason, "notes": "", **outcome.row}
    row["warnings"] = "; ".join(outcome.warned)
    return {name: row.get(name, np.nan) for name in columns_of(params)}


def table_of(names: pd.DataFrame, rows: Mapping[int, Mapping[str, Any]], params: Sequence[str]) -> pd.DataFrame:
    """The table: names of the groups, then what is told of each."""
    ordered = [rows[position] for position in range(len(names))]
    told = pd.DataFrame({name: [row[name] for row in ordered] for name in columns_of(params)})
    return pd.concat([names, told], axis=1)
