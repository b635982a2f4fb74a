"""Families fitted jointly: parameters shared, own, or drawn to a common mean."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import least_squares
from scipy.stats import f as f_distribution

import scalefit as sf
from family_designs import ALIKE, CHINCHILLA, UNLIKE, families, runs_of, truth
from scalefit.decisions.families import fit_families
from scalefit.decisions.joint_law import join_laws
from shared_data import shared

RUNS = families(ALIKE)
JOINT = fit_families(RUNS, "chinchilla")


def joint_law(share=("alpha",), pulled=("beta",)):
    return join_laws(CHINCHILLA, ["lstm", "Transformer 7:1"], share, pulled, {"beta": 0.3})


def points_of(joint, n=20):
    rng = np.random.default_rng(0)
    inputs = (10 ** rng.uniform(6, 9, n), 10 ** rng.uniform(8, 10, n), rng.integers(1, 3, n).astype(float))
    middle = {"E": 1.7, "A": 400.0, "alpha": 0.3, "B": 500.0, "beta": 0.3, "log": 0.1}
    theta = [[middle[param.name.split("_")[0]] * (1 + 0.1 * rng.random()) for param in joint.params] for _ in range(3)]
    return np.array(theta), inputs


def test_a_joint_law_is_the_law_of_each_family_on_its_own_rows():
    joint = joint_law()
    theta, inputs = points_of(joint)
    values = joint.law.value(theta, inputs)
    for number, rows in enumerate(joint.rows_of(inputs[-1])):
        own = joint.member_params(theta, number)[0]
        np.testing.assert_allclose(
            values[:, rows], CHINCHILLA.value(own, tuple(x[rows] for x in inputs[:2])), rtol=1e-14
        )


def test_the_derivative_of_a_joint_law_agrees_with_the_complex_step():
    joint = joint_law()
    theta, inputs = points_of(joint)
    by_hand, stepped = joint.law.value_and_jacobian(theta, inputs), joint.law.complex_step(theta, inputs)
    np.testing.assert_allclose(by_hand[0], stepped[0], rtol=1e-14)
    np.testing.assert_allclose(by_hand[1], stepped[1], rtol=1e-12, atol=1e-300)


def test_parameters_are_named_after_their_family_in_words_that_formulas_can_hold():
    assert joint_law().law.param_names == (
        *("E_lstm", "E_Transformer_7_1", "A_lstm", "A_Transformer_7_1", "alpha", "B_lstm", "B_Transformer_7_1"),
        *("beta", "log_beta_lstm", "log_beta_Transformer_7_1"),
    )


def test_two_families_whose_names_make_one_word_stay_apart():
    names = join_laws(CHINCHILLA, ["a b", "a-b"], ("alpha", "beta"), (), {}).law.param_names
    assert {"E_a_b", "E_a_b_2"} <= set(names)


def test_exact_runs_give_back_the_parameters_of_every_family():
    told = fit_families(families(ALIKE, noise=0.0), "chinchilla").estimates.estimate
    for family, values in ALIKE.items():
        for name, value in values.items():
            assert told[family, name] == pytest.approx(value, rel=1e-6)


def test_the_joint_minimum_is_that_of_scipy():
    # An independent route: all residuals written out, SciPy's trf from ten starts around the truth.
    fitted = fit_families(RUNS, "chinchilla", objective=sf.Square())
    first = (RUNS.family == "lstm").to_numpy()
    log_N, log_D, log_y = (np.log(RUNS[name].to_numpy()) for name in ("params", "tokens", "loss"))

    def residual(x):
        E, a, b = (np.where(first, x[j], x[j + 3]) for j in range(3))
        return np.log(np.exp(E) + np.exp(a - x[6] * log_N) + np.exp(b - x[7] * log_D)) - log_y

    centre = np.array([np.log(ALIKE[family][name]) for family in ALIKE for name in ("E", "A", "B")] + [0.34, 0.30])
    rng = np.random.default_rng(1)
    ends = [
        least_squares(
            residual, centre * (1 + 0.1 * rng.standard_normal(8)), x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15
        )
        for _ in range(10)
    ]
    best = min(ends, key=lambda end: end.cost)
    assert fitted.fit.objective == pytest.approx(best.cost, rel=1e-9)
    assert fitted.fit.estimates["alpha"] == pytest.approx(best.x[6], rel=1e-5)


@pytest.mark.parametrize("share", [("beta",), ("E", "alpha", "beta"), ("alpha", "A")])
def test_no_other_start_finds_a_lower_minimum(share):
    runs = families({**UNLIKE, "mamba": truth(alpha=0.3)}, n=20, noise=0.02)
    fitted = fit_families(runs, "chinchilla", share=share)
    numbered = runs.assign(family_number=[fitted.families.index(name) + 1 for name in runs.family])
    searched = sf.fit(numbered, fitted.joint.law, starts=sf.Starts(own=40))
    assert fitted.converged
    assert fitted.fit.objective <= searched.objective * (1 + 1e-9)


def test_what_is_shared_is_one_number_and_the_rest_is_each_familys_own():
    told = JOINT.estimates
    wide = told.estimate.unstack("family")
    assert (wide.nunique(axis=1) == [2, 2, 1, 2, 1]).all()
    assert told.loc["lstm", "borrowed"].tolist() == ["own", "own", "shared", "own", "shared"]


def test_sharing_everything_is_one_law_for_all_rows():
    all_shared = fit_families(RUNS, "chinchilla", share=CHINCHILLA.param_names)
    assert all_shared.fit.objective == pytest.approx(sf.fit(RUNS, "chinchilla").objective, rel=1e-9)


def test_sharing_makes_exponents_better_known():
    alone = JOINT.separate["lstm"].summary().se["alpha"]
    assert JOINT.estimates.se["lstm", "alpha"] < 0.9 * alone


def test_the_order_of_rows_does_not_matter():
    shuffled = fit_families(RUNS.sample(frac=1, random_state=3), "chinchilla")
    moved = (shuffled.estimates.estimate - JOINT.estimates.estimate).abs() / JOINT.estimates.se
    assert moved.max() < 1e-9


def test_a_strong_pull_is_sharing_and_a_weak_one_is_none():
    runs = families(UNLIKE)
    shared_, strong, weak = (
        fit_families(runs, "chinchilla", pull=pull)
        for pull in (None, {"alpha": 1e-6, "beta": 1e-6}, {"alpha": 1e3, "beta": 1e3})
    )
    assert strong.fit.objective == pytest.approx(shared_.fit.objective, rel=1e-4)
    alone = sum(one.objective for one in weak.separate.values())
    assert weak.fit.objective == pytest.approx(alone, rel=1e-4)


def test_a_pull_lies_between_the_family_alone_and_the_shared_value():
    runs = families(UNLIKE)
    pulled, together = (
        fit_families(runs, "chinchilla", pull={"alpha": 0.1}, share=["alpha"]),
        fit_families(runs, "chinchilla", share=["alpha"]),
    )
    alone = pulled.separate["lstm"].estimates["alpha"]
    low, high = sorted([alone, together.fit.estimates["alpha"]])
    assert low < pulled.estimates.estimate["lstm", "alpha"] < high


def test_a_pull_follows_the_spread_between_families():
    near, far = (fit_families(families(truths, noise=0.003), "chinchilla", pull=True) for truths in (ALIKE, UNLIKE))
    assert near.pull["alpha"] < far.pull["alpha"]
    assert repr(far).startswith("chinchilla of 2 families, pulled alpha and beta: converged; standard deviation")


def test_a_parameter_of_either_sign_is_pulled_in_its_own_unit():
    law = sf.formula_law("a + b*x", inputs=["x"])
    rng = np.random.default_rng(0)
    runs = pd.DataFrame({"family": np.repeat(["p", "q"], 20), "x": np.tile(np.arange(20.0), 2)})
    runs["y"] = np.where(runs.family == "p", -1.0, 1.0) * 0.1 * runs.x + 0.1 * rng.standard_normal(40)
    slopes = fit_families(runs, law, share=["b"], pull={"b": 0.05}).estimates.estimate
    assert -0.12 < slopes["p", "b"] < -0.02 < 0.02 < slopes["q", "b"] < 0.12


def test_the_data_object_to_sharing_where_families_differ():
    test = fit_families(families(UNLIKE, noise=0.003), "chinchilla").test
    assert test.p < 1e-4
    assert test.differ
    assert test.delta_aicc > 0


def test_the_data_do_not_object_where_families_are_alike():
    assert JOINT.test.p > 0.05
    assert JOINT.test.df == 2
    assert JOINT.test.delta_aicc < 0


def test_for_squares_the_test_is_nearly_the_classical_f_test():
    fitted = fit_families(RUNS, "chinchilla", objective=sf.Square())
    alone = sum(one.objective for one in fitted.separate.values())
    ratio = (fitted.fit.objective - alone) / 2 / (alone / (len(RUNS) - 10))
    assert fitted.test.df_residual == len(RUNS) - 10
    assert fitted.test.p == pytest.approx(f_distribution.sf(ratio, 2, len(RUNS) - 10), abs=0.05)


def test_copies_of_a_row_as_checkpoints_of_its_run_prove_nothing_more():
    # Ten checkpoints that all tell the same make the objective ten times larger, and not the evidence.
    single = fit_families(RUNS.assign(run=[f"r{k}" for k in range(len(RUNS))]), "chinchilla")
    copied = pd.concat([RUNS.assign(run=[f"r{k}" for k in range(len(RUNS))])] * 10, ignore_index=True)
    copies = fit_families(copied, "chinchilla")
    assert copies.test.statistic == pytest.approx(single.test.statistic, rel=0.5)


def test_the_first_line_says_whether_to_share():
    assert repr(JOINT).startswith(
        "chinchilla of 2 families, shared alpha and beta: converged; the data do not object (p ="
    )
    objecting = repr(fit_families(families(UNLIKE, noise=0.003), "chinchilla"))
    assert "the families differ (p =" in objecting.split("\n")[0]
    assert "&lt;" not in JOINT._repr_html_()


def test_pulled_parameters_have_nothing_to_test():
    with pytest.raises(sf.FitError, match="pull=None"):
        _ = fit_families(RUNS, "chinchilla", pull=True).test


def test_each_family_is_a_fit_that_predicts_and_is_compared_as_any_other():
    one = JOINT.fits["lstm"]
    assert isinstance(one, sf.Fit)
    assert one.n_rows == 30
    assert one.objective + JOINT.fits["transformer"].objective == pytest.approx(JOINT.fit.objective)
    assert "joint fit" in one.interval_source
    assert one.predict(sf.grid(params=[1e9], tokens=[1e11])).estimate[0] == pytest.approx(
        CHINCHILLA(one.estimates, {"params": [1e9], "tokens": [1e11]})[0]
    )
    with pytest.raises(sf.FitError, match="FamilyFit"):
        one.bootstrap(10)


def test_predictions_keep_rows_and_order_and_go_by_the_family_of_each():
    points = pd.DataFrame(
        {"family": ["transformer", "lstm", "transformer"], "params": 1e9, "tokens": 1e11}, index=[7, 3, 7]
    )
    told = JOINT.predict(points, interval="run")
    assert told.index.tolist() == [7, 3, 7]
    assert told.estimate.iloc[0] == told.estimate.iloc[2] != told.estimate.iloc[1]
    assert ((told.low < told.estimate) & (told.estimate < told.high)).all()


def test_a_new_family_is_sent_to_borrow():
    with pytest.raises(sf.DataError, match=r"mamba.*row 1.*sf\.borrow"):
        JOINT.predict(pd.DataFrame({"family": ["lstm", "mamba"], "params": 1e9, "tokens": 1e11}))


def test_resamples_keep_the_size_of_every_family_and_are_paired():
    drawn = fit_families(RUNS.iloc[:45], "chinchilla").bootstrap(40, rng=0)
    assert (drawn.fit.plan.counts[:, :30].sum(axis=1) == 30).all()
    assert (drawn.fit.plan.counts[:, 30:].sum(axis=1) == 15).all()
    left, right = sf.joint_draws(drawn.fits["lstm"], drawn.fits["transformer"])
    assert (left.alpha == right.alpha).all()
    assert "bootstrap" in drawn.fits["lstm"].interval_source


def test_draws_follow_the_seed():
    first, again, other = (JOINT.bootstrap(10, rng=seed).fit.draws for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_runs_of_one_name_in_two_families_are_two_runs():
    named = RUNS.assign(run=[f"seed {k % 10}" for k in range(len(RUNS))])
    assert fit_families(named, "chinchilla").fit.units.count == 20


def test_a_family_too_small_for_a_fit_of_its_own_borrows_the_exponents():
    runs = pd.concat([RUNS, runs_of("mamba", truth(E=1.6), n=4, noise=0.002, seed=9)], ignore_index=True)
    fitted = fit_families(runs, "chinchilla")
    assert "5 free parameters" in fitted.left_alone["mamba"]
    assert fitted.estimates.estimate["mamba", "E"] == pytest.approx(1.6, abs=0.15)
    with pytest.raises(sf.FitError, match="'mamba' has none"):
        _ = fitted.test
    assert "sharing was not tested" in repr(fitted)


def test_six_families_are_fitted_at_once():
    rng = np.random.default_rng(0)
    truths = {f"f{k}": truth(E=1.7 + 0.05 * rng.standard_normal()) for k in range(6)}
    fitted = fit_families(families(truths, n=12), "chinchilla")
    assert fitted.converged
    assert fitted.estimates.estimate["f5", "alpha"] == pytest.approx(0.34, abs=0.05)


def test_one_family_is_its_own_fit():
    single = fit_families(RUNS[RUNS.family == "lstm"], "chinchilla")
    assert single.fit.objective == pytest.approx(single.separate["lstm"].objective, rel=1e-12)
    assert "one family" in repr(single)


def test_what_is_fixed_bounded_or_tied_holds_in_every_family():
    fitted = fit_families(
        RUNS, "chinchilla", share=["alpha"], fixed={"E": 1.7}, tie={"beta": "alpha"}, bounds={"alpha": (0.3, 0.5)}
    )
    told = fitted.estimates.estimate.unstack("family")
    assert (told.loc["E"] == 1.7).all()
    assert (told.loc["beta"] == told.loc["alpha"]).all()
    assert (told.loc["alpha"] >= 0.3).all()


def test_own_parameters_may_be_tied_to_own_ones():
    told = fit_families(RUNS, "chinchilla", share=["E"], tie={"beta": "alpha"}).estimates.estimate.unstack("family")
    assert told.loc["beta"].equals(told.loc["alpha"].rename("beta"))
    assert told.loc["beta"].nunique() == 2


def test_a_pulled_parameter_takes_its_ties_along():
    told = fit_families(
        RUNS, "chinchilla", share=["alpha"], pull={"alpha": 0.2}, tie={"beta": "alpha"}
    ).estimates.estimate
    assert told["lstm", "beta"] == pytest.approx(told["lstm", "alpha"], rel=1e-12)
    assert told["lstm", "alpha"] != told["transformer", "alpha"]


def test_a_shared_parameter_cannot_be_tied_to_one_that_is_not():
    with pytest.raises(sf.FitError, match="beta is tied to alpha, which is not the same in every family"):
        fit_families(RUNS, "chinchilla", share=["beta"], tie={"beta": "alpha"})


def test_a_law_of_training_curves_is_shared_too():
    law = sf.get_law("lr_annealing")
    steps = np.arange(100, 1001, 50)
    plans = {
        f"{family}{k}": sf.Schedule.cosine(steps=1000, peak=peak)
        for family in "ab"
        for k, peak in enumerate((1e-3, 5e-4))
    }
    rows = []
    for run, plan in plans.items():
        areas = law.derive_inputs(plan.rates, steps)
        values = {"L0": 2.0 if run[0] == "a" else 2.2, "A": 0.3, "alpha": 0.5, "C": 0.5}
        loss = law(values, areas)
        rows.append(pd.DataFrame({"family": run[0], "run": run, "step": steps, "loss": loss}))
    fitted = fit_families(pd.concat(rows), law, share=["alpha", "C"], schedules=plans)
    assert fitted.estimates.estimate["b", "L0"] == pytest.approx(2.2, rel=1e-3)
    assert fitted.fit.estimates["alpha"] == pytest.approx(0.5, rel=1e-2)


def test_a_parameter_that_the_law_lacks_is_named():
    with pytest.raises(sf.FitError, match="gamma"):
        fit_families(RUNS, "chinchilla", share=["gamma"])
    with pytest.raises(sf.FitError, match="share names no parameter"):
        fit_families(RUNS, "chinchilla", share=[])
    with pytest.raises(sf.FitError, match="must be > 0"):
        fit_families(RUNS, "chinchilla", pull={"alpha": 0.0})


def test_a_table_without_families_says_what_it_has():
    with pytest.raises(sf.ColumnError, match="family"):
        fit_families(RUNS.drop(columns="family"), "chinchilla")
    with pytest.raises(sf.DataError, match="names no family in row 4"):
        fit_families(RUNS.assign(family=RUNS.family.where(RUNS.index != 4)), "chinchilla")


def test_the_record_does_not_change():
    with pytest.raises(AttributeError):
        JOINT.pull = {}
    assert replace(JOINT, notes=("said",)).notes == ("said",)


def test_two_real_families_of_the_xlstm_study_may_share_their_exponents():
    # Beck et al. 2025 fitted each family alone, at a gamma of its own; with the law of Hoffmann et al. and gamma 1
    # these 66 runs do not object to common exponents.
    runs = pd.read_csv(shared("xlstm_vs_llama/runs.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.ScalefitWarning)
        fitted = fit_families(runs[runs.experiment == "tokenparam"], "chinchilla")
    assert fitted.converged
    assert fitted.test.p > 0.2
