"""Estimates with their intervals, shares and counts, as answers write them."""

from __future__ import annotations

import math

from scalefit.wording.digits import number, si

#: Digits that an interval leaves to its number, at least and at most.
FEWEST, MOST = 2, 8
#: Digits of a number whose error is not known.
UNKNOWN_ERROR = 4
#: Digits more than an interval deserves, where fewer would make its number one of its ends.
MORE = 2
#: Ends of an interval this close, as a share, are one number.
ALIKE = 1e-9


def digits_for(value: float, low: float, high: float) -> int:
    """Significant digits that an interval leaves to its number: two of a quarter of its width.

    Examples
    --------
    >>> digits_for(7.31e10, 3.1e10, 1.2e11), digits_for(2.79512, 2.7902, 2.8011)
    (2, 5)
    """
    width = (high - low) / 4
    if not (math.isfinite(width) and width > 0 and math.isfinite(value) and value != 0):
        return FEWEST if math.isinf(high) else UNKNOWN_ERROR
    digits = min(max(math.ceil(-math.log10(width / abs(value))) + 1, FEWEST), MOST)
    for more in range(MORE + 1):
        if len({number(one, digits=digits + more) for one in (value, low, high)}) == len({value, low, high}):
            return digits + more
    return digits


def with_interval(value: float, low: float, high: float, level: float, *, infinite: str = "unbounded") -> str:
    """A number with its interval; alone where every draw has the same, a dash if it is not known.

    Examples
    --------
    >>> with_interval(7.31e10, 3.1e10, 1.2e11, 0.9), with_interval(3.0, 3.0, 3.0, 0.9)
    ('7.3e10 (90 %: 3.1e10 to 1.2e11)', '3')
    >>> with_interval(2.795, float("nan"), float("nan"), 0.9), with_interval(2e9, 1e9, float("inf"), 0.9)
    ('2.795 (no interval)', '2e9 (90 %: 1e9 to unbounded)')
    """
    if math.isnan(value):
        return plain(value)
    if alike(low, high):
        return si(value)
    known = not (math.isnan(low) and math.isnan(high))
    text = plain(value, digits_for(value, low, high), infinite=infinite)
    return f"{text} ({f'{100 * level:g} %: ' * known}{ends(value, low, high, infinite=infinite)})"


def with_ends(value: float, low: float, high: float, *, infinite: str = "unbounded") -> str:
    """The same for a cell of a table, whose head or foot says the level; a dash for what is not known.

    Examples
    --------
    >>> with_ends(7.31e10, 3.1e10, 1.2e11), with_ends(3.0, 3.0, 3.0)
    ('7.3e10 (3.1e10 to 1.2e11)', '3')
    """
    if math.isnan(value):
        return plain(value)
    if alike(low, high):
        return si(value)
    text = plain(value, digits_for(value, low, high), infinite=infinite)
    return f"{text} ({ends(value, low, high, infinite=infinite)})"


def ends(value: float, low: float, high: float, *, infinite: str = "unbounded") -> str:
    """The ends of an interval, rounded as their number is.

    Examples
    --------
    >>> ends(7.31e10, 3.1e10, 1.2e11)
    '3.1e10 to 1.2e11'
    """
    if math.isnan(low) and math.isnan(high):
        return "no interval"
    digits = digits_for(value, low, high)
    return f"{plain(low, digits, infinite=infinite)} to {plain(high, digits, infinite=infinite)}"


def plain(value: float, digits: int = 3, *, infinite: str = "unbounded") -> str:
    """A number with a few digits; words for what is infinite, a dash for what is not known."""
    if math.isinf(value):
        return infinite if value > 0 else f"-{infinite}"
    return "-" if math.isnan(value) else number(value, digits=digits)


def alike(low: float, high: float) -> bool:
    """Whether every draw has the same, to rounding."""
    return low == high or (math.isfinite(low) and abs(high - low) <= ALIKE * abs(low))


def percent(share: float) -> str:
    """A share of draws: never rounded to all or none if it is neither.

    Examples
    --------
    >>> percent(0.873), percent(0.9996), percent(0.004), percent(1.0), percent(float("nan"))
    ('87 %', '99.9 %', '0.4 %', '100 %', 'an unknown share')
    """
    if math.isnan(share):
        return "an unknown share"
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.3g} %"
    return f"{100 * share:.0f} %"


def count_of(count: int, thing: str) -> str:
    """A count with its noun.

    Examples
    --------
    >>> count_of(1, "budget"), count_of(2, "budget")
    ('1 budget', '2 budgets')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
