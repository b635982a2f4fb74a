"""Stop or go on: probabilities of a live run, what they decide, and what they are of."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.schedules.chances import chance_below, draws_between
from scalefit.decisions.schedules.faults import divergence_text
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


def test_where_what_a_decay_saves_is_unknown_there_is_no_decision_and_it_says_what_to_do(logs, live):
    rows = logs[logs.run.isin(["constant"])]
    poor = sf.fit(rows, "lr_annealing", schedules=PLANS)
    told = stop_or_go(
        sf.forecast_rest(logs[(logs.run == "cosine") & (logs.step <= 1200)], PLANS["cosine"], fit=poor, points=1), 1.5
    )
    assert told.decision == "no decision"
    assert told.said().state == "bad"
    assert repr(told).startswith("No decision: no fitted run ever lowers its rate")
    assert "fit a run with a decay too" in repr(told).splitlines()[0]
    assert np.isnan(told.probability)


@pytest.fixture(scope="module")
def seen(logs):
    return logs[(logs.run == "cosine") & (logs.step <= 1200)][["step", "loss"]].reset_index(drop=True)


def forecast(log, fit, plan="cosine"):
    return sf.forecast_rest(log, PLANS[plan], fit=fit, points=1)


@pytest.mark.parametrize("back", [3, 1])
def test_one_spike_is_left_out_named_and_changes_no_decision(seen, fit, back):
    spiked = seen.assign(loss=np.where(seen.index == len(seen) - back, 5.5, seen.loss))
    clean, told = forecast(seen, fit), forecast(spiked, fit)
    step = int(seen.step.iloc[-back])
    assert told.frame.estimate.iloc[-1] == pytest.approx(clean.frame.estimate.iloc[-1], rel=2e-3)
    assert any(f"1 row of the log lies off the others: 5.5 at step {step:,}; it is left out" in d for d in told.doubts)
    for bar, decision in ((1.4, "stop"), (1.65, "go on")):
        assert stop_or_go(told, bar).decision == stop_or_go(clean, bar).decision == decision
    assert "DO NOT" not in repr(told) or back == 1
    assert stop_or_go(told, 1.65).said().state == "doubtful"


def test_a_spike_is_left_out_where_the_curves_are_fitted_too(seen, logs):
    others = {"curves": logs[logs.run.isin(["constant", "linear"])], "schedules": PLANS, "points": 1, "rng": 0}
    spiked = seen.assign(loss=np.where(seen.index == len(seen) - 4, 5.5, seen.loss))
    clean, told = (sf.forecast_rest(log, PLANS["cosine"], **others).frame.iloc[-1] for log in (seen, spiked))
    assert told.estimate == pytest.approx(clean.estimate, rel=3e-3)
    assert told.high - told.low < 1.3 * (clean.high - clean.low)


def test_rows_that_stay_above_are_the_course_of_a_run_and_no_spikes(seen, fit):
    shifted = seen.assign(loss=np.where(seen.index >= len(seen) - 5, 1.04 * seen.loss, seen.loss))
    told = forecast(shifted, fit)
    assert not any("left out" in doubt for doubt in told.doubts)
    assert told.frame.estimate.iloc[-1] > forecast(seen, fit).frame.estimate.iloc[-1]


def test_a_run_that_diverged_is_to_be_stopped_and_the_sentence_says_since_when(seen, fit):
    gone = seen.loss.to_numpy().copy()
    gone[-6:] = [2.0, 2.5, 3.0, 4.0, 5.0, 6.0]
    live = forecast(seen.assign(loss=gone), fit)
    told = stop_or_go(live, 1.5, flops=1e15)
    assert told.decision == "stop"
    assert told.diverged == live.diverged != ""
    first = repr(told).splitlines()[0]
    assert first.startswith(
        f"Stop: the run has diverged: from step {int(seen.step.iloc[-6]):,} on its loss stands above"
    )
    assert first.endswith("stopping now saves 40 % of its steps, 4e14 FLOP")
    assert np.isnan(told.probability)
    assert np.isnan(told.frame.probability.iloc[-1])
    assert repr(live).startswith("DO NOT RELY ON IT")


def test_a_loss_that_rises_with_its_rate_has_not_diverged():
    steps = np.arange(20, 1001, 20)
    plan = sf.Schedule("from_log", np.where(np.arange(1501) < 700, 1e-4, 1e-3), 1e-3, 0)
    rises = np.where(steps < 700, 2.0, 2.3) + 1 / steps
    assert divergence_text(steps, rises, plan) == ""
    assert "from step 700 on" in divergence_text(steps, rises, sf.Schedule.constant(steps=1500, peak=1e-3))


@pytest.mark.parametrize("kind", ["fit", "curves"])
def test_what_only_makes_a_forecast_less_sure_still_decides_what_is_clear(seen, logs, fit, kind):
    # The fitted runs end at a tenth of the peak and the live one at zero; its log has no rates. No row more of the log
    # would ever take these doubts away.
    plan = sf.Schedule.linear(**COMMON)
    if kind == "fit":
        rows = logs[logs.run.isin(["constant", "cosine"])]
        known = sf.fit(rows, sf.get_law("lr_annealing").with_settings(decay=0.98), schedules=PLANS)
        live = sf.forecast_rest(seen, plan, fit=known, points=1)
        assert any("its rate falls to 0" in doubt for doubt in live.doubts)
    else:
        rows = logs[logs.run.isin(["constant", "cosine"])][["run", "step", "loss"]]
        live = sf.forecast_rest(seen, plan, curves=rows, schedules=PLANS, points=1, rng=0)
        assert any("no learning rates" in doubt for doubt in live.doubts)
    assert stop_or_go(live, 9.0).decision == "go on"
    assert stop_or_go(live, 0.5).decision == "stop"
    assert stop_or_go(live, float(live.frame.estimate.iloc[-1])).decision == "cannot tell yet"
    if kind == "fit":
        bar = float(np.quantile(live.finals[-1], 0.93))
        told = stop_or_go(live, bar)
        assert told.probability == pytest.approx(0.93, abs=0.01)
        assert told.cautious < 0.9
        assert told.decision == "cannot tell yet"
        assert "2 times as wide" in repr(told)


def test_another_schedule_than_the_one_said_is_no_decision(logs, fit):
    log = logs[(logs.run == "wsd-80") & (logs.step <= 1200)].assign(
        lr=lambda rows: rows.lr.where(rows.step < 900, 1e-4)
    )
    told = stop_or_go(sf.forecast_rest(log, PLANS["wsd-80"], fit=fit, points=1), 9.0)
    assert told.decision == "no decision"
    first = repr(told).splitlines()[0]
    assert "No decision: the run does not follow this schedule" in first
    assert "give the schedule that it follows (as it is, 100 % to beat it)" in first


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
