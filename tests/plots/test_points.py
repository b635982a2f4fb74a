"""The pictures of runs before any fit: a mark a run, a colour a family, units on the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from scalefit.errors import ColumnError
from scalefit.plots.axes import COLOURS
from scalefit.plots.runs import family_marks, plot_points

RUNS = pd.DataFrame({
    "family": ["a", "b", "a", "b", "b"], "params": [1e6, 1e7, 1e8, 1e9, np.nan], "tokens": [1e8, 1e9, 1e10, 0.0, 1e9],
})  # fmt: skip


def drawn(runs, **options):
    ax = plot_points(runs, along="params", against="tokens", ax=Figure().subplots(), **options)
    return ax, {line.get_label(): line.get_xdata().tolist() for line in ax.lines}


def test_each_family_has_its_runs_and_what_is_not_above_zero_is_left_out():
    _, shown = drawn(RUNS)
    assert shown == {"a": [1e6, 1e8], "b": [1e7]}


def test_axes_are_logarithmic_and_have_units():
    ax, _ = drawn(RUNS)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("parameters N", "training tokens D")


def test_families_beyond_the_colours_share_grey():
    many = pd.DataFrame({"family": [f"f{k}" for k in range(9)] * 2 + ["f8"], "params": 1e6, "tokens": 1e9})
    marks = list(family_marks(many))
    assert len(marks) == len(COLOURS) + 1
    name, rows, colour, _ = marks[0]
    assert (name, rows.sum(), colour) == ("3 more", 6, "0.6")
    assert "f8" in [name for name, *_ in marks]  # the largest one


def test_one_family_has_no_legend():
    ax, _ = drawn(RUNS[RUNS.family == "a"])
    assert ax.get_legend() is None


def test_a_legend_can_be_left_out_and_its_names_are_no_formulas():
    assert drawn(RUNS, legend=False)[0].get_legend() is None
    ax, _ = drawn(RUNS.assign(family=RUNS.family.map({"a": "$\\frac{$", "b": "b"})))
    ax.figure.canvas.draw()
    assert not any(text.get_parse_math() for text in ax.get_legend().get_texts())


def test_a_missing_column_is_named():
    with pytest.raises(ColumnError, match="plot_points needs a column 'flops'"):
        plot_points(RUNS, along="flops", against="tokens", ax=Figure().subplots())


def test_without_axes_the_current_ones_are_taken():
    figure, ax = plt.subplots()
    assert plot_points(RUNS, along="params", against="tokens") is ax
    plt.close(figure)
