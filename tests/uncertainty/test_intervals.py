"""Percentile, basic, BCa and studentised intervals, and the jackknife."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.uncertainty.intervals import basic_interval, percentile_interval, studentized_interval
from scalefit.uncertainty.resamples import resamples_behind
from scalefit.uncertainty.studentized import standard_errors

POWER = sf.get_law("power_offset")
TRUTH = {"E": 1.5, "A": 60.0, "alpha": 0.3}


def power_runs(n=20, noise=0.005, seed=0):
    runs = pd.DataFrame({"x": np.geomspace(1e6, 1e9, n)})
    scatter = np.random.default_rng(seed).standard_normal(n)
    return runs.assign(loss=POWER(TRUTH, runs) * np.exp(noise * scatter))


@pytest.fixture(scope="module")
def drawn():
    return sf.fit(power_runs(), POWER, objective=sf.Square()).bootstrap(300, rng=0)


def test_every_kind_holds_the_estimate_and_they_differ(drawn):
    ends = {kind: drawn.interval(0.9, kind=kind) for kind in ("percentile", "basic", "bca", "studentized")}
    for kind, (low, high) in ends.items():
        assert ((low < drawn.theta[0]) & (drawn.theta[0] < high)).all(), kind
    assert len({low.tobytes() for low, _ in ends.values()}) == 4


def test_the_summary_takes_every_kind(drawn):
    for kind in ("percentile", "basic", "bca", "studentized"):
        summary = drawn.summary(0.8, kind=kind)
        np.testing.assert_array_equal(summary[["low", "high"]].to_numpy().T, drawn.interval(0.8, kind=kind))


def test_a_basic_interval_mirrors_the_percentiles_at_the_estimate(drawn):
    low, high = drawn.interval(0.9, kind="basic")
    below, above = drawn.interval(0.9)
    estimate = drawn.theta[0]
    assert low[0] == pytest.approx(2 * estimate[0] - above[0])
    assert high[2] == pytest.approx(2 * estimate[2] - below[2])


def test_sizes_of_terms_are_mirrored_in_their_logarithm_so_that_none_is_negative():
    fit = sf.fit(power_runs(8, noise=0.03), POWER).bootstrap(200, rng=0)
    assert (fit.interval(0.9, kind="basic")[0][1] > 0) & (2 * fit.theta[0, 1] < fit.interval(0.9)[1][1])


def test_standard_errors_of_the_whole_are_those_of_its_covariance():
    for objective in (None, sf.Square(), sf.Huber(0.01)):
        fit = sf.fit(power_runs(), POWER, objective=objective)
        told = standard_errors(fit, fit.units, fit.theta)[0]
        np.testing.assert_allclose(told, np.sqrt(np.diag(fit.covariance)), rtol=1e-9)


def test_standard_errors_with_a_prior_and_of_whole_runs_are_those_of_the_covariance():
    runs = pd.concat([power_runs(seed=i).assign(run=f"run {i}") for i in range(7)], ignore_index=True)
    fit = sf.fit(runs, POWER, prior={"alpha": (0.3, 0.01)})
    told = standard_errors(fit, fit.units, fit.theta)[0]
    np.testing.assert_allclose(told, np.sqrt(np.diag(fit.covariance)), rtol=1e-9)


def test_standard_errors_of_a_refit_are_those_of_a_fit_to_its_rows(drawn):
    told = standard_errors(
        drawn, drawn.units, drawn.draws_theta, resamples_behind(drawn), drawn.draws.index.to_numpy(int)
    )
    copies = drawn.data.loc[np.repeat(drawn.data.index, drawn.plan.counts[4])].reset_index(drop=True)
    alone = sf.fit(copies, POWER, objective=sf.Square())
    np.testing.assert_allclose(told[4], np.sqrt(np.diag(alone.covariance)), rtol=1e-4)


def test_a_run_drawn_twice_counts_as_two_runs_in_standard_errors():
    runs = pd.concat([power_runs(seed=i).assign(run=f"run {i}") for i in range(7)], ignore_index=True)
    fit = sf.fit(runs, POWER, objective=sf.Square()).bootstrap(5, rng=0)
    told = standard_errors(fit, fit.units, fit.draws_theta, resamples_behind(fit), fit.draws.index.to_numpy(int))
    counts = fit.plan.counts[2]
    copies = [
        runs[runs.run == name].assign(run=f"{name} {copy}")
        for name, count in zip(fit.plan.names, counts, strict=True)
        for copy in range(count)
    ]
    alone = sf.fit(pd.concat(copies, ignore_index=True), POWER, objective=sf.Square())
    np.testing.assert_allclose(told[2], np.sqrt(np.diag(alone.covariance)), rtol=1e-3)


def test_studentised_intervals_of_a_mean_are_those_of_student():
    # Known in closed form: the mean of ten normal numbers, of which bootstrap-t knows 90 % to be 1.83 errors away.
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((10, 1))
    seen = (seen - seen.mean()) / seen.std(ddof=1)
    samples = rng.standard_normal((20_000, 10))
    means, errors = samples.mean(axis=1)[:, None], samples.std(axis=1, ddof=1)[:, None] / np.sqrt(10)
    own, raw = np.array([1 / np.sqrt(10)]), np.zeros(1, bool)
    low, high = studentized_interval(means, np.zeros(1), errors, own, raw, 0.9)
    assert [low[0], high[0]] == pytest.approx([-1.833 * own[0], 1.833 * own[0]], rel=0.04)
    assert percentile_interval(means, 0.9)[1][0] == pytest.approx(1.645 * own[0], rel=0.04)


def test_parameters_that_do_not_move_have_intervals_of_no_width():
    fit = sf.fit(power_runs(), POWER, fixed={"alpha": 0.3}).bootstrap(50, rng=0)
    low, high = fit.interval(kind="studentized")
    assert low[2] == high[2] == 0.3


def test_studentised_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(40):
        fit = sf.fit(power_runs(12, seed=seed), POWER, objective=sf.Square()).bootstrap(99, rng=seed)
        low, high = fit.interval(0.9, kind="studentized")
        held.append((low <= list(TRUTH.values())) & (list(TRUTH.values()) <= high))
    # 40 trials at 90 %: fewer than 31 happen once in 200.
    assert np.sum(held, axis=0).min() >= 31


@pytest.mark.parametrize("kind", ["residual", "wild", "parametric", "strata"])
def test_studentised_intervals_are_there_for_other_kinds_of_bootstrap(kind):
    runs = pd.concat([power_runs(10, seed=i) for i in range(3)], ignore_index=True)
    fit = sf.fit(runs, POWER, objective=sf.Square()).bootstrap(200, kind=kind, rng=0)
    low, high = fit.interval(kind="studentized")
    normal = 1.645 * np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose((high - low) / 2 / normal, 1.0, atol=0.5)


def test_subsamples_have_no_studentised_intervals_and_say_what_to_use():
    fit = sf.fit(power_runs(), POWER).bootstrap(20, kind="subsample", rng=0)
    with pytest.raises(sf.FitError, match="draws of subsamples were rescaled: use kind='percentile'"):
        fit.interval(kind="studentized")


@pytest.mark.parametrize(("kind", "word"), [("basic", "Basic"), ("bca", "BCa"), ("studentized", "Studentized")])
def test_intervals_that_need_draws_ask_for_a_bootstrap(kind, word):
    with pytest.raises(sf.FitError, match=rf"{word} intervals need draws: call fit.bootstrap"):
        sf.fit(power_runs(), POWER).interval(kind=kind)


def test_an_unknown_kind_of_interval_is_answered_with_those_there_are(drawn):
    with pytest.raises(sf.FitError, match=r"basic, bca, percentile or studentized.*Did you mean 'percentile'"):
        drawn.interval(kind="percentiles")


def test_mirrored_ends_keep_their_order():
    draws = np.random.default_rng(0).lognormal(size=(1000, 2))
    low, high = basic_interval(draws, np.ones(2), np.array([True, False]), 0.9)
    assert (low < high).all()
    assert low[0] > 0 > low[1]


# Jackknife.


def test_the_jackknife_of_least_squares_names_the_run_that_was_moved():
    runs = power_runs(15)
    runs.loc[11, "loss"] *= 1.05
    told = sf.fit(runs, POWER, objective=sf.Square()).jackknife()
    assert told.frame.index[0] == "row 11"
    assert repr(told).split("\n\n")[1].splitlines()[1].split()[:2] == ["row", "11"]
    left = sf.fit(runs.drop(index=11), POWER, objective=sf.Square())
    np.testing.assert_allclose(told.frame.loc["row 11", ["E", "A", "alpha"]].astype(float), left.theta[0], rtol=1e-4)


def test_jackknife_errors_of_a_straight_line_are_those_in_closed_form():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 25)
    y = 2 + x + 0.1 * rng.standard_normal(25)
    law = sf.formula_law("a + b*x", inputs=["x"], output="loss")
    told = sf.fit(pd.DataFrame({"x": x, "loss": y}), law, objective=sf.Square(on="raw")).jackknife()
    X = np.column_stack([np.ones(25), x])
    without = np.array([np.linalg.lstsq(np.delete(X, i, 0), np.delete(y, i), rcond=None)[0] for i in range(25)])
    errors = np.sqrt(24 / 25 * np.sum((without - without.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(told.se, errors, rtol=1e-3)
    whole = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(told.bias, 24 * (without.mean(axis=0) - whole), atol=1e-3 * errors.min())


def test_whole_runs_are_left_out_where_they_repeat_and_blocks_along_few():
    many = pd.concat([power_runs(seed=i).assign(run=f"run {i}") for i in range(7)], ignore_index=True)
    told = sf.fit(many, POWER, objective=sf.Square()).jackknife()
    assert sorted(told.frame.index) == [f"run {i}" for i in range(7)]
    assert told.what == "whole runs"
    few = sf.fit(many[many.run < "run 3"], POWER, objective=sf.Square()).jackknife()
    assert few.frame.index.str.fullmatch(r"run \d, rows \d+ to \d+").all()


def test_a_jackknife_of_a_law_through_every_point_is_refused():
    with pytest.raises(sf.FitError, match="goes through every one"):
        sf.fit(power_runs(3), POWER).jackknife()
