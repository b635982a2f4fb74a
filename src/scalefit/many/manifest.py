"""What a folder of results was made of: enough to tell whether another call may go on with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit import tables
from scalefit.estimation.call import FitCall
from scalefit.law import Law
from scalefit.many.groups import Groups

if TYPE_CHECKING:
    from scalefit.many.record import ManyFits

#: Folders of fits, and those of other answers, with the versions of their tables that can be read, the last written.
FORMAT, ANSWERS = "scalefit.many", "scalefit.many.answers"
SCHEMAS = {FORMAT: (1, 2), ANSWERS: (1,)}
#: What writes a folder, and what reads it.
WRITERS = {FORMAT: ("fit_many", "sf.load_fits"), ANSWERS: ("map_groups", "sf.load_answers")}
Manifest = dict[str, Any]


def manifest_of(
    groups: Groups,
    call: FitCall,
    weights: str | Sequence[float] | None,
    schedules: tables.Schedules | None,
    settings: Mapping[str, Any],
) -> Manifest:
    """What a call of ``fit_many`` is made of, without its random numbers."""
    given = {f.name: _text(getattr(call, f.name)) for f in fields(FitCall) if f.name not in ("law", "weights")}
    given["weights"] = weights if isinstance(weights, str) or weights is None else _digest(np.asarray(weights, float))
    given["schedules"] = None if schedules is None else _of_schedules(schedules)
    return {
        **_head(call.law, groups.by, groups.single, groups.count, settings),
        "data": frame_hash(groups.frame),
        "arguments": {name: text for name, text in given.items() if text is not None},
    }


def manifest_of_fits(fits: ManyFits, settings: Mapping[str, Any]) -> Manifest:
    """What a bootstrap of many fits is made of."""
    digest = hashlib.sha256(frame_hash(fits.names).encode())
    for place in range(len(fits.names)):
        if place not in fits.reasons:
            fitted = fits.found[place]
            digest.update(f"{fitted.provenance['data_hash']}{fitted.seed}".encode())
    head = _head(fits.law, fits.by, fits.single, len(fits.names), settings)
    return {**head, "data": digest.hexdigest()[:16], "arguments": {}}


def manifest_of_answers(groups: Groups, call: str) -> Manifest:
    """What a call of ``map_groups`` is made of; ``call`` is the function as text."""
    return {
        "format": ANSWERS,
        "schema": SCHEMAS[ANSWERS][-1],
        "by": list(groups.by),
        "single": groups.single,
        "groups": groups.count,
        "data": frame_hash(groups.frame),
        "call": call,
    }


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """What differs between the manifest of a folder and that of a call, in words."""
    said = []
    for name in dict.fromkeys([*there, *asked]):
        old, new = there.get(name), asked.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            said += differences(old, new)
        elif old != new:
            said.append(
                "the table of runs has other values or rows" if name == "data" else f"{name} was {old}, is {new}"
            )
    return said


def frame_hash(frame: pd.DataFrame) -> str:
    """A hash of the values of a table, row by row, with the names of its columns and its index."""
    digest = hashlib.sha256(repr([str(name) for name in frame.columns]).encode())
    digest.update(pd.util.hash_pandas_object(frame[[]], index=True).to_numpy().tobytes())
    for name in frame.columns:
        column = frame[name]
        try:
            hashed = pd.util.hash_pandas_object(column, index=False)
        except TypeError:  # lists and the like in cells
            hashed = pd.util.hash_pandas_object(column.map(repr), index=False)
        digest.update(hashed.to_numpy().tobytes())
    return digest.hexdigest()[:16]


def _head(law: Law, by: Sequence[str], single: bool, count: int, settings: Mapping[str, Any]) -> Manifest:
    return {
        "format": FORMAT,
        "schema": SCHEMAS[FORMAT][-1],
        "law": law.name,
        "equation": law.equation_hash,
        "params": [repr(param) for param in law.params],
        "by": list(by),
        "single": single,
        "groups": count,
        **settings,
    }


def _text(value: Any) -> str | None:
    """An argument as text that is equal where the argument is."""
    if value is None:
        return None
    if hasattr(value, "dumps"):  # lmfit.Parameters
        return str(value.dumps())
    if isinstance(value, Mapping):
        return repr({str(key): _text(value[key]) for key in sorted(value, key=str)})
    return repr(value)


def _of_schedules(schedules: tables.Schedules) -> str:
    digest = hashlib.sha256()
    for name in sorted(schedules, key=str):
        digest.update(f"{name!r}".encode() + np.ascontiguousarray(schedules[name].rates).tobytes())
    return digest.hexdigest()[:16]


def _digest(values: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]
