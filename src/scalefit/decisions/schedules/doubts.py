"""What speaks against believing a law of training curves under a schedule that was not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.schedules.along import inputs_along
from scalefit.errors import listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.schedules import Schedule

#: Rates this close, as a factor, are the same.
SAME_RATE = 1.05
#: An area or a rate this many times outside the fitted ones is far.
FAR = 2.0
#: Rates below this share of the peak are all next to zero.
NEXT_TO_ZERO = 0.02


@dataclass(frozen=True)
class SeenRates:
    """The lowest and the highest rate of the fitted rows, and whether any run has a rate that fell."""

    low: float
    high: float
    fell: bool


def seen_rates(fit: Fit) -> SeenRates | None:
    """The rates of the fitted rows: their column, else the area between rows; None where neither is known."""
    data = fit.data
    if "step" not in data.columns:
        return None
    runs = data["run"].astype(str) if "run" in data.columns else pd.Series("run", index=data.index)
    lowest, highest, fell = [], [], False
    for run in runs.unique():
        rows = data[(runs == run).to_numpy()].sort_values("step")
        rates = _rates_of(rows)
        if rates is None or not len(rates):
            continue
        lowest.append(float(rates.min()))
        highest.append(float(rates.max()))
        fell = fell or bool((rates[1:] * SAME_RATE < np.maximum.accumulate(rates)[:-1]).any())
    return SeenRates(min(lowest), max(highest), fell) if lowest else None


def _rates_of(rows: pd.DataFrame) -> Array | None:
    """The rates of the rows of one run; the mean between rows where only the area S1 is known."""
    if "S1" in rows.columns:
        area, steps = rows["S1"].to_numpy(float), rows["step"].to_numpy(float)
        apart = np.diff(steps) > 0
        return np.asarray(np.diff(area)[apart] / np.diff(steps)[apart])
    return rows["lr"].to_numpy(float) if "lr" in rows.columns else None


def doubts_of(fit: Fit, schedules: Sequence[Schedule], at: dict[str, float]) -> tuple[str, ...]:
    """What speaks against what the law says of some schedules, the gravest first."""
    law, seen, out = fit.law, seen_rates(fit), []
    if seen is not None and not seen.fell:
        blind = listing(law.derive.seen_in_decay) if law.derive else ""
        which = f" ({blind})" if blind else ""
        out.append(
            f"no fitted run ever lowers its rate, so what a decay saves is not identified{which}: "
            "fit a run with a decay too"
        )
    if not fit.converged:
        out.append(f"the fit of {law.name} is {fit.verdict}")
    if seen is not None:
        out += _beyond_rates(seen, schedules)
    inputs = [inputs_along(law, one, [one.steps], at) for one in schedules]
    for name, which, what in (
        ("S1", "area under the rate", "the longest fitted run"),
        ("S2", "annealing area", "any fitted row"),
    ):
        if name in law.inputs:
            j = law.inputs.index(name)
            most, fitted = max(float(each[j][0]) for each in inputs), float(fit.problem.inputs[j].max())
            if fitted > 0 and most > FAR * fitted:
                out.append(f"its {which} is {most / fitted:.1f} times that of {what}")
    return tuple(out)


def _beyond_rates(seen: SeenRates, schedules: Sequence[Schedule]) -> list[str]:
    """Rates outside those fitted."""
    out = []
    peak = max(float(one.rates.max()) for one in schedules)
    least = min(float(one.rates[max(one.warmup, 1) :].min()) for one in schedules)
    if peak > SAME_RATE * seen.high or peak * SAME_RATE < seen.high / FAR:
        out.append(
            f"its peak rate is {peak:.3g} and that of the fitted runs {seen.high:.3g}: such a law holds for one peak"
        )
    if least * FAR < seen.low and seen.low > NEXT_TO_ZERO * seen.high and seen.fell:
        out.append(f"its rate falls to {least:.3g}; no fitted row lies below {seen.low:.3g}")
    return out
