"""What a user says of parameters and columns is honoured, or refused in words."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES

LAW = sf.get_law("chinchilla")
RUNS = CASES["chinchilla"].runs(LAW, noise=0.005, seed=2)


def test_along_names_the_column_of_a_law_in_one_variable_even_beside_a_column_called_x():
    runs = pd.DataFrame({"x": [9.0, 3, 7, 1, 5], "flops": [1e18, 1e19, 1e20, 1e21, 1e22]})
    runs["loss"] = 2 + 3e4 * runs.flops**-0.25
    assert sf.fit(runs, "power_offset", along="flops").estimates["alpha"] == pytest.approx(0.25, rel=1e-4)


def test_along_is_refused_for_a_law_of_several_inputs():
    with pytest.raises(sf.FitError, match="along names the column of a law in one variable; chinchilla has params and"):
        sf.fit(RUNS, LAW, along="tokens")


def test_a_tie_that_leaves_the_bounds_is_refused():
    with pytest.raises(sf.FitError, match=r"tie: E = alpha - 2 is -1\.\d+, outside its bounds"):
        sf.fit(RUNS, LAW, tie={"E": "alpha - 2"})


def test_a_prior_on_a_fixed_parameter_is_refused():
    with pytest.raises(sf.FitError, match="prior: E is fixed or tied"):
        sf.fit(RUNS, LAW, fixed={"E": 1.7}, prior={"E": (1.7, 0.1)})


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_prior_weighs_the_same_in_any_unit_of_the_target(unit):
    x = np.linspace(0.0, 1.0, 12)
    noise = 0.05 * np.random.default_rng(0).standard_normal(12)
    runs = pd.DataFrame({"x": x, "y": unit * (2 * x + 1 + noise)})
    fit = sf.fit(runs, sf.formula_law("a*x + b", inputs=["x"]), prior={"a": (1.0 * unit, 0.5 * unit)})
    assert fit.estimates["a"] / unit == pytest.approx(1.97, abs=0.05)


def test_a_prior_makes_a_ladder_on_one_ray_usable():
    ray = RUNS.assign(tokens=20 * RUNS.params)
    ray["loss"] = LAW(CASES["chinchilla"].true, ray) * np.exp(
        0.005 * np.random.default_rng(1).standard_normal(len(ray))
    )
    prior = {"alpha": (0.35, 0.02), "beta": (0.37, 0.02), "B": (2000.0, 500.0)}
    assert not sf.fit(ray, LAW).converged
    assert sf.fit(ray, LAW, prior=prior).converged


def test_what_was_given_may_change_afterwards():
    fixed = {"E": 1.8}
    fit = sf.fit(RUNS, LAW, fixed=fixed)
    fixed["E"] = 5.0
    assert fit.constraints.fixed == {"E": 1.8}


def test_a_bound_below_the_usual_range_of_an_inner_term_is_no_crash():
    fit = sf.fit(RUNS, "chinchilla_gamma", bounds={"A": (0, 0.005)})
    assert fit.estimates["A"] <= 0.005 * (1 + 1e-12)


def test_rows_where_a_law_is_infinite_are_named():
    runs = pd.DataFrame(
        {"step": [0, 100, 200, 400, 800], "lr": [0.0, 1e-3, 1e-3, 1e-3, 5e-4], "loss": [9.0, 4, 3.5, 3, 2.8]}
    )
    with pytest.raises(sf.DataError, match="up to the step of row 0 all learning rates are zero, and nothing has"):
        sf.fit(runs, "lr_annealing")
    areas = {"S1": [0.1, 0.2, 0.4, 0.8, 1.6], "S2": [0.0, 0.0, np.inf, 0.1, 0.2], "loss": runs["loss"]}
    with pytest.raises(sf.DataError, match="row 2"):
        sf.fit(areas, "lr_annealing")


def test_schedules_may_be_named_by_numbers():
    runs = pd.DataFrame({"run": 1, "step": [100, 200, 400, 600, 800, 1000], "loss": [4.0, 3.5, 3.2, 3.0, 2.9, 2.7]})
    plan = sf.Schedule.cosine(steps=1000, peak=1e-3)
    assert sf.fit(runs, "lr_annealing", schedules={1: plan}).n_rows == 6


def test_laws_that_differ_in_a_closed_over_number_have_different_hashes():
    def make(k):
        @sf.define_law(inputs=["x"], output="y", params=[sf.real("a"), sf.real("b")])
        def curve(x, a, b):
            return a * x**k + b

        return curve

    assert make(1).equation_hash != make(2).equation_hash


def test_positional_only_arguments_keep_their_names():
    @sf.define_law(inputs=["tokens"], params=[sf.floor("E"), sf.scale("A"), sf.exponent("beta")])
    def curve(D, /, E, A, beta):
        return E + A / D**beta

    assert curve.formula() == "E + A / tokens ** beta"
    assert curve.linear == ("E", "A")


def test_a_prior_on_a_log_is_honoured_where_the_runs_alone_put_the_parameter_at_zero():
    places = np.geomspace(1e6, 1e9, 12)
    rising = pd.DataFrame({"x": places, "loss": 2 * places**0.02})
    bounds = {"alpha": (0.1, 1)}
    assert sf.fit(rising, "power_offset", columns={"x": "x"}, bounds=bounds).estimates["A"] == 0
    pulled = sf.fit(rising, "power_offset", columns={"x": "x"}, bounds=bounds, prior={"A": sf.LogPrior(1.0, 0.5)})
    assert pulled.estimates["A"] == pytest.approx(1.0, rel=0.01)
