"""How residuals along curves hang together: noise of single rows, slow departures, and how many rows count as one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.curves.rows import Curves, row_noise
from scalefit.fitting.problem import Array
from scalefit.schedules import Schedule
from scalefit.uncertainty.units import autocorrelation_time

#: Schedules whose rates differ by less than this share of the peak, up to the end of the shorter, are repeats.
SAME = 1e-6


def dependence_of(curves: Curves, residual: Array) -> pd.DataFrame:
    """One row a run: ``rows``, ``effective`` (independent ones), ``lag1``, ``rms``, ``noise`` and ``slow``.

    Residuals (n,) are those of the mean of the laws, in logs. ``noise`` is the scatter of neighbouring rows about each
    other; ``slow`` is what is left of the residuals without it and without their mean, the luck of a run: it says where
    the laws, not the rows, are off.
    """
    table = []
    for run in curves.names:
        r = residual[curves.of(run)]
        centred = r - r.mean()
        power = float(centred @ centred)
        time = autocorrelation_time(centred)
        noise = row_noise(r)
        table.append(
            {
                "run": run,
                "rows": len(r),
                "effective": len(r) / time,
                "lag1": float(centred[1:] @ centred[:-1]) / power if power > 0 else 0.0,
                "rms": float(np.sqrt(np.mean(r**2))),
                "noise": noise,
                "slow": float(np.sqrt(max(np.mean(centred**2) - noise**2, 0.0))),
            }
        )
    return pd.DataFrame(table).set_index("run")


def pooled(table: pd.DataFrame, column: str) -> float:
    """The root of the mean square over runs, each counting by its rows."""
    return float(np.sqrt(np.average(table[column] ** 2, weights=table["rows"])))


def repeats_of(curves: Curves, final: dict[str, float]) -> tuple[float | None, int]:
    """Standard deviation of the log of final losses of runs with one schedule, and how many runs lie behind it."""
    squares, freedom, done = 0.0, 0, set[str]()
    last = curves.rows.groupby("run", sort=False)["step"].max()
    for run in curves.names:
        if run in done:
            continue
        here = int(last[run])
        group = [
            other
            for other in curves.names
            if last[other] == here and _same(curves.schedules[run], curves.schedules[other], here)
        ]
        done.update(group)
        if len(group) > 1:
            values = np.log([final[name] for name in group])
            squares += float(np.sum((values - values.mean()) ** 2))
            freedom += len(group) - 1
    return (float(np.sqrt(squares / freedom)), freedom) if freedom else (None, 0)


def _same(one: Schedule, other: Schedule, last: int) -> bool:
    a: NDArray[np.float64] = one.rates[: last + 1]
    b: NDArray[np.float64] = other.rates[: last + 1]
    return bool(np.max(np.abs(a - b)) <= SAME * a.max())
