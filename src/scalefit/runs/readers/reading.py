"""What a reader gives back: the table, and every row that did not make it into the table."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from scalefit.errors import DataWarning
from scalefit.runs.readers.source import Source

#: Refused rows that are spelt out; the others are counted.
SHOWN = 3


@dataclass(frozen=True)
class Refusal:
    """One row, line or record that was left out.

    Parameters
    ----------
    where : where it stands, such as ``"line 7"``.
    why : what is wrong with it, in a few words without a full stop.
    """

    where: str
    why: str


@dataclass(frozen=True, eq=False)
class Reading:
    """A table that was read, and what was done on the way.

    Parameters
    ----------
    frame : one row per run or checkpoint, columns as the file names them or under their known names.
    notes : sentences without full stop: what was recognised, merged, renamed.
    refused : what was left out, in the order of the file.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = field(default=())


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Parameters
    ----------
    name : how people call it, such as ``"JSON lines"``.
    recognises : whether a file is of this kind, from its first bytes; quick, and never raises.
    read : the table of a file of this kind; raises ``DataError`` or ``ColumnError`` and nothing else.
    """

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], Reading]


@dataclass(frozen=True)
class FolderFormat:
    """One kind of folder that is a single thing, such as the store of a tracker; it is read whole, not file by file.

    Parameters
    ----------
    name : how people call it, such as ``"TensorBoard log folder"``.
    recognises : whether a folder is itself of this kind, from the names that stand in it; quick, and never raises.
        One that only has such a folder somewhere below is not: it is walked, and each of them found.
    read : the table of such a folder; the second argument is ``progress`` of :func:`scalefit.read_runs`. Raises
        ``DataError`` or ``ColumnError`` and nothing else. Links that lead out of the folder are not followed.
    """

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, bool | None], Reading]


def refusals_text(refused: tuple[Refusal, ...], kept: int) -> str:
    """How many rows were kept and left out, and why the first were.

    Examples
    --------
    >>> refusals_text((Refusal("line 7", "ends early"),), kept=40)
    '40 rows kept, 1 refused: line 7 ends early'
    """
    shown = "; ".join(f"{refusal.where} {refusal.why}" for refusal in refused[:SHOWN])
    more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    return f"{kept} row{'' if kept == 1 else 's'} kept, {len(refused)} refused: {shown}{more}"


def warn_of_refusals(name: str, reading: Reading, stacklevel: int) -> None:
    """Say once that rows of a file were left out."""
    if reading.refused:
        told = refusals_text(reading.refused, len(reading.frame))
        warnings.warn(f"{name}: {told}.", DataWarning, stacklevel=stacklevel)
