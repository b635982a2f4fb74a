"""Numbers as people read them: the error says how many digits are shown."""

from __future__ import annotations

import math
import re
from decimal import Decimal

#: Plain digits between these sizes, powers of ten outside.
SMALL, LARGE = 1e-4, 1e6
#: A double holds about sixteen digits; an error far below them is that of an exact fit.
MOST_DIGITS = 12
#: A number smaller than its error keeps two digits of its own, down to this share of the error: below, it is zero.
NEGLIGIBLE = 0.01


def plus_minus(value: float, se: float) -> str:
    """A value with its standard error; two significant digits of the error set those of the value.

    An error that is not known is shown as ``?``.

    Examples
    --------
    >>> plus_minus(1.81722, 0.02480), plus_minus(2143.4, 1420.98)
    ('1.817 ± 0.025', '2100 ± 1400')
    >>> plus_minus(8.8e13, 1.2e12), plus_minus(1.7, 0.0), plus_minus(0.34731, float("nan"))
    ('(8.80 ± 0.12)e13', '1.7 ± 0', '0.34731 ± ?')
    """
    error = "?" if math.isnan(se) else number(abs(se), digits=2)
    if not math.isfinite(value) or not math.isfinite(se) or se == 0:
        return f"{number(value)} ± {error}"
    if abs(se) < abs(value) * 10.0**-MOST_DIGITS:
        return f"{number(value, digits=MOST_DIGITS)} ± {error}"
    place = _place(se)
    exponent = _shared_exponent((value, abs(se)), place)
    value_text, error_text = _rounded(value, _own_place(value, se), exponent), _rounded(abs(se), place, exponent)
    return _with_power(f"{value_text} ± {error_text}", exponent)


def between(low: float, high: float, se: float) -> str:
    """The ends of an interval, rounded as :func:`plus_minus` rounds a value with the error ``se``.

    Without a usable error the width of the interval stands in for it.

    Examples
    --------
    >>> between(1.77361, 1.85587, 0.0248), between(7.8e13, 9.4e13, 5e12)
    ('1.774 to 1.856', '(7.80 to 9.40)e13')
    >>> between(float("nan"), float("nan"), float("nan")), between(0.3, float("inf"), 0.1)
    ('unknown', '0.30 to inf')
    >>> between(7.28853e-20, 4.031e17, 4.0)
    '7.3e-20 to 4e17'
    """
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    finite = [end for end in (low, high) if math.isfinite(end)]
    width = abs(se) if math.isfinite(se) and se != 0 else (high - low) / 4
    largest = max((abs(end) for end in finite), default=0.0)
    if not math.isfinite(width) or width <= largest * 10.0**-MOST_DIGITS:
        apart = all(math.isfinite(end) for end in (low, high)) and high - low > largest / 10
        digits = 2 if apart else 6  # ends that differ in their first digits say nothing with more of them
        return f"{number(low, digits=digits)} to {number(high, digits=digits)}"
    exponent = _shared_exponent((*finite, width), _place(width))
    ends = [
        _rounded(end, _own_place(end, width), exponent) if math.isfinite(end) else number(end) for end in (low, high)
    ]
    return _with_power(" to ".join(ends), exponent)


def si(value: float) -> str:
    """A count in three digits at most, as one would type it.

    Examples
    --------
    >>> si(7e10), si(1.4e12), si(240), si(6.79560e9)
    ('7e10', '1.4e12', '240', '6.8e9')
    """
    if math.isfinite(value) and SMALL <= abs(value) < 1e4 and value == round(value):
        return f"{value:.0f}"
    return number(value, digits=3)


def number(value: float, *, digits: int = 6) -> str:
    """A number with so many significant digits at most, no zeros at the end and a short exponent.

    Examples
    --------
    >>> number(1.7), number(2143.417363), number(1e-13), number(8.8e13), number(2143.4, digits=2)
    ('1.7', '2143.42', '1e-13', '8.8e13', '2100')
    """
    if not math.isfinite(value) or value == 0:
        return f"{value:z.0f}"
    rounded = f"{value:.{digits - 1}e}"
    mantissa, _, exponent = rounded.partition("e")
    if SMALL <= abs(float(rounded)) < LARGE:
        plain = f"{float(rounded):.{max(digits - 1 - int(exponent), 0)}f}"
        return _without_zeros(plain)
    return f"{_without_zeros(mantissa)}e{int(exponent)}"


def significant(value: float, *, digits: int = 6) -> str:
    """A number with exactly so many significant digits, readable by Python.

    Examples
    --------
    >>> significant(2.0), significant(2143.417363), significant(8.8e13), significant(1234567.8)
    ('2.00000', '2143.42', '8.80000e13', '1.23457e6')
    """
    return re.sub(r"e([+-]?)0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", f"{value:#.{digits}g}").rstrip(".")


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _place(error: float) -> int:
    """The power of ten of the second significant digit of an error, after rounding to two."""
    return int(f"{abs(error):.1e}".partition("e")[2]) - 1


def _own_place(value: float, error: float) -> int:
    """Where a value with an error is rounded: with it, or later where two digits of its own would be lost."""
    if abs(value) < NEGLIGIBLE * abs(error):
        return _place(error)
    return min(_place(error), _place(value))


def _shared_exponent(values: tuple[float, ...], place: int) -> int | None:
    """The power of ten to take out of some numbers; None where all read well without."""
    size = max(abs(value) for value in values)
    exponent = int(f"{size:.{MOST_DIGITS}e}".partition("e")[2])
    if SMALL <= size < LARGE:
        return None
    return max(exponent, place)


def _rounded(value: float, place: int, exponent: int | None) -> str:
    """A value rounded at a place, in units of ``10**exponent``."""
    if exponent is None:
        return f"{round(value, -place):z.{max(-place, 0)}f}"
    # Decimal, because ten to the power of an exponent may not be a double.
    scaled = Decimal(value).scaleb(-exponent)
    return f"{scaled:z.{max(exponent - place, 0)}f}"


def _with_power(text: str, exponent: int | None) -> str:
    return text if exponent is None else f"({text})e{exponent}"
