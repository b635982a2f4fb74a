"""Writes the samples of this folder: one small table as pandas writes it, and a log as a training script appends it.

    pip install "pandas==3.1.1"
    python make_samples.py

``log.jsonl`` has rows of training and of evaluation, a loss that is not a number and a line that two processes wrote at
once, and it ends in the middle of a line, as the log of a run that was killed.
"""

import json
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def table():
    return pd.DataFrame(
        {
            "run": ["a", "a", "b", "b"],
            "params": [1000000, 1000000, 4000000, 4000000],
            "step": [100, 200, 100, 200],
            "loss": [4.125, 3.75, 3.9, None],
            "note": ["warm-up", None, "über", 'say "hi"'],
        }
    )


def log_lines():
    for step in range(0, 60, 5):
        yield json.dumps({"step": step, "train": {"loss": 4.5 - step / 50, "lr": 3e-4}, "tokens": step * 2**19})
        if step % 20 == 0:
            yield json.dumps({"step": step, "val_loss": 4.6 - step / 50})
    yield json.dumps({"step": 60, "train": {"loss": float("nan"), "lr": 3e-4}, "tokens": 60 * 2**19})
    yield '{"step": 65, "train": {"los{"step": 65, "val_loss": 3.5}'
    yield '{"step": 70, "train": {"loss": 3.'


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for orient in ("records", "split", "columns", "index", "table"):
        table().to_json(target / f"{orient}.json", orient=orient, indent=1, double_precision=15)
    table().to_json(target / "lines.jsonl", orient="records", lines=True, double_precision=15)
    (target / "log.jsonl").write_text("\n".join(log_lines()))
