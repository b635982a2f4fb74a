"""What cannot be analysed is refused with what to type."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from isoflop_designs import isoflop_runs
from scalefit.decisions.isoflop.analysis import isoflop
from scalefit.decisions.isoflop.approaches import compare_approaches
from scalefit.decisions.isoflop.envelope import fit_envelope


@pytest.mark.parametrize(("method", "least"), [("akima", 4), ("parabola", 3)])
def test_budgets_with_too_few_sizes_are_listed_and_where_all_are_it_is_an_error(method, least):
    mixed = pd.concat([isoflop_runs(), isoflop_runs(sizes=least - 1, budgets=[4e21])])
    told = isoflop(mixed, method=method, noise=0.002, draws=20)
    assert told.refused.flops.tolist() == [4e21]
    assert told.refused.reason[0] == f"{least - 1} sizes; method={method!r} needs {least}"
    with pytest.raises(sf.DataError, match=f"no value of 'flop_budget' has {least} sizes.*the most is {least - 1}"):
        isoflop(isoflop_runs(sizes=least - 1), method=method)


def test_compute_that_is_no_budget_is_refused_with_the_choices():
    runs = sf.grid(params=[1e8, 3e8, 1e9], tokens=[1e9, 1e10]).assign(loss=3.0)
    with pytest.raises(sf.DataError, match=r"no column 'flop_budget'.*budget='my_budget'.*budget='flops'.*slice_iso"):
        isoflop(runs)


@pytest.mark.parametrize("column", ["params", "loss"])
def test_a_missing_column_is_named(column):
    with pytest.raises(sf.ColumnError, match=f"isoflop needs a column '{column}'"):
        isoflop(isoflop_runs().drop(columns=column))


def test_a_missing_budget_column_is_named():
    with pytest.raises(sf.ColumnError, match="isoflop needs a column 'bugdet'"):
        isoflop(isoflop_runs(), budget="bugdet")
    with pytest.raises(sf.ColumnError, match="budget is the name of a column; got 1e"):
        isoflop(isoflop_runs(), budget=1e19)
    with pytest.raises(sf.DataError, match="'flop_budget' has no value in any row"):
        isoflop(isoflop_runs().assign(flop_budget=np.nan))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("loss", np.nan, "column 'loss' has no value in row 3"),
        ("loss", -1.0, "column 'loss' must be above zero and is -1 in row 3"),
        ("loss", np.inf, "column 'loss' is infinite in row 3"),
        ("params", 0.0, "column 'params' must be above zero"),
        ("tokens", -5.0, "column 'tokens' must be above zero"),
        ("flop_budget", -1e19, "column 'flop_budget'.* must be above zero"),
    ],
)
@pytest.mark.parametrize("method", ["akima", "parabola"])
def test_numbers_that_cannot_be_used_are_named_with_their_rows(column, value, words, method):
    runs = isoflop_runs()
    runs.loc[3, column] = value
    with pytest.raises(sf.DataError, match=words):
        isoflop(runs, method=method)


def test_several_families_are_refused_with_both_ways_out():
    runs = pd.concat([isoflop_runs().assign(family=name) for name in ("a", "b")])
    words = r"2 families, 'a' and 'b'.*runs\[runs\['family'\] == 'a'\].*"
    with pytest.raises(sf.DataError, match=words + "by='family'"):
        isoflop(runs)


@pytest.mark.parametrize("call", [fit_envelope, compare_approaches])
def test_several_families_are_refused_with_no_argument_that_is_not_there(call):
    runs = pd.concat([isoflop_runs().assign(family=name) for name in ("a", "b")])
    each = rf"\{{name: sf.{call.__name__}\(part\) for name, part in runs.groupby\('family'\)\}}"
    with pytest.raises(sf.DataError, match=each) as caught:
        call(runs)
    assert "by=" not in str(caught.value)


@pytest.mark.parametrize("call", [isoflop, fit_envelope, compare_approaches])
def test_a_target_of_which_more_is_better_is_refused_with_what_to_type(call):
    runs = isoflop_runs()
    runs = runs.assign(accuracy=1 - runs.loss / 10)
    with pytest.raises(sf.DataError, match=r"error=1 - runs\['accuracy'\]\) with target='error'") as caught:
        call(runs, target="accuracy")
    assert f"{call.__name__} looks for the lowest 'accuracy'" in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"method": "spline"}, "method must be one of akima or parabola; got 'spline'"),
        ({"draws": 5}, "draws must be a whole number of at least 20; got 5"),
        ({"noise": -0.1}, "noise is a standard deviation of loss, at least 0; got -0.1"),
        ({"noise": np.nan}, "noise is a standard deviation"),
        ({"columns": "loss"}, "columns is a mapping"),
        ({"by": "kind"}, "needs a column 'kind'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(argument, words):
    with pytest.raises(sf.ScalefitError, match=words):
        isoflop(isoflop_runs(), **argument)


def test_a_level_in_percent_is_recognised():
    with pytest.raises(sf.FitError, match=r"Did you mean 0\.9"):
        isoflop(isoflop_runs(), level=90)


def test_no_rows_and_no_groups_are_refused():
    with pytest.raises(sf.DataError, match="needs at least one row"):
        isoflop(isoflop_runs().iloc[:0])
    with pytest.raises(sf.DataError, match="no group has an answer"):
        isoflop(isoflop_runs(sizes=2).assign(family="a"), by="family")


def test_losses_that_are_junk_give_an_answer_that_is_not_to_be_relied_on():
    rng = np.random.default_rng(5)
    runs = isoflop_runs(sizes=9)
    told = isoflop(runs.assign(loss=rng.uniform(2.5, 3.5, len(runs))), draws=100)
    assert told.growth.params is None or told.doubts


def test_predictions_of_no_compute_are_refused():
    told = isoflop(isoflop_runs(), noise=0.002, draws=20)
    for flops in (0, -1e20, [np.nan], [], [[1e20]]):
        with pytest.raises(sf.DataError, match="flops is a number or a list of numbers above 0"):
            told.predict(flops)
    with pytest.raises(sf.DataError, match="kind must be one of curves, params or tokens; got 'param'"):
        told.plot(kind="param")


def test_an_envelope_asks_for_curves():
    runs = isoflop_runs(budgets=[1e20])
    with pytest.raises(sf.DataError, match="no size has two runs of different compute"):
        fit_envelope(runs)
    logs = pd.DataFrame({"run": "a", "params": [1e6, 2e6], "tokens": [1e7, 2e7], "loss": [3.0, 2.9]})
    with pytest.raises(sf.DataError, match="params changes within a run"):
        fit_envelope(logs)
    with pytest.raises(sf.DataError, match="points must be a whole number of at least 10"):
        fit_envelope(runs, points=3)


def test_a_law_without_params_and_tokens_is_refused():
    with pytest.raises(sf.FitError, match="needs a law of params and tokens"):
        compare_approaches(
            isoflop_runs(noise=0.002).assign(x=1.0), law="power_offset", draws=20, columns={"x": "params"}
        )


@pytest.mark.parametrize("budget", [None, "flops"])
def test_compute_that_scatters_about_its_budgets_is_refused_with_code_that_names_them(budget):
    runs = isoflop_runs(noise=0.002).rename(columns={"flop_budget": "flops"})
    runs["flops"] *= 1 + 0.03 * np.random.default_rng(0).standard_normal(len(runs))
    with pytest.raises(sf.DataError, match="in 4 groups: make a column of the budgets that were meant") as caught:
        isoflop(runs, budget=budget)
    code = str(caught.value).split("such as ")[1].removesuffix(".")
    exec(code, {"np": np, "runs": runs})  # what it says to type works
    assert runs.flop_budget.nunique() == 4
    assert len(isoflop(runs, draws=20).frame) == 4


def test_three_sizes_at_each_value_of_compute_are_budgets_for_a_parabola():
    runs = isoflop_runs(sizes=3).rename(columns={"flop_budget": "flops"})
    assert len(isoflop(runs, method="parabola", draws=20).frame) == 4
    with pytest.raises(sf.DataError, match="fewer than 4 sizes"):
        isoflop(runs)
