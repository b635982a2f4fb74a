"""What questions about spending compute stand on: a fitted law as one of size and tokens, and what a run costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.allocation.wording import count
from scalefit.decisions.frontier import Best, Plane, best_split, plane_of
from scalefit.decisions.route import known_names
from scalefit.decisions.spending import Cost
from scalefit.errors import DataError, FitError, not_one_of
from scalefit.fitting.problem import Array
from scalefit.quantities import better_of
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.paths import beyond

CostLike = Cost | str | Callable[[Any, Any], Any] | None
Numbers = Union[float, Sequence[float], NDArray[Any], "pd.Series[float]"]
#: Budgets below this are taken for a wrong unit, as in the vocabulary of columns.
SMALL_BUDGET = 1e9


@dataclass(frozen=True, eq=False)
class Setting:
    """A fit as a law of size and tokens, with what a run costs.

    Attributes
    ----------
    sizes : the smallest and largest size fitted.
    higher : whether high values of the law are the good ones.
    """

    fit: Fit
    plane: Plane
    cost: Cost
    level: float
    sizes: tuple[float, float]
    higher: bool

    @cached_property
    def theta(self) -> Array:
        """(1 + draws, p): the estimates, then the draws; those that are no numbers are left out."""
        draws = self.fit.draws_theta
        return np.vstack([self.fit.theta, draws[np.isfinite(draws).all(axis=1)]])

    @property
    def output(self) -> str:
        """What the law predicts."""
        return self.plane.law.output

    @property
    def target(self) -> str:
        """What was fitted: a law of loss may hold bits per byte."""
        return self.fit.target

    def best(self, budget: Array) -> Best:
        """The best split of budgets (m,) or (1 + draws, m)."""
        law, at = self.plane.law, self.plane.at
        return best_split(law, self.theta, budget, cost=self.cost, sizes=self.sizes, at=at, higher=self.higher)

    def value(self, params: Array, tokens: Array) -> Array:
        """The law, (1 + draws, m), at sizes and tokens that broadcast to it."""
        return self.plane.value(self.theta, np.asarray(params, float), np.asarray(tokens, float))

    @cached_property
    def seen(self) -> tuple[Array, Array]:
        """Params and tokens of the rows fitted."""
        return self.plane.seen(self.fit.problem.inputs)

    @cached_property
    def seen_cost(self) -> Array:
        """What the rows fitted cost."""
        return self.cost(*self.seen)

    def beyond(self, params: Array, tokens: Array) -> Array:
        """How many times past the rows fitted each run lies in size, tokens, compute or another input, (m,)."""
        given = {**self.plane.inputs(params, tokens)}
        names = self.plane.law.inputs
        points = tuple(np.broadcast_to(np.asarray(given[name], float), params.shape) for name in names)
        out = beyond(points, self.fit.problem.inputs)
        cost = beyond((self.cost(params, tokens),), (self.seen_cost,))
        return np.where(np.isfinite(params) & np.isfinite(tokens), np.maximum(out, cost), np.nan)

    def below(self, params: Array, tokens: Array) -> Array:
        """How many times below the smallest size, tokens and compute of the rows fitted each run lies, (m,)."""
        asked = (params, tokens, self.cost(params, tokens))
        with np.errstate(all="ignore"):
            under = [seen.min() / x for x, seen in zip(asked, (*self.seen, self.seen_cost), strict=True)]
        return np.asarray(np.max(under, axis=0))

    def budget(self, value: float) -> str:
        """A budget in words."""
        return f"{count(value)} FLOP" if self.cost.six_nd else f"a budget of {count(value)}"

    @property
    def where(self) -> str:
        """Where the other inputs stand, for the end of a sentence."""
        parts = [f"{name} = {value:.4g}" for name, value in self.plane.at.items()]
        return f" at {', '.join(parts)}" if parts else ""

    def notes(self) -> list[str]:
        """Where intervals come from and how compute was counted."""
        size = self.plane.size
        out = [
            f"Intervals: {self.fit.interval_source}; {size}, tokens and {self.output} of one draw belong together "
            "(.draws), their ends do not. They are those of this law's mean, as if it held this far."
        ]
        if len(self.theta) == 1:
            out = ["No intervals: there are too few rows for the error of the parameters."]
        if not self.cost.six_nd or size != "params":
            out.append(f"What a run costs: {self.cost.text}{'' if size == 'params' else f', where params is {size}'}.")
        if size in ("params_total", "params_nonzero") and self.cost.six_nd:
            out.append(f"Not all of {size} may work for a token: give cost= if compute is counted otherwise.")
        return out


def find_setting(fit: Fit, *, cost: CostLike, at: Mapping[str, float] | None, level: float) -> Setting:
    """A fit as a law of size and tokens.

    Raises
    ------
    FitError
        If the law is none of size and tokens, another input has no value, or ``at`` names none.
    """
    check_fit(fit)
    law, names = fit.law, known_names(fit)
    if law.derive is not None:
        raise FitError(f"{law.name} is a law of training curves: it has no best size for a budget.")
    fixed = {names.get(name, name): float(value) for name, value in (at or {}).items()}
    plane = plane_of(law, fixed)
    for name, value in fixed.items():
        if name not in law.inputs or name in (plane.size, "tokens"):
            others = [one for one in law.inputs if one not in (plane.size, "tokens")]
            what = f"at holds inputs of {law.name} other than its size and tokens"
            raise FitError(not_one_of(what, name, others) if others else f"{what}, and it has none; got {name!r}.")
        if not np.isfinite(value):
            raise FitError(f"at: {name} must be a finite number; got {value!r}.")
    params, _ = plane.seen(fit.problem.inputs)
    sizes = float(params.min()), float(params.max())
    return Setting(fit, plane, Cost.of(cost), check_level(level), sizes, better_of(law.output) == "high")


def check_fit(fit: Fit) -> None:
    """An error unless it is a fit.

    Raises
    ------
    FitError
    """
    if not hasattr(fit, "draws_theta"):
        raise FitError(f"A fit is needed: sf.fit(runs, 'chinchilla').bootstrap(1000); got {type(fit).__name__}.")


def check_numbers(values: Any, name: str, *, positive: bool = True, hint: str = "") -> Array:
    """A number or several, (m,), as floats; an error unless all are finite and above zero.

    Raises
    ------
    DataError
    """
    try:
        numbers = np.atleast_1d(np.asarray(values, float))
    except (TypeError, ValueError):
        raise DataError(f"{name}: a number or several; got {values!r}.{hint}") from None
    if numbers.ndim != 1 or not len(numbers):
        raise DataError(f"{name}: a number or several; got {values!r}.{hint}")
    bad = ~np.isfinite(numbers) | (numbers <= 0 if positive else numbers < 0)
    if bad.any():
        limit = "above zero" if positive else "zero or above"
        raise DataError(f"{name} must be finite and {limit}; got {numbers[bad][0]:g}.{hint}")
    return numbers


def check_budgets(flops: Any, cost: Cost, name: str = "flops") -> Array:
    """Budgets, (m,); an error says which unit was probably meant.

    Raises
    ------
    DataError
        If one is not above zero, or in FLOP and so small that it is probably in another unit.
    """
    hint = " Budgets are in FLOP, such as 1e21." if cost.six_nd else ""
    budgets = check_numbers(flops, name, hint=hint)
    if cost.six_nd and (budgets < SMALL_BUDGET).any():
        low = budgets.min()
        raise DataError(
            f"{name}: {low:g} FLOP trains nothing; budgets are in FLOP: multiply EFLOP by 1e18, ZFLOP by 1e21, "
            "PFLOP-days by 8.64e19. For money or another unit, give cost=."
        )
    return budgets
