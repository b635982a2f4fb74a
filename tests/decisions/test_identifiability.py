"""What is said of parameters that trade off, and whether the run that is named does tell them apart."""

import re

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.identifiability import identifiability
from scalefit.laws import get_law
from scalefit.uncertainty.directions import directions_of

TRUTH = {"E": 1.82, "A": 482.0, "alpha": 0.348, "B": 2085.0, "beta": 0.366}


def noisy(runs, law, truth, *, seed=0, noise=0.01):
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(len(runs)))
    return runs.assign(loss=get_law(law)(truth, runs) * scatter)


def short_curve(**constraints):
    runs = pd.DataFrame({"flops": np.geomspace(1e18, 1e20, 14)})
    truth = {"E": 1.5, "A": 500.0, "alpha": 0.15}
    law = get_law("power_offset")
    scatter = np.exp(0.003 * np.random.default_rng(1).standard_normal(len(runs)))
    loss = law(truth, {"x": runs["flops"]}) * scatter
    return sf.fit(runs.assign(loss=loss), law, objective=sf.Square(), **constraints)


@pytest.fixture(scope="module")
def ladder():
    runs = sf.grid(params=np.geomspace(5e7, 1e10, 6), tokens=np.geomspace(1e9, 2e11, 6))
    return sf.fit(noisy(runs, "chinchilla", TRUTH), "chinchilla", objective=sf.Square())


@pytest.fixture(scope="module")
def short():
    return short_curve()


def test_a_good_ladder_is_identified(ladder):
    told = identifiability(ladder)
    assert told.status == "identified"
    assert repr(told).splitlines()[0].startswith("chinchilla on 36 runs: identified (condition ")


def test_the_condition_is_that_of_the_verdict(ladder):
    assert identifiability(ladder).condition == pytest.approx(ladder.judgement.condition, rel=1e-6)


def test_the_trade_that_is_told_hardly_changes_any_fitted_loss(ladder):
    row = identifiability(ladder).frame.iloc[0]
    moved = {name: value * (1 + row[name]) for name, value in ladder.estimates.items()}
    change = np.abs(ladder.law(moved, ladder.data) / ladder.law(ladder.estimates, ladder.data) - 1)
    assert change.max() == pytest.approx(row["fitted_change"], rel=1e-6)
    alone = {**ladder.estimates, "E": moved["E"]}
    without_the_others = np.abs(ladder.law(alone, ladder.data) / ladder.law(ladder.estimates, ladder.data) - 1)
    assert change.max() < 0.3 * without_the_others.max()


def test_the_words_name_moves_and_scatter(ladder):
    words = identifiability(ladder).frame["words"].iloc[0]
    assert "trade off" in words
    assert re.search(r"E up [\d.]+ % with .*alpha up [\d.]+ %", words)
    assert re.search(r"changes no fitted loss by more than [\d.]+ % \(the runs scatter by [\d.]+ %\)", words)


def test_the_run_that_is_named_tells_more_than_one_like_those_there_are(short):
    row = identifiability(short).frame.iloc[0]
    assert row["x"] > 3 * short.data["x"].max()
    direction = directions_of(short.problem, short.coordinates, short.u, short.weights).shares[0]
    size = np.abs(direction).argmax()

    def error(*more):
        x = np.array([*short.data["x"], *more])
        runs = pd.DataFrame({"x": x, "loss": short.law(short.estimates, {"x": x})})
        rates = short.law.value_and_jacobian(short.theta, (x,))[1][0] / runs["loss"].to_numpy()
        T = short.coordinates.to_params(short.u[None])[1][0]
        return np.sqrt(np.linalg.inv((T.T @ rates) @ (T.T @ rates).T)[size, size])

    assert error(row["x"]) / error() == pytest.approx(1 - row["gain"], abs=0.03)
    assert error(row["x"]) < 0.9 * error(float(short.data["x"].iloc[7]))


def test_compute_is_named_by_its_column(short):
    assert re.search(r"one run at flops = [\d.]+e20 would take [\d.]+ % off", repr(identifiability(short)))


def test_a_floor_at_its_bound_is_weak_and_still_told_of():
    runs = noisy(
        pd.DataFrame({"x": np.geomspace(1e6, 3e7, 12)}), "power_offset", {"E": 0.0, "A": 30.0, "alpha": 0.2}, seed=2
    )
    fit = sf.fit(runs, "power_offset")
    told = identifiability(fit)
    assert told.status == "weakly identified"
    assert "WEAKLY IDENTIFIED" in repr(told)
    assert "E at a bound" in told.reason
    assert "E from 0 to 0.1" in told.frame["words"].iloc[0]


def test_a_parameter_that_is_hardly_known_is_named():
    runs = pd.DataFrame({"x": np.geomspace(1e6, 1e7, 12)})
    fit = sf.fit(noisy(runs, "power_offset", {"E": 0.5, "A": 30.0, "alpha": 0.2}, seed=4), "power_offset")
    error = fit.summary()["se"] / fit.summary()["estimate"]
    told = identifiability(fit)
    assert error["E"] > 0.5
    assert told.reason == "the standard error of E and alpha is above half of the estimate"


def test_one_ray_is_not_identified_whatever_the_estimates():
    ray = sf.grid(params=np.geomspace(1e7, 1e10, 20)).assign(tokens=lambda runs: 20 * runs["params"])
    told = identifiability(sf.fit(noisy(ray, "chinchilla", TRUTH), "chinchilla", objective=sf.Square()))
    assert told.status == "not identified"
    assert "one ray" in repr(told).splitlines()[0]


def test_near_one_ray_the_run_named_lies_far_off_it():
    sizes = np.geomspace(1e7, 1e10, 24)
    near = pd.DataFrame({"params": sizes, "tokens": sizes * np.tile([15.0, 25.0], 12)})
    told = identifiability(sf.fit(noisy(near, "chinchilla", TRUTH), "chinchilla", objective=sf.Square())).frame.iloc[0]
    ratio = told["tokens"] / told["params"]
    assert ratio > 250 or ratio < 1.5


def test_designs_have_gains_and_compute(ladder):
    designs = identifiability(ladder).designs
    assert {"params", "tokens", "flops", "gain", "gain_per_flop"} <= set(designs.columns)
    assert designs["gain"].between(0, 1).all()
    assert designs["params"].max() == pytest.approx(10 * ladder.data["params"].max())
    assert np.allclose(designs["flops"], 6 * designs["params"] * designs["tokens"])


def test_the_run_named_costs_no_more_than_the_largest(ladder):
    told = identifiability(ladder).frame
    spent = 6 * ladder.data["params"] * ladder.data["tokens"]
    assert (told["flops"] <= 1.01 * spent.max()).all()


def test_held_parameters_do_not_move():
    told = identifiability(short_curve(fixed={"E": 1.5})).frame
    assert told["E"].tolist() == [0.0]


def test_training_curves_get_no_run_to_add():
    plan = sf.Schedule.cosine(steps=1000, peak=1e-3)
    law = get_law("lr_annealing")
    steps = np.arange(50, 1001, 50)
    curve = law.derive_inputs(plan.rates, steps)
    loss = law({"L0": 2.0, "A": 0.3, "alpha": 0.5, "C": 0.5}, curve)
    loss = loss * np.exp(0.001 * np.random.default_rng(0).standard_normal(len(steps)))
    runs = {"run": ["a"] * len(steps), "step": steps, "loss": loss}
    told = identifiability(sf.fit(runs, law, schedules={"a": plan}))
    assert len(told.designs) == 0
    assert "one run at" not in repr(told)
