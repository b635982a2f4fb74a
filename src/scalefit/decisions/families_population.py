"""The population that families are drawn from: what is believed of a new one before it is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.families_spread import Spread, spread_of
from scalefit.fitting.coordinates import Coordinates, Kind, typical_rows
from scalefit.fitting.setup import Constraints
from scalefit.fitting.ties import make_ties
from scalefit.law import Array, Inputs, Law
from scalefit.result import Fit

#: Rows of each family known that stand for where sizes of terms are compared.
TYPICAL = 8
#: New families drawn at most: ends of 90 % intervals are then known to a tenth of a standard deviation.
DRAWS = 500
#: A term smaller than this share of the values seen is as good as absent: its log is taken there.
SMALLEST_TERM = 1e-3
#: Standard deviation of what is not borrowed: a factor of e^3 either way.
BROAD = 3.0


@dataclass(frozen=True, eq=False)
class Axes:
    """How families are compared: logs of nonlinear parameters, and of the size of linear terms on rows of all families.

    A raw coefficient means nothing without its exponent, and depends on units; the size of its term does not.

    Parameters
    ----------
    coordinates : sizes of terms, logs and raw values, of the free parameters.
    logged : (q,) coordinates that are sizes of positive terms, of which logs are taken.
    least : the smallest size of a term.
    """

    coordinates: Coordinates
    logged: NDArray[np.bool_]
    least: float

    def from_params(self, theta: Array) -> Array:
        """Places (B, q) on the axes of parameters (B, p)."""
        with np.errstate(all="ignore"):
            u = self.coordinates.from_params(theta)
        u[:, self.logged] = np.log(np.maximum(u[:, self.logged], self.least))
        return np.nan_to_num(u, neginf=np.log(self.least))

    def to_params(self, v: Array) -> tuple[Array, Array]:
        """Parameters (B, p) and their derivative by the places (B, p, q)."""
        u, slope = v.copy(), np.ones_like(v)
        with np.errstate(over="ignore"):
            u[:, self.logged] = slope[:, self.logged] = np.exp(v[:, self.logged])
        theta, T = self.coordinates.to_params(u)
        return theta, T * slope[:, None, :]


def axes_of(law: Law, constraints: Constraints, fits: Mapping[str, Fit]) -> Axes:
    """The axes on which the families of ``fits`` are compared."""
    names = law.param_names
    ties = make_ties(dict(constraints.tie), names)
    held = {*constraints.fixed, *constraints.tie}
    free = [j for j, name in enumerate(names) if name not in held]
    sources = {j for tie in ties for j in tie.sources}
    kinds = tuple(_kind(law, j, tied=j in sources) for j in free)
    parts = [typical_rows(one.problem.inputs, TYPICAL) for one in fits.values()]
    typical = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    base = np.array([float(constraints.fixed.get(name, 0.0)) for name in names])
    lower, upper = np.full(len(free), -np.inf), np.full(len(free), np.inf)
    coordinates = Coordinates(law, typical, base, np.array(free), kinds, lower, upper, ties)
    logged = np.array([kind == "term" and law.params[j].lower >= 0 for j, kind in zip(free, kinds, strict=True)])
    seen = np.concatenate([one.problem.target for one in fits.values()])
    return Axes(coordinates, logged, SMALLEST_TERM * float(np.mean(np.abs(seen))))


def _kind(law: Law, j: int, *, tied: bool) -> Kind:
    param = law.params[j]
    if j in law.linear_index and not tied and {param.lower, param.upper} <= {0.0, np.inf, -np.inf}:
        return "term"
    return "log" if param.lower >= 0 else "raw"


@dataclass(frozen=True, eq=False)
class Population:
    """Where a new family may lie on the axes.

    Parameters
    ----------
    axes : how families are compared.
    draws : (M, q) new families, each a draw of the population.
    spreads : of each coordinate between families.
    """

    axes: Axes
    draws: Array
    spreads: tuple[Spread, ...]

    @cached_property
    def centre(self) -> Array:
        """(q,) the middle of the population."""
        return np.asarray(self.draws.mean(axis=0))

    def restricted(self, borrowed: NDArray[np.bool_]) -> Population:
        """The same, knowing next to nothing of the coordinates that are not borrowed."""
        draws = self.draws.copy()
        own = np.flatnonzero(~borrowed)
        wide = np.random.default_rng(len(draws)).standard_normal((len(draws), len(own)))
        draws[:, own] = self.centre[own] + BROAD * wide
        return Population(self.axes, draws, self.spreads)


def population_of(
    axes: Axes,
    fits: Mapping[str, Fit],
    separate: Mapping[str, Fit],
    usual: Sequence[float],
    given: Sequence[bool],
    rng: np.random.Generator,
) -> Population:
    """New families, given those known: the mean of these, and a deviation of the size of their spread.

    Parameters
    ----------
    fits : what is known of each family, with strength borrowed.
    separate : each family alone: these tell the spread, since parameters that were held equal cannot.
    usual : (q,) scale of the half-normal of each spread; the spread itself where it was ``given``.
    """
    spreads = []
    places = {name: axes.from_params(one.draws_theta) for name, one in separate.items()}
    alone = {name: axes.from_params(one.theta)[0] for name, one in separate.items()}
    for j, (scale, known) in enumerate(zip(usual, given, strict=True)):
        values, errors = [], []
        for name, one in separate.items():
            usable = one.converged and np.isfinite(places[name][:, j]).all()
            values.append(alone[name][j])
            errors.append(places[name][:, j].std() if usable else np.nan)
        spreads.append(spread_of(values, errors, log=False, usual=float(scale), known=known))
    drawn = [axes.from_params(one.draws_theta) for one in fits.values()]
    count = min(DRAWS, *(len(one) for one in drawn))
    means = _means([one[:count] for one in drawn], spreads)
    for j, spread in enumerate(spreads):
        size = spread.draw(count, rng)
        # The mean of the families known is itself a draw of few; then comes the new family's own deviation.
        means[:, j] += size * rng.standard_normal(count) * np.sqrt(1 + 1 / len(fits))
    return Population(axes, means, tuple(spreads))


def _means(drawn: list[Array], spreads: list[Spread]) -> Array:
    """The mean over families, draw by draw; a family that knows a coordinate badly counts less: (M, q)."""
    stacked = np.stack(drawn)
    spread = np.array([one.expected for one in spreads])
    weight = 1 / (stacked.var(axis=1) + spread**2)
    return np.asarray(np.einsum("fmq,fq->mq", stacked, weight / weight.sum(axis=0)))


class PopulationEquation:
    """A law in standard deviations of a population from its middle: zero is the middle, one a usual deviation.

    Those of ``first`` (q,) come first and depend on no other: holding them holds what they stand for.
    """

    def __init__(self, law: Law, population: Population, first: NDArray[np.bool_]) -> None:
        self.law, self.population = law, population
        covariance = np.atleast_2d(np.cov(population.draws.T))
        size = np.sqrt(np.diag(covariance))
        size = np.where(size > 0, size, 1e-8)
        order = np.argsort(~first, kind="stable")
        scaled = (covariance / np.outer(size, size) + 1e-9 * np.eye(len(size)))[np.ix_(order, order)]
        self.factor: Array = np.empty_like(scaled)
        self.factor[order] = size[order, None] * np.linalg.cholesky(scaled)

    @property
    def linear_index(self) -> tuple[int, ...]:
        """None: sizes of terms enter by their log."""
        return ()

    def to_params(self, z: Array) -> tuple[Array, Array]:
        """Parameters (B, p) and their derivative by z (B, p, q)."""
        theta, T = self.population.axes.to_params(self.population.centre + z @ self.factor.T)
        return theta, T @ self.factor

    def from_places(self, v: Array) -> Array:
        """Z (B, q) of places on the axes (B, q)."""
        return np.asarray(np.linalg.solve(self.factor, (v - self.population.centre).T).T)

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """The law (B, n)."""
        return self.law.value(self.to_params(theta)[0], inputs)

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """The law (B, n) and its derivative by z (B, q, n)."""
        params, T = self.to_params(theta)
        value, J = self.law.value_and_jacobian(params, inputs)
        return value, np.matmul(T.swapaxes(1, 2), J)
