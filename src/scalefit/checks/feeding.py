"""Which laws find their columns in a table, and so which columns a fit would use."""

from __future__ import annotations

from collections.abc import Iterable

from scalefit.law import Law
from scalefit.laws import catalogue

#: What the one variable of a law may stand for.
VARIABLES = ("flops", "tokens", "params", "step")
#: What a person chooses: laws that predict one of these describe optima or tuned settings, not a table of runs.
CHOSEN = ("params", "tokens", "lr", "batch_tokens", "flops_test")
#: Columns a missing value of which stops nearly every fit. Compute is none of them: few laws want it and no other.
CORE = ("loss", "params", "tokens", "x")


def needs_of(law: Law) -> tuple[str, ...]:
    """The columns that a law needs, its output last; of the one variable of a law nothing is said here."""
    derived = law.derive.columns if law.derive else ()
    plain = [name for name in law.inputs if name not in derived and name != "x"]
    return (*(("run", "step", "lr") if derived else ()), *plain, law.output)


def missing_of(law: Law, there: Iterable[str]) -> tuple[str, ...]:
    """The columns that a law needs and the table lacks."""
    columns = set(there)
    if {"params", "tokens"} <= columns:
        columns.add("flops")
    lacking = [name for name in needs_of(law) if name not in columns]
    if law.inputs == ("x",) and not columns & {"x", *VARIABLES}:
        lacking.insert(0, "x")
    return tuple(lacking)


def fed_laws(there: Iterable[str]) -> tuple[Law, ...]:
    """The laws of measurements all of whose columns are there."""
    columns = tuple(there)
    return tuple(law for law in catalogue().values() if law.output not in CHOSEN and not missing_of(law, columns))


def used_columns(there: Iterable[str]) -> frozenset[str]:
    """The columns that a fit of some law with all its columns would use."""
    columns = set(there)
    used: set[str] = set()
    for law in fed_laws(columns):
        used |= set(needs_of(law))
        if law.inputs == ("x",):
            used |= columns & {"x", *VARIABLES}
        if "flops" in used and "flops" not in columns:
            used |= {"params", "tokens"}
    return frozenset(used & columns)
