"""Time of profile likelihood intervals of all Chinchilla parameters, beside lmfit's for least squares.

``python benchmarks/profiles.py DATA`` where DATA is ``runs.csv`` of the Chinchilla runs or its folder; columns
``params``, ``tokens``, ``loss`` and ``outlier``. The 240 rows with ``outlier == 0`` are fitted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threads import one_thread

one_thread()

import lmfit  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import scalefit as sf  # noqa: E402

AT = {"params": 7e10, "tokens": 1.4e12}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="runs.csv of the Chinchilla runs, or its folder")
    parser.add_argument("--repeats", type=int, default=9, help="timings of each row; their median is shown")
    choices = parser.parse_args()
    runs = pd.read_csv(choices.data / "runs.csv" if choices.data.is_dir() else choices.data)
    runs = runs[runs["outlier"] == 0].reset_index(drop=True)
    huber, square = sf.fit(runs, "chinchilla"), sf.fit(runs, "chinchilla", objective=sf.Square())
    rows: list[tuple[str, Callable[[], Any], int]] = [
        ("all five parameters, Huber", lambda: sf.profile(huber), choices.repeats),
        ("all five parameters, squares", lambda: sf.profile(square), choices.repeats),
        ("loss at a point, Huber", lambda: sf.profile(huber, "loss", at=AT), choices.repeats),
        (
            "best size for 1e24 FLOP, Huber",
            lambda: sf.profile(huber, "params_optimal", at={"flops": 1e24}),
            choices.repeats,
        ),
        ("lmfit.conf_interval, all five, squares", lambda: lmfit_intervals(square), 1),
        ("sf.identifiability, Huber", lambda: sf.identifiability(huber), choices.repeats),
        ("sf.influence, Huber, 240 refits", lambda: sf.influence(huber, AT), choices.repeats),
        ("sf.sensitivity, Huber", lambda: sf.sensitivity(huber), 3),
    ]
    print("| what | seconds | of which this process |")
    print("|---|---|---|")
    for what, call, repeats in rows:
        wall, own = timed(call, repeats)
        print(f"| {what} | {wall:.2f} | {own:.2f} |", flush=True)
    print(f"\nLargest difference from lmfit: {difference(square):.1e} of an interval's width.")


def timed(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Median wall time and processor time, after one call that is not counted."""
    if repeats > 1:
        call()
    walls, owns = [], []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        owns.append(time.process_time() - own)
    return statistics.median(walls), statistics.median(owns)


def lmfit_intervals(fit: sf.Fit) -> dict[str, list[tuple[float, float]]]:
    seen = np.log(fit.data["loss"].to_numpy())

    def residual(params: lmfit.Parameters) -> np.ndarray:
        return np.log(fit.law(params.valuesdict(), fit.data)) - seen

    minimizer = lmfit.Minimizer(residual, fit.to_lmfit(), ftol=1e-13, xtol=1e-13, gtol=1e-13)
    return lmfit.conf_interval(minimizer, minimizer.minimize(method="leastsq"), sigmas=[0.9])


def difference(fit: sf.Fit) -> float:
    ours = sf.profile(fit).intervals
    far = 0.0
    for name, ((_, low), _, (_, high)) in lmfit_intervals(fit).items():
        width = ours.loc[name, "high"] - ours.loc[name, "low"]
        far = max(far, abs(ours.loc[name, "low"] - low) / width, abs(ours.loc[name, "high"] - high) / width)
    return far


if __name__ == "__main__":
    main()
