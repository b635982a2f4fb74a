"""JSON documents that hold a table: a list of records, columns, or what pandas and Weights & Biases write."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from scalefit.errors import DataError, listing
from scalefit.quantities import QUANTITIES
from scalefit.runs.readers.growing_table import GrowingTable, as_values
from scalefit.runs.readers.json_lines import with_step
from scalefit.runs.readers.json_values import (
    NAME,
    RecordError,
    as_constants,
    begins_with,
    first_of,
    is_scalar,
    kind_of,
    read_document,
    row_of,
)
from scalefit.runs.readers.lm_eval import is_results, read_results
from scalefit.runs.readers.reading import Format, Reading
from scalefit.runs.readers.source import Source
from scalefit.runs.readers.trainer_state import is_state, read_state

#: Names under which a document keeps its records, in the order in which they are looked for.
_RECORDS = ("history", "data", "records", "rows", "runs", "logs")
_EXPECTED = (
    'Expected a list of objects, such as [{"step": 1, "loss": 4.5}, …]; an object that holds one, as "data" or '
    '"history"; one list per column, such as {"step": [1, 2], "loss": [4.5, 4.1]}; or what DataFrame.to_json writes'
)
_KNOWN = frozenset(QUANTITIES) | {alias for known in QUANTITIES.values() for alias in known.aliases}
_BATCH = 4096

Records = Iterable[tuple[str, Any]]


def _recognises(source: Source) -> bool:
    return begins_with(source, b"{", b"[")


def _read(source: Source) -> Reading:
    document = read_document(source)
    try:
        if is_state(document):
            reading = read_state(source, document)
            return _said("it is the state of a Hugging Face Trainer", reading)
        if is_results(document):
            reading = read_results(source, document)
            return _said("it holds results of lm-evaluation-harness", reading)
        return _table(source, document)
    except RecordError as error:
        raise DataError(f"{source.name} cannot be read: it {error}.") from error


def _said(note: str, reading: Reading) -> Reading:
    return Reading(reading.frame, (note, *reading.notes), reading.refused)


def _table(source: Source, document: Any) -> Reading:
    if isinstance(document, list):
        return _from_records(source, _numbered(document), {}, ())
    if not isinstance(document, dict):
        raise _unknown(source, document)
    lists = [name for name, value in document.items() if isinstance(value, list)]
    if set(document) >= {"columns", "data"} and len(lists) == len(document):
        return _from_split(source, document)
    of_records = [name for name in lists if _holds_objects(document[name])]
    if of_records:
        return _from_wrapped(source, document, of_records)
    if lists:
        return _from_columns(source, document, lists)
    if document and all(isinstance(value, dict) for value in document.values()):
        return _from_nested(source, document)
    if document and not all(isinstance(value, dict) for value in document.values()):
        return _from_records(source, [("the object", document)], {}, ("one object read as one row",))
    raise _unknown(source, document)


def _numbered(records: list[Any]) -> Records:
    return ((f"record {number}", record) for number, record in enumerate(records, start=1))


def _from_records(source: Source, records: Records, constants: dict[str, Any], notes: Iterable[str]) -> Reading:
    """Rows of objects, with the settings of the run beside them."""
    table, rows = GrowingTable(source), []
    names: set[str] = set()
    for where, record in records:
        try:
            rows.append(row_of(record))
            names.update(rows[-1])
        except RecordError as error:
            table.refuse(where, str(error))
        if len(rows) == _BATCH:
            table.add_rows(rows)
            rows = []
    table.add_rows(rows)
    return _done(source, table, as_constants(constants, names), notes)


def _done(source: Source, table: GrowingTable, constants: dict[str, Any], notes: Iterable[str]) -> Reading:
    if not table.rows:
        raise DataError(f"{source.name} holds no record that can be used.{first_of(table.refused)} {_EXPECTED}.")
    table.add_constants(constants)
    frame, of_steps = with_step(table.frame())
    return Reading(frame, (*notes, *table.notes, *of_steps), tuple(table.refused))


def _from_wrapped(source: Source, document: dict[str, Any], of_records: list[str]) -> Reading:
    """Records under a name, beside settings; or several lists of them, each a run."""
    settings = {name: value for name, value in document.items() if name not in of_records}
    known = [name for name in _RECORDS if name in of_records]
    if len(of_records) > 1 and not known:
        if settings:
            raise _unknown(source, document)
        return _from_runs(source, document)
    taken = known[0] if known else of_records[0]
    notes = [f"the records under {taken!r}"]
    left = [name for name in of_records if name != taken]
    if "schema" in settings and isinstance(settings["schema"], dict) and "fields" in settings["schema"]:
        left.append("schema")  # of a table as pandas writes it
    if left:
        notes.append(f"left out: {listing(map(repr, left))}")
    settings = {name: value for name, value in settings.items() if name not in left}
    config = settings.pop("config", None)
    if isinstance(config, dict):
        settings = {**{name: _plain(value) for name, value in config.items()}, **settings}
    elif config is not None:
        settings["config"] = config
    if "run" not in settings:
        name = next((name for name in ("name", "display_name", "id") if isinstance(settings.get(name), str)), None)
        if name is not None and taken == "history":
            settings["run"] = settings.pop(name)
            notes.append(f"run read from {name!r}")
    return _from_records(source, _numbered(document[taken]), settings, notes)


def _plain(value: Any) -> Any:
    """A setting without the wrapper {"value": …, "desc": …} that Weights & Biases puts around it."""
    if isinstance(value, dict) and "value" in value and set(value) <= {"value", "desc"}:
        return value["value"]
    return value


def _from_runs(source: Source, document: dict[str, list[Any]]) -> Reading:
    records = (
        (f"record {number} of {run[:40]!r}", {"run": run, **record} if isinstance(record, dict) else record)
        for run, entries in document.items()
        for number, record in enumerate(entries, start=1)
    )
    return _from_records(source, records, {}, (f"{len(document)} runs, one list of records each",))


def _from_split(source: Source, document: dict[str, Any]) -> Reading:
    """Names of columns and rows of values; an index that merely counts is dropped."""
    parts = [name if isinstance(name, list) else [name] for name in document["columns"]]
    if not all(is_scalar(part) for name in parts for part in name):
        raise DataError(f"{source.name} has names of columns that are no text.")
    names = [".".join(map(str, name)) for name in parts]
    if len(set(names)) < len(names):
        raise DataError(f"{source.name} names a column twice; rename or drop all but one.")
    index = document.get("index", [])
    keep = bool(index) and len(index) == len(document["data"]) and list(index) != list(range(len(index)))
    if keep and "index" not in names and all(map(is_scalar, index)):
        names = ["index", *names]
        data = [[label, *_row(row)] for label, row in zip(index, document["data"], strict=True)]
    else:
        data = document["data"]
    records = ((f"record {number}", _zipped(names, row)) for number, row in enumerate(data, start=1))
    return _from_records(source, records, {}, ("columns and rows apart, as orient='split' writes them",))


def _row(row: Any) -> list[Any]:
    return row if isinstance(row, list) else [row]


def _zipped(names: list[str], row: Any) -> Any:
    """A row with its names; one of another length is left as it is, to be refused."""
    return dict(zip(names, row, strict=True)) if isinstance(row, list) and len(row) == len(names) else row


def _from_columns(source: Source, document: dict[str, Any], lists: list[str]) -> Reading:
    lengths = {name: len(document[name]) for name in lists}
    if len(set(lengths.values())) > 1:
        told = listing(f"{name[:40]!r} has {length}" for name, length in list(lengths.items())[:5])
        raise DataError(f"{source.name}: its columns are not equally long: {told}. {_EXPECTED}.")
    constants = {name: value for name, value in document.items() if name not in lengths}
    notes = ("one list per column",)
    if all(is_scalar(value) for name in lists for value in document[name]) and max(map(len, lists)) <= NAME:
        table = GrowingTable(source)
        table.reserve(lengths[lists[0]], lists)
        for name in lists:
            table.fill_column(slice(0, table.rows), name, as_values(document[name]))
        return _done(source, table, as_constants(constants, lists), notes)
    rows = zip(*(document[name] for name in lists), strict=True)
    records = ((f"row {number}", dict(zip(lists, row, strict=True))) for number, row in enumerate(rows, start=1))
    return _from_records(source, records, constants, notes)


def _from_nested(source: Source, document: dict[str, dict[str, Any]]) -> Reading:
    """Objects of objects: which of the two levels are the columns is told from their names."""
    inner = list(dict.fromkeys(chain.from_iterable(document.values())))
    if not inner or not all(is_scalar(value) for values in document.values() for value in values.values()):
        return _from_records(source, [("the object", document)], {}, ("one object read as one row",))
    if _are_columns(list(document), inner):
        labels, notes, names = inner, ["one object per column"], list(document)
        rows: Iterable[dict[str, Any]] = (
            {name: values[label] for name, values in document.items() if label in values} for label in inner
        )
    elif _are_columns(inner, list(document)):
        labels, notes, names = list(document), ["one object per row"], inner
        rows = document.values()
    else:
        raise DataError(
            f"{source.name} holds {kind_of(document)}, each an object with {listing(map(repr, inner[:3]))}: "
            f"which of the two are the columns cannot be told. {_EXPECTED}."
        )
    source.check_cells(len(labels), len(names))
    if "run" not in names and not all(label.isdecimal() for label in labels):
        notes.append("run read from the labels of the rows")
        rows = ({"run": label, **row} for label, row in zip(labels, rows, strict=True))
    return _from_records(source, zip((f"row {label[:40]!r}" for label in labels), rows, strict=True), {}, notes)


def _are_columns(names: list[str], others: list[str]) -> bool:
    """Whether these are the names of columns, and the others those of rows."""
    if any(name in _KNOWN for name in names) != any(name in _KNOWN for name in others):
        return any(name in _KNOWN for name in names)
    return all(name.isdecimal() for name in others) and not all(name.isdecimal() for name in names)


def _holds_objects(values: list[Any]) -> bool:
    """Whether most of a list are objects."""
    return 2 * sum(isinstance(value, dict) for value in values) > len(values)


def _unknown(source: Source, document: Any) -> DataError:
    found = kind_of(document)
    if document and isinstance(document, dict):
        parts = [f"{name[:40]!r}: {kind_of(value)}" for name, value in list(document.items())[:5]]
        found = f"an object with {listing(parts)}"
    return DataError(f"{source.name} holds {found}. {_EXPECTED}.")


JSON_RECORDS = Format("JSON records", _recognises, _read)
