"""What leaving out each run changes, against fits without it."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.influence import influence
from scalefit.laws import get_law

TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34}
AT = {"x": 1e11}


def curve(n=16, *, odd=None):
    x = np.geomspace(1e6, 1e9, n)
    loss = get_law("power_offset")(TRUTH, {"x": x}) * np.exp(0.005 * np.random.default_rng(0).standard_normal(n))
    if odd is not None:
        loss[odd] *= 1.2
    return pd.DataFrame({"x": x, "loss": loss}, index=[f"size {k}" for k in range(n)])


@pytest.fixture(scope="module")
def fit():
    return sf.fit(curve(odd=15), "power_offset", objective=sf.Square())


def test_a_wild_run_comes_first(fit):
    told = influence(fit, AT)
    assert told.index[0] == "size 15"
    assert told["most"].is_monotonic_decreasing
    assert len(told) == 16


def test_every_row_is_the_fit_without_that_run(fit):
    told = influence(fit, AT)
    errors = fit.summary()["se"]
    here = float(fit.law(fit.estimates, AT)[0])
    for label in ("size 15", "size 3"):
        without = sf.fit(fit.data.drop(label), "power_offset", objective=sf.Square())
        for name in fit.law.param_names:
            moved = (without.estimates[name] - fit.estimates[name]) / errors[name]
            assert told.loc[label, name] == pytest.approx(moved, abs=1e-4)
        there = float(fit.law(without.estimates, AT)[0])
        assert told.loc[label, "prediction"] == pytest.approx(there / here - 1, abs=1e-6)


def test_without_a_point_there_is_no_prediction(fit):
    assert influence(fit).columns.tolist() == ["E", "A", "alpha", "most", "rows"]


def test_whole_runs_are_left_out_where_a_run_has_several_rows():
    runs = pd.concat([curve().assign(run=[f"run {k % 8}" for k in range(16)])])
    told = influence(sf.fit(runs, "power_offset"))
    assert sorted(told.index) == [f"run {k}" for k in range(8)]
    assert (told["rows"] == 2).all()


def test_parts_of_few_runs_are_named():
    runs = curve(24).assign(run=np.repeat(["a", "b"], 12))
    told = influence(sf.fit(runs, "power_offset"))
    assert "a, part 1" in told.index
    assert told["rows"].sum() == 24


def test_a_fixed_parameter_does_not_move(fit):
    held = sf.fit(fit.data, "power_offset", fixed={"E": 1.7})
    assert (influence(held)["E"] == 0).all()


def test_the_bootstrap_and_the_runs_left_out_see_the_same_spread():
    quiet = sf.fit(curve(40), "power_offset", objective=sf.Square())
    moved = influence(quiet)["alpha"]
    assert np.sqrt((moved**2).sum()) == pytest.approx(1, rel=0.35)  # the jackknife's standard error over the fit's


def test_an_input_that_is_missing_at_the_point_is_named(fit):
    with pytest.raises(sf.FitError, match="at needs one number per input of power_offset; x is missing"):
        influence(fit, {})
