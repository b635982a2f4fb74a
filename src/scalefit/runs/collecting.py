"""Many logs as one table: each read by itself, named by where it lies, with its settings beside it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from scalefit.errors import ColumnError, DataError, listing
from scalefit.quantities import QUANTITIES
from scalefit.runs.folders import Log, Search, path_of, search
from scalefit.runs.notes import a_few, how_many
from scalefit.runs.progress import pick_bar
from scalefit.runs.readers.assembly import add_settings, check_cells
from scalefit.runs.readers.formats import FORMATS
from scalefit.runs.readers.reading import Reading, Refusal, refusals_text
from scalefit.runs.readers.source import Source
from scalefit.runs.reading import format_of
from scalefit.runs.run_names import Pattern, distinct_runs, posix, run_names, values_of
from scalefit.runs.side_files import read_settings, side_file

#: Endings of files that are there to be read, even if nothing is known to read them.
_LOG_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass
class _Part:
    """One log that was read."""

    log: Log
    name: str
    frame: pd.DataFrame
    format: str
    notes: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


def read_many(
    source: str | Path | Sequence[str | Path], *, pattern: str | None = None, progress: bool | None = None
) -> tuple[str, Reading]:
    """Read a folder, a glob or a list of paths, one below the other in the order of their names.

    Parameters
    ----------
    source : see :func:`scalefit.runs.folders.search`; also a single file, where a pattern reads its path.
    pattern, progress : see :func:`scalefit.read_runs`.

    Returns
    -------
    tuple of str and Reading
        What was read, as a warning names it, and the table.

    Raises
    ------
    DataError
        If there is nothing to read or nothing can be read.
    """
    path_pattern = None if pattern is None else Pattern(pattern)
    found = search([source] if isinstance(source, (str, Path)) and os.path.isfile(path_of(source)) else source)
    notes = found.settle()
    refused = list(found.missing)
    parts, whole = [], 0
    for log in _tracked(found.logs, progress):
        values = _path_values(path_pattern, log, found)
        if values is None:
            refused.append(Refusal(posix(log.parts), f"does not fit pattern={pattern!r}"))
            continue
        try:
            part = _read(log, found)
        except (DataError, ColumnError, OSError) as error:
            refused.append(Refusal(posix(log.parts), _without_name(str(error), log.path)))
            continue
        if part is not None:
            whole += _size(log.path)
            parts.append(replace(part, values=values))
    if not parts:
        raise _nothing(found, refused)
    refused += [replace(one, where=f"{posix(part.log.parts)} {one.where}") for part in parts for one in part.refused]
    _name(parts)
    frame, said = _joined(parts, found, path_pattern, whole)
    counts = Counter(part.format for part in parts)
    kinds = [f"{how_many(count, 'log')} read as {kind}" for kind, count in counts.items()]
    notes = [f"{found.given}: {listing(kinds)}", *notes, *_passed(found), *found.notes(), *said]
    if refused:
        notes.append(refusals_text(tuple(refused), len(frame)))
    return found.given, Reading(frame, tuple(notes), tuple(refused))


def _tracked(logs: Sequence[Log], progress: bool | None) -> Iterable[Log]:
    tqdm = pick_bar()

    hidden = None if progress is None else not progress
    tracked: Iterable[Log] = tqdm(logs, unit="log", delay=1, leave=False, disable=True if len(logs) < 2 else hidden)
    return tracked


def _read(log: Log, found: Search) -> _Part | None:
    """One log; None where it is a file of another kind, which is counted."""
    if log.format is not None:
        reading = log.format.read(log.path, False)
        return _Part(log, "", reading.frame, log.format.name, reading.notes, reading.refused)
    source = Source(log.path, progress=False)
    wanted = log.asked or log.path.name.lower().removesuffix(".gz").endswith(_LOG_ENDINGS)
    if not wanted and not _size(log.path):
        found.passed.append(log.path.name)
        return None
    known = format_of(source)
    if known is None and not wanted:
        found.passed.append(log.path.name)
        return None
    if known is None:
        raise DataError(f"is of no known format ({listing([known.name for known in FORMATS], last='or')})")
    reading = known.read(source)
    return _Part(log, "", reading.frame, known.name, reading.notes, reading.refused)


def _name(parts: Sequence[_Part]) -> None:
    """Give each log the name of its path."""
    for part, name in zip(parts, run_names([part.log.parts for part in parts]), strict=True):
        part.name = name


def _path_values(pattern: Pattern | None, log: Log, found: Search) -> dict[str, str] | None:
    if pattern is None:
        return {}
    if log.asked:
        return pattern.values(log.path.as_posix(), tail=True)
    below, base = posix(log.parts), f"{found.base.as_posix()}/"
    return pattern.values(f"{base}{below}" if pattern.text.startswith(base) else below, tail=False)


def _joined(
    parts: Sequence[_Part], found: Search, pattern: Pattern | None, whole: int
) -> tuple[pd.DataFrame, list[str]]:
    """One table of all logs, and what was done."""
    said = [] if pattern and "run" in pattern.fields else _add_runs(parts)
    said += _add_settings(parts, found)
    said += _add_values(parts, pattern)
    said += _gathered(parts)
    names = list(dict.fromkeys(name for part in parts for name in part.frame.columns))
    rows = sum(len(part.frame) for part in parts)
    check_cells(found.given, whole, rows, len(names))
    names.sort(key=lambda name: name != "run")
    frames = [part.frame.dropna(axis=1, how="all") for part in parts]
    joined = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True, sort=False)
    return joined.reindex(columns=names).reset_index(drop=True), said


def _add_runs(parts: Sequence[_Part]) -> list[str]:
    """The column ``run``: the log's own, or the name of its path."""
    aliases = QUANTITIES["run"].aliases
    own = []
    for part in parts:
        there = [name for name in aliases if name in part.frame.columns]
        if "run" not in part.frame.columns and there:
            part.frame = part.frame.rename(columns={there[0]: "run"})
            part.notes = (*part.notes, f"run read from column {there[0]!r}")
        if "run" in part.frame.columns and part.frame["run"].notna().any():
            own.append(part)
        else:
            part.frame = part.frame.assign(run=part.name)
    shared = distinct_runs({part.name: part.frame["run"].dropna().unique() for part in own})
    for part in own:
        twice = part.frame["run"].isin(shared[part.name])
        if twice.any():
            called = (part.name + "/" + part.frame["run"].astype(str)).where(twice, part.frame["run"])
            part.frame = part.frame.assign(run=called)
            part.notes = (*part.notes, "runs named as in another log have the path of theirs before the name")
    named = len(parts) - len(own)
    return [f"{how_many(named, 'run')} named by the path of the log"] if named else []


def _add_settings(parts: Sequence[_Part], found: Search) -> list[str]:
    """Constant columns from a file next to each log."""
    read: dict[Path, dict[str, Any] | None] = {}
    faults: list[str] = []
    said: Counter[str] = Counter()
    logged = {name: None for part in parts for name in part.frame.columns}
    for part in parts:
        path = _side_file(part.log, found)
        if path is None:
            continue
        if path not in read:
            read[path] = None
            try:
                if not part.log.asked and not found.is_inside(path):
                    raise DataError("leads out of the folder given, and is not followed")
                read[path] = read_settings(path)
            except DataError as error:
                faults.append(f"{path.name} next to {posix(part.log.parts)} {_without_name(str(error), path)}")
        settings = {name: value for name, value in (read[path] or {}).items() if not _says(part.frame, name, value)}
        if settings:
            part.frame, notes = add_settings(part.frame, settings, logged=logged)
            part.notes = (*part.notes, *(note for note in notes if "constant columns" not in note))
            said[path.name] += 1
    lines = [f"settings of {how_many(count, 'log')} read from {name} next to it" for name, count in said.items()]
    return [*lines, *(f"settings not read: {fault}" for fault in faults[:3])] + (
        [f"settings not read of {len(faults) - 3} more"] if len(faults) > 3 else []
    )


def _says(frame: pd.DataFrame, name: str, value: object) -> bool:
    """Whether a column says the same in every row already."""
    return name in frame.columns and bool((frame[name] == value).all())


def _side_file(log: Log, found: Search) -> Path | None:
    folder = log.path if log.format is not None else log.path.parent
    here = side_file(folder)
    if here is None and folder.name.startswith("checkpoint-") and folder != found.base:
        return side_file(folder.parent)
    return here


def _add_values(parts: Sequence[_Part], pattern: Pattern | None) -> list[str]:
    """Columns from the paths."""
    if pattern is None:
        return []
    kept: dict[str, None] = {}
    for name in pattern.fields:
        for part, value in zip(parts, values_of(name, [part.values[name] for part in parts]), strict=True):
            if name in part.frame.columns:
                part.frame = part.frame.rename(columns={name: f"file.{name}"})
                kept[f"file.{name}"] = None
            part.frame = part.frame.assign(**{name: value})
    said = [f"{listing(pattern.fields)} read from the paths by {pattern.text!r}"]
    if kept:
        said.append(f"columns of the logs with these names are now {listing(kept)}")
    return said


def _gathered(parts: Sequence[_Part]) -> list[str]:
    """What was done to the logs, each sentence once with the number of logs."""
    times = Counter(note for part in parts for note in dict.fromkeys(part.notes))
    return [note if count == len(parts) == 1 else f"{note} ({how_many(count, 'log')})" for note, count in times.items()]


def _passed(found: Search) -> list[str]:
    names = sorted(set(found.passed))
    return [f"{how_many(len(found.passed), 'file')} of other kinds passed over: {a_few(names)}"] if names else []


def _nothing(found: Search, refused: Sequence[Refusal]) -> DataError:
    if refused:
        return DataError(f"Nothing in {found.given} can be read: {refusals_text(tuple(refused), 0)}.")
    passed = f" It has {_passed(found)[0]}." if found.passed else ""
    links = "".join(f" {note[:1].upper()}{note[1:]}." for note in found.notes())
    known = listing([known.name for known in FORMATS])
    return DataError(f"{found.given} holds no log.{passed}{links} Known are {known}.")


def _without_name(text: str, path: Path) -> str:
    return text.removeprefix(f"{str(path)!r}").strip(" :").rstrip(".")


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(Path(root, name).lstat().st_size for root, _, names in os.walk(path) for name in names)
