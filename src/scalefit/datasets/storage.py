"""Where tables of public studies are on this machine, and whether a file is the one that is meant."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
from pathlib import Path

from scalefit.datasets.registry import Part, Study
from scalefit.errors import DataError

#: Names of environment variables: a folder of tidy tables, and where fetched ones are kept.
DATA, CACHE = "SCALEFIT_DATA", "SCALEFIT_CACHE"


def data_folder() -> Path | None:
    """The folder of tidy tables that the user keeps, ``SCALEFIT_DATA``; None without one."""
    said = os.environ.get(DATA, "").strip()
    return Path(said).expanduser() if said else None


def cache_folder() -> Path | None:
    """Where fetched tables are kept: ``SCALEFIT_CACHE``, else the usual place of the system, which pooch knows."""
    said = os.environ.get(CACHE, "").strip()
    if said:
        return Path(said).expanduser()
    if not has_pooch():
        return None
    import pooch  # only here: the bundled runs need nothing of it

    return Path(pooch.os_cache("scalefit"))


def has_pooch() -> bool:
    """Whether tables can be fetched at all."""
    return importlib.util.find_spec("pooch") is not None


def tidy_path(folder: Path, study: Study, part: Part) -> Path:
    """Where the tidy table of a part belongs in a folder."""
    return folder / study.name / part.file


def check_tidy(path: Path, part: Part) -> None:
    """Refuse a tidy table that is not the one this version knows.

    Raises
    ------
    DataError
        If its sha256 differs, which usually means another edition, an edited copy or converted line ends.
    """
    found = sha256_of(path)
    if found != part.sha256:
        raise DataError(
            f"{str(path)!r} is not the table {part.name!r} that this version of scalefit knows: its sha256 is "
            f"{found[:16]}…, and should be {part.sha256[:16]}…. It is another edition, or was changed (line ends, "
            f"digits). Put the right file there, or read it as it is: sf.read_runs({str(path)!r})."
        )


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hexadecimal; of a ``.gz``, that of what is inside.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    try:
        content = path.read_bytes()
        return sha256_text(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError) as error:
        raise DataError(f"{str(path)!r} cannot be read: {error}.") from error


def sha256_text(content: bytes) -> str:
    """The sha256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
