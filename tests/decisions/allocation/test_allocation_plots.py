"""Pictures of answers about spending compute show the line, the band, the places asked for and where the runs end."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from cases import CASES
from noisy_runs import design, with_scatter
from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.allocation.contours import iso_loss
from scalefit.decisions.allocation.inputs import best_inputs
from scalefit.decisions.allocation.serving import allocate_inference
from scalefit.decisions.allocation.sizes import compare_sizes


@pytest.fixture(scope="module")
def fit():
    frame = design(6, 6)
    runs = with_scatter(frame, 0.01 * np.random.default_rng(0).standard_normal(len(frame)))
    return sf.fit(runs, "chinchilla").bootstrap(50, rng=0)


def new_axes():
    return Figure().subplots()


def line(ax, label):
    (found,) = [one for one in ax.get_lines() if one.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_best_size_and_tokens_are_drawn_to_the_largest_run_and_dashed_beyond(fit):
    best = allocate(fit, flops=[1e21, 1e25])
    ax = best.plot(ax=new_axes())
    flops, sizes = line(ax, "best params")
    assert flops.max() <= best.largest_run
    assert sizes == pytest.approx(best.curve.params[best.curve.flops <= best.largest_run].to_numpy())
    dashed = [one for one in ax.get_lines() if one.get_linestyle() == "--"]
    assert [one.get_xdata().max() for one in dashed] == pytest.approx([1e25, 1e25])
    assert legend(ax) == ["best params", "best tokens", "largest run fitted"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylabel() == "parameters N, training tokens D"


def test_one_quantity_may_be_drawn_alone_under_its_own_label(fit):
    best = allocate(fit, flops=1e22)
    ax = best.plot(quantity="loss", ax=new_axes())
    assert ax.get_ylabel() == "loss (nats per token)"
    assert best.plot(quantity="tokens_per_param", ax=new_axes()).get_ylabel() == "tokens per parameter D/N"


def test_an_answer_with_doubts_says_so_in_the_picture(fit):
    assert allocate(fit, flops=1e22).plot(ax=new_axes()).get_title() == ""
    assert allocate(fit, flops=1e28).plot(ax=new_axes()).get_title() == "with doubts: see the text"


def test_without_axes_the_current_ones_are_taken(fit):
    import matplotlib.pyplot as plt

    current = plt.figure().add_subplot()
    assert allocate(fit, flops=1e22).plot() is current
    plt.close("all")


def test_contours_are_drawn_with_the_runs_and_the_cheapest_places_joined(fit):
    told = iso_loss(fit, loss=[3.0, 2.5, 1.82])
    ax = told.plot(ax=new_axes())
    assert line(ax, "runs")[0] == pytest.approx(told.seen.params.to_numpy())
    contour = told.contours[(told.contours.loss == 2.5) & np.isfinite(told.contours.tokens)]
    colour = next(one.get_color() for one in ax.get_lines() if one.get_label() == "loss 2.5")
    pieces = [one.get_xydata() for one in ax.get_lines() if one.get_color() == colour]
    assert np.unique(np.concatenate(pieces), axis=0) == pytest.approx(contour[["params", "tokens"]].to_numpy())
    assert line(ax, "cheapest")[0][:2] == pytest.approx(told.frame.params[:2].to_numpy())
    assert ax.get_xlabel() == "parameters N"


def test_training_alone_is_a_line_across_the_tokens_served(fit):
    told = allocate_inference(fit, inference_tokens=[0, 1e11, 1e12], loss=2.4)
    ax = told.plot(ax=new_axes())
    assert line(ax, "training alone")[1][0] == pytest.approx(told.frame.params[0])
    assert line(ax, "training and inference")[0].tolist() == [1e11, 1e12]
    assert told.plot(quantity="saved", ax=new_axes()).get_yscale() == "linear"


def test_the_cost_of_a_size_is_one_at_the_best(fit):
    told = compare_sizes(fit, flops=1e22)
    ax = told.plot(ax=new_axes())
    factor, waste = line(ax, "compute spent over the least for its loss")
    assert waste[factor == 1] == pytest.approx(1)
    assert line(ax, "compute to the loss of the best")[0].min() > 0.1  # the smallest never gets there
    assert ax.get_xlabel() == "size over the best of the budget"


def test_choices_are_drawn_with_a_line_per_budget_and_free_inputs_along_budgets():
    law, case = sf.get_law("moe_joint"), CASES["moe_joint"]
    experts = case.fit(law, case.runs(law, noise=1e-3), rng=0)
    asked = {"free": ("params_active", "tokens"), "cost": "6 * params_active * tokens"}
    told = best_inputs(experts, **asked, budget=[1e20, 1e22], choices={"experts": [1, 4, 16]})
    ax = told.plot(ax=new_axes())
    assert len(legend(ax)) == 2
    assert ax.get_xlabel() == "experts"
    split = best_inputs(experts, **asked, budget=[1e20, 1e22], at={"experts": 4}).plot(ax=new_axes())
    assert legend(split) == ["parameters active for one token", "training tokens D"]
