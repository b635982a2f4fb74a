"""The scale from which on little is left to gain: closed forms, laws without a floor, sigmoids, refusals."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.targets.saturation import find_saturation
from simple_fits import power_runs


@pytest.fixture(scope="module")
def curve():
    return sf.fit(power_runs(np.geomspace(1e5, 1e9, 15)), "power_offset").bootstrap(200, rng=0)


@pytest.fixture(scope="module")
def bare():
    return sf.fit(power_runs(np.geomspace(1e5, 1e9, 15)), "power").bootstrap(50, rng=0)


def only(told):
    (row,) = told.frame.itertuples(index=False)
    return row


def parts(fit, draws=False):
    if draws:
        return tuple(fit.draws[name].to_numpy() for name in ("E", "A", "alpha"))
    return tuple(fit.estimates[name] for name in ("E", "A", "alpha"))


def test_what_remains_above_the_floor_is_that_of_the_closed_form(curve):
    row = only(find_saturation(curve, remaining=0.1))
    quantity = curve.law.derived["saturation_point"]
    assert row.estimate == pytest.approx(float(quantity(curve.estimates, {"share": 0.1})), rel=1e-6)
    each = quantity({name: curve.draws[name].to_numpy() for name in curve.draws}, {"share": 0.1})
    assert np.log([row.low, row.high]) == pytest.approx(np.quantile(np.log(each), [0.05, 0.95]), abs=1e-6)
    assert row.value == pytest.approx(1.1 * curve.estimates["E"], rel=1e-6)


def test_a_twentieth_is_left_where_nothing_is_said(curve):
    assert only(find_saturation(curve)).threshold == 0.05


def test_what_more_scale_brings_is_that_of_the_equation(curve):
    gain, per = 0.02, 10.0
    row = only(find_saturation(curve, gain=gain, per=per))
    E, A, alpha = parts(curve)
    # gain = A x^-alpha (1 - per^-alpha) / (E + A x^-alpha), solved for x
    assert row.estimate == pytest.approx((A * (1 - per**-alpha - gain) / (gain * E)) ** (1 / alpha), rel=1e-9)
    E, A, alpha = parts(curve, draws=True)
    each = (A * (1 - per**-alpha - gain) / (gain * E)) ** (1 / alpha)
    assert np.log([row.low, row.high]) == pytest.approx(np.quantile(np.log(each), [0.05, 0.95]), abs=1e-9)


def test_gains_may_be_in_the_unit_of_the_loss(curve):
    _, A, alpha = parts(curve)
    left = only(find_saturation(curve, remaining=0.1, relative=False))
    assert left.estimate == pytest.approx((A / 0.1) ** (1 / alpha), rel=1e-6)
    won = only(find_saturation(curve, gain=0.1, per=2.0, relative=False))
    assert won.estimate == pytest.approx((A * (1 - 2**-alpha) / 0.1) ** (1 / alpha), rel=1e-9)


def test_on_the_frontier_of_compute_it_follows_the_closed_form_of_the_loss():
    runs = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[1e9, 3e9, 1e10, 3e10])
    true = {"E": 1.7, "A": 400.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}
    scatter = np.random.default_rng(0).standard_normal(len(runs))
    runs["loss"] = sf.get_law("chinchilla")(true, runs) * np.exp(0.003 * scatter)
    fit = sf.fit(runs, "chinchilla").bootstrap(50, rng=0)
    told = find_saturation(fit, remaining=[0.1, 0.05])
    for row in told.frame.itertuples():
        best = float(fit.law.derived["loss_optimal"](fit.estimates, {"flops": row.estimate}))
        assert best == pytest.approx((1 + row.threshold) * fit.estimates["E"], rel=1e-6)
    assert repr(told).splitlines()[0] == (
        "What is left of loss above its floor falls to 10 % and 5 % beyond the runs fitted, on the best split of each "
        "budget."
    )


def test_a_pure_power_law_gains_the_same_share_for_ever(bare):
    share = float(1 - 10 ** -bare.estimates["alpha"])
    below, above = (find_saturation(bare, gain=share * factor) for factor in (0.5, 2.0))
    assert only(below).where == "nowhere"
    assert only(below).probability == 0
    assert repr(below).startswith("With 1 doubt: nowhere up to x = 1e39: 10 times the x lower loss by at most")
    assert only(above).where == "before"
    assert repr(above).startswith("With 1 doubt: already at x = 100000, the smallest looked at")


def test_beside_a_floor_of_zero_nothing_that_is_left_is_small(bare):
    told = find_saturation(bare)
    assert only(told).where == "nowhere"
    assert "loss has a floor of zero in power" in repr(told).splitlines()[0].lower()
    assert "gain=…" in repr(told)
    left = only(find_saturation(bare, remaining=0.5, relative=False))
    assert left.estimate == pytest.approx((bare.estimates["A"] / 0.5) ** (1 / bare.estimates["alpha"]), rel=1e-6)


def test_a_law_that_never_comes_to_rest_has_no_remaining_gain():
    x = np.geomspace(1e3, 1e6, 12)
    law = sf.formula_law("a + b*log(x)", inputs=["x"], output="score")
    fit = sf.fit(pd.DataFrame({"x": x, "score": 0.1 + 0.02 * np.log(x)}), law)
    told = find_saturation(fit)
    assert np.isnan(told.limit[0])
    assert "does not come to rest, so what is left of score to gain is not known" in repr(told)
    won = only(find_saturation(fit, gain=0.05, per=10.0))
    # a ratio of 10 brings b ln 10, which is 5 % of the score where that is b ln 10 / 0.05
    assert won.estimate == pytest.approx(np.exp((0.02 * np.log(10) / 0.05 - 0.1) / 0.02), rel=1e-6)


def test_on_a_sigmoid_the_slow_start_is_not_taken_for_saturation():
    x = np.geomspace(1e3, 1e9, 25)
    law = sf.formula_law("c/(1 + (m/x)**k)", inputs=["x"], output="accuracy",
                         params=[sf.scale("c"), sf.scale("m", of="x"), sf.exponent("k")])  # fmt: skip
    noise = 0.001 * np.random.default_rng(0).standard_normal(len(x))
    fit = sf.fit(pd.DataFrame({"x": x, "accuracy": 0.8 / (1 + (1e6 / x) ** 1.5) * (1 + noise)}), law,
                 objective=sf.Square(on="raw"))  # fmt: skip
    told = find_saturation(fit, gain=0.02, relative=False)
    assert told.grows
    assert told.curve.gain.iloc[0] < 0.02
    assert only(told).estimate > 1e6
    assert only(told).value > 0.7


def test_draws_that_never_saturate_leave_the_interval_open(bare, curve):
    share = float(np.median(1 - 10**-bare.draws.alpha))
    told = find_saturation(bare, gain=share)
    row = only(told)
    assert 0.3 < row.probability < 0.7
    assert row.low == told.ends[0]
    assert row.high == np.inf


def test_several_thresholds_make_a_table(curve):
    told = find_saturation(curve, gain=[0.2, 0.02, 0.001], per=2)
    lines = repr(told).splitlines()
    assert lines[0].startswith("2 times the x lower loss by at most 20 % already at x = 100000")
    table = repr(told).split("\n\n")[1].splitlines()
    assert [line.split()[0] for line in table] == ["threshold", "0.2", "0.02", "0.001"]
    assert told.frame.estimate.is_monotonic_increasing


def test_a_flat_curve_is_saturated_from_the_start():
    x = np.geomspace(1e3, 1e6, 12)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(x))
    law = sf.formula_law("a + 0*x", inputs=["x"], output="loss")
    told = find_saturation(sf.fit(pd.DataFrame({"x": x, "loss": 2.0 + noise}), law))
    assert only(told).where == "before"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"remaining": 0.1, "gain": 0.1}, "two measures of one thing"),
        ({"remaining": 0.0}, "remaining is a threshold above zero"),
        ({"gain": [-0.1, 0.1]}, "gain is a threshold above zero"),
        ({"gain": "small"}, "gain takes finite numbers"),
        ({"gain": 0.1, "per": 1.0}, "per is a factor of scale above one"),
    ],
)
def test_what_cannot_be_meant_is_refused(curve, arguments, said):
    with pytest.raises(sf.FitError, match=said):
        find_saturation(curve, **arguments)
