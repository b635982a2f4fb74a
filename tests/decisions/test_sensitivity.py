"""How far an answer moves under other choices: against fits made by hand, and what the first line says."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.sensitivity import sensitivity
from scalefit.laws import get_law

TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34}


def curve(n=24, *, third=0.0, seed=0, noise=0.005):
    x = np.geomspace(1e6, 1e9, n)
    loss = get_law("power_offset")(TRUTH, {"x": x}) + third / x**0.8
    return pd.DataFrame({"x": x, "loss": loss * np.exp(noise * np.random.default_rng(seed).standard_normal(n))})


def ladder():
    runs = sf.grid(params=np.geomspace(5e7, 1e10, 6), tokens=np.geomspace(1e9, 2e11, 6))
    truth = {"E": 1.82, "A": 482.0, "alpha": 0.348, "B": 2085.0, "beta": 0.366}
    scatter = np.exp(0.01 * np.random.default_rng(0).standard_normal(len(runs)))
    return runs.assign(loss=get_law("chinchilla")(truth, runs) * scatter)


@pytest.fixture(scope="module")
def fit():
    return sf.fit(curve(), "power_offset")


@pytest.fixture(scope="module")
def told(fit):
    return sensitivity(fit)


@pytest.fixture(scope="module")
def surface():
    return sensitivity(sf.fit(ladder(), "chinchilla"))


def row_of(told, text):
    rows = told.frame[told.frame["variation"].str.contains(text, regex=False)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_good_law_on_good_runs_is_robust(told):
    assert told.robust
    assert repr(told).splitlines()[0].startswith("power_offset on 24 runs, at x = 1e10: the answer moves by at most ")


def test_the_first_row_is_the_fit_itself(fit, told):
    first = told.frame.iloc[0]
    assert first["variation"] == "as fitted"
    assert first["change"] == 0
    assert {name: first[name] for name in TRUTH} == fit.estimates


def test_a_row_left_out_is_the_fit_without_those_rows(fit, told):
    row = row_of(told, "without the smallest x")
    assert row["n_rows"] == 21
    by_hand = sf.fit(fit.data.iloc[3:], "power_offset")
    assert row["alpha"] == pytest.approx(by_hand.estimates["alpha"], rel=1e-8)
    there, here = (float(one.law(one.estimates, told.at)[0]) for one in (by_hand, fit))
    assert row["change"] == pytest.approx(there / here - 1, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("with Huber, delta 0.01", sf.Huber(0.01)),
        ("with least squares", sf.Square()),
        ("with residuals on the raw scale", None),
    ],
)
def test_another_objective_is_the_fit_with_it(fit, told, name, objective):
    wanted = objective or sf.Huber(1e-3 * float(np.median(fit.data["loss"])), on="raw")
    by_hand = sf.fit(fit.data, "power_offset", objective=wanted)
    assert row_of(told, name)["E"] == pytest.approx(by_hand.estimates["E"], rel=1e-6)


def test_the_own_objective_is_not_among_the_others(told):
    names = told.frame["variation"].tolist()
    assert "with Huber, delta 0.001" not in names
    assert "with Huber, delta 0.0001" in names
    assert len(set(names)) == len(names)


def test_a_hidden_term_is_not_robust():
    told = sensitivity(sf.fit(curve(40, third=1e6, noise=0.002), "power_offset"))
    assert not told.robust
    assert "NOT ROBUST: the answer moves by" in repr(told).splitlines()[0]


def test_every_size_every_number_of_tokens_and_compute_are_left_out(surface):
    kinds = surface.frame["variation"]
    assert kinds.str.contains("params").sum() == 6
    assert kinds.str.contains("tokens").sum() == 6
    assert kinds.str.contains("flops").sum() == 8
    assert kinds.str.startswith("without the smallest").sum() == 3
    rows = surface.frame.set_index("variation")["n_rows"]
    assert rows["without the smallest params (5e7)"] == 30


def test_the_default_point_is_ten_times_the_compute_of_the_largest_run(surface):
    largest = 6 * 1e10 * 2e11
    assert 6 * surface.at["params"] * surface.at["tokens"] == pytest.approx(10 * largest)


def test_a_size_without_which_nothing_is_identified_is_named():
    runs = ladder()
    told = sensitivity(sf.fit(runs[runs["params"].isin(sorted(set(runs["params"]))[:2])], "chinchilla"))
    assert any(note.startswith("not identified: without the smallest params") for note in told.notes)
    assert "not identified" in told.frame["verdict"].tolist()


def test_a_prior_is_weighed_again_for_each_objective():
    runs = curve(8, noise=0.01)
    fit = sf.fit(runs, "power_offset", prior={"E": (1.7, 0.01)})
    row = row_of(sensitivity(fit), "with least squares")
    by_hand = sf.fit(runs, "power_offset", prior={"E": (1.7, 0.01)}, objective=sf.Square())
    assert row["E"] == pytest.approx(by_hand.estimates["E"], rel=1e-6)


def test_weights_stay(fit):
    weights = np.linspace(0.5, 1.5, 24)
    row = row_of(sensitivity(sf.fit(fit.data, "power_offset", weights=weights)), "with least squares")
    by_hand = sf.fit(fit.data, "power_offset", weights=weights, objective=sf.Square())
    assert row["alpha"] == pytest.approx(by_hand.estimates["alpha"], rel=1e-6)


def test_few_rows_are_told_of_not_fitted():
    told = sensitivity(sf.fit(curve(4), "power_offset"))
    assert any(note.startswith("too few rows: without") for note in told.notes)
    assert told.frame["prediction"].isna().any()


def test_standard_errors_are_those_of_the_prediction(fit, told):
    drawn = fit.law.value(fit.draws_theta, (np.array([told.at["x"]]),))[:, 0]
    row = row_of(told, "with least squares")
    assert row["change_se"] == pytest.approx((row["prediction"] - told.frame["prediction"][0]) / drawn.std(), rel=0.1)


def test_a_fit_that_is_not_identified_has_no_robust_answer():
    ray = sf.grid(params=np.geomspace(1e7, 1e10, 12)).assign(tokens=lambda runs: 20 * runs["params"])
    truth = {"E": 1.82, "A": 482.0, "alpha": 0.348, "B": 2085.0, "beta": 0.366}
    loss = get_law("chinchilla")(truth, ray) * np.exp(0.01 * np.random.default_rng(0).standard_normal(12))
    told = sensitivity(sf.fit(ray.assign(loss=loss), "chinchilla"))
    assert not told.robust
    assert "NOT IDENTIFIED, so no answer is robust" in repr(told)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"params": 1e9}, "at: an input of power_offset must be one of x; got 'params'"),
        ({"x": [1e9]}, "at: x must be one finite number"),
        ({"x": float("nan")}, "at: x must be one finite number"),
    ],
)
def test_a_wrong_point_says_what_is_wrong(fit, at, message):
    with pytest.raises(sf.FitError, match=message):
        sensitivity(fit, at)
