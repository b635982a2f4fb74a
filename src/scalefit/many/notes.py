"""What a single fit says beside its verdict, as text for the table of many: nothing is lost because groups are many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.result import Fit

#: What speaks against a group that converged: words that stand in its note, and what is said of all such groups.
AGAINST: Mapping[str, str] = {
    "off the law, far more": "with rows far off the law",
    "lie apart from it": "of families that lie apart",
    "lies apart from it": "of families that lie apart",
    "intervals are unknown": "without intervals",
    "than free parameters": "with hardly more rows than free parameters",
    "intervals mean little": "with rows along runs that count as few",
    "equal others in every column": "with copied rows",
}
_NUMBER = re.compile(r"\d[\d,.]*(e[-+]?\d+)?")
_ROWS = re.compile(r"\brows? \S+(, \S+)*( and (\d+ more|\S+))?( \([^)]*\))?")


def notes_of(fit: Fit, errors: NDArray[np.float64]) -> tuple[str, ...]:
    """What printing the fit would say of its rows and intervals, and copies among its rows.

    Parameters
    ----------
    fit : Fit
    errors : (p,) standard errors of its parameters, NaN where they are not known.
    """
    return (*fit.notes, *_of_intervals(fit, errors), *_of_copies(fit))


def _of_intervals(fit: Fit, errors: NDArray[np.float64]) -> Iterator[str]:
    from scalefit.reports.content import weak_intervals

    if fit.converged:
        for said in weak_intervals(fit, errors):
            yield said.partition(";")[0]  # what to do is the same for all


def _of_copies(fit: Fit) -> Iterator[str]:
    if len(np.unique(fit.problem.target)) == fit.n_rows:  # as in most tables, and far quicker to see
        return
    copies = int(fit.data.duplicated().sum())
    if copies:
        yield (
            f"{copies} of {fit.n_rows} rows equal others in every column that is read: leave copies out, "
            "runs.drop_duplicates()"
        )


def against(note: str) -> str:
    """What is said of groups with such a note; empty where it speaks against nothing."""
    return next((said for words, said in AGAINST.items() if words in note), "")


def speaking(notes: pd.Series) -> pd.Series:
    """The notes that speak against a group, one a row, under the place of the group."""
    each = notes[notes != ""].str.split("; ").explode()
    return each[[bool(against(note)) for note in each]]


def kind_of(text: str) -> str:
    """A reason without its row numbers and values: what reasons of one kind share."""
    return _NUMBER.sub("#", _ROWS.sub("rows", text))
