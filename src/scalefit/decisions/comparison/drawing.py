"""Draws of several fits put side by side: of the same resamples where they share a plan, else independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from scalefit.decisions.families_member import MemberFit
from scalefit.fitting.problem import Array
from scalefit.result import Fit
from scalefit.uncertainty.draws import permutation_for
from scalefit.uncertainty.pairing import joint_draws


def draws_together(fits: Mapping[str, Fit]) -> dict[str, Array]:
    """Parameters (draws, p) of each fit, row by row of one resample where they share a plan.

    Fits without draws of their own give normal draws of their covariance, independent of the others.
    """
    ones = list(fits.values())
    if any(one.draws is None or one.plan is None for one in ones):
        return {name: one.draws_theta for name, one in fits.items()} if _of_one(ones) else _independent(fits)
    if len({one.plan.token for one in ones if one.plan is not None}) == 1:
        ones = _same_rows(ones)
    count = min(len(one.draws) for one in ones if one.draws is not None)
    ones = [replace(one, draws=None if one.draws is None else one.draws.iloc[:count]) for one in ones]
    out = [ones[0].draws_theta]
    out += [joint_draws(ones[0], other)[1].to_numpy(float) for other in ones[1:]]
    return dict(zip(fits, out, strict=True))


def _of_one(fits: Sequence[Fit]) -> bool:
    """Whether all are members of one joint fit, whose draws belong together."""
    told = [{name: value for name, value in fit.provenance.items() if name != "family"} for fit in fits]
    return all(isinstance(fit, MemberFit) for fit in fits) and all(one == told[0] for one in told)


def _same_rows(fits: Sequence[Fit]) -> list[Fit]:
    """Fits on one plan, with the draws that failed in none."""
    drawn = [fit.draws for fit in fits if fit.draws is not None]
    both = drawn[0].index
    for one in drawn[1:]:
        both = both.intersection(one.index)
    return [replace(fit, draws=one.loc[both]) for fit, one in zip(fits, drawn, strict=True)]


def _independent(fits: Mapping[str, Fit]) -> dict[str, Array]:
    """Permuted, since two fits to the same data would otherwise have the same draws."""
    count = min(len(fit.draws_theta) for fit in fits.values())
    out = {}
    for number, (name, fit) in enumerate(fits.items()):
        order = permutation_for(f"{fit.seed}", f"{number}", len(fit.draws_theta)) if number else np.arange(count)
        out[name] = fit.draws_theta[order[:count]]
    return out
