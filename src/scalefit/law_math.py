"""Functions for authors of laws where NumPy's analytic ones do not reach: branches, special functions, roots.

Each takes real or complex arrays. A branch is decided by the real part, so that the derivative by complex step is the
derivative of the branch taken (``abs`` and ``numpy.maximum`` would lose it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Real or complex values of any shape: complex while a derivative is taken.
Values = NDArray[Any]


def minimum(a: ArrayLike, b: ArrayLike) -> Values:
    """The smaller of two values, by their real parts.

    Parameters
    ----------
    a, b : real or complex arrays, or numbers, that broadcast.

    Returns
    -------
    array of the shape of both

    Examples
    --------
    >>> float(minimum(2.0, 3.0))
    2.0
    """
    a, b = np.asarray(a), np.asarray(b)
    return np.where(a.real <= b.real, a, b)


def maximum(a: ArrayLike, b: ArrayLike) -> Values:
    """The larger of two values, by their real parts.

    Parameters
    ----------
    a, b : real or complex arrays, or numbers, that broadcast.

    Returns
    -------
    array of the shape of both

    Examples
    --------
    >>> float(maximum(2.0, 3.0))
    3.0
    """
    a, b = np.asarray(a), np.asarray(b)
    return np.where(a.real > b.real, a, b)


def positive_part(a: ArrayLike) -> Values:
    """The value where its real part is positive, else zero.

    Parameters
    ----------
    a : real or complex array, or a number.

    Returns
    -------
    array of its shape

    Examples
    --------
    >>> positive_part([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    a = np.asarray(a)
    return np.where(a.real > 0, a, np.zeros_like(a))


def log_add_exp(a: ArrayLike, b: ArrayLike) -> Values:
    """The log of a sum of exponentials, ``log(exp(a) + exp(b))``, without overflow.

    Parameters
    ----------
    a, b : real or complex arrays, or numbers, that broadcast.

    Returns
    -------
    array of the shape of both

    Examples
    --------
    >>> round(float(log_add_exp(1000.0, 1000.0)), 6)
    1000.693147
    """
    large, small = maximum(a, b), minimum(a, b)  # at a tie one is a and the other b
    e = np.exp(small - large)
    rest = np.log1p(e.real)
    if np.iscomplexobj(e):  # NumPy's own complex log1p loses digits of a small imaginary part
        rest = rest + 1j * e.imag / (1 + e.real)
    return np.asarray(large + rest)


def sigmoid(a: ArrayLike) -> Values:
    """The logistic function ``1 / (1 + exp(-a))`` without overflow.

    Parameters
    ----------
    a : real or complex array, or a number.

    Returns
    -------
    array of its shape

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    """
    a = np.asarray(a)
    e = np.exp(np.where(a.real > 0, -a, a))
    return np.where(a.real > 0, 1 / (1 + e), e / (1 + e))


def log_gamma(a: ArrayLike) -> Values:
    """The logarithm of the gamma function, for values with a positive real part.

    Parameters
    ----------
    a : real or complex array, or a number with a real part above 0.

    Returns
    -------
    array of its shape

    Raises
    ------
    ValueError
        If a real part is zero or negative: the logarithm then has branches that a law cannot mean.

    Examples
    --------
    >>> round(float(log_gamma(5.0)), 6)  # log of 4!
    3.178054
    """
    from scipy.special import digamma, gammaln

    a = np.asarray(a)
    if np.any(a.real <= 0):
        raise ValueError("log_gamma takes values with a positive real part.")
    if not np.iscomplexobj(a):
        return np.asarray(gammaln(a))
    # The imaginary part is the step of a derivative: first order in it is exact to rounding.
    return np.asarray(gammaln(a.real) + 1j * digamma(a.real) * a.imag)


#: Newton doubles the digits of a root with each step: from here the two last steps reach the last digit.
NEAR_ROOT = 1e-9


def solve_root(function: Callable[[Values], Values], start: ArrayLike, low: ArrayLike, high: ArrayLike) -> Values:
    """The root of ``function`` between ``low`` and ``high``, elementwise; the derivative passes through it.

    ``function`` must be analytic and change sign once between the two. Newton steps are guarded by bisection on the
    real part; two last Newton steps carry the imaginary part of whatever the function closes over (the implicit
    function theorem).

    Parameters
    ----------
    function : callable
        Takes and returns arrays of one shape, real or complex.
    start, low, high : array-like
        First guess and bracket, broadcast to one shape; low < start < high.

    Returns
    -------
    array of the shape that all of them broadcast to

    Examples
    --------
    >>> round(float(solve_root(lambda x: x**3 - 8.0, 1.0, 0.0, 5.0)), 12)
    2.0
    """
    first = function(np.asarray(start))
    shape = np.broadcast_shapes(np.shape(start), np.shape(low), np.shape(high), np.shape(first))
    real = not np.iscomplexobj(first)
    x, lo, hi = (np.broadcast_to(np.asarray(v, float), shape).copy() for v in (start, low, high))
    rising = function(hi).real > function(lo).real
    for _ in range(200):
        f, slope = _value_and_slope(function, x, real=real)
        above = (f > 0) == rising
        hi, lo = np.where(above, x, hi), np.where(above, lo, x)
        step = np.divide(f, slope, out=np.full(shape, np.inf), where=slope != 0)
        guess = x - step
        new = np.where((guess >= lo) & (guess <= hi), guess, 0.5 * (lo + hi))
        done = np.all(np.abs(new - x) <= NEAR_ROOT * np.abs(x) + 1e-300)
        x = new
        if done:
            break
    slope = _value_and_slope(function, x, real=real)[1]
    z = x - function(x) / slope
    return np.asarray(z - function(z) / slope)


def _value_and_slope(function: Callable[[Values], Values], x: Values, *, real: bool) -> tuple[Values, Values]:
    """The value and its derivative by x alone: imaginary parts of what the function closes over are taken off."""
    h = 1e-25 * np.maximum(np.abs(x), 1e-25)
    there = function(x + 1j * h)
    bent = there.imag if real else there.imag - function(x + 0j).imag
    return np.asarray(there.real), np.asarray(bent / h)
