"""One family of a joint fit, as a fit like any other: its own law, its own rows, draws of the joint fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.joint_law import Joint
from scalefit.errors import FitError
from scalefit.fitting.problem import Problem
from scalefit.fitting.setup import Constraints, make_coordinates
from scalefit.law import Array
from scalefit.result import Fit
from scalefit.uncertainty.units import Units


@dataclass(frozen=True, eq=False, repr=False)
class MemberFit(Fit):
    """The fit of one family that borrowed strength from others.

    It predicts, derives and is compared as any :class:`~scalefit.Fit`; its draws are those of the joint fit.
    """

    source: str = ""

    @property
    def interval_source(self) -> str:
        """Where intervals come from, in words."""
        return self.source

    @cached_property
    def coordinate_covariance(self) -> Array:
        """(q, q) covariance of the family's own coordinates over the draws of the joint fit."""
        with np.errstate(all="ignore"):
            return np.atleast_2d(np.cov(self.coordinates.from_params(self.draws_theta).T))

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters over the draws of the joint fit."""
        names = list(self.law.param_names)
        with np.errstate(all="ignore"):
            return pd.DataFrame(np.cov(self.draws_theta.T), index=names, columns=names)

    def bootstrap(self, *arguments: Any, **settings: Any) -> MemberFit:
        """Refused: the other families would be left out."""
        raise FitError("One family of a joint fit is not resampled alone: call .bootstrap(1000) on the FamilyFit.")


def member_of(joint: Joint, whole: Fit, number: int, constraints: Constraints, draws: Array, source: str) -> MemberFit:
    """The fit of one family out of a joint one.

    Parameters
    ----------
    whole : the joint fit.
    number : of the family, from 0.
    constraints : what was said of the parameters of one family.
    draws : (M, P) of the joint parameters.
    source : where these come from, in words.
    """
    rows = joint.rows_of(whole.problem.inputs[-1])[number]
    inputs = tuple(x[rows] for x in whole.problem.inputs[:-1])
    problem = Problem(joint.member, inputs, whole.problem.target[rows], whole.problem.objective)
    coordinates = make_coordinates(joint.member, constraints, inputs)
    theta = joint.member_params(whole.theta, number)[0]
    with np.errstate(all="ignore"):
        u = np.clip(coordinates.from_params(theta)[0], coordinates.lower, coordinates.upper)
    own = joint.member_params(draws, number)[0]
    names = joint.member.param_names
    kept = whole.draws.index if whole.draws is not None else None
    called = {name: joint.names_of(name) for name in names}
    at_bound = tuple(name for name in names if any(there in whole.judgement.at_bound for there in called[name]))
    weights = whole.weights[rows]
    labels = np.unique(whole.units.labels[rows], return_inverse=True)[1]
    return MemberFit(
        law=joint.member,
        problem=problem,
        coordinates=coordinates,
        constraints=constraints,
        u=u,
        weights=weights,
        units=Units("rows" if whole.units.kind == "rows" else "runs", labels),
        unit_names=(),
        judgement=replace(whole.judgement, at_bound=at_bound),
        objective=float(problem.value(theta, weights[None])[0]),
        basins=u[None],
        target=whole.target,
        columns={name: column for name, column in whole.columns.items() if name != joint.law.inputs[-1]},
        data=whole.data.iloc[rows].drop(columns=joint.law.inputs[-1]),
        provenance={**whole.provenance, "family": joint.families[number]},
        notes=(f"fitted jointly with {len(joint.families) - 1} other families",) if len(joint.families) > 1 else (),
        draws=pd.DataFrame(own, columns=list(names), index=kept),
        n_failed=whole.n_failed,
        plan=whole.plan,
        drawn=whole.drawn,
        source=source,
    )
