"""A law of training curves along a schedule: its inputs at some steps, and what draws of it say there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import DataError, FitError, LawError, listing
from scalefit.fitting.problem import Array, Inputs
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.schedules import Schedule

Steps = NDArray[np.intp]
#: How many steps of a schedule are shown where none are named.
SHOWN = 200


def check_curve_law(law: Law, asker: str) -> None:
    """Refuse a law that knows of no schedule."""
    if law.derive is None:
        raise LawError(
            f"{asker} needs a fit of a law of whole training curves, such as 'lr_annealing' or 'mpl'; {law.name} takes "
            f"{listing(law.inputs)} and no schedule."
        )


def check_schedule(schedule: Any, asker: str) -> Schedule:
    """A Schedule, or an error that says how one is made."""
    if isinstance(schedule, Schedule):
        return schedule
    raise DataError(
        f"{asker} needs a Schedule, such as sf.Schedule.cosine(steps=…, peak=…); got {type(schedule).__name__}."
    )


def other_inputs(fit: Fit, at: Mapping[str, float] | None, asker: str) -> dict[str, float]:
    """Inputs of the law that no schedule gives: as said, else as they are in every fitted row."""
    assert fit.law.derive is not None
    plain = [name for name in fit.law.inputs if name not in fit.law.derive.columns]
    given = dict(at or {})
    if unknown := [name for name in given if name not in plain]:
        allowed = f"other inputs than the schedule's are {listing(plain)}" if plain else "it has no other inputs"
        raise FitError(f"{asker}: at= names {listing(unknown)}; {fit.law.name}: {allowed}.")
    for name in plain:
        if name not in given:
            seen = fit.problem.inputs[fit.law.inputs.index(name)]
            if np.ptp(seen) > 0:
                raise FitError(
                    f"{asker}: {name} goes from {seen.min():.4g} to {seen.max():.4g} in the fitted runs. "
                    f"Say which is meant: at={{{name!r}: {seen.max():.4g}}}."
                )
            given[name] = float(seen[0])
    return {name: float(given[name]) for name in plain}


def sound_draws(fit: Fit) -> Array:
    """The draws of a fit, (B, p); one of nothing where it is not identified, for its intervals then mean nothing."""
    return fit.draws_theta if fit.converged else np.full((1, fit.theta.shape[1]), np.nan)


def source_of(fit: Fit) -> str:
    """Where the intervals of a fit come from."""
    return fit.interval_source if fit.converged else "none, for the fit is not identified"


def inputs_along(law: Law, schedule: Schedule, steps: Sequence[int] | Steps, at: Mapping[str, float]) -> Inputs:
    """The inputs of a law at some steps of a schedule; the others as ``at`` says, the same at every step."""
    where = [int(step) for step in steps]
    frame = pd.DataFrame({"step": where, **{name: np.full(len(where), value) for name, value in at.items()}})
    return tables.read_inputs(frame, law, columns={}, schedules={"run": schedule}, warn_units=False).inputs


def joined(parts: Sequence[Inputs]) -> Inputs:
    """The inputs of several schedules as those of one table; shorter histories end in groups that weigh nothing."""
    return tuple(_stacked(pieces) for pieces in zip(*parts, strict=True))


def _stacked(pieces: Sequence[Array]) -> Array:
    if pieces[0].ndim == 1:
        return np.concatenate(pieces)
    width = max(piece.shape[1] for piece in pieces)
    return np.concatenate([np.pad(piece, ((0, 0), (0, width - piece.shape[1]))) for piece in pieces])


def finals(law: Law, theta: Array, schedules: Sequence[Schedule], at: Mapping[str, float]) -> Array:
    """The final loss under each of m schedules for B parameter vectors: (B, m)."""
    inputs = joined([inputs_along(law, schedule, [schedule.steps], at) for schedule in schedules])
    with np.errstate(all="ignore"):
        return law.value(theta, inputs)


def ends(values: Array, level: float) -> tuple[Array, Array]:
    """Low and high (m,) of the central share of draws (B, m); NaN where fewer than half of them have a value."""
    kept = np.isfinite(values)
    levels = [0.5 - level / 2, 0.5 + level / 2]
    out = np.full((2, values.shape[1]), np.nan)
    for j in range(values.shape[1]):
        if kept[:, j].mean() > 0.5:
            out[:, j] = np.quantile(values[kept[:, j], j], levels)
    return out[0], out[1]


def shown_steps(schedule: Schedule, first: int, count: int = SHOWN) -> Steps:
    """About ``count`` steps from the first to the last, at even distances, both among them."""
    first = int(np.clip(first, 1, schedule.steps))
    return np.unique(np.round(np.linspace(first, schedule.steps, count)).astype(np.intp))


def first_step(fit: Fit, schedule: Schedule) -> int:
    """Where a shown curve begins: at the first fitted step, and not before the end of the warm-up."""
    fitted = int(fit.data["step"].min()) if "step" in fit.data.columns else 1
    return max(schedule.warmup, min(fitted, schedule.steps), 1)
