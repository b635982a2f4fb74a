"""What speaks against fits that are set side by side, in the words that all such answers share."""

from __future__ import annotations

from collections.abc import Mapping

from scalefit.decisions.families_member import MemberFit
from scalefit.decisions.route import Route
from scalefit.decisions.single_doubts import off_ratios
from scalefit.errors import listing
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.uncertainty.resamples import MANY_REDRAWN
from scalefit.wording.digits import number

#: Rows that a family must have beyond the free parameters of its law before a lead or a crossover is claimed: simulated
#: in docs/how-to/compare-families.md.
FEWEST_SPARE = 3
#: Below so many of them intervals are too narrow, as a fit itself says.
NARROW = 6
#: Failed draws above this share are said.
MOST_FAILED = 0.02


def spare_rows(fits: Mapping[str, Fit]) -> dict[str, float]:
    """Rows of each fit beyond its free parameters, of which members of one joint fit bear the shared ones together."""
    out = {}
    for name, fit in fits.items():
        free = float(fit.coordinates.q)
        if isinstance(fit, MemberFit):
            free -= len(_shared(fit, fits)) * (1 - 1 / len(fits))
        out[name] = int((fit.weights > 0).sum()) - free
    return out


def _shared(fit: Fit, fits: Mapping[str, Fit]) -> list[int]:
    """Places of free parameters of a member that are equal for all."""
    return [
        int(k)
        for k in fit.coordinates.free
        if all(other.law is fit.law and other.theta[0, k] == fit.theta[0, k] for other in fits.values())
    ]


def too_few(fits: Mapping[str, Fit]) -> tuple[str, ...]:
    """Families whose runs are too few for a claim, whatever the draws say."""
    spare = spare_rows(fits)
    return tuple(name for name, fit in fits.items() if spare[name] < FEWEST_SPARE and not fit.constraints.prior)


def few_runs(fits: Mapping[str, Fit]) -> list[str]:
    """Families for which nothing is claimed."""
    spare = spare_rows(fits)
    return [
        f"{name}: {_more_rows(spare[name])}, and nothing is claimed with fewer than {FEWEST_SPARE}"
        for name in too_few(fits)
    ]


def narrow(fits: Mapping[str, Fit]) -> list[str]:
    """Families with few spare rows, though enough for a claim."""
    return [
        f"{name}: {_more_rows(spare)}"
        for name, spare in spare_rows(fits).items()
        if FEWEST_SPARE <= spare < NARROW and not fits[name].constraints.prior
    ]


def _more_rows(spare: float) -> str:
    told = f"{max(spare, 0):.2g} more row{'s' * (spare != 1)} than free parameters"
    return f"only {told}: intervals are too narrow"


def few_points(fits: Mapping[str, Fit]) -> list[str]:
    """Families many of whose resamples could not fix the law."""
    out: dict[str, tuple[list[str], str]] = {}
    for name, fit in fits.items():
        plan = fit.plan
        if plan is None or fit.draws is None or plan.redrawn <= MANY_REDRAWN * len(plan.counts):
            continue
        words = (
            f"{plan.redrawn} resamples held too few distinct points or sizes to fix the law and were drawn again, "
            f"beside the {len(plan.counts)} kept"
        )
        out.setdefault(plan.token, ([], words))[0].append(name)
    return [f"{listing(names)}: {words}" for names, words in out.values()]


def bent(fits: Mapping[str, Fit]) -> list[str]:
    """Families whose law misses something."""
    return [f"{name}: {fit.missed.words}" for name, fit in fits.items() if fit.missed.warns]


def failed(fits: Mapping[str, Fit]) -> list[str]:
    """Families many of whose resamples reached no minimum."""
    out = []
    for name, fit in fits.items():
        drawn = fit.n_failed + (0 if fit.draws is None else len(fit.draws))
        if drawn and fit.n_failed > MOST_FAILED * drawn:
            out.append(f"{name}: {fit.n_failed} of {drawn} resamples reached no minimum and were left out")
    return out


def far_ratios(routes: Mapping[str, Route], places: Array) -> list[str]:
    """Families followed where none of their runs is near in tokens per parameter, though each may lie in the data."""
    return [f"{name}: {words}" for name, route in routes.items() if (words := _far_ratio(route, places))]


def _far_ratio(route: Route, places: Array) -> str:
    inputs = dict(zip(route.fit.law.inputs, route.fit.problem.inputs, strict=True))
    if not route.fit.converged or not {"params", "tokens"} <= set(inputs):
        return ""
    there = route.inputs(route.fit.theta, places)
    off = off_ratios(there["params"][0], there["tokens"][0], (inputs["params"], inputs["tokens"]))
    if off is None:
        return ""
    at, times = (number(one, digits=2) for one in (off.ratio, off.times))
    return f"followed at {at} tokens per parameter, {times} times off all its runs ({off.runs}): by its law alone"
