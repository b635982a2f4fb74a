"""What a run was configured with, from a file that lies next to its log."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scalefit.errors import DataError
from scalefit.runs.readers.assembly import Scalar, flatten
from scalefit.runs.readers.json_values import read_document
from scalefit.runs.readers.source import Source, reason_of

#: Names of such files, the first that is there first.
NAMES = tuple(
    f"{stem}{ending}" for stem in ("config", "params", "args", "hparams") for ending in (".json", ".yaml", ".yml")
)
#: Where Hydra keeps the configuration of a run.
HYDRA = ".hydra/config.yaml"
#: Larger files hold no configuration.
MOST_BYTES = {".json": 2**20, ".yaml": 2**18, ".yml": 2**18}
#: As many settings a run may have.
MOST_SETTINGS = 2_000
#: As deep may brackets be nested.
_DEPTH = 100
#: Settings in which Weights & Biases keeps its own affairs.
_ITS_OWN = ("_wandb", "wandb_version")
#: A number that YAML 1.1 takes for text, since it has no point.
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def side_file(folder: Path) -> Path | None:
    """The file with the configuration of the runs in a folder."""
    return next((folder / name for name in (*NAMES, HYDRA) if (folder / name).is_file()), None)


def read_settings(path: Path) -> dict[str, Scalar]:
    """The settings of a run under dotted names.

    Parameters
    ----------
    path : a file of JSON or YAML.

    Raises
    ------
    DataError
        If it cannot be read, is no mapping of settings, is far too large for one, or needs PyYAML.
    """
    source = Source(path, progress=False)
    if source.size > MOST_BYTES[path.suffix]:
        raise DataError(f"{source.name} is too large for a configuration ({source.size:,} bytes).")
    settings = read_document(source) if path.suffix == ".json" else _read_yaml(source)
    if not isinstance(settings, Mapping):
        raise DataError(f"{source.name} holds no settings, but a {type(settings).__name__}.")
    flat = flatten({name: _plain(value) for name, value in settings.items() if name not in _ITS_OWN})
    if len(flat) > MOST_SETTINGS:
        raise DataError(f"{source.name} holds {len(flat):,} settings; a configuration has at most {MOST_SETTINGS:,}.")
    return {name: value for name, value in flat.items() if value is not None}


def _plain(value: Any) -> Any:
    """A setting without the wrapper {"value": …, "desc": …} of Weights & Biases."""
    wrapped = isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "desc"}
    return value["value"] if wrapped else value


def _read_yaml(source: Source) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise DataError(f"Reading {source.name} needs PyYAML: pip install 'scalefit[yaml]'.") from error
    wrong = (yaml.YAMLError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
    try:
        text = source.path.read_text(encoding="utf-8")
        if _depth(text) > _DEPTH:  # PyYAML takes the square of the depth in time
            raise DataError(f"{source.name} cannot be read: it is nested more than {_DEPTH} deep.")
        # An alias repeats what it names, and nine lines of them make a thousand million values.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise DataError(f"{source.name} repeats parts of itself (&, *), which is not read.")
        return _numbers(yaml.safe_load(text))
    except wrong as error:
        raise DataError(f"{source.name} cannot be read: {reason_of(error)}.") from error


def _depth(text: str) -> int:
    """How many brackets are open at most."""
    steps = (1 if mark in "[{" else -1 for mark in re.findall(r"[\[\]{}]", text))
    return max(itertools.accumulate(steps), default=0)


def _numbers(value: Any) -> Any:
    """Values with ``3e-4`` as the number that it is."""
    if isinstance(value, dict):
        return {name: _numbers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value
