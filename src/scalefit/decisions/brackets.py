"""Laws that bracket the truth: for each kind of table a few that bend differently, with a floor and without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scalefit.errors import ColumnError, DataError, FitError, listing
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.runs.columns import find_column, has_column

#: Inputs in which a curve may run, where no column is named.
SINGLE = ("params", "tokens", "flops", "step", "params_active", "samples")


@dataclass(frozen=True)
class Contender:
    """A law that may be right, and what of it is held.

    Parameters
    ----------
    name : what it is called in the answer.
    law : Law
    fixed : parameter -> value.
    """

    name: str
    law: Law
    fixed: Mapping[str, float] = field(default_factory=dict)


#: Inputs -> names of laws and what of them is held. Kaplan's law of size and data is ``gen_ces`` without its floor.
BRACKETS: Mapping[tuple[str, ...], Mapping[str, tuple[str, Mapping[str, float]]]] = {
    ("params", "tokens", "unique_tokens"): {
        "data_constrained": ("data_constrained", {}),
        "data_constrained without floor": ("data_constrained", {"E": 0.0}),
    },
    ("params", "experts"): {
        "moe_clark": ("moe_clark", {}),
        "moe_clark_floor": ("moe_clark_floor", {}),
        "moe_clark_saturated_floor": ("moe_clark_saturated_floor", {}),
    },
    ("params_active", "tokens", "experts"): {
        "moe_joint": ("moe_joint", {}),
        "moe_joint without floor": ("moe_joint", {"c": 0.0}),
    },
    ("params", "streams"): {
        "parscale": ("parscale", {}),
        "parscale without floor": ("parscale", {"E": 0.0}),
    },
    ("params", "tokens"): {
        "chinchilla": ("chinchilla", {}),
        "chinchilla without floor": ("chinchilla", {"E": 0.0}),
        "gen_ces": ("gen_ces", {}),
        "kaplan_nd": ("kaplan_nd", {}),
    },
    ("x",): {
        "m3": ("m3", {}),
        "power_shift_offset": ("power_shift_offset", {}),
        "m4": ("m4", {}),
        "bnsl": ("bnsl", {}),
    },
}


def bracket(inputs: tuple[str, ...]) -> tuple[Contender, ...]:
    """The documented set of laws of these inputs."""
    return tuple(Contender(name, get_law(law), fixed) for name, (law, fixed) in BRACKETS[inputs].items())


def contenders_of(
    laws: Iterable[Law | str] | Mapping[str, Law | str], fixed: Mapping[str, Mapping[str, float]]
) -> tuple[Contender, ...]:
    """The laws that a user names; a mapping gives them names of the user's own, so one law may stand there twice."""
    if isinstance(laws, (str, Law)):
        laws = [laws]
    if isinstance(laws, Mapping):
        named = {str(name): get_law(law) for name, law in laws.items()}
    else:
        found = [get_law(law) for law in laws]
        names = [law.text or law.name for law in found]
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            raise FitError(f"laws holds {listing(twice)} more than once: counted twice, it would outweigh the others.")
        named = dict(zip(names, found, strict=True))
    if not named:
        raise FitError("laws is empty: name at least one law, or leave it out for the documented set.")
    unknown = [name for name in fixed if name not in named]
    if unknown:
        raise FitError(f"fixed names {listing(unknown)}, not among the laws {listing(named)}.")
    curves = [name for name, law in named.items() if law.derive is not None]
    if curves:
        raise FitError(f"forecast is for laws of finished runs; {listing(curves)} is of whole training curves.")
    return tuple(Contender(name, law, dict(fixed.get(name, {}))) for name, law in named.items())


def choose_inputs(
    runs: pd.DataFrame, at: pd.DataFrame, columns: Mapping[str, str], along: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Which documented set a table asks for, and its columns: all inputs stand in both tables and vary in the runs.

    Raises
    ------
    ColumnError
        If an input that varies among the runs is not among the points, though others of its set are.
    DataError
        If no set fits.
    """
    there = {name for name in _asked() if all(has_column(frame, name, columns=columns) for frame in (runs, at))}
    varying = {name for name in there if _varies(runs, name, columns)}
    if "unique_tokens" in there and (repeats_data(runs, columns) or repeats_data(at, columns)):
        varying.add("unique_tokens")  # one amount of data seen several times says what repetition does
    else:
        varying.discard("unique_tokens")
    for inputs in BRACKETS:
        if inputs != ("x",) and set(inputs) <= varying:
            return inputs, dict(columns)
    if "x" not in columns:
        _check_points(runs, at, columns)
    single = _single(runs, at, columns, along)
    if single is None:
        named = listing(str(name) for name in runs.columns)
        raise DataError(
            "forecast knows no set of laws for these columns: it needs params and tokens, params and experts, params "
            "and streams, or one input, in both tables and with different values among the runs; the runs have "
            f"{named}. Name the laws: laws=['chinchilla', …], and the columns: columns={{'params': …}}."
        )
    return ("x",), {**columns, "x": single}


def _check_points(runs: pd.DataFrame, at: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Whether the points lack an input of a set that the runs have: a law of the others would answer silently."""
    for inputs in BRACKETS:
        if inputs == ("x",) or "unique_tokens" in inputs or not all(_varies(runs, name, columns) for name in inputs):
            continue
        missing = [name for name in inputs if not has_column(at, name, columns=columns)]
        if missing and len(missing) < len(inputs):
            here = next(name for name in inputs if name not in missing)
            raise ColumnError(
                f"forecast: {listing(missing)} varies among the runs and is not in the points, which have "
                f"{listing(str(name) for name in at.columns)}. Add it to the points; or, if the answer may be that of "
                f"runs like these, ask for laws of one input: columns={{'x': {here!r}}}."
            )


def repeats_data(frame: pd.DataFrame, columns: Mapping[str, str]) -> bool:
    """Whether some run saw tokens more than once, as far as the table tells."""
    if has_column(frame, "unique_tokens", columns=columns) and has_column(frame, "tokens", columns=columns):
        tokens, unique = (_numbers(frame, name, columns) for name in ("tokens", "unique_tokens"))
        return bool(np.any(tokens > 1.001 * unique))
    if "epochs" in frame.columns:
        return bool(np.any(pd.to_numeric(frame["epochs"], errors="coerce") > 1.001))
    return False


def _asked() -> Sequence[str]:
    return list(dict.fromkeys(name for inputs in BRACKETS for name in inputs if name != "x"))


def _varies(frame: pd.DataFrame, name: str, columns: Mapping[str, str]) -> bool:
    if not has_column(frame, name, columns=columns):
        return False
    values = _numbers(frame, name, columns)
    return bool(np.nanmax(values) > np.nanmin(values) * (1 + 1e-9)) if len(values) else False


def _numbers(frame: pd.DataFrame, name: str, columns: Mapping[str, str]) -> np.ndarray:
    column = find_column(frame, name, needed_by="forecast", columns=columns)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(float)


def _single(runs: pd.DataFrame, at: pd.DataFrame, columns: Mapping[str, str], along: str) -> str | None:
    """The column of the only input: named, or the one known quantity that varies, or what orders the runs."""
    if "x" in columns:
        return columns["x"]
    names = dict.fromkeys((along, *SINGLE, "x"))
    there = [name for name in names if _varies(runs, name, columns) and has_column(at, name, columns=columns)]
    if not there or (len(there) > 1 and along not in there):
        return None
    return find_column(runs, there[0], needed_by="forecast", columns=columns)
