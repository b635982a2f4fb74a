"""The best split of a budget with its intervals: the published numbers, and answers that must be clear."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES
from noisy_runs import TRUTH, design, with_scatter
from scalefit.decisions.allocation.budget import allocate
from shared_data import shared

GOPHER = 5.76e23  # FLOP, the budget of Chinchilla
COLUMNS = ["flops", "params", "params_low", "params_high", "tokens", "tokens_low", "tokens_high"]
COLUMNS += ["loss", "loss_low", "loss_high"]


def scattered(seed=0, frame=None, noise=0.005):
    frame = design(6, 6) if frame is None else frame
    return with_scatter(frame, noise * np.random.default_rng(seed).standard_normal(len(frame)))


@pytest.fixture(scope="module")
def fit():
    return sf.fit(scattered(), "chinchilla").bootstrap(200, rng=0)


@pytest.fixture(scope="module")
def besiroglu():
    runs = pd.read_csv(shared("chinchilla_besiroglu/runs.csv"))
    return sf.fit(runs[runs.outlier == 0], "chinchilla").bootstrap(4000, rng=0)


def test_the_optimum_of_the_chinchilla_runs_is_the_known_one(besiroglu):
    """Exponent, N* and D*/N* of the optimum of the 240 runs, known from independent fits of them."""
    best = allocate(besiroglu, flops=GOPHER, level=0.95)
    (row,) = best.frame.itertuples()
    assert best.exponent.estimate == pytest.approx(0.5139, abs=5e-5)
    assert row.params == pytest.approx(7.319e10, rel=1e-4)
    assert row.tokens_per_param == pytest.approx(17.92, abs=0.005)


def test_the_interval_of_the_chinchilla_ratio_is_near_the_published_bootstrap(besiroglu):
    """Pairs bootstrap at 95 %: 7.6 to 35.9 tokens per parameter."""
    (row,) = allocate(besiroglu, flops=GOPHER, level=0.95).frame.itertuples()
    assert row.tokens_per_param_low == pytest.approx(7.6, rel=0.08)
    assert row.tokens_per_param_high == pytest.approx(35.9, rel=0.08)
    # The trap: Hoffmann et al.'s own constants, unrounded and rounded, give ratios outside it.
    law = sf.get_law("chinchilla")
    for name, ratio in {"besiroglu2024": 18.39, "hoffmann2022": 58.93, "hoffmann2022_rounded": 92.65}.items():
        published = float(law.derived["tokens_per_param_optimal"](law.published[name].values, {"flops": GOPHER}))
        assert published == pytest.approx(ratio, rel=3e-4)
        assert (row.tokens_per_param_low < published < row.tokens_per_param_high) == (name == "besiroglu2024")


def test_the_frame_has_the_promised_columns_and_agrees_with_the_derived_quantities(fit):
    frame = allocate(fit, flops=[1e20, 1e22]).frame
    assert list(frame.columns[:10]) == COLUMNS
    for name, quantity in {"params": "params_optimal", "tokens": "tokens_optimal", "loss": "loss_optimal"}.items():
        told = fit.derive(quantity, at={"flops": [1e20, 1e22]})
        for mine, theirs in {name: "estimate", f"{name}_low": "low", f"{name}_high": "high"}.items():
            assert frame[mine].to_numpy() == pytest.approx(told[theirs].to_numpy(), rel=1e-9)


def test_size_tokens_and_loss_of_a_draw_belong_together(fit):
    draws = allocate(fit, flops=[1e20, 1e22]).draws
    assert len(draws) == 2 * len(fit.draws)
    assert (6 * draws.params * draws.tokens).to_numpy() == pytest.approx(draws.flops.to_numpy(), rel=1e-12)
    of_draw = draws[draws.draw == 7].iloc[0]
    law = fit.law(fit.draws.iloc[7].to_dict(), {"params": [of_draw.params], "tokens": [of_draw.tokens]})
    assert of_draw.loss == pytest.approx(law[0], rel=1e-12)
    # What the ends of the two intervals do not do: spend the budget.
    row = allocate(fit, flops=1e22).frame.iloc[0]
    assert 6 * row.params_high * row.tokens_high > 1.1e22


def test_the_first_line_answers_in_one_sentence(fit):
    line = str(allocate(fit, flops=1e22)).split("\n")[0]
    assert line.startswith("At 1e22 FLOP: train ")
    assert " parameters on " in line
    assert "(90 %: " in line
    assert ", expected loss " in line


def test_several_budgets_are_told_with_the_exponent_between_them(fit):
    best = allocate(fit, flops=np.array([1e20, 1e22]))
    assert str(best).startswith("From 1e20 to 1e22 FLOP the best size grows as compute to the power 0.5")
    assert best.exponent.low < best.exponent.estimate < best.exponent.high
    assert best.exponent.text == "the same at every budget"


def test_a_law_without_a_closed_form_gives_its_slope():
    served = allocate(sf.fit(scattered(noise=0), "chinchilla"), flops=1e22, cost="6*params*tokens*(1 + 1e-9)")
    assert served.exponent.text == "the slope at 1e22"
    expected = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
    assert served.exponent.estimate == pytest.approx(expected, abs=1e-4)


def test_a_budget_far_beyond_the_runs_is_a_doubt(fit):
    near, far = allocate(fit, flops=1e22), allocate(fit, flops=1e26)
    assert near.trusted
    assert not far.trusted
    assert str(far).startswith("With ")
    assert "times beyond the runs" in far.doubts[0]
    assert far.frame.beyond[0] > 100


def test_a_ratio_that_is_hardly_known_is_a_doubt():
    few = sf.fit(scattered(frame=design(4, 3), noise=0.03), "chinchilla").bootstrap(50, rng=0)
    assert any("tokens per parameter are known to a factor of" in doubt for doubt in allocate(few, flops=1e24).doubts)


def test_runs_on_one_ray_are_not_identified_and_the_first_line_says_so():
    ray = pd.DataFrame({"params": np.geomspace(1e7, 1e10, 12)}).assign(tokens=lambda f: 20 * f.params)
    fit = sf.fit(scattered(frame=ray, noise=0.003), "chinchilla")
    with pytest.warns(sf.FitWarning, match="The best split of it means little"):
        best = allocate(fit, flops=1e21)
    first = str(best).split("\n")[0]
    assert first.startswith("NOT TO BE RELIED ON, chinchilla is not identified")
    assert "train" not in first
    assert "No answer is offered" in first
    assert np.isnan([best.exponent.low, best.exponent.high]).all()
    assert not best.trusted


def test_no_best_size_is_a_clear_answer():
    law = sf.formula_law("E + A / params**alpha * (1 + tokens/1e30)", inputs=["params", "tokens"], output="loss")
    runs = design(6, 6).assign(loss=lambda f: 1.8 + 400 / f.params**0.33)
    best = allocate(sf.fit(runs, law, starts={"E": 1.5, "A": 300.0, "alpha": 0.3}), flops=1e21)
    assert str(best).startswith("No best size at 1e21 FLOP: ever larger models on fewer tokens are better (100 % of")
    assert best.frame.params.isna().all()
    assert best.frame.undefined[0] == 1


def test_draws_without_an_optimum_are_counted_and_left_out(fit):
    gone = fit.draws.copy()
    gone.loc[gone.index[:40], "beta"] = 0.0
    some = allocate(replace(fit, draws=gone), flops=1e22)
    assert some.frame.undefined[0] == pytest.approx(0.2)
    assert any(doubt.startswith("20 % of the draws have no best size") for doubt in some.doubts)
    kept = allocate(replace(fit, draws=gone.iloc[40:]), flops=1e22)
    assert some.frame.params_high[0] == pytest.approx(kept.frame.params_high[0])


def test_without_a_bootstrap_the_covariance_gives_the_intervals_and_is_named():
    best = allocate(sf.fit(scattered(), "chinchilla"), flops=1e22)
    assert best.frame.params_low[0] < best.frame.params[0] < best.frame.params_high[0]
    assert any("normal approximation" in note for note in best.notes)


def test_too_few_rows_for_an_error_give_no_interval_and_say_so():
    rows = design(3, 2).iloc[[0, 1, 2, 3, 5]]
    fit = sf.fit(scattered(frame=rows, noise=0), "chinchilla", fixed={"alpha": 0.3478, "beta": 0.3658})
    exact = allocate(sf.fit(rows.assign(loss=with_scatter(rows, 0.0).loss), "chinchilla"), flops=1e21)
    assert allocate(fit, flops=1e21).frame.params.notna().all()
    assert "no interval" in str(exact)
    assert any(note.startswith("No intervals: there are too few rows") for note in exact.notes)


def test_data_that_end_leave_the_rest_of_the_budget_to_size(fit):
    free, limited = (allocate(fit, flops=[1e20, 1e23], max_tokens=limit) for limit in (1e20, 2e11))
    assert limited.frame.params[0] == free.frame.params[0]
    assert limited.frame.tokens[1] == 2e11
    assert limited.frame.params[1] == pytest.approx(1e23 / 6 / 2e11)
    assert limited.frame.loss[1] > free.frame.loss[1]
    assert limited.frame.data_limited.tolist() == [0, 1]
    assert "on all 2e11 tokens" in str(limited)
    assert any("neither over-fitting nor repetition" in note for note in limited.notes)


def test_up_to_which_budget_the_data_are_enough_is_told():
    exact = sf.fit(scattered(noise=0), "chinchilla")
    note = next(one for one in allocate(exact, flops=1e20, max_tokens=2e11).notes if "tokens are enough" in one)
    told = float(note.split("a budget of ")[1].split(". ")[0].split(" ")[0])
    tokens = sf.get_law("chinchilla").derived["tokens_optimal"](TRUTH, {"flops": told})
    assert float(tokens) == pytest.approx(2e11, rel=0.01)


def test_repeated_data_give_passes_and_the_size_of_the_closed_search():
    law = sf.get_law("data_constrained")
    values = law.published["muennighoff2023"].values
    runs = sf.grid(params=np.geomspace(1e7, 3e9, 5), tokens=np.geomspace(1e9, 3e11, 6), unique_tokens=[1e9, 1e10, 1e11])
    runs = runs[runs.unique_tokens <= runs.tokens]
    fit = sf.fit(runs.assign(loss=law(values, runs)), law)
    (row,) = allocate(fit, flops=1e22, at={"unique_tokens": 2.5e10}).frame.itertuples()
    assert row.epochs == pytest.approx(row.tokens / 2.5e10)
    expected = law.derived["optimal_params"](values, {"flops": 1e22, "unique_tokens": 2.5e10})
    assert row.params == pytest.approx(float(expected), rel=1e-5)
    with pytest.raises(sf.FitError, match=r"give at=\{'unique_tokens': 1e\+10\} and no max_tokens"):
        allocate(fit, flops=1e22, max_tokens=1e10, at={"unique_tokens": 1e10})


def test_an_accuracy_is_allocated_to_be_high():
    law, case = sf.get_law("accuracy_single_step"), CASES["accuracy_single_step"]
    fit = case.fit(law, case.runs(law), rng=0)
    best = allocate(fit, flops=1e21)
    (row,) = best.frame.itertuples()
    for factor in (0.7, 1.4):
        beside = law(fit.estimates, {"params": [row.params * factor], "tokens": [row.tokens / factor]})[0]
        assert row.accuracy > beside
    assert "expected accuracy" in str(best)


def test_the_compute_that_runs_count_themselves_may_be_the_cost():
    runs = scattered().assign(flops=lambda f: 9 * f.params * f.tokens)
    fit = sf.fit(runs, "chinchilla")
    own = allocate(fit, flops=1.5e21, cost=sf.Cost.from_runs(runs))
    assert own.frame.params[0] == pytest.approx(allocate(fit, flops=1e21).frame.params[0], rel=1e-6)
    assert any("FLOP per token as in 36 runs of 6 sizes" in note for note in own.notes)


@pytest.mark.parametrize(
    ("flops", "message"),
    [
        (0, "flops must be finite and above zero; got 0"),
        (-1e21, "above zero"),
        (np.inf, "finite"),
        ([1e21, np.nan], "got nan"),
        (576, "576 FLOP trains nothing; budgets are in FLOP: multiply EFLOP by 1e18"),
        ([], "a number or several"),
        ("1e21 FLOP", "a number or several; got '1e21 FLOP'"),
        ([[1e21]], "a number or several"),
    ],
)
def test_a_budget_that_is_none_is_an_error(fit, flops, message):
    with pytest.raises(sf.DataError, match=message.replace("(", r"\(")):
        allocate(fit, flops=flops)


def test_a_budget_in_money_may_be_small(fit):
    dollars = allocate(fit, flops=1e5, cost="6 * params * tokens / 1e18")
    assert dollars.frame.params[0] == pytest.approx(allocate(fit, flops=1e23).frame.params[0], rel=1e-7)
    assert "t a budget of 100000: train " in str(dollars)
    assert any("What a run costs: 6 * params * tokens / 1e18" in note for note in dollars.notes)


def test_what_at_may_hold_is_said(fit):
    with pytest.raises(sf.FitError, match="and it has none; got 'params'"):
        allocate(fit, flops=1e21, at={"params": 1e9})
    with pytest.raises(sf.FitError, match="level must lie between 0 and 1"):
        allocate(fit, flops=1e21, level=90)


def test_laws_of_other_things_say_what_they_take():
    power = sf.fit(pd.DataFrame({"x": np.geomspace(1, 1e3, 8), "loss": 3 * np.geomspace(1, 1e3, 8) ** -0.2}), "power")
    with pytest.raises(sf.FitError, match="needs a law of params and tokens; power takes x"):
        allocate(power, flops=1e21)


def test_the_notebook_shows_the_same_sentence_escaped(fit):
    best = allocate(fit, flops=1e26)
    assert str(best).split("\n")[0] in best._repr_html_()
    assert "<table" in best._repr_html_()
    assert best.doubts[0] in best._repr_html_()


def test_the_answer_does_not_change_from_call_to_call():
    fit = sf.fit(scattered(), "kaplan_nd")
    first, second = (allocate(fit, flops=1e21) for _ in range(2))
    pd.testing.assert_frame_equal(first.frame, second.frame)


@pytest.mark.slow
def test_intervals_hold_the_optimum_of_the_true_law():
    true = float(sf.get_law("chinchilla").derived["params_optimal"](TRUTH, {"flops": 1e23}))
    frame, held = design(6, 6), 0
    for seed in range(30):
        row = allocate(sf.fit(scattered(seed, frame), "chinchilla"), flops=1e23).frame.iloc[0]
        held += row.params_low < true < row.params_high
    assert held >= 22  # of 30 at 90 %: fewer in one of four hundred such tests


def test_with_data_that_end_the_exponent_is_that_of_the_sizes_told(fit):
    best = allocate(fit, flops=[1e20, 1e23], max_tokens=2e10)
    low, high = best.frame.params
    assert best.exponent.estimate == pytest.approx(np.log(high / low) / np.log(1e3))
    assert best.exponent.text == "the mean slope from 1e20 to 1e23 with at most 2e10 tokens"
    assert allocate(fit, flops=1e23, max_tokens=2e10).exponent.estimate == pytest.approx(1)
    assert allocate(fit, flops=1e20, max_tokens=1e20).exponent.text == "the same at every budget"


def test_families_fitted_as_one_are_a_doubt_in_the_first_line():
    runs = scattered().assign(family=lambda f: np.where(np.arange(len(f)) % 2, "A", "B"))
    best = allocate(sf.fit(runs, "chinchilla"), flops=1e22)
    assert "(2 families fitted as one)" in str(best).split("\n")[0]
    assert best.doubts[0].startswith("the runs are of 2 families (A and B), fitted as if they were one")
    one = runs[runs.family == "A"]
    assert not any("families" in doubt for doubt in allocate(sf.fit(one, "chinchilla"), flops=1e22).doubts)
    sizes = runs.assign(family=[f"{size:.2g}" for size in runs.params])
    assert not any("families" in doubt for doubt in allocate(sf.fit(sizes, "chinchilla"), flops=1e22).doubts)


def test_a_split_unlike_that_of_any_run_is_a_doubt():
    frame = sf.grid(params=np.geomspace(1e7, 1e9, 6), tokens=[1.0]).assign(tokens=lambda f: f.params)
    frame = pd.concat([frame.assign(tokens=frame.params * ratio) for ratio in (500, 1000, 2000, 4000)])
    best = allocate(sf.fit(scattered(frame=frame.reset_index(drop=True)), "chinchilla"), flops=1e20)
    assert best.frame.tokens_per_param[0] < 500 / 3
    assert any("tokens per parameter where the runs have 500 to 4000" in doubt for doubt in best.doubts)
    near = allocate(sf.fit(scattered(), "chinchilla"), flops=1e20)
    assert not any("where the runs have" in doubt for doubt in near.doubts)


def test_a_law_that_misses_something_is_a_doubt():
    frame = design(6, 6)
    bent = frame.assign(loss=with_scatter(frame, 0.0).loss * (1 + 0.02 * np.sin(2 * np.log(frame.params))))
    best = allocate(sf.fit(bent, "chinchilla"), flops=1e22)
    assert any(doubt.startswith("the law misses something: ") for doubt in best.doubts)


def test_a_table_in_place_of_a_fit_is_named():
    with pytest.raises(sf.FitError, match=r"A fit is needed: .* got DataFrame"):
        allocate(scattered(), flops=1e20)


def test_what_is_expected_has_the_name_of_what_was_fitted():
    fit = sf.fit(scattered().rename(columns={"loss": "bpb"}), "chinchilla", target="bpb")
    assert "expected bpb " in str(allocate(fit, flops=1e22)).split("\n")[0]
