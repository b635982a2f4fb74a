"""A prior on the logarithm of a parameter pulls as one on the parameter of a law written in that logarithm."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.fitting.polish import polish
from scalefit.fitting.problem import Prior
from scalefit.fitting.solver import solve

X = np.geomspace(1, 1e3, 8)
RUNS = pd.DataFrame({"x": X, "y": (1.5 + 4 * X**-0.4) * np.exp(0.01 * np.sin(7 * X))})
PLAIN = sf.fit(RUNS, sf.formula_law("E + A*x**(-alpha)", inputs=["x"], params=None), target="y")
LOGGED = sf.fit(RUNS, sf.formula_law("E + A*x**(-exp(a))", inputs=["x"], params=None), target="y")
CENTRE, PRECISION = np.log(0.7), 0.02


def pulled(fit, prior, start):
    """The fit's minimum with a prior."""
    problem = replace(fit.problem, prior=prior)
    point = fit.coordinates.from_params(np.array([start]))
    end = solve(problem, fit.coordinates, point, fit.weights[None])
    u, height = polish(problem, fit.coordinates, end.u[0], fit.weights)
    return problem, fit.coordinates.to_params(u[None])[0][0], u, height


def both():
    names = PLAIN.law.param_names
    j = names.index("alpha")
    held = np.arange(len(names)) == j
    prior = Prior(np.where(held, CENTRE, 0.0), np.where(held, PRECISION, 0.0), 1e-4, held)
    one = pulled(PLAIN, prior, PLAIN.theta[0])
    k = LOGGED.law.param_names.index("a")
    held = np.arange(len(names)) == k
    prior = Prior(np.where(held, CENTRE, 0.0), np.where(held, PRECISION, 0.0), 1e-4)
    other = pulled(LOGGED, prior, LOGGED.theta[0])
    return one, other, j, k


def test_both_ways_end_at_the_same_minimum():
    one, other, j, k = both()
    assert one[1][j] == pytest.approx(np.exp(other[1][k]), rel=1e-7)
    assert one[3] == pytest.approx(other[3], rel=1e-9)
    assert abs(np.log(one[1][j]) - CENTRE) < abs(np.log(PLAIN.theta[0][j]) - CENTRE)


def test_its_gradient_is_that_of_its_value():
    one, _, j, _ = both()
    problem, theta = one[0], one[1] * 1.1
    step = 1e-6
    up, down = (
        problem.value(theta[None] + sign * step * (np.arange(len(theta)) == j), PLAIN.weights[None]) for sign in (1, -1)
    )
    told = problem.normal(theta[None], PLAIN.weights[None]).gradient[0, j]
    assert told == pytest.approx((up - down)[0] / 2 / step, rel=1e-5)


def test_a_parameter_of_zero_has_no_finite_height():
    one, _, j, _ = both()
    theta = one[1].copy()
    theta[j] = 0.0
    assert np.isinf(one[0].value(theta[None], PLAIN.weights[None])[0])


def test_it_survives_json(tmp_path):
    one, _, j, _ = both()
    fit = replace(PLAIN, problem=one[0], u=one[2], basins=one[2][None])
    fit.to_json(tmp_path / "fit.json")
    again = sf.load_fit(tmp_path / "fit.json").problem.prior
    assert again.logs.tolist() == one[0].prior.logs.tolist()
    assert again.centre[j] == CENTRE
    assert sf.load_fit(PLAIN.to_json(tmp_path / "plain.json") and tmp_path / "plain.json").problem.prior is None
