"""The scale at which a value is reached: closed forms, floors under some of the draws, chains, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.targets.scales import find_scale
from scalefit.decisions.targets.solving import quantiles
from simple_fits import power_runs

TRUE = {"E": 1.7, "A": 400.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}


def surface_runs(seed=0, noise=0.003):
    runs = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[1e9, 3e9, 1e10, 3e10])
    scatter = np.random.default_rng(seed).standard_normal(len(runs))
    return runs.assign(loss=sf.get_law("chinchilla")(TRUE, runs) * np.exp(noise * scatter))


@pytest.fixture(scope="module")
def surface():
    return sf.fit(surface_runs(), "chinchilla").bootstrap(100, rng=0)


@pytest.fixture(scope="module")
def curve():
    return sf.fit(power_runs(np.geomspace(1e5, 1e9, 15)), "power_offset").bootstrap(200, rng=0)


@pytest.fixture(scope="module")
def chained():
    runs = surface_runs()
    scatter = np.random.default_rng(1).standard_normal(len(runs))
    runs["accuracy"] = 0.85 - 0.6 / (1 + np.exp(-4 * (runs.loss - 2.6))) + 0.003 * scatter
    return sf.chain(runs, [sf.Stage("chinchilla"), sf.Stage("accuracy_sigmoid")], draws=60, rng=0)


def only(told):
    (row,) = told.frame.itertuples(index=False)
    return row


def closed(fit, name, draws=False, **asked):
    """A derived quantity of the law: at the estimates, or for each draw."""
    if draws:
        return fit.law.derived[name]({key: fit.draws[key].to_numpy() for key in fit.draws}, asked)
    return float(fit.law.derived[name](fit.estimates, asked))


def test_the_compute_for_a_loss_is_that_of_the_closed_form(surface):
    row = only(find_scale(surface, 2.2))
    assert row.estimate == pytest.approx(closed(surface, "flops_for_loss", loss=2.2), rel=1e-9)
    expected = np.quantile(np.log(closed(surface, "flops_for_loss", draws=True, loss=2.2)), [0.05, 0.95])
    assert np.log([row.low, row.high]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("along", "other", "name"), [("tokens", "params", "tokens_for_loss"),
                                                      ("params", "tokens", "params_for_loss")])  # fmt: skip
def test_along_one_input_the_other_is_held(surface, along, other, name):
    held = {"params": 1e8, "tokens": 1e10}[other]
    row = only(find_scale(surface, 2.6, along=along, at={other: held}))
    assert row.estimate == pytest.approx(closed(surface, name, loss=2.6, **{other: held}), rel=1e-9)


def test_a_curve_in_one_variable_needs_no_along(curve):
    row = only(find_scale(curve, 1.7))
    assert row.estimate == pytest.approx(closed(curve, "x_for_loss", loss=1.7), rel=1e-9)
    assert row.where == "data"
    assert (row.probability, row.unreachable, row.already) == (1, 0, 0)


def test_the_law_predicts_the_value_at_the_scale_on_every_route(surface):
    for more in ({"ratio": 20.0}, {"path": lambda flops: {"params": flops**0.5 / 10, "tokens": flops**0.5 / 0.6}},
                 {"cost": "6 * params * tokens + 2 * params * 1e9"}):  # fmt: skip
        told = find_scale(surface, 2.3, **more)
        drawn = told.curve.iloc[(told.curve.flops - only(told).estimate).abs().argmin()]
        assert drawn.estimate == pytest.approx(2.3, rel=0.03)
        assert np.interp(np.log(only(told).estimate), np.log(told.curve.flops), told.curve.estimate) == pytest.approx(
            2.3, rel=1e-3
        )


def test_inference_in_the_cost_asks_for_more_compute(surface):
    plain, served = (only(find_scale(surface, 2.3, cost=cost)) for cost in (None, "6*params*tokens + 2*params*1e10"))
    assert served.estimate > plain.estimate


def test_draws_whose_floor_lies_above_the_value_need_an_infinite_scale(curve):
    value = float(np.quantile(curve.draws.E, 0.8))
    told = find_scale(curve, value)
    row = only(told)
    assert row.unreachable == pytest.approx(0.2, abs=0.01)
    assert row.probability == pytest.approx(0.8, abs=0.01)
    assert np.isfinite(row.low)
    assert row.high == np.inf
    assert "to never)" in repr(told)
    assert "in 20 % of draws never, for it lies below the floor" in repr(told).splitlines()[0]


def test_a_value_below_the_floor_is_not_reachable_in_any_draw(curve):
    told = find_scale(curve, 0.5)
    row = only(told)
    assert (row.estimate, row.low, row.high) == (np.inf, np.inf, np.inf)
    assert (row.probability, row.unreachable, row.where) == (0, 1, "nowhere")
    first = repr(told).splitlines()[0]
    assert first.startswith("loss 0.5 is not reachable: the floor of power_offset is 1.4")
    assert first.endswith("nor in any draw.")


def test_a_value_that_only_some_draws_reach_is_said_so(curve):
    low = float(np.quantile(curve.draws.E, 0.3))
    assert low < curve.estimates["E"]
    told = find_scale(curve, low)
    row = only(told)
    assert row.estimate == np.inf
    assert row.probability == pytest.approx(0.3, abs=0.01)
    assert np.isfinite(row.low)
    assert "is not reachable" in repr(told).splitlines()[0]
    assert "in 30 % of draws it is, in 5 % by x = " in repr(told).splitlines()[0]


def test_the_floor_itself_is_not_reachable(curve):
    assert only(find_scale(curve, curve.estimates["E"])).where == "nowhere"


def test_the_floor_has_the_interval_of_its_parameter(curve):
    estimate, low, high = find_scale(curve, 2.0).limit
    expected = curve.summary().loc["E"]
    assert (estimate, low, high) == pytest.approx((expected.estimate, expected.low, expected.high), rel=1e-6)


def test_a_value_that_the_smallest_run_has_is_already_reached(curve):
    told = find_scale(curve, 50.0)
    row = only(told)
    assert (row.where, row.already, row.estimate, row.low) == ("before", 1, told.ends[0], told.ends[0])
    assert repr(told).startswith("loss 50 is already reached at x = 100000, the smallest looked at; in all draws.")
    earlier = only(find_scale(curve, 50.0, between=(1e-3, 1e9)))
    assert earlier.estimate == pytest.approx(closed(curve, "x_for_loss", loss=50.0), rel=1e-9)


def test_a_search_that_ends_before_the_value_does_not_call_it_unreachable(curve):
    told = find_scale(curve, 1.55, between=(1e5, 1e7))
    row = only(told)
    assert (row.where, row.unreachable) == ("nowhere", 0)
    assert "is not reached up to x = 1e7" in repr(told).splitlines()[0]


def test_a_law_without_a_floor_reaches_every_loss_above_zero():
    fit = sf.fit(power_runs(np.geomspace(1e5, 1e9, 15)), "power").bootstrap(50, rng=0)
    told = find_scale(fit, 0.5)
    assert told.limit[0] == 0
    assert only(told).estimate == pytest.approx(closed(fit, "x_for_loss", loss=0.5), rel=1e-9)
    assert "times past the runs fitted" in repr(told).splitlines()[0]
    assert "too narrow" in repr(told)


def test_far_past_the_runs_the_place_is_called_beyond(surface):
    told = find_scale(surface, 1.8)
    row = only(told)
    assert row.where == "beyond"
    assert row.beyond > 10


def test_several_values_stand_in_the_order_given_and_in_one_sentence(curve):
    told = find_scale(curve, [1.0, 1.7, 50.0, 1.52])
    assert told.frame["value"].tolist() == [1.0, 1.7, 50.0, 1.52]
    assert told.frame["where"].tolist() == ["nowhere", "data", "before", "beyond"]
    assert repr(told).splitlines()[0] == (
        "loss reaches 50 already at x = 100000, the smallest looked at; 1.7 within the runs fitted; 1.52 beyond the "
        "runs fitted; 1 nowhere up to x = 1e39."
    )


def test_an_accuracy_grows_to_its_target_through_a_chain(chained):
    told = find_scale(chained, 0.7, ratio=20.0)
    row = only(told)
    assert told.grows
    there = sf.grid(params=[np.sqrt(row.estimate / 120)], tokens=[20 * np.sqrt(row.estimate / 120)])
    assert chained.predict(there).estimate[0] == pytest.approx(0.7, abs=1e-9)
    assert row.low < row.estimate < row.high


def test_the_interval_through_a_chain_holds_the_doubt_of_both_stages(chained):
    row = only(find_scale(chained, 0.6, along="tokens", at={"params": 1e8}))
    low, high = (chained.predict(sf.grid(params=[1e8], tokens=[end]), level=0.9).iloc[0] for end in (row.low, row.high))
    assert low.high == pytest.approx(0.6, abs=2e-3)
    assert high.low == pytest.approx(0.6, abs=2e-3)


def test_an_accuracy_above_the_ceiling_is_not_reachable(chained):
    told = find_scale(chained, 0.95)
    first = repr(told).splitlines()[0]
    assert first.startswith("accuracy 0.95 is not reachable: the ceiling of chinchilla -> accuracy_sigmoid is 0.8")
    far = chained.predict(sf.grid(params=[1e60], tokens=[1e60])).iloc[0]
    assert told.limit == pytest.approx((far.estimate, far.low, far.high), rel=1e-6)


def test_beyond_counts_the_inputs_of_every_stage(chained):
    row = only(find_scale(chained, 0.8))
    assert row.where == "beyond"
    at_loss = chained.fits[0][()]
    assert row.beyond >= row.estimate / (6 * 3e8 * 3e10) > 1
    assert at_loss.converged


def test_a_stage_may_take_an_input_of_its_own():
    runs = surface_runs()
    law = sf.formula_law("a - b*loss + c*shots", inputs=["loss", "shots"], output="accuracy")
    runs["shots"] = np.tile([1.0, 2.0, 4.0, 8.0], 4)
    runs["accuracy"] = 1.5 - 0.3 * runs.loss + 0.01 * runs.shots
    told = sf.chain(runs, [sf.Stage("chinchilla"), sf.Stage(law)], draws=20, rng=0)
    few, many = (only(find_scale(told, 0.8, at={"shots": shots})).estimate for shots in (1.0, 8.0))
    assert many < few
    with pytest.raises(sf.FitError, match="also takes shots: give at="):
        find_scale(told, 0.8)
    with pytest.raises(sf.FitError, match="no stage of the chain takes width"):
        find_scale(told, 0.8, at={"shots": 1.0, "width": 2.0})


def test_a_chain_of_one_stage_is_its_fit(surface):
    one = sf.chain(surface_runs(), [sf.Stage("chinchilla")], draws=20, rng=0)
    assert only(find_scale(one, 2.2)).estimate == pytest.approx(only(find_scale(surface, 2.2)).estimate, rel=1e-9)


def test_a_chain_fitted_by_group_names_its_fits():
    runs = pd.concat([surface_runs(seed).assign(family=name) for seed, name in enumerate("ab")], ignore_index=True)
    told = sf.chain(runs, [sf.Stage("chinchilla", by=("family",))], draws=4, rng=0)
    with pytest.raises(sf.FitError, match=r"has a fit for each family: ask one of its fits, chain.fits\[0\]"):
        find_scale(told, 2.2)


def test_a_target_of_unknown_name_goes_where_it_grows():
    x = np.geomspace(1e3, 1e6, 12)
    runs = pd.DataFrame({"x": x, "mmlu": 0.8 - 5 / x**0.4})
    fit = sf.fit(runs, sf.formula_law("a - b/x**c", inputs=["x"], output="mmlu"))
    told = find_scale(fit, 0.7)
    assert told.grows
    assert only(told).estimate == pytest.approx((5 / 0.1) ** (1 / 0.4), rel=1e-4)
    assert any("higher is taken for better" in note for note in told.notes)
    assert only(find_scale(fit, 0.7, better="low")).where == "before"


def test_without_a_bootstrap_intervals_come_from_the_covariance(surface):
    fit = sf.fit(surface_runs(), "chinchilla")
    told = find_scale(fit, 2.2)
    assert "normal approximation" in repr(told)
    assert only(told).low < only(told).estimate < only(told).high


def test_a_fit_that_is_not_identified_says_so_first():
    runs = sf.grid(params=[1e7], tokens=np.geomspace(1e8, 1e10, 8))
    fit = sf.fit(runs.assign(loss=sf.get_law("chinchilla")(TRUE, runs)), "chinchilla")
    first = repr(find_scale(fit, 3.5)).splitlines()[0]
    assert first.startswith("DO NOT RELY ON IT, chinchilla is not identified")
    assert "loss 3.5 is reached at" in first


def test_the_same_call_gives_the_same_answer(surface):
    pd.testing.assert_frame_equal(find_scale(surface, [2.2, 1.5]).frame, find_scale(surface, [2.2, 1.5]).frame)


def test_a_wider_level_gives_a_wider_interval(surface):
    narrow, wide = (only(find_scale(surface, 2.2, level=level)) for level in (0.5, 0.95))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_quantiles_do_not_average_with_infinity():
    scales = np.array([1.0, 10.0, np.inf, np.inf])
    assert quantiles(scales, 0.5) == pytest.approx((10**0.75, np.inf))
    assert quantiles(np.full(3, np.inf), 0.9) == (np.inf, np.inf)
    assert quantiles(np.array([7.0]), 0.9) == (7.0, 7.0)
    assert np.isnan(quantiles(np.array([]), 0.9)).all()


def test_the_page_has_the_sentence_first_and_escapes(curve):
    page = find_scale(curve, [1.7, 1.65])._repr_html_()
    assert "<strong>loss reaches 1.7 and 1.65 within the runs fitted.</strong>" in page.splitlines()[1]
    assert "<table" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"value": "low"}, "value takes finite numbers, such as 2.0"),
        ({"value": []}, "value takes finite numbers"),
        ({"value": np.nan}, "value takes finite numbers"),
        ({"value": 2.0, "between": (1e9, 1e6)}, "between takes the ends of the search"),
        ({"value": 2.0, "between": 5}, "between takes the ends of the search"),
        ({"value": 2.0, "level": 90}, "Did you mean 0.9?"),
        ({"value": 2.0, "better": "more"}, "better must be one of high or low"),
        ({"value": 2.0, "along": "step"}, "along, for chinchilla must be one of"),
        ({"value": 2.0, "along": "tokens"}, "leaves params open"),
        ({"value": 2.0, "ratio": -1.0}, "ratio is tokens per parameter"),
        ({"value": 2.0, "along": "loss"}, "A scale grows while runs get better"),
    ],
)
def test_what_cannot_be_meant_is_refused(surface, arguments, said):
    with pytest.raises(sf.FitError) as error:
        find_scale(surface, **arguments)
    assert said in str(error.value)


def test_something_that_is_no_fit_is_refused():
    with pytest.raises(sf.FitError, match="A fit or a chain is needed"):
        find_scale({"E": 1.7}, 2.0)


def test_an_axis_that_starts_at_zero_asks_where_to_look():
    x = np.linspace(0, 10, 12)
    law = sf.formula_law("a + b*x", inputs=["x"], output="loss")
    fit = sf.fit(pd.DataFrame({"x": x, "loss": 3 - 0.1 * x}), law)
    with pytest.raises(sf.FitError, match=r"say where to look with between=\(low, high\)"):
        find_scale(fit, 2.5)
    assert only(find_scale(fit, 2.5, between=(0.1, 10))).estimate == pytest.approx(5.0, rel=1e-6)


@pytest.mark.slow
def test_nine_intervals_of_ten_hold_the_true_scale():
    """Of 40 with a chance of 0.9 each, fewer than 29 hold once in 1,000 times; a floor above is admitted as often."""
    design, law = sf.grid(x=np.geomspace(1e5, 1e9, 20)), sf.get_law("power_offset")
    true = {"E": 1.5, "A": 60.0, "alpha": 0.3}
    scale = float(law.derived["x_for_loss"](true, {"loss": 1.8}))
    held = admitted = 0
    for seed in range(40):
        scatter = np.random.default_rng(seed).standard_normal(len(design))
        fit = sf.fit(design.assign(loss=law(true, design) * np.exp(0.005 * scatter)), law).bootstrap(150, rng=seed)
        reached, never = find_scale(fit, [1.8, 1.47]).frame.itertuples()
        held += reached.low <= scale <= reached.high
        admitted += never.high == np.inf
    assert held >= 29
    assert admitted >= 29


@pytest.mark.parametrize("route", [{}, {"ratio": 20}])
def test_a_law_without_a_floor_is_said_to_fall_towards_zero(route):
    law = sf.get_law("kaplan_nd")
    values = law.published["kaplan2020"].values if "kaplan2020" in law.published else None
    values = values or next(iter(law.published.values())).values
    runs = sf.grid(params=np.geomspace(1e7, 1e9, 5), tokens=np.geomspace(1e9, 1e11, 5))
    runs = runs.assign(loss=law(values, {"params": runs.params, "tokens": runs.tokens}))
    told = find_scale(sf.fit(runs, law), float(runs.loss.min()), **route)
    assert told.limit[0] == 0
    assert "no floor: loss falls towards 0" in repr(told)
    assert "floor of" not in repr(told)


def test_families_fitted_as_one_are_a_doubt_about_a_scale():
    runs = sf.datasets.load("microlm").groupby("run").last()
    told = find_scale(sf.fit(runs[runs.family.isin(["lstm", "transformer"])], "chinchilla"), 1.3)
    assert "families fitted as one" in repr(told).splitlines()[0]
    assert told.doubts[0].startswith("the runs are of 2 families (lstm and transformer)")
