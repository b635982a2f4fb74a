"""A picture of a back-test shows each error, each interval and which cut or family it belongs to."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.plots.backtests import plot_backtest

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}


def new_axes():
    return Figure().subplots()


def ladder(sizes=6):
    frame = sf.grid(params=np.geomspace(1e7, 3e9, sizes), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(0).standard_normal(len(frame))
    loss = sf.get_law("chinchilla")(TRUE, frame) * np.exp(0.003 * scatter)
    return frame.assign(loss=loss, family=np.resize(["a", "b", "c"], len(frame)))


def drawn(ax, kind):
    return [artist for artist in ax.collections if isinstance(artist, kind)]


def texts_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="module")
def tested():
    return sf.backtest(ladder(), "chinchilla", cuts=(0.5, 0.7), draws=20, rng=0)


def test_each_point_stands_at_its_error_and_its_distance_beyond_the_data(tested):
    ax = plot_backtest(tested, ax=new_axes())
    points = drawn(ax, PathCollection)
    assert len(points) == 2
    for artist, (_, rows) in zip(points, tested.errors.groupby("cut"), strict=True):
        assert (artist.get_offsets() == rows[["factor", "relative"]].to_numpy()).all()
    assert ax.get_xlabel() == "times beyond the largest flops fitted"
    assert ax.get_ylabel() == "predicted / seen \N{MINUS SIGN} 1, loss"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")


def test_each_interval_is_drawn_and_the_line_at_zero_is_what_was_seen(tested):
    ax = plot_backtest(tested, ax=new_axes())
    segments = [segment for bars in drawn(ax, LineCollection) for segment in bars.get_segments()]
    ends = np.array([segment[:, 1] for segment in segments])
    assert (ends == tested.errors[["relative_low", "relative_high"]].to_numpy()).all()
    assert [0, 0] in [list(line.get_ydata()) for line in ax.lines]


def test_a_point_is_hollow_where_its_interval_does_not_hold_what_was_seen(tested):
    ax = plot_backtest(tested, ax=new_axes())
    hollow = [
        (face == to_rgba("white")).all() for artist in drawn(ax, PathCollection) for face in artist.get_facecolor()
    ]
    assert hollow == list(~tested.errors.held)
    assert 0 < sum(hollow) < len(hollow)


def test_the_legend_names_each_cut_the_level_and_the_hollow_points(tested):
    ax = plot_backtest(tested, ax=new_axes())
    assert texts_of(ax) == [
        "fitted to 50% of the runs",
        "fitted to 70% of the runs",
        "90 % interval",
        "hollow: seen outside it",
    ]


def test_many_cuts_are_shades_with_a_scale():
    test = sf.backtest(ladder(10), "chinchilla", cuts=np.linspace(0.4, 0.9, 8), draws=5, rng=0)
    ax = plot_backtest(test, ax=new_axes())
    assert len(test.fits) > 6
    assert len({tuple(artist.get_edgecolor()[0]) for artist in drawn(ax, PathCollection)}) == len(test.fits)
    assert ax.figure.axes[-1].get_ylabel() == "share of the runs fitted"
    assert texts_of(ax) == ["90 % interval", "hollow: seen outside it"]


def test_families_stand_at_what_was_seen_and_are_named():
    test = sf.backtest(ladder(), "chinchilla", by="family", draws=5, rng=0)
    ax = plot_backtest(test, ax=new_axes())
    for artist, (_, rows) in zip(drawn(ax, PathCollection), test.errors.groupby("cut"), strict=True):
        assert (artist.get_offsets() == rows[["observed", "relative"]].to_numpy()).all()
    assert texts_of(ax)[:3] == ["a", "b", "c"]
    assert ax.get_xlabel() == "seen: loss (nats per token)"


def test_every_point_lies_inside_the_picture_and_a_wild_interval_does_not_fill_it(tested):
    wild = tested.frame.assign(high=tested.frame.high.where(tested.frame.index > 0, 100.0))
    ax = plot_backtest(replace(tested, frame=wild), ax=new_axes())
    low, high = ax.get_ylim()
    assert tested.errors.relative.between(low, high).all()
    assert high < 10 * tested.errors.relative.abs().max()
