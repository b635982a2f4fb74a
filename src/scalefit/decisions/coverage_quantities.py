"""What intervals are judged on in a simulation: parameters, points on the curve, new runs, derived quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.decisions.simulation import Noise, NoiseFunction, Truth, inputs_besides
from scalefit.errors import FitError, LawError, listing, not_one_of
from scalefit.fitting.problem import restore
from scalefit.law import Law
from scalefit.objectives import Scale
from scalefit.result import Fit

Array = NDArray[np.float64]
Ends = dict[str, tuple[float, float]]
Group = Literal["parameter", "curve", "run", "derived"]

#: Step of a central difference, relative to the parameter: its error is of the order of 1e-11.
STEP = 1e-5
#: Condition of the scaled information above which a direction is free.
SINGULAR = 1e14


@dataclass(frozen=True, eq=False)
class Quantities:
    """The quantities of a study, with their true values.

    Parameters
    ----------
    at : points that are predicted, or None.
    derived : name of a derived quantity -> what it asks.
    frame : one row per quantity, indexed by its name: ``group``, ``truth``, ``scale`` on which widths are measured,
        and ``oracle``, the standard error of one who knows the noise and the law (NaN where that is not known).
    """

    law: Law
    at: pd.DataFrame | None
    derived: Mapping[str, Mapping[str, Any]]
    frame: pd.DataFrame

    def names(self, group: Group) -> list[str]:
        """Names of one group, in order."""
        return [str(name) for name in self.frame.index[self.frame.group == group]]

    def intervals(self, fit: Fit, level: float, schedules: tables.Schedules | None) -> Ends:
        """Low and high of every quantity, from the draws of a fit or from its covariance where it has none."""
        ends = _pairs(self.names("parameter"), fit.summary(level))
        for group, interval in (("curve", "mean"), ("run", "run")):
            names = self.names(group)  # type: ignore[arg-type]
            if names:
                told = fit.predict(self.at, level=level, interval=interval, schedules=schedules)  # type: ignore[arg-type]
                ends.update(_pairs(names, told))
        names = self.names("derived")
        if names:
            told = pd.concat([fit.derive(name, at=at, level=level) for name, at in self.derived.items()])
            ends.update(_pairs(names, told))
        return ends


def _pairs(names: Sequence[str], told: pd.DataFrame) -> Ends:
    """Ends by name; of a table of parameters only those asked for."""
    if told.index.name == "parameter":
        told = told.loc[list(names)]
    return {name: (float(low), float(high)) for name, low, high in zip(names, told["low"], told["high"], strict=True)}


@dataclass(frozen=True, eq=False)
class Study:
    """What is simulated and fitted: a design, the truth, the noise, and the law that is believed."""

    law: Law
    truth: Truth
    design: pd.DataFrame
    noise: Noise | NoiseFunction
    columns: Mapping[str, str] | None = None
    schedules: tables.Schedules | None = None

    @property
    def right(self) -> bool:
        """Whether the law that is fitted is the true one."""
        return self.truth.law is not None and self.truth.law.equation_hash == self.law.equation_hash

    @property
    def theta(self) -> Array:
        """(p,) the true parameters; only where the law is right."""
        return np.array([self.truth.values[name] for name in self.law.param_names])

    def mean(self, frame: pd.DataFrame) -> Array:
        """(n,) the true mean on the scale of the noise."""
        return self.truth.mean(frame, self.columns, self.schedules)

    def slopes(self, frame: pd.DataFrame) -> Array:
        """(n, p) derivatives of the mean by the parameters, on the scale of the noise."""
        known = tables.univariate_columns(frame, self.law, self.columns, None, inputs_besides(self.truth.output))
        read = tables.read_inputs(frame, self.law, columns=known, schedules=self.schedules, warn_units=False)
        value, jacobian = self.law.value_and_jacobian(self.theta[None], read.inputs)
        stretch = {"raw": np.ones_like(value[0]), "log": value[0], "logit": value[0] * (1 - value[0])}[self.truth.on]
        return np.asarray((jacobian[0] / stretch).T)

    def covariance(self) -> Array:
        """(p, p) of the best unbiased estimate, from the curvature at the truth; NaN where a direction is free."""
        assert isinstance(self.noise, Noise)
        information = self.noise.information(self.slopes(self.design), self.design)
        size = np.sqrt(np.diag(information))
        if not (size > 0).all() or np.linalg.cond(information / np.outer(size, size)) > SINGULAR:
            return np.full_like(information, np.nan)
        return np.asarray(np.linalg.inv(information / np.outer(size, size)) / np.outer(size, size))


def make_quantities(
    study: Study, *, at: pd.DataFrame | None, derived: Mapping[str, Mapping[str, Any]], new_runs: bool
) -> Quantities:
    """All quantities with their true values and what an oracle would know of each."""
    parts = []
    if study.right:
        parts.append(_rows(study.law.param_names, "parameter", study.theta, "raw"))
    if at is not None:
        labels, means = _point_labels(at, study.law), restore(study.mean(at), study.truth.on)
        parts.append(_rows([f"{study.law.output} at {label}" for label in labels], "curve", means, study.truth.on))
        if new_runs:
            parts.append(_rows([f"new run at {label}" for label in labels], "run", means, study.truth.on))
    parts += [_derived_rows(study, name, asked) for name, asked in derived.items()]
    if not parts:
        raise FitError("There is nothing to judge: under another truth pass at= (points) or derived=.")
    frame = pd.concat(parts)
    if frame.index.has_duplicates:
        twice = listing(frame.index[frame.index.duplicated()].unique())
        raise FitError(f"Each quantity needs a name of its own; {twice} stands there twice.")
    oracle = np.full(len(frame), np.nan)
    if study.right and isinstance(study.noise, Noise):
        oracle = _oracle(study, at, derived, parts, new_runs=new_runs)
    return Quantities(study.law, at, derived, frame.assign(oracle=oracle))


def _rows(names: Sequence[str], group: Group, truth: Array, scale: Scale) -> pd.DataFrame:
    index = pd.Index(list(names), name="quantity")
    return pd.DataFrame({"group": group, "truth": np.asarray(truth, float), "scale": scale}, index=index)


def _point_labels(at: pd.DataFrame, law: Law) -> list[str]:
    """The index where it has words, else the inputs."""
    if all(isinstance(label, str) for label in at.index):
        return [str(label) for label in at.index]
    return _inputs_text(at[[name for name in law.inputs if name in at.columns] or list(at.columns)])


def _inputs_text(frame: pd.DataFrame) -> list[str]:
    return [", ".join(f"{name}={row[name]:.3g}" for name in frame.columns) for row in frame.to_dict("records")]


def _derived_rows(study: Study, name: str, asked: Mapping[str, Any]) -> pd.DataFrame:
    """A derived quantity at what it is asked; measured on the log where it has a unit and is above zero."""
    law, true = study.law, study.truth.law
    if name not in law.derived:
        raise LawError(not_one_of(f"A derived quantity of {law.name}", name, law.derived or ("none",)))
    if true is None or name not in true.derived:
        raise LawError(
            f"The truth has no derived quantity {name!r}, so intervals for it cannot be judged: make the true law with "
            "one of that name, define_law(…, derived=(…))."
        )
    arrays = {key: np.atleast_1d(np.asarray(value, float)) for key, value in asked.items()}
    values = np.atleast_1d(true.derived[name](study.truth.values, arrays))
    told = pd.DataFrame({key: np.broadcast_to(array, len(values)) for key, array in arrays.items()})
    labels = _inputs_text(told) if arrays else [""]
    scale: Scale = "log" if law.derived[name].unit and (values > 0).all() else "raw"
    return _rows([f"{name} at {label}" if label else name for label in labels], "derived", values, scale)


def _oracle(
    study: Study,
    at: pd.DataFrame | None,
    derived: Mapping[str, Mapping[str, Any]],
    parts: Sequence[pd.DataFrame],
    *,
    new_runs: bool,
) -> Array:
    """(quantities,) standard errors of the best unbiased estimate."""
    assert isinstance(study.noise, Noise)
    covariance = study.covariance()
    variances = [np.diag(covariance)]
    if at is not None:
        variances.append(_spread(study.slopes(at), covariance))
        if new_runs:
            variances.append(variances[-1] + study.noise.new_deviation(at, study.design) ** 2)
    scales = [str(part["scale"].iloc[0]) for part in parts[len(variances) :]]
    for (name, asked), scale in zip(derived.items(), scales, strict=True):
        variances.append(_spread(_derived_slopes(study.law, name, asked, study.theta, on=scale), covariance))
    return np.sqrt(np.concatenate(variances))


def _spread(slopes: Array, covariance: Array) -> Array:
    """(values,) variances of values with slopes (values, p)."""
    return np.asarray(np.einsum("ij,jk,ik->i", slopes, covariance, slopes))


def _derived_slopes(law: Law, name: str, asked: Mapping[str, Any], theta: Array, *, on: str) -> Array:
    """(values, p) derivatives of a derived quantity by central differences."""

    def quantity(moved: Array) -> Array:
        values = law.derived[name](dict(zip(law.param_names, moved, strict=True)), asked)
        return np.atleast_1d(np.log(values) if on == "log" else values)

    columns = []
    for j, value in enumerate(theta):
        step = np.zeros(len(theta))
        step[j] = STEP * (abs(value) or 1.0)
        columns.append((quantity(theta + step) - quantity(theta - step)) / (2 * step[j]))
    return np.stack(columns, axis=1)
