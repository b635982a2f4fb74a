"""What is wrong with runs, candidates, targets and costs is named; what is offered does not change what is known."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.planning.candidates import candidates, candidates_within
from scalefit.decisions.planning.plan import plan_runs
from scalefit.decisions.planning.target import Target

LAW, TRUTH = sf.get_law("chinchilla"), "besiroglu2024"
DESIGN = sf.grid(params=np.geomspace(1e7, 2e8, 4), tokens=np.geomspace(1e8, 3e9, 3))
RUNS = sf.simulate_runs(LAW, TRUTH, DESIGN, noise=0.005, rng=0)
OFFERED = candidates([1e18, 1e19, 1e20], splits=3)
BIG = sf.grid(params=[7e9], tokens=[1.4e11])
HOURS = "6 * params * tokens / (3600 * 4e14)"
QUICK = {"draws": 40, "rng": 0, "noise": 0.005}


def planned(runs=RUNS, offered=OFFERED, budget=1e20, target=BIG, laws="chinchilla", **how):
    return plan_runs(runs, laws, offered, budget=budget, target=target, **{**QUICK, **how})


def doubts(plan) -> str:
    return "\n".join(plan.doubts)


def test_what_is_known_now_does_not_depend_on_what_is_offered():
    """Absurd candidates too: none of them was trained."""
    usual = planned(noise=None)
    for budgets in ([1e12, 1e13], [1e25]):
        other = planned(offered=candidates(budgets), budget=1e26, batch=1, noise=None)
        pd.testing.assert_frame_equal(other.forecast, usual.forecast, rtol=1e-6)
        assert other.half_width == pytest.approx(usual.half_width, rel=1e-6)


def test_what_is_known_now_is_near_the_truth_with_absurd_candidates():
    row = planned(offered=candidates([1e12]), budget=1e12).forecast.iloc[0]
    assert row.low < LAW(LAW.published[TRUTH].values, BIG)[0] < row.high


@pytest.mark.parametrize(
    "cost", [HOURS, sf.Cost.of(HOURS), lambda rows: rows.flops / (3600 * 4e14), "0.5 + flops / 1.44e18"]
)
def test_candidates_are_made_for_the_budget_in_the_unit_of_the_cost(cost):
    told = planned(offered=None, budget=100, cost=cost)
    assert told.candidates.run_cost.max() == pytest.approx(100, rel=1e-6)
    assert told.spent <= 100 * (1 + 1e-9)
    assert told.candidates.params.between(1e6, 1e11).all()
    assert (6 * told.candidates.params * told.candidates.tokens).tolist() == pytest.approx(
        told.candidates.flops.tolist()
    )


def test_candidates_made_without_a_cost_spend_flop():
    assert candidates_within(1e20, None).flops.max() == pytest.approx(1e20)


def test_a_budget_that_trains_no_model_is_refused_with_what_to_type():
    with pytest.raises(sf.FitError, match=r"trains no model of 1000 parameters .* unit of the cost: give it"):
        planned(offered=None, budget=100)


def test_a_cost_that_made_candidates_do_not_have_is_refused_with_what_to_pass():
    with pytest.raises(sf.FitError, match=r"asks for gpu_hours, .* pass candidates with such a column"):
        planned(offered=None, budget=100, cost="gpu_hours")


def test_a_diverged_run_is_named():
    told = planned(RUNS.assign(loss=RUNS.loss.where(RUNS.index != 3, 11.0)), noise=None)
    assert "row 3 lies" in told.doubts[0]
    assert "off the law" in told.doubts[0]
    assert "off the law" not in doubts(planned(noise=None))


def test_a_diverged_run_is_named_within_its_family():
    both = pd.concat([RUNS.assign(family=name) for name in "ab"], ignore_index=True)
    both["loss"] = both.loss.where(both.index != 15, 11.0)
    assert "row 15 lies" in doubts(planned(both, by="family", noise=None))


@pytest.mark.filterwarnings("ignore::scalefit.errors.UnitWarning")
def test_units_of_target_and_candidates_are_questioned():
    small = {"params": OFFERED.params / 1e9, "tokens": OFFERED.tokens / 1e9}
    assert "the target: column 'params' has 1 of 1 numbers below 1000" in doubts(
        planned(target=sf.grid(params=[7], tokens=[140]))
    )
    assert "the candidates: column 'tokens' has 9 of 9 numbers below 1000" in doubts(
        planned(offered=OFFERED.assign(**small))
    )


def test_units_are_warned_of_as_by_a_fit():
    with pytest.warns(sf.UnitWarning, match="the target: column 'tokens'"):
        planned(target=sf.grid(params=[7e9], tokens=[140]))


def test_candidates_dearer_than_the_target_are_held_against_training_the_target():
    told = planned(offered=candidates([1e22, 3e22]), budget=1e23)
    assert "training the target itself costs 5.88e21, less than the" in doubts(told)
    some = planned(offered=pd.concat([OFFERED, candidates([1e22], splits=3)]), budget=1e22, batch=1)
    assert some.spent > 5.88e21 or "3 of 12 candidates cost more than training the target itself" in doubts(some)
    assert "the target itself" not in doubts(planned())


def test_families_that_lie_apart_and_are_not_told_apart_are_a_doubt():
    other = sf.simulate_runs(LAW, {**LAW.published[TRUTH].values, "E": 2.2}, DESIGN, noise=0.005, rng=1)
    both = pd.concat([RUNS.assign(family="a"), other.assign(family="b")], ignore_index=True)
    assert "apart from it: pass by='family'" in doubts(planned(both))
    assert "by='family'" not in doubts(planned(both, by="family"))


def test_points_without_a_family_are_told_for_each():
    both = pd.concat([RUNS.assign(family=name) for name in ("lstm", "transformer")], ignore_index=True)
    told = planned(both.drop_duplicates(), by="family", batch=1)
    assert "the loss at 1 point in each of 2 families" in told.said().headline
    table = told.said().parts[-1]
    assert table.family.tolist() == ["lstm", "transformer"]
    assert list(table.columns) == ["family", "params", "tokens", "now", "low", "high"]


def test_runs_passed_to_update_twice_are_refused():
    plan = planned(batch=2)
    new = sf.simulate_runs(LAW, TRUTH, plan.frame[["params", "tokens", "flops"]], noise=0.005, rng=5)
    again = plan.update(new)
    with pytest.raises(sf.DataError, match=r"among the runs already, .* Pass only what is new"):
        again.update(new)
    with pytest.raises(sf.DataError, match="row 0 is among the runs already"):
        plan.update(pd.concat([RUNS.iloc[[0]], new]))


def test_copies_among_the_runs_are_counted():
    assert "2 of 14 rows are copies of others" in doubts(planned(pd.concat([RUNS, RUNS.head(2)])))


@pytest.mark.parametrize(("name", "value"), [("budget", "1e20"), ("seeds", "two"), ("noise", "1 %"), ("draws", None)])
def test_a_text_for_a_number_is_refused_by_name(name, value):
    with pytest.raises(sf.FitError, match=name):
        planned(**{name: value})


def test_rows_without_flops_cost_six_operations_a_parameter_and_token():
    table = pd.concat([OFFERED, sf.grid(params=[1e9], tokens=[1e10])], ignore_index=True)
    assert planned(offered=table).candidates.run_cost.iloc[-1] == pytest.approx(6e19)


def test_a_cost_that_is_not_above_zero_names_the_column_it_comes_from():
    with pytest.raises(sf.DataError, match=r"row 2 costs -1\. They are the column flops"):
        planned(offered=OFFERED.assign(flops=OFFERED.flops.where(OFFERED.index != 2, -1.0)))


def test_how_far_the_target_lies_beyond_the_runs_is_a_doubt_now_and_after_the_plan():
    told = planned()
    assert "the target lies 35 times beyond the runs in params and 46.7 times beyond the runs in tokens (" in doubts(
        told
    )
    assert "once the planned ones are trained)" in doubts(told)
    near = planned(target=sf.grid(params=[1e9], tokens=[2e10]))
    assert "times beyond the runs" not in doubts(near)


def test_how_far_the_best_size_of_a_budget_lies_beyond_the_runs_is_a_doubt_too():
    assert "times beyond the runs in tokens" in doubts(planned(target=Target.best_size(1e22)))


def test_a_plan_says_after_which_run_most_is_gained():
    told = planned(offered=candidates([1e18, 1e19, 1e20, 1e21]), budget=2e22)
    line = next(part for part in told.said().parts if isinstance(part, str) and "nine tenths" in part)
    gained = told.half_width - told.frame.half_width
    enough = int((gained >= 0.9 * gained.iloc[-1]).to_numpy().argmax()) + 1
    assert f"first {enough} of {len(told.frame)} runs" in line
    assert enough < len(told.frame)
