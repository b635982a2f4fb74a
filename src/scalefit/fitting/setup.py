"""What a user says of parameters, as coordinates: fixed, bounded, tied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.coordinates import Coordinates, Kind, typical_rows
from scalefit.fitting.problem import Array, Inputs
from scalefit.fitting.ties import make_ties
from scalefit.law import Law
from scalefit.parameter import Param

#: What each constraint says of a parameter, with an example.
WHAT = {
    "fixed": "value, such as {'E': 1.7}",
    "bounds": "(low, high), such as {'alpha': (0, 1)}",
    "tie": "formula, such as {'beta': 'alpha'}",
    "prior": "(centre, standard deviation), such as {'alpha': (0.34, 0.05)}",
}


class LogPrior(NamedTuple):
    """A prior on the logarithm of a parameter above zero: for sizes, of which only the order is known.

    Attributes
    ----------
    centre : float, > 0, in the unit of the parameter.
    deviation : float, > 0: the standard deviation of its natural logarithm; 0.7 is about a factor of two.

    Examples
    --------
    >>> LogPrior(0.5, 0.7)
    LogPrior(centre=0.5, deviation=0.7)
    """

    centre: float
    deviation: float


@dataclass(frozen=True)
class Constraints:
    """What is not left to the data.

    Parameters
    ----------
    fixed : parameter -> value.
    bounds : parameter -> (low, high); None keeps the law's own.
    tie : parameter -> formula of other parameters, such as ``{"beta": "alpha"}``.
    prior : parameter -> (centre, standard deviation), or a LogPrior.
    """

    fixed: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    tie: Mapping[str, str] = field(default_factory=dict)
    prior: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("fixed", "bounds", "tie", "prior"):  # the caller's own may change later
            given = getattr(self, name)
            if not isinstance(given, Mapping):
                raise FitError(f"{name} must be a mapping of parameter to {WHAT[name]}; got {given!r}.")
            object.__setattr__(self, name, dict(given))

    def check(self, law: Law) -> None:
        """Raise a FitError where a name or a value cannot be meant."""
        for what in ("fixed", "bounds", "tie", "prior"):
            for name in getattr(self, what):
                if name not in law.param_names:
                    raise FitError(not_one_of(f"{what}: a parameter of {law.name}", name, law.param_names))
        held = set(self.fixed) | set(self.tie)
        twice = sorted((set(self.fixed) & set(self.tie)) | (held & set(self.bounds)))
        if twice:
            raise FitError(f"{listing(twice)}: a parameter is fixed, tied or bounded, not two of these.")
        idle = sorted(held & set(self.prior))
        if idle:
            raise FitError(f"prior: {listing(idle)} is fixed or tied, so a prior says nothing of it.")
        for name, value in self.fixed.items():
            param = law.param(name)
            if not _is_number(value) or not np.isfinite(value):
                raise FitError(f"fixed: {name} must be a finite number; got {value!r}.")
            if not param.lower <= value <= param.upper:
                raise FitError(f"fixed: {name} must lie between {param.lower:g} and {param.upper:g}; got {value!r}.")
        for name, pair in self.bounds.items():
            if not _is_pair(pair) or not all(end is None or _is_number(end) for end in pair):
                raise FitError(f"bounds: {name} must be (low, high), None for the law's own; got {pair!r}.")
        for name, pair in self.prior.items():
            if not _is_pair(pair) or not all(map(_is_number, pair)) or not np.isfinite(pair).all() or not pair[1] > 0:
                raise FitError(f"prior: {name} must be (centre, standard deviation > 0); got {pair!r}.")
            if isinstance(pair, LogPrior) and not (pair.centre > 0 and law.param(name).lower >= 0):
                raise FitError(
                    f"prior: a LogPrior is for a parameter above zero, with its centre there; got {pair!r} for {name}, "
                    f"whose bounds are {law.param(name).lower:g} and {law.param(name).upper:g}."
                )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and len(value) == 2


def bounded_law(law: Law, constraints: Constraints) -> Law:
    """The law with the user's bounds in place of its own."""
    if not constraints.bounds:
        return law  # the same object, so that what it has cached stays
    params = []
    for param in law.params:
        low, high = constraints.bounds.get(param.name, (None, None))
        low, high = (param.lower if low is None else float(low)), (param.upper if high is None else float(high))
        if not low < high:
            raise FitError(f"bounds: {param.name} needs low < high; got ({low:g}, {high:g}). To fix it, use fixed=.")
        coordinate = "raw" if low < 0 else param.coordinate
        params.append(replace(param, lower=low, upper=high, coordinate=coordinate))
    return replace(law, params=tuple(params))


def make_coordinates(law: Law, constraints: Constraints, inputs: Inputs) -> Coordinates:
    """Coordinates of the free parameters of a law on given data."""
    names = law.param_names
    ties = make_ties(dict(constraints.tie), names)
    base = np.array([float(constraints.fixed.get(name, 0.0)) for name in names])
    held = {*constraints.fixed, *constraints.tie}
    free = [j for j, name in enumerate(names) if name not in held]
    if not free:
        raise FitError(f"All parameters of {law.name} are fixed or tied: leave at least one of {listing(names)} free.")
    sources = {j for tie in ties for j in tie.sources}
    kinds = tuple(_kind(law.params[j], linear=j in law.linear_index and j not in sources) for j in free)
    lower, upper = (_bounds(law, free, kinds, side) for side in ("lower", "upper"))
    return Coordinates(law, typical_rows(inputs), base, np.array(free), kinds, lower, upper, ties)


def _kind(param: Param, *, linear: bool) -> Kind:
    # The size of a term moves with the exponents, so it can only carry bounds at zero.
    if linear and {param.lower, param.upper} <= {0.0, np.inf, -np.inf}:
        return "term"
    return "log" if param.coordinate == "log" and not linear else "raw"


def _bounds(law: Law, free: list[int], kinds: tuple[Kind, ...], side: str) -> Array:
    values = [getattr(law.params[j], side) for j in free]
    with np.errstate(divide="ignore"):
        return np.array(
            [float(np.log(v)) if kind == "log" else float(v) for v, kind in zip(values, kinds, strict=True)]
        )
