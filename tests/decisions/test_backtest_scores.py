"""What a back-test says of its predictions: each number can be made again from the frame."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from known_ladders import ladder

SMOOTH = {"draws": 20, "rng": 0}


@pytest.fixture(scope="module")
def tested():
    return sf.backtest(ladder(), "chinchilla", cuts=(0.5, 0.7), level=0.8, **SMOOTH)


def with_rows(test, **columns):
    """The back-test with some columns of its frame replaced."""
    return replace(test, frame=test.frame.assign(**columns))


def test_errors_and_ends_are_relative_to_what_was_seen(tested):
    rows = tested.errors
    assert rows.relative.to_numpy() == pytest.approx((rows.estimate / rows.observed - 1).to_numpy())
    assert rows.relative_low.to_numpy() == pytest.approx((rows.low / rows.observed - 1).to_numpy())
    assert rows.relative_high.to_numpy() == pytest.approx((rows.high / rows.observed - 1).to_numpy())
    assert (rows.held == ((rows.relative_low <= 0) & (rows.relative_high >= 0))).all()
    assert list(rows)[: len(tested.frame.columns)] == list(tested.frame)


def test_the_interval_score_is_the_width_and_a_penalty_for_what_lies_outside(tested):
    """Gneiting and Raftery 2007, eq. 43: at level 0.8 a miss costs 2 / 0.2 = 10 times its distance."""
    seen = tested.frame.observed
    inside = with_rows(tested, low=0.98 * seen, high=1.03 * seen)
    assert inside.errors.interval_score.to_numpy() == pytest.approx(0.05)
    below = with_rows(tested, low=1.01 * seen, high=1.03 * seen)
    assert below.errors.interval_score.to_numpy() == pytest.approx(0.02 + 10 * 0.01)
    above = with_rows(tested, low=0.9 * seen, high=0.96 * seen)
    assert above.errors.interval_score.to_numpy() == pytest.approx(0.06 + 10 * 0.04)


def test_the_interval_score_is_least_for_the_true_quantiles():
    """For normal errors the score of mean ± z sd is least at the z of the level, 1.2816 at 80 %."""
    from scalefit.decisions.backtest_scores import errors_of_rows

    seen = 2 + 0.01 * np.random.default_rng(0).standard_normal(100_000)
    scores = {
        z: errors_of_rows(
            pd.DataFrame({"observed": seen, "estimate": 2.0, "low": 2 - 0.01 * z, "high": 2 + 0.01 * z}), 0.8
        ).interval_score.mean()
        for z in (0.9, 1.1, 1.2816, 1.5, 1.8)
    }
    assert min(scores, key=scores.get) == 1.2816


def test_the_summary_holds_score_and_edge(tested):
    runs = ladder()
    flops = 6 * runs.params * runs.tokens
    line = tested.summary.set_index("cut").loc[0.7]
    assert line.interval_score == pytest.approx(tested.errors[tested.errors.cut == 0.7].interval_score.mean())
    assert line.largest_fitted == flops.nsmallest(21).max()


def test_a_run_counts_once_however_many_rows_it_has():
    """One run of the two judged has nine rows that are missed, the other one row that is held."""
    runs = ladder(sizes=8, budgets=4).assign(run=[f"run {i}" for i in range(32)])
    more = pd.concat([runs, *[runs.iloc[[-1]]] * 8], ignore_index=True)
    test = sf.backtest(more, "chinchilla", along="params", cuts=[0.9], **SMOOTH)
    assert test.frame.run.value_counts().max() == 9
    missed = test.frame.run == test.frame.run.iloc[-1]
    seen = test.frame.observed
    spoilt = with_rows(test, low=seen.where(~missed, 2 * seen), high=seen.where(~missed, 3 * seen), estimate=seen)
    n_runs = test.frame.run.nunique()
    assert spoilt.summary.coverage[0] == pytest.approx(1 - 1 / n_runs)
    assert spoilt.overall.n_runs == n_runs


def test_the_whole_counts_each_cut_once(tested):
    told = tested.overall
    for name in ("error", "bias", "coverage", "half_width", "interval_score"):
        assert told[name] == pytest.approx(tested.summary[name].mean())
    assert (told.n_cuts, told.n_runs, told.n_points) == (2, 15, 24)
    assert told.largest_factor == tested.frame.factor.max()


def test_errors_that_share_their_sign_are_said_to(tested):
    high = with_rows(tested, estimate=1.01 * tested.frame.observed)
    assert high.overall.same_sign == 1
    said = "within a cut 100 % of the errors have the same sign: the evidence is 2 cuts and 15 runs, not 24 points"
    assert said in repr(high)
    half = with_rows(tested, estimate=tested.frame.observed * np.resize([0.99, 1.01, 1.01], 24))
    assert half.overall.same_sign == pytest.approx(2 / 3)


def test_a_long_table_is_cut_in_the_middle(tested):
    many = {cut / 100: tested.fits[0.5] for cut in range(10, 60)}
    frame = pd.concat([tested.frame[tested.frame.cut == 0.5].assign(cut=cut) for cut in many])
    lines = repr(replace(tested, frame=frame, fits=many)).splitlines()
    assert len(lines) == 3 + 15 + 1 + 15 + 3  # the first line and the header, the rows, what is said below
    assert "…" in lines[18]


def test_what_is_handed_out_may_be_changed_without_changing_the_record(tested):
    summary, errors = tested.summary, tested.errors
    summary["error"], errors["relative"] = 0.0, 0.0
    assert tested.summary.error.min() > 0
    assert tested.errors.relative.abs().min() > 0
