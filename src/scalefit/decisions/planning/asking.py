"""The number that is asked for, draw by draw: rows at which laws are looked at, and what is made of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scalefit.decisions.planning.beliefs import Belief, Places, values_at
from scalefit.decisions.planning.target import Target
from scalefit.errors import FitError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law

#: Sizes looked at for the best one, over so many decades to either side of 20 tokens a parameter; places of a crossing.
SIZES, DECADES, CROSSINGS = 81, 3.0, 121
TOKENS_PER_PARAM = 20.0


@dataclass(frozen=True, eq=False)
class Question:
    """A target made ready.

    Attributes
    ----------
    target : Target
    groups : names of the families, in the order of their parameters.
    points : DataFrame, the rows of the answer: points with their family, or one row a family or pair.
    pair : places of the two families that are compared.
    """

    target: Target
    groups: tuple[str, ...]
    points: pd.DataFrame
    pair: tuple[int, int] = (0, 0)

    @property
    def looked_at(self) -> pd.DataFrame | None:
        """Rows whose losses are asked for as they are; None where laws are asked elsewhere."""
        if self.target.kind == "loss":
            return self.points
        if self.target.kind == "difference":
            names = [self.groups[k] for k in self.pair]
            return pd.concat([self.points.assign(**{self.target.by: name}) for name in names], ignore_index=True)
        return None

    def numbers(self, belief: Belief, law: Law, seen: Array) -> Array:
        """(draws, m) of what is asked for, of a crossover the difference at all places of :attr:`reach`.

        ``seen`` are the draws at the rows of ``looked_at``.
        """
        kind = self.target.kind
        if kind == "loss":
            return seen
        if kind == "difference":
            half = seen.shape[1] // 2
            return np.asarray(seen[:, half:] - seen[:, :half])
        if kind == "best_size":
            return self._best_sizes(belief, law)
        return self._gaps(belief, law)

    def _best_sizes(self, belief: Belief, law: Law) -> Array:
        middle = np.sqrt(self.target.flops / 6 / TOKENS_PER_PARAM)
        sizes = middle * np.logspace(-DECADES, DECADES, SIZES)
        there: dict[str, Array | float] = {"params": sizes, "tokens": self.target.flops / 6 / sizes}
        out = []
        for g in range(len(self.groups)):
            values = values_at(belief.prior, belief.z, _places(law, there, g))
            out.append(_lowest(np.log(sizes), values))
        return np.stack(out, axis=1)

    @property
    def reach(self) -> Array:
        """Places at which a crossover is looked for."""
        return np.geomspace(*self.target.reach, CROSSINGS)

    def inputs_along(self, law: Law, along: Array) -> dict[str, Array | float]:
        """The inputs of a law at places along the quantity of a crossover."""
        held = dict(self.target.held or {})
        if self.target.along == "flops" and "flops" not in law.inputs and law.inputs != ("x",):
            ratio = held.pop("tokens_per_param", TOKENS_PER_PARAM)
            params = np.sqrt(along / 6 / ratio)
            return {"params": params, "tokens": ratio * params, **held}
        return {law.inputs[0] if law.inputs == ("x",) else self.target.along: along, **held}

    def _gaps(self, belief: Belief, law: Law) -> Array:
        there = self.inputs_along(law, self.reach)
        first, second = (values_at(belief.prior, belief.z, _places(law, there, g)) for g in self.pair)
        return np.asarray(second - first)


def make_question(target: Target, runs: pd.DataFrame, candidates: pd.DataFrame) -> Question:
    """The families and the rows of the answer.

    Raises
    ------
    FitError
        If two families are needed and there are more or fewer, or one that is named is not there.
    """
    by, pair = target.by, (0, 0)
    if not by:
        points = target.at if target.at is not None else pd.DataFrame(index=range(1))
        return Question(target, ("all",), points.reset_index(drop=True) if target.kind != "loss" else points)
    tables = [frame[by] for frame in (runs, candidates, target.at) if frame is not None and by in frame.columns]
    groups = tuple(dict.fromkeys(str(name) for table in tables for name in table))
    if not groups:
        raise FitError(f"No family is known: neither runs, candidates nor the target have a column {by!r}.")
    if target.kind in ("difference", "crossover"):
        asked = target.between or groups
        missing = [str(name) for name in asked if str(name) not in groups]
        if len(asked) != 2 or missing:
            raise FitError(
                f"A {target.kind} is of two families; {by!r} has {listing(groups)}. Pass between=({groups[0]!r}, …)."
            )
        pair = (groups.index(str(asked[0])), groups.index(str(asked[1])))
        target = replace(target, between=(str(asked[0]), str(asked[1])))
    return Question(target, groups, _rows(target, groups), pair)


def _rows(target: Target, groups: Sequence[str]) -> pd.DataFrame:
    """The rows of the answer."""
    if target.kind == "difference" and target.at is not None:
        return target.at.reset_index(drop=True)
    if target.kind == "crossover":
        return pd.DataFrame({"along": [target.along]})
    if target.kind == "best_size" or target.at is None:
        return pd.DataFrame({target.by: list(groups)})
    if target.by in target.at.columns:
        return target.at
    return pd.concat([target.at.assign(**{target.by: name}) for name in groups], ignore_index=True)


def _places(law: Law, there: dict[str, Array | float], group: int) -> Places:
    missing = [name for name in law.inputs if name not in there]
    if missing:
        raise FitError(
            f"{law.name} also asks for {listing(missing)}: a target of this kind needs them held, held={{…}}, "
            "or laws of params and tokens."
        )
    arrays = np.broadcast_arrays(*(np.asarray(there[name], float) for name in law.inputs))
    return Places(tuple(np.atleast_1d(x) for x in arrays), np.full(np.size(arrays[0]), group))


def _lowest(x: Array, values: Array) -> Array:
    """(B,): where each row of (B, n) is lowest, between the points by a parabola."""
    k = np.argmin(values, axis=1)
    inner = np.clip(k, 1, len(x) - 2)
    rows = np.arange(len(values))
    low, middle, high = (values[rows, inner + d] for d in (-1, 0, 1))
    bend = low - 2 * middle + high
    shift = np.where(bend > 0, 0.5 * (low - high) / np.where(bend > 0, bend, 1.0), 0.0)
    found = x[inner] + np.clip(shift, -1, 1) * (x[1] - x[0])
    return np.asarray(np.where(k == inner, found, x[k]))
