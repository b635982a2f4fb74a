"""The loss along a whole schedule, with an interval."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from scalefit.decisions.schedules.along import (
    check_curve_law,
    check_schedule,
    first_step,
    other_inputs,
    shown_steps,
)
from scalefit.decisions.schedules.doubts import unseen_warmup
from scalefit.errors import DataError, FitWarning
from scalefit.result import Fit
from scalefit.schedules import Schedule
from scalefit.uncertainty.bands import BandKind


def predict_curve(
    fit: Fit,
    schedule: Schedule,
    *,
    steps: Sequence[int] | None = None,
    level: float = 0.9,
    interval: Literal["mean", "run"] = "mean",
    at: Mapping[str, float] | None = None,
    band: BandKind = "pointwise",
) -> pd.DataFrame:
    """The loss along a schedule: see :meth:`scalefit.Fit.predict_curve`."""
    asker = "predict_curve"
    check_curve_law(fit.law, asker)
    schedule = check_schedule(schedule, asker)
    others = other_inputs(fit, at, asker)
    if unseen := unseen_warmup(fit, [schedule]):
        warnings.warn(f"{asker}: {unseen}.", FitWarning, stacklevel=3)
    where = shown_steps(schedule, first_step(fit, schedule)) if steps is None else np.array(list(steps))
    if not len(where):
        raise DataError("predict_curve: steps is empty; leave it out, or name some, such as [1000, 2000].")
    frame = pd.DataFrame({"step": where, **others})
    told = fit.predict(frame, level=level, interval=interval, schedules={"run": schedule}, band=band)
    told.insert(1, "lr", schedule.rates[told["step"].to_numpy(np.intp)])
    return told
