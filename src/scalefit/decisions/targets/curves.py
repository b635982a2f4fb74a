"""A law, or a chain of laws, along one quantity: its estimates and its draws at any places, and what it approaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from scalefit.decisions.chain import Chain
from scalefit.decisions.frontier import value_of
from scalefit.decisions.route import Path, Route, find_route, known_names
from scalefit.decisions.single_doubts import doubts_of_fit, ratio_doubt
from scalefit.decisions.spending import Cost
from scalefit.decisions.targets.chained import ChainedStage, Rows, chained_stages, route_stage
from scalefit.errors import FitError, not_one_of
from scalefit.fitting.problem import Array
from scalefit.quantities import QUANTITIES, better_of
from scalefit.result import Fit
from scalefit.uncertainty.paths import beyond

Better = Literal["low", "high"]
ALL = slice(None)
ESTIMATE = slice(0, 1)
#: How a route says that nothing but the law splits its budgets.
BEST_SPLIT = "on the best split"
#: What a law approaches is judged on the way to this power of ten, below which laws and routes follow their inputs,
#: and at least so many decades past the data.
_FAR, _LEAST = 54.0, 6.0
#: The law has settled where two parts of that way agree on the limit to this share of what is left to gain.
_SETTLED = 0.01
#: Steps below this share of the value are rounding.
_ROUNDING = 1e-9
#: A limit this small beside the values seen is zero.
_ZERO = 1e-3


@dataclass(frozen=True, eq=False)
class Curve:
    """What a fit or a chain says along a route: row 0 is the estimate, the others are the draws.

    Attributes
    ----------
    route : Route, of the law that takes what moves along it.
    theta : (1 + draws, p), the parameters of that law.
    stages : what follows it, in order; empty for a single law.
    target : str, what is predicted at the end.
    name, verdict, source : str
        The law or chain; why it should not be believed, empty where nothing speaks against it; where draws come from.
    grows : bool, whether a higher target is better.
    notes : tuple of str
    doubts : tuple of str, what speaks against the fits; those of each stage of a chain with its name.
    """

    route: Route
    theta: Array
    stages: tuple[ChainedStage, ...]
    target: str
    name: str
    verdict: str
    source: str
    grows: bool
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def draws(self) -> int:
        """How many there are."""
        return len(self.theta) - 1

    @property
    def sign(self) -> float:
        """1 where lower is better, -1 where higher is."""
        return -1.0 if self.grows else 1.0

    def values(self, places: Array, rows: Rows = ALL) -> Array:
        """(k, m) of the target at places (m,) or (k, m), for some or all of the rows."""
        return self._outputs(rows, places, self.route.inputs(self.theta[rows], places))

    def estimate(self, places: Array) -> Array:
        """(m,) of the target at the estimates."""
        return np.asarray(self.values(places, ESTIMATE)[0])

    def beyond(self, places: Array) -> Array:
        """How many times past the rows fitted the farthest input of any stage lies at each place, (m,); 1 inside."""
        out = self.route.beyond(places)
        given = self._start(ESTIMATE, places, self.route.inputs(self.theta[ESTIMATE], places))
        for stage in self.stages:
            inputs = stage.inputs(given)
            seen = stage.fit.problem.inputs
            out = np.maximum(out, beyond(tuple(inputs[name][0] for name in stage.fit.law.inputs), seen))
            given[stage.gives] = stage.values(ESTIMATE, given)
        return out

    def doubts_at(self, places: Array) -> tuple[str, ...]:
        """What speaks against the fits, and against the best split of budgets where answers lie."""
        law, theta = self.route.fit.law, self.theta[ESTIMATE]
        places = places[np.isfinite(places)]
        if not self.route.text.startswith(BEST_SPLIT) or not {"params", "tokens"} <= set(law.inputs) or not len(places):
            return self.doubts
        there = self.route.inputs(theta, places)
        seen = dict(zip(law.inputs, self.route.fit.problem.inputs, strict=True))
        split = ratio_doubt(there["params"][0], there["tokens"][0], (seen["params"], seen["tokens"]))
        return (*self.doubts, *split)

    def limits(self) -> Array:
        """(1 + draws,) what each row approaches as the quantity grows without end; NaN where that cannot be told.

        Zero where there is no floor: a sum of powers goes on to fall at the far end of any way, so its limit is taken
        from how its steps shrink (Aitken), and counts only where two parts of the way agree.
        """
        high = self.route.reach[1]
        decades = max(_FAR - np.log10(high), _LEAST) if high > 0 else _FAR
        last = self.values(np.array([high]))[:, 0]
        way = [self._far(decades * share) for share in (0.25, 0.5, 0.75, 1.0)]
        before, end = _settling(*way[:3]), _settling(*way[1:])
        apart = np.abs(end - before)
        settled = apart <= _SETTLED * np.abs(last - end) + _ROUNDING * np.abs(end)
        end = np.where(np.abs(end) <= np.maximum(_ZERO * np.abs(last), 2 * apart), 0.0, end)
        return np.where(settled & np.isfinite(end), end, np.nan)

    def _far(self, decades: float) -> Array:
        """The target so many decades past the data; inputs that the route cannot follow go on as they went there."""
        high = self.route.reach[1]
        place = np.array([high * 10.0**decades])
        near = self.route.inputs(self.theta, np.array([high, 10 * high]))
        there = self.route.inputs(self.theta, place)
        with np.errstate(all="ignore"):
            straight = {name: x[:, :1] * (x[:, 1:] / x[:, :1]) ** decades for name, x in near.items()}
        inputs = {name: np.where(np.isfinite(x), x, straight[name]) for name, x in there.items()}
        return self._outputs(ALL, place, inputs)[:, 0]

    def _start(self, rows: Rows, places: Array, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """What the first law takes and gives, by name."""
        law = self.route.fit.law
        some = next(iter(inputs.values()))
        first = value_of(law, self.theta[rows], inputs)
        return {**inputs, self.route.along: np.broadcast_to(places, some.shape), self.route.fit.target: first}

    def _outputs(self, rows: Rows, places: Array, inputs: Mapping[str, Array]) -> Array:
        given = self._start(rows, places, inputs)
        for stage in self.stages:
            given[stage.gives] = stage.values(rows, given)
        return given[self.stages[-1].gives if self.stages else self.route.fit.target]


def _settling(first: Array, second: Array, third: Array) -> Array:
    """Where three values, evenly spaced in the log of the quantity, are heading if their steps shrink by one factor."""
    one, two = second - first, third - second
    with np.errstate(all="ignore"):
        on = np.where(np.abs(two) > _ROUNDING * np.abs(third), two * two / (one - two), 0.0)
        # Steps that do not shrink lead nowhere.
        return np.where((on == 0) | (np.abs(two) < np.abs(one)), third + on, np.nan)


def follow(
    fit: Fit | Chain,
    along: str | None,
    *,
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Cost | str | Callable[[Any, Any], Any] | None = None,
    better: Better | None = None,
) -> Curve:
    """A fit or a chain along a quantity; see :func:`scalefit.find_scale` for the arguments.

    Raises
    ------
    FitError
        If an input is left open or said twice, or what is given is neither a fit nor a chain.
    """
    if better not in (None, "low", "high"):
        raise FitError(not_one_of("better", better, ("low", "high")))
    if isinstance(fit, Chain):
        return _follow_chain(fit, along, at=at, ratio=ratio, path=path, cost=cost, better=better)
    if not hasattr(fit, "draws_theta"):
        raise FitError(f"A fit or a chain is needed: sf.fit(runs, law) or sf.chain(…); got {type(fit).__name__}.")
    route = find_route(fit, _along(fit, along), at=at, ratio=ratio, path=path, cost=cost)
    draws = fit.draws_theta
    theta = np.vstack([fit.theta, draws[np.isfinite(draws).all(axis=1)]])
    curve = Curve(
        route, theta, (), fit.target, fit.law.name, "" if fit.converged else fit.verdict, fit.interval_source,
        grows=False, doubts=doubts_of_fit(fit),
    )  # fmt: skip
    return _directed(curve, better)


def _follow_chain(
    chain: Chain,
    along: str | None,
    *,
    at: Mapping[str, float] | None,
    ratio: float | None,
    path: Path | None,
    cost: Cost | str | Callable[[Any, Any], Any] | None,
    better: Better | None,
) -> Curve:
    first, later = route_stage(chain)
    fit = chain.fits[first][()]
    known = known_names(fit)
    own = {name: value for name, value in (at or {}).items() if name in known or not later}
    route = find_route(fit, _along(fit, along), at=own, ratio=ratio, path=path, cost=cost)
    good = np.ones(len(chain.draws[first][()]), bool)
    for k in (first, *later):
        good &= np.isfinite(chain.draws[k][()]).all(axis=1)
    theta = np.vstack([fit.theta, chain.draws[first][()][good]])
    others = {name: float(value) for name, value in (at or {}).items() if name not in own}
    stages = chained_stages(chain, later, good, route, others)
    name = " -> ".join(chain.stages[k].title for k in (first, *later))
    verdict = "" if chain.converged else chain.verdict
    source = f"bootstrap of the whole chain, {int(good.sum())} draws"
    used = {k: chain.fits[k][()] for k in (first, *later)}
    doubts = tuple(f"{chain.stages[k].title}: {doubt}" for k, one in used.items() for doubt in doubts_of_fit(one))
    curve = Curve(
        route, theta, stages, chain.stages[-1].target_column, name, verdict, source, grows=False, doubts=doubts
    )
    return _directed(curve, better)


def _along(fit: Fit, along: str | None) -> str:
    """The quantity named, else the only input of the law, else compute."""
    if along is None:
        only = fit.law.inputs[0] if len(fit.law.inputs) == 1 else "flops"
        along = fit.columns.get(only, only)
    if along in QUANTITIES and QUANTITIES[along].unit == "nats/token":
        raise FitError(
            f"A scale grows while runs get better, and {along!r} falls. What {fit.law.name} says of it in closed form: "
            f"fit.derive(name, at=…) with one of {', '.join(fit.law.derived) or 'nothing'}."
        )
    return along


def _directed(curve: Curve, better: Better | None) -> Curve:
    """The curve with the direction in which it gets better: as said, by the target's name, or as it moves."""
    if better is not None:
        return replace(curve, grows=better == "high")
    known = next((name for name, one in QUANTITIES.items() if curve.target in (name, *one.aliases)), None)
    grows = better_of(known or curve.target) == "high"
    if grows or known:
        return replace(curve, grows=grows)
    first, last = curve.estimate(np.array(curve.route.reach))
    if not last > first:
        return curve
    note = f"{curve.target} grows along {curve.route.along}, so higher is taken for better; else say better='low'"
    return replace(curve, grows=True, notes=(*curve.notes, note))
