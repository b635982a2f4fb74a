"""What is believed of a law before any run: usual ranges of its parameters, with terms of usual sizes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scalefit.fitting.problem import Array, Inputs
from scalefit.fitting.starts import start_range
from scalefit.formula import evaluate, parse_formula
from scalefit.law import Law
from scalefit.parameter import Param

Kind = Literal["raw", "log", "inner", "share", "term", "signed"]

#: The range in which a law looks for starting values is taken as two deviations to either side.
RANGE = 4.0
#: A floor is this share of the lowest loss, on the logit scale: 10 to 90 % hold nine in ten.
FLOOR_CENTRE, FLOOR_SPREAD = 0.0, 1.3
#: A term at the middle of the runs is about a third of the loss, and a tenth to the whole of it as a rule.
TERM_CENTRE, TERM_SPREAD = float(np.log(0.3)), 1.2
#: Sizes of exponents are known by their order.
SMALLEST = 1e-3
#: Values that a law does not have (a sum below zero, an overflow) lie this far from the level, on the log scale.
NOWHERE = 5.0


@dataclass(frozen=True, eq=False)
class Prior:
    """The parameters of a law as functions of standard normal numbers.

    Attributes
    ----------
    law : Law
    free : places of the parameters that are not held.
    kinds, centre, spread : how each of them follows from its number z: ``centre + spread * z`` as it is, in its log, as
        the logit of a share of the level, or as the log of its term over the level at the middle.
    held : place -> value of the others.
    levels : (families,) the lowest loss seen of each; that of the others, or a usual one, where none was.
    middle : inputs of one row at which terms have their sizes.
    inner : place -> what a parameter of an inner term multiplies.
    """

    law: Law
    free: tuple[int, ...]
    kinds: tuple[Kind, ...]
    centre: Array
    spread: Array
    held: Mapping[int, float]
    levels: Array
    middle: Inputs
    inner: Mapping[int, ast.expr]

    @property
    def size(self) -> int:
        """How many parameters are free."""
        return len(self.free)

    def theta(self, z: Array, group: int = 0) -> Array:
        """Parameters (B, p) of one family from standard normal numbers (B, q)."""
        level = float(self.levels[group])
        law, raw = self.law, self.centre + self.spread * z
        theta = np.ones((len(z), len(law.params)))
        for j, value in self.held.items():
            theta[:, j] = value
        later: list[int] = []
        for k, (j, kind) in enumerate(zip(self.free, self.kinds, strict=True)):
            if kind in ("inner", "term", "signed"):
                later.append(k)
                continue
            number: Array = raw[:, k]
            if kind == "log":
                number = np.exp(np.clip(number, -200, 200))
            elif kind == "share":
                number = np.asarray(level / (1 + np.exp(-np.clip(number, -50, 50))))
            theta[:, j] = np.clip(number, law.params[j].lower, law.params[j].upper)
        self._sizes(theta, raw, later, level)
        return theta

    def _sizes(self, theta: Array, raw: Array, later: list[int], level: float) -> None:
        """The parameters whose size is that of their term, which needs the others."""
        law = self.law
        for k in later:
            if self.kinds[k] == "inner":
                j = self.free[k]
                values = {name: theta[:, i] for i, name in enumerate(law.param_names)}
                at = {name: float(x[0]) for name, x in zip(law.inputs, self.middle, strict=True)}
                size = evaluate(self.inner[j], {**values, **at})
                theta[:, j] = np.exp(np.clip(raw[:, k], -200, 200)) / np.maximum(np.abs(size), 1e-300)
        linear = [k for k in later if self.kinds[k] != "inner"]
        if not linear:
            return
        with np.errstate(all="ignore"):
            terms = law.terms(theta, self.middle, [self.free[k] for k in linear])[:, :, 0]
        for i, k in enumerate(linear):
            unit = level / np.maximum(np.abs(terms[:, i]), 1e-300)
            times = np.exp(np.clip(raw[:, k], -200, 200)) if self.kinds[k] == "term" else raw[:, k]
            param = law.params[self.free[k]]
            theta[:, self.free[k]] = np.clip(times * unit, param.lower, param.upper)

    def values(self, z: Array, inputs: Inputs, group: int = 0) -> Array:
        """(B, n): the log of the law for numbers (B, q) at inputs of (n,) each; finite everywhere."""
        with np.errstate(all="ignore"):
            found = np.log(self.law.value(self.theta(z, group), inputs))
        middle = float(np.log(self.levels[group]))
        found = np.nan_to_num(found, nan=middle + NOWHERE, posinf=middle + NOWHERE, neginf=middle - NOWHERE)
        return np.asarray(np.clip(found, middle - 2 * NOWHERE, middle + 2 * NOWHERE))


def make_prior(law: Law, fixed: Mapping[str, float], levels: Array, inputs: Inputs) -> Prior:
    """What is believed of a law over the inputs of runs and candidates, from the lowest loss of each family."""
    held = {law.param_names.index(name): float(value) for name, value in fixed.items()}
    free = tuple(j for j in range(len(law.params)) if j not in held)
    middle = tuple(np.array([_middle(x)]) for x in inputs)
    constant = _constants(law, inputs)
    told = [_numbers(law, j, j in constant) for j in free]
    return Prior(
        law=law,
        free=free,
        kinds=tuple(kind for kind, _, _ in told),
        centre=np.array([centre for _, centre, _ in told]),
        spread=np.array([spread for _, _, spread in told]),
        held=held,
        levels=levels,
        middle=middle,
        inner={j: parse_formula(law.params[j].of) for j in free if law.params[j].of},
    )


def _middle(x: Array) -> float:
    return float(np.exp(np.mean(np.log(x)))) if np.all(x > 0) else float(np.mean(x))


def _constants(law: Law, inputs: Inputs) -> set[int]:
    """Linear parameters that are added everywhere alike: floors."""
    if not law.linear_index:
        return set()
    theta = np.array([[np.clip(_typical(param), param.lower, param.upper) for param in law.params]])
    with np.errstate(all="ignore"):
        terms = law.terms(theta, inputs, law.linear_index)[0]
    return {j for j, term in zip(law.linear_index, terms, strict=True) if np.allclose(term, 1.0, rtol=1e-9, atol=1e-9)}


def _typical(param: Param) -> float:
    low, high = start_range(param)
    return float(np.sqrt(low * high)) if low > 0 else (low + high) / 2


def _numbers(law: Law, j: int, constant: bool) -> tuple[Kind, float, float]:
    """How a parameter follows from a standard normal number."""
    param = law.params[j]
    low, high = start_range(param)
    if j in law.linear_index:
        if constant and param.lower >= 0:
            return "share", FLOOR_CENTRE, FLOOR_SPREAD
        return ("term", TERM_CENTRE, TERM_SPREAD) if param.lower >= 0 else ("signed", 0.0, 1.0)
    if param.of:
        return "inner", float(np.log(max(low, SMALLEST * high) * high) / 2), float(np.log(high / low) / RANGE)
    if param.lower >= 0 and high > 0:
        low = max(low, SMALLEST * high)
        return "log", float(np.log(low * high) / 2), float(np.log(high / low) / RANGE)
    return "raw", (low + high) / 2, (high - low) / RANGE
