"""Choosing which runs to train: planned designs against random, cheapest-first, geometric, D- and V-optimal ones.

``python benchmarks/planning.py DATA --part scalebench`` where DATA is the folder of public runs; other parts are
``microlm`` and ``chinchilla``. Every design is chosen in stages, sees the losses of chosen runs only, and ends in the
same predictor, ``plan.forecast``, so the rows of one table differ in their runs alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from threads import one_thread

one_thread()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from planning_designs import DESIGNS, Task, chinchilla, microlm, play  # noqa: E402

BUDGETS = (0.01, 0.05, 0.10)
SEEDS = 3


def r_squared(seen: pd.Series, told: pd.Series) -> float:
    """Clipped to [-1, 1]."""
    return float(np.clip(1 - np.sum((seen - told) ** 2) / np.sum((seen - seen.mean()) ** 2), -1, 1))


def scalebench(folder: Path) -> list[Task]:
    """The three tasks with their cost proxies."""

    def read(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        table = pd.read_csv(folder / "scalebench" / f"{name}.csv")
        parts = [
            table[table["split"] == part].drop(columns="split").reset_index(drop=True) for part in ("train", "test")
        ]
        return parts[0], parts[1]

    return [
        Task("parallel", *read("parallel"), cost="params", by="group"),
        Task("moe", *read("moe"), cost="params_dense * experts", columns={"params": "params_dense"}),
        Task("data_constrained", *read("data_constrained"), cost="6 * params * tokens"),
    ]


PARTS: dict[str, Callable[[Path], list[Task]]] = {
    "scalebench": scalebench,
    "microlm": microlm,
    "chinchilla": chinchilla,
}


def measure(tasks: list[Task], designs: list[str], budgets: tuple[float, ...], seeds: int) -> pd.DataFrame:
    """One row a task, budget, design and seed."""
    rows = []
    for task in tasks:
        total = float(task.costs.sum())
        for share in budgets:
            for name in designs:
                for seed in range(seeds):
                    begun = time.perf_counter()
                    chosen, plan = play(task, DESIGNS[name], share * total, seed)
                    told, seen = plan.forecast, task.test["loss"]
                    error = np.log(told["estimate"]) - np.log(seen)
                    spread = np.sqrt(float(plan.laws["weight"] @ plan.laws["noise"] ** 2))
                    low, high = np.log(told["low"]) - 1.645 * spread, np.log(told["high"]) + 1.645 * spread
                    rows.append(
                        {
                            "task": task.name, "budget": share, "design": name, "seed": seed, "runs": len(chosen),
                            "spent": float(task.costs[chosen.index].sum()) / total,
                            "r2": r_squared(seen, told["estimate"]), "error": float(np.sqrt(np.mean(error**2))),
                            "half_width": plan.half_width,
                            "held": float(np.mean((np.log(seen) >= low) & (np.log(seen) <= high))),
                            "seconds": time.perf_counter() - begun,
                        }
                    )  # fmt: skip
                    print(pd.DataFrame(rows[-1:]).to_string(header=len(rows) == 1, index=False), flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of public runs")
    parser.add_argument("--part", choices=list(PARTS), default="scalebench")
    parser.add_argument("--task", help="one task of the part")
    parser.add_argument("--designs", nargs="*", default=list(DESIGNS))
    parser.add_argument("--budgets", nargs="*", type=float, default=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--save", type=Path, help="a csv for the rows")
    choices = parser.parse_args()
    tasks = [task for task in PARTS[choices.part](choices.data) if choices.task in (None, task.name)]
    told = measure(tasks, choices.designs, tuple(choices.budgets), choices.seeds)
    if choices.save:
        told.to_csv(choices.save, index=False)
    names = ["r2", "error", "half_width", "held"]
    print(told.groupby(["task", "budget", "design"], sort=False)[names].mean().round(4).to_string())


if __name__ == "__main__":
    main()
