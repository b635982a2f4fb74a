"""TensorBoard's event files: every scalar of every step, and the hyperparameters."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.assembly import (
    Scalar,
    add_settings,
    check_cells,
    flatten,
    gathered_notes,
    one_below_the_other,
)
from scalefit.runs.readers.reading import FolderFormat, Format, Reading, Refusal
from scalefit.runs.readers.scalars import Scalars, Settled, renaming_note
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.tfrecord import read_records, starts_with_record

#: What stands near the start of every event file, in its first event; TFRecord files of training data do not have it.
VERSION = b"brain.Event:"
#: What the name of an event file has in it; TensorBoard itself goes by that.
IN_NAME = "tfevents"
#: What is no scalar, by the name of its field or plugin.
KINDS = {
    "histo": "histogram", "histograms": "histogram", "image": "image", "images": "image", "audio": "sound",
    "text": "text", "pr_curves": "curve of precision and recall", "scalars": "tensor that is no scalar",
}  # fmt: skip


@dataclass
class _Log:
    """What the event files of one run hold.

    Parameters
    ----------
    name : the run.
    scalars, settings : its numbers and its hyperparameters.
    others : what was no scalar, by kind.
    remarks, refused : what else should be known, and what could not be read.
    events, size : events and bytes of its files.
    """

    name: str
    scalars: Scalars = field(default_factory=Scalars)
    settings: dict[str, Scalar] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    events: int = 0
    size: int = 0


def _recognises(source: Source) -> bool:
    return starts_with_record(source.head) and VERSION in source.head[:64]


def _read(source: Source) -> Reading:
    log = _Log(source.name)
    _read_file(source, log, "")
    if not log.scalars:
        raise DataError(f"{source.name} holds no scalars: {_contents([log])}.")
    return _reading(source.name, [log])


def _recognises_folder(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(IN_NAME in entry.name and entry.is_file() for entry in entries)
    except OSError:
        return False


def _read_folder(folder: Path, progress: bool | None) -> Reading:
    """Each folder that has event files is a run, called by its path as TensorBoard does; the one given comes first."""
    tqdm = pick_bar()

    _messages(repr(str(folder)))  # a missing library is said once, not for each file
    files = list(_event_files(folder))
    total = sum(file.stat().st_size for file in files)
    logs: dict[Path, _Log] = {}
    hidden = None if progress is None else not progress
    with tqdm(total=total, unit="B", unit_scale=True, desc=folder.name, delay=1, leave=False, disable=hidden) as bar:
        for file in files:
            log = logs.setdefault(file.parent, _Log(_run_name(file.parent, folder)))
            place = f"{file.relative_to(folder).as_posix()}: "
            try:
                source = Source(file, progress=False)
                bar.update(source.size)
                if _recognises(source):
                    _read_file(source, log, place)
                elif source.size:
                    log.refused.append(Refusal(place.strip(), "is no event file"))
            except (DataError, OSError) as error:
                log.refused.append(Refusal(place.strip(), str(error).rstrip(".")))
    if not any(log.scalars for log in logs.values()):
        raise DataError(f"{str(folder)!r} holds no scalars: {_contents(list(logs.values()))}.")
    _inherit_settings(logs)
    return _reading(repr(str(folder)), list(logs.values()))


def _inherit_settings(logs: Mapping[Path, _Log]) -> None:
    """Give a run without hyperparameters those of a folder above it: Keras logs them there, the scalars below."""
    for folder, log in logs.items():
        above = next((logs[place] for place in folder.parents if place in logs and logs[place].settings), None)
        if above and not log.settings:
            log.settings = above.settings
            log.remarks.append(f"hyperparameters taken from the folder above, {above.name}")


def _event_files(folder: Path) -> Iterator[Path]:
    """Event files in the order of their names, which begin with the time; links are not followed."""
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(root, name)
            if IN_NAME in name and file.is_file() and not file.is_symlink():
                yield file


def _run_name(run: Path, folder: Path) -> str:
    return "/".join((folder.resolve().name, *run.relative_to(folder).parts))


def _read_file(source: Source, log: _Log, place: str) -> None:
    """Add the events of one file to the log of its run."""
    Event, DecodeError = _messages(source.name)
    log.size += source.size
    with source.open() as file:
        for number, record in enumerate(read_records(file), 1):
            if isinstance(record, Refusal):
                log.refused.append(Refusal(place + record.where, record.why))
                continue
            try:
                event = Event.FromString(record)
            except DecodeError:
                log.refused.append(Refusal(f"{place}record {number}", "is no event"))
                continue
            log.events += 1
            what, step, wall_time = event.WhichOneof("what"), event.step, event.wall_time
            if what == "summary":
                for value in event.summary.value:
                    _add_value(log, value, step, wall_time)
            elif what == "session_log" and event.session_log.status == event.session_log.START:
                log.scalars.restart(step)


def _messages(name: str) -> tuple[Any, type[Exception]]:
    """The classes of TensorBoard for what stands in an event file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from google.protobuf.message import DecodeError
            from tensorboard.compat.proto.event_pb2 import Event
    except ImportError as error:
        raise DataError(f"Reading {name} needs tensorboard: pip install 'scalefit[tensorboard]'.") from error
    return Event, DecodeError


def _add_value(log: _Log, value: Any, step: int, wall_time: float) -> None:
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        number: float | None = value.simple_value
    elif value.metadata.plugin_data.plugin_name == "hparams":
        _add_settings(log, value.metadata.plugin_data.content)
        return
    else:
        number = _scalar(value.tensor) if kind == "tensor" else None
    if number is None:
        log.others[_kind(kind, value.metadata.plugin_data.plugin_name)] += 1
        return
    log.scalars.add(value.tag, step, wall_time, number)


def _scalar(tensor: Any) -> float | None:
    """The number of a tensor that holds one; None for any other. Its shape is looked at before an array is made."""
    from tensorboard.util.tensor_util import make_ndarray

    if tensor.dtype == 7 or any(axis.size != 1 for axis in tensor.tensor_shape.dim):  # 7 is text
        return None
    try:
        with warnings.catch_warnings():  # of halves, tensorboard sets the type of an array in place
            warnings.simplefilter("ignore", DeprecationWarning)
            return float(make_ndarray(tensor).item())
    except (TypeError, ValueError, OverflowError):
        return None


def _add_settings(log: _Log, content: bytes) -> None:
    """Hyperparameters, as the plugin of that name keeps them."""
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    try:
        given = HParamsPluginData.FromString(content).session_start_info.hparams
    except DecodeError:
        log.others["set of hyperparameters that cannot be read"] += 1
        return
    log.settings |= flatten({name: _setting(value) for name, value in given.items()})


def _setting(value: Any) -> object:
    """One hyperparameter; whole numbers as such, since only doubles are kept: 12 layers would come as 12.0."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_setting(item) for item in value.list_value.values]
    if kind == "struct_value":
        return {name: _setting(item) for name, item in value.struct_value.fields.items()}
    plain = None if kind in (None, "null_value") else getattr(value, kind)
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _kind(kind: str | None, plugin: str) -> str:
    return KINDS.get(plugin if kind == "tensor" else kind or "", "other value")


def _contents(logs: Sequence[_Log]) -> str:
    """What was found, for an error that finds nothing to use."""
    others = sum((log.others for log in logs), Counter[str]())
    parts = [how_many(sum(log.events for log in logs), "event")]
    parts += [how_many(count, kind) for kind, count in others.items()]
    refused = [refusal for log in logs for refusal in log.refused]
    parts += [f"{refusal.where} {refusal.why}" for refusal in refused[:3]]
    return ", ".join(parts)


def _reading(name: str, logs: Sequence[_Log]) -> Reading:
    """One table of all runs; the column ``run`` only where there are several."""
    several = len(logs) > 1
    runs = [(log, log.scalars.settled()) for log in logs if log.scalars]
    columns = {column for log, settled in runs for column in (*settled.columns, *log.settings)}
    check_cells(name, sum(log.size for log in logs), sum(len(settled.steps) for _, settled in runs), len(columns) + 3)
    frames: list[pd.DataFrame] = []
    told: list[tuple[str, Sequence[str]]] = []
    logged = {column for _, settled in runs for column in settled.columns}
    for log, settled in runs:
        frame, notes = add_settings(settled.frame(), log.settings, logged=logged)
        if several:
            frame.insert(0, "run", log.name)
        frames.append(frame)
        told.append((log.name, [*log.remarks, *notes]))
    refused = tuple(refusal for log in logs for refusal in log.refused)
    said = (*_said(logs, [settled for _, settled in runs]), *gathered_notes(told))
    return Reading(one_below_the_other(frames), said, refused)


def _said(logs: Sequence[_Log], runs: Sequence[Settled]) -> Iterator[str]:
    tags = {tag for log in logs for tag in log.scalars.names}
    values = sum(len(log.scalars) for log in logs)
    yield f"{how_many(values, 'scalar')} of {how_many(len(tags), 'tag')}, one row per step"
    empty = [log.name for log in logs if not log.scalars and not log.settings]
    if empty:
        yield f"{how_many(len(empty), 'folder')} without scalars left out: {a_few(empty)}"
    again, undone = sum(run.again for run in runs), sum(run.undone for run in runs)
    if again:
        yield (
            f"{how_many(again, 'value')} left out, logged again for the same tag and step as after a restart: "
            f"the later by wall time stays"
        )
    if undone:
        yield f"{how_many(undone, 'value')} left out, as TensorBoard does: a restart began at their step or before it"
    yield from renaming_note(tags)
    others = sum((log.others for log in logs), Counter[str]())
    if others:
        yield f"left out, as they are no scalars: {', '.join(how_many(n, kind) for kind, n in others.items())}"


TENSORBOARD = Format("TensorBoard event file", _recognises, _read)
TENSORBOARD_FOLDER = FolderFormat("TensorBoard log folder", _recognises_folder, _read_folder)
