"""What a Fit promises: frozen, repeatable, tables in and the same rows out, two kinds of interval, a provenance."""

import dataclasses
import inspect

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import scalefit as sf
from cases import CASES

LAW = sf.get_law("chinchilla")
RUNS = CASES["chinchilla"].runs(LAW, noise=0.01, seed=7)
POINTS = pd.DataFrame({"params": [1e9, 1e8, 7e10], "tokens": [2e10, 2e9, 1.4e12]})
CHECKPOINTS = 12


def checkpoint_runs(count: int) -> pd.DataFrame:
    """``count`` runs with checkpoints whose residuals share one factor per run."""
    rng = np.random.default_rng(0)
    params = np.repeat(np.geomspace(1e7, 1e9, count), CHECKPOINTS)
    tokens = np.tile(np.geomspace(1e9, 1e11, CHECKPOINTS), count)
    of_run = np.repeat(0.02 * rng.standard_normal(count), CHECKPOINTS)
    runs = pd.DataFrame(
        {"run": np.repeat([f"r{i}" for i in range(count)], CHECKPOINTS), "params": params, "tokens": tokens}
    )
    loss = LAW(CASES["chinchilla"].true, runs) * np.exp(of_run + 0.002 * rng.standard_normal(len(runs)))
    return runs.assign(loss=loss, step=np.tile(np.arange(CHECKPOINTS), count))


@pytest.fixture(scope="module")
def fit() -> sf.Fit:
    return sf.fit(RUNS, LAW)


@pytest.fixture(scope="module")
def drawn(fit) -> sf.Fit:
    return fit.bootstrap(200, rng=0)


# The answer.


def test_a_fit_says_first_whether_to_believe_it(fit):
    first = repr(fit).splitlines()[0]
    assert first.startswith("chinchilla on 36 runs: converged")
    assert fit.verdict.startswith("converged, ")


def test_counts_and_objective_are_those_of_the_rows_given(fit):
    r = np.log(LAW(fit.estimates, RUNS)) - np.log(RUNS["loss"])
    huber = np.where(r.abs() <= 1e-3, r**2 / 2, 1e-3 * (r.abs() - 0.5e-3))
    assert (fit.n_rows, fit.n_runs) == (36, 36)
    assert fit.objective == pytest.approx(huber.sum(), rel=1e-12)
    assert fit.rms == pytest.approx(np.sqrt((r**2).mean()), rel=1e-12)


def test_residuals_are_fitted_minus_seen_on_the_scale_of_the_objective(fit):
    table = fit.residuals
    pd.testing.assert_series_equal(table["loss"], RUNS["loss"])
    np.testing.assert_allclose(table["fitted"], LAW(fit.estimates, RUNS), rtol=1e-14)
    np.testing.assert_allclose(table["residual"], np.log(table["fitted"] / table["loss"]), rtol=1e-9, atol=1e-15)


def test_the_summary_has_a_row_per_parameter_and_the_promised_columns(fit):
    summary = fit.summary(level=0.9)
    assert summary.columns.tolist() == ["estimate", "se", "low", "high", "unit", "at_bound"]
    assert summary.index.tolist() == ["E", "A", "alpha", "B", "beta"]
    assert summary["estimate"].to_dict() == fit.estimates
    assert summary.loc["E", "unit"] == "nats/token"
    assert not summary["at_bound"].any()


def test_a_higher_level_gives_a_wider_interval(drawn):
    narrow, wide = drawn.summary(level=0.5), drawn.summary(level=0.95)
    assert (wide["low"] < narrow["low"]).all()
    assert (wide["high"] > narrow["high"]).all()


def test_fits_are_frozen(fit):
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.objective = 0.0
    with pytest.raises(AttributeError):
        fit.estimates = {}


@pytest.mark.parametrize("what", ["residuals", "covariance"])
def test_changing_a_table_that_a_fit_gives_out_does_not_change_the_fit(what):
    fit = sf.fit(RUNS, LAW)
    given_out = getattr(fit, what)
    before = given_out.copy()
    given_out.iloc[:, 0] = -1.0
    pd.testing.assert_frame_equal(getattr(fit, what), before)


def test_changing_the_estimates_given_out_does_not_change_the_fit(fit):
    before = dict(fit.estimates)
    fit.estimates["E"] = 0.0
    assert fit.estimates == before


def test_changing_the_table_after_the_fit_does_not_change_the_fit():
    runs = RUNS.copy()
    fit = sf.fit(runs, LAW)
    before = fit.predict(POINTS)
    runs.loc[:, :] = 1.0
    pd.testing.assert_frame_equal(fit.predict(POINTS), before)
    assert fit.residuals["loss"].tolist() == RUNS["loss"].tolist()


def test_a_fit_does_not_change_the_table_given():
    runs = RUNS.copy()
    sf.fit(runs, LAW).bootstrap(10, rng=0).predict(runs[["params", "tokens"]])
    pd.testing.assert_frame_equal(runs, RUNS)


# Tables of any kind, columns that are not used.


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, lambda runs: pa.table(dict(runs)), dict])
def test_any_kind_of_table_gives_the_same_fit(fit, make):
    columns = {name: RUNS[name].tolist() for name in RUNS}
    assert sf.fit(make(columns), LAW).estimates == fit.estimates


def test_a_path_gives_the_same_fit(fit, tmp_path):
    RUNS.to_csv(tmp_path / "runs.csv", index=False)
    assert sf.fit(tmp_path / "runs.csv", LAW).estimates == pytest.approx(fit.estimates, rel=1e-12)


def test_columns_that_are_not_used_pass_untouched_whatever_they_hold(fit):
    messy = RUNS.assign(
        note="text", lr=np.nan, accuracy=-1.0, flops="unknown", when=pd.Timestamp("2024-01-01"), seed=None
    )
    assert sf.fit(messy, LAW).estimates == fit.estimates
    predicted = fit.predict(messy.drop(columns="loss").assign(loss=np.nan))
    assert predicted["note"].eq("text").all()
    assert predicted["lr"].isna().all()


@pytest.mark.parametrize("labels", [range(100, 136), [f"run {i}" for i in range(36)], [0] * 36])
def test_any_index_will_do(fit, labels):
    assert sf.fit(RUNS.set_axis(list(labels)), LAW).estimates == fit.estimates


# Prediction.


def test_a_prediction_keeps_rows_order_index_and_columns_and_appends_four(fit):
    points = POINTS.assign(label=["b", "a", "c"]).set_axis([7, 3, 7])
    predicted = fit.predict(points)
    assert predicted.columns.tolist() == ["params", "tokens", "label", "estimate", "low", "high", "beyond"]
    pd.testing.assert_frame_equal(predicted[["params", "tokens", "label"]], points)
    assert type(predicted) is pd.DataFrame


def test_a_prediction_is_the_law_at_the_estimates_inside_its_interval(fit, drawn):
    for one in (fit, drawn):
        predicted = one.predict(POINTS)
        np.testing.assert_allclose(predicted["estimate"], LAW(one.estimates, POINTS), rtol=1e-14)
        assert ((predicted["low"] < predicted["estimate"]) & (predicted["estimate"] < predicted["high"])).all()


def test_beyond_is_the_largest_factor_past_the_fitted_range():
    fit = sf.fit(RUNS, LAW)
    edge = {"params": RUNS["params"].agg(["min", "max"]), "tokens": RUNS["tokens"].agg(["min", "max"])}
    points = sf.grid(params=[edge["params"]["max"] * 10], tokens=[edge["tokens"]["max"] * 3])
    assert fit.predict(points)["beyond"].tolist() == pytest.approx([10.0])
    below = sf.grid(params=[edge["params"]["min"] / 4], tokens=[edge["tokens"]["max"] * 3])
    assert fit.predict(below)["beyond"].tolist() == pytest.approx([4.0])
    assert (fit.predict(RUNS[["params", "tokens"]])["beyond"] == 1.0).all()


def test_the_interval_of_one_new_run_is_wider_than_that_of_the_mean(fit, drawn):
    for one in (fit, drawn):
        mean, run = one.predict(POINTS), one.predict(POINTS, interval="run")
        assert (run["low"] < mean["low"]).all()
        assert (run["high"] > mean["high"]).all()
        assert mean["estimate"].tolist() == run["estimate"].tolist()


def test_the_interval_of_one_new_run_covers_the_runs_at_about_its_level(drawn):
    predicted = drawn.predict(RUNS[["params", "tokens"]], level=0.9, interval="run")
    inside = (predicted["low"] < RUNS["loss"]) & (RUNS["loss"] < predicted["high"])
    assert 0.8 <= inside.mean() < 1.0


def test_intervals_widen_beyond_the_data(drawn):
    inside, far = (drawn.predict(sf.grid(params=[n], tokens=[20 * n])) for n in (3e8, 3e12))
    assert float((far["high"] - far["low"]).iloc[0]) > 2 * float((inside["high"] - inside["low"]).iloc[0])


def test_points_may_come_as_any_table(fit):
    expected = fit.predict(POINTS)
    columns = {name: POINTS[name].tolist() for name in POINTS}
    for points in (columns, pl.DataFrame(columns), pa.table(columns)):
        pd.testing.assert_frame_equal(fit.predict(points), expected)


def test_points_are_read_from_the_column_that_the_fit_was_told(fit):
    renamed = sf.fit(RUNS.rename(columns={"params": "weights_total"}), LAW, columns={"params": "weights_total"})
    assert renamed.predict(POINTS)["estimate"].tolist() == fit.predict(POINTS)["estimate"].tolist()
    points = POINTS.rename(columns={"params": "weights_total"})
    assert renamed.predict(points)["estimate"].tolist() == fit.predict(POINTS)["estimate"].tolist()


def test_a_curve_runs_from_the_smallest_value_to_beyond_the_largest(fit):
    curve = fit.curve("params", at={"tokens": 1e10}, points=50, beyond=10.0)
    assert curve["params"].iloc[[0, -1]].tolist() == pytest.approx([RUNS["params"].min(), 10 * RUNS["params"].max()])
    assert (curve["tokens"] == 1e10).all()
    assert len(curve) == 50
    np.testing.assert_allclose(curve["estimate"], LAW(fit.estimates, curve), rtol=1e-14)
    assert ((curve["low"] < curve["estimate"]) & (curve["estimate"] < curve["high"])).all()


def test_a_curve_along_compute_keeps_tokens_per_parameter(fit):
    curve = fit.curve("flops", ratio=20.0)
    np.testing.assert_allclose(curve["tokens"] / curve["params"], 20.0)
    np.testing.assert_allclose(6 * curve["params"] * curve["tokens"], curve["flops"])


# Draws.


def test_a_bootstrap_returns_a_new_fit_and_leaves_the_old_one(fit, drawn):
    assert fit.draws is None
    assert drawn.draws.shape == (200, 5)
    assert drawn.draws.columns.tolist() == list(fit.estimates)
    assert drawn.objective == fit.objective


def test_a_seed_gives_the_same_draws_and_another_one_others(fit, drawn):
    pd.testing.assert_frame_equal(fit.bootstrap(200, rng=0).draws, drawn.draws)
    pd.testing.assert_frame_equal(fit.bootstrap(200, rng=np.random.default_rng(0)).draws, drawn.draws)
    assert not fit.bootstrap(200, rng=1).draws.equals(drawn.draws)


def test_without_draws_intervals_are_the_same_each_time_and_their_source_is_said(fit):
    again = sf.fit(RUNS, LAW)
    pd.testing.assert_frame_equal(fit.summary(), again.summary())
    pd.testing.assert_frame_equal(fit.predict(POINTS), again.predict(POINTS))
    assert fit.interval_source == "normal approximation, 1000 draws of the covariance"


def test_after_a_bootstrap_the_source_of_intervals_is_said(drawn):
    assert drawn.interval_source == "bootstrap of rows, 200 draws"
    assert drawn.summary()["se"].to_dict() == pytest.approx(drawn.draws.std(ddof=1).to_dict(), rel=1e-12)


def test_the_global_random_state_is_neither_used_nor_moved(fit):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit.bootstrap(5, rng=0)
    fit.predict(POINTS)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_runs_that_repeat_are_resampled_whole():
    fit = sf.fit(checkpoint_runs(8), LAW).bootstrap(50, rng=0)
    assert (fit.n_runs, fit.n_rows) == (8, 8 * CHECKPOINTS)
    assert fit.interval_source == "bootstrap of whole runs, 50 draws"
    assert fit.plan.counts.shape == (50, 8)
    assert (fit.plan.counts.sum(axis=1) == 8).all()


def test_whole_runs_give_wider_intervals_than_rows_that_are_not_independent():
    fit = sf.fit(checkpoint_runs(8), LAW, objective=sf.Square())
    runs, rows = fit.bootstrap(300, rng=0), fit.bootstrap(300, kind="pairs", rng=0)
    assert runs.summary().loc["E", "se"] > 1.5 * rows.summary().loc["E", "se"]


def test_with_fewer_than_six_runs_blocks_are_resampled_and_that_is_said():
    fit = sf.fit(checkpoint_runs(5), LAW, objective=sf.Square())
    with pytest.warns(sf.FitWarning, match="scatter from run to run is not in the intervals"):
        drawn = fit.bootstrap(20, rng=0)
    assert drawn.interval_source == "bootstrap of blocks along each run, 20 draws"
    assert (drawn.plan.counts.sum(axis=1) == fit.n_rows).all()


def test_progress_does_not_change_the_draws(fit, drawn, capsys):
    shown = fit.bootstrap(200, rng=0, progress=True)
    pd.testing.assert_frame_equal(shown.draws, drawn.draws)
    assert "200" in capsys.readouterr().err


def test_nothing_is_printed_unless_asked_for(capfd):
    sf.fit(RUNS, LAW).bootstrap(20, rng=0).predict(POINTS)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


# Where it comes from.


def test_the_provenance_holds_data_rows_call_and_versions(fit):
    provenance = fit.provenance
    assert provenance["rows_used"] == 36
    assert provenance["rows_dropped"] == {}
    assert provenance["call"]["law"] == "chinchilla"
    assert provenance["call"]["equation_hash"] == LAW.equation_hash
    assert provenance["call"]["objective"] == repr(sf.Huber(1e-3))
    assert {"python", "scalefit", "numpy", "scipy"} <= set(provenance["versions"])


def test_the_provenance_tells_how_the_table_came_about(tmp_path):
    RUNS.rename(columns={"params": "N"}).to_csv(tmp_path / "runs.csv", index=False)
    fit = sf.fit(sf.read_runs(tmp_path / "runs.csv"), LAW)
    assert "params read from column 'N'" in fit.provenance["history"]


def test_the_hash_of_the_data_follows_the_values_used_and_nothing_else(fit):
    changed = RUNS.assign(loss=RUNS["loss"].where(RUNS.index != 3, RUNS["loss"] * (1 + 1e-15)))
    assert sf.fit(changed, LAW).provenance["data_hash"] != fit.provenance["data_hash"]
    assert sf.fit(RUNS.assign(note="x"), LAW).provenance["data_hash"] == fit.provenance["data_hash"]


def test_constraints_stand_in_the_provenance():
    fit = sf.fit(RUNS, LAW, fixed={"E": 1.8}, tie={"beta": "alpha"}, prior={"alpha": (0.35, 0.1)})
    said = {what: given for what, given in fit.provenance["call"]["constraints"].items() if given}
    assert said == {"fixed": {"E": 1.8}, "tie": {"beta": "alpha"}, "prior": {"alpha": (0.35, 0.1)}}


def test_a_weighted_objective_counts_rows_by_their_weight(fit):
    doubled = sf.fit(RUNS, LAW, weights=np.full(36, 2.0))
    assert doubled.objective == pytest.approx(2 * fit.objective, rel=1e-12)
    by_column = sf.fit(RUNS.assign(importance=2.0), LAW, weights="importance")
    assert by_column.estimates == doubled.estimates


def test_every_argument_after_the_data_is_keyword_only():
    for function, positional in ((sf.fit, 2), (sf.Fit.bootstrap, 2), (sf.Fit.predict, 2), (sf.Fit.summary, 2)):
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        assert all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds[positional:]), function.__name__


def test_another_target_is_predicted_on_the_logit_scale():
    x = np.geomspace(1e18, 1e22, 12)
    accuracy = 1 / (1 + np.exp(-(0.3 * np.log(x / 1e20))))
    law = sf.formula_law("1/(1 + exp(-a - b*log(x)))", inputs=["x"], output="accuracy", objective=sf.Square(on="logit"))
    fit = sf.fit({"x": x, "accuracy": accuracy}, law)
    assert fit.estimates == pytest.approx({"a": -0.3 * np.log(1e20), "b": 0.3}, rel=1e-6)
    assert fit.predict({"x": [1e20]})["estimate"][0] == pytest.approx(0.5)


def test_a_misspelt_key_of_columns_is_not_passed_over():
    runs = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10, 1e11])
    runs = runs.assign(
        loss=sf.get_law("chinchilla").with_constants("besiroglu2024")(runs), all_params=runs.params * 1.3
    )
    with pytest.raises(sf.FitError, match=r"columns= names 'parms'.*Did you mean 'params'"):
        sf.fit(runs, "chinchilla", columns={"parms": "all_params"})
