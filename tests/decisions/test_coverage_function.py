"""Coverage by simulation: right laws hold, wrong ones do not, and the counting itself is right.

Statistics with fixed seeds: a share of 40 simulations is known to about 0.05, and is judged by its exact 99 % interval.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scalefit as sf
from scalefit.decisions.coverage import coverage
from scalefit.decisions.coverage_tables import binomial_interval
from scalefit.decisions.simulation import Noise

POWER = {"A": 8.0, "alpha": 0.08}
DESIGN = pd.DataFrame({"x": np.geomspace(1e6, 1e9, 20)})
SIMS = 40
BEYOND = pd.DataFrame({"x": [1e10, 1e12]}, index=["10x", "1000x"])


def power(n_sims, **how):
    how = {"truth": POWER, "method": "covariance", "rng": 0, **how}
    return coverage("power", DESIGN, 0.01, n_sims=n_sims, **how)


@pytest.fixture(scope="module")
def right():
    return power(SIMS, at=BEYOND, new_runs=True)


def test_intervals_of_the_right_law_hold(right):
    assert right.frame.meets.all()
    assert right.frame.quantity.tolist() == [
        "A", "alpha", "loss at 10x", "loss at 1000x", "new run at 10x", "new run at 1000x",
    ]  # fmt: skip
    first = repr(right).splitlines()[0]
    assert first.startswith("power, 90 % intervals in 40 simulations: no sign that covariance fails")
    assert first.endswith("40 simulations cannot tell finely: a thousand would)")


def test_a_wrong_law_fails_far_beyond_the_data():
    # A floor of 1 that the fitted law does not have is not to be seen in the design, and is 40 % of the loss at 1000x.
    truth = ("power_offset", {"E": 1.0, "A": 12.0, "alpha": 0.12})
    held = power(16, truth=truth, at=BEYOND).frame.set_index("quantity")
    assert held.coverage["loss at 1000x"] == 0
    assert not held.meets["loss at 1000x"]
    assert "A" not in held.index
    assert held.over_oracle.isna().all()


def test_a_failure_is_told_in_the_first_line():
    narrow = power(20, method={"half": lambda fit, rng: halved(fit)})
    first = repr(narrow).splitlines()[0]
    assert "half DOES NOT HOLD for" in first
    assert "86 to 97 % wanted" in first


def halved(fit):
    """Intervals that are a fifth as wide as they should be."""
    table = fit.summary()
    middle, reach = (table.low + table.high) / 2, 0.2 * (table.high - table.low) / 2
    return pd.DataFrame({"low": middle - reach, "high": middle + reach})


def test_the_oracle_of_a_linear_law_is_the_textbook_one():
    line = sf.formula_law("a + b*x", inputs=["x"])
    x, sd = np.linspace(0.0, 1.0, 15), 0.2
    at = pd.DataFrame({"x": [2.0]})
    held = coverage(line, {"x": x}, sd, truth={"a": 1.0, "b": 2.0}, at=at, new_runs=True, method="covariance",
                    n_sims=30, rng=1)  # fmt: skip
    slope = sd / np.sqrt(((x - x.mean()) ** 2).sum())
    at_two = sd * np.sqrt(1 / len(x) + (2 - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    oracle = held.quantities.oracle
    assert oracle["b"] == pytest.approx(slope, rel=1e-9)
    assert oracle["y at x=2"] == pytest.approx(at_two, rel=1e-9)
    assert oracle["new run at x=2"] == pytest.approx(np.hypot(at_two, sd), rel=1e-9)
    # Least squares with the scatter estimated: the mean of 30 roots of chi squares with 13 degrees is 0.98 +- 0.04.
    assert held.frame.set_index("quantity").over_oracle["b"] == pytest.approx(0.98, abs=0.1)


def test_derived_quantities_are_judged_against_their_true_value():
    truth = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
    sizes = sf.grid(params=np.geomspace(1e7, 1e10, 6), ratio=np.geomspace(2, 200, 5))
    design = sizes.assign(tokens=sizes.params * sizes.ratio)
    held = coverage("chinchilla", design, 0.005, truth=truth, derived={"params_optimal": {"flops": [1e23, 1e25]}},
                    method="covariance", n_sims=12, rng=0)  # fmt: skip
    true = sf.get_law("chinchilla").derived["params_optimal"](truth, {"flops": 1e23})
    rows = held.quantities
    assert rows.truth["params_optimal at flops=1e+23"] == pytest.approx(float(true), rel=1e-12)
    assert rows.scale["params_optimal at flops=1e+23"] == "log"
    assert rows.oracle["params_optimal at flops=1e+25"] > rows.oracle["params_optimal at flops=1e+23"] > 0
    share = held.frame.set_index("quantity").over_oracle["params_optimal at flops=1e+23"]
    assert 1 < share < 2.5  # Huber 1e-3 is nearly a median: 1.25 at the best


@pytest.fixture(scope="module")
def clustered():
    design = pd.DataFrame({"x": np.repeat(np.geomspace(1e6, 1e9, 16), 6)})
    design["run"] = [f"run {k}" for k in np.repeat(np.arange(16), 6)]
    resample = {kind: lambda fit, rng, kind=kind: fit.bootstrap(50, kind=kind, rng=rng) for kind in ("pairs", "runs")}
    return coverage("power", design, Noise(0.002, shared=0.02), truth=POWER, method=resample, n_sims=36, rng=0)


def test_rows_that_share_their_luck_hurt_a_bootstrap_of_rows_and_not_one_of_runs(clustered):
    held = clustered.frame.groupby("method").meets.all()
    assert held["runs"]
    assert not held["pairs"]


def test_intervals_of_rows_are_too_narrow_by_the_square_root_of_rows_a_run(clustered):
    width = clustered.frame.set_index(["method", "quantity"]).width
    assert width["runs", "alpha"] / width["pairs", "alpha"] == pytest.approx(np.sqrt(6), rel=0.15)


def test_more_simulations_leave_the_first_ones_as_they_were(right):
    few = power(7, at=BEYOND, new_runs=True).simulations
    pd.testing.assert_frame_equal(few, right.simulations.query("simulation < 7"), check_exact=True)


def test_another_method_changes_no_other():
    both = power(4, method={"a": "bootstrap", "b": lambda fit, rng: fit.bootstrap(20, rng=rng)}, draws=20).simulations
    alone = power(4, method="bootstrap", draws=20).simulations
    same = both.query("method == 'a'").drop(columns="method").reset_index(drop=True)
    pd.testing.assert_frame_equal(same, alone.drop(columns="method"), check_exact=True)


def test_a_study_may_go_on_where_another_ended(right):
    rest = power(5, at=BEYOND, new_runs=True, first=SIMS - 5)
    pd.testing.assert_frame_equal(
        rest.simulations, right.simulations.query("simulation >= 35").reset_index(drop=True), check_exact=True
    )
    begun = power(SIMS - 5, at=BEYOND, new_runs=True)
    pd.testing.assert_frame_equal(begun.join(rest).frame, right.frame)
    with pytest.raises(sf.FitError, match="simulation 35 is in both"):
        right.join(rest)


def test_the_table_counts_misses_widths_and_scores_by_hand():
    def given(fit, rng):
        low, high = next(ends)
        return pd.DataFrame({"low": [low], "high": [high]}, index=["alpha"])

    ends = iter([(0.0, 0.1), (0.07, 0.09), (0.1, 0.2), (np.nan, np.nan)])
    row = power(4, method={"given": given}).frame.iloc[0]
    assert row.coverage == 0.5  # the third misses 0.08 by 0.02, the fourth is not there
    assert row.failures == 1
    assert row.width == pytest.approx((0.1 + 0.02 + 0.1) / 3)
    assert row.median_width == pytest.approx(0.1)
    assert row.score == pytest.approx((0.1 + 0.02 + 0.1 + 2 / 0.1 * 0.02) / 3)


def test_the_binomial_interval_is_that_of_scipy():
    for hits, count in ((0, 10), (7, 10), (10, 10), (913, 1000)):
        ends = stats.binomtest(hits, count).proportion_ci(0.99, method="exact")
        assert binomial_interval(hits, count) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_a_method_that_raises_is_counted_as_a_miss_and_told():
    def raising(fit, rng):
        raise sf.FitError("no interval today")

    held = power(3, at=BEYOND, method={"raising": raising})
    assert (held.frame.failures == 3).all()
    assert (held.frame.coverage == 0).all()
    assert "3 of 3 simulations: raising: no interval today" in repr(held)


def test_a_fit_that_cannot_be_made_is_a_miss_and_not_converged():
    held = coverage("power_offset", DESIGN[:2], 0.01, truth={"E": 1.0, "A": 8.0, "alpha": 0.1}, method="covariance",
                    n_sims=2, rng=0)  # fmt: skip
    assert held.frame.coverage.eq(0).all()
    assert held.frame.not_converged.eq(1).all()
    assert "3 free parameters" in repr(held)


def test_a_forecast_is_judged_on_new_runs():
    def knowing(runs, at, rng):
        assert "loss" in runs.columns
        assert "loss" not in at.columns
        centre = 8.0 / at.x**0.08
        return at.assign(low=centre * np.exp(-0.0164), high=centre * np.exp(0.0164))

    held = power(80, at=BEYOND, method=(), forecast=knowing)
    assert held.frame.quantity.tolist() == ["new run at 10x", "new run at 1000x"]
    assert held.frame.meets.all()
    assert held.frame.coverage.mean() < 1


def test_a_forecast_needs_points_and_gives_a_row_each():
    with pytest.raises(sf.FitError, match="forecast= needs points to predict"):
        power(1, forecast=lambda runs, at, rng: at)
    told = power(1, at=BEYOND, method=(), forecast=lambda runs, at, rng: at)
    assert "one a point, with columns 'low' and 'high'" in told.problems[0]


def test_alarms_are_counted():
    held = power(10, alarms={"always": lambda fit: True, "steep": lambda fit: fit.estimates["alpha"] > 0.08})
    rates = held.rates.set_index("alarm")
    assert rates.share["always"] == 1
    assert 0 < rates.share["steep"] < 1
    assert rates.low99["always"] == pytest.approx(0.005 ** (1 / 10))
    assert "always: raised in 100 %" in repr(held)


def test_runs_may_be_fitted_in_another_way_than_by_default():
    held = power(3, fitter=lambda runs: sf.fit(runs, "power", fixed={"alpha": 0.08}))
    fixed = held.simulations.query("quantity == 'alpha'")
    assert (fixed.low == 0.08).all()
    assert (fixed.high == 0.08).all()


def test_without_a_truth_published_or_typical_values_are_taken():
    named = coverage("chinchilla", sf.grid(params=[1e8, 1e9, 1e10], tokens=[1e9, 1e10, 1e11]), n_sims=1, rng=0,
                     method="covariance")  # fmt: skip
    published = sf.get_law("chinchilla").published["hoffmann2022"].values
    assert named.quantities.truth.to_dict() == pytest.approx(published)
    line = sf.formula_law("a + b*x", inputs=["x"])
    typical = coverage(line, {"x": np.arange(8.0)}, 0.1, n_sims=1, rng=0, method="covariance")
    assert np.isfinite(typical.quantities.truth).all()


def test_unknown_methods_and_quantities_are_refused_by_name():
    with pytest.raises(sf.FitError, match="method must be one of"):
        power(1, method="bootstraps")
    with pytest.raises(sf.LawError, match="A derived quantity of power must be one of"):
        power(1, derived={"params_optimal": {"flops": 1e24}})
    wrong = power(1, method={"m": lambda fit, rng: pd.DataFrame({"low": [0], "high": [1]}, index=["beta"])})
    assert "an interval for 'beta'; the quantities are 'A' and 'alpha'" in wrong.problems[0]
    with pytest.raises(sf.FitError, match="There is nothing to judge"):
        power(1, truth=lambda table: 3.0 + 0 * table.x)
    with pytest.raises(sf.FitError, match="whole number of simulations"):
        power(0)


def test_the_table_is_the_same_in_a_notebook(right):
    page = right._repr_html_()
    assert "<strong>power, 90 % intervals in 40 simulations" in page
    assert page.count("<tr") == 1 + len(right.frame)
