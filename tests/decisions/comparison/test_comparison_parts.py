"""The parts of a comparison: claims, bands, places where a value is reached, words."""

import numpy as np
import pytest

from scalefit.decisions.comparison.answer import best_of, places_over
from scalefit.decisions.comparison.claims import band_of_all, chance, claims_of, lead_of
from scalefit.decisions.comparison.curves import _first_places
from scalefit.decisions.comparison.multipliers import round_goal
from scalefit.decisions.comparison.text import amount

PLACES = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ([1, 1, 1, 1, 1], [2, 2, 2, 2, 2], [("a", "all", 1, 5)]),
        ([1, 1, -1, -1, -1], [2, 2, 1, 1, 1], [("a", "up to", 1, 2)]),
        ([-2, -2, -1, 1, 1], [-1, -1, 1, 2, 2], [("b", "up to", 1, 2), ("a", "from", 4, 5)]),
        ([-1, 1, 1, -1, -1], [1, 2, 2, 1, 1], [("a", "between", 2, 3)]),
        ([-1, -1, -1, -1, -1], [1, 1, 1, 1, 1], []),
        ([1, 1, -2, -2, -2], [2, 2, -1, -1, -1], [("a", "up to", 1, 2), ("b", "from", 3, 5)]),
    ],
)
def test_a_claim_is_a_stretch_of_the_band_on_one_side_of_zero(low, high, expected):
    lead = np.tile((np.array(low) + np.array(high)) / 2.0, (10, 1))
    found = claims_of(("a", "b"), PLACES, lead, np.array(low, float), np.array(high, float))
    assert [(one.family, one.whole, one.low, one.high) for one in found] == expected
    assert all(one.share == 1.0 for one in found)


def test_the_share_of_a_claim_counts_draws_ahead_at_every_place_of_it():
    lead = np.ones((10, 5))
    lead[0, 2] = -1.0
    lead[1, 4] = -1.0
    (found,) = claims_of(("a", "b"), PLACES, lead, np.full(5, 0.1), np.full(5, 2.0))
    assert found.share == 0.8


def test_a_band_of_all_places_holds_whole_curves_at_its_level():
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.standard_normal((4000, 30)), axis=1)
    low, high = band_of_all(np.zeros(30), walks[:2000], 0.9)
    inside = ((walks[2000:] >= low) & (walks[2000:] <= high)).all(axis=1).mean()
    assert inside == pytest.approx(0.9, abs=0.03)
    pointwise = np.quantile(walks[:2000], [0.05, 0.95], axis=0)
    assert ((walks[2000:] >= pointwise[0]) & (walks[2000:] <= pointwise[1])).all(axis=1).mean() < 0.75


def test_a_band_of_draws_that_are_not_known_claims_nothing():
    low, high = band_of_all(np.ones(3), np.full((10, 3), np.nan), 0.9)
    assert (low == -np.inf).all()
    assert (high == np.inf).all()


def test_ties_count_half_and_unknown_draws_not_at_all():
    probability, undefined = chance(np.array([[1.0], [0.0], [-1.0], [np.nan]]))
    assert probability[0] == 0.5
    assert undefined[0] == 0.25


def test_a_difference_of_rounding_is_none():
    assert lead_of(np.array([2.0 + 1e-15]), np.array([2.0]), "low")[0] == 0.0
    assert (
        lead_of(np.array([2.1]), np.array([2.0]), "low")[0] < 0 < lead_of(np.array([2.1]), np.array([2.0]), "high")[0]
    )


def test_the_best_of_three_share_a_tie():
    drawn = {"a": np.array([[1.0, 2.0]]), "b": np.array([[1.0, 3.0]]), "c": np.array([[2.0, 1.0]])}
    low, high = best_of(drawn, "low"), best_of(drawn, "high")
    assert [low[name].tolist() for name in "abc"] == [[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]]
    assert [high[name].tolist() for name in "abc"] == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


def test_the_first_place_of_a_power_law_is_found_between_nodes():
    x = np.linspace(np.log(1e6), np.log(1e18), 160)
    floors, powers = np.array([1.0, 1.5, 0.0]), np.array([0.1, 0.2, 0.05])
    values = floors[:, None] + 30 * np.exp(-powers[:, None] * x)
    goals = np.array([5.0, 2.5, 1.2])
    with np.errstate(invalid="ignore", divide="ignore"):
        exact = -np.log((goals - floors[:, None]) / 30) / powers[:, None]
    exact = np.where((exact > x[0]) & (exact < x[-1]), exact, np.where(exact <= x[0], x[0], np.inf))
    exact = np.where(np.isnan(exact), np.inf, exact)
    np.testing.assert_allclose(_first_places(values, x, goals, "low"), exact, rtol=0, atol=2e-5)
    np.testing.assert_allclose(_first_places(-values, x, -goals, "high"), exact, rtol=0, atol=2e-5)


def test_of_a_curve_that_turns_the_first_place_counts():
    x = np.linspace(0, 10, 160)
    values = (x - 4) ** 2 + 1
    assert _first_places(values[None], x, np.array([2.0]), "low")[0, 0] == pytest.approx(3.0, abs=1e-4)
    assert np.isinf(_first_places(values[None], x, np.array([0.5]), "low")[0, 0])


def test_unknown_values_are_passed_over():
    x = np.linspace(0, 10, 160)
    values = 10 - x
    values[:30] = np.nan
    assert _first_places(values[None], x, np.array([2.0]), "low")[0, 0] == pytest.approx(8.0)


def test_places_hold_the_marks_exactly_and_go_beyond():
    places = places_over((1.0, 100.0), (3.0, 50.0), 11, 10.0)
    assert {3.0, 50.0} <= set(places)
    assert places[0] == 1.0
    assert places[-1] == pytest.approx(1000.0)
    assert (np.diff(places) > 0).all()
    assert len(places_over((1.0, 100.0), (1.0, 100.0), 11, 1.0)) == 11


@pytest.mark.parametrize("values", [(2.283, 1.1), (4.1, 3.99), (0.2, 0.7), (1e-3, 1e-5), (250.0, 30.0)])
def test_a_round_value_lies_in_the_better_half(values):
    worst, best = values
    goal = round_goal(values)
    low, high = sorted(((worst + best) / 2, best))
    assert low <= goal <= high
    assert len(f"{goal:.6g}".replace("0.", "").strip("0")) <= 4


def test_amounts_have_their_unit():
    assert amount(1.2e12, "flops") == "1.2e12 FLOP"
    assert amount(3e9, "tokens") == "3e9 tokens"
    assert amount(8.0, "shots") == "shots 8"
