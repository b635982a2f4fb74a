"""Where a back-test cuts: at shares, at every value, or between families; and what of it is judged."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from known_ladders import ladder

SMOOTH = {"draws": 5, "rng": 0}


def test_every_cut_is_made_once_where_enough_runs_lie_on_both_sides():
    runs = ladder().assign(run=[f"run {i}" for i in range(30)])
    test = sf.backtest(runs, "power_offset", along="params", cuts="every", **SMOOTH)
    sizes = np.unique(runs.params)
    assert [*test.skipped, *test.fits] == pytest.approx(np.arange(1, 6) / 6)
    assert all("not identified" in reason for reason in test.skipped.values())  # one or two sizes, three parameters
    assert test.summary.largest_fitted.tolist() == pytest.approx(sizes[2:-1])
    assert test.summary.n_fitted.tolist() == [15, 20, 25]


@pytest.mark.filterwarnings("ignore:.*held too few distinct points")  # six rows for five parameters, on purpose
def test_every_cut_leaves_more_rows_below_than_free_parameters():
    runs = ladder(sizes=4, budgets=3)
    free = sf.backtest(runs, "chinchilla", cuts="every", **SMOOTH)
    told = {*free.fits, *free.skipped}
    assert min(told) * len(runs) >= 6
    pinned = sf.backtest(runs, "chinchilla", fixed={"E": 1.8}, tie={"beta": "alpha"}, cuts="every", **SMOOTH)
    assert min({*pinned.fits, *pinned.skipped}) * len(runs) < 6


def test_a_share_found_by_every_cut_gives_the_same_division_when_it_is_asked_for():
    runs = ladder().assign(run=[f"run {i}" for i in range(30)])
    every = sf.backtest(runs, "power_offset", along="tokens", cuts="every", **SMOOTH)
    cut = list(every.fits)[1]
    alone = sf.backtest(runs, "power_offset", along="tokens", cuts=[cut], **SMOOTH)
    there = every.frame[every.frame.cut == cut].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.frame[["row", "estimate"]], there[["row", "estimate"]])


def test_every_cut_along_a_column_with_one_value_says_what_to_type():
    with pytest.raises(sf.DataError, match=r"no value of it leaves 4 rows below.*along='…'"):
        sf.backtest(ladder().assign(day=1.0), "power_offset", along="day", columns={"x": "params"}, cuts="every")


@pytest.mark.parametrize("cuts", ["all", ["half"], 0.5])
def test_cuts_that_cannot_be_meant_are_refused(cuts):
    with pytest.raises(sf.FitError, match=r"cuts='every'"):
        sf.backtest(ladder(), "chinchilla", cuts=cuts)


def test_each_family_is_left_out_in_turn_and_judged_whole():
    runs = ladder().assign(family=np.resize(["a", "b", "c"], 30))
    test = sf.backtest(runs, "chinchilla", by="family", **SMOOTH)
    assert list(test.fits) == ["a", "b", "c"]
    for name, rows in test.frame.groupby("cut"):
        assert set(rows.row) == set(runs.index[runs.family == name])
        own = sf.fit(runs[runs.family != name], "chinchilla")
        assert test.fits[name].estimates == pytest.approx(own.estimates, rel=1e-9)
    assert test.by == "family"
    assert repr(test).startswith("chinchilla back-tested on 3 values of family, each left out in turn: mean error")


def test_a_family_that_follows_another_law_is_found_out():
    runs = ladder().assign(family=np.resize(["a", "b", "c"], 30))
    runs.loc[runs.family == "b", "loss"] *= 1.1
    bias = sf.backtest(runs, "chinchilla", by="family", **SMOOTH).summary.set_index("cut").bias
    assert bias["b"] < -0.08
    assert abs(bias[["a", "c"]]).max() < 0.06


def test_a_family_of_numbers_keeps_its_numbers():
    test = sf.backtest(ladder().assign(seed=np.resize([1, 2], 30)), "chinchilla", by="seed", **SMOOTH)
    assert (test.frame.cut == 2).sum() == 15


def test_families_without_runs_on_one_input_are_curves_of_their_own():
    x = np.geomspace(1e18, 1e22, 12)
    noise = np.exp(0.002 * np.random.default_rng(0).standard_normal(24))
    runs = pd.DataFrame({"flops": np.tile(x, 2), "loss": np.tile(1.7 + 1e3 * x**-0.16, 2) * noise})
    runs["family"] = np.repeat(["a", "b"], 12)
    with pytest.warns(sf.FitWarning, match="Only 1 run"):
        test = sf.backtest(runs, "power_offset", by="family", **SMOOTH)
    assert test.fits["a"].units.kind == "blocks"
    assert list(test.fits["a"].data.index) == list(range(12, 24))


def test_one_family_has_no_other_to_learn_from():
    with pytest.raises(sf.DataError, match=r"every row belongs to one family, 'a'.*leave by= out"):
        sf.backtest(ladder().assign(family="a"), "chinchilla", by="family")


def test_families_and_cuts_exclude_each_other():
    with pytest.raises(sf.FitError, match="leave cuts= or by= out"):
        sf.backtest(ladder().assign(family="a"), "chinchilla", by="family", cuts=[0.5])


def test_a_run_in_two_families_is_an_error_that_says_what_to_type():
    runs = ladder().assign(family=np.repeat(["a", "b"], 15), run=np.resize(["x", "y", "z"], 30))
    with pytest.raises(sf.DataError, match=r"run 'x' stands in 2 families.*runs\.assign\(run=runs\['family'\]"):
        sf.backtest(runs, "chinchilla", by="family")


def test_a_row_without_a_family_is_named():
    runs = ladder().assign(family=np.resize(["a", "b"], 30))
    runs.loc["r7", "family"] = None
    with pytest.raises(sf.DataError, match="'family' has no family in row r7"):
        sf.backtest(runs, "chinchilla", by="family")


def test_a_cut_that_cannot_be_resampled_is_skipped_and_the_others_are_judged():
    """Below the lower cut lie three rows for three parameters: the curve goes through every one."""
    runs = ladder(sizes=10, budgets=1)
    runs = pd.DataFrame({"params": runs.params, "loss": runs.loss, "run": runs.index})
    test = sf.backtest(runs, "power_offset", along="params", cuts=(0.3, 0.7), **SMOOTH)
    assert list(test.fits) == [0.7]
    assert test.skipped[0.3].startswith("power_offset has 3 free parameters and 3 rows: it goes through every one")
    assert set(test.frame.cut) == {0.7}
    assert "cut 0.3 skipped: power_offset has 3 free" in repr(test)


def test_where_no_cut_can_be_resampled_each_reason_is_given():
    runs = ladder(sizes=10, budgets=1)
    runs = pd.DataFrame({"params": runs.params, "loss": runs.loss, "run": runs.index})
    with pytest.raises(sf.DataError, match=r"no cut can be judged\. Cut 0\.3: power_offset has 3 free.* 3 rows"):
        sf.backtest(runs, "power_offset", along="params", cuts=[0.3], **SMOOTH)


def test_only_marked_rows_are_judged_and_all_are_fitted():
    runs = ladder().assign(tuned=np.resize([True, False], 30))
    test = sf.backtest(runs, "chinchilla", cuts=[0.6], judge="tuned", **SMOOTH)
    whole = sf.backtest(runs, "chinchilla", cuts=[0.6], **SMOOTH)
    assert set(test.frame.row) == {row for row in whole.frame.row if runs.tuned[row]}
    pd.testing.assert_frame_equal(test.fits[0.6].draws, whole.fits[0.6].draws, check_exact=True)
    largest = runs.assign(tuned=(6 * runs.params * runs.tokens).rank() < 10)
    with pytest.raises(sf.DataError, match="no row above it is marked to be judged"):
        sf.backtest(largest, "chinchilla", cuts=[0.6], judge="tuned", **SMOOTH)


def test_marks_that_are_not_true_or_false_are_named():
    with pytest.raises(sf.DataError, match=r"must name a column of True and False; row r3 of it"):
        sf.backtest(ladder().assign(tuned=[True] * 3 + ["no"] + [False] * 26), "chinchilla", judge="tuned")
    with pytest.raises(sf.ColumnError, match="needs a column 'tuned'"):
        sf.backtest(ladder(), "chinchilla", judge="tuned")


def test_marked_rows_of_a_training_curve_keep_the_schedule_of_the_whole_run():
    law, values = sf.get_law("lr_annealing"), {"L0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.3}
    lengths = {"a": 400, "b": 600, "c": 800, "d": 1600}
    logs = {run: sf.Schedule.cosine(steps=n, peak=1e-3, warmup=20, end=1e-4) for run, n in lengths.items()}
    runs = pd.concat(
        [pd.DataFrame({"run": run, "step": np.arange(40, n + 1, 40)}) for run, n in lengths.items()], ignore_index=True
    )
    runs["lr"] = [logs[run].rates[step] for run, step in zip(runs.run, runs.step, strict=True)]
    from scalefit.tables import read_inputs

    S1, S2 = read_inputs(runs, law, columns={}, schedules=None).inputs
    runs["loss"] = law(values, {"S1": S1, "S2": S2}) * np.exp(
        1e-3 * np.random.default_rng(0).standard_normal(len(runs))
    )
    runs["last"] = runs.groupby("run").step.transform("max") == runs.step
    with pytest.warns(sf.FitWarning, match="blocks"):
        ends = sf.backtest(runs, law, along="step", cuts=[0.75], judge="last", **SMOOTH)
    with pytest.warns(sf.FitWarning, match="blocks"):
        whole = sf.backtest(runs, law, along="step", cuts=[0.75], **SMOOTH)
    (row,) = ends.frame.row
    assert ends.frame.estimate[0] == whole.frame.set_index("row").estimate[row]


def test_the_inputs_of_the_judged_rows_give_the_estimates_again():
    test = sf.backtest(ladder(), "chinchilla", cuts=(0.5, 0.7), **SMOOTH)
    for cut, rows in test.frame.groupby("cut"):
        fit = test.fits[cut]
        again = fit.law.value(fit.theta, test.inputs[cut])[0]
        assert again == pytest.approx(rows.estimate.to_numpy(), rel=1e-12)
