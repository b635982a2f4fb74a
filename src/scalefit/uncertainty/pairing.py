"""Draws of two fits side by side: one by one only where they share a plan."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from scalefit.errors import FitError
from scalefit.uncertainty.draws import permutation_for
from scalefit.uncertainty.resampling import Plan


class Drawn(Protocol):
    """A fit that may carry draws."""

    @property
    def draws(self) -> pd.DataFrame | None:
        """One row a draw."""
        ...

    @property
    def plan(self) -> Plan | None:
        """Where the draws come from."""
        ...

    @property
    def seed(self) -> int:
        """A number made of data and answer."""
        ...


def joint_draws(a: Drawn, b: Drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draws of two fits, row by row: of the same resamples where they share a plan, else independent.

    Two fits bootstrapped with the same seed do not share a plan: the rows of the second are permuted, so that no
    dependence between them is made up. To share one, give ``plan=first.plan`` to the second bootstrap.

    Parameters
    ----------
    a, b : Fit
        Each after ``bootstrap``.

    Returns
    -------
    tuple of two DataFrames of equal length
        One column per parameter of each fit; row by row they may be combined.

    Raises
    ------
    FitError
        If a fit has no draws.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> a = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(50, rng=0)
    >>> b = sf.fit(runs[runs.family == "transformer"], "chinchilla").bootstrap(50, rng=0)
    >>> left, right = sf.joint_draws(a, b)
    >>> len(left) == len(right)
    True
    """
    if a.draws is None or b.draws is None or a.plan is None or b.plan is None:
        raise FitError("Both fits need draws: call fit.bootstrap(1000) on each first.")
    if a.plan.token == b.plan.token:
        both = a.draws.index.intersection(b.draws.index)
        return a.draws.loc[both].reset_index(drop=True), b.draws.loc[both].reset_index(drop=True)
    count = min(len(a.draws), len(b.draws))
    order = permutation_for(str(a.seed), str(b.seed), len(b.draws))
    return a.draws.iloc[:count].reset_index(drop=True), b.draws.iloc[order[:count]].reset_index(drop=True)
