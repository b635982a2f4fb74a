"""What answers about schedules say of logs without rates, a short memory and equal schedules, and what they draw."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import scalefit as sf
from known_curves import LAW, PEAK, STEPS, WARMUP, plans, simulated

SEEN = {name: plans()[name] for name in ("constant", "cosine")}


def logged(frame):
    rates = [plans()[run].rates[step] for run, step in zip(frame["run"], frame["step"], strict=True)]
    return frame.assign(lr=rates)


@pytest.fixture(scope="module")
def fit():
    return sf.fit(simulated(SEEN), LAW, schedules=SEEN)


@pytest.fixture(scope="module")
def blind():
    """A fit without a decay, whose answers have no intervals."""
    return sf.fit(simulated({"constant": SEEN["constant"]}), LAW, schedules=SEEN)


def said_in_legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_live_log_without_rates_cannot_be_held_against_its_plan():
    log = simulated({"linear": plans()["linear"]}).query("step <= 1200")
    told = sf.forecast_rest(log, plans()["linear"], points=1, rng=0)
    assert told.doubts[0].startswith("the log has no learning rates")
    told = sf.forecast_rest(logged(log), plans()["linear"], points=1, rng=0)
    assert not any("no learning rates" in doubt for doubt in told.doubts)


@pytest.mark.parametrize(
    ("decay", "said"),
    [(0.99, "some 100 steps, fewer than by default"), (0.999, "1,000 steps, by default"), (0.9995, "")],
)
def test_a_decay_from_now_says_how_long_its_law_remembers(decay, said):
    fit = sf.fit(simulated(SEEN), sf.get_law("lr_annealing").with_settings(decay=decay), schedules=SEEN)
    told = sf.anneal_now(
        fit, simulated({"constant": plans()["constant"]}).query("step <= 1200"), steps=200, schedule=plans()["constant"]
    )
    assert (said in str(told)) if said else ("remembers" not in str(told))
    assert ("sf.profile_setting(runs, 'lr_annealing', 'decay')" in str(told)) == bool(said)


def test_two_names_of_one_schedule_come_to_the_same(fit):
    told = sf.compare_schedules(fit, {"a": plans()["linear"], "b": plans()["linear"]})
    assert told.frame["probability"].tolist() == [0.5, 0.5]
    assert "a and b come to the same: they end at" in str(told)


def test_equal_schedules_are_told_apart_from_a_third(fit):
    told = sf.compare_schedules(fit, {"c": plans()["constant"], "a": plans()["linear"], "b": plans()["linear"]})
    assert "a and b come to the same, the lowest of 3" in str(told)


def test_a_curve_with_a_warm_up_that_the_fit_never_saw_is_warned_of(fit):
    late = sf.fit(logged(simulated(SEEN)), LAW)
    with pytest.warns(sf.FitWarning, match="the fitted runs are taken to have begun at full rate"):
        told = late.predict_curve(plans()["linear"])
    assert told["beyond"].max() < 5
    assert (fit.predict_curve(plans()["linear"])["beyond"] >= 1).all()


def test_an_input_that_was_zero_or_less_is_measured_in_widths_of_its_range(fit):
    low, high = fit.problem.inputs[1].min(), fit.problem.inputs[1].max()
    assert low < 0
    assert high < 0
    rows = pd.DataFrame({"S1": 1.0, "S2": [(low + high) / 2, low - (high - low) / 2, 2 * high - low]})
    assert fit.predict(rows)["beyond"].tolist() == pytest.approx([1.0, 1.5, 2.0])


def test_a_rest_without_a_band_promises_none(fit, blind):
    log = simulated({"linear": plans()["linear"]}).query("step <= 1200")
    assert "its rest, 90 %" in said_in_legend(sf.forecast_rest(log, plans()["linear"], fit=fit, points=2).plot())
    plt.figure()
    assert "its rest" in said_in_legend(sf.forecast_rest(log, plans()["linear"], fit=blind, points=2).plot())


def test_the_shares_not_told_from_the_best_are_drawn_as_they_are_said(fit):
    told = sf.best_decay(fit, steps=STEPS, peak=PEAK, warmup=WARMUP)
    assert told.tied != told.flat
    ax = told.plot()
    spans = {patch.get_label(): (patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches}
    assert spans["not told from the best"] == pytest.approx(told.tied)
    assert spans["does as well as the best"] == pytest.approx(told.flat)


@pytest.mark.parametrize("name", ["learning rate", "lr-AdamW"])
def test_a_rate_under_an_unusual_name_is_guessed_in_the_error(name):
    with pytest.raises(sf.ColumnError, match=rf"columns=\{{'lr': '{name}'\}}"):
        sf.fit(logged(simulated(SEEN)).rename(columns={"lr": name}), LAW)


def test_two_sizes_under_one_schedule_are_not_pooled_in_silence():
    one = logged(simulated({"cosine": plans()["cosine"]}))
    both = pd.concat([one.assign(run="small"), one.assign(run="large", loss=0.8 * one["loss"])])
    fit = sf.fit(both, LAW)
    assert "runs lie apart by 11 % about the law" in fit.verdict
    assert "rows count as about" in str(fit)
    assert "effective ones, and there are 4 free parameters" in str(fit)


def test_runs_of_one_law_do_not_lie_apart(fit):
    assert "lie apart" not in fit.verdict
