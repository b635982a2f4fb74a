"""The log that Weights & Biases writes beside a run, offline or not: ``run-*.wandb``."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scalefit.errors import DataError
from scalefit.runs.notes import how_many
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.assembly import flatten
from scalefit.runs.readers.reading import FolderFormat, Format, Reading, Refusal
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.wandb_history import COUNT, History, histories_reading
from scalefit.runs.readers.wandb_log import HEADER, read_log

RUN_FOLDER = re.compile(r"(offline-)?run-\d{8}_\d{6}-.+")
LOG = re.compile(r"run-.+\.wandb")


def _recognises(source: Source) -> bool:
    return source.head.startswith(HEADER[:6])


def _read(source: Source) -> Reading:
    history, refused = _read_history(source, "")
    return histories_reading([history], refused, name=source.name, size=source.size)


def _recognises_folder(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(
                (LOG.fullmatch(entry.name) and entry.is_file()) or (RUN_FOLDER.fullmatch(entry.name) and entry.is_dir())
                for entry in entries
            )
    except OSError:
        return False


def _read_folder(folder: Path, progress: bool | None) -> Reading:
    """All runs of the folder that ``wandb`` keeps beside a script, or the one of a folder below it."""
    tqdm = pick_bar()

    files = list(_logs(folder))
    histories: list[History] = []
    refused: list[Refusal] = []
    hidden = None if progress is None else not progress
    for file in tqdm(files, desc=folder.name, unit="run", delay=1, leave=False, disable=hidden):
        place = f"{file.relative_to(folder).as_posix()}: "
        source = Source(file, progress=False)
        if not _recognises(source):
            refused.append(Refusal(place.strip(), "is no log of W&B"))
            continue
        history, damaged = _read_history(source, place)
        histories.append(history)
        refused += damaged
    size = sum(file.stat().st_size for file in files)
    return histories_reading(histories, refused, name=repr(str(folder)), size=size)


def _logs(folder: Path) -> Iterator[Path]:
    """The logs in a folder and in those of its runs; links, such as ``latest-run``, are not followed."""
    runs = (path for path in sorted(folder.iterdir()) if RUN_FOLDER.fullmatch(path.name))
    for place in (folder, *(run for run in runs if run.is_dir() and not run.is_symlink())):
        for file in sorted(place.iterdir()):
            if LOG.fullmatch(file.name) and file.is_file() and not file.is_symlink():
                yield file


def _read_history(source: Source, place: str) -> tuple[History, list[Refusal]]:
    """What one log holds."""
    if not source.head.startswith(HEADER):
        raise DataError(
            f"{source.name} is a log of W&B of an unknown version; its first bytes are {source.head[:7]!r}."
        )
    Record, DecodeError = _messages(source.name)
    reader = _Reader()
    refused: list[Refusal] = []
    with source.open() as file:
        for number, record in enumerate(read_log(file), 1):
            if isinstance(record, Refusal):
                refused.append(Refusal(place + record.where, record.why))
                continue
            try:
                reader.take(Record.FromString(record))
            except (DecodeError, ValueError, RecursionError) as error:
                why = "is no record of W&B" if isinstance(error, DecodeError) else "holds a value that is no JSON"
                refused.append(Refusal(f"{place}record {number}", why))
    return reader.finished(), refused


def _messages(name: str) -> tuple[Any, type[Exception]]:
    """The classes of wandb for what stands in a log."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from google.protobuf.message import DecodeError
            from wandb.proto.wandb_internal_pb2 import Record
    except ImportError as error:
        raise DataError(f"Reading {name} needs wandb: pip install 'scalefit[wandb]'.") from error
    return Record, DecodeError


class _Reader:
    """Takes records in their order, and makes a history of them."""

    def __init__(self) -> None:
        self._history = History()
        self._config: dict[str, object] = {}
        self._exit_code: int | None = None
        self._end_step: float | None = None
        self._measurements = 0

    def take(self, record: Any) -> None:
        """One record; raises ``ValueError`` where a value is no JSON, and then takes none of it."""
        kind = record.WhichOneof("record_type")
        if kind == "history":
            row = dict(_items(record.history.item))
            row.setdefault(COUNT, record.history.step.num)
            self._history.add_row(row)
        elif kind == "summary":
            for _, step in _items(item for item in record.summary.update if _path(item) == COUNT):
                self._end_step = step if isinstance(step, (int, float)) else self._end_step
        elif kind == "config":
            self._configure(record.config)
        elif kind == "run":
            self._configure(record.run.config)
            self._history.identity, self._history.name = record.run.run_id, record.run.display_name
        elif kind == "exit":
            self._exit_code = record.exit.exit_code
        elif kind == "stats":
            self._measurements += 1

    def _configure(self, config: Any) -> None:
        for path, value in _items(config.update):
            self._config[path] = value
        for item in config.remove:
            self._config.pop(_path(item), None)

    def finished(self) -> History:
        """The history, with what is known only at the end."""
        history = self._history
        self._config = {name: value for name, value in self._config.items() if name.split(".")[0] != "_wandb"}
        history.settings = flatten(self._config)
        history.compare_end(self._end_step)
        if self._exit_code is None:
            history.remarks.append("the run did not finish, or its log was cut: it has no record of its end")
        elif self._exit_code:
            history.remarks.append(f"the run ended with exit code {self._exit_code}")
        if self._measurements:
            history.remarks.append(f"{how_many(self._measurements, 'measurement')} of the machine left out")
        return history


def _items(items: Iterable[Any]) -> Iterator[tuple[str, object]]:
    """Dotted name and value of each item of a record."""
    for item in items:
        yield _path(item), _value(item.value_json) if item.value_json else _typed(item)


def _path(item: Any) -> str:
    nested = item.nested_key
    return (nested[0] if len(nested) == 1 else ".".join(nested)) if nested else item.key


def _value(text: str) -> object:
    """What JSON says; most of it are numbers with a point, which need no parser."""
    if "." in text:
        try:
            return float(text)
        except ValueError:
            pass
    return json.loads(text)


def _typed(item: Any) -> object:
    """The value of an item that is not written as JSON, as newer versions may do it."""
    for field, value in item.ListFields():
        if field.name == "json":
            return json.loads(value)
        if field.name in ("boolean", "integer", "number", "text"):
            return value
    return None


WANDB = Format("log of Weights & Biases", _recognises, _read)
WANDB_FOLDER = FolderFormat("folder of Weights & Biases", _recognises_folder, _read_folder)
