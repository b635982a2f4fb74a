"""A route says how the inputs of a law move while one quantity grows."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.frontier import best_split
from scalefit.decisions.route import find_route, find_routes
from scalefit.decisions.spending import Cost

CHINCHILLA = sf.get_law("chinchilla")
TRUE = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
THETA = np.array([[TRUE[name] for name in CHINCHILLA.param_names]])
FLOPS = np.geomspace(1e17, 1e22, 60)


def ladder(law=CHINCHILLA, values=TRUE, **columns):
    frame = sf.grid(params=np.geomspace(1e7, 1e9, 6), tokens=np.geomspace(2e8, 2e10, 5)).assign(**columns)
    scatter = np.exp(0.002 * np.random.default_rng(0).standard_normal(len(frame)))
    return frame.assign(loss=law(values, frame) * scatter)


@pytest.fixture(scope="module")
def fit():
    return sf.fit(ladder(), "chinchilla")


@pytest.fixture(scope="module")
def curve():
    x = np.geomspace(1e17, 1e21, 20)
    return sf.fit(
        pd.DataFrame({"flops": x, "loss": 1.5 + 40 * x**-0.1}), "power_offset", columns={"x": "flops"},
        objective=sf.Square(),
    )  # fmt: skip


def values_at(fit, params, tokens):
    return CHINCHILLA.value(fit.theta, (np.asarray(params, float), np.asarray(tokens, float)))[0]


def test_along_an_input_the_others_stay_where_they_were_put(fit):
    route = find_route(fit, "tokens", at={"params": 1e8})
    places = np.array([1e9, 1e10, 1e11])
    assert route.estimate(places) == pytest.approx(values_at(fit, [1e8] * 3, places), rel=1e-14)
    assert route.text == route.where == "at params = 1e+08"
    assert route.reach == (pytest.approx(2e8), pytest.approx(2e10))


def test_a_ratio_moves_the_other_input_along(fit):
    places = np.array([1e7, 1e8])
    by_params = find_route(fit, "params", ratio=20)
    assert by_params.estimate(places) == pytest.approx(values_at(fit, places, 20 * places))
    assert by_params.text == "at 20 tokens per parameter"
    assert find_route(fit, "tokens", ratio=20).estimate(20 * places) == pytest.approx(by_params.estimate(places))


def test_along_compute_with_nothing_said_each_budget_gets_its_best_split(fit):
    route, told = find_route(fit, "flops"), find_route(fit, "flops", path="optimal")
    inputs = route.inputs(fit.theta, FLOPS)
    best = fit.derive("params_optimal", at={"flops": FLOPS}).estimate
    assert inputs["params"][0] == pytest.approx(best.to_numpy(), rel=1e-12)
    assert inputs["tokens"][0] == pytest.approx(FLOPS / 6 / best.to_numpy(), rel=1e-12)
    assert (told.estimate(FLOPS) == route.estimate(FLOPS)).all()
    assert route.text == "on the best split of each budget"
    for factor in (0.9, 1.1):
        assert (values_at(fit, factor * best, FLOPS / 6 / factor / best) > route.estimate(FLOPS)).all()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"ratio": 20}, "at 20 tokens per parameter"),
        ({"at": {"params": 1e8}}, "at params = 1e+08"),
        ({"at": {"tokens": 1e9}}, "at tokens = 1e+09"),
    ],
)
def test_along_compute_what_is_said_decides_who_gets_it(fit, said, text):
    route = find_route(fit, "flops", **said)
    inputs = route.inputs(fit.theta, FLOPS)
    assert 6 * inputs["params"] * inputs["tokens"] == pytest.approx(np.broadcast_to(FLOPS, (1, 60)), rel=1e-9)
    assert route.text == text
    if "ratio" in said:
        assert inputs["tokens"] / inputs["params"] == pytest.approx(np.full((1, 60), 20.0))
    else:
        ((name, value),) = said["at"].items()
        assert (inputs[name] == value).all()


def test_places_of_each_draw_may_be_its_own(fit):
    theta, places = fit.draws_theta[:7], np.geomspace(1e18, 1e20, 7)[:, None]
    for said in ({"ratio": 20}, {}, {"cost": lambda n, d: 6 * n * d + 1.0}):
        route = find_route(fit, "flops", **said)
        together = route.values(theta, places)
        alone = [route.values(theta[k : k + 1], places[k])[0, 0] for k in range(7)]
        assert together[:, 0] == pytest.approx(alone, rel=1e-12)


def test_a_path_of_ones_own_gives_the_other_inputs(fit):
    route = find_route(fit, "params", path=lambda params: {"tokens": 3e5 * np.sqrt(params)})
    places = np.array([1e8, 1e9])
    assert route.estimate(places) == pytest.approx(values_at(fit, places, 3e5 * np.sqrt(places)))
    assert route.text == "on the path given"
    both = find_route(fit, "flops", path=lambda c: {"params": c**0.4, "tokens": c**0.6 / 6})
    assert both.estimate(FLOPS) == pytest.approx(values_at(fit, FLOPS**0.4, FLOPS**0.6 / 6))
    short = find_route(fit, "flops", path=lambda c: {"params": c**0.4})
    with pytest.raises(sf.FitError, match=r"gives no tokens: it must return inputs, such as \{'params'"):
        short.estimate(FLOPS)


def test_a_search_between_nodes_finds_what_a_search_at_every_budget_finds(fit):
    bent = Cost.of("6 * params * tokens + 12 * params ** 0.5 * tokens * 100")
    theta, places = fit.draws_theta[:20], np.geomspace(1e16, 1e23, 90)
    route = find_route(fit, "flops", cost=bent)
    inputs, values = route.inputs(theta, places), route.values(theta, places)
    exact = best_split(CHINCHILLA, theta, places[::9], cost=bent, sizes=(1e7, 1e9))
    assert values[:, ::9] == pytest.approx(exact.loss, rel=1e-8)
    assert bent(inputs["params"], inputs["tokens"]) == pytest.approx(np.broadcast_to(places, (20, 90)), rel=1e-9)
    assert route.text == f"on the best split of each budget, with compute {bent.text}"
    assert route.where == "on the best split of each budget"


def test_draws_without_a_best_split_have_no_value_and_leave_the_others_alone(fit):
    theta = np.concatenate([fit.theta, fit.theta])
    theta[1, CHINCHILLA.param_names.index("A")] = 0.0  # nothing is gained by size
    values = find_route(fit, "flops", cost=lambda n, d: 6 * n * d + 1.0).values(theta, FLOPS)
    assert np.isfinite(values[0]).all()
    assert np.isnan(values[1]).all()


def test_how_far_beyond_counts_every_input_and_what_it_goes_along(fit):
    route = find_route(fit, "tokens", at={"params": 1e8})
    assert route.beyond([1e9, 4e10, 1e8]) == pytest.approx([1, 2, 2])
    assert find_route(fit, "tokens", at={"params": 1e10}).beyond([1e9]) == pytest.approx([10])


def test_columns_and_other_names_of_a_quantity_are_understood():
    frame = ladder().rename(columns={"params": "N", "tokens": "seen"})
    fit = sf.fit(frame, "chinchilla", columns={"tokens": "seen"})
    wanted = find_route(fit, "tokens", at={"params": 1e8}).estimate([1e9])
    assert find_route(fit, "seen", at={"N": 1e8}).estimate([1e9]) == wanted
    assert find_route(fit, "D", at={"n_params": 1e8}).estimate([1e9]) == wanted
    assert find_route(fit, "C").estimate([1e19]) == find_route(fit, "flops").estimate([1e19])


def test_a_law_of_one_input_goes_along_its_column(curve):
    route = find_route(curve, "flops")
    assert route.text == ""
    assert route.estimate(FLOPS) == pytest.approx(1.5 + 40 * FLOPS**-0.1, rel=1e-6)
    assert find_route(curve, "x").estimate(FLOPS) == pytest.approx(route.estimate(FLOPS))


@pytest.mark.parametrize(
    ("along", "said", "match"),
    [
        ("width", {}, "along, for chinchilla must be one of flops, params or tokens; got 'width'"),
        ("token", {"at": {"params": 1e8}}, "Did you mean 'tokens'"),
        ("tokens", {}, r"leaves params open: give at=\{'params': …\}, or ratio=… for tokens per parameter"),
        ("tokens", {"at": {"tokens": 1e9}}, "at fixes inputs of chinchilla other than 'tokens'"),
        ("tokens", {"at": {"param": 1e9}}, "must be one of params; got 'param'. Did you mean 'params'"),
        ("tokens", {"at": {"params": "big"}}, "params must be a finite number; got 'big'"),
        ("tokens", {"at": {"params": np.inf}}, "params must be a finite number; got inf"),
        ("tokens", {"at": 1e8}, "at is a mapping of inputs to numbers"),
        ("tokens", {"at": {"params": 1e8}, "ratio": 20}, "whose other one is not fixed"),
        ("tokens", {"ratio": -1}, "ratio is tokens per parameter, above zero; got -1"),
        ("flops", {"ratio": np.nan}, "ratio is tokens per parameter, above zero; got nan"),
        ("tokens", {"ratio": 20, "path": "optimal"}, "ratio and path both say how the inputs move"),
        ("tokens", {"at": {"params": 1e8}, "path": "optimal"}, "path='optimal' goes along 'flops'; got along='tokens'"),
        ("flops", {"path": "best"}, "path must be one of a function or optimal; got 'best'"),
        ("flops", {"at": {"params": 1e8}, "ratio": 20}, "one thing says how params and tokens share it"),
        ("flops", {"at": {"params": 1e8, "tokens": 1e9}}, "one thing says how params and tokens share it"),
        ("flops", {"cost": "6 * params * width"}, "formula of params and tokens; got width"),
        ("flops", {"cost": 6.0}, "cost: a formula such as"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_with_what_to_type(fit, along, said, match):
    with pytest.raises(sf.FitError, match=match):
        find_route(fit, along, **said)


def test_a_law_of_one_input_has_no_other_input_and_no_budget_to_split(curve):
    with pytest.raises(sf.FitError, match="and it has none; got 'params'"):
        find_route(curve, "flops", at={"params": 1e8})
    with pytest.raises(sf.FitError, match="must be one of flops or x; got 'tokens'"):
        find_route(curve, "tokens")
    with pytest.raises(sf.FitError, match=r"path='optimal' goes along 'flops'|ratio is tokens"):
        find_route(curve, "flops", ratio=20)


def test_a_third_input_must_be_given_along_every_route():
    law = sf.get_law("data_constrained")
    values = law.published[next(iter(law.published))].values
    held = {name: value for name, value in values.items() if name != "E"}
    fit = sf.fit(ladder(law, values, unique_tokens=5e9), law, fixed=held)
    with pytest.raises(sf.FitError, match=r"also takes unique_tokens: give at=\{'unique_tokens'"):
        find_route(fit, "flops")
    with pytest.raises(sf.FitError, match="leaves unique_tokens open"):
        find_route(fit, "tokens", at={"params": 1e8})
    route = find_route(fit, "flops", at={"unique_tokens": 5e9})
    assert route.text == "on the best split of each budget, at unique_tokens = 5e+09"
    assert np.isfinite(route.estimate(FLOPS[20:40])).all()


def test_a_law_of_training_curves_has_no_path():
    law = sf.get_law("lr_annealing")
    steps = pd.DataFrame({"run": "a", "step": np.arange(1, 400), "lr": 3e-4 * np.linspace(1, 0.1, 399)})
    fit = sf.fit(steps.assign(loss=2 + steps.step**-0.4), law)
    with pytest.raises(sf.FitError, match="is a law of training curves: its inputs follow from a schedule"):
        find_route(fit, "step")


def test_several_fits_are_told_only_what_they_take(fit, curve):
    routes = find_routes({"surface": fit, "curve": curve}, "flops", ratio=20)
    assert routes["surface"].text == "at 20 tokens per parameter"
    assert routes["curve"].text == ""
    optimal = find_routes({"surface": fit, "curve": curve}, "flops", path="optimal", cost="6 * params * tokens + 1")
    assert optimal["surface"].where == "on the best split of each budget"
    other = sf.fit(ladder().assign(x=lambda runs: runs.tokens), "power_offset", columns={"x": "tokens"})
    fixed = find_routes({"surface": fit, "curve": other}, "tokens", at={"params": 1e8})
    assert fixed["surface"].text == "at params = 1e+08"
    assert fixed["curve"].text == ""


def test_each_fit_may_have_its_own_way(fit):
    both = {"a": fit, "b": fit}
    by_name = find_routes(both, "tokens", at={"a": {"params": 1e8}, "b": {"params": 2e8}})
    assert [route.text for route in by_name.values()] == ["at params = 1e+08", "at params = 2e+08"]
    in_order = find_routes(both, "flops", cost=["6 * params * tokens", "7 * params * tokens"])
    assert in_order["b"].reach[0] == pytest.approx(7 / 6 * in_order["a"].reach[0])


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"along": "tokens", "at": {"size": 1e8}}, "must be one of params; got 'size'"),
        ({"along": "flops", "cost": ["6 * params * tokens"]}, "cost: one for all, or one for each of a and b; got 1"),
        ({"along": "flops", "cost": {"a": None, "c": None}}, "cost: one for all, or one for each of a and b; got a"),
        ({"along": "tokens", "at": {"a": {"params": 1e8}}}, "at: one for all, or one for each of a and b; got a"),
        ({"along": "tokens", "at": {"params": 1e8}, "cost": "6 * params * tokens"}, "got along='tokens'"),
    ],
)
def test_what_no_fit_takes_is_said(fit, said, match):
    with pytest.raises(sf.FitError, match=match):
        find_routes({"a": fit, "b": fit}, **said)
