"""Fits in a folder of Parquet files: written as they come, read back, gone on with."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import DataError, DataWarning
from scalefit.law import Law
from scalefit.many.engine import Outcome
from scalefit.many.folder import (
    MANIFEST,
    PLACE,
    Folder,
    open_folder,
    parts_of,
    read_manifest,
    read_part,
    read_parts,
    records_of,
)
from scalefit.many.lock import writer_of
from scalefit.many.manifest import Manifest, differences
from scalefit.many.rows import TOLD, WORDS, columns_of
from scalefit.result import Fit

if TYPE_CHECKING:
    from scalefit.many.record import ManyFits

DOCUMENT = "_fit"
#: What the folders of one answer must share.
SHARED = ("law", "equation", "params", "by", "single", "level")


@dataclass(frozen=True, eq=False)
class Store:
    """A folder with the fits of one call."""

    folder: Folder
    law: Law

    @property
    def entropy(self) -> Sequence[int]:
        """What the seeds of the groups are made of."""
        return self.folder.entropy

    def write(self, outcomes: Sequence[Outcome], rows: Mapping[int, Mapping[str, Any]]) -> None:
        """Write a chunk as one file."""
        import pyarrow as pa

        places = sorted(one.position for one in outcomes)
        if not places:
            return
        texts = {one.position: None if one.reason else one.result for one in outcomes}
        columns = {
            name: pa.array([rows[place][name] for place in places], _kind(name, pa))
            for name in columns_of(self.law.param_names)
        }
        columns[DOCUMENT] = pa.array([texts[place] for place in places], pa.string())
        self.folder.write(places, columns)

    def rows(self) -> dict[int, Mapping[str, Any]]:
        """What is told of the groups that are there, by position."""
        told = read_parts(parts_of(self.folder.path), [PLACE, *columns_of(self.law.param_names)], DOCUMENT)
        return {int(row.pop(PLACE)): row for row in records_of(told)}

    def fits(self, law: Law | str | None) -> StoredFits:
        """The fits that are there, each read when it is asked for."""
        return StoredFits(dict(sorted(_places(parts_of(self.folder.path)).items())), law)


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
            self.held[path] = read_part(path, [DOCUMENT])[DOCUMENT].tolist()
        return read_fit(self.held[path][row], f"group {place} in {path}", self.law)

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@contextmanager
def open_store(
    path: str | Path | None, told: Manifest, names: pd.DataFrame, law: Law, rng: np.random.Generator | int | None
) -> Iterator[Store | None]:
    """The folder for the fits of a call: :func:`scalefit.many.folder.open_folder`; None where no path is given."""
    if path is None:
        yield None
        return
    with open_folder(path, told, names, rng) as folder:
        yield Store(folder, law)


def load_fits(path: str | Path | Sequence[str | Path], law: Law | str | None = None) -> ManyFits:
    """Load what :func:`scalefit.fit_many` wrote to a folder or to several; nothing in them is run.

    Parameters
    ----------
    path : str or Path, or several
        A folder, a list of folders, or a folder of such folders (the shares of an array of jobs).
    law : Law, name or None
        The law, where it is a Python function: see :func:`scalefit.load_fit`.

    Returns
    -------
    ManyFits
        Each fit is read from its file when it is asked for.

    Raises
    ------
    DataError
        If a folder is not there, holds something else, or a file in it is damaged; if folders differ in their law or
        level, or name a group twice.

    Warns
    -----
    DataWarning
        If groups are missing: the call that writes them still runs, or it was interrupted, and the same call goes on.

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

    folders = _folders(path)
    manifests = [read_manifest(folder) for folder in folders]
    _check_alike(folders, manifests)
    frames: list[pd.DataFrame] = []
    places: dict[int, tuple[Path, int]] = {}
    for folder, told in zip(folders, manifests, strict=True):
        # What another call writes meanwhile is left for the next look: one list of files for all that is read.
        parts = parts_of(folder)
        frame = read_parts(parts, None, DOCUMENT)
        before = sum(len(one) for one in frames)
        order = {place: before + new for new, place in enumerate(frame[PLACE])}
        places.update({order[place]: where for place, where in _places(parts).items()})
        if len(frame):
            frames.append(frame)
        warn_if_part(folder, len(frame), told["groups"])
    if not places:
        failed = sum(len(one) for one in frames)
        raise DataError(f"{str(path)!r} holds no fit{f': {failed:,} groups, and all failed' if failed else ' yet'}.")
    whole, told = pd.concat(frames, ignore_index=True), manifests[0]
    fits = StoredFits(dict(sorted(places.items())), law)
    found = fits[next(iter(fits))].law
    names = whole[told["by"]].reset_index(drop=True)
    _check_once(names)
    if "notes" not in whole.columns:  # as the first version wrote it
        whole["notes"] = ""
    rows = dict(enumerate(records_of(whole.fillna({"notes": ""})[columns_of(found.param_names)])))
    return record(names, rows, fits, found, float(told["level"]), single=bool(told["single"]))


def _folders(path: str | Path | Sequence[str | Path]) -> list[Path]:
    """The folders that are meant: one, several, or those in one."""
    if not isinstance(path, str | Path):
        if not len(path):
            raise DataError("path names no folder.")
        return [Path(one).expanduser() for one in path]
    folder = Path(path).expanduser()
    if (folder / MANIFEST).exists() or not folder.is_dir():
        return [folder]
    inside = [one.parent for one in folder.glob(f"*/{MANIFEST}")]
    return sorted(inside, key=lambda one: _by_numbers(one.name)) or [folder]


def _by_numbers(name: str) -> list[tuple[str, int]]:
    """A name in parts, so that 2 comes before 10."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]


def _check_alike(folders: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    """Refuse folders that cannot be one answer."""
    first, *others = [{name: told[name] for name in SHARED} for told in manifests]
    for folder, told in zip(folders[1:], others, strict=True):
        if said := differences(first, told):
            raise DataError(
                f"{str(folders[0])!r} and {str(folder)!r} hold results of different calls: {'; '.join(said)}. "
                "Load them one by one."
            )


def _check_once(names: pd.DataFrame) -> None:
    twice = names.duplicated()
    if twice.any():
        group = ", ".join(map(str, names[twice].iloc[0]))
        raise DataError(f"The group {group} is in two of the folders: load those that share none.")


def warn_if_part(folder: Path, there: int, of: int) -> None:
    """Warn where groups are missing, with whether the call that writes them still runs."""
    if there >= of:
        return
    who = writer_of(folder)
    why = (
        f"the call that writes the others still runs ({who})."
        if who
        else "the call that wrote them was interrupted. The same call, with the same path, does the others."
    )
    warnings.warn(
        f"{str(folder)!r} is not complete, it holds {there:,} of {of:,} groups: {why}", DataWarning, stacklevel=3
    )


def _places(parts: Sequence[Path]) -> dict[int, tuple[Path, int]]:
    """Where in some files each fit stands."""
    places: dict[int, tuple[Path, int]] = {}
    for part in parts:
        table = read_part(part, [PLACE, "status"])
        for row, (place, status) in enumerate(zip(table[PLACE], table["status"], strict=True)):
            if status != "failed":
                places.setdefault(int(place), (part, row))
    return places


def _kind(name: str, pa: Any) -> Any:
    if name == "status" or name in WORDS:
        return pa.string()
    return pa.int64() if isinstance(TOLD.get(name), int) else pa.float64()
