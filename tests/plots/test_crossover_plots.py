"""A picture of a crossover shows both curves, where they cross and how sure that is."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from crossing_fits import X, curve
from scalefit.decisions.crossover.find import find_crossover
from scalefit.plots.crossovers import plot_crossover


@pytest.fixture(scope="module")
def told():
    return find_crossover(
        curve(0.0, 30, 0.2), curve(0.0, 30 * 3e7**0.1, 0.3, seed=1), along="x", names=("flat", "steep")
    )


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_both_curves_are_those_of_the_record(told):
    ax = plot_crossover(told, ax=Figure().subplots())
    lines = {line.get_label(): line for line in ax.get_lines()}
    for name, word in (("flat", "a"), ("steep", "b")):
        pieces = [line for line in ax.get_lines() if line.get_color() == lines[name].get_color()]
        drawn = np.unique(np.concatenate([line.get_xydata() for line in pieces]), axis=0)
        assert np.array_equal(drawn, told.curve[["x", f"estimate_{word}"]])
        assert {line.get_linestyle() for line in pieces} == {"-", "--"}
        solid = [line for line in pieces if line.get_linestyle() == "-"]
        assert np.array_equal(solid[0].get_xdata(), told.curve.x[told.curve.beyond <= 1])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylabel() == "loss (nats per token)"
    assert ax.get_xlim() == pytest.approx(told.between)


def test_the_crossing_and_its_interval_are_marked(told):
    ax = plot_crossover(told, ax=Figure().subplots())
    (line,) = (line for line in ax.get_lines() if "crossover at" in str(line.get_label()))
    assert line.get_xdata()[0] == told.frame.location[0]
    assert line.get_linestyle() == "-"
    assert "crossover at 30M, 100 % of draws" in labels(ax)[2]
    (span,) = ax.patches  # the histogram has axes of its own
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((told.frame.low[0], told.frame.high[0]))
    ends = [line.get_xdata()[0] for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert ends == pytest.approx([X[0], X[-1]])


def test_the_difference_has_a_line_at_zero(told):
    ax = told.plot(show="difference", ax=Figure().subplots())
    lines = {line.get_label(): line for line in ax.get_lines()}
    near = told.curve[told.curve.beyond <= 1]
    assert np.array_equal(lines["flat less steep"].get_ydata(), near.difference)
    assert any(line.get_ydata()[0] == line.get_ydata()[1] == 0 for line in ax.get_lines())
    assert ax.get_ylabel() == "difference of loss (nats per token)"
    assert ax.get_yscale() == "linear"


def test_what_is_not_claimed_is_dashed():
    unsure = find_crossover(
        curve(2.0, 30, 0.3, noise=0.02), curve(1.95, 32, 0.29, noise=0.02, seed=1), along="x", between=(1e5, 1e10)
    )
    ax = unsure.plot(ax=Figure().subplots())
    marks = [line for line in ax.get_lines() if str(line.get_label()).startswith("perhaps at")]
    assert len(marks) == len(unsure.frame) - unsure.claims.claimed.sum()
    assert {line.get_linestyle() for line in marks} <= {"--"}


def test_without_axes_the_current_ones_are_taken(told):
    figure, ax = plt.subplots()
    assert told.plot() is ax
    plt.close(figure)


def test_an_unknown_picture_is_refused(told):
    with pytest.raises(sf.FitError, match="show must be one of curves or difference; got 'ratio'"):
        told.plot(show="ratio", ax=Figure().subplots())


def test_under_the_curves_stand_the_places_at_which_the_draws_cross(told):
    (below,) = plot_crossover(told, ax=Figure().subplots()).child_axes
    counts = np.array([bar.get_height() for bar in below.patches])
    edges = np.array([bar.get_x() for bar in below.patches])
    assert counts.sum() == len(told.places) == round(told.frame.probability[0] * told.draws)
    most = int(np.argmax(counts))
    assert edges[most - 1] < np.median(told.places.location) < edges[most + 2]
    assert np.quantile(told.places.location, [0.05, 0.95]) == pytest.approx(told.frame[["low", "high"]].iloc[0])
    assert below.get_xlabel() == "x"


def test_where_nothing_crosses_there_is_no_panel_below():
    apart = find_crossover(curve(2.0, 30, 0.3), curve(1.0, 30, 0.3, seed=1), along="x", between=(1e6, 1e9))
    assert len(apart.places) == 0
    assert plot_crossover(apart, ax=Figure().subplots()).child_axes == []
