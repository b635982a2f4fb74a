"""Files of Parquet as programs write them. Run in this folder: python make_samples.py

Versions that wrote the files here: pandas 3.1.1, pyarrow 26.0.1, polars 2.1.0.

``wandb_history.parquet`` has the columns in which Weights & Biases keeps the history of a run; that service writes it
itself, so that this one is written with pyarrow.
"""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import parquet

STEPS = np.arange(0, 1000, 100)
LOSS = 1.7 + 3 / (1 + STEPS) ** 0.3


def write_pandas():
    """An index with names, and every type that pandas has for what may be missing."""
    table = pd.DataFrame(
        {
            "run": pd.Categorical(["small"] * 5 + ["größer"] * 5),
            "step": STEPS,
            "loss": LOSS,
            "seed": pd.array([2**60 + 1, None] * 5, dtype="Int64"),
            "finished": pd.array([True, None] * 5, dtype="boolean"),
            "note": pd.array(["a", None] * 5, dtype="string"),
            "when": pd.date_range("2024-03-31", periods=10, freq="h", tz="Europe/Berlin"),
        }
    )
    table.set_index(["run", "step"]).to_parquet("pandas_index.parquet")
    table[table["step"].isin([0, 100, 400])].to_parquet("pandas_row_numbers.parquet")


def write_arrow():
    """Nested columns, dictionaries, decimals, dates, bytes; in groups of three rows."""
    table = pa.table(
        {
            "step": STEPS,
            "eval": [{"loss": loss, "tasks": {"piqa": 0.5}} for loss in LOSS],
            "losses": [[loss, None] for loss in LOSS],
            "family": pa.array(["a", "b"] * 5).dictionary_encode(),
            "lr": [decimal.Decimal("0.0003")] * 10,
            "day": [dt.date(2024, 1, 1)] * 10,
            "blob": [b"\x00\xff"] * 10,
            "empty": pa.nulls(10),
        }
    )
    parquet.write_table(table, "arrow_nested.parquet", row_group_size=3, compression="zstd")


def write_others():
    """The same curve as polars writes it, and as the history of a run of Weights & Biases."""
    pl.DataFrame({"step": STEPS, "loss": LOSS, "run": "a"}).write_parquet("polars.parquet")
    history = {
        "_step": STEPS,
        "_runtime": STEPS / 10,
        "_timestamp": 1.7e9 + STEPS / 10,
        "train/loss": LOSS,
        "eval/loss": [loss if i % 2 else None for i, loss in enumerate(LOSS)],
    }
    parquet.write_table(pa.table(history), "wandb_history.parquet")


if __name__ == "__main__":
    write_pandas()
    write_arrow()
    write_others()
