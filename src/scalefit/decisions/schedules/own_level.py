"""The level of one run beside a law fitted to others, and how far the run may stray from both later on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.schedules.along import Steps, inputs_along, sound_draws
from scalefit.decisions.schedules.faults import sound_rows
from scalefit.errors import DataError
from scalefit.fitting.problem import Array, rescale, restore
from scalefit.result import Fit
from scalefit.runs.checking import numeric_column
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.schedules import Schedule
from scalefit.tables import whole_steps
from scalefit.wording.weighed import Barring

#: Rows at the end of a log that show its level, as a share of the area under the rate, and the fewest of them.
RECENT, FEWEST = 0.2, 5
#: Rates that differ by less than this share of the peak are the same.
STILL = 0.01
#: Degrees of freedom of the scatter about the law; low, since rows of a run share their luck.
FREEDOM = 4.0
#: Standard deviation of a law's error in how far the loss falls from now on, as a share of it. On the schedules and the
#: smaller models of microlm it was 2 to 12 % over one horizon, and 5 to 40 % over runs two to thirteen times as long.
CHANGE_ERROR = 0.2


@dataclass(frozen=True, eq=False)
class RunLog:
    """Checkpoints of one run in the order of their steps: ``steps`` and ``seen`` (n,), and its schedule so far.

    ``doubts`` say where the rates of the log are others than those of the schedule; ``compared`` is whether it has any.
    """

    steps: Steps
    seen: Array
    schedule: Schedule
    doubts: tuple[str, ...] = ()
    compared: bool = True

    @property
    def now(self) -> int:
        """The last step seen."""
        return int(self.steps[-1])

    def until(self, step: int) -> RunLog:
        """The rows up to a step."""
        kept = self.steps <= step
        return RunLog(self.steps[kept], self.seen[kept], self.schedule, self.doubts, self.compared)


def read_log(log: object, schedule: Schedule | None, target: str, asker: str) -> RunLog:
    """One run from a table with ``step``, the target and, without a schedule, ``lr``.

    Raises
    ------
    DataError
        If the table holds more than one run, two values at one step, steps beyond the schedule, or rates that are
        never those of the schedule.
    """
    frame = as_frame(log, what=f"the log that {asker} reads")
    if not len(frame):
        raise DataError(f"{asker}: the log has no rows.")
    if has_column(frame, "run", columns={}):
        names = list(dict.fromkeys(frame[find_column(frame, "run", needed_by=asker, columns={})].astype(str)))
        if len(names) > 1:
            raise DataError(
                f"{asker} reads the log of one run; the table holds {len(names)}, such as {names[0]!r} and "
                f"{names[1]!r}: pass log[log.run == {names[0]!r}]."
            )
    step_column = find_column(frame, "step", needed_by=asker, columns={})
    steps = whole_steps(frame, step_column, asker)
    column = target if target in frame.columns else find_column(frame, target, needed_by=asker, columns={})
    seen = numeric_column(frame, column, name=target, needed_by=asker, positive=False)
    order = np.argsort(steps, kind="stable")
    steps, seen = steps[order], seen[order]
    if twice := steps[1:][np.diff(steps) == 0].tolist():
        raise DataError(f"{asker}: step {twice[0]} stands in the log more than once; keep one row for each step.")
    planned = schedule is not None
    if schedule is None:
        lr = find_column(frame, "lr", needed_by=f"{asker} without a schedule", columns={})
        rates = numeric_column(frame, lr, name="lr", needed_by=asker, positive=False)[order]
        schedule = Schedule.from_log(pd.DataFrame({"step": steps, "lr": rates}))
    if steps[-1] > schedule.steps:
        raise DataError(
            f"{asker}: the log reaches step {steps[-1]}, but its schedule ends at step {schedule.steps}: "
            f"give a Schedule of {steps[-1]} steps or more."
        )
    doubts: tuple[str, ...] = ()
    logged = has_column(frame, "lr", columns={})
    if planned and logged:
        lr = find_column(frame, "lr", needed_by=asker, columns={})
        doubts = off_schedule(steps, pd.to_numeric(frame[lr], errors="coerce").to_numpy(float)[order], schedule, asker)
    return RunLog(steps, np.asarray(seen, float), schedule, doubts, logged or not planned)


def off_schedule(steps: Steps, rates: Array, schedule: Schedule, asker: str) -> tuple[str, ...]:
    """Where the rates of a log are others than the planned ones; a step sooner or later is a manner of counting.

    Raises
    ------
    DataError
        If they agree in no row.
    """
    near = schedule.rates[np.clip(steps + np.array([[-1], [0], [1]]), 0, schedule.steps)]
    slack = STILL * schedule.rates.max()
    off = (rates < near.min(axis=0) - slack) | (rates > near.max(axis=0) + slack)
    if not off.any():
        return ()
    first = int(np.argmax(off))
    apart = f"{rates[first]:.3g} at step {steps[first]:,}, where the schedule has {near[1, first]:.3g}"
    known = int(np.isfinite(rates).sum())
    if off.sum() == known:
        raise DataError(
            f"{asker}: the learning rates of the log are never those of the schedule: {apart}. Give the schedule that "
            f"the run follows; if the rates of the log are in another unit, leave their column out."
        )
    return (
        Barring(
            f"the run does not follow this schedule: its learning rate is {apart}; they differ in {int(off.sum())} of "
            f"{known} rows, first in this one: give the schedule that it follows"
        ),
    )


@dataclass(frozen=True, eq=False)
class OwnLevel:
    """How far a run lies from a law on the scale of the objective.

    Parameters
    ----------
    offset, offsets : seen less law over its recent rows, at the estimates and (B,) in each draw.
    luck : (B,) what the offset and one later row may differ by from what was seen.
    drawn_now : (B,) the law at the last row in each draw.
    change : (B,) by which share the law may err in how far the loss goes from there.
    rows : how many rows showed it.
    typical : standard deviation of fitted rows about the law, on the same scale.
    left_out, values : steps and losses of recent rows that stand off by themselves, and do not count.
    """

    offset: float
    offsets: Array
    luck: Array
    drawn_now: Array
    change: Array
    rows: int
    typical: float
    left_out: Steps
    values: Array

    @property
    def far(self) -> float:
        """The offset in units of what is typical of the fitted rows."""
        return abs(self.offset) / max(self.typical, 1e-300)


def own_level(fit: Fit, log: RunLog, at: Mapping[str, float], *, recent: float = RECENT) -> OwnLevel:
    """The level of a run from the last rows of its log.

    A law of other runs, moved to this level, has this run's luck in it; what remains is how residuals move along a run:
    their spread about the mean of their own run, in the fitted runs and in this one; and the law's own error in how far
    the loss falls. Rows that stand off by themselves, such as a spike, are left out.
    """
    rows = recent_rows(log, recent)
    inputs = inputs_along(fit.law, log.schedule, log.steps[rows], at)
    on = fit.problem.objective.on
    with np.errstate(all="ignore"):
        told = rescale(fit.law.value(fit.theta, inputs), on)[0]
        drawn = rescale(fit.law.value(sound_draws(fit), inputs), on)
    known = np.isfinite(told)
    if not known.any():
        raise DataError(f"{fit.law.name} has no value at step {log.now}: no rate was above zero before.")
    with np.errstate(all="ignore"):
        kept = sound_rows(np.log(log.seen[rows] / restore(told, on))) & known
    spiked = rows[known & ~kept]
    seen, told, drawn, rows = rescale(log.seen[rows], on)[kept], told[kept], drawn[:, kept], rows[kept]
    apart = seen - told
    offset = float(apart.mean())
    typical = float(np.sqrt(np.average(fit.problem.residual(fit.theta)[0] ** 2, weights=fit.weights)))
    drift = _drift(fit)
    of_mean = _spread_of_mean(apart, drift)
    rng = np.random.default_rng(fit.seed + 2)
    wide, size = rng.standard_t(FREEDOM, (2, len(drawn))), np.sqrt(FREEDOM / (FREEDOM - 2))
    luck, change = np.hypot(of_mean, drift) * wide[0] / size, CHANGE_ERROR * wide[1] / size
    return OwnLevel(
        offset=offset,
        offsets=(seen - drawn).mean(axis=1),
        luck=luck,
        drawn_now=drawn[:, -1],
        change=change,
        rows=len(rows),
        typical=typical,
        left_out=log.steps[spiked],
        values=log.seen[spiked],
    )


def recent_rows(log: RunLog, share: float) -> NDArray[np.intp]:
    """The rows since the last ``share`` of the area under the rate began, at least a few."""
    area = np.cumsum(log.schedule.rates)[log.steps]
    late = int((area < (1 - share) * area[-1]).sum())
    return np.arange(min(late, max(len(area) - FEWEST, 0)), len(area))


def _drift(fit: Fit) -> float:
    """Spread of fitted residuals about the mean of their own run, widened by the parameters fitted."""
    r = fit.problem.residual(fit.theta)[0]
    runs = fit.data["run"].astype(str) if "run" in fit.data.columns else pd.Series("run", index=fit.data.index)
    label = pd.factorize(runs)[0]
    weight = np.bincount(label, fit.weights)
    apart = r - (np.bincount(label, fit.weights * r) / np.maximum(weight, 1e-300))[label]
    rows = float(fit.weights.sum())
    spare = max(rows - fit.coordinates.q - len(weight) + 1, 1.0)
    return float(np.sqrt(np.sum(fit.weights * apart**2) / spare))


def _spread_of_mean(apart: Array, drift: float) -> float:
    """Standard error of the mean of neighbouring rows: fewer count than there are, as they share their luck."""
    n = len(apart)
    if n < 3:
        return float(drift / np.sqrt(n))
    from_mean = apart - apart.mean()
    square = float(from_mean @ from_mean)
    if not square > 0:
        return 0.0
    alike = float(np.clip(from_mean[1:] @ from_mean[:-1] / square + 1 / n, 0.0, 0.95))
    count = max(n * (1 - alike) / (1 + alike), 1.0)
    return float(np.sqrt(square / (n - 1) / count))


def later(fit: Fit, level: OwnLevel, inputs: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    """The run at other inputs of the law: estimate (m,), its mean in each draw (B, m), and one row of it (B, m)."""
    on = fit.problem.objective.on
    with np.errstate(all="ignore"):
        told = rescale(fit.law.value(fit.theta, inputs), on)[0]
        drawn = rescale(fit.law.value(sound_draws(fit), inputs), on)
        drawn = drawn + level.change[:, None] * (drawn - level.drawn_now[:, None]) + level.offsets[:, None]
        return restore(told + level.offset, on), restore(drawn, on), restore(drawn + level.luck[:, None], on)


def moved_note(what: str, offset: float, rows: int, source: str) -> str:
    """How a law was moved to a run, and what its intervals hold."""
    moved = f"{what}, moved by {offset:+.2g} on the scale of its objective to the last {rows} rows. Intervals"
    if source.startswith("none"):
        return f"{moved}: {source}."
    return (
        f"{moved}, for this run: {source}; its level; how fitted rows stray about the mean of their run; and "
        f"{100 * CHANGE_ERROR:g} % of the fall, by which such laws err."
    )
