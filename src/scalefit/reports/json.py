"""A fit as JSON, with a schema number, and back. Loading runs no code: a file names laws, it does not hold them.

Numbers come back to the last bit. NaN and infinities, which JSON lacks, are ``{"float": "nan"}``, and so are ``"inf"``
and ``"-inf"``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import DataError, FitError, listing
from scalefit.fitting.coordinates import Coordinates, Kind
from scalefit.fitting.problem import Problem
from scalefit.fitting.setup import Constraints, make_coordinates
from scalefit.fitting.ties import make_ties
from scalefit.fitting.verdict import Verdict
from scalefit.law import Law
from scalefit.reports.entries import Entry, plain, plain_frame
from scalefit.reports.law_references import FitWithoutLaw, kind_of, plain_law, plain_objective, read_law, read_objective
from scalefit.reports.priors import plain_prior, read_prior, with_log_priors
from scalefit.result import Fit
from scalefit.uncertainty.resampling import Counts, Plan, PlanKind
from scalefit.uncertainty.units import DrawnKind, Units

Array = NDArray[np.float64]
T = TypeVar("T")

FORMAT, SCHEMA = "scalefit.fit", 1
#: Estimates of the file and those that follow from its coordinates differ by less, relative, unless it was edited.
SAME = 1e-9
DRAWN: tuple[DrawnKind, ...] = get_args(DrawnKind)
PLANS: tuple[PlanKind, ...] = get_args(PlanKind)


def write_fit(fit: Fit, path: str | Path | None = None) -> str:
    """A fit as JSON text, from which :func:`load_fit` makes the same fit again.

    Parameters
    ----------
    fit : Fit
    path : str, Path or None
        Where the text is also written, in UTF-8.

    Returns
    -------
    str
        One line per part: ``format``, ``schema``, then estimates and verdict for readers, then what rebuilds the fit.

    Raises
    ------
    DataError
        If the objective is a class of the user's own, which a file cannot hold.
    FitError
        If the file cannot be written.
    """
    text = fit.document if isinstance(fit, FitWithoutLaw) else _document(fit)
    if path is not None:
        try:
            Path(path).expanduser().write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise FitError(f"The fit cannot be written to {str(path)!r}: {error}.") from error
    return text


def _document(fit: Fit) -> str:
    parts = {"format": FORMAT, "schema": SCHEMA, **_told(fit), **_recipe(fit), **_uncertainty(fit)}
    lines = (f"{json.dumps(key)}: {json.dumps(part, allow_nan=False)}" for key, part in parts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _told(fit: Fit) -> dict[str, Any]:
    """What a reader without scalefit wants to know."""
    return {
        "law": plain_law(fit.law),
        "estimates": plain(fit.estimates),
        "verdict": fit.verdict,
        "judgement": {f.name: plain(getattr(fit.judgement, f.name)) for f in fields(Verdict)},
        "objective": plain_objective(fit.problem.objective),
        "objective_value": plain(fit.objective),
        "rms": plain(fit.rms),
        "target": fit.target,
        "columns": plain(fit.columns),
        "notes": list(fit.notes),
        "provenance": plain(fit.provenance),
    }


def _recipe(fit: Fit) -> dict[str, Any]:
    """The problem as arrays, and where the fit ended."""
    prior = fit.problem.prior
    return {
        "constraints": {f.name: plain(getattr(fit.constraints, f.name)) for f in fields(Constraints)},
        "prior": None if prior is None else plain_prior(prior),
        "coordinates": {"kinds": list(fit.coordinates.kinds), "u": plain(fit.u), "basins": plain(fit.basins)},
        "inputs": plain(fit.problem.inputs),
        "target_values": plain(fit.problem.target),
        "weights": plain(fit.weights),
        "data": plain_frame(fit.data),
    }


def _uncertainty(fit: Fit) -> dict[str, Any]:
    units, draws, plan = fit.units, fit.draws, fit.plan
    # Without the law its coordinates cannot be drawn from, so what follows from them is written down.
    drawn = kind_of(fit.law) == "python" and draws is None
    return {
        "units": {
            "kind": units.kind,
            "labels": plain(units.labels),
            "block": units.block,
            "order": plain(units.order),
            "names": list(fit.unit_names),
        },
        "n_failed": fit.n_failed,
        "covariance": plain(fit.covariance.to_numpy()),
        "draws": None if draws is None else {"index": plain(list(draws.index)), "values": plain(draws.to_numpy(float))},
        "normal_draws": plain(fit.draws_theta) if drawn else None,
        "plan": None if plan is None else {f.name: plain(getattr(plan, f.name)) for f in fields(Plan)},
        "drawn": fit.drawn,
    }


def load_fit(path: str | Path, law: Law | str | None = None) -> Fit:
    """Load a fit that :meth:`Fit.to_json` wrote; nothing in the file is run.

    Parameters
    ----------
    path : str or Path
    law : Law, name or None
        The law of a fit to a Python function, which a file holds by name only. It must be the one that was fitted: the
        hash of its equation is compared. None: built-in laws are found by name, formulas by their text; of any other
        law the estimates load, and ``predict`` raises.

    Returns
    -------
    Fit
        Predicts, summarises and bootstraps to the last bit as the one written.

    Raises
    ------
    DataError
        If the file is not there, is no fit, is damaged, or was written in a schema of a later version.
    LawError
        If the equation of the law has changed since.

    Examples
    --------
    >>> import tempfile, pandas as pd, scalefit as sf
    >>> runs = pd.DataFrame({"x": [1.0, 2, 4, 8], "loss": [2.0, 1.02, 0.5, 0.25]})
    >>> fit = sf.fit(runs, "power")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = fit.to_json(f"{folder}/fit.json")
    ...     sf.load_fit(f"{folder}/fit.json").estimates == fit.estimates
    True
    """
    return read_fit(_read(path), path, law)


def read_fit(text: str, path: str | Path, law: Law | str | None = None) -> Fit:
    """The fit of a text that :meth:`Fit.to_json` made; errors say that it stands in ``path``."""
    try:
        return _fit_of(Entry(_parsed(text, path), repr(str(path))), text, law)
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # Each part was checked; what still fails together is a file that no fit wrote.
        raise DataError(f"{str(path)!r} is damaged: {error}. Write the file again with fit.to_json(path).") from error


def _read(path: str | Path) -> str:
    if not isinstance(path, str | Path):
        raise DataError(f"load_fit takes the path of a file that fit.to_json(path) wrote; got {type(path).__name__}.")
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        shown = str(path) if len(str(path)) < 200 else f"{str(path)[:200]}…"
        raise DataError(
            f"load_fit takes the path of a file that fit.to_json(path) wrote; {shown!r} cannot be read: {error}."
        ) from error


def _parsed(text: str, path: str | Path) -> object:
    def refuse(name: str) -> NoReturn:
        raise ValueError(f"it holds {name}, which is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{str(path)!r} is not JSON: {error}. Write the file again with fit.to_json(path).") from error


def _check_header(entry: Entry) -> None:
    head = entry.value if isinstance(entry.value, dict) else {}
    if head.get("format") != FORMAT:
        raise DataError(
            f"{entry.place} is not a fit: its format must be {FORMAT!r}; got {head.get('format')!r}. "
            "Give a file that fit.to_json(path) wrote."
        )
    schema = head.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise DataError(
            f"{entry.place} was written in schema {schema!r}; this version of scalefit reads schema {SCHEMA}. "
            "Install a version that reads it, or fit again."
        )


def _fit_of(entry: Entry, text: str, given: Law | str | None) -> Fit:
    _check_header(entry)
    law, whole = read_law(entry["law"], given)
    problem = _problem(entry, law)
    constraints = with_log_priors(_constraints(entry["constraints"], law), problem.prior, law)
    coordinates, u = (_coordinates if whole else _raw_coordinates)(entry, law, constraints, problem)
    _check_estimates(entry["estimates"], law, coordinates, u)
    basins = _basins(entry["coordinates"]["basins"], coordinates.q) if whole else u[None]
    ended = {"constraints": constraints, "coordinates": coordinates, "u": u, "basins": basins}
    parts = {"law": law, "problem": problem, **ended, **_data_parts(entry, problem.n), **_result_parts(entry, law)}
    if whole:
        return Fit(**parts)
    p = len(law.params)
    drawn = entry["normal_draws"].rows(p) if parts["draws"] is None else parts["draws"].to_numpy(float)
    return FitWithoutLaw(
        **parts,
        document=text,
        stored_covariance=entry["covariance"].rows(p, p),
        stored_draws=drawn,
        stored_rms=entry["rms"].number(),
    )


def _data_parts(entry: Entry, n: int) -> dict[str, Any]:
    """What a Fit holds of its n rows."""
    units, names = _units(entry["units"], n)
    weights, data = entry["weights"].array(n, finite=True), entry["data"].frame()
    if (weights < 0).any() or not weights.sum() > 0:
        entry["weights"].fail("a list of numbers from 0, not all zero")
    if len(data) != n:
        entry["data"].fail(f"a table of {n} rows, not {len(data)}")
    return {
        "weights": weights,
        "units": units,
        "unit_names": names,
        "target": entry["target"].text(),
        "columns": {name: column.scalar() for name, column in entry["columns"].named().items()},
        "data": data,
        "provenance": _provenance(entry["provenance"]),
        "notes": entry["notes"].texts(),
    }


def _result_parts(entry: Entry, law: Law) -> dict[str, Any]:
    """What a Fit holds of its answer and its draws."""
    return {
        "judgement": _judgement(entry["judgement"]),
        "objective": entry["objective_value"].number(),
        "draws": _optional(entry["draws"], lambda part: _draws(part, law)),
        "n_failed": entry["n_failed"].whole(),
        "plan": _optional(entry["plan"], _plan),
        "drawn": _optional(entry["drawn"], lambda part: _word(part, DRAWN)),
    }


def _optional(entry: Entry, read: Callable[[Entry], T]) -> T | None:
    return None if entry.absent else read(entry)


def _constraints(entry: Entry, law: Law) -> Constraints:
    def bound(side: Entry) -> float | None:
        return None if side.absent else side.number()

    def pair(part: Entry) -> tuple[Entry, Entry]:
        sides = part.entries()
        return (sides[0], sides[1]) if len(sides) == 2 else part.fail("a list of two")

    bounds = {name: pair(part) for name, part in entry["bounds"].named().items()}
    prior = {name: pair(part) for name, part in entry["prior"].named().items()}
    constraints = Constraints(
        fixed={name: value.finite() for name, value in entry["fixed"].named().items()},
        bounds={name: (bound(low), bound(high)) for name, (low, high) in bounds.items()},
        tie={name: text.text() for name, text in entry["tie"].named().items()},
        prior={name: (centre.finite(), deviation.finite()) for name, (centre, deviation) in prior.items()},
    )
    constraints.check(law)
    return constraints


def _problem(entry: Entry, law: Law) -> Problem:
    target = entry["target_values"].array(finite=True)
    columns = entry["inputs"].entries()
    if len(columns) != len(law.inputs) or not len(target):
        entry["inputs"].fail(f"one list per input of {law.name}, with at least one row")
    inputs = tuple(column.table(len(target)) for column in columns)
    prior = _optional(entry["prior"], lambda part: read_prior(part, len(law.params)))
    return Problem(law, inputs, target, read_objective(entry["objective"]), prior)


def _coordinates(entry: Entry, law: Law, constraints: Constraints, problem: Problem) -> tuple[Coordinates, Array]:
    coordinates = make_coordinates(law, constraints, problem.inputs)
    part = entry["coordinates"]
    if part["kinds"].texts() != coordinates.kinds:
        part["kinds"].fail(f"{list(coordinates.kinds)}, which follows from the law and the constraints")
    return coordinates, part["u"].array(coordinates.q, finite=True)


def _raw_coordinates(entry: Entry, law: Law, constraints: Constraints, problem: Problem) -> tuple[Coordinates, Array]:
    """Coordinates that are the parameters themselves, for a law that cannot be asked for the sizes of its terms."""
    theta = np.array([entry["estimates"][name].number() for name in law.param_names])
    held = {*constraints.fixed, *constraints.tie}
    free = np.array([j for j, name in enumerate(law.param_names) if name not in held], np.intp)
    lower, upper = (np.array([getattr(law.params[j], side) for j in free], float) for side in ("lower", "upper"))
    ties = make_ties(dict(constraints.tie), law.param_names)
    kinds: list[Kind] = ["raw"] * len(free)
    return Coordinates(law, (), theta, free, tuple(kinds), lower, upper, ties), theta[free]


def _check_estimates(entry: Entry, law: Law, coordinates: Coordinates, u: Array) -> None:
    stored = np.array([entry[name].number() for name in law.param_names])
    with np.errstate(all="ignore"):
        theta = coordinates.to_params(u[None])[0][0]
    if not np.allclose(theta, stored, rtol=SAME, atol=0, equal_nan=True):
        raise DataError(f"{entry.place} do not follow from the coordinates in the file: it was edited. Fit again.")


def _basins(entry: Entry, q: int) -> Array:
    basins = entry.rows(q)
    return basins if len(basins) else entry.fail("a list with one row or more")


def _units(entry: Entry, n: int) -> tuple[Units, tuple[str, ...]]:
    kind, labels = entry["kind"].text(["rows", "runs", "blocks"]), entry["labels"].wholes(n, at_most=n - 1)
    names, block = entry["names"].texts(), entry["block"].whole(at_least=1, at_most=n)
    order = _optional(entry["order"], lambda part: part.wholes(n, at_most=n - 1))
    if len(np.unique(labels)) != int(labels.max()) + 1:
        entry["labels"].fail("numbers from 0 without a gap")
    if (order is None) is (kind == "blocks") or (order is not None and len(np.unique(order)) != n):
        entry["order"].fail("every row once for blocks, and nothing else")
    if len(names) != (n if kind == "blocks" else int(labels.max()) + 1):
        entry["names"].fail("one name per unit, or per row for blocks")
    return Units("rows" if kind == "rows" else "runs" if kind == "runs" else "blocks", labels, block, order), names


def _judgement(entry: Entry) -> Verdict:
    status = entry["status"].text(["converged", "not identified", "not converged"])
    return Verdict(
        status="converged"
        if status == "converged"
        else "not identified"
        if status[4:] == "identified"
        else "not converged",
        reasons=entry["reasons"].texts(),
        starts=entry["starts"].whole(),
        agreeing=entry["agreeing"].whole(),
        second=_optional(entry["second"], Entry.number),
        at_bound=entry["at_bound"].texts(),
        condition=entry["condition"].number(),
        gradient=entry["gradient"].number(),
        heights=tuple(part.number() for part in entry["heights"].entries()) if "heights" in entry.named() else (),
    )


def _provenance(entry: Entry) -> Mapping[str, Any]:
    entry["data_hash"].text()
    return {name: part.value for name, part in entry.named().items()}


def _draws(entry: Entry, law: Law) -> pd.DataFrame:
    kept = entry["index"].wholes()
    values = entry["values"].rows(len(law.params), len(kept))
    if not len(kept):
        entry["values"].fail("one draw or more")
    return pd.DataFrame(values, columns=list(law.param_names), index=pd.Index(kept, name="draw"))


def _plan(entry: Entry) -> Plan:
    names = entry["names"].texts()
    rows = [row.array(len(names), finite=True) for row in entry["counts"].entries()]
    table = np.array(rows, float).reshape(len(rows), len(names))
    if (table < 0).any():
        entry["counts"].fail("lists of numbers from 0")
    counts: Counts = table
    if (table == np.floor(table)).all() and (not table.size or table.max() < 2**32):
        counts = table.astype(np.uint32) if table.size and table.max() > 65_535 else table.astype(np.uint16)
    there = entry.named()  # a file of an earlier version holds counts of units and nothing else
    kind = _word(there["kind"], PLANS) if "kind" in there else "counts"
    return Plan(names, counts, entry["token"].text(), kind, there["redrawn"].whole() if "redrawn" in there else 0)


def _word(entry: Entry, words: tuple[T, ...]) -> T:
    text = entry.text()
    return next((word for word in words if word == text), None) or entry.fail(f"one of {listing(words, last='or')}")
