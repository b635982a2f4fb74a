"""Where two families cross: known, or not known at all, and never the edge of where it was looked for."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.planning.candidates import candidates
from scalefit.decisions.planning.crossing import EVERY, crossing_of
from scalefit.decisions.planning.plan import plan_runs
from scalefit.decisions.planning.target import Target

ONE = {"E": 1.75, "A": 380.0, "alpha": 0.33, "B": 900.0, "beta": 0.31}
LAWS = {"base": ONE, "new": {**ONE, "A": 900.0, "alpha": 0.375}}
REACH = (1e15, 1e24)
CROSSOVER = Target.crossover("family", "flops", REACH)
OFFERED = candidates([1e18, 1e19, 1e20], ratio=[5, 20, 80])
EVEN = np.full(100, 0.01)
X = np.linspace(0.0, 10.0, 121)


def trained(design: pd.DataFrame, seed: int) -> pd.DataFrame:
    parts = [
        sf.simulate_runs("chinchilla", law, rows[["params", "tokens", "flops", "family"]], noise=0.006, rng=seed + k)
        for k, (name, law) in enumerate(LAWS.items())
        if len(rows := design[design.family == name])
    ]
    return pd.concat(parts)


def in_both(design: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([design.assign(family=name) for name in LAWS], ignore_index=True)


BEGUN = trained(in_both(candidates([1e16, 3e16, 1e17], splits=3)), seed=0)


def true_crossing() -> float:
    """Where the laws cross with 20 tokens a parameter."""
    flops = np.geomspace(*REACH, 20001)
    size = np.sqrt(flops / 120)
    base, new = (sf.get_law("chinchilla")(law, {"params": size, "tokens": 20 * size}) for law in LAWS.values())
    return float(flops[np.argmin(np.abs(new - base))])


@pytest.fixture(scope="module")
def plan():
    return plan_runs(BEGUN, "chinchilla", OFFERED, budget=1e21, target=CROSSOVER, draws=64, rng=0)


def lines(slope, place) -> np.ndarray:
    return np.asarray(slope) * (X - np.asarray(place)[:, None])


def test_a_crossing_is_found_where_a_difference_changes_its_sign():
    place = np.linspace(3.0, 7.0, 100)
    told = crossing_of(X, lines(-1.0, place), EVEN)
    assert told.place == pytest.approx(place)
    assert told.inside == pytest.approx(1)
    assert told.worth[[0, -1]].max() < 0.01 < told.worth.max()  # nobody asks about places at which they surely crossed


def test_draws_that_do_not_cross_lie_beyond_the_end_that_the_others_point_to():
    """The second family overtakes: one that leads nowhere crosses above, one that leads throughout below."""
    told = crossing_of(X, lines(-1.0, np.r_[np.full(60, 5.0), np.full(30, 12.0), np.full(10, -2.0)]), EVEN)
    assert np.isposinf(told.place[60:90]).all()
    assert np.isneginf(told.place[90:]).all()
    assert told.inside == pytest.approx(0.6)


def test_the_edge_of_the_search_is_never_printed_as_knowledge():
    """With three draws in ten beyond the reach the width is that of the difference, whatever the reach."""
    gap = lines(-0.01, np.r_[np.full(70, 5.0), np.full(30, 12.0)])
    frame, half = crossing_of(X, gap, EVEN).told(EVEN, 0.9)
    assert np.isinf(frame.high[0])
    wider = crossing_of(10 * X, gap, EVEN).told(EVEN, 0.9)[1]
    assert half == pytest.approx(wider, rel=0.01)
    assert half == pytest.approx(0.01 * 7 / 2, rel=0.01)


def test_a_crossing_that_is_known_has_the_width_of_its_own_interval():
    place = np.linspace(4.0, 6.0, 100)
    _, half = crossing_of(X, lines(-1.0, place), EVEN).told(EVEN, 0.9)
    assert half == pytest.approx(0.9, abs=0.03)


def test_families_that_never_cross_are_compared_where_they_are_closest_to_it():
    rng = np.random.default_rng(0)
    told = crossing_of(X, 1 + rng.uniform(0, 1, 100)[:, None] + 0 * X, EVEN)
    assert told.inside == 0
    assert np.isfinite(told.asked(EVEN)).all()
    assert len(told.worth) == len(X[EVERY // 2 :: EVERY])


def test_a_crossing_that_is_not_known_is_said_to_be_so(plan):
    row = plan.forecast.iloc[0]
    assert not plan.target_known
    assert row.inside < 0.95
    assert "where base and new cross is not known: they do between 1e15 and 1e24 in" in plan.doubts[0]
    text = str(plan)
    assert "the difference of base and new where they may cross along flops is then known to ±" in plan.said().headline
    assert "beyond 1e24" in text or "below 1e15" in text
    assert "inf" not in text


def test_runs_that_help_are_found_while_the_crossing_is_not_known(plan):
    """Planning for the crossing itself, with the edges of the reach for draws without one, found 'nothing helps'."""
    assert plan.helps
    assert plan.half_width_after < 0.7 * plan.half_width
    after = plan.update(trained(plan.frame.head(6), seed=10))
    assert after.helps


def test_once_the_offered_runs_are_trained_the_crossing_is_known_or_at_least_bracketed(plan):
    after = plan.update(trained(in_both(OFFERED), seed=20))
    row, truth = after.forecast.iloc[0], true_crossing()
    assert row.low < truth < row.high
    assert row.inside > plan.forecast.inside[0]
    assert row.low > 10 * REACH[0]
