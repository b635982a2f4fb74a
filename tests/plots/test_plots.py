"""Pictures hold the numbers of the result, mark where the data end, and name units; read off the artists."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.plots import axes as look
from scalefit.plots.backtests import plot_backtest
from shared_data import shared

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}


def new_axes():
    return Figure().subplots()


def curve_runs(n=12):
    x = np.geomspace(1e18, 1e21, n)
    loss = (1.7 + 1e3 * x**-0.16) * np.exp(0.002 * np.random.default_rng(0).standard_normal(n))
    return pd.DataFrame({"flops": x, "loss": loss})


def surface_runs(sizes=4):
    frame = sf.grid(params=np.geomspace(1e7, 3e9, sizes), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(0).standard_normal(len(frame))
    return frame.assign(loss=sf.get_law("chinchilla")(TRUE, frame) * np.exp(0.003 * scatter))


@pytest.fixture(scope="module")
def curve():
    return sf.fit(curve_runs(), "power_offset")


@pytest.fixture(scope="module")
def surface():
    return sf.fit(surface_runs(), "chinchilla")


@pytest.fixture(scope="module")
def tested():
    return sf.backtest(surface_runs(6), "chinchilla", cuts=(0.5, 0.7), draws=20, rng=0)


def lines_of(ax, style):
    """Lines of one style that are curves: the edge has only two points."""
    return [line for line in ax.lines if line.get_linestyle() == style and len(line.get_xdata()) > 2]


def texts_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_solid_line_is_the_curve_of_the_fit(curve):
    (line,) = lines_of(sf.plot_fit(curve, ax=new_axes()), "-")
    expected = curve.curve("x", beyond=1.0)
    assert (line.get_xdata() == expected.x).all()
    assert (line.get_ydata() == expected.estimate).all()


def test_the_dashed_part_starts_at_the_edge_and_goes_on_as_the_curve(curve):
    (line,) = lines_of(sf.plot_fit(curve, ax=new_axes()), "--")
    far = curve.curve("x")
    assert line.get_xdata()[0] == pytest.approx(1e21)
    assert (line.get_xdata()[1:] == far.x[far.x > line.get_xdata()[0]]).all()
    assert (line.get_ydata()[1:] == far.estimate[far.x > line.get_xdata()[0]]).all()
    assert line.get_xdata()[-1] == pytest.approx(1e22)


def test_solid_and_dashed_meet(curve):
    ax = sf.plot_fit(curve, ax=new_axes())
    solid, dashed = lines_of(ax, "-")[0], lines_of(ax, "--")[0]
    assert solid.get_xydata()[-1] == pytest.approx(dashed.get_xydata()[0], rel=1e-15)


def test_a_line_marks_the_edge_of_the_fitted_range(curve):
    ax = sf.plot_fit(curve, ax=new_axes())
    (edge,) = [line for line in ax.lines if line.get_label() == "edge of the fitted range"]
    assert edge.get_xdata() == pytest.approx([1e21, 1e21])
    assert edge.get_linestyle() == ":"


def test_all_runs_are_drawn(curve):
    ax = sf.plot_fit(curve, ax=new_axes())
    (points,) = [line for line in ax.lines if line.get_label() == "runs"]
    assert (points.get_xydata() == curve_runs().to_numpy()).all()


def test_the_band_is_that_of_the_level_asked_for(curve):
    for level in (0.5, 0.9):
        ax = sf.plot_fit(curve, level=level, ax=new_axes())
        expected = curve.curve("x", level=level, beyond=1.0)
        seen = ax.collections[0].get_paths()[0].vertices[:, 1]
        assert seen.min() == expected.low.min()
        assert seen.max() == expected.high.max()


def test_axes_have_units_and_log_scales(curve):
    ax = sf.plot_fit(curve, ax=new_axes())
    assert ax.get_xlabel() == "training compute C (FLOP)"
    assert ax.get_ylabel() == "loss (nats per token)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_a_column_under_another_name_has_the_label_of_its_quantity():
    runs = curve_runs().rename(columns={"flops": "C", "loss": "val_loss"})
    ax = sf.plot_fit(sf.fit(runs, "power_offset", along="C"), ax=new_axes())
    assert ax.get_xlabel() == "training compute C (FLOP)"
    assert ax.get_ylabel() == "loss (nats per token)"


def test_a_law_fitted_on_the_raw_scale_is_drawn_on_a_raw_scale():
    x = np.linspace(0, 5, 12)
    law = sf.formula_law("a + b * x", inputs=["x"])
    ax = sf.plot_fit(sf.fit({"x": x, "y": 2 * x - 3 + 0.01 * np.cos(9 * x)}, law), ax=new_axes())
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_two_inputs_give_one_curve_per_size_with_its_own_runs(surface):
    ax = sf.plot_fit(surface, ax=new_axes())
    runs = surface_runs()
    assert ax.get_xlabel() == "training tokens D"
    assert ax.get_legend().get_title().get_text() == "parameters N"
    assert texts_of(ax) == ["10M", "66.9M", "448M", "3B", "edge of the fitted range"]
    for size, line in zip(runs.params.unique(), lines_of(ax, "-"), strict=True):
        expected = surface.curve("tokens", at={"params": size}, beyond=1.0)
        assert (line.get_ydata() == expected.estimate).all()
        own = runs[runs.params == size]
        points = [p for p in ax.lines if p.get_marker() != "None" and p.get_markerfacecolor() == line.get_color()]
        assert (points[0].get_xydata() == own[["tokens", "loss"]].to_numpy()).all()
    assert len(lines_of(ax, "--")) == 4


def test_more_sizes_than_curves_are_thinned_and_the_other_runs_stay_in_grey():
    runs = surface_runs(11)
    ax = sf.plot_fit(sf.fit(runs, "chinchilla"), ax=new_axes())
    solid = lines_of(ax, "-")
    assert len(solid) == 6
    assert len({line.get_color() for line in solid}) == 6
    (rest,) = [line for line in ax.lines if line.get_label() == "other runs"]
    assert len(rest.get_xdata()) == 5 * (11 - 6)
    assert texts_of(ax)[0] == "10M"
    assert texts_of(ax)[5] == "3B"


def test_the_other_input_may_be_the_axis(surface):
    ax = sf.plot_fit(surface, along="params", ax=new_axes())
    assert ax.get_xlabel() == "parameters N"
    assert len(lines_of(ax, "-")) == 5


def test_compute_may_be_the_axis_of_a_law_of_sizes(surface):
    ax = sf.plot_fit(surface, along="flops", ax=new_axes())
    assert ax.get_xlabel() == "training compute C (FLOP)"
    (line,) = lines_of(ax, "-")
    assert (line.get_ydata() == surface.curve("flops", beyond=1.0).estimate).all()


def test_an_unknown_axis_is_refused(surface):
    with pytest.raises(sf.FitError, match=r"along must be one of .*'token'.*Did you mean 'tokens'"):
        sf.plot_fit(surface, along="token", ax=new_axes())


@pytest.fixture(scope="module")
def training():
    runs = pd.read_csv(shared("lr_annealing_gpt/mpl_100m.csv"))
    return sf.fit(runs[runs.step % 5 == 0], "lr_annealing")


def test_a_training_curve_is_drawn_over_steps_run_by_run(training):
    ax = sf.plot_fit(training, ax=new_axes())
    assert ax.get_xlabel() == "training step"
    assert ax.get_legend().get_title().get_text() == "6 of 9 runs: marks seen, lines fitted"
    rows = training.residuals
    named = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert len(named) == 6
    for line in named:
        own = rows[rows.run == line.get_label()].sort_values("step")
        assert (line.get_xdata() == own.step).all()
        assert (line.get_ydata() == own.fitted).all()


def test_a_training_curve_has_no_other_axis(training):
    with pytest.raises(sf.FitError, match="along 'step'"):
        sf.plot_fit(training, along="S1", ax=new_axes())


def test_a_plot_goes_where_it_is_told_and_leaves_the_style_alone(curve, tested):
    before = dict(mpl.rcParams)
    for plot, result in ((sf.plot_fit, curve), (plot_backtest, tested)):
        ax = new_axes()
        assert plot(result, ax=ax) is ax
        ax.figure.canvas.draw()
    ax = new_axes()
    assert curve.plot(ax=ax) is ax
    assert tested.plot(ax=ax) is ax
    assert dict(mpl.rcParams) == before


def test_every_curve_has_its_own_colour_and_marker():
    assert len(set(look.COLOURS)) == len(set(look.MARKERS)) == look.MOST_CURVES
    assert all(to_hex(colour) == colour.lower() for colour in look.COLOURS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(7.3824e7, "73.8M"), (1e9, "1B"), (0.5, "0.5"), (3e16, "3e16"), (1500, "1.5k"), (2e12, "2T"), (-2e6, "-2M")],
)
def test_large_numbers_are_written_short(value, text):
    assert look.short_number(value) == text


def test_sizes_that_are_written_alike_share_a_curve():
    picks = look.spread_picks(pd.Series([1.0e8, 1.00001e8, 2e8]))
    assert picks == {"100M": 1.0e8, "200M": 2e8}
