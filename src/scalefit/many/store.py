"""Results in a folder of Parquet files, one a chunk: written as they come, read back, gone on with."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError, DataWarning
from scalefit.law import Law
from scalefit.many.engine import Outcome
from scalefit.many.groups import entropy_of
from scalefit.many.manifest import FORMAT, SCHEMA, Manifest, differences
from scalefit.many.rows import TOLD, columns_of
from scalefit.result import Fit

if TYPE_CHECKING:
    import pyarrow as pa

    from scalefit.many.record import ManyFits

#: Names that begin with a point or a line are passed over by readers of Parquet folders.
MANIFEST = "_manifest.json"
PLACE, DOCUMENT = "_position", "_fit"


@dataclass(frozen=True, eq=False)
class Store:
    """A folder with the results of one call.

    Parameters
    ----------
    folder : where.
    names : one row a group.
    law : Law
    entropy : what the seeds of the groups are made of.
    """

    folder: Path
    names: pd.DataFrame
    law: Law
    entropy: Sequence[int]

    def write(self, outcomes: Sequence[Outcome], rows: Mapping[int, Mapping[str, Any]]) -> None:
        """Write a chunk as one file, which is there whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        places = sorted(one.position for one in outcomes)
        if not places:
            return
        texts = {one.position: None if one.reason else one.result for one in outcomes}
        table = self.names.iloc[places].reset_index(drop=True)
        columns = {name: pa.array(table[name], type=field.type) for name, field in self._named(pa)}
        columns[PLACE] = pa.array(places, pa.int64())
        for name in columns_of(self.law.param_names):
            columns[name] = pa.array([rows[place][name] for place in places], _kind(name, pa))
        columns[DOCUMENT] = pa.array([texts[place] for place in places], pa.string())
        name = f"part-{places[0]:07d}-{places[-1]:07d}-{len(places)}.parquet"
        whole = self.folder / f".{name}.new"
        pq.write_table(pa.table(columns), whole, compression="zstd")
        _settle(whole, self.folder / name)

    def rows(self) -> dict[int, Mapping[str, Any]]:
        """What is told of the groups that are there, by position."""
        told = _told(self.folder, [PLACE, *columns_of(self.law.param_names)])
        return {int(row.pop(PLACE)): row for row in _records(told)}

    def fits(self, law: Law | str | None) -> StoredFits:
        """The fits that are there, each read when it is asked for."""
        return stored_fits(self.folder, law)

    def _named(self, pa: Any) -> Iterator[tuple[str, pa.Field]]:
        schema = pa.Schema.from_pandas(self.names, preserve_index=False)
        return ((name, schema.field(name)) for name in self.names.columns)


@dataclass(frozen=True, eq=False)
class StoredFits(Mapping[int, Fit]):
    """Position -> fit, read from its file when it is asked for; the texts of one file are held."""

    places: Mapping[int, tuple[Path, int]]
    law: Law | str | None
    held: dict[Path, list[str]] = field(default_factory=dict)

    def __getitem__(self, place: int) -> Fit:
        from scalefit.reports.json import read_fit

        path, row = self.places[place]
        if path not in self.held:
            self.held.clear()
            self.held[path] = _read(path, [DOCUMENT])[DOCUMENT].tolist()
        return read_fit(self.held[path][row], f"group {place} in {path}", self.law)

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def open_store(
    path: str | Path, told: Manifest, names: pd.DataFrame, law: Law, rng: np.random.Generator | int | None
) -> Store:
    """The folder for the results of a call: a new one, or one that the same call has begun.

    Raises
    ------
    DataError
        If it holds the results of another call, or something else.
    """
    _need_pyarrow(names)
    folder = Path(path).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    entropy = entropy_of(rng)
    if not (folder / MANIFEST).exists():
        if any(not one.name.startswith(".") for one in folder.iterdir()):
            raise DataError(f"path: {str(folder)!r} holds other files. Give a new folder.")
        text = json.dumps({**told, "entropy": entropy}, indent=1)
        whole = folder / f".{MANIFEST}.new"
        whole.write_text(text, encoding="utf-8")
        _settle(whole, folder / MANIFEST)
        return Store(folder, names, law, entropy)
    there = _manifest(folder)
    begun = there.pop("entropy")
    asked = json.loads(json.dumps(told))
    differing = differences(there, asked)
    if rng is not None and begun != entropy:
        differing.append(f"rng was {begun}, is {entropy}")
    if differing:
        raise DataError(
            f"path: {str(folder)!r} holds the results of another call: {'; '.join(differing)}. Give a new folder, or "
            "call as before to go on."
        )
    for left in folder.glob(".part-*.new"):  # of a call that was stopped while it wrote
        left.unlink()
    return Store(folder, names, law, begun)


def load_fits(path: str | Path, law: Law | str | None = None) -> ManyFits:
    """Load what :func:`scalefit.fit_many` wrote to a folder; nothing in it is run.

    Parameters
    ----------
    path : str or Path
    law : Law, name or None
        The law, where it is a Python function: see :func:`scalefit.load_fit`.

    Returns
    -------
    ManyFits
        Each fit is read from its file when it is asked for.

    Raises
    ------
    DataError
        If the folder is not there, holds something else, or a file in it is damaged.

    Warns
    -----
    DataWarning
        If the call that wrote it was interrupted: the same call goes on with it.

    Examples
    --------
    >>> import tempfile, scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fits = sf.fit_many(runs, "chinchilla", by="family", path=f"{folder}/fits")
    ...     sf.load_fits(f"{folder}/fits")["lstm"].estimates == fits["lstm"].estimates
    True
    """
    from scalefit.many.gathering import record

    folder = Path(path).expanduser()
    told = _manifest(folder)
    frame = _told(folder, None)
    fits = stored_fits(folder, law)
    if len(frame) < told["groups"]:
        warnings.warn(
            f"{str(folder)!r} holds {len(frame):,} of {told['groups']:,} groups: the call that wrote them was "
            "interrupted. The same call, with the same path, does the others.",
            DataWarning,
            stacklevel=2,
        )
    if not len(fits):
        raise DataError(f"{str(folder)!r} holds no fit: {len(frame):,} groups, and all failed.")
    found = fits[next(iter(fits))].law
    order = {place: new for new, place in enumerate(frame[PLACE])}
    moved = StoredFits({order[place]: where for place, where in fits.places.items()}, law)
    rows = dict(enumerate(_records(frame[columns_of(found.param_names)])))
    names = frame[told["by"]].reset_index(drop=True)
    return record(names, rows, moved, found, float(told["level"]), single=bool(told["single"]))


def stored_fits(folder: Path, law: Law | str | None) -> StoredFits:
    """Where in a folder each fit stands."""
    places: dict[int, tuple[Path, int]] = {}
    for part in _parts(folder):
        table = _read(part, [PLACE, "status"])
        for row, (place, status) in enumerate(zip(table[PLACE], table["status"], strict=True)):
            if status != "failed":
                places.setdefault(int(place), (part, row))
    return StoredFits(dict(sorted(places.items())), law)


def _told(folder: Path, columns: list[str] | None) -> pd.DataFrame:
    """The rows of all files, each group once, in their order; ``None`` reads all columns but the fits."""
    tables = [_read(part, columns) for part in _parts(folder)]
    if not tables:
        return pd.DataFrame({name: [] for name in columns or [PLACE]})
    whole = pd.concat(tables, ignore_index=True).drop_duplicates(PLACE).sort_values(PLACE, ignore_index=True)
    return whole.drop(columns=DOCUMENT, errors="ignore")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _read(part: Path, columns: list[str] | None) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(part)
        chosen = [name for name in file.schema_arrow.names if name != DOCUMENT] if columns is None else columns
        table: pd.DataFrame = file.read(columns=chosen).to_pandas()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{str(part)!r} is damaged: {error}. Delete it, and the call that wrote it does its groups again."
        ) from error
    return table


def _manifest(folder: Path) -> Manifest:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(folder)!r} is no folder that fit_many(path=…) wrote: {error}.") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("schema") != SCHEMA:
        raise DataError(f"{str(folder)!r} was not written by fit_many(path=…), or by a later version of it.")
    return told


def _kind(name: str, pa: Any) -> Any:
    if name in ("status", "reason", "warnings"):
        return pa.string()
    return pa.int64() if isinstance(TOLD.get(name), int) else pa.float64()


def _settle(whole: Path, to: Path) -> None:
    """Put a file that is written under its name: after a crash it is there whole, or not at all."""
    with whole.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(whole, to)


def _need_pyarrow(names: pd.DataFrame) -> None:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError("path= writes Parquet, which needs pyarrow: pip install 'scalefit[parquet]'.") from error
    try:
        pa.Schema.from_pandas(names, preserve_index=False)
    except pa.ArrowException as error:
        raise DataError(f"path: the names of groups are of several kinds, make them text: {error}.") from error
