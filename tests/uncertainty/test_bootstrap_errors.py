"""What a bootstrap says where the data do not have what it draws."""

import numpy as np
import pytest

import scalefit as sf
from simple_fits import POWER, curves, line, power_runs


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(sf.FitError, match=r"kind must be one of blocks, pairs, .*Did you mean 'residual'"):
        line(0.1, 0).bootstrap(10, kind="residuals")


def test_seeds_without_a_repeated_setting_say_so():
    with pytest.raises(sf.FitError, match="equal in every input of power_offset, and no two are"):
        sf.fit(power_runs(np.geomspace(1e6, 1e9, 10)), POWER).bootstrap(10, kind="seeds")


def test_few_repeated_settings_are_warned_about():
    fit = sf.fit(power_runs(np.r_[np.geomspace(1e6, 1e9, 10), 1e9]), POWER)
    with pytest.warns(sf.FitWarning, match="Only 1 of 11 runs repeat the setting"):
        fit.bootstrap(10, kind="seeds", rng=0)


def test_strata_of_an_input_that_never_repeats_ask_for_a_column():
    with pytest.raises(sf.FitError, match=r"no input of power_offset \(x\) that takes few values.*Pass strata="):
        sf.fit(power_runs(np.geomspace(1e6, 1e9, 10)), POWER).bootstrap(10, kind="strata")


@pytest.mark.parametrize(
    ("strata", "error", "message"),
    [
        ("sizes", sf.ColumnError, "strata needs a column 'sizes'"),
        ([1, 2], sf.FitError, "60 rows, 2 values"),
        ([None, *range(59)], sf.DataError, "row 0 has none"),
    ],
)
def test_strata_that_cannot_be_read_are_named(strata, error, message):
    with pytest.raises(error, match=message):
        line(0.1, 0).bootstrap(10, kind="strata", strata=strata)


def test_strata_that_change_along_a_run_are_refused():
    fit = sf.fit(curves(8), POWER, objective=sf.Square())
    with pytest.raises(sf.FitError, match="same in all rows of a run"):
        fit.bootstrap(10, kind="strata", strata="x")


def test_strata_of_fewer_than_six_runs_are_refused():
    with pytest.raises(sf.FitError, match="fewer than six runs: use 'blocks'"):
        sf.fit(curves(4), POWER, objective=sf.Square()).bootstrap(10, kind="strata", strata="run")


def test_strata_for_another_kind_are_refused():
    with pytest.raises(sf.FitError, match="strata= is for kind='strata'"):
        line(0.1, 0).bootstrap(10, strata="x")


def test_parametric_noise_along_runs_is_refused_with_what_to_use():
    with pytest.raises(sf.FitError, match="rows of one run are not independent: use kind='runs'"):
        sf.fit(curves(8), POWER, objective=sf.Square()).bootstrap(10, kind="parametric")


@pytest.mark.parametrize("share", [0, 1, 1.2, -0.1])
def test_a_share_outside_zero_and_one_is_refused(share):
    with pytest.raises(sf.FitError, match="share must lie between 0 and 1"):
        line(0.1, 0).bootstrap(10, kind="subsample", share=share)


def test_a_subsample_through_which_the_law_goes_exactly_is_refused():
    with pytest.raises(sf.FitError, match=r"share=0.5 of 6 rows keeps 3, through which power_offset with 3 free"):
        sf.fit(power_runs(np.geomspace(1e6, 1e9, 6)), POWER).bootstrap(10, kind="subsample", share=0.5)


def test_a_plan_of_another_kind_is_refused():
    fit = line(0.1, 0)
    plan = fit.bootstrap(10, kind="wild", rng=0).plan
    with pytest.raises(sf.FitError, match="one of wild; leave kind out"):
        fit.bootstrap(kind="residual", plan=plan)
