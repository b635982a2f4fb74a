"""A law as a file names it, and found again without running anything that the file holds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.definition import formula_law
from scalefit.errors import DataError, LawError, listing
from scalefit.law import Law
from scalefit.laws import catalogue, get_law
from scalefit.objectives import Absolute, Asymmetric, Cauchy, Huber, Objective, Square
from scalefit.parameter import Param
from scalefit.reports.entries import Entry, plain
from scalefit.result import Fit

Array = NDArray[np.float64]

OBJECTIVES: dict[str, type[Square | Huber | Absolute | Cauchy]] = {
    kind.__name__: kind for kind in (Square, Huber, Absolute, Cauchy)
}


@dataclass(frozen=True, eq=False, repr=False)
class FitWithoutLaw(Fit):
    """A loaded fit whose law is a Python function that was not given: it tells what was estimated, and no more.

    Attributes
    ----------
    document : str
        The JSON text it came from; written again as it is.
    stored_covariance, stored_draws : array
        (p, p) and (draws, p), in raw units.
    stored_rms : float
    """

    document: str = ""
    stored_covariance: Array | None = None
    stored_draws: Array | None = None
    stored_rms: float = np.nan

    @cached_property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters in raw units, as it was written."""
        names = list(self.law.param_names)
        return pd.DataFrame(self.stored_covariance, index=names, columns=names)

    @cached_property
    def draws_theta(self) -> Array:
        """(draws, p) as they were written."""
        return cast(Array, self.stored_draws)

    @cached_property
    def rms(self) -> float:
        """Root of the mean squared residual, as it was written."""
        return self.stored_rms


def plain_law(law: Law) -> dict[str, Any]:
    """What a file says of a law: enough to know it again, and the whole of a formula."""
    known = kind_of(law)
    settings = dict(law.derive.settings) if law.derive else {}
    return {
        "kind": known,
        "name": law.name,
        "equation_hash": law.equation_hash,
        "settings": plain(settings),
        "inputs": list(law.inputs),
        "output": law.output,
        "params": [{f.name: plain(getattr(param, f.name)) for f in fields(Param)} for param in law.params],
        "linear": list(law.linear),
        "text": law.text,
        "objective": plain_objective(law.objective) if known == "formula" else None,
    }


def kind_of(law: Law) -> str:
    """Where a law comes from: built-in, formula or python."""
    built_in = catalogue().get(law.name)
    if built_in is not None and built_in.function is law.function:
        return "built-in"
    return "formula" if law.text else "python"


def plain_objective(objective: Objective) -> dict[str, Any]:
    """The class of an objective and its fields.

    Raises
    ------
    DataError
        If it is a class of the user's own, which a file cannot hold.
    """
    if type(objective) is Asymmetric:
        return {"name": "Asymmetric", "above": plain(objective.above), "base": plain_objective(objective.base)}
    kind = OBJECTIVES.get(type(objective).__name__)
    if kind is None or type(objective) is not kind:
        raise DataError(
            f"A fit with the objective {objective!r} cannot be written: a file holds "
            f"{listing([*OBJECTIVES, 'Asymmetric'])}."
        )
    return {"name": kind.__name__, **{f.name: plain(getattr(objective, f.name)) for f in fields(kind)}}


def read_objective(entry: Entry) -> Objective:
    """An objective by the name of its class; only those of scalefit are known."""
    name = entry["name"].text([*OBJECTIVES, "Asymmetric"])
    if name == "Asymmetric":
        base = read_objective(entry["base"])
        if isinstance(base, Square | Huber | Absolute | Cauchy):
            return Asymmetric(entry["above"].number(), base)
        entry["base"].fail("an objective that is not itself asymmetric")
    values: dict[str, Any] = {}
    for part in fields(OBJECTIVES[name]):
        values[part.name] = entry[part.name].text() if part.name == "on" else entry[part.name].number()
    return OBJECTIVES[name](**values)


def read_law(entry: Entry, given: Law | str | None) -> tuple[Law, bool]:
    """The law that a file names, with its bounds as fitted, and whether it can be evaluated.

    Parameters
    ----------
    entry : what :func:`plain_law` wrote.
    given : the law of ``load_fit(path, law=…)``, or None.

    Raises
    ------
    LawError
        If the law is not the one that was fitted: its equation, its names or its settings differ.
    """
    kind, name = entry["kind"].text(["built-in", "formula", "python"]), entry["name"].text()
    params = tuple(_read_param(param) for param in entry["params"].entries())
    if given is not None:
        law = get_law(given)
    elif kind == "built-in":
        law = get_law(name)
    elif kind == "formula":
        law = _read_formula(entry, params)
    else:
        return _law_without_equation(entry, name, params), False
    law = _with_settings(law, entry["settings"])
    _check_same(law, entry, params, kind, given is not None)
    return replace(law, params=params), True


def _read_param(entry: Entry) -> Param:
    return Param(
        name=entry["name"].text(),
        lower=entry["lower"].number(),
        upper=entry["upper"].number(),
        low=entry["low"].number(),
        high=entry["high"].number(),
        unit=entry["unit"].text(),
        of=entry["of"].text(),
        coordinate="log" if entry["coordinate"].text(["raw", "log"]) == "log" else "raw",
    )


def _read_formula(entry: Entry, params: tuple[Param, ...]) -> Law:
    law = formula_law(
        entry["text"].text(),
        inputs=entry["inputs"].texts(),
        output=entry["output"].text(),
        params=params,
        objective=read_objective(entry["objective"]),
    )
    return replace(law, name=entry["name"].text())


def _with_settings(law: Law, entry: Entry) -> Law:
    settings = {name: value.scalar() for name, value in entry.named().items()}
    return law.with_settings(**settings) if settings else law


def _check_same(law: Law, entry: Entry, params: tuple[Param, ...], kind: str, given: bool) -> None:
    """Raise a LawError unless the law is the one that was fitted."""
    stored = entry["equation_hash"].text()
    same_names = tuple(param.name for param in params) == law.param_names
    same = same_names and law.inputs == entry["inputs"].texts() and law.linear == entry["linear"].texts()
    if same and law.equation_hash == stored:
        return
    hashes = f"equation hash {stored} in the file, {law.equation_hash} now"
    name = entry["name"].text()
    if given:
        raise LawError(
            f"The law given, {law.name}, is not the {name} that was fitted ({hashes}): pass that one, or fit again."
        )
    if kind == "formula":
        raise DataError(f"{entry.place}: the formula is not the one that was fitted ({hashes}): the file was edited.")
    raise LawError(
        f"The equation of {name} has changed since this fit was written ({hashes}), so the fit cannot predict: "
        "fit again, or install the version of scalefit that stands in the file under provenance."
    )


def _law_without_equation(entry: Entry, name: str, params: tuple[Param, ...]) -> Law:
    """A law that has names and bounds, and says what to pass when asked for a value."""

    def refuse(*values: Any) -> Any:
        raise LawError(
            f"{name} is a Python function, which a file does not hold, so this fit can only tell its estimates: "
            f"load it with load_fit(path, law={name if name.isidentifier() else 'my_law'})."
        )

    return Law(
        name=name,
        function=refuse,
        inputs=entry["inputs"].texts(),
        output=entry["output"].text(),
        params=params,
        source="a Python function that was not given",
    )
