"""Raw runs say between which of them one family overtakes another, with no law."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from crossing_fits import BASE, STEEPER, ladder, surface
from scalefit.decisions.crossover.find import find_crossover
from scalefit.decisions.crossover.raw import find_raw_crossover
from scalefit.decisions.crossover.raw_curves import Rows, frontier, smooth

TOKENS = np.geomspace(1e9, 1e12, 7)
COLUMNS = ["location", "low", "high", "probability", "direction", "left", "right"]


def family(name, losses, *, tokens=TOKENS, params=1e8):
    return pd.DataFrame({"family": name, "params": params, "tokens": tokens, "loss": losses})


def pair(noise=0.0, **settings):
    """Cross at 3e10 tokens, a little below the middle run of 3.16e10."""
    scatter = np.random.default_rng(0).standard_normal((2, len(TOKENS)))
    flat, steep = (30 * 3e10**-0.2 * (TOKENS / 3e10) ** -slope for slope in (0.1, 0.15))
    return pd.concat(
        [
            family("flat", flat * np.exp(noise * scatter[0]), **settings),
            family("steep", steep * np.exp(noise * scatter[1]), **settings),
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def seen():
    return find_raw_crossover(pair(), along="tokens", draws=100)


def test_the_runs_on_either_side_of_the_crossing_are_named(seen):
    (row,) = seen.frame.itertuples(index=False)
    assert list(seen.frame) == COLUMNS
    assert (row.left, row.right) == (pytest.approx(TOKENS[2]), pytest.approx(TOKENS[3]))
    assert row.location == pytest.approx(3e10, rel=0.01)
    assert row.direction == "flat ahead before, steep after"
    assert row.low <= row.location <= row.high
    assert row.probability > 0.9
    assert repr(seen).startswith(
        "In the raw runs, of all sizes together: flat is ahead up to 1e10 tokens and steep from"
    )


def test_what_was_compared_is_kept(seen):
    assert list(seen.points) == ["family", "tokens", "loss", "smooth", "runs"]
    assert len(seen.points) == 14
    assert seen.points.smooth.to_numpy() == pytest.approx(seen.points.loss.to_numpy())
    assert seen.common == (pytest.approx(1e9), pytest.approx(1e12))


def test_only_runs_near_the_size_asked_for_are_compared():
    strange = pair(params=1e9).assign(loss=lambda runs: 9 - runs.loss)
    both = pd.concat([pair(), strange], ignore_index=True)
    near = find_raw_crossover(both, along="tokens", at={"params": 1.1e8}, draws=20)
    assert near.frame.location[0] == pytest.approx(3e10, rel=0.01)
    assert near.chosen == "within a factor of 1.25 of params = 1.1e+08"
    assert near.points.runs.sum() == 14
    with pytest.raises(sf.DataError, match=r"flat has runs at 0 places along 'tokens' \(within a factor of 1.25"):
        find_raw_crossover(both, along="tokens", at={"params": 3e8})
    wide = find_raw_crossover(both, along="tokens", at={"params": 3e8}, tolerance=4, draws=20)
    assert wide.points.runs.sum() == 28


def test_runs_of_a_ratio_are_compared_along_compute():
    runs = pd.concat([ladder(BASE, noise=0, family="base"), ladder(STEEPER, noise=0, family="steeper")])
    seen = find_raw_crossover(runs.reset_index(drop=True), along="flops", ratio=20, draws=20)
    assert seen.points.runs.sum() == 16
    assert seen.frame.direction.tolist() == ["base ahead before, steeper after"]
    assert seen.chosen == "within a factor of 1.25 of 20 tokens per parameter"


def test_along_compute_with_nothing_said_the_best_runs_of_each_are_compared():
    runs = pd.concat([ladder(BASE, noise=0, family="base"), ladder(STEEPER, noise=0, family="steeper")])
    seen = find_raw_crossover(runs.reset_index(drop=True), along="flops", draws=20)
    assert seen.chosen == "the best of each family for its compute"
    assert seen.points.runs.sum() < len(runs)
    assert seen.frame.direction.tolist()[-1] == "base ahead before, steeper after"


def test_the_frontier_holds_what_nothing_cheaper_beats():
    rows = Rows(np.array([1.0, 2, 3, 4, 4]), np.array([3.0, 4, 2, 2, 1]), np.arange(5))
    assert frontier(rows, "low").along.tolist() == [1, 3, 4]
    assert frontier(rows, "high").target.tolist() == [3, 4]


def test_a_run_that_went_wrong_is_smoothed_over():
    rows = Rows(np.array([1.0, 2, 3, 4]), np.array([4.0, 2.0, 3.0, 1.0]), np.arange(4))
    assert smooth(rows, "low", logarithmic=False).values.tolist() == [4, 2.5, 2.5, 1]
    assert smooth(rows, "high", logarithmic=False).values.tolist() == [2.5] * 4
    twice = Rows(np.array([1.0, 1, 2]), np.array([4.0, 2, 1]), np.arange(3))
    assert smooth(twice, "low", logarithmic=False).seen.tolist() == [3, 1]


def test_families_that_do_not_cross_are_said_not_to():
    runs = pair()
    runs.loc[runs.family == "steep", "loss"] *= 0.7
    seen = find_raw_crossover(runs, along="tokens", draws=50)
    assert seen.frame.empty
    assert list(seen.frame) == COLUMNS
    assert seen.ahead == {"flat": 0, "steep": 1}
    said = "No crossing in the raw runs along tokens, of all sizes together: steep is ahead from 1e9 to 1e12 tokens"
    assert repr(seen).startswith(said)


def test_high_values_are_ahead_for_accuracies_and_zero_is_one_of_them():
    runs = pair().assign(accuracy=lambda table: (3 - table.loss) / 4)
    runs.loc[0, "accuracy"] = 0.0
    seen = find_raw_crossover(runs, along="tokens", target="accuracy", draws=50)
    assert seen.frame.direction.tolist()[-1] == "flat ahead before, steep after"
    low = find_raw_crossover(runs, along="tokens", target="accuracy", better="low", draws=20)
    assert low.points.groupby("family").smooth.nunique().tolist() == [1, 1]  # made to fall, what grows is level


def test_noise_makes_the_answer_less_sure():
    sure, unsure = (find_raw_crossover(pair(noise), along="tokens", draws=100) for noise in (0.0, 0.03))
    assert unsure.frame.probability.min() <= sure.frame.probability[0]
    assert (unsure.frame.high / unsure.frame.low).max() > sure.frame.high[0] / sure.frame.low[0]


def test_repeated_calls_agree_and_a_seed_may_be_given():
    first, again, other = (
        find_raw_crossover(pair(0.005), along="tokens", draws=50, rng=rng).frame for rng in (None, None, 7)
    )
    pd.testing.assert_frame_equal(first, again)
    assert other.location[0] == first.location[0]
    assert other.low[0] != first.low[0]


def test_rows_of_one_run_are_drawn_together():
    runs = pair(0.001).assign(run=lambda table: table.family + (table.index % 7 // 3).astype(str))
    seen = find_raw_crossover(runs, along="tokens", draws=200)
    assert seen.draws < 200  # some resamples hold one end of the range only
    assert seen.frame.location[0] == pytest.approx(3e10, rel=0.2)


def test_two_of_several_families_may_be_named():
    runs = pd.concat([pair(), family("other", TOKENS**-0.01)], ignore_index=True)
    with pytest.raises(sf.DataError, match=r"'family' holds 3: flat, other and steep. Name two: names=\('flat'"):
        find_raw_crossover(runs, along="tokens")
    seen = find_raw_crossover(runs, along="tokens", names=("steep", "flat"), draws=20)
    assert seen.names == ("steep", "flat")
    assert seen.frame.direction.tolist() == ["flat ahead before, steep after"]


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [
        ({"along": "size"}, sf.ColumnError, "needs a column 'size'"),
        ({"by": "arch"}, sf.ColumnError, "needs a column 'arch'"),
        ({"target": "accuracy"}, sf.ColumnError, "needs a column 'accuracy'"),
        ({"names": ("flat", "steeper")}, sf.DataError, "Did you mean 'steep'"),
        ({"names": ("flat", "flat")}, sf.FitError, "names are two different families"),
        ({"tolerance": 1.0}, sf.FitError, "tolerance is a factor above 1"),
        ({"at": {"params": 0}}, sf.FitError, "near a number above zero; got 0"),
        ({"draws": 1}, sf.FitError, "draws is a whole number of resamples, at least 2"),
        ({"better": "less"}, sf.FitError, "better must be 'low' or 'high'"),
        ({"level": 90}, sf.FitError, "Did you mean 0.9"),
    ],
)
def test_what_cannot_be_compared_is_said(said, error, match):
    with pytest.raises(error, match=match):
        find_raw_crossover(pair(), **{"along": "tokens", **said})


def test_ranges_that_do_not_meet_are_named():
    runs = pair()
    late = runs.family == "steep"
    runs.loc[late, "tokens"] *= 1e4
    with pytest.raises(sf.DataError, match=r"no range along 'tokens' in common: flat from 1e\+09 to 1e\+12 and steep"):
        find_raw_crossover(runs, along="tokens")


def test_the_runs_behind_two_fits_are_asked_what_their_laws_were():
    fits = surface(BASE, family="base"), surface(STEEPER, seed=1, family="steeper")
    told = find_crossover(*fits, along="tokens", at={"params": float(np.geomspace(1e7, 1e9, 8)[3])})
    seen = told.check_raw(draws=20)
    assert seen.points.runs.sum() == 10
    assert seen.names == told.names
    assert seen.frame.direction.tolist() == told.frame.direction.tolist()
    compute = find_crossover(*fits, along="flops", cost=("9 * params * tokens", None)).check_raw(draws=20)
    assert compute.chosen == "the best of each family for its compute"
    assert compute.points.flops[compute.points.family == "base"].max() == pytest.approx(9e20, rel=0.01)
    assert find_crossover(*fits, along="flops", ratio=20).check_raw(draws=20).points.runs.sum() == 16
    with pytest.raises(sf.FitError, match="Raw runs cannot be chosen: a path of one's own"):
        find_crossover(*fits, along="flops", path=lambda c: {"params": c**0.4, "tokens": c**0.6 / 6}).check_raw()
    with pytest.raises(sf.FitError, match="tolerance is a factor above 1"):
        told.check_raw(tolerance=0.5)


def test_html_begins_with_the_answer(seen):
    first = seen._repr_html_().splitlines()[1]
    assert "<strong>In the raw runs, of all sizes together: flat is ahead up to" in first
