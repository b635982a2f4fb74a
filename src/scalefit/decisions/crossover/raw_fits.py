"""The raw runs behind two fits: what a crossover of laws is checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scalefit.decisions.crossover.raw import RawCrossover, near, weigh_raw, words_of
from scalefit.decisions.crossover.raw_curves import Rows
from scalefit.decisions.route import Route, each_of, known_names
from scalefit.errors import FitError

if TYPE_CHECKING:
    from scalefit.decisions.crossover.record import Crossover


def check_raw(told: Crossover, *, tolerance: float, draws: int, rng: np.random.Generator | int | None) -> RawCrossover:
    """Ask the runs that were fitted what was asked of their laws."""
    asked = told.question
    if callable(asked.path) or not (np.isfinite(tolerance) and tolerance > 1):
        what = "tolerance is a factor above 1, such as 1.25" if not callable(asked.path) else "a path of one's own"
        raise FitError(f"Raw runs cannot be chosen: {what}; got {asked.path if callable(asked.path) else tolerance!r}.")
    at, ratio = (each_of(word, said, told.names) for word, said in (("at", asked.at), ("ratio", asked.ratio)))
    sets, said = {}, []
    for name, route in zip(told.names, told.routes, strict=True):
        sets[name] = _rows(route, at[name] or {}, ratio[name], tolerance)
        said.append(words_of(at[name], ratio[name], tolerance, asked.along))
    return weigh_raw(sets, asked.along, told.target, said[0], told.better, told.level, draws, rng)


def _rows(route: Route, at: dict[str, float], ratio: float | None, tolerance: float) -> Rows:
    """The rows of a fit near what was held fixed."""
    fit, names = route.fit, known_names(route.fit)
    seen = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
    kept = np.ones(fit.n_rows, bool)
    for name, value in at.items():
        if names.get(name) in seen:
            kept &= near(seen[names[name]], float(value), tolerance)
    if ratio is not None and {"params", "tokens"} <= set(seen):
        kept &= near(seen["tokens"] / seen["params"], float(ratio), tolerance)
    goes = names.get(route.along, route.along)
    along = seen[goes] if goes in seen else route.spends(seen["params"], seen["tokens"])
    rows = np.flatnonzero(kept)
    units = (
        np.unique(fit.units.labels[rows], return_inverse=True)[1] if fit.units.kind == "runs" else np.arange(len(rows))
    )
    target = fit.data[fit.target].to_numpy(float)
    return Rows(along[rows], target[rows], np.asarray(units, np.intp))
