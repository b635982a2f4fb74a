"""Bad input: each a clear error that says what to type, or a verdict that says what is wrong."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES

LAW = sf.get_law("chinchilla")


def make_runs(noise: float = 0.01) -> pd.DataFrame:
    return CASES["chinchilla"].runs(LAW, noise=noise, seed=4)


def ray_of_runs(noise: float, seed: int = 0) -> pd.DataFrame:
    """Twelve sizes, each at twenty tokens per parameter."""
    params = np.geomspace(2e7, 5e9, 12)
    runs = pd.DataFrame({"params": params, "tokens": 20 * params})
    factor = np.exp(noise * np.random.default_rng(seed).standard_normal(12))
    return runs.assign(loss=LAW(CASES["chinchilla"].true, runs) * factor)


def with_value(column: str, value: object, rows: int | list[int] = 3) -> pd.DataFrame:
    runs = make_runs().astype({column: object})
    runs.loc[rows, column] = value
    return runs


@pytest.fixture
def runs() -> pd.DataFrame:
    return make_runs()


# The table.


def test_an_empty_table_is_an_error(runs):
    with pytest.raises(sf.DataError, match="chinchilla: the table of runs has no rows"):
        sf.fit(runs.iloc[:0], LAW)


def test_a_table_without_columns_is_an_error():
    with pytest.raises(sf.ScalefitError, match="no rows"):
        sf.fit(pd.DataFrame(), LAW)


def test_something_that_is_no_table_is_an_error_that_says_what_is_one():
    with pytest.raises(sf.DataError, match="runs must be a pandas, polars or Arrow table"):
        sf.fit(42, LAW)


def test_a_missing_column_is_named_with_the_columns_that_are_there(runs):
    with pytest.raises(sf.ColumnError, match="chinchilla needs a column 'tokens'; the table has params, loss"):
        sf.fit(runs[["params", "loss"]], LAW)


def test_a_misspelt_column_comes_with_what_to_type(runs):
    with pytest.raises(sf.ColumnError, match=r"If 'tokenz' is that column, pass columns=\{'tokens': 'tokenz'\}"):
        sf.fit(runs.rename(columns={"tokens": "tokenz"}), LAW)


def test_what_the_error_says_to_type_works(runs):
    fit = sf.fit(runs.rename(columns={"tokens": "tokenz"}), LAW, columns={"tokens": "tokenz"})
    assert fit.estimates == sf.fit(runs, LAW).estimates


def test_a_misspelt_target_is_named(runs):
    with pytest.raises(sf.ColumnError, match=r"needs a column 'lost'.*'loss'"):
        sf.fit(runs, LAW, target="lost")


def test_a_column_that_the_caller_names_wrongly_is_an_error(runs):
    with pytest.raises(
        sf.ColumnError, match=r"told to read 'tokens' from a column 'token', which is missing.*'tokens'"
    ):
        sf.fit(runs, LAW, columns={"tokens": "token"})


def test_two_aliases_at_once_are_an_error_that_names_both(runs):
    both = runs.rename(columns={"params": "N"}).assign(n_params=runs["params"])
    with pytest.raises(
        sf.ColumnError, match=r"'N' and 'n_params' could each be it. Say which: columns=\{'params': 'N'\}"
    ):
        sf.fit(both, LAW)


def test_an_alias_beside_the_known_name_is_left_alone(runs):
    fit = sf.fit(runs.assign(N=-1.0), LAW)
    assert fit.estimates == sf.fit(runs, LAW).estimates


def test_one_alias_is_recognised_and_said(runs):
    fit = sf.fit(runs.rename(columns={"params": "N", "loss": "val_loss"}), LAW)
    assert fit.notes == ("params read from column 'N'", "loss read from column 'val_loss'")


@pytest.mark.parametrize("name", ["estimate", "low", "high"])
def test_a_column_that_a_result_would_append_is_an_error(runs, name):
    with pytest.raises(sf.ColumnError, match=rf"already has '{name}'. Rename: runs.rename\(columns="):
        sf.fit(runs.assign(**{name: 1.0}), LAW)


# The values.


def test_nan_in_a_used_column_is_an_error_that_names_the_rows():
    with pytest.raises(sf.DataError, match="column 'loss' has no value in rows 3, 4, 9 and 1 more"):
        sf.fit(with_value("loss", np.nan, [3, 4, 9, 11]), LAW)


def test_rows_are_named_by_the_index_of_the_table():
    runs = with_value("tokens", np.nan).set_index(pd.Index([f"run{i}" for i in range(36)]))
    with pytest.raises(sf.DataError, match=r"in row run3\. Drop such rows: runs.dropna\(subset=\['tokens'\]\)"):
        sf.fit(runs, LAW)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("column", ["params", "tokens", "loss"])
def test_an_infinite_value_is_an_error_that_names_the_row(column, value):
    with pytest.raises(sf.DataError, match=rf"column '{column}' is infinite in row 3"):
        sf.fit(with_value(column, value), LAW)


@pytest.mark.parametrize(("value", "said"), [(0.0, "is 0"), (-5e8, "is -5e"), (-1.0, "is -1")])
@pytest.mark.parametrize("column", ["params", "tokens"])
def test_a_size_that_is_zero_or_negative_is_an_error_that_names_the_row(column, value, said):
    with pytest.raises(sf.DataError, match=rf"column '{column}' must be above zero and {said}.*in row 3"):
        sf.fit(with_value(column, value), LAW)


@pytest.mark.parametrize("text", ["7B", "", "n/a"])
def test_text_where_a_number_is_expected_is_an_error_that_shows_it(text):
    with pytest.raises(sf.DataError, match=rf"column 'params' has text where a number is expected: '{text}' in row 3"):
        sf.fit(with_value("params", text), LAW)


def test_truth_values_are_not_numbers(runs):
    with pytest.raises(sf.DataError, match="column 'loss' holds truth values"):
        sf.fit(runs.assign(loss=True), LAW)


def test_a_constant_loss_is_an_error(runs):
    with pytest.raises(sf.DataError, match=r"column 'loss' is 2\.5 in every row, so there is nothing to fit"):
        sf.fit(runs.assign(loss=2.5), LAW)


NO_LOG = r"'loss' must be > 0 on the log scale; rows 3 and 5 are not .*sf.Square\(on=\"raw\"\)"


def test_a_loss_of_zero_on_the_log_scale_is_an_error_that_offers_the_raw_one():
    with pytest.raises(sf.DataError, match=NO_LOG):
        sf.fit(with_value("loss", 0.0, [3, 5]), LAW)


@pytest.mark.filterwarnings("ignore:column 'loss' has 2 of 36 numbers below 0")
def test_a_negative_loss_on_the_log_scale_is_an_error_that_offers_the_raw_one():
    with pytest.raises(sf.DataError, match=NO_LOG):
        sf.fit(with_value("loss", -0.5, [3, 5]), LAW)


def test_what_that_error_says_to_type_works_and_a_negative_loss_is_warned_about():
    with pytest.warns(sf.UnitWarning, match="column 'loss' has 1 of 36 numbers below 0"):
        fit = sf.fit(with_value("loss", -0.5, [3]), LAW, objective=sf.Square(on="raw"))
    assert fit.n_rows == 36


def test_an_accuracy_of_one_on_the_logit_scale_is_an_error():
    runs = pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0], "accuracy": [0.3, 0.5, 0.8, 1.0]})
    with pytest.raises(sf.DataError, match="must be between 0 and 1 on the logit scale; row 3 is not"):
        sf.fit(runs, "power", target="accuracy", objective=sf.Square(on="logit"))


# Too little, or not enough of it.


def test_one_run_is_an_error_that_counts_what_is_needed(runs):
    with pytest.raises(
        sf.DataError, match=r"5 free parameters \(E, A, alpha, B and beta\); the table has 1 row of 'loss'"
    ):
        sf.fit(runs.iloc[:1], LAW)


def test_fewer_rows_than_parameters_is_an_error_that_offers_to_fix_tie_or_give_a_prior(runs):
    with pytest.raises(sf.DataError, match=r"the table has 4 rows of 'loss'. Add runs, or fix, tie or give a prior"):
        sf.fit(runs.iloc[[0, 7, 20, 35]], LAW)


def test_rows_of_weight_zero_do_not_count(runs):
    weights = np.zeros(len(runs))
    weights[:4] = 1.0
    with pytest.raises(sf.DataError, match="the table has 4 rows"):
        sf.fit(runs, LAW, weights=weights)


def test_priors_count_as_rows(runs):
    few = runs.iloc[[0, 7, 20, 35]]
    fit = sf.fit(few, LAW, prior={"alpha": (0.35, 0.02), "beta": (0.37, 0.02)})
    assert fit.estimates["alpha"] == pytest.approx(0.35, abs=0.06)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("column", ["params", "tokens"])
def test_runs_of_one_size_get_a_verdict_that_names_it_and_what_to_add(column, noise):
    runs = make_runs(noise)
    runs[column] = 1e9
    runs["loss"] = LAW(CASES["chinchilla"].true, runs) * np.exp(noise * np.random.default_rng(0).standard_normal(36))
    fit = sf.fit(runs, LAW)
    assert not fit.converged
    assert fit.verdict.startswith("not identified: ")
    assert f"every row has {column} = 1e+09: add runs with other {column}" in fit.verdict


# With noise the two terms of a ray can follow the noise apart: A, B, alpha and beta then look fixed, and mean nothing.
@pytest.mark.parametrize(("noise", "seed"), [(0.0, 0), (1e-3, 0), (1e-3, 1), *((0.01, seed) for seed in range(5))])
def test_runs_on_one_ray_get_a_verdict_that_says_so_and_what_to_add(noise, seed):
    fit = sf.fit(ray_of_runs(noise, seed), LAW)
    assert not fit.converged
    assert fit.verdict.startswith("not identified: ")
    assert "add runs at other ratios of tokens to params" in fit.verdict


def test_one_ray_is_enough_where_the_exponents_are_tied_and_a_term_is_fixed():
    fit = sf.fit(ray_of_runs(0.0), LAW, tie={"beta": "alpha"}, fixed={"B": 0.0})
    assert fit.converged, fit.verdict


def test_a_fit_that_the_data_do_not_identify_shows_no_narrow_intervals():
    summary = sf.fit(ray_of_runs(0.01), LAW).summary()
    wide = ~np.isfinite(summary["se"]) | (summary["se"] > 0.5 * summary["estimate"].abs())
    assert wide.any()


# The arguments.


def test_an_unknown_law_comes_with_the_closest_name(runs):
    with pytest.raises(sf.LawError, match=r"No law is called 'chincilla'\. Did you mean 'chinchilla'\?"):
        sf.fit(runs, "chincilla")


def test_a_formula_given_as_the_name_of_a_law_points_to_formula_law(runs):
    with pytest.raises(sf.LawError, match=r"got int\. For a formula, use formula_law"):
        sf.fit(runs, 3)  # type: ignore[arg-type]


def test_an_unknown_scale_of_an_objective_is_an_error():
    with pytest.raises(sf.FitError, match="on must be one of log, logit or raw; got 'ln'"):
        sf.Huber(1e-3, on="ln")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [lambda: sf.Huber(0.0), lambda: sf.Huber(-1.0), lambda: sf.Cauchy(scale=np.nan)])
def test_the_width_of_an_objective_must_be_positive(make):
    with pytest.raises(sf.FitError, match="must be a positive number; got"):
        make()


@pytest.mark.parametrize("level", [90, 0.0, 1.0, -0.1])
def test_a_level_outside_zero_and_one_is_an_error(runs, level):
    fit = sf.fit(runs, LAW)
    with pytest.raises(sf.FitError, match="level must lie between 0 and 1"):
        fit.summary(level=level)
    with pytest.raises(sf.FitError, match="level must lie between 0 and 1"):
        fit.predict(runs[["params", "tokens"]], level=level)


def test_a_level_in_percent_comes_with_what_was_meant(runs):
    with pytest.raises(sf.FitError, match=r"got 90. Did you mean 0.9\?"):
        sf.fit(runs, LAW).summary(level=90)


def test_an_unknown_kind_of_interval_is_an_error(runs):
    fit = sf.fit(runs, LAW)
    with pytest.raises(sf.FitError, match="interval must be one of mean or run; got 'new'"):
        fit.predict(runs[["params", "tokens"]], interval="new")  # type: ignore[arg-type]
    with pytest.raises(sf.FitError, match="kind must be one of basic, bca, percentile or studentized; got 'normal'"):
        fit.summary(kind="normal")  # type: ignore[arg-type]
    with pytest.raises(sf.FitError, match=r"BCa intervals need draws: call fit\.bootstrap"):
        fit.summary(kind="bca")


@pytest.mark.parametrize("n", [1, 0, -5, 10.5])
def test_a_number_of_resamples_below_two_is_an_error(runs, n):
    with pytest.raises(sf.FitError, match="at least 2; got"):
        sf.fit(runs, LAW).bootstrap(n)


def test_resampling_runs_needs_runs_that_repeat(runs):
    with pytest.raises(sf.FitError, match="kind='runs' needs a column 'run' whose names repeat"):
        sf.fit(runs, LAW).bootstrap(10, kind="runs")


CONTRADICTIONS = {
    "an unknown parameter": (
        {"fixed": {"gamma": 1.0}},
        "fixed: a parameter of chinchilla must be one of .*got 'gamma'",
    ),
    "a misspelt parameter": ({"prior": {"alfa": (0.3, 0.1)}}, "got 'alfa'. Did you mean 'alpha'?"),
    "fixed and tied": (
        {"fixed": {"beta": 0.3}, "tie": {"beta": "alpha"}},
        "beta: a parameter is fixed, tied or bounded",
    ),
    "fixed and bounded": ({"fixed": {"E": 1.7}, "bounds": {"E": (1, 2)}}, "E: a parameter is fixed, tied or bounded"),
    "bounds the wrong way": ({"bounds": {"E": (2, 1)}}, r"E needs low < high; got \(2, 1\). To fix it, use fixed="),
    "bounds outside the law's": ({"bounds": {"E": (None, -1)}}, "E needs low < high"),
    "a value that is not finite": ({"fixed": {"E": np.nan}}, "fixed: E must be a finite number; got nan"),
    "a prior without width": ({"prior": {"alpha": (0.3, 0.0)}}, "prior: alpha must be .centre, standard deviation > 0"),
    "a circle of ties": ({"tie": {"alpha": "beta", "beta": "alpha"}}, "ties of .* go round in a circle"),
    "a tie to nothing": ({"tie": {"beta": "gamma"}}, "A name in the tie beta = gamma must be one of .*got 'gamma'"),
    "everything fixed": (
        {"fixed": dict.fromkeys(LAW.param_names, 1.0)},
        "leave at least one of E, A, alpha, B and beta free",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictory_constraints_are_an_error(runs, case):
    options, said = CONTRADICTIONS[case]
    with pytest.raises(sf.ScalefitError, match=said):
        sf.fit(runs, LAW, **options)


def test_constraints_beside_lmfit_parameters_are_an_error(runs):
    params = sf.fit(runs, LAW).to_lmfit()
    with pytest.raises(sf.FitError, match="Give either params or fixed, bounds and tie, not both"):
        sf.fit(runs, LAW, params=params, fixed={"E": 1.7})


def test_weights_of_the_wrong_length_are_an_error_with_both_numbers(runs):
    with pytest.raises(sf.DataError, match=r"one number per row: 36 rows, weights of shape \(35,\)"):
        sf.fit(runs, LAW, weights=np.ones(35))


@pytest.mark.parametrize(
    ("value", "said"), [(-1.0, "row 3 has -1"), (np.nan, "row 3 has nan"), (np.inf, "row 3 has inf")]
)
def test_a_weight_that_is_negative_or_not_finite_is_an_error_that_names_the_row(runs, value, said):
    weights = np.ones(36)
    weights[3] = value
    with pytest.raises(sf.DataError, match=said):
        sf.fit(runs, LAW, weights=weights)


def test_weights_that_are_all_zero_are_an_error(runs):
    with pytest.raises(sf.DataError, match="all are zero"):
        sf.fit(runs, LAW, weights=np.zeros(36))


def test_a_column_of_weights_that_is_missing_is_named(runs):
    with pytest.raises(sf.ColumnError, match="weights needs a column 'importance'"):
        sf.fit(runs, LAW, weights="importance")


def test_a_start_for_an_unknown_parameter_is_an_error(runs):
    with pytest.raises(sf.LawError, match=r"A parameter of chinchilla must be one of .*got 'gamma'"):
        sf.fit(runs, LAW, starts={"gamma": 1.0})


def test_no_start_at_all_is_an_error(runs):
    with pytest.raises(sf.FitError, match="own=0\\) needs at least one given start"):
        sf.fit(runs, LAW, starts=sf.Starts(own=0))


def test_a_law_of_one_variable_asks_which_column_is_meant(runs):
    with pytest.raises(sf.ColumnError, match=r"power has one input, x; .*Say which one is meant: columns=\{'x': "):
        sf.fit(runs, "power")


def test_points_to_predict_without_an_input_are_an_error_that_names_it(runs):
    with pytest.raises(sf.ColumnError, match="chinchilla needs a column 'tokens'"):
        sf.fit(runs, LAW).predict({"params": [1e9]})


@pytest.mark.parametrize("name", ["estimate", "low", "high", "beyond"])
def test_points_to_predict_that_already_hold_an_answer_are_an_error(runs, name):
    with pytest.raises(sf.ColumnError, match=f"predict appends .*already has '{name}'"):
        sf.fit(runs, LAW).predict({"params": [1e9], "tokens": [1e10], name: [0.0]})
