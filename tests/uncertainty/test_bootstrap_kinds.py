"""Every kind of bootstrap: what it draws, that its spread is right, and that its bits stay."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.fitting.problem import restore
from scalefit.uncertainty.bootstrap import refit
from scalefit.uncertainty.resampling import Plan
from scalefit.uncertainty.scatter import location
from simple_fits import LINE, POWER, RAW, X, curves, line, power_runs

DESIGN = np.column_stack([np.ones_like(X), X])
KINDS = ("pairs", "strata", "subsample", "seeds", "residual", "wild", "parametric")


def known_variance(scatter):
    """Of least squares: (X'X)^-1 X'SX (X'X)^-1 with the true scatter of each row."""
    bread = np.linalg.inv(DESIGN.T @ DESIGN)
    return np.diag(bread @ DESIGN.T @ (np.broadcast_to(scatter, len(X))[:, None] ** 2 * DESIGN) @ bread)


def ratio_to_known(kind, scatter, data_sets=12, draws=300):
    """Mean bootstrap variance over data sets, as a share of the known one, by parameter."""
    variances = [
        line(scatter, seed).bootstrap(draws, kind=kind, rng=seed).draws.var(ddof=1) for seed in range(data_sets)
    ]
    return np.mean(variances, axis=0) / known_variance(scatter)


@cache
def fits_near_the_median():
    """Of thirty data sets: ten settings with three runs each, delta a tenth of the scatter."""
    return [sf.fit(power_runs(np.repeat(np.geomspace(1e6, 1e9, 10), 3), seed=seed), POWER) for seed in range(30)]


# The spread.


@pytest.mark.parametrize("kind", KINDS)
def test_the_spread_of_every_kind_is_that_of_least_squares_under_equal_noise(kind):
    # 12 estimates of a variance from 58 spare rows and 300 draws: their mean has a standard error of 6 %.
    np.testing.assert_allclose(ratio_to_known(kind, 0.1), 1.0, atol=0.2)


def test_signs_hold_where_the_noise_grows_along_an_input_and_exchanged_residuals_do_not():
    scatter = 0.02 + 0.3 * X**4
    wild, residual = (ratio_to_known(kind, scatter) for kind in ("wild", "residual"))
    np.testing.assert_allclose(wild, 1.0, atol=0.3)
    # Near x = 1 the noise is many times that of most rows, whose residuals the others are given.
    assert (residual / wild).tolist() == pytest.approx([2.5, 0.6], rel=0.35)


def test_a_subsample_is_scaled_to_all_runs_and_the_published_one_is_half_as_wide():
    fit = line(0.1, seed=0)
    scaled = fit.bootstrap(400, kind="subsample", rng=0)
    published = fit.bootstrap(400, kind="subsample", rng=0, scaled=False)
    # 80 % of the rows without replacement: sqrt(m / (n - m)) = 2.
    np.testing.assert_allclose(scaled.draws.std() / published.draws.std(), 2.0, rtol=1e-6)
    assert (published.plan.counts.sum(axis=1) == 48).all()
    assert published.plan.counts.max() == 1


def test_another_share_of_a_subsample_gives_the_same_spread_and_other_plans():
    fit = line(0.1, seed=1)
    eighty, half = (fit.bootstrap(1500, kind="subsample", share=share, rng=0) for share in (0.8, 0.5))
    assert (half.plan.counts.sum(axis=1) == 30).all()
    np.testing.assert_allclose(half.draws.std() / eighty.draws.std(), 1.0, atol=0.12)


@pytest.mark.parametrize("kind", ["residual", "wild", "parametric", "seeds"])
def test_a_fit_near_the_median_scatters_as_it_does_in_new_data(kind):
    fits = fits_near_the_median()
    truly = np.std([fit.theta[0] for fit in fits], axis=0)
    told = np.mean([fit.bootstrap(60, kind=kind, rng=0).draws.std() for fit in fits[:8]], axis=0)
    # A standard deviation from 30 data sets is known to 13 %, and differs from one to the next.
    np.testing.assert_allclose(told / truly, 1.0, atol=0.4)


# What is drawn.


def test_strata_keep_every_size_in_each_resample():
    runs = sf.grid(params=[1e6, 1e7, 1e8], tokens=[1e8, 1e9, 1e10, 1e11])
    law = sf.get_law("chinchilla")
    scatter = np.exp(0.01 * np.random.default_rng(0).standard_normal(len(runs)))
    fit = sf.fit(runs.assign(loss=law(law.published["besiroglu2024"].values, runs) * scatter), law)
    drawn = fit.bootstrap(200, kind="strata", rng=0)
    for size in (1e6, 1e7, 1e8):
        of_size = drawn.plan.counts[:, (runs.params == size).to_numpy()]
        np.testing.assert_allclose(of_size.sum(axis=1), 4.0)
        assert (of_size.max(axis=1) < 4).any()
    assert drawn.interval_source == "bootstrap of rows or runs within strata, 200 draws"


def test_strata_may_be_given_as_a_column_or_as_values():
    runs = power_runs(np.geomspace(1e6, 1e9, 12)).assign(run=[f"run {i}" for i in range(12)], family=["a", "b"] * 6)
    fit = sf.fit(runs, POWER)
    by_name, by_value = (fit.bootstrap(20, kind="strata", strata=of, rng=0) for of in ("family", ["a", "b"] * 6))
    pd.testing.assert_frame_equal(by_name.draws, by_value.draws)
    np.testing.assert_allclose(by_name.plan.counts[:, ::2].sum(axis=1), 6.0)


def test_a_stratum_of_one_run_joins_the_nearest_so_that_it_scatters_too():
    runs = power_runs([1e6, 1e6, 1e6, 2e6, 1e8, 1e8, 1e9, 1e9])
    counts = sf.fit(runs, POWER).bootstrap(100, kind="strata", rng=0).plan.counts
    assert counts[:, 3].min() == 0
    np.testing.assert_allclose(counts[:, :4].sum(axis=1), 4.0)


def test_whole_runs_are_drawn_within_strata_where_runs_repeat():
    table = curves(8).assign(family=lambda t: np.where(t.run.str[-1].astype(int) < 4, "a", "b"))
    drawn = sf.fit(table, POWER, objective=sf.Square()).bootstrap(50, kind="strata", strata="family", rng=0)
    assert drawn.plan.names == tuple(table.run.unique())
    np.testing.assert_allclose(drawn.plan.counts[:, :4].sum(axis=1), 4.0)


def test_seeds_exchange_values_within_their_setting_only():
    drawn = line(0.1, seed=0).bootstrap(50, kind="seeds", rng=0)
    assert (X[drawn.plan.counts] == X).all()
    assert drawn.plan.kind == "seeds"


def test_a_setting_with_one_run_takes_the_scatter_of_those_that_repeat():
    runs = power_runs(np.r_[np.repeat(np.geomspace(1e6, 1e8, 5), 3), 1e9])
    drawn = sf.fit(runs, POWER, objective=sf.Square()).bootstrap(100, kind="seeds", rng=0)
    assert set(drawn.plan.counts[:, -1]) <= set(range(15))
    assert len(set(drawn.plan.counts[:, -1])) > 10


def test_residuals_of_curves_move_as_whole_runs():
    table = curves(8, points=12)
    fit = sf.fit(table, POWER, objective=sf.Square())
    places = fit.bootstrap(30, kind="residual", rng=0).plan.counts.reshape(30, 8, 12)
    assert (places // 12 == (places // 12)[:, :, :1]).all()
    assert (places % 12 == np.arange(12)).all()


def test_signs_of_curves_turn_with_the_whole_run():
    signs = sf.fit(curves(8), POWER, objective=sf.Square()).bootstrap(30, kind="wild", rng=0).plan.counts
    assert (signs.reshape(30, 8, 12) == signs.reshape(30, 8, 12)[:, :, :1]).all()
    assert 0.3 < signs.mean() < 0.7


def test_residuals_along_few_runs_move_in_blocks():
    fit = sf.fit(curves(4, points=40), POWER, objective=sf.Square())
    with pytest.warns(sf.FitWarning, match="blocks of"):
        drawn = fit.bootstrap(30, kind="residual", rng=0)
    neighbours = np.diff(drawn.plan.counts.reshape(30, 4, 40).astype(int) % 40, axis=2) % 40 == 1
    assert neighbours.mean() > 1 - 1.2 / fit.units.block


def test_runs_that_share_their_noise_are_wider_by_their_kinds_than_by_rows():
    fit = sf.fit(curves(10), POWER, objective=sf.Square())

    def spread(kind):
        drawn = fit.bootstrap(200, kind=kind, rng=0)
        return np.std(drawn.law.value(drawn.draws_theta, (np.array([3e7]),)))

    # Runs differ by 1 % and their rows by 0.1 %: the level is known from ten runs, not from 120 rows.
    for kind in ("runs", "residual", "wild", "seeds", "subsample"):
        assert spread(kind) > 2 * spread("pairs"), kind


def test_residuals_are_centred_where_the_objective_says_the_middle_is():
    r = np.random.default_rng(0).exponential(size=501)
    ones = np.ones(501)
    assert location(RAW, r, ones) == pytest.approx(r.mean(), rel=1e-9)
    assert location(sf.Huber(1e-6, on="raw"), r, ones) == pytest.approx(np.median(r), abs=1e-3)


def test_the_noise_of_a_parametric_bootstrap_has_the_tails_of_the_residuals():
    from scalefit.uncertainty.noise_shapes import fit_shape

    rng = np.random.default_rng(0)
    heavy, normal = 0.01 * rng.standard_t(2, 2000), 0.01 * rng.standard_normal(2000)
    told = fit_shape(heavy, np.ones(2000))
    assert 1.5 <= told.freedom <= 2.5
    assert told.scale == pytest.approx(0.01, rel=0.1)
    assert fit_shape(normal, np.ones(2000)).freedom >= 15


# Resamples that cannot fix the law.


def test_resamples_of_too_few_points_are_drawn_again_and_counted():
    fit = sf.fit(power_runs(np.geomspace(1e6, 1e9, 6)), POWER)
    plain = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), size=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.FitWarning)
        plan = fit.bootstrap(300, rng=0).plan
    enough = (plain > 0).sum(axis=1) >= 3
    assert plan.redrawn >= (~enough).sum() > 0
    np.testing.assert_array_equal(plan.counts[enough], plain[enough])
    assert ((plan.counts > 0).sum(axis=1) >= 3).all()


def test_resamples_of_two_sizes_are_drawn_again_although_they_have_many_points():
    law = sf.get_law("chinchilla")
    tokens = np.geomspace(1e9, 1e11, 8)
    runs = sf.grid(params=[1e7, 1e8, 1e9], tokens=tokens).assign(run=lambda t: [f"{p:.0e}" for p in t.params])
    table = pd.concat([runs, runs.assign(run=runs.run + " again")], ignore_index=True)
    scatter = np.exp(0.002 * np.random.default_rng(0).standard_normal(len(table)))
    fit = sf.fit(table.assign(loss=law(law.published["besiroglu2024"].values, table) * scatter), law)
    with pytest.warns(sf.FitWarning, match="too few distinct points or sizes to fix its 5 parameters"):
        plan = fit.bootstrap(400, rng=0).plan
    # Two sizes give two levels, for E, A and alpha together.
    sizes = (plan.counts.reshape(400, 2, 3).sum(axis=1) > 0).sum(axis=1)
    assert sizes.min() == 3
    assert plan.redrawn > 50


def test_many_resamples_drawn_again_are_warned_about():
    fit = sf.fit(power_runs(np.geomspace(1e6, 1e9, 4)), POWER)
    with pytest.warns(sf.FitWarning, match="too few distinct points or sizes.*drawn again"):
        fit.bootstrap(100, rng=0)


# Bits, plans, scales.


@pytest.mark.parametrize("block", [1, 7, 64])
def test_shifted_refits_have_the_same_bits_for_any_block(block):
    fit = sf.fit(power_runs(np.geomspace(1e6, 1e9, 15)), POWER)
    shifts = 0.01 * np.random.default_rng(0).standard_normal((90, 15))
    ones = np.ones((90, 15))
    made_of = (fit.problem, fit.coordinates, fit.basins, ones.__getitem__, 90)
    whole = refit(*made_of, shifts=shifts.__getitem__)
    parts = refit(*made_of, shifts=shifts.__getitem__, block=block)
    assert parts.theta.tobytes() == whole.theta.tobytes()
    assert not whole.failed.any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_draws_for_the_same_seed_and_others_for_another(kind):
    fit = line(0.1, seed=3)
    first = fit.bootstrap(30, kind=kind, rng=5)
    pd.testing.assert_frame_equal(first.draws, fit.bootstrap(30, kind=kind, rng=5).draws)
    pd.testing.assert_frame_equal(first.draws, fit.bootstrap(30, kind=kind, plan=first.plan).draws)
    assert not first.draws.equals(fit.bootstrap(30, kind=kind, rng=6).draws)


@pytest.mark.parametrize("on", ["raw", "log", "logit"])
def test_a_shift_is_the_same_as_other_observed_values_on_the_scale_of_the_objective(on):
    rng = np.random.default_rng(0)
    runs = pd.DataFrame({"x": X, "loss": (0.3 + 0.2 * X) * np.exp(0.02 * rng.standard_normal(len(X)))})
    fit = sf.fit(runs, LINE, objective=sf.Square(on=on))
    shift = 0.05 * rng.standard_normal((1, len(X)))
    ones = np.ones((1, len(X)))
    shifted = refit(fit.problem, fit.coordinates, fit.basins, ones.__getitem__, 1, shifts=shift.__getitem__)
    moved = replace(fit.problem, target=restore(fit.problem.seen - shift[0], on))
    np.testing.assert_allclose(
        shifted.theta, refit(moved, fit.coordinates, fit.basins, ones.__getitem__, 1).theta, rtol=1e-6
    )


def test_shifts_reach_every_row_of_a_table_of_many_chunks():
    runs = power_runs(np.geomspace(1e6, 1e9, 3000))
    fit = sf.fit(runs, POWER, objective=sf.Square())
    shift, ones = np.full((1, 3000), -0.1), np.ones((1, 3000))
    ends = refit(fit.problem, fit.coordinates, fit.basins, ones.__getitem__, 1, shifts=shift.__getitem__)
    # Every value larger by exp(0.1): the terms grow so, the exponent stays.
    np.testing.assert_allclose(ends.theta[0] / fit.theta[0], [np.exp(0.1), np.exp(0.1), 1.0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "wild", "parametric", "seeds"])
def test_a_plan_of_values_serves_the_same_rows_in_another_order(kind):
    runs = line(0.1, seed=0).data.reset_index(drop=True)
    first = sf.fit(runs, LINE, objective=RAW).bootstrap(40, kind=kind, rng=0)
    shuffled = sf.fit(runs.sample(frac=1, random_state=1), LINE, objective=RAW).bootstrap(plan=first.plan)
    assert shuffled.drawn == kind
    np.testing.assert_allclose(shuffled.draws, first.draws, rtol=1e-5)


def test_a_plan_of_values_is_refused_for_other_rows():
    plan = line(0.1, seed=0).bootstrap(20, kind="residual", rng=0).plan
    with pytest.raises(sf.FitError, match="drawn for other runs"):
        sf.fit(pd.DataFrame({"x": X[:30] + 5, "loss": 2 + X[:30]}), LINE, objective=RAW).bootstrap(plan=plan)


def test_a_plan_of_values_is_refused_where_it_takes_residuals_from_rows_that_are_not_there():
    fit = line(0.1, seed=0)
    plan = fit.bootstrap(20, kind="residual", rng=0).plan
    part = sf.fit(fit.data.iloc[:40], LINE, objective=RAW)
    with pytest.raises(sf.FitError, match="rows that this fit does not hold"):
        part.bootstrap(plan=Plan(plan.names, plan.counts, plan.token, "residual"))


def test_rows_that_count_twice_scatter_as_two_rows_would():
    fit = line(0.1, seed=0)
    twice = sf.fit(fit.data, LINE, objective=RAW, weights=np.full(len(X), 2.0))
    for kind in ("pairs", "strata", "residual", "wild", "parametric"):
        once, double = (each.bootstrap(600, kind=kind, rng=0).draws.std() for each in (fit, twice))
        np.testing.assert_allclose(double / once, np.sqrt(0.5), rtol=0.12, err_msg=kind)


def test_a_row_of_weight_zero_changes_no_draw_of_residuals():
    fit = line(0.1, seed=0)
    weights = np.where(np.arange(len(X)) == 7, 0.0, 1.0)
    seen = fit.data.loss.where(weights > 0, 8.0)
    first, other = (
        sf.fit(fit.data.assign(loss=loss), LINE, objective=RAW, weights=weights).bootstrap(50, kind="residual", rng=0)
        for loss in (fit.data.loss, seen)
    )
    np.testing.assert_allclose(first.draws, other.draws, rtol=1e-6)


def test_a_prior_is_drawn_too_where_values_are():
    fit = sf.fit(power_runs(np.geomspace(1e6, 1e9, 8)), POWER, prior={"alpha": (0.3, 0.02)}, objective=sf.Square())
    drawn = fit.bootstrap(200, kind="residual", rng=0)
    assert 0 < drawn.draws.alpha.std() < 0.025
