"""What goes to workers and comes back, as bytes in which laws are named where both sides know them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from scalefit.law import Law
from scalefit.laws import catalogue


def pack(value: object, laws: Sequence[Law] = ()) -> bytes:
    """Any value as bytes; ``laws`` are those that the other side has too.

    A law holds a function, which pickle would look for under a name that is the law's. Where both sides know a law it
    goes as its name, so that what comes back holds the very law that was given.
    """
    from cloudpickle import CloudPickler

    class Pickler(CloudPickler):  # type: ignore[misc] # it has no types
        def persistent_id(self, thing: object) -> tuple[str, int | str] | None:
            return _reference(thing, laws) if isinstance(thing, Law) else None

        def reducer_override(self, thing: Any) -> Any:
            base = _base_of(thing, laws) if isinstance(thing, Law) else None
            if base is None:
                return super().reducer_override(thing)
            changed = {f.name: getattr(thing, f.name) for f in fields(Law)}
            return _changed, (base, {name: new for name, new in changed.items() if new is not getattr(base, name)})

    file = io.BytesIO()
    Pickler(file).dump(value)
    return file.getvalue()


def unpack(packed: bytes, laws: Sequence[Law] = ()) -> Any:
    """The value again."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, reference: tuple[str, Any]) -> Law:
            kind, name = reference
            return laws[name] if kind == "given" else catalogue()[name]

    return Unpickler(io.BytesIO(packed)).load()


def pack_laws(laws: Sequence[Law]) -> bytes:
    """Laws for workers that do not have them yet."""
    for law in laws:
        _ = law.equation_hash  # of a function typed at a prompt, which workers cannot read the source of
    return pack(tuple(laws))


@lru_cache(maxsize=8)
def unpack_laws(packed: bytes) -> tuple[Law, ...]:
    """The same laws for every chunk that a worker is given."""
    laws: tuple[Law, ...] = unpack(packed)
    return laws


def run_packed(laws: bytes, chunk: bytes) -> bytes:
    """What a worker does: unpack a function and what it is called with, call it, pack what it returns."""
    known = unpack_laws(laws)
    call: Callable[[Any], Any]
    call, value = unpack(chunk, known)
    return pack(call(value), known)


def _reference(law: Law, laws: Sequence[Law]) -> tuple[str, int | str] | None:
    place = next((i for i, known in enumerate(laws) if known is law), None)
    if place is not None:
        return "given", place
    return ("catalogue", law.name) if catalogue().get(law.name) is law else None


def _base_of(law: Law, laws: Sequence[Law]) -> Law | None:
    """The law known to both sides of which this one is a copy with other bounds or settings."""
    known = (*laws, *filter(None, [catalogue().get(law.name)]))
    return next((base for base in known if base.function is law.function and base is not law), None)


def _changed(base: Law, changes: dict[str, Any]) -> Law:
    return replace(base, **changes)
