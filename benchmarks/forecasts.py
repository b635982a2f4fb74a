"""Time of a forecast from 240 runs: four laws, 1,000 draws of each, and the back-test; beside one law's bootstrap.

``python benchmarks/forecasts.py DATA`` where DATA is ``runs.csv`` of the Chinchilla runs or its folder; columns
``params``, ``tokens``, ``loss`` and ``outlier``. The 240 rows with ``outlier == 0`` are fitted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threads import one_thread

one_thread()

import pandas as pd  # noqa: E402

import scalefit as sf  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="runs.csv of the Chinchilla runs, or its folder")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each row; the fastest is shown")
    choices = parser.parse_args()
    runs = pd.read_csv(choices.data / "runs.csv" if choices.data.is_dir() else choices.data)
    runs = runs[runs["outlier"] == 0].reset_index(drop=True)
    at = sf.grid(params=[7e10], tokens=[1.4e12])
    fit = sf.fit(runs, "chinchilla")
    rows: list[tuple[str, Callable[[], Any]]] = [
        ("chinchilla, bootstrap of 1,000", lambda: fit.bootstrap(1000, rng=0)),
        ("forecast, 4 laws, 1,000 draws each, back-test of 4 cuts", lambda: sf.forecast(runs, at, rng=0)),
        ("the same without the back-test", lambda: sf.forecast(runs, at, cuts=(), rng=0)),
        ("back-test of chinchilla alone, 4 cuts, 200 draws", lambda: sf.backtest(runs, "chinchilla", rng=0)),
    ]
    times = [(what, *fastest(call, choices.repeats)) for what, call in rows]
    print("| what | seconds | of which this process | ratio |")
    print("|---|---|---|---|")
    for what, wall, own in times:
        print(f"| {what} | {wall:.2f} | {own:.2f} | {own / times[0][2]:.2f} |")


def fastest(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Wall time and processor time of the fastest of some calls, after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        call()
        found.append((time.perf_counter() - wall, time.process_time() - own))
    return min(wall for wall, _ in found), min(own for _, own in found)


if __name__ == "__main__":
    main()
