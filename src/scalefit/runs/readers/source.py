"""The bytes of one file: unpacked, never more of them than a file of its size may hold."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

from scalefit.errors import DataError
from scalefit.runs.progress import pick_bar

GZIP = b"\x1f\x8b"
#: Bytes from which a format is told.
HEAD = 65536
#: A packed file may grow this many times, or to this size: text logs pack 5 to 20 times, and a small file that unpacks
#: to gigabytes would take the memory of the machine.
GROWTH, GROWN = 100, 64 * 2**20
#: A table may have so many columns, and so many cells for each byte of its file, or so many at all.
COLUMNS, CELLS_PER_BYTE, CELLS = 10_000, 20, 10_000_000


@dataclass(frozen=True)
class Source:
    """One file to read.

    Parameters
    ----------
    path : where it is; it exists and is a file.
    progress : whether a bar shows how far it is read; None: where somebody looks at a terminal, and it takes long.
    """

    path: Path
    progress: bool | None = None

    @property
    def name(self) -> str:
        """The path as errors show it."""
        return repr(str(self.path))

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    @cached_property
    def packed(self) -> bool:
        """Whether it is packed with gzip."""
        with self.path.open("rb") as file:
            return file.read(len(GZIP)) == GZIP

    @cached_property
    def head(self) -> bytes:
        """The first bytes, unpacked; fewer where the file is damaged."""
        with self.path.open("rb") as file:
            if not self.packed:
                return file.read(HEAD)
            try:
                return zlib.decompressobj(wbits=31).decompress(file.read(HEAD), HEAD)
            except zlib.error:
                return b""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes, to be read from the start; a bar counts the bytes on disk.

        Raises
        ------
        DataError
            If the file cannot be read, or unpacks to far more than a log would.
        """
        tqdm = pick_bar()

        hidden = None if self.progress is None else not self.progress
        try:
            with (
                self.path.open("rb") as file,
                tqdm(total=self.size, unit="B", unit_scale=True, desc=self.path.name, delay=1, leave=False,
                     disable=hidden) as bar,
            ):  # fmt: skip
                counted = _Counted(file, bar.update)
                if not self.packed:
                    yield cast(BinaryIO, io.BufferedReader(counted, HEAD))
                    return
                with gzip.GzipFile(fileobj=io.BufferedReader(counted, HEAD)) as unpacked:
                    yield cast(BinaryIO, io.BufferedReader(_Limited(unpacked, self.most_bytes, self.name), HEAD))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.name} cannot be read: {reason_of(error)}.") from error

    @property
    def most_bytes(self) -> int:
        """How large its content may be, unpacked."""
        return max(GROWTH * self.size, GROWN)

    def check_cells(self, rows: int, columns: int) -> None:
        """Refuse a table that is far larger than its file, before it is made.

        Raises
        ------
        DataError
            If there are too many columns, or too many cells for a file of this size.
        """
        if columns > COLUMNS:
            raise DataError(f"{self.name} has {columns:,} columns; a table of runs has at most {COLUMNS:,}.")
        if rows * columns > max(CELLS, CELLS_PER_BYTE * self.size):
            why = (
                f"from {self.size:,} packed bytes, as no log does. Unpack it by hand to read it."
                if self.packed
                else "nearly all of it empty; most rows name columns of their own. Write one column per quantity."
            )
            raise DataError(f"{self.name} makes a table of {rows:,} rows and {columns:,} columns, {why}")


def reason_of(error: BaseException) -> str:
    """What an error of another library says: its first line, without a full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")


class _Counted(io.RawIOBase):
    """A file that tells how many bytes were read."""

    def __init__(self, file: BinaryIO, told: object) -> None:
        self._file, self._told = file, told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._told(len(data))  # type: ignore[operator]
        return len(data)


class _Limited(io.RawIOBase):
    """A file that refuses to go on beyond so many bytes."""

    def __init__(self, file: gzip.GzipFile, most: int, name: str) -> None:
        self._file, self._left, self._name = file, most, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._name} unpacks to more than {GROWTH} times its size, as no log does. "
                f"Unpack it by hand to read it."
            )
        buffer[: len(data)] = data
        return len(data)
