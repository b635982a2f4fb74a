"""Results of EleutherAI's lm-evaluation-harness: the scores of one model on several tasks."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

from scalefit.errors import DataError, listing
from scalefit.runs.readers.growing_table import GrowingTable
from scalefit.runs.readers.json_values import (
    NAME,
    RecordError,
    as_constants,
    begins_with,
    first_of,
    is_scalar,
    kind_of,
    read_document,
)
from scalefit.runs.readers.reading import Format, Reading, Refusal
from scalefit.runs.readers.source import Source

#: What stands beside the results, in every version or in some.
_BESIDE = ("versions", "configs", "config", "n-shot", "group_subtasks", "lm_eval_version")
_FIRST = re.compile(rb'\s*\{\s*"results"\s*:\s*\{')
_SECOND = re.compile(rb'"(versions|n-shot|lm_eval_version|group_subtasks)"\s*:')
#: The columns of every row, before the metrics.
_FIXED = ("run", "task", "filter", "is_group", "n_shot", "version", "documents")
#: Entries of a result that are no metrics.
_NO_METRICS = ("alias", "name", "sample_len", "sample_count", " ")
#: Parts that are large, or describe the machine and the tasks and not the model.
_LEFT_OUT = (
    "groups", "group_subtasks", "configs", "higher_is_better", "pretty_env_info", "chat_template", "system_instruction",
    "task_hashes", "samples",
)  # fmt: skip
_MODEL_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")
_IN_ROWS = ("results", "versions", "n-shot", "n-samples", "model_name")


def _recognises(source: Source) -> bool:
    if not begins_with(source, b"{") or b'"results"' not in source.head:
        return False
    return bool(_FIRST.match(source.head) or _SECOND.search(source.head))


def _read(source: Source) -> Reading:
    document = read_document(source)
    try:
        if not is_results(document):
            raise DataError(
                f"{source.name} holds {kind_of(document)}; expected results of lm-evaluation-harness: "
                f"'results' with one object per task, and 'versions' or 'configs' beside it."
            )
        return read_results(source, document)
    except RecordError as error:
        raise DataError(f"{source.name} cannot be read: it {error}.") from error


def is_results(document: Any) -> bool:
    """Whether a JSON document holds results of the harness."""
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        return False
    return any(name in document for name in _BESIDE)


def read_results(source: Source, document: dict[str, Any]) -> Reading:
    """One row per task and filter, with its metrics and their standard errors as columns; groups of tasks are marked.

    Raises
    ------
    DataError
        If no task has a result.
    """
    run, notes = _model(document)
    groups = {*_part(document, "groups"), *(name for name, tasks in _part(document, "group_subtasks").items() if tasks)}
    rows: list[dict[str, Any]] = []
    refused: list[Refusal] = []
    other: dict[str, None] = {}
    for task, result in document["results"].items():
        try:
            found = _by_filter(result, other)
        except RecordError as error:
            refused.append(Refusal(f"task {task[:40]!r}", str(error)))
            continue
        about = _about(document, task)
        rows += [
            {**run, "task": task, "filter": chosen, "is_group": task in groups, **about, **metrics}
            for chosen, metrics in found.items()
        ]
    if not rows:
        raise DataError(f"{source.name} holds no result of a task.{first_of(refused)}")
    table = GrowingTable(source)
    table.add_rows(rows)
    table.add_constants(as_constants(_settings(document), {name for row in rows for name in row}))
    frame = table.frame()
    means = int(frame["is_group"].sum())
    if means:
        notes.append(f"{means} of {len(frame)} rows are means of groups of tasks: see is_group")
    left = [*[name for name in _LEFT_OUT if document.get(name)], *other]
    if left:
        notes.append(f"left out: {listing(left)}")
    return Reading(frame, ("one row per task and filter", *notes, *table.notes), tuple(refused))


def _by_filter(result: Any, other: dict[str, None]) -> dict[str, dict[str, float]]:
    """The metrics of a task by the filter that its answers went through; names of all else are added to ``other``."""
    if not isinstance(result, dict):
        raise RecordError(f"is {kind_of(result)}, not an object of metrics")
    found: dict[str, dict[str, float]] = {}
    for key, value in result.items():
        missing = value is None or value in ("", "N/A")
        if key in _NO_METRICS or not (missing or type(value) in (int, float)):
            if key not in _NO_METRICS:
                other[repr(key[:40])] = None
            continue
        metric, comma, chosen = key.rpartition(",")
        if not comma:
            metric, chosen = key, "none"  # before version 0.4 there were no filters
        name = f"metric.{metric}" if metric in _FIXED else metric
        if len(name) > NAME:
            raise RecordError(f"has a name of {len(name):,} characters; {NAME:,} is the most")
        found.setdefault(chosen, {})[name] = math.nan if missing else value
    return found


def _about(document: dict[str, Any], task: str) -> dict[str, Any]:
    """What is known of a task beside its scores."""
    shots = _part(document, "n-shot").get(task, _part(document, "config").get("num_fewshot"))
    version = _part(document, "versions").get(task)
    documents = _part(_part(document, "n-samples"), task).get("effective")
    documents = _part(document["results"], task).get("sample_len") if documents is None else documents
    return {
        "n_shot": shots if is_scalar(shots) else None,
        "version": None if version is None or not is_scalar(version) else str(version),
        "documents": documents if is_scalar(documents) else None,
    }


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside an object; empty where there is none."""
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _model(document: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The column that names the model, and where its name was found."""
    config = _part(document, "config")
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    named = [("model_name", document.get("model_name"))]
    if isinstance(arguments, dict):
        named += [(f"{name} of config.model_args", arguments.get(name)) for name in _MODEL_ARGUMENTS]
    named.append(("config.model", config.get("model")))
    for where, name in named:
        if isinstance(name, str) and name:
            return {"run": name}, [f"run read from {where}"]
    return {}, ["the model is not named"]


def _settings(document: dict[str, Any]) -> dict[str, Any]:
    """Settings of the evaluation as columns."""
    config = _part(document, "config")
    settings = {name: value for name, value in document.items() if name not in (*_LEFT_OUT, *_IN_ROWS, "config")}
    settings = {**config, **{name: value for name, value in settings.items() if name not in config}}
    params = settings.get("model_num_parameters")
    if type(params) is int and params > 0 and "params" not in settings:
        settings["params"] = settings.pop("model_num_parameters")
    with suppress(KeyError, TypeError, ValueError, OverflowError):  # not said, or not as a number
        settings["total_evaluation_time_seconds"] = float(settings["total_evaluation_time_seconds"])
    return settings


LM_EVAL = Format("results of lm-evaluation-harness", _recognises, _read)
