"""What the verdict says of fits that must not be believed."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES

X = np.geomspace(1e6, 1e10, 30)


def noisy(values, size, seed=0):
    return values * np.exp(size * np.random.default_rng(seed).standard_normal(len(values)))


@pytest.mark.parametrize("size", [0.0, 1e-3])
@pytest.mark.parametrize("objective", [sf.Square(on="raw"), sf.Huber(1e-3)], ids=["square", "huber"])
def test_two_factors_of_one_term_are_said_to_act_only_together(size, objective):
    law = sf.formula_law("A * B / x**b", inputs=("x",))
    fit = sf.fit(pd.DataFrame({"x": X, "y": noisy(200 / X**0.3, size)}), law, objective=objective)
    assert fit.verdict == "not identified: A and B act only together on these rows; fix one of them"


def test_with_one_of_two_factors_fixed_the_other_is_found():
    law = sf.formula_law("A * B / x**b", inputs=("x",))
    fit = sf.fit(pd.DataFrame({"x": X, "y": 200 / X**0.3}), law, fixed={"B": 40.0})
    assert fit.converged
    assert fit.estimates["A"] == pytest.approx(5.0)


def test_a_parameter_without_a_best_value_is_named_with_what_to_do():
    law = sf.formula_law("1 / (1 + (x / T)**b)", inputs=("x",))
    x = np.geomspace(1, 1000, 40)
    # A step: the steeper the curve, the better it fits, without end.
    fit = sf.fit(pd.DataFrame({"x": x, "y": (x < 100) * 1.0}), law)
    assert fit.verdict.startswith("not converged: the objective would still fall by")
    assert fit.verdict.endswith("mostly through b: bound or fix it")


def test_a_worth_that_does_not_decay_is_not_identified_where_no_bound_stops_it():
    case, law = CASES["data_constrained"], sf.get_law("data_constrained")
    runs = case.design()
    runs["loss"] = noisy(law({**case.true, "R_N_star": 1e9}, runs), 0.003, seed=1)
    assert sf.fit(runs, law).verdict.endswith("R_N_star at a bound")
    free = sf.fit(runs, law, bounds={"R_N_star": (0.0, np.inf)})
    assert free.verdict == "not identified: R_N_star has no effect on these rows"


def test_a_parameter_whose_term_has_died_is_said_to_have_no_effect():
    case = CASES["distillation"]
    law = sf.get_law("distillation")
    fit = case.fit(law, case.runs(law, noise=0.05, seed=1))
    assert fit.verdict.startswith("not identified: f_1 has no effect on these rows")


def test_another_minimum_that_the_scatter_does_not_tell_apart_is_said():
    # Two steps, the second a little lower: either may be the one that a single step describes.
    law = sf.formula_law("E + A / (1 + exp(-(x - c) / 0.05))", inputs=("x",))
    x = np.linspace(0, 10, 60)
    y = 1 / (1 + np.exp(-(x - 3) / 0.05)) + 0.99 / (1 + np.exp(-(x - 7) / 0.05))
    starts = [{"E": 0, "A": 1, "c": 3.03}, {"E": 0.5, "A": 1, "c": 7.03}]
    fit = sf.fit(pd.DataFrame({"x": x, "y": y}), law, starts=starts)
    assert fit.converged
    assert "another minimum is only" in fit.verdict
