"""Stop or go on: probabilities of a live run, what they decide, and what they are of."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.schedules.chances import chance_below, draws_between
from scalefit.decisions.schedules.stopping import stop_or_go

COMMON = {"steps": 2000, "peak": 0.004, "warmup": 64}
PLANS = {
    "constant": sf.Schedule.constant(**COMMON),
    "linear": sf.Schedule.linear(**COMMON),
    "cosine": sf.Schedule.cosine(**COMMON, end=0.0004),
    "wsd-80": sf.Schedule.wsd(**COMMON, decay_start=1600),
}


@pytest.fixture(scope="module")
def logs():
    logs = sf.datasets.load("microlm", part="schedules")
    return logs[(logs.width == 48) & (logs.step > 200)].assign(run=lambda rows: rows.schedule)


@pytest.fixture(scope="module")
def fit(logs):
    law = sf.get_law("lr_annealing").with_settings(decay=0.98)
    return sf.fit(logs[logs.run.isin(["constant", "linear"])], law, schedules=PLANS)


@pytest.fixture(scope="module")
def live(logs, fit):
    return sf.forecast_rest(logs[(logs.run == "cosine") & (logs.step <= 1200)], PLANS["cosine"], fit=fit, points=4)


def test_the_probability_agrees_with_the_interval_of_the_forecast(live):
    last = live.frame.iloc[-1]
    assert live.probability(below=last.low) == pytest.approx(0.05, abs=0.005)
    assert live.probability(below=last.high) == pytest.approx(0.95, abs=0.005)
    assert live.probability(below=1.0) == 0
    assert live.probability(below=3.0) == 1
    for seen, row in zip(live.finals, live.history.itertuples(), strict=True):
        assert np.quantile(seen, [0.05, 0.95]) == pytest.approx([row.low, row.high])


def test_a_loss_out_of_reach_stops_one_in_reach_goes_on_and_between_cannot_be_told(live):
    assert stop_or_go(live, 1.4).decision == "stop"
    assert stop_or_go(live, 1.7).decision == "go on"
    between = stop_or_go(live, float(live.frame.estimate.iloc[-1]))
    assert between.decision == "cannot tell yet"
    assert between.said().state == "doubtful"
    assert stop_or_go(live, 1.4).said().state == "good"


def test_the_sentence_says_what_with_which_probability_and_what_stopping_saves(live):
    text = repr(stop_or_go(live, 1.4, flops=1e15))
    first = text.splitlines()[0]
    assert first.startswith("Stop: the run, at step 1,200 of 2,000, beats 1.4 with 0 % (final loss 1.5")
    assert first.endswith("stopping now saves 40 % of its steps, 4e14 FLOP")
    assert "seen to step" in text
    assert "moved by" in text


def test_the_frame_is_what_would_have_been_said_at_each_point_of_the_log(logs, fit, live):
    told = stop_or_go(live, 1.5)
    assert told.frame.seen_to.tolist() == live.history.seen_to.tolist()
    early = int(told.frame.seen_to[0])
    then = sf.forecast_rest(logs[(logs.run == "cosine") & (logs.step <= early)], PLANS["cosine"], fit=fit, points=1)
    assert stop_or_go(then, 1.5).probability == told.frame.probability[0]
    assert told.frame.done[0] == early / 2000


def test_another_forecast_is_as_uncertain_as_it_says(logs, fit, live):
    other = sf.forecast_rest(logs[(logs.run == "wsd-80") & (logs.step <= 1200)], PLANS["wsd-80"], fit=fit, points=1)
    told = stop_or_go(live, against=other)
    sharp = stop_or_go(live, float(other.frame.estimate.iloc[-1]))
    assert sharp.probability < told.probability < 0.5
    assert told.rival.startswith("the other run, 1.4")
    itself = stop_or_go(live, against=live)
    assert itself.probability == pytest.approx(0.5)
    assert itself.decision == "cannot tell yet"
    row = pd.DataFrame({"estimate": [1.45], "low": [1.40], "high": [1.50]})
    assert 0 < stop_or_go(live, against=row).probability < 0.1


def test_a_forecast_with_doubts_decides_nothing_and_the_doubts_are_told(logs, live):
    rows = logs[logs.run.isin(["constant"])]
    poor = sf.fit(rows, "lr_annealing", schedules=PLANS)
    told = stop_or_go(
        sf.forecast_rest(logs[(logs.run == "cosine") & (logs.step <= 1200)], PLANS["cosine"], fit=poor, points=1), 1.5
    )
    assert told.decision == "cannot tell yet"
    assert told.said().state == "bad"
    assert repr(told).startswith("Cannot tell yet (")
    assert any("no fitted run ever lowers" in one for one in told.doubts)
    assert np.isnan(told.probability)
    assert "is not known" in repr(told)


def test_without_a_fit_the_forecast_of_curves_gives_the_probability(logs):
    log = logs[(logs.run == "cosine") & (logs.step <= 1200)]
    curves = logs[logs.run.isin(["constant", "linear"])]
    known = {name: PLANS[name] for name in ("constant", "linear")}
    live = sf.forecast_rest(log, PLANS["cosine"], curves=curves, schedules=known, points=1, rng=0)
    last = live.frame.iloc[-1]
    assert live.probability(below=last.high) == pytest.approx(0.95, abs=0.002)
    assert stop_or_go(live, 1.4).probability < 0.05 < 0.95 < stop_or_go(live, 1.7).probability


def test_draws_of_an_interval_have_its_ends_and_nothing_is_random():
    drawn = draws_between(3.0, 2.9, 3.3, 0.8)
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx([2.9, 3.0, 3.3], abs=2e-3)
    assert np.isnan(draws_between(3.0, np.nan, 3.2, 0.9)).all()


def test_the_chance_of_one_below_another_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    some, others = rng.standard_normal(50), rng.standard_normal(70)
    pairs = np.mean(some[:, None] < others[None])
    assert chance_below(some, others) == pytest.approx(pairs)
    assert np.isnan(chance_below(np.array([1.0, np.nan, np.nan]), others))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either a threshold"),
        ({"threshold": 1.5, "against": pd.DataFrame()}, "either a threshold"),
        ({"threshold": np.nan}, "finite loss"),
        ({"threshold": 1.5, "confident": 0.3}, "between 0.5 and 1"),
        ({"threshold": 1.5, "flops": -1.0}, "above 0"),
        ({"against": pd.DataFrame({"estimate": [1.0, 2.0], "low": 1.0, "high": 2.0})}, "has 2 rows"),
        ({"against": pd.DataFrame({"estimate": [1.0]})}, "column 'low'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_type(live, given, said):
    with pytest.raises(sf.ScalefitError, match=said):
        stop_or_go(live, **given)


def test_a_fit_is_no_run_and_the_message_says_how_to_make_it_one(live, fit):
    with pytest.raises(sf.FitError, match="interval='run'"):
        stop_or_go(live, against=fit)
    with pytest.raises(sf.FitError, match=r"sf\.forecast_rest"):
        stop_or_go(fit, 1.5)


def test_the_picture_shows_the_probability_and_where_it_decides(live):
    told = stop_or_go(live, 1.5)
    ax = told.plot(ax=Figure().subplots())
    assert ax.lines[0].get_ydata().tolist() == told.frame.probability.tolist()
    assert ax.get_ylabel() == "probability of beating 1.5"
    assert [text.get_text() for text in ax.texts] == ["go on above 90 %", "stop below 10 %"]
