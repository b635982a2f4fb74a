"""What a fit is made of, and what follows from it without a random number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.setup import Constraints
from scalefit.fitting.verdict import Verdict
from scalefit.law import Law
from scalefit.uncertainty.covariance import coordinate_covariance, params_covariance
from scalefit.uncertainty.draws import NORMAL_DRAWS
from scalefit.uncertainty.resampling import Plan
from scalefit.uncertainty.units import WORDS, DrawnKind, Units


@dataclass(frozen=True, eq=False, repr=False)
class FitRecord:
    """The parts of a :class:`scalefit.Fit`, which adds the questions that can be asked of it."""

    law: Law
    problem: Problem
    coordinates: Coordinates
    constraints: Constraints
    u: Array
    weights: Array
    units: Units
    unit_names: tuple[str, ...]
    judgement: Verdict
    objective: float
    basins: Array
    target: str
    columns: Mapping[str, str]
    data: pd.DataFrame
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    draws: pd.DataFrame | None = None
    n_failed: int = 0
    plan: Plan | None = None
    drawn: DrawnKind | None = None

    @cached_property
    def theta(self) -> Array:
        """(1, p): the estimates as the law takes them."""
        return self.coordinates.params_of(self.u[None])

    @property
    def estimates(self) -> dict[str, float]:
        """The value of each parameter, in raw units."""
        return {name: float(value) for name, value in zip(self.law.param_names, self.theta[0], strict=True)}

    @property
    def converged(self) -> bool:
        """Whether the estimates are a minimum that the data identify."""
        return self.judgement.status == "converged"

    @property
    def verdict(self) -> str:
        """The verdict in words, the status first."""
        return str(self.judgement)

    @property
    def n_rows(self) -> int:
        """How many rows were fitted."""
        return self.problem.n

    @property
    def n_runs(self) -> int:
        """Distinct runs; rows where no column names them."""
        return int(self.data["run"].nunique()) if "run" in self.data.columns else self.n_rows

    @property
    def interval_source(self) -> str:
        """Where intervals come from, in words."""
        if self.draws is not None:
            return f"bootstrap of {WORDS[self.drawn or self.units.kind]}, {len(self.draws)} draws"
        return f"normal approximation, {NORMAL_DRAWS} draws of the covariance"

    @property
    def residuals(self) -> pd.DataFrame:
        """The fitted rows with ``fitted`` and ``residual``: fitted minus seen, on the scale of the objective."""
        r = self.problem.residual(self.theta)[0]
        fitted = self.law.value(self.theta, self.problem.inputs)[0]
        return self.data.assign(fitted=fitted, residual=r)

    @cached_property
    def rms(self) -> float:
        """Root of the mean squared residual on the scale of the objective: a share of the loss on the log scale."""
        r = self.problem.residual(self.theta)[0]
        return float(np.sqrt(np.average(r**2, weights=self.weights)))

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters in raw units; zero for those fixed or held by a bound, NaN with too few rows."""
        names = list(self.law.param_names)
        covariance = params_covariance(self.coordinates, self.u, self.coordinate_covariance)
        return pd.DataFrame(covariance, index=names, columns=names)

    @cached_property
    def coordinate_covariance(self) -> Array:
        """(q, q) covariance of the coordinates in which the fit moved."""
        return coordinate_covariance(self.problem, self.coordinates, self.u, self.weights, self.units)
