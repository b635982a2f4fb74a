"""Predictions of part of a log, which does not show the rates before it."""

import warnings

import numpy as np
import pytest

import scalefit as sf
from known_curves import plans, simulated


def logged(*names):
    rows = simulated({name: plans()[name] for name in names})
    return rows.assign(lr=[plans()[run].rates[step] for run, step in zip(rows["run"], rows["step"], strict=True)])


@pytest.fixture(scope="module")
def fit():
    return sf.fit(logged("cosine", "constant"), "lr_annealing")


def test_the_last_rows_of_a_fitted_run_are_predicted_as_among_all(fit):
    rows = logged("cosine")
    whole = fit.predict(rows)["estimate"]
    assert fit.predict(rows.tail(3))["estimate"].tolist() == pytest.approx(whole.tail(3).tolist(), rel=1e-12)
    late = rows["step"] > 1200
    assert fit.predict(rows[late])["estimate"].tolist() == pytest.approx(whole[late].tolist(), rel=1e-12)


def test_the_one_run_of_a_fit_needs_no_name():
    rows = logged("cosine").drop(columns="run")
    fit = sf.fit(rows, "lr_annealing")
    assert fit.predict(rows.tail(3))["estimate"].tolist() == pytest.approx(
        fit.predict(rows)["estimate"].tail(3).tolist(), rel=1e-12
    )


def test_a_run_goes_on_after_the_rates_that_were_fitted():
    rows = logged("cosine")
    fit = sf.fit(rows[rows["step"] <= 1500], "lr_annealing")
    told = fit.predict(rows[rows["step"] > 1400])
    assert told["estimate"].to_numpy() == pytest.approx(fit.predict(rows)["estimate"].tail(len(told)), rel=1e-12)


def test_part_of_the_log_of_another_run_is_warned_of_with_what_to_type(fit):
    part = logged("linear").query("step > 1200")
    with pytest.warns(sf.FitWarning, match=r"the log of run 'linear' begins at step 1,225.*schedules=\{'linear': sf\."):
        fit.predict(part)


def test_a_name_of_the_fit_with_other_rates_is_another_run(fit):
    part = logged("linear").query("step > 1200").assign(run="cosine")
    with pytest.warns(sf.FitWarning, match="begins at step 1,225"):
        fit.predict(part)


def test_a_log_that_begins_as_early_as_those_fitted_is_predicted_in_peace(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = fit.predict(logged("linear"))
    assert np.isfinite(told["estimate"]).all()


def test_schedules_that_were_given_to_the_fit_are_not_taken_from_its_log():
    rows = logged("cosine", "constant")
    fit = sf.fit(rows, "lr_annealing", schedules={name: plans()[name] for name in ("cosine", "constant")})
    with pytest.warns(sf.FitWarning, match=r"the log of run 'cosine' begins at step 1,975"):
        fit.predict(logged("cosine").query("step > 1950"))
    told = fit.predict(logged("cosine").tail(2), schedules=plans())
    assert told["estimate"].to_numpy() == pytest.approx(told["loss"].to_numpy(), rel=0.02)
