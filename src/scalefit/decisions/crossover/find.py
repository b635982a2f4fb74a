"""Find where one fitted law overtakes another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from scalefit.decisions.crossover import evidence
from scalefit.decisions.crossover.pair import (
    Pair,
    better_for,
    names_of,
    paired_draws,
    same_target,
)
from scalefit.decisions.crossover.record import Crossover, Question
from scalefit.decisions.route import Path, Route, find_routes
from scalefit.decisions.spending import Cost
from scalefit.errors import FitError
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level

#: Without ``between``: from so many times below the smallest value seen to so many times above the largest.
BELOW, ABOVE = 2.0, 100.0

OneCost = Cost | str | Callable[[Any, Any], Any]


def find_crossover(
    a: Fit,
    b: Fit,
    *,
    along: str,
    at: Mapping[str, Any] | Sequence[Mapping[str, float]] | None = None,
    ratio: float | Sequence[float] | Mapping[str, float] | None = None,
    path: Path | Sequence[Path] | Mapping[str, Path] | None = None,
    between: tuple[float, float] | None = None,
    cost: OneCost | Sequence[OneCost | None] | Mapping[str, OneCost | None] | None = None,
    level: float = 0.9,
    names: Sequence[str] | None = None,
    better: Literal["low", "high"] | None = None,
) -> Crossover:
    """Find where one family overtakes another, how sure that is, or that there is no evidence of it.

    Parameters
    ----------
    a, b : Fit
        Of the same law or of two; bootstrapped fits give the better intervals. Families of one joint fit
        (``FamilyFit.fits``) are compared draw by draw, others independently.
    along : str
        The quantity along which to look: an input of the laws, its column, or ``"flops"`` for laws of params and tokens
        (where nothing else is said, each family on its best split of every budget).
    at : mapping of input to number
        What stays fixed, such as ``{"params": 1.6e8}``. This, ``ratio``, ``path`` and ``cost`` are one for both, or
        a pair, or a mapping of both names.
    ratio : float
        Tokens per parameter.
    path : ``"optimal"`` or a function
        Of values of ``along``, to the other inputs.
    between : (low, high)
        Where to look. None: from half the smallest value that either was fitted to, to 100 times the largest.
    cost : Cost, formula or function
        What a run costs along ``"flops"``; None is 6 N D. ``sf.Cost.from_runs(runs)`` takes a family's own count.
    level : float in (0, 1), of the intervals.
    names : what to call the two. None: their families, else their laws, else ``"a"`` and ``"b"``.
    better : ``"low"`` or ``"high"`` values. None: high for accuracies, scores and the like, low for anything else.

    Returns
    -------
    Crossover
        ``frame`` has one row per crossing of the two estimates: ``location, low, high, probability, direction, where``.
        ``claimed`` says whether the draws show one family ahead on one side and the other on the other.

    Raises
    ------
    FitError
        If one of the two is no Fit, a law does not take ``along``, an input is left open or said twice, the targets
        are two quantities, or ``between`` is no range above zero.

    Notes
    -----
    Every crossing of the curves of estimates and of draws is bracketed on a fine grid in the log and solved.
    ``probability`` is the share of draws that cross in the same direction, ``low`` and ``high`` the central ``level``
    of the nearest such crossing of each. A crossing is claimed where each side of it has a place at which the draws
    agree on who is ahead; how often that is wrong has been measured (docs/studies/crossovers.md). With fewer than three
    rows beyond the free parameters of a law nothing is claimed. :func:`scalefit.compare` asks for more: a band that
    holds at all places at once; where it does not show what is claimed here, ``doubts`` says so.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> lstm, transformer = (
    ...     sf.fit(runs[runs.family == name], "chinchilla").bootstrap(200, rng=0) for name in ("lstm", "transformer")
    ... )
    >>> found = sf.find_crossover(lstm, transformer, along="tokens", at={"params": 1e5})
    >>> found.frame[["direction", "where"]].to_string(index=False, header=False), found.claimed
    ('lstm ahead before, transformer after data', True)
    """
    check_level(level)
    given: tuple[object, object] = (a, b)
    for one in given:
        if not isinstance(one, Fit):
            hint = ": choose two of its .fits" if hasattr(one, "fits") else ", as sf.fit(runs, law) makes them"
            raise FitError(f"A crossover is looked for between two fits{hint}; got {type(one).__name__}.")
    named = names_of(a, b, names)
    said = same_target(a, b, named)
    routes = find_routes(dict(zip(named, (a, b), strict=True)), along, at=at, ratio=ratio, path=path, cost=cost)
    pair_of_routes = routes[named[0]], routes[named[1]]
    low, high = _range(along, pair_of_routes, between)
    theta, how = paired_draws(a, b)
    pair = Pair(named, pair_of_routes, theta, low, high, better_for(a, b, better))
    told = evidence.weigh(pair, level)
    question = Question(named, along, at, ratio, path, cost)
    return Crossover(
        frame=told.frame,
        claims=told.claims,
        shares=told.shares,
        others=told.others,
        curve=told.curve,
        places=told.places,
        question=question,
        routes=pair_of_routes,
        between=(low, high),
        overlap=pair.overlap,
        level=level,
        better=pair.better,
        draws=len(theta[0]),
        pairing=how,
        doubts=evidence.doubts(pair, told, level),
        notes=tuple(note for note in (said, _ways(named, pair_of_routes)) if note),
    )


def _range(along: str, routes: tuple[Route, Route], between: tuple[float, float] | None) -> tuple[float, float]:
    if between is None:
        low, high = min(one.reach[0] for one in routes), max(one.reach[1] for one in routes)
        if not (np.isfinite([low, high]).all() and low > 0):
            raise FitError(
                f"{along!r} comes from {low:g} in the data, and a crossing is looked for in its logarithm: say where, "
                f"above zero: between=(low, {high:.3g})."
            )
        return low / BELOW, high * ABOVE
    try:
        low, high = (float(end) for end in between)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and 0 < low < high):
        raise FitError(f"between is two numbers above zero, the smaller one first, as in (1e9, 1e13); got {between!r}.")
    return low, high


def _ways(names: tuple[str, str], routes: tuple[Route, Route]) -> str | None:
    """Where each stands, and what a run of it costs, where that is not the same for both or not 6 N D."""
    parts = [f"{name}: {route.text}" for name, route in zip(names, routes, strict=True) if route.text]
    differ = routes[0].text != routes[1].text and routes[0].where and routes[1].where
    return f"{'; '.join(parts)}." if parts and (differ or any(not route.spends.six_nd for route in routes)) else None
