"""What the pictures of a fit hold: contours, residuals, draws, starts, training curves; and which one is chosen."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.allocation.surface import loss_surface
from scalefit.decisions.residual_quantiles import residual_quantiles
from scalefit.decisions.start_ends import start_ends
from scalefit.plots.contours import plot_contours
from scalefit.plots.draws import plot_draws
from scalefit.plots.residuals import plot_residuals
from scalefit.plots.starts import plot_starts

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}


def new_axes():
    return Figure().subplots()


def with_loss(frame, seed=0, noise=0.005):
    scatter = np.random.default_rng(seed).standard_normal(len(frame))
    return frame.assign(loss=sf.get_law("chinchilla")(TRUE, frame) * np.exp(noise * scatter))


def ladder():
    return with_loss(sf.grid(params=np.geomspace(1e7, 3e9, 6), tokens=np.geomspace(5e8, 8e10, 5)))


def cloud():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"params": 10 ** rng.uniform(7, 10, 40), "tokens": 10 ** rng.uniform(9, 12, 40)})
    return with_loss(frame.assign(family=np.resize(["a", "$b_{$", "c"], 40)))


@pytest.fixture(scope="module")
def fit():
    return sf.fit(cloud(), "chinchilla").bootstrap(60, rng=0)


@pytest.fixture(scope="module")
def training():
    logs = sf.datasets.load("microlm", part="schedules")
    logs = logs[(logs.width == 24) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
    return sf.fit(logs, sf.get_law("lr_annealing").with_settings(decay=0.98))


def named(ax):
    return {line.get_label(): line for line in ax.lines}


def test_contours_lie_where_the_law_has_their_value(fit):
    ax = plot_contours(fit, ax=new_axes())
    sets = [one for one in ax.collections if hasattr(one, "levels")]
    assert len(sets) == 2
    levels = loss_surface(fit).levels
    checked = 0
    for drawn in sets:
        assert drawn.levels == pytest.approx(levels)
        for value, path in zip(drawn.levels, drawn.get_paths(), strict=True):
            if len(path.vertices):
                N, D = path.vertices.T
                assert fit.law(fit.estimates, {"params": N, "tokens": D}) == pytest.approx(value, rel=2e-3)
                checked += 1
    assert checked > len(levels)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("parameters N", "training tokens D")
    assert ax.get_legend().get_title().get_text() == "loss (nats per token) by chinchilla"


def test_contours_are_dashed_outside_the_runs_and_solid_among_them(fit):
    ax = plot_contours(fit, ax=new_axes())
    solid, dashed = (one for one in ax.collections if hasattr(one, "levels"))
    N, D = cloud().params, cloud().tokens
    inner = np.concatenate([path.vertices for path in solid.get_paths() if len(path.vertices)])
    outer = np.concatenate([path.vertices for path in dashed.get_paths() if len(path.vertices)])
    room = 1 + 1e-6
    assert ((inner >= [N.min() / room, D.min() / room]) & (inner <= [N.max() * room, D.max() * room])).all()
    strictly = (outer > [N.min() * room, D.min() * room]) & (outer < [N.max() / room, D.max() / room])
    assert not strictly.all(axis=1).any()
    assert solid.get_linestyle() != dashed.get_linestyle()


def test_the_frontier_is_the_best_split_and_dashed_past_the_largest_run(fit):
    ax = plot_contours(fit, ax=new_axes())
    pieces = [line for line in ax.lines if line.get_color() == "#D55E00"]
    assert {line.get_linestyle() for line in pieces} == {"-", "--"}
    solid = next(line for line in pieces if line.get_linestyle() == "-")
    flops = 6 * solid.get_xdata() * solid.get_ydata()
    assert flops.max() == pytest.approx((6 * cloud().params * cloud().tokens).max())
    best = sf.allocate(fit, flops=flops)
    assert solid.get_xdata() == pytest.approx(best.frame.params.to_numpy())
    assert (named(ax)["runs"].get_xydata() == cloud()[["params", "tokens"]].to_numpy()).all()


def test_every_contour_has_its_value_once_and_away_from_the_runs(fit):
    ax = plot_contours(fit, ax=new_axes())
    ax.figure.draw_without_rendering()
    runs = ax.transData.transform(named(ax)["runs"].get_xydata())
    boxes = [text.get_window_extent() for text in ax.texts]
    drawn = {value for one in ax.collections if hasattr(one, "levels")
             for value, path in zip(one.levels, one.get_paths(), strict=True) if len(path.vertices)}  # fmt: skip
    assert sorted(float(text.get_text()) for text in ax.texts) == pytest.approx(sorted(drawn), rel=0.005)
    assert len(boxes) == len(drawn)
    assert sum(box.count_contains(runs) for box in boxes) == 0


def test_a_law_without_a_best_split_has_contours_and_no_frontier():
    fit = sf.fit(ladder(), "chinchilla", fixed={"B": 0.0, "beta": 0.3})
    told = loss_surface(fit)
    assert len(told.frontier) == 0
    assert len(told.levels) == 7
    ax = plot_contours(fit, ax=new_axes())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["runs"]


def test_residuals_stand_against_each_input_in_order_and_by_family(fit):
    figure = plot_residuals(fit)
    against_params, against_tokens, order, families = figure.axes
    rows = fit.residuals
    seen = np.concatenate([line.get_xydata() for line in against_params.lines if line.get_marker() != "None"])
    assert sorted(map(tuple, seen)) == sorted(map(tuple, rows[["params", "residual"]].to_numpy()))
    assert against_tokens.get_xlabel() == "training tokens D"
    assert against_params.get_ylabel() == "ln (fitted / seen)"
    told = residual_quantiles(fit)
    assert (named(order)["residuals"].get_xydata() == told[["deviations", "residual"]].to_numpy()).all()
    assert [text.get_text() for text in families.get_xticklabels()] == ["$b_{$", "a", "c"]
    figure.draw_without_rendering()  # a name is no formula, so a lone brace harms nothing


def test_residuals_of_training_curves_run_along_the_steps(training):
    steps, _ = plot_residuals(training).axes
    assert steps.get_xlabel() == "training step"
    rows = training.residuals
    assert len(named(steps)) >= 2
    for run, own in rows.groupby("run"):
        assert (named(steps)[run].get_ydata() == own.sort_values("step").residual).all()


def test_residuals_fill_the_figure_that_is_given(fit):
    left, right = Figure(figsize=(14, 4)).subfigures(1, 2)
    assert plot_residuals(fit, figure=left) is left
    assert len(left.axes) == 4
    assert plot_draws(fit, ["E", "A"], figure=right) is right


def test_draws_are_shown_pair_by_pair_with_the_estimates(fit):
    figure = plot_draws(fit, ["E", "alpha"])
    first, pair, second = figure.axes
    cloud_of = pair.lines[0].get_xydata()
    assert (cloud_of == fit.draws[["E", "alpha"]].to_numpy()).all()
    assert pair.lines[1].get_xdata()[0] == fit.estimates["E"]
    assert pair.lines[2].get_ydata()[0] == fit.estimates["alpha"]
    assert sum(bar.get_height() for bar in first.patches) == len(fit.draws)
    edges = [line.get_xdata()[0] for line in second.lines if line.get_linestyle() == ":"]
    assert edges == pytest.approx(fit.summary().loc["alpha", ["low", "high"]].tolist())
    assert (pair.get_xlabel(), pair.get_ylabel()) == ("E (nats/token)", "alpha")


def test_a_parameter_that_was_fixed_is_not_drawn_and_an_unknown_one_is_refused(fit):
    fixed = sf.fit(cloud(), "chinchilla", fixed={"E": 1.8})
    assert [ax.get_xlabel() for ax in plot_draws(fixed).axes[-4:]] == ["A", "alpha", "B", "beta"]
    with pytest.raises(sf.FitError, match=r"params must be one of .*Did you mean 'alpha'"):
        plot_draws(fit, ["alpa"])


def test_starts_that_agree_are_full_and_others_hollow(fit):
    heights = (2.0, 1.0, 1.0 + 1e-9, np.inf, 1.5)
    mixed = replace(fit, judgement=replace(fit.judgement, heights=heights, starts=5, agreeing=2))
    told = start_ends(mixed)
    assert told["rank"].tolist() == [1, 2, 3, 4, 5]
    assert told.above.tolist() == pytest.approx([0, 1e-9, 0.5, 1.0, np.inf])
    assert told.agrees.tolist() == [True, True, False, False, False]
    ax = plot_starts(mixed, ax=new_axes())
    assert named(ax)["2 agree"].get_ydata() == pytest.approx([0, 1e-9])
    assert named(ax)["2 ended higher"].get_ydata() == pytest.approx([0.5, 1.0])
    assert "1 found nothing" in named(ax)
    assert ax.get_title() == "2 of 5 starts agree"
    with pytest.raises(sf.FitError, match="does not hold where its starts ended"):
        plot_starts(replace(fit, judgement=replace(fit.judgement, heights=())), ax=new_axes())


def test_where_starts_ended_is_kept_in_a_file(fit, tmp_path):
    fit.to_json(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(start_ends(sf.load_fit(tmp_path / "fit.json")), start_ends(fit))
    assert start_ends(fit).agrees.sum() == fit.judgement.agreeing


def test_quantiles_of_a_normal_scatter_stay_in_their_band_and_an_outlier_leaves_it(fit):
    x = np.geomspace(1e18, 1e21, 200)
    scatter = 0.01 * np.random.default_rng(3).standard_normal(200)
    runs = pd.DataFrame({"flops": x, "loss": (1.7 + 1e3 * x**-0.16) * np.exp(scatter)})
    told = residual_quantiles(sf.fit(runs, "power_offset", objective=sf.Square()))
    assert told.residual.between(told.low, told.high).mean() > 0.8
    assert np.corrcoef(told.deviations, told.residual)[0, 1] > 0.98
    runs.loc[50, "loss"] *= 0.9
    spoiled = residual_quantiles(sf.fit(runs, "power_offset"))
    assert spoiled.residual.iloc[-1] > spoiled.high.iloc[-1]


def test_under_training_curves_stand_residuals_and_rates(training):
    ax = sf.plot_fit(training, ax=new_axes())
    residuals, rates = ax.child_axes
    run = min(training.data.run.unique())
    own = training.residuals[training.residuals.run == run].sort_values("step")
    assert (residuals.lines[1].get_ydata() == own.residual).all()  # the first is the line at zero
    assert (rates.lines[0].get_xydata() == own[["step", "lr"]].to_numpy()).all()
    assert (residuals.get_ylabel(), rates.get_ylabel()) == ("ln (fitted / seen)", "learning rate")
    assert rates.get_xlabel() == "training step"
    assert ax.get_xlim() == rates.get_xlim()
    lines = [line for panel in (ax, residuals, rates) for line in panel.lines if line.get_linestyle() != "None"]
    assert {line.get_linestyle() for line in lines} == {"-"}  # nothing here is extrapolated
    fitted = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert len({line.get_marker() for line in fitted}) == len(fitted) > 1


def test_a_fit_draws_contours_for_scattered_runs_curves_for_ladders_and_for_one_input(fit):
    assert fit.plot(ax=new_axes()).get_ylabel() == "training tokens D"
    assert sf.fit(ladder(), "chinchilla").plot(ax=new_axes()).get_xlabel() == "training tokens D"
    assert fit.plot(along="flops", ax=new_axes()).get_xlabel() == "training compute C (FLOP)"
    assert fit.plot(kind="curves", ax=new_axes()).get_ylabel() == "loss (nats per token)"
    assert fit.plot(kind="starts", ax=new_axes()).get_xlabel() == "start, the best first"
    x = np.geomspace(1e18, 1e21, 9)
    one = sf.fit({"flops": x, "loss": 1.7 + 1e3 * x**-0.16}, "power_offset")
    assert one.plot(ax=new_axes()).get_ylabel() == "loss (nats per token)"


def test_an_unknown_kind_and_one_that_has_no_axis_are_refused(fit):
    with pytest.raises(sf.FitError, match=r"kind must be one of contours, curves or starts.*Did you mean 'contours'"):
        fit.plot(kind="contour", ax=new_axes())
    with pytest.raises(sf.FitError, match="along goes with kind='curves'"):
        fit.plot(kind="contours", along="tokens", ax=new_axes())


def test_a_second_fit_has_a_figure_of_its_own_and_empty_axes_are_taken(fit):
    plt.close("all")
    first = fit.plot(kind="curves")
    before = len(first.lines)
    assert fit.plot(kind="curves") is not first
    assert plt.gcf().number == 2
    assert len(first.lines) == before
    empty = plt.figure().add_subplot()
    assert fit.plot(kind="contours") is empty
    plt.close("all")


def test_a_second_fit_on_given_axes_is_told_from_the_first():
    x = np.geomspace(1e18, 1e21, 9)
    fits = [sf.fit({"flops": x, "loss": floor + 1e3 * x**-0.16}, "power_offset") for floor in (1.7, 1.4)]
    ax = fits[0].plot(ax=new_axes())
    assert fits[1].plot(ax=ax) is ax
    curves = [line for line in ax.lines if line.get_label() == "power_offset"]
    assert len({line.get_color() for line in curves}) == 2
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert (told.count("power_offset"), told.count("runs"), told.count("edge of the fitted range")) == (2, 2, 1)


def test_panels_that_were_drawn_are_not_drawn_on_again(training):
    plt.close("all")
    first = training.plot()
    assert training.plot() is not first
    plt.close("all")


def test_axes_that_someone_drew_on_without_naming_them_are_not_taken_for_another_picture(fit):
    plt.close("all")
    _, own = plt.subplots()
    assert fit.plot() is own
    plt.figure().add_subplot().plot([1, 2], [1, 2])
    busy = plt.gca()
    assert fit.plot() is not busy
    plt.close("all")
