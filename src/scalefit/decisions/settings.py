"""A setting of a law that is chosen, not fitted, such as the decay of ``lr_annealing``: tried over a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.errors import FitError
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said, state_of


@dataclass(frozen=True, eq=False, repr=False)
class SettingProfile(Answer):
    """How well a law fits at each value of one of its settings.

    Attributes
    ----------
    setting : str, its name.
    frame : DataFrame
        One row per value: ``value, objective, converged``, and ``excess``, the objective relative to the best, minus 1.
    fit : Fit
        The fit at the best value.
    """

    setting: str
    frame: pd.DataFrame
    fit: Fit

    @property
    def best(self) -> Any:
        """The value with the lowest objective."""
        return self.frame["value"].tolist()[int(np.argmin(self.frame["objective"]))]

    def said(self) -> Said:
        """The best value in words; doubtful at the edge of those tried."""
        numbers = [value for value in self.frame["value"] if isinstance(value, int | float)]
        at_edge = len(numbers) == len(self.frame) > 2 and self.best in (min(numbers), max(numbers))
        edge = " (at the edge of the values tried: widen them)" if at_edge else ""
        status = "" if self.fit.converged else f"; the fit there is {self.fit.judgement.status.upper()}"
        head = f"{self.fit.law.name}: best {self.setting} = {self.best}{edge}{status}"
        shown = self.frame.assign(
            objective=[number(value) for value in self.frame["objective"]],
            excess=[f"{number(100 * value, digits=3)} %" for value in self.frame["excess"]],
            converged=["yes" if one else "no" for one in self.frame["converged"]],
        )
        return Said(state_of(edge, believed=self.fit.converged), head, (), (shown,))


def profile_setting(
    runs: Any,
    law: Law | str,
    setting: str,
    values: Sequence[Any],
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    prior: Mapping[str, tuple[float, float]] | None = None,
    schedules: tables.Schedules | None = None,
) -> SettingProfile:
    """Fit a law at each value of one of its settings and keep the best.

    Parameters
    ----------
    runs, law, target, columns, objective, fixed, bounds, tie, prior, schedules : as for :func:`scalefit.fit`.
    setting : name of a setting of the law, such as ``"decay"`` of ``lr_annealing``.
    values : the values to try.

    Returns
    -------
    SettingProfile
        With ``.best``, ``.fit`` and ``.frame``. The uncertainty of the setting is not in the intervals of the fit.

    Raises
    ------
    LawError
        If the law has no such setting.
    FitError
        If there are no values, or the law cannot be fitted at one of them.

    Examples
    --------
    >>> import scalefit as sf
    >>> steps = [100, 200, 400, 600, 800, 1000]
    >>> law = sf.get_law("lr_annealing")
    >>> plan = sf.Schedule.cosine(steps=1000, peak=1e-3)
    >>> curve = law.derive.function(plan.rates, steps, decay=0.99, warmup="ramp")
    >>> loss = law({"L0": 2.0, "A": 0.3, "alpha": 0.5, "C": 0.5}, curve)
    >>> runs = {"run": ["a"] * 6, "step": steps, "loss": loss}
    >>> sf.profile_setting(runs, law, "decay", [0.9, 0.99, 0.999], schedules={"a": plan}).best
    0.99
    """
    law, frame = get_law(law), as_frame(runs)
    if not len(values):
        raise FitError(f"profile_setting needs at least one value of {setting}.")
    fits = [
        fit(
            frame,
            law.with_settings(**{setting: value}),
            target=target,
            columns=columns,
            objective=objective,
            fixed=fixed,
            bounds=bounds,
            tie=tie,
            prior=prior,
            schedules=schedules,
        )
        for value in values
    ]
    best = min(fits, key=lambda one: one.objective)
    table = pd.DataFrame(
        {
            "value": list(values),
            "objective": [one.objective for one in fits],
            "excess": [one.objective / best.objective - 1 if best.objective > 0 else 0.0 for one in fits],
            "converged": [one.converged for one in fits],
        }
    )
    return SettingProfile(setting, table, best)
