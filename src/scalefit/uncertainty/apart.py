"""Runs that lie apart from each other by more than their rows scatter: they differ in what the law does not take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalefit.fitting.problem import Array, Problem

#: Runs that lie apart by so many times the scatter along them, and by this much on the scale of the objective, differ.
FAR, LEAST = 3.0, 0.005


def runs_apart(problem: Problem, theta: Array, weights: Array, runs: Sequence[str]) -> str:
    """A sentence where the means of residuals of runs spread far wider than residuals about them, else nothing.

    Parameters
    ----------
    problem, theta, weights : the fit: its rows, its parameters (1, p) and how often each row counts (n,).
    runs : the run of each row.
    """
    label, names = pd.factorize(np.asarray(runs, object))
    size = np.bincount(label, weights)
    if len(names) < 2 or not (size > 0).all():
        return ""
    residual = problem.residual(theta)[0]
    mean = np.bincount(label, weights * residual) / size
    spare = float(weights.sum()) - len(names)
    if spare <= 0:
        return ""
    within = np.sqrt(float(weights @ (residual - mean[label]) ** 2) / spare)
    between = float(np.std(mean))
    if between < LEAST or between < FAR * within:
        return ""
    by = (
        (f"{100 * between:.2g} %", f"{100 * within:.2g} %")
        if problem.objective.on == "log"
        else (f"{between:.2g}", f"{within:.2g}")
    )
    return (
        f"runs lie apart by {by[0]} about the law, far more than the rows along one, {by[1]}: do they differ in "
        "something that the law does not take?"
    )
