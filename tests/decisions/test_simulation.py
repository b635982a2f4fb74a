"""Simulated runs: the mean is the law, the scatter is what was asked for, and an oracle knows what it may."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.simulation import Noise, simulate_runs

LAW = sf.get_law("chinchilla")
TRUTH = LAW.published["besiroglu2024"].values
DESIGN = sf.grid(params=[1e8, 1e9], tokens=[1e10, 1e11, 1e12])
MANY = pd.DataFrame({"run": np.repeat(np.arange(4000), 5), "step": np.tile([5, 4, 3, 2, 1], 4000)})
MANY["params"] = np.tile([1e6, 1e7, 1e8, 1e9, 1e10], 4000)


def drawn(noise: Noise) -> np.ndarray:
    """(4000, 5) one scatter of 4,000 runs of 5 rows each; shares and correlations are known to about 0.02."""
    return noise.draw(MANY, np.random.default_rng(0)).reshape(-1, 5)


def test_without_noise_the_losses_are_those_of_the_law():
    runs = simulate_runs("chinchilla", TRUTH, DESIGN, noise=0, rng=0)
    assert runs.loss.to_numpy() == pytest.approx(LAW(TRUTH, DESIGN), rel=1e-14)


def test_published_constants_go_by_their_name():
    named = simulate_runs("chinchilla", "besiroglu2024", DESIGN, rng=3)
    pd.testing.assert_frame_equal(named, simulate_runs(LAW, TRUTH, DESIGN, rng=3))


def test_the_design_keeps_its_columns_and_rows_and_real_losses_are_replaced():
    design = DESIGN.assign(family="a", loss=9.0).set_index(pd.Index(list("uvwxyz")))
    runs = simulate_runs("chinchilla", TRUTH, design, rng=0)
    assert list(runs.columns) == list(design.columns)
    assert runs.index.tolist() == list("uvwxyz")
    assert (runs.loss < 5).all()
    assert (design.loss == 9).all()


def test_simulated_runs_say_that_they_are_simulated():
    runs = simulate_runs("chinchilla", TRUTH, DESIGN, noise=Noise(0.01, degrees=3), rng=0)
    assert sf.notes_of(runs)[-1].startswith("loss simulated from chinchilla with heavy-tailed noise")
    assert sf.fit(simulate_runs("power", {"A": 5.0, "alpha": 0.1}, sf.grid(x=[1.0, 2.0, 4.0]), rng=0), "power")


def test_noise_stands_on_the_scale_on_which_the_law_is_fitted():
    runs = simulate_runs("chinchilla", TRUTH, DESIGN, noise=lambda table, rng: np.full(len(table), 0.1), rng=0)
    assert runs.loss.to_numpy() == pytest.approx(LAW(TRUTH, DESIGN) * np.exp(0.1), rel=1e-12)
    line = sf.formula_law("a + b*x", inputs=["x"])
    told = simulate_runs(
        line, {"a": 1.0, "b": 2.0}, sf.grid(x=[0.0, 1.0]), noise=lambda table, rng: np.array([1, -1.0])
    )
    assert told.y.tolist() == [2.0, 2.0]


def test_a_function_of_the_table_may_be_the_mean():
    runs = simulate_runs(lambda table: 2 + 100 / table.params**0.3, None, DESIGN, noise=0, rng=0)
    assert runs.loss.to_numpy() == pytest.approx(2 + 100 / DESIGN.params**0.3)


@pytest.mark.parametrize("noise", [Noise(0.01), Noise(0.01, degrees=5)], ids=str)
def test_the_standard_deviation_is_the_one_asked_for_whatever_the_tails(noise):
    assert drawn(noise).std() == pytest.approx(0.01, rel=0.04)


def test_heavy_tails_reach_far_more_often_than_gaussian_ones():
    far = [float((np.abs(drawn(Noise(0.01, degrees=degrees))) > 0.04).mean()) for degrees in (3, np.inf)]
    # Student's t of 3 degrees and variance 1 passes 4 in 0.62 % of draws, a Gaussian in 0.006 %.
    assert far[0] == pytest.approx(0.0062, abs=0.002)
    assert far[1] < 0.0005


def test_rows_of_a_run_share_their_luck():
    scatter = drawn(Noise(0.003, shared=0.01))
    assert scatter.mean(axis=1).std() == pytest.approx(np.hypot(0.01, 0.003 / np.sqrt(5)), rel=0.04)
    assert (scatter - scatter.mean(axis=1, keepdims=True)).std() == pytest.approx(0.003 * np.sqrt(4 / 5), rel=0.03)


def test_a_chain_follows_the_steps_of_a_run_and_not_the_order_of_the_table():
    scatter = drawn(Noise(0.01, correlation=0.8))
    for lag in (1, 2):
        seen = np.corrcoef(scatter[:, 0], scatter[:, lag])[0, 1]
        assert seen == pytest.approx(0.8**lag, abs=0.04)
    # Steps fall along the table, so the chain begins at its last row: the fresh number of a run is drawn there.
    assert scatter.std(axis=0) == pytest.approx(np.full(5, 0.01), rel=0.05)


def test_the_deviation_changes_along_a_column_and_stays_beyond_the_design():
    noise = Noise(0.04, along="params", sd_end=0.01)
    assert noise.deviations(MANY)[:5] == pytest.approx([0.04, 0.0283, 0.02, 0.01414, 0.01], rel=1e-3)
    assert noise.deviations(pd.DataFrame({"params": [1e5, 1e13]}), MANY).tolist() == [0.04, 0.01]
    assert drawn(noise).std(axis=0)[[0, 4]] == pytest.approx([0.04, 0.01], rel=0.04)


@pytest.mark.parametrize(
    "noise",
    [
        Noise(0.01),
        Noise(0.01, correlation=0.7),
        Noise(0.01, shared=0.02),
        Noise(0.05, along="params", sd_end=0.01, shared=0.01),
    ],
    ids=str,
)
def test_the_information_is_that_of_generalised_least_squares(noise):
    slopes = np.column_stack([np.ones(5), np.log(MANY.params[:5] / 1e8)])
    seen = np.linalg.inv(np.cov(drawn(noise).T))
    assert noise.information(slopes, MANY[:5]) == pytest.approx(slopes.T @ seen @ slopes, rel=0.08, abs=2e3)


def test_heavy_tails_tell_more_than_their_variance_to_one_who_knows_them():
    # Fisher information of the centre of Student's t of 3 degrees and unit variance is 2: textbook, (v+1)/(v+3) / s^2.
    slopes = np.ones((5, 1))
    assert Noise(1.0, degrees=3).information(slopes, MANY[:5])[0, 0] == pytest.approx(5 * 2.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sd": -1}, "sd is a standard deviation"),
        ({"degrees": 2}, "degrees must be above 2"),
        ({"correlation": 1.0}, "correlation must be from 0 to below 1"),
        ({"along": "params"}, "along and sd_end go together"),
        ({"sd": 0, "along": "params", "sd_end": 0.1}, "above 0 at both ends"),
    ],
)
def test_a_noise_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(sf.FitError, match=said):
        Noise(**wrong)


def test_a_column_that_the_noise_needs_is_named():
    with pytest.raises(sf.ColumnError, match="noise that rows share needs a column 'run'"):
        simulate_runs("chinchilla", TRUTH, DESIGN, noise=Noise(0.01, shared=0.01), rng=0)
    with pytest.raises(sf.ColumnError, match="needs a column 'flops'"):
        simulate_runs("chinchilla", TRUTH, DESIGN, noise=Noise(0.01, along="flops", sd_end=0.02), rng=0)


def test_a_truth_without_values_says_which_it_needs():
    with pytest.raises(sf.LawError, match="needs a value for E, A, alpha, B and beta"):
        simulate_runs("chinchilla", None, DESIGN)
    with pytest.raises(sf.LawError, match="Published constants of chinchilla must be one of"):
        simulate_runs("chinchilla", "besiroglu", DESIGN)


def test_a_truth_below_zero_is_refused_on_the_log_scale():
    with pytest.raises(sf.DataError, match="which the log scale does not have"):
        simulate_runs("power", {"A": -1.0, "alpha": 0.1}, sf.grid(x=[1.0, 2.0]))
