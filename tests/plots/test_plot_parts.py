"""Parts that all pictures share: pieces of a curve, room for a legend, panels, ticks, colours of the paper."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from scalefit.plots.axes import Look, ink, is_compute, is_dark, looks, ordered_shades, paper, short_value
from scalefit.plots.labels import break_text
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import arms, draw_curve
from scalefit.plots.stacks import panels_below
from scalefit.plots.ticks import plain_ticks

X = np.arange(6.0)
LOOK = Look("#0072B2", "o")


def new_axes(**options):
    return Figure(**options).subplots()


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ([1, 1, 1, 1, 1, 1], [("-", 0, 5)]),
        ([0, 0, 0, 0, 0, 0], [("--", 0, 5)]),
        ([0, 1, 1, 1, 0, 0], [("--", 0, 1), ("-", 1, 3), ("--", 3, 5)]),
        ([1, 1, 0, 0, 1, 1], [("-", 0, 1), ("--", 1, 4), ("-", 4, 5)]),
    ],
)
def test_a_curve_is_dashed_outside_the_data_and_its_pieces_meet(inside, expected):
    ax = new_axes()
    named = draw_curve(ax, X, X**2, LOOK, inside=inside, label="law")
    told = [(line.get_linestyle(), line.get_xdata()[0], line.get_xdata()[-1]) for line in ax.lines]
    assert told == expected
    assert named.get_label() == "law"
    assert [line.get_label() for line in ax.lines].count("law") == 1


def test_looks_come_again_with_other_markers_only():
    many = looks(14)
    assert len({(look.colour, look.marker) for look in many}) == 14
    assert many[0].colour == many[6].colour


def covered(ax):
    """Points of the lines that lie under the legend."""
    ax.figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    return sum(int(box.count_contains(ax.transData.transform(line.get_xydata()))) for line in ax.lines)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("count", [2, 5])
def test_a_legend_covers_no_data_even_where_every_corner_is_full(scale, count):
    ax = new_axes()
    ax.set_yscale(scale)
    x = np.linspace(0, 1, 400)
    for k in range(count):
        ax.plot(x, 2 + np.sin(60 * x + k), label=f"a curve with a name {k}")
    small_legend(ax)
    assert covered(ax) == 0


def test_a_legend_that_would_take_half_the_height_stands_over_the_axes_and_over_their_title():
    ax = new_axes(figsize=(3, 2))
    ax.plot(np.linspace(0, 1, 300), np.sin(60 * np.linspace(0, 1, 300)), label="one of the names")
    for k in range(5):
        ax.plot([], [], label=f"a long name that takes its room {k}")
    ax.set_title("with doubts")
    before = ax.get_ylim()
    small_legend(ax)
    ax.figure.draw_without_rendering()
    assert ax.get_ylim() == before
    assert ax.get_legend().get_window_extent().y0 >= ax.title.get_window_extent().y1 - 1
    assert covered(ax) == 0


def test_room_for_a_legend_leaves_the_axis_free_to_grow():
    ax = new_axes()
    ax.plot(np.linspace(0, 1, 400), np.sin(60 * np.linspace(0, 1, 400)), label="wave")
    small_legend(ax)
    ax.plot([0, 1], [40, 40])
    ax.autoscale_view()
    assert ax.get_ylim()[1] > 40


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_panels_stay_inside_the_place_of_the_axes(layout):
    figure = Figure(layout=layout)
    ax = figure.subplots()
    ax.plot(X, X)
    panels = panels_below(ax, [0.4, 0.4])
    for panel in panels:
        panel.plot(X, -X)
    panels[-1].set_xlabel("step")
    figure.draw_without_rendering()
    heights = [one.get_window_extent() for one in (ax, *panels)]
    assert all(above.y0 > below.y1 for above, below in itertools.pairwise(heights))
    assert panels[-1].xaxis.label.get_window_extent().y0 >= 0
    assert all(panel.get_xlim() == ax.get_xlim() for panel in panels)
    assert heights[1].height == pytest.approx(0.4 * heights[0].height, rel=0.02)


def test_arms_are_never_negative_and_none_where_an_end_is_unknown():
    told = arms([1.0, 2.0, 3.0], [0.5, 2.5, np.nan], [2.0, 3.0, np.inf])
    assert told.tolist() == [[0.5, 0.0, 0.0], [1.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("low", "high", "compute", "written"),
    [
        (1.1e13, 6e13, True, {"2e13", "4e13"}),
        (1.1e9, 6e9, False, {"2B", "4B"}),
        (1.6, 3.4, False, {"2", "3"}),
        (1e9, 1e11, False, {"1B", "10B"}),
    ],
)
def test_few_decades_have_round_numbers_in_the_way_of_their_quantity(low, high, compute, written):
    ax = new_axes()
    ax.set(xscale="log", xlim=(low, high))
    plain_ticks(ax.xaxis, compute=compute)
    ax.figure.draw_without_rendering()
    assert written <= {text.get_text() for text in ax.get_xticklabels()}
    assert not any(text.get_text() for text in ax.get_xticklabels(minor=True))


def test_compute_is_written_as_a_power_of_ten_under_any_of_its_names():
    assert [is_compute(name) for name in ("flops", "C", "tokens", "money")] == [True, True, False, False]
    assert short_value(4.97e13, "C") == "4.97e13"
    assert short_value(4.97e13, "D") == "49.7T"


def test_shades_end_far_from_the_paper_on_light_and_on_dark():
    for style, dark in (("default", False), ("dark_background", True)):
        with plt.style.context(style):
            ax = new_axes()
            assert is_dark(ax) is dark
            last = np.mean(ordered_shades(ax)(1.0)[:3])
            first = np.mean(ordered_shades(ax)(0.0)[:3])
            towards = np.mean(paper(ax)[:3])
            assert abs(last - towards) > abs(first - towards) > 0.2
            assert abs(np.mean(ink(ax)[:3]) - towards) == 1


@pytest.mark.parametrize(
    ("told", "share", "written"),
    [
        ("loss (nats per token)", 1.1, "loss (nats per token)"),
        ("loss (nats per token)", 0.8, "loss\n(nats per token)"),
        ("gain from 2 times the scale (share of loss)", 0.6, "gain from 2 times the\nscale (share of loss)"),
        ("half-width of the 90 % interval", 0.45, "half-width\nof the 90 %\ninterval"),
    ],
)
def test_a_label_is_broken_where_it_reads_well_and_only_where_it_is_too_long(told, share, written):
    text = new_axes().set_ylabel(told)
    room = share * text.get_window_extent().height
    break_text(text, room, tall=True)
    assert text.get_text() == written
    assert text.get_window_extent().height <= room * 1.001


def test_a_label_that_is_much_too_long_has_small_letters_and_none_below_six_points():
    text = new_axes().set_xlabel("a name that nobody could ever write under an axis of this width")
    break_text(text, 0.1 * text.get_window_extent().width)
    assert text.get_fontsize() == 6


def test_names_too_long_for_a_legend_lose_their_middle():
    ax = new_axes(figsize=(2.4, 2))
    for end in ("first", "other"):
        ax.plot(X, X, label=f"transformer-of-forty-eight-by-two-with-cosine-{end}")
    legend = small_legend(ax)
    assert legend.get_window_extent().width <= ax.bbox.width
    names = [text.get_text() for text in legend.get_texts()]
    assert [(name[:5], name[-5:]) for name in names] == [("trans", "first"), ("trans", "other")]
