"""Columns of Arrow as columns of pandas: plain numbers and text, whatever they were nested or packed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from scalefit.errors import listing
from scalefit.runs.readers.source import reason_of

#: What pandas calls the column of an index without a name.
_INDEX = "__index_level_"
#: So deep are records taken apart into columns.
_DEPTH = 8
#: What pyarrow and pandas raise for a column that is damaged or has no counterpart.
_UNCONVERTED = (pa.ArrowException, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError)
#: From here on not every whole number is a float.
_EXACT = 2**53


class ArrowColumns:
    """The columns of a table, converted one by one, so that one that cannot be costs itself only.

    Parameters
    ----------
    table : any table with distinct names.
    most_bytes : how much text a column may hold when it is unpacked.
    """

    def __init__(self, table: pa.Table, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        #: The columns, by name.
        self.series: dict[str, pd.Series[Any]] = {}
        self._apart: list[str] = []
        self._floats: list[str] = []
        self._left_out: list[str] = []
        for name in table.column_names:
            self._add(name, table.column(name).combine_chunks(), _DEPTH)

    def frame(self) -> pd.DataFrame:
        """The table, without the row numbers of pandas."""
        return pd.DataFrame(self.series, copy=False)

    def notes(self) -> list[str]:
        """What was converted or left out."""
        said = (
            ("records taken apart: ", self._apart),
            ("decimals as floats: ", self._floats),
            ("left out: ", self._left_out),
        )
        return [f"{what}{listing(names)}" for what, names in said if names]

    def _add(self, name: str, array: pa.Array, depth: int) -> None:
        if isinstance(array, pa.ChunkedArray):  # pyarrow gives it back where the chunks are too many bytes for one
            self._left_out.append(f"column {name!r} (too large)")
            return
        if types.is_struct(array.type) and depth and array.type.num_fields:
            self._apart.append(f"column {name!r}")
            for field, part in zip(array.type, array.flatten(), strict=True):
                self._add(f"{name}.{field.name}", part, depth - 1)
            return
        try:
            series = self._converted(name, array)
        except _UNCONVERTED as error:
            self._left_out.append(f"column {name!r} of type {_short(array.type)} ({reason_of(error)})")
            return
        if name.startswith(_INDEX):
            if series.dtype.kind in "iu":
                self._left_out.append("the row numbers of pandas")
                return
            name = "index"
        while name in self.series:
            name += "'"
        self.series[name] = series

    def _converted(self, name: str, array: pa.Array) -> pd.Series[Any]:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        kind = array.type
        if types.is_dictionary(kind):
            if _is_text(kind.value_type):
                return self._text(array)
            array, kind = array.dictionary_decode(), kind.value_type
        if _is_text(kind):
            return self._text(array.dictionary_encode())
        if types.is_decimal(kind):
            self._floats.append(f"column {name!r}")
            # One by one: the cast of Arrow may miss the nearest float.
            return pd.Series([np.nan if value is None else float(value) for value in array.to_pylist()])
        if types.is_null(kind):
            return pd.Series(np.full(len(array), np.nan))
        if not (types.is_primitive(kind) or types.is_boolean(kind)):
            raise ValueError("no numbers and no text")
        if types.is_integer(kind) and array.null_count and _beyond_floats(array):
            return pd.Series(array.to_pandas(types_mapper=_NULLABLE.get))
        if types.is_float16(kind):
            array = array.cast(pa.float32())
        return _series(array)

    def _text(self, array: pa.DictionaryArray) -> pd.Series[Any]:
        """Text from its distinct words, none where a cell has no value."""
        words = [np.nan if word is None else word for word in array.dictionary.to_pylist()]
        codes = np.asarray(array.indices.cast(pa.int64()).fill_null(len(words)))
        self._check_bytes(words, codes)
        return pd.Series([*words, np.nan]).take(codes).reset_index(drop=True)

    def _check_bytes(self, words: Sequence[Any], codes: np.ndarray[Any, Any]) -> None:
        sizes = [len(word) if isinstance(word, str) else 0 for word in words]
        if np.bincount(codes, minlength=len(words) + 1)[: len(words)] @ np.array(sizes, dtype=float) > self._most_bytes:
            raise ValueError("more text than a log has")


_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}


def _series(array: pa.Array) -> pd.Series[Any]:
    return pd.Series(array.to_pandas(date_as_object=False))


def _is_text(kind: pa.DataType) -> bool:
    return types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view"


def _beyond_floats(array: pa.Array) -> bool:
    ends = pc.min_max(array).as_py()
    return any(end is not None and abs(end) > _EXACT for end in ends.values())


def _short(kind: pa.DataType) -> str:
    text = str(kind.value_type if types.is_dictionary(kind) else kind)
    return text if len(text) <= 40 else f"{text[:40]}…"
