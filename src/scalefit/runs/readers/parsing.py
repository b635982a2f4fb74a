"""Rows into columns: what is plain goes through the parser of pandas, which is fast; the rest cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import cache, partial

import pandas as pd

from scalefit.runs.readers.cells import MISSING, Column
from scalefit.runs.readers.dialect import SPACES, fields_of
from scalefit.runs.readers.lines import Batch
from scalefit.runs.readers.precision import float_precision


def take_batch(columns: Sequence[Column], batch: Batch, delimiter: str) -> None:
    """Add some rows to the columns of a table.

    Parameters
    ----------
    columns : as many as each row has fields.
    batch : the rows.
    delimiter : what stands between the fields of a line.
    """
    if not len(batch):
        return
    parsed = _parsed(batch, delimiter, len(columns)) if batch.lines else None
    if parsed is None:
        for column, cells in zip(columns, _cells(batch, delimiter), strict=True):
            column.add(cells)
        return

    @cache
    def texts() -> list[tuple[str, ...]]:
        return _cells(batch, delimiter)

    for i, column in enumerate(columns):
        column.take(parsed[i], partial(lambda i: texts()[i], i))


def _cells(batch: Batch, delimiter: str) -> list[tuple[str, ...]]:
    return list(zip(*(batch.rows or _fields(batch, delimiter)), strict=True))


def _fields(batch: Batch, delimiter: str) -> Sequence[list[str]]:
    if batch.quoted or delimiter == SPACES:
        return fields_of(batch.lines, delimiter)
    return [line.split(delimiter) for line in batch.lines]


def _parsed(batch: Batch, delimiter: str, width: int) -> pd.DataFrame | None:
    """The columns as pandas reads them; None where it would not see the same rows."""
    if delimiter == SPACES or width == 1:
        return None
    try:
        frame = pd.read_csv(
            io.BytesIO("\n".join(batch.lines).encode()), sep=delimiter, header=None, names=list(range(width)),
            index_col=False, na_values=list(MISSING), keep_default_na=False, skipinitialspace=True, low_memory=False,
            quoting=csv.QUOTE_MINIMAL if batch.quoted else csv.QUOTE_NONE, float_precision=float_precision(),
        )  # fmt: skip
    except (ValueError, OverflowError):
        return None
    return frame if len(frame) == len(batch) else None
