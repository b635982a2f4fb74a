"""A fit that converged says which rows lie far off it, and that families lie apart."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}


@pytest.fixture
def runs():
    """Six sizes and five budgets of tokens, with a scatter of half a percent."""
    frame = sf.grid(params=np.geomspace(1e7, 3e9, 6), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(0).standard_normal(len(frame))
    return frame.assign(loss=sf.get_law("chinchilla")(TRUE, frame) * np.exp(0.005 * scatter))


def test_runs_of_one_family_without_an_outlier_have_no_reservation(runs):
    assert sf.fit(runs.assign(family="a"), "chinchilla").notes == ()


def test_families_that_agree_have_no_reservation(runs):
    assert sf.fit(runs.assign(family=["a", "b", "c"] * 10), "chinchilla").notes == ()


def test_a_row_far_off_is_named_with_its_run_and_the_fit_is_still_believed(runs):
    runs.loc[17, "loss"] = 9.87
    fit = sf.fit(runs.assign(run=[f"exp-{k}" for k in range(len(runs))]), "chinchilla")
    assert fit.converged
    assert len(fit.notes) == 1
    assert fit.notes[0].startswith("row 17 (exp-17) lies")
    assert "row 17 (exp-17) lies" in str(fit)


def test_a_row_within_a_fifth_is_not_far_off_however_small_the_scatter(runs):
    runs["loss"] = sf.get_law("chinchilla")(TRUE, runs)
    runs.loc[17, "loss"] *= 1.15
    assert sf.fit(runs, "chinchilla").notes == ()


@pytest.mark.parametrize("tilt", [0.0, 0.02])
def test_families_that_lie_apart_in_level_or_in_slope_are_named(runs, tilt):
    middle = np.exp(np.log(runs.params).mean())
    other = runs.assign(family="b", loss=runs.loss * (runs.params / middle) ** tilt * (1.0 if tilt else 1.1))
    fit = sf.fit(pd.concat([runs.assign(family="a"), other], ignore_index=True), "chinchilla")
    assert any("and a and b lie apart from it: fit each alone" in note for note in fit.notes)


def test_residuals_on_other_scales_are_judged_too(runs):
    runs.loc[17, "loss"] = 9.87
    fit = sf.fit(runs, "chinchilla", objective=sf.Huber(1e-3, on="raw"))
    assert any("row 17 lies" in note for note in fit.notes)
