"""Checks that every built-in law passes, for laws of your own: ``assert check_law(law).passed``."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import LawError, ScalefitError, ScalefitWarning, listing, missing_column
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Square
from scalefit.reports.json import load_fit
from scalefit.result import Fit
from scalefit.runs.frame import as_frame
from scalefit.schedules import Schedule
from scalefit.tables import read_inputs
from scalefit.typical import typical_runs, typical_values

Array = NDArray[np.float64]

#: Parameter vectors and rows at which slopes are compared.
POINTS = 4
ROWS = 7
#: Slopes agree with differences in extended precision to this; in double precision to the second.
EXACT, ROUGH = 1e-9, 1e-6
#: A parameter is found again to this.
FOUND = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class LawCheck:
    """What :func:`check_law` found.

    Attributes
    ----------
    law : str, its name.
    frame : DataFrame
        One row a check: ``check``, ``passed`` and ``detail``.
    """

    law: str
    frame: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.frame["passed"].all())

    def __repr__(self) -> str:
        failed = self.frame[~self.frame["passed"]]
        head = f"{self.law}: {len(self.frame)} checks passed" if self.passed else (
            f"{self.law}: {len(failed)} of {len(self.frame)} checks FAILED"
        )  # fmt: skip
        rows = [*failed.itertuples(), *self.frame[self.frame["passed"]].itertuples()]
        return "\n".join([head, *(f"  {'ok  ' if row.passed else 'FAIL'} {row.check}: {row.detail}" for row in rows)])


@dataclass(frozen=True, eq=False)
class _Subject:
    """A law with parameter values, a table on which it is checked, and the inputs that the law reads from it."""

    law: Law
    values: Mapping[str, float]
    table: pd.DataFrame
    columns: Mapping[str, str]
    inputs: tuple[Array, ...]
    schedules: Mapping[str, Schedule] | None

    @property
    def along_schedules(self) -> bool:
        """Whether inputs follow from schedules, so that they have no ends of their own."""
        return self.law.derive is not None and not set(self.law.derive.columns) <= set(self.table)

    @property
    def theta(self) -> Array:
        return np.array([[float(self.values[name]) for name in self.law.param_names]])

    def seen(self, noise: float = 0.0) -> pd.DataFrame:
        """The table with the law's output, times a normal factor or plus a normal term of relative size ``noise``."""
        output = self.law(self.values, dict(zip(self.law.inputs, self.inputs, strict=True)))
        scatter = noise * np.random.default_rng(0).standard_normal(len(self.table))
        if self.law.objective.on == "log":
            return self.table.assign(**{self.law.output: output * np.exp(scatter)})
        return self.table.assign(**{self.law.output: output + scatter * np.ptp(output)})

    def fit(self, table: pd.DataFrame, law: Law | None = None, **options: Any) -> Fit:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ScalefitWarning)  # of formulas from memory, and of the units tried here
            return fit(table, law or self.law, columns=dict(self.columns) or None, schedules=self.schedules, **options)


def check_law(
    law: Law | str,
    *,
    values: Mapping[str, float] | None = None,
    runs: Any = None,
    columns: Mapping[str, str] | None = None,
    schedules: Mapping[str, Schedule] | None = None,
    points: Sequence[tuple[Mapping[str, float], Mapping[str, float], float]] = (),
) -> LawCheck:
    """Hold a law to what every built-in passes: slopes, extremes, recovery of its own data, units, JSON.

    Parameters
    ----------
    law : Law or name. Laws of training curves need ``runs`` with ``run`` and ``step``, and ``schedules`` or an ``lr``
        column; or with their derived columns.
    values : parameter -> value, from which data are made and which must be found again. None: the middle of the ranges
        where starts are looked for.
    runs : table of inputs that identifies the parameters. None: a full grid over three decades of each input, or over
        its domain.
    columns : input of the law -> column of ``runs``.
    schedules : run -> Schedule, for laws of training curves.
    points : (values, inputs, expected) to reproduce to six digits: check values of a paper, limits.

    Returns
    -------
    LawCheck
        ``.passed``, and ``.frame`` with a row a check.

    Raises
    ------
    LawError
        If ``values`` lacks a parameter, or no values in the ranges give a finite result.

    Examples
    --------
    >>> import scalefit as sf
    >>> @sf.define_law(inputs=["tokens"], params=[sf.floor("E"), sf.scale("A"), sf.exponent("beta")])
    ... def data_law(D, E, A, beta):
    ...     return E + A / D**beta
    >>> check_law(data_law).passed
    True
    """
    law = get_law(law)
    if values is not None and (missing := [name for name in law.param_names if name not in values]):
        raise LawError(f"check_law({law.name}): values lacks {listing(missing)}.")
    table = typical_runs(law) if runs is None else as_frame(runs).reset_index(drop=True)
    known = dict(columns or {})
    if runs is None and law.inputs == ("x",):
        known = {"x": "x"}
    subject = _Subject(law, {}, table, known, _inputs(law, table, known, schedules), schedules)
    subject = replace(subject, values=dict(values) if values is not None else typical_values(law, subject.inputs))
    with np.errstate(all="ignore"):
        checks = (
            *_check_points(law, points), _check_slopes(subject), _check_extremes(subject), *_check_recovery(subject),
            _check_order(subject), _check_units(subject), _check_json(subject),
        )  # fmt: skip
    return LawCheck(law.name, pd.DataFrame(checks, columns=["check", "passed", "detail"]))


def _inputs(
    law: Law, table: pd.DataFrame, columns: Mapping[str, str], schedules: Mapping[str, Schedule] | None
) -> tuple[Array, ...]:
    """The inputs as they stand in the table, or as they follow from schedules."""
    if law.derive is not None and not set(law.derive.columns) <= set(table):
        return read_inputs(table, law, columns=columns, schedules=schedules, warn_units=False).inputs
    for name in law.inputs:
        if columns.get(name, name) not in table:
            raise missing_column(columns.get(name, name), f"check_law({law.name})", list(table.columns))
    return tuple(table[columns.get(name, name)].to_numpy(float) for name in law.inputs)


Row = tuple[str, bool, str]


def _check_points(law: Law, points: Sequence[tuple[Mapping[str, float], Mapping[str, float], float]]) -> Iterator[Row]:
    for values, at, expected in points:
        got = float(law(values, at)[0])
        good = bool(np.isclose(got, expected, rtol=3e-6, atol=0))
        yield f"value at {_shown(at)}", good, f"{got:.7g}, expected {expected:.7g}"


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())


def _check_slopes(subject: _Subject) -> Row:
    """Slopes as the fitter takes them against differences of values."""
    law = subject.law
    rows = np.linspace(0, len(subject.table) - 1, ROWS).astype(int)
    inputs = tuple(x[rows] for x in subject.inputs)
    spread = np.random.default_rng(0).uniform(0.8, 1.2, (POINTS, len(law.params)))
    theta = np.clip(subject.theta * spread, [p.lower for p in law.params], [p.upper for p in law.params])
    worst, where = 0.0, ""
    for point in theta:
        value, slopes = law.value_and_jacobian(point[None], inputs)
        for j, name in enumerate(law.param_names):
            expected, tolerance = _difference(law, point, inputs, j)
            size = np.max(np.abs(expected)) + 1e-6 * np.max(np.abs(value)) / max(abs(point[j]), 1e-3)
            away = float(np.max(np.abs(slopes[0, j] - expected)) / size / tolerance)
            if not away <= worst:
                worst, where = away, name
    if worst <= 1:
        return "slopes", True, "those of differences"
    return (
        "slopes",
        False,
        f"the slope by {where} is not that of differences: abs, maximum, where or a cast to float in the equation lose "
        "it; use scalefit.law_math",
    )


def _difference(law: Law, point: Array, inputs: tuple[Array, ...], j: int) -> tuple[Array, float]:
    """The slope (n,) by central differences of rising order, in extended precision where the equation keeps it."""
    wide = tuple(x.astype(np.longdouble) for x in inputs)
    slopes = []
    for k in range(5):
        h = np.longdouble(max(abs(point[j]), 1e-3)) * np.longdouble(2.0) ** (-7 - k)
        moved = [point.astype(np.longdouble) for _ in range(2)]
        moved[0][j] += h
        moved[1][j] -= h
        up, down = (np.asarray(law.function(*wide, *(x.reshape(1, 1) for x in theta))) for theta in moved)
        slopes.append((up - down) / (2 * h))
    kept = slopes[0].dtype == np.longdouble
    for order in (4.0, 16.0, 64.0, 256.0):
        slopes = [(order * fine - rough) / (order - 1) for rough, fine in itertools.pairwise(slopes)]
    expected = np.broadcast_to(slopes[0].astype(float), (1, len(inputs[0])))[0]
    return np.asarray(expected), EXACT if kept else ROUGH


def _check_extremes(subject: _Subject) -> Row:
    """Values and slopes at the ends of the inputs, with exponents of 1e-3 and 2."""
    law, bad = subject.law, []
    ends = [law.domain.get(name, (1e3, 1e15)) for name in law.inputs]
    for power in (1e-3, 2.0):
        theta = subject.theta.copy()
        for j, param in enumerate(law.params):
            if param.coordinate == "raw" and param.lower == 0 and param.upper > 2 and j not in law.linear_index:
                theta[0, j] = power
        for end in (0, 1):
            inputs = tuple(np.array([pair[end] if np.isfinite(pair[end]) else 1e15]) for pair in ends)
            if subject.along_schedules:  # areas have no meaning apart from one another: the first and the last row
                inputs = tuple(x[[-end]] for x in subject.inputs)
            with np.errstate(all="ignore"):
                value, slopes = law.value_and_jacobian(theta, inputs)
            if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
                at = {name: float(x[0]) for name, x in zip(law.inputs, inputs, strict=True) if x.ndim == 1}
                bad.append(f"exponents {power:g} at {_shown(at)}")
    if bad:
        return "extremes", False, f"not finite for {'; '.join(bad)}: narrow domain= or the bounds of the parameters"
    return "extremes", True, "finite at the ends of the inputs"


def _check_recovery(subject: _Subject) -> Iterator[Row]:
    """Its own parameters found again from three designs: the table, a part of it, and the table with noise."""
    whole = subject.seen()
    part = whole.sample(frac=0.7, random_state=0) if len(whole) >= 3 * len(subject.law.params) else whole
    for name, table in (("recovery", whole), ("recovery from a part", part)):
        yield _recovered(subject, name, table, noisy=False)
    yield _recovered(subject, "recovery at 1 % noise", subject.seen(noise=0.01), noisy=True)


def _recovered(subject: _Subject, check: str, table: pd.DataFrame, *, noisy: bool) -> Row:
    try:
        told = subject.fit(table, objective=Square(on=subject.law.objective.on)) if noisy else subject.fit(table)
    except ScalefitError as error:
        return check, False, str(error)
    if not told.converged:
        return check, False, f"{told.verdict}. Pass values= and runs= that identify every parameter, or mend the law"
    errors = {}
    for name, row in told.summary().iterrows():
        true = subject.values[str(name)]
        if noisy and row["at_bound"]:
            continue  # the verdict says it
        slack = 5 * row["se"] if noisy else FOUND * max(abs(true), 1e-3)
        if not abs(row["estimate"] - true) <= slack:
            errors[str(name)] = f"{name} {row['estimate']:.7g}, was {true:.7g}"
    if errors:
        return check, False, "; ".join(errors.values())
    return check, True, "within five standard errors" if noisy else "every parameter to 1e-6"


def _check_order(subject: _Subject) -> Row:
    table = subject.seen(noise=0.01)
    try:
        first, second = subject.fit(table), subject.fit(table.sample(frac=1.0, random_state=1))
    except ScalefitError as error:
        return "order of rows", False, str(error)
    same = bool(np.isclose(first.objective, second.objective, rtol=1e-9))
    return "order of rows", same, f"objectives {first.objective:.10g} and {second.objective:.10g}"


def _check_units(subject: _Subject) -> Row:
    """Where a law absorbs the unit of an input, a fit in another unit must be the same fit."""
    table = subject.seen()
    free = []
    for name in subject.law.inputs:
        derived = subject.along_schedules and subject.law.derive is not None and name in subject.law.derive.columns
        if name in subject.law.domain or derived:
            continue
        column = subject.columns.get(name, name)
        try:
            told = subject.fit(table.assign(**{column: table[column] * 1e3}), replace(subject.law, domain={}))
        except ScalefitError:
            continue
        if told.converged and told.rms < 1e-7:
            free.append(name)
    held = [name for name in subject.law.inputs if name not in free]
    about = f"any unit of {listing(free)}" if free else "no input may change its unit"
    return "units", True, about + (f"; {listing(held)} in the unit of the law" if held and free else "")


def _check_json(subject: _Subject) -> Row:
    try:
        told = subject.fit(subject.seen())
        with tempfile.TemporaryDirectory() as folder:
            told.to_json(f"{folder}/fit.json")
            read = load_fit(f"{folder}/fit.json", law=subject.law)
    except ScalefitError as error:
        return "JSON", False, str(error)
    same = read.estimates == told.estimates
    return (
        "JSON",
        same,
        "written and read with the same estimates" if same else f"{read.estimates} is not what was written",
    )
