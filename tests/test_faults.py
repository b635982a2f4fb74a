"""Faults known in other tools, shown where that is cheap, and that ours does not have them."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import lmfit
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import huber

import scalefit as sf
from cases import CASES
from scalefit.fitting.solver import held_at_bounds, solve
from scalefit.uncertainty import bootstrap as refitting
from scalefit.uncertainty.covariance import coordinate_covariance
from shared_data import shared

LOWEST = 1.01827402e-3
NAMES = ("E", "A", "alpha", "B", "beta")


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    table = pd.read_csv(shared("chinchilla_besiroglu/runs.csv"))
    return table[table["outlier"] == 0]


@pytest.fixture(scope="module")
def fit(runs) -> sf.Fit:
    return sf.fit(runs, "chinchilla")


@pytest.fixture(scope="module")
def drawn(fit) -> sf.Fit:
    return fit.bootstrap(1000, rng=0)


@pytest.fixture(scope="module")
def noisy_runs() -> pd.DataFrame:
    """36 synthetic runs with 1 % of noise, for what needs no real ones."""
    return CASES["chinchilla"].runs(sf.get_law("chinchilla"), noise=0.01, seed=3)


def log_sum_and_slope(z: np.ndarray, runs: pd.DataFrame) -> tuple[float, np.ndarray]:
    """The published objective and its gradient by (log A, log B, log E, alpha, beta), written without the library."""
    a, b, e, alpha, beta = z
    log_n, log_d = np.log(runs["params"]), np.log(runs["tokens"])
    terms = np.array([a - alpha * log_n, b - beta * log_d, np.full(len(runs), e)])
    log_loss = np.logaddexp.reduce(terms)
    r = log_loss - np.log(runs["loss"]).to_numpy()
    share = np.exp(terms - log_loss) * np.clip(r, -1e-3, 1e-3)
    slope = [share[0].sum(), share[1].sum(), share[2].sum(), -share[0] @ log_n, -share[1] @ log_d]
    return float(huber(1e-3, r).sum()), np.array(slope)


def expected_decrease(fit: sf.Fit, theta: np.ndarray, weights: np.ndarray) -> float:
    """What a Newton step would still take off the objective at a parameter vector, relative to it."""
    coordinates = fit.coordinates
    u = coordinates.from_params(theta[None])
    T = coordinates.to_params(u)[1][0]
    sums = fit.problem.normal(theta[None], weights[None])
    g, H, M = T.T @ sums.gradient[0], T.T @ sums.curvature[0] @ T, T.T @ sums.metric[0] @ T
    free = ~held_at_bounds(u, g[None], coordinates)[0]
    step = np.linalg.lstsq((H + 1e-6 * M)[np.ix_(free, free)], g[free], rcond=None)[0]
    return float(0.5 * g[free] @ step / sums.objective[0])


# Stopping early because the objective is of order 1e-3.


def test_an_absolute_tolerance_makes_scipy_report_success_far_above_the_minimum_and_ours_goes_on(runs, fit):
    hoffmann = np.array([6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083])
    theirs = minimize(log_sum_and_slope, hoffmann, args=(runs,), jac=True, method="L-BFGS-B")
    assert theirs.success
    assert "CONVERGENCE" in str(theirs.message)
    assert theirs.fun == pytest.approx(1.163e-3, rel=1e-3)
    start = dict(zip(("A", "B", "E"), np.exp(hoffmann[:3]), strict=True)) | {"alpha": 0.33917084, "beta": 0.2849083}
    ours = sf.fit(runs, "chinchilla", starts=sf.Starts(own=0, given=[start]))
    assert ours.converged
    assert ours.objective <= LOWEST
    assert log_sum_and_slope(
        np.array([*np.log([ours.estimates[n] for n in ("A", "B", "E")]), *_exponents(ours)]), runs
    )[0] == pytest.approx(fit.objective, rel=1e-12)


def _exponents(fit: sf.Fit) -> tuple[float, float]:
    return fit.estimates["alpha"], fit.estimates["beta"]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_size_of_the_objective_does_not_move_the_stopping_point(noisy_runs, factor):
    plain = sf.fit(noisy_runs, "chinchilla")
    scaled = sf.fit(noisy_runs, "chinchilla", weights=np.full(len(noisy_runs), factor))
    assert scaled.converged
    assert scaled.objective == pytest.approx(factor * plain.objective, rel=1e-12)
    moved = (scaled.summary()["estimate"] - plain.summary()["estimate"]).abs()
    assert (moved < 1e-8 * plain.summary()["se"]).all()


# The start returned as converged on unscaled inputs.


def test_all_ones_in_raw_units_is_returned_as_converged_by_scipy_and_not_by_ours(runs):
    def objective(v):
        E, A, alpha, B, beta = np.exp(v)
        r = np.log(E + A / runs["params"] ** alpha + B / runs["tokens"] ** beta) - np.log(runs["loss"])
        return float(huber(1e-3, r).sum())

    theirs = minimize(objective, np.zeros(5), method="L-BFGS-B")
    assert theirs.success
    assert np.allclose(np.exp(theirs.x[1:]), 1.0, atol=1e-3)
    ones = dict.fromkeys(NAMES, 1.0)
    ours = sf.fit(runs, "chinchilla", starts=sf.Starts(own=0, given=[ones]))
    assert not ours.converged or ours.objective <= LOWEST
    assert sf.fit(runs, "chinchilla", starts=ones).objective <= LOWEST


# An optimiser's flag believed: what the solver calls a minimum must be one.


def test_every_end_that_the_solver_calls_a_minimum_is_stationary(runs, fit):
    rng = np.random.default_rng(0)
    low, high = [0.1, 0.0, 0.05, 0.0, 0.05], [3.0, 20.0, 1.5, 20.0, 1.5]
    theta = rng.uniform(low, high, (200, 5))
    theta[:, [1, 3]] = np.exp(theta[:, [1, 3]])
    ends = solve(fit.problem, fit.coordinates, fit.coordinates.from_params(theta), fit.weights[None])
    false = [
        k
        for k in np.flatnonzero(ends.converged)
        if (ends.u[k] > fit.coordinates.lower).all() and expected_decrease(fit, ends.theta[k], fit.weights) > 1e-6
    ]
    assert not false, f"{len(false)} of {int(ends.converged.sum())} ends are no minimum, such as {ends.theta[false[0]]}"


# Inverse J'J shown as the interval of a robust fit.


def test_inverse_of_the_normal_matrix_misstates_a_robust_fit_and_our_covariance_does_not(runs, fit, drawn):
    def residuals(params: lmfit.Parameters) -> np.ndarray:
        return fit.problem.residual(np.array([[params[name].value for name in NAMES]]))[0]

    params = lmfit.Parameters()
    for name in NAMES:
        params.add(name, value=fit.estimates[name])
    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "x_scale": "jac"}
    theirs = lmfit.minimize(residuals, params, method="least_squares", loss="huber", f_scale=1e-3, **tight)
    bootstrap = drawn.summary()["se"]
    assert theirs.params["alpha"].stderr > 2.4 * bootstrap["alpha"]
    assert theirs.params["E"].stderr > 2 * bootstrap["E"]
    ours = fit.summary()["se"]
    for name in ("E", "alpha", "beta"):
        assert ours[name] == pytest.approx(bootstrap[name], rel=0.25), name
    # A and B are skew: their logarithms are what has a normal spread.
    for name in ("A", "B"):
        spread = np.log(drawn.draws[name]).std()
        assert ours[name] / fit.estimates[name] == pytest.approx(spread, rel=0.25), name


@pytest.mark.slow
def test_the_covariance_of_a_robust_fit_is_right_in_simulation():
    # 250 refits from the truth on: their spread is known to 4.5 %, so 25 % is more than five standard errors of it.
    law, true, x = sf.get_law("power_offset"), CASES["power_offset"].true, np.geomspace(1e18, 1e22, 120)
    clean, rng = law(true, {"x": x}), np.random.default_rng(0)
    base = sf.fit({"x": x, "loss": clean * np.exp(0.01 * rng.standard_normal(120))}, law)
    start = base.coordinates.from_params(np.array([[true[name] for name in law.param_names]]))
    estimates, claimed = [], []
    for _ in range(250):
        problem = replace(base.problem, target=clean * np.exp(0.01 * rng.standard_normal(120)))
        ends = solve(problem, base.coordinates, start, base.weights[None])
        T = base.coordinates.to_params(ends.u)[1][0]
        inner = coordinate_covariance(problem, base.coordinates, ends.u[0], base.weights, base.units)
        estimates.append(ends.theta[0])
        claimed.append(np.sqrt(np.diag(T @ inner @ T.T)))
    np.testing.assert_allclose(np.median(claimed, axis=0), np.std(estimates, axis=0), rtol=0.25)


# Intervals that crash on a Huber objective.


@pytest.mark.parametrize("objective", [sf.Huber(1e-3), sf.Huber(1.0), sf.Absolute(), sf.Cauchy(0.01), sf.Square()])
def test_intervals_exist_for_every_objective(noisy_runs, objective):
    summary = sf.fit(noisy_runs, "chinchilla", objective=objective).summary(level=0.9)
    assert (summary["se"] > 0).all()
    assert ((summary["low"] < summary["estimate"]) & (summary["estimate"] < summary["high"])).all()


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_bootstrap_intervals_of_a_huber_fit_exist_in_both_kinds(noisy_runs, kind):
    summary = sf.fit(noisy_runs, "chinchilla").bootstrap(200, rng=0).summary(level=0.9, kind=kind)
    assert np.isfinite(summary[["se", "low", "high"]].to_numpy()).all()
    assert (summary["low"] < summary["high"]).all()


# Coordinate-wise medians of draws reported as the fit.


def test_after_a_bootstrap_the_estimates_are_still_the_minimum_and_not_medians_off_the_ridge(fit, drawn):
    assert drawn.estimates == fit.estimates
    assert drawn.summary()["estimate"].to_dict() == fit.estimates
    medians = drawn.draws.median()[list(NAMES)].to_numpy()[None]
    at_medians = float(fit.problem.value(medians, fit.weights[None])[0])
    assert at_medians > 1.01 * drawn.objective
    assert drawn.objective == fit.objective <= LOWEST


# Resamples that did not converge counted as if they had.


def draws_off_their_minimum(drawn: sf.Fit, most: int = 200) -> dict[int, float]:
    """Draw -> what a Newton step would still take off the objective of its own resample, where that is not nothing."""
    left = {
        draw: expected_decrease(drawn, theta.to_numpy(), drawn.plan.counts[draw].astype(float))
        for draw, theta in drawn.draws.head(most).iterrows()
    }
    return {draw: decrease for draw, decrease in left.items() if not decrease < 1e-6}


def test_every_kept_draw_of_the_published_runs_is_a_minimum_of_its_own_resample(drawn):
    assert draws_off_their_minimum(drawn) == {}


def test_every_kept_draw_of_few_runs_is_a_minimum_of_its_own_resample(noisy_runs):
    assert draws_off_their_minimum(sf.fit(noisy_runs, "chinchilla").bootstrap(200, rng=0)) == {}


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refits take only so many steps, so that some or all cannot reach their minimum."""

    def cut_short(*args, **options):
        return solve(*args, **options, most_steps=steps)

    monkeypatch.setattr(refitting, "solve", cut_short)


def fail_where(which: Callable[[np.ndarray], np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the solver report no minimum for resamples whose row weights (B, n) are of some kind."""

    def sometimes_failing(problem, coordinates, starts, weights, **options):
        ends = solve(problem, coordinates, starts, weights, **options)
        ends.converged[which(weights)] = False
        return ends

    monkeypatch.setattr(refitting, "solve", sometimes_failing)


def lacks_first_row(weights: np.ndarray) -> np.ndarray:
    return weights[:, 0] == 0


def test_resamples_that_reach_no_minimum_are_left_out_counted_and_warned_about(noisy_runs, monkeypatch):
    fit = sf.fit(noisy_runs, "chinchilla")
    fail_where(lacks_first_row, monkeypatch)
    with pytest.warns(sf.FitWarning, match=r"of 100 resamples reached no minimum and were left out"):
        drawn = fit.bootstrap(100, rng=0)
    failed = lacks_first_row(drawn.plan.counts)
    assert drawn.n_failed == failed.sum() > 20
    assert drawn.draws.index.tolist() == np.flatnonzero(~failed).tolist()


def test_resamples_stopped_before_their_minimum_are_not_among_the_draws(noisy_runs, monkeypatch):
    fit = sf.fit(noisy_runs, "chinchilla")
    weights = fit.bootstrap(100, rng=0).plan.counts.astype(float)
    needed = solve(fit.problem, fit.coordinates, np.tile(fit.u, (100, 1)), weights).steps
    stop_after(int(np.quantile(needed, 0.2)), monkeypatch)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "chinchilla: .* reached no minimum and were left out", sf.FitWarning)
        cut = fit.bootstrap(100, rng=0)
    assert len(cut.draws) + cut.n_failed == 100
    assert draws_off_their_minimum(cut) == {}


def test_where_no_resample_reaches_a_minimum_there_are_no_intervals(noisy_runs, monkeypatch):
    fit = sf.fit(noisy_runs, "chinchilla")
    stop_after(1, monkeypatch)
    with pytest.raises(sf.FitError, match="none of the 20 resamples reached a minimum"):
        fit.bootstrap(20, rng=0)


def test_few_failures_are_counted_without_a_warning(noisy_runs, monkeypatch):
    fit = sf.fit(noisy_runs, "chinchilla")
    first = fit.bootstrap(100, rng=0).plan.counts[0].astype(float)
    fail_where(lambda weights: (weights == first).all(axis=1), monkeypatch)
    drawn = fit.bootstrap(100, rng=0)
    assert drawn.n_failed == 1
    assert drawn.draws.index.tolist() == list(range(1, 100))


# Two fits bootstrapped with the same seed taken for paired.


@pytest.fixture(scope="module")
def two_fits() -> tuple[sf.Fit, sf.Fit]:
    """Two losses of the same 60 runs, whose scatter has one cause."""
    law, x = sf.get_law("power_offset"), np.geomspace(1e18, 1e22, 60)
    scatter = np.exp(0.01 * np.random.default_rng(5).standard_normal(60))
    one = sf.fit({"x": x, "loss": law({"E": 1.7, "A": 2000.0, "alpha": 0.17}, {"x": x}) * scatter}, law)
    other = sf.fit({"x": x, "loss": law({"E": 1.5, "A": 1500.0, "alpha": 0.16}, {"x": x}) * scatter}, law)
    return one, other


def correlation_of_predictions(a: sf.Fit, b: sf.Fit) -> float:
    left, right = (draws["E"] for draws in sf.joint_draws(a, b))
    return float(np.corrcoef(left, right)[0, 1])


def test_fits_bootstrapped_with_one_seed_are_not_taken_for_paired(two_fits):
    a, b = (fit.bootstrap(400, rng=0) for fit in two_fits)
    assert np.corrcoef(a.draws["E"], b.draws["E"])[0, 1] > 0.9, "the seeds must pair them by accident for this to test"
    assert abs(correlation_of_predictions(a, b)) < 4 / np.sqrt(400)


def test_fits_that_share_a_plan_are_paired(two_fits):
    a = two_fits[0].bootstrap(400, rng=0)
    b = two_fits[1].bootstrap(plan=a.plan)
    assert correlation_of_predictions(a, b) > 0.9


def test_pairs_are_matched_by_resample_where_some_of_them_failed(two_fits, monkeypatch):
    a = two_fits[0].bootstrap(400, rng=0)
    fail_where(lacks_first_row, monkeypatch)
    with pytest.warns(sf.FitWarning, match="left out"):
        b = two_fits[1].bootstrap(plan=a.plan)
    left, right = sf.joint_draws(a, b)
    assert 0 < len(left) == len(right) == len(b.draws) < 400
    pd.testing.assert_frame_equal(left, a.draws.loc[b.draws.index].reset_index(drop=True))
    assert correlation_of_predictions(a, b) > 0.9


def test_draws_of_two_fits_side_by_side_are_the_same_each_time(two_fits):
    a, b = (fit.bootstrap(100, rng=0) for fit in two_fits)
    first, second = sf.joint_draws(a, b), sf.joint_draws(a, b)
    pd.testing.assert_frame_equal(first[1], second[1])


def test_fits_without_draws_cannot_stand_side_by_side(two_fits):
    with pytest.raises(sf.FitError, match=r"Both fits need draws: call fit\.bootstrap"):
        sf.joint_draws(*two_fits)
