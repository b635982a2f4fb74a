"""What is said against a plan: a warm-up the fit never saw, a law that does not describe its curves, an absurd loss."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf

STEPS, PEAK, WARMUP = 1500, 1e-3, 100
PLANS = {
    "constant": sf.Schedule.constant(steps=STEPS, peak=PEAK, warmup=WARMUP),
    "cosine": sf.Schedule.cosine(steps=STEPS, peak=PEAK, warmup=WARMUP),
    "wsd": sf.Schedule.wsd(steps=STEPS, peak=PEAK, warmup=WARMUP, decay_start=1200),
}
TRUE = {"L0": 1.5, "A": 0.5, "alpha": 0.4, "C": 2.0}


def logs(*names, decay=0.99):
    """Rows every ten steps after the warm-up, with 0.3 % of noise."""
    law, rng, steps = sf.get_law("lr_annealing"), np.random.default_rng(5), np.arange(150, STEPS + 1, 10)
    parts = []
    for name in names:
        seen = law.derive.function(PLANS[name].rates, steps, decay=decay, warmup="ramp")
        loss = law(TRUE, seen) * np.exp(0.003 * rng.standard_normal(len(steps)))
        parts.append(pd.DataFrame({"run": name, "step": steps, "lr": PLANS[name].rates[steps], "loss": loss}))
    return pd.concat(parts, ignore_index=True)


def fitted(frame, *, decay=0.99, schedules=PLANS):
    return sf.fit(frame, sf.get_law("lr_annealing").with_settings(decay=decay), schedules=schedules)


def test_a_sound_fit_has_nothing_against_it():
    assert sf.compare_schedules(fitted(logs("constant", "cosine")), PLANS).doubts == ()


def test_a_fit_that_never_saw_the_warm_up_is_not_asked_about_one_in_silence():
    told = sf.compare_schedules(fitted(logs("constant", "cosine"), schedules=None), PLANS)
    assert any("begun at full rate" in doubt and "schedules={run:" in doubt for doubt in told.doubts)


def test_a_law_that_misses_its_curves_is_doubted():
    told = sf.compare_schedules(fitted(logs("constant", "cosine"), decay=0.9995), PLANS)
    assert any("off the law where single rows scatter by" in doubt for doubt in told.doubts)


def test_a_parameter_at_its_bound_is_doubted():
    frame = logs("constant", "cosine")
    fit = sf.fit(
        frame, sf.get_law("lr_annealing").with_settings(decay=0.99), schedules=PLANS, bounds={"alpha": (0.6, 2.0)}
    )
    assert fit.judgement.at_bound == ("alpha",)
    assert any(doubt == "alpha of lr_annealing ended at a bound" for doubt in sf.compare_schedules(fit, PLANS).doubts)


def test_a_loss_below_zero_is_no_loss():
    fit = fitted(logs("constant", "cosine"))
    grown = {
        name: sf.Schedule.wsd(steps=STEPS, peak=40 * PEAK, decay_start=1000 + k) for k, name in enumerate(("a", "b"))
    }
    assert "which is no loss" in sf.compare_schedules(fit, grown).doubts[0]


def test_one_schedule_or_a_list_is_no_mapping():
    fit = fitted(logs("constant", "cosine"))
    with pytest.raises(sf.DataError, match=r"mapping of name to Schedule, such as .* got list"):
        sf.compare_schedules(fit, list(PLANS.values()))
    with pytest.raises(sf.DataError, match=r"mapping of run to Schedule, such as .* got Schedule"):
        sf.fit(logs("constant"), "lr_annealing", schedules=PLANS["constant"])


def test_what_is_not_identified_has_no_interval_that_its_estimate_could_fall_out_of():
    told = sf.compare_schedules(fitted(logs("constant")), PLANS)
    assert told.frame[["low", "high"]].isna().all(axis=None)
    assert str(told).startswith("DO NOT RELY ON IT")
