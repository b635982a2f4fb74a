"""A backtest fits what lies below a cut, judges what lies beyond it, and says what it could not judge."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from shared_data import shared

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}
SMOOTH = {"draws": 20, "rng": 0}


def simulated(noise=0.0, seed=0):
    """A ladder of 6 sizes and 5 budgets of tokens, with the index labels that a user may have."""
    frame = sf.grid(params=np.geomspace(1e7, 3e9, 6), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(seed).standard_normal(len(frame))
    frame["loss"] = sf.get_law("chinchilla")(TRUE, frame) * np.exp(noise * scatter)
    frame["flops"] = 6 * frame.params * frame.tokens
    return frame.set_index(pd.Index([f"r{i}" for i in range(len(frame))]))


def checkpoints(runs=12, noise=0.003):
    """Runs of growing size with 8 checkpoints each; the logs of neighbouring sizes overlap in flops."""
    frame = sf.grid(params=np.geomspace(1e7, 1e9, runs), share=np.linspace(0.1, 1, 8))
    frame["tokens"] = frame.share * frame.params * np.tile([20.0, 60.0], len(frame) // 2)
    frame["run"] = [f"size {value:.0f}" for value in frame.params]
    scatter = np.random.default_rng(1).standard_normal(len(frame))
    frame["loss"] = sf.get_law("chinchilla")(TRUE, frame) * np.exp(noise * scatter)
    return frame


@pytest.fixture(scope="module")
def noisy():
    return sf.backtest(simulated(0.003), "chinchilla", cuts=(0.5, 0.7), **SMOOTH)


def test_a_law_that_holds_is_predicted_without_error():
    test = sf.backtest(simulated(1e-9), "chinchilla", cuts=[0.6], **SMOOTH)
    assert test.frame.estimate.to_numpy() == pytest.approx(test.frame.observed.to_numpy(), rel=1e-6)


def test_each_judged_row_lies_beyond_every_fitted_one(noisy):
    runs = simulated(0.003)
    for cut, rows in noisy.frame.groupby("cut"):
        fitted = runs.flops.nsmallest(int(cut * len(runs)))
        assert set(rows.row) == set(runs.index) - set(fitted.index)
        assert noisy.fits[cut].n_rows == len(fitted)
        assert rows.factor.to_numpy() == pytest.approx(runs.flops[rows.row].to_numpy() / fitted.max())
        assert (rows.factor > 1).all()


def test_the_frame_has_one_row_per_judged_row_and_cut_and_keeps_labels(noisy):
    runs = simulated(0.003)
    assert list(noisy.frame) == ["row", "cut", "observed", "estimate", "low", "high", "factor"]
    assert len(noisy.frame) == 15 + 9
    assert (noisy.frame.observed.to_numpy() == runs.loss[noisy.frame.row].to_numpy()).all()


def test_what_is_judged_never_enters_the_fit():
    runs = simulated(0.003)
    plain = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    spoilt = runs.copy()
    spoilt.loc[plain.frame.row, "loss"] *= 3
    again = sf.backtest(spoilt, "chinchilla", cuts=[0.5], **SMOOTH)
    told = ["estimate", "low", "high"]
    pd.testing.assert_frame_equal(again.frame[told], plain.frame[told], check_exact=True)
    assert (again.frame.observed == 3 * plain.frame.observed).all()
    assert again.summary.error[0] > 0.5 > plain.summary.error[0]


def test_what_is_fitted_does_enter_the_fit():
    runs = simulated(0.003)
    plain = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    runs.loc[~runs.index.isin(plain.frame.row), "loss"] *= 1.5
    again = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    assert (again.frame.estimate > 1.3 * plain.frame.estimate).all()


def test_the_estimates_are_those_of_a_fit_to_the_lower_part_for_one_new_run(noisy):
    runs = simulated(0.003)
    judged = noisy.frame[noisy.frame.cut == 0.7]
    fit = noisy.fits[0.7]
    own = sf.fit(runs[~runs.index.isin(judged.row)], "chinchilla")
    assert fit.estimates == pytest.approx(own.estimates, rel=1e-9)
    told = fit.predict(runs.loc[judged.row, ["params", "tokens"]], level=0.9, interval="run")
    for name in ("estimate", "low", "high"):
        assert judged[name].to_numpy() == pytest.approx(told[name].to_numpy(), rel=1e-12)


def test_the_same_seed_gives_the_same_answer_and_another_one_another():
    runs = simulated(0.003)
    first, same, other = (sf.backtest(runs, "chinchilla", cuts=[0.6], draws=20, rng=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.frame, same.frame, check_exact=True)
    assert (first.frame.estimate == other.frame.estimate).all()
    assert (first.frame.low != other.frame.low).any()


def test_a_cut_has_its_own_draws_whatever_cuts_follow():
    runs = simulated(0.003)
    alone = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH).fits[0.5].draws
    both = sf.backtest(runs, "chinchilla", cuts=[0.7, 0.5], **SMOOTH)
    pd.testing.assert_frame_equal(both.fits[0.5].draws, alone, check_exact=True)


def test_the_order_of_rows_does_not_move_an_estimate():
    runs = simulated(0.003)
    plain = sf.backtest(runs, "chinchilla", cuts=[0.6], **SMOOTH).frame.set_index("row")
    shuffled = sf.backtest(runs.sample(frac=1, random_state=3), "chinchilla", cuts=[0.6], **SMOOTH).frame.set_index(
        "row"
    )
    assert set(shuffled.index) == set(plain.index)
    assert shuffled.estimate[plain.index].to_numpy() == pytest.approx(plain.estimate.to_numpy(), rel=1e-8)


def test_a_wider_level_gives_wider_intervals(noisy):
    narrow = sf.backtest(simulated(0.003), "chinchilla", cuts=(0.5, 0.7), level=0.5, **SMOOTH)
    assert narrow.level == 0.5
    assert ((narrow.frame.high - narrow.frame.low) < (noisy.frame.high - noisy.frame.low)).all()


def test_flops_are_derived_where_they_are_absent(noisy):
    derived = sf.backtest(simulated(0.003).drop(columns="flops"), "chinchilla", cuts=(0.5, 0.7), **SMOOTH)
    pd.testing.assert_frame_equal(derived.frame, noisy.frame)
    assert "flops derived as 6 * params * tokens" in derived.notes


def test_any_column_may_order_the_runs():
    runs = simulated(0.003).rename(columns={"tokens": "D"}).assign(day=lambda f: np.arange(len(f)) + 1.0)
    by_alias = sf.backtest(runs, "chinchilla", along="tokens", cuts=[0.6], **SMOOTH)
    third = runs.D.unique()[2]
    assert set(by_alias.frame.row) == set(runs.index[third < runs.D])
    by_day = sf.backtest(runs, "chinchilla", along="day", cuts=[0.5], **SMOOTH)
    assert set(by_day.frame.row) == set(runs.index[15:])


def test_runs_that_tie_stay_on_one_side_and_a_cut_is_not_judged_twice():
    runs = simulated(0.003)
    test = sf.backtest(runs, "chinchilla", along="params", cuts=(0.55, 0.6, 0.7), **SMOOTH)
    assert list(test.fits) == [0.55, 0.7]
    assert test.fits[0.55].n_rows == 20
    assert "those of a lower cut" in test.skipped[0.6]


def test_a_whole_run_is_never_split_and_only_rows_beyond_the_fitted_range_are_judged():
    runs = checkpoints()
    runs["flops"] = 6 * runs.params * runs.tokens
    test = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    fitted = set(test.fits[0.5].data.run)
    largest = runs.groupby("run").flops.max()
    assert fitted == set(largest.nsmallest(6).index)
    edge = runs.flops[runs.run.isin(fitted)].max()
    assert set(test.frame.row) == set(runs.index[runs.flops > edge])
    assert not set(test.frame.run) & fitted
    # Early rows of the large runs lie below the edge: neither fitted nor judged.
    assert (~runs.run.isin(fitted) & (runs.flops <= edge)).any()
    assert test.fits[0.5].units.kind == "runs"


def test_a_run_column_of_another_name_is_found():
    runs = checkpoints().rename(columns={"run": "run_id"})
    test = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    assert test.fits[0.5].n_runs == 6
    assert set(test.frame.run) <= set(runs.run_id)


def test_one_run_alone_is_an_error_that_says_what_to_type():
    runs = simulated(0.003).assign(run="only")
    with pytest.raises(sf.DataError, match=r"one run, 'only'.*runs\.drop\(columns='run'\)"):
        sf.backtest(runs, "chinchilla")


def test_a_curve_law_judges_every_row_of_the_runs_above_the_cut():
    law, values = sf.get_law("lr_annealing"), {"L0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.3}
    lengths = {"a": 400, "b": 600, "c": 800, "d": 1600}
    schedules = {run: sf.Schedule.cosine(steps=n, peak=1e-3, warmup=20, end=1e-4) for run, n in lengths.items()}
    runs = pd.concat([pd.DataFrame({"run": run, "step": np.arange(40, n + 1, 40)}) for run, n in lengths.items()])
    runs = runs.reset_index(drop=True).assign(loss=3.0)
    from scalefit.tables import read_inputs

    S1, S2 = read_inputs(runs, law, columns={}, schedules=schedules).inputs
    runs["loss"] = law(values, {"S1": S1, "S2": S2}) * np.exp(
        1e-3 * np.random.default_rng(0).standard_normal(len(runs))
    )
    with pytest.warns(sf.FitWarning, match="blocks"):
        test = sf.backtest(runs, law, along="step", cuts=[0.75], schedules=schedules, **SMOOTH)
    assert set(test.frame.row) == set(runs.index[runs.run == "d"])
    assert test.frame.factor.to_numpy() == pytest.approx(np.arange(40, 1601, 40) / 800)
    assert test.summary.error[0] < 0.01


def test_a_table_without_runs_and_with_one_input_is_one_curve():
    x = np.geomspace(1e18, 1e22, 30)
    loss = (1.7 + 1e3 * x**-0.16) * np.exp(0.002 * np.random.default_rng(0).standard_normal(30))
    with pytest.warns(sf.FitWarning, match="Only 1 run"):
        test = sf.backtest({"flops": x, "loss": loss}, "power_offset", cuts=[0.6], **SMOOTH)
    assert test.fits[0.6].units.kind == "blocks"
    assert list(test.frame.row) == list(range(18, 30))
    assert "run" not in test.frame


def test_too_few_rows_are_skipped_with_the_reason():
    test = sf.backtest(simulated(0.003), "chinchilla", cuts=(0.01, 0.1, 0.7), **SMOOTH)
    assert list(test.fits) == [0.7]
    assert "no run lies below it" in test.skipped[0.01]
    assert "5 free parameters" in test.skipped[0.1]
    assert "cut 0.1 skipped: chinchilla has 5 free" in repr(test)


def test_a_cut_with_one_size_below_it_is_skipped_as_not_identified():
    test = sf.backtest(simulated(0.003).drop(columns="flops"), "chinchilla", along="params", cuts=(0.2, 0.7), **SMOOTH)
    assert list(test.fits) == [0.7]
    assert test.skipped[0.2].startswith("not identified")


def test_no_cut_left_is_an_error_with_every_reason():
    with pytest.raises(sf.DataError, match=r"no cut can be judged\. Cut 0\.01: no run.*Cut 0\.1: .*5 free"):
        sf.backtest(simulated(), "chinchilla", cuts=(0.01, 0.1), rng=0)


def test_no_run_above_the_cut_is_a_reason():
    with pytest.raises(sf.DataError, match="no run lies above it"):
        sf.backtest(simulated(0.003).assign(flops=1e20), "chinchilla", cuts=[0.5])


def test_missing_flops_say_what_is_missing_and_that_another_column_will_do():
    with pytest.raises(sf.ColumnError, match=r"'flops'.*'params' and 'tokens'.*along="):
        sf.backtest({"tokens": [1e9, 2e9], "loss": [3.0, 2.0]}, "power_offset")


def test_bad_values_are_an_error_and_not_a_skipped_cut():
    runs = simulated(0.003)
    runs.loc["r29", "loss"] = np.nan
    with pytest.raises(sf.DataError, match="'loss' has no value in row r29"):
        sf.backtest(runs, "chinchilla")
    runs.loc["r29", "loss"] = -1
    with pytest.raises(sf.DataError, match=r"row r29.*sf\.Square"):
        sf.backtest(runs, "chinchilla")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"level": 90}, "level=|level must"),
        ({"cuts": [50, 60]}, "cuts are shares"),
        ({"cuts": []}, "cuts are shares"),
        ({"draws": 1}, "at least 2"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(argument, said):
    with pytest.raises(sf.FitError, match=said):
        sf.backtest(simulated(0.003), "chinchilla", **argument)


def test_a_fixed_parameter_stays_fixed_and_a_tied_one_tied():
    test = sf.backtest(simulated(0.003), "chinchilla", cuts=[0.7], fixed={"E": 1.7}, tie={"beta": "alpha"}, **SMOOTH)
    estimates = test.fits[0.7].estimates
    assert estimates["E"] == 1.7
    assert estimates["alpha"] == estimates["beta"]


def test_the_summary_is_made_of_the_judged_rows(noisy):
    rows = noisy.frame[noisy.frame.cut == 0.7]
    line = noisy.summary.set_index("cut").loc[0.7]
    relative = rows.estimate / rows.observed - 1
    assert line.n_fitted == 21
    assert line.n_judged == 9
    assert line.error == pytest.approx(relative.abs().mean())
    assert line.bias == pytest.approx(relative.mean())
    assert line.coverage == rows.observed.between(rows.low, rows.high).mean()
    assert line.half_width == pytest.approx(((rows.high - rows.low) / rows.estimate).mean() / 2)
    assert line.largest_factor == rows.factor.max()
    assert line.verdict == noisy.fits[0.7].verdict


def test_the_first_line_says_that_intervals_are_too_narrow():
    runs = simulated(0.0005)
    runs.loc[runs.flops > runs.flops.median(), "loss"] *= 1.2
    test = sf.backtest(runs, "chinchilla", cuts=[0.5], **SMOOTH)
    first, _, header = repr(test).splitlines()[:3]
    assert first.startswith("chinchilla back-tested on 1 cut along flops: mean error")
    assert "90 % intervals held 0 % of the time: too narrow — do not trust" in first
    assert "bias -" in first
    assert header.split()[:3] == ["cut", "n_fitted", "n_judged"]


def test_the_first_line_does_not_complain_of_intervals_that_held():
    runs = simulated(0.01)
    above = runs.flops > runs.flops.median()
    runs.loc[above, "loss"] = simulated()["loss"][above]
    test = sf.backtest(runs, "chinchilla", cuts=[0.5], level=0.99, **SMOOTH)
    assert test.summary.coverage[0] == 1
    assert "99 % intervals held 100 % of the time: wide enough" in repr(test)


def test_html_escapes_what_users_named():
    runs = simulated(0.003).rename(columns={"flops": "<b>cost"})
    html = sf.backtest(runs, "chinchilla", along="<b>cost", cuts=[0.7], **SMOOTH)._repr_html_()
    assert "along &lt;b&gt;cost" in html
    assert "<b>cost" not in html
    assert "largest_factor" in html


def test_a_backtest_cannot_be_changed(noisy):
    with pytest.raises(AttributeError):
        noisy.level = 0.5


def test_real_runs_show_that_one_law_is_too_sure_of_itself():
    runs = pd.read_csv(shared("chinchilla_besiroglu/runs.csv"))
    test = sf.backtest(runs[runs.outlier == 0], "chinchilla", draws=100, rng=0)
    assert list(test.summary.cut) == [0.5, 0.6, 0.7, 0.8]
    assert list(test.summary.n_judged) == [120, 96, 72, 48]
    assert test.summary.error.between(0.007, 0.012).all()
    assert test.summary.coverage.mean() < 0.8
    assert "too narrow" in repr(test)
