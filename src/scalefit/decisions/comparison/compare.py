"""Families compared along one quantity: fitted, drawn, and put side by side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.answer import make_tables, places_over
from scalefit.decisions.comparison.curves import Better, Curve
from scalefit.decisions.comparison.doubts import grave_doubts, lesser_doubts, turned_round, unlike
from scalefit.decisions.comparison.drawing import draws_together
from scalefit.decisions.comparison.fit_doubts import too_few
from scalefit.decisions.comparison.matching import Pairing, match_families, matched_plan
from scalefit.decisions.comparison.multipliers import asymptote_table, common_values, runs_backwards
from scalefit.decisions.comparison.reading import (
    costs_of,
    family_names,
    runs_near,
    tell_apart,
    typical_size,
    where_text,
)
from scalefit.decisions.comparison.record import EMPTY, Comparison, curves_along, multipliers_on
from scalefit.decisions.families import fit_call
from scalefit.decisions.families_record import FamilyCall, FamilyFit
from scalefit.decisions.route import Path
from scalefit.errors import (
    DataWarning,
    FitError,
    FitWarning,
    ScalefitError,
    UnitWarning,
    listing,
    not_one_of,
)
from scalefit.fitting.setup import Constraints
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Objective
from scalefit.quantities import better_of
from scalefit.result import Fit
from scalefit.runs.checking import no_reserved_columns, stacklevel_of_caller
from scalefit.runs.columns import find_column
from scalefit.runs.frame import as_frame
from scalefit.uncertainty.intervals import check_level


def compare(
    runs: Any,
    *,
    by: str = "family",
    law: Law | str,
    along: str = "flops",
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Any = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    weights: str | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    tie: Mapping[str, str] | None = None,
    share: Sequence[str] | None = None,
    paired: Pairing = None,
    reach: float | Sequence[float] | None = None,
    better: Better | None = None,
    draws: int = 1000,
    level: float = 0.9,
    points: int = 50,
    beyond: float = 10.0,
    rng: np.random.Generator | int | None = None,
) -> Comparison:
    """Compare families of models: which is ahead where, and how much less it needs for the same loss.

    One law is fitted to the runs of each family and followed along ``along``, every family in the same way. Each
    number comes with an interval over refits of resampled runs.

    Parameters
    ----------
    runs : table or path, one row per run or checkpoint.
    by : column that names the families.
    law : Law or name.
    along : ``"flops"``, or an input of the law, or its column.
    at, ratio, path : where the other inputs stand: values of them; tokens per parameter; ``"optimal"`` (what
        ``"flops"`` takes where nothing is said) or a function of ``along``.
    cost : what a run costs along ``"flops"``: None is 6 N D; ``"runs"`` is what each family's own column ``flops``
        shows; a formula, a function or :class:`scalefit.Cost`; a mapping gives one for each family.
    target, columns, objective, weights, fixed, bounds, tie : as for :func:`scalefit.fit`, of each family.
        ``fixed={"E": 1.7}`` pins the value that all curves approach.
    share : parameters that are equal for all families, as for :func:`scalefit.fit_families`: ``["E"]`` for one floor;
        with the exponents too, the multiplier is the same at every loss. ``.tests`` says whether the data object.
    paired : whether resamples draw runs of the families together. None does so only where each run has exactly one
        partner in every family, by a column ``pair``, else by all inputs of the law and the seed (by inputs alone from
        16 runs of each family on); a column or columns say by what.
    reach : values of the target at which multipliers are reported; None takes those all families attain.
    better : whether low or high values are; None goes by the name of the target.
    draws : resamples of each family; at least 2.
    level : float in (0, 1), of all intervals.
    points : places along ``along``.
    beyond : how many times past the largest run curves go on.
    rng : Generator, seed or None.

    Returns
    -------
    Comparison
        Whose text begins with the answer; ``frame``, ``differences``, ``multipliers``, ``best``, ``asymptotes``.

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If a family has too few runs for the law, or there are fewer than two families.
    FitError
        If an argument cannot be honoured.

    Warns
    -----
    DataWarning
        If a column says that families were not measured alike, such as another tokenizer.

    Notes
    -----
    A claim that a family is ahead over a range holds at all its places at once: a band over the range lies on one side
    of zero. The multiplier is C_b(L) / C_a(L), the compute each family needs for the loss L.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> compared = sf.compare(runs, by="family", law="chinchilla", draws=100, rng=0)
    >>> [claim.family for claim in compared.claims]
    ['lstm']
    """
    frame = as_frame(runs)
    law = get_law(law)
    check_level(level)
    told = family_names(frame, by)
    no_reserved_columns(frame, needed_by="compare")
    frame, names = tell_apart(frame, told, columns)
    said = Constraints(fixed or {}, bounds or {}, tie or {})
    said.check(law)
    if law.inputs == ("x",) and "x" not in (columns or {}) and "x" not in frame.columns:
        columns = {**(columns or {}), "x": find_column(frame, along, needed_by="compare", columns=columns)}
    shared = () if share is None else (share,) if isinstance(share, str) else tuple(share)
    call = FamilyCall(law, by, shared, False, target, columns, objective, weights, said, None)
    spends = costs_of(cost, frame, told, names, columns)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always", UnitWarning)
        warnings.simplefilter("ignore", FitWarning)  # what they say stands among the doubts
        fits, pairing = _fits(frame, told, names, call, paired, draws, np.random.default_rng(rng))
    units = _warn_again(given)
    parts = {name: frame[(told == name).to_numpy()] for name in names}
    answer = compare_fits(
        fits, along=along, at=at, ratio=ratio, path=path, cost=spends, reach=reach, better=better, level=level,
        points=points, beyond=beyond,
    )  # fmt: skip
    _warn_of_scales(parts)
    doubts = lesser_doubts(answer.curves, parts, answer.common, answer.judged)
    return replace(answer, pairing=pairing, doubts=(*units, *doubts), call=call, runs=frame)


def compare_fits(
    fits: Mapping[str, Fit],
    *,
    along: str = "flops",
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    path: Path | None = None,
    cost: Any = None,
    reach: float | Sequence[float] | None = None,
    better: Better | None = None,
    level: float = 0.9,
    points: int = 50,
    beyond: float = 10.0,
) -> Comparison:
    """Compare fits that exist already, of the same or of different laws: see :func:`scalefit.compare`.

    Parameters
    ----------
    fits : mapping of name to Fit, such as ``families.fits`` of a joint fit. Draws are put together one by one only
        where fits share a plan; a fit without draws gives normal draws of its covariance.
    along, at, ratio, path, cost, reach, better, level, points, beyond : as for :func:`scalefit.compare`; ``at``,
        ``ratio``, ``path`` and ``cost`` may be a mapping of name to one for each.

    Raises
    ------
    FitError
        If there are fewer than two fits, they predict different columns, or an argument cannot be honoured.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fits = {name: sf.fit(part, "chinchilla").bootstrap(50, rng=0) for name, part in runs.groupby("family")}
    >>> sf.compare_fits(fits, along="tokens", at={"params": 1e5}).families
    ('lstm', 'transformer')
    """
    check_level(level)
    if not isinstance(fits, Mapping):
        raise FitError(f"compare_fits needs fits by name: {{'a': fit_a, 'b': fit_b}}; got a {type(fits).__name__}.")
    if len(fits) < 2:
        raise FitError(f"compare_fits needs two fits or more, by name: {{'a': fit_a, 'b': fit_b}}; got {len(fits)}.")
    targets = {fit.target for fit in fits.values()}
    if len(targets) > 1:
        raise FitError(f"The fits predict {listing(sorted(targets))}: values of different columns do not compare.")
    if isinstance(points, bool) or int(points) != points or points < 2 or not (np.isfinite(beyond) and beyond >= 1):
        raise FitError(f"points must be a whole number from 2 on and beyond 1 or more; got {points!r} and {beyond!r}.")
    target = targets.pop()
    if better is not None and better not in ("low", "high"):
        raise FitError(not_one_of("better", better, ("low", "high")))
    better = better_of(target) if better is None else better
    fits = {str(name): fit for name, fit in fits.items()}
    theta = draws_together(fits)
    curves = curves_along(fits, theta, better, along, at=at, ratio=ratio, path=path, cost=cost)
    return _answer(curves, target, better, level, int(points), float(beyond), reach, (at, ratio, path, cost))


def _answer(
    curves: Mapping[str, Curve],
    target: str,
    better: Better,
    level: float,
    points: int,
    beyond: float,
    reach: float | Sequence[float] | None,
    moved: tuple[Any, Any, Any, Any],
) -> Comparison:
    first = next(iter(curves.values()))
    fits = {name: curve.route.fit for name, curve in curves.items()}
    reaches = {name: curve.route.reach for name, curve in curves.items()}
    common: tuple[float, float] | None = (
        max(low for low, _ in reaches.values()),
        min(high for _, high in reaches.values()),
    )
    if common is not None and common[0] >= common[1]:
        common = None
    judged = common or first.ends
    back = runs_backwards(curves)
    places = places_over(first.ends, judged, points, 1.0 if back else beyond)
    tables = make_tables(curves, places, judged, better, level)
    few = too_few(fits)
    # What must be reached is more of something that grows: no multiplier of what is better the less there is of it.
    positive = first.ends[0] > 0 and not back
    values = common_values(curves) if positive else None
    answer = Comparison(
        frame=tables.frame,
        differences=tables.differences,
        multipliers=pd.DataFrame(columns=[*EMPTY[:2], target, *EMPTY[2:]]),
        data_multipliers=None,
        asymptotes=asymptote_table(curves, level) if positive else pd.DataFrame(),
        best=tables.best,
        claims=tuple(one for one in tables.claims if one.family not in few and one.against not in few),
        fits=fits,
        along=first.route.along,
        target=target,
        better=better,
        level=level,
        where=where_text(curves),
        common=common,
        judged=judged,
        common_values=values,
        data_at={},
        pairing=_pairing(fits),
        grave=(*turned_round(curves, back), *grave_doubts(fits)),
        doubts=tuple(lesser_doubts(curves, {}, common, judged)),
        seen=runs_near(curves, target),
        curves=curves,
        moved=dict(zip(("at", "ratio", "path", "cost"), moved, strict=True)),
    )
    if not positive:
        return answer
    data_at = typical_size(curves, moved)
    theta = {name: curve.theta for name, curve in curves.items()}
    data_curves = curves_along(fits, theta, better, "tokens", at=data_at) if data_at else None
    return replace(
        answer,
        multipliers=answer.multiplier(reach),
        data_multipliers=multipliers_on(data_curves, target, level, None) if data_curves else None,
        data_at=data_at,
        data_curves=data_curves,
    )


def _fits(
    frame: pd.DataFrame,
    told: pd.Series,
    names: Sequence[str],
    call: FamilyCall,
    paired: Pairing,
    draws: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Fit], str]:
    """The fits of all families with their draws, and how these belong together."""
    parts = {name: frame[(told == name).to_numpy()] for name in names}
    fits: dict[str, Fit] = {}
    for name, part in parts.items():
        try:
            fits[name] = call.fit(part)
        except ScalefitError as error:
            raise type(error)(f"Family {name!r}: {error}") from None
    matching = match_families(fits, parts, paired)
    plan = None if matching.order is None else matched_plan(fits, matching, int(draws), rng)
    if call.share:
        joint: FamilyFit = fit_call(frame, call)
        if plan is None:
            joint = joint.bootstrap(draws, rng=rng)
        else:
            joint = replace(joint, fit=joint.fit.bootstrap(draws, plan=plan))
        return dict(joint.fits), f"{matching.text}; {', '.join(call.share)} equal for all"
    drawn = {
        name: fit.bootstrap(draws, rng=own, plan=plan)
        for (name, fit), own in zip(fits.items(), rng.spawn(len(fits)), strict=True)
    }
    return drawn, matching.text


def _pairing(fits: Mapping[str, Fit]) -> str:
    tokens = {fit.plan.token if fit.plan is not None else id(fit) for fit in fits.values()}
    return "draws of the same resamples" if len(tokens) == 1 else "independent draws"


def _warn_again(given: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    """Warnings that were kept, each text once; of units as words too, since what follows is in these units."""
    for message in dict.fromkeys((one.category, str(one.message)) for one in given):
        warnings.warn(message[1], message[0], stacklevel=stacklevel_of_caller())
    return tuple(dict.fromkeys(str(one.message).rstrip(".") for one in given if one.category is UnitWarning))


def _warn_of_scales(parts: Mapping[str, pd.DataFrame]) -> None:
    for words in unlike(parts):
        warnings.warn(f"compare: {words}.", DataWarning, stacklevel=3)
