"""Pictures of scales: what is drawn is what the record holds, and what is never reached has no mark."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.targets.saturation import find_saturation
from scalefit.decisions.targets.scales import find_scale


@pytest.fixture(scope="module")
def fit():
    x = np.geomspace(1e5, 1e9, 15)
    scatter = np.random.default_rng(0).standard_normal(15)
    runs = sf.grid(flops=x).assign(loss=(1.5 + 60 / x**0.3) * np.exp(0.01 * scatter))
    return sf.fit(runs, "power_offset", along="flops").bootstrap(100, rng=0)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_each_value_has_a_mark_where_it_is_reached(fit):
    told = find_scale(fit, [1.7, 0.5])
    ax = told.plot(ax=Figure().subplots())
    assert ax.get_xlabel() == "training compute C (FLOP)"
    assert ax.get_ylabel() == "loss (nats per token)"
    mark = lines(ax)["loss 1.7"]
    assert mark.get_xdata()[0] == told.frame.estimate[0]
    assert mark.get_ydata()[0] == 1.7
    assert "loss 0.5: never" in lines(ax)
    assert "loss 0.5" not in lines(ax)


def test_the_curve_and_the_largest_run_are_those_of_the_record(fit):
    told = find_scale(fit, 1.52)
    ax = told.plot(ax=Figure().subplots())
    inside = told.curve.flops <= told.reach[1]
    assert lines(ax)["power_offset"].get_ydata() == pytest.approx(told.curve.estimate[inside])
    assert lines(ax)["power_offset"].get_linestyle() == "-"
    (dashed,) = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert dashed.get_ydata()[1:] == pytest.approx(told.curve.estimate[~inside])
    assert lines(ax)["largest run, 1e9"].get_xdata()[0] == told.reach[1]  # compute, which has no billions


def test_a_value_that_is_already_reached_points_back(fit):
    ax = find_scale(fit, 40.0).plot(ax=Figure().subplots())
    assert lines(ax)["loss 40"].get_marker() == "<"


def test_saturation_is_drawn_as_what_is_left(fit):
    told = find_saturation(fit, remaining=0.1)
    ax = told.plot(ax=Figure().subplots())
    assert ax.get_ylabel() == "left until the floor (share of floor)"
    assert lines(ax)["10 %"].get_xdata()[0] == told.frame.estimate[0]
    assert lines(ax)["power_offset"].get_ydata() == pytest.approx(told.curve.gain[told.curve.flops <= told.reach[1]])


def test_a_fit_that_is_not_to_be_relied_on_says_so_in_its_title():
    runs = sf.grid(params=[1e7], tokens=np.geomspace(1e8, 1e10, 8))
    runs["loss"] = 2 + 500 / runs.tokens**0.3
    told = find_scale(sf.fit(runs, "chinchilla"), 2.8)
    assert "not to be relied on" in told.plot(ax=Figure().subplots()).get_title()
