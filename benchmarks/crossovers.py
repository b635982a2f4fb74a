"""Time of a crossover of two families of 240 runs each, with 1,000 draws, beside the fits and bootstraps it needs.

``python benchmarks/crossovers.py``. The runs are simulated: chinchilla surfaces with 0.7 % of noise, 20 sizes on 12
ratios of tokens to parameters. One thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from threads import one_thread

one_thread()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import scalefit as sf  # noqa: E402

FAMILIES = {
    "first": {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658},
    "second": {"E": 1.7, "A": 540.0, "alpha": 0.3478, "B": 2330.0, "beta": 0.3658},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="timings of each row; the fastest is shown")
    choices = parser.parse_args()
    tables = {name: runs_of(name, seed) for seed, name in enumerate(FAMILIES)}
    plain = {name: sf.fit(table, "chinchilla") for name, table in tables.items()}
    fits = [fit.bootstrap(1000, rng=seed) for seed, fit in enumerate(plain.values())]
    counted = {name: sf.Cost.from_runs(table) for name, table in tables.items()}
    runs = pd.concat([table.assign(family=name) for name, table in tables.items()], ignore_index=True)

    def whole() -> Any:
        drawn = [sf.fit(table, "chinchilla").bootstrap(1000, rng=0) for table in tables.values()]
        return sf.find_crossover(*drawn, along="flops")

    rows: list[tuple[str, Callable[[], Any]]] = [
        ("two bootstraps of 1,000", lambda: [fit.bootstrap(1000, rng=0) for fit in plain.values()]),
        ("crossover along flops, best splits in closed form", lambda: sf.find_crossover(*fits, along="flops")),
        (
            "crossover along flops, each family's own cost, best splits searched",
            lambda: sf.find_crossover(*fits, along="flops", cost=list(counted.values())),
        ),
        ("crossover along tokens", lambda: sf.find_crossover(*fits, along="tokens", at={"params": 1e9})),
        ("fits, bootstraps and crossover along flops", whole),
        ("crossover of the raw runs, 300 resamples", lambda: sf.find_raw_crossover(runs, along="flops", ratio=20)),
    ]
    times = [(what, *fastest(call, choices.repeats)) for what, call in rows]
    print("| what | seconds | of which this process | ratio |")
    print("|---|---|---|---|")
    for what, wall, own in times:
        print(f"| {what} | {wall:.2f} | {own:.2f} | {own / times[0][2]:.2f} |")


def runs_of(name: str, seed: int) -> Any:
    """240 runs, with compute that is not quite 6 N D."""
    sizes, ratios = np.meshgrid(np.geomspace(1e7, 1e10, 20), np.geomspace(2, 200, 12))
    table = pd.DataFrame({"params": sizes.ravel(), "tokens": (sizes * ratios).ravel()})
    table["flops"] = 6 * table["params"] * table["tokens"] * (1 + 0.3 * (1e7 / table["params"]) ** 0.3)
    noise = np.exp(0.007 * np.random.default_rng(seed).standard_normal(240))
    return table.assign(loss=sf.get_law("chinchilla")(FAMILIES[name], table) * noise)


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
