"""One fit of many checkpoint rows in a process of its own, so that its peak memory can be read.

``python benchmarks/many_rows.py scalefit 2000 500`` prints one line of JSON; ``speed.py`` calls it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

HOFFMANN = {"E": 1.69337, "A": 406.40, "alpha": 0.33917084, "B": 410.72, "beta": 0.2849083}
NOISE = 0.01


def main() -> None:
    one_thread()
    fit, table = FITTERS[sys.argv[1]], simulate(int(sys.argv[2]), int(sys.argv[3]))
    fit(table.iloc[:1000])  # imports and first calls are not what is measured
    before, start = peak_mib(), time.perf_counter()
    theta = fit(table)
    seconds = time.perf_counter() - start
    measured = {"rows": len(table), "seconds": seconds, "objective": scored(table, theta)}
    print(json.dumps({**measured, "mib_with_data": before, "mib_peak": peak_mib()}))


def simulate(runs: int, checkpoints: int) -> pd.DataFrame:
    """Runs of Hoffmann's surface, sizes over four decades, with a percent of noise on each checkpoint."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    size = np.repeat(10 ** rng.uniform(6, 10, runs), checkpoints)
    tokens = np.outer(10 ** rng.uniform(9, 12, runs), np.arange(1, checkpoints + 1) / checkpoints).ravel()
    E, A, alpha, B, beta = HOFFMANN.values()
    loss = (E + A / size**alpha + B / tokens**beta) * np.exp(NOISE * rng.standard_normal(len(size)))
    names = np.repeat([f"run{i:05d}" for i in range(runs)], checkpoints)
    return pd.DataFrame({"run": names, "params": size, "tokens": tokens, "loss": loss})


def by_scalefit(table: pd.DataFrame) -> list[float]:
    """From no guess."""
    import scalefit as sf

    return list(sf.fit(table, "chinchilla").estimates.values())


def by_least_squares(table: pd.DataFrame) -> list[float]:
    """SciPy from one start, which is the truth."""
    import chinchilla_peers as peers

    return list(peers.by_least_squares(_points(table)))


def scored(table: pd.DataFrame, theta: list[float]) -> float:
    """The objective by the scorer of all rows of the table."""
    import chinchilla_peers as peers
    import numpy as np

    return float(peers.score(np.array([theta]), _points(table))[0])


def _points(table: pd.DataFrame) -> object:
    import chinchilla_peers as peers
    import numpy as np

    return peers.Points(*(np.log(table[name].to_numpy()) for name in ("params", "tokens", "loss")))


def peak_mib() -> float:
    """Peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


FITTERS: dict[str, Callable[[pd.DataFrame], list[float]]] = {"scalefit": by_scalefit, "least_squares": by_least_squares}


if __name__ == "__main__":
    main()
