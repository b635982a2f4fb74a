"""One row a run: the rules, their statistics, and what is reported of runs that stopped."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.extraction import extract_final_losses
from scalefit.runs.notes import notes_of

RULES = [{"rule": "last"}, {"rule": "mean_last", "k": 4}, {"rule": "ema", "halflife": 50}, {"rule": "min"}]


def curve(rows=100, *, run="a", **columns):
    steps = np.arange(1, rows + 1) * 10
    return pd.DataFrame({"run": run, "step": steps, "loss": 2 + 5 / steps}).assign(**columns)


def noisy(seeds, rows=200, sigma=0.02):
    """Runs that have converged to a loss of 3, with noise."""
    rng = np.random.default_rng(0)
    losses = 3 + rng.normal(0, sigma, (seeds, rows))
    steps = np.tile(np.arange(1, rows + 1), seeds)
    return pd.DataFrame({"run": np.repeat(np.arange(seeds), rows), "step": steps, "loss": losses.ravel()})


def note_of(logs, **said):
    return notes_of(extract_final_losses(logs, **said))[-1]


def test_each_rule_is_what_its_name_says_and_stands_beside_the_loss():
    log = curve()
    weights = 0.5 ** ((1000 - log.step) / 50)
    told = [log.loss[99], log.loss[-4:].mean(), (weights * log.loss).sum() / weights.sum(), log.loss.min()]
    finals = pd.concat([extract_final_losses(log, **rule) for rule in RULES])
    assert finals.loss.tolist() == pytest.approx(told)
    assert finals.loss_rule.tolist() == [
        "last",
        "mean of the last 4 rows",
        "exponential moving average with a half-life of 50 in step",
        "lowest",
    ]
    assert finals.rows_used.tolist() == [1, 4, 100, 100]
    assert (finals.step == 1000).all()


def test_only_the_lowest_loss_is_biased_and_more_so_in_longer_runs():
    errors = {}
    for said in RULES:
        losses = extract_final_losses(noisy(2000), **said).loss
        errors[said["rule"]] = (losses.mean() - 3) / (losses.std() / np.sqrt(2000))
    assert abs(errors["last"]) < 4
    assert abs(errors["mean_last"]) < 4
    assert abs(errors["ema"]) < 4
    assert errors["min"] < -100
    short, long = (extract_final_losses(noisy(500, rows), rule="min").loss.mean() for rows in (20, 2000))
    assert long < short < 3 - 0.02


@pytest.mark.parametrize("k", [4, 25])
def test_the_mean_of_more_rows_is_less_noisy(k):
    losses = extract_final_losses(noisy(2000), rule="mean_last", k=k).loss
    assert losses.std() == pytest.approx(0.02 / np.sqrt(k), rel=0.1)


def test_there_is_one_row_a_run_in_the_order_in_which_they_appear_with_the_index_of_its_last_row():
    logs = pd.concat([curve(30, run="b"), curve(50, run="a")], ignore_index=True)
    final = extract_final_losses(logs)
    assert final.run.tolist() == ["b", "a"]
    assert final.index.tolist() == [29, 79]


def test_all_columns_of_the_last_row_are_kept():
    log = curve(family="lstm", params=10**6, seed=3, lr=np.linspace(1, 0, 100), tokens=np.arange(1, 101) * 1000)
    final = extract_final_losses(log, rule="mean_last", k=10)
    columns = ["family", "params", "seed", "lr", "tokens", "step"]
    assert final[columns].values.tolist() == [["lstm", 10**6, 3, 0.0, 100_000, 1000]]
    assert final.params.dtype == log.params.dtype


def test_the_last_row_is_that_with_a_loss_and_what_it_lacks_is_filled_in_if_it_never_changes():
    log = curve(params=[1e6, *[np.nan] * 99], tokens=np.arange(100.0))
    log.loc[[98, 99], "loss"] = np.nan
    log.loc[97, "tokens"] = np.nan
    final = extract_final_losses(log)
    assert final.step.tolist() == [980]
    assert final.params.tolist() == [1e6]
    assert final.tokens.isna().all()
    assert "params filled in from other rows of the run" in notes_of(final)[-1]


def test_flops_are_derived_from_the_last_row_and_said():
    final = extract_final_losses(curve(params=1e6, tokens=np.arange(1, 101) * 1e5))
    assert final.flops.tolist() == [6e13]
    assert "flops derived as 6 * params * tokens" in notes_of(final)[-1]


def test_a_run_that_is_shorter_than_its_like_is_marked_and_named():
    logs = pd.concat(
        [
            curve(100, run="whole", params=1, family="a"),
            curve(96, run="nearly", params=1, family="a"),
            curve(60, run="crashed", params=1, family="a"),
            curve(50, run="another size", params=2, family="a"),
            curve(50, run="another family", params=1, family="b"),
        ]
    )
    final = extract_final_losses(logs)
    assert final[final.ended_early].run.tolist() == ["crashed"]
    assert "1 run shorter than 0.95 of the longest run of the same family and params: crashed" in notes_of(final)[-1]


def test_what_was_meant_to_be_equally_long_can_be_said():
    logs = pd.concat([curve(n, run=f"n{n}", params=1, budget=n // 40) for n in (100, 60, 40)])
    assert extract_final_losses(logs).ended_early.tolist() == [False, True, True]
    assert extract_final_losses(logs, alike=["params", "budget"]).ended_early.tolist() == [False, False, True]
    with pytest.raises(ColumnError, match="needs a column 'budgets'"):
        extract_final_losses(logs, alike=["budgets"])


def test_without_sizes_no_run_is_compared_with_another():
    logs = pd.concat([curve(100, run="a"), curve(10, run="b")])
    assert extract_final_losses(logs).ended_early.tolist() == [False, False]


def test_a_log_that_goes_on_without_a_loss_is_said():
    log = curve()
    log.loc[70:, "loss"] = np.nan
    assert "1 run whose log goes on without a loss: a" in note_of(log)
    log = curve()
    log.loc[(log.index % 10 != 0), "loss"] = np.nan  # evaluated every ten rows
    assert "goes on" not in note_of(log)


def test_a_run_without_any_loss_is_left_out_and_named():
    logs = pd.concat([curve(), curve(run="dead", loss=np.nan), curve(run="c")])
    final = extract_final_losses(logs)
    assert final.run.tolist() == ["a", "c"]
    assert "1 run without any loss left out: dead" in notes_of(final)[-1]


def test_runs_of_fewer_rows_than_asked_for_are_averaged_as_far_as_they_go_and_said():
    logs = pd.concat([curve(), curve(3, run="short")])
    final = extract_final_losses(logs, rule="mean_last", k=5).set_index("run")
    assert final.rows_used.tolist() == [5, 3]
    assert final.loss["short"] == pytest.approx(curve(3).loss.mean())
    assert "1 run of fewer than 5 rows: short" in note_of(logs, rule="mean_last", k=5)


def test_any_measure_may_be_taken():
    log = curve(accuracy=np.linspace(0, 0.5, 100))
    final = extract_final_losses(log, target="accuracy", rule="mean_last", k=3)
    assert final.accuracy.tolist() == pytest.approx([log.accuracy[-3:].mean()])
    assert final.loss.tolist() == [log.loss[99]]


def test_the_last_rows_of_the_real_runs_are_those_of_pandas():
    logs = datasets.load("microlm")
    final = extract_final_losses(logs, alike=["run"])
    told = logs.groupby("run", sort=False).tail(1)
    pd.testing.assert_frame_equal(final[list(logs)], told)
    assert (final.loss_rule == "last").all()
    assert not final.ended_early.any()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"rule": "final"}, "rule must be one of ema, last, mean_last or min; got 'final'"),
        ({"rule": "mean_last"}, r"rule='mean_last' needs k=, how many rows to average\. Such as k=10"),
        ({"rule": "mean_last", "k": 0}, "k must be a whole number of at least 1; got 0"),
        ({"k": 5}, "k= is for rule='mean_last'; the rule is 'last'"),
        ({"rule": "ema"}, r"halflife must be a number above 0; got None\. Such as halflife=10"),
        ({"rule": "min", "halflife": 5}, "halflife= is for rule='ema'; the rule is 'min'"),
    ],
)
def test_a_rule_without_its_number_is_told_what_to_type(said, message):
    with pytest.raises(DataError, match=message):
        extract_final_losses(curve(), **said)


def test_a_table_of_final_losses_is_refused():
    with pytest.raises(ColumnError, match="appends 'loss_rule', 'rows_used' and 'ended_early'"):
        extract_final_losses(extract_final_losses(curve()))


@pytest.mark.parametrize("name", ["max_steps", "total_steps", "num_steps", "config.max_steps"])
def test_where_a_run_says_how_long_it_should_be_that_decides(name):
    whole, short = curve(50, run="whole", params=1, **{name: 500}), curve(100, run="short", params=1, **{name: 2000})
    final = extract_final_losses(pd.concat([whole, short, curve(20, run="unsaid", params=1)]))
    assert final.ended_early.tolist() == [False, True, True]
    said = notes_of(final)[-1]
    assert "1 run that stopped before 0.95 of their own maximum of steps: short" in said
    assert "1 run shorter than 0.95 of the longest run of the same params: unsaid" in said


def test_a_run_ends_at_its_last_row_and_not_at_its_last_evaluation():
    log = curve(20, max_steps=200)
    log.loc[~log.step.isin([60, 120, 180]), "loss"] = np.nan
    final = extract_final_losses(log)
    assert final.step.tolist() == [180]
    assert final.ended_early.tolist() == [False]


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_run_that_loses_its_loss_ended_early_even_if_its_log_goes_on_to_the_end(lost):
    log = curve(max_steps=1000)
    log.loc[97:, "loss"] = lost
    assert extract_final_losses(log).ended_early.tolist() == [True]
    log = curve(max_steps=1000)
    log.loc[99, "loss"] = np.nan  # one summary without a loss
    assert extract_final_losses(log).ended_early.tolist() == [False]
