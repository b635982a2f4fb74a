"""Budgets are found in the table, the noise comes from where it says, and the answer is told in words."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from isoflop_designs import BUDGETS, EXPONENT, best_size, isoflop_runs
from scalefit.decisions.isoflop.analysis import isoflop


@pytest.fixture(scope="module")
def told():
    return isoflop(isoflop_runs(noise=0.003), draws=200, rng=0)


def test_the_frame_has_one_row_a_budget(told):
    assert list(told.frame)[:6] == ["flops", "spent", "params", "params_low", "params_high", "loss"]
    assert told.frame.flops.tolist() == list(BUDGETS)
    assert (told.frame.params_low < told.frame.params).all()
    assert (told.frame.params < told.frame.params_high).all()
    assert (told.frame.tokens_low < told.frame.tokens).all()
    assert (told.frame.tokens < told.frame.tokens_high).all()


def test_compute_is_the_budget_where_no_column_names_one_and_each_value_has_four_sizes(told):
    runs = isoflop_runs(noise=0.003)
    named = runs.rename(columns={"flop_budget": "flops"})
    derived = runs.drop(columns="flop_budget")  # 6 N D differs by rounding within a budget
    mine = runs.rename(columns={"flop_budget": "my_budget"})
    for one in (isoflop(named, rng=0, draws=200), isoflop(derived, rng=0, draws=200)):
        assert one.frame.params.to_numpy() == pytest.approx(told.frame.params.to_numpy())
    assert isoflop(mine, budget="my_budget", rng=0, draws=200).frame.params.equals(told.frame.params)
    assert "flops derived as 6 * params * tokens" in isoflop(derived, draws=20).notes


def test_runs_without_a_budget_are_left_out_and_counted(told):
    runs = pd.concat([isoflop_runs(noise=0.003), pd.DataFrame({"params": [1e9], "tokens": [1e10], "loss": [9.0]})])
    one = isoflop(runs, draws=200, rng=0)
    assert one.frame.params.equals(told.frame.params)
    assert "1 row without 'flop_budget' left out" in one.notes


def test_exponents_go_by_the_compute_that_was_spent():
    runs = isoflop_runs()
    runs["flops"] = runs.flop_budget * (runs.flop_budget / 1e19) ** 0.1  # spent grows faster than its name says
    told = isoflop(runs, noise=0.002, draws=50)
    assert told.frame.spent.to_numpy() == pytest.approx(runs.flops.unique())
    assert told.exponent.estimate == pytest.approx(EXPONENT / 1.1, abs=0.002)


def test_tokens_follow_from_compute_where_they_are_not_known():
    told = isoflop(isoflop_runs().drop(columns="tokens"), noise=0.002, draws=50)
    assert (6 * told.frame.params * told.frame.tokens).to_numpy() == pytest.approx(told.frame.flops)
    assert "no column 'tokens': taken as flops / (6 params)" in told.notes


def test_noise_comes_from_repeats_then_residuals_then_what_was_published():
    runs = isoflop_runs(noise=0.004, sizes=9)
    again = runs.assign(loss=runs.loss + 0.02 * np.random.default_rng(2).standard_normal(len(runs)))
    repeated = isoflop(pd.concat([runs, again]), draws=20).noise
    assert repeated.source == "from 36 repeats of a size at its budget"
    assert repeated.deviation == pytest.approx(0.02 / np.sqrt(2), rel=0.35)
    smooth = isoflop(runs, draws=20).noise
    assert smooth.source == "from residuals about a cubic through each budget"
    assert smooth.deviation == pytest.approx(0.004, rel=0.35)
    few = isoflop(isoflop_runs(noise=0.004, sizes=4), draws=20)
    assert few.noise.deviation == 0.005
    assert "as Porian et al. 2024 take it" in repr(few)
    assert isoflop(runs, noise=0.1, draws=20).noise.source == "as given"


def test_more_noise_gives_wider_intervals():
    runs = isoflop_runs()
    narrow, wide = (isoflop(runs, noise=noise, draws=200) for noise in (0.001, 0.01))
    assert wide.exponent.high - wide.exponent.low > 2 * (narrow.exponent.high - narrow.exponent.low)


def test_the_level_is_the_share_between_the_ends():
    runs = isoflop_runs(noise=0.003)
    half, most = (isoflop(runs, level=level, draws=400, rng=0) for level in (0.5, 0.95))
    assert half.exponent.high - half.exponent.low < 0.6 * (most.exponent.high - most.exponent.low)
    inside = (half.draws.iloc[:, 0] > half.frame.params_low[0]) & (half.draws.iloc[:, 0] < half.frame.params_high[0])
    assert inside.mean() == pytest.approx(0.5, abs=0.01)


def test_best_sizes_that_leave_the_line_widen_its_interval_and_are_told():
    runs = isoflop_runs()
    moved = runs.flop_budget == BUDGETS[1]
    runs.loc[moved, "params"] *= 2.0
    told = isoflop(runs, noise=0.001, draws=200)
    assert told.growth.params.widened > 3
    assert any("widened" in doubt for doubt in told.doubts)
    assert "DO NOT RELY ON IT" in repr(told).splitlines()[0]


def test_small_errors_do_not_weigh_beyond_a_third_of_the_distance_of_sizes():
    told = isoflop(isoflop_runs(noise=0.001, seed=4), method="parabola", noise=0.001, draws=100)
    assert told.exponent.estimate == pytest.approx(told.growth.unweighted["params"], rel=1e-9)
    noisy = isoflop(isoflop_runs(noise=0.03, seed=4, sizes=30), method="parabola", noise=0.03, draws=100)
    assert noisy.exponent.estimate != pytest.approx(noisy.growth.unweighted["params"], rel=1e-6)


def test_splines_that_follow_the_scatter_of_many_runs_are_told():
    words = "they follow the scatter of single runs, which method='parabola' averages"
    assert words in repr(isoflop(isoflop_runs(noise=0.02, sizes=25), draws=20))
    assert words not in repr(isoflop(isoflop_runs(noise=0.002), draws=20))


def test_predictions_continue_the_line_and_say_how_far(told):
    there = told.predict([1e20, 7.5e21])
    assert list(there) == [
        "flops", "params", "params_low", "params_high", "tokens", "tokens_low", "tokens_high", "beyond",
    ]  # fmt: skip
    assert there.beyond.to_numpy() == pytest.approx([1, 10])
    assert there.params.to_numpy() == pytest.approx(best_size(there.flops.to_numpy()), rel=0.2)
    line = told.coefficient.estimate * there.flops.to_numpy() ** told.exponent.estimate
    assert there.params.to_numpy() == pytest.approx(line, rel=1e-9)


def test_the_first_line_answers_and_says_whether_to_trust_it(told):
    first = repr(told).splitlines()[0]
    assert first.startswith("The best number of parameters grows as flops^0.")
    assert "from 4 budgets between 6e18 and 7.5e20 FLOP, nothing speaks against it" in first
    assert first in told._repr_html_()


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_budgets_give_best_sizes_and_no_exponent(count):
    told = isoflop(isoflop_runs(budgets=BUDGETS[:count]), noise=0.002, draws=50)
    assert len(told.frame) == count
    assert np.isnan([told.exponent.estimate, told.exponent.low, told.coefficient.high]).all()
    assert "an exponent needs 3" in told.exponent.refused == repr(told.exponent)
    assert repr(told).startswith("No exponent, only best sizes at single budgets")
    with pytest.raises(sf.FitError, match=r"cannot say what is best at other budgets: .* an exponent needs 3"):
        told.predict(1e21)


def test_where_every_budget_is_refused_the_answer_says_so():
    told = isoflop(isoflop_runs(low=2, high=20), noise=0.002, draws=50)
    assert told.frame.empty
    assert len(told.refused) == 4
    assert repr(told).startswith("No best size: none of 4 budgets has its lowest loss between its sizes")
    assert "train smaller ones" in repr(told)


def test_groups_each_have_an_answer_and_those_without_say_why():
    runs = pd.concat(
        [
            isoflop_runs(noise=0.002).assign(family="a"),
            isoflop_runs(noise=0.002, seed=1).assign(family="b"),
            isoflop_runs(sizes=3).assign(family="c"),
        ]
    )
    told = isoflop(runs, by="family", draws=50)
    assert list(told) == ["a", "b"]
    assert told["a"].frame.equals(isoflop(runs[runs.family == "a"], draws=50).frame)
    assert list(told.frame)[:2] == ["family", "flops"]
    assert told.frame.family.tolist() == ["a"] * 4 + ["b"] * 4
    assert told.exponents.budgets.tolist() == [4, 4]
    assert "needs; the most is 3" in told.left_out["c"]
    assert "c left out" in repr(told)
    assert "<table" in told._repr_html_()
    assert list(isoflop(runs.assign(context=8), by=["family", "context"], draws=50)) == [("a", 8), ("b", 8)]


def test_slices_of_logs_can_be_analysed():
    logs = sf.datasets.load("microlm")
    slices = sf.slice_isoflops(logs[logs.family == "lstm"], [1.6e11, 5e11, 1.6e12])
    told = isoflop(slices, draws=50)
    assert 0.3 < told.exponent.estimate < 1.0


def test_another_target_needs_its_own_noise_where_runs_are_few():
    runs = isoflop_runs(noise=0.003).rename(columns={"loss": "c4_loss"})
    assert isoflop(runs, target="c4_loss", draws=20).target == "c4_loss"
    assert isoflop(runs, columns={"loss": "c4_loss"}, draws=20).target == "loss"
    few = isoflop_runs(sizes=4).rename(columns={"loss": "bits"})
    with pytest.raises(sf.DataError, match=r"too few to say how far 'bits' scatters\. .*noise=0\.01"):
        isoflop(few, target="bits", draws=20)


def _with_losses(losses, **more):
    runs = isoflop_runs(noise=0.005, **more)
    runs.loc[list(losses), "loss"] = list(losses.values())
    return runs


@pytest.mark.parametrize("method", ["akima", "parabola"])
@pytest.mark.parametrize(
    ("losses", "rows"),
    [
        ({9: 9.0}, [9]),  # left of the lowest
        ({7: 9.0}, [7]),  # the smallest of its budget
        ({13: 9.0}, [13]),  # the largest of its budget
        ({12: 9.0, 13: 11.0}, [12, 13]),  # the two largest
        ({4: 4.5, 18: 7.0}, [4, 18]),
    ],
)
def test_runs_that_diverged_are_named_with_what_to_type_and_the_first_line_says_not_to_rely_on_it(losses, rows, method):
    told = isoflop(_with_losses(losses), method=method, draws=20, rng=0)
    assert "nothing speaks against it" not in str(told).splitlines()[0]
    assert f"far above the neighbouring sizes of {'its' if len(rows) == 1 else 'their'} budget" in told.doubts[0]
    assert told.doubts[0].endswith(f"runs.drop(index={rows})")
    assert not any("diverged" in doubt for doubt in isoflop(isoflop_runs(noise=0.005), method=method, draws=20).doubts)


def test_a_repeat_far_above_the_other_runs_of_its_size_is_named():
    runs = isoflop_runs(noise=0.005)
    again = runs.iloc[[6]].assign(loss=8.0)  # the largest size of a budget: nothing lies beyond it
    told = isoflop(pd.concat([runs, again.set_axis(["seed 2"])]), draws=20)
    assert "row seed 2 has a loss far above" in told.doubts[0]
    assert told.doubts[0].endswith("runs.drop(index=['seed 2'])")


@pytest.mark.parametrize(("low", "high", "sizes", "noise"), [(0.01, 100, 4, 0.0), (0.05, 2, 30, 0.15), (0.5, 60, 9, 0)])
def test_steep_sides_and_noise_are_not_taken_for_divergence(low, high, sizes, noise):
    told = isoflop(isoflop_runs(low=low, high=high, sizes=sizes, noise=noise), draws=20)
    assert not any("diverged" in doubt for doubt in told.doubts)


def test_an_approach_comparison_names_runs_that_diverged():
    told = sf.compare_approaches(_with_losses({9: 9.0}), draws=20, rng=0)
    assert sum("as a run that diverged" in note for note in told.notes) == 1


def test_numbers_in_unlikely_units_are_warned_of_and_doubted_in_the_first_line():
    runs = isoflop_runs()
    with pytest.warns(sf.UnitWarning) as seen:
        told = isoflop(runs.assign(params=runs.params / 1e6), noise=0.002, draws=20)
    assert len(seen) == 1
    assert "nothing speaks against it" not in str(told).splitlines()[0]
    assert told.doubts == (str(seen[0].message).removesuffix("."),)
    assert "column 'params'" in told.doubts[0]


def test_words_are_about_the_target_and_a_quantity_that_peaks_is_suspected_of_growing():
    runs = isoflop_runs(low=1.5, high=20).rename(columns={"loss": "bits"})
    told = isoflop(runs, target="bits", noise=0.002, draws=20)
    assert told.refused.reason[0] == "its lowest bits is its smallest of 7 sizes; train smaller ones"
    assert not any("highest" in note for note in told.notes)
    runs = isoflop_runs().assign(mmlu=lambda table: 1 - table.loss / 10)
    told = isoflop(runs, target="mmlu", noise=0.002, draws=20)
    assert told.frame.empty
    assert "if more of it is better, take what falls, such as 1 - mmlu." in told.notes[-1]
