"""Folders, globs and lists of paths: every log in them found, in the order of their names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scalefit.errors import DataError
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.readers.mlflow_store import MLFLOW_STORE
from scalefit.runs.readers.reading import FolderFormat, Reading, Refusal
from scalefit.runs.readers.tensorboard import TENSORBOARD_FOLDER
from scalefit.runs.readers.wandb_offline import WANDB_FOLDER
from scalefit.runs.run_names import Parts
from scalefit.runs.side_files import NAMES as SIDE_FILES

#: As many files a folder may hold: beyond, somebody named a folder far too high up.
MOST_FILES = 100_000
STATE = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_MAGIC = re.compile(r"[*?\[]")
#: Files beside logs that look like tables of JSON or text, and are none.
_NO_LOGS = frozenset(
    [
        *("added_tokens.json", "generation_config.json", "model.safetensors.index.json", "preprocessor_config.json"),
        *("pytorch_model.bin.index.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"),
        *("vocab.json", "wandb-metadata.json", "merges.txt", "requirements.txt"),
    ]
)


@dataclass(frozen=True)
class Log:
    """One thing to read.

    Parameters
    ----------
    path : a file, or a folder that is one thing.
    parts : its path below the common folder, which names it.
    format : how the folder is read; None for a file.
    asked : whether it was named by itself, so that it must be a log.
    """

    path: Path
    parts: Parts
    format: FolderFormat | None = None
    asked: bool = False


@dataclass
class Search:
    """What was found, and what was passed over.

    Parameters
    ----------
    base : the common folder.
    given : what was asked for, as errors show it.
    """

    base: Path
    given: str
    logs: list[Log] = field(default_factory=list)
    missing: list[Refusal] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    hidden: int = 0
    _seen: set[Path] = field(default_factory=set)

    def notes(self) -> list[str]:
        """What was not followed and not opened."""
        said = []
        if self.outside:
            said.append(f"not followed, since they lead out of the folder given: {a_few(self.outside)}")
        if self.links:
            said.append(f"{how_many(len(self.links), 'link')} within the folder not followed: {a_few(self.links)}")
        if self.hidden:
            said.append(f"{how_many(self.hidden, 'hidden path')} not looked into")
        return said

    def is_inside(self, path: Path) -> bool:
        """Whether a path, all links followed, lies below the common folder."""
        return path.resolve().is_relative_to(self.base.resolve())

    def add(self, path: Path, *, asked: bool = False) -> None:
        """Add a file, or all that is in a folder; each thing once."""
        if path in self._seen:
            return
        self._seen.add(path)
        if path.is_dir():
            known = _known(path)
            if known is not None:
                self._take(path, known, asked)
            else:
                self._walk(path)
        elif path.name in SIDE_FILES and not asked:
            return
        elif path.name in _NO_LOGS and not asked:
            self.passed.append(path.name)
        else:
            self._take(path, None, asked)

    def _take(self, path: Path, known: FolderFormat | None, asked: bool) -> None:
        try:
            parts = path.relative_to(self.base).parts
        except ValueError:  # on another drive
            parts = path.parts[1:]
        self.logs.append(Log(path, parts or (path.resolve().name,), known, asked))
        if len(self.logs) + len(self.passed) > MOST_FILES:
            raise DataError(f"{self.given} holds more than {MOST_FILES:,} files; name a folder of logs, or a glob.")

    def _walk(self, folder: Path) -> None:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                entries = sorted(os.scandir(here), key=lambda entry: entry.name)
            except OSError as error:
                self.missing.append(Refusal(self._below(here), f"cannot be opened ({error.strerror})"))
                continue
            for entry in entries:
                path = here / entry.name
                if entry.name.startswith(".") or entry.name == "__pycache__":
                    self.hidden += 1
                elif entry.is_symlink():
                    (self.links if self.is_inside(path) else self.outside).append(self._below(path))
                elif entry.is_dir() and _known(path) is None:
                    waiting.append(path)
                elif entry.is_dir() or entry.is_file():
                    self.add(path)

    def _below(self, path: Path) -> str:
        return path.relative_to(self.base).as_posix() if path.is_relative_to(self.base) else str(path)

    def settle(self) -> list[str]:
        """Sort what was found by name, and drop what is part of something else found; what was done, as notes."""
        folders = {log.path for log in self.logs if log.format is not None}
        kept = [log for log in self.logs if log.asked or not folders.intersection(log.path.parents)]
        kept, notes = _last_checkpoints(kept)
        self.logs = sorted(kept, key=lambda log: (log.parts, log.path))
        return notes


def _known(folder: Path) -> FolderFormat | None:
    return next((known for known in FOLDER_FORMATS if known.recognises(folder)), None)


def _last_checkpoints(logs: Sequence[Log]) -> tuple[list[Log], list[str]]:
    """Of the states that a Trainer saved for one run only the last: each repeats what the one before has."""
    last: dict[Path, tuple[int, Log]] = {}
    others: list[Log] = []
    found = 0
    for log in logs:
        folder = log.path if log.format is not None else log.path.parent
        number = _CHECKPOINT.fullmatch(folder.name)
        if number is None or (log.format is None and log.path.name != STATE):
            others.append(log)
            continue
        found += 1
        run = folder.parent
        if run not in last or last[run][0] < int(number[1]):
            parts = log.parts[: len(log.parts) - (1 if log.format is not None else 2)]
            last[run] = int(number[1]), replace(log, parts=parts or (run.resolve().name,))
    if found == len(last):
        return [*others, *(log for _, log in last.values())], []
    said = (
        f"{how_many(found, 'checkpoint')} of {how_many(len(last), 'run')}: the last of each was read, which has it all"
    )
    return [*others, *(log for _, log in last.values())], [said]


def search(source: str | Path | Sequence[str | Path]) -> Search:
    """Find what there is to read.

    Parameters
    ----------
    source : a folder, a glob, or a list of files, folders and globs.

    Returns
    -------
    Search
        Sorted by name, so that it is the same on every machine.

    Raises
    ------
    DataError
        If there is no such folder, or nothing fits the glob.
    """
    if isinstance(source, (str, Path)):
        path = path_of(source)
        found = Search(path if os.path.isdir(path) else _before_magic(path), repr(str(source)))
        if os.path.isdir(path):
            found.add(path)
        else:
            _add_glob(found, path)
        return found
    paths = [Path(os.path.abspath(path_of(one))) for one in source]
    try:
        base = Path(os.path.commonpath([path if os.path.isdir(path) else _before_magic(path) for path in paths]))
    except ValueError:  # drives of Windows have nothing in common
        base = paths[0].parent
    found = Search(base, repr(str(source[0])) if len(paths) == 1 else f"the list of {len(paths)} paths")
    for path in paths:
        if os.path.exists(path):
            found.add(path, asked=path.is_file())
        elif is_glob(path):
            _add_glob(found, path)
        else:
            found.missing.append(Refusal(str(path), "does not exist"))
    return found


def path_of(source: str | Path) -> Path:
    """The path, with the home folder for ``~``."""
    return Path(os.path.expanduser(source))


def is_glob(path: Path) -> bool:
    """Whether a path that does not exist is a glob."""
    return bool(_MAGIC.search(str(path)))


def _before_magic(path: Path) -> Path:
    parts = path.parts
    plain = next((i for i, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    return Path(*parts[:plain])


def _add_glob(found: Search, path: Path) -> None:
    """Add what fits a glob, as long as no link and no ``..`` after its first wildcard leads elsewhere."""
    fitting = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
    if not fitting:
        raise DataError(f"No file fits {str(path)!r}.")
    start = len(_before_magic(path).parts)
    for one in fitting:
        below = [Path(*one.parts[:end]) for end in range(start + 1, len(one.parts) + 1)]
        linked = any(folder.is_symlink() for folder in below)
        if ".." in one.parts[start:] or (linked and not found.is_inside(one)):
            found.outside.append(str(one))
        elif linked:
            found.links.append(str(one))
        else:
            found.add(one)


def _is_trainer_folder(folder: Path) -> bool:
    return any(True for _ in _states(folder))


def _states(folder: Path) -> Iterator[Path]:
    """The states of a Trainer in its folder: its own, and those of its checkpoints, the last first."""
    if (folder / STATE).is_file():
        yield folder / STATE
    try:
        numbered = [(int(number[1]), name) for name in os.listdir(folder) if (number := _CHECKPOINT.fullmatch(name))]
    except OSError:
        return
    for _, name in sorted(numbered, reverse=True):
        if (folder / name / STATE).is_file() and not (folder / name).is_symlink():
            yield folder / name / STATE


def _read_trainer_folder(folder: Path, progress: bool | None) -> Reading:
    """The longest log of a run: the Trainer's own, or that of the last checkpoint where training went on after it."""
    from scalefit.runs.reading import read_file

    states = [state for state in _states(folder) if not state.is_symlink()]
    read: dict[Path, Reading] = {}
    damaged: list[Refusal] = []
    for state in states:
        if any((state.parent == folder) == (other.parent == folder) for other in read):
            continue
        try:
            read[state] = read_file(state, progress=progress)
        except DataError as error:
            damaged.append(Refusal(state.relative_to(folder).as_posix(), str(error).rstrip(".")))
    if not read:
        raise DataError(
            f"{str(folder)!r}: {damaged[0].why if damaged else f'{STATE} is a link, which is not followed'}."
        )
    longest = max(read, key=lambda state: read[state].frame["step"].max() if "step" in read[state].frame else -1)
    reading, notes = read[longest], read[longest].notes[1:]
    if len(states) > 1:
        name = longest.relative_to(folder).as_posix()
        notes = (f"{len(states)} logs of one run, each repeating the one before: {name} was read", *notes)
    return Reading(reading.frame, notes, (*damaged, *reading.refused))


TRAINER_FOLDER = FolderFormat("Trainer output", _is_trainer_folder, _read_trainer_folder)

#: Folders that are one thing, in the order in which they are asked.
FOLDER_FORMATS: tuple[FolderFormat, ...] = (TRAINER_FOLDER, TENSORBOARD_FOLDER, WANDB_FOLDER, MLFLOW_STORE)
