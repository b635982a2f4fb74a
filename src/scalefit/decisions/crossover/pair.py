"""Two fits side by side along one quantity: their names, their routes, their draws, and which of them is ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.crossover.roots import find_brackets, solve_brackets
from scalefit.decisions.families_member import MemberFit
from scalefit.decisions.route import Route, known_quantity
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.quantities import QUANTITIES, better_of
from scalefit.result import Fit
from scalefit.uncertainty.draws import permutation_for
from scalefit.uncertainty.pairing import joint_draws

#: A difference smaller than this share of the values is rounding: the curves are equal there.
_ROUNDING = 1e-12
#: Places per decade on which signs are read, and the fewest and most of them; for the estimates so many times more.
_PER_DECADE, _FEWEST, _MOST, _FINER = 40, 120, 480, 10


@dataclass(frozen=True, eq=False)
class Crossings:
    """Crossings of several pairs of curves, (k,) each.

    Attributes
    ----------
    curve : which pair of curves.
    place : where they cross, in units of the quantity.
    before : -1 where the first is ahead before, 1 where the second is.
    """

    curve: NDArray[np.intp]
    place: Array
    before: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.curve)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two laws along one quantity, over one range of it.

    Attributes
    ----------
    theta : draws of both, (B, p) and (B, q), row by row.
    low, high : the range.
    better : which values are ahead.
    """

    names: tuple[str, str]
    routes: tuple[Route, Route]
    theta: tuple[Array, Array]
    low: float
    high: float
    better: Literal["low", "high"]

    @property
    def along(self) -> str:
        """The quantity."""
        return self.routes[0].along

    @property
    def fits(self) -> tuple[Fit, Fit]:
        """Both fits."""
        return self.routes[0].fit, self.routes[1].fit

    @property
    def overlap(self) -> tuple[float, float] | None:
        """The range in which both have data, within the range looked at; None where there is none."""
        low = max(self.low, *(route.reach[0] for route in self.routes))
        high = min(self.high, *(route.reach[1] for route in self.routes))
        return (low, high) if low <= high else None

    def beyond(self, places: Array | float) -> Array:
        """How many times past the data of either the farthest input lies at each place, (m,); 1 inside."""
        one, two = (route.beyond(np.atleast_1d(places)) for route in self.routes)
        return np.maximum(one, two)

    @cached_property
    def places(self) -> Array:
        """(m,) places on which curves are read."""
        return np.geomspace(self.low, self.high, self._count)

    @property
    def _count(self) -> int:
        decades = np.log10(self.high / self.low)
        return int(np.clip(np.ceil(_PER_DECADE * decades), _FEWEST, _MOST)) + 1

    @property
    def estimates(self) -> tuple[Array, Array]:
        """(1, p) and (1, q)."""
        return self.routes[0].fit.theta, self.routes[1].fit.theta

    @cached_property
    def values(self) -> tuple[Array, Array]:
        """Both laws on the places for each draw, (B, m)."""
        return self._values(self.theta, self.places)

    @cached_property
    def lead(self) -> Array:
        """(B, m): below zero where the first is ahead, zero where rounding is all the difference."""
        return self._lead(*self.values)

    def lead_of_estimates(self, places: Array) -> Array:
        """(m,): below zero where the first is ahead by the estimates."""
        return np.asarray(self._lead(*self._values(self.estimates, places))[0])

    def crossings_of_estimates(self) -> Crossings:
        """Where the curves of the estimates cross, in order."""
        finer = np.geomspace(self.low, self.high, _FINER * (self._count - 1) + 1)
        return self._crossings(self.estimates, finer, self._lead(*self._values(self.estimates, finer)))

    def crossings_of_draws(self) -> Crossings:
        """Where the curves of each draw cross."""
        return self._crossings(self.theta, self.places, self.lead)

    def _values(self, theta: tuple[Array, Array], places: Array) -> tuple[Array, Array]:
        return self.routes[0].values(theta[0], places), self.routes[1].values(theta[1], places)

    def _lead(self, a: Array, b: Array) -> Array:
        with np.errstate(all="ignore"):
            lead = a - b if self.better == "low" else b - a
            return np.where(np.abs(lead) <= _ROUNDING * np.maximum(np.abs(a), np.abs(b)), 0.0, lead)

    def _crossings(self, theta: tuple[Array, Array], places: Array, lead: Array) -> Crossings:
        found = find_brackets(np.sign(np.nan_to_num(lead)).astype(np.int8), np.isfinite(lead))
        mine = theta[0][found.curve], theta[1][found.curve]
        logs = np.log(places)

        def function(place: Array, which: NDArray[np.intp]) -> Array:
            there = self._values((mine[0][which], mine[1][which]), np.exp(place)[:, None])
            return self._lead(*there)[:, 0]

        ends = lead[found.curve, found.left], lead[found.curve, found.right]
        place = np.exp(solve_brackets(function, logs[found.left], logs[found.right], *ends))
        return Crossings(found.curve, place, found.before)


def paired_draws(a: Fit, b: Fit) -> tuple[tuple[Array, Array], str]:
    """Draws of two fits row by row, and how they were put together in words."""
    if a.plan is not None and b.plan is not None:
        left, right = joint_draws(a, b)
        how = "paired: both were made of the same resamples" if a.plan.token == b.plan.token else "independent"
        return (left.to_numpy(float), right.to_numpy(float)), how
    one, two = a.draws_theta, b.draws_theta
    count = min(len(one), len(two))
    if isinstance(a, MemberFit) and isinstance(b, MemberFit) and _joint(a) == _joint(b):
        return (one[:count], two[:count]), "paired: both are of one joint fit"
    order = permutation_for(str(a.seed), str(b.seed), len(two))
    return (one[:count], two[order[:count]]), "independent"


def _joint(member: MemberFit) -> dict[str, object]:
    return {name: value for name, value in member.provenance.items() if name != "family"}


def names_of(a: Fit, b: Fit, names: Sequence[str] | None) -> tuple[str, str]:
    """What the two are called: as said, else by their families, else by their laws, else a and b."""
    if names is not None:
        given = tuple(str(name) for name in names)
        if isinstance(names, str) or len(given) != 2 or given[0] == given[1]:
            raise FitError(f"names are two different ones, such as names=('lstm', 'transformer'); got {names!r}.")
        return given[0], given[1]
    for one, two in ((_family(a), _family(b)), (a.law.name, b.law.name)):
        if one and two and one != two:
            return one, two
    return "a", "b"


def _family(fit: Fit) -> str:
    """The one family of the rows fitted, or nothing."""
    if "family" in fit.provenance:
        return str(fit.provenance["family"])
    column = next((name for name in ("family", *QUANTITIES["family"].aliases) if name in fit.data.columns), None)
    there = [] if column is None else list(dict.fromkeys(fit.data[column].dropna().astype(str)))
    return there[0] if len(there) == 1 else ""


def same_target(a: Fit, b: Fit, names: tuple[str, str]) -> str | None:
    """A note where two targets are taken for one quantity; an error where they are known to be two."""
    one, two = (known_quantity(fit.target) for fit in (a, b))
    if one == two:
        return None
    if one in QUANTITIES and two in QUANTITIES:
        raise FitError(
            f"{names[0]} is fitted to {a.target!r} and {names[1]} to {b.target!r}: curves of two quantities do not "
            f"cross. Fit both to one: target={a.target!r}."
        )
    return f"{names[0]} is fitted to {a.target!r} and {names[1]} to {b.target!r}: taken for one quantity"


def better_for(a: Fit, b: Fit, better: str | None) -> Literal["low", "high"]:
    """Which values are ahead: as said, else by what the laws are fitted to."""
    if better is None:
        return better_of(known_quantity(a.target))
    if better == "low":
        return "low"
    if better == "high":
        return "high"
    raise FitError(f"better must be 'low' or 'high', or None to go by the target; got {better!r}.")
