"""The catalogue: every law found in the modules of this package, by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import pandas as pd

from scalefit.errors import LawError, did_you_mean
from scalefit.law import Law


@cache
def catalogue() -> Mapping[str, Law]:
    """All built-in laws by name; a new file or function here needs no entry anywhere."""
    found: dict[str, Law] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Law):
                found[value.name] = value
    return MappingProxyType(found)


def get_law(name: str | Law) -> Law:
    """The law of that name; a Law is returned as it is.

    Parameters
    ----------
    name : str or Law
        A name that :func:`list_laws` shows.

    Returns
    -------
    Law
        Its equation, inputs, parameters, source and published constants.

    Raises
    ------
    LawError
        If no law is called that; the message names the closest.

    Examples
    --------
    >>> get_law("chinchilla").param_names
    ('E', 'A', 'alpha', 'B', 'beta')
    """
    if isinstance(name, Law):
        return name
    if not isinstance(name, str):
        raise LawError(
            f"A law is a name or a Law; got {type(name).__name__}. For a formula, use formula_law(text, inputs=…)."
        )
    if name not in catalogue():
        raise LawError(f"No law is called {name!r}.{did_you_mean(name, catalogue())} sf.list_laws() shows them all.")
    return catalogue()[name]


def list_laws() -> pd.DataFrame:
    """A frame of the built-in laws: what each reads and predicts, how well it was checked, what comes with it.

    Returns
    -------
    DataFrame
        Indexed by ``law``: ``topic`` (the module of ``scalefit.laws`` that it stands in), ``equation``, ``inputs``,
        ``output``, ``params``, ``published`` (names for ``law.with_constants``), ``derived`` (names for
        ``fit.derive``), ``verified`` and ``source``. Lists of names are text, with commas.

    Examples
    --------
    >>> list_laws().loc["power", ["inputs", "output", "params", "topic"]].tolist()
    ['x', 'loss', 'A, alpha', 'power']
    """
    rows = [
        {
            "law": law.name,
            "topic": _topic_of(law),
            "equation": f"{law.output} = {law.formula()}",
            "inputs": ", ".join(law.inputs),
            "output": law.output,
            "params": ", ".join(law.param_names),
            "published": ", ".join(law.published),
            "derived": ", ".join(law.derived),
            "verified": law.verified,
            "source": law.source,
        }
        for law in catalogue().values()
    ]
    return pd.DataFrame(rows).set_index("law")


def _topic_of(law: Law) -> str:
    """The module of this package in which a law stands; laws made from a text name another one."""
    package, _, module = law.function.__module__.rpartition(".")
    if package == __name__:
        return module
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = {name: vars(importlib.import_module(f"{__name__}.{name}")) for name in names}
    return next(name for name, held in modules.items() if any(value is law for value in held.values()))
