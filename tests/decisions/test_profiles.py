"""Profiles against other people's (lmfit), against laws whose parameter is the quantity, and what they say."""

import re
import warnings
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scalefit as sf
from scalefit.decisions.profiles import profile
from scalefit.laws import get_law
from shared_data import shared

mpl.use("Agg")

POWER = {"E": 1.7, "A": 400.0, "alpha": 0.34}


def curve(n=40, *, low=1e6, high=1e9, noise=0.01, seed=0, truth=POWER):
    x = np.geomspace(low, high, n)
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(n))
    return pd.DataFrame({"x": x, "loss": get_law("power_offset")(truth, {"x": x}) * scatter})


def surface(seed=0):
    runs = sf.grid(params=np.geomspace(5e7, 1e10, 6), tokens=np.geomspace(1e9, 2e11, 6))
    truth = {"E": 1.82, "A": 482.0, "alpha": 0.348, "B": 2085.0, "beta": 0.366}
    scatter = np.exp(0.01 * np.random.default_rng(seed).standard_normal(len(runs)))
    return runs.assign(loss=get_law("chinchilla")(truth, runs) * scatter)


@pytest.fixture(scope="module")
def robust():
    return sf.fit(curve(), "power_offset")


@pytest.fixture(scope="module")
def squares():
    return sf.fit(curve(), "power_offset", objective=sf.Square())


def ends(told, name):
    return told.intervals.loc[name, ["low", "high"]].to_numpy(float)


def assert_same_interval(first, second, *, share):
    width = float(second[1] - second[0])
    assert np.abs(first - second).max() < share * width


def test_squares_agree_with_lmfit(squares):
    import lmfit

    law, seen = squares.law, squares.data

    def residual(params):
        return np.log(law(params.valuesdict(), seen)) - np.log(seen["loss"].to_numpy())

    minimizer = lmfit.Minimizer(residual, squares.to_lmfit(), ftol=1e-14, xtol=1e-14, gtol=1e-14)
    theirs = lmfit.conf_interval(minimizer, minimizer.minimize(method="leastsq"), sigmas=[0.9])
    told = profile(squares)
    for name, ((_, low), _, (_, high)) in theirs.items():
        assert_same_interval(ends(told, name), np.array([low, high]), share=1e-4)


def test_the_threshold_of_squares_is_that_of_f(squares):
    told = profile(squares, level=0.95)
    assert told.threshold == pytest.approx(stats.f.ppf(0.95, 1, 37), rel=1e-12)
    rows = told.frame
    assert rows["statistic"].to_numpy() == pytest.approx(37 * rows["rise"].to_numpy() / squares.objective, abs=1e-9)


@pytest.mark.parametrize("name", ["E", "alpha"])
def test_every_point_is_the_best_fit_with_the_parameter_held_there(robust, name):
    told = profile(robust, name)
    for row in told.frame.iloc[[0, 3, -2]].itertuples():
        held = sf.fit(robust.data, "power_offset", fixed={name: row.value})
        assert held.objective - robust.objective == pytest.approx(row.rise, rel=1e-5, abs=1e-12)


def test_a_loss_at_a_point_agrees_with_a_law_that_has_it_as_a_parameter(robust):
    at = 1e11
    law = sf.formula_law(f"loss_there + A * (x**-alpha - {at!r}**-alpha)", output="loss", inputs=("x",))
    there = float(robust.law(robust.estimates, {"x": [at]})[0])
    start = {**robust.estimates, "loss_there": there}
    start.pop("E")
    other = sf.fit(robust.data, law, objective=sf.Huber(1e-3), starts=sf.Starts(own=0, given=(start,)))
    theirs = profile(other, "loss_there")
    assert_same_interval(ends(profile(robust, "loss", at={"x": at}), "loss"), ends(theirs, "loss_there"), share=1e-4)


def test_the_best_size_for_a_budget_agrees_with_a_law_that_has_it_as_a_parameter():
    pairs = 1e23 / 6
    runs = surface()
    fit = sf.fit(runs, "chinchilla", objective=sf.Square())
    B = f"alpha * A / beta * best ** -(alpha + beta) * {pairs!r} ** beta"
    text = f"E + A / params**alpha + {B} / tokens**beta"
    law = sf.formula_law(text, output="loss", inputs=("params", "tokens"))
    best = float(fit.derive("params_optimal", at={"flops": 1e23})["estimate"].iloc[0])
    start = {**{name: fit.estimates[name] for name in ("E", "A", "alpha", "beta")}, "best": best}
    other = sf.fit(runs, law, objective=sf.Square(), starts=sf.Starts(own=0, given=(start,)))
    ours = ends(profile(fit, "params_optimal", at={"flops": 1e23}), "params_optimal")
    assert_same_interval(ours, ends(profile(other, "best"), "best"), share=1e-4)


def test_a_floor_that_the_data_cannot_see_is_said_to_be_open():
    fit = sf.fit(curve(12, high=3e7, truth={"E": 0.5, "A": 30.0, "alpha": 0.2}), "power_offset")
    told = profile(fit)
    assert told.intervals["open_low"].tolist() == [True, False, False]
    assert told.intervals.loc["E", "low"] == 0
    assert repr(told).splitlines()[0] == "profile of power_offset on 12 runs: E open at the 90 % level"
    assert "E: no lower end: the data cannot tell it from 0" in repr(told)


def test_a_bound_that_comes_before_the_threshold_is_named():
    fit = sf.fit(curve(), "power_offset", bounds={"alpha": (None, 0.35)})
    told = profile(fit, "alpha")
    assert told.intervals.loc["alpha", "high"] == 0.35
    assert told.notes == ("alpha: no upper end: it reaches its bound 0.35 first",)


def test_an_estimate_at_its_bound_still_has_its_other_end():
    fit = sf.fit(curve(20, high=3e7, truth={"E": 0.0, "A": 30.0, "alpha": 0.2}, seed=2), "power_offset")
    assert fit.estimates["E"] == 0
    row = profile(fit, "E").intervals.loc["E"]
    assert row["open_low"]
    assert not row["open_high"]
    held = sf.fit(fit.data, "power_offset", fixed={"E": row["high"]})
    assert held.objective > fit.objective


def test_a_quantity_that_may_be_infinite_has_no_upper_end(squares):
    floor = ends(profile(squares, "E"), "E")
    reachable = (squares.estimates["E"] + floor[1]) / 2  # some fits that are good enough never come down to it
    told = profile(squares, "x_for_loss", at={"loss": reachable})
    assert told.intervals["open_high"].tolist() == [True]
    assert told.intervals["open_low"].tolist() == [False]
    assert told.intervals["high"].tolist() == [np.inf]


def test_a_fit_that_is_not_identified_warns_and_leaves_all_open():
    ray = sf.grid(params=np.geomspace(1e7, 1e10, 20)).assign(tokens=lambda runs: 20 * runs["params"])
    truth = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 2000.0, "beta": 0.37}
    scatter = np.exp(0.01 * np.random.default_rng(0).standard_normal(len(ray)))
    fit = sf.fit(ray.assign(loss=get_law("chinchilla")(truth, ray) * scatter), "chinchilla")
    with pytest.warns(sf.FitWarning, match="NOT IDENTIFIED"):
        told = profile(fit, "E")
    assert told.intervals["open_low"].tolist() == [True]


def test_a_lower_minimum_on_the_way_is_said(robust):
    moved = robust.u + np.array([0.0, 0.0, 0.01])
    elsewhere = replace(robust, u=moved, basins=moved[None])
    with pytest.warns(sf.FitWarning, match="NOT AT THE MINIMUM"):
        profile(elsewhere, "alpha")


def test_more_points_move_no_end(robust):
    few, many = profile(robust), profile(robust, points=31)
    assert len(many.frame) > len(few.frame)
    for name in robust.law.param_names:
        assert_same_interval(ends(few, name), ends(many, name), share=1e-5)


def test_the_unit_of_an_input_does_not_matter(robust):
    thousands = sf.fit(robust.data.assign(x=robust.data["x"] / 1000), "power_offset")
    for name in ("E", "alpha"):
        assert_same_interval(ends(profile(thousands, name), name), ends(profile(robust, name), name), share=1e-5)


def test_a_higher_level_is_wider(robust):
    narrow, wide = (profile(robust, level=level).intervals for level in (0.5, 0.95))
    assert (wide["low"] < narrow["low"]).all()
    assert (wide["high"] > narrow["high"]).all()


def test_copies_of_each_row_in_one_run_do_not_make_it_narrower():
    runs = curve().assign(run=[f"run {k}" for k in range(40)])
    once, often = sf.fit(runs, "power_offset"), sf.fit(pd.concat([runs] * 4, ignore_index=True), "power_offset")
    width = np.diff(ends(profile(once, "alpha"), "alpha"))[0]
    assert np.diff(ends(profile(often, "alpha"), "alpha"))[0] == pytest.approx(width, rel=0.25)


def test_tied_parameters_have_one_profile():
    fit = sf.fit(surface(), "chinchilla", tie={"beta": "alpha"})
    told = profile(fit, ["alpha", "beta"])
    assert_same_interval(ends(told, "beta"), ends(told, "alpha"), share=1e-6)


def test_a_prior_narrows_the_interval():
    runs = curve(12, high=3e7, truth={"E": 0.5, "A": 30.0, "alpha": 0.2})
    free, held = (sf.fit(runs, "power_offset", prior=prior) for prior in (None, {"alpha": (0.2, 0.005)}))
    assert np.diff(ends(profile(held, "E"), "E"))[0] < 0.5 * np.diff(ends(profile(free, "E"), "E"))[0]


def test_the_frame_says_which_points_lie_inside(robust):
    told = profile(robust, "alpha")
    low, high = ends(told, "alpha")
    rows = told.frame
    assert rows["value"].is_monotonic_increasing
    assert (rows["inside"] == rows["value"].between(low, high)).all()
    assert (rows.loc[~rows["inside"], "statistic"] > 0.999 * told.threshold).all()
    assert (rows.loc[rows["inside"], "statistic"] < 1.001 * told.threshold).all()


def test_the_text_names_what_was_asked(robust):
    text = repr(profile(robust, ["loss", "alpha"], at={"x": 1e11}))
    assert text.splitlines()[0:3:2] == ["profile of power_offset on 40 runs: all 90 % intervals closed", "at x = 1e11"]
    assert re.search(r"alpha +0\.34\d* +0\.\d+ to 0\.\d+", text)


def test_fixed_parameters_are_left_out_and_cannot_be_asked_for(robust):
    fit = sf.fit(robust.data, "power_offset", fixed={"E": 1.7})
    assert profile(fit).intervals.index.tolist() == ["A", "alpha"]
    with pytest.raises(sf.FitError, match=r"E is fixed at 1\.7, so it has no profile"):
        profile(fit, "E")


@pytest.mark.parametrize(
    ("of", "at", "message"),
    [
        ("Alpha", None, "must be one of .*; got 'Alpha'. Did you mean 'alpha'"),
        ("loss", None, r"taken at one point; pass at=\{'x': …\}"),
        ("x_for_loss", None, r"x_for_loss asks for loss; pass at=\{'loss': …\}"),
        ("x_for_loss", {"loss": 0.1}, "x_for_loss has no value for the estimates at loss = 0.1"),
        ("alpha", {"loss": 2.0}, "at: what alpha asks must be one of nothing; got 'loss'"),
        ("loss", {"x": [1e9, 1e10]}, "at: x must be one finite number"),
        ([], None, "of must name one quantity or several different ones"),
        (["E", "E"], None, "of must name one quantity or several different ones"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_type(robust, of, at, message):
    with pytest.raises(sf.FitError, match=message):
        profile(robust, of, at=at)


@pytest.mark.parametrize("points", [4, 7.5, True])
def test_too_few_points_are_refused(robust, points):
    with pytest.raises(sf.FitError, match="whole number of points, at least 5"):
        profile(robust, points=points)


def test_as_many_rows_as_parameters_leave_no_scatter():
    fit = sf.fit(curve(3), "power_offset")
    with pytest.raises(sf.FitError, match="nothing is left to tell the scatter"):
        profile(fit)


def test_the_picture_shows_threshold_and_estimate(robust):
    import matplotlib.pyplot as plt

    told = profile(robust)
    ax = told.plot("alpha", ax=plt.figure().add_subplot())
    rows = told.frame[told.frame["quantity"] == "alpha"]
    assert ax.lines[0].get_xdata().tolist() == rows["value"].tolist()
    assert ax.lines[1].get_ydata()[0] == told.threshold
    assert ax.get_xlabel() == "alpha"
    with pytest.raises(sf.FitError, match="of must be one of"):
        told.plot("beta")
    plt.close("all")


def test_intervals_of_the_public_chinchilla_runs_lie_by_those_of_the_bootstrap():
    runs = pd.read_csv(shared("chinchilla_besiroglu/runs.csv"))
    fit = sf.fit(runs[runs["outlier"] == 0], "chinchilla")
    told = profile(fit, ["E", "alpha", "beta"]).intervals
    drawn = fit.bootstrap(400, rng=0).summary(0.9).loc[told.index]
    ratio = (told["high"] - told["low"]) / (drawn["high"] - drawn["low"])
    assert ratio.between(0.75, 1.33).all()


@pytest.mark.slow
def test_nine_in_ten_intervals_of_a_robust_fit_hold_the_truth():
    hits = np.zeros(3)
    for seed in range(80):
        fit = sf.fit(curve(seed=1000 + seed), "power_offset", starts=sf.Starts(own=0, given=(POWER,)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sf.FitWarning)
            told = profile(fit, points=5).intervals
        right = np.array([POWER[name] for name in told.index])
        hits += (told["low"] <= right) & (right <= told["high"])
    for count in hits:
        sure = stats.binomtest(int(count), 80).proportion_ci(0.99, method="exact")
        assert sure.low <= 0.97
        assert sure.high >= 0.86
