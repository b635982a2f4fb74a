"""The best values of inputs that are no size and tokens: parts of a model, experts, a turning point."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES
from scalefit.decisions.allocation.inputs import best_inputs

PARTS = {"free": ("params_encoder", "params_decoder"), "cost": "params_encoder + params_decoder"}
NMT = {"alpha": 40.0, "p_e": 0.12, "p_d": 0.24, "L_inf": 0.9}


@pytest.fixture(scope="module")
def translation():
    law, runs = sf.get_law("nmt_bivariate"), CASES["nmt_bivariate"].design()
    scatter = 0.003 * np.random.default_rng(0).standard_normal(len(runs))
    with pytest.warns(sf.FitWarning, match="from memory"):
        return sf.fit(runs.assign(loss=law(NMT, runs) * np.exp(scatter)), law).bootstrap(100, rng=0)


@pytest.fixture(scope="module")
def experts():
    law, case = sf.get_law("moe_joint"), CASES["moe_joint"]
    return case.fit(law, case.runs(law, noise=1e-3), rng=0)


def test_an_encoder_and_a_decoder_share_parameters_as_their_exponents(translation):
    """In closed form N_e / N_d = p_e / p_d at every total, and the loss of the best split."""
    told = best_inputs(translation, **PARTS, budget=[1e8, 1e9])
    expected = translation.estimates["p_e"] / translation.estimates["p_d"]
    assert told.frame.ratio.to_numpy() == pytest.approx(expected, rel=1e-7)
    assert (told.frame.params_encoder + told.frame.params_decoder).to_numpy() == pytest.approx([1e8, 1e9])
    loss = translation.derive("loss_at_best_split", at={"params": [1e8, 1e9]})
    for mine, theirs in {"loss": "estimate", "loss_low": "low", "loss_high": "high"}.items():
        assert told.frame[mine].to_numpy() == pytest.approx(loss[theirs].to_numpy(), rel=1e-9)
    assert str(told).startswith("At a budget of 1e9: best with params_encoder ")


def test_weights_of_the_parts_move_their_sizes_and_not_what_each_costs(translation):
    weighed = best_inputs(
        translation, free=PARTS["free"], cost="params_encoder + 3 * params_decoder", budget=1e9
    ).frame.iloc[0]
    even = best_inputs(translation, **PARTS, budget=1e9).frame.iloc[0]
    assert weighed.ratio == pytest.approx(3 * even.ratio, rel=1e-7)


def test_a_cost_may_be_a_function_that_bends(translation):
    def cost(params_encoder, params_decoder):
        return params_encoder + params_decoder**1.1

    row = best_inputs(translation, free=PARTS["free"], cost=cost, budget=1e9).frame.iloc[0]
    assert cost(row.params_encoder, row.params_decoder) == pytest.approx(1e9, rel=1e-9)
    # At the optimum each part's share of the cost, times its power there, is as its exponent.
    shares = row.params_encoder / (1.1 * row.params_decoder**1.1)
    assert shares == pytest.approx(translation.estimates["p_e"] / translation.estimates["p_d"], rel=1e-5)


def test_each_number_of_experts_has_its_best_split_and_its_chance(experts):
    told = best_inputs(
        experts, free=("params_active", "tokens"), cost="6 * params_active * tokens", budget=[1e20, 1e22],
        choices={"experts": [1, 4, 16]},
    )  # fmt: skip
    assert told.frame.experts.tolist() == [1, 4, 16] * 2
    assert told.frame.groupby("budget").probability.sum().to_numpy() == pytest.approx([1, 1])
    for row in told.frame.itertuples():
        expected = experts.derive("optimal_params_active", at={"flops": row.budget, "experts": row.experts})
        assert row.params_active == pytest.approx(expected.estimate[0], rel=1e-6)
    best = told.frame[told.frame.budget == 1e22].sort_values("loss").iloc[0]
    assert best.probability > 0.9
    assert f"best with experts = {best.experts:g} (in " in str(told).split("\n")[0]


def test_granularity_has_an_optimum_where_routing_costs_and_finer_experts_suit_larger_budgets():
    """Krajewski et al. 2024: the law alone always gains from finer experts; the cost of routing stops that."""
    law = sf.get_law("moe_finegrained")
    values = law.published["krajewski2024"].values
    runs = sf.grid(params_active=np.geomspace(1e7, 3e9, 5), tokens=np.geomspace(1e9, 1e11, 5), granularity=[1, 4, 16])
    fit = sf.fit(runs.assign(loss=law(values, runs)), law)
    grains = [2.0**k for k in range(9)]
    # A router costs granularity times the expansion times the width for each token and layer.
    routing = "(6*params_active + 90*granularity*params_active**(2/3))*tokens"
    told = best_inputs(
        fit, free=("params_active", "tokens"), cost=routing, budget=[1e19, 1e24], choices={"granularity": grains}
    ).frame
    best = [rows.sort_values("loss").granularity.iloc[0] for _, rows in told.groupby("budget")]
    assert 1 < best[0] < best[1] < grains[-1]


def test_one_input_along_which_a_law_turns_needs_no_budget():
    law = sf.get_law("overopt_bon")
    case = CASES["overopt_bon"]
    fit = case.fit(law, case.runs(law, noise=1e-3), rng=0)
    told = best_inputs(fit, free="kl")
    expected = fit.derive("peak_kl_of_samples").iloc[0]
    assert told.frame.kl[0] == pytest.approx(expected.estimate, rel=1e-6)
    assert told.frame.kl_low[0] == pytest.approx(expected.low, rel=1e-6)
    assert "expected reward" in str(told)


def test_a_law_that_does_not_turn_has_no_best_value():
    runs = pd.DataFrame({"x": np.geomspace(1e3, 1e6, 8)}).assign(loss=lambda f: 1 + 5 * f.x**-0.2)
    told = best_inputs(sf.fit(runs, "power_offset"), free="x")
    assert str(told).startswith("No best value of x inside: power_offset is best at an end")
    assert told.frame.x.isna().all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"free": ("params_encoder", "params_decoder")}, "Two free inputs share a budget: give cost= and budget="),
        ({"free": "params_encoder"}, "also takes params_decoder: give at="),
        ({"free": "params_encoder", "at": {"params_decoder": 1e8}, "budget": 1e9}, "leave nothing to choose"),
        ({"free": ("params_encoder", "params")}, "must be one of params_decoder or params_encoder; got 'params'"),
        ({**PARTS, "budget": 1e9, "at": {"params_encoder": 1e8}}, "'params_encoder' is said twice"),
        ({"free": (), "budget": 1e9}, "free names one input of the law, or two; got none"),
        ({"free": PARTS["free"], "cost": "params_encoder + width", "budget": 1e9}, "cost: an input of the law"),
        ({"free": PARTS["free"], "cost": 6, "budget": 1e9}, "a formula or a function of inputs"),
        ({**PARTS, "budget": 1e9, "choices": {}}, "choices holds the values of one input; got none"),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_to_type(translation, asked, message):
    with pytest.raises(sf.FitError, match=message.replace("(", r"\(")):
        best_inputs(translation, **asked)
