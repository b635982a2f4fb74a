"""Whether a law misses something: right laws are seldom accused, wrong ones found where there are runs enough."""

import numpy as np
import pandas as pd
import pytest

from noisy_runs import TRUTH, design, fitted, redrawn, with_scatter
from scalefit.uncertainty.lack_of_fit import lack_of_fit

RUNS = design(8, 5)
#: A third power term, 5 % of the loss at the smallest size, which falls off faster than the other two.
THIRD = 0.05 * (RUNS.params / 1e7) ** -1.0


def normal(seed, n, size=0.01):
    return size * np.random.default_rng(seed).standard_normal(n)


def student(seed, n, size=0.01):
    return size * np.random.default_rng(seed).standard_t(3, n) / np.sqrt(3)


@pytest.mark.parametrize("draw", [normal, student])
def test_a_right_law_is_seldom_accused(draw):
    exact = fitted(with_scatter(RUNS, 0.0))
    told = [lack_of_fit(redrawn(exact, draw(seed, len(RUNS)))) for seed in range(100)]
    # Of 100 at 5 %: more than 13 in 1 of 1,000 times
    assert sum(one.warns for one in told) <= 13
    assert np.mean([one.p_value for one in told]) == pytest.approx(0.5, abs=0.1)


def test_a_hidden_third_term_is_found_where_it_is_as_large_as_the_scatter():
    told = [lack_of_fit(fitted(with_scatter(RUNS, normal(seed, len(RUNS), 0.002), missed=THIRD))) for seed in range(3)]
    assert all(one.warns for one in told)
    assert all("bend along params" in one.words for one in told)
    assert told[0].test == "bends"


def test_one_broken_run_does_not_bend_a_law():
    scatter = normal(3, len(RUNS), 0.003)
    scatter[17] += 0.2
    assert not lack_of_fit(fitted(with_scatter(RUNS, scatter))).warns


def test_settings_that_differ_more_than_their_seeds_are_a_miss_without_a_bend():
    runs = design(6, 3, seeds=3)
    luck = np.repeat(np.random.default_rng(0).standard_normal(18) * 0.02, 3)
    told = lack_of_fit(fitted(with_scatter(runs, luck + normal(1, len(runs), 0.002))))
    assert told.warns
    assert told.test == "repeats"
    assert told.p_repeats < 1e-6
    assert "repeats of one setting" in told.words


def test_seeds_about_a_right_law_raise_no_alarm():
    runs = design(6, 3, seeds=3)
    exact = fitted(with_scatter(runs, 0.0))
    told = [lack_of_fit(redrawn(exact, normal(seed, len(runs)))) for seed in range(60)]
    assert sum(one.warns for one in told) <= 9
    assert all(np.isfinite(one.p_repeats) for one in told)


def checkpoints(runs, rows, *, named=True):
    """Rows along each of some runs, without scatter."""
    frame = pd.DataFrame(
        {
            "run": np.repeat([f"run{i}" for i in range(runs)], rows),
            "params": np.repeat(np.geomspace(1e7, 1e10, runs), rows),
            "tokens": np.tile(np.geomspace(2e9, 2e11, rows), runs),
        }
    )
    return with_scatter(frame if named else frame.drop(columns="run"), 0.0)


def luck(runs, rows, seed):
    """The scatter of rows of runs that keep most of their luck to the end."""
    rng = np.random.default_rng(seed)
    return 0.01 * np.repeat(rng.standard_normal(runs), rows) + 0.003 * rng.standard_normal(runs * rows)


def test_the_luck_of_whole_runs_is_no_miss():
    runs, rows = fitted(checkpoints(16, 8)), fitted(checkpoints(16, 8, named=False))
    accused = [[lack_of_fit(redrawn(fit, luck(16, 8, seed))).warns for seed in range(40)] for fit in (runs, rows)]
    assert sum(accused[0]) <= 7
    # taken for independent rows, the same residuals are a miss
    assert sum(accused[1]) >= 10


def test_a_miss_is_found_in_checkpoints_of_many_runs():
    frame = checkpoints(24, 8)
    frame["loss"] *= np.exp(0.2 * luck(24, 8, 0) + 0.1 * (frame.params / 1e7) ** -1.0)
    assert lack_of_fit(fitted(frame)).warns


def test_a_few_runs_with_many_rows_are_not_judged():
    told = lack_of_fit(redrawn(fitted(checkpoints(7, 10)), luck(7, 10, 0)))
    assert np.isnan(told.p_value)
    assert not told.warns
    assert "cannot be told" in told.words


def test_as_many_rows_as_parameters_leave_nothing_to_judge():
    frame = with_scatter(design(3, 2), normal(0, 6))
    assert np.isnan(lack_of_fit(fitted(frame)).p_value)


def test_a_parameter_fixed_at_a_wrong_value_is_a_miss():
    frame = with_scatter(RUNS, normal(5, len(RUNS), 0.003))
    assert lack_of_fit(fitted(frame, fixed={"alpha": 0.7})).warns
    assert not lack_of_fit(fitted(frame, fixed={"alpha": TRUTH["alpha"]})).warns


def test_the_same_fit_is_told_the_same():
    fit = redrawn(fitted(with_scatter(RUNS, 0.0)), normal(7, len(RUNS)))
    assert lack_of_fit(fit) == lack_of_fit(fit)
    assert repr(lack_of_fit(fit)) == lack_of_fit(fit).words
