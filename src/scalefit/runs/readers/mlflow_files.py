"""The runs of an MLflow file store: a folder such as ``mlruns``.

Read without MLflow. Its client stops at the first line that a crash cut short and gives nothing of the whole store, and
it takes step 0 for values that were logged with a data set (both seen in MLflow 3.17); newer ones refuse such folders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scalefit.errors import DataError
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.mlflow_runs import Run, Store
from scalefit.runs.readers.reading import Refusal

META = "meta.yaml"
TRASH = ".trash"
#: Bytes of a description, and brackets in it; those of MLflow have a few hundred and two. YAML takes seconds for more.
META_SIZE, META_BRACKETS = 16384, 100
STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}

Wanted = Callable[[str, str], bool]


def is_file_store(folder: Path) -> bool:
    """Whether a folder holds experiments: folders with a description, but none of its own."""
    try:
        with os.scandir(folder) as entries:
            return not (folder / META).exists() and any(_is_experiment(Path(entry.path)) for entry in entries)
    except OSError:
        return False


def _is_experiment(folder: Path) -> bool:
    meta = folder / META
    if folder.is_symlink() or not meta.is_file():
        return False
    with meta.open("rb") as file:
        return b"artifact_location:" in file.read(META_SIZE)


def read_file_store(folder: Path, wanted: Wanted, progress: bool | None) -> Store:
    """Read every run that is not deleted.

    Parameters
    ----------
    folder : the store.
    wanted : whether an experiment is to be read, from its id and its name.
    progress : see :func:`scalefit.read_runs`.

    Raises
    ------
    DataError
        If PyYAML is not installed.
    """
    tqdm = pick_bar()

    _yaml(folder)
    store = Store()
    hidden = None if progress is None else not progress
    runs = [run for experiment in _folders(folder) for run in _runs(experiment, folder, wanted, store)]
    for name, run in tqdm(runs, desc=folder.name, unit="run", delay=1, leave=False, disable=hidden):
        _read_run(run, name, folder, store)
    store.deleted += sum(1 for experiment in _folders(folder / TRASH) for run in _folders(experiment) if _has_meta(run))
    return store


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, but for links."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _has_meta(folder: Path) -> bool:
    return (folder / META).is_file() and not (folder / META).is_symlink()


def _runs(experiment: Path, folder: Path, wanted: Wanted, store: Store) -> Iterator[tuple[str, Path]]:
    """Name of the experiment and folder of each of its runs."""
    if not _has_meta(experiment):
        return
    described = _described(experiment, folder, store) or {}
    name = _word(described.get("name")) or experiment.name
    if not wanted(experiment.name, name):
        return
    runs = [run for run in _folders(experiment) if _has_meta(run)]
    if described.get("lifecycle_stage") == "deleted":
        store.deleted += len(runs)
        return
    yield from ((name, run) for run in runs)


def _described(place: Path, folder: Path, store: Store) -> dict[str, Any] | None:
    """What a description says; None, and a refusal, where it cannot be read."""
    where = (place / META).relative_to(folder).as_posix()
    yaml = _yaml(folder)
    try:
        with (place / META).open("rb") as file:
            text = file.read(META_SIZE + 1)
        if len(text) > META_SIZE:
            raise ValueError(f"it has more than {META_SIZE:,} bytes")
        if text.count(b"[") > META_BRACKETS:
            raise ValueError("it is nested")
        given = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError, LookupError, ArithmeticError, TypeError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        store.refused.append(Refusal(where, f"is no description of a run or experiment: {reason}"))
        return None
    store.size += len(text)
    if not isinstance(given, dict):
        store.refused.append(Refusal(where, "is no description of a run or experiment"))
        return None
    return given


def _yaml(folder: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise DataError(f"Reading {str(folder)!r} needs PyYAML: pip install 'scalefit[mlflow]'.") from error
    return yaml


def _read_run(place: Path, experiment: str, folder: Path, store: Store) -> None:
    described = _described(place, folder, store)
    if described is None:
        return
    if "run_id" not in described and "run_uuid" not in described:
        return  # a data set, a model or a trace, which are described by files of the same name
    if described.get("lifecycle_stage") == "deleted":
        store.deleted += 1
        return
    started, status = described.get("start_time"), described.get("status")
    run = Run(
        identity=place.name,
        experiment=experiment,
        status=STATUS.get(status, "UNKNOWN") if isinstance(status, int) else _word(status) or "UNKNOWN",
        started=started if isinstance(started, int) else 0,
    )
    for kind, values in (("params", run.params), ("tags", run.tags)):
        for key, file in _files(place / kind):
            values[key] = _text(file, folder, store)
    run.name = _word(described.get("run_name")) or run.tags.get("mlflow.runName", "")
    for key, file in _files(place / "metrics"):
        _read_metric(file, key, run, folder, store)
    store.runs.append(run)


def _word(value: object) -> str:
    """A text as it is, and anything else as none: a few nested lines of YAML may stand for gigabytes of it."""
    return value if isinstance(value, str) else ""


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Key and path of each file; a slash in a key makes a folder."""
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(root, name)
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(folder).as_posix(), file


def _text(file: Path, folder: Path, store: Store) -> str:
    try:
        text = file.read_bytes()
    except OSError as error:
        store.refused.append(Refusal(file.relative_to(folder).as_posix(), f"cannot be read: {error.strerror}"))
        return ""
    store.size += len(text)
    return text.decode("utf-8", "replace")


def _read_metric(file: Path, key: str, run: Run, folder: Path, store: Store) -> None:
    """The lines of one metric: time in milliseconds, value, step, and perhaps the data set it belongs to.

    A line without its end was cut short: its numbers may lack digits. The oldest versions of MLflow wrote no step; in a
    file with steps a line without one is damaged.
    """
    place = file.relative_to(folder).as_posix()
    *lines, rest = _text(file, folder, store).split("\n")
    without_step = all(len(line.split()) == 2 for line in lines)
    for number, line in enumerate(lines, 1):
        fields = line.split()
        try:
            if len(fields) not in ((2,) if without_step else (3, 5)) or "_" in "".join(fields[:3]):
                raise ValueError
            run.add(key, 0 if without_step else int(fields[2]), int(fields[0]), float(fields[1]))
        except (ValueError, OverflowError):
            store.refused.append(Refusal(f"{place}: line {number}", f"is not 'time value step': {line[:40]!r}"))
    if rest:
        store.refused.append(Refusal(f"{place}: line {len(lines) + 1}", f"ends early: {rest[:40]!r}"))
