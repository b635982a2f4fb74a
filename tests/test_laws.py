"""Every built-in law goes through every test; its row stands in tests/cases."""

import ast
import itertools
import warnings

import mpmath
import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES, Case, derived_by
from scalefit import formula as formulas
from scalefit.law import Law
from scalefit.laws import catalogue

LAWS = [pytest.param(law, id=name) for name, law in catalogue().items()]
BY_HAND = [pytest.param(law, id=name) for name, law in catalogue().items() if law.by_hand]
CHECKS = [
    pytest.param(name, check, id=f"{name}-{check.source}") for name, case in CASES.items() for check in case.checks
]
DERIVED_CHECKS = [
    pytest.param(name, check, id=f"{name}-{check.name}-{check.source}")
    for name, case in CASES.items()
    for check in case.derived
]
every_law = pytest.mark.parametrize("law", LAWS)

EXACT_FUNCTIONS = {
    **{name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "sin", "cos", "pi")},
    "arctan": mpmath.atan,
    "minimum": min,
    "maximum": max,
    "log_add_exp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
}


def spread_of_values(law: Law, count: int = 6) -> np.ndarray:
    """Parameter vectors (count, p) from half to one and a half times the true ones."""
    true = np.array([CASES[law.name].true[name] for name in law.param_names])
    return true * np.random.default_rng(0).uniform(0.5, 1.5, (count, len(true)))


def points_of(law: Law, count: int = 7) -> tuple[np.ndarray, ...]:
    """Inputs of a few rows spread over the case's design."""
    case = CASES[law.name]
    table = case.design()
    areas = case.areas(law, table) if law.derive else {}
    columns = [areas.get(name, table.get(case.columns.get(name, name))) for name in law.inputs]
    rows = np.linspace(0, len(table) - 1, count).astype(int)
    return tuple(np.asarray(column, float)[rows] for column in columns)


def exact_slopes(law: Law, theta: np.ndarray, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
    """The Jacobian (p, n) of one parameter vector, in 40 digits, from the equation's syntax tree alone."""
    assert law.tree is not None
    equation = compile(ast.Expression(ast.fix_missing_locations(law.tree)), law.name, "eval")
    out = np.empty((len(theta), len(inputs[0])))
    with mpmath.workdps(40):
        for row in range(len(inputs[0])):
            point = {name: mpmath.mpf(float(x[row])) for name, x in zip(law.inputs, inputs, strict=True)}
            values = {name: mpmath.mpf(float(v)) for name, v in zip(law.param_names, theta, strict=True)}
            for j, name in enumerate(law.param_names):

                def along(v, name=name, known=point | values):
                    return eval(equation, EXACT_FUNCTIONS | known | {name: v})

                out[j, row] = float(mpmath.diff(along, values[name]))
    return out


def differenced_slopes(law: Law, theta: np.ndarray, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
    """The Jacobian (p, n) by central differences, extrapolated: for equations that are more than one expression."""
    out = np.empty((len(theta), len(inputs[0])))
    for j, value in enumerate(theta):
        slopes = []
        for h in np.ldexp(max(abs(value), 1e-3), [-9, -10, -11, -12]):
            moved = np.array([theta, theta])
            moved[:, j] += (h, -h)
            up, down = law.value(moved, inputs)
            slopes.append((up - down) / (moved[0, j] - moved[1, j]))
        for order in (4, 16, 64):
            slopes = [(order * fine - rough) / (order - 1) for rough, fine in itertools.pairwise(slopes)]
        out[j] = slopes[0]
    return out


def fit_quietly(law: Law, runs, **options) -> sf.Fit:
    """A fit that warns of nothing but a formula written from memory and a rate that noise lifts above 1."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* probably in percent", sf.UnitWarning)
        if law.verified == "memory":
            warnings.filterwarnings("ignore", f"{law.name}: its formula was written from memory", sf.FitWarning)
        return CASES[law.name].fit(law, runs, **options)


def test_every_law_has_a_row_of_cases_and_every_row_a_law():
    assert set(CASES) == set(catalogue())


@every_law
def test_every_law_names_its_source_and_how_it_was_checked(law):
    assert law.source
    assert law.verified in {"paper", "second source", "memory", "ours"}
    assert law.__doc__
    assert CASES[law.name].checks


@every_law
def test_every_published_vector_of_constants_is_complete(law):
    for name, published in law.published.items():
        assert set(published.values) == set(law.param_names), name
        assert published.where, name


@pytest.mark.parametrize(("name", "check"), CHECKS)
def test_every_check_value_is_reproduced(name, check):
    assert catalogue()[name](check.values, check.point)[0] == pytest.approx(check.expected, rel=check.tolerance)


@pytest.mark.parametrize(("name", "check"), DERIVED_CHECKS)
def test_every_derived_quantity_gives_its_check_value(name, check):
    quantity = catalogue()[name].derived[check.name]
    assert float(quantity(check.values, check.at)) == pytest.approx(check.expected, rel=check.tolerance)


@every_law
def test_every_derived_quantity_has_a_check_value(law):
    assert {check.name for check in CASES[law.name].derived} == set(law.derived)


@every_law
def test_the_slopes_by_complex_step_are_those_of_forty_digit_arithmetic_or_of_differences(law):
    theta, inputs = spread_of_values(law, 2), points_of(law, 4)
    value, slopes = law.complex_step(theta, inputs)
    np.testing.assert_array_equal(value, law.value(theta, inputs))
    for b in range(len(theta)):
        # A linear term's slope is a difference of two values of the law: rounding of the rest is left in it.
        slack = 1e-15 * np.max(np.abs(value)) * np.isin(np.arange(len(slopes[b])), law.linear_index)[:, None]
        if law.tree is not None:
            exact, tolerance = exact_slopes(law, theta[b], inputs), 4e-14
        else:  # differences lose three digits to the rounding of the values
            exact, tolerance = differenced_slopes(law, theta[b], inputs), 1e-9
            slack = slack + 1e-12 * np.max(np.abs(value)) / np.maximum(np.abs(theta[b]), 1e-3)[:, None]
        assert (np.abs(slopes[b] - exact) <= tolerance * np.abs(exact) + slack).all()


@pytest.mark.parametrize("law", BY_HAND)
def test_slopes_written_by_hand_are_those_of_the_complex_step_and_of_forty_digit_arithmetic(law):
    theta, inputs = spread_of_values(law), points_of(law)
    value, slopes = law.by_hand(theta, inputs)
    np.testing.assert_allclose(value, law.value(theta, inputs), rtol=1e-14)
    np.testing.assert_allclose(slopes, law.complex_step(theta, inputs)[1], rtol=1e-12, atol=1e-15)
    if law.tree is not None:
        np.testing.assert_allclose(slopes[0], exact_slopes(law, theta[0], inputs), rtol=1e-13)


@every_law
def test_the_slopes_used_in_a_fit_have_one_row_per_parameter_and_one_column_per_run(law):
    theta, inputs = spread_of_values(law, 3), points_of(law, 5)
    value, slopes = law.value_and_jacobian(theta, inputs)
    assert value.shape == (3, 5)
    assert slopes.shape == (3, len(law.params), 5)


@every_law
def test_parameters_declared_linear_are_linear_together(law):
    theta, inputs = spread_of_values(law, 1), points_of(law)
    linear = list(law.linear_index)
    parts = np.repeat(theta, 4, axis=0)
    u, v = np.random.default_rng(1).uniform(0.5, 1.5, (2, len(linear))) * theta[0, linear]
    parts[:, linear] = np.array([np.zeros_like(u), u, v, 2 * u - 3 * v])
    rest, at_u, at_v, both = law.value(parts, inputs)
    np.testing.assert_allclose(both - rest, 2 * (at_u - rest) - 3 * (at_v - rest), rtol=1e-12, atol=1e-13)


@every_law
def test_no_parameter_that_could_be_linear_is_left_out(law):
    if law.tree is None:
        pytest.skip(f"{law.name} is more than one expression: its linear parameters are declared, and tested above")
    assert len(law.linear) == len(formulas.linear_names(law.tree, law.param_names))


@every_law
@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("power", [1e-3, 2.0])
def test_values_and_slopes_are_finite_at_extremes(law, end, power):
    case = CASES[law.name]
    far = {name: case.extremes.get(name, law.domain.get(name, (1e3, 1e15)))[end] for name in law.inputs}
    theta = np.array([[extreme_value(law, name, power) for name in law.param_names]])
    inputs = tuple(np.stack([np.asarray(far[name], float)] * 2) for name in law.inputs)
    for value, slopes in (law.value_and_jacobian(theta, inputs), law.complex_step(theta, inputs)):
        assert np.isfinite(value).all()
        assert np.isfinite(slopes).all()


def extreme_value(law: Law, name: str, power: float) -> float:
    """An exponent at an extreme; a linear parameter as it may be; anything else within the case's own size."""
    true, param = CASES[law.name].true[name], law.param(name)
    if name in law.linear:
        return 1.7 if param.lower <= 1.7 <= param.upper else true
    if param.coordinate == "raw" and param.lower == 0 and param.upper > 2:
        return power
    return true


@every_law
def test_every_law_finds_its_own_parameters_again_without_a_guess(law):
    case = CASES[law.name]
    assert fit_quietly(law, case.runs(law)).estimates == pytest.approx(case.true, rel=1e-6)


@pytest.mark.slow
@every_law
def test_a_fit_that_leaves_no_residual_is_said_to_have_converged(law):
    fit = fit_quietly(law, CASES[law.name].runs(law))
    assert fit.converged, fit.verdict


@pytest.mark.slow
@every_law
def test_with_one_percent_of_noise_the_truth_lies_within_five_standard_errors(law):
    case = CASES[law.name]
    fit = fit_quietly(law, case.runs(law, noise=0.01, seed=1), objective=sf.Square())
    away = (fit.summary()["estimate"] - np.array([case.true[name] for name in law.param_names])).abs()
    assert fit.converged, fit.verdict
    assert (away < 5 * fit.summary()["se"]).all()
    assert fit.rms == pytest.approx(0.01, rel=0.5)


def test_a_law_written_from_memory_is_warned_about_when_fitted():
    law = sf.get_law("nmt_bivariate")
    with pytest.warns(sf.FitWarning, match="written from memory of Ghorbani et al. 2021"):
        CASES["nmt_bivariate"].fit(law, CASES["nmt_bivariate"].runs(law))


def test_with_the_decoder_fixed_the_bivariate_law_is_a_power_law_with_an_offset():
    encoders, decoder = np.geomspace(1e6, 1e9, 5), 3e8
    values = CASES["nmt_bivariate"].true
    whole = sf.get_law("nmt_bivariate")(values, {"params_encoder": encoders, "params_decoder": np.full(5, decoder)})
    slice_ = {"E": values["L_inf"], "A": values["alpha"] / decoder ** values["p_d"], "alpha": values["p_e"]}
    np.testing.assert_allclose(whole, sf.get_law("power_offset")(slice_, {"x": encoders}), rtol=1e-14)


def test_an_outer_exponent_of_one_is_chinchilla():
    runs = {"params": np.geomspace(1e7, 1e10, 5), "tokens": np.geomspace(1e9, 1e12, 5)}
    values = CASES["chinchilla"].true
    np.testing.assert_allclose(
        sf.get_law("chinchilla_gamma")(values | {"gamma": 1.0}, runs),
        sf.get_law("chinchilla")(values, runs),
        rtol=1e-14,
    )


def test_lr_annealing_reads_the_rates_of_a_log_as_it_reads_a_schedule():
    law, true = sf.get_law("lr_annealing"), CASES["lr_annealing"].true
    schedules = {
        "constant": sf.Schedule.constant(steps=400, peak=1e-3),
        "wsd": sf.Schedule.wsd(steps=400, peak=1e-3, decay_start=300),
    }
    runs = Case(true, lambda: log_of(schedules), checks=(), schedules=schedules).runs(law)
    from_log = sf.fit(runs, law)
    from_schedules = sf.fit(runs.drop(columns="lr"), law, schedules=schedules)
    assert from_log.estimates == pytest.approx(true, rel=1e-6)
    assert from_log.estimates == pytest.approx(from_schedules.estimates, rel=1e-9)


def log_of(schedules: dict[str, sf.Schedule]) -> pd.DataFrame:
    """Every step but the first of each schedule, with its rate."""
    parts = [
        pd.DataFrame({"run": name, "step": np.arange(1, schedule.steps + 1), "lr": schedule.rates[1:]})
        for name, schedule in schedules.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_laws_of_training_curves_say_which_inputs_follow_from_the_schedule():
    assert derived_by(sf.get_law("lr_annealing")) == ("S1", "S2")
    assert sf.get_law("lr_annealing").derive.settings == {"decay": 0.999, "warmup": "ramp"}
