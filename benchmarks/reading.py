"""How fast a million rows are read, and with how much memory: ours beside pandas, polars and pyarrow, in one run.

    python benchmarks/reading.py              # a few minutes
    python benchmarks/reading.py --rows 100000 --rounds 1

Each reading is a process of its own, after the imports and a short file of the same kind. Rounds go through all
readers in turn, so that a slow moment of the machine hits each; of each reader the quickest is shown. polars and
pyarrow use all cores, as they come; the others use one. Each gives what it gives: pandas, polars and pyarrow keep an
object inside a row as one value.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from many_rows import peak_mib
from threads import one_thread

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("READER", "FILE", "SHORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    one_thread()
    if arguments.one:
        measure(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        print("| file | reader | seconds | CPU seconds | million rows/s | peak MiB | time over ours |")
        print("|---|---|---|---|---|---|---|")
        for kind, write in KINDS.items():
            compare(kind, write, Path(folder), arguments.rows, arguments.rounds)


def measure(reader: str, file: str, short: str) -> None:
    """Read a file in this process and print seconds and peak memory."""
    read = READERS[reader]
    try:
        read(short)
    except ImportError:
        print(json.dumps(None))
        return
    start, start_cpu = time.perf_counter(), time.process_time()
    table = read(file)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mib": peak_mib(), "rows": len(table)}))


def compare(kind: str, write: Callable[[Path, int], None], folder: Path, rows: int, rounds: int) -> None:
    """Write a file of one kind, let every reader read it in turn, and print one line for each."""
    suffix = kind.partition(" ")[0]
    file, short = folder / f"rows.{suffix}", folder / f"short.{suffix}"
    write(file, rows)
    write(short, 1000)
    found: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
    for _ in range(rounds):
        for reader in READERS:
            command = [sys.executable, __file__, "--one", reader, str(file), str(short)]
            said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            if said is not None:
                found[reader].append(said)
    ours = min(said["seconds"] for said in found["scalefit"])
    kind = f"{kind}, {file.stat().st_size / 2**20:.0f} MiB"
    for reader, said in found.items():
        if not said:
            print(f"| {kind} | {reader} | not installed | | | | |")
            continue
        assert {one["rows"] for one in said} == {rows}, reader
        quickest = min(said, key=lambda one: one["seconds"])
        seconds, speed = quickest["seconds"], rows / quickest["seconds"] / 1e6
        told = [
            f"{seconds:.2f}",
            f"{quickest['cpu']:.2f}",
            f"{speed:.2f}",
            f"{quickest['mib']:.0f}",
            f"{seconds / ours:.2f}",
        ]
        print(f"| {kind} | {reader} | {' | '.join(told)} |", flush=True)


def rows_of(count: int) -> Iterator[Row]:
    """Checkpoints of runs of a thousand steps, eight fields each, floats with all their digits."""
    rng = random.Random(0)
    for number in range(count):
        step = number % 1000 * 10
        yield {
            "run": f"run-{number // 1000}", "step": step, "loss": 2 + rng.random(), "lr": 3e-4 * rng.random(),
            "tokens": step * 2**19, "grad_norm": rng.random(), "epoch": step / 1e4, "params": 12345678,
        }  # fmt: skip


def write_lines(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows_of(count))


def write_two_kinds(path: Path, count: int) -> None:
    """Rows of training, of which every tenth is followed by one of evaluation; settings nested."""
    with path.open("w") as file:
        for number, row in enumerate(rows_of(count)):
            if number % 10 == 9:
                row = {"run": row["run"], "step": row["step"], "eval": {"loss": row["loss"], "accuracy": None}}
            file.write(json.dumps(row) + "\n")


def write_text(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write(",".join(next(rows_of(1))) + "\n")
        file.writelines(",".join(map(str, row.values())) + "\n" for row in rows_of(count))


def by_scalefit(path: str) -> object:
    import scalefit as sf

    return sf.read_runs(path)


def by_pandas(path: str) -> object:
    import pandas as pd

    return pd.read_csv(path) if path.endswith(".csv") else pd.read_json(path, lines=True)


def by_polars(path: str) -> object:
    import polars as pl

    return pl.read_csv(path) if path.endswith(".csv") else pl.read_ndjson(path)


def by_pyarrow(path: str) -> object:
    import pyarrow.csv
    import pyarrow.json

    return pyarrow.csv.read_csv(path) if path.endswith(".csv") else pyarrow.json.read_json(path)


READERS = {"scalefit": by_scalefit, "pandas": by_pandas, "polars": by_polars, "pyarrow": by_pyarrow}
KINDS = {"jsonl": write_lines, "jsonl of two kinds of rows": write_two_kinds, "csv": write_text}


if __name__ == "__main__":
    main()
