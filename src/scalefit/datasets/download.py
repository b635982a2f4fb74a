"""Tables of public studies, fetched from their homes, converted and kept."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

import pandas as pd

from scalefit.datasets.registry import Origin, Part, Study
from scalefit.datasets.storage import DATA, cache_folder, has_pooch, sha256_of, sha256_text, tidy_path
from scalefit.errors import DataError

#: Seconds without a byte after which a download is given up.
_PATIENCE = 30


def fetch_tidy(study: Study, part: Part) -> Path:
    """Fetch what a study published, unless it was fetched before, and make the tidy table from it.

    Parameters
    ----------
    study : Study
    part : Part
        With origins.

    Returns
    -------
    Path
        The tidy table, whose sha256 is that of the registry.

    Raises
    ------
    DataError
        If pooch is missing, a file cannot be fetched or kept, or is not what was expected.
    """
    folder = cache_folder()
    if folder is None or not has_pooch():
        raise DataError(
            f"{study.name} is fetched from {study.home} at first use, which needs pooch: "
            f"pip install 'scalefit[datasets]'. {_by_hand(study, part)}"
        )
    path = tidy_path(folder, study, part)
    if path.is_file() and sha256_of(path) == part.sha256:
        return path
    files = [_fetch(origin, folder / study.name / "origin" / origin.file, study, part) for origin in part.origins]
    content = _convert(files, study, part)
    _keep(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def is_kept(study: Study, part: Part) -> bool:
    """Whether the tidy table was made before."""
    folder = cache_folder()
    return folder is not None and tidy_path(folder, study, part).is_file()


def _fetch(origin: Origin, path: Path, study: Study, part: Part) -> Path:
    """The published file, from the cache or from its home."""
    if path.is_file() and origin.sha256 in (None, sha256_of_bytes(path)):
        return path
    import pooch  # only here: the bundled runs need nothing of it

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fetched = Path(folder) / path.name
            pooch.HTTPDownloader(timeout=_PATIENCE)(origin.url, str(fetched), None)
            found = sha256_of_bytes(fetched)
            if origin.sha256 not in (None, found):
                raise DataError(
                    f"{study.name}: what {origin.url} sent is not the file that was published: its sha256 is "
                    f"{found[:16]}…, and should be {str(origin.sha256)[:16]}…. It was cut off on the way, or changed "
                    f"at its home; nothing of it was kept. {_by_hand(study, part)}"
                )
            os.replace(fetched, path)
    except (OSError, ValueError) as error:  # requests raises errors of the system, urllib3 errors of values
        raise DataError(
            f"{study.name}: {origin.url} could not be fetched into {str(path.parent)!r} ({_reason(error)}). "
            f"Download it elsewhere and save it as {str(path)!r}. {_by_hand(study, part)}"
        ) from error
    return path


def _convert(files: list[Path], study: Study, part: Part) -> bytes:
    """The tidy table as the text of a CSV file; the published files are dropped if they make another one."""
    assert part.convert is not None
    homes = " and ".join(origin.url for origin in part.origins[:2])
    try:
        content = tidy_text(part.convert(*(_read(file) for file in files)))
        wrong = "" if (found := sha256_text(content)) == part.sha256 else f"its sha256 is {found[:16]}…"
    except ImportError as error:
        raise DataError(f"{study.name}: reading {homes} needs pyarrow: pip install 'scalefit[parquet]'.") from error
    except (KeyError, ValueError, TypeError, IndexError, OSError, EOFError) as error:
        content, wrong = b"", _reason(error)
    if wrong:
        for file in files:
            file.unlink(missing_ok=True)
        raise DataError(
            f"{study.name}: what {homes} holds does not make the table {part.name!r} that this version of scalefit "
            f"knows ({wrong}; it should be {part.sha256[:16]}…). It was cut off on the way, or changed at its home; "
            f"it was not kept. {_by_hand(study, part)}"
        )
    return content


def tidy_text(frame: pd.DataFrame) -> bytes:
    r"""A tidy table as it is kept: CSV in UTF-8, without index, every number in its shortest exact form.

    Examples
    --------
    >>> tidy_text(pd.DataFrame({"params": [1e9], "loss": [2.5]}))
    b'params,loss\n1000000000.0,2.5\n'
    """
    return frame.to_csv(index=False, lineterminator="\n").encode()


def sha256_of_bytes(path: Path) -> str:
    """The sha256 of a file as it is, compressed or not."""
    return sha256_text(path.read_bytes())


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _keep(path: Path, content: bytes) -> None:
    """Write a file that is never seen half written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            written = Path(folder) / path.name
            written.write_bytes(content)
            os.replace(written, path)
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be written ({_reason(error)}): set SCALEFIT_CACHE to a folder."
        ) from error


def _by_hand(study: Study, part: Part) -> str:
    return f"Or set {DATA} to a folder with the tidy table {study.name}/{part.file}, and no network is used."


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.')}" if lines else type(error).__name__
