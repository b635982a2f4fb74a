"""What a function is, as text that another session finds the same: whether a call goes on with what another began."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pandas as pd

from scalefit.law import Law
from scalefit.many.manifest import frame_hash

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def call_text(call: Callable[..., Any]) -> str:
    """A function by its name and code, with what was given to it beforehand; what it reads elsewhere is not seen."""
    if isinstance(call, functools.partial):
        given = [_text(one) for one in call.args]
        given += [f"{name}={_text(value)}" for name, value in sorted(call.keywords.items())]
        return f"{call_text(call.func)}({', '.join(given)})"
    if isinstance(call, FunctionType):
        if call.__module__.partition(".")[0] == __package__.partition(".")[0]:
            return f"{call.__module__}.{call.__qualname__}"  # the same in another version
        held = [_text(cell.cell_contents) for cell in call.__closure__ or ()]
        given = [_text(call.__defaults__), _text(call.__kwdefaults__)]
        digest = hashlib.sha256("|".join([_code(call.__code__), *held, *given]).encode()).hexdigest()[:12]
        return f"{call.__module__}.{call.__qualname__} {digest}"
    return _ADDRESS.sub("", repr(call))


def _code(code: CodeType) -> str:
    consts = ", ".join(_code(one) if isinstance(one, CodeType) else _text(one) for one in code.co_consts)
    return f"{code.co_code.hex()} {code.co_names} {consts}"


def _text(value: Any) -> str:
    """A value as text that is equal where the value is."""
    if isinstance(value, pd.DataFrame):
        return f"table {frame_hash(value)}"
    if isinstance(value, pd.Series):
        return f"table {frame_hash(value.to_frame('value'))}"
    if isinstance(value, np.ndarray):
        return f"array {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]}"
    if isinstance(value, Law):
        return f"{value.name} {value.equation_hash}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(_text, value))) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_text, value)) + ")"
    return call_text(value) if isinstance(value, functools.partial | FunctionType) else _ADDRESS.sub("", repr(value))
