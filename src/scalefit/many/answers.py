"""Answers of any call as tables, and a folder of them: what a file can hold of an answer without running anything."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import DataWarning
from scalefit.many.engine import Outcome
from scalefit.many.folder import PLACE, Folder, open_folder, parts_of, read_manifest, read_part, read_parts, records_of
from scalefit.many.manifest import ANSWERS, Manifest
from scalefit.wording.said import Answer

if TYPE_CHECKING:
    from scalefit.many.record import GroupAnswers

TABLE = "_table"
#: What a file says of each group beside its names and its table.
COLUMNS = ("state", "doubts", "reason", "warnings")


@dataclass(frozen=True)
class Told:
    """What is known of the answer for one group, beside the answer.

    Parameters
    ----------
    reason : why the call failed; empty where it did not.
    warned : what it warned of.
    state : "good", "doubtful" or "bad", where the answer says so of itself.
    doubts : its doubts.
    """

    reason: str = ""
    warned: tuple[str, ...] = ()
    state: str = ""
    doubts: tuple[str, ...] = ()


def told_of(outcome: Outcome) -> Told:
    """What came of one group, without the answer."""
    return Told(outcome.reason, outcome.warned, outcome.row.get("state", ""), tuple(outcome.row.get("doubts", ())))


def judgement_of(answer: Any) -> dict[str, Any]:
    """What an answer says of itself: its state and its doubts, where it has any."""
    if not isinstance(answer, Answer):
        return {}
    said = answer.said()
    doubts = said.doubts or ((said.headline,) if said.state != "good" else ())
    return {"state": said.state, "doubts": doubts if said.state != "good" else ()}


def as_table(answer: Any) -> pd.DataFrame:
    """An answer as a table: its ``.frame``, a table as it is, a mapping as one row, anything else as one ``value``."""
    table = getattr(answer, "frame", answer)
    if isinstance(table, pd.Series):
        table = table.to_dict()
    if isinstance(table, pd.DataFrame):
        named = [name for name in table.index.names if name is not None]
        return table.reset_index() if named else table.reset_index(drop=True)
    if isinstance(table, Mapping):
        return pd.DataFrame([dict(table)])
    return pd.DataFrame({"value": [table]})


def table_bytes(table: pd.DataFrame) -> bytes:
    """A table as bytes that any reader of Arrow reads; what Arrow has no type for is kept as text, and warned of."""
    import pyarrow as pa

    others = [name for name in table.columns if not _has_type(table[name])]
    if others:
        warnings.warn(
            f"of {', '.join(map(str, others))} the text is kept: a file has no type for it", DataWarning, stacklevel=2
        )
    arrow = pa.Table.from_pandas(table.assign(**{name: table[name].map(str) for name in others}), preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return bytes(sink.getvalue().to_pybytes())


def _has_type(column: pd.Series) -> bool:
    import pyarrow as pa

    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError):
        return False
    return True


def read_table(held: bytes) -> pd.DataFrame:
    """The table again."""
    import pyarrow as pa

    with pa.ipc.open_stream(held) as reader:
        table: pd.DataFrame = reader.read_all().to_pandas()
    return table


@dataclass(frozen=True, eq=False)
class AnswerStore:
    """A folder with the answers of one call."""

    folder: Folder

    @property
    def entropy(self) -> Sequence[int]:
        """What the seeds of the groups are made of."""
        return self.folder.entropy

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write a chunk as one file."""
        import pyarrow as pa

        if not outcomes:
            return
        ordered = sorted(outcomes, key=lambda one: one.position)
        told = [told_of(one) for one in ordered]
        texts, lists = pa.string(), pa.list_(pa.string())
        columns = {
            "state": pa.array([one.state for one in told], texts),
            "doubts": pa.array([list(one.doubts) for one in told], lists),
            "reason": pa.array([one.reason for one in told], texts),
            "warnings": pa.array([list(one.warned) for one in told], lists),
            TABLE: pa.array([None if one.reason else one.result for one in ordered], pa.binary()),
        }
        self.folder.write([one.position for one in ordered], columns)


@dataclass(frozen=True, eq=False)
class StoredTables(Mapping[int, pd.DataFrame]):
    """Position -> table of the answer, read when it is asked for; those of one file are held as bytes."""

    places: Mapping[int, tuple[Path, int]]
    held: dict[Path, list[bytes]] = field(default_factory=dict)

    def __getitem__(self, place: int) -> pd.DataFrame:
        path, row = self.places[place]
        if path not in self.held:
            self.held.clear()
            self.held[path] = read_part(path, [TABLE])[TABLE].tolist()
        return read_table(self.held[path][row])

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@contextmanager
def open_answers(
    path: str | Path | None, told: Manifest, names: pd.DataFrame, rng: np.random.Generator | int | None
) -> Iterator[AnswerStore | None]:
    """The folder for the answers of a call: :func:`scalefit.many.folder.open_folder`; None where no path is given."""
    if path is None:
        yield None
        return
    with open_folder(path, told, names, rng) as folder:
        yield AnswerStore(folder)


def stored(parts: Sequence[Path]) -> tuple[dict[int, Told], StoredTables]:
    """What some files tell of groups, and where the tables of those stand that were answered."""
    told: dict[int, Told] = {}
    places: dict[int, tuple[Path, int]] = {}
    for part in parts:
        for row, one in enumerate(records_of(read_part(part, [PLACE, *COLUMNS]))):
            place = int(one[PLACE])
            if place in told:
                continue
            told[place] = Told(one["reason"], tuple(one["warnings"]), one["state"], tuple(one["doubts"]))
            if not one["reason"]:
                places[place] = (part, row)
    return told, StoredTables(dict(sorted(places.items())))


def load_answers(path: str | Path) -> GroupAnswers:
    """Load what :func:`scalefit.map_groups` wrote to a folder: the table of each answer, with its state and doubts.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    GroupAnswers
        A mapping of group to the table of its answer; nothing in the folder is run, so the answers themselves, with
        their methods and pictures, do not come back.

    Raises
    ------
    DataError
        If the folder is not there, holds something else, or a file in it is damaged.

    Warns
    -----
    DataWarning
        If groups are missing: the call that writes them still runs, or it was interrupted, and the same call goes on.

    Examples
    --------
    >>> import tempfile, scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = sf.map_groups(runs, len, "family", path=f"{folder}/told")
    ...     sf.load_answers(f"{folder}/told").frame.value.tolist()
    [55, 55]
    """
    from scalefit.many.mapping import gather_answers
    from scalefit.many.store import warn_if_part

    folder = Path(path).expanduser()
    manifest = read_manifest(folder, ANSWERS)
    parts = parts_of(folder)
    told, tables = stored(parts)
    names = read_parts(parts, [PLACE, *manifest["by"]], TABLE)
    warn_if_part(folder, len(told), manifest["groups"])
    order = {int(place): new for new, place in enumerate(names[PLACE])}
    moved = StoredTables({order[place]: where for place, where in tables.places.items()})
    known = {order[place]: one for place, one in told.items()}
    return gather_answers(moved, names[manifest["by"]], known, single=bool(manifest["single"]))
