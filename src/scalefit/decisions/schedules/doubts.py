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
from scalefit.wording.weighed import Barring

#: Rates this close, as a factor, are the same.
SAME_RATE = 1.05
#: An area or a rate this many times outside the fitted ones is far.
FAR = 2.0
#: Rates below this share of the peak are all next to zero.
NEXT_TO_ZERO = 0.02
#: An area before the first row this close to its steps at full rate is one without a warm-up.
FULL_RATE = 0.98
#: Curves this many times as far off the law as rows scatter about their neighbours, and by this share of the loss at
#: least, are not described by it.
MISFIT, LEAST_MISFIT = 3.0, 0.005


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
    law, seen = fit.law, seen_rates(fit)
    out: list[str] = []
    if seen is not None and not seen.fell:
        blind = listing(law.derive.seen_in_decay) if law.derive else ""
        which = f" ({blind})" if blind else ""
        out.append(
            Barring(
                f"no fitted run ever lowers its rate, so what a decay saves is not identified{which}: "
                "fit a run with a decay too"
            )
        )
    if not fit.converged:
        out.append(Barring(f"the fit of {law.name} is {fit.verdict}"))
    elif fit.judgement.at_bound:
        out.append(f"{listing(fit.judgement.at_bound)} of {law.name} ended at a bound")
    out += _misfit(fit)
    early = min(one.steps for one in schedules)
    if "step" in fit.data.columns and early < fit.data["step"].min():
        out.append(f"it ends at step {early:,}, before the first fitted row at step {int(fit.data['step'].min()):,}")
    if unseen := unseen_warmup(fit, schedules):
        out.append(Barring(unseen))
    if seen is not None:
        out += _beyond_rates(seen, schedules)
    inputs = [inputs_along(law, one, [one.steps], at) for one in schedules]
    with np.errstate(all="ignore"):
        ends = [float(law.value(fit.theta, each)[0, 0]) for each in inputs]
    if not all(np.isfinite(end) and end > 0 for end in ends):
        least = min(ends, key=lambda end: end if np.isfinite(end) else -np.inf)
        what = f"would be {least:.3g}, which is no loss" if np.isfinite(least) else "has no value"
        out.insert(0, Barring(f"by the law a final loss {what}"))
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


def unseen_warmup(fit: Fit, schedules: Sequence[Schedule]) -> str:
    """A sentence where a schedule warms up and those of the fitted runs do not; empty otherwise."""
    warms = any(one.warmup and one.rates[0] < FULL_RATE * one.rates.max() for one in schedules)
    if not warms or not _lacks_warmup(fit):
        return ""
    return (
        "the fitted runs are taken to have begun at full rate, for their logs show no warm-up, and this one warms "
        "up: give the warm-up to sf.fit too, with schedules={run: sf.Schedule.…}"
    )


def _lacks_warmup(fit: Fit) -> bool:
    """Whether every fitted run is taken to have had its full rate from its first step, though its rows begin later."""
    data = fit.data
    if not {"step", "S1"} <= set(data.columns):
        return False
    shares = []
    for _, rows in data.groupby(data["run"].astype(str) if "run" in data.columns else np.zeros(len(data))):
        ordered = rows.sort_values("step")
        rates, first = _rates_of(ordered), ordered.iloc[0]
        if rates is not None and len(rates) and first["step"] > 0:
            shares.append(float(first["S1"] / ((first["step"] + 1) * rates.max())))
    return bool(shares) and min(shares) > FULL_RATE


def _misfit(fit: Fit) -> list[str]:
    """Curves much farther off the law than their rows scatter."""
    if fit.problem.objective.on != "log" or "step" not in fit.data.columns:
        return []
    r = pd.Series(fit.problem.residual(fit.theta)[0], index=range(fit.n_rows))
    runs = fit.data["run"].astype(str).to_numpy() if "run" in fit.data.columns else np.zeros(fit.n_rows)
    order = np.lexsort((fit.data["step"].to_numpy(float), runs))
    steps = np.diff(r.to_numpy()[order])[runs[order][1:] == runs[order][:-1]]
    if len(steps) < 2:
        return []
    rows, off = float(np.std(steps)) / np.sqrt(2), float(np.sqrt(np.mean(r**2)))
    if off < LEAST_MISFIT or off < MISFIT * rows:
        return []
    return [
        f"the fitted curves lie {100 * off:.2g} % off the law where single rows scatter by {100 * rows:.2g} %: another "
        f"law or setting may fit, see sf.profile_setting"
    ]


def _beyond_rates(seen: SeenRates, schedules: Sequence[Schedule]) -> list[str]:
    """Rates outside those fitted."""
    out: list[str] = []
    peak = max(float(one.rates.max()) for one in schedules)
    least = min(float(one.rates[max(one.warmup, 1) :].min()) for one in schedules)
    if peak > SAME_RATE * seen.high or peak * SAME_RATE < seen.high / FAR:
        out.append(
            Barring(
                f"its peak rate is {peak:.3g} and that of the fitted runs {seen.high:.3g}: such a law holds for one "
                "peak, so fit runs of this one"
            )
        )
    if least * FAR < seen.low and seen.low > NEXT_TO_ZERO * seen.high and seen.fell:
        out.append(f"its rate falls to {least:.3g}; no fitted row lies below {seen.low:.3g}")
    return out
