"""What was done to a table of runs, kept with it: one sentence a step, in ``frame.attrs``."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from scalefit.errors import listing

_KEY = "scalefit_notes"


def notes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Say what scalefit did to a table of runs: one sentence for each step, the first one first.

    Parameters
    ----------
    frame : DataFrame
        What :func:`read_runs`, :func:`smooth_loss` or another step gave. Selecting rows and columns keeps the notes;
        ``groupby`` and ``merge`` of pandas may lose them.

    Returns
    -------
    tuple of str
        Empty for a table that no step has touched.

    Examples
    --------
    >>> import scalefit as sf
    >>> notes_of(sf.read_runs({"N": [1e6], "loss": [3.0]}))
    ("params read from column 'N'",)
    """
    return tuple(str(note) for note in frame.attrs.get(_KEY, ()))


def add_note(frame: pd.DataFrame, text: str, *, after: pd.DataFrame | None = None) -> pd.DataFrame:
    """Give a table one more note, and leave the one that was passed as it is.

    Parameters
    ----------
    frame : DataFrame
        The table to be returned.
    text : str
        What was done, with counts.
    after : DataFrame, optional
        The table whose notes come first where ``frame`` was made anew from it.

    Returns
    -------
    DataFrame
        A shallow copy.

    Examples
    --------
    >>> notes_of(add_note(pd.DataFrame({"loss": [3.0]}), "3 rows left out"))
    ('3 rows left out',)
    """
    source = frame if after is None else after
    noted = frame.copy(deep=False)
    noted.attrs = {**source.attrs, _KEY: (*notes_of(source), text)}
    return noted


def sentence(parts: Iterable[str]) -> str:
    """Join what was done and what was counted; empty parts vanish."""
    return "; ".join(part for part in parts if part)


def how_many(number: int, thing: str) -> str:
    """A count with its noun: ``1 row``, ``2 rows``.

    Examples
    --------
    >>> how_many(1, "row"), how_many(0, "run")
    ('1 row', '0 runs')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def a_few(names: Iterable[object], *, shown: int = 3) -> str:
    """Name the first few and count the others.

    Examples
    --------
    >>> a_few(["a", "b"]), a_few(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    words = [str(name) for name in names]
    if len(words) <= shown:
        return listing(words)
    return f"{', '.join(words[:shown])} and {len(words) - shown} more"
