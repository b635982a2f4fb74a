"""The search for the best set of runs: gains, conditioning, budgets, repeats."""

import itertools

import numpy as np
import pytest

from scalefit.decisions.planning.choosing import (
    Pool,
    choose,
    condition,
    gains,
    pull_in,
    weighted_covariance,
    weighted_quantile,
)


def pool(rng: np.random.Generator, count: int = 7, uses: int = 1) -> Pool:
    """Candidates and one target that have a few causes in common."""
    causes = rng.standard_normal((count + 1, 3))
    return Pool(causes @ causes.T, np.full(count, 0.1), rng.uniform(1.0, 4.0, count), np.full(count, uses), draws=1e9)


def variance_after(told: Pool, picks: tuple[int, ...]) -> float:
    """The textbook formula, all at once."""
    C, rows, k = told.covariance, list(picks), told.count
    inner = C[np.ix_(rows, rows)] + np.diag(told.noise[rows])
    return float(C[k, k] - C[k, rows] @ np.linalg.solve(inner, C[rows, k]))


def test_conditioning_run_by_run_gives_the_variance_of_the_textbook():
    told = pool(np.random.default_rng(0))
    C = told.covariance
    for pick in (2, 5, 0):
        C = condition(C, pick, told.noise[pick])
    assert C[-1, -1] == pytest.approx(variance_after(told, (2, 5, 0)), rel=1e-9)


def test_a_gain_is_what_conditioning_takes_from_the_variance():
    told = pool(np.random.default_rng(1))
    for pick, gain in enumerate(gains(told.covariance, told.noise, told.draws)):
        assert told.variance - gain == pytest.approx(variance_after(told, (pick,)), rel=1e-6)


def test_few_draws_show_no_gain_where_there_is_none():
    draws = np.random.default_rng(2).standard_normal((40, 2))  # a candidate and a target that have nothing in common
    weights = np.full(40, 1 / 40)
    C = weighted_covariance(draws, weights)
    shown = C[0, 1] ** 2 / (C[0, 0] + 0.01)
    assert gains(C, np.array([0.01]), 40.0)[0] < 0.5 * shown + 0.02


@pytest.mark.parametrize("seed", range(6))
def test_the_set_found_is_nearly_the_best_of_all_sets(seed):
    told = pool(np.random.default_rng(seed))
    budget = 6.0
    sets = [
        picks
        for size in range(1, told.count + 1)
        for picks in itertools.combinations(range(told.count), size)
        if told.cost[list(picks)].sum() <= budget
    ]
    best = min(variance_after(told, picks) for picks in sets)
    found = choose(told, budget, None)
    assert told.cost[list(found.picks)].sum() <= budget
    assert found.after <= 1.1 * best + 1e-3 * told.variance


def test_no_more_runs_are_chosen_than_asked_for():
    assert len(choose(pool(np.random.default_rng(3)), 100.0, 2).picks) <= 2


def test_a_candidate_is_repeated_only_where_it_may_be():
    C = np.array([[1.0, 0.9], [0.9, 1.0]])  # one candidate much like the target, of noisy outcome
    once, often = (Pool(C, np.ones(1), np.ones(1), np.array([uses]), draws=1e9) for uses in (1, 5))
    assert choose(once, 100.0, None).picks == (0,)
    assert len(choose(often, 100.0, None).picks) > 1


def test_nothing_is_chosen_where_nothing_can_be_paid():
    assert choose(pool(np.random.default_rng(5)), 0.5, None).picks == ()


def test_variances_fall_along_a_plan():
    found = choose(pool(np.random.default_rng(6)), 12.0, None)
    assert (np.diff(found.variances) <= 1e-12).all()


def test_a_draw_that_ran_away_does_not_rule_the_covariance():
    values = np.random.default_rng(7).standard_normal((200, 2))
    weights = np.full(200, 1 / 200)
    away = values.copy()
    away[0] = 1e6
    assert weighted_covariance(away, weights)[0, 0] < 1.3 * weighted_covariance(values, weights)[0, 0]
    assert pull_in(values, weights).shape == values.shape


def test_weighted_quantiles_count_weights_not_rows():
    values = np.array([[1.0], [2.0], [3.0]])
    assert weighted_quantile(values, np.array([0.1, 0.1, 0.8]), 0.5)[0] == 3.0
