"""Schedules that were not run: whole curves, comparisons, the share of decay, a decay from now and live runs."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from known_curves import LAW, PEAK, STEPS, WARMUP, plans, simulated, true_loss
from scalefit.decisions.schedules.anneal import anneal_now, decay_from
from scalefit.decisions.schedules.comparison import compare_schedules
from scalefit.decisions.schedules.decay import best_decay, lowest_between
from scalefit.decisions.schedules.live import forecast_rest
from scalefit.decisions.schedules.own_level import own_level, read_log

mpl.use("agg")


@pytest.fixture(scope="module")
def fit():
    known = {name: plan for name, plan in plans().items() if name in ("constant", "cosine", "linear")}
    return sf.fit(simulated(known), LAW, schedules=known)


@pytest.fixture(scope="module")
def flat():
    known = {"constant": plans()["constant"], "longer": sf.Schedule.constant(steps=3000, peak=PEAK, warmup=WARMUP)}
    return sf.fit(simulated(known), LAW, schedules=known)


def test_a_predicted_curve_ends_at_the_last_step_and_holds_the_truth(fit):
    plan = plans()["wsd"]
    told = fit.predict_curve(plan, level=0.99)
    assert told["step"].iloc[-1] == STEPS
    assert told["step"].iloc[0] == 100  # where the fitted rows begin
    assert 150 <= len(told) <= 200
    assert (told["lr"].to_numpy() == plan.rates[told["step"]]).all()
    truth = true_loss(plan, told["step"])
    assert np.allclose(told["estimate"], truth, rtol=2e-3)
    assert ((told["low"] <= truth) & (truth <= told["high"])).mean() > 0.9


def test_a_curve_at_named_steps_is_that_of_predict(fit):
    plan = plans()["wsd"]
    told = fit.predict_curve(plan, steps=[500, 1000, 2000], level=0.8, interval="run")
    same = fit.predict({"step": [500, 1000, 2000]}, schedules={"run": plan}, level=0.8, interval="run")
    pd.testing.assert_frame_equal(told[same.columns], same)
    assert told.columns.tolist() == ["step", "lr", "estimate", "low", "high", "beyond"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": [2500]}, "step 2500, but its schedule ends at step 2000"),
        ({"steps": []}, "steps is empty"),
        ({"steps": [1.5]}, "whole numbers"),
        ({"at": {"params": 1e6}}, "at= names params; lr_annealing: it has no other inputs"),
    ],
)
def test_a_curve_that_cannot_be_predicted_says_why(fit, given, said):
    with pytest.raises(sf.ScalefitError, match=said):
        fit.predict_curve(plans()["wsd"], **given)


def test_a_curve_needs_a_schedule_and_a_law_that_takes_one(fit):
    with pytest.raises(sf.DataError, match=r"needs a Schedule.*got list"):
        fit.predict_curve([1e-3, 1e-3])
    runs = sf.datasets.load("microlm").groupby("run").last()
    with pytest.raises(sf.LawError, match=r"law of whole training curves.*chinchilla"):
        sf.fit(runs[runs.family == "lstm"], "chinchilla").predict_curve(plans()["wsd"])


def test_other_inputs_are_those_of_the_runs_or_must_be_named():
    law = sf.get_law("lr_annealing_n").with_settings(**LAW.derive.settings)
    known, rows = plans(), []
    for number, params in enumerate((1e6, 3e6, 1e7)):
        part = simulated({name: known[name] for name in ("constant", "cosine")}, rng=number)
        rows.append(part.assign(run=part.run + f"-{params:g}", params=params, loss=part.loss + 50 * params**-0.3))
    runs = pd.concat(rows, ignore_index=True)
    schedules = {run: known[run.split("-")[0]] for run in runs.run}
    sized = sf.fit(runs, law, schedules=schedules, fixed={"gamma": 0.0})
    with pytest.raises(sf.FitError, match=r"params goes from 1e\+06 to 1e\+07.*at=\{'params': 1e\+07\}"):
        sized.predict_curve(known["wsd"])
    told = sized.predict_curve(known["wsd"], steps=[STEPS], at={"params": 3e6})
    assert told["estimate"].iloc[0] == pytest.approx(
        float(true_loss(known["wsd"], [STEPS])[0]) + 50 * 3e6**-0.3, rel=3e-3
    )
    assert (told["params"] == 3e6).all()


def test_a_comparison_finds_the_schedule_that_is_best_and_by_how_much(fit):
    told = compare_schedules(fit, plans())
    truth = {name: float(true_loss(plan, [STEPS])[0]) for name, plan in plans().items()}
    assert told.best == min(truth, key=truth.get)
    assert told.frame["schedule"].tolist() == sorted(truth, key=truth.get)
    frame = told.frame.set_index("schedule")
    assert frame["probability"].sum() == pytest.approx(1.0)
    assert frame["difference"].iloc[0] == frame["difference_low"].iloc[0] == frame["difference_high"].iloc[0] == 0
    for name, loss in truth.items():
        assert frame.loc[name, "estimate"] == pytest.approx(loss, rel=2e-3)


def test_differences_are_joint_and_so_narrower_than_losses(fit):
    near = sf.Schedule.wsd(steps=STEPS, peak=PEAK, warmup=WARMUP, decay_start=1590)
    row = compare_schedules(fit, {"a": plans()["wsd"], "b": near}).frame.iloc[1]
    assert row.difference_high - row.difference_low < 0.2 * (row.high - row.low)


def test_two_equal_schedules_share_nothing_to_choose(fit):
    told = compare_schedules(fit, {"a": plans()["wsd"], "b": plans()["wsd"]})
    assert told.frame["difference"].tolist() == [0.0, 0.0]


def test_schedules_of_different_length_are_not_compared(fit):
    other = sf.Schedule.cosine(steps=1000, peak=PEAK, warmup=WARMUP)
    with pytest.raises(sf.DataError, match=r"same number of steps; got cosine 1000 and wsd 2000.*predict_curve"):
        compare_schedules(fit, {"cosine": other, "wsd": plans()["wsd"]})
    with pytest.raises(sf.DataError, match="two schedules or more; got 1"):
        compare_schedules(fit, {"wsd": plans()["wsd"]})


def test_a_fit_that_saw_no_decay_says_so_first(flat):
    for told in (
        compare_schedules(flat, plans()),
        best_decay(flat, steps=STEPS, peak=PEAK, warmup=WARMUP, fractions=[0.1, 0.2, 0.3]),
        anneal_now(flat, simulated({"own": plans()["constant"]}), steps=200, schedule=plans()["constant"]),
    ):
        assert repr(told).startswith("DO NOT RELY ON IT")
        assert told.doubts[0].startswith("no fitted run ever lowers its rate, so what a decay saves is not identified")
        assert not told.trusted


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            sf.Schedule.constant(steps=STEPS, peak=2 * PEAK, warmup=WARMUP),
            "its peak rate is 0.004 and that of the fitted",
        ),
        (sf.Schedule.constant(steps=9000, peak=PEAK, warmup=WARMUP), r"area under the rate is 4\.5 times"),
    ],
)
def test_what_lies_outside_the_fitted_runs_is_a_doubt(fit, schedule, said):
    twin = sf.Schedule.from_log({"step": np.arange(schedule.steps + 1), "lr": schedule.rates})
    told = compare_schedules(fit, {"a": schedule, "b": twin})
    assert any(pd.Series(told.doubts).str.contains(said)), told.doubts
    assert compare_schedules(fit, plans()).doubts == ()


def test_steps_at_a_rate_of_zero_are_refused_where_the_law_would_be_paid_for_them(fit):
    still = sf.Schedule.multistep(steps=STEPS, peak=PEAK, warmup=WARMUP, milestones=[1500], values=[0.0])
    with pytest.raises(sf.DataError, match="rate is zero in 501 steps"):
        compare_schedules(fit, {"still": still, "wsd": plans()["wsd"]})


def test_a_rate_below_the_fitted_ones_is_a_doubt():
    known = {name: plans()[name] for name in ("constant", "cosine")}
    told = compare_schedules(sf.fit(simulated(known), LAW, schedules=known), plans())
    assert any("its rate falls to 0; no fitted row lies below" in doubt for doubt in told.doubts)


def test_the_shares_of_a_fit_that_is_not_identified_have_no_intervals(flat):
    told = best_decay(flat, steps=STEPS, peak=PEAK, warmup=WARMUP, fractions=[0.1, 0.2, 0.3])
    assert told.frame[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)
    assert np.isnan([told.low, told.high]).all()
    assert told.tied == told.flat
    assert "90 %" not in repr(told)
    assert "none, for the fit is not identified" in repr(told)


def test_the_best_share_of_decay_is_that_of_the_true_law(fit):
    told = best_decay(fit, steps=STEPS, peak=PEAK, warmup=WARMUP, end=PEAK / 10)
    shares = np.linspace(0.01, 1.0, 200)
    starts = [STEPS - round(share * (STEPS - WARMUP)) for share in shares]
    frame = {"steps": STEPS, "peak": PEAK, "warmup": WARMUP, "end": PEAK / 10}
    truth = [float(true_loss(sf.Schedule.wsd(**frame, decay_start=one), [STEPS])[0]) for one in starts]
    best = float(shares[int(np.argmin(truth))])
    assert told.low <= told.best <= told.high
    assert told.flat[0] <= best <= told.flat[1]
    assert abs(told.best - best) < 0.1
    inside = np.interp(told.frame["fraction"][told.frame["flat"]], shares, truth)
    assert inside.max() - min(truth) < 2 * told.noise + 0.002
    assert not told.at_edge
    assert "do as well" in repr(told).splitlines()[0]
    assert told.tied[0] <= told.flat[0] < told.flat[1] <= told.tied[1]


def test_a_best_share_at_the_edge_of_those_tried_is_said(fit):
    told = best_decay(fit, steps=STEPS, peak=PEAK, warmup=WARMUP, end=PEAK / 10, fractions=[0.01, 0.02, 0.03])
    assert told.at_edge
    assert "the edge of the shares tried" in repr(told)
    with pytest.raises(sf.DataError, match=r"in \(0, 1\]; got \[0.5, 1.5\]"):
        best_decay(fit, steps=STEPS, peak=PEAK, fractions=[0.5, 1.5])


def test_the_lowest_place_between_is_that_of_a_parabola():
    shares = np.array([0.1, 0.2, 0.4, 0.8])
    losses = np.array([(shares - 0.27) ** 2, -shares, np.full(4, np.nan)])
    assert lowest_between(shares, losses)[:2] == pytest.approx([0.27, 0.8])
    assert np.isnan(lowest_between(shares, losses)[2])


def test_a_decay_from_now_reaches_what_the_run_would_have_reached(fit):
    own = plans()["constant"]
    log = simulated({"own": own}, rng=5, shift={"own": 0.02}).query("step <= 1200")
    told = anneal_now(fit, log, steps=[200, 400, 800], schedule=own)
    for row in told.frame.itertuples():
        plan = sf.Schedule.wsd(steps=1200 + row.steps, peak=PEAK, warmup=WARMUP, decay_start=1200)
        truth = float(true_loss(plan, [plan.steps])[0]) * np.exp(0.02)
        assert row.low <= truth <= row.high
        assert row.estimate == pytest.approx(truth, rel=5e-3)
    assert told.offset == pytest.approx(0.02, abs=0.002)
    assert (np.diff(told.frame["saved"]) > 0).all()
    assert told.current == pytest.approx(float(true_loss(own, [1200])[0]) * np.exp(0.02), rel=2e-3)
    assert repr(told).startswith("Annealed from step 1,200 over 800 steps, the run would end at")


@pytest.mark.slow
def test_intervals_of_a_decay_from_now_hold_at_least_as_often_as_they_say():
    known = {name: plans()[name] for name in ("constant", "cosine", "linear")}
    held = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        shift = dict(zip([*known, "own"], rng.normal(0, 0.004, 4), strict=True))
        fit = sf.fit(simulated(known, rng=rng, shift=shift, every=60), LAW, schedules=known)
        log = simulated({"own": known["constant"]}, rng=rng, shift=shift, every=60).query("step <= 1200")
        row = anneal_now(fit, log, steps=400, schedule=known["constant"]).frame.iloc[0]
        plan = sf.Schedule.wsd(steps=1600, peak=PEAK, warmup=WARMUP, decay_start=1200)
        truth = float(true_loss(plan, [1600])[0]) * np.exp(shift["own"] + rng.normal(0, 0.002))
        held += row.low <= truth <= row.high
    assert held >= 27  # the law is right here, and intervals allow for one that errs by a fifth of the fall


def test_the_rates_so_far_may_come_from_the_log_itself(fit):
    own = plans()["constant"]
    log = simulated({"own": own}, first=1).assign(lr=lambda rows: own.rates[rows.step]).query("step <= 1201")
    told = anneal_now(fit, log, steps=400)
    assert told.rate == PEAK
    same = anneal_now(fit, log, steps=400, schedule=own)
    assert told.frame["estimate"].iloc[0] == pytest.approx(same.frame["estimate"].iloc[0], rel=5e-3)


def test_a_run_past_its_plateau_or_far_from_the_law_is_a_doubt(fit):
    cosine = plans()["cosine"]
    log = simulated({"own": cosine}).query("step <= 1200")
    assert any("has left its plateau" in one for one in anneal_now(fit, log, steps=200, schedule=cosine).doubts)
    far = log.assign(loss=1.3 * log.loss)
    told = anneal_now(fit, far, steps=200, schedule=cosine)
    assert any("farther from the law than fitted rows" in one and "lacks the warm-up" in one for one in told.doubts)


def test_a_decay_from_a_fit_that_is_not_identified_gives_no_interval_and_no_word_of_it(flat):
    own = plans()["constant"]
    told = repr(anneal_now(flat, simulated({"own": own}).query("step <= 1200"), steps=[200, 400], schedule=own))
    assert not any(word in told for word in ("unknown", "nan", "90 %", "no interval"))
    assert "Intervals: none, for the fit is not identified" in told


@pytest.mark.parametrize(
    ("lr", "said"),
    [
        (
            lambda steps: np.where(steps < 1500, PEAK, PEAK / 2),
            "step 1,500, where the schedule has 0.002; they differ in 7",
        ),
        (lambda steps: np.full(len(steps), PEAK), "0.002 at step 1,625, where the schedule has 0.00187"),
    ],
)
def test_a_log_that_leaves_its_schedule_is_a_doubt_that_names_the_step(fit, lr, said):
    log = simulated({"own": plans()["wsd"]}).query("step <= 1650")
    log = log.assign(lr=lr(log.step.to_numpy()))
    told = forecast_rest(log, plans()["wsd"], fit=fit, points=1)
    assert told.doubts[0].startswith("the run does not follow this schedule: its learning rate is 0.00")
    assert said in told.doubts[0]
    assert repr(told).startswith("DO NOT RELY ON IT")


def test_a_log_that_never_agrees_with_its_schedule_is_refused(fit):
    log = simulated({"own": plans()["wsd"]}).query("step <= 1700").assign(lr=2.0)
    for ask in (forecast_rest, lambda log, plan, fit: anneal_now(fit, log, steps=100, schedule=plan)):
        with pytest.raises(
            sf.DataError, match=r"never those of the schedule: 2 at step 100, where the schedule has 0\.002"
        ):
            ask(log, plans()["wsd"], fit=fit)


def test_rates_counted_a_step_later_follow_the_schedule(fit):
    plan = plans()["cosine"]
    log = simulated({"own": plan}, first=1).query("step <= 1700")
    for shift in (-1, 0, 1):
        told = forecast_rest(log.assign(lr=plan.rates[log.step + shift]), plan, fit=fit, points=1)
        assert told.doubts == ()


@pytest.mark.filterwarnings("error")
def test_rows_and_steps_without_a_rate_pass_in_silence(fit):
    own = plans()["constant"]
    log = simulated({"own": own}).query("step <= 400")
    first = pd.DataFrame({"run": ["own"], "step": [0], "loss": [11.0]})
    log = pd.concat([first, log], ignore_index=True)
    assert np.isfinite(anneal_now(fit, log, steps=200, schedule=own, recent=1.0).frame).all(axis=None)
    assert np.isfinite(forecast_rest(log, own, fit=fit, recent=1.0).frame).all(axis=None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 0}, "whole number above 0; got 0"),
        ({"steps": []}, "whole number above 0"),
        ({"steps": 200, "end": PEAK}, "below the rate now; got end=0.002, the rate now is 0.002"),
        ({"steps": 200, "shape": "exp"}, "give end > 0"),
        ({"steps": 200, "shape": "wave"}, "shape must be one of"),
        ({"steps": 200, "schedule": sf.Schedule.constant(steps=900, peak=PEAK)}, "reaches step 1200, but its schedule"),
        ({"steps": 200, "schedule": None}, "needs a column 'lr'"),
    ],
)
def test_a_decay_that_cannot_be_made_says_why(fit, given, said):
    log = simulated({"own": plans()["constant"]}).query("step <= 1200")
    with pytest.raises(sf.ScalefitError, match=said):
        anneal_now(fit, log, **{"schedule": plans()["constant"], **given})


def test_a_run_whose_rate_is_zero_has_nothing_to_anneal(fit):
    linear = plans()["linear"]
    with pytest.raises(sf.DataError, match="it is zero already"):
        anneal_now(fit, simulated({"own": linear}), steps=100, schedule=linear)


def test_a_log_of_several_runs_or_of_one_step_twice_is_refused(fit):
    known = {name: plans()[name] for name in ("constant", "cosine")}
    logs = simulated(known)
    with pytest.raises(sf.DataError, match=r"log of one run; the table holds 2.*log\[log.run == 'constant'\]"):
        anneal_now(fit, logs, steps=100, schedule=known["constant"])
    twice = pd.concat([logs[logs.run == "constant"]] * 2)
    with pytest.raises(sf.DataError, match="step 100 stands in the log more than once"):
        anneal_now(fit, twice, steps=100, schedule=known["constant"])


def test_the_order_of_the_rows_of_a_log_does_not_matter(fit):
    own = plans()["constant"]
    log = simulated({"own": own}).query("step <= 1200")
    frames = [anneal_now(fit, one, steps=300, schedule=own).frame for one in (log, log.iloc[::-1])]
    pd.testing.assert_frame_equal(*frames)


def test_a_decay_goes_on_from_the_rate_now():
    plan = decay_from(plans()["constant"], 1000, 4, shape="linear", end=0.0)
    assert plan.rates[1000:].tolist() == pytest.approx([PEAK, 0.75 * PEAK, 0.5 * PEAK, 0.25 * PEAK, 0.0])


def test_the_level_of_a_run_is_found_to_its_standard_error(fit):
    own, found = plans()["constant"], []
    for seed in range(20):
        log = simulated({"own": own}, rng=seed, shift={"own": 0.05}).query("step <= 1500").drop(columns="run")
        found.append(own_level(fit, read_log(log, own, "loss", "test"), {}).offset)
    assert np.mean(found) == pytest.approx(0.05, abs=0.0015)
    assert np.std(found) < 0.0015


def test_the_rest_of_a_live_run_is_forecast_and_how_the_forecast_moved(fit):
    wsd = plans()["wsd"]
    log = simulated({"own": wsd}, rng=9, shift={"own": -0.01}).query("step <= 1700")
    told = forecast_rest(log, wsd, fit=fit)
    assert told.now == 1700
    assert told.frame["step"].iloc[0] == 1701
    assert told.frame["step"].iloc[-1] == STEPS
    truth = true_loss(wsd, told.frame["step"]) * np.exp(-0.01)
    assert ((told.frame["low"] <= truth) & (truth <= told.frame["high"])).all()
    assert told.history["seen_to"].iloc[-1] == 1700
    assert (told.history["low"] <= truth[-1]).all()
    assert (truth[-1] <= told.history["high"]).all()
    width = told.history["high"] - told.history["low"]
    assert width.iloc[-1] < 0.7 * width.iloc[0]
    assert "will end at" in repr(told).splitlines()[0]


def test_the_last_forecast_made_earlier_is_the_one_of_a_shorter_log(fit):
    wsd = plans()["wsd"]
    log = simulated({"own": wsd}, rng=9)
    whole = forecast_rest(log.query("step <= 1700"), wsd, fit=fit, points=2)
    early = forecast_rest(log[log.step <= whole.history["seen_to"].iloc[0]], wsd, fit=fit, points=1)
    assert early.history["estimate"].iloc[-1] == pytest.approx(whole.history["estimate"].iloc[0], rel=1e-12)


def test_a_live_run_on_its_plateau_alone_says_that_its_decay_is_a_guess():
    wsd = plans()["wsd"]
    log = simulated({"own": wsd}, every=40).query("step <= 1400")
    told = forecast_rest(log, wsd, points=1, rng=0)
    assert told.doubts[0].startswith("its rate has not fallen yet and there are no other runs")
    assert repr(told).startswith("DO NOT RELY ON IT")


@pytest.mark.slow
def test_a_live_run_is_forecast_with_the_curves_of_others():
    known = {name: plans()[name] for name in ("constant", "cosine", "linear")}
    wsd = plans()["wsd"]
    log = simulated({"own": wsd}, rng=4, every=40).query("step <= 1700")
    told = forecast_rest(log, wsd, curves=simulated(known, every=40), schedules=known, points=2, rng=0)
    assert len(told.history) == 2
    assert told.frame["estimate"].iloc[-1] == pytest.approx(float(true_loss(wsd, [STEPS])[0]), rel=0.01)


@pytest.mark.parametrize(
    ("last", "given", "said"),
    [
        (2000, {}, "ends with its schedule at step 2000"),
        (150, {}, "needs 5 rows of the log or more; got 3"),
        (1000, {"points": 0}, "points must be 1 or more"),
        (1000, {"curves": pd.DataFrame()}, "not both"),
    ],
)
def test_a_rest_that_cannot_be_forecast_says_why(fit, last, given, said):
    log = simulated({"own": plans()["wsd"]})
    with pytest.raises(sf.ScalefitError, match=said):
        forecast_rest(log[log.step <= last], plans()["wsd"], fit=fit, **given)


def test_steps_beyond_the_planned_schedule_are_an_error(fit):
    log = simulated({"own": sf.Schedule.constant(steps=2500, peak=PEAK, warmup=WARMUP)})
    with pytest.raises(sf.DataError, match="the log reaches step 2500, but its schedule ends at step 2000"):
        forecast_rest(log, plans()["wsd"], fit=fit)


def test_pictures_show_what_the_answers_hold(fit):
    own = plans()["constant"]
    log = simulated({"own": own}).query("step <= 1200")
    answers = {
        "rate": compare_schedules(fit, plans()),
        "final loss (nats per token)": best_decay(
            fit, steps=STEPS, peak=PEAK, warmup=WARMUP, fractions=[0.1, 0.2, 0.4]
        ),
        "annealed": anneal_now(fit, log, steps=[200, 400], schedule=own),
        "rest": forecast_rest(log, plans()["wsd"], fit=fit),
        "learning rate": sf_optimum(fit),
    }
    for name, told in answers.items():
        figure, ax = plt.subplots()
        assert told.plot(ax=ax) is ax
        labels = ax.get_legend_handles_labels()[1]
        if name == "rate":
            assert labels == told.frame["schedule"].tolist()
            below = ax.child_axes[0]
            assert below.get_xlabel() == "training step"
            assert len(below.lines) == len(plans())
            line = ax.lines[0].get_xydata()
            curve = told.curves[told.curves["schedule"] == told.best]
            assert np.allclose(line, curve[["step", "estimate"]])
        elif name == "annealed":
            assert labels == ["the run so far", "annealed over 200 steps", "annealed over 400 steps"]
        elif name == "rest":
            assert "its end, forecast at that step" in labels
        else:
            assert name in (ax.get_ylabel(), *labels) or ax.get_ylabel().startswith(name)
        plt.close(figure)


def sf_optimum(fit):
    from scalefit.decisions.schedules.optimize import optimize_schedule

    return optimize_schedule(fit, steps=500, peak=PEAK, floor=PEAK / 10, warmup=WARMUP)


def test_answers_are_the_same_each_time(fit):
    log = simulated({"own": plans()["constant"]}).query("step <= 1200")
    frames = [anneal_now(fit, log, steps=300, schedule=plans()["constant"]).frame for _ in range(2)]
    pd.testing.assert_frame_equal(*frames)
