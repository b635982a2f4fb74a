"""Several laws are weighed, those that run away are pulled in, and the back-test says how wide is wide enough."""

import numpy as np
import pytest

from scalefit.decisions.calibration import (
    DEVIATIONS_AT_90,
    FEW_SIZES_FACTOR,
    LARGEST_MISS,
    MANY_CUTS,
    conformal_distance,
    deviations_at,
    distance,
    own_factor,
)
from scalefit.decisions.combination import EQUAL_SHARE, pull_in, weigh, weighted_median


def test_equal_criteria_give_equal_weights():
    assert weigh([3.0, 3.0, 3.0, 3.0]) == pytest.approx(np.full(4, 0.25))


def test_no_law_weighs_less_than_its_share_of_what_is_equal():
    weights = weigh([0.0, 1000.0, 2000.0])
    assert weights.sum() == pytest.approx(1.0)
    assert weights == pytest.approx([1 - EQUAL_SHARE + EQUAL_SHARE / 3, EQUAL_SHARE / 3, EQUAL_SHARE / 3])


def test_weights_depend_on_differences_alone():
    assert weigh([1.0, 2.0]) == pytest.approx(weigh([-501.0, -500.0]))


def test_a_difference_of_aicc_counts_half():
    """exp(-1/2 * 1/2 * 4) is 1/e: the odds of the part that is not equal."""
    first, second = weigh([0.0, 4.0]) - EQUAL_SHARE / 2
    assert second / first == pytest.approx(np.exp(-1))


def test_the_weighted_median_is_the_value_at_half_the_weight():
    estimates = np.array([[1.0, 9.0], [2.0, 2.0], [3.0, 1.0]])
    assert weighted_median(estimates, np.array([0.2, 0.2, 0.6])) == pytest.approx([3.0, 1.0])
    assert weighted_median(estimates, np.array([0.3, 0.4, 0.3])) == pytest.approx([2.0, 2.0])


def test_a_law_that_runs_away_is_pulled_in_and_the_others_stay():
    estimates = np.array([[0.70], [0.71], [0.72], [40.0]])
    pulled = pull_in(estimates, np.full(4, 0.25), 0.01)
    assert pulled[:3] == pytest.approx(estimates[:3])
    assert 0.72 < pulled[3, 0] < 0.8


def test_laws_that_agree_are_left_as_they_are():
    estimates = np.array([[0.700, 0.5], [0.701, 0.5]])
    assert pull_in(estimates, np.array([0.5, 0.5]), 0.01) == pytest.approx(estimates)


def test_ninety_percent_span_two_deviations_and_other_levels_scale_as_a_normals():
    assert deviations_at(0.9, [], 5) == pytest.approx(DEVIATIONS_AT_90, rel=1e-4)
    assert deviations_at(0.5, [], 5) == pytest.approx(DEVIATIONS_AT_90 * 0.67449 / 1.64485, rel=1e-4)


def test_three_sizes_widen_the_interval_by_half():
    assert deviations_at(0.9, [], 3) == pytest.approx(FEW_SIZES_FACTOR * deviations_at(0.9, [], 4))


def test_a_back_test_that_went_well_does_not_narrow_the_interval():
    assert own_factor([np.full(20, 0.01)] * 4) == 1.0


def test_a_back_test_that_missed_widens_the_interval_but_not_without_end():
    """Four cuts count as much as the rule: its square and theirs are averaged."""
    expected = DEVIATIONS_AT_90 / 1.6449  # what a cut's root mean square may be
    assert own_factor([np.full(9, 2 * expected)] * 4) == pytest.approx(np.sqrt((1 + 4) / 2))
    assert own_factor([np.full(9, 1e6)]) == pytest.approx(np.sqrt((4 + LARGEST_MISS**2) / 5))


def test_many_cuts_replace_the_rule():
    scores = [np.array([0.1 * (cut + 1)]) for cut in range(MANY_CUTS)]
    assert deviations_at(0.9, scores, 5) == pytest.approx(conformal_distance(0.9, scores))


def test_the_conformal_distance_is_the_quantile_with_one_more_cut_to_come():
    """Of 20 cuts with one run each, 0.9 * 21 / 20 is 18.9 of them: the nineteenth distance."""
    scores = [np.array([float(cut)]) for cut in range(1, 21)]
    assert conformal_distance(0.9, scores) == 19.0


def test_each_cut_counts_the_same_however_many_runs_it_judged():
    scores = [np.full(1000, 0.1), *[np.array([5.0])] * 19]
    assert conformal_distance(0.5, scores) == 5.0


def test_the_share_of_new_cuts_within_the_conformal_distance_is_the_level():
    """20 cuts and one more, exchangeable, 2,000 times: coverage 0.9 to 0.95, by the rank of the last; se 0.007."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        sizes = rng.standard_exponential(21)
        held += sizes[20] <= conformal_distance(0.9, [np.array([size]) for size in sizes[:20]])
    assert 0.88 <= held / 2000 <= 0.96


def test_a_distance_is_measured_with_the_deviation_of_its_own_side():
    assert distance([3.0, 1.0], [2.0, 2.0], [0.5, 0.5], [0.25, 0.25]) == pytest.approx([4.0, -2.0])
