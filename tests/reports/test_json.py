"""A fit as JSON and back: the same to the last bit, no code run, and clear errors for files that no fit wrote."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pandas.testing import assert_frame_equal

import scalefit as sf
from scalefit.reports.entries import Entry, plain, plain_frame

PARAMS = (sf.floor("E"), sf.scale("A"), sf.exponent("a"), sf.scale("B"), sf.exponent("b"))
FORMULA = sf.formula_law(
    "E + A/params**a + B/tokens**b", inputs=["params", "tokens"], output="loss", params=PARAMS, objective=sf.Huber(0.01)
)


@sf.define_law(inputs=["params", "tokens"], params=PARAMS)
def own_law(N, D, E, A, a, B, b):
    return E + A / N**a + B / D**b


@sf.define_law(inputs=["params", "tokens"], params=PARAMS)
def other_law(N, D, E, A, a, B, b):
    return E + A / N**a - B / D**b


RECIPES = {
    "the default": ("chinchilla", {}),
    "constraints": (
        "chinchilla",
        {"fixed": {"E": 1.7}, "tie": {"beta": "alpha"}, "prior": {"A": (400.0, 50.0)}, "bounds": {"B": (1.0, None)}},
    ),
    "an asymmetric objective": ("chinchilla", {"objective": sf.Asymmetric(0.5, sf.Cauchy(0.02))}),
    "a raw scale": ("chinchilla", {"objective": sf.Absolute(on="raw")}),
    "a formula": (FORMULA, {}),
}


def resampled(fit):
    return fit.bootstrap(10, rng=1).draws


def points(fit):
    return pd.DataFrame(
        {name: np.linspace(x.min(), 3 * x.max(), 5) for name, x in zip(fit.law.inputs, fit.problem.inputs, strict=True)}
    )


def assert_same_fit(a, b):
    """Everything that a user can ask of two fits is the same to the last bit."""

    def same(x, y):
        assert_frame_equal(x, y, check_exact=True)

    same(a.summary(), b.summary())
    same(a.covariance, b.covariance)
    same(a.data, b.data)
    same(a.residuals, b.residuals)
    for interval in ("mean", "run"):
        same(a.predict(points(a), interval=interval), b.predict(points(b), interval=interval))
    same(resampled(a), resampled(b))
    assert (a.objective, a.rms, a.seed, a.verdict, a.columns) == (b.objective, b.rms, b.seed, b.verdict, b.columns)
    assert str(a) == str(b)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="module")
def path(folder):
    return folder / "fit.json"


@pytest.fixture(scope="module")
def written(fit):
    """The parsed file of a fit with draws."""
    return json.loads(fit.bootstrap(4, rng=0).to_json())


@pytest.fixture(scope="module")
def written_formula(runs):
    """The parsed file of a fit to a formula."""
    return json.loads(sf.fit(runs, FORMULA).to_json())


def load(document, path, law=None):
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return sf.load_fit(path, law=law)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_loaded_fit_is_the_same_to_the_last_bit(runs, path, recipe):
    law, arguments = RECIPES[recipe]
    fit = sf.fit(runs, law, **arguments)
    text = fit.to_json(path)
    loaded = sf.load_fit(path)
    assert_same_fit(fit, loaded)
    assert loaded.to_json() == text == path.read_text(encoding="utf-8")


def test_draws_and_their_plan_come_back(fit, path):
    with_draws = fit.bootstrap(20, rng=0)
    with_draws.to_json(path)
    loaded = sf.load_fit(path)
    assert_same_fit(with_draws, loaded)
    assert_frame_equal(loaded.draws, with_draws.draws, check_exact=True)
    assert loaded.plan.token == with_draws.plan.token
    assert np.array_equal(loaded.plan.counts, with_draws.plan.counts)


def test_blocks_along_runs_come_back(runs, path):
    table = pd.DataFrame({"run": np.repeat(["one", "two"], 40), "step": np.tile(np.arange(1.0, 41.0), 2)})
    table["loss"] = 2.0 + 3.0 * table["step"] ** -0.5 * (1 + 0.01 * np.sin(np.arange(80.0) ** 2))
    fit = sf.fit(table, "power_offset", columns={"x": "step"})
    assert fit.units.kind == "blocks"
    fit.to_json(path)
    loaded = sf.load_fit(path)
    with pytest.warns(sf.FitWarning, match="blocks"):
        before = resampled(fit)
    with pytest.warns(sf.FitWarning, match="blocks"):
        assert_frame_equal(resampled(loaded), before, check_exact=True)
    assert_frame_equal(loaded.summary(), fit.summary(), check_exact=True)


def test_settings_of_a_training_law_come_back(path):
    rates = sf.Schedule.wsd(steps=400, peak=1e-2, warmup=20, decay_start=300, end=1e-4)
    law = sf.get_law("lr_annealing").with_settings(decay=0.99)
    steps = np.arange(40, 401, 10)
    areas = law.derive_inputs(rates.rates, steps)
    truth = {"L0": 2.0, "A": 0.6, "alpha": 0.5, "C": 5.0}
    loss = law(truth, areas)
    table = pd.DataFrame({"run": "one", "step": steps, "loss": loss * (1 + 1e-3 * np.sin(np.arange(len(steps)) ** 2))})
    fit = sf.fit(table, law, schedules={"one": rates})
    fit.to_json(path)
    loaded = sf.load_fit(path)
    assert loaded.law.derive.settings["decay"] == 0.99
    assert_frame_equal(loaded.summary(), fit.summary(), check_exact=True)


def test_a_python_law_loads_whole_when_it_is_given(runs, path):
    fit = sf.fit(runs, own_law)
    fit.to_json(path)
    assert_same_fit(fit, sf.load_fit(path, law=own_law))


@pytest.mark.parametrize("kind", ["strata", "residual", "wild", "parametric", "subsample"])
def test_draws_of_every_kind_come_back_with_their_plan(fit, path, kind):
    drawn = fit.bootstrap(10, kind=kind, rng=0)
    drawn.to_json(path)
    back = sf.load_fit(path)
    assert_frame_equal(back.draws, drawn.draws)
    assert (back.drawn, back.plan.kind, back.plan.redrawn) == (drawn.drawn, drawn.plan.kind, drawn.plan.redrawn)
    assert np.array_equal(back.plan.counts, drawn.plan.counts)
    assert back.interval_source == drawn.interval_source


def test_a_file_from_before_there_were_kinds_of_plans_is_read(fit, path):
    content = json.loads(fit.bootstrap(10, rng=0).to_json())
    del content["plan"]["kind"], content["plan"]["redrawn"]
    path.write_text(json.dumps(content))
    assert (sf.load_fit(path).plan.kind, sf.load_fit(path).plan.redrawn) == ("counts", 0)


@pytest.mark.parametrize("draws", [False, True])
def test_a_python_law_that_is_not_given_leaves_the_estimates(runs, path, draws):
    fit = sf.fit(runs, own_law)
    fit = fit.bootstrap(10, rng=0) if draws else fit
    text = fit.to_json(path)
    loaded = sf.load_fit(path)
    assert loaded.estimates == fit.estimates
    assert_frame_equal(loaded.summary(), fit.summary(), check_exact=True)
    assert str(loaded).splitlines()[0] == str(fit).splitlines()[0]
    assert loaded.to_json() == text


def test_predicting_without_the_law_says_what_to_pass(runs, path):
    sf.fit(runs, own_law).to_json(path)
    loaded = sf.load_fit(path)
    with pytest.raises(sf.LawError, match=r"load_fit\(path, law=own_law\)"):
        loaded.predict(runs[["params", "tokens"]])
    with pytest.raises(sf.LawError, match="own_law is a Python function"):
        loaded.bootstrap(10, rng=0)


def test_another_law_than_the_one_fitted_is_refused(runs, path):
    sf.fit(runs, own_law).to_json(path)
    with pytest.raises(sf.LawError, match="other_law, is not the own_law that was fitted"):
        sf.load_fit(path, law=other_law)


def test_a_changed_equation_of_a_built_in_law_is_refused(written, path):
    law = {**written["law"], "equation_hash": "0" * 16}
    with pytest.raises(sf.LawError, match="The equation of chinchilla has changed"):
        load({**written, "law": law}, path)


def test_a_name_in_a_file_is_never_imported(written, path):
    law = {**written["law"], "name": "os.system"}
    with pytest.raises(sf.LawError, match=r"'os\.system'"):
        load({**written, "law": law}, path)


def test_a_formula_in_a_file_is_parsed_and_not_run(written_formula, path):
    document = json.loads(json.dumps(written_formula))
    document["law"]["text"] = "__import__('os').getcwd() + E + A/params**a + B/tokens**b"
    with pytest.raises(sf.FormulaError):
        load(document, path)


def test_an_edited_formula_is_refused(written_formula, path):
    document = json.loads(json.dumps(written_formula))
    document["law"]["text"] = "E + 2*A/params**a + B/tokens**b"
    with pytest.raises(sf.DataError, match="the file was edited"):
        load(document, path)


def test_an_edited_estimate_is_refused(written, path):
    estimates = {**written["estimates"], "alpha": written["estimates"]["alpha"] * 1.001}
    with pytest.raises(sf.DataError, match="estimates do not follow"):
        load({**written, "estimates": estimates}, path)


@pytest.mark.parametrize("schema", [0, 2, "1", None, True])
def test_another_schema_is_refused(written, path, schema):
    with pytest.raises(sf.DataError, match="this version of scalefit reads schema 1"):
        load({**written, "schema": schema}, path)


@pytest.mark.parametrize("document", ["[]", "{}", "3", '{"format": "something"}'])
def test_json_that_is_no_fit_is_refused(document, path):
    with pytest.raises(sf.DataError, match=r"is not a fit: its format must be 'scalefit\.fit'"):
        load(document, path)


@pytest.mark.parametrize("document", ["", "{", "not json", '{"format": NaN}', "[" * 100_000, "\ufeff{}"])
def test_text_that_is_no_json_is_refused(document, path):
    with pytest.raises(sf.DataError, match="is not JSON"):
        load(document, path)


def test_bytes_that_are_no_text_are_refused(path):
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(sf.DataError, match="cannot be read"):
        sf.load_fit(path)


@pytest.mark.parametrize("wrong", ["no/such/file.json", ".", "{" * 5000, "a\0b"])
def test_a_path_that_cannot_be_read_is_said(wrong):
    with pytest.raises(sf.DataError, match="takes the path of a file"):
        sf.load_fit(wrong)


def test_something_else_than_a_path_is_refused(written):
    with pytest.raises(sf.DataError, match="got dict"):
        sf.load_fit(written)


def test_a_folder_that_is_not_there_is_said(fit, folder):
    with pytest.raises(sf.FitError, match="cannot be written"):
        fit.to_json(folder / "nowhere" / "fit.json")


def test_an_objective_of_ones_own_is_refused(fit):
    class Own(sf.Square):
        pass

    with pytest.raises(sf.DataError, match="Own"):
        replace(fit, problem=replace(fit.problem, objective=Own())).to_json()


def test_what_json_lacks_is_written_as_an_object(fit, path):
    verdict = replace(fit.judgement, condition=np.inf, gradient=np.nan)
    text = replace(fit, judgement=verdict).to_json(path)
    assert '"condition": {"float": "inf"}' in text
    loaded = sf.load_fit(path)
    assert loaded.judgement.condition == np.inf
    assert np.isnan(loaded.judgement.gradient)


def test_a_missing_part_is_named(written, path):
    document = {name: part for name, part in written.items() if name != "weights"}
    with pytest.raises(sf.DataError, match=r"lacks 'weights'\. Write the file again with fit\.to_json"):
        load(document, path)


def test_a_wrong_value_is_named_with_its_place(written, path):
    document = json.loads(json.dumps(written))
    document["law"]["params"][2]["lower"] = "zero"
    with pytest.raises(sf.DataError, match=r"law\.params\[2\]\.lower must be a number"):
        load(document, path)


def test_a_table_of_any_columns_comes_back():
    frame = pd.DataFrame(
        {
            "whole": np.array([1, 2, 3], np.int32),
            "part": np.array([0.1, np.nan, -np.inf]),
            "single": np.array([0.1, 0.2, 0.3], np.float32),
            "yes": [True, False, True],
            "name": ["a", None, "nan"],
        },
        index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2), ("z", 3)], names=["left", None]),
    )
    back = Entry(json.loads(json.dumps(plain_frame(frame), allow_nan=False)), "table").frame()
    assert_frame_equal(back, frame, check_exact=True)


@settings(max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_anything_becomes_json(value):
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


@given(st.lists(st.floats(), max_size=20))
def test_floats_come_back_to_the_last_bit(values):
    array = Entry(json.loads(json.dumps(plain(values))), "list").array()
    assert np.array_equal(array, np.array(values, float), equal_nan=True)
    assert np.array_equal(np.signbit(array), np.signbit(np.array(values, float))) or np.isnan(array).any()


def places(part, above=()):
    """Every place in a parsed file, but no more than a few per list."""
    found = [above] if above else []
    if isinstance(part, dict):
        for name in part:
            found += places(part[name], (*above, name))
    elif isinstance(part, list):
        for i in range(min(len(part), 2)):
            found += places(part[i], (*above, i))
    return found


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.sampled_from([0, -1, 10**18, 1e308, -1e-308, {"float": "nan"}, {"float": "inf"}, "exp()", "1**x", [], {}, [[]]]),
    st.text(max_size=5),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)


@pytest.mark.parametrize("kind", ["written", "written_formula"])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_never_raises_anything_else(request, path, kind, data):
    document = json.loads(json.dumps(request.getfixturevalue(kind)))
    *above, last = data.draw(st.sampled_from(places(document)))
    part = document
    for step in above:
        part = part[step]
    if data.draw(st.booleans()):
        part[last] = data.draw(JUNK)
    else:
        del part[last]
    try:
        loaded = load(document, path)
    except sf.ScalefitError as error:
        assert str(error)  # noqa: PT017 (an error is allowed, not demanded)
    else:
        assert set(loaded.estimates) == set(loaded.law.param_names)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 0.999))
def test_a_file_that_was_cut_off_is_refused(written, path, share):
    text = json.dumps(written)
    with pytest.raises(sf.DataError):
        load(text[: int(share * len(text))], path)


def test_a_fit_is_found_under_the_home_folder(fit, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    fit.to_json("~/home.json")
    assert Path(folder, "home.json").is_file()
    assert sf.load_fit("~/home.json").estimates == fit.estimates
