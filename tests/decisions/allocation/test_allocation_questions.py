"""Questions beside the best split: a model that is served, another size, a loss to reach, the smallest model."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES
from noisy_runs import TRUTH, design, with_scatter
from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.allocation.contours import iso_loss, smallest_model
from scalefit.decisions.allocation.inverse import budget_for, tokens_for
from scalefit.decisions.allocation.serving import allocate_inference
from scalefit.decisions.allocation.setting import find_setting
from scalefit.decisions.allocation.sizes import compare_sizes

CHINCHILLA = sf.get_law("chinchilla")
E, A, ALPHA, B, BETA = TRUTH.values()


def of_truth(quantity, **at):
    return float(CHINCHILLA.derived[quantity](TRUTH, at))


@pytest.fixture(scope="module")
def exact():
    """The true law, found again from runs without noise."""
    return sf.fit(with_scatter(design(6, 6), 0.0), CHINCHILLA)


@pytest.fixture(scope="module")
def noisy():
    frame = design(6, 6)
    fit = sf.fit(with_scatter(frame, 0.005 * np.random.default_rng(0).standard_normal(len(frame))), CHINCHILLA)
    return fit.bootstrap(100, rng=0)


@pytest.fixture(scope="module")
def searched():
    """Laws without closed forms, found again from runs without noise: name -> fit and the other inputs."""
    out = {}
    for name in ("farseer", "data_constrained", "moe_joint", "accuracy_single_step"):
        law, case = sf.get_law(name), CASES[name]
        fit = case.fit(law, case.runs(law, noise=1e-4), rng=0)
        at = {"unique_tokens": 1e12} if name == "data_constrained" else {"experts": 8} if name == "moe_joint" else {}
        out[name] = fit, at
    return out


# --- served models


def test_with_nothing_served_the_best_is_that_of_training_alone(exact):
    (row,) = allocate_inference(exact, inference_tokens=0, loss=2.2).frame.itertuples()
    flops = of_truth("flops_for_loss", loss=2.2)
    assert row.flops == pytest.approx(flops, rel=1e-6)
    assert row.params == pytest.approx(of_truth("params_optimal", flops=flops), rel=1e-6)
    assert row.params_factor == pytest.approx(1, abs=1e-6)
    assert row.saved == 0


@pytest.mark.parametrize("price", [1.0, 5.0])
def test_a_served_model_is_where_training_and_inference_balance(exact, price):
    """Sardana et al. 2024: alpha A N^-alpha / (beta B D^-beta) = 1 + 2 p D_inf / (6 D) on the contour of the loss."""
    told = allocate_inference(exact, inference_tokens=[1e11, 1e13], loss=2.2, inference_price=price).frame
    balance = ALPHA * A / told.params**ALPHA / (BETA * B / told.tokens**BETA)
    expected = 1 + 2 * price * told.inference_tokens / (6 * told.tokens)
    assert balance.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5)
    assert CHINCHILLA(TRUTH, told) == pytest.approx(2.2, abs=1e-7)
    total = 6 * told.params * told.tokens + 2 * price * told.params * told.inference_tokens
    assert told["flops" if price == 1 else "cost"].to_numpy() == pytest.approx(total.to_numpy())
    assert (told.saved > 0).all()
    assert (told.params_factor < 1).all()
    assert told.params.is_monotonic_decreasing


def test_a_budget_for_both_gives_the_model_that_is_cheapest_for_its_loss(exact):
    target = allocate_inference(exact, inference_tokens=1e12, loss=2.2).frame.iloc[0]
    budget = allocate_inference(exact, inference_tokens=1e12, flops=target.flops).frame.iloc[0]
    assert budget.loss == pytest.approx(2.2, abs=1e-6)
    assert budget.params == pytest.approx(target.params, rel=1e-4)
    assert budget.flops == pytest.approx(target.flops)
    with_cost = allocate(exact, flops=target.flops, cost="6*params*tokens + 2*params*1e12").frame.iloc[0]
    assert with_cost.params == pytest.approx(budget.params, rel=1e-7)


def test_what_serving_costs_may_be_a_function_or_a_formula(exact):
    by_hand = allocate_inference(exact, inference_tokens=1e12, loss=2.2, inference_cost=lambda n: 2 * n)
    by_text = allocate_inference(exact, inference_tokens=1e12, loss=2.2, inference_cost="2 * params")
    assert by_hand.frame.params[0] == by_text.frame.params[0]
    dear = allocate_inference(exact, inference_tokens=1e12, loss=2.2, inference_cost="3 * params**1.1")
    assert dear.frame.params[0] < by_text.frame.params[0]
    assert "3 * params**1.1 per token served" in dear.notes[0]


def test_a_loss_under_the_floor_is_out_of_reach_of_every_model(noisy):
    told = allocate_inference(noisy, inference_tokens=1e12, loss=1.5)
    assert str(told).startswith("Loss 1.5 is out of reach of this law at any size (in 100 % of the draws)")
    assert np.isinf(told.frame.params[0])
    some = allocate_inference(noisy, inference_tokens=1e12, loss=float(noisy.draws.E.median()) + 0.003).frame
    assert 0 < some.out_of_reach[0] < 1
    assert np.isinf(some.params_high[0])


def test_a_served_model_is_told_in_one_sentence(noisy):
    told = str(allocate_inference(noisy, inference_tokens=[0, 1e12], loss=2.2)).split("\n")[0]
    assert told.startswith("To reach loss 2.2 and serve 1e12 tokens: train ")
    assert "times the size that is best for training alone" in told
    spent = str(allocate_inference(noisy, inference_tokens=1e12, flops=1e22)).split("\n")[0]
    assert spent.startswith("With 1e22 FLOP for training and for serving 1e12 tokens: train ")


def test_a_loss_or_a_budget_is_asked_for_and_not_both(exact):
    with pytest.raises(sf.FitError, match="Give loss=, to reach it at the least cost, or flops="):
        allocate_inference(exact, inference_tokens=1e12)
    with pytest.raises(sf.FitError, match="Give loss="):
        allocate_inference(exact, inference_tokens=1e12, loss=2.0, flops=1e22)
    with pytest.raises(sf.DataError, match="inference_tokens must be finite and zero or above; got -1"):
        allocate_inference(exact, inference_tokens=-1, loss=2.2)
    with pytest.raises(sf.FitError, match="inference_cost: a formula or function"):
        allocate_inference(exact, inference_tokens=1, loss=2.2, inference_cost=2)


# --- other sizes


def test_what_another_size_wastes_is_the_closed_form(exact):
    frame = compare_sizes(exact, flops=1e22, factors=[0.3, 0.7, 1, 2, 5]).frame
    waste = [of_truth("flops_waste", params_factor=k) for k in frame.factor]
    assert frame.waste.to_numpy() == pytest.approx(waste, rel=1e-6)
    over = [of_truth("tokens_factor", params_factor=k) for k in frame.factor]
    assert frame.overtraining.to_numpy() == pytest.approx(over, rel=1e-5)
    assert frame.overhead.to_numpy() == pytest.approx(frame.factor * over, rel=1e-5)
    assert frame.extra_loss[2] == 0
    assert (frame.extra_loss[[0, 1, 3, 4]] > 0).all()


def test_under_the_smallest_size_no_tokens_are_enough(exact):
    least = of_truth("smallest_params_factor")
    told = compare_sizes(exact, flops=1e22, factors=[0.99 * least, 1.01 * least])
    assert np.isinf(told.frame.overhead[0])
    assert np.isfinite(told.frame.overhead[1])
    assert told.frame.out_of_reach[0] == 1
    assert "no number of tokens gives it the loss of the best" in str(told).split("\n")[0]


def test_sizes_in_parameters_carry_that_the_best_is_not_known(noisy):
    fixed = compare_sizes(noisy, flops=1e22, params=[3e9]).frame.iloc[0]
    factor = compare_sizes(noisy, flops=1e22, factors=[fixed.factor]).frame.iloc[0]
    assert fixed.waste == pytest.approx(factor.waste)
    assert fixed.factor_low < fixed.factor < fixed.factor_high
    assert fixed.waste_high - fixed.waste_low > 2 * (factor.waste_high - factor.waste_low)


def test_without_sizes_a_tenth_to_ten_times_the_best_are_compared(noisy):
    told = compare_sizes(noisy, flops=1e22)
    assert (told.frame.factor.min(), told.frame.factor.max()) == (0.1, 10)
    assert str(told).split("\n")[0].startswith("At 1e22 FLOP a model of 0.1 times the best size has ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["farseer", "data_constrained", "moe_joint", "accuracy_single_step"])
def test_waste_holds_what_it_says_for_laws_without_closed_forms(searched, name):
    fit, at = searched[name]
    budget = 1e21
    row = compare_sizes(fit, flops=budget, factors=[2.0], at=at).frame.iloc[0]
    enough = allocate(fit, flops=budget / row.waste, at=at).frame.iloc[0]
    assert row.waste > 1
    assert enough[fit.law.output] == pytest.approx(row[fit.law.output], rel=1e-8)


def test_one_budget_and_one_kind_of_size_are_compared(exact):
    with pytest.raises(sf.FitError, match="one budget; got 2"):
        compare_sizes(exact, flops=[1e21, 1e22])
    with pytest.raises(sf.FitError, match="factors and params both say"):
        compare_sizes(exact, flops=1e21, factors=[1], params=[1e9])


# --- contours


def test_the_tokens_of_a_contour_and_its_cheapest_place_are_the_closed_forms(exact):
    told = iso_loss(exact, loss=[2.5, 2.2], params=[1e9, 1e10])
    expected = [of_truth("tokens_for_loss", loss=L, params=N) for L in (2.5, 2.2) for N in (1e9, 1e10)]
    assert told.contours.tokens.to_numpy() == pytest.approx(expected, rel=1e-6)
    assert told.frame.flops.to_numpy() == pytest.approx([of_truth("flops_for_loss", loss=L) for L in (2.5, 2.2)])
    assert CHINCHILLA(TRUTH, told.frame) == pytest.approx([2.5, 2.2], abs=1e-8)


def test_where_a_size_never_has_the_loss_its_contour_is_unbounded(exact, noisy):
    smallest = (A / (2.2 - E)) ** (1 / ALPHA)
    contour = iso_loss(exact, loss=2.2, params=[0.99 * smallest, 1.01 * smallest]).contours
    assert np.isinf(contour.tokens[0])
    assert np.isfinite(contour.tokens[1])
    assert contour.out_of_reach[0] == 1
    assert str(iso_loss(noisy, loss=1.5)).startswith("Loss 1.5 is out of reach of this law")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["farseer", "data_constrained", "moe_joint", "accuracy_single_step"])
def test_tokens_and_budgets_for_a_target_reach_it_for_laws_without_closed_forms(searched, name):
    fit, at = searched[name]
    setting = find_setting(fit, cost=None, at=at, level=0.9)
    target = float(setting.best(np.array([3e20])).loss[0, 0])
    sizes = np.array([0.8, 1.0, 2.0]) * setting.best(np.array([3e20])).params[0, 0]
    tokens = tokens_for(setting, sizes, np.array([target]))
    reached = setting.value(sizes, tokens)
    known = np.isfinite(tokens)
    assert known[0].all()
    assert reached[known] == pytest.approx(target, rel=1e-9)
    budget = budget_for(setting, np.array([target]))
    assert budget[0, 0] == pytest.approx(3e20, rel=1e-5)
    assert setting.best(budget).loss[np.isfinite(budget)] == pytest.approx(target, rel=1e-8)


# --- the smallest model


def test_the_smallest_model_on_any_tokens_is_that_of_the_size_term(exact):
    frame = smallest_model(exact, loss=[2.5, 2.2]).frame
    assert frame.params.to_numpy() == pytest.approx([(A / (L - E)) ** (1 / ALPHA) for L in (2.5, 2.2)], rel=1e-5)


def test_the_smallest_model_on_given_tokens_is_the_closed_form(exact):
    (row,) = smallest_model(exact, loss=2.2, tokens=1e11).frame.itertuples()
    assert row.params == pytest.approx(of_truth("params_for_loss", loss=2.2, tokens=1e11), rel=1e-5)


def test_the_smallest_model_for_a_budget_spends_it_and_has_the_loss(exact):
    (row,) = smallest_model(exact, loss=2.2, flops=1e22).frame.itertuples()
    assert 6 * row.params * row.tokens == pytest.approx(1e22)
    value = CHINCHILLA(TRUTH, pd.DataFrame({"params": [row.params], "tokens": [row.tokens]}))
    assert value == pytest.approx(2.2, abs=1e-7)
    assert row.params < of_truth("params_optimal", flops=of_truth("flops_for_loss", loss=2.2))


def test_a_budget_or_tokens_that_are_not_enough_are_told(exact, noisy):
    little = 0.9 * of_truth("flops_for_loss", loss=2.2)
    told = smallest_model(exact, loss=2.2, flops=little)
    assert np.isinf(told.frame.params[0])
    assert str(told).startswith("No model reaches loss 2.2 for ")
    assert str(smallest_model(noisy, loss=2.2, tokens=1e9)).startswith("No model reaches loss 2.2 on 1e9 tokens (100 %")
    border = smallest_model(noisy, loss=float(noisy.draws.E.median()) + 0.003)
    assert 0 < border.frame.out_of_reach[0] < 1
    with pytest.raises(sf.FitError, match="tokens and flops both limit"):
        smallest_model(exact, loss=2.2, flops=1e22, tokens=1e11)


@pytest.mark.parametrize("call", [compare_sizes, smallest_model, iso_loss, allocate_inference])
def test_every_answer_has_draws_text_and_html(noisy, call):
    asked = {
        "compare_sizes": {"flops": 1e22},
        "smallest_model": {"loss": 2.2},
        "iso_loss": {"loss": 2.2},
        "allocate_inference": {"loss": 2.2, "inference_tokens": 1e12},
    }[call.__name__]
    told = call(noisy, **asked)
    assert len(told.draws) == len(noisy.draws) * len(told.frame)
    assert str(told).split("\n")[0] in told._repr_html_()
    assert any("bootstrap of rows, 100 draws" in note for note in told.notes)
    assert told.trusted == (not told.doubts)


def test_a_price_of_inference_is_a_cost_and_no_flop(exact):
    told = allocate_inference(exact, inference_tokens=1e12, loss=2.2, inference_price=5)
    (row,) = told.frame.itertuples()
    assert row.flops == pytest.approx(6 * row.params * row.tokens + 2 * row.params * 1e12)
    assert row.cost == pytest.approx(row.flops + 4 * 2 * row.params * 1e12)
    assert " FLOP in all, as dear as " in str(told).split("\n")[0]
    assert "cost" not in allocate_inference(exact, inference_tokens=1e12, loss=2.2).frame


def test_a_model_far_below_the_smallest_run_is_a_doubt_that_says_below(noisy):
    told = allocate_inference(noisy, inference_tokens=1e11, flops=1e12)
    assert any("times below the runs" in doubt for doubt in told.doubts)
    assert "times outside the runs" in str(told).split("\n")[0]


def test_the_first_line_tells_of_losses_within_reach_and_of_those_without(noisy):
    first = str(smallest_model(noisy, loss=[2.3, 1.5], tokens=1e12)).split("\n")[0]
    assert first.startswith("The smallest model that reaches loss 2.3 on 1e12 tokens has ")
    assert "; no model reaches loss 1.5 on 1e12 tokens (100 % of the draws agree)" in first
    cheapest = str(iso_loss(noisy, loss=[2.3, 1.5])).split("\n")[0]
    assert cheapest.startswith("Loss 2.3 is cheapest with ")
    assert cheapest.endswith("; loss 1.5 is out of reach of this law")
