"""Numbers with as many digits as their error bears."""

import math

import pytest
from hypothesis import given, strategies as st

from scalefit.wording.digits import between, number, plus_minus, si, significant

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "se", "text"),
    [
        (1.81722, 0.02480, "1.817 ± 0.025"),
        (1.81722, 0.0996, "1.82 ± 0.10"),
        (477.83, 119.0, "480 ± 120"),
        (2143.4, 1421.0, "2100 ± 1400"),
        (0.3473, 0.0149, "0.347 ± 0.015"),
        (-0.3473, 0.0149, "-0.347 ± 0.015"),
        (3.0, 20.0, "3.0 ± 20"),
        (-0.001, 0.5, "0.00 ± 0.50"),
        (12345.6, 0.5, "12345.60 ± 0.50"),
        (8.8e13, 1.2e12, "(8.80 ± 0.12)e13"),
        (2.0e3, 4.0e7, "(0.0 ± 4.0)e7"),
        (9.996e12, 1e10, "(9.996 ± 0.010)e12"),
        (2.5e-7, 3.1e-8, "(2.50 ± 0.31)e-7"),
    ],
)
def test_two_digits_of_the_error_set_those_of_the_value(value, se, text):
    assert plus_minus(value, se) == text


@pytest.mark.parametrize(
    ("value", "se", "text"),
    [
        (1.7, 0.0, "1.7 ± 0"),
        (1.7, NAN, "1.7 ± ?"),
        (1.7, INF, "1.7 ± inf"),
        (NAN, 0.1, "nan ± 0.1"),
        (INF, 0.1, "inf ± 0.1"),
        (2.0, 1e-17, "2 ± 1e-17"),
        (0.0, 0.0, "0 ± 0"),
    ],
)
def test_an_error_that_says_nothing_leaves_the_value_as_it_is(value, se, text):
    assert plus_minus(value, se) == text


@pytest.mark.parametrize(
    ("low", "high", "se", "text"),
    [
        (1.77361, 1.85587, 0.0248, "1.774 to 1.856"),
        (1190.0, 5105.0, 1421.0, "1200 to 5100"),
        (-0.0001, 0.31, 0.1, "0.00 to 0.31"),
        (7.8e13, 9.4e13, 5e12, "(7.80 to 9.40)e13"),
        (1.2, INF, 0.1, "1.20 to inf"),
        (-INF, INF, 0.1, "-inf to inf"),
        (1.2, 1.6, NAN, "1.20 to 1.60"),
        (1.2, 1.6, 0.0, "1.20 to 1.60"),
        (1.7, 1.7, 0.0, "1.7 to 1.7"),
        (NAN, 1.0, 0.1, "unknown"),
    ],
)
def test_the_ends_of_an_interval_are_rounded_like_the_value(low, high, se, text):
    assert between(low, high, se) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(7e10, "7e10"), (1.4e12, "1.4e12"), (240, "240"), (9999, "9999"), (6.7956e9, "6.8e9"), (0.5, "0.5"), (NAN, "nan")],
)
def test_a_count_is_written_as_one_would_type_it(value, text):
    assert si(value) == text


@given(FLOATS, FLOATS)
def test_any_two_floats_can_be_shown(value, se):
    assert " ± " in plus_minus(value, se)


@given(FLOATS, FLOATS, FLOATS)
def test_any_interval_can_be_shown(low, high, se):
    assert between(low, high, se)


@given(st.floats(min_value=-1e300, max_value=1e300), st.floats(min_value=1e-3, max_value=0.3))
def test_what_is_shown_lies_within_a_tenth_of_the_error(value, share):
    se = abs(value) * share or 1.0
    shown = plus_minus(value, se)
    power = shown.rpartition(")e")[2] if ")e" in shown else "0"
    back, error = (float(f"{part}e{power}") for part in shown.partition(")")[0].strip("(").split(" ± "))
    assert abs(back - value) <= 0.0501 * se
    assert abs(error - se) <= 0.0501 * se


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_six_digits_can_be_read_back(value):
    for text in (number(value), significant(value)):
        assert float(text) == pytest.approx(value, rel=5.01e-6)
