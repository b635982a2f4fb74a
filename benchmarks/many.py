"""Many fits: time, memory and growth, and how much longer a loop takes, in one run on one machine.

``python benchmarks/many.py`` simulates groups of 40 runs each. ``--sizes 200 2000 20000`` are the numbers of groups of
the table without bootstrap, ``--groups 2000 --draws 200`` those of the one with, ``--workers 2`` how many processes
share the work, ``--ratios 60`` the groups that are fitted one by one by ours and by SciPy's least_squares.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

ROWS = 40
#: Starts of the loop over least_squares that looks for the minimum, as ours does.
STARTS = 16


def main() -> None:
    if "numpy" not in sys.modules:
        one_thread()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[200, 2000])
    parser.add_argument("--groups", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ratios", type=int, default=60)
    choices = parser.parse_args()
    print(f"{'what':58} {'groups':>7} {'wall s':>8} {'CPU s':>8} {'ms/group':>9} {'MiB':>6}  status")
    with workers(choices.workers):
        many(choices.sizes[0] if choices.sizes else 20, None)  # workers load their libraries
        for groups in choices.sizes:
            report(f"fits, {choices.workers} workers", groups, lambda g=groups: many(g, None))
        if choices.groups:
            what = f"fits with {choices.draws} resamples, {choices.workers} workers"
            report(what, choices.groups, lambda: many(choices.groups, choices.draws))
    if choices.ratios:
        ratios(choices.ratios)


def simulated(groups: int) -> pd.DataFrame:
    """Runs of one law; groups differ in their floor and their noise."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    params = 10 ** rng.uniform(6, 9, (groups, ROWS))
    tokens = params * 10 ** rng.uniform(0.5, 2, (groups, ROWS))
    floor = rng.uniform(1.6, 2.0, (groups, 1))
    loss = (floor + 406 / params**0.34 + 411 / tokens**0.28) * np.exp(0.003 * rng.standard_normal((groups, ROWS)))
    names = np.repeat([f"task {number}" for number in range(groups)], ROWS)
    columns = {"params": params, "tokens": tokens, "loss": loss}
    return pd.DataFrame({"task": names, **{name: values.ravel() for name, values in columns.items()}})


def many(groups: int, draws: int | None) -> Any:
    import scalefit as sf

    return sf.fit_many(simulated(groups), "chinchilla", by="task", bootstrap=draws, rng=0)


@contextmanager
def workers(count: int) -> Iterator[None]:
    import joblib

    with joblib.parallel_config("loky", n_jobs=count):
        yield


def report(what: str, groups: int, call: Callable[[], Any]) -> float:
    """Run and print one line; returns seconds."""
    before, start = cpu_seconds(), time.perf_counter()
    with peak_memory() as most:
        answer = call()
    wall, cpu = time.perf_counter() - start, cpu_seconds() - before
    status = dict(answer.frame["status"].value_counts()) if hasattr(answer, "frame") else ""
    told = " ".join(f"{name} {count}" for name, count in status.items()) if status else ""
    print(f"{what:58} {groups:7} {wall:8.1f} {cpu:8.1f} {1000 * wall / groups:9.1f} {most[0]:6.0f}  {told}", flush=True)
    return wall


def ratios(groups: int) -> None:
    """The same groups fitted one by one: ours, ours in one call, and SciPy's least_squares."""
    import chinchilla_peers as peers
    import numpy as np

    import scalefit as sf

    runs = simulated(groups)
    tables = [table for _, table in runs.groupby("task", sort=False)]
    points = [peers.Points(*(np.log(t[name].to_numpy()) for name in ("params", "tokens", "loss"))) for t in tables]
    starts = np.random.default_rng(0).permutation(peers.published_grid())[:STARTS]
    ends: dict[str, Any] = {}
    calls = {
        "fit_many, this process": lambda: sf.fit_many(runs, "chinchilla", by="task"),
        "a loop over sf.fit and its summary": lambda: [with_summary(table) for table in tables],
        "a loop over least_squares, exact Jacobian, one good start": lambda: [
            peers.by_least_squares(p) for p in points
        ],
        f"  the same from {STARTS} starts": lambda: [peers.by_least_squares_from(p, starts) for p in points],
    }
    seconds = {}
    for what, call in calls.items():

        def kept(call: Callable[[], Any] = call, what: str = what) -> Any:
            ends[what] = call()
            return ends[what]

        seconds[what] = report(what, groups, kept)
    first = next(iter(seconds))
    theta = {what: [getattr(end, "theta", [end])[0] for end in _all(answer)] for what, answer in ends.items()}
    scores = {
        w: np.array([peers.score(np.array([t]), p)[0] for t, p in zip(ts, points, strict=True)])
        for w, ts in theta.items()
    }
    best = np.min(list(scores.values()), axis=0)
    print(f"\n{'what':58} {'ratio':>6}  groups whose objective lies more than 1e-6 above the best of all")
    for what, taken in seconds.items():
        print(f"{what:58} {taken / seconds[first]:6.2f}  {int((scores[what] > best * (1 + 1e-6)).sum())} of {groups}")


def with_summary(table: pd.DataFrame) -> Any:
    """A fit by itself, with the intervals that a row of fit_many holds."""
    import scalefit as sf

    fit = sf.fit(table, "chinchilla")
    fit.summary()
    return fit


def _all(answer: Any) -> list[Any]:
    return list(answer.values()) if hasattr(answer, "values") else list(answer)


def family() -> list[Path]:
    """This process and those it started, as Linux lists them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    members = {os.getpid()}
    for _ in range(4):
        members |= {child for child, parent in parents.items() if parent in members}
    return [Path(f"/proc/{member}") for member in members]


def cpu_seconds() -> float:
    """Of this process and its workers."""
    ticks = 0
    for place in family():
        try:
            ticks += sum(map(int, (place / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The largest resident memory of this process and its workers together, in MiB, looked at four times a second."""
    most, stop = [0.0], threading.Event()

    def look() -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not stop.is_set():
            pages = 0
            for place in family():
                try:
                    pages += int((place / "statm").read_text().split()[1])
                except OSError:
                    continue
            most[0] = max(most[0], pages * page / 2**20)
            stop.wait(0.25)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        stop.set()
        watcher.join()


if __name__ == "__main__":
    if sys.platform != "linux":
        raise SystemExit("This benchmark asks Linux for memory and CPU time.")
    main()
