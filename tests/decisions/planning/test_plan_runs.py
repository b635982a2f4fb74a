"""Plans as a user asks for them: runs, candidates, a budget and a target in; an ordered list of runs out."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.planning.candidates import candidates
from scalefit.decisions.planning.plan import plan_runs
from scalefit.decisions.planning.target import Target

LAW, TRUTH = sf.get_law("chinchilla"), "besiroglu2024"
BEGUN = candidates([1e17, 1e18], splits=3)
OFFERED = candidates([3e18, 1e19, 3e19, 1e20], splits=3)
BIG = sf.grid(params=[1e10], tokens=[2e11])
FEW = {"draws": 40, "rng": 0, "noise": 0.005}


def trained(design: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    return sf.simulate_runs(LAW, TRUTH, design, noise=0.005, rng=seed)


RUNS = trained(BEGUN)


@pytest.fixture(scope="module")
def plan():
    return plan_runs(RUNS, "chinchilla", OFFERED, budget=2e20, target=BIG, **FEW)


def test_a_plan_stays_within_its_budget_and_names_what_each_run_costs(plan):
    assert plan.spent <= 2e20
    assert plan.frame.run_cost.tolist() == plan.frame.flops.tolist()
    assert plan.frame.total_cost.tolist() == plan.frame.run_cost.cumsum().tolist()
    assert plan.frame["rank"].tolist() == list(range(1, len(plan.frame) + 1))


def test_every_planned_run_narrows_the_interval(plan):
    assert (np.diff([plan.half_width, *plan.frame.half_width]) < 0).all()
    assert plan.limit <= plan.half_width_after


def test_the_rows_of_a_plan_are_rows_of_the_candidates_with_their_other_columns():
    table = OFFERED.assign(cluster="b").set_index(pd.Index([f"run {k}" for k in range(len(OFFERED))]))
    told = plan_runs(RUNS, "chinchilla", table, budget=1e20, target=BIG, **FEW)
    assert set(told.frame.index) <= set(table.index)
    assert (told.frame.cluster == "b").all()
    assert told.frame.params.tolist() == table.loc[told.frame.index].params.tolist()


def test_training_what_was_planned_makes_the_forecast_more_certain_and_brings_the_truth(plan):
    after = plan.update(trained(plan.frame[["params", "tokens", "flops"]], seed=1))
    truth = float(LAW(LAW.published[TRUTH].values, BIG)[0])
    assert after.half_width < 0.7 * plan.half_width
    row = after.forecast.iloc[0]
    assert row.low < truth < row.high
    assert after.n_runs == plan.n_runs + len(plan.frame)
    assert after.budget == pytest.approx(plan.budget - plan.spent)


def test_what_was_trained_is_no_candidate_any_more(plan):
    first = plan.frame.iloc[[0]]
    after = plan.update(trained(first[["params", "tokens", "flops"]]))
    assert first.index[0] not in after.candidates.index
    assert len(after.candidates) == len(plan.candidates) - 1


def test_the_same_seed_gives_the_same_plan(plan):
    again = plan_runs(RUNS, "chinchilla", OFFERED, budget=2e20, target=BIG, **FEW)
    pd.testing.assert_frame_equal(plan.frame, again.frame)


def test_the_order_of_the_known_runs_does_not_matter_much(plan):
    turned = plan_runs(RUNS.iloc[::-1], "chinchilla", OFFERED, budget=2e20, target=BIG, **FEW)
    assert turned.half_width == pytest.approx(plan.half_width, rel=0.5)


def test_a_plan_can_be_made_before_any_run():
    told = plan_runs(None, "chinchilla", OFFERED, budget=2e20, target=BIG, **FEW)
    assert len(told.frame)
    assert told.n_runs == 0
    assert "no runs yet" in told.doubts[0]
    assert told.said().state == "doubtful"
    assert told.half_width_after < 0.5 * told.half_width


def test_without_candidates_some_are_made_for_the_budget():
    told = plan_runs(RUNS, "chinchilla", budget=1e20, target=BIG, **FEW)
    assert told.frame.flops.max() <= 1e20 * (1 + 1e-9)


def test_too_small_a_budget_is_answered_with_the_cheapest_candidate():
    told = plan_runs(RUNS, "chinchilla", OFFERED, budget=1e15, target=BIG, **FEW)
    assert not len(told.frame)
    assert not told.helps
    assert told.said().headline.startswith("Nothing within 1e15")
    assert "the cheapest candidate costs 3e18" in told.said().headline
    assert told.half_width_after == told.half_width


def test_candidates_that_tell_nothing_are_not_trained():
    """The size of the target is never varied: more runs of the very same small model say nothing new of it."""
    same = pd.concat([BEGUN.iloc[[0]]] * 3, ignore_index=True)
    many = pd.concat([trained(BEGUN, seed) for seed in range(12)], ignore_index=True)
    told = plan_runs(many, "chinchilla", same, budget=1e18, target=BIG, **FEW)
    assert not told.helps
    assert "candidates nearer to the target would tell more" in told.said().headline


def test_seeds_allow_one_candidate_several_times():
    one = OFFERED.iloc[[4]]
    told = plan_runs(RUNS, "chinchilla", one, budget=1e20, target=one[["params", "tokens"]], seeds=3,
                     draws=40, rng=0, noise=0.05)  # fmt: skip
    assert 1 < len(told.frame) <= 3
    assert set(told.frame.index) == set(one.index)


def test_a_batch_is_no_larger_than_asked():
    assert len(plan_runs(RUNS, "chinchilla", OFFERED, budget=2e20, target=BIG, batch=2, **FEW).frame) <= 2


def test_costs_may_be_a_column_a_formula_a_cost_or_a_function():
    table = OFFERED.assign(dollars=OFFERED.flops / 1e18)
    ways = ["dollars", "6 * params * tokens / 1e18", lambda rows: rows["flops"] / 1e18]
    spent = [plan_runs(RUNS, "chinchilla", table, budget=100, target=BIG, cost=cost, **FEW).spent for cost in ways]
    assert spent == pytest.approx([spent[0]] * 3)
    by_cost = plan_runs(
        RUNS, "chinchilla", table, budget=1e20, target=BIG, cost=sf.Cost.of("6 * params * tokens"), **FEW
    )
    assert by_cost.spent == pytest.approx(1e18 * spent[0])


def test_several_laws_are_weighed_and_their_weights_sum_to_one():
    told = plan_runs(RUNS, ["chinchilla", "kaplan_nd"], OFFERED, budget=1e20, target=BIG, **FEW)
    assert told.laws.weight.sum() == pytest.approx(1)
    assert list(told.laws.index) == ["chinchilla", "kaplan_nd"]


def test_the_documented_set_is_taken_where_no_law_is_named():
    told = plan_runs(RUNS, None, OFFERED, budget=3e19, target=BIG, **FEW)
    assert list(told.laws.index) == ["chinchilla", "chinchilla without floor", "gen_ces", "kaplan_nd"]


def test_laws_of_one_input_need_a_column():
    law = sf.get_law("power_offset")
    sizes = sf.grid(params=np.geomspace(1e6, 1e8, 6))
    runs = sf.simulate_runs(
        law, {"A": 40.0, "alpha": 0.3, "E": 1.7}, sizes, noise=0.003, columns={"x": "params"}, rng=0
    )
    told = plan_runs(runs.iloc[:4], law, sizes.iloc[4:], budget=2e8, target=sf.grid(params=[1e9]),
                     columns={"x": "params"}, cost="params", **FEW)  # fmt: skip
    assert len(told.frame)


def families(seed: int = 0) -> pd.DataFrame:
    a = trained(BEGUN, seed).assign(family="a")
    b = sf.simulate_runs(
        LAW, {**LAW.published[TRUTH].values, "E": 1.7, "A": 900.0}, BEGUN, noise=0.005, rng=seed + 1
    ).assign(family="b")
    return pd.concat([a, b], ignore_index=True)


def test_families_are_planned_together():
    told = plan_runs(families(), "chinchilla", OFFERED, budget=4e20, target=Target.difference("family", BIG), **FEW)
    assert set(told.frame.family) == {"a", "b"}
    assert list(told.forecast.columns) == ["params", "tokens", "estimate", "low", "high"]
    assert told.half_width_after < told.half_width


def test_a_difference_turns_its_sign_with_the_pair():
    one, other = (
        plan_runs(
            families(), "chinchilla", OFFERED, budget=1e20, target=Target.difference("family", BIG, between=pair), **FEW
        )
        for pair in (("a", "b"), ("b", "a"))
    )
    a, b = (told.forecast.estimate.iloc[0] for told in (one, other))
    assert (1 + a) * (1 + b) == pytest.approx(1, abs=0.01)


def test_the_best_size_of_a_budget_is_found_and_becomes_more_certain():
    runs = trained(candidates([1e18, 1e19, 1e20], splits=5))
    told = plan_runs(runs, "chinchilla", OFFERED, budget=3e20, target=Target.best_size(1e21), **FEW)
    values = LAW.published[TRUTH].values
    sizes = np.geomspace(1e8, 1e11, 2001)
    best = sizes[np.argmin(LAW(values, {"params": sizes, "tokens": 1e21 / 6 / sizes}))]
    row = told.forecast.iloc[0]
    assert row.low < best < row.high
    assert told.half_width_after < told.half_width


def test_points_of_every_family_are_asked_for_where_they_name_none():
    told = plan_runs(families(), "chinchilla", OFFERED, budget=1e20, target=BIG, by="family", **FEW)
    assert told.forecast.family.tolist() == ["a", "b"]


def test_what_cannot_be_meant_is_refused_with_what_to_type():
    with pytest.raises(sf.FitError, match="budget above 0"):
        plan_runs(RUNS, "chinchilla", OFFERED, budget=0, target=BIG)
    with pytest.raises(sf.FitError, match="seeds is a whole number"):
        plan_runs(RUNS, "chinchilla", OFFERED, budget=1, target=BIG, seeds=0)
    with pytest.raises(sf.FitError, match="noise is a standard deviation"):
        plan_runs(RUNS, "chinchilla", OFFERED, budget=1, target=BIG, noise=5)
    with pytest.raises(sf.DataError, match="candidates has no rows"):
        plan_runs(RUNS, "chinchilla", OFFERED.iloc[:0], budget=1, target=BIG)
    with pytest.raises(sf.ColumnError, match="rename"):
        plan_runs(RUNS, "chinchilla", OFFERED.assign(rank=1), budget=1, target=BIG)
    with pytest.raises(sf.FitError, match="cost='params \\* experts'"):
        plan_runs(
            None,
            "moe_clark",
            sf.grid(params=[1e8, 1e9], experts=[1, 8]),
            budget=1,
            target=sf.grid(params=[1e10], experts=[8]),
        )
    with pytest.raises(sf.FitError, match="is of two families"):
        plan_runs(
            families(), "chinchilla", OFFERED, budget=1e20, target=Target.difference("family", BIG, between=("a", "c"))
        )
    with pytest.raises(sf.DataError, match="above 0 in every run"):
        plan_runs(RUNS.assign(loss=-1.0), "chinchilla", OFFERED, budget=1e20, target=BIG)
    with pytest.raises(sf.FitError, match="reach=\\(low, high\\)"):
        Target.crossover("family", "flops", (1e20, 1e18))


def test_candidates_lie_along_their_budgets_about_the_usual_split():
    told = candidates([1e18, 1e20], splits=5, spread=16)
    assert (6 * told.params * told.tokens).tolist() == pytest.approx(told.flops.tolist())
    assert (told.tokens / told.params).iloc[:5].tolist() == pytest.approx([1.25, 5, 20, 80, 320])


def test_candidates_of_another_cost_spend_what_they_say():
    told = candidates(1e18, ratio=[10, 40], cost="8 * params * tokens")
    assert (8 * told.params * told.tokens).tolist() == pytest.approx([1e18, 1e18])


def test_candidates_refuse_what_is_not_above_zero():
    with pytest.raises(sf.FitError, match="above zero"):
        candidates([0.0, 1e18])
    with pytest.raises(sf.FitError, match="splits"):
        candidates(1e18, splits=0)


def test_the_text_says_what_to_train_and_how_sure_the_answer_will_be(plan):
    text = str(plan)
    assert text.startswith(f"Train {len(plan.frame)} runs for ")
    assert "then known to" in text
    assert "90 %" in text
    assert "RunPlan" not in text
    assert plan._repr_html_().count("<table") == 1


def test_the_picture_steps_down_to_the_planned_width(plan):
    ax = plan.plot(ax=Figure().subplots())
    line = next(one for one in ax.lines if one.get_label() == "planned runs")
    assert line.get_ydata()[0] == pytest.approx(plan.half_width)
    assert line.get_ydata()[-1] == pytest.approx(plan.half_width_after)
    assert ax.get_xscale() == "log"
