"""What planning saves: on made-up truths, and on public runs; writes planning_*.csv beside itself.

``python docs/studies/planning.py --part simulation`` needs no data; ``--part halve --data PATH`` reads the folder of
public runs; ``--part report`` prints the tables of the page from the csv files.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "benchmarks")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from planning_designs import DESIGNS, Task, campaign, chinchilla, microlm  # noqa: E402

import scalefit as sf  # noqa: E402
from scalefit.decisions.planning.candidates import candidates  # noqa: E402

TRUTHS, NOISE = 200, 0.005
BUDGET, TARGET = 1e21, 1e23
#: Planned designs have these shares of the ladder's budget, and see their losses after these shares of what is left.
SHARES, LOOKS = (0.35, 0.5, 0.7), (0.05, 0.2)
#: The truths of the page: those before were used while the study was set up.
FIRST = 1000
LAWS = ("chinchilla", "gen_ces")


def truth(rng: np.random.Generator) -> tuple[str, dict[str, float]]:
    """A law and its constants: half the truths are of each law; both terms have usual sizes at 1e9 and 2e10."""
    a, b = rng.uniform(0.25, 0.45, 2)
    terms = np.exp(rng.normal(np.log(0.3), 0.5, 2))
    values = {"E": rng.uniform(1.4, 2.1), "A": terms[0] * 1e9**a, "alpha": a, "B": terms[1] * 2e10**b, "beta": b}
    if rng.random() < 0.5:
        return "chinchilla", values
    return "gen_ces", {**values, "q": float(np.exp(rng.uniform(np.log(0.5), np.log(1.4))))}


def made_up(number: int) -> tuple[Task, list[Any], float]:
    """Candidates with their losses, the few cheap runs that are known, and the true loss of the target."""
    rng = np.random.default_rng([7, number])
    law, values = truth(rng)
    begun = candidates([1e17, 3e17], splits=3)
    table = pd.concat([begun, candidates(np.geomspace(1e18, BUDGET / 3, 7))], ignore_index=True)
    table = sf.simulate_runs(law, values, table, noise=NOISE, rng=rng)
    at = candidates(TARGET, splits=1)
    real = float(sf.get_law(law)(values, at)[0])
    task = Task(f"truth {number}", table, at.assign(loss=real), cost="flops", laws=list(LAWS), draws=64,
                noise=NOISE)  # fmt: skip
    return task, list(range(len(begun))), real


def simulate(truths: int, first: int) -> pd.DataFrame:
    """One row a truth and design."""
    rows: list[dict[str, Any]] = []
    for number in range(first, first + truths):
        task, begun, real = made_up(number)
        ends = {("random", 1.0): campaign(task, DESIGNS["random"], [BUDGET], begun, number)[-1]}
        for share in SHARES:
            [ends["planned", share]] = campaign(task, DESIGNS["planned"], [BUDGET * share], begun, number, looks=LOOKS)
        for (name, share), (spent, plan) in ends.items():
            row = plan.forecast.iloc[0]
            rows.append(
                {
                    "truth": number, "design": name, "share": share, "spent": spent, "half_width": plan.half_width,
                    "error": float(np.log(row["estimate"] / real)), "held": bool(row["low"] <= real <= row["high"]),
                }
            )  # fmt: skip
        pd.DataFrame(rows).to_csv(HERE / "planning_simulation.csv", index=False)
    return pd.DataFrame(rows)


def halve(folder: Path, seeds: int) -> pd.DataFrame:
    """Cost at which each design has halved the half-width that the cheapest runs leave."""
    rows = []
    for task in (*microlm(folder), *chinchilla(folder)):
        costs = task.costs
        begun = list(costs.sort_values(kind="stable").index[:8])
        pool = float(costs.sum())
        tranches = [pool * share for share in np.geomspace(1 / 1024, 1.0, 21)]
        start = task.plan(task.train.loc[begun], task.train, pool, 0).half_width
        for name in ("planned", "random", "cheapest first", "geometric ladder"):
            for seed in range(seeds if name != "cheapest first" else 1):
                spent, plan = campaign(task, DESIGNS[name], tranches, begun, seed, goal=start / 2)[-1]
                seen, told = task.test["loss"], plan.forecast
                rows.append(
                    {"task": task.name, "design": name, "seed": seed, "start": start, "half_width": plan.half_width,
                     "reached": plan.half_width <= start / 2, "share": spent / pool,
                     "error": float(np.sqrt(np.mean(np.log(told["estimate"] / seen) ** 2)))}
                )  # fmt: skip
                pd.DataFrame(rows).to_csv(HERE / "planning_halve.csv", index=False)
    return pd.DataFrame(rows)


def report() -> None:
    """The tables of the page."""
    if (HERE / "planning_simulation.csv").is_file():
        told = pd.read_csv(HERE / "planning_simulation.csv").assign(miss=lambda rows: rows["error"].abs())
        ladder = told[told["design"] == "random"].set_index("truth")
        for (name, share), rows in told.groupby(["design", "share"]):
            rows = rows.set_index("truth")
            width = rows["half_width"] / ladder["half_width"]
            quarter, half, rest = (width.quantile(q) for q in (0.25, 0.5, 0.75))
            print(
                f"{name} {share:4.2f}: {len(rows)} truths, spent {(rows['spent'] / ladder['spent']).median():.2f}, "
                f"half-width {half:.3f} of the ladder's ({quarter:.2f} to {rest:.2f}), at most it in "
                f"{(width <= 1).mean():.1%}, held {rows['held'].mean():.1%}, error {rows['miss'].median():.2%}"
            )
    if (HERE / "planning_halve.csv").is_file():
        real = pd.read_csv(HERE / "planning_halve.csv")
        print(real.groupby(["task", "design"])[["share", "reached", "error"]].mean().round(4).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["simulation", "halve", "report"], required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--truths", type=int, default=TRUTHS)
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--seeds", type=int, default=3)
    choices = parser.parse_args()
    if choices.part == "simulation":
        simulate(choices.truths, choices.first)
    elif choices.part == "halve":
        halve(choices.data, choices.seeds)
    report()


if __name__ == "__main__":
    main()
