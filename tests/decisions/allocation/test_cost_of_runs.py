"""What a run costs: formulas, functions, the runs' own compute, and the tokens or the size that a budget buys."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.spending import Cost

SIZES = np.array([1e6, 1e9])


def runs_with_attention(noise=0.0):
    """FLOP per token of 6 N and a share for attention that falls with size."""
    runs = sf.grid(params=np.geomspace(1e6, 1e9, 6), tokens=[1e9, 1e10])
    scatter = np.random.default_rng(0).standard_normal(len(runs))
    share = 1 + 0.5 * (runs.params / 1e6) ** -0.2
    return runs.assign(flops=6 * runs.params * runs.tokens * share * np.exp(noise * scatter))


def test_without_a_word_a_run_costs_six_operations_per_parameter_and_token():
    cost = Cost.of(None)
    assert cost.six_nd
    assert cost(7e10, 1.4e12) == 6 * 7e10 * 1.4e12


def test_a_formula_and_a_function_cost_what_they_say():
    formula, function = Cost.of("6*params*tokens + 2*params*1e12"), Cost.of(lambda n, d: 6 * n * d + 2 * n * 1e12)
    assert formula(SIZES, 1e10).tolist() == function(SIZES, 1e10).tolist()
    assert formula.text == "6*params*tokens + 2*params*1e12"
    assert not formula.six_nd


def test_six_nd_is_known_however_it_is_written():
    assert Cost.of("tokens * 2 * 3 * params").six_nd
    assert Cost.of(lambda n, d: 6 * n * d).six_nd
    assert Cost.of("6*params*tokens").text == "6 * params * tokens"


def test_a_cost_of_anything_else_is_an_error_that_shows_what_to_type():
    with pytest.raises(sf.FitError, match=r"got layers in .*Such as '6 \* params \* tokens"):
        Cost.of("6 * params * tokens * layers")
    with pytest.raises(sf.FitError, match="cost: a formula such as"):
        Cost.of(6)
    with pytest.raises(sf.FormulaError):
        Cost.of("6 * params **")


@pytest.mark.parametrize(
    "cost",
    [
        None,
        "6 * params * tokens + 2 * params * 1e8",
        lambda n, d: 6 * n * d + 1e12,
        lambda n, d: 6 * n * d**1.1,
        lambda n, d: 6 * n * d * (1 + np.log1p(d / 1e9)),
    ],
    ids=["six", "with inference", "with a start", "bent", "bent late"],
)
def test_the_tokens_and_the_size_that_a_budget_buys_cost_that_budget(cost):
    cost = Cost.of(cost)
    tokens = cost.tokens_for(SIZES, 1e20)
    assert cost(SIZES, tokens) == pytest.approx(1e20, rel=1e-9)
    assert cost.params_for(tokens, np.array(1e20)) == pytest.approx(SIZES, rel=1e-9)


def test_a_size_that_costs_more_without_any_token_buys_none():
    cost = Cost.of("6 * params * tokens + 2 * params * 1e12")
    assert np.isnan(cost.tokens_for(np.array([1e9]), 1e21)).all()
    bent = Cost.of(lambda n, d: n * (1e12 + d**1.1))
    assert np.isnan(bent.tokens_for(np.array([1e10]), 1e21)).all()


def test_the_cost_of_runs_follows_their_own_compute_where_it_bends_with_size():
    runs = runs_with_attention()
    cost = Cost.from_runs(runs)
    between = cost(np.array([3e7]), 1e10) / (6 * 3e7 * 1e10)
    assert between == pytest.approx(1 + 0.5 * 30**-0.2, rel=0.01)
    assert "12 runs of 6 sizes" in cost.text
    assert not cost.six_nd


def test_the_cost_of_runs_says_how_far_they_lie_from_it():
    assert Cost.from_runs(runs_with_attention(noise=0.05)).text.split("to ")[-1] != "0.001 %"
    far = float(Cost.from_runs(runs_with_attention(noise=0.05)).text.split("to ")[-1].rstrip(" %"))
    assert 3 < far < 20


def test_beyond_its_sizes_the_cost_of_runs_goes_on_straight():
    cost = Cost.from_runs(runs_with_attention())
    steps = np.log(cost(np.geomspace(1e10, 1e13, 4), 1.0))
    assert np.diff(steps, 2) == pytest.approx(0, abs=1e-9)


def test_runs_of_one_size_cost_in_proportion_to_it():
    runs = pd.DataFrame({"params": [1e8] * 3, "tokens": [1e9, 2e9, 4e9]})
    runs["flops"] = 7 * runs.params * runs.tokens
    assert Cost.from_runs(runs)(2e8, 1e9) == pytest.approx(7 * 2e8 * 1e9)


def test_runs_without_compute_or_with_none_are_errors():
    with pytest.raises(sf.ColumnError, match="needs a column 'flops'"):
        Cost.from_runs(runs_with_attention().drop(columns="flops"))
    with pytest.raises(sf.DataError, match="flops must be above zero"):
        Cost.from_runs(runs_with_attention().assign(flops=0.0))
