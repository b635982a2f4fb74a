"""The stages of a chain that follow the first one: what each takes, for its estimates and for every draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.chain import Chain
from scalefit.decisions.frontier import value_of
from scalefit.decisions.route import Route, known_names
from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit

#: Which of the estimates (row 0) and draws.
Rows = slice | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ChainedStage:
    """A stage after the first.

    Attributes
    ----------
    fit : Fit
    theta : (1 + draws, p), the estimates first.
    gives : str, the name of what it predicts.
    takes : input of the law -> the name of what it takes.
    fixed : names with a value of their own.
    """

    fit: Fit
    theta: Array
    gives: str
    takes: Mapping[str, str]
    fixed: Mapping[str, float]

    def inputs(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """The inputs of its law, out of what earlier stages and the route give, and its fixed values."""
        some = next(iter(given.values()))
        held = {name: np.full(some.shape, value) for name, value in self.fixed.items()}
        return {name: held[source] if source in held else given[source] for name, source in self.takes.items()}

    def values(self, rows: Rows, given: Mapping[str, Array]) -> Array:
        """What it gives for what earlier stages and the route give."""
        return value_of(self.fit.law, self.theta[rows], self.inputs(given))


def route_stage(chain: Chain) -> tuple[int, list[int]]:
    """The stage at which the route enters, and those from there to the last, in order.

    Raises
    ------
    FitError
        If a stage that is needed was fitted by group.
    """
    k, later = len(chain.stages) - 1, list[int]()
    while True:
        fed = [before for column in _columns(chain, k).values() if (before := _giver(chain, column, k)) is not None]
        if not fed:
            return k, later
        later.insert(0, k)
        k = max(fed)


def chained_stages(
    chain: Chain, later: list[int], good: NDArray[np.bool_], route: Route, fixed: Mapping[str, float]
) -> tuple[ChainedStage, ...]:
    """The stages after the first; ``good`` (draws,) are the draws that reach the end of the chain."""
    known = {**known_names(route.fit), route.along: route.along}
    columns = {k: _columns(chain, k) for k in later}
    wanted = {column for k in later for column in columns[k].values()}
    strange = [name for name in fixed if name not in wanted]
    if strange:
        raise FitError(f"at: no stage of the chain takes {listing(strange)}; they take {listing(sorted(wanted))}.")
    stages = []
    there = {chain.stages[k].target_column for k in later} | {route.fit.target}
    for k in later:
        takes = {name: known.get(column, column) for name, column in columns[k].items()}
        left = [source for source in takes.values() if source not in {*known.values(), *there, *fixed}]
        if left:
            raise FitError(f"Stage {chain.stages[k].title} also takes {listing(left)}: give at={{{left[0]!r}: …}}.")
        fit = chain.fits[k][()]
        theta = np.vstack([fit.theta, chain.draws[k][()][good]])
        own = {source: fixed[source] for source in takes.values() if source in fixed}
        stages.append(ChainedStage(fit, theta, chain.stages[k].target_column, takes, own))
    return tuple(stages)


def _columns(chain: Chain, k: int) -> dict[str, str]:
    """Input of a stage's law -> the column that it comes from."""
    if list(chain.fits[k]) != [()]:
        raise FitError(
            f"Stage {chain.stages[k].title} has a fit for each {listing(chain.stages[k].by)}: ask one of its fits, "
            f"chain.fits[{k}]."
        )
    stage, fit = chain.stages[k], chain.fits[k][()]
    said = {**(stage.columns or {}), **({fit.law.inputs[0]: stage.along} if stage.along else {})}
    columns = {name: said.get(name, fit.columns.get(name, name)) for name in fit.law.inputs}
    return {name: _given_name(chain, column, k) for name, column in columns.items()}


def _given_name(chain: Chain, column: str, k: int) -> str:
    """What an earlier stage calls the column that it was fitted to, where there is one; else the column."""
    for i in range(k):
        target = chain.stages[i].target_column
        if list(chain.fits[i]) == [()] and chain.fits[i][()].columns.get(target) == column:
            return target
    return column


def _giver(chain: Chain, column: str, k: int) -> int | None:
    """The last stage before k that predicts a column."""
    before = [i for i in range(k) if chain.stages[i].target_column == column and list(chain.fits[i]) == [()]]
    return before[-1] if before else None
