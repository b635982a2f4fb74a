"""The picture of a law: panels, lines, scales and labels, read off the artists."""

import numpy as np
import pandas as pd
import pytest

from scalefit.plots.laws import MOST, plot_law


def path(name, low, high, lines=("",), of=""):
    x = np.geomspace(low, high, 20)
    parts = [pd.DataFrame({name: x, "value": (k + 1) / x**0.1, "line": line, "of": of}) for k, line in enumerate(lines)]
    return pd.concat(parts, ignore_index=True)


def test_each_input_has_a_panel_up_to_three():
    paths = {name: path(name, 1e8, 1e10) for name in ("params", "tokens", "experts", "streams")}
    figure = plot_law(paths, output="loss")
    assert [ax.get_xlabel() for ax in figure.axes] == ["parameters N", "training tokens D", "experts"]
    assert len(figure.axes) == MOST
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss (nats per token)", "", ""]


def test_lines_are_told_apart_by_values_of_another_input():
    (ax,) = plot_law({"params": path("params", 1e8, 1e10, ("1e9", "1e12"), "tokens")}, output="loss").axes
    assert ax.get_legend().get_title().get_text() == "tokens"
    assert [line.get_label() for line in ax.lines] == ["1e9", "1e12"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_one_line_needs_no_legend():
    (ax,) = plot_law({"params": path("params", 1e8, 1e10)}, output="loss").axes
    assert ax.get_legend() is None


def test_axes_are_logarithmic_where_that_is_asked():
    paths = {name: path(name, 1.0, 100.0) for name in ("experts", "members")}
    first, second = plot_law(paths, output="loss", log_inputs=("experts",), log_output=True).axes
    assert (first.get_xscale(), second.get_xscale(), first.get_yscale()) == ("log", "linear", "log")


@pytest.mark.parametrize(
    ("low", "high", "written"), [(1e9, 2e10, ["1B", "2B", "5B", "10B", "20B"]), (1.0, 16.0, ["1", "2", "5", "10"])]
)
def test_numbers_are_written_out_on_an_axis_of_few_decades(low, high, written):
    figure = plot_law({"params": path("params", low, high)}, output="loss", log_inputs=("params",))
    figure.canvas.draw()
    axis = figure.axes[0].xaxis
    ends = axis.get_view_interval()
    shown = [t.get_text() for t in axis.get_ticklabels() if ends[0] <= t.get_position()[0] <= ends[1]]
    assert shown == written


def test_a_label_of_ones_own_replaces_the_usual_one_and_a_long_one_is_broken():
    labels = {"params": "x: GPU hours", "loss": "a label that is much longer than the side of a panel has room for"}
    figure = plot_law({"params": path("params", 1e8, 1e10)}, output="loss", title="a law · its values", labels=labels)
    assert figure.axes[0].get_xlabel() == "x: GPU hours"
    assert figure.axes[0].get_ylabel().count("\n") == 1
    assert figure.get_suptitle() == "a law · its values"
