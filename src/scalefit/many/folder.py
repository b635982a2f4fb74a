"""A folder of Parquet files, one a chunk, and what it was made of: opened, gone on with, read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError
from scalefit.many.groups import entropy_of
from scalefit.many.lock import LOCK, writing
from scalefit.many.manifest import FORMAT, SCHEMAS, WRITERS, Manifest, differences

if TYPE_CHECKING:
    import pyarrow as pa

#: Names that begin with a point or a line are passed over by readers of Parquet folders.
MANIFEST = "_manifest.json"
PLACE = "_position"


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder that a call writes its results to.

    Parameters
    ----------
    path : where.
    names : one row a group.
    entropy : what the seeds of the groups are made of.
    """

    path: Path
    names: pd.DataFrame
    entropy: Sequence[int]

    def write(self, places: Sequence[int], columns: dict[str, pa.Array]) -> None:
        """Write what came of some groups as one file, which is there whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.Schema.from_pandas(self.names, preserve_index=False)
        table = self.names.iloc[list(places)].reset_index(drop=True)
        named = {name: pa.array(table[name], type=schema.field(name).type) for name in self.names.columns}
        name = f"part-{places[0]:07d}-{places[-1]:07d}-{len(places)}.parquet"
        whole = self.path / f".{name}.new"
        pq.write_table(pa.table({**named, PLACE: pa.array(places, pa.int64()), **columns}), whole, compression="zstd")
        _settle(whole, self.path / name)


@contextmanager
def open_folder(
    path: str | Path, told: Manifest, names: pd.DataFrame, rng: np.random.Generator | int | None
) -> Iterator[Folder]:
    """The folder for the results of a call: a new one, or one that the same call has begun; no other writes to it.

    Raises
    ------
    DataError
        If it holds the results of another call, or something else, or another call is writing to it.
    KeyboardInterrupt
        As it came, with how many groups are there.
    """
    _need_pyarrow(names)
    folder = Path(path).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MANIFEST).exists() and any(not one.name.startswith((".", LOCK)) for one in folder.iterdir()):
        raise DataError(f"path: {str(folder)!r} holds other files. Give a new folder.")
    if _complete(folder, told):
        yield Folder(folder, names, _begun(folder, told, rng))  # only read
        return
    with writing(folder):
        try:
            yield Folder(folder, names, _begun(folder, told, rng))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped: {_count(folder):,} of {len(names):,} groups are in {str(folder)!r}; the same call goes on "
                "with the others"
            ) from None


def _complete(folder: Path, told: Manifest) -> bool:
    """Whether nothing is left to write, so that no other call needs to be kept away."""
    return (folder / MANIFEST).exists() and _count(folder) == told["groups"]


def _count(folder: Path) -> int:
    return len({int(place) for part in parts_of(folder) for place in read_part(part, [PLACE])[PLACE]})


def _begun(folder: Path, told: Manifest, rng: np.random.Generator | int | None) -> list[int]:
    """What the seeds of a call are made of: those of the folder, where the same call has begun it."""
    entropy = entropy_of(rng)
    if not (folder / MANIFEST).exists():
        whole = folder / f".{MANIFEST}.new"
        whole.write_text(json.dumps({**told, "entropy": entropy}, indent=1), encoding="utf-8")
        _settle(whole, folder / MANIFEST)
        return entropy
    there = read_manifest(folder, told["format"])
    if there["schema"] != told["schema"]:
        raise DataError(
            f"path: {str(folder)!r} was written by an earlier version, whose table has other columns. It can be read, "
            f"with {WRITERS[told['format']][1]}; to go on with it give a new folder."
        )
    begun: list[int] = there.pop("entropy")
    differing = differences(there, json.loads(json.dumps(told)))
    if rng is not None and begun != entropy:
        differing.append(f"rng was {begun}, is {entropy}")
    if differing:
        raise DataError(
            f"path: {str(folder)!r} holds the results of another call: {'; '.join(differing)}. Give a new folder, or "
            "call as before to go on."
        )
    for left in folder.glob(".part-*.new"):  # of a call that was stopped while it wrote
        left.unlink()
    return begun


def parts_of(folder: Path) -> list[Path]:
    """The files that are there."""
    return sorted(folder.glob("part-*.parquet"))


def read_parts(parts: Sequence[Path], columns: list[str] | None, without: str) -> pd.DataFrame:
    """The rows of some files, each group once, in their order; ``None`` reads all columns but the one named last."""
    tables = [read_part(part, columns, without) for part in parts]
    if not tables:
        return pd.DataFrame({name: [] for name in columns or [PLACE]})
    return pd.concat(tables, ignore_index=True).drop_duplicates(PLACE).sort_values(PLACE, ignore_index=True)


def read_part(part: Path, columns: list[str] | None, without: str = "") -> pd.DataFrame:
    """One file.

    Raises
    ------
    DataError
        If it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(part)
        chosen = [name for name in file.schema_arrow.names if name != without] if columns is None else columns
        table: pd.DataFrame = file.read(columns=chosen).to_pandas()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{str(part)!r} is damaged: {error}. Delete it, and the call that wrote it does its groups again."
        ) from error
    return table


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping a row."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def read_manifest(folder: Path, form: str = FORMAT) -> Manifest:
    """What a folder was made of.

    Raises
    ------
    DataError
        If it was not written by the call whose form it should have, or by a later version of it.
    """
    writer = WRITERS[form][0]
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(folder)!r} is no folder that {writer}(path=…) wrote: {error}.") from error
    there = told.get("format") if isinstance(told, dict) else None
    if there != form and there in WRITERS:
        raise DataError(f"{str(folder)!r} was written by {WRITERS[there][0]}(path=…): {WRITERS[there][1]} reads it.")
    if there != form or told.get("schema") not in SCHEMAS[form]:
        raise DataError(f"{str(folder)!r} was not written by {writer}(path=…), or by a later version of it.")
    return dict(told)


def _settle(whole: Path, to: Path) -> None:
    """Put a file that is written under its name: after a crash it is there whole, or not at all."""
    with whole.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(whole, to)


def _need_pyarrow(names: pd.DataFrame) -> None:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError("path= writes Parquet, which needs pyarrow: pip install pyarrow.") from error
    try:
        pa.Schema.from_pandas(names, preserve_index=False)
    except pa.ArrowException as error:
        raise DataError(f"path: the names of groups are of several kinds, make them text: {error}.") from error
