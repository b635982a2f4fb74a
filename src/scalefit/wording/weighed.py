"""How much a doubt weighs, where more hangs on it than a sentence: most only make an answer less sure."""

from __future__ import annotations


class Barring(str):
    """A doubt with which no odds are to be acted on, since they would be of something else; it says what to do."""

    __slots__ = ()


class Slight(str):
    """A doubt of which the numbers have taken account already."""

    __slots__ = ()


def of_another(name: str, doubt: str) -> str:
    """A doubt about something else that an answer rests on, of the same weight.

    Examples
    --------
    >>> of_another("the other run", Slight("one row was left out"))
    'of the other run: one row was left out'
    """
    kind = type(doubt) if isinstance(doubt, Barring | Slight) else str
    return kind(f"of {name}: {doubt}")
