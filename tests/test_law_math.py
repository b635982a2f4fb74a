"""Functions for authors of laws: values, and derivatives by complex step against references in 40 digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from scalefit import law_math

STEP = 1e-25
POINTS = np.array([-800.0, -30.0, -2.5, -0.3, 0.3, 2.5, 30.0, 800.0])


def slope(function, x: float) -> float:
    """The derivative by complex step, as a fit takes it."""
    return float(np.imag(function(x + 1j * STEP)) / STEP)


def exact_slope(function, x: float) -> float:
    with mpmath.workdps(60):
        return float(mpmath.diff(function, mpmath.mpf(x)))


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (2.0, 1.0), (-3.0, -4.0)])
def test_minimum_and_maximum_are_those_of_numpy(a, b):
    assert law_math.minimum(a, b) == np.minimum(a, b)
    assert law_math.maximum(a, b) == np.maximum(a, b)


def test_the_derivative_of_a_branch_is_that_of_the_side_taken():
    assert slope(lambda v: law_math.minimum(v, 5.0), 2.0) == 1.0
    assert slope(lambda v: law_math.minimum(v, 5.0), 7.0) == 0.0
    assert slope(lambda v: law_math.maximum(v, 5.0), 2.0) == 0.0
    assert slope(lambda v: law_math.maximum(v, 5.0), 7.0) == 1.0
    assert slope(law_math.positive_part, 3.0) == 1.0
    assert slope(law_math.positive_part, -3.0) == 0.0


def test_the_positive_part_of_a_negative_number_is_zero():
    np.testing.assert_array_equal(law_math.positive_part(np.array([-2.0, 0.0, 3.0])), [0.0, 0.0, 3.0])


@settings(deadline=None, derandomize=True)
@given(st.floats(-700, 700), st.floats(-700, 700))
def test_log_add_exp_is_that_of_numpy_without_overflow(a, b):
    assert float(law_math.log_add_exp(a, b)) == pytest.approx(np.logaddexp(a, b), rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("x", [-50.0, -1.0, 0.5, 40.0])
def test_the_slope_of_log_add_exp_is_exact(x):
    exact = exact_slope(lambda v: mpmath.log(mpmath.exp(v) + mpmath.exp(mpmath.mpf("0.25"))), x)
    assert slope(lambda v: law_math.log_add_exp(v, 0.25), x) == pytest.approx(exact, rel=1e-14)
    assert slope(lambda v: law_math.log_add_exp(0.25, v), x) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("x", POINTS)
def test_the_sigmoid_and_its_slope_are_exact_without_overflow(x):
    value = float(mpmath.mpf(1) / (1 + mpmath.exp(-mpmath.mpf(x))))
    assert float(law_math.sigmoid(x)) == pytest.approx(value, rel=1e-14, abs=1e-300)
    exact = exact_slope(lambda v: 1 / (1 + mpmath.exp(-v)), x)
    assert slope(law_math.sigmoid, x) == pytest.approx(exact, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("x", [1e-3, 0.5, 1.0, 2.5, 100.0, 1e8])
def test_the_logarithm_of_gamma_and_its_slope_are_exact(x):
    assert float(law_math.log_gamma(x)) == pytest.approx(float(mpmath.loggamma(x)), rel=1e-13, abs=1e-15)
    assert slope(law_math.log_gamma, x) == pytest.approx(float(mpmath.digamma(x)), rel=1e-13)


@pytest.mark.parametrize("x", [0.0, -1.5, np.array([1.0, -2.0])])
def test_the_logarithm_of_gamma_refuses_what_has_no_positive_real_part(x):
    with pytest.raises(ValueError, match="positive real part"):
        law_math.log_gamma(x)


@pytest.mark.parametrize("c", [0.2, 1.0, 7.0])
def test_a_root_is_found_and_the_derivative_passes_through_it(c):
    # x exp(x) = c: Lambert's W, whose slope is W / (c (1 + W)).
    def root(of):
        return law_math.solve_root(lambda x: x * np.exp(x) - of, 0.5, 0.0, 3.0)

    w = float(mpmath.lambertw(c).real)
    assert float(np.real(root(c))) == pytest.approx(w, rel=1e-14)
    assert slope(root, c) == pytest.approx(w / (c * (1 + w)), rel=1e-13)


def test_roots_of_many_elements_are_found_at_once_whatever_the_sign_of_the_slope():
    c = np.array([[2.0], [3.0]])
    rising = law_math.solve_root(lambda x: x**3 - c, 1.0, 0.5, 4.0)
    falling = law_math.solve_root(lambda x: c - x**3, 1.0, 0.5, 4.0)
    np.testing.assert_allclose(np.real(rising), np.cbrt(c), rtol=1e-15)
    np.testing.assert_allclose(np.real(falling), np.cbrt(c), rtol=1e-15)


def test_a_root_is_found_from_a_start_where_newton_alone_would_leave_the_bracket():
    # arctan: Newton's step from 3 lands far outside.
    found = law_math.solve_root(lambda x: np.arctan(x - 1.0), 3.0, -50.0, 80.0)
    assert float(np.real(found)) == pytest.approx(1.0, abs=1e-14)
