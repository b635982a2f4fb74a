"""Groups of options: a command takes each as one record, and the command line as options of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def flat(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function with every group of options spread out, all to be given by name.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Draws:
    ...     draws: int = 1000
    ...     seed: int = 0
    >>> def compare(file: str, resampling: Draws) -> None: ...
    >>> [str(one) for one in flat(compare)]
    ['file: str', 'draws: int = 1000', 'seed: int = 0']
    """
    spread: list[inspect.Parameter] = []
    for one in inspect.signature(function, eval_str=True).parameters.values():
        if is_dataclass(one.annotation):
            hints = get_type_hints(one.annotation, include_extras=True)
            for field in fields(one.annotation):
                default = inspect.Parameter.empty if field.default is MISSING else field.default
                spread.append(by_name(field.name, default, hints[field.name]))
        else:
            spread.append(by_name(one.name, one.default, one.annotation))
    return spread


def gathered(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given for the parameters of :func:`flat`, with every group of options put together again."""
    together: dict[str, Any] = {}
    for one in inspect.signature(function, eval_str=True).parameters.values():
        if isinstance(one.annotation, type) and is_dataclass(one.annotation):
            together[one.name] = one.annotation(**{field.name: given[field.name] for field in fields(one.annotation)})
        else:
            together[one.name] = given[one.name]
    return together


def by_name(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    """A parameter that is given by name."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
