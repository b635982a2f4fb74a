"""The way from the runs to the farthest point of a forecast ends in the forecast itself."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scalefit as sf

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}
QUICK = {"draws": 20, "cuts": (), "rng": 0}


def ladder():
    frame = sf.grid(params=np.geomspace(1e7, 1e9, 5), tokens=np.geomspace(1e9, 4e10, 5))
    scatter = np.random.default_rng(0).standard_normal(len(frame))
    return frame.assign(loss=sf.get_law("chinchilla")(TRUE, frame) * np.exp(0.003 * scatter))


@pytest.fixture(scope="module")
def told():
    return sf.forecast(ladder(), sf.grid(params=[1e9, 1e10], tokens=[4e11]), **QUICK)


def test_the_way_ends_at_the_farthest_point_with_its_forecast(told):
    last, point = told.fan.frame.iloc[-1], told.frame.iloc[-1]
    assert last.flops == pytest.approx(6e10 * 4e11)
    for name in ("estimate", "low", "high"):
        assert last[name] == pytest.approx(point[name])
    assert told.fan.by_law.iloc[-1].tolist() == pytest.approx(told.by_law.iloc[-1].tolist())
    assert told.fan.where == "40 tokens per parameter"
    assert last.beyond == pytest.approx(6e10 * 4e11 / (6e9 * 4e10))


def test_compute_as_the_table_counts_it_moves_the_way_to_its_point():
    runs = ladder().assign(flops=lambda rows: 8 * rows.params * rows.tokens)
    at = sf.grid(params=[1e10], tokens=[4e11]).assign(flops=8e10 * 4e11)
    fan = sf.forecast(runs, at, **QUICK).fan
    assert fan.frame.flops.iloc[-1] == pytest.approx(8e10 * 4e11)


def test_along_an_input_the_others_stand_as_at_the_farthest_point():
    told = sf.forecast(ladder(), sf.grid(params=[2e8], tokens=[1e12]), along="tokens", **QUICK)
    assert told.fan.where == "params = 2e8"
    assert told.fan.frame.tokens.iloc[-1] == pytest.approx(1e12)
    assert told.fan.frame.estimate.iloc[-1] == pytest.approx(told.frame.estimate.iloc[0])


def test_a_law_of_one_input_goes_along_its_own_column():
    x = np.geomspace(1e3, 1e6, 12)
    scatter = 0.005 * np.random.default_rng(0).standard_normal(12)
    runs = pd.DataFrame({"examples": x, "error": (0.02 + 3 / x**0.4) * np.exp(scatter)})
    at = pd.DataFrame({"examples": [1e7]})
    told = sf.forecast(runs, at, columns={"x": "examples"}, target="error", along="examples", **QUICK)
    assert told.fan.frame.examples.iloc[[0, -1]].tolist() == pytest.approx([1e3, 1e7])
    assert told.fan.where == ""


def test_where_the_order_is_no_input_there_is_no_way_and_laws_are_marks():
    runs = ladder().assign(day=lambda rows: np.arange(1.0, len(rows) + 1))
    told = sf.forecast(runs, sf.grid(params=[1e10], tokens=[4e11]).assign(day=99.0), along="day", **QUICK)
    assert len(told.fan.frame) == 0
    ax = told.plot(ax=Figure().subplots())
    drawn = {line.get_label(): line for line in ax.lines}
    for name in told.by_law:
        assert drawn[name].get_xydata().tolist() == [[99.0, told.by_law[name].iloc[0]]]


def test_the_picture_shows_each_law_on_the_way_dashed_past_the_runs(told):
    ax = told.plot(ax=Figure().subplots())
    drawn = {line.get_label(): line for line in ax.lines}
    fan = told.fan
    for name in fan.by_law:
        inside = drawn[name]
        assert inside.get_linestyle() == "-"
        assert inside.get_ydata() == pytest.approx(fan.by_law[name][fan.frame.beyond <= 1].to_numpy())
        dashed = [one for one in ax.lines if one.get_color() == inside.get_color() and one.get_linestyle() == "--"]
        assert dashed[0].get_xdata()[-1] == fan.frame.flops.iloc[-1]
    assert ax.get_xlabel().endswith("laws at 40 tokens per parameter")


def test_no_law_hides_under_the_mark_of_the_forecast(told):
    ax = told.plot(ax=Figure().subplots())
    (mark,) = [one for one in ax.lines if one.get_marker() == "D" and one.get_linestyle() == "None"]
    laws = [one for one in ax.lines if one.get_marker() == "_" and one.get_markersize() > 6]
    assert len(laws) == told.by_law.shape[1]
    assert all(one.get_zorder() > mark.get_zorder() for one in laws)
    assert all(one.get_markersize() > 2 * mark.get_markersize() for one in laws)
