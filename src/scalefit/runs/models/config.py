"""Configs of models: read as data, each number checked."""

from __future__ import annotations

import difflib
import json
import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from scalefit.errors import DataError, listing
from scalefit.runs.sizes import shorten

#: A config has a few thousand bytes; what is far larger is something else.
LARGEST_FILE = 16 * 2**20
LARGEST_COUNT = 10**9

#: Other names of a field, by family.
ALIASES = {
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_hidden_layers": ("n_layer", "num_layers"),
    "num_attention_heads": ("n_head", "num_heads"),
    "intermediate_size": ("n_inner", "ffn_dim", "d_ff"),
    "head_dim": ("d_kv",),
    "max_position_embeddings": ("n_positions",),
    "num_experts": ("num_local_experts", "n_routed_experts"),
}

#: What a field is and what it may look like, for errors.
MEANINGS = {
    "hidden_size": ("the width of the model", 4096),
    "num_hidden_layers": ("the number of layers", 32),
    "num_attention_heads": ("the number of attention heads", 32),
    "num_key_value_heads": ("the number of heads of keys and values", 8),
    "head_dim": ("the width of an attention head", 128),
    "intermediate_size": ("the width inside the feed-forward", 14336),
    "vocab_size": ("the number of tokens known", 32000),
    "max_position_embeddings": ("the number of positions", 2048),
    "num_experts": ("the number of experts", 64),
    "num_experts_per_tok": ("the number of experts a token takes", 8),
    "moe_intermediate_size": ("the width inside an expert", 1024),
}


@dataclass(frozen=True)
class Config:
    """A config and the family whose fields it should have.

    Attributes
    ----------
    family : str
        For errors: whose fields these are.
    fields : mapping
        The config as it was given.
    """

    family: str
    fields: Mapping[Any, Any]

    def value(self, name: str) -> Any:
        """What a field holds under any of its names; None if it is not there.

        Raises
        ------
        DataError
            If two names of the field are there and differ.
        """
        found = [(other, self.fields[other]) for other in (name, *ALIASES.get(name, ())) if other in self.fields]
        found = [(other, value) for other, value in found if value is not None]
        if len(found) > 1:
            (first, value), *others = found
            for other, also in others:
                if shorten(also) != shorten(value):
                    raise DataError(
                        f"count_params: the config has {first!r} {shorten(value)} and {other!r} "
                        f"{shorten(also)}, two names of the same; drop one."
                    )
        return found[0][1] if found else None

    def count(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """A whole number from ``least`` to 1e9; a field that is not there is ``default``, or an error without one."""
        number = self.optional_count(name, least=least)
        if number is not None:
            return number
        if default is None:
            self._missing(name)
        return default

    def optional_count(self, name: str, *, least: int = 1) -> int | None:
        """A whole number from ``least`` to 1e9, or None if the field is not there."""
        value = self.value(name)
        if value is None:
            return None
        try:
            number = least - 1 if isinstance(value, bool) else operator.index(value)
        except TypeError:
            number = least - 1
        if not least <= number <= LARGEST_COUNT:
            self.refuse(name, value, f"a whole number from {least} to {LARGEST_COUNT:,}")
        return number

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, value, "true or false")
        return value

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self.refuse(name, value, "a text")
        return value

    def refuse(self, name: str, value: object, expected: str) -> NoReturn:
        """Raise for a field that holds something else than it must.

        Raises
        ------
        DataError
            Always.
        """
        known = [other for other in (name, *ALIASES.get(name, ())) if other in self.fields]
        example = f'; write "{known[0] if known else name}": {MEANINGS[name][1]}' if name in MEANINGS else ""
        raise DataError(
            f"count_params: {known[0] if known else name!r} of a {self.family} config must be {expected}; "
            f"got {shorten(value)}{example}."
        )

    def _missing(self, name: str) -> NoReturn:
        names = [name, *ALIASES.get(name, ())]
        meaning, example = MEANINGS.get(name, ("", 1))
        there = [key for key in self.fields if isinstance(key, str)]
        close = [key for wanted in names for key in difflib.get_close_matches(wanted, there, n=1)]
        own = f' Add "{name}" as it is in your model; {example} is one of another model.'
        hint = f" Is it {close[0]!r}? Rename it." if close else own
        also = f" (or {listing(map(repr, names[1:]), last='or')})" if len(names) > 1 else ""
        raise DataError(
            f"count_params: a {self.family} config needs {name!r}{also}{', ' if meaning else ''}{meaning}.{hint}"
        )


def read_config(source: object) -> Mapping[Any, Any]:
    """The fields of a config: a mapping as it is, or a JSON file, or the ``config.json`` in a folder.

    Nothing in the file is run.

    Raises
    ------
    DataError
        If there is no such file, or if it does not hold one JSON object.
    """
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            "count_params: config must be a path to a config.json or a mapping with its fields; got "
            f"{shorten(source)}. Of a loaded model: count_params(model.config.to_dict())."
        )
    text = _text_of(source)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"count_params: {os.fspath(source)} is not JSON: {reason}.") from None
    if not isinstance(fields, dict):
        raise DataError(
            f"count_params: {os.fspath(source)} must hold one JSON object, the fields of a config; "
            f"it holds a {type(fields).__name__}."
        )
    return fields


def _text_of(source: str | os.PathLike[str]) -> str:
    try:
        path = Path(source)
        path = path / "config.json" if path.is_dir() else path
        if not path.is_file():
            raise FileNotFoundError
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise DataError(f"count_params: {path} has more than {LARGEST_FILE // 2**20} MiB: not a config of a model.")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        text = isinstance(source, str) and source.lstrip()[:1] == "{"
        hint = "Text that is JSON already: count_params(json.loads(text))." if text else "Give the path of a config."
        raise DataError(f"count_params: there is no file {shorten(os.fspath(source))}. {hint}") from None
    except UnicodeDecodeError:
        raise DataError(f"count_params: {os.fspath(source)} is not text in UTF-8, so not a config.json.") from None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"count_params: {shorten(os.fspath(source))} cannot be read: {error}.") from None
