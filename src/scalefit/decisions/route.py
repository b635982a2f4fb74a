"""Routes through the inputs of a law: how size and tokens move while one quantity grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalefit.decisions.frontier import best_split, check_surface, value_of
from scalefit.decisions.spending import SIX_ND, Cost
from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.quantities import QUANTITIES, better_of
from scalefit.result import Fit
from scalefit.uncertainty.paths import beyond

#: A path of one's own: values of what it goes along -> the inputs there.
PathFunction = Callable[[Any], Mapping[str, Any]]
#: (B, p) parameters and (B, m) places -> every input of the law.
Move = Callable[[Array, Array], Mapping[str, Array]]
Path = Literal["optimal"] | PathFunction
#: Halvings of a bracket in the log of a size.
_HALVINGS = 60
#: Where the best split is searched at many budgets: nodes per decade and at least, between which its size is smooth;
#: and how far, in its log, each node may lie from what the others say of it.
_NODES, _FEWEST_NODES, _SMOOTH = 2, 9, 0.3


@dataclass(frozen=True, eq=False)
class Route:
    """One law along one quantity.

    Attributes
    ----------
    fit : Fit
    along : str, the quantity, under the name that the user knows.
    text : str
        Where the other inputs stand, such as ``"at params = 1.6e+08"``; empty for a law of one input. With what a run
        costs, where that is not 6 N D.
    reach : (float, float), the smallest and largest value of the quantity among the rows fitted.
    spends : what a run costs along ``"flops"``.
    """

    fit: Fit
    along: str
    text: str
    reach: tuple[float, float]
    move: Move
    spends: Cost = SIX_ND

    @property
    def where(self) -> str:
        """Where the other inputs stand, without what a run costs."""
        return self.text.removesuffix(_cost_text(self.spends))

    def inputs(self, theta: Array, places: Array) -> dict[str, Array]:
        """The inputs of the law, (B, m) each, for B parameter vectors at places (m,) or (B, m)."""
        places = np.broadcast_to(np.asarray(places, float), (len(theta), np.shape(places)[-1]))
        moved = self.move(theta, places)
        return {name: np.broadcast_to(np.asarray(moved[name], float), places.shape) for name in self.fit.law.inputs}

    def values(self, theta: Array, places: Array) -> Array:
        """The law, (B, m), for B parameter vectors at places (m,) or (B, m)."""
        return value_of(self.fit.law, theta, self.inputs(theta, places))

    def estimate(self, places: Array) -> Array:
        """The law at its estimates, (m,)."""
        return np.asarray(self.values(self.fit.theta, places)[0])

    def beyond(self, places: Array) -> Array:
        """How many times past the rows fitted the farthest input lies at each place, (m,); 1 inside."""
        places = np.asarray(places, float)
        there = self.inputs(self.fit.theta, places)
        out = beyond(tuple(there[name][0] for name in self.fit.law.inputs), self.fit.problem.inputs)
        return np.maximum(out, beyond((places,), (np.array(self.reach),)))


def find_route(
    fit: Fit,
    along: str,
    *,
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Cost | str | Callable[[Any, Any], Any] | None = None,
) -> Route:
    """How the inputs of a fitted law move along a quantity.

    Parameters
    ----------
    along : an input of the law, its column, or ``"flops"`` for a law of params and tokens.
    at : values of other inputs.
    ratio : tokens per parameter.
    path : ``"optimal"``, for each budget the size with the lowest loss (what ``"flops"`` takes where nothing is said);
        or a function of values of ``along`` that returns the other inputs.
    cost : what a run costs along ``"flops"``; None is 6 N D.

    Raises
    ------
    FitError
        If the law has no such input, or an input is left open or said twice.
    """
    law, names = fit.law, known_names(fit)
    if law.derive is not None:
        raise FitError(f"{law.name} is a law of training curves: its inputs follow from a schedule, not from a path.")
    fixed = {_input_of(name, names): value for name, value in _numbers(at).items()}
    goes = _input_of(along, names)
    _check_names(fit, along, goes, fixed)
    said = [text for text, given in (("ratio", ratio is not None), ("path", path is not None)) if given]
    if len(said) > 1:
        raise FitError("ratio and path both say how the inputs move: give one.")
    spends = Cost.of(cost)
    if callable(path):
        return Route(fit, along, "on the path given", _reach(fit, goes, spends), _own_path(law, goes, path, fixed))
    if path is not None and path != "optimal":
        raise FitError(not_one_of("path", path, ("optimal", "a function")))
    if goes == "flops" and goes not in law.inputs:
        return _along_budget(fit, along, fixed, ratio, path, spends)
    if path == "optimal":
        raise FitError(f"path='optimal' goes along 'flops'; got along={along!r}.")
    return _along_input(fit, along, goes, fixed, ratio)


def find_routes(
    fits: Mapping[str, Fit], along: str, *, at: Any = None, ratio: Any = None, path: Any = None, cost: Any = None
) -> dict[str, Route]:
    """The routes of several fits along one quantity: see :func:`find_route`.

    Each of ``at, ratio, path, cost`` is one for all, a mapping of every name to one each, or a sequence in the order of
    the names. A law that does not take an input that others take is told nothing of it: a curve in FLOP goes beside a
    surface on its best split.

    Raises
    ------
    FitError
        Also if no law takes a name in ``at``, or ``cost`` is given and nothing goes along ``"flops"``.
    """
    names = tuple(fits)
    each = {
        what: each_of(what, said, names)
        for what, said in (("at", at), ("ratio", ratio), ("path", path), ("cost", cost))
    }
    surfaces = [name for name in names if {"params", "tokens"} <= set(fits[name].law.inputs)]
    spent = [name for name in surfaces if known_quantity(along) == "flops" and "flops" not in known_names(fits[name])]
    if cost is not None and not spent and not callable(path):
        raise FitError(f"cost says what a run costs along 'flops' of a law of params and tokens; got along={along!r}.")
    known = {name: known_names(fit) for name, fit in fits.items()}
    routes = {}
    for name, fit in fits.items():
        others = {word for other in names if other != name for word in known[other]}
        fixed = {word: value for word, value in (each["at"][name] or {}).items()
                 if known_quantity(word) in known[name] or word in known[name] or word not in others}  # fmt: skip
        takes = name in surfaces or not surfaces
        own_path = each["path"][name] if takes or callable(each["path"][name]) else None
        routes[name] = find_route(
            fit, along, at=fixed, ratio=each["ratio"][name] if takes else None, path=own_path, cost=each["cost"][name]
        )
    return routes


def each_of(what: str, said: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What was said of several fits, one for all or one for each, by name."""
    if isinstance(said, Mapping) and (what != "at" or set(said) & set(names)):
        if set(said) != set(names):
            raise FitError(f"{what}: one for all, or one for each of {listing(names)}; got {listing(said)}.")
        return {name: said[name] for name in names}
    if isinstance(said, (tuple, list)):
        if len(said) != len(names):
            raise FitError(f"{what}: one for all, or one for each of {listing(names)}; got {len(said)}.")
        return dict(zip(names, said, strict=True))
    return dict.fromkeys(names, said)


def known_names(fit: Fit) -> dict[str, str]:
    """Name that a user may give -> input of the law: inputs, and the columns they were read from."""
    columns = {column: name for name, column in fit.columns.items() if name in fit.law.inputs}
    meant = {known_quantity(column): name for column, name in columns.items()}
    return {**meant, **columns, **{name: name for name in fit.law.inputs}}


def _input_of(name: str, names: Mapping[str, str]) -> str:
    """The input that a user means, also under another name of its quantity."""
    meant = known_quantity(name)
    return names.get(name, names.get(meant, meant))


def known_quantity(column: str) -> str:
    """The quantity that a column holds, by its name; a strange column is its own."""
    return next((name for name, known in QUANTITIES.items() if column in (name, *known.aliases)), column)


def _numbers(at: Mapping[str, float] | None) -> dict[str, float]:
    """What is fixed, each a finite number."""
    if at is not None and not isinstance(at, Mapping):
        raise FitError(f"at is a mapping of inputs to numbers, such as {{'params': 1e9}}; got {at!r}.")
    out = {}
    for name, value in (at or {}).items():
        try:
            out[str(name)] = float(value)
        except (TypeError, ValueError):
            out[str(name)] = float("nan")
        if not np.isfinite(out[str(name)]):
            raise FitError(f"at: {name} must be a finite number; got {value!r}.")
    return out


def _check_names(fit: Fit, along: str, goes: str, fixed: Mapping[str, float]) -> None:
    law = fit.law
    budget = {"params", "tokens"} <= set(law.inputs) and "flops" not in law.inputs
    choices = [*known_names(fit), *(["flops"] if budget else [])]
    if goes not in [*law.inputs, *(["flops"] if budget else [])]:
        raise FitError(not_one_of(f"along, for {law.name}", along, choices))
    for name in fixed:
        if name not in law.inputs or name == goes:
            others = [one for one in law.inputs if one != goes]
            what = f"at fixes inputs of {law.name} other than {along!r}"
            raise FitError(not_one_of(what, name, others) if others else f"{what}, and it has none; got {name!r}.")


def _along_input(fit: Fit, along: str, goes: str, fixed: Mapping[str, float], ratio: float | None) -> Route:
    law = fit.law
    tied = {"params": "tokens", "tokens": "params"}.get(goes)
    if ratio is not None:
        if tied not in law.inputs or tied in fixed:
            raise FitError(
                f"ratio is tokens per parameter: it goes along 'params', 'tokens' or 'flops' of a law of both, whose "
                f"other one is not fixed; got along={along!r} and {law.name}."
            )
        _check_ratio(ratio)
    left = [name for name in law.inputs if name != goes and name not in fixed and not (ratio and name == tied)]
    if left:
        also = ", or ratio=… for tokens per parameter" if tied in left else ""
        raise FitError(f"Along {along!r}, {law.name} leaves {listing(left)} open: give at={{{left[0]!r}: …}}{also}.")
    factor = 1.0 if ratio is None else ratio if goes == "params" else 1 / ratio

    def move(theta: Array, places: Array) -> Mapping[str, Array]:
        other = {} if ratio is None or tied is None else {tied: factor * places}
        return {**_filled(fixed, places), **other, goes: places}

    return Route(fit, along, _where(fixed, ratio), _reach(fit, goes, Cost.of(None)), move)


def _along_budget(
    fit: Fit, along: str, fixed: Mapping[str, float], ratio: float | None, path: Path | None, cost: Cost
) -> Route:
    law = fit.law
    reach = _reach(fit, "flops", cost)
    named = {name for name in ("params", "tokens") if name in fixed}
    if len(named) + (ratio is not None) + (path is not None) > 1:
        raise FitError("Along 'flops' one thing says how params and tokens share it: at, ratio or path='optimal'.")
    others = {name: value for name, value in fixed.items() if name not in named}
    check_surface(law, others)
    sizes = fit.problem.inputs[law.inputs.index("params")]
    limits = float(sizes.min()), float(sizes.max())

    def move(theta: Array, places: Array) -> Mapping[str, Array]:
        rest = _filled(others, places)
        if "params" in named:
            return {**rest, "params": np.full(places.shape, fixed["params"]),
                    "tokens": cost.tokens_for(np.full(places.shape, fixed["params"]), places)}  # fmt: skip
        if "tokens" in named:
            params = _size_for(cost, places, lambda size: np.full_like(size, fixed["tokens"]))
            return {**rest, "params": params, "tokens": np.full(places.shape, fixed["tokens"])}
        if ratio is not None:
            params = _size_for(cost, places, lambda size: ratio * size)
            return {**rest, "params": params, "tokens": ratio * params}
        params = _best_sizes(law, theta, places, cost, limits, others, better_of(fit.target) == "high")
        return {**rest, "params": params, "tokens": cost.tokens_for(params, places)}

    if ratio is not None:
        _check_ratio(ratio)
    text = _where(fixed, ratio)
    if not named and ratio is None:
        text = ", ".join(part for part in ("on the best split of each budget", text) if part)
    return Route(fit, along, text + _cost_text(cost), reach, move, cost)


def _cost_text(cost: Cost) -> str:
    return "" if cost.text == SIX_ND.text else f", with compute {cost.text}"


def _best_sizes(
    law: Law,
    theta: Array,
    places: Array,
    cost: Cost,
    limits: tuple[float, float],
    others: Mapping[str, float],
    higher: bool,
) -> Array:
    """Params of the best split of budgets (B, m): the lowest value there, the highest where that is better.

    Where they must be searched at many budgets, only nodes are, and a spline in the logs goes through them: at the best
    size the law is flat, so what it errs by is second order.
    """

    def exact(theta: Array, budget: Array) -> Array:
        return best_split(law, theta, budget, cost=cost, sizes=limits, at=others, higher=higher).params

    nodes = _nodes(places)
    closed = cost.six_nd and "params_optimal" in law.derived and not higher
    if closed or places.shape[1] <= len(nodes) or not (places == places[:1]).all():
        return exact(theta, places)
    from scipy.interpolate import CubicSpline

    known = np.log(exact(theta, np.exp(nodes)))
    smooth: NDArray[np.bool_] = np.asarray(np.isfinite(known).all(axis=1))
    if smooth.any():
        left_out = CubicSpline(nodes[::2], known[smooth][:, ::2], axis=1)(nodes[1::2])
        smooth[smooth] = (np.abs(left_out - known[smooth][:, 1::2]) < _SMOOTH).all(axis=1)
    out = np.empty(places.shape)
    if smooth.any():
        out[smooth] = np.exp(CubicSpline(nodes, known[smooth], axis=1)(np.log(places[0])))
    if not smooth.all():
        out[~smooth] = exact(theta[~smooth], places[~smooth])
    return out


def _nodes(places: Array) -> Array:
    """An odd number of budgets in the log, from the smallest to the largest."""
    low, high = np.log(places.min()), np.log(places.max())
    count = max(_FEWEST_NODES, int(np.ceil((high - low) / np.log(10) * _NODES)) + 1)
    return np.asarray(np.linspace(low, high, count + 1 - count % 2))


def _own_path(
    law: Law, goes: str, path: PathFunction, fixed: Mapping[str, float]
) -> Callable[..., Mapping[str, Array]]:
    def move(theta: Array, places: Array) -> Mapping[str, Array]:
        moved = {**_filled(fixed, places), goes: places, **path(places)}
        left = [name for name in law.inputs if name not in moved]
        if left:
            raise FitError(f"The path gives no {listing(left)}: it must return inputs, such as {{'params': …}}.")
        return moved

    return move


def _size_for(cost: Cost, budget: Array, tokens: Callable[[Array], Array]) -> Array:
    """The size at which a run costs a budget, by halving in its log; once for draws that ask the same."""
    shape, budget = budget.shape, budget[:1] if len(budget) and (budget == budget[:1]).all() else budget
    low, high = np.full(budget.shape, -5.0), np.full(budget.shape, 90.0)
    for _ in range(_HALVINGS):
        size = np.exp((low + high) / 2)
        below = cost(size, tokens(size)) <= budget
        low, high = np.where(below, np.log(size), low), np.where(below, high, np.log(size))
    return np.broadcast_to(np.exp((low + high) / 2), shape)


def _reach(fit: Fit, goes: str, cost: Cost) -> tuple[float, float]:
    """The range of a quantity among the rows fitted."""
    seen = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
    values = seen[goes] if goes in seen else cost(seen["params"], seen["tokens"])
    return float(values.min()), float(values.max())


def _filled(fixed: Mapping[str, float], places: Array) -> dict[str, Array]:
    return {name: np.full(places.shape, value) for name, value in fixed.items()}


def _check_ratio(ratio: float) -> None:
    if not (np.isfinite(ratio) and ratio > 0):
        raise FitError(f"ratio is tokens per parameter, above zero; got {ratio!r}.")


def _where(fixed: Mapping[str, float], ratio: float | None) -> str:
    parts = [f"{name} = {value:.4g}" for name, value in fixed.items()]
    if ratio is not None:
        parts.append(f"{ratio:.4g} tokens per parameter")
    return f"at {listing(parts)}" if parts else ""
