"""Where a fit comes from: a hash of its data, the call, the versions."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from scalefit.fitting.problem import Array, Problem
from scalefit.fitting.setup import Constraints
from scalefit.law import Law

PACKAGES = ("scalefit", "numpy", "scipy", "pandas")


def record(
    problem: Problem,
    weights: Array,
    law: Law,
    constraints: Constraints,
    columns: Mapping[str, str],
    told: Mapping[Any, Any],
) -> dict[str, Any]:
    """What is needed to say which data and which call a fit came from.

    ``told`` are the attributes of the table: what was done to it, and which rows were left out on the way.
    """
    call = {
        "law": law.name,
        "equation_hash": law.equation_hash,
        "settings": dict(law.derive.settings) if law.derive else {},
        "columns": dict(columns),
        "objective": repr(problem.objective),
        "constraints": {name: dict(value) for name, value in vars(constraints).items() if value},
    }
    return {
        "data_hash": data_hash(problem, weights),
        "rows_used": problem.n,
        "rows_dropped": {str(where): str(why) for where, why in told.get("scalefit_refused", ())},
        "history": [str(note) for note in told.get("scalefit_notes", ())],
        "call": call,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
    }


def data_hash(problem: Problem, weights: Array) -> str:
    """A hash of the numbers that a fit used, row by row."""
    digest = hashlib.sha256()
    for array in (*problem.inputs, problem.target, weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def seed_of(provenance: Mapping[str, Any], law: Law, u: Array, target: str) -> int:
    """A seed made of data and answer: the same for the same fit, another for any other."""
    text = repr((provenance["data_hash"], law.equation_hash, u.tobytes(), target))
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
